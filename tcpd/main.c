/*
 * main.c - tcpd: the TCP layer as a process
 *
 *	apps		shm/app_links.c: their segments, sockets and bells
 *	  |  ^		app.c: sockets;  engine.c: what they ask
 *	  v  |		output.c: to ipd;  rx.c: to the connection
 *	  ipd		README.md beside this file has the whole story
 */
#include <errno.h>
#include <seccomp.h>
#include <sys/random.h>

#include "shm/app_links.h"
#include "tcpd/tcpd.h"

/* The layer as daemon.h wants it: the library first, then what joins it. */
struct tcpd_process {
	struct tcpd t;
	struct app_links links;
};

static int attach(void *x, const struct segments *s, struct mono now)
{
	struct tcpd_process *p = x;

	return tcpd_attach(&p->t, s, now);
}

static bool turn(void *x, struct mono now)
{
	struct tcpd_process *p = x;

	return tcpd_turn(&p->t, now);
}

static struct mono deadline(const void *x)
{
	const struct tcpd_process *p = x;

	return tcpd_deadline(&p->t);
}

static bool may_sleep(void *x)
{
	struct tcpd_process *p = x;

	return tcpd_may_sleep(&p->t);
}

static int prepare(void *x, struct daemon *d)
{
	struct tcpd_process *p = x;

	(void)d;
	p->links.apps = &p->t.streams.apps;
	/* At start the pool of random numbers is long full: this can't block.
	 */
	if (getrandom(p->t.seed, sizeof(p->t.seed), 0) != sizeof(p->t.seed))
		return -EIO;
	return tcpd_prepare(&p->t, mono_now());
}

static int watch(void *x, struct daemon *d)
{
	struct tcpd_process *p = x;

	return app_links_watch(&p->links, d);
}

static void control(
    void *x, struct daemon *d, const struct ctl_msg *m, const int *fds)
{
	struct tcpd_process *p = x;

	p->links.apps = &p->t.streams.apps;
	app_links_control(&p->links, d, m, fds);
}

static void after(void *x, struct daemon *d)
{
	struct tcpd_process *p = x;

	app_links_after(&p->links, d);
}

static int look(void *x, const struct ask *q, struct ask_chunk *ret)
{
	struct tcpd_process *p = x;

	return tcpd_look(&p->t, q, ret);
}

int main(int argc, char **argv)
{
	static const int syscalls[] = {
		APP_LINKS_SYSCALLS,
		-1,
	};
	static const struct daemon_ops ops = {
		.layer = LAYER_TCP,
		.size = sizeof(struct tcpd_process),
		.attach = attach,
		.turn = turn,
		.deadline = deadline,
		.prepare = prepare,
		.watch = watch,
		.control = control,
		.after = after,
		.may_sleep = may_sleep,
		.look = look,
		.syscalls = syscalls,
	};

	return daemon_main(argc, argv, &ops);
}
