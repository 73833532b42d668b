/*
 * main.c - linkd: the link layer as a process
 *
 *	  ipd			rx.c: device -> ARP, NDP or up
 *	   |			tx.c: ipd -> neighbour's MAC -> device
 *	 linkd			linkd.h has the picture
 *	   |
 *	devices
 */
#include <poll.h>
#include <seccomp.h>

#include "linkd/linkd.h"
#include "shm/daemon.h"

/* The layer, and what is the process's alone. */
struct process {
	struct linkd x; /* first: daemon.h */
	struct links links;
	struct watch rx[TOPO_MAX_LINKS];
	struct watch tx[TOPO_MAX_LINKS]; /* while a device is blocked */
	struct loop *loop;
};

static int prepare(void *ctx, struct daemon *d)
{
	struct process *p = ctx;

	p->loop = &d->loop;
	return links_open(
	    &p->x, &p->links, d->segments.topo, d->segments.self, d->device);
}

static int attach(void *ctx, const struct segments *s, struct mono now)
{
	struct process *p = ctx;

	return linkd_attach(&p->x, s, now);
}

/* Whoever has an app's segment says when it is gone (control.h). */
static void control(
    void *ctx, struct daemon *d, const struct ctl_msg *m, const int *fds)
{
	struct process *p = ctx;

	app_refs_control(&p->x.apps, m, fds);
	if (m->type == CTL_APP_GONE)
		daemon_tell(d, CTL_APP_GONE, m->id, m->sub);
}

static void readable(void *ctx, struct watch *w, uint32_t events)
{
	struct process *p = ctx;

	(void)events;
	p->x.dev[w->id].ready = true;
}

static void writable(void *ctx, struct watch *w, uint32_t events)
{
	struct process *p = ctx;

	(void)events;
	p->x.dev[w->id].blocked = false;
	loop_forget(p->loop, w);
}

static int watch(void *ctx, struct daemon *d)
{
	struct process *p = ctx;

	for (uint32_t l = 0; l < d->segments.topo->nlinks; l++) {
		struct watch w = { .ctx = p, .fd = d->device[l], .id = l };
		int r = 0;

		p->rx[l] = p->tx[l] = w;
		p->rx[l].happened = readable;
		p->tx[l].happened = writable;
		if (p->x.dev[l].ops != NULL)
			r = loop_watch(&d->loop, &p->rx[l], POLLIN);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Also after a turn that led to nothing: what it wanted to send was refused. */
static void watch_blocked(struct process *p)
{
	for (uint32_t l = 0; l < TOPO_MAX_LINKS; l++)
		if (p->x.dev[l].blocked && p->tx[l].events == 0 &&
		    p->tx[l].busy == 0)
			loop_watch(p->loop, &p->tx[l], POLLOUT);
}

static bool turn(void *ctx, struct mono now)
{
	struct process *p = ctx;
	bool worked = linkd_turn(&p->x, now);

	watch_blocked(p);
	return worked;
}

static struct mono deadline(const void *ctx)
{
	const struct process *p = ctx;

	return linkd_deadline(&p->x);
}

static bool may_sleep(void *ctx)
{
	const struct process *p = ctx;

	return linkd_may_sleep(&p->x);
}

static int change(void *ctx, const struct ask *q, struct mono now)
{
	struct process *p = ctx;

	return linkd_change(&p->x, q, now);
}

int main(int argc, char **argv)
{
	static struct process process;
	static const int syscalls[] = {
		SCMP_SYS(getsockopt), /* what a packet socket dropped */
		-1,
	};
	static const struct daemon_ops ops = {
		.layer = LAYER_LINK,
		.size = sizeof(process),
		.attach = attach,
		.turn = turn,
		.deadline = deadline,
		.prepare = prepare,
		.watch = watch,
		.control = control,
		.may_sleep = may_sleep,
		.change = change,
		.syscalls = syscalls,
	};

	return daemon_main(argc, argv, &ops);
}
