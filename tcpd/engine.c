/*
 * engine.c - what apps ask of connections: RFC 9293, 3.10.1 to 3.10.6
 *
 * OPEN, SEND, RECEIVE, CLOSE, ABORT and STATUS, as sockets see them (app.h).
 * SEND and RECEIVE are only numbers here: how far the app has written, and
 * read.  All that follows from a call is sent at the end of the turn.
 */
#include <errno.h>
#include <netinet/in.h>

#include "tcpd/isn.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

/* ---- Options */

static enum cc_algorithm algorithm(
    const struct tcp_config *c, const struct tsock *k)
{
	if (strcmp(k->o.congestion, "reno") == 0)
		return CC_RENO;
	if (strcmp(k->o.congestion, "cubic") == 0)
		return CC_CUBIC;
	return (enum cc_algorithm)c->cc.algorithm;
}

void conn_options_from(struct conn_options *o, const struct tcp_config *c,
    const struct tsock *k, const struct ip_addr *peer)
{
	const struct tsock_options *from = &k->o;
	bool v4 = ip_is_v4(peer);
	int16_t hops = v4 ? from->ttl : from->hops6;

	*o = (struct conn_options){
		.flags = from->flags,
		.keep_idle_s = from->keep_idle_s,
		.keep_interval_s = from->keep_interval_s,
		.keep_count = from->keep_count,
		.user_timeout_ms = from->user_timeout_ms,
		.linger2_s = from->linger2_s,
		.window_clamp = from->window_clamp,
		.sndbuf = from->sndbuf,
		.rcvbuf = from->rcvbuf,
		.maxseg = (uint16_t)from->maxseg,
		.syn_count = (uint8_t)from->syn_count,
		.hops = hops > 0 ? (uint8_t)hops : 0,
		.tclass = (v4 ? from->tos : from->tclass6) & 0xfc,
		.mtu_discover = v4 ? from->mtu_discover : from->mtu_discover6,
		.bind_link = from->bind_link,
		.congestion = (uint8_t)algorithm(c, k),
	};
}

static void options(void *x, uint32_t conn)
{
	struct tcpd *t = x;
	struct tcb *c = conn_touch(t, conn);
	struct timer_config timers, timers_before = conn_timers(t, c);
	uint8_t before = c->o.congestion;

	conn_options_from(&c->o, &t->config, stream_sock(&t->streams, c->sock),
	    &c->ends.remote);
	timers = conn_timers(t, c);
	/* Only then: clocks that run begin anew. */
	if (timers.user_timeout_ns != timers_before.user_timeout_ns ||
	    timers.keepalive_idle_ns != timers_before.keepalive_idle_ns)
		timers_configured(&c->timers, &timers, c->state, t->n.now);
	sender_set_mss(t, c);
	if (c->o.congestion != before)
		cc_switch(&c->cc, c->o.congestion);
	if (c->o.flags & TSOCK_RCVBUF_SET && (uint32_t)c->o.rcvbuf > c->rcvbuf)
		c->rcvbuf = (uint32_t)c->o.rcvbuf < APP_RX_BYTES
		    ? (uint32_t)c->o.rcvbuf
		    : APP_RX_BYTES;
}

static void quick_ack(void *x, uint32_t conn, bool on)
{
	ack_quick(&conn_touch(x, conn)->ack, on);
}

/* ---- OPEN: 3.10.1 */

static struct tcp_tuple ends_between(
    const struct app_name *local, const struct app_name *peer)
{
	return (struct tcp_tuple){
		.local = local->ip,
		.remote = peer->ip,
		.local_port = local->port,
		.remote_port = peer->port,
	};
}

static int open_active(void *x, uint32_t id, uint32_t *ret)
{
	struct tcpd *t = x;
	const struct tsock *k = stream_sock(&t->streams, id);
	struct tcp_tuple ends = ends_between(&k->local, &k->peer);
	struct tcb *c;

	if (conn_find(t, &ends) != NO_ID)
		return -EADDRNOTAVAIL;
	c = conn_new(t, &ends);
	if (c == NULL)
		return -ENOBUFS;
	conn_adopt(t, c, id);
	handshake_begin(t, c, k, k->peer.link);
	c->tx_una = k->words.tx_consumed;
	c->tx_end = k->words.tx_consumed;
	receiver_adopt(t, c, k->words.rx_written);
	sender_begin(t, c, isn_choose(t->s->isn_key, &ends, t->n.now));
	conn_set_state(t, c, TCP_SYN_SENT);
	node_count(&t->n, CNT_TCP_ACTIVE_OPENS);
	*ret = conn_id(t, c);
	return 0;
}

static int open_passive(void *x, uint32_t id, uint32_t backlog)
{
	(void)backlog; /* it is looked at when a SYN comes */
	listen_begin(x, id);
	return 0;
}

