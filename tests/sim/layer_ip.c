/*
 * layer_ip.c - ipd, as the simulator moves it
 */
#include "ipd/ipd.h"
#include "tests/sim/host.h"

static int ip_attach(struct proc *p, const struct segments *s, struct mono now)
{
	struct ipd *ip = p->x;

	proc_seeds(p, ip->seed, 2);
	return ipd_attach(ip, s, now);
}

static bool ip_turn(void *x, struct mono now)
{
	return ipd_turn(x, now);
}

static struct mono ip_deadline(const void *x)
{
	return ipd_deadline(x);
}

static void ip_detach(void *x)
{
	ipd_detach(x);
}

const struct proc_ops ip_ops = {
	.size = sizeof(struct ipd),
	.attach = ip_attach,
	.turn = ip_turn,
	.deadline = ip_deadline,
	.detach = ip_detach,
};
