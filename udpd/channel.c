/*
 * channel.c - udpd's end of the channel to each app
 */
#include "udpd/channel.h"

#include <errno.h>
#include <sys/socket.h>

#include "udpd/bind.h"
#include "udpd/option.h"

enum {
	/* How often and after how long a bind to a port in use is tried. */
	TRIES = 3,
	RETRY_NS = 300 * NS_PER_US,
};

/* One read of a word that the app may change at any time. */
static uint32_t once32(const uint32_t *p)
{
	return *(const volatile uint32_t *)p;
}

/* ---- The heads of the segments */

void channel_publish_fib(struct udpd *u, uint32_t app)
{
	struct s2a_head *h = (void *)u->app[app].s2a;

	if (h == NULL)
		return;
	publish_begin(&h->fib.p);
	memcpy((uint8_t *)&h->fib + sizeof(h->fib.p),
	    (const uint8_t *)&u->fib + sizeof(u->fib.p),
	    sizeof(h->fib) - sizeof(h->fib.p));
	publish_end(&h->fib.p);
}

void channel_open(struct udpd *u, uint32_t app)
{
	struct s2a_head *h = (void *)u->app[app].s2a;

	/* While standing by, the segment is still the other instance's. */
	if (!u->attached || h == NULL)
		return;
	h->magic = LAYOUT_MAGIC;
	h->version = LAYOUT_VERSION;
	channel_publish_fib(u, app);
	/* Its first event may have come before us. */
	if (u->asleep)
		channel_asleep(u, app);
}

void channel_asleep(struct udpd *u, uint32_t app)
{
	struct s2a_head *h = (void *)u->app[app].s2a;

	if (h != NULL)
		atomic_store_explicit(&h->asleep, 1, memory_order_relaxed);
}

void channel_awake(struct udpd *u, uint32_t app)
{
	struct s2a_head *h = (void *)u->app[app].s2a;

	if (h != NULL)
		atomic_store_explicit(&h->asleep, 0, memory_order_relaxed);
}

/* ---- Events */

bool channel_news(struct udpd *u, uint32_t app)
{
	const struct udpd_app *a = &u->app[app];
	const struct a2s_head *h = (const void *)a->a2s;

	return h != NULL && !a->cut &&
	    atomic_load_explicit(&h->posted, memory_order_acquire) != a->seen;
}

static void look_at_all(struct udpd *u, uint32_t app)
{
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		if (u->sock[app * APP_MAX_SOCKETS + sub].have)
			udpd_dirty(u, app * APP_MAX_SOCKETS + sub);
}

void channel_events(struct udpd *u, uint32_t app)
{
	struct udpd_app *a = &u->app[app];
	const struct a2s_head *h = (const void *)a->a2s;
	uint32_t posted;

	if (h == NULL || a->cut)
		return;
	posted = atomic_load_explicit(&h->posted, memory_order_acquire);
	/* More than the ring keeps: some were overwritten. */
	if (posted - a->seen > APP_EVENTS)
		look_at_all(u, app);
	else
		for (uint32_t i = a->seen; i != posted; i++) {
			uint32_t sub = atomic_load_explicit(
			    &h->event[i % APP_EVENTS], memory_order_relaxed);

			if (sub < APP_MAX_SOCKETS)
				udpd_look(u, app, sub);
			else
				channel_cut_off(u, app, "no such socket");
		}
	a->seen = posted;
	/* Overwritten while we looked. */
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&h->posted, memory_order_relaxed) - posted >=
	    APP_EVENTS / 2)
		look_at_all(u, app);
}

/* ---- One socket's words */

void channel_resume(
    struct udpd *u, uint32_t id, struct usock *s, struct usock_flow *f)
{
	const struct s2a_socket *to = s2a_of(u, id);

	/* Ours alone to write, so it may be believed. */
	s->reply_seq =
	    atomic_load_explicit(&to->reply_seq, memory_order_relaxed);
	f->tx_consumed =
	    atomic_load_explicit(&to->tx_consumed, memory_order_relaxed);
	f->rx_written =
	    atomic_load_explicit(&to->rx_written, memory_order_relaxed);
	f->error = atomic_load_explicit(&to->error, memory_order_relaxed);
	f->dropped = 0;
	u->sock[id].rx_told = f->rx_written;
	u->sock[id].tx_told = f->tx_consumed;
}

