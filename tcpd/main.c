/*
 * main.c - tcpd: the TCP layer as a process
 */
#include "shm/daemon.h"
#include "tcpd/tcpd.h"

static int attach(void *x, const struct segments *s, struct mono now)
{
	return tcpd_attach(x, s, now);
}

static bool turn(void *x, struct mono now)
{
	return tcpd_turn(x, now);
}

static struct mono deadline(const void *x)
{
	return tcpd_deadline(x);
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.layer = LAYER_TCP,
		.size = sizeof(struct tcpd),
		.attach = attach,
		.turn = turn,
		.deadline = deadline,
	};

	return daemon_main(argc, argv, &ops);
}
