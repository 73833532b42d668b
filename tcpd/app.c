/*
 * app.c - sockets: tcpd's end of the channel to the apps
 */
#include "tcpd/app.h"

#include <errno.h>
#include <sys/socket.h>

struct tsock *tsock_touch(struct streams *s, uint32_t id)
{
	struct tsock *k = &s->state->sock[id];

	node_touch(s->n, k, sizeof(*k));
	apps_names_changed(&s->apps, id);
	return k;
}

static struct app_name nobody(uint8_t family)
{
	return (struct app_name){
		.ip = family == AF_INET ? ip_any4 : ip_any6,
		.link = LINK_ANY,
		.family = family,
	};
}

/* ---- Open and close */

static void open_socket(
    void *x, uint32_t id, uint8_t family, const struct app_words *from)
{
	struct streams *s = x;
	struct tsock *k = tsock_touch(s, id);

	*k = (struct tsock){
		.family = family,
		.conn = NO_CONN,
		.local = nobody(family),
		.peer = nobody(family),
		.words = *from,
	};
	k->words.stream = 0;
	tsock_defaults(&k->o, &s->n->topo->tcp);
}

static void free_socket(struct streams *s, uint32_t id)
{
	struct tsock *k = tsock_touch(s, id);
	struct app_words last = k->words;

	tsock_unbind(s, id, false);
	last.stream = 0;
	*k = (struct tsock){ .conn = NO_CONN, .words = last };
}

/*
 * Linux and RFC 2525, 2.17: who leaves data unread resets; so does a listener
 * that leaves connections (accept.c).
 */
static bool must_abort(
    const struct streams *s, uint32_t id, const struct app_words *w, bool lied)
{
	const struct tsock *k = &s->state->sock[id];

	return lied || k->o.linger == 1 || k->state == TSOCK_CONNECTING ||
	    accept_was_not(s, id) ||
	    apps_rx_read(&s->apps, id) != w->rx_written;
}

static void let_go(struct streams *s, struct tsock *k, uint32_t id)
{
	s->ops->words(s->x, k->conn, &k->words);
	s->ops->release(s->x, k->conn);
	k->conn = NO_CONN;
	apps_changed(&s->apps, id);
}

static enum apps_served close_connection(
    struct streams *s, uint32_t id, uint64_t written, bool lied)
{
	struct tsock *k = tsock_touch(s, id);
	struct app_words w;

	s->ops->words(s->x, k->conn, &w);
	if (k->state != TSOCK_ORPHAN && !lied &&
	    written - w.tx_consumed > APP_TX_BYTES)
		lied = true;
	if (lied || (k->state != TSOCK_ORPHAN && must_abort(s, id, &w, lied))) {
		k->words = w;
		s->ops->abort(s->x, k->conn);
		k->conn = NO_CONN;
		return SERVED;
	}
	if (k->state != TSOCK_ORPHAN) {
		k->state = TSOCK_ORPHAN;
		/* What the app writes from now on is not looked at. */
		k->words.tx_consumed = written;
		s->ops->close(s->x, k->conn, written);
		if (k->conn == NO_CONN)
			return SERVED;
		s->ops->words(s->x, k->conn, &w);
	}
	if (w.tx_consumed != k->words.tx_consumed)
		return SERVE_WAIT;
	let_go(s, k, id);
	return SERVED;
}

/*
 * Who waits to be accepted is reset, as by the kernel.  False: there are more
 * than one turn can change.
 */
static bool stop_listening(struct streams *s, uint32_t id, bool lied)
{
	bool all = lied || accept_reset_all(s, id);

	if (!all)
		return false;
	s->ops->unlisten(s->x, id);
	tsock_touch(s, id)->state = TSOCK_IDLE;
	accept_look_again(s);
	return true;
}

