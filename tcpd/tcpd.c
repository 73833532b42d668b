/*
 * tcpd.c - the TCP layer: joining, the turn
 */
#include "tcpd/tcpd.h"

#include <errno.h>

#include "tcpd/send.h"

/* ---- Joining */

static int attach_state(struct tcpd *t)
{
	if (sizeof(*t->s) > t->n.state_size)
		return log_errno(&t->n.log, ENOMEM, "too little memory");
	t->s = (void *)t->n.state;
	if (t->s->magic == 0) {
		t->s->size = sizeof(*t->s);
		atomic_signal_fence(memory_order_seq_cst);
		t->s->magic = TCPD_STATE_MAGIC;
	}
	if (t->s->magic == TCPD_STATE_MAGIC && t->s->size == sizeof(*t->s))
		return 0;
	return log_errno(&t->n.log, EPROTO, "state of another version");
}

/*
 * Secrets of fresh memory.  Each is written whole or not used yet: a death in
 * between leaves the second word 0, and the next instance draws again.
 */
static void draw_key(uint64_t key[2], const uint64_t seed[2])
{
	if (key[1] != 0)
		return;
	key[0] = seed[0];
	atomic_signal_fence(memory_order_seq_cst);
	key[1] = seed[1] | 1;
}

static void draw_keys(struct tcpd *t)
{
	const uint64_t *seed = t->seed;

	draw_key(t->s->isn_key, &seed[0]);
	draw_key(t->s->cookie_key, &seed[2]);
	draw_key(t->s->ts_key, &seed[4]);
	draw_key(t->s->challenge_key, &seed[6]);
	/* The table's is this instance's own. */
	t->hash_key[0] = seed[10];
	t->hash_key[1] = seed[11];
}

/* Payload that is sent from where the app has put it, for who captures. */
static const uint8_t *app_bytes(void *ctx, const struct ref *ref)
{
	const struct tcpd *t = ctx;
	const struct apps *a = &t->streams.apps;
	const uint8_t *base = ref->app < APP_MAX ? a->app[ref->app].a2s : NULL;

	if (base == NULL || ref->off > A2S_BYTES ||
	    ref->len > A2S_BYTES - ref->off)
		return NULL;
	return base + ref->off;
}

static int attach_node(struct tcpd *t, const struct segments *s)
{
	const struct ring_in *in;
	int r;

	r = node_attach(&t->n, s, tcpd_counters, CNT_TCPD_END - CNT_NODE_END);
	t->n.tap.resolve = app_bytes;
	t->n.tap.resolve_ctx = t;
	if (r < 0)
		return log_errno(&t->n.log, -r, "can't join the segments");
	in = node_in(&t->n, LAYER_IP, 0);
	t->down = node_out(&t->n, LAYER_IP, 0);
	if (in == NULL || t->down == NULL)
		return log_errno(&t->n.log, ENOTCONN, "no rings to an ipd");
	t->ipd = in->from;
	return attach_state(t);
}

static struct streams_setup sockets_of(struct tcpd *t)
{
	return (struct streams_setup){
		.n = &t->n,
		.fib = &t->fib,
		.state = &t->s->socks,
		.ops = &engine_ops,
		.x = t,
		.seed = { t->seed[8], t->seed[9] },
		.cnt_commands = CNT_TCP_COMMANDS,
		.cnt_cut_off = CNT_TCP_APP_CUT_OFF,
	};
}

int tcpd_prepare(struct tcpd *t, struct mono now)
{
	int r = t->prepared ? 0 : conns_init(t, now);

	if (r == 0)
		t->prepared = true;
	return r;
}

int tcpd_attach(struct tcpd *t, const struct segments *s, struct mono now)
{
	struct streams_setup sockets;
	int r;

	/* What is known of apps came before: t->streams stays. */
	memset(&t->n, 0, sizeof(t->n));
	memset(&t->fib, 0, sizeof(t->fib));
	r = attach_node(t, s);
	if (r < 0)
		goto detach;
	config_read(&t->config, &s->topo->tcp);
	draw_keys(t);
	r = tcpd_prepare(t, now);
	if (r < 0) {
		r = log_errno(&t->n.log, -r, "no memory for timers");
		goto detach;
	}
	t->turn = 1;
	sockets = sockets_of(t);
	streams_prepare(&t->streams, &sockets);
	node_recover(&t->n, NULL, NULL);
	t->n.now = now;
	conns_take_over(t);
	listen_take_over(t);
	streams_attach(&t->streams, &sockets);
	return 0;

detach:
	node_detach(&t->n);
	return r;
}

