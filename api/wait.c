/*
 * wait.c - poll over sockets of the stack and other descriptors
 *
 * The bare fd of a socket tells when there is something to read or an error to
 * find.  Room to write it does not tell: who waits for that alone, which is
 * rare with datagrams, looks again every millisecond.
 */
#include <stdlib.h>

#include "api/lib.h"
#include "api/strata.h"
#include "shm/clock.h"

enum {
	FEW = 64, /* descriptors without an allocation */
	LOOK_MS = 1,
};

/* What of @k is ready, of what was asked for; errors always. */
static short ready(const struct sock *k, short asked)
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
	r &= asked;
	if (sock_has_error(k))
		r |= POLLERR;
	if (n.shut == 3)
		r |= POLLHUP;
	return r;
}

/*
 * Fill in what the kernel is to watch in place of @fds; returns how many are
 * ready without it.  *@look: something must be looked at again soon.
 */
static int prepare(
    struct pollfd *kernel, struct pollfd *fds, nfds_t n, bool *look)
{
	int count = 0;

	*look = false;
	for (nfds_t i = 0; i < n; i++) {
		struct sock k;

		kernel[i] = fds[i];
		fds[i].revents = 0;
		if (fds[i].fd < 0 || lib_find(&k, fds[i].fd) < 0)
			continue;
		fds[i].revents = ready(&k, fds[i].events);
		count += fds[i].revents != 0;
		kernel[i].events = POLLIN | POLLRDHUP;
		if (fds[i].events & (POLLOUT | POLLWRNORM))
			*look = true;
		/* Readable all the time, and nobody cares. */
		if (!(fds[i].events & (POLLIN | POLLRDNORM)) &&
		    datagram_readable(&k))
			kernel[i].events = POLLRDHUP;
	}
	return count;
}

/* What the kernel said of the others, and of stacks that are gone. */
static int collect(const struct pollfd *kernel, struct pollfd *fds, nfds_t n)
{
	int count = 0;

	for (nfds_t i = 0; i < n; i++) {
		struct sock k;
		short r = kernel[i].revents;

		if (fds[i].fd < 0 || lib_find(&k, fds[i].fd) < 0) {
			fds[i].revents = r;
		} else {
			fds[i].revents = ready(&k, fds[i].events);
			if (r & (POLLHUP | POLLRDHUP))
				fds[i].revents |= POLLERR | POLLHUP;
			/* A byte that is left over. */
			else if ((r & POLLIN) && fds[i].revents == 0)
				datagram_settle(&k);
		}
		count += fds[i].revents != 0;
	}
	return count;
}

static int wait_ms(struct mono deadline, bool look)
{
	int64_t ns;
	int ms = -1;

	if (deadline.ns != MONO_NEVER.ns) {
		ns = mono_since(deadline, mono_now());
		ms = ns > 0 ? (int)((ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
	}
	return look && (ms < 0 || ms > LOOK_MS) ? LOOK_MS : ms;
}

static int poll_all(
    struct pollfd *kernel, struct pollfd *fds, nfds_t n, struct mono deadline)
{
	for (;;) {
		bool look;
		int count = prepare(kernel, fds, n, &look);
		int ms = count > 0 ? 0 : wait_ms(deadline, look);
		int r = poll(kernel, n, ms);

		if (r == -1)
			return -errno;
		count = collect(kernel, fds, n);
		if (count > 0)
			return count;
		if (deadline.ns != MONO_NEVER.ns &&
		    mono_reached(deadline, mono_now()))
			return 0;
	}
}

int strata_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct mono deadline =
	    timeout_ms < 0 ? MONO_NEVER : mono_add_ms(mono_now(), timeout_ms);
	struct pollfd few[FEW];
	struct pollfd *kernel = few;
	int r;

	if (n > FEW)
		kernel = calloc(n, sizeof(*kernel));
	if (kernel == NULL)
		return (int)lib_result(-ENOMEM);
	r = poll_all(kernel, fds, n, deadline);
	if (kernel != few)
		free(kernel);
	return (int)lib_result(r);
}
