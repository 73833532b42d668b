/*
 * wheel.c - which of many deadlines comes next
 *
 * Time is a number of ticks, written in digits of six bits.  An armed entry
 * lies on the level of the highest digit in which its tick differs from now, in
 * the slot of its digit there.  So all of a level come before all of the next,
 * and on a level the slots come in order.
 */
#include "shm/wheel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
	BITS = 6,
};

static const uint32_t NONE = UINT32_MAX;
static const uint64_t LAST_TICK = (UINT64_C(1) << BITS * WHEEL_LEVELS) - 1;

static_assert(1 << BITS == WHEEL_SLOTS, "one digit");

static unsigned digit(uint64_t tick, unsigned level)
{
	return (unsigned)(tick >> BITS * level) & (WHEEL_SLOTS - 1);
}

/* Rounded up, so that nothing fires early. */
static uint64_t tick_at_least(struct mono t)
{
	uint64_t tick;

	if (t.ns <= 0)
		return 0;
	tick = (uint64_t)(t.ns - 1) >> WHEEL_TICK_SHIFT;
	return tick < LAST_TICK ? tick + 1 : LAST_TICK;
}

/* Rounded down: the last one that has come. */
static uint64_t tick_at_most(struct mono t)
{
	uint64_t tick = t.ns > 0 ? (uint64_t)t.ns >> WHEEL_TICK_SHIFT : 0;

	return tick < LAST_TICK ? tick : LAST_TICK;
}

int wheel_init(struct wheel *w, uint32_t n, struct mono now)
{
	struct wheel_entry *entries = calloc(n ? n : 1, sizeof(*entries));

	if (entries == NULL)
		return -ENOMEM;
	*w = (struct wheel){
		.entries = entries, .n = n, .now = tick_at_most(now)
	};
	for (uint32_t i = 0; i < n; i++)
		entries[i].slot = NONE;
	for (uint32_t i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++)
		w->head[i] = NONE;
	return 0;
}

void wheel_free(struct wheel *w)
{
	free(w->entries);
	w->entries = NULL;
}

static void unlink_entry(struct wheel *w, uint32_t id)
{
	struct wheel_entry *e = &w->entries[id];

	if (e->prev == NONE)
		w->head[e->slot] = e->next;
	else
		w->entries[e->prev].next = e->next;
	if (e->next != NONE)
		w->entries[e->next].prev = e->prev;
	if (w->head[e->slot] == NONE)
		w->occupied[e->slot / WHEEL_SLOTS] &=
		    ~(UINT64_C(1) << e->slot % WHEEL_SLOTS);
	e->slot = NONE;
	w->armed--;
}

static void link_entry(struct wheel *w, uint32_t id, uint64_t tick)
{
	struct wheel_entry *e = &w->entries[id];
	unsigned level = 0;
	unsigned d;

	/* The highest digit in which it differs from now; overdue: none. */
	if (tick > w->now)
		level = (63 - (unsigned)__builtin_clzll(tick ^ w->now)) / BITS;
	else
		tick = w->now;
	d = digit(tick, level);

	e->tick = tick;
	e->slot = level * WHEEL_SLOTS + d;
	e->prev = NONE;
	e->next = w->head[e->slot];
	if (e->next != NONE)
		w->entries[e->next].prev = id;
	w->head[e->slot] = id;
	w->occupied[level] |= UINT64_C(1) << d;
	w->armed++;
}

void wheel_set(struct wheel *w, uint32_t id, struct mono t)
{
	struct wheel_entry *e;
	bool never = t.ns == MONO_NEVER.ns;

	assert(id < w->n);
	e = &w->entries[id];
	if (e->slot != NONE) {
		/* Most arming is putting off; often to the same tick. */
		if (!never && e->tick == tick_at_least(t))
			return;
		unlink_entry(w, id);
	}
	if (!never)
		link_entry(w, id, tick_at_least(t));
}

/* The first tick of the next slot that holds something; false: none does. */
static bool next_slot(const struct wheel *w, uint64_t *tick)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned d = digit(w->now, level);
		unsigned below = BITS * level;
		/* Those behind the present digit, in two shifts: d may be 63.
		 */
		uint64_t later = w->occupied[level] >> d >> 1;
		unsigned slot;

		if (later == 0)
			continue;
		slot = d + 1 + (unsigned)__builtin_ctzll(later);
		*tick = (w->now >> below >> BITS << BITS | slot) << below;
		return true;
	}
	return false;
}

/* Time has entered the slot of @level at w->now: spread it below. */
static void spread(struct wheel *w, unsigned level)
{
	uint32_t slot = level * WHEEL_SLOTS + digit(w->now, level);
	uint32_t id = w->head[slot];

	while (id != NONE) {
		uint32_t next = w->entries[id].next;
		uint64_t tick = w->entries[id].tick;

		unlink_entry(w, id);
		link_entry(w, id, tick);
		id = next;
	}
}

static void enter(struct wheel *w, uint64_t tick)
{
	w->now = tick;
	for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--)
		if ((tick & ((UINT64_C(1) << BITS * level) - 1)) == 0)
			spread(w, level);
}

bool wheel_take(struct wheel *w, uint32_t *ret, struct mono now)
{
	uint64_t target = tick_at_most(now);
	uint64_t tick;

	for (;;) {
		uint32_t id = w->head[digit(w->now, 0)];

		if (id != NONE) {
			unlink_entry(w, id);
			*ret = id;
			return true;
		}
		if (!next_slot(w, &tick) || tick > target)
			break;
		enter(w, tick);
	}
	if (target > w->now)
		w->now = target;
	return false;
}

struct mono wheel_next(const struct wheel *w)
{
	uint64_t tick = w->now;

	if (w->head[digit(w->now, 0)] == NONE && !next_slot(w, &tick))
		return MONO_NEVER;
	return (struct mono){ (int64_t)(tick << WHEEL_TICK_SHIFT) };
}
