/*
 * talk.c - an end of a connection: it writes, reads, and leaves
 *
 * Reading and writing don't wait for one another, as if each had a thread: so
 * two ends never stand still because of what they want, only because of TCP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/sim/host.h"
#include "tests/sim/tcp_flow.h"

enum {
	PIECE_MAX = 64 * 1024,
};

static struct talk *talk_of(const struct sock *k)
{
	return (void *)k->task;
}

static struct stream *out_of(const struct talk *t)
{
	return &t->pair->way[t->side];
}

static struct stream *in_of(const struct talk *t)
{
	return &t->pair
		    ->way[t->side == SIDE_CLIENT ? SIDE_SERVER : SIDE_CLIENT];
}

static char letter(const struct talk *t)
{
	return t->side == SIDE_CLIENT ? 'c' : 's';
}

void talk_draw(struct sim *s, struct talk *t)
{
	t->to_write =
	    chance(s, 20) ? 0 : (uint64_t)draw_log(s, 1, s->plan.tcp_bytes);
	t->write_piece =
	    (uint32_t)draw_log(s, 1 + t->to_write / 500, PIECE_MAX);
	t->read_piece =
	    (uint32_t)draw_log(s, 1 + s->plan.tcp_bytes / 500, PIECE_MAX);
	if (chance(s, 40))
		t->write_think_ns = draw_log(s, 1000, 5 * NS_PER_MS);
	if (chance(s, 40))
		t->read_think_ns = draw_log(s, 1000, 5 * NS_PER_MS);
	if (chance(s, 15)) {
		t->pause_at = (uint64_t)draw(s, 0, s->plan.tcp_bytes);
		t->pause_ns = draw_log(s, NS_PER_MS, (int64_t)5 * NS_PER_S);
	}
	t->manner = MANNER_POLITE;
	if (s->plan.rude && chance(s, 50))
		t->manner = (enum manner)draw(s, 1, NMANNERS - 1);
	t->leave_at = (uint64_t)draw(s, 0, 2 * s->plan.tcp_bytes);
	t->write_at = t->read_at = s->now;
}

void talk_end(struct sock *k)
{
	struct talk *t = talk_of(k);

	k->s->busy--;
	if (k->app->dead)
		pair_excuse(k->s, t->pair, "its app was killed");
	pair_release(k->s, t->pair);
	free(t);
}

bool talk_excused(const struct sock *k)
{
	const struct talk *t = talk_of(k);

	return t->pair != NULL && t->pair->excuse != NULL;
}

/* ---- What must not be ---- */

static void wrong(struct sock *k, const char *what)
{
	const struct talk *t = talk_of(k);
	const struct stream *in = in_of(t);

	fail(k->s,
	    "tcp %u%c: %s (written %lu, peer has read %lu; read %lu of %lu%s)",
	    t->pair->id, letter(t), what, (unsigned long)out_of(t)->written,
	    (unsigned long)out_of(t)->read, (unsigned long)in->read,
	    (unsigned long)in->written, in->ended ? ", which is all" : "");
}

/* An end without manners; true if this is one. */
static bool leave(struct sock *k, const char *why)
{
	const struct talk *t = talk_of(k);

	note(k->s, "tcp %u%c: closes: %s", t->pair->id, letter(t), why);
	sock_close(k);
	return true;
}

static bool look_for_error(struct sock *k)
{
	const struct talk *t = talk_of(k);
	int e = sock_error(k);
	char text[64];

	if (e == 0 && !(sock_s2a(k)->stream & STREAM_RESET))
		return false;
	if (t->pair->excuse == NULL) {
		snprintf(text, sizeof(text), "error %d", e);
		wrong(k, text);
	}
	return leave(k, "an error");
}

/* ---- Writing ---- */

static uint32_t room(struct sock *k)
{
	const struct talk *t = talk_of(k);
	uint64_t used = sock_a2s(k)->tx_written - sock_s2a(k)->tx_consumed;
	uint32_t size = t->sndbuf < APP_TX_BYTES ? t->sndbuf : APP_TX_BYTES;

	if (used > APP_TX_BYTES)
		wrong(k, "tx_consumed went astray");
	/* cppcheck-suppress knownConditionTrueFalse ; it misses wrong()'s end
	 */
	return used < size ? size - (uint32_t)used : 0;
}

static void put(struct sock *k, uint32_t n)
{
	struct talk *t = talk_of(k);
	struct stream *out = out_of(t);
	static uint8_t p[PIECE_MAX];
	struct a2s_socket *a = sock_a2s(k);

	pattern_fill(out->key, out->written, p, n);
	app_ring_write(sock_tx(k), APP_TX_BYTES, a->tx_written, p, n);
	a->tx_written += n;
	out->written += n;
	sock_post(k);
	sock_moved(k);
}

/* Some bytes; when to write again. */
static struct mono write_some(struct sock *k)
{
	struct talk *t = talk_of(k);
	uint64_t left = t->to_write - out_of(t)->written;
	uint32_t n;