void channel_remind(struct udpd *u, uint32_t id)
{
	const struct usock_flow *f = &u->state->flow[id];
	const struct a2s_socket *from;

	u->sock[id].rx_told = f->rx_written;
	u->sock[id].tx_told = f->tx_consumed;
	if (u->app[app_of(id)].a2s == NULL)
		return;
	from = a2s_of(u, id);
	udpd_wake_later(u, id, WAKE_REPLY | WAKE_TX);
	if (atomic_load(&from->rx_read) != f->rx_written ||
	    atomic_load(&from->error_taken) != f->error ||
	    u->state->sock[id].shut)
		udpd_wake_later(u, id, WAKE_RX);
}

void channel_kicked(struct udpd *u, uint32_t id)
{
	uint32_t kick =
	    atomic_load_explicit(&a2s_of(u, id)->kick, memory_order_relaxed);

	if (kick == u->sock[id].kick)
		return;
	u->sock[id].kick = kick;
	udpd_wake_later(u, id, WAKE_RX);
}

uint64_t channel_tx_written(const struct udpd *u, uint32_t id)
{
	return atomic_load_explicit(
	    &a2s_of(u, id)->tx_written, memory_order_acquire);
}

bool channel_asked(struct udpd *u, uint32_t id, struct command *ret)
{
	const struct a2s_socket *from = a2s_of(u, id);
	struct command c;

	c.seq = atomic_load_explicit(&from->cmd_seq, memory_order_acquire);
	if (c.seq == u->state->sock[id].reply_seq || u->sock[id].patient)
		return false;
	c.op = once32(&from->cmd_op);
	c.len = once32(&from->cmd_len);
	for (int i = 0; i < 4; i++)
		c.arg[i] = once32(&from->cmd_arg[i]);
	if (c.len > APP_COMMAND_BYTES || c.op >= NAPP_OPS) {
		channel_cut_off(u, app_of(id), "impossible command");
		return false;
	}
	memcpy(c.data, from->cmd_data, sizeof(c.data));
	*ret = c;
	return true;
}

static int do_shutdown(struct udpd *u, uint32_t id, uint32_t how)
{
	u->state->sock[id].shut |= how & 3;
	udpd_wake_later(u, id, WAKE_RX);
	return 0;
}

static int do_command(struct udpd *u, uint32_t id, const struct command *c)
{
	struct app_name name = { .family = 0 };

	if (c->len == sizeof(name))
		memcpy(&name, c->data, sizeof(name));
	switch ((enum app_op)c->op) {
	case APP_OP_BIND:
		return bind_local(u, id, &name);
	case APP_OP_CONNECT:
		return bind_peer(u, id, &name);
	case APP_OP_SETOPT:
		return option_set(u, id, c);
	case APP_OP_GETOPT:
		return option_get(u, id, c);
	case APP_OP_SHUTDOWN:
		return do_shutdown(u, id, c->arg[0]);
	case NAPP_OPS:
		break;
	}
	return -EINVAL;
}

void channel_answer(struct udpd *u, uint32_t id, const struct command *c)
{
	struct usock *s = touch_sock(u, id);
	int r;

	s->reply_len = 0;
	r = do_command(u, id, c);
	/*
	 * The port may be a closed socket's whose hang-up has not been looked
	 * at: with the kernel, close and bind in this order succeed.
	 */
	if (r == -EADDRINUSE && c->op == APP_OP_BIND &&
	    u->sock[id].tries++ < TRIES) {
		u->sock[id].patient = true;
		u->retry = mono_min(u->retry, mono_add(u->n.now, RETRY_NS));
		return;
	}
	u->sock[id].tries = 0;
	s->result = r;
	s->reply_seq = c->seq;
	node_count(&u->n, CNT_COMMANDS);
	udpd_wake_later(u, id, WAKE_REPLY);
	log_debug(&u->n.log, "command, app=%u socket=%u op=%u result=%d",
	    app_of(id), sub_of(id), c->op, s->result);
}

