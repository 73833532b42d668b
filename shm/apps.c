/*
 * apps.c - a transport's end of the channel to each app: a turn's work
 */
#include "shm/apps.h"

#include <errno.h>

enum {
	/* How often and after how long a bind to a port in use is tried. */
	TRIES = 3,
	RETRY_NS = 300 * NS_PER_US,
	SOCKET_QUOTA = 16, /* of one socket before the next has its turn */
};

/* One read of a word that the app may change at any time. */
static uint32_t once32(const uint32_t *p)
{
	return *(const volatile uint32_t *)p;
}

/* ---- The queue of sockets to look at: private, a hint */

void apps_dirty(struct apps *a, uint32_t id)
{
	struct apps_sock *p = &a->sock[id];

	if (p->dirty)
		return;
	p->dirty = true;
	a->queue[(a->queue_head + a->queue_len++) % MAX_SOCKETS] = (uint16_t)id;
}

bool apps_is_sure(struct apps *a, uint32_t id, uint64_t at, uint64_t to)
{
	struct apps_sock *p = &a->sock[id];

	if (p->unsure && p->unsure_at != a->heard &&
	    (int64_t)(p->unsure_to - at) > 0)
		return true;
	p->unsure = true;
	p->unsure_at = a->heard;
	p->unsure_to = to;
	a->unsure = true;
	apps_dirty(a, id);
	return false;
}

static uint32_t next_dirty(struct apps *a)
{
	uint32_t id = a->queue[a->queue_head];

	a->queue_head = (a->queue_head + 1) % MAX_SOCKETS;
	a->queue_len--;
	a->sock[id].dirty = false;
	return id;
}

bool apps_can_touch(const struct apps *a)
{
	return a->n->turn.nobject < TURN_MAX_OBJECTS - 4 &&
	    a->n->turn.log_used < TURN_LOG_BYTES - 16 * 1024;
}

uint32_t apps_next_open(const struct apps *a, uint32_t id)
{
	while (id < MAX_SOCKETS) {
		uint64_t word = a->state->open[id / 64] >> (id % 64);

		if (word != 0)
			return id + (uint32_t)__builtin_ctzll(word);
		id = (id / 64 + 1) * 64;
	}
	return MAX_SOCKETS;
}

static void set_open(struct apps *a, uint32_t id, bool open)
{
	uint64_t *word = &a->state->open[id / 64];
	uint64_t bit = (uint64_t)1 << (id % 64);

	node_touch(a->n, word, sizeof(*word));
	*word = open ? *word | bit : *word & ~bit;
}

/* ---- The heads of the segments */

static void publish_fib(struct apps *a, uint32_t app)
{
	struct s2a_head *h = (void *)a->app[app].s2a;

	if (h == NULL)
		return;
	publish_begin(&h->fib.p);
	memcpy((uint8_t *)&h->fib + sizeof(h->fib.p),
	    (const uint8_t *)a->fib + sizeof(a->fib->p),
	    sizeof(h->fib) - sizeof(h->fib.p));
	publish_end(&h->fib.p);
}

void apps_publish_fib(struct apps *a)
{
	for (uint32_t app = 0; app < APP_MAX; app++)
		publish_fib(a, app);
}

static void set_asleep(struct apps *a, uint32_t app, uint32_t asleep)
{
	struct s2a_head *h = (void *)a->app[app].s2a;

	if (h != NULL)
		atomic_store_explicit(&h->asleep, asleep, memory_order_relaxed);
}

void apps_open_head(struct apps *a, uint32_t app)
{
	struct s2a_head *h = (void *)a->app[app].s2a;

	/* While standing by, the segment is still the other instance's. */
	if (!a->attached || h == NULL)
		return;
	h->magic = LAYOUT_MAGIC;
	h->version = LAYOUT_VERSION;
	publish_fib(a, app);
	apps_tell_measure(a, app);
	/* Its first event may have come before us. */
	if (a->asleep)
		set_asleep(a, app, 1);
}

/* ---- Events */

static bool has_news(const struct apps *a, uint32_t app)
{
	const struct apps_app *p = &a->app[app];
	const struct a2s_head *h = (const void *)p->a2s;

	return h != NULL && !p->cut &&
	    atomic_load_explicit(&h->posted, memory_order_acquire) != p->seen;
}

static void look_at_all(struct apps *a, uint32_t app)
{
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		if (a->sock[app * APP_MAX_SOCKETS + sub].have)
			apps_dirty(a, app * APP_MAX_SOCKETS + sub);
}

