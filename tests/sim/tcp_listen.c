/*
 * tcp_listen.c - a listener that hands spare sockets over and accepts
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/sim/host.h"
#include "tests/sim/tcp_flow.h"

enum {
	LISTENING = 4,
	PATIENCE_MS = 500, /* for a client that knows its own name */
};

struct listener {
	struct task t; /* first */
	uint8_t stage;
	uint16_t port;
	uint32_t backlog, spares;
	int rcvbuf;          /* 0: not set */
	struct mono unknown; /* since then a record's client is not known */
};

static struct listener *listener_of(const struct sock *k)
{
	return (void *)k->task;
}

static void end(struct sock *k)
{
	struct listener *l = listener_of(k);
	struct app *a = k->app;

	pairs_excuse(k->s, a->h->index, l->port, "its listener is closed");
	/* Its spares: nobody knows them. */
	for (uint32_t i = 0; i < APP_SOCKS && !a->dead; i++)
		if (a->sock[i] != NULL && a->sock[i]->task == NULL &&
		    !a->sock[i]->hung_up && a->sock[i]->layer == LAYER_TCP &&
		    a->sock[i]->spare_of == k)
			sock_close(a->sock[i]);
	free(l);
}

static uint32_t in_stock(const struct sock *k)
{
	return (uint32_t)(sock_a2s(k)->tx_written - sock_s2a(k)->tx_consumed) /
	    (uint32_t)sizeof(uint32_t);
}

static void add_spares(struct sock *k)
{
	struct listener *l = listener_of(k);
	struct a2s_socket *a = sock_a2s(k);

	while (in_stock(k) < l->spares) {
		struct sock *spare =
		    sock_open(k->app, LAYER_TCP, k->family, NULL);
		uint32_t word;

		if (spare == NULL)
			break;
		spare->spare_of = k;
		sock_a2s(spare)->offered = k->app->id + 1;
		word = spare_make(k->app->id, spare->sub);
		app_ring_write(sock_tx(k), APP_TX_BYTES, a->tx_written, &word,
		    sizeof(word));
		a->tx_written += sizeof(word);
	}
	sock_post(k);
}

static void adopt(struct sock *k, struct sock *spare, struct pair *p)
{
	struct talk *t = calloc(1, sizeof(*t));
	struct s2a_names n;

	if (t == NULL)
		abort();
	t->t = (struct task){ .step = talk_step,
		.end = talk_end,
		.excused = talk_excused,
		.moved = k->s->now,
		.what = "tcp server" };
	t->pair = p;
	t->side = SIDE_SERVER;
	p->refs++;
	p->accepted = true;
	talk_draw(k->s, t);
	t->sndbuf = APP_TX_BYTES / 4;
	t->rcvbuf = APP_RX_BYTES / 4;
	if (sock_names(spare, &n)) {
		t->sndbuf = n.sndbuf;
		t->rcvbuf = n.rcvbuf;
	}
	spare->task = &t->t;
	spare->spare_of = NULL;
	spare->next = k->s->now;
	spare->rx_posted = sock_a2s(spare)->rx_read;
	k->s->busy++;
	note(k->s, "tcp %us: accepted as h%u app%u socket %u, writes %lu",
	    p->id, k->app->h->index, k->app->id, spare->sub,
	    (unsigned long)t->to_write);
	sock_moved(k);
}

