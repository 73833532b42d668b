/*
 * stream_read.c - bytes out of a stream's ring, and what poll says of it
 *
 * A reader sleeps in recv(MSG_PEEK) on the bare fd, so that signals do what
 * they do to a kernel socket.  The byte that it finds stays for others until
 * the ring is empty; after the stream's end it stays for ever, so that the bare
 * fd is readable then.
 */
#include <poll.h>
#include <time.h>

#include "api/lib.h"

enum {
	MOMENT_NS = NS_PER_MS,
};

static uint64_t rx_read(const struct sock *k)
{
	return atomic_load_explicit(&k->a->rx_read, memory_order_relaxed);
}

uint64_t stream_unread(const struct sock *k)
{
	uint64_t n =
	    atomic_load_explicit(&k->s->rx_written, memory_order_acquire) -
	    rx_read(k);

	/* Not what a transport of ours writes. */
	return n <= APP_RX_BYTES ? n : 0;
}

/* ---- The fd's bytes */

static bool is_readable(const struct sock *k)
{
	return stream_unread(k) > 0 || (stream_word(k) & STREAM_RX_END) ||
	    sock_has_error(k);
}

/* The bytes away; if something has come meanwhile, one may be missing. */
static void drain(const struct sock *k)
{
	sock_drain(k, true);
	if (is_readable(k))
		sock_ask_for_byte(k);
}

void stream_settle(const struct sock *k)
{
	lib_lock(&k->l->rx);
	if (is_readable(k))
		sock_drain(k, false);
	else
		drain(k);
	lib_unlock(&k->l->rx);
}

struct mono stream_read_deadline(const struct sock *k)
{
	int64_t ns = atomic_load(&k->l->recv_timeout_ns);

	return ns > 0 ? mono_add(mono_now(), ns) : MONO_NEVER;
}

/* As the kernel does it: with a timeout no call is taken up again. */
static int wait_until(const struct sock *k, struct mono deadline)
{
	struct pollfd p = { .fd = k->fd, .events = POLLIN };
	int64_t left = mono_since(deadline, mono_now());
	struct timespec ts = {
		.tv_sec = left / NS_PER_S,
		.tv_nsec = left % NS_PER_S,
	};
	int n = left > 0 ? ppoll(&p, 1, &ts, NULL) : 0;

	if (n == -1)
		return -errno;
	return n == 0 ? -EAGAIN : 0;
}

int stream_wait_byte(const struct sock *k, struct mono deadline)
{
	char byte;
	ssize_t n;
	int r;

	if (deadline.ns != MONO_NEVER.ns) {
		r = wait_until(k, deadline);
		if (r < 0)
			return r;
	}
	n = recv(k->fd, &byte, 1, MSG_PEEK);
	if (n == 0)
		return -ENETDOWN;
	return n == 1 ? 0 : -errno;
}

/*
 * Until @want bytes are unread, of which some are there already: the byte that
 * told of those is in the way.
 */
static int wait_for_more(
    const struct sock *k, uint64_t want, struct mono deadline)
{
	int r = 0;

	lib_lock(&k->l->rx);
	sock_drain(k, true);
	sock_poll_bytes(k, (uint32_t)want);
	lib_unlock(&k->l->rx);
	if (stream_unread(k) < want && !(stream_word(k) & STREAM_RX_END) &&
	    !sock_has_error(k))
		r = stream_wait_byte(k, deadline);
	sock_poll_bytes(k, 0);
	/* What is there must be seen on the fd again. */
	sock_ask_for_byte(k);
	return r;
}

/* ---- Receiving */

void stream_did_read(const struct sock *k, uint64_t end, uint32_t rcvbuf)
{
	atomic_store_explicit(&k->a->rx_read, end, memory_order_release);
	/* Full fence: our count before theirs (app.h). */
	atomic_thread_fence(memory_order_seq_cst);
	if (!is_readable(k))
		drain(k);
	/* Not each byte is worth a look at the window. */
	if (end - k->l->rx_posted >= rcvbuf / 4) {
		k->l->rx_posted = end;
		sock_post(k);
	}
}

/* Under the rx lock: what is there, up to the end of @p. */
static size_t take_once(
    const struct sock *k, struct place *p, uint32_t rcvbuf, int flags)
{
	uint64_t begin = rx_read(k);
	uint64_t at = begin;
	uint64_t have = stream_unread(k);
	uint8_t *to;
	uint32_t n;

	while (have > 0 && (n = place_piece(p, (uint32_t)have, &to)) > 0) {
		if (!(flags & MSG_TRUNC))
			app_ring_read(to, k->rx, APP_RX_BYTES, at, n);
		at += n;
		have -= n;
		p->off += n;
	}
	if (at != begin && !(flags & MSG_PEEK)) {
		sock_measure_read(k, begin, at);
		stream_did_read(k, at, rcvbuf);
	}
	return (size_t)(at - begin);
}

/*
 * Who gets less than asked for knows that all is read, and may wait for the fd
 * to tell of more.  So what came meanwhile, and was not told, is read, too.
 */
static size_t take(
    const struct sock *k, struct place *p, uint32_t rcvbuf, int flags)
{
	size_t got = 0;
	size_t n;

	lib_lock(&k->l->rx);
	do {
		n = take_once(k, p, rcvbuf, flags);
		got += n;
	} while (n > 0 && !(flags & MSG_PEEK));
	lib_unlock(&k->l->rx);
	return got;
}

