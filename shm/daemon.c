/*
 * daemon.c - how all four daemons start, take over, loop and stop
 */
#include "shm/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shm/join.h"
#include "shm/names.h"
#include "shm/sandbox.h"
#include "shm/schedule.h"
#include "shm/segment.h"

enum {
	UNTOLD_STEP = 64,
	UNTOLD_RETRY_MS = 10,
};

struct arguments {
	const char *stack;
	const char *name;
	int fd;
	unsigned uid;
};

/* As much of the backlog as there is room for. */
static void tell_backlog(struct daemon *d)
{
	uint32_t n = 0;
	int r = 0;

	for (; n < d->nuntold && r >= 0; n += r >= 0)
		r = ctl_send(d->ctl, &d->untold[n], NULL);
	/* Nobody there, and no keeper who would bring another. */
	if (r == -EPIPE)
		n = d->nuntold;
	if (n == 0)
		return;
	d->nuntold -= n;
	memmove(d->untold, d->untold + n, d->nuntold * sizeof(*d->untold));
}

void daemon_tell(struct daemon *d, uint32_t type, uint32_t id, uint32_t sub)
{
	struct ctl_msg m = { .type = type, .id = id, .sub = sub };
	struct ctl_msg *grown;
	int r = -EAGAIN;

	m.self = d->segments.self;
	if (d->nuntold == 0)
		r = ctl_send(d->ctl, &m, NULL);
	if (r >= 0 || r == -EPIPE)
		return;
	if (d->nuntold == d->untold_room) {
		grown = realloc(
		    d->untold, (d->untold_room + UNTOLD_STEP) * sizeof(*grown));
		if (grown == NULL) {
			log_error(&d->log, "the supervisor can't be told");
			return;
		}
		d->untold = grown;
		d->untold_room += UNTOLD_STEP;
	}
	d->untold[d->nuntold++] = m;
}

/* ---- Start: segments arrive over the control socket ---- */

static size_t size_of(const struct wiring *w, const struct ctl_fd *f)
{
	switch ((enum ctl_role)f->role) {
	case FD_SUP_OUT:
		return sizeof(struct sup_out);
	case FD_OUT:
		return w->out_bytes[f->index];
	case FD_PRIV:
		return PRIV_BYTES;
	case FD_POOL:
		return w->pool_bytes[f->index];
	case FD_PLAN:
		return sizeof(struct topology);
	case FD_TAP:
		return TAP_SEGMENT_BYTES;
	case FD_BELL:
	case FD_DEVICE:
	case FD_LOG:
	case FD_A2S:
	case FD_S2A:
	case FD_SOCKET:
	case NFD_ROLES:
		break;
	}
	return 0;
}

/* Put one descriptor, or what it maps to, in its place. */
static int accept_fd(struct daemon *d, const struct wiring *w,
    const struct ctl_msg *m, uint32_t i, int fd)
{
	struct segments *s = &d->segments;
	const struct ctl_fd *f = &m->fd[i];
	size_t bytes = size_of(w, f);
	void *p = NULL;

	if (f->index >= TOPO_MAX_PROCS)
		return -EPROTO;
	if (bytes > 0) {
		int r = segment_map(&p, fd, bytes, f->writable);

		if (r < 0)
			return r;
	}
	switch ((enum ctl_role)f->role) {
	case FD_PLAN:
		s->topo = p;
		break;
	case FD_SUP_OUT:
		s->sup = p;
		break;
	case FD_OUT:
		s->out[f->index] = p;
		break;
	case FD_PRIV:
		s->priv = p;
		break;
	case FD_POOL:
		s->pool[f->index] = p;
		break;
	case FD_TAP:
		s->tap = p;
		break;
	case FD_BELL:
		d->bell[f->index] = fd;
		break;
	case FD_DEVICE:
		if (f->index < TOPO_MAX_LINKS)
			d->device[f->index] = fd;
		break;
	case FD_LOG:
		s->log_fd = fd;
		break;
	case FD_A2S:
	case FD_S2A:
	case FD_SOCKET:
	case NFD_ROLES:
		return -EPROTO;
	}
	return 0;
}

/* The plan comes first: all other sizes follow from it. */
static int accept_segments(
    struct daemon *d, const struct ctl_msg *m, const int *fds)
{
	static struct wiring w;
	int r;

	if (m->nfds == 0 || m->fd[0].role != FD_PLAN)
		return -EPROTO;
	r = accept_fd(d, &w, m, 0, fds[0]);
	if (r < 0)
		return r;
	if (d->segments.topo == NULL || m->self >= d->segments.topo->nprocs)
		return -EPROTO;
	d->segments.self = m->self;
	r = wiring_compute(&w, d->segments.topo);
	for (uint32_t i = 1; r == 0 && i < m->nfds; i++)
		r = accept_fd(d, &w, m, i, fds[i]);
	return r;
}

