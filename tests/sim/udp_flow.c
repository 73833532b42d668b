/*
 * udp_flow.c - datagrams out and back, every one accounted for
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/sim/check.h"
#include "tests/sim/flows.h"
#include "tests/sim/host.h"

enum {
	MAX_DATAGRAMS = 200,
	HEAD = 8, /* a datagram begins with its flow and its number */
	MAX_LEN = 20000,
	LINGER_S = 4, /* the last may take so long */
};

struct flow {
	uint32_t refs; /* client and server */
	uint32_t key;
	bool server_up;
	bool excused;
};

struct udp_task {
	struct task t; /* first */
	struct flow *flow;
	uint8_t stage;
	bool connected;
	struct app_name peer;
	uint16_t port;

	/* A client's. */
	uint32_t count, sent, back, window, max_len;
	int64_t think_ns;
	uint8_t copies[MAX_DATAGRAMS];
	struct mono last;
};

static struct udp_task *task_of(const struct sock *k)
{
	return (void *)k->task;
}

static void end(struct sock *k)
{
	struct udp_task *t = task_of(k);

	if (!t->t.endless)
		k->s->busy--;
	t->flow->excused = true;
	if (--t->flow->refs == 0)
		free(t->flow);
	free(t);
}

/* ---- Datagrams in rings ---- */

static bool put(
    struct sock *k, const struct app_name *to, const uint8_t *p, uint32_t len)
{
	struct a2s_socket *a = sock_a2s(k);
	struct dgram g = {
		.len = len,
		.port = to->port,
		.link = LINK_ANY,
		.peer = to->ip,
		.local = to->family == AF_INET ? ip_any4 : ip_any6,
	};
	uint64_t used;

	a->tx_waiting = 1;
	used = a->tx_written - sock_s2a(k)->tx_consumed;
	if (used + dgram_room(len) > APP_TX_BYTES / 2)
		return false;
	a->tx_waiting = 0;
	app_ring_write(sock_tx(k), APP_TX_BYTES, a->tx_written, &g, sizeof(g));
	app_ring_write(
	    sock_tx(k), APP_TX_BYTES, a->tx_written + sizeof(g), p, len);
	a->tx_written += dgram_room(len);
	sock_post(k);
	return true;
}

/* Copies the next one to @p, of MAX_LEN bytes; false: there is none. */
static bool get(struct sock *k, struct dgram *g, uint8_t *p)
{
	uint64_t at = sock_a2s(k)->rx_read;

	if (sock_unread(k) == 0)
		return false;
	app_ring_read(g, sock_rx(k), APP_RX_BYTES, at, sizeof(*g));
	if (g->len > MAX_LEN)
		fail(k->s, "a datagram of %u bytes, none was so long", g->len);
	app_ring_read(p, sock_rx(k), APP_RX_BYTES, at + sizeof(*g), g->len);
	sock_did_read(k, dgram_room(g->len), 0);
	return true;
}

static void fill(uint8_t *p, uint32_t len, uint32_t key, uint32_t number)
{
	memcpy(p, &key, 4);
	memcpy(p + 4, &number, 4);
	pattern_fill((uint64_t)key << 32 | number, 0, p + HEAD, len - HEAD);
}

static uint32_t number_of(
    struct sock *k, const uint8_t *p, uint32_t len, uint32_t key)
{
	uint32_t number, its;

	if (len < HEAD)
		fail(k->s, "udp: a datagram of %u bytes", len);
	memcpy(&its, p, 4);
	memcpy(&number, p + 4, 4);
	if (its != key ||
	    !pattern_is((uint64_t)key << 32 | number, 0, p + HEAD, len - HEAD))
		fail(k->s, "udp: h%u app%u socket %u: wrong bytes, number %u",
		    k->app->h->index, k->app->id, k->sub, number);
	return number;
}

/* ---- The server ---- */

static struct mono serve(struct sock *k)
{
	struct udp_task *t = task_of(k);
	static uint8_t p[MAX_LEN];
	struct app_name any = app_name_any(k->family, t->port);
	struct dgram g;
	int r;

	if (t->stage == 0) {
		sock_ask(k, APP_OP_BIND, 0, 0, &any, sizeof(any));
		t->stage = 1;
	}
	if (t->stage == 1) {
		if (!sock_answered(k, &r))
			return MONO_NEVER;
		if (r < 0)
			fail(k->s, "udp: bind: %d", r);
		t->stage = 2;
		t->flow->server_up = true;
	}
	sock_error(k);
	do {
		while (get(k, &g, p)) {
			struct app_name to = { .ip = g.peer,
				.port = g.port,
				.family = k->family };

			trace(k->s, "udp flow %u: number %u at the server",
			    t->flow->key, number_of(k, p, g.len, t->flow->key));
			if (!put(k, &to, p, g.len))
				t->flow->excused = true;
		}
	} while (!sock_rx_sleep(k));
	return MONO_NEVER;
}

/* ---- The client ---- */

static bool links_died(const struct sim *s)
{
	for (uint32_t i = 0; i < s->plan.hosts; i++)
		if (host_proc(s->host[i], LAYER_LINK)->instances > 1)
			return true;
	return false;
}

