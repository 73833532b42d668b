/*
 * udpd.c - attach, recover and turn
 */
#include "udpd/udpd.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "udpd/channel.h"
#include "udpd/group.h"
#include "udpd/port.h"
#include "udpd/rx.h"
#include "udpd/tx.h"

static_assert(sizeof(struct udpd_state) <= PRIV_BYTES - PRIV_STATE_OFF,
    "udpd.priv has room");

enum {
	RX_TURN = 64,      /* datagrams from ipd in one turn */
	APP_TURN = 128,    /* datagrams and commands of all apps */
	SOCKET_QUOTA = 16, /* of one socket before the next has its turn */
};

/* ---- The queue of sockets to look at: private, a hint */

void udpd_dirty(struct udpd *u, uint32_t id)
{
	struct udpd_sock *p = &u->sock[id];

	if (p->dirty)
		return;
	p->dirty = true;
	u->queue[(u->queue_head + u->queue_len++) % MAX_SOCKETS] = (uint16_t)id;
}

static uint32_t next_dirty(struct udpd *u)
{
	uint32_t id = u->queue[u->queue_head];

	u->queue_head = (u->queue_head + 1) % MAX_SOCKETS;
	u->queue_len--;
	u->sock[id].dirty = false;
	return id;
}

void udpd_wake_later(struct udpd *u, uint32_t id, uint8_t wake)
{
	struct udpd_sock *p = &u->sock[id];

	p->wake |= wake;
	if (p->waked)
		return;
	p->waked = true;
	u->waked[u->nwaked++] = (uint16_t)id;
}

/* ---- Persistent objects */

struct usock *touch_sock(struct udpd *u, uint32_t id)
{
	struct usock *s = &u->state->sock[id];

	node_touch(&u->n, s, sizeof(*s));
	turn_object(&u->n.turn, id);
	u->sock[id].names_shown = false;
	udpd_wake_later(u, id, 0);
	return s;
}

struct usock_flow *touch_flow(struct udpd *u, uint32_t id)
{
	struct usock_flow *f = &u->state->flow[id];

	node_touch(&u->n, f, sizeof(*f));
	turn_object(&u->n.turn, id);
	udpd_wake_later(u, id, 0);
	return f;
}

bool udpd_can_touch(const struct udpd *u)
{
	return u->n.turn.nobject < TURN_MAX_OBJECTS - 4 &&
	    u->n.turn.log_used < TURN_LOG_BYTES - 16 * 1024;
}

void udpd_error(struct udpd *u, uint32_t id, int err)
{
	struct usock_flow *f = touch_flow(u, id);

	f->error = ((f->error >> 32) + 1) << 32 | (uint32_t)err;
	udpd_wake_later(u, id, WAKE_RX);
}

uint32_t udpd_next_open(const struct udpd *u, uint32_t id)
{
	while (id < MAX_SOCKETS) {
		uint64_t word = u->state->open[id / 64] >> (id % 64);

		if (word != 0)
			return id + (uint32_t)__builtin_ctzll(word);
		id = (id / 64 + 1) * 64;
	}
	return MAX_SOCKETS;
}

static void set_open(struct udpd *u, uint32_t id, bool open)
{
	uint64_t *word = &u->state->open[id / 64];
	uint64_t bit = (uint64_t)1 << (id % 64);

	node_touch(&u->n, word, sizeof(*word));
	*word = open ? *word | bit : *word & ~bit;
}

/* ---- Sockets come and go */

static void open_socket(struct udpd *u, uint32_t id)
{
	struct usock *s = touch_sock(u, id);
	struct usock_flow *f = touch_flow(u, id);

	*s = (struct usock){
		.family = u->sock[id].family,
		.local = { .link = LINK_ANY },
		.peer = { .link = LINK_ANY },
		.rcvbuf = RCVBUF_DEFAULT,
		.sndbuf = RCVBUF_DEFAULT,
		.flags = SO_F_MCAST_LOOP | SO_F_MCAST_LOOP6 | SO_F_MCAST_ALL |
		    SO_F_MCAST_ALL6,
		.ttl = -1,
		.hops6 = -1,
		.mcast_ttl = 1,
		.mcast_hops6 = 1,
		.mtu_discover = 1,
		.mtu_discover6 = 1,
		.bind_link = LINK_ANY,
		.mcast_link = LINK_ANY,
		.mcast_link6 = LINK_ANY,
		.unicast_link = LINK_ANY,
	};
	s->local.ip = s->family == AF_INET ? ip_any4 : ip_any6;
	s->peer.ip = s->local.ip;
	s->local.family = s->peer.family = s->family;
	s->chosen = s->local;
	channel_resume(u, id, s, f);
	set_open(u, id, true);
	u->sock[id].opening = false;
	log_debug(&u->n.log, "socket opened, app=%u socket=%u", app_of(id),
	    sub_of(id));
}

