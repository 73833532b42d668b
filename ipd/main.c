/*
 * main.c - ipd: the IP layer as a process
 */
#include <errno.h>
#include <sys/random.h>

#include "ipd/ipd.h"
#include "shm/daemon.h"

/* Secrets for the first instance; later ones find them in the state. */
static int prepare(void *x, struct daemon *d)
{
	struct ipd *ip = x;

	if (getrandom(ip->seed, sizeof(ip->seed), 0) != sizeof(ip->seed))
		return log_errno(&d->log, errno, "no random bytes");
	return 0;
}

static int attach(void *x, const struct segments *s, struct mono now)
{
	return ipd_attach(x, s, now);
}

static bool turn(void *x, struct mono now)
{
	return ipd_turn(x, now);
}

static struct mono deadline(const void *x)
{
	return ipd_deadline(x);
}

static int look(void *x, const struct ask *q, struct ask_chunk *ret)
{
	return ipd_look(x, q, ret);
}

static int change(void *x, const struct ask *q, struct mono now)
{
	return ipd_change(x, q, now);
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.layer = LAYER_IP,
		.size = sizeof(struct ipd),
		.attach = attach,
		.turn = turn,
		.deadline = deadline,
		.prepare = prepare,
		.look = look,
		.change = change,
	};

	return daemon_main(argc, argv, &ops);
}