static void take_events(struct apps *a, uint32_t app)
{
	struct apps_app *p = &a->app[app];
	const struct a2s_head *h = (const void *)p->a2s;
	uint32_t posted;

	if (!has_news(a, app))
		return;
	posted = atomic_load_explicit(&h->posted, memory_order_acquire);
	/* More than the ring keeps: some were overwritten. */
	if (posted - p->seen > APP_EVENTS)
		look_at_all(a, app);
	else
		for (uint32_t i = p->seen; i != posted; i++) {
			uint32_t sub = atomic_load_explicit(
			    &h->event[i % APP_EVENTS], memory_order_relaxed);

			if (sub < APP_MAX_SOCKETS)
				apps_look(a, app, sub);
			else
				apps_cut_off(a, app, "no such socket");
		}
	p->seen = posted;
	/* Overwritten while we looked. */
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&h->posted, memory_order_relaxed) - posted >=
	    APP_EVENTS / 2)
		look_at_all(a, app);
}

/* ---- One socket's words */

uint64_t apps_tx_written(const struct apps *a, uint32_t id)
{
	return atomic_load_explicit(
	    &a2s_of(a, id)->tx_written, memory_order_acquire);
}

uint64_t apps_rx_read(const struct apps *a, uint32_t id)
{
	return atomic_load_explicit(
	    &a2s_of(a, id)->rx_read, memory_order_acquire);
}

struct app_error *apps_error_place(
    struct apps *a, uint32_t id, uint64_t written)
{
	const struct apps_app *app = &a->app[app_of(id)];
	uint64_t waiting = written -
	    atomic_load_explicit(
		&a2s_of(a, id)->err_read, memory_order_acquire);

	if (waiting > APP_ERRORS) {
		apps_cut_off(a, app_of(id), "impossible error queue");
		return NULL;
	}
	if (waiting == APP_ERRORS)
		return NULL;
	return (void *)(app->s2a + s2a_error_off(sub_of(id), written));
}

/* Does the app want its fd made readable again? */
static void take_kick(struct apps *a, uint32_t id)
{
	uint32_t kick =
	    atomic_load_explicit(&a2s_of(a, id)->kick, memory_order_relaxed);

	if (kick == a->sock[id].kick)
		return;
	a->sock[id].kick = kick;
	apps_wake_later(a, id, WAKE_RX);
}

bool apps_asked(struct apps *a, uint32_t id, struct command *ret)
{
	const struct a2s_socket *from = a2s_of(a, id);
	struct command c;

	c.seq = atomic_load_explicit(&from->cmd_seq, memory_order_acquire);
	if (c.seq == a->state->answer[id].reply_seq || a->sock[id].patient)
		return false;
	c.op = once32(&from->cmd_op);
	c.len = once32(&from->cmd_len);
	for (int i = 0; i < 4; i++)
		c.arg[i] = once32(&from->cmd_arg[i]);
	if (c.len > APP_COMMAND_BYTES || c.op >= NAPP_OPS) {
		apps_cut_off(a, app_of(id), "impossible command");
		return false;
	}
	memcpy(c.data, from->cmd_data, sizeof(c.data));
	*ret = c;
	return true;
}

void apps_answer(struct apps *a, uint32_t id, const struct command *c)
{
	struct app_answer *r = &a->state->answer[id];
	int result;

	node_touch(a->n, r, sizeof(*r));
	apps_names_changed(a, id);
	r->reply_len = 0;
	result = a->ops->command(a->x, id, c, r);
	if (result == COMMAND_MORE) {
		apps_dirty(a, id);
		return;
	}
	/*
	 * The port may be a closed socket's whose hang-up has not been looked
	 * at: with the kernel, close and bind in this order succeed.
	 */
	if (result == -EADDRINUSE && c->op == APP_OP_BIND &&
	    a->sock[id].tries++ < TRIES) {
		a->sock[id].patient = true;
		a->retry = mono_min(a->retry, mono_add(a->n->now, RETRY_NS));
		return;
	}
	a->sock[id].tries = 0;
	r->result = result;
	r->reply_seq = c->seq;
	node_count(a->n, a->cnt_commands);
	apps_wake_later(a, id, WAKE_REPLY);
	log_debug(&a->n->log, "command, app=%u socket=%u op=%u result=%d",
	    app_of(id), sub_of(id), c->op, result);
}

