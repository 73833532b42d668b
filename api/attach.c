/*
 * attach.c - from a program to its stack: segments, sockets, descriptors
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "api/lib.h"
#include "shm/control.h"
#include "shm/join.h"
#include "shm/rundir.h"
#include "shm/segment.h"

enum {
	TABLE_FDS = 1 << 20,
	FULL_TRIES = 50,       /* a millisecond apart */
	ANSWER_MS = 10 * 1000, /* the supervisor may be starting anew */
};

/*
 * The only state of the library that is not reached through an argument: a
 * program has one stack, as it has one kernel.  With more sockets than an app
 * may have, it is several apps of that.
 */
static struct lib libs[LIB_APPS];
static _Atomic uint32_t nlibs; /* attached, from the first on */
static pthread_mutex_t attach_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t fib_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint16_t *table; /* by fd: 1 + number of socket; 0: not ours */

/* ---- Locks */

void lib_lock(pthread_mutex_t *m)
{
	/* Its owner died: see lib.h why there is nothing to repair. */
	if (pthread_mutex_lock(m) == EOWNERDEAD)
		pthread_mutex_consistent(m);
}

void lib_unlock(pthread_mutex_t *m)
{
	pthread_mutex_unlock(m);
}

/* A thread that forks must not leave the child another thread's locks. */
static void before_fork(void)
{
	epoll_before_fork();
	pthread_mutex_lock(&attach_lock);
	for (uint32_t i = 0; i < atomic_load(&nlibs); i++)
		atomic_fetch_add(&libs[i].shared->forks, 1);
	pthread_mutex_lock(&fib_lock);
	spare_before_fork();
}

static void after_fork(void)
{
	spare_after_fork();
	pthread_mutex_unlock(&fib_lock);
	pthread_mutex_unlock(&attach_lock);
	epoll_after_fork();
}

static void in_child(void)
{
	epoll_in_child();
	after_fork();
	spare_forget_all();
}

static void make_locks(struct lib_shared *s)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&s->control, &a);
	pthread_mutex_init(&s->post, &a);
	for (int i = 0; i < APP_MAX_SOCKETS; i++) {
		pthread_mutex_init(&s->socket[i].command, &a);
		pthread_mutex_init(&s->socket[i].tx, &a);
		pthread_mutex_init(&s->socket[i].rx, &a);
	}
	pthread_mutexattr_destroy(&a);
}

/* ---- The supervisor */

/* Send @m and wait for its answer. */
static int ask(int sock, const struct ctl_msg *m, struct ctl_msg *ret, int *fds)
{
	int r = ctl_send(sock, m, NULL);

	while (r == 0) {
		struct pollfd p = { .fd = sock, .events = POLLIN };
		int n = poll(&p, 1, ANSWER_MS);

		if (n == 0)
			return -ENETDOWN;
		if (n == -1 && errno != EINTR)
			return -errno;
		r = n == -1 ? -EAGAIN : ctl_recv(sock, ret, fds);
		/* An answer to one who died before he could read it. */
		if (r == 0 && (ret->type != m->type || ret->self != m->self)) {
			for (uint32_t i = 0; i < ret->nfds; i++)
				close(fds[i]);
			r = -EAGAIN;
		}
		if (r == 0)
			return ret->arg[3] ? -(int)ret->arg[3] : 0;
		if (r == -EAGAIN)
			r = 0;
	}
	return r == -EPIPE ? -ENETDOWN : r;
}

static int map_one(struct lib *l, const struct ctl_fd *f, int fd)
{
	void *p = NULL;
	int r = -EPROTO;

	if (f->index >= TOPO_MAX_PROCS)
		return r;
	if (f->role == FD_PLAN) {
		r = segment_map(&p, fd, sizeof(*l->plan), false);
		l->plan = p;
	} else if (f->role == FD_A2S) {
		r = segment_map(&p, fd, A2S_BYTES, true);
		l->a2s = p;
	} else if (f->role == FD_S2A) {
		r = segment_map(&p, fd, S2A_BYTES, false);
		l->s2a[f->index] = p;
	}
	return r;
}