static int start(struct daemon *d, const struct ctl_msg *m, const int *fds)
{
	struct segments *s = &d->segments;
	int r = accept_segments(d, m, fds);

	if (r < 0)
		return r;
	if (s->topo == NULL || s->priv == NULL || s->out[s->self] == NULL ||
	    s->sup == NULL || s->pool[s->self] == NULL || s->tap == NULL)
		return -EPROTO;
	if (s->topo->procs[s->self].layer != d->ops->layer)
		return -EPROTO;
	d->name = s->topo->procs[s->self].name;
	log_open(&d->log, s->log_fd, d->name, &s->sup->log_level[s->self]);
	d->started = true;
	return 0;
}

/* ---- The control socket ---- */

/* Another one in its place is of a new supervisor: nobody waits for the old. */
static void take_ask(
    struct daemon *d, const struct ctl_msg *m, const void *bytes, size_t len)
{
	if (len != sizeof(d->ask))
		return;
	memcpy(&d->ask, bytes, len);
	d->ask_id = m->id;
	d->asked = true;
	d->ask_answer = (struct mono){ 0 };
}

static void on_message(struct daemon *d, const struct ctl_msg *m, int *fds)
{
	switch ((enum ctl_type)m->type) {
	case CTL_START:
		if (d->started || start(d, m, fds) < 0) {
			log_error(&d->log, "bad start message");
			d->stop = true;
		}
		return;
	case CTL_GO:
		d->go = true;
		return;
	case CTL_STOP:
		d->stop = true;
		return;
	case CTL_APP:
	case CTL_APP_GONE:
	case CTL_SOCKET:
	case CTL_SOCKET_GONE:
		if (d->started && d->ops->control != NULL) {
			d->ops->control(d->x, d, m, fds);
			return;
		}
		/* A layer that keeps nothing of apps is done with it at once.
		 */
		if (m->type == CTL_APP_GONE)
			daemon_tell(d, CTL_APP_GONE, m->id, m->sub);
		break;
	case CTL_READY: /* a new supervisor asks */
		if (d->started)
			daemon_tell(d, d->up ? CTL_UP : CTL_READY, 0, 0);
		break;
	case CTL_UP:
	case CTL_JOIN:
	case CTL_TAP:
	case CTL_ASK: /* has bytes: daemon_hear() */
	case CTL_ANSWER:
	case NCTL_TYPES:
		break;
	}
	for (uint32_t i = 0; i < m->nfds; i++)
		close(fds[i]);
}

void daemon_hear(struct daemon *d)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	uint8_t bytes[sizeof(struct ask)];
	size_t len;
	int r;

	while ((r = ctl_recv_bytes(
		    d->ctl, &m, fds, bytes, sizeof(bytes), &len)) == 0 ||
	    r == -EPROTO) {
		if (r < 0)
			log_warn(&d->log, "malformed control message");
		else if (m.type == CTL_ASK)
			take_ask(d, &m, bytes, len);
		else
			on_message(d, &m, fds);
	}
	/*
	 * A standby has no reason to outlive its supervisor.  One that runs
	 * carries on, and the next supervisor takes over (control.h).
	 */
	if (r == -EPIPE && !d->go)
		d->stop = true;
}

/* An edge: read until there is no more. */
static void on_control(void *ctx, struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	daemon_hear(ctx);
}

/* A bell only ends the sleep; what it is about is in the rings. */
static void on_bell(void *ctx, struct watch *w, uint32_t events)
{
	(void)ctx;
	(void)w;
	(void)events;
}

/* ---- The loop ---- */

static void ring_bells(struct daemon *d)
{
	struct node *n = d->x;
	static const uint64_t one = 1;

	for (uint32_t p = 0; n->bells != 0; p++) {
		if ((n->bells >> p & 1) == 0)
			continue;
		n->bells &= ~(1U << p);
		/* It can't block: nobody adds up 2^64 bells. */
		if (d->bell[p] != -1 &&
		    write(d->bell[p], &one, sizeof(one)) == -1)
			log_warn(&d->log, "bell of %s: %s",
			    n->topo->procs[p].name, strerror(errno));
	}
}

/*
 * Once and only between turns.  If the supervisor has no room the question
 * stays: asked twice it is answered alike.
 */