void tcpd_detach(struct tcpd *t)
{
	conns_free(t);
	t->prepared = false;
	node_detach(&t->n);
}

/* ---- The turn */

bool tcpd_has_room(struct tcpd *t)
{
	if (!node_room(&t->n, t->down, TCPD_ANSWERS))
		return false;
	if (node_slots_free(&t->n, SMALL_SLOT) >= TCPD_ANSWERS)
		return true;
	node_count(&t->n, CNT_NO_SLOT);
	t->n.starving = true;
	return false;
}

static const struct fib *published_fib(const struct tcpd *t)
{
	const uint8_t *out = (const void *)t->n.neighbour[t->ipd];

	return (const void *)(out + OUT_TABLE_OFF);
}

static void run_timers(struct tcpd *t)
{
	uint32_t limit = node_limit(&t->n, TCPD_TIMER_TURN);
	uint32_t id;

	while (limit-- > 0 && conn_can_touch(t) &&
	    wheel_take(&t->conns.wheel, &id, t->n.now)) {
		if (id_is_linger(id)) {
			linger_end(t, id);
			continue;
		}
		conn_touch(t, id);
		timeout_conn(t, id);
	}
}

/* False: it must wait for room. */
static bool send_reset(struct tcpd *t, struct tcb *c)
{
	if (!tcpd_has_room(t))
		return false;
	output_reset(t, c);
	conn_end(t, c, 0);
	return true;
}

/*
 * What every connection that was touched has to send, each in its turn, as far
 * as there is room; who gets none is the first in the next turn.
 */
static void run_output(struct tcpd *t)
{
	uint32_t n = t->conns.queue_len;

	/* Without room nothing is touched: a turn that does nothing ends. */
	while (n-- > 0 && conn_can_touch(t) && tcpd_has_room(t)) {
		uint32_t id = conn_first_queued(t);
		struct tcb *c = NULL;
		bool done = true;

		if (conn_get(t, id)->state != TCP_CLOSED)
			c = conn_touch(t, id); /* still in the queue: once */
		conn_next_queued(t);
		if (c == NULL)
			continue;
		if (c->flags & CONN_ABORTED)
			done = send_reset(t, c);
		else
			done = output_conn(t, id);
		if (c->state != TCP_CLOSED)
			wheel_set(&t->conns.wheel, id, output_deadline(c));
		if (!done) {
			conn_queue(t, id);
			return;
		}
	}
}

static void do_work(struct tcpd *t)
{
	tcpd_rx(t, node_in(&t->n, LAYER_IP, 0));
	if (node_tapping(&t->n))
		node_tap_done(&t->n);
	run_timers(t);
	apps_serve(&t->streams.apps, TCPD_APP_BUDGET);
	run_output(t);
}

bool tcpd_turn(struct tcpd *t, struct mono now)
{
	struct node *n = &t->n;

	t->turn++;
	node_begin(n, now);
	apps_begin(&t->streams.apps);
	if (fib_refresh(&t->fib, published_fib(t))) {
		t->fib_turn++;
		apps_publish_fib(&t->streams.apps);
	}
	t->streams.apps.held = fib_is_torn(&t->fib, published_fib(t));
	if (!t->streams.apps.held)
		do_work(t);
	/* Also what was said between turns: a close, a new fd. */
	return node_commit(n) || t->streams.apps.nwaked > 0;
}

struct mono tcpd_deadline(const struct tcpd *t)
{
	/* ipd's next instance says when. */
	if (t->streams.apps.held)
		return MONO_NEVER;
	return mono_min(
	    wheel_next(&t->conns.wheel), apps_deadline(&t->streams.apps));
}

bool tcpd_may_sleep(struct tcpd *t)
{
	if (t->streams.apps.held)
		return true;
	/* Left over, and not for want of room: that has its own wake-up. */
	if (t->conns.queue_len > 0 && !t->n.starving)
		return false;
	return apps_may_sleep(&t->streams.apps);
}
