/*
 * cc_cubic.c - congestion avoidance as RFC 9438 has it
 *
 *	W_cubic(t) = C * (t - K)^3 + W_max        (figure 1)
 *	K = cbrt((W_max - cwnd_epoch) / C)        (figure 2)
 *
 * The window follows a cubic in time: fast while it is far below the size at
 * which congestion was last seen, flat around it, then faster and faster.
 * Where Reno would have more (W_est), it follows that.
 *
 * Integers only.  Windows are bytes, so C is 0.4 * SMSS bytes/s^3; times are
 * ticks of 1/4096 s, and a distance to K beyond 512 s counts as that: its cube
 * is then just below 2^63, and C times it 50 million segments.
 */
#include "tcpd/cc_ops.h"

enum {
	TICKS_PER_S_LOG2 = 12,
	TICKS_MAX = 1 << 21, /* 512 s */
	W_EST_SHIFT = 12,

	/* beta_cubic = 0.7, and (1 + beta) / 2 for fast convergence. */
	BETA_NUM = 7,
	BETA_DEN = 10,
	CONVERGE_NUM = 17,
	CONVERGE_DEN = 20,

	/* alpha_cubic = 3 * (1 - beta) / (1 + beta) */
	ALPHA_NUM = 9,
	ALPHA_DEN = 17,

	/* C = 0.4 segments/s^3 */
	C_NUM = 2,
	C_DEN = 5,
};

/* The largest r with r^3 <= @x. */
static uint32_t cube_root(uint64_t x)
{
	uint64_t r = 0;

	for (int bit = 20; bit >= 0; bit--) {
		uint64_t t = r | 1U << bit;

		if (t * t * t <= x)
			r = t;
	}
	return (uint32_t)r;
}

/* @ns in ticks, at most TICKS_MAX. */
static int64_t ticks(int64_t ns)
{
	static const int64_t max_ns = 512LL * NS_PER_S;

	if (ns >= max_ns)
		return TICKS_MAX;
	return (ns << TICKS_PER_S_LOG2) / NS_PER_S;
}

/* K, in ticks; @below is W_max - cwnd_epoch. */
static uint32_t ticks_to_reach(uint32_t below, uint32_t mss)
{
	/* below / C in s^3, times 2^24; the other 2^12 come after the cut. */
	uint64_t x = ((uint64_t)below * C_DEN << 24) / ((uint64_t)C_NUM * mss);

	if (x >= UINT64_C(1) << 51)
		return TICKS_MAX - 1;
	return cube_root(x << (3 * TICKS_PER_S_LOG2 - 24));
}

/* W_cubic at @t ticks after the epoch, in bytes. */
static uint32_t w_cubic(const struct cc *c, int64_t t)
{
	int64_t d = t - c->cubic.k;
	uint64_t dist = (uint64_t)(d < 0 ? -d : d);
	uint64_t off;

	if (dist >= TICKS_MAX)
		dist = TICKS_MAX - 1;
	/* C * SMSS * (dist / 4096)^3, shifted in two halves of 18 bits. */
	off = (dist * dist * dist >> 18) * C_NUM * c->mss / C_DEN >> 18;
	if (d < 0)
		return off < c->cubic.w_max ? c->cubic.w_max - (uint32_t)off
					    : 0;
	off += c->cubic.w_max;
	return off < CC_MAX_WINDOW ? (uint32_t)off : CC_MAX_WINDOW;
}

static uint32_t cut(uint32_t base)
{
	return (uint32_t)((uint64_t)base * BETA_NUM / BETA_DEN);
}

static void congestion(struct cc *c, bool timeout)
{
	struct cubic *q = &c->cubic;

	q->cwnd_prior = c->cwnd;
	if (timeout)
		/* 4.8: the next stage takes the window it begins with. */
		q->w_max = 0;
	else if ((c->config & CC_FAST_CONVERGENCE) != 0 && c->cwnd < q->w_max)
		q->w_max = (uint32_t)((uint64_t)c->cwnd * CONVERGE_NUM /
		    CONVERGE_DEN); /* 4.7 */
	else
		q->w_max = c->cwnd;
	c->flags &= (uint16_t)~CC_EPOCH;
}

