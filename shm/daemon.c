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

#include "shm/daemon_control.h"
#include "shm/join.h"
#include "shm/names.h"
#include "shm/sandbox.h"
#include "shm/schedule.h"

struct arguments {
	const char *stack;
	const char *name;
	int fd;
	unsigned uid;
};

/* ---- What is waited for ---- */

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

/* The supervisor wants something. */
static bool has_word(const struct daemon *d, struct mono now)
{
	return d->stop || daemon_may_answer(d, now);
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
			deadline = mono_min(d->ops->deadline(d->x),
			    daemon_control_deadline(d, now));
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

		daemon_control_turn(d, now);
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
