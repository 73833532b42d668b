/*
 * layer_tcp.c - tcpd, as the simulator moves it
 */
#include "tcpd/tcpd.h"
#include "tests/sim/check.h"
#include "tests/sim/host.h"

static int tcp_attach(struct proc *p, const struct segments *s, struct mono now)
{
	struct tcpd *t = p->x;

	proc_seeds(p, t->seed, TCPD_SEEDS);
	return tcpd_attach(t, s, now);
}

static bool tcp_turn(void *x, struct mono now)
{
	return tcpd_turn(x, now);
}

static struct mono tcp_deadline(const void *x)
{
	return tcpd_deadline(x);
}

static bool tcp_may_sleep(void *x)
{
	return tcpd_may_sleep(x);
}

static void tcp_detach(void *x)
{
	tcpd_detach(x);
}

static struct apps *tcp_apps(void *x)
{
	struct tcpd *t = x;

	return &t->streams.apps;
}

const struct proc_ops tcp_ops = {
	.size = sizeof(struct tcpd),
	.attach = tcp_attach,
	.turn = tcp_turn,
	.deadline = tcp_deadline,
	.may_sleep = tcp_may_sleep,
	.detach = tcp_detach,
	.apps = tcp_apps,
};

uint32_t tcp_left(const uint8_t *state)
{
	const struct tcpd_state *s = (const void *)state;

	return count_bits(s->conns.used, MAX_CONNS / 64) +
	    count_bits(s->conns.lingers, MAX_LINGERS / 64) +
	    count_bits(s->socks.apps.open, MAX_SOCKETS / 64);
}
