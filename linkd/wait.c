/*
 * wait.c - packets that wait for their neighbour's MAC
 */
#include "linkd/wait.h"

#include "linkd/address.h"
#include "linkd/discover.h"
#include "linkd/peek.h"
#include "linkd/tapped.h"

enum {
	/* Actions of the table in one turn; the rest is due at once again. */
	TICKS = 64,

	/* RFC 792 and RFC 4443, 3.1. */
	ICMP_UNREACHABLE = 3,
	ICMP_HOST = 1,
	ICMP6_UNREACHABLE = 1,
	ICMP6_ADDRESS = 3,
};

/* What of a packet's descriptor has to wait with it. */
struct wait_header {
	struct ip_addr src;
	uint16_t flags;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t hdr_len;
	uint8_t version;
	uint8_t proto;
};

static_assert(sizeof(struct wait_header) <= NEIGHBOUR_HEADER, "fits");

void wait_add(struct linkd *x, uint32_t id, const struct packet *p)
{
	struct wait_header h = {
		.src = p->src,
		.flags = p->flags,
		.gso_size = p->gso_size,
		.csum_start = p->csum_start,
		.csum_offset = p->csum_offset,
		.hdr_len = p->hdr_len,
		.version = p->version,
		.proto = p->proto,
	};

	/* What it refuses it counts. */
	if (neighbour_enqueue(&x->nb, id, &h, sizeof(h), p->s, p->ns) == 0)
		node_count(&x->n, CNT_TX_WAITED);
}

/* RFC 4861, 7.2.2: ask with the address that the waiting packet has. */
static void ask(struct linkd *x, const struct neighbour_action *a)
{
	bool unicast = a->what == NEIGHBOUR_SOLICIT_UNICAST;
	struct neighbour_packet p;
	struct wait_header h;
	struct ip_addr src;
	bool wish =
	    a->id != NEIGHBOUR_NONE && neighbour_peek(&x->nb, a->id, &p);

	if (wish)
		memcpy(&h, p.header, sizeof(h));
	src = address_source(x, a->link, &a->ip, wish ? &h.src : NULL);
	/* Without an address of our own nobody could answer us. */
	if (!ip_is_any(&src))
		discover_ask(
		    x, a->link, &a->ip, &src, unicast ? &a->mac : NULL);
}

static void say_lost(struct linkd *x, const struct neighbour_action *a)
{
	char ip[IP_TEXT_LEN];

	log_info(&x->n.log, "neighbour does not answer, address=%s link=%s",
	    ip_text(&a->ip, ip), x->n.topo->links[a->link].name);
}

void wait_tick(struct linkd *x, struct mono now)
{
	struct neighbour_action a;

	for (int i = 0; i < TICKS && !turn_full(&x->n.turn) &&
	     neighbour_tick(&x->nb, now, &a);
	     i++) {
		switch (a.what) {
		case NEIGHBOUR_SOLICIT_MULTICAST:
		case NEIGHBOUR_SOLICIT_UNICAST:
			ask(x, &a);
			break;
		case NEIGHBOUR_UNREACHABLE:
		case NEIGHBOUR_LOST:
			say_lost(x, &a);
			break;
		case NEIGHBOUR_EXPIRED:
			break;
		}
	}
}

static bool send_one(struct linkd *x, const struct neighbour *e,
    const struct neighbour_packet *np)
{
	struct wait_header h;
	struct packet p;

	memcpy(&h, np->header, sizeof(h));
	if (np->len > SCRATCH_BYTES)
		return true;
	neighbour_copy(&x->nb, np, x->scratch);
	p = (struct packet){
		.s = { { x->scratch, np->len } },
		.ns = 1,
		.len = (uint32_t)np->len,
		.src = h.src,
		.flags = h.flags,
		.gso_size = h.gso_size,
		.csum_start = h.csum_start,
		.csum_offset = h.csum_offset,
		.hdr_len = h.hdr_len,
		.version = h.version,
		.proto = h.proto,
	};
	return frame_send(x, e->link, &e->mac,
	    h.version == 4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6, &p);
}

/* Back to ipd, as far as one small slot holds it: it is to be quoted. */
static bool refuse_one(struct linkd *x, const struct neighbour *e,
    const struct neighbour_packet *np)
{
	struct ring_out *up = node_out(&x->n, LAYER_IP, 0);
	bool v4 = ip_is_v4(&e->ip);
	uint32_t len = (uint32_t)np->len;
	char who[IP_TEXT_LEN];
	struct desc d = {
		.kind = PKT_ERROR,
		.off = RX_IP_OFF,
		.link = e->link,
		.icmp_type = v4 ? ICMP_UNREACHABLE : ICMP6_UNREACHABLE,
		.icmp_code = v4 ? ICMP_HOST : ICMP6_ADDRESS,
	};
	uint8_t *slot;

	if (np->len > SCRATCH_BYTES || up == NULL)
		return true;
	if (len > SMALL_SLOT - RX_IP_OFF)
		len = SMALL_SLOT - RX_IP_OFF;
	if (!node_room(&x->n, up, 1))
		return false;
	slot = node_alloc(&x->n, RX_IP_OFF + len, &d);
	if (slot == NULL)
		return false;
	neighbour_copy(&x->nb, np, x->scratch);
	memcpy(slot + RX_IP_OFF, x->scratch, len);
	d.len = len;
	node_note(&x->n, "neighbour %s does not answer: back as an error",
	    ip_text(&e->ip, who));
	node_put(&x->n, up, &d);
	if (node_tapping(&x->n))
		tapped_waited(x, e, np, CNT_TX_UNREACHABLE);
	else
		node_count(&x->n, CNT_TX_UNREACHABLE);
	return true;
}

/* In order, until one can't go. */
static void drain_one(struct linkd *x, uint32_t id, struct mono now)
{
	struct neighbour_packet p;

	while (!turn_full(&x->n.turn) && neighbour_peek(&x->nb, id, &p)) {
		const struct neighbour *e = neighbour_get(&x->nb, id);
		bool done = e->state == NEIGHBOUR_FAILED ? refuse_one(x, e, &p)
							 : send_one(x, e, &p);

		if (!done)
			return;
		neighbour_pop(&x->nb, id, now);
	}
}

void wait_drain(struct linkd *x, struct mono now)
{
	uint32_t id = neighbour_ready(&x->nb, NEIGHBOUR_NONE);

	while (id != NEIGHBOUR_NONE && !turn_full(&x->n.turn)) {
		uint32_t next = neighbour_ready(&x->nb, id);

		drain_one(x, id, now);
		id = next;
	}
}
