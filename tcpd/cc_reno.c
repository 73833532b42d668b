/*
 * cc_reno.c - congestion avoidance as RFC 5681 and RFC 3465 have it
 *
 * One segment more for each window acknowledged, half after congestion.
 */
#include "tcpd/cc_ops.h"

static uint32_t cut(uint32_t base)
{
	return base / 2; /* equation (4) */
}

static void congestion(struct cc *c, bool timeout)
{
	(void)c;
	(void)timeout;
}

static void avoid(
    struct cc *c, const struct cc_view *v, uint32_t bytes, bool limited)
{
	(void)v;
	if (!limited)
		return;

	/* RFC 3465, 2.1: bytes_acked; at most one segment a window. */
	c->credit += bytes;
	if (c->credit < c->cwnd)
		return;
	c->credit -= c->cwnd;
	if (c->credit > c->cwnd)
		c->credit = c->cwnd;
	cc_grow(c, c->mss);
}

static void idle(struct cc *c, struct mono now)
{
	(void)c;
	(void)now;
}

const struct cc_ops cc_reno_ops = {
	.name = "reno",
	.cut = cut,
	.congestion = congestion,
	.avoid = avoid,
	.idle = idle,
};