int apps_reply_int(struct app_answer *r, int v)
{
	memcpy(r->reply, &v, sizeof(v));
	r->reply_len = sizeof(v);
	return 0;
}

void apps_cut_off(struct apps *a, uint32_t app, const char *why)
{
	struct apps_app *p = &a->app[app];

	if (p->cut)
		return;
	p->cut = true;
	node_count(a->n, a->cnt_cut_off);
	log_warn(&a->n->log, "app cut off: %s, app=%u", why, app);
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		apps_socket_closed(a, app, sub);
}

/* ---- Sockets come and go */

/* A new socket's counts go on where those of its number's last one ended. */
static void open_socket(struct apps *a, uint32_t id)
{
	const struct s2a_socket *to = s2a_of(a, id);
	struct app_answer *r = &a->state->answer[id];
	struct apps_sock *p = &a->sock[id];
	/* Ours alone to write, so it may be believed. */
	struct app_words w = {
		.tx_consumed = atomic_load_explicit(
		    &to->tx_consumed, memory_order_relaxed),
		.rx_written =
		    atomic_load_explicit(&to->rx_written, memory_order_relaxed),
		.error = atomic_load_explicit(&to->error, memory_order_relaxed),
		.err_written = atomic_load_explicit(
		    &to->err_written, memory_order_relaxed),
	};

	node_touch(a->n, r, sizeof(*r));
	apps_names_changed(a, id);
	*r = (struct app_answer){ .reply_seq = atomic_load_explicit(
				      &to->reply_seq, memory_order_relaxed) };
	p->rx_told = w.rx_written;
	p->tx_told = p->sent_told = w.tx_consumed;
	p->stream_told = 0;
	a->ops->open(a->x, id, p->family, &w);
	set_open(a, id, true);
	p->opening = false;
	p->unsure = false;
	log_debug(&a->n->log, "socket opened, app=%u socket=%u", app_of(id),
	    sub_of(id));
}

static void forget_socket(struct apps *a, uint32_t id)
{
	struct apps_sock *p = &a->sock[id];

	p->closing = false;
	p->ending = false;
	p->opening = false;
	p->patient = false;
	p->tries = 0;
	p->have = false;
	p->tx_heard = p->rx_heard = 0;
	apps_measure_forget(a, id);
	apps_wake_later(a, id, WAKE_CLOSED);
}

/*
 * A question that nobody waits for any more is not the next socket's of this
 * number.
 */
static void forget_question(struct apps *a, uint32_t id)
{
	struct app_answer *r = &a->state->answer[id];

	if (a->app[app_of(id)].a2s == NULL)
		return;
	node_touch(a->n, r, sizeof(*r));
	r->reply_seq =
	    atomic_load_explicit(&a2s_of(a, id)->cmd_seq, memory_order_relaxed);
}

/* What was sent before the last close goes out, as with the kernel. */
static bool serve_closing(struct apps *a, uint32_t id, uint32_t *budget)
{
	const struct apps_app *app = &a->app[app_of(id)];
	struct apps_sock *p = &a->sock[id];
	bool lied = app->a2s == NULL || app->cut || !apps_has_begun(a, id);
	enum apps_served r;

	if (apps_is_open(a, id)) {
		r = a->ops->close(
		    a->x, id, lied ? 0 : apps_tx_written(a, id), lied, budget);
		if (r == SERVE_HOLD)
			return false;
		p->ending = true;
		if (r == SERVE_MORE || r == SERVE_WAIT)
			return r == SERVE_MORE;
		forget_question(a, id);
		apps_names_changed(a, id);
		set_open(a, id, false);
		log_debug(&a->n->log, "socket closed, app=%u socket=%u",
		    app_of(id), sub_of(id));
	}
	forget_socket(a, id);
	return false;
}

/* True if there is more to do for this socket. */
static bool serve(struct apps *a, uint32_t id, uint32_t *budget)
{
	struct apps_sock *p = &a->sock[id];
	const struct apps_app *app = &a->app[app_of(id)];
	struct command c;
	uint64_t written;
	bool asked;

	if (p->closing || app->cut)
		return serve_closing(a, id, budget);
	if (p->opening)
		open_socket(a, id);
	if (!apps_is_open(a, id) || app->a2s == NULL || !apps_has_begun(a, id))
		return false;
	take_kick(a, id);
	if (TAP_HOOKS && a->measuring)
		apps_measure_look(a, id);
	/* What was sent before a command is not changed by it. */
	asked = apps_asked(a, id, &c);
	written = apps_tx_written(a, id);
	switch (a->ops->serve(a->x, id, written, budget)) {
	case SERVE_MORE:
		return true;
	case SERVE_LIE:
		apps_cut_off(a, app_of(id), "impossible ring");
		return true;
	case SERVE_WAIT:
	case SERVE_HOLD:
	case SERVED:
		break;
	}
	if (asked)
		apps_answer(a, id, &c);
	return false;
}

