/*
 * tx.c - from an app's ring down to ipd
 *
 * The library refuses what the kernel would refuse at once; the same is checked
 * here again, since an app need not use our library.  What breaks the form of
 * the ring is a lie and ends the app; what breaks a rule costs the datagram.
 */
#include "udpd/tx.h"

#include <errno.h>
#include <netinet/in.h>

#include "udpd/bind.h"
#include "udpd/raw.h"
#include "udpd/udp_wire.h"

enum {
	MAX_PACKET = 65535,
	IPV4_HEADER = 20,
};

/* The datagram at the ring's start.  False: a lie. */
static bool read_head(const struct udpd *u, uint32_t id, uint64_t at,
    uint64_t written, struct dgram *ret)
{
	const uint8_t *ring = apps_tx_ring(&u->apps, id);

	if (written - at < sizeof(*ret))
		return false;
	app_ring_read(ret, ring, APP_TX_BYTES, at, sizeof(*ret));
	return ret->len <= DGRAM_MAX && dgram_room(ret->len) <= written - at &&
	    (ret->link == LINK_ANY || ret->link < u->n.topo->nlinks);
}

/* By which link a datagram leaves, if the socket or the app cares. */
static uint8_t choose_link(const struct usock *s, const struct dgram *g)
{
	if (s->bind_link != LINK_ANY)
		return s->bind_link;
	if (g->link != LINK_ANY)
		return g->link;
	if (ip_is_multicast(&g->peer))
		return ip_is_v4(&g->peer) ? s->mcast_link : s->mcast_link6;
	if (ip_equal(&g->peer, &s->peer.ip) && s->peer.link != LINK_ANY)
		return s->peer.link;
	return s->unicast_link;
}

static void choose_source(
    const struct usock *s, const struct dgram *g, struct desc *d)
{
	d->src = g->local;
	if (ip_is_any(&d->src) && !ip_is_multicast(&s->local.ip))
		d->src = s->local.ip;
	if (ip_is_any(&d->src) || ip_is_v4(&d->src) != ip_is_v4(&g->peer))
		d->src = ip_is_v4(&g->peer) ? ip_any4 : ip_any6;
}

/* -1: the stack's default. */
static int choose_hops(const struct usock *s, const struct dgram *g)
{
	bool v4 = ip_is_v4(&g->peer);

	if (g->flags & DGRAM_TTL)
		return g->hops;
	if (ip_is_multicast(&g->peer))
		return v4 ? s->mcast_ttl : s->mcast_hops6;
	return v4 ? s->ttl : s->hops6;
}

static uint16_t choose_flags(const struct usock *s, const struct dgram *g)
{
	bool v4 = ip_is_v4(&g->peer);
	uint16_t flags = s->kind == USOCK_UDP ? PKT_CSUM_PARTIAL : 0;

	if ((v4 ? s->mtu_discover : s->mtu_discover6) >= IP_PMTUDISC_DO)
		flags |= PKT_DONT_FRAGMENT;
	if (s->so & APP_SO_BROADCAST)
		flags |= PKT_BROADCAST_OK;
	if (s->flags & (v4 ? SO_F_MCAST_LOOP : SO_F_MCAST_LOOP6))
		flags |= PKT_MULTICAST_LOOP;
	if ((g->flags & DGRAM_DONTROUTE) || (s->flags & SO_F_DONTROUTE))
		flags |= PKT_NO_ROUTE;
	if (g->flags & DGRAM_CONFIRM)
		flags |= PKT_CONFIRM;
	return flags;
}

static uint32_t header_len(const struct usock *s)
{
	return s->kind == USOCK_UDP ? UDP_HDR_LEN : 0;
}

/* What an IP packet has room for besides what is put before it here. */
static uint32_t max_payload(const struct usock *s, bool v4)
{
	uint32_t ip = v4 && !(s->so & APP_SO_HDRINCL) ? IPV4_HEADER : 0;

	return MAX_PACKET - ip - header_len(s);
}

/* 0, or the errno that the datagram is refused with. */
static int refuse(const struct udpd *u, const struct usock *s,
    const struct dgram *g, uint8_t link)
{
	bool v4 = ip_is_v4(&g->peer);
	struct fib_answer way;
	int r;

	if (ip_is_any(&g->peer) || (s->shut & 2) ||
	    (g->port == 0 && s->kind == USOCK_UDP))
		return -EINVAL;
	if (s->family == AF_INET ? !v4 : v4 && (s->so & APP_SO_V6ONLY))
		return -ENETUNREACH;
	if (g->len > max_payload(s, v4))
		return -EMSGSIZE;
	if (!ip_is_any(&g->local) && !fib_is_ours(&u->fib, &g->local, NULL))
		return -EADDRNOTAVAIL;
	r = fib_lookup(&u->fib, &g->peer, link, &way);
	if (r < 0)
		return r;
	if (way.kind == FIB_BROADCAST && !(s->so & APP_SO_BROADCAST))
		return -EACCES;
	return 0;
}