/* A stage of congestion avoidance begins. */
static void begin_epoch(struct cc *c, struct mono now)
{
	struct cubic *q = &c->cubic;

	c->flags |= CC_EPOCH;
	c->credit = 0;
	q->epoch = now;
	q->last = now;
	q->w_est = (uint64_t)c->cwnd << W_EST_SHIFT;
	if (q->cwnd_prior == 0)
		q->cwnd_prior = c->cwnd; /* 4.10: HyStart++ left slow start */
	q->k = 0;
	if (q->w_max <= c->cwnd)
		q->w_max = c->cwnd; /* 4.8, 4.10 */
	else
		q->k = ticks_to_reach(q->w_max - c->cwnd, c->mss);
}

/* Figure 4. */
static void grow_w_est(struct cc *c, uint32_t bytes)
{
	struct cubic *q = &c->cubic;
	uint64_t add = ((uint64_t)bytes * c->mss << W_EST_SHIFT) / c->cwnd;

	/* 4.3: once it is back where it was cut, as fast as Reno. */
	if (q->w_est >> W_EST_SHIFT < q->cwnd_prior)
		add = add * ALPHA_NUM / ALPHA_DEN;
	q->w_est += add;
	if (q->w_est > (uint64_t)CC_MAX_WINDOW << W_EST_SHIFT)
		q->w_est = (uint64_t)CC_MAX_WINDOW << W_EST_SHIFT;
}

/* 4.2: where the window should be one RTT from now. */
static uint32_t target_of(const struct cc *c, int64_t t, uint32_t srtt_us)
{
	int64_t rtt = ticks((int64_t)srtt_us * NS_PER_US);
	uint32_t w = w_cubic(c, t + rtt);

	if (w < c->cwnd)
		return c->cwnd;
	if (w > c->cwnd + c->cwnd / 2)
		return c->cwnd + c->cwnd / 2;
	return w;
}

static void avoid(
    struct cc *c, const struct cc_view *v, uint32_t bytes, bool limited)
{
	struct cubic *q = &c->cubic;
	uint32_t est, target;
	int64_t t;

	if ((c->flags & CC_EPOCH) == 0)
		begin_epoch(c, v->now);
	if (!limited) {
		/* 5.8: no growth, and the time does not count. */
		cc_cubic_ops.idle(c, v->now);
		return;
	}
	q->last = v->now;
	t = ticks(mono_since(v->now, q->epoch));

	grow_w_est(c, bytes);
	est = (uint32_t)(q->w_est >> W_EST_SHIFT);
	if (w_cubic(c, t) < est) {
		/* 4.3: the Reno-friendly region. */
		if (est > c->cwnd)
			cc_grow(c, est - c->cwnd);
		return;
	}

	/* 4.4, 4.5: (target - cwnd) / cwnd for each segment acknowledged. */
	target = target_of(c, t, v->srtt_us);
	c->credit += (uint64_t)bytes * (target - c->cwnd);
	if (c->credit >= c->cwnd) {
		uint64_t add = c->credit / c->cwnd;

		c->credit %= c->cwnd;
		if (add > target - c->cwnd)
			add = target - c->cwnd;
		cc_grow(c, add);
	}
}

static void idle(struct cc *c, struct mono now)
{
	struct cubic *q = &c->cubic;

	if ((c->flags & CC_EPOCH) == 0)
		return;
	q->epoch = mono_add(q->epoch, mono_since(now, q->last));
	q->last = now;
}

const struct cc_ops cc_cubic_ops = {
	.name = "cubic",
	.cut = cut,
	.congestion = congestion,
	.avoid = avoid,
	.idle = idle,
};
