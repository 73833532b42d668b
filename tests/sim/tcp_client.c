/*
 * tcp_client.c - connections to one listener, one after the other
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/sim/host.h"
#include "tests/sim/tcp_flow.h"

enum {
	OPTIONS_MAX = 4,
	TRIES = 500,
};

struct client {
	struct app_name to;
	uint32_t to_host;
	uint32_t more; /* connections after this one */
	uint8_t stage;
	uint8_t options; /* still to be set */
	uint16_t tries;  /* to find the listener */

	/* There is no listener: the other end connects, too. */
	struct pair *meets;
	struct app_name from;
	enum side side;
	bool bound;
};

static struct talk *talk_of(const struct sock *k)
{
	return (void *)k->task;
}

static void open_one(
    struct app *a, const struct client *from, struct mono when);

static void end(struct sock *k)
{
	struct talk *t = talk_of(k);

	free(t->client);
	if (t->pair != NULL) {
		talk_end(k);
		return;
	}
	k->s->busy--;
	free(t);
}

/* The next one begins when this one is over. */
static void go_on(struct sock *k)
{
	const struct client *c = talk_of(k)->client;

	if (c->more > 0 && !k->s->ending)
		open_one(k->app, c,
		    mono_add(k->s->now, draw_log(k->s, 1, 20 * NS_PER_MS)));
}

/* ---- Options ---- */

static void set_option(struct sock *k)
{
	static const struct {
		int level, name, low, high;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 0, 1 },
		{ IPPROTO_TCP, TCP_QUICKACK, 0, 1 },
		{ IPPROTO_TCP, TCP_MAXSEG, 88, 1460 },
		{ SOL_SOCKET, SO_SNDBUF, 4608, 300000 },
		{ SOL_SOCKET, SO_RCVBUF, 2304, 300000 },
		{ SOL_SOCKET, SO_KEEPALIVE, 0, 1 },
		{ SOL_SOCKET, SO_REUSEADDR, 0, 1 },
	};
	uint32_t n = sizeof(options) / sizeof(options[0]);
	uint32_t i = (uint32_t)draw(k->s, 0, n - 1);
	int value = (int)draw(k->s, options[i].low, options[i].high);

	sock_ask(k, APP_OP_SETOPT, (uint32_t)options[i].level,
	    (uint32_t)options[i].name, &value, sizeof(value));
}

/* ---- Connecting ---- */

/* Names that the transport gave: the connection is known by them. */
static bool know(struct sock *k)
{
	struct talk *t = talk_of(k);
	struct s2a_names n;

	if (!sock_names(k, &n))
		return false;
	t->sndbuf = n.sndbuf;
	t->rcvbuf = n.rcvbuf;
	t->pair = t->client->meets;
	t->side = t->client->side;
	if (t->pair == NULL)
		t->pair = pair_new(
		    k->s, &n.local, &t->client->to, t->client->to_host);
	t->pair->refs++;
	/* Gone before we knew our own name: it could not excuse us. */
	if (t->client->meets == NULL &&
	    !listener_is_up(k->s, t->client->to_host, t->client->to.port))
		pair_excuse(k->s, t->pair, "its listener is closed");
	k->task->what = "tcp client";
	note(k->s,
	    "tcp %uc: h%u app%u socket %u port %u to h%u port %u, "
	    "writes %lu",
	    t->pair->id, k->app->h->index, k->app->id, k->sub, n.local.port,
	    t->client->to_host, t->client->to.port, (unsigned long)t->to_write);
	return true;
}

static struct mono give_up(struct sock *k, int e)
{
	const struct sim *s = k->s;
	const struct talk *t = talk_of(k);

	note(k->s, "tcp: connect to h%u port %u: error %d", t->client->to_host,
	    t->client->to.port, e);
	/* The other one was not there yet, or no more. */
	if (t->client->meets != NULL) {
		pair_excuse(k->s, t->client->meets, "they did not meet");
		sock_close(k);
		return MONO_NEVER;
	}
	if (e != ECONNREFUSED && s->plan.lossless && !s->plan.rude &&
	    !s->plan.app_kills)
		fail(k->s, "tcp: connect: error %d", e);
	if (e == ECONNREFUSED && t->pair != NULL && t->pair->excuse == NULL &&
	    listener_is_up(s, t->client->to_host, t->client->to.port))
		fail(k->s, "tcp: refused, and the listener is there");
	go_on(k);
	sock_close(k);
	return MONO_NEVER;
}

static struct mono wait_established(struct sock *k)
{
	struct talk *t = talk_of(k);
	uint64_t w;
	int e;

