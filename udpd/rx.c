/*
 * rx.c - from ipd up: whose datagram, and into that socket's ring
 *
 * The payload is copied once, from the slot to where the app reads it: beyond
 * rx_written, where the app does not look before the turn is committed.
 */
#include "udpd/rx.h"

#include "shm/bytes.h"
#include "udpd/error.h"
#include "udpd/port.h"
#include "udpd/raw.h"
#include "udpd/udp_wire.h"

enum {
	/* RFC 1812, 4.3.2.3 and RFC 4443, 2.4 (c): what a quote may have. */
	QUOTE_MAX4 = 576 - 20 - 8 - 20,
	QUOTE_MAX6 = 1280 - 40 - 8 - 40,
};

/* ---- Delivery */

static bool has_room(struct udpd *u, uint32_t id, uint32_t room)
{
	const struct usock *s = &u->state->sock[id];
	uint64_t written = u->state->flow[id].rx_written;
	uint64_t used = written - apps_rx_read(&u->apps, id);

	if (used > APP_RX_BYTES) {
		apps_cut_off(&u->apps, app_of(id), "impossible rx ring");
		return false;
	}
	/* However small the buffer, one datagram fits. */
	return used == 0 || used + room <= (uint32_t)s->rcvbuf;
}

void rx_deliver(struct udpd *u, struct rx_shares *s, uint32_t id,
    const struct desc *d, uint16_t port, const uint8_t *payload, uint32_t len)
{
	struct dgram g = {
		.len = len,
		.port = port,
		.link = d->link,
		.hops = d->hops,
		.tclass = d->tclass,
		.peer = d->src,
		.local = d->dst,
	};
	struct usock_flow *f;
	uint8_t *ring;

	if (!apps_is_live(&u->apps, id) || (u->state->sock[id].shut & 1))
		return;
	f = touch_flow(u, id);
	if (!has_room(u, id, dgram_room(len))) {
		f->dropped++;
		s->full++;
		return;
	}
	ring = apps_rx_ring(&u->apps, id);
	app_ring_write(ring, APP_RX_BYTES, f->rx_written, &g, sizeof(g));
	app_ring_write(
	    ring, APP_RX_BYTES, f->rx_written + sizeof(g), payload, len);
	node_note(&u->n, "%u bytes to socket %u of app %u%s", len, sub_of(id),
	    app_of(id),
	    apps_rx_read(&u->apps, id) == f->rx_written ? ", which is woken"
							: "");
	f->rx_written += dgram_room(len);
	if (node_measuring(&u->n))
		apps_measure_rx(&u->apps, id, f->rx_written);
	node_count(&u->n, CNT_RX_DELIVERED);
	s->got++;
}

void rx_count_shares(struct udpd *u, const struct rx_shares *s)
{
	if (s->full > 0 && s->got > 0)
		node_count_other(&u->n, CNT_RX_BUFFER_FULL, s->full);
	else
		u->n.counter[CNT_RX_BUFFER_FULL] += s->full;
}

static void deliver(struct udpd *u, struct rx_shares *s, uint32_t id,
    const struct desc *d, const struct udp_hdr *h, const uint8_t *payload)
{
	rx_deliver(u, s, id, d, h->src_port, payload,
	    h->length - (uint32_t)UDP_HDR_LEN);
}

static bool is_for_many(const struct udpd *u, const struct desc *d)
{
	return ip_is_multicast(&d->dst) ||
	    fib_is_broadcast(&u->fib, &d->dst, d->link);
}

static void deliver_to_members(struct udpd *u, const struct flow *f,
    const struct desc *d, const struct udp_hdr *h, const uint8_t *payload)
{
	uint32_t id = port_next_member(u, f, NO_SOCKET);
	struct rx_shares s = { .got = 0 };

	if (id == NO_SOCKET)
		node_count(&u->n, CNT_RX_NO_SOCKET);
	for (; id != NO_SOCKET; id = port_next_member(u, f, id)) {
		if (!apps_can_touch(&u->apps)) {
			node_count(&u->n, CNT_RX_TOO_MANY);
			break;
		}
		deliver(u, &s, id, d, h, payload);
	}
	rx_count_shares(u, &s);
}

/*
 * RFC 1122, 4.1.3.1; RFC 4443, 3.1: ask ipd for a port unreachable.  It quotes
 * what we hand down, applies its rate limit and knows the forbidden cases.
 */