static void answer(struct daemon *d, struct mono now)
{
	static struct ask_chunk c;
	const struct ask *q = &d->ask;
	struct ctl_msg m = { .type = CTL_ANSWER, .id = d->ask_id };
	struct node *n = d->x;
	int r = -EOPNOTSUPP;

	c.len = 0;
	c.more = false;
	n->now = now;
	if (q->version != ASK_VERSION)
		r = -EPROTO;
	else if (ask_is_change(q) && d->ops->change != NULL)
		r = d->ops->change(d->x, q, now);
	else if (!ask_is_change(q) && d->ops->look != NULL)
		r = d->ops->look(d->x, q, &c);
	m.self = d->segments.self;
	m.arg[0] = r < 0 ? (uint32_t)-r : 0;
	m.arg[1] = c.next;
	m.arg[2] = c.more;
	if (ctl_send_bytes(d->ctl, &m, NULL, c.bytes, r < 0 ? 0 : c.len) ==
	    -EAGAIN)
		d->ask_answer = mono_add_ms(now, UNTOLD_RETRY_MS);
	else
		d->asked = false;
}

static bool may_answer(const struct daemon *d, struct mono now)
{
	return d->asked && mono_reached(d->ask_answer, now);
}

/* The supervisor wants something. */
static bool has_word(const struct daemon *d, struct mono now)
{
	return d->stop || may_answer(d, now);
}

static bool has_news(struct daemon *d, struct mono now)
{
	return has_word(d, now) || node_news(d->x) ||
	    (d->ops->may_sleep != NULL && !d->ops->may_sleep(d->x));
}

/* Look for news a while before going to sleep; true if there is some. */
static bool spin(struct daemon *d, struct mono now)
{
	const struct node *n = d->x;
	int64_t spin_ns = (int64_t)n->topo->procs[n->self].spin_us * NS_PER_US;
	struct mono until = mono_add(now, spin_ns);

	if (spin_ns == 0)
		return false;
	do {
		if (has_news(d, now))
			return true;
		/* Others may want this core: a yield costs less than a wake. */
		sched_yield();
		loop_poll(&d->loop);
	} while (mono_before(mono_now(), until));
	return false;
}

static void rest(struct daemon *d, struct mono now)
{
	struct node *n = d->x;
	struct mono deadline;

	/* What loop_poll() has brought ends no sleep any more. */
	if (spin(d, now) || has_word(d, now))
		return;
	if (node_may_sleep(n)) {
		if (d->ops->may_sleep == NULL || d->ops->may_sleep(d->x)) {
			deadline = d->ops->deadline(d->x);
			if (d->nuntold > 0)
				deadline = mono_min(deadline,
				    mono_add_ms(now, UNTOLD_RETRY_MS));
			if (d->asked)
				deadline = mono_min(deadline, d->ask_answer);
			loop_wait(&d->loop, mono_now(), deadline);
			atomic_fetch_add_explicit(
			    &n->out->wakeups, 1, memory_order_relaxed);
		}
		node_awake(n);
	}
}

static bool turn(struct daemon *d, struct mono now)
{
	bool worked = d->ops->turn(d->x, now);

	ring_bells(d);
	if (d->ops->after != NULL)
		d->ops->after(d->x, d);
	return worked;
}

static void loop(struct daemon *d)
{
	while (!d->stop) {
		/* One clock reading a turn: its packets came together. */
		struct mono now = mono_now();

		if (d->nuntold > 0)
			tell_backlog(d);
		if (may_answer(d, now))
			answer(d, now);
		if (turn(d, now))
			loop_poll(&d->loop);
		else
			rest(d, now);
	}
}

/* ---- Taking over ---- */

static int take_over(struct daemon *d)
{
	struct node *n = d->x;
	struct mono now = mono_now();
	int r = d->ops->attach(d->x, &d->segments, now);

	if (r < 0)
		return log_errno(&d->log, -r, "can't take over");
	n->log = d->log;
	n->clock = mono_now;
	atomic_store_explicit(
	    &n->out->pid, (uint32_t)getpid(), memory_order_relaxed);
	atomic_store_explicit(&n->out->up_since, now.ns, memory_order_relaxed);
	if (d->ops->watch != NULL)
		r = d->ops->watch(d->x, d);
	if (r < 0)
		return log_errno(&d->log, -r, "can't watch its devices");
	/* Whoever slept through our death must look once. */
	for (uint32_t p = 0; p < n->topo->nprocs; p++)
		if (p != n->self && n->neighbour[p] != NULL)
			n->bells |= 1U << p;
	turn(d, now);
	d->up = true;
	daemon_tell(d, CTL_UP, 0, 0);
	return 0;
}

