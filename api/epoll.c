/*
 * epoll.c - epoll over sockets of the stack and other descriptors
 *
 * A set is an epoll fd of the kernel's with a table beside it.  Ordinary
 * descriptors are watched by the kernel as the program asked.  Of a socket the
 * kernel watches the bare fd, for edges: each new byte makes it a candidate,
 * whose readiness is then looked up in shared memory:
 *
 *	byte, EPOLL_CTL_ADD, _MOD --> candidate --> ready: reported
 *	                                 ^  |        level: stays a candidate
 *	                                 |  v
 *	                             not ready: armed (wait.c), looked at again
 *
 * An edge-triggered socket is reported once for each byte; as with the kernel
 * the program then reads or writes until EAGAIN.
 *
 * The table is the process's own: a set made before fork is of no use in the
 * child.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/lib.h"
#include "api/strata.h"
#include "shm/clock.h"

enum {
	SETS = 64,
	KERNEL_EVENTS = 128, /* taken at once */
	WAKER = -1,          /* its fd in an entry */
	OURS = EPOLLIN | EPOLLRDHUP | EPOLLET,
	ALWAYS = EPOLLERR | EPOLLHUP,
	FLAGS = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP,
};

struct entry {
	int fd;
	uint32_t events; /* as asked; 0 after EPOLLONESHOT */
	epoll_data_t data;
	bool socket;
	bool candidate;
	struct entry *next; /* in the set */
};

struct set {
	int ep;    /* -1: free */
	int waker; /* eventfd: the table has changed */
	uint32_t waiting;
	pthread_mutex_t lock;
	struct entry *first;
	struct entry *gone; /* freed when nobody can hold them */
};

static struct set sets[SETS];
static pthread_mutex_t sets_lock = PTHREAD_MUTEX_INITIALIZER;
static bool sets_made;

static struct set *find_set(int ep)
{
	struct set *s = NULL;

	pthread_mutex_lock(&sets_lock);
	for (int i = 0; sets_made && ep >= 0 && i < SETS && s == NULL; i++)
		if (sets[i].ep == ep)
			s = &sets[i];
	pthread_mutex_unlock(&sets_lock);
	return s;
}

/* ---- Making a set */

static struct set *free_set(void)
{
	for (int i = 0; !sets_made && i < SETS; i++)
		sets[i].ep = -1;
	sets_made = true;
	for (int i = 0; i < SETS; i++)
		if (sets[i].ep == -1)
			return &sets[i];
	return NULL;
}

static int begin_set(struct set *s, int ep)
{
	struct epoll_event e = { .events = EPOLLIN };
	int waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (waker == -1)
		return -errno;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, waker, &e) == -1) {
		close(waker);
		return -errno;
	}
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->waker = waker;
	s->ep = ep;
	return 0;
}

int strata_epoll_create1(int flags)
{
	int ep = epoll_create1(flags);
	struct set *s;
	int r = -EMFILE;

	if (ep == -1)
		return -1;
	pthread_mutex_lock(&sets_lock);
	s = free_set();
	if (s != NULL)
		r = begin_set(s, ep);
	pthread_mutex_unlock(&sets_lock);
	if (r < 0)
		close(ep);
	return (int)lib_result(r < 0 ? r : ep);
}

static void free_entries(struct entry *e)
{
	while (e != NULL) {
		struct entry *next = e->next;

		free(e);
		e = next;
	}
}

bool epoll_close(int fd)
{
	struct set *s = find_set(fd);

	if (s == NULL)
		return false;
	pthread_mutex_lock(&sets_lock);
	free_entries(s->first);
	free_entries(s->gone);
	close(s->waker);
	s->ep = -1;
	pthread_mutex_unlock(&sets_lock);
	return true;
}

/* ---- Changing it; all under its lock */

static struct entry *find_entry(struct set *s, int fd)
{
	struct entry *e = s->first;

	while (e != NULL && e->fd != fd)
		e = e->next;
	return e;
}

