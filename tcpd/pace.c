/*
 * pace.c - how fast new data leaves
 */
#include "tcpd/pace.h"

enum {
	/* What goes at once: of time, and of segments. */
	BURST_MS = 2,
	BURST_SEGS = 10, /* the initial window (RFC 6928) */

	ENOUGH = 1 << 16, /* bytes: no super-segment is larger */
};

static const uint64_t MAX_RATE = (uint64_t)100 * NS_PER_S; /* bytes/s */

uint64_t pace_rate(const struct tcb *c)
{
	uint64_t ahead = cc_slow_start(&c->cc) ? 200 : 120; /* percent */
	uint64_t rate;

	if (c->rtt.srtt_ns <= 0)
		return 0;
	rate = (uint64_t)c->cc.cwnd * ahead / 100 * NS_PER_S /
	    (uint64_t)c->rtt.srtt_ns;
	return rate < MAX_RATE ? rate : MAX_RATE;
}

/* The most credit there is. */
static int64_t burst_ns(const struct tcb *c, uint64_t rate)
{
	int64_t segs =
	    (int64_t)((uint64_t)BURST_SEGS * c->mss * NS_PER_S / rate);
	int64_t least = (int64_t)BURST_MS * NS_PER_MS;

	return segs > least ? segs : least;
}

uint32_t pace_room(const struct tcb *c, uint32_t mss, struct mono now)
{
	uint64_t rate = pace_rate(c);
	int64_t credit = mono_since(now, c->pace_at);
	int64_t most;
	uint64_t bytes;

	if (rate == 0)
		return UINT32_MAX;
	if (credit < 0)
		return 0;
	most = burst_ns(c, rate);
	bytes = (uint64_t)(credit < most ? credit : most) * rate / NS_PER_S;
	if (bytes >= ENOUGH)
		return UINT32_MAX;
	return (uint32_t)bytes / mss * mss + mss;
}

void pace_sent(struct tcb *c, uint32_t len, struct mono now)
{
	uint64_t rate = pace_rate(c);
	struct mono from;

	if (rate == 0)
		return;
	from = mono_add(now, -burst_ns(c, rate));
	if (mono_before(c->pace_at, from))
		c->pace_at = from;
	c->pace_at =
	    mono_add(c->pace_at, (int64_t)((uint64_t)len * NS_PER_S / rate));
}
