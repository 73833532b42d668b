/*
 * reassemble.c - fragments that came in, and the datagrams they become
 *
 * A fragment is copied out and its slot goes home at once.  A datagram that is
 * complete is written into a slot of our own and goes on as if it had come
 * like that.  The last fragment is left in its ring until there is a slot and
 * room for whatever may follow, for then there is no way back.
 */
#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "ipd/icmp_tx.h"
#include "ipd/quote.h"
#include "ipd/rx.h"

enum {
	/* Entries that a datagram may need in any ring, if the ring is free. */
	ROOM_FOR_WHOLE = 4,

	EXPIRE_IN_A_TURN = 16,
};

static uint32_t zone_of(const struct received *r)
{
	return ip_is_link_local(&r->src) || ip_is_link_local(&r->dst)
	    ? r->d.link
	    : 0;
}

static bool room_everywhere(struct ipd *ip)
{
	for (uint32_t l = 0; l < ip->n.topo->nlinks; l++)
		if (ip->down[l] != NULL &&
		    !node_room(&ip->n, ip->down[l], ROOM_FOR_WHOLE))
			return false;
	for (uint32_t p = 0; p < ip->n.topo->nprocs; p++)
		if (ip->up[p] != NULL &&
		    !node_room(&ip->n, ip->up[p], ROOM_FOR_WHOLE))
			return false;
	return true;
}

/* All pieces are there; @r is the last that came. */
static bool complete(struct ipd *ip, struct received *r, uint32_t done)
{
	size_t len = reassembly_len(&ip->reasm, done);
	struct received whole = {
		.whole = true,
		.d = { .kind = PKT_DATA,
		    .len = (uint32_t)len,
		    .link = r->d.link,
		    .flags = r->d.flags & (PKT_LOOP | PKT_LINK_BROADCAST) },
	};
	uint8_t *slot;

	if (!room_everywhere(ip))
		return false;
	slot = node_alloc(&ip->n, (uint32_t)len, &whole.d);
	if (slot == NULL && ip->n.home.p.nbig == 0)
		return ipd_drop(ip, &r->d, CNT_REASM_NO_SLOT);
	if (slot == NULL)
		return false;
	reassembly_take(&ip->reasm, done, slot);
	node_count(&ip->n, CNT_REASSEMBLED);
	node_give_back(&ip->n, &r->d);

	whole.p = slot;
	if (!rx_packet(ip, &whole))
		ipd_drop(ip, &whole.d, CNT_REASM_NO_SLOT);
	return true;
}

static bool add(
    struct ipd *ip, struct received *r, const struct reassembly_fragment *f)
{
	uint32_t done = 0;
	enum reassembly_result result =
	    reassembly_add(&ip->reasm, f, ip->n.now, &done);

	if (ip->evicted != ip->reasm.evicted)
		node_count_other(
		    &ip->n, CNT_REASM_EVICTED, ip->reasm.evicted - ip->evicted);
	ip->evicted = ip->reasm.evicted;
	switch (result) {
	case REASM_LATER:
		return false;
	case REASM_COMPLETE:
		return complete(ip, r, done);
	case REASM_HELD:
		node_note(&ip->n, "a fragment: kept until all are there");
		node_count(&ip->n, CNT_FRAGMENTS_RECEIVED);
		node_give_back(&ip->n, &r->d);
		return true;
	case REASM_DUPLICATE:
	case REASM_OVERLAP:
	case REASM_EMPTY:
	case REASM_MALFORMED:
	case REASM_TOO_LONG:
	case REASM_BAD_HEADER:
	case REASM_TOO_MANY:
	case REASM_BAD_ECN:
		break;
	}
	return ipd_drop(
	    ip, &r->d, CNT_REASM_DUPLICATE + result - REASM_DUPLICATE);
}

bool rx_fragment4(struct ipd *ip, struct received *r)
{
	struct reassembly_fragment f = {
		.src = r->src,
		.dst = r->dst,
		.id = r->h4.id,
		.zone = zone_of(r),
		.proto = r->proto,
		.ecn = r->tclass & 3,
		.more = r->h4.mf,
		.offset = r->frag_offset,
		.hdr_len = r->h4.hdr_len,
		.len = (uint16_t)(r->len - r->h4.hdr_len),
		.hdr = r->p,
		.data = r->p + r->h4.hdr_len,
	};

	return add(ip, r, &f);
}

bool rx_fragment6(
    struct ipd *ip, struct received *r, const struct ipv6_chain *chain)
{
	struct reassembly_fragment f = {
		.src = r->src,
		.dst = r->dst,
		.id = chain->frag.id,
		.zone = zone_of(r),
		.next_header = chain->frag.next_header,
		.ecn = r->tclass & 3,
		.more = chain->frag.more,
		.offset = chain->frag.offset,
		.hdr_len = (uint16_t)chain->frag_at,
		.named_at = (uint16_t)chain->frag_named_at,
		.len = (uint16_t)(r->len - chain->upper_at),
		.hdr = r->p,
		.data = r->p + chain->upper_at,
	};

	return add(ip, r, &f);
}

/* The first fragment came, so its sender may hear of it. */
static void complain_of_timeout(
    struct ipd *ip, const struct reassembly_expired *e)
{
	bool v4 = ip_is_v4(&e->src);
	struct quote q;
	struct received r = {
		.p = e->quote,
		.len = e->quote_len,
		.src = e->src,
		.dst = e->dst,
		.d.link =
		    ip_is_link_local(&e->src) ? (uint8_t)e->zone : LINK_ANY,
	};

	if ((v4 ? quote_parse4(&q, e->quote, e->quote_len)
		: quote_parse6(&q, e->quote, e->quote_len)) != QUOTE_OK)
		return;
	r.proto = q.proto;
	r.upper_at = q.transport_at;
	icmp_complain_both(ip, &r, ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_EXCEEDED,
	    ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY_EXCEEDED);
}

void rx_expire(struct ipd *ip)
{
	struct reassembly_expired e;

	for (int i = 0; i < EXPIRE_IN_A_TURN; i++) {
		if (!reassembly_expire(&ip->reasm, ip->n.now, &e))
			return;
		node_count(&ip->n, CNT_REASM_TIMEOUT);
		if (e.quote_len > 0)
			complain_of_timeout(ip, &e);
	}
}