void channel_cut_off(struct udpd *u, uint32_t app, const char *why)
{
	struct udpd_app *a = &u->app[app];

	if (a->cut)
		return;
	a->cut = true;
	node_count(&u->n, CNT_APP_CUT_OFF);
	log_warn(&u->n.log, "app cut off: %s, app=%u", why, app);
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		if (u->sock[app * APP_MAX_SOCKETS + sub].have)
			udpd_socket_closed(u, app, sub);
}

/* ---- What the app sees */

/* What the library must know to decide by itself. */
static uint32_t shown_flags(const struct usock *s)
{
	uint32_t so = s->so;

	if (s->mtu_discover >= 2)
		so |= APP_SO_DONTFRAG;
	if (s->mtu_discover6 >= 2)
		so |= APP_SO_DONTFRAG6;
	return so;
}

static void show_names(const struct udpd *u, uint32_t id, struct s2a_socket *to)
{
	const struct usock *s = &u->state->sock[id];
	struct s2a_names *n = &to->names;

	publish_begin(&n->p);
	n->open = is_open(u, id);
	n->bound = s->bound;
	n->connected = s->connected;
	n->shut = s->shut;
	n->local = s->local;
	n->peer = s->peer;
	n->sndbuf = (uint32_t)s->sndbuf;
	n->so_flags = shown_flags(s);
	n->mcast_link = s->family == AF_INET ? s->mcast_link : s->mcast_link6;
	n->bind_link = s->bind_link;
	publish_end(&n->p);

	to->result = s->result;
	to->reply_len = s->reply_len;
	memcpy(to->reply, s->reply, sizeof(to->reply));
	atomic_store_explicit(
	    &to->reply_seq, s->reply_seq, memory_order_release);
}

void channel_show(void *udpd, uint32_t id)
{
	struct udpd *u = udpd;
	const struct usock_flow *f = &u->state->flow[id];
	struct s2a_socket *to;

	if (u->app[app_of(id)].s2a == NULL)
		return;
	to = s2a_of(u, id);
	if (!u->sock[id].names_shown) {
		show_names(u, id, to);
		u->sock[id].names_shown = true;
	}
	atomic_store_explicit(
	    &to->tx_consumed, f->tx_consumed, memory_order_release);
	atomic_store_explicit(
	    &to->tx_room, (uint32_t)f->tx_consumed, memory_order_release);
	atomic_store_explicit(&to->dropped, f->dropped, memory_order_relaxed);
	atomic_store_explicit(&to->error, f->error, memory_order_release);
	atomic_store_explicit(
	    &to->rx_written, f->rx_written, memory_order_release);
}

/* ---- Whom to wake after the turn */

static uint8_t who_waits(struct udpd *u, uint32_t id)
{
	struct udpd_sock *p = &u->sock[id];
	const struct usock_flow *f = &u->state->flow[id];
	const struct a2s_socket *from;
	uint8_t wake = p->wake;

	if (u->app[app_of(id)].a2s == NULL)
		return wake;
	from = a2s_of(u, id);
	if (f->rx_written != p->rx_told &&
	    atomic_load_explicit(&from->rx_read, memory_order_relaxed) ==
		p->rx_told)
		wake |= WAKE_RX;
	p->rx_told = f->rx_written;
	if (f->tx_consumed != p->tx_told)
		wake |= WAKE_TX;
	p->tx_told = f->tx_consumed;
	if (!atomic_load_explicit(&from->tx_waiting, memory_order_relaxed))
		wake &= (uint8_t)~WAKE_TX;
	if (!atomic_load_explicit(&from->cmd_waiting, memory_order_relaxed))
		wake &= (uint8_t)~WAKE_REPLY;
	return wake;
}

bool udpd_next_wake(struct udpd *u, uint32_t *id, uint8_t *wake)
{
	/* Full fence: our counts before what the app says (app.h). */
	if (u->nwaked > 0)
		atomic_thread_fence(memory_order_seq_cst);
	while (u->nwaked > 0) {
		uint32_t i = u->waked[--u->nwaked];

		*id = i;
		*wake = who_waits(u, i);
		u->sock[i].wake = 0;
		u->sock[i].waked = false;
		if (*wake != 0)
			return true;
	}
	return false;
}
