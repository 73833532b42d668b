/*
 * wheel.h - which of many deadlines comes next
 *
 * A hierarchical timing wheel: arming and cancelling cost the same with ten as
 * with a hundred thousand.  Deadlines are keyed by a number, such as the index
 * of a connection, each of which has one or none.
 *
 * It is private memory and a hint: the deadlines themselves lie in the objects,
 * and after a restart the wheel is filled again from them.
 *
 *	level 0   64 slots of 1 tick    the ticks of this 64
 *	level 1   64 slots of 64        the rest of this 64^2
 *	...                             a slot is spread over the level below
 *	level 6   64 slots of 64^6      when the time enters it
 *
 * A tick is 2^16 ns; a deadline is rounded up to one: at most 66 us late, never
 * early.
 */
#ifndef SHM_WHEEL_H
#define SHM_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"

enum {
	WHEEL_TICK_SHIFT = 16,
	WHEEL_LEVELS = 7, /* 2^42 ticks: nine years of uptime */
	WHEEL_SLOTS = 64,
};

struct wheel_entry {
	uint64_t tick;
	uint32_t next;
	uint32_t prev;
	uint32_t slot; /* level * WHEEL_SLOTS + slot; UINT32_MAX: not armed */
	uint32_t pad;
};

struct wheel {
	struct wheel_entry *entries;
	uint32_t n;
	uint32_t armed; /* how many are */
	uint64_t now;   /* the tick up to which time has come */
	uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot not empty */
	uint32_t head[WHEEL_LEVELS * WHEEL_SLOTS];
};

/* Room for the ids 0 to @n - 1.  0, or -ENOMEM and *@w untouched. */
int wheel_init(struct wheel *w, uint32_t n, struct mono now);
void wheel_free(struct wheel *w);

/* @id's deadline is @t now, whatever it was; MONO_NEVER: it has none. */
void wheel_set(struct wheel *w, uint32_t id, struct mono t);

/*
 * One id whose deadline has come, in *@ret, and it has none any more.  False if
 * there is none at @now.  Among several that have come the order is by tick.
 */
bool wheel_take(struct wheel *w, uint32_t *ret, struct mono now);

/*
 * When to look again: no deadline comes before that.  It may be too soon, if
 * the next one lies far ahead, by at most a 64th of the way for each level.
 */
struct mono wheel_next(const struct wheel *w);

#endif /* SHM_WHEEL_H */
