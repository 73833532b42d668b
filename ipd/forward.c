/*
 * forward.c - packets that are not for us, when we are asked to be a router
 *
 * A received slot is not ours to write, so a packet that goes on is copied to
 * one of our own.  Directed broadcasts (RFC 2644), multicast, link-local and
 * source-routed packets are not forwarded, and no redirects are sent.
 */
#include <netinet/in.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "ipd/icmp_tx.h"
#include "ipd/show.h"
#include "ipd/tx.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	OFF_HOP_LIMIT = 7, /* in the IPv6 header */
	TCP_DATA_OFFSET_AT = 12,
};

static bool refuse(struct ipd *ip, struct received *r, uint32_t reason,
    const struct icmp_saying *what)
{
	icmp_complain(ip, r, what);
	return ipd_drop(ip, &r->d, reason);
}

static bool too_big(struct ipd *ip, struct received *r, uint32_t mtu)
{
	struct icmp_saying what = {
		.type = ICMP_UNREACHABLE,
		.code = ICMP_FRAG_NEEDED,
		.info = mtu,
	};

	if (!ip_is_v4(&r->src))
		what = (struct icmp_saying){
			.type = ICMP6_PACKET_TOO_BIG,
			.info = mtu,
			.even_if_multicast = true,
		};
	return refuse(ip, r, CNT_FWD_TOO_BIG, &what);
}

/* Bytes on the wire of each packet that linkd will make of it. */
static uint32_t wire_len(const struct received *r)
{
	uint32_t l4 = 8;

	if (r->d.gso_size == 0)
		return r->len;
	if (r->proto == IPPROTO_TCP &&
	    r->upper_at + TCP_DATA_OFFSET_AT < r->len)
		l4 = (r->p[r->upper_at + TCP_DATA_OFFSET_AT] >> 4) * 4U;
	return r->upper_at + l4 + r->d.gso_size;
}

/* In the copy; the received bytes stay as they are. */
static void take_one_hop(const struct received *r, uint8_t *p)
{
	if (ip_is_v4(&r->src))
		ipv4_ttl_decrement(p);
	else
		p[OFF_HOP_LIMIT] = (uint8_t)(r->hops - 1);
}

static bool send_copy(
    struct ipd *ip, struct received *r, const struct fib_answer *way)
{
	struct ring_out *out = ip->down[way->link];
	struct desc d = r->d;
	char next[IP_TEXT_LEN];
	uint8_t *slot;

	if (!node_room(&ip->n, out, 1))
		return false;
	slot = node_alloc(&ip->n, SLOT_HEADROOM + r->len, &d);
	if (slot == NULL && ip->n.home.p.nbig == 0)
		return ipd_drop(ip, &r->d, CNT_FWD_NO_SLOT);
	if (slot == NULL)
		return false;
	memcpy(slot + SLOT_HEADROOM, r->p, r->len);
	take_one_hop(r, slot + SLOT_HEADROOM);
	d.off = SLOT_HEADROOM;
	d.link = way->link;
	d.l4 = (uint16_t)r->upper_at;
	d.flags &= PKT_CSUM_PARTIAL | PKT_GSO_ECN;
	d.dst = way->next_hop;
	show_tx(ip, slot + SLOT_HEADROOM, &d);
	node_note(&ip->n, "not for us: forwarded with %u hops left to %s on %s",
	    r->hops - 1U, ip_text(&d.dst, next),
	    ip->n.topo->links[d.link].name);
	node_put(&ip->n, out, &d);
	node_count(&ip->n, CNT_FORWARDED);
	node_give_back(&ip->n, &r->d);
	return true;
}

/* A checksum left to the device must be finished before it is cut up. */
static void finish_checksum(const struct desc *d, uint8_t *p, uint32_t len)
{
	uint32_t at = (uint32_t)d->csum_start + d->csum_offset;
	uint16_t check;

	if (!(d->flags & PKT_CSUM_PARTIAL) || at + 2 > len)
		return;
	check =
	    csum_fold_udp(csum_add(0, p + d->csum_start, len - d->csum_start));
	be16_put(p + at, check);
}

