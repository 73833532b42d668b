/*
 * local.c - packets for us: to which transport, or to ICMP
 */
#include <netinet/in.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "ipd/icmp_tx.h"
#include "ipd/raw.h"
#include "shm/bytes.h"
#include "shm/flow.h"

static enum layer layer_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return LAYER_TCP;
	case IPPROTO_UDP:
		return LAYER_UDP;
	default:
		return NLAYERS;
	}
}

struct ring_out *rx_transport(struct ipd *ip, uint8_t proto,
    const struct ip_addr *a, const struct ip_addr *b, const uint8_t *header,
    size_t len)
{
	enum layer layer = layer_of(proto);
	uint16_t ports[2] = { 0, 0 };
	uint32_t n;

	if (layer == NLAYERS || ip->ntransports[layer] == 0)
		return NULL;
	n = ip->ntransports[layer];
	if (n > 1 && len >= 4) {
		ports[0] = be16_get(header);
		ports[1] = be16_get(header + 2);
	}
	return ip->transport[layer][flow_pick(a, ports[0], b, ports[1], n)];
}

struct ring_out *rx_sender(struct ipd *ip, uint8_t proto,
    const struct ip_addr *a, const struct ip_addr *b, const uint8_t *header,
    size_t len)
{
	if (layer_of(proto) == NLAYERS)
		return raw_transport(ip, ip_is_v4(a), proto);
	return rx_transport(ip, proto, a, b, header, len);
}

/* What goes up beside the bytes. */
static struct desc for_transport(const struct received *r)
{
	struct desc d = r->d;

	d.kind = PKT_DATA;
	d.off = (uint16_t)(d.off + r->upper_at);
	d.len = r->len - r->upper_at;
	d.proto = r->proto;
	d.hops = r->hops;
	d.tclass = r->tclass;
	d.l4 = 0;
	d.csum_start = 0;
	d.src = r->src;
	d.dst = r->dst;
	return d;
}

/* Another copy of a packet to many, for one more transport of its layer. */
static void deliver_copy(
    struct ipd *ip, const struct received *r, struct ring_out *out)
{
	struct desc d = for_transport(r);
	uint8_t *slot;

	if (!node_room(&ip->n, out, 1)) {
		node_count_other(&ip->n, CNT_GROUP_NO_SLOT, 1);
		return;
	}
	slot = node_alloc(&ip->n, d.len, &d);
	if (slot == NULL) {
		node_count_other(&ip->n, CNT_GROUP_NO_SLOT, 1);
		return;
	}
	memcpy(slot, r->p + r->upper_at, d.len);
	d.off = 0;
	node_put(&ip->n, out, &d);
	node_count(&ip->n, CNT_DELIVERED);
}

/* To all the others that want it; @but gets the packet itself. */
static void deliver_copies(
    struct ipd *ip, const struct received *r, const struct ring_out *but)
{
	enum layer layer = layer_of(r->proto);

	for (uint32_t i = 0; i < ip->ntransports[layer]; i++) {
		struct ring_out *out = ip->transport[layer][i];

		if (out != but &&
		    (!ip_is_multicast(&r->dst) ||
			ipd_has_joined(ip, out->to, &r->dst, r->d.link)))
			deliver_copy(ip, r, out);
	}
}

static bool deliver(struct ipd *ip, struct received *r, struct ring_out *out)
{
	struct desc d = for_transport(r);

	if (!node_room(&ip->n, out, 1))
		return false;
	if (r->to_many)
		deliver_copies(ip, r, out);
	node_note(&ip->n, "for us, protocol %u: up to %s", r->proto,
	    ip->n.topo->procs[out->to].name);
	node_put(&ip->n, out, &d);
	node_count(&ip->n, CNT_DELIVERED);
	return true;
}

static bool no_protocol(struct ipd *ip, struct received *r)
{
	struct icmp_saying what = {
		.type = ICMP_UNREACHABLE,
		.code = ICMP_PROTO_UNREACHABLE,
	};

	if (!ip_is_v4(&r->src))
		what = (struct icmp_saying){
			.type = ICMP6_PARAMETER_PROBLEM,
			.code = ICMP6_UNKNOWN_NEXT_HEADER,
			.info = r->proto_at,
		};
	icmp_complain(ip, r, &what);
	return ipd_drop(ip, &r->d, CNT_NO_PROTOCOL);
}

/* @copied: some raw socket has it, so it is not nobody's. */
static bool dispatch(struct ipd *ip, struct received *r, bool copied)
{
	bool v4 = ip_is_v4(&r->src);
	struct ring_out *out;

	if (r->proto == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return rx_icmp(ip, r);
	if (r->proto == IPPROTO_IGMP && v4)
		return multicast_rx4(ip, r);
	if (r->proto == IPPROTO_NONE && !v4)
		return ipd_drop(ip, &r->d, CNT_NO_NEXT_HEADER);
	out = rx_transport(ip, r->proto, &r->src, &r->dst, r->p + r->upper_at,
	    r->len - r->upper_at);
	if (out != NULL)
		return deliver(ip, r, out);
	if (!copied)
		return no_protocol(ip, r);
	node_give_back(&ip->n, &r->d);
	return true;
}

bool rx_local(struct ipd *ip, struct received *r)
{
	struct raw_copies c;

	raw_prepare(ip, r, &c);
	if (!dispatch(ip, r, c.n > 0)) {
		raw_cancel(ip, &c);
		return false;
	}
	raw_send(ip, &c);
	return true;
}
