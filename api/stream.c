/*
 * stream.c - bytes into and out of the rings of a stream (shm/app.h)
 *
 * A reader sleeps in recv(MSG_PEEK) on the bare fd, so that signals and
 * SO_RCVTIMEO do what they do to a kernel socket; a writer on a futex.  The
 * byte that a reader finds stays for others until the ring is empty; after the
 * stream's end it stays for ever, so that the bare fd is readable then.
 */
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "api/lib.h"

enum {
	LOOK_NS = 100 * NS_PER_MS,   /* between looks whether the stack lives */
	LOWAT_LOOK_NS = 2 * NS_PER_MS, /* a reader with SO_RCVLOWAT */
	MANY_BYTES = 64, /* so many may wait on an fd that nobody reads */
};

static uint64_t rx_read(const struct sock *k)
{
	return atomic_load_explicit(&k->a->rx_read, memory_order_relaxed);
}

static uint64_t tx_written(const struct sock *k)
{
	return atomic_load_explicit(&k->a->tx_written, memory_order_relaxed);
}

uint64_t stream_unread(const struct sock *k)
{
	uint64_t n =
	    atomic_load_explicit(&k->s->rx_written, memory_order_acquire) -
	    rx_read(k);

	/* Not what a transport of ours writes. */
	return n <= APP_RX_BYTES ? n : 0;
}

uint64_t stream_unsent(const struct sock *k)
{
	return tx_written(k) -
	    atomic_load_explicit(&k->s->tx_consumed, memory_order_acquire);
}

static bool waits(const struct sock *k, int flags)
{
	return !(flags & MSG_DONTWAIT) && !atomic_load(&k->l->nonblock);
}

/* Taken by the caller, if there is one. */
static int take_error(const struct sock *k)
{
	int r = sock_has_error(k) ? sock_take_error(k) : 0;

	if (r < 0)
		atomic_store(&k->l->connecting, 0);
	return r;
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
	char bytes[256];

	while (recv(k->fd, bytes, sizeof(bytes), MSG_DONTWAIT) ==
	    (ssize_t)sizeof(bytes))
		;
	atomic_thread_fence(memory_order_seq_cst);
	if (is_readable(k)) {
		atomic_fetch_add(&k->a->kick, 1);
		sock_post(k);
	}
}