/* Whoever waits looks at the table again. */
static void wake(struct set *s)
{
	uint64_t one = 1;

	if (s->waiting > 0 && write(s->waker, &one, sizeof(one)) == -1)
		return; /* it is set already */
}

/* The kernel may still name it in an event that a thread holds. */
static void take_out(struct set *s, struct entry *e)
{
	struct entry **at = &s->first;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->fd = WAKER;
	e->next = s->gone;
	s->gone = e;
	if (s->waiting == 0) {
		free_entries(s->gone);
		s->gone = NULL;
	}
}

static int kernel_ctl(struct set *s, int op, struct entry *e)
{
	struct epoll_event k = {
		.events = e->socket ? (uint32_t)OURS : e->events,
		.data.ptr = e,
	};

	return epoll_ctl(s->ep, op, e->fd, &k) == -1 ? -errno : 0;
}

static int add(struct set *s, int fd, const struct epoll_event *event)
{
	struct entry *old = find_entry(s, fd);
	struct entry *e = calloc(1, sizeof(*e));
	struct sock k;
	int r;

	if (e == NULL)
		return -ENOMEM;
	*e = (struct entry){
		.fd = fd,
		.events = event->events,
		.data = event->data,
		.socket = lib_find(&k, fd) == 0,
	};
	e->candidate = e->socket;
	r = kernel_ctl(s, EPOLL_CTL_ADD, e);
	if (r < 0) {
		free(e);
		return r;
	}
	/* A descriptor that was closed, and its number used again. */
	if (old != NULL)
		take_out(s, old);
	e->next = s->first;
	s->first = e;
	return 0;
}