static void unmap_all(struct lib *l)
{
	if (l->plan != NULL)
		munmap((void *)(uintptr_t)l->plan, sizeof(*l->plan));
	if (l->a2s != NULL)
		munmap(l->a2s, A2S_BYTES);
	for (int i = 0; i < TOPO_MAX_PROCS; i++)
		if (l->s2a[i] != NULL)
			munmap((void *)(uintptr_t)l->s2a[i], S2A_BYTES);
	l->plan = NULL;
	l->a2s = NULL;
	memset(l->s2a, 0, sizeof(l->s2a));
}

static int map_all(struct lib *l, const struct ctl_msg *m, const int *fds)
{
	int r = 0;

	for (uint32_t i = 0; i < m->nfds; i++) {
		if (r == 0)
			r = map_one(l, &m->fd[i], fds[i]);
		close(fds[i]);
	}
	if (r == 0 && (l->plan == NULL || l->a2s == NULL))
		r = -EPROTO;
	if (r < 0)
		unmap_all(l);
	return r;
}

static void *private_pages(size_t bytes, int how)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    how | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int make_tables(struct lib *l)
{
	if (table == NULL) {
		table = private_pages(TABLE_FDS * sizeof(*table), MAP_PRIVATE);
		if (table == NULL)
			return -ENOMEM;
		pthread_atfork(before_fork, after_fork, in_child);
	}
	if (l->shared == NULL) {
		l->shared = private_pages(sizeof(*l->shared), MAP_SHARED);
		if (l->shared == NULL)
			return -ENOMEM;
		make_locks(l->shared);
	}
	return 0;
}

static int attach(struct lib *l, const char *stack)
{
	struct ctl_msg m = { .type = CTL_APP };
	struct ctl_msg answer = { .nfds = 0 };
	int fds[CTL_MAX_FDS];
	int r = make_tables(l);
	int sock;

	if (r < 0)
		return r;
	sock = join_connect(stack);
	if (sock < 0)
		return sock == -EACCES ? sock : -ENETDOWN;
	r = ask(sock, &m, &answer, fds);
	if (r == 0)
		r = map_all(l, &answer, fds);
	if (r < 0) {
		close(sock);
		return r;
	}
	l->control = sock;
	l->id = answer.id;
	l->fib_lock = &fib_lock;
	((struct a2s_head *)(void *)l->a2s)->magic = LAYOUT_MAGIC;
	((struct a2s_head *)(void *)l->a2s)->version = LAYOUT_VERSION;
	return 0;
}

static void say_why(const char *stack, int r)
{
	if (getenv("STRATA_DEBUG") != NULL)
		fprintf(stderr, "strata: can't attach to %s: %s\n",
		    stack[0] ? stack : "the only stack", strerror(-r));
}

static int attach_as(uint32_t i)
{
	char stack[TOPO_NAME_LEN] = "";
	int r = rundir_stack(stack);

	libs[i].index = i;
	if (r == 0)
		r = attach(&libs[i], stack);
	else if (r == -ENOENT)
		r = -ENETDOWN;
	if (r < 0)
		say_why(stack, r);
	else
		atomic_store(&nlibs, i + 1);
	return r;
}

int lib_attach(struct lib **ret, uint32_t i)
{
	int r = 0;

	if (i >= LIB_APPS)
		return -EMFILE;
	if (i >= atomic_load(&nlibs)) {
		pthread_mutex_lock(&attach_lock);
		if (i >= atomic_load(&nlibs))
			r = attach_as(i);
		pthread_mutex_unlock(&attach_lock);
	}
	if (r == 0)
		*ret = &libs[i];
	return r;
}

struct lib *lib_of_app(uint32_t app)
{
	for (uint32_t i = 0; i < atomic_load(&nlibs); i++)
		if (libs[i].id == app)
			return &libs[i];
	return NULL;
}

