/*
 * tx.c - datagrams from transports: the way, the source, the header
 */
#include "ipd/tx.h"

#include <errno.h>
#include <netinet/in.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	TCP_DATA_OFFSET_AT = 12,
	MULTICAST_HOPS = 1, /* RFC 1112, 6.1; RFC 3493, 5.2 */
};

static bool is_v4(const struct datagram *t)
{
	return ip_is_v4(&t->d.dst);
}

bool tx_drop(struct ipd *ip, const struct datagram *t, uint32_t reason)
{
	struct tap_record *hand = NULL;
	bool aside = node_tapping(&ip->n) && t->from == NULL;

	if (aside)
		hand = node_tap_aside(&ip->n);
	ipd_drop(ip, &t->d, reason);
	if (aside)
		node_tap_back(&ip->n, hand);
	return true;
}

bool tx_refuse(struct ipd *ip, struct datagram *t, uint32_t reason,
    uint8_t type, uint8_t code, uint32_t info)
{
	struct ring_out *out = t->from ? ip->up[t->from->from] : NULL;
	struct desc d = t->d;

	if (out == NULL)
		return tx_drop(ip, t, reason);
	/* Never wait for room upwards: the transport may be waiting for us. */
	if (out->cut || !node_room(&ip->n, out, 1)) {
		node_count_other(&ip->n, CNT_TX_ERROR_NO_ROOM, 1);
		return tx_drop(ip, t, reason);
	}
	node_count(&ip->n, reason);
	d.kind = PKT_ERROR;
	d.icmp_type = type;
	d.icmp_code = code;
	d.icmp_from = 0;
	d.icmp_info = info;
	node_put(&ip->n, out, &d);
	return true;
}

static bool no_route(struct ipd *ip, struct datagram *t, uint32_t reason)
{
	if (is_v4(t))
		return tx_refuse(
		    ip, t, reason, ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, 0);
	return tx_refuse(ip, t, reason, ICMP6_UNREACHABLE, ICMP6_NO_ROUTE, 0);
}

static bool too_big(struct ipd *ip, struct datagram *t)
{
	if (is_v4(t))
		return tx_refuse(ip, t, CNT_TX_TOO_BIG, ICMP_UNREACHABLE,
		    ICMP_FRAG_NEEDED, t->mtu);
	return tx_refuse(
	    ip, t, CNT_TX_TOO_BIG, ICMP6_PACKET_TOO_BIG, 0, t->mtu);
}

/* Payload in the app's ring comes on top of what lies in the slot. */
static uint32_t payload_of(const struct datagram *t)
{
	struct ref ref[2];
	uint32_t len = t->d.len;

	if (t->d.flags & PKT_REFS) {
		memcpy(ref, t->slot, sizeof(ref));
		len += (uint32_t)ref[0].len + ref[1].len;
	}
	return len;
}

