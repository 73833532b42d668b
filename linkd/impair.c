/*
 * impair.c - what befalls a frame on a bad wire
 */
#include "linkd/impair.h"

#include "linkd/eth.h"

enum {
	/* Fractions have so many bits: times ten seconds they fit 64. */
	UNIT_BITS = 24,
	UNIT = 1 << UNIT_BITS,

	/* The sum of twelve fractions has the standard deviation 1. */
	NORMAL_SUM = 12,

	/* The greatest of three has the distribution function x^3. */
	PARETO_SHAPE = 3,
};

/* What is asked about each frame; the delay may ask several times. */
enum question {
	ASK_LOSS,
	ASK_DUPLICATE,
	ASK_REORDER,
	ASK_CORRUPT,
	ASK_BIT = ASK_CORRUPT + 2, /* each copy its own */
	ASK_DELAY = ASK_BIT + 2,
};

/* The finaliser of splitmix64 (Steele, Lea, Flood). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t answer(const struct impair_line *l, uint32_t question)
{
	const uint64_t step = 0x9e3779b97f4a7c15;
	uint64_t z = mix(((uint64_t)l->seed << 32 | l->stream) + step);

	z = mix(z + l->frames * step);
	return (uint32_t)(mix(z + question * step) >> 32);
}

/* 0 to @n - 1. */
static uint32_t below(
    const struct impair_line *l, uint32_t question, uint32_t n)
{
	return (uint32_t)((uint64_t)answer(l, question) * n >> 32);
}

static bool happens(
    const struct impair_line *l, uint32_t question, uint32_t ppm)
{
	return ppm > 0 && below(l, question, 1000000) < ppm;
}

/* From 0 to UNIT - 1. */
static int64_t fraction(const struct impair_line *l, uint32_t k)
{
	return answer(l, ASK_DELAY + k) >> (32 - UNIT_BITS);
}

/* ---- Delay ---- */

/* Twelve fractions: mean 0, standard deviation 1, in parts of UNIT. */
static int64_t normal(const struct impair_line *l)
{
	int64_t sum = -NORMAL_SUM / 2 * (int64_t)UNIT;

	for (uint32_t k = 0; k < NORMAL_SUM; k++)
		sum += fraction(l, k);
	return sum;
}

/* Mean 1: P(x > a) = 1 / (1 + a / 2)^3. */
static int64_t pareto(const struct impair_line *l)
{
	int64_t greatest = 0;
	int64_t tail;

	for (uint32_t k = 0; k < PARETO_SHAPE; k++)
		if (fraction(l, k) > greatest)
			greatest = fraction(l, k);
	if (greatest == 0)
		greatest = 1;
	tail = (UNIT - greatest) * 2 * (int64_t)UNIT / greatest;
	return tail < (int64_t)IMPAIR_TAIL_MAX * UNIT
	    ? tail
	    : (int64_t)IMPAIR_TAIL_MAX * UNIT;
}

/* How often the jitter is added to the delay, in parts of UNIT. */
static int64_t times(const struct impair_line *l, enum impair_spread spread)
{
	switch (spread) {
	case IMPAIR_UNIFORM:
		return 2 * fraction(l, 0) - UNIT;
	case IMPAIR_NORMAL:
		return normal(l);
	case IMPAIR_PARETO:
		return pareto(l);
	case NIMPAIR_SPREADS:
		break;
	}
	return 0;
}

static int64_t delay_ns(
    const struct impair_line *l, const struct topo_impair *c)
{
	int64_t ns = (int64_t)c->delay_us * NS_PER_US;

	if (c->jitter_us > 0)
		ns += times(l, (enum impair_spread)c->distribution) *
		    (int64_t)c->jitter_us / UNIT * NS_PER_US;
	return ns > 0 ? ns : 0;
}

/* ---- The slow wire ---- */

static int64_t wire_ns(const struct topo_impair *c, uint32_t bytes)
{
	return (int64_t)bytes * 8 * NS_PER_MS / c->rate_kbit;
}

/* When the frame has left the slow wire; false: there is no room to wait. */
static bool send(struct impair_line *l, const struct topo_impair *c,
    uint32_t len, struct mono now, struct mono *ret)
{
	*ret = now;
	if (c->rate_kbit == 0)
		return true;
	if (mono_since(l->free_at, now) > wire_ns(c, c->queue_bytes))
		return false;
	if (mono_before(l->free_at, now))
		l->free_at = now;
	l->free_at = mono_add(l->free_at, wire_ns(c, len));
	*ret = l->free_at;
	return true;
}

/* ---- The verdict ---- */

static uint32_t flip(const struct impair_line *l, const struct topo_impair *c,
    uint32_t len, uint32_t copy)
{
	if (len <= ETH_HDR_LEN ||
	    !happens(l, ASK_CORRUPT + copy, c->corrupt_ppm))
		return 0;
	return ETH_HDR_LEN * 8 +
	    below(l, ASK_BIT + copy, (len - ETH_HDR_LEN) * 8);
}

static void pass(struct impair_line *l, const struct topo_impair *c,
    uint32_t len, struct mono left, struct impair_verdict *ret)
{
	int64_t hold = (int64_t)c->delay_us * NS_PER_US;
	struct impair_verdict v = {
		.due = mono_add(left, delay_ns(l, c)),
		.reordered = happens(l, ASK_REORDER, c->reorder_ppm),
		.copies = happens(l, ASK_DUPLICATE, c->duplicate_ppm) ? 2 : 1,
	};

	for (uint32_t i = 0; i < v.copies; i++)
		v.flip[i] = flip(l, c, len, i);
	if (mono_before(v.due, l->last_due))
		v.due = l->last_due;
	if (v.reordered) {
		if (hold < (int64_t)IMPAIR_HELD_MS * NS_PER_MS)
			hold = (int64_t)IMPAIR_HELD_MS * NS_PER_MS;
		v.due = mono_add(v.due, hold);
	} else {
		l->last_due = v.due;
	}
	*ret = v;
}

enum impair_fate impair_judge(struct impair_line *l,
    const struct topo_impair *c, uint32_t len, struct mono now,
    struct impair_verdict *ret)
{
	enum impair_fate fate = IMPAIR_PASSES;
	struct mono left;

	if (!send(l, c, len, now, &left))
		fate = IMPAIR_NO_QUEUE;
	else if (happens(l, ASK_LOSS, c->loss_ppm))
		fate = IMPAIR_LOST;
	else
		pass(l, c, len, left, ret);
	l->frames++;
	return fate;
}

void impair_reset(
    struct impair_line *l, const struct topo_impair *c, struct mono now)
{
	if (l->seed != c->seed || !impair_is_set(c))
		l->frames = 0;
	l->seed = c->seed;
	l->free_at = now;
	l->last_due = now;
}