static enum apps_served close_socket(
    void *x, uint32_t id, uint64_t written, bool lied, uint32_t *budget)
{
	struct streams *s = x;
	const struct tsock *k = &s->state->sock[id];

	if (*budget > 0)
		(*budget)--;
	if (accept_holds(s, id, lied))
		return SERVE_HOLD;
	if (k->conn != NO_CONN &&
	    close_connection(s, id, written, lied) == SERVE_WAIT)
		return SERVE_WAIT;
	if (k->state == TSOCK_LISTENING && !stop_listening(s, id, lied))
		return SERVE_MORE;
	free_socket(s, id);
	return SERVED;
}

void stream_drained(struct streams *s, uint32_t id)
{
	apps_dirty(&s->apps, id);
}

/* ---- What the app has written and read */

static enum apps_served serve_listener(
    struct streams *s, uint32_t id, uint64_t written)
{
	const struct tsock *k = &s->state->sock[id];

	if (written - k->words.tx_consumed > APP_TX_BYTES ||
	    written % sizeof(uint32_t) !=
		k->words.tx_consumed % sizeof(uint32_t))
		return SERVE_LIE;
	accept_look_ahead(s, id, written);
	accept_look_again(s);
	s->ops->may_accept(s->x, id);
	return SERVED;
}

static enum apps_served serve(
    void *x, uint32_t id, uint64_t written, uint32_t *budget)
{
	struct streams *s = x;
	const struct tsock *k = &s->state->sock[id];
	uint64_t read = apps_rx_read(&s->apps, id);
	struct app_words w = k->words;

	if (*budget > 0)
		(*budget)--;
	if (k->conn != NO_CONN)
		s->ops->words(s->x, k->conn, &w);
	if (w.rx_written - read > APP_RX_BYTES)
		return SERVE_LIE;
	if (k->state == TSOCK_LISTENING)
		return serve_listener(s, id, written);
	/* Written into a socket without a connection: it was too late. */
	if (k->conn == NO_CONN)
		return SERVED;
	if (written - w.tx_consumed > APP_TX_BYTES)
		return SERVE_LIE;
	s->ops->look(s->x, k->conn, written, read);
	return SERVED;
}

/* ---- Commands */

static int do_connect(
    struct streams *s, uint32_t id, const struct app_name *name)
{
	struct tsock *k = &s->state->sock[id];
	uint32_t conn;
	int r;

	if (k->state == TSOCK_CONNECTING && k->conn != NO_CONN)
		return -EALREADY;
	if (k->state == TSOCK_LISTENING || k->state == TSOCK_CONNECTED)
		return -EISCONN;
	r = tsock_name_peer(s, id, name);
	if (r < 0)
		return r;
	/* What was written for an earlier connection is not for this one. */
	k->words.tx_consumed = apps_tx_written(&s->apps, id);
	k->state = TSOCK_CONNECTING;
	k->shut = 0;
	r = s->ops->connect(s->x, id, &conn);
	if (r < 0) {
		k->state = TSOCK_IDLE;
		k->peer = nobody(k->family);
		tsock_unbind(s, id, true);
		return r;
	}
	k->conn = conn;
	return 0;
}

/* connect() with AF_UNSPEC. */
static int disconnect(struct streams *s, uint32_t id)
{
	struct tsock *k = &s->state->sock[id];

	/* It listens until all are reset, so whoever asks next goes on. */
	if (k->state == TSOCK_LISTENING && !stop_listening(s, id, false))
		return COMMAND_MORE;
	if (k->conn != NO_CONN) {
		s->ops->words(s->x, k->conn, &k->words);
		s->ops->abort(s->x, k->conn);
		k->conn = NO_CONN;
	}
	k->state = TSOCK_IDLE;
	k->shut = 0;
	k->words.stream = 0;
	k->peer = nobody(k->family);
	tsock_unbind(s, id, true);
	/* Who waits for data, or in accept(), is to see that there is none. */
	stream_readable(s, id);
	return 0;
}