/* Where in its header a protocol has its checksum; 0: we don't know it. */
static uint16_t checksum_at(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

/* The checksum field holds the pseudo header's sum, somebody finishes it. */
static bool begin_checksum(struct datagram *t, const struct ip_addr *src)
{
	uint16_t at = checksum_at(t->d.proto);
	uint32_t sum = 0;

	if (!(t->d.flags & PKT_CSUM_PARTIAL)) {
		t->d.csum_start = 0;
		t->d.csum_offset = 0;
		return true;
	}
	if (at == 0 || at + 2U > t->d.len)
		return false;
	if (t->d.proto != IPPROTO_ICMP)
		sum = csum_pseudo(src, &t->d.dst, t->d.proto, t->payload);
	be16_put(t->slot + t->d.off + at, csum_fold_partial(sum));
	t->d.csum_start = (uint16_t)t->hdr_len;
	t->d.csum_offset = at;
	return true;
}

bool tx_heeds_reports(uint8_t proto)
{
	return proto != IPPROTO_TCP;
}

uint32_t tx_path_mtu(
    const struct ipd *ip, const struct ip_addr *dst, uint8_t link, uint32_t mtu)
{
	uint32_t path =
	    pmtu_get(&ip->s->pmtu, ip->s->key, dst, link, ip->n.now);

	return path != 0 && path < mtu ? path : mtu;
}

/* A packet that stays on its link goes out by that of its source. */
static void choose_link(const struct ipd *ip, struct datagram *t)
{
	const struct ip_addr *dst = &t->d.dst;

	if (t->d.link == LINK_ANY && !ip_is_any(&t->d.src) &&
	    (ip_is_multicast(dst) || ip_is_broadcast(dst) ||
		ip_is_link_local(dst)))
		fib_is_ours(&ip->fib, &t->d.src, &t->d.link);
}

int tx_find_way(const struct ipd *ip, struct datagram *t)
{
	choose_link(ip, t);
	if (fib_lookup(&ip->fib, &t->d.dst, t->d.link, &t->way) < 0 ||
	    ip->down[t->way.link] == NULL)
		return -ENETUNREACH;
	if ((t->d.flags & PKT_NO_ROUTE) && t->way.kind == FIB_UNICAST &&
	    !ip_equal(&t->way.next_hop, &t->d.dst))
		return -ENETUNREACH;
	if (t->way.kind == FIB_BROADCAST && !(t->d.flags & PKT_BROADCAST_OK))
		return -EACCES;
	t->mtu = t->way.mtu;
	if (t->way.kind == FIB_LOCAL)
		t->mtu = LOOP_MTU;
	else if (t->way.kind == FIB_UNICAST && tx_heeds_reports(t->d.proto))
		t->mtu = tx_path_mtu(ip, &t->d.dst, t->way.link, t->way.mtu);
	return 0;
}

/* Fills in t->way and t->mtu; or refuses the datagram and returns false. */
static bool find_way(struct ipd *ip, struct datagram *t)
{
	int r = tx_find_way(ip, t);

	if (r == -EACCES)
		tx_drop(ip, t, CNT_TX_BROADCAST_REFUSED);
	else if (r < 0)
		no_route(ip, t, CNT_TX_NO_ROUTE);
	return r == 0;
}

/* A link-local source is nobody's on another link (RFC 4007, 9). */
static bool is_of_another_link(const struct ipd *ip, const struct datagram *t)
{
	return !is_v4(t) && ip_is_link_local(&t->d.src) &&
	    t->way.kind != FIB_LOCAL &&
	    !fib_is_ours_on(&ip->fib, &t->d.src, t->way.link);
}

int tx_find_source(
    const struct ipd *ip, const struct datagram *t, struct ip_addr *ret)
{
	if (ip_is_any(&t->d.src))
		return fib_source(&ip->fib, &t->d.dst, t->way.link, ret);
	/* A loopback address is nobody's on a wire (RFC 1122, 3.2.1.3). */
	if (!fib_is_ours(&ip->fib, &t->d.src, NULL) ||
	    (ip_is_loopback(&t->d.src) && t->way.kind != FIB_LOCAL) ||
	    is_of_another_link(ip, t))
		return -EADDRNOTAVAIL;
	*ret = t->d.src;
	return 0;
}

/* The source; or refuses the datagram and returns false. */
static bool find_source(struct ipd *ip, struct datagram *t, struct ip_addr *ret)
{
	if (tx_find_source(ip, t, ret) == 0)
		return true;
	no_route(ip, t,
	    ip_is_any(&t->d.src) ? CNT_TX_NO_SOURCE : CNT_TX_NOT_OUR_SOURCE);
	return false;
}

static uint8_t hops_of(const struct ipd *ip, const struct datagram *t)
{
	if (t->d.hops != 0)
		return t->d.hops;
	if (t->way.kind == FIB_MULTICAST)
		return MULTICAST_HOPS;
	return (uint8_t)ip->n.topo->hop_limit;
}

static void make_header4(
    struct ipd *ip, struct datagram *t, const struct ip_addr *src)
{
	t->h4 = (struct ipv4_hdr){
		.src = *src,
		.dst = t->d.dst,
		.total_len = (uint16_t)(t->hdr_len + t->payload),
		.hdr_len = (uint8_t)t->hdr_len,
		.tos = t->d.tclass,
		.ttl = hops_of(ip, t),
		.proto = t->d.proto,
		.df = (t->d.flags & PKT_DONT_FRAGMENT) || t->d.gso_size != 0,
	};
	if (t->options_len > 0)
		memcpy(t->h4.options, t->options, t->options_len);
}

static void make_header6(
    struct ipd *ip, struct datagram *t, const struct ip_addr *src)
{
	uint32_t ports = 0;

	if ((t->d.proto == IPPROTO_TCP || t->d.proto == IPPROTO_UDP) &&
	    t->d.len >= 4)
		ports = be32_get(t->slot + t->d.off);
	t->h6 = (struct ipv6_hdr){
		.src = *src,
		.dst = t->d.dst,
		.flow_label = ident_flow_label(
		    ip->s->key, src, &t->d.dst, t->d.proto, ports),
		.payload_len = (uint16_t)t->payload,
		.traffic_class = t->d.tclass,
		.next_header = t->d.proto,
		.hop_limit = hops_of(ip, t),
	};
}

/* Bytes on the wire of each packet that linkd will make of it. */
static uint32_t wire_len(const struct datagram *t)
{
	uint32_t l4 = 8;

	if (t->d.gso_size == 0)
		return t->hdr_len + t->payload;
	if (t->d.proto == IPPROTO_TCP && t->d.len > TCP_DATA_OFFSET_AT)
		l4 = (t->slot[t->d.off + TCP_DATA_OFFSET_AT] >> 4) * 4U;
	return t->hdr_len + l4 + t->d.gso_size;
}

/* May it be cut up if it is too long? */
static bool may_cut(const struct datagram *t)
{
	return t->d.gso_size == 0 &&
	    !(t->d.flags & (PKT_DONT_FRAGMENT | PKT_REFS));
}

bool tx_datagram(struct ipd *ip, struct datagram *t)
{
	struct ip_addr src;
	uint32_t most;

	if (!ip_is_any(&t->d.src) && ip_is_v4(&t->d.src) != is_v4(t))
		return tx_drop(ip, t, CNT_TX_BAD_ADDRESS);
	t->hdr_len =
	    is_v4(t) ? IPV4_HDR_LEN + (uint32_t)t->options_len : IPV6_HDR_LEN;
	if (t->d.off < SLOT_HEADROOM)
		return tx_drop(ip, t, CNT_TX_HEADROOM);
	t->payload = payload_of(t);
	most = is_v4(t) ? IPV4_LEN_MAX - t->hdr_len : UINT16_MAX;
	if (t->payload > most)
		return tx_drop(ip, t, CNT_TX_TOO_LONG);
	if (!find_way(ip, t) || !find_source(ip, t, &src))
		return true;
	if (wire_len(t) > t->mtu && !may_cut(t))
		return too_big(ip, t);
	if (!begin_checksum(t, &src))
		return tx_drop(ip, t, CNT_TX_BAD_CHECKSUM_REQUEST);
	if (is_v4(t))
		make_header4(ip, t, &src);
	else
		make_header6(ip, t, &src);
	return send_packet(ip, t);
}

/* The transport's privilege: a packet whose header some app has written. */
static bool tx_included(struct ipd *ip, struct datagram *t)
{
	const uint8_t *p = t->slot + t->d.off;

	if (!is_v4(t) || t->d.off < SLOT_HEADROOM || t->d.gso_size != 0 ||
	    (t->d.flags & (PKT_REFS | PKT_CSUM_PARTIAL)) ||
	    ipv4_parse(&t->h4, p, t->d.len) != IPV4_OK)
		return tx_drop(ip, t, CNT_TX_BAD_HEADER);
	t->hdr_len = t->h4.hdr_len;
	t->payload = t->h4.total_len - t->hdr_len;
	t->d.off = (uint16_t)(t->d.off + t->hdr_len);
	t->d.len = t->payload;
	t->d.proto = t->h4.proto;
	t->d.src = t->h4.src;
	if (!find_way(ip, t))
		return true;
	if (ip_is_any(&t->h4.src) && !find_source(ip, t, &t->h4.src))
		return true;
	if (t->hdr_len + t->payload > t->mtu)
		return too_big(ip, t);
	return send_packet(ip, t);
}

bool tx_from_transport(struct ipd *ip, const struct ring_in *in,
    const uint8_t *p, const struct desc *d)
{
	struct datagram t = { .d = *d, .from = in };

	(void)p;
	switch (d->kind) {
	case PKT_DATA:
		t.slot = node_slot(&ip->n, d);
		if (t.slot == NULL)
			return ipd_drop(ip, d, CNT_TX_KIND);
		if (d->flags & PKT_HDRINCL)
			return tx_included(ip, &t);
		return tx_datagram(ip, &t);
	case PKT_ERROR:
		return tx_complain(ip, p, d);
	default: /* a neighbour's word, not our enum */
		return ipd_drop(ip, d, CNT_TX_KIND);
	}
}
