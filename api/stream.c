/*
 * stream.c - connecting a stream, and bytes into its ring (shm/app.h)
 */
#include <signal.h>

#include "api/lib.h"

enum {
	LEAST = 4096, /* a low mark of few bytes is not to make such segments */
};

static uint64_t tx_written(const struct sock *k)
{
	return atomic_load_explicit(&k->a->tx_written, memory_order_relaxed);
}

uint64_t stream_unacked(const struct sock *k)
{
	return tx_written(k) -
	    atomic_load_explicit(&k->s->tx_consumed, memory_order_acquire);
}

uint64_t stream_unsent(const struct sock *k)
{
	return tx_written(k) -
	    atomic_load_explicit(&k->s->tx_sent, memory_order_acquire);
}

bool stream_waits(const struct sock *k, int flags)
{
	return !(flags & MSG_DONTWAIT) && !atomic_load(&k->l->nonblock);
}

/* Taken by the caller, if there is one. */
int stream_take_error(const struct sock *k)
{
	int r = sock_has_error(k) ? sock_take_error(k) : 0;

	if (r < 0)
		atomic_store(&k->l->connecting, 0);
	return r;
}

/* ---- connect */

/* 0: connected; -EINPROGRESS: not yet; else why not. */
static int connected(const struct sock *k)
{
	uint64_t w = stream_word(k);
	int r;

	if (w & STREAM_CONNECTING)
		return -EINPROGRESS;
	r = stream_take_error(k);
	if (r < 0)
		return r;
	atomic_store(&k->l->connecting, 0);
	return w & STREAM_ESTABLISHED ? 0 : -ECONNABORTED;
}

static int wait_connected(const struct sock *k)
{
	struct mono deadline = room_deadline(k);

	for (;;) {
		uint32_t seen = room_word(k);
		int r = connected(k);

		if (r != -EINPROGRESS)
			return r;
		r = room_wait(k, seen, deadline);
		if (r < 0)
			return r == -EAGAIN ? -EINPROGRESS : r;
	}
}

/* What was not read is gone with the connection. */
static int disconnect(const struct sock *k, const struct app_name *nobody)
{
	bool listened = stream_word(k) & STREAM_LISTENING;
	int r = sock_command_name(k, APP_OP_CONNECT, nobody);

	atomic_store(&k->l->connecting, 0);
	if (r < 0)
		return r;
	if (listened)
		listen_ended(k);
	lib_lock(&k->l->rx);
	stream_did_read(k, atomic_load(&k->s->rx_written), 0);
	lib_unlock(&k->l->rx);
	/* The byte was to end a recv() that has not seen it yet. */
	sock_ask_for_byte(k);
	return r;
}

int stream_connect(const struct sock *k, const struct app_name *to)
{
	bool wait = stream_waits(k, 0);
	int r;

	if (to->family == 0)
		return disconnect(k, to);
	/* An earlier call was not told how it ended. */
	if (atomic_load(&k->l->connecting)) {
		r = wait ? wait_connected(k) : connected(k);
		return r == -EINPROGRESS && !wait ? -EALREADY : r;
	}
	r = sock_command_name(k, APP_OP_CONNECT, to);
	if (r < 0 && r != -EALREADY)
		return r;
	atomic_store(&k->l->connecting, 1);
	if (!wait)
		return r < 0 ? r : -EINPROGRESS;
	return wait_connected(k);
}

/* ---- Sending */

/*
 * Room is what the ring has left of SO_SNDBUF; with TCP_NOTSENT_LOWAT, while
 * fewer bytes than that are unsent, up to it.
 */
uint32_t stream_room(const struct sock *k, const names *n)
{
	uint64_t used = stream_unacked(k);
	uint32_t room = used < n->sndbuf ? n->sndbuf - (uint32_t)used : 0;
	uint64_t unsent;
	uint32_t step;

	if (n->notsent_lowat == 0)
		return room;
	unsent = stream_unsent(k);
	if (unsent >= n->notsent_lowat)
		return 0;
	step = n->notsent_lowat - (uint32_t)unsent;
	if (step < LEAST)
		step = LEAST;
	return room < step ? room : step;
}

/* A third is free; of unsent bytes are less than half as many as may be. */
static uint32_t level_of(const names *n)
{
	return n->sndbuf - n->sndbuf / 3 - 1;
}

static uint32_t low_of(const names *n)
{
	return (n->notsent_lowat - 1) / 2;
}

bool stream_writable(const struct sock *k, const names *n)
{
	return stream_unacked(k) <= level_of(n) &&
	    (n->notsent_lowat == 0 || stream_unsent(k) <= low_of(n));
}

static void want_low(const struct sock *k, const names *n)
{
	atomic_store(&k->a->tx_low, n->notsent_lowat ? 1 + low_of(n) : 0);
}

void stream_poll_room(const struct sock *k, const names *n)
{
	want_low(k, n);
	sock_poll_room(k, level_of(n));
}

void stream_wrote(const struct sock *k, uint64_t end, bool more)
{
	if (more || atomic_load_explicit(&k->a->tx_more, memory_order_relaxed))
		atomic_store(&k->a->tx_more, more);
	sock_measure_write(k, tx_written(k), end);
	atomic_store_explicit(&k->a->tx_written, end, memory_order_release);
	sock_post(k);
}

