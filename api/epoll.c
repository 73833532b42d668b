/*
 * epoll.c - epoll over sockets of the stack and other descriptors
 *
 * A set is four descriptors of the kernel's.  The one that the program holds
 * has the others in it and is what it sleeps on:
 *
 *	others	an epoll with what is not ours, just as the program asked
 *	ours	an epoll with the bare fds of our sockets, edge-triggered: each
 *		byte is an event, and need not be taken away
 *	bell	an eventfd: some of ours may be ready without a byte
 *
 * A socket with an event is put into the queue.  What is in it is looked at,
 * in shared memory, by the next call; level-triggered ones that are ready stay,
 * and so everything else that epoll(7) says follows.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/lib.h"
#include "api/strata.h"

enum {
	MANY = 64,                   /* events at a time */
	KINDS = 0xffff | EPOLLRDHUP, /* of events; the rest says how */
	WRITE = EPOLLOUT | EPOLLWRNORM,
};

/* A socket of ours in a set. */
struct item {
	struct epoll_event want;
	int fd;
	bool edge; /* bytes have come */
	bool down; /* the stack is gone */
	bool queued;
	struct item *next;
};

struct set {
	pthread_mutex_t lock;
	struct set *next;
	int fd, others, ours, bell;
	uint32_t users;   /* calls under way, and the descriptor */
	uint32_t waiters; /* asleep, or about to be */
	_Atomic bool ours_first;
	bool inherited;     /* from before a fork, and not used here since */
	struct item **item; /* by fd */
	size_t nitems;
	struct item *first, **last; /* the queue */
};

static struct set *sets;
static pthread_mutex_t sets_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- Sets */

static void destroy(struct set *s)
{
	const int fds[] = { s->fd, s->others, s->ours, s->bell };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			close(fds[i]);
	for (size_t i = 0; i < s->nitems; i++)
		free(s->item[i]);
	free(s->item);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void put_set(struct set *s)
{
	bool last;

	pthread_mutex_lock(&sets_lock);
	last = --s->users == 0;
	pthread_mutex_unlock(&sets_lock);
	if (last)
		destroy(s);
}

static struct set *get_set(int fd)
{
	struct set *s;

	pthread_mutex_lock(&sets_lock);
	for (s = sets; s != NULL && s->fd != fd; s = s->next)
		;
	if (s != NULL) {
		s->users++;
		s->inherited = false;
	}
	pthread_mutex_unlock(&sets_lock);
	return s;
}

static bool add_level(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };

	return fd != -1 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

int strata_epoll_create1(int flags)
{
	struct set *s;

	if (flags & ~EPOLL_CLOEXEC)
		return (int)lib_result(-EINVAL);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return (int)lib_result(-ENOMEM);
	pthread_mutex_init(&s->lock, NULL);
	s->users = 1;
	s->last = &s->first;
	s->fd = epoll_create1(flags);
	s->others = epoll_create1(EPOLL_CLOEXEC);
	s->ours = epoll_create1(EPOLL_CLOEXEC);
	s->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd == -1 || !add_level(s->fd, s->others) ||
	    !add_level(s->fd, s->ours) || !add_level(s->fd, s->bell)) {
		int r = errno;

		destroy(s);
		return (int)lib_result(-r);
	}
	pthread_mutex_lock(&sets_lock);
	s->next = sets;
	sets = s;
	pthread_mutex_unlock(&sets_lock);
	return s->fd;
}

/* ---- The queue; all from here on under the set's lock */

static void enqueue(struct set *s, struct item *i)
{
	if (i->queued)
		return;
	i->queued = true;
	i->next = NULL;
	*s->last = i;
	s->last = &i->next;
}

static struct item *dequeue(struct set *s)
{
	struct item *i = s->first;

	s->first = i->next;
	if (s->first == NULL)
		s->last = &s->first;
	i->queued = false;
	return i;
}

static void unqueue(struct set *s, const struct item *gone)
{
	struct item **at = &s->first;

	if (!gone->queued)
		return;
	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	if (s->last == &gone->next)
		s->last = at;
}

/* Somebody asleep is to look at the queue. */
static void ring_bell(const struct set *s)
{
	if (s->first != NULL && s->waiters > 0)
		eventfd_write(s->bell, 1);
}

/* ---- What is in a set */

static struct item *find_item(const struct set *s, int fd)
{
	return (size_t)fd < s->nitems ? s->item[fd] : NULL;
}

/* As many as want to write are counted at the socket (sock_room_seen). */
static void count_writer(const struct item *i, int by)
{
	struct sock k;

	if ((i->want.events & WRITE) && lib_find(&k, i->fd) == 0)
		atomic_fetch_add(&k.l->room_waits, (uint32_t)by);
}

static void remove_item(struct set *s, int fd)
{
	struct item *i = find_item(s, fd);

	if (i == NULL)
		return;
	count_writer(i, -1);
	unqueue(s, i);
	s->item[fd] = NULL;
	free(i);
}