/* Until "go": control messages only. */
static void stand_by(struct daemon *d, bool (*done)(const struct daemon *))
{
	while (!d->stop && !done(d))
		loop_wait(&d->loop, mono_now(), MONO_NEVER);
}

static bool has_started(const struct daemon *d)
{
	return d->started;
}

static bool may_go(const struct daemon *d)
{
	return d->go;
}

/* ---- Arguments ---- */

static int usage(const struct daemon_ops *ops, int status)
{
	fprintf(status ? stderr : stdout,
	    "usage: %s --stack STACK [--name PROCESS]\n"
	    "\n"
	    "Takes the place of a process of the running stack STACK: by "
	    "hand,\n"
	    "under a debugger or a profiler.  \"strata up\" starts it as\n"
	    "%s --fd N, with a control socket for it as descriptor N.\n",
	    layer_name(ops->layer), layer_name(ops->layer));
	return status;
}

static int arguments(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "fd", required_argument, NULL, 'f' },
		{ "uid", required_argument, NULL, 'u' },
		{ "stack", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*a = (struct arguments){ .fd = -1 };
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'f')
			a->fd = atoi(optarg);
		else if (c == 'u')
			a->uid = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			a->stack = optarg;
		else if (c == 'n')
			a->name = optarg;
		else
			return c == 'h' ? 1 : -EINVAL;
	}
	if (optind != argc || (a->fd == -1) == (a->stack == NULL))
		return -EINVAL;
	return 0;
}

static int open_daemon(struct daemon *d, const struct arguments *a)
{
	int r = loop_open(&d->loop);
	int cpu;

	if (r < 0)
		return log_errno(&d->log, -r, "io_uring");
	d->ctl = a->fd;
	if (a->stack != NULL)
		d->ctl = join_stack(
		    a->stack, a->name ? a->name : layer_name(d->ops->layer));
	if (d->ctl < 0)
		return log_errno(&d->log, -d->ctl, "stack %s", a->stack);
	fcntl(d->ctl, F_SETFD, FD_CLOEXEC);
	d->ctl_watch =
	    (struct watch){ .happened = on_control, .ctx = d, .fd = d->ctl };
	loop_watch(&d->loop, &d->ctl_watch, POLLIN);
	stand_by(d, has_started);
	if (d->stop)
		return -ECANCELED;
	cpu = d->segments.topo->procs[d->segments.self].cpu;
	r = schedule_daemon(cpu);
	if (r < 0)
		log_errno(&d->log, -r, "runs anywhere, not on CPU %d", cpu);
	d->bell_watch = (struct watch){
		.happened = on_bell, .ctx = d, .fd = d->bell[d->segments.self]
	};
	r = loop_watch(&d->loop, &d->bell_watch, POLLIN);
	if (r == 0 && d->ops->prepare != NULL)
		r = d->ops->prepare(d->x, d);
	return r < 0 ? r : sandbox_enter(&d->log, a->uid, d->ops->syscalls);
}

static struct daemon *new_daemon(const struct daemon_ops *ops)
{
	struct daemon *d = calloc(1, sizeof(*d));
	void *x = calloc(1, ops->size);

	if (d == NULL || x == NULL) {
		free(d);
		free(x);
		return NULL;
	}
	d->ops = ops;
	d->x = x;
	d->name = layer_name(ops->layer);
	log_open(&d->log, STDERR_FILENO, d->name, NULL);
	d->segments.log_fd = STDERR_FILENO;
	for (int i = 0; i < TOPO_MAX_PROCS; i++)
		d->bell[i] = -1;
	for (int i = 0; i < TOPO_MAX_LINKS; i++)
		d->device[i] = -1;
	return d;
}

int daemon_main(int argc, char **argv, const struct daemon_ops *ops)
{
	struct arguments a;
	int r = arguments(&a, argc, argv);
	struct daemon *d;

	if (r != 0)
		return usage(ops, r < 0 ? 2 : EXIT_SUCCESS);
	/* Ctrl-C reaches the whole group: the supervisor takes us down. */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	d = new_daemon(ops);
	if (d == NULL)
		return EXIT_FAILURE;
	r = open_daemon(d, &a);
	if (r == 0) {
		daemon_tell(d, CTL_READY, 0, 0);
		stand_by(d, may_go);
		if (!d->stop)
			r = take_over(d);
		if (r == 0)
			loop(d);
	}
	if (d->up)
		node_detach(d->x);
	loop_close(&d->loop);
	free(d->untold);
	free(d->x);
	free(d);
	return r == 0 || r == -ECANCELED ? EXIT_SUCCESS : EXIT_FAILURE;
}
