/*
 * ratelimit.c - so many a second, and so many at once
 */
#include "ipd/ratelimit.h"

/* Nanoseconds that one token takes to come; rounded up: never over @rate. */
static int64_t interval_ns(uint32_t rate)
{
	return ((int64_t)NS_PER_S + rate - 1) / rate;
}

/* The time at which the bucket will be full if a token is taken at @now. */
static struct mono full_after(
    const struct ratelimit *r, uint32_t rate, struct mono now)
{
	struct mono from = mono_before(r->full_at, now) ? now : r->full_at;

	return mono_add(from, interval_ns(rate));
}

void ratelimit_take_some(
    struct ratelimit *r, uint32_t rate, uint32_t tokens, struct mono now)
{
	while (tokens-- > 0)
		r->full_at = full_after(r, rate, now);
}

bool ratelimit_ready(
    const struct ratelimit *r, uint32_t rate, uint32_t burst, struct mono now)
{
	if (rate == 0 || burst == 0)
		return false;
	return mono_since(full_after(r, rate, now), now) <=
	    interval_ns(rate) * (int64_t)burst;
}

bool ratelimit_take(
    struct ratelimit *r, uint32_t rate, uint32_t burst, struct mono now)
{
	if (!ratelimit_ready(r, rate, burst, now))
		return false;
	r->full_at = full_after(r, rate, now);
	return true;
}