/* Header and payload into the slot.  0, or why it is refused after all. */
static int fill(struct udpd *u, uint32_t id, uint64_t at, const struct dgram *g,
    struct desc *d, uint8_t *slot)
{
	const struct usock *s = &u->state->sock[id];
	const uint8_t *ring = apps_tx_ring(&u->apps, id);
	struct udp_hdr h = {
		.src_port = s->local.port,
		.dst_port = g->port,
		.length = (uint16_t)(UDP_HDR_LEN + g->len),
	};

	app_ring_read(slot + d->off + header_len(s), ring, APP_TX_BYTES,
	    at + sizeof(*g), g->len);
	if (s->kind != USOCK_UDP)
		return raw_tx(u, s, d, slot + d->off);
	udp_emit(slot + d->off, &h);
	if (log_shows(&u->n.log, LOG_DEBUG)) {
		log_debug(&u->n.log, "tx datagram");
		udp_log(&u->n.log, &h);
	}
	return 0;
}

static void refused(struct udpd *u, uint32_t id, int r)
{
	node_count(&u->n, r == -ENETUNREACH ? CNT_TX_NO_ROUTE : CNT_TX_REFUSED);
	udpd_error(u, id, -r);
}

/* False: no slot now.  Whatever else happens, the datagram is dealt with. */
static bool send_one(
    struct udpd *u, uint32_t id, uint64_t at, const struct dgram *g)
{
	const struct usock *s = &u->state->sock[id];
	uint8_t link = choose_link(s, g);
	int hops = choose_hops(s, g);
	int r = refuse(u, s, g, link);
	struct desc d = {
		.kind = PKT_DATA,
		.len = header_len(s) + g->len,
		.off = SLOT_HEADROOM,
		.flags = choose_flags(s, g),
		.link = link,
		.proto = s->kind == USOCK_UDP ? IPPROTO_UDP : s->protocol,
		.hops = hops > 0 ? (uint8_t)hops : 0,
		.tclass = ip_is_v4(&g->peer) ? s->tos : s->tclass6,
		.csum_offset = s->kind == USOCK_UDP ? 6 : 0, /* RFC 768 */
		.dst = g->peer,
	};
	uint8_t *slot;

	/* A limit of 0 never leaves this host, and nobody here asked. */
	if (r == 0 && hops == 0 && ip_is_multicast(&g->peer))
		r = -EINVAL;
	if (r < 0) {
		refused(u, id, r);
		return true;
	}
	if (g->flags & DGRAM_TCLASS)
		d.tclass = g->tclass;
	choose_source(s, g, &d);
	slot = node_alloc(&u->n, d.off + d.len, &d);
	if (slot == NULL)
		return false;
	r = fill(u, id, at, g, &d, slot);
	if (r < 0) {
		node_unalloc(&u->n, &d);
		refused(u, id, r);
		return true;
	}
	node_note(&u->n, "socket %u of app %u sends %u bytes", sub_of(id),
	    app_of(id), g->len);
	if (node_measuring(&u->n))
		apps_measure(&u->apps, id, at, at + 1);
	node_put(&u->n, u->down, &d);
	if (node_measuring(&u->n))
		node_measure_done(&u->n);
	node_count(&u->n, CNT_TX_DATAGRAMS);
	return true;
}

/* A datagram from a socket without a port gives it one. */
static bool has_port(struct udpd *u, uint32_t id, const struct dgram *g)
{
	struct app_name peer = { .ip = g->peer, .port = g->port };

	if (u->state->sock[id].bound)
		return true;
	touch_sock(u, id);
	if (bind_auto(u, id, &peer) == 0)
		return true;
	node_count(&u->n, CNT_TX_NO_PORT);
	return false;
}

enum apps_served tx_serve(
    struct udpd *u, uint32_t id, uint64_t written, uint32_t *budget)
{
	struct usock_flow *f = &u->state->flow[id];
	struct dgram g;

	if (written - f->tx_consumed > APP_TX_BYTES)
		return SERVE_LIE;
	while (f->tx_consumed != written) {
		uint64_t at = f->tx_consumed;

		if (*budget == 0 || !apps_can_touch(&u->apps) ||
		    !node_room(&u->n, u->down, 1))
			return SERVE_MORE;
		(*budget)--;
		if (!read_head(u, id, at, written, &g))
			return SERVE_LIE;
		if (has_port(u, id, &g) && !send_one(u, id, at, &g))
			return SERVE_MORE;
		touch_flow(u, id);
		f->tx_consumed = at + dgram_room(g.len);
	}
	return SERVED;
}