/* True: there may be another one. */
static bool accept_one(struct sock *k)
{
	struct listener *l = listener_of(k);
	struct accept_record rec;
	struct sock *spare;
	struct pair *p;
	uint32_t sub;

	if (sock_unread(k) < sizeof(rec))
		return false;
	app_ring_read(
	    &rec, sock_rx(k), APP_RX_BYTES, sock_a2s(k)->rx_read, sizeof(rec));
	sub = rec.spare & 0xffff;
	spare = sub < APP_SOCKS ? k->app->sock[sub] : NULL;
	if (spare == NULL || spare->spare_of != k || spare->hung_up)
		fail(k->s, "tcp: h%u port %u: accepted as %x, not a spare",
		    k->app->h->index, l->port, rec.spare);
	p = pair_find(k->s, &rec.peer, &rec.local);
	if (p == NULL) {
		/* The client was faster on the wire than in its program. */
		if (l->unknown.ns == MONO_NEVER.ns)
			l->unknown = k->s->now;
		if (mono_since(k->s->now, l->unknown) <
		    (int64_t)PATIENCE_MS * NS_PER_MS)
			return false;
		note(k->s, "tcp: nobody knows the client at port %u",
		    rec.peer.port);
	}
	l->unknown = MONO_NEVER;
	sock_did_read(k, sizeof(rec), 0);
	spare->spare_of = NULL;
	if (p == NULL)
		sock_close(spare);
	else
		adopt(k, spare, p);
	return true;
}

static struct mono serve(struct sock *k)
{
	struct listener *l = listener_of(k);

	do {
		while (accept_one(k))
			continue;
	} while (l->unknown.ns == MONO_NEVER.ns && !sock_rx_sleep(k));
	add_spares(k);
	sock_error(k);
	if (l->unknown.ns != MONO_NEVER.ns)
		return mono_add_ms(k->s->now, 1);
	/* As the library does, only who accepts thinks of new spares. */
	return in_stock(k) < l->spares ? mono_add_ms(k->s->now, 1) : MONO_NEVER;
}

static struct mono ask_listen(struct sock *k)
{
	struct listener *l = listener_of(k);

	sock_ask(k, APP_OP_LISTEN, l->backlog, 0, NULL, 0);
	l->stage = 3;
	return MONO_NEVER;
}

static struct mono step(struct sock *k)
{
	struct listener *l = listener_of(k);
	struct app_name any = app_name_any(k->family, l->port);
	int r = 0;

	if (l->stage > 0 && l->stage < 4 && !sock_answered(k, &r))
		return MONO_NEVER;
	if (r < 0)
		fail(k->s, "tcp: h%u port %u: listen: %d", k->app->h->index,
		    l->port, r);
	switch (l->stage) {
	case 0:
		sock_ask(k, APP_OP_BIND, 0, 0, &any, sizeof(any));
		l->stage = 1;
		return MONO_NEVER;
	case 1:
		l->stage = 2;
		if (l->rcvbuf > 0) {
			sock_ask(k, APP_OP_SETOPT, SOL_SOCKET, SO_RCVBUF,
			    &l->rcvbuf, sizeof(l->rcvbuf));
			return MONO_NEVER;
		}
		return ask_listen(k);
	case 2:
		return ask_listen(k);
	case 3:
		l->stage = LISTENING;
		break;
	default:
		break;
	}
	return serve(k);
}

struct sock *tcp_listen_open(struct app *a, uint8_t family, uint16_t port)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct sim *s = a->s;

	if (l == NULL)
		abort();
	l->t = (struct task){ .step = step,
		.end = end,
		.endless = true,
		.what = "tcp listener" };
	l->port = port;
	l->backlog = (uint32_t)draw(s, 0, 8);
	l->spares = (uint32_t)draw(s, 1, 4);
	l->unknown = MONO_NEVER;
	if (chance(s, 30))
		l->rcvbuf = (int)draw_log(s, 2304, 200000);
	return sock_open(a, LAYER_TCP, family, &l->t);
}

bool listener_is_up(const struct sim *s, uint32_t host, uint16_t port)
{
	const struct host *h = s->host[host];

	for (uint32_t i = 0; i < HOST_APPS; i++) {
		const struct app *a = h->app[i];

		for (uint32_t j = 0; a != NULL && j < APP_SOCKS; j++) {
			const struct sock *k = a->sock[j];

			if (k != NULL && k->task != NULL &&
			    k->task->step == step &&
			    listener_of(k)->port == port &&
			    listener_of(k)->stage == LISTENING)
				return true;
		}
	}
	return false;
}