static int make_place(struct set *s, int fd)
{
	size_t n = s->nitems ? s->nitems : MANY;
	struct item **bigger;

	while (n <= (size_t)fd)
		n *= 2;
	if (n == s->nitems)
		return 0;
	bigger = realloc(s->item, n * sizeof(struct item *));
	if (bigger == NULL)
		return -ENOMEM;
	memset(bigger + s->nitems, 0, (n - s->nitems) * sizeof(struct item *));
	s->item = bigger;
	s->nitems = n;
	return 0;
}

static int add_item(struct set *s, int fd, const struct epoll_event *want)
{
	struct epoll_event edge = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.fd = fd,
	};
	struct item *i;

	if (make_place(s, fd) < 0)
		return -ENOMEM;
	i = calloc(1, sizeof(*i));
	if (i == NULL)
		return -ENOMEM;
	if (epoll_ctl(s->ours, EPOLL_CTL_ADD, fd, &edge) == -1) {
		free(i);
		return -errno;
	}
	/* One that was closed behind our back. */
	remove_item(s, fd);
	*i = (struct item){ .fd = fd, .want = *want };
	i->want.events |= EPOLLERR | EPOLLHUP;
	s->item[fd] = i;
	count_writer(i, 1);
	enqueue(s, i);
	return 0;
}

static int change_item(struct set *s, int fd, const struct epoll_event *want)
{
	struct item *i = find_item(s, fd);

	if (i == NULL)
		return -ENOENT;
	if (want->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	count_writer(i, -1);
	i->want = *want;
	i->want.events |= EPOLLERR | EPOLLHUP;
	count_writer(i, 1);
	enqueue(s, i);
	return 0;
}

static int control(
    struct set *s, int op, int fd, const struct epoll_event *want)
{
	int r = -EINVAL;

	if (want == NULL && op != EPOLL_CTL_DEL)
		return -EFAULT;
	if (op == EPOLL_CTL_ADD)
		r = add_item(s, fd, want);
	else if (op == EPOLL_CTL_MOD)
		r = change_item(s, fd, want);
	else if (op == EPOLL_CTL_DEL)
		r = find_item(s, fd) == NULL ? -ENOENT : 0;
	if (r == 0 && op == EPOLL_CTL_DEL) {
		epoll_ctl(s->ours, EPOLL_CTL_DEL, fd, NULL);
		remove_item(s, fd);
	}
	ring_bell(s);
	return r;
}

static bool is_set(int fd)
{
	const struct set *s;

	pthread_mutex_lock(&sets_lock);
	for (s = sets; s != NULL && s->fd != fd; s = s->next)
		;
	pthread_mutex_unlock(&sets_lock);
	return s != NULL;
}

static int no_set(int fd)
{
	return fcntl(fd, F_GETFD) == -1 ? -EBADF : -EINVAL;
}

int strata_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct set *s = get_set(epfd);
	struct sock k;
	int r = 0;

	if (s == NULL)
		return (int)lib_result(no_set(epfd));
	if (is_set(fd)) {
		r = -EINVAL;
	} else if (lib_find(&k, fd) == 0) {
		pthread_mutex_lock(&s->lock);
		r = control(s, op, fd, event);
		pthread_mutex_unlock(&s->lock);
	} else if (epoll_ctl(s->others, op, fd, event) == -1) {
		r = -errno;
	}
	put_set(s);
	return (int)lib_result(r);
}

/* ---- Waiting */