/* ---- Sockets */

static void fill(struct sock *k, int fd, struct lib *l, uint32_t sub)
{
	struct lib_socket *s = &l->shared->socket[sub];

	*k = (struct sock){
		.fd = fd,
		.sub = sub,
		.lib = l,
		.l = s,
		.a = (void *)(l->a2s + a2s_socket_off(sub)),
		.s = (const void *)(l->s2a[s->proc] + s2a_socket_off(sub)),
		.tx = l->a2s + a2s_tx_off(sub),
		.rx = l->s2a[s->proc] + s2a_rx_off(sub),
	};
}

/* Counts go on where the last socket of this number has left them (app.h). */
static void resume(const struct sock *k)
{
	atomic_store(&k->a->tx_written, atomic_load(&k->s->tx_consumed));
	atomic_store(&k->a->rx_read, atomic_load(&k->s->rx_written));
	atomic_store(&k->a->error_taken, atomic_load(&k->s->error));
	atomic_store(&k->a->err_read, atomic_load(&k->s->err_written));
	atomic_store(&k->a->cmd_seq, atomic_load(&k->s->reply_seq));
	atomic_store(&k->a->cmd_waiting, 0);
	atomic_store(&k->a->tx_waiting, 0);
	atomic_store(&k->a->tx_poll, 0);
	atomic_store(&k->a->tx_low, 0);
	atomic_store(&k->a->tx_more, 0);
	/* Other counts' than those that begin here, perhaps. */
	atomic_store(&k->a->tx_said, 0);
	atomic_store(&k->a->rx_said, 0);
	atomic_store(&k->a->rx_poll, 0);
	atomic_store(&k->a->offered, 0);
	atomic_store(&k->a->kept, 0);
	atomic_store(&k->a->with, 1U + k->l->proc);
}

static bool can_be(
    const struct lib *l, const struct ctl_msg *answer, const int *fds)
{
	if (answer->nfds == 0 || answer->nfds > CTL_MAX_SOCKETS ||
	    answer->arg[0] >= TOPO_MAX_PROCS || l->s2a[answer->arg[0]] == NULL)
		return false;
	for (uint32_t i = 0; i < answer->nfds; i++)
		if (answer->subs[i] >= APP_MAX_SOCKETS || fds[i] >= TABLE_FDS)
			return false;
	return true;
}

static void begin_socket(struct lib *l, const struct ctl_msg *asked,
    const struct ctl_msg *answer, uint32_t i, int fd, struct lib_socket_fd *ret)
{
	struct lib_socket *s = &l->shared->socket[answer->subs[i]];
	struct sock k;

	s->family = (uint8_t)asked->arg[0];
	s->type = (int)asked->arg[1];
	s->protocol = (int)asked->arg[2];
	s->proc = (uint8_t)answer->arg[0];
	s->rx_posted = 0;
	s->forks = atomic_load(&l->shared->forks);
	atomic_store(&s->nonblock, 0);
	atomic_store(&s->send_timeout_ns, 0);
	atomic_store(&s->recv_timeout_ns, 0);
	atomic_store(&s->room_waits, 0);
	atomic_store(&s->connecting, 0);
	atomic_fetch_add(&s->made, 1);
	atomic_store(&s->apps, l->index + 1);
	atomic_store(&s->taken, 0);
	fill(&k, fd, l, answer->subs[i]);
	resume(&k);
	/* Whether calls wait is decided here; the fd's own waits are used. */
	fcntl(fd, F_SETFL, 0);
	*ret = (struct lib_socket_fd){ .fd = fd, .lib = l, .sub = k.sub };
}

/* What the supervisor has for @m, in @l; returns how many. */
static int ask_for_sockets(
    struct lib *l, struct ctl_msg *m, struct lib_socket_fd *ret)
{
	struct ctl_msg answer = { .nfds = 0 };
	int fds[CTL_MAX_FDS] = { 0 };
	int r;

