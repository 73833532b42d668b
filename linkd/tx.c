/*
 * tx.c - packets from ipd: to a neighbour, to a group, or back to ourselves
 *
 * Each packet ends in one of four ways:
 *
 *	to the device	queued in the batch, given back when it was written
 *	waiting		copied (wait.c), given back at once
 *	loop		copied to a slot of ours, up again, given back
 *	refused		counted, given back
 *
 * or it is left where it is and the look at this ring ends.  Only packets for
 * the device may stand between two flushes of the batch, since the ring is
 * turned back to the first that the device did not take.
 */
#include "linkd/tx.h"

#include <netinet/in.h>

#include "linkd/address.h"
#include "linkd/batch.h"
#include "linkd/peek.h"
#include "linkd/rx.h"
#include "linkd/soft.h"
#include "linkd/wait.h"
#include "shm/bytes.h"

enum {
	TX_TURN = 64, /* packets of one ring in one turn */

	TCP_MIN = 20,
	TCP_OFF_DOFF = 12,
	TCP_OFF_FLAGS = 13,
	TCP_CWR = 0x80,
	UDP_LEN = 8,
};

/* A packet while it is being looked at. */
struct taken {
	struct ring_in *in;
	uint32_t pos;
	struct desc d;
	struct packet p;
};

/* ---- Is the descriptor true? ---- */

/* Length of IP and transport headers of a super-frame; 0: there are none. */
static uint16_t headers_len(const struct packet *p, const uint8_t *bytes)
{
	uint32_t l4 = p->csum_start;
	uint32_t hdr;

	if (p->proto == IPPROTO_UDP)
		hdr = UDP_LEN;
	else if (p->proto == IPPROTO_TCP && l4 + TCP_MIN <= p->s[0].len)
		hdr = (uint32_t)(bytes[l4 + TCP_OFF_DOFF] >> 4) * 4;
	else
		return 0;
	if (p->proto == IPPROTO_TCP && hdr < TCP_MIN)
		return 0;
	return l4 + hdr <= p->s[0].len ? (uint16_t)(l4 + hdr) : 0;
}

static bool offload_is_true(struct packet *p, const uint8_t *bytes)
{
	bool partial = p->flags & PKT_CSUM_PARTIAL;

	if (partial &&
	    (uint32_t)p->csum_start + p->csum_offset + 2 > p->s[0].len)
		return false;
	if (p->gso_size == 0)
		return true;
	if (!partial)
		return false;
	p->hdr_len = headers_len(p, bytes);
	if (p->hdr_len == 0)
		return false;
	/* Also of one that came in merged: CWR is the first piece's alone. */
	if (p->proto == IPPROTO_TCP &&
	    bytes[p->csum_start + TCP_OFF_FLAGS] & TCP_CWR)
		p->flags |= PKT_GSO_ECN;
	return true;
}

/* Payload that lies in an app's ring. */
static bool gather(struct linkd *x, struct packet *p, const struct desc *d,
    const uint8_t *bytes)
{
	struct span s[APP_REFS];

	/* They stand at the slot's very start, before the headers. */
	if (!app_refs_read(&x->apps, bytes - d->off, d->off, s))
		return false;
	for (int i = 0; i < APP_REFS; i++) {
		p->s[p->ns++] = s[i];
		p->len += (uint32_t)s[i].len;
	}
	return true;
}

/* Is cutting and summing left to us? */
static bool by_ourselves(const struct linkd *x, uint8_t link)
{
	return x->dev[link].vnet_len == 0 ||
	    impair_on(&x->impairs, link, IMPAIR_TX);
}

/* Fills in @t->p from descriptor and bytes; 0 or the reason to refuse it. */
static uint32_t look(struct linkd *x, struct taken *t, const uint8_t *bytes)
{
	const struct desc *d = &t->d;
	struct peek ip;

	if (d->kind != PKT_DATA)
		return CNT_TX_BAD_KIND;
	if (!link_is_ours(x, d->link))
		return CNT_TX_BAD_LINK;
	if (!peek_ip(&ip, bytes, d->len))
		return CNT_TX_BAD_IP;
	t->p = (struct packet){
		.s = { { bytes, d->len } },
		.ns = 1,
		.len = d->len,
		.flags = d->flags,
		.gso_size = d->gso_size,
		.csum_start = d->csum_start,
		.csum_offset = d->csum_offset,
		.src = ip.src,
		.version = ip.version,
		.proto = ip.proto,
	};
	/* Extension headers: the transport's number stands beside. */
	if (ip.version == 6 && d->proto != 0)
		t->p.proto = d->proto;
	if ((d->flags & PKT_REFS) && !gather(x, &t->p, d, bytes))
		return CNT_TX_BAD_REFS;
	if (!offload_is_true(&t->p, bytes))
		return CNT_TX_BAD_OFFLOAD;
	if (link_is_ethernet(x, d->link) && by_ourselves(x, d->link) &&
	    !(d->flags & PKT_LOOP) && !soft_can(&t->p))
		return CNT_TX_BAD_OFFLOAD;
	return 0;
}