static int do_listen(struct streams *s, uint32_t id, uint32_t backlog)
{
	struct tsock *k = &s->state->sock[id];
	int r = 0;

	/* As the kernel: negative is as much as may be. */
	if (backlog > TSOCK_BACKLOG_MAX)
		backlog = TSOCK_BACKLOG_MAX;
	if (k->state != TSOCK_IDLE && k->state != TSOCK_LISTENING)
		return -EINVAL;
	if (k->state == TSOCK_IDLE)
		r = tsock_bind_listener(s, id);
	if (r == 0)
		r = s->ops->listen(s->x, id, backlog);
	if (r < 0)
		return r;
	/* Spares come after the answer; what is there was a stream's. */
	if (k->state == TSOCK_IDLE)
		k->words.tx_consumed = apps_tx_written(&s->apps, id);
	k->state = TSOCK_LISTENING;
	k->backlog = backlog;
	k->words.stream = STREAM_LISTENING;
	return 0;
}

static int do_refuse(struct streams *s, uint32_t id)
{
	if (s->state->sock[id].state != TSOCK_LISTENING)
		return -EINVAL;
	accept_refuse(s, id);
	return 0;
}

static int do_shutdown(struct streams *s, uint32_t id, uint32_t how)
{
	struct tsock *k = &s->state->sock[id];

	how &= 3;
	/* A listener is one no more; a connection in the making is given up. */
	if (k->state == TSOCK_LISTENING || k->state == TSOCK_CONNECTING)
		return (how & 1) || k->state == TSOCK_CONNECTING
		    ? disconnect(s, id)
		    : 0;
	if (k->state != TSOCK_CONNECTED)
		return -ENOTCONN;
	k->shut |= (uint8_t)how;
	if (k->conn != NO_CONN)
		s->ops->shutdown(s->x, k->conn, how);
	apps_wake_later(&s->apps, id, WAKE_RX | WAKE_TX);
	return k->conn != NO_CONN ? 0 : -ENOTCONN;
}

static int command(
    void *x, uint32_t id, const struct command *c, struct app_answer *answer)
{
	struct streams *s = x;
	struct app_name name = { .family = 0 };

	tsock_touch(s, id);
	if (c->len == sizeof(name))
		memcpy(&name, c->data, sizeof(name));
	switch ((enum app_op)c->op) {
	case APP_OP_BIND:
		return tsock_bind(s, id, &name);
	case APP_OP_CONNECT:
		return name.family == 0 ? disconnect(s, id)
					: do_connect(s, id, &name);
	case APP_OP_SETOPT:
		return tsock_set(s, id, c);
	case APP_OP_GETOPT:
		return tsock_get(s, id, c, answer);
	case APP_OP_SHUTDOWN:
		return do_shutdown(s, id, c->arg[0]);
	case APP_OP_LISTEN:
		return do_listen(s, id, c->arg[0]);
	case APP_OP_REFUSE:
		return do_refuse(s, id);
	case NAPP_OPS:
		break;
	}
	return -EINVAL;
}

/* ---- What the app sees */

static void names(const void *x, uint32_t id, struct s2a_names *n)
{
	const struct streams *s = x;
	const struct tsock *k = &s->state->sock[id];

	n->bound = k->bound;
	n->connected = k->state == TSOCK_CONNECTED && k->conn != NO_CONN;
	n->shut = k->shut;
	n->local = k->local;
	n->peer = k->peer;
	n->sndbuf = (uint32_t)k->o.sndbuf;
	n->rcvbuf = (uint32_t)k->o.rcvbuf;
	n->rcvlowat = (uint32_t)k->o.rcvlowat;
	n->linger = k->o.linger;
	n->notsent_lowat = (uint32_t)k->o.notsent_lowat;
	n->so_flags = k->o.flags & TSOCK_V6ONLY ? APP_SO_V6ONLY : 0;
	n->mcast_link = LINK_ANY;
	n->bind_link = k->o.bind_link;
}