/* Under the tx lock: as much as there is room for. */
static uint32_t put(
    const struct sock *k, const names *opt, struct place *p, bool more)
{
	uint64_t begin = tx_written(k);
	uint64_t end = begin;
	uint32_t room = stream_room(k, opt);
	uint8_t *from;
	uint32_t n;

	while (room > 0 && (n = place_piece(p, room, &from)) > 0) {
		app_ring_write(k->tx, APP_TX_BYTES, end, from, n);
		end += n;
		room -= n;
		p->off += n;
	}
	if (end != begin)
		stream_wrote(k, end, more);
	return (uint32_t)(end - begin);
}

/* May bytes be written?  0; -EAGAIN: not yet; else why not. */
static int may_send(const struct sock *k)
{
	uint64_t w;
	int r = stream_take_error(k);

	if (r < 0)
		return r;
	w = stream_word(k);
	if (w & STREAM_TX_OPEN)
		return 0;
	return w & STREAM_CONNECTING ? -EAGAIN : -EPIPE;
}

/* As much as there is room for; *@r as may_send(). */
static size_t send_some(
    const struct sock *k, struct place *p, const names *opt, bool more, int *r)
{
	size_t n = 0;

	*r = may_send(k);
	if (*r < 0)
		return 0;
	lib_lock(&k->l->tx);
	n = put(k, opt, p, more);
	lib_unlock(&k->l->tx);
	if (place_left(p) > 0)
		*r = -EAGAIN;
	else
		sock_room_seen(k, 0);
	return n;
}

int stream_wait_room(const struct sock *k, uint32_t *room)
{
	struct mono deadline = room_deadline(k);

	for (;;) {
		uint32_t seen = room_word(k);
		int r = may_send(k);
		names n;

		/* Of now: SO_SNDBUF grows by itself. */
		sock_names(k, &n);
		*room = stream_room(k, &n);
		if (r == 0 && *room > 0)
			return 0;
		if (r < 0 && r != -EAGAIN)
			return r;
		if (!stream_waits(k, 0))
			return sock_is_down(k) ? -ENETDOWN : -EAGAIN;
		want_low(k, &n);
		r = room_wait(k, seen, deadline);
		if (r < 0)
			return r;
	}
}

/*
 * Nothing more goes in, and the caller will not wait: an edge-triggered epoll
 * is to tell him when there is room.  True: there is by now.
 */
static bool has_room_after_all(const struct sock *k, const names *n)
{
	stream_poll_room(k, n);
	return (stream_word(k) & STREAM_TX_OPEN) && stream_writable(k, n);
}

static ssize_t send_all(const struct sock *k, struct place *p, int flags)
{
	struct mono deadline = room_deadline(k);
	bool wait = stream_waits(k, flags);
	size_t sent = 0;

	for (;;) {
		uint32_t seen = room_word(k);
		names n;
		int r;

		sock_names(k, &n);
		sent += send_some(k, p, &n, flags & MSG_MORE, &r);
		if (r == 0)
			return (ssize_t)sent;
		want_low(k, &n);
		if (r == -EAGAIN && wait)
			r = room_wait(k, seen, deadline);
		else if (r == -EAGAIN && has_room_after_all(k, &n))
			r = 0;
		else if (r == -EAGAIN && sock_is_down(k))
			r = -ENETDOWN;
		if (r < 0)
			return sent > 0 ? (ssize_t)sent : r;
	}
}

ssize_t stream_send(
    const struct sock *k, const struct iovec *iov, size_t niov, int flags)
{
	struct place p = { .iov = iov, .niov = niov };
	ssize_t r;

	/* Urgent data is not for new programs (RFC 6093). */
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	r = send_all(k, &p, flags);
	if (r == -EPIPE && !(flags & MSG_NOSIGNAL))
		raise(SIGPIPE);
	return r;
}

/* ---- Closing */

/*
 * All that was written is acknowledged, the FIN too, or never will be.  With
 * bytes that nobody will read it is to be a reset: nothing to wait for.
 */
static bool is_done(const struct sock *k)
{
	uint64_t w = stream_word(k);

	return !(w & STREAM_ESTABLISHED) || (w & STREAM_RESET) ||
	    stream_unread(k) > 0 ||
	    (stream_unacked(k) == 0 && !(w & STREAM_CLOSING));
}

/*
 * The FIN of the last close is to be waited for, too, and can be while there
 * still is a socket.  Which close is the last nobody knows once there was a
 * fork: then its FIN is on its way when close returns.
 */
static void send_fin(const struct sock *k)
{
	const uint32_t how[2] = { SHUT_WR + 1, 0 };

	if (stream_word(k) & STREAM_TX_OPEN)
		sock_command(k, APP_OP_SHUTDOWN, how, NULL, 0, NULL, NULL);
}

void stream_linger(const struct sock *k)
{
	struct mono deadline;
	names n;

	sock_names(k, &n);
	if (n.linger <= 1 || stream_unread(k) > 0)
		return;
	deadline = mono_add(mono_now(), (int64_t)(n.linger - 1) * NS_PER_S);
	if (lib_is_alone(k))
		send_fin(k);
	else if (atomic_exchange(&k->a->tx_more, 0) != 0)
		sock_post(k);
	for (;;) {
		uint32_t seen = room_word(k);

		/* For poll(2) a stream whose FIN is out is ready at once. */
		if (is_done(k) || room_wait_word(k, seen, deadline) < 0)
			return;
	}
}
