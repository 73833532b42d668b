/*
 * raw.c - copies of packets for the ping and raw sockets of udpd
 */
#include "ipd/raw.h"

static bool wants(
    const struct ipd *ip, const struct ring_out *out, bool v4, uint8_t proto)
{
	return group_table_wants(&ip->groups[out->to], v4, proto);
}

/* The whole packet, as it came; l4 says where its upper part begins. */
static bool make(struct ipd *ip, const struct received *r, struct desc *ret)
{
	struct desc d = {
		.kind = PKT_RAW,
		.len = r->len,
		.flags = r->d.flags &
		    (PKT_CSUM_VALID | PKT_CSUM_PARTIAL | PKT_LINK_BROADCAST),
		.link = r->d.link,
		.proto = r->proto,
		.hops = r->hops,
		.tclass = r->tclass,
		.l4 = (uint16_t)r->upper_at,
		.src = r->src,
		.dst = r->dst,
	};
	uint8_t *slot = node_alloc(&ip->n, d.len, &d);

	if (slot == NULL)
		return false;
	memcpy(slot, r->p, d.len);
	*ret = d;
	return true;
}

void raw_prepare(struct ipd *ip, const struct received *r, struct raw_copies *c)
{
	bool v4 = ip_is_v4(&r->src);

	c->n = c->missed = 0;
	for (uint32_t i = 0; i < ip->ntransports[LAYER_UDP]; i++) {
		struct ring_out *out = ip->transport[LAYER_UDP][i];

		if (!wants(ip, out, v4, r->proto))
			continue;
		if (node_room(&ip->n, out, 1) && make(ip, r, &c->copy[c->n].d))
			c->copy[c->n++].out = out;
		else
			c->missed++;
	}
}

void raw_send(struct ipd *ip, const struct raw_copies *c)
{
	for (uint32_t i = 0; i < c->missed; i++)
		node_count_other(&ip->n, CNT_RAW_NO_ROOM, 1);
	for (uint32_t i = 0; i < c->n; i++) {
		/* The packet itself may have taken the last place. */
		if (!node_room(&ip->n, c->copy[i].out, 1)) {
			node_unalloc(&ip->n, &c->copy[i].d);
			node_count_other(&ip->n, CNT_RAW_NO_ROOM, 1);
			continue;
		}
		node_note(&ip->n,
		    "for us, protocol %u, which ping or raw sockets want: a"
		    " copy up to %s",
		    c->copy[i].d.proto,
		    ip->n.topo->procs[c->copy[i].out->to].name);
		node_put(&ip->n, c->copy[i].out, &c->copy[i].d);
		node_count(&ip->n, CNT_RAW_COPIES);
	}
}

void raw_cancel(struct ipd *ip, const struct raw_copies *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		node_unalloc(&ip->n, &c->copy[i].d);
}

struct ring_out *raw_transport(struct ipd *ip, bool v4, uint8_t proto)
{
	for (uint32_t i = 0; i < ip->ntransports[LAYER_UDP]; i++)
		if (wants(ip, ip->transport[LAYER_UDP][i], v4, proto))
			return ip->transport[LAYER_UDP][i];
	return NULL;
}