static void serve_sockets(struct apps *a, uint32_t budget)
{
	for (uint32_t left = a->queue_len; left > 0 && budget > 0; left--) {
		uint32_t quota = budget < SOCKET_QUOTA ? budget : SOCKET_QUOTA;
		uint32_t id;

		if (turn_full(&a->n->turn))
			break;
		id = next_dirty(a);
		budget -= quota;
		if (serve(a, id, &quota))
			apps_dirty(a, id);
		/* A look costs one, even at a socket without news. */
		budget += quota > 0 ? quota - 1 : 0;
	}
}

/* ---- Attach and turn */

/* One socket's hints anew, from what survived. */
static void take_over(struct apps *a, uint32_t id)
{
	struct apps_sock *p = &a->sock[id];

	p->opening = false;
	p->names_shown = false;
	/* Nobody has it any more: closed while we were away. */
	p->closing |= !p->have;
	a->ops->take_over(a->x, id);
	apps_remind(a, id);
	apps_dirty(a, id);
}

void apps_expect_slots(struct apps *a)
{
	a->n->expecting = false;
	for (uint32_t app = 0; app < APP_MAX; app++)
		a->n->expecting |=
		    a->app[app].gone && node_is_referred(a->n, app);
}

void apps_attach(struct apps *a)
{
	for (uint32_t id = apps_next_open(a, 0); id < MAX_SOCKETS;
	     id = apps_next_open(a, id + 1))
		take_over(a, id);
	/* What the supervisor told of and is not open yet. */
	for (uint32_t app = 0; app < APP_MAX; app++)
		if (a->app[app].a2s != NULL)
			look_at_all(a, app);
	a->asleep = false;
	a->retry = MONO_NEVER;
	a->look_at = MONO_NEVER;
	a->attached = true;
	for (uint32_t app = 0; app < APP_MAX; app++) {
		set_asleep(a, app, 0);
		apps_open_head(a, app);
	}
	apps_expect_slots(a);
}

void apps_begin(struct apps *a)
{
	apps_expect_slots(a);
	a->heard += a->unsure;
	a->unsure = false;
	if (TAP_HOOKS && (a->measuring || node_measuring(a->n)))
		apps_measure_begin(a);
	if (!a->asleep)
		return;
	a->asleep = false;
	for (uint32_t app = 0; app < APP_MAX; app++)
		set_asleep(a, app, 0);
}

static void retry(struct apps *a)
{
	a->retry = MONO_NEVER;
	for (uint32_t id = apps_next_open(a, 0); id < MAX_SOCKETS;
	     id = apps_next_open(a, id + 1)) {
		if (!a->sock[id].patient)
			continue;
		a->sock[id].patient = false;
		apps_dirty(a, id);
	}
}

struct mono apps_deadline(const struct apps *a)
{
	return mono_min(a->retry, a->look_at);
}

void apps_serve(struct apps *a, uint32_t budget)
{
	if (mono_reached(a->retry, a->n->now))
		retry(a);
	for (uint32_t app = 0; app < APP_MAX; app++)
		take_events(a, app);
	serve_sockets(a, budget);
}

bool apps_may_sleep(struct apps *a)
{
	if (a->held)
		return true;
	/* Left over, and not for want of room: that has its own wake-up. */
	if (a->queue_len > 0 && !a->n->starving)
		return false;
	/* Asked while looking, too: then apps need not ring. */
	if (!a->asleep &&
	    atomic_load_explicit(&a->n->out->asleep, memory_order_relaxed)) {
		a->asleep = true;
		for (uint32_t app = 0; app < APP_MAX; app++)
			set_asleep(a, app, 1);
		/* Full fence: "asleep" before our last look (app.h). */
		atomic_thread_fence(memory_order_seq_cst);
	}
	for (uint32_t app = 0; app < APP_MAX; app++)
		if (has_news(a, app))
			return false;
	return true;
}