/* Nothing is there to read: 0: nor will be; -EAGAIN: wait; else why not. */
static int why_nothing(const struct sock *k)
{
	uint64_t w = stream_word(k);
	int r;

	/* What came before the end was said is read first. */
	if (stream_unread(k) > 0)
		return -EAGAIN;
	r = stream_take_error(k);
	if (r < 0)
		return r;
	if (w & STREAM_RX_END)
		return 0;
	if (!(w & (STREAM_ESTABLISHED | STREAM_CONNECTING)))
		return sock_is_down(k) ? -ENETDOWN : -ENOTCONN;
	return -EAGAIN;
}

static bool comes_no_more(const struct sock *k)
{
	return (stream_word(k) & STREAM_RX_END) || sock_has_error(k);
}

/* Was the byte for a reader?  Who it is for is given the time to see it. */
static void after_byte(const struct sock *k)
{
	static const struct timespec moment = { .tv_nsec = MOMENT_NS };

	if (is_readable(k))
		return;
	stream_settle(k);
	if (sock_room_wanted(k))
		nanosleep(&moment, NULL);
}

/* MSG_PEEK: each time from the beginning. */
static ssize_t peek(const struct sock *k, const struct place *from,
    size_t target, int flags, bool wait)
{
	struct mono deadline = stream_read_deadline(k);

	if (target > APP_RX_BYTES)
		target = APP_RX_BYTES;
	for (;;) {
		bool end = comes_no_more(k);
		struct place p = *from;
		size_t got = take(k, &p, 0, flags);
		int r;

		if (got >= target || (got > 0 && (end || !wait)))
			return (ssize_t)got;
		r = got > 0 ? -EAGAIN : why_nothing(k);
		if (r != -EAGAIN)
			return r;
		if (!wait)
			return sock_is_down(k) ? -ENETDOWN : -EAGAIN;
		r = got > 0 ? wait_for_more(k, target, deadline)
			    : stream_wait_byte(k, deadline);
		if (r < 0)
			return got > 0 ? (ssize_t)got : r;
		after_byte(k);
	}
}

static ssize_t receive(const struct sock *k, struct place *p, size_t target,
    uint32_t rcvbuf, int flags, bool wait)
{
	struct mono deadline = stream_read_deadline(k);
	size_t got = 0;

	for (;;) {
		int r;

		got += take(k, p, rcvbuf, flags);
		/* With bytes in hand, an error is for the next call. */
		if (got >= target || (got > 0 && (!wait || comes_no_more(k))))
			return (ssize_t)got;
		r = got > 0 ? -EAGAIN : why_nothing(k);
		if (r != -EAGAIN)
			return r;
		if (stream_unread(k) > 0)
			continue;
		if (!wait)
			return sock_is_down(k) ? -ENETDOWN : -EAGAIN;
		r = stream_wait_byte(k, deadline);
		if (r < 0)
			return got > 0 ? (ssize_t)got : r;
		after_byte(k);
	}
}

ssize_t stream_receive(
    const struct sock *k, const struct iovec *iov, size_t niov, int flags)
{
	struct place p = { .iov = iov, .niov = niov };
	bool wait = stream_waits(k, flags);
	size_t want = place_left(&p);
	size_t target;
	names n;

	/* Urgent data is read where it stands in the stream (RFC 6093). */
	if (flags & MSG_OOB)
		return -EINVAL;
	if (stream_word(k) & STREAM_LISTENING)
		return -ENOTCONN;
	if (want == 0)
		return 0;
	sock_names(k, &n);
	target = (flags & MSG_WAITALL) ? want : n.rcvlowat;
	target = target < want ? target : want;
	if (target == 0)
		target = 1;
	if (flags & MSG_PEEK)
		return peek(k, &p, target, flags, wait);
	return receive(k, &p, target, n.rcvbuf, flags, wait);
}

/* ---- poll */

/* As tcp_poll() of Linux puts it; see poll(2) and epoll_ctl(2). */
short stream_ready(const struct sock *k)
{
	uint64_t w = stream_word(k);
	bool open = w & STREAM_TX_OPEN;
	short r = 0;
	names n;

	if (w & STREAM_LISTENING)
		return stream_unread(k) > 0 ? POLLIN | POLLRDNORM : 0;
	sock_names(k, &n);
	if (w & STREAM_RX_END)
		r |= POLLIN | POLLRDNORM | POLLRDHUP;
	else if (stream_unread(k) > 0 && stream_unread(k) >= n.rcvlowat)
		r |= POLLIN | POLLRDNORM;
	if (open && stream_writable(k, &n))
		r |= POLLOUT | POLLWRNORM;
	/* Writing fails at once: who waits for it should know. */
	if (!open && !(w & STREAM_CONNECTING))
		r |= POLLOUT | POLLWRNORM;
	if (sock_has_error(k))
		r |= POLLERR;
	if (!open && !(w & STREAM_CONNECTING) &&
	    ((w & STREAM_RX_END) || !(w & STREAM_ESTABLISHED)))
		r |= POLLHUP;
	return r;
}

void stream_arm(const struct sock *k, short asked)
{
	uint64_t unread;
	names n;

	if (stream_word(k) & STREAM_LISTENING)
		return;
	sock_names(k, &n);
	if (asked & (POLLOUT | POLLWRNORM))
		stream_poll_room(k, &n);
	unread = stream_unread(k);
	if ((asked & (POLLIN | POLLRDNORM)) && unread > 0 &&
	    unread < n.rcvlowat)
		sock_poll_bytes(k, n.rcvlowat);
}