static bool fits_mtu(const struct linkd *x, const struct taken *t)
{
	uint32_t mtu = x->n.topo->links[t->d.link].mtu;

	if (t->p.gso_size > 0)
		return (uint32_t)t->p.hdr_len + t->p.gso_size <= mtu;
	return t->p.len <= mtu;
}

/* ---- Where to? ---- */

/* The batch first: what follows is not for the device. */
static bool settle(struct linkd *x, struct taken *t)
{
	uint32_t next = t->in->mine;

	if (x->batch.n > 0 && !batch_flush(x))
		return false;
	t->in->mine = next;
	return true;
}

static bool refuse(struct linkd *x, struct taken *t, uint32_t why)
{
	if (!settle(x, t))
		return false;
	node_count(&x->n, why);
	node_give_back(&x->n, &t->d);
	return true;
}

static bool loop(struct linkd *x, struct taken *t)
{
	if (!settle(x, t))
		return false;
	node_note(&x->n, "to ourselves: up again");
	if (!rx_loop(x, &t->p, &t->d)) {
		t->in->mine = t->pos;
		return false;
	}
	node_give_back(&x->n, &t->d);
	return true;
}

static bool wait(struct linkd *x, struct taken *t, uint32_t id)
{
	if (!settle(x, t))
		return false;
	wait_add(x, id, &t->p);
	count_neighbours(x);
	node_give_back(&x->n, &t->d);
	return true;
}

static bool send_to(struct linkd *x, struct taken *t, const struct mac *mac)
{
	return batch_add(x, t->d.link, mac, &t->p, t->in, t->pos, &t->d);
}

static bool to_neighbour(struct linkd *x, struct taken *t)
{
	struct neighbour_hop hop;
	char who[IP_TEXT_LEN], mac[MAC_TEXT_LEN];

	if (t->d.flags & PKT_CONFIRM)
		neighbour_confirmed(&x->nb, t->d.link, &t->d.dst, x->n.now);
	switch (
	    neighbour_wanted(&x->nb, t->d.link, &t->d.dst, x->n.now, &hop)) {
	case NEIGHBOUR_SEND:
		node_note(&x->n, "neighbour %s has MAC %s",
		    ip_text(&t->d.dst, who), mac_text(&hop.mac, mac));
		return send_to(x, t, &hop.mac);
	case NEIGHBOUR_QUEUE:
		node_note(&x->n,
		    "the MAC of neighbour %s is not known: it is"
		    " asked for, the packet waits",
		    ip_text(&t->d.dst, who));
		return wait(x, t, hop.id);
	case NEIGHBOUR_FULL: /* counted by the table */
		if (!settle(x, t))
			return false;
		count_neighbours(x);
		node_give_back(&x->n, &t->d);
		return true;
	}
	return true;
}

static bool to_link(struct linkd *x, struct taken *t)
{
	const struct ip_addr *hop = &t->d.dst;
	struct mac mac;

	if (ip_is_any(hop) || ip_is_v4(hop) != (t->p.version == 4))
		return refuse(x, t, CNT_TX_BAD_HOP);
	if (!fits_mtu(x, t))
		return refuse(x, t, CNT_TX_OVER_MTU);
	if (ip_is_multicast(hop) || ip_is_broadcast(hop)) {
		mac = mac_of_group(hop);
		return send_to(x, t, &mac);
	}
	if (address_is_subnet_broadcast(x, t->d.link, hop))
		return send_to(x, t, &mac_broadcast);
	return to_neighbour(x, t);
}

/* False if this ring must wait; it stands at the first packet not done. */
static bool tx_one(struct linkd *x, struct taken *t, const uint8_t *bytes)
{
	uint32_t why = look(x, t, bytes);
	enum device kind;

	if (why != 0)
		return refuse(x, t, why);
	kind = x->n.topo->links[t->d.link].device;
	if (t->d.flags & PKT_LOOP || kind == DEVICE_LOOPBACK)
		return loop(x, t);
	if (kind == DEVICE_NULL)
		return refuse(x, t, CNT_TX_NULL);
	return to_link(x, t);
}

static void tx_ring(struct linkd *x, struct ring_in *in)
{
	uint32_t limit = node_limit(&x->n, TX_TURN);

	for (uint32_t i = 0; i < limit && !turn_full(&x->n.turn); i++) {
		struct taken t = { .in = in, .pos = in->mine };
		const uint8_t *bytes = node_take(&x->n, in, &t.d);

		if (bytes == NULL)
			break;
		if (!tx_one(x, &t, bytes))
			return;
	}
	if (x->batch.n > 0)
		batch_flush(x);
}

void tx_rings(struct linkd *x)
{
	for (uint32_t i = 0; i < x->n.ndata_in; i++)
		tx_ring(x, &x->n.in[i]);
}