static void words(const void *x, uint32_t id, struct app_words *ret)
{
	const struct streams *s = x;
	const struct tsock *k = &s->state->sock[id];
	uint64_t error = k->words.error;

	*ret = k->words;
	/* The last connection's; what came after that is consumed unsent. */
	if ((int64_t)(ret->tx_consumed - ret->tx_sent) > 0)
		ret->tx_sent = ret->tx_consumed;
	if (k->conn != NO_CONN)
		s->ops->words(s->x, k->conn, ret);
	/* Errors are the socket's: they outlive connections. */
	ret->error = error;
	if (k->shut & 1)
		ret->stream |= STREAM_RX_END;
	if (k->shut & 2)
		ret->stream &= ~(uint64_t)STREAM_TX_OPEN;
}

static void take_over(void *x, uint32_t id)
{
	struct streams *s = x;

	if (s->state->sock[id].bound)
		tsock_port_insert(s, id);
	if (apps_is_live(&s->apps, id) &&
	    s->state->sock[id].state == TSOCK_LISTENING)
		accept_look_ahead(s, id, apps_tx_written(&s->apps, id));
	/* Perhaps it listened a moment ago, and nobody was told. */
	if (s->state->sock[id].state == TSOCK_IDLE)
		stream_readable(s, id);
}

static const struct apps_ops apps_ops = {
	.open = open_socket,
	.close = close_socket,
	.serve = serve,
	.command = command,
	.names = names,
	.words = words,
	.take_over = take_over,
};

/* ---- What the engine says */

void stream_established(struct streams *s, uint32_t id)
{
	struct tsock *k = tsock_touch(s, id);

	k->state = TSOCK_CONNECTED;
	apps_wake_later(&s->apps, id, WAKE_TX);
}

void stream_sized(struct streams *s, uint32_t id, int32_t sndbuf)
{
	tsock_touch(s, id)->o.sndbuf = sndbuf;
	apps_wake_later(&s->apps, id, WAKE_TX);
}

void stream_error(struct streams *s, uint32_t id, int err)
{
	struct tsock *k = tsock_touch(s, id);

	k->words.error = ((k->words.error >> 32) + 1) << 32 | (uint32_t)err;
	stream_readable(s, id);
}

void stream_gone(
    struct streams *s, uint32_t id, const struct app_words *last, int err)
{
	struct tsock *k = tsock_touch(s, id);
	uint64_t error = k->words.error;

	k->words = *last;
	k->words.error = error;
	k->words.stream &=
	    ~(uint64_t)(STREAM_TX_OPEN | STREAM_CONNECTING | STREAM_CLOSING);
	k->words.stream |= STREAM_RX_END;
	k->conn = NO_CONN;
	if (err != 0) {
		k->words.stream |= STREAM_RESET;
		stream_error(s, id, err);
	}
	/* As in Linux its port is free, and the name stays to be read. */
	if (k->state == TSOCK_CONNECTED)
		tsock_free_port(s, id);
	/* It may be tried again: connect() after a refusal. */
	if (k->state == TSOCK_CONNECTING) {
		k->state = TSOCK_IDLE;
		tsock_unbind(s, id, true);
	}
	if (k->state == TSOCK_ORPHAN || s->apps.sock[id].closing)
		apps_dirty(&s->apps, id);
	stream_readable(s, id);
}

/* ---- Attach */

void streams_prepare(struct streams *s, const struct streams_setup *from)
{
	s->n = from->n;
	s->fib = from->fib;
	s->state = from->state;
	s->ops = from->ops;
	s->x = from->x;
	s->apps.n = from->n;
	s->apps.state = &from->state->apps;
	s->apps.ops = &apps_ops;
	s->apps.x = s;
	s->apps.fib = from->fib;
	s->apps.cnt_commands = from->cnt_commands;
	s->apps.cnt_cut_off = from->cnt_cut_off;
	s->n->turn.show = apps_show;
	s->n->turn.ctx = &s->apps;
}

void streams_attach(struct streams *s, const struct streams_setup *from)
{
	uint64_t *key = s->state->port_key;

	/* Which key does not matter, so a death in between does not either. */
	if (key[1] == 0) {
		key[0] = from->seed[0];
		key[1] = from->seed[1] | 1;
	}
	tsock_ports_clear(s);
	apps_attach(&s->apps);
}
