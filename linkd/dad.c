/*
 * dad.c - duplicate address detection for both families
 */
#include "linkd/dad.h"

#include <assert.h>

enum {
	/* RFC 7527, 4.1: so many more once a probe has come back. */
	MAX_MULTICAST_SOLICIT = 3,
	MAX_PROBES = 250, /* room for those in sent and probes */
};

static_assert(sizeof(struct dad) == 64, "persistent layout");

static const char *const names[] = {
	[DAD_NONE] = "none",
	[DAD_TENTATIVE] = "tentative",
	[DAD_VALID] = "valid",
	[DAD_DUPLICATE] = "duplicate",
};
static_assert(sizeof(names) / sizeof(names[0]) == DAD_NSTATES, "names");

const char *dad_state_name(enum dad_state s)
{
	return s < DAD_NSTATES ? names[s] : "?";
}

#define TO(s) (1U << DAD_##s)
static const uint8_t arrows[DAD_NSTATES] = {
	[DAD_NONE] = TO(TENTATIVE) | TO(NONE),
	[DAD_TENTATIVE] = TO(VALID) | TO(DUPLICATE) | TO(NONE),
	[DAD_VALID] = TO(DUPLICATE) | TO(NONE),
	[DAD_DUPLICATE] = TO(NONE),
};
#undef TO

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* Uniform in [@from, @to) milliseconds. */
static int64_t draw_ns(struct dad *d, uint32_t from_ms, uint32_t to_ms)
{
	uint64_t span = (uint64_t)(to_ms - from_ms) * NS_PER_MS;

	d->random += 0x9e3779b97f4a7c15ULL;
	return (int64_t)from_ms * NS_PER_MS + (int64_t)(mix(d->random) % span);
}

static bool is_v4(const struct dad *d)
{
	return ip_is_v4(&d->ip);
}

/* The only place that changes a state, of a touched record. */
static void set_state(struct dad *d, enum dad_state next, struct mono now)
{
	assert(arrows[d->state] & 1U << next);
	d->state = (uint8_t)next;

	switch (next) {
	case DAD_TENTATIVE:
		d->deadline = now;
		if (is_v4(d) && d->probes > 0)
			d->deadline =
			    mono_add(now, draw_ns(d, 0, ACD_PROBE_WAIT_MS));
		return;
	case DAD_VALID:
		d->to_announce = ACD_ANNOUNCE_NUM;
		d->deadline = now;
		return;
	case DAD_NONE:
	case DAD_DUPLICATE:
	case DAD_NSTATES:
		break;
	}
	d->to_announce = 0;
	d->deadline = MONO_NEVER;
}

void dad_stop(struct dad *d, const struct touch *t)
{
	touch(t, d, sizeof(*d));
	*d = (struct dad){ .deadline = MONO_NEVER };
}

void dad_start(struct dad *d, const struct touch *t, const struct ip_addr *ip,
    const struct dad_conf *conf, uint64_t seed, struct mono now)
{
	uint32_t probes = conf->transmits;

	if (ip_is_v4(ip))
		probes = conf->acd ? ACD_PROBE_NUM : 0;
	if (probes > MAX_PROBES)
		probes = MAX_PROBES;

	dad_stop(d, t);
	d->ip = *ip;
	d->random = seed;
	d->nonce_key = mix(~seed);
	d->retrans_ms = conf->retrans_ms;
	d->acd = conf->acd;
	d->probes = (uint8_t)probes;
	set_state(d, DAD_TENTATIVE, now);
}

bool dad_makes_sense(const struct dad *d)
{
	bool timed = d->deadline.ns != MONO_NEVER.ns;

	switch ((enum dad_state)d->state) {
	case DAD_TENTATIVE:
		return timed && d->sent <= d->probes;
	case DAD_VALID:
		return timed == (d->to_announce > 0);
	case DAD_NONE:
	case DAD_DUPLICATE:
		return true;
	case DAD_NSTATES:
		break;
	}
	return false;
}

/* --- what happened --- */

static void nonce_of(
    const struct dad *d, unsigned probe, uint8_t nonce[DAD_NONCE_LEN])
{
	uint64_t x = mix(d->nonce_key + probe);

	for (int i = 0; i < DAD_NONCE_LEN; i++)
		nonce[i] = (uint8_t)(x >> 8 * i);
}

/* Any of those sent: a slow link may return the last but one. */
static bool is_our_nonce(const struct dad *d, const uint8_t *nonce, size_t len)
{
	uint8_t mine[DAD_NONCE_LEN];

	if (!nonce || len != DAD_NONCE_LEN)
		return false;
	for (unsigned probe = 0; probe < d->sent; probe++) {
		nonce_of(d, probe, mine);
		if (memcmp(mine, nonce, DAD_NONCE_LEN) == 0)
			return true;
	}
	return false;
}

static enum dad_verdict lost(
    struct dad *d, const struct touch *t, const struct mac *rival)
{
	touch(t, d, sizeof(*d));
	d->rival = *rival;
	set_state(d, DAD_DUPLICATE, MONO_NEVER);
	return DAD_LOST;
}