static int change(struct set *s, int fd, const struct epoll_event *event)
{
	struct entry *e = find_entry(s, fd);

	if (e == NULL)
		return -ENOENT;
	if (event->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	e->events = event->events;
	e->data = event->data;
	e->candidate = e->socket;
	return kernel_ctl(s, EPOLL_CTL_MOD, e);
}

static int remove_fd(struct set *s, int fd)
{
	struct entry *e = find_entry(s, fd);

	if (e == NULL)
		return -ENOENT;
	epoll_ctl(s->ep, EPOLL_CTL_DEL, fd, NULL);
	take_out(s, e);
	return 0;
}

int strata_epoll_ctl(int ep, int op, int fd, struct epoll_event *event)
{
	struct set *s = find_set(ep);
	int r = -EINVAL;

	if (s == NULL)
		return epoll_ctl(ep, op, fd, event);
	if (fd == ep)
		return (int)lib_result(-EINVAL);
	pthread_mutex_lock(&s->lock);
	if (op == EPOLL_CTL_ADD)
		r = add(s, fd, event);
	else if (op == EPOLL_CTL_MOD)
		r = change(s, fd, event);
	else if (op == EPOLL_CTL_DEL)
		r = remove_fd(s, fd);
	wake(s);
	pthread_mutex_unlock(&s->lock);
	return (int)lib_result(r);
}

void epoll_forget(int fd)
{
	pthread_mutex_lock(&sets_lock);
	for (int i = 0; sets_made && i < SETS; i++) {
		if (sets[i].ep == -1)
			continue;
		pthread_mutex_lock(&sets[i].lock);
		remove_fd(&sets[i], fd);
		pthread_mutex_unlock(&sets[i].lock);
	}
	pthread_mutex_unlock(&sets_lock);
}

/* ---- Waiting */

/* EPOLL* and POLL* are the same numbers. */
static uint32_t ready_events(const struct entry *e, const struct sock *k)
{
	return (uint16_t)sock_ready(k, (short)(e->events & ~(uint32_t)FLAGS));
}

/* What is ready of a candidate; 0: it is none any more. */
static uint32_t examine(struct entry *e)
{
	uint32_t got;
	struct sock k;

	if (e->events == 0 || lib_find(&k, e->fd) < 0) {
		e->candidate = false;
		return 0;
	}
	got = ready_events(e, &k);
	if (got == 0) {
		sock_arm(&k, (short)(e->events & ~(uint32_t)FLAGS));
		got = ready_events(e, &k);
	}
	if (got == 0) {
		e->candidate = false;
		sock_settle(&k);
		return 0;
	}
	if (e->events & EPOLLET) {
		e->candidate = false;
		sock_arm(&k, (short)(e->events & ~(uint32_t)FLAGS));
	}
	if (e->events & EPOLLONESHOT) {
		e->events = 0;
		e->candidate = false;
	}
	return got;
}

/*
 * Candidates that are ready, at most @max.  Those reported go to the table's
 * end, so that with few places all have their turn.
 */
static int report(struct set *s, struct epoll_event *events, int max)
{
	struct entry **at = &s->first;
	struct entry *moved = NULL;
	int n = 0;

	while (*at != NULL && n < max) {
		struct entry *e = *at;
		uint32_t got = e->candidate ? examine(e) : 0;

		if (got == 0) {
			at = &e->next;
			continue;
		}
		events[n++] = (struct epoll_event){ got, e->data };
		*at = e->next;
		e->next = moved;
		moved = e;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = moved;
	return n;
}

/* The kernel's word: ordinary descriptors are reported, ours looked at. */
static int sort(struct set *s, const struct epoll_event *from, int nfrom,
    struct epoll_event *events, int max)
{
	uint64_t count;
	int n = 0;

	for (int i = 0; i < nfrom; i++) {
		struct entry *e = from[i].data.ptr;

		if (e == NULL) {
			if (read(s->waker, &count, sizeof(count)) == -1)
				continue; /* another thread was first */
		} else if (e->fd == WAKER) {
			continue;
		} else if (e->socket) {
			e->candidate = true;
		} else if (n < max) {
			events[n++] =
			    (struct epoll_event){ from[i].events, e->data };
			if (e->events & EPOLLONESHOT)
				e->events = 0;
		}
	}
	return n;
}

/* Under the lock, but not while it sleeps. */
static int ask_kernel(struct set *s, struct epoll_event *from, int max, int ms,
    const sigset_t *mask)
{
	int want = max < KERNEL_EVENTS ? max : KERNEL_EVENTS;
	int n;

	s->waiting++;
	pthread_mutex_unlock(&s->lock);
	n = epoll_pwait(s->ep, from, want, ms, mask);
	n = n == -1 ? -errno : n;
	pthread_mutex_lock(&s->lock);
	s->waiting--;
	return n;
}

static int wait_in(struct set *s, struct epoll_event *events, int max,
    struct mono deadline, const sigset_t *mask)
{
	struct epoll_event from[KERNEL_EVENTS];

	for (;;) {
		int n = report(s, events, max);
		int got = ask_kernel(s, from, max - n > 0 ? max - n : 1,
		    n > 0 ? 0 : lib_wait_ms(deadline), mask);

		if (got < 0)
			return n > 0 ? n : got;
		n += sort(s, from, got, events + n, max - n);
		if (n == 0)
			n = report(s, events, max);
		if (n > 0 || mono_reached(deadline, mono_now()))
			return n;
	}
}

int strata_epoll_pwait(int ep, struct epoll_event *events, int max,
    int timeout_ms, const sigset_t *mask)
{
	struct set *s = find_set(ep);
	struct mono deadline =
	    timeout_ms < 0 ? MONO_NEVER : mono_add_ms(mono_now(), timeout_ms);
	int r;

	if (s == NULL)
		return epoll_pwait(ep, events, max, timeout_ms, mask);
	if (max <= 0)
		return (int)lib_result(-EINVAL);
	pthread_mutex_lock(&s->lock);
	r = wait_in(s, events, max, deadline, mask);
	if (s->waiting == 0) {
		free_entries(s->gone);
		s->gone = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return (int)lib_result(r);
}

int strata_epoll_wait(
    int ep, struct epoll_event *events, int max, int timeout_ms)
{
	return strata_epoll_pwait(ep, events, max, timeout_ms, NULL);
}
