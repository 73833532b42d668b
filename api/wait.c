/*
 * wait.c - poll over sockets of the stack and other descriptors
 *
 * The bare fd of a socket tells when there is something to read, the end or an
 * error; and, once it was asked to (sock_arm), when there is room to write.
 * Each of these is one byte through the fd, and the byte stays while something
 * is unread.  Who then waits for room alone must not be woken by the old byte:
 * he watches for edges, through an epoll fd of his own.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "api/lib.h"
#include "api/strata.h"
#include "shm/clock.h"

enum {
	FEW = 64, /* descriptors without an allocation */
};

/* ---- One socket */

static short datagram_ready(const struct sock *k)
{
	short r = 0;
	names n;

	sock_names(k, &n);
	if (datagram_readable(k) || (n.shut & 1))
		r |= POLLIN | POLLRDNORM;
	if (n.shut & 1)
		r |= POLLRDHUP;
	if (datagram_writable(k, &n))
		r |= POLLOUT | POLLWRNORM;
	if (sock_has_error(k))
		r |= POLLERR;
	if (n.shut == 3)
		r |= POLLHUP;
	return r;
}

short sock_ready(const struct sock *k, short asked)
{
	short r = k->l->type == SOCK_STREAM ? stream_ready(k)
					    : datagram_ready(k);

	return (short)(r & (asked | POLLERR | POLLHUP));
}

void sock_arm(const struct sock *k, short asked)
{
	names n;

	if (!(asked & (POLLOUT | POLLWRNORM)))
		return;
	sock_names(k, &n);
	/* A third of the buffer free, as Linux; a datagram: any room. */
	sock_poll_room(k,
	    k->l->type == SOCK_STREAM ? n.sndbuf - n.sndbuf / 3 : n.sndbuf);
}

void sock_settle(const struct sock *k)
{
	if (k->l->type == SOCK_STREAM)
		stream_settle(k);
	else
		datagram_settle(k);
}

/* ---- Many */

/* One call of strata_poll: what the kernel watches in place of @fds. */
struct call {
	struct pollfd *fds;
	nfds_t n;
	struct pollfd *kernel; /* n + 1 */
	int edges;             /* an epoll fd, or -1 */
	struct mono deadline;
};

/* How many are ready without the kernel's word. */
static int look(struct call *c)
{
	int count = 0;

	for (nfds_t i = 0; i < c->n; i++) {
		struct sock k;

		c->fds[i].revents = 0;
		if (c->fds[i].fd < 0 || lib_find(&k, c->fds[i].fd) < 0)
			continue;
		c->fds[i].revents = sock_ready(&k, c->fds[i].events);
		count += c->fds[i].revents != 0;
	}
	return count;
}

/* Woken by new bytes only. */
static int watch_edge(struct call *c, int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };

	if (c->edges == -1)
		c->edges = epoll_create1(EPOLL_CLOEXEC);
	if (c->edges == -1)
		return -errno;
	if (epoll_ctl(c->edges, EPOLL_CTL_ADD, fd, &e) == -1 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

/* What the kernel is to watch; sockets say what they wait for. */
static int arm(struct call *c)
{
	int r = 0;

	for (nfds_t i = 0; i < c->n; i++) {
		struct sock k;

		c->kernel[i] = c->fds[i];
		if (c->fds[i].fd < 0 || lib_find(&k, c->fds[i].fd) < 0)
			continue;
		sock_arm(&k, c->fds[i].events);
		c->kernel[i].events = POLLIN | POLLRDHUP;
		/* Readable all the time, and nobody cares. */
		if (sock_ready(&k, POLLIN) != 0) {
			c->kernel[i].fd = -1;
			r = watch_edge(c, c->fds[i].fd);
		}
		if (r < 0)
			return r;
	}
	c->kernel[c->n] = (struct pollfd){ .fd = c->edges, .events = POLLIN };
	return 0;
}

static void forget_edges(const struct call *c)
{
	struct epoll_event e;

	while (c->edges != -1 && epoll_wait(c->edges, &e, 1, 0) > 0)
		;
}

/* What the kernel said of the others, and of stacks that are gone. */
static int collect(struct call *c)
{
	int count = 0;

	for (nfds_t i = 0; i < c->n; i++) {
		struct pollfd *f = &c->fds[i];
		short r = c->kernel[i].revents;
		struct sock k;

		if (f->fd < 0 || lib_find(&k, f->fd) < 0) {
			f->revents = r;
		} else {
			f->revents = sock_ready(&k, f->events);
			if (r & (POLLHUP | POLLRDHUP))
				f->revents |= POLLERR | POLLHUP;
			/* A byte that is left over. */
			else if ((r & POLLIN) && f->revents == 0)
				sock_settle(&k);
		}
		count += f->revents != 0;
	}
	return count;
}

int lib_wait_ms(struct mono deadline)
{
	int64_t ns;

	if (deadline.ns == MONO_NEVER.ns)
		return -1;
	ns = mono_since(deadline, mono_now());
	return ns > 0 ? (int)((ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static int poll_all(struct call *c)
{
	for (;;) {
		int count = look(c);
		int r = arm(c);

		if (r < 0)
			return r;
		forget_edges(c);
		/* Once more, now that a byte will come for what changes. */
		if (count == 0)
			count = look(c);
		r = poll(
		    c->kernel, c->n + 1, count > 0 ? 0 : lib_wait_ms(c->deadline));
		if (r == -1)
			return -errno;
		count = collect(c);
		if (count > 0)
			return count;
		if (mono_reached(c->deadline, mono_now()))
			return 0;
	}
}

int strata_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct pollfd few[FEW + 1];
	struct call c = {
		.fds = fds,
		.n = n,
		.kernel = few,
		.edges = -1,
		.deadline = timeout_ms < 0
		    ? MONO_NEVER
		    : mono_add_ms(mono_now(), timeout_ms),
	};
	int r;

	if (n > FEW)
		c.kernel = calloc(n + 1, sizeof(*c.kernel));
	if (c.kernel == NULL)
		return (int)lib_result(-ENOMEM);
	r = poll_all(&c);
	if (c.edges != -1)
		close(c.edges);
	if (c.kernel != few)
		free(c.kernel);
	return (int)lib_result(r);
}