static void close_socket(struct udpd *u, uint32_t id)
{
	struct usock *s = touch_sock(u, id);
	uint32_t seq = s->reply_seq;

	port_remove(u, id);
	u->groups_changed |= s->ngroups > 0;
	*s = (struct usock){ .reply_seq = seq };
	set_open(u, id, false);
	log_debug(&u->n.log, "socket closed, app=%u socket=%u", app_of(id),
	    sub_of(id));
}

static void forget_socket(struct udpd *u, uint32_t id)
{
	u->sock[id].closing = false;
	u->sock[id].opening = false;
	u->sock[id].patient = false;
	u->sock[id].tries = 0;
	u->sock[id].have = false;
	udpd_wake_later(u, id, WAKE_CLOSED);
}

/* What was sent before the last close goes out, as with the kernel. */
static bool serve_closing(struct udpd *u, uint32_t id, uint32_t *budget)
{
	const struct udpd_app *a = &u->app[app_of(id)];

	if (is_open(u, id)) {
		if (a->a2s != NULL && !a->cut &&
		    tx_serve(u, id, channel_tx_written(u, id), budget) ==
			TX_MORE)
			return true;
		close_socket(u, id);
	}
	forget_socket(u, id);
	return false;
}

/* True if there is more to do for this socket. */
static bool serve(struct udpd *u, uint32_t id, uint32_t *budget)
{
	struct udpd_sock *p = &u->sock[id];
	const struct udpd_app *a = &u->app[app_of(id)];
	struct command c;
	uint64_t written;
	bool asked;

	if (p->closing || a->cut)
		return serve_closing(u, id, budget);
	if (p->opening)
		open_socket(u, id);
	if (!is_open(u, id) || a->a2s == NULL)
		return false;
	channel_kicked(u, id);
	/* What was sent before a command is not changed by it. */
	asked = channel_asked(u, id, &c);
	written = channel_tx_written(u, id);
	switch (tx_serve(u, id, written, budget)) {
	case TX_MORE:
		return true;
	case TX_LIE:
		channel_cut_off(u, app_of(id), "impossible tx ring");
		return true;
	case TX_DONE:
		break;
	}
	if (asked)
		channel_answer(u, id, &c);
	return false;
}

static void serve_sockets(struct udpd *u)
{
	uint32_t budget = node_limit(&u->n, APP_TURN);

	for (uint32_t left = u->queue_len; left > 0 && budget > 0; left--) {
		uint32_t quota = budget < SOCKET_QUOTA ? budget : SOCKET_QUOTA;
		uint32_t id;

		if (turn_full(&u->n.turn))
			break;
		id = next_dirty(u);
		budget -= quota;
		if (serve(u, id, &quota))
			udpd_dirty(u, id);
		/* A look costs one, even at a socket without news. */
		budget += quota > 0 ? quota - 1 : 0;
	}
}

/* ---- Attach and turn */

static void make_state(struct udpd *u)
{
	struct udpd_state *s = u->state;

	node_touch(&u->n, s, offsetof(struct udpd_state, open));
	s->port_key[0] = u->seed[0];
	s->port_key[1] = u->seed[1];
	s->made = 1;
}

/* One socket's hints anew, from what survived. */
static void take_over(struct udpd *u, uint32_t id)
{
	struct udpd_sock *p = &u->sock[id];

	p->opening = false;
	p->names_shown = false;
	/* Nobody has it any more: closed while we were away. */
	p->closing |= !p->have;
	if (u->state->sock[id].bound)
		port_insert(u, id);
	channel_remind(u, id);
	udpd_dirty(u, id);
}

static void rebuild(struct udpd *u)
{
	port_clear(u);
	for (uint32_t id = udpd_next_open(u, 0); id < MAX_SOCKETS;
	     id = udpd_next_open(u, id + 1))
		take_over(u, id);
	/* What the supervisor told of and is not open yet. */
	for (uint32_t app = 0; app < APP_MAX; app++)
		for (uint32_t sub = 0; u->app[app].a2s && sub < APP_MAX_SOCKETS;
		     sub++)
			if (u->sock[app * APP_MAX_SOCKETS + sub].have)
				udpd_dirty(u, app * APP_MAX_SOCKETS + sub);
}

int udpd_attach(struct udpd *u, const struct segments *s, struct mono now)
{
	const struct ring_in *up;
	int r =
	    node_attach(&u->n, s, udpd_counters, CNT_UDPD_END - CNT_NODE_END);

	if (r < 0)
		return r;
	u->n.now = now;
	u->state = (struct udpd_state *)(void *)u->n.state;
	u->n.turn.show = channel_show;
	u->n.turn.ctx = u;
	u->down = node_out(&u->n, LAYER_IP, 0);
	up = node_in(&u->n, LAYER_IP, 0);
	if (u->down == NULL || up == NULL)
		return log_errno(&u->n.log, EINVAL, "no rings with ipd");
	u->shared_fib = (const void *)(s->out[up->from] + OUT_TABLE_OFF);
	node_recover(&u->n, NULL, NULL);
	memset(&u->fib, 0, sizeof(u->fib));
	rebuild(u);
	u->asleep = false;
	u->retry = MONO_NEVER;
	u->groups_changed = true;
	u->attached = true;
	for (uint32_t app = 0; app < APP_MAX; app++) {
		channel_awake(u, app);
		channel_open(u, app);
	}
	return 0;
}