static void unlisten(void *x, uint32_t id)
{
	listen_end(x, id);
}

static void may_accept(void *x, uint32_t id)
{
	listen_may_accept(x, id);
}

/* ---- SEND and RECEIVE: 3.10.2, 3.10.3 */

static void look(void *x, uint32_t conn, uint64_t written, uint64_t read)
{
	struct tcpd *t = x;
	const struct tcb *was = conn_get(t, conn);
	const struct a2s_socket *a = a2s_of(&t->streams.apps, was->sock);
	bool more = atomic_load_explicit(&a->tx_more, memory_order_relaxed);
	bool new_data = !(was->flags & CONN_TX_SHUT) &&
	    (int64_t)(written - was->tx_end) > 0;
	bool new_room = (int64_t)(read - was->rx_read) > 0 &&
	    was->rx_nxt - read <= APP_RX_BYTES;
	struct tcb *c;

	if (!new_data && !new_room && more == was->tx_more)
		return;
	c = conn_touch(t, conn);
	c->tx_more = more;
	if (new_data) {
		rate_written(c);
		c->tx_end = written;
	}
	if (new_room)
		receive_read(t, c, read);
}

/* ---- CLOSE: 3.10.4 */

/* Our FIN follows all that was written. */
static void end_sending(struct tcpd *t, struct tcb *c, uint64_t written)
{
	if (c->flags & CONN_TX_SHUT)
		return;
	if ((int64_t)(written - c->tx_end) > 0)
		c->tx_end = written;
	c->flags |= CONN_TX_SHUT;
	c->tx_more = 0;
	conn_set_state(
	    t, c, c->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1);
}

static void shut(void *x, uint32_t conn, uint32_t how)
{
	struct tcpd *t = x;
	struct tcb *c = conn_touch(t, conn);

	if (how & 1)
		c->flags |= CONN_RX_SHUT;
	if ((how & 2) && tcp_state_may_send(c->state)) {
		uint64_t written = apps_tx_written(&t->streams.apps, c->sock);

		if (written - c->tx_una > APP_TX_BYTES)
			written = c->tx_end; /* a lie, found out elsewhere */
		end_sending(t, c, written);
	}
}

/* Nobody has it any more; it may take as long as an orphan is given. */
static void close_socket(void *x, uint32_t conn, uint64_t written)
{
	struct tcpd *t = x;
	struct tcb *c = conn_touch(t, conn);
	struct timer_config timers;

	if (t->conns.orphans >= t->config.max_orphans) {
		node_count(&t->n, CNT_TCP_ORPHANS_FULL);
		conn_abort(t, c, ENOMEM);
		return;
	}
	if (c->o.linger2_s < 0 && c->state == TCP_FIN_WAIT_2) {
		conn_abort(t, c, 0);
		return;
	}
	c->flags |= CONN_ORPHAN | CONN_RX_SHUT;
	t->conns.orphans++;
	if (tcp_state_may_send(c->state))
		end_sending(t, c, written);
	timers = conn_timers(t, c);
	timers_orphaned(&c->timers, &timers, c->state, t->n.now);
}

/* ---- ABORT: 3.10.5 */

static void give_up(void *x, uint32_t conn)
{
	struct tcpd *t = x;
	struct tcb *c = conn_touch(t, conn);

	conn_let_go(t, c);
	conn_abort(t, c, 0);
}

static void release(void *x, uint32_t conn)
{
	struct tcpd *t = x;

	conn_let_go(t, conn_touch(t, conn));
}

/* ---- STATUS: 3.10.6 */

static void info(const void *x, uint32_t conn, struct tcp_info *ret)
{
	const struct tcpd *t = x;

	conn_info(t, conn_get(t, conn), ret);
}

static void words(const void *x, uint32_t conn, struct app_words *ret)
{
	conn_words(conn_get(x, conn), ret);
}

static uint32_t mss(const void *x, uint32_t conn)
{
	return conn_get(x, conn)->mss;
}

static bool taken(
    const void *x, const struct app_name *local, const struct app_name *peer)
{
	struct tcp_tuple ends = ends_between(local, peer);

	return conn_find(x, &ends) != NO_ID;
}

static bool lingers(const void *x, const struct app_name *local, uint32_t reuse)
{
	return conn_lingers(x, local, reuse);
}

const struct stream_ops engine_ops = {
	.connect = open_active,
	.listen = open_passive,
	.unlisten = unlisten,
	.may_accept = may_accept,
	.look = look,
	.shutdown = shut,
	.close = close_socket,
	.abort = give_up,
	.release = release,
	.options = options,
	.quick_ack = quick_ack,
	.info = info,
	.words = words,
	.mss = mss,
	.taken = taken,
	.lingers = lingers,
};