/* Who has had bytes is put into the queue. */
static void take_edges(struct set *s)
{
	struct epoll_event e[MANY];
	int n;

	do {
		n = epoll_wait(s->ours, e, MANY, 0);
		for (int i = 0; i < n; i++) {
			struct item *it = find_item(s, e[i].data.fd);

			if (it == NULL)
				continue;
			it->edge = true;
			if (e[i].events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
				it->down = true;
			enqueue(s, it);
		}
	} while (n == MANY);
}

static uint32_t ready(const struct item *i, const struct sock *k)
{
	uint32_t r = (uint16_t)sock_ready(k, (short)(i->want.events & KINDS));

	return i->down ? r | EPOLLERR | EPOLLHUP : r;
}

/*
 * What is to be reported of @i, which is not in the queue: 0 is nothing, and
 * then its next byte will bring it back.
 */
static uint32_t look(struct set *s, struct item *i)
{
	struct sock k;
	uint32_t r;

	/* Reported once (EPOLLONESHOT), or closed by close(2). */
	if ((i->want.events & KINDS) == 0 || lib_find(&k, i->fd) < 0)
		return 0;
	if (stream_word(&k) & STREAM_LISTENING)
		listen_ready(&k);
	r = ready(i, &k);
	if (r & WRITE)
		sock_room_seen(&k, 1);
	/* The reader takes the bytes away himself. */
	if (i->edge && !(r & EPOLLIN))
		sock_settle(&k);
	i->edge = false;
	if (r == 0) {
		sock_arm(&k, (short)(i->want.events & KINDS));
		r = ready(i, &k);
	}
	if (r == 0)
		return 0;
	if (i->want.events & EPOLLONESHOT) {
		count_writer(i, -1);
		i->want.events &= ~(uint32_t)KINDS;
	} else if (!(i->want.events & EPOLLET)) {
		enqueue(s, i);
	}
	return r;
}

static int report_ours(struct set *s, struct epoll_event *ret, int max)
{
	struct item *stop = NULL;
	int n = 0;

	pthread_mutex_lock(&s->lock);
	take_edges(s);
	/* Those that stay in the queue are looked at once. */
	while (n < max && s->first != NULL && s->first != stop) {
		struct item *i = dequeue(s);
		uint32_t events = look(s, i);

		if (events != 0)
			ret[n++] = (struct epoll_event){ .events = events,
				.data = i->want.data };
		if (stop == NULL && i->queued)
			stop = i;
	}
	ring_bell(s);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static int report_others(const struct set *s, struct epoll_event *ret, int max)
{
	int n = max > 0 ? epoll_wait(s->others, ret, max, 0) : 0;

	return n > 0 ? n : 0;
}

/* Who comes first takes turns, so that neither can fill all places for ever. */
static int report(struct set *s, struct epoll_event *ret, int max)
{
	bool ours = !atomic_load(&s->ours_first);
	int n;

	atomic_store(&s->ours_first, ours);
	if (ours) {
		n = report_ours(s, ret, max);
		return n + report_others(s, ret + n, max - n);
	}
	n = report_others(s, ret, max);
	return n + report_ours(s, ret + n, max - n);
}

/* Until there may be something: 0, or a negative errno. */
static int sleep_on(struct set *s, int timeout_ms, const sigset_t *mask)
{
	struct epoll_event e[3];
	eventfd_t count;
	bool now;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	now = s->first != NULL;
	s->waiters++;
	pthread_mutex_unlock(&s->lock);
	if (epoll_pwait(s->fd, e, 3, now ? 0 : timeout_ms, mask) == -1)
		r = -errno;
	pthread_mutex_lock(&s->lock);
	s->waiters--;
	eventfd_read(s->bell, &count);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int wait_for_events(struct set *s, struct epoll_event *ret, int max,
    int timeout_ms, const sigset_t *mask)
{
	struct mono deadline =
	    timeout_ms < 0 ? MONO_NEVER : mono_add_ms(mono_now(), timeout_ms);
	int r = report(s, ret, max);

	while (r == 0 && (timeout_ms = lib_wait_ms(deadline)) != 0) {
		r = sleep_on(s, timeout_ms, mask);
		if (r == 0)
			r = report(s, ret, max);
	}
	return r;
}

int strata_epoll_pwait(int epfd, struct epoll_event *events, int max,
    int timeout_ms, const sigset_t *mask)
{
	struct set *s;
	int r;

	if (max <= 0)
		return (int)lib_result(-EINVAL);
	s = get_set(epfd);
	if (s == NULL)
		return (int)lib_result(no_set(epfd));
	r = wait_for_events(s, events, max, timeout_ms, mask);
	put_set(s);
	return (int)lib_result(r);
}

int strata_epoll_wait(
    int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	return strata_epoll_pwait(epfd, events, max, timeout_ms, NULL);
}

/* ---- Descriptors that are closed */

void epoll_forget(int fd)
{
	pthread_mutex_lock(&sets_lock);
	for (struct set *s = sets; s != NULL; s = s->next) {
		pthread_mutex_lock(&s->lock);
		/* A copy elsewhere would keep it, but so would the parent. */
		if (find_item(s, fd) != NULL && !s->inherited)
			epoll_ctl(s->ours, EPOLL_CTL_DEL, fd, NULL);
		remove_item(s, fd);
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&sets_lock);
}

bool epoll_closed(int fd)
{
	struct set **at = &sets;
	struct set *s;

	pthread_mutex_lock(&sets_lock);
	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	s = *at;
	if (s != NULL) {
		*at = s->next;
		pthread_mutex_lock(&s->lock);
		for (size_t i = 0; i < s->nitems; i++)
			remove_item(s, (int)i);
		/* The number is the program's to use again. */
		close(s->fd);
		s->fd = -1;
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&sets_lock);
	if (s != NULL)
		put_set(s);
	return s != NULL;
}

/* ---- fork */

void epoll_before_fork(void)
{
	pthread_mutex_lock(&sets_lock);
	for (struct set *s = sets; s != NULL; s = s->next)
		pthread_mutex_lock(&s->lock);
}

void epoll_after_fork(void)
{
	for (struct set *s = sets; s != NULL; s = s->next)
		pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&sets_lock);
}

/* The other threads are not here, and who wants to write is twice there. */
void epoll_in_child(void)
{
	for (struct set *s = sets; s != NULL; s = s->next) {
		s->waiters = 0;
		s->users = 1;
		s->inherited = true;
		for (size_t i = 0; i < s->nitems; i++)
			if (s->item[i] != NULL)
				count_writer(s->item[i], 1);
	}
}