	if (left == 0)
		return MONO_NEVER;
	if (!mono_reached(t->write_at, k->s->now))
		return t->write_at;
	if (!(sock_s2a(k)->stream & STREAM_TX_OPEN)) {
		if (t->pair->excuse == NULL)
			wrong(k, "can't be written any more");
		t->to_write = out_of(t)->written;
		return soon(k);
	}
	sock_a2s(k)->tx_waiting = 1;
	n = room(k);
	if (n == 0)
		return MONO_NEVER;
	sock_a2s(k)->tx_waiting = 0;
	n = n < t->write_piece ? n : t->write_piece;
	put(k, n < left ? n : (uint32_t)left);
	t->write_at = mono_add(k->s->now,
	    1000 + (t->write_think_ns ? draw(k->s, 0, t->write_think_ns) : 0));
	return t->write_at;
}

/* ---- Reading ---- */

static void read_end(struct sock *k)
{
	struct talk *t = talk_of(k);
	const struct stream *in = in_of(t);

	t->read_end = true;
	note(k->s, "tcp %u%c: end after %lu bytes", t->pair->id, letter(t),
	    (unsigned long)in->read);
	sock_moved(k);
	if (t->deaf || t->pair->excuse != NULL)
		return;
	if (!in->ended || in->read != in->written)
		wrong(k, "the end has come too soon");
}

static void get(struct sock *k, uint32_t n)
{
	struct talk *t = talk_of(k);
	struct stream *in = in_of(t);
	static uint8_t p[PIECE_MAX];

	app_ring_read(p, sock_rx(k), APP_RX_BYTES, sock_a2s(k)->rx_read, n);
	if (!pattern_is(in->key, in->read, p, n))
		wrong(k, "wrong bytes");
	in->read += n;
	if (in->read > in->written)
		wrong(k, "more bytes than were written");
	sock_did_read(k, n, t->rcvbuf);
	sock_moved(k);
}

/* When it will read on: a closed window must open again by then. */
static struct mono next_read(struct sock *k)
{
	struct talk *t = talk_of(k);
	int64_t ns = 1000;

	if (t->read_think_ns > 0)
		ns += draw(k->s, 0, t->read_think_ns);
	if (t->pause_ns > 0 && in_of(t)->read >= t->pause_at) {
		ns += t->pause_ns;
		t->pause_ns = 0;
	}
	return mono_add(k->s->now, ns);
}

static struct mono read_some(struct sock *k)
{
	struct talk *t = talk_of(k);
	uint64_t n = sock_unread(k);

	if (t->read_end)
		return MONO_NEVER;
	if (n > 0 && !mono_reached(t->read_at, k->s->now))
		return t->read_at;
	if (n > 0) {
		get(k, (uint32_t)(n < t->read_piece ? n : t->read_piece));
		t->read_at = next_read(k);
		return t->read_at;
	}
	if (sock_s2a(k)->stream & STREAM_RX_END) {
		read_end(k);
		return soon(k);
	}
	return sock_rx_sleep(k) ? MONO_NEVER : soon(k);
}

/* ---- Leaving ---- */

static void rude(struct sock *k, const char *why)
{
	pair_excuse(k->s, talk_of(k)->pair, why);
}

/* True: it has left. */
static bool misbehave(struct sock *k)
{
	static const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	struct talk *t = talk_of(k);
	uint64_t done = out_of(t)->written + in_of(t)->read;
	bool wrote = out_of(t)->written == t->to_write;
	int r;

	switch (t->manner) {
	case MANNER_POLITE:
		return false;
	case MANNER_RESET:
		if (done < t->leave_at && !wrote)
			return false;
		if (!t->asked) {
			rude(k, "it resets");
			sock_ask(k, APP_OP_SETOPT, SOL_SOCKET, SO_LINGER, &now,
			    sizeof(now));
			t->asked = true;
		}
		return sock_answered(k, &r) && leave(k, "reset");
	case MANNER_CLOSE:
		if (!wrote)
			return false;
		rude(k, "it closes early");
		out_of(t)->ended = true;
		return leave(k, "early");
	case MANNER_DEAF:
		if (t->deaf || !wrote)
			return false;
		rude(k, "it is deaf");
		t->deaf = true;
		sock_ask(k, APP_OP_SHUTDOWN, 1, 0, NULL, 0);
		t->asked = true;
		return false;
	case NMANNERS:
		break;
	}
	return false;
}

/* All is written: say so.  True when that was heard. */
static bool say_end(struct sock *k)
{
	struct talk *t = talk_of(k);
	int r = 0;

	if (t->asked && !sock_answered(k, &r))
		return false;
	if (!t->told) {
		out_of(t)->ended = true;
		t->told = t->asked = true;
		sock_ask(k, APP_OP_SHUTDOWN, 2, 0, NULL, 0);
		return false;
	}
	if (r < 0 && t->pair->excuse == NULL)
		wrong(k, "shutdown is refused");
	return true;
}

struct mono talk_step(struct sock *k)
{
	struct talk *t = talk_of(k);
	struct mono at;
	bool said;

	if (misbehave(k))
		return MONO_NEVER;
	/* What has come before an error is read first. */
	at = read_some(k);
	if (sock_unread(k) == 0 && look_for_error(k))
		return MONO_NEVER;
	at = mono_min(at, write_some(k));
	if (out_of(t)->written != t->to_write)
		return at;
	if (t->manner == MANNER_RESET)
		return soon(k);
	said = say_end(k);
	if (!said || !t->read_end)
		return at;
	leave(k, "done");
	return MONO_NEVER;
}
