/*
 * layer_udp.c - udpd, as the simulator moves it
 */
#include "tests/sim/check.h"
#include "tests/sim/host.h"
#include "udpd/udpd.h"

static int udp_attach(struct proc *p, const struct segments *s, struct mono now)
{
	struct udpd *u = p->x;

	proc_seeds(p, u->seed, 2);
	return udpd_attach(u, s, now);
}

static bool udp_turn(void *x, struct mono now)
{
	return udpd_turn(x, now);
}

static struct mono udp_deadline(const void *x)
{
	return udpd_deadline(x);
}

static bool udp_may_sleep(void *x)
{
	struct udpd *u = x;

	return apps_may_sleep(&u->apps);
}

static void udp_detach(void *x)
{
	struct udpd *u = x;

	node_detach(&u->n);
}

static struct apps *udp_apps(void *x)
{
	struct udpd *u = x;

	return &u->apps;
}

const struct proc_ops udp_ops = {
	.size = sizeof(struct udpd),
	.attach = udp_attach,
	.turn = udp_turn,
	.deadline = udp_deadline,
	.may_sleep = udp_may_sleep,
	.detach = udp_detach,
	.apps = udp_apps,
};

uint32_t udp_left(const uint8_t *state)
{
	const struct udpd_state *s = (const void *)state;

	return count_bits(s->apps.open, MAX_SOCKETS / 64);
}