/* IPv4 without DF, longer than the next link takes. */
static bool send_cut(
    struct ipd *ip, struct received *r, const struct fib_answer *way)
{
	struct desc whole = { .kind = PKT_DATA };
	struct pieces p = {
		.d = { .kind = PKT_DATA,
		    .link = way->link,
		    .proto = r->proto,
		    .dst = way->next_hop },
		.v4 = true,
		.h4 = r->h4,
		.len = r->len - r->h4.hdr_len,
		.mtu = way->mtu,
	};
	uint8_t *slot = node_alloc(&ip->n, r->len, &whole);
	enum send_pieces sent;

	if (slot == NULL && ip->n.home.p.nbig == 0)
		return ipd_drop(ip, &r->d, CNT_FWD_NO_SLOT);
	if (slot == NULL)
		return false;
	memcpy(slot, r->p, r->len);
	finish_checksum(&r->d, slot, r->len);
	p.h4.ttl--;
	p.payload = slot + r->h4.hdr_len;
	sent = send_in_pieces(ip, &p);
	node_unalloc(&ip->n, &whole);
	switch (sent) {
	case PIECES_LATER:
		return false;
	case PIECES_IMPOSSIBLE:
		return ipd_drop(ip, &r->d, CNT_FWD_NO_SLOT);
	case PIECES_SENT:
		break;
	}
	node_count(&ip->n, CNT_FORWARDED);
	node_give_back(&ip->n, &r->d);
	return true;
}

static bool no_route(struct ipd *ip, struct received *r)
{
	struct icmp_saying what = {
		.type = ICMP_UNREACHABLE,
		.code = ICMP_NET_UNREACHABLE,
	};

	if (!ip_is_v4(&r->src))
		what = (struct icmp_saying){
			.type = ICMP6_UNREACHABLE,
			.code = ICMP6_NO_ROUTE,
		};
	return refuse(ip, r, CNT_FWD_NO_ROUTE, &what);
}

/* RFC 4291, 2.5.6; RFC 3927, 2.7: never beyond its link. */
static bool is_link_bound(struct ipd *ip, struct received *r)
{
	struct icmp_saying what = {
		.type = ICMP6_UNREACHABLE,
		.code = ICMP6_BEYOND_SCOPE,
	};

	if (!ip_is_link_local(&r->src) && !ip_is_link_local(&r->dst))
		return false;
	if (!ip_is_v4(&r->src) && !ip_is_link_local(&r->dst))
		return refuse(ip, r, CNT_FWD_LINK_LOCAL, &what);
	return ipd_drop(ip, &r->d, CNT_FWD_LINK_LOCAL);
}

bool rx_forward(struct ipd *ip, struct received *r)
{
	static const struct icmp_saying ttl4 = { ICMP_TIME_EXCEEDED,
		ICMP_TTL_EXCEEDED, 0, false };
	static const struct icmp_saying ttl6 = { ICMP6_TIME_EXCEEDED,
		ICMP6_HOP_LIMIT_EXCEEDED, 0, false };
	bool v4 = ip_is_v4(&r->src);
	struct fib_answer way;

	if ((r->d.flags & PKT_LINK_BROADCAST) || rx_looped(ip, r))
		return ipd_drop(ip, &r->d, CNT_FWD_TO_MANY);
	if (is_link_bound(ip, r))
		return true;
	if (r->hops <= 1)
		return refuse(ip, r, CNT_FWD_TTL, v4 ? &ttl4 : &ttl6);
	if (fib_lookup(&ip->fib, &r->dst, LINK_ANY, &way) < 0)
		return no_route(ip, r);
	if (way.kind != FIB_UNICAST || ip->down[way.link] == NULL)
		return ipd_drop(ip, &r->d, CNT_FWD_TO_MANY);
	if (wire_len(r) <= way.mtu)
		return send_copy(ip, r, &way);
	if (!v4 || r->h4.df || r->d.gso_size != 0)
		return too_big(ip, r, way.mtu);
	return send_cut(ip, r, &way);
}