static void ask_unreachable(
    struct udpd *u, const struct desc *d, const uint8_t *p)
{
	bool v4 = ip_is_v4(&d->dst);
	uint32_t max = v4 ? QUOTE_MAX4 : QUOTE_MAX6;
	struct desc e = {
		.kind = PKT_ERROR,
		.off = SLOT_HEADROOM,
		.len = d->len < max ? d->len : max,
		.link = d->link,
		.proto = d->proto,
		.hops = d->hops,
		.tclass = d->tclass,
		.icmp_type = v4 ? 3 : 1,
		.icmp_code = v4 ? 3 : 4,
		.src = d->src,
		.dst = d->dst,
	};
	uint8_t *slot;

	if ((d->flags & PKT_LINK_BROADCAST) || !node_room(&u->n, u->down, 1))
		return;
	slot = node_alloc(&u->n, e.off + e.len, &e);
	if (slot == NULL)
		return;
	memcpy(slot + e.off, p, e.len);
	node_put(&u->n, u->down, &e);
	node_count(&u->n, CNT_TX_UNREACHABLE);
}

static bool checksum_ok(
    const struct desc *d, const struct udp_hdr *h, const uint8_t *payload)
{
	if (d->flags & (PKT_CSUM_VALID | PKT_CSUM_PARTIAL))
		return true;
	return udp_checksum_ok(h, payload, &d->src, &d->dst);
}

static void rx_datagram(struct udpd *u, const struct desc *d, const uint8_t *p)
{
	struct rx_shares s = { .got = 0 };
	struct udp_hdr h;
	struct flow f;
	uint32_t id;

	node_count(&u->n, CNT_RX_DATAGRAMS);
	switch (udp_parse(&h, p, d->len)) {
	case UDP_OK:
		break;
	case UDP_SHORT:
		node_count(&u->n, CNT_RX_SHORT);
		return;
	case UDP_BAD_LENGTH:
		node_count(&u->n, CNT_RX_BAD_LENGTH);
		return;
	case UDP_BAD_PORT:
		node_count(&u->n, CNT_RX_BAD_PORT);
		return;
	}
	if (log_shows(&u->n.log, LOG_DEBUG)) {
		log_debug(&u->n.log, "rx datagram");
		udp_log(&u->n.log, &h);
	}
	if (!checksum_ok(d, &h, p + UDP_HDR_LEN)) {
		node_count(&u->n, CNT_RX_BAD_CHECKSUM);
		return;
	}
	f = (struct flow){
		.local = d->dst,
		.peer = d->src,
		.local_port = h.dst_port,
		.peer_port = h.src_port,
		.link = d->link,
	};
	if (is_for_many(u, d)) {
		deliver_to_members(u, &f, d, &h, p + UDP_HDR_LEN);
		return;
	}
	id = port_lookup(u, &f);
	if (id != NO_SOCKET) {
		deliver(u, &s, id, d, &h, p + UDP_HDR_LEN);
		rx_count_shares(u, &s);
		return;
	}
	node_note(&u->n, "no socket has port %u", h.dst_port);
	node_count(&u->n, CNT_RX_NO_SOCKET);
	log_debug(&u->n.log, "no socket, port=%u", h.dst_port);
	ask_unreachable(u, d, p);
}

static void rx_one(struct udpd *u, const struct desc *d, const uint8_t *p)
{
	switch (d->kind) {
	case PKT_DATA:
		rx_datagram(u, d, p);
		return;
	case PKT_ERROR:
		error_rx(u, d, p);
		return;
	case PKT_RAW:
		raw_rx(u, d, p);
		return;
	default: /* a neighbour's word, not our enum */
		node_count(&u->n, CNT_RX_BAD_KIND);
	}
}

void rx_turn(struct udpd *u, uint32_t limit)
{
	struct ring_in *in;

	for (uint32_t k = 0; (in = node_in(&u->n, LAYER_IP, k)) != NULL; k++) {
		for (uint32_t i = 0; i < limit; i++) {
			const uint8_t *p;
			struct desc d;

			if (turn_full(&u->n.turn))
				return;
			p = node_take(&u->n, in, &d);
			if (p == NULL)
				break;
			rx_one(u, &d, p);
			node_give_back(&u->n, &d);
		}
	}
}
