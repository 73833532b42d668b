/*
 * main.c - udpd: the UDP layer as a process
 *
 *	apps		shm/app_links.c: their segments, sockets and bells
 *	  |  ^		shm/apps.c: commands and rings
 *	  v  |		tx.c: to ipd;  rx.c: to the socket that port.c finds
 *	  ipd		README.md beside this file has the whole story
 */
#include <errno.h>
#include <seccomp.h>
#include <sys/random.h>

#include "shm/app_links.h"
#include "udpd/udpd.h"

/* The layer as daemon.h wants it: the library first, then what joins it. */
struct udpd_process {
	struct udpd u;
	struct app_links links;
};

static int attach(void *x, const struct segments *s, struct mono now)
{
	struct udpd_process *p = x;

	return udpd_attach(&p->u, s, now);
}

static bool turn(void *x, struct mono now)
{
	struct udpd_process *p = x;

	return udpd_turn(&p->u, now);
}

static struct mono deadline(const void *x)
{
	const struct udpd_process *p = x;

	return udpd_deadline(&p->u);
}

static bool may_sleep(void *x)
{
	struct udpd_process *p = x;

	return apps_may_sleep(&p->u.apps);
}

static int prepare(void *x, struct daemon *d)
{
	struct udpd_process *p = x;

	(void)d;
	p->links.apps = &p->u.apps;
	/* At start the pool of random numbers is long full: this can't block.
	 */
	if (getrandom(p->u.seed, sizeof(p->u.seed), 0) != sizeof(p->u.seed))
		return -EIO;
	return 0;
}

static int watch(void *x, struct daemon *d)
{
	struct udpd_process *p = x;

	return app_links_watch(&p->links, d);
}

static void control(
    void *x, struct daemon *d, const struct ctl_msg *m, const int *fds)
{
	struct udpd_process *p = x;

	p->links.apps = &p->u.apps;
	app_links_control(&p->links, d, m, fds);
}

static void after(void *x, struct daemon *d)
{
	struct udpd_process *p = x;

	app_links_after(&p->links, d);
}

static int look(void *x, const struct ask *q, struct ask_chunk *ret)
{
	struct udpd_process *p = x;

	return udpd_look(&p->u, q, ret);
}

int main(int argc, char **argv)
{
	static const int syscalls[] = {
		APP_LINKS_SYSCALLS,
		-1,
	};
	static const struct daemon_ops ops = {
		.layer = LAYER_UDP,
		.size = sizeof(struct udpd_process),
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
