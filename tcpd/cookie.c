/*
 * cookie.c - SYN cookies: a half-open connection kept in the peer's hands
 */
#include "tcpd/cookie.h"

#include <string.h>

#include "shm/siphash.h"
#include "tcpd/isn.h"

/*
 * Rounded down to, so each is what some common path really has: 536 (no MSS
 * option), IPv6's least, tunnels, PPPoE, Ethernet for both families, jumbo.
 */
static const uint16_t mss_table[] = {
	COOKIE_MIN_MSS,
	536,
	1220,
	1360,
	1400,
	1440,
	1460,
	8940,
};

enum {
	NMSS = sizeof(mss_table) / sizeof(mss_table[0]),
	USE_COOKIE = 3, /* beside those of isn.c */

	/* The low bits of the timestamp. */
	OPT_WSCALE = 0x0f,
	OPT_SACK = 0x10,
	OPT_ECN = 0x20,
	OPT_MASK = 0x3f,
	OPT_NONE = 0x40, /* there was no timestamp; never on the wire */
};

static const uint32_t LOW24 = 0xffffff;

static uint32_t mss_index(uint16_t mss)
{
	uint32_t i = NMSS - 1;

	while (i > 0 && mss_table[i] > mss)
		i--;
	return i;
}

static uint32_t pack(const struct cookie_options *o)
{
	if (!o->has_ts)
		return OPT_NONE;
	return (uint32_t)(o->wscale & OPT_WSCALE) | (o->sack ? OPT_SACK : 0) |
	    (o->ecn ? OPT_ECN : 0);
}

static struct cookie_options unpack(uint32_t bits, uint16_t mss)
{
	struct cookie_options o = { .mss = mss, .wscale = COOKIE_NO_WSCALE };

	if ((bits & OPT_NONE) != 0)
		return o;
	o.has_ts = true;
	o.wscale = (uint8_t)(bits & OPT_WSCALE);
	o.sack = (bits & OPT_SACK) != 0;
	o.ecn = (bits & OPT_ECN) != 0;
	return o;
}

struct cookie_options cookie_keepable(struct cookie_options o)
{
	return unpack(pack(&o), mss_table[mss_index(o.mss)]);
}

uint32_t cookie_timestamp(uint32_t ts_now, const struct cookie_options *o)
{
	uint32_t ts = (ts_now & ~(uint32_t)OPT_MASK) | (pack(o) & OPT_MASK);

	if ((int32_t)(ts - ts_now) > 0)
		ts -= OPT_MASK + 1;
	return ts;
}

static uint32_t period_of(struct mono now)
{
	return (uint32_t)(now.ns / NS_PER_S / COOKIE_PERIOD_S);
}

/* F1 + SYN + period: what the cookie is without its low part. */
static uint32_t base(
    const uint64_t key[2], const struct tcp_tuple *t, tcp_seq syn)
{
	return (uint32_t)tuple_hash(key, t, USE_COOKIE) + syn.n;
}

/* F2, 24 bits. */
static uint32_t proof(const uint64_t key[2], const struct tcp_tuple *t,
    tcp_seq syn, uint32_t period, uint32_t options)
{
	uint32_t in[4] = { USE_COOKIE, syn.n, period, options };
	uint8_t buf[sizeof(in) + sizeof(*t)];

	memcpy(buf, in, sizeof(in));
	memcpy(buf + sizeof(in), t, sizeof(*t));
	return (uint32_t)siphash(key, buf, sizeof(buf)) & LOW24;
}

tcp_seq cookie_make(const uint64_t key[2], const struct tcp_tuple *t,
    tcp_seq syn, struct mono now, const struct cookie_options *o)
{
	uint32_t period = period_of(now);
	uint32_t low = proof(key, t, syn, period, pack(o));

	low = (low + mss_index(o->mss)) & LOW24;
	return seq_of(base(key, t, syn) + (period << 24) + low);
}

bool cookie_check(struct cookie_options *ret, const uint64_t key[2],
    const struct tcp_tuple *t, tcp_seq cookie, tcp_seq syn, bool has_ts,
    uint32_t ts_ecr, struct mono now)
{
	uint32_t options = has_ts ? ts_ecr & OPT_MASK : OPT_NONE;
	uint32_t rest = cookie.n - base(key, t, syn);
	uint32_t now_period = period_of(now);
	/* How many periods ago it was made, modulo 256: this one or the last.
	 */
	uint32_t age = (now_period - (rest >> 24)) & 0xff;
	uint32_t mss;

	if (age > 1)
		return false;
	mss = (rest - proof(key, t, syn, now_period - age, options)) & LOW24;
	if (mss >= NMSS)
		return false;
	*ret = unpack(options, mss_table[mss]);
	return true;
}