void stream_settle(const struct sock *k)
{
	char bytes[256];
	ssize_t n;

	lib_lock(&k->l->rx);
	if (!is_readable(k)) {
		drain(k);
	} else {
		/* Others than readers are woken by them, too: not too many. */
		n = recv(k->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
		if (n > MANY_BYTES)
			recv(k->fd, bytes, (size_t)n - 1, MSG_DONTWAIT);
	}
	lib_unlock(&k->l->rx);
}

int stream_wait_byte(const struct sock *k)
{
	char byte;
	ssize_t n = recv(k->fd, &byte, 1, MSG_PEEK);

	if (n == 0)
		return -ENETDOWN;
	return n == 1 ? 0 : -errno;
}

/* ---- Waiting for room, or for a connection */

static struct mono send_deadline(const struct sock *k)
{
	int64_t ns = atomic_load(&k->l->send_timeout_ns);

	return ns > 0 ? mono_add(mono_now(), ns) : MONO_NEVER;
}

/*
 * Until the stream's state, errors or room differ from @seen (a word of
 * tx_room), at most for a while.  -EAGAIN: @deadline is over.
 */
static int wait_for_change(
    const struct sock *k, uint32_t seen, struct mono deadline)
{
	int64_t left = mono_since(deadline, mono_now());
	struct timespec ts = { .tv_nsec = left < LOOK_NS ? left : LOOK_NS };
	int r = 0;

	if (left <= 0)
		return -EAGAIN;
	atomic_fetch_add(&k->a->tx_waiting, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (syscall(SYS_futex, &k->s->tx_room, FUTEX_WAIT, seen, &ts, NULL,
		0) == -1) {
		if (errno == EINTR)
			r = -EINTR;
		else if (errno == ETIMEDOUT && sock_is_down(k))
			r = -ENETDOWN;
	}
	atomic_fetch_sub(&k->a->tx_waiting, 1);
	return r;
}

static uint32_t room_word(const struct sock *k)
{
	return atomic_load_explicit(&k->s->tx_room, memory_order_acquire);
}

/* ---- connect */

/* 0: connected; -EINPROGRESS: not yet; else why not. */
static int connected(const struct sock *k)
{
	uint64_t w = stream_word(k);
	int r;

	if (w & STREAM_CONNECTING)
		return -EINPROGRESS;
	r = take_error(k);
	if (r < 0)
		return r;
	atomic_store(&k->l->connecting, 0);
	return w & STREAM_ESTABLISHED ? 0 : -ECONNABORTED;
}

static int wait_connected(const struct sock *k)
{
	struct mono deadline = send_deadline(k);

	for (;;) {
		uint32_t seen = room_word(k);
		int r = connected(k);

		if (r != -EINPROGRESS)
			return r;
		r = wait_for_change(k, seen, deadline);
		if (r < 0)
			return r == -EAGAIN ? -EINPROGRESS : r;
	}
}

int stream_connect(const struct sock *k, const struct app_name *to)
{
	bool wait = waits(k, 0);
	int r;

	if (to->family == 0) {
		atomic_store(&k->l->connecting, 0);
		return sock_command_name(k, APP_OP_CONNECT, to);
	}
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

uint32_t stream_room(const struct sock *k, uint32_t sndbuf)
{
	uint64_t used = stream_unsent(k);
	uint32_t size = sndbuf < APP_TX_BYTES ? sndbuf : APP_TX_BYTES;

	return used < size ? size - (uint32_t)used : 0;
}

void stream_wrote(const struct sock *k, uint64_t end, bool more)
{
	if (more || atomic_load_explicit(&k->a->tx_more, memory_order_relaxed))
		atomic_store(&k->a->tx_more, more);
	atomic_store_explicit(&k->a->tx_written, end, memory_order_release);
	sock_post(k);
}

/* Where in an iovec the next byte is. */
struct place {
	const struct iovec *iov;
	size_t niov;
	size_t off;
};

static size_t bytes_left(const struct place *p)
{
	size_t sum = 0;

	for (size_t i = 0; i < p->niov; i++)
		sum += p->iov[i].iov_len;
	return sum - (p->niov > 0 ? p->off : 0);
}

/* The next piece, of at most @max bytes; 0: no more. */
static uint32_t next_piece(struct place *p, uint32_t max, uint8_t **at)
{
	size_t n;

	while (p->niov > 0 && p->off == p->iov->iov_len) {
		p->iov++;
		p->niov--;
		p->off = 0;
	}
	if (p->niov == 0)
		return 0;
	n = p->iov->iov_len - p->off;
	*at = (uint8_t *)p->iov->iov_base + p->off;
	return n < max ? (uint32_t)n : max;
}

/* Under the tx lock: as much as there is room for. */
static uint32_t put(
    const struct sock *k, uint32_t sndbuf, struct place *p, bool more)
{
	uint64_t begin = tx_written(k);
	uint64_t end = begin;
	uint32_t room = stream_room(k, sndbuf);
	uint8_t *from;
	uint32_t n;

	while (room > 0 && (n = next_piece(p, room, &from)) > 0) {
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
	int r = take_error(k);

	if (r < 0)
		return r;
	w = stream_word(k);
	if (w & STREAM_TX_OPEN)
		return 0;
	return w & STREAM_CONNECTING ? -EAGAIN : -EPIPE;
}

static ssize_t send_all(
    const struct sock *k, struct place *p, uint32_t sndbuf, int flags)
{
	struct mono deadline = send_deadline(k);
	bool wait = waits(k, flags);
	ssize_t sent = 0;

	for (;;) {
		uint32_t seen = room_word(k);
		int r = may_send(k);

		if (r == 0) {
			lib_lock(&k->l->tx);
			sent += put(k, sndbuf, p, flags & MSG_MORE);
			lib_unlock(&k->l->tx);
			if (bytes_left(p) == 0)
				return sent;
			r = -EAGAIN;
		}
		if (r != -EAGAIN)
			return sent > 0 ? sent : r;
		if (!wait) {
			/* For edge-triggered epoll: say when there is room. */
			sock_poll_room(k, sndbuf - sndbuf / 3);
			if (stream_room(k, sndbuf) > sndbuf / 3 &&
			    (stream_word(k) & STREAM_TX_OPEN))
				continue;
			return sent > 0 ? sent : r;
		}
		r = wait_for_change(k, seen, deadline);
		if (r < 0)
			return sent > 0 ? sent : r;
	}
}

ssize_t stream_send(
    const struct sock *k, const struct iovec *iov, size_t niov, int flags)
{
	struct place p = { .iov = iov, .niov = niov };
	ssize_t r;
	names n;

	/* Urgent data is not for new programs (RFC 6093). */
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	sock_names(k, &n);
	r = send_all(k, &p, n.sndbuf, flags);
	if (r == -EPIPE && !(flags & MSG_NOSIGNAL))
		raise(SIGPIPE);
	return r;
}

/* ---- Receiving */

void stream_did_read(const struct sock *k, uint64_t end, uint32_t rcvbuf)
{
	bool empty;

	atomic_store_explicit(&k->a->rx_read, end, memory_order_release);
	/* Full fence: our count before theirs (app.h). */
	atomic_thread_fence(memory_order_seq_cst);
	empty = stream_unread(k) == 0;
	if (empty && !is_readable(k))
		drain(k);
	/* Not each byte is worth a look at the window. */
	if (empty || end - k->l->rx_posted >= rcvbuf / 4) {
		k->l->rx_posted = end;
		sock_post(k);
	}
}

/* Under the rx lock: what is there, up to the end of @p. */
static ssize_t take(
    const struct sock *k, struct place *p, uint32_t rcvbuf, int flags)
{
	uint64_t at = rx_read(k);
	uint64_t have = stream_unread(k);
	uint64_t begin = at;
	uint8_t *to;
	uint32_t n;

	while (have > 0 && (n = next_piece(p, (uint32_t)have, &to)) > 0) {
		if (!(flags & MSG_TRUNC))
			app_ring_read(to, k->rx, APP_RX_BYTES, at, n);
		at += n;
		have -= n;
		p->off += n;
	}
	if (at != begin && !(flags & MSG_PEEK))
		stream_did_read(k, at, rcvbuf);
	return (ssize_t)(at - begin);
}

/* Nothing is there to read: 0: the end; -EAGAIN: wait; else why not. */
static int why_nothing(const struct sock *k, bool *end)
{
	uint64_t w = stream_word(k);
	int r;

	*end = false;
	/* What came before the end was said is read first. */
	if (stream_unread(k) > 0)
		return -EAGAIN;
	r = take_error(k);
	if (r < 0)
		return r;
	if (w & STREAM_RX_END) {
		*end = true;
		return 0;
	}
	if (!(w & (STREAM_ESTABLISHED | STREAM_CONNECTING)))
		return -ENOTCONN;
	return -EAGAIN;
}

/* Until more is there than the @had bytes that the caller has seen. */
static int wait_for_more(const struct sock *k, uint64_t had)
{
	static const struct timespec moment = { .tv_nsec = LOWAT_LOOK_NS };

	if (had == 0 || stream_unread(k) == 0)
		return stream_wait_byte(k);
	/* A byte tells of the first only: who wants more must look. */
	return nanosleep(&moment, NULL) == -1 ? -errno : 0;
}

ssize_t stream_receive(
    const struct sock *k, const struct iovec *iov, size_t niov, int flags)
{
	struct place p = { .iov = iov, .niov = niov };
	bool wait = waits(k, flags);
	size_t want = bytes_left(&p);
	size_t target;
	ssize_t got = 0;
	names n;

	if (flags & MSG_OOB)
		return -EINVAL;
	sock_names(k, &n);
	target = flags & MSG_WAITALL ? want : n.rcvlowat;
	target = target < want ? target : want;
	for (;;) {
		struct place from = p;
		uint64_t had;
		bool end;
		int r;

		lib_lock(&k->l->rx);
		had = stream_unread(k);
		if (!(flags & MSG_PEEK) || had >= target || got == 0) {
			if (flags & MSG_PEEK)
				got = 0;
			got += take(k, flags & MSG_PEEK ? &from : &p, n.rcvbuf,
			    flags);
		}
		lib_unlock(&k->l->rx);
		if ((size_t)got >= target && (got > 0 || want == 0))
			return got;
		r = why_nothing(k, &end);
		if (r == 0 || r != -EAGAIN)
			return got > 0 ? got : r;
		if (!wait && stream_unread(k) == 0)
			return got > 0		 ? got
			    : sock_is_down(k) ? -ENETDOWN
					      : -EAGAIN;
		if (!wait)
			return got > 0 ? got : -EAGAIN;
		r = wait_for_more(k, flags & MSG_PEEK ? had : 0);
		if (r < 0)
			return got > 0 ? got : r;
		if (!is_readable(k))
			stream_settle(k);
		if (flags & MSG_PEEK)
			got = 0;
	}
}

/* ---- poll and close */

short stream_ready(const struct sock *k)
{
	uint64_t w = stream_word(k);
	short r = 0;
	names n;

	if (w & STREAM_LISTENING)
		return stream_unread(k) > 0 ? POLLIN | POLLRDNORM : 0;
	sock_names(k, &n);
	if (stream_unread(k) >= n.rcvlowat || (w & STREAM_RX_END))
		r |= POLLIN | POLLRDNORM;
	if (w & STREAM_RX_END)
		r |= POLLRDHUP;
	if ((w & STREAM_TX_OPEN) && stream_room(k, n.sndbuf) > n.sndbuf / 3)
		r |= POLLOUT | POLLWRNORM;
	/* Writing fails at once: who waits for it should know. */
	if (!(w & (STREAM_TX_OPEN | STREAM_CONNECTING)))
		r |= POLLOUT | POLLWRNORM;
	if (sock_has_error(k))
		r |= POLLERR;
	if (!(w & (STREAM_TX_OPEN | STREAM_CONNECTING)) &&
	    ((w & STREAM_RX_END) || !(w & STREAM_ESTABLISHED)))
		r |= POLLHUP;
	return r;
}

void stream_linger(const struct sock *k)
{
	const uint32_t tx_only[2] = { 2, 0 };
	struct mono deadline;
	names n;

	sock_names(k, &n);
	if (n.linger <= 1 || !(stream_word(k) & STREAM_TX_OPEN) ||
	    stream_unread(k) > 0)
		return;
	deadline = mono_add(mono_now(), (int64_t)(n.linger - 1) * NS_PER_S);
	sock_command(k, APP_OP_SHUTDOWN, tx_only, NULL, 0, NULL, NULL);
	for (;;) {
		uint32_t seen = room_word(k);

		if (stream_unsent(k) == 0 || (stream_word(k) & STREAM_RESET))
			return;
		if (wait_for_change(k, seen, deadline) < 0)
			return;
	}
}