	sock_a2s(k)->tx_waiting = 1;
	w = sock_s2a(k)->stream;
	if (w & STREAM_CONNECTING)
		return MONO_NEVER;
	sock_a2s(k)->tx_waiting = 0;
	if (!(w & STREAM_ESTABLISHED)) {
		e = sock_error(k);
		return give_up(k, e);
	}
	sock_moved(k);
	t->client->stage = 4;
	return soon(k);
}

static struct mono connect_step(struct sock *k)
{
	struct client *c = talk_of(k)->client;
	int r = 0;

	if (c->stage == 0 && !flows_ready(k->s))
		return mono_add_ms(k->s->now, 1);
	if (c->stage == 0 && c->meets == NULL &&
	    !listener_is_up(k->s, c->to_host, c->to.port)) {
		if (c->tries++ < TRIES)
			return mono_add_ms(k->s->now, 1);
		sock_close(k);
		return MONO_NEVER;
	}
	if (c->stage == 1 && !sock_answered(k, &r))
		return MONO_NEVER;
	if (c->stage <= 1 && c->options > 0) {
		c->options--;
		c->stage = 1;
		set_option(k);
		return MONO_NEVER;
	}
	if (c->stage <= 1 && c->meets != NULL && !c->bound) {
		c->bound = true;
		c->stage = 1;
		sock_ask(k, APP_OP_BIND, 0, 0, &c->from, sizeof(c->from));
		return MONO_NEVER;
	}
	if (c->stage <= 1) {
		sock_ask(k, APP_OP_CONNECT, 0, 0, &c->to, sizeof(c->to));
		c->stage = 2;
		return MONO_NEVER;
	}
	if (c->stage == 2) {
		if (!sock_answered(k, &r))
			return MONO_NEVER;
		if (r < 0)
			return give_up(k, -r);
		if (!know(k))
			return mono_add(k->s->now, 10 * NS_PER_US);
		c->stage = 3;
	}
	return wait_established(k);
}

static struct mono step(struct sock *k)
{
	struct talk *t = talk_of(k);
	struct app *a = k->app;
	uint32_t sub = k->sub;
	struct client c = *t->client;
	struct mono at;

	if (c.stage < 4)
		return connect_step(k);
	at = talk_step(k);
	if ((a->sock[sub] != k || k->task == NULL) && c.more > 0 &&
	    !a->s->ending && !a->dead)
		open_one(a, &c,
		    mono_add(a->s->now, draw_log(a->s, 1, 20 * NS_PER_MS)));
	return at;
}

static void open_one(struct app *a, const struct client *from, struct mono when)
{
	struct talk *t = calloc(1, sizeof(*t));
	struct client *c = calloc(1, sizeof(*c));
	struct sim *s = a->s;
	struct sock *k;

	if (t == NULL || c == NULL)
		abort();
	*c = *from;
	c->more = from->meets != NULL ? 0 : from->more - 1;
	c->stage = 0;
	c->tries = 0;
	c->options = (uint8_t)draw(s, 0, OPTIONS_MAX);
	t->t = (struct task){ .step = step,
		.end = end,
		.excused = talk_excused,
		.what = "tcp connect" };
	t->client = c;
	talk_draw(s, t);
	k = sock_open(a, LAYER_TCP, c->to.family, &t->t);
	if (k == NULL) {
		free(c);
		free(t);
		return;
	}
	s->busy++;
	t->t.moved = k->next = when;
}

void tcp_flow_open(struct sim *s, uint32_t from, uint32_t to, uint16_t port)
{
	uint8_t family = chance(s, 50) ? AF_INET : AF_INET6;
	struct client c = {
		.to = app_name_of(to, family, port),
		.to_host = to,
		.more = (uint32_t)draw(s, 1, 5),
	};

	tcp_listen_open(flows_app(s, to), family, port);
	open_one(flows_app(s, from), &c, flows_start(s));
}

void tcp_meet_open(struct sim *s, uint32_t a, uint32_t b, uint16_t port)
{
	uint8_t family = chance(s, 50) ? AF_INET : AF_INET6;
	struct app_name left = app_name_of(a, family, port);
	struct app_name right = app_name_of(b, family, (uint16_t)(port + 1));
	struct pair *p = pair_new(s, &left, &right, b);
	struct mono when = flows_start(s);
	struct client c = {
		.to = right,
		.to_host = b,
		.meets = p,
		.from = left,
		.side = SIDE_CLIENT,
	};

	open_one(flows_app(s, a), &c, when);
	c.to = left;
	c.to_host = a;
	c.from = right;
	c.side = SIDE_SERVER;
	open_one(flows_app(s, b), &c, when);
}