static void retry(struct udpd *u)
{
	u->retry = MONO_NEVER;
	for (uint32_t id = udpd_next_open(u, 0); id < MAX_SOCKETS;
	     id = udpd_next_open(u, id + 1)) {
		if (!u->sock[id].patient)
			continue;
		u->sock[id].patient = false;
		udpd_dirty(u, id);
	}
}

bool udpd_turn(struct udpd *u, struct mono now)
{
	bool worked;

	node_begin(&u->n, now);
	if (u->asleep) {
		u->asleep = false;
		for (uint32_t app = 0; app < APP_MAX; app++)
			channel_awake(u, app);
	}
	if (!u->state->made)
		make_state(u);
	if (fib_refresh(&u->fib, u->shared_fib))
		for (uint32_t app = 0; app < APP_MAX; app++)
			channel_publish_fib(u, app);
	rx_turn(u, node_limit(&u->n, RX_TURN));
	for (uint32_t app = 0; app < APP_MAX; app++)
		channel_events(u, app);
	if (mono_reached(u->retry, now))
		retry(u);
	serve_sockets(u);
	worked = node_commit(&u->n);
	if (u->groups_changed)
		group_publish(u);
	return worked || u->nwaked > 0;
}

struct mono udpd_deadline(const struct udpd *u)
{
	return u->retry;
}

bool udpd_may_sleep(struct udpd *u)
{
	/* Left over, and not for want of room: that has its own wake-up. */
	if (u->queue_len > 0 && !u->n.starving)
		return false;
	/* Asked while looking, too: then apps need not ring. */
	if (!u->asleep &&
	    atomic_load_explicit(&u->n.out->asleep, memory_order_relaxed)) {
		u->asleep = true;
		for (uint32_t app = 0; app < APP_MAX; app++)
			channel_asleep(u, app);
		/* Full fence: "asleep" before our last look (app.h). */
		atomic_thread_fence(memory_order_seq_cst);
	}
	for (uint32_t app = 0; app < APP_MAX; app++)
		if (channel_news(u, app))
			return false;
	return true;
}

/* ---- What the supervisor says */

int udpd_app_opened(
    struct udpd *u, uint32_t app, const uint8_t *a2s, uint8_t *s2a)
{
	struct udpd_app *a;

	if (app >= APP_MAX || u->app[app].a2s != NULL)
		return -EINVAL;
	a = &u->app[app];
	*a = (struct udpd_app){ .a2s = a2s };
	a->s2a = s2a;
	channel_open(u, app);
	return 0;
}

void udpd_app_gone(struct udpd *u, uint32_t app)
{
	if (app >= APP_MAX || u->app[app].a2s == NULL)
		return;
	u->app[app].gone = true;
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		if (u->sock[app * APP_MAX_SOCKETS + sub].have)
			udpd_socket_closed(u, app, sub);
}

int udpd_socket_opened(
    struct udpd *u, uint32_t app, uint32_t sub, uint8_t family)
{
	struct udpd_sock *p;

	if (app >= APP_MAX || sub >= APP_MAX_SOCKETS || u->app[app].a2s == NULL)
		return -EINVAL;
	p = &u->sock[app * APP_MAX_SOCKETS + sub];
	if (p->have)
		return -EEXIST;
	p->have = p->opening = true;
	p->closing = u->app[app].gone || u->app[app].cut;
	p->family = family;
	if (u->attached)
		udpd_dirty(u, app * APP_MAX_SOCKETS + sub);
	return 0;
}

void udpd_socket_closed(struct udpd *u, uint32_t app, uint32_t sub)
{
	struct udpd_sock *p = &u->sock[app * APP_MAX_SOCKETS + sub];

	if (!p->have)
		return;
	p->closing = true;
	if (u->attached)
		udpd_dirty(u, app * APP_MAX_SOCKETS + sub);
}

void udpd_look(struct udpd *u, uint32_t app, uint32_t sub)
{
	if (u->attached)
		udpd_dirty(u, app * APP_MAX_SOCKETS + sub);
}

void udpd_socket_withdrawn(struct udpd *u, uint32_t app, uint32_t sub)
{
	u->sock[app * APP_MAX_SOCKETS + sub] =
	    (struct udpd_sock){ .next = NO_SOCKET };
}

bool udpd_app_done(const struct udpd *u, uint32_t app)
{
	if (!u->app[app].gone)
		return false;
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		if (u->sock[app * APP_MAX_SOCKETS + sub].have)
			return false;
	return true;
}

void udpd_app_forget(struct udpd *u, uint32_t app)
{
	u->app[app] = (struct udpd_app){ .a2s = NULL };
}