static void came_back(struct sock *k, uint32_t number)
{
	struct udp_task *t = task_of(k);
	struct sim *s = k->s;

	if (number >= t->sent)
		fail(s, "udp: number %u comes before it was sent", number);
	trace(s, "udp flow %u: number %u is back", t->flow->key, number);
	t->back += t->copies[number] == 0;
	if (t->copies[number] < 255)
		t->copies[number]++;
	/* A linkd that dies may send once more what was out. */
	if (t->copies[number] > 1 && s->wire.doubled == 0 && !links_died(s))
		fail(s, "udp: number %u came twice", number);
	sock_moved(k);
}

static bool send_one(struct sock *k)
{
	struct udp_task *t = task_of(k);
	static uint8_t p[MAX_LEN];
	uint32_t len = (uint32_t)draw(k->s, HEAD, t->max_len);

	fill(p, len, t->flow->key, t->sent);
	if (!put(k, &t->peer, p, len))
		return false;
	trace(k->s, "udp flow %u: number %u of %u bytes", t->flow->key, t->sent,
	    len);
	t->sent++;
	t->last = k->s->now;
	sock_moved(k);
	return true;
}

static void account(struct sock *k)
{
	struct udp_task *t = task_of(k);

	note(k->s, "udp flow %u: %u of %u came back", t->flow->key, t->back,
	    t->count);
	if (t->back < t->count && check_lossless(k->s) && !t->flow->excused &&
	    sock_s2a(k)->dropped == 0)
		fail(k->s, "udp: %u datagrams lost, and nobody lost them",
		    t->count - t->back);
	sock_close(k);
}

static struct mono open_client(struct sock *k)
{
	struct udp_task *t = task_of(k);
	int r;

	/* The server's app was killed before it could come up. */
	if (!t->flow->server_up && t->flow->refs == 1) {
		sock_close(k);
		return MONO_NEVER;
	}
	if (!t->flow->server_up || !flows_ready(k->s))
		return mono_add_ms(k->s->now, 1);
	if (t->stage == 0 && t->connected)
		sock_ask(k, APP_OP_CONNECT, 0, 0, &t->peer, sizeof(t->peer));
	else if (t->stage == 0)
		t->stage = 2;
	if (t->stage == 0)
		t->stage = 1;
	if (t->stage == 1 && !sock_answered(k, &r))
		return MONO_NEVER;
	if (t->stage == 1 && r < 0)
		fail(k->s, "udp: connect: %d", r);
	t->stage = 2;
	return soon(k);
}

static struct mono ask(struct sock *k)
{
	struct udp_task *t = task_of(k);
	struct sim *s = k->s;
	static uint8_t p[MAX_LEN];
	struct mono until;
	struct dgram g;

	if (t->stage < 2)
		return open_client(k);
	sock_error(k);
	do {
		while (get(k, &g, p))
			came_back(k, number_of(k, p, g.len, t->flow->key));
	} while (!sock_rx_sleep(k));
	until = mono_add(t->last, (int64_t)LINGER_S * NS_PER_S);
	if (t->back == t->count ||
	    (t->sent == t->count && mono_reached(until, s->now))) {
		account(k);
		return MONO_NEVER;
	}
	if (t->sent == t->count)
		return until;
	/* What is not back after a while is lost: go on without it. */
	if (t->sent - t->back < t->window || mono_reached(until, s->now))
		if (!send_one(k))
			return until;
	/* cppcheck-suppress knownConditionTrueFalse ; send_one() counts */
	if (t->sent - t->back >= t->window || t->sent == t->count)
		return until;
	return mono_add(s->now, 1 + draw(s, 0, t->think_ns));
}

/* ---- Both ---- */

static struct udp_task *new_task(struct sim *s, struct flow *f)
{
	struct udp_task *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->t = (struct task){ .end = end, .moved = s->now, .what = "udp" };
	t->flow = f;
	f->refs++;
	return t;
}

void udp_flow_open(struct sim *s, uint32_t from, uint32_t to, uint16_t port)
{
	uint8_t family = chance(s, 50) ? AF_INET : AF_INET6;
	struct app *ca = flows_app(s, from);
	struct app *sa = flows_app(s, to);
	struct flow *f = calloc(1, sizeof(*f));
	struct udp_task *c, *sv;

	if (f == NULL)
		abort();
	f->key = (uint32_t)random_next(&s->r);
	sv = new_task(s, f);
	sv->t.step = serve;
	sv->t.endless = true;
	sv->port = port;
	sock_open(sa, LAYER_UDP, family, &sv->t);
	c = new_task(s, f);
	c->t.step = ask;
	c->peer = app_name_of(to, family, port);
	c->connected = chance(s, 50);
	c->count = (uint32_t)draw_log(s, 1, MAX_DATAGRAMS);
	c->window = (uint32_t)draw(s, 1, 8);
	c->max_len = (uint32_t)draw_log(s, HEAD, 8000);
	c->think_ns = draw_log(s, 1, 20 * NS_PER_MS);
	c->last = s->now;
	s->busy++;
	sock_open(ca, LAYER_UDP, family, &c->t)->next = flows_start(s);
}
