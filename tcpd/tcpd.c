/*
 * tcpd.c - the TCP layer: joining, the turn
 */
#include "tcpd/tcpd.h"

#include <errno.h>

static int attach_state(struct tcpd *t)
{
	t->s = (void *)t->n.state;
	if (t->s->magic == 0) {
		t->s->size = sizeof(*t->s);
		atomic_signal_fence(memory_order_seq_cst);
		t->s->magic = TCPD_STATE_MAGIC;
	}
	if (t->s->magic == TCPD_STATE_MAGIC && t->s->size == sizeof(*t->s))
		return 0;
	return log_errno(&t->n.log, EPROTO, "state of another version");
}

int tcpd_attach(struct tcpd *t, const struct segments *s, struct mono now)
{
	const struct ring_in *in;
	int r;

	(void)now;
	memset(t, 0, sizeof(*t));
	r = node_attach(&t->n, s, tcpd_counters, CNT_TCPD_END - CNT_NODE_END);
	if (r < 0)
		return log_errno(&t->n.log, -r, "can't join the segments");
	in = node_in(&t->n, LAYER_IP, 0);
	if (in == NULL || node_out(&t->n, LAYER_IP, 0) == NULL) {
		r = log_errno(&t->n.log, ENOTCONN, "no rings to an ipd");
		goto detach;
	}
	t->ipd = in->from;
	node_recover(&t->n, NULL, NULL);
	r = attach_state(t);
	if (r < 0)
		goto detach;
	return 0;

detach:
	node_detach(&t->n);
	return r;
}

void tcpd_detach(struct tcpd *t)
{
	node_detach(&t->n);
}

static const struct fib *published_fib(const struct tcpd *t)
{
	const uint8_t *out = (const void *)t->n.neighbour[t->ipd];

	return (const void *)(out + OUT_TABLE_OFF);
}

bool tcpd_turn(struct tcpd *t, struct mono now)
{
	struct node *n = &t->n;

	node_begin(n, now);
	fib_refresh(&t->fib, published_fib(t));
	tcpd_rx(t, node_in(n, LAYER_IP, 0), node_out(n, LAYER_IP, 0));
	return node_commit(n);
}

struct mono tcpd_deadline(const struct tcpd *t)
{
	(void)t;
	return MONO_NEVER;
}