	lib_lock(&l->shared->control);
	m->self = ++l->shared->token;
	r = ask(l->control, m, &answer, fds);
	if (r == 0 && !can_be(l, &answer, fds)) {
		for (uint32_t i = 0; i < answer.nfds; i++)
			close(fds[i]);
		r = -EPROTO;
	}
	for (uint32_t i = 0; r == 0 && i < answer.nfds; i++) {
		if (m->id > 0) {
			fcntl(fds[i], F_SETFL, 0);
			ret[i] = (struct lib_socket_fd){
				.fd = fds[i], .lib = l, .sub = answer.subs[i]
			};
		} else {
			begin_socket(l, m, &answer, i, fds[i], &ret[i]);
		}
	}
	lib_unlock(&l->shared->control);
	return r < 0 ? r : (int)answer.nfds;
}

static int make_sockets(const struct lib_wish *w, struct lib_socket_fd *ret)
{
	struct ctl_msg m = {
		.type = CTL_SOCKET,
		.sub = w->proc,
		.arg = { (uint32_t)w->family, (uint32_t)w->type,
		    (uint32_t)w->protocol, w->count },
	};
	uint32_t apps = w->apps > 0 ? w->apps : LIB_APPS;
	int r = -EMFILE;

	/* The first of our apps that has room; perhaps a new one. */
	for (uint32_t i = 0; r == -EMFILE && i < apps; i++) {
		struct lib *l;

		r = lib_attach(&l, i);
		/* No more apps is no more sockets. */
		if (r == 0)
			r = ask_for_sockets(l, &m, ret);
		else if (i > 0)
			return -EMFILE;
	}
	return r;
}

int lib_make_sockets(const struct lib_wish *w, struct lib_socket_fd *ret)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };
	int r = make_sockets(w, ret);

	/* Numbers of sockets just closed are free again in a moment. */
	for (int tries = 1; w->patient && r == -EMFILE && tries < FULL_TRIES;
	     tries++) {
		nanosleep(&moment, NULL);
		r = make_sockets(w, ret);
	}
	return r;
}

int lib_renew_socket(struct lib *l, uint32_t sub, struct lib_socket_fd *ret)
{
	const struct lib_socket *s = &l->shared->socket[sub];
	struct ctl_msg m = {
		.type = CTL_SOCKET,
		.id = 1 + sub,
		.arg = { s->family, (uint32_t)s->type },
	};

	return ask_for_sockets(l, &m, ret);
}

void lib_adopt(const struct lib_socket_fd *f)
{
	atomic_store(&table[f->fd],
	    (uint16_t)(f->lib->index * APP_MAX_SOCKETS + f->sub + 1));
}

int lib_new_socket(int family, int type, int protocol)
{
	struct lib_wish w = {
		.family = family,
		.type = type,
		.protocol = protocol,
		.count = 1,
		.patient = true,
	};
	struct lib_socket_fd f[CTL_MAX_SOCKETS] = { { 0 } };
	int r = lib_make_sockets(&w, f);

	if (r < 0 || f[0].lib == NULL)
		return r;
	lib_adopt(&f[0]);
	return f[0].fd;
}

void lib_sock(struct sock *ret, const struct lib_socket_fd *f)
{
	fill(ret, f->fd, f->lib, f->sub);
}

int lib_find(struct sock *ret, int fd)
{
	uint32_t n = 0;

	if (table != NULL && fd >= 0 && fd < TABLE_FDS)
		n = atomic_load_explicit(&table[fd], memory_order_acquire);
	if (n == 0)
		return fcntl(fd, F_GETFD) == -1 ? -EBADF : -ENOTSOCK;
	n--;
	fill(ret, fd, &libs[n / APP_MAX_SOCKETS], n % APP_MAX_SOCKETS);
	return 0;
}

bool lib_is_alone(const struct sock *k)
{
	return k->l->forks == atomic_load(&k->lib->shared->forks);
}

void lib_forget(int fd)
{
	atomic_store(&table[fd], 0);
}