/*
 * RFC 7527, 4.1: go on with three more probes.  It would do so for as long as
 * they come back, which on a link that loops for ever means no address at all;
 * one more round it is, then the loop counts as a mere loop.
 */
static enum dad_verdict looped(struct dad *d, const struct touch *t)
{
	if (!d->looped) {
		touch(t, d, sizeof(*d));
		d->looped = 1;
		d->probes = (uint8_t)(d->probes + MAX_MULTICAST_SOLICIT);
	}
	return DAD_LOOPED;
}

enum dad_verdict dad_heard_ns(struct dad *d, const struct touch *t,
    bool from_any, const uint8_t *nonce, size_t nonce_len,
    const struct mac *mac)
{
	/* From a unicast address: it resolves, it doesn't probe (5.4.3). */
	if (!from_any || is_v4(d))
		return DAD_FINE;
	if (d->state != DAD_TENTATIVE)
		return DAD_FINE;
	if (is_our_nonce(d, nonce, nonce_len))
		return looped(d, t);
	return lost(d, t, mac);
}

enum dad_verdict dad_heard_na(
    struct dad *d, const struct touch *t, const struct mac *mac)
{
	if (is_v4(d))
		return DAD_FINE;
	if (d->state == DAD_TENTATIVE)
		return lost(d, t, mac);
	return d->state == DAD_VALID ? DAD_CONFLICT : DAD_FINE;
}

/* RFC 5227, 2.4: someone sends ARP from the address that we use. */
static enum dad_verdict defend(struct dad *d, const struct touch *t,
    const struct mac *rival, struct mono now)
{
	bool recent = d->conflict.ns != 0 &&
	    mono_since(now, d->conflict) <
		(int64_t)ACD_DEFEND_INTERVAL_MS * NS_PER_MS;

	if (recent && d->acd)
		return lost(d, t, rival);
	if (recent)
		return DAD_CONFLICT; /* c: must not announce again so soon */
	touch(t, d, sizeof(*d));
	d->conflict = now;
	d->rival = *rival;
	if (d->to_announce == 0)
		d->to_announce = 1;
	d->deadline = now;
	return DAD_CONFLICT;
}

enum dad_verdict dad_heard_arp(struct dad *d, const struct touch *t,
    const struct arp_hdr *arp, bool ours, struct mono now)
{
	bool claims = ip_equal(&arp->spa, &d->ip);
	bool probes = arp->op == ARP_REQUEST && ip_equal(&arp->spa, &ip_any4) &&
	    ip_equal(&arp->tpa, &d->ip);

	if (ours)
		return DAD_FINE;

	switch ((enum dad_state)d->state) {
	case DAD_TENTATIVE:
		/* Without acd it is tentative for no time at all. */
		return d->acd && (claims || probes) ? lost(d, t, &arp->sha)
						    : DAD_FINE;
	case DAD_VALID:
		return claims ? defend(d, t, &arp->sha, now) : DAD_FINE;
	case DAD_NONE:
	case DAD_DUPLICATE:
	case DAD_NSTATES:
		break;
	}
	return DAD_FINE;
}

/* --- time --- */

struct mono dad_deadline(const struct dad *d)
{
	bool timed = d->state == DAD_TENTATIVE || d->state == DAD_VALID;

	return timed ? d->deadline : MONO_NEVER;
}

/* How long to listen after the probe just sent. */
static int64_t after_probe_ns(struct dad *d)
{
	if (!is_v4(d))
		return (int64_t)d->retrans_ms * NS_PER_MS;
	if (d->sent == d->probes)
		return (int64_t)ACD_ANNOUNCE_WAIT_MS * NS_PER_MS;
	return draw_ns(d, ACD_PROBE_MIN_MS, ACD_PROBE_MAX_MS);
}

static enum dad_do due_tentative(
    struct dad *d, struct mono now, struct dad_action *a)
{
	if (d->sent == d->probes) {
		set_state(d, DAD_VALID, now);
		return DAD_NOW_VALID;
	}
	if (!is_v4(d))
		nonce_of(d, d->sent, a->nonce);
	d->sent++;
	d->deadline = mono_add(now, after_probe_ns(d));
	return DAD_SEND_PROBE;
}

static enum dad_do due_valid(struct dad *d, struct mono now)
{
	d->to_announce--;
	d->deadline = d->to_announce > 0
	    ? mono_add_ms(now, ACD_ANNOUNCE_INTERVAL_MS)
	    : MONO_NEVER;
	return DAD_SEND_ANNOUNCE;
}

bool dad_tick(struct dad *d, const struct touch *t, struct mono now,
    struct dad_action *ret)
{
	struct dad_action a = { 0 };

	if (!mono_reached(dad_deadline(d), now))
		return false;
	touch(t, d, sizeof(*d));
	if (d->state == DAD_TENTATIVE)
		a.what = due_tentative(d, now, &a);
	else
		a.what = due_valid(d, now);
	*ret = a;
	return true;
}
