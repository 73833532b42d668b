/*
 * look.c - what `strata ss` sees of TCP
 *
 * The cursor walks over listening sockets, connections and those in TIME-WAIT,
 * by their numbers; only what is in use is looked at, so a chunk costs what is
 * in it and some words of bitmaps.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "shm/ask_socket.h"
#include "tcpd/tcpd.h"

enum {
	LOOK_CONNS = MAX_SOCKETS,
	LOOK_LINGERS = LOOK_CONNS + MAX_CONNS,
	LOOK_END = LOOK_LINGERS + MAX_LINGERS,
};

static uint32_t ms_until(const struct tcpd *t, struct mono at)
{
	int64_t ns = mono_since(at, t->n.now);

	return ns > 0 ? (uint32_t)(ns / NS_PER_MS) : 0;
}

static void name_end(
    struct app_name *n, const struct ip_addr *ip, uint16_t port, uint8_t link)
{
	*n = (struct app_name){
		.ip = *ip,
		.port = port,
		.link = !ip_is_v4(ip) && ip_is_link_local(ip) ? link : LINK_ANY,
		.family = ip_is_v4(ip) ? AF_INET : AF_INET6,
	};
}

static void show_ends(
    struct ask_socket *k, const struct tcp_tuple *ends, uint8_t link)
{
	name_end(&k->local, &ends->local, ends->local_port, link);
	name_end(&k->peer, &ends->remote, ends->remote_port, link);
	k->family = k->local.family;
}

/* Which timer Linux would speak of. */
static void show_timer(
    struct ask_socket *k, const struct tcpd *t, const struct tcb *c)
{
	const struct tcp_timers *m = &c->timers;
	struct mono at = m->loss;

	if (m->loss.ns != MONO_NEVER.ns) {
		bool persist = m->loss_kind == TIMER_WINDOW_PROBE;

		k->timer = persist ? ASK_TIMER_PERSIST : ASK_TIMER_ON;
		k->tries = persist ? m->probes : m->retransmits;
	} else if (m->end.ns != MONO_NEVER.ns) {
		k->timer = ASK_TIMER_TIME_WAIT;
		at = m->end;
	} else if (m->idle.ns != MONO_NEVER.ns) {
		k->timer = ASK_TIMER_KEEPALIVE;
		k->tries = m->keepalives;
		at = m->idle;
	} else {
		return;
	}
	k->timer_ms = ms_until(t, at);
}

static bool add_listener(
    const struct tcpd *t, uint32_t id, struct ask_chunk *ret)
{
	const struct tsock *s = stream_sock(&t->streams, id);
	struct ask_socket *k;

	if (s->state != TSOCK_LISTENING)
		return true;
	k = ask_chunk_add(ret, ASK_SOCKET_SHORT);
	if (k == NULL)
		return false;
	k->bytes = ASK_SOCKET_SHORT;
	k->proto = IPPROTO_TCP;
	k->state = SOCKET_LISTEN;
	k->family = s->family;
	k->app = (uint16_t)app_of(id);
	k->sub = (uint16_t)sub_of(id);
	k->local = s->local;
	k->peer.family = s->family;
	k->peer.ip = s->family == AF_INET ? ip_any4 : ip_any6;
	k->peer.link = LINK_ANY;
	k->rxq = stream_queued(&t->streams, id);
	k->txq = s->backlog;
	k->rcvbuf = (uint32_t)s->o.rcvbuf;
	k->sndbuf = (uint32_t)s->o.sndbuf;
	return true;
}

/*
 * Whose it is, and what is in the rings by now: the app says how far it has
 * read and written only when that matters, but writes it where we can look.
 */
static void show_holder(
    struct ask_socket *k, const struct tcpd *t, const struct tcb *c)
{
	const struct apps *a = &t->streams.apps;
	uint64_t read = c->rx_read, written = c->tx_end;

