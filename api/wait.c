/*
 * wait.c - poll over sockets of the stack and other descriptors
 *
 * The bare fd of a socket says by its level that there is something to read.
 * Who waits for that alone sleeps in poll(2) on it.  All else is announced by a
 * byte that may find others there (shm/app.h): who waits for it sleeps in an
 * epoll, edge-triggered, and nobody takes the byte away before he has seen it.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "api/lib.h"
#include "api/strata.h"
#include "shm/clock.h"

enum {
	FEW = 64, /* descriptors without an allocation */
	READ = POLLIN | POLLRDNORM,
	WRITE = POLLOUT | POLLWRNORM,
};

/* ---- One socket */

static short datagram_ready(const struct sock *k)
{
	short r = 0;
	names n;

	sock_names(k, &n);
	if (datagram_readable(k) || (n.shut & 1))
		r |= READ;
	if (n.shut & 1)
		r |= POLLRDHUP;
	if (datagram_writable(k, &n))
		r |= WRITE;
	if (sock_has_error(k) || errors_queued(k))
		r |= POLLERR;
	if (n.shut == 3)
		r |= POLLHUP;
	return r;
}

short sock_ready(const struct sock *k, short asked)
{
	short r =
	    k->l->type == SOCK_STREAM ? stream_ready(k) : datagram_ready(k);

	return r & (asked | POLLERR | POLLHUP);
}

void sock_arm(const struct sock *k, short asked)
{
	names n;

	if (k->l->type == SOCK_STREAM) {
		stream_arm(k, asked);
	} else if (asked & WRITE) {
		sock_names(k, &n);
		sock_poll_room(k, n.sndbuf - 1);
	}
}

void sock_settle(const struct sock *k)
{
	if (k->l->type == SOCK_STREAM)
		stream_settle(k);
	else
		datagram_settle(k);
}

static bool has_bytes(const struct sock *k)
{
	return k->l->type == SOCK_STREAM ? stream_unread(k) > 0
					 : datagram_readable(k);
}

/* ---- One call of poll */

struct polling {
	struct pollfd *fds; /* the caller's */
	nfds_t n;
	struct pollfd *kernel; /* what is slept on: n, and the edges */
	int edges;             /* -1: not needed */
	bool gone;             /* some stack has hung up */
	bool not_for_us;       /* a byte that others must see stays */
};

/* One of ours?  Then it is in *@ret. */
static bool ours(const struct polling *p, nfds_t i, struct sock *ret)
{
	return p->fds[i].fd >= 0 && lib_find(ret, p->fds[i].fd) == 0;
}

/* Fills in revents of our sockets; returns how many are ready. */
static int check(struct polling *p)
{
	int count = 0;

	for (nfds_t i = 0; i < p->n; i++) {
		struct sock k;

		if (!ours(p, i, &k))
			continue;
		p->fds[i].revents = sock_ready(&k, p->fds[i].events);
		if (p->gone && sock_is_down(&k))
			p->fds[i].revents |= POLLERR | POLLHUP;
		count += p->fds[i].revents != 0;
	}
	return count;
}

/* Does the level of the bare fd say all that @k is waited for? */
static bool level_tells(const struct sock *k, short asked)
{
	return (asked & READ) && !(asked & WRITE) && !has_bytes(k);
}

/* Others' descriptors as they are, ours by their level; -1: by edges. */
static bool fill_in(struct polling *p)
{
	bool level = true;

	for (nfds_t i = 0; i < p->n; i++) {
		struct sock k;

		p->kernel[i] = p->fds[i];
		if (!ours(p, i, &k))
			continue;
		p->kernel[i].events = POLLIN | POLLRDHUP;
		level &= level_tells(&k, p->fds[i].events);
		if (stream_word(&k) & STREAM_LISTENING)
			listen_ready(&k);
	}
	return level;
}

/* From now on all of ours by edges. */
static int use_edges(struct polling *p)
{
	int r = 0;

	p->edges = epoll_create1(EPOLL_CLOEXEC);
	if (p->edges == -1)
		return -ENOMEM;
	for (nfds_t i = 0; i < p->n; i++) {
		struct epoll_event e = {
			.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
			.data.fd = p->fds[i].fd,
		};
		struct sock k;

		if (!ours(p, i, &k))
			continue;
		if (p->fds[i].events & WRITE)
			atomic_fetch_add(&k.l->room_waits, 1);
		/* Twice the same is no harm. */
		if (epoll_ctl(p->edges, EPOLL_CTL_ADD, k.fd, &e) == -1 &&
		    errno != EEXIST)
			r = -ENOMEM;
	}
	return r;
}

static void end_edges(const struct polling *p)
{
	if (p->edges == -1)
		return;
	for (nfds_t i = 0; i < p->n; i++) {
		struct sock k;

		if (!(p->fds[i].events & WRITE) || !ours(p, i, &k))
			continue;
		atomic_fetch_sub(&k.l->room_waits, 1);
		if (p->fds[i].revents & WRITE)
			sock_room_seen(&k, 0);
	}
	close(p->edges);
}

