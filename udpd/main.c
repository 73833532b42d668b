/*
 * main.c - udpd: the UDP layer as a process
 *
 *	apps		links.c: their segments, sockets and bells
 *	  |  ^		channel.c: commands and rings
 *	  v  |		tx.c: to ipd;  rx.c: to the socket that port.c finds
 *	  ipd		README.md beside this file has the whole story
 */
#include <seccomp.h>

#include "shm/daemon.h"
#include "udpd/links.h"

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

	return udpd_may_sleep(&p->u);
}

int main(int argc, char **argv)
{
	static const int syscalls[] = {
		SCMP_SYS(sendto), /* bells to apps */
		SCMP_SYS(recvfrom),
		SCMP_SYS(shutdown),
		-1,
	};
	static const struct daemon_ops ops = {
		.layer = LAYER_UDP,
		.size = sizeof(struct udpd_process),
		.attach = attach,
		.turn = turn,
		.deadline = deadline,
		.prepare = links_prepare,
		.watch = links_watch,
		.control = links_control,
		.after = links_after,
		.may_sleep = may_sleep,
		.syscalls = syscalls,
	};

	return daemon_main(argc, argv, &ops);
}