	k->app = k->sub = ASK_NO_APP;
	k->rxq = (uint32_t)(c->rx_nxt - read);
	k->txq = (uint32_t)(written - c->tx_una);
	if (c->sock == NO_SOCKET)
		return;
	if (a->app[app_of(c->sock)].a2s != NULL) {
		read = apps_rx_read(a, c->sock);
		written = apps_tx_written(a, c->sock);
	}
	/* A lie is not shown. */
	if (c->rx_nxt - read <= APP_RX_BYTES)
		k->rxq = (uint32_t)(c->rx_nxt - read);
	if (!(c->flags & CONN_TX_SHUT) && written - c->tx_una <= APP_TX_BYTES)
		k->txq = (uint32_t)(written - c->tx_una);
	k->app = (uint16_t)app_of(c->sock);
	k->sub = (uint16_t)sub_of(c->sock);
}

static bool add_conn(const struct tcpd *t, uint32_t id, struct ask_chunk *ret)
{
	const struct tcb *c = conn_get(t, id);
	struct ask_socket *k;

	/* One whose reset waits for room is none any more. */
	if (c->state == TCP_CLOSED || (c->flags & CONN_ABORTED))
		return true;
	k = ask_chunk_add(ret, sizeof(*k));
	if (k == NULL)
		return false;
	k->bytes = sizeof(*k);
	k->proto = IPPROTO_TCP;
	show_ends(k, &c->ends, c->link);
	show_holder(k, t, c);
	show_timer(k, t, c);
	conn_info(t, c, &k->info);
	k->state = k->info.tcpi_state;
	k->rcvbuf = c->rcvbuf;
	k->sndbuf = (uint32_t)c->o.sndbuf;
	snprintf(k->congestion, sizeof(k->congestion), "%s",
	    cc_name((enum cc_algorithm)c->o.congestion));
	return true;
}

static bool add_linger(const struct tcpd *t, uint32_t i, struct ask_chunk *ret)
{
	const struct lingering *l = linger_get(t, MAX_CONNS + i);
	struct ask_socket *k = ask_chunk_add(ret, ASK_SOCKET_SHORT);

	if (k == NULL)
		return false;
	k->bytes = ASK_SOCKET_SHORT;
	k->proto = IPPROTO_TCP;
	k->state = SOCKET_TIME_WAIT;
	k->app = k->sub = ASK_NO_APP;
	show_ends(k, &l->ends, l->link);
	k->timer = ASK_TIMER_TIME_WAIT;
	k->timer_ms = ms_until(t, l->until);
	return true;
}

static bool add_one(const struct tcpd *t, uint32_t at, struct ask_chunk *ret)
{
	if (at < LOOK_CONNS)
		return add_listener(t, at, ret);
	if (at < LOOK_LINGERS)
		return add_conn(t, at - LOOK_CONNS, ret);
	return add_linger(t, at - LOOK_LINGERS, ret);
}

/* The next number from @at on that is in use, or LOOK_END. */
static uint32_t next_used(const struct tcpd *t, uint32_t at)
{
	while (at < LOOK_END) {
		const uint64_t *words = t->s->socks.apps.open;
		uint32_t base = 0;
		uint64_t left;

		if (at >= LOOK_LINGERS) {
			words = t->s->conns.lingers;
			base = LOOK_LINGERS;
		} else if (at >= LOOK_CONNS) {
			words = t->s->conns.used;
			base = LOOK_CONNS;
		}
		left = words[(at - base) / 64] >> (at - base) % 64;
		if (left != 0)
			return at + (uint32_t)__builtin_ctzll(left);
		at = base + ((at - base) / 64 + 1) * 64;
	}
	return LOOK_END;
}

int tcpd_look(const struct tcpd *t, const struct ask *q, struct ask_chunk *ret)
{
	uint32_t at;

	if (q->op != ASK_SOCKETS)
		return -EOPNOTSUPP;
	for (at = next_used(t, q->cursor); at < LOOK_END;
	     at = next_used(t, at + 1)) {
		if (!add_one(t, at, ret)) {
			ret->next = at;
			ret->more = true;
			break;
		}
	}
	return 0;
}