static void arm(const struct polling *p)
{
	for (nfds_t i = 0; i < p->n; i++) {
		struct sock k;

		if (!ours(p, i, &k))
			continue;
		p->kernel[i].fd = -1;
		sock_arm(&k, p->fds[i].events);
	}
	p->kernel[p->n] = (struct pollfd){ .fd = p->edges, .events = POLLIN };
}

int lib_wait_ms(struct mono deadline)
{
	int64_t ns;

	if (deadline.ns == MONO_NEVER.ns)
		return -1;
	ns = mono_since(deadline, mono_now());
	return ns > 0 ? (int)((ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

/* Bytes on an fd of ours that say nothing to us. */
static void note(struct polling *p, int fd, uint32_t events)
{
	struct sock k;

	if (events & (POLLHUP | POLLRDHUP | POLLERR)) {
		p->gone = true;
	} else if (lib_find(&k, fd) == 0 && !has_bytes(&k)) {
		sock_settle(&k);
		p->not_for_us |= sock_room_wanted(&k);
	}
}

static void note_edges(struct polling *p)
{
	struct epoll_event e[FEW];
	int n;

	do {
		n = epoll_wait(p->edges, e, FEW, 0);
		for (int i = 0; i < n; i++)
			note(p, e[i].data.fd, e[i].events);
	} while (n == FEW);
}

/* What the kernel said; returns how many others are ready. */
static int collect(struct polling *p)
{
	int count = 0;

	for (nfds_t i = 0; i < p->n; i++) {
		struct sock k;

		if (!ours(p, i, &k)) {
			p->fds[i].revents = p->kernel[i].revents;
			count += p->fds[i].revents != 0;
		} else if (p->kernel[i].fd != -1 && p->kernel[i].revents) {
			note(p, k.fd, (uint32_t)p->kernel[i].revents);
		}
	}
	if (p->edges != -1 && p->kernel[p->n].revents)
		note_edges(p);
	return count;
}

/* Ours are not ready: sleep until something is; 0: @deadline is over. */
static int sleep_once(struct polling *p, struct mono deadline)
{
	nfds_t n = p->n;
	int r;

	if ((!fill_in(p) || p->not_for_us) && p->edges == -1) {
		r = use_edges(p);
		if (r < 0)
			return r;
	}
	if (p->edges != -1) {
		arm(p);
		n++;
	}
	/* It may have come before the edges were set. */
	r = poll(p->kernel, n, check(p) > 0 ? 0 : lib_wait_ms(deadline));
	if (r == -1)
		return -errno;
	r = collect(p);
	return r + check(p);
}

/* Without sleeping: all others, and whether a stack is gone. */
static int look_once(struct polling *p)
{
	int count;

	for (nfds_t i = 0; i < p->n; i++) {
		struct sock k;

		p->kernel[i] = p->fds[i];
		if (ours(p, i, &k))
			p->kernel[i].events = POLLRDHUP;
	}
	if (poll(p->kernel, p->n, 0) == -1)
		return -errno;
	count = collect(p);
	return count + check(p);
}

static int poll_all(struct polling *p, struct mono deadline)
{
	int count = 0;

	if (mono_reached(deadline, mono_now()) || check(p) > 0)
		return look_once(p);
	do
		count = sleep_once(p, deadline);
	while (count == 0 &&
	    (deadline.ns == MONO_NEVER.ns ||
		!mono_reached(deadline, mono_now())));
	return count;
}

int sock_sleep(const struct sock *k, struct mono deadline)
{
	struct pollfd fd = { .fd = k->fd, .events = POLLOUT };
	struct pollfd kernel[2];
	struct polling p = {
		.fds = &fd,
		.n = 1,
		.kernel = kernel,
		.edges = -1,
	};
	int r = poll_all(&p, deadline);

	end_edges(&p);
	/* No memory for the edges: the caller looks again in a moment. */
	if (r < 0)
		return r == -ENOMEM ? 0 : r;
	if (r == 0)
		return -EAGAIN;
	return sock_is_down(k) ? -ENETDOWN : 0;
}

int strata_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct mono deadline =
	    timeout_ms < 0 ? MONO_NEVER : mono_add_ms(mono_now(), timeout_ms);
	struct pollfd few[FEW + 1];
	struct polling p = {
		.fds = fds,
		.n = n,
		.kernel = few,
		.edges = -1,
	};
	int r;

	if (n > FEW)
		p.kernel = calloc(n + 1, sizeof(*p.kernel));
	if (p.kernel == NULL)
		return (int)lib_result(-ENOMEM);
	r = poll_all(&p, deadline);
	end_edges(&p);
	if (p.kernel != few)
		free(p.kernel);
	return (int)lib_result(r);
}
