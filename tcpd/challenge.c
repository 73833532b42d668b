/*
 * challenge.c - how many challenge ACKs may be sent
 */
#include "tcpd/challenge.h"

#include "shm/siphash.h"

enum {
	BUDGET_MS = 1000, /* nominal */
	USE_BUDGET = 4,   /* beside those of isn.c and cookie.c */
};

const struct challenge_config challenge_defaults = {
	.interval_ms = 500,
	.burst = 1,
};

/* From half of @nominal to one and a half, as @random says. */
static uint32_t spread(uint32_t nominal, uint32_t random)
{
	return nominal / 2 +
	    (uint32_t)((uint64_t)random * ((uint64_t)nominal + 1) >> 32);
}

static void draw(struct challenge_budget *b, uint32_t limit,
    const uint64_t key[2], struct mono now)
{
	uint64_t in[2] = { USE_BUDGET, (uint64_t)now.ns };
	uint64_t random = siphash(key, in, sizeof(in));

	b->left = spread(limit, (uint32_t)random);
	b->until =
	    mono_add_ms(now, spread(BUDGET_MS, (uint32_t)(random >> 32)));
}

bool challenge_take(struct challenge *c, struct challenge_budget *b,
    const struct challenge_config *config, const uint64_t key[2],
    struct mono now)
{
	/* A bucket as one time: when it will be full again. */
	struct mono from = mono_before(c->full_at, now) ? now : c->full_at;
	struct mono full_at = mono_add_ms(from, config->interval_ms);
	int64_t most = (int64_t)config->interval_ms * config->burst * NS_PER_MS;

	if (mono_since(full_at, now) > most)
		return false;
	if (config->limit_per_s != 0) {
		if (mono_reached(b->until, now))
			draw(b, config->limit_per_s, key, now);
		if (b->left == 0)
			return false;
		b->left--;
	}
	c->full_at = full_at;
	return true;
}
