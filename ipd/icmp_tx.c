/*
 * icmp_tx.c - sending ICMP errors: may it be, how often, from which address
 */
#include "ipd/icmp_tx.h"

#include <netinet/in.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "ipd/icmp_rules.h"
#include "ipd/tx.h"
#include "shm/siphash.h"

enum {
	/* Internetwork control (RFC 1812, 4.3.2.5). */
	TOS_OF_ERRORS = 6 << 5,

	/* To one destination a second, and at once (Linux: icmp_ratelimit). */
	PEER_RATE = 1,
	PEER_BURST = 6,
	DRAWS = 3, /* 0, 1, or 2 tokens for an error: 1 on average */
};

static bool is_v4(const struct received *r)
{
	return ip_is_v4(&r->src);
}

static int icmp_type_of(const struct received *r)
{
	if (r->frag_offset != 0 || r->upper_at >= r->len)
		return ICMP_TYPE_UNKNOWN;
	return r->p[r->upper_at];
}

static bool is_allowed(const struct ipd *ip, const struct received *r,
    const struct icmp_saying *what)
{
	struct icmp_cause cause = {
		.src = r->src,
		.dst = r->dst,
		.proto = r->proto,
		.icmp_type = icmp_type_of(r),
		.frag_offset = r->frag_offset,
		.link_to_many = (r->d.flags & PKT_LINK_BROADCAST) != 0,
		.src_is_broadcast =
		    fib_is_broadcast(&ip->fib, &r->src, LINK_ANY),
		.dst_is_broadcast =
		    fib_is_broadcast(&ip->fib, &r->dst, LINK_ANY),
	};

	if (is_v4(r))
		return icmp_error_allowed(&cause);
	return icmp6_error_allowed(&cause, what->even_if_multicast);
}

/* RFC 1122, 3.2.2; RFC 4443, 2.2: as whom it was addressed, if it was us. */
static int source_of(
    const struct ipd *ip, const struct received *r, struct ip_addr *ret)
{
	if (fib_is_ours(&ip->fib, &r->dst, NULL)) {
		*ret = r->dst;
		return 0;
	}
	return fib_source(&ip->fib, &r->src, r->d.link, ret);
}

static size_t emit(uint8_t *out, const struct received *r,
    const struct icmp_saying *what, const struct ip_addr *self)
{
	if (is_v4(r)) {
		struct icmp_hdr h = {
			.type = what->type,
			.code = what->code,
			.mtu = (uint16_t)what->info,
			.pointer = (uint8_t)what->info,
		};

		return icmp_emit_error(out, &h, r->p, r->len);
	}
	return icmp6_emit_error(out,
	    &(struct icmp6_hdr){
		.type = what->type,
		.code = what->code,
		.mtu = what->info,
		.pointer = what->info,
	    },
	    self, &r->src, r->p, r->len);
}

static struct ratelimit *limit_of(struct ipd *ip, const struct received *r)
{
	return is_v4(r) ? &ip->s->errors4 : &ip->s->errors6;
}

/*
 * How many errors we still send tells who watches what others made us send: so
 * open UDP ports were found behind a spoofed source (SAD DNS, CVE-2020-25705).
 * Hence a limit for each destination, and one for all that nobody can count
 * down, since an error takes some tokens by lot.
 */
static uint32_t draw(struct ipd *ip)
{
	uint64_t *n = &ip->s->errors_drawn;

	node_touch(&ip->n, n, sizeof(*n));
	(*n)++;
	return (uint32_t)(siphash(ip->s->key, n, sizeof(*n)) % DRAWS);
}

/* NULL: not limited; path MTU discovery needs them, and we don't hide here. */
static struct ratelimit *limit_to(
    struct ipd *ip, const struct received *r, const struct icmp_saying *what)
{
	bool too_big = is_v4(r)
	    ? what->type == ICMP_UNREACHABLE && what->code == ICMP_FRAG_NEEDED
	    : what->type == ICMP6_PACKET_TOO_BIG;

	if (too_big || fib_is_ours(&ip->fib, &r->src, NULL))
		return NULL;
	return &ip->s->errors_to[siphash(ip->s->key, &r->src, sizeof(r->src)) %
	    ICMP_PEERS];
}

static bool may_send(
    struct ipd *ip, const struct ratelimit *all, const struct ratelimit *peer)
{
	const struct topo_icmp *cfg = &ip->n.topo->icmp;

	return ratelimit_ready(all, cfg->rate, cfg->burst, ip->n.now) &&
	    (peer == NULL ||
		ratelimit_ready(peer, PEER_RATE, PEER_BURST, ip->n.now));
}

static void note_sent(
    struct ipd *ip, struct ratelimit *all, struct ratelimit *peer)
{
	node_touch(&ip->n, all, sizeof(*all));
	ratelimit_take_some(all, ip->n.topo->icmp.rate, draw(ip), ip->n.now);
	if (peer == NULL)
		return;
	node_touch(&ip->n, peer, sizeof(*peer));
	ratelimit_take(peer, PEER_RATE, PEER_BURST, ip->n.now);
}

/* It may be sent: build it and hand it down. */
static bool send_error(struct ipd *ip, const struct received *r,
    const struct icmp_saying *what, const struct ip_addr *self)
{
	struct datagram t = {
		.d = { .kind = PKT_DATA,
		    .off = SLOT_HEADROOM,
		    .link = ip_is_link_local(&r->src) ? r->d.link : LINK_ANY,
		    .proto = is_v4(r) ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		    .tclass = is_v4(r) ? TOS_OF_ERRORS : 0,
		    .src = *self,
		    .dst = r->src },
	};

	t.slot = node_alloc(&ip->n, SLOT_HEADROOM + ICMP6_ERROR_MAX, &t.d);
	if (t.slot == NULL)
		return false;
	t.d.len = (uint32_t)emit(t.slot + t.d.off, r, what, self);
	if (tx_datagram(ip, &t))
		return true;
	node_unalloc(&ip->n, &t.d);
	return false;
}

void icmp_complain(
    struct ipd *ip, const struct received *r, const struct icmp_saying *what)
{
	struct ratelimit *all = limit_of(ip, r);
	struct ratelimit *peer = limit_to(ip, r, what);
	struct ip_addr self;

	if (!is_allowed(ip, r, what)) {
		node_count(&ip->n, CNT_ICMP_ERRORS_FORBIDDEN);
		return;
	}
	if (!may_send(ip, all, peer)) {
		node_count(&ip->n, CNT_ICMP_ERRORS_LIMITED);
		return;
	}
	if (source_of(ip, r, &self) < 0) {
		node_count_other(&ip->n, CNT_ICMP_NO_SOURCE, 1);
		return;
	}
	if (!send_error(ip, r, what, &self)) {
		node_count_other(&ip->n, CNT_ICMP_NO_SLOT, 1);
		return;
	}
	note_sent(ip, all, peer);
	node_count(&ip->n, CNT_ICMP_ERRORS_SENT);
	log_debug(&ip->n.log, "icmp error sent, type=%u, code=%u", what->type,
	    what->code);
}

void icmp_complain_both(struct ipd *ip, const struct received *r, uint8_t type4,
    uint8_t code4, uint8_t type6, uint8_t code6)
{
	bool v4 = is_v4(r);
	struct icmp_saying what = {
		.type = v4 ? type4 : type6,
		.code = v4 ? code4 : code6,
	};

	icmp_complain(ip, r, &what);
}
