/*
 * impair.h - what befalls a frame on a bad wire
 *
 *	frame -> queue -> rate -> loss -> corruption -> delay -> out
 *	          |                |                      |
 *	         full             lost              reordered, doubled
 *
 * The wire is slow first: with a rate, a frame waits until those before it
 * have gone, and is dropped if more than queue_bytes wait.  Then it is lost or
 * not (a lost one has taken its time on the wire too), spoilt or not, and is
 * due after its delay.
 *
 * Order is kept.  A frame whose delay was drawn shorter than that of the one
 * before it comes right behind it; only a frame that is to be reordered is held
 * back once more by the delay (at least IMPAIR_HELD_MS), while others pass.
 *
 * Nothing is random: what befalls a frame follows from the seed, the wire and
 * the frame's number, by a hash.  Each question hashes its own number, so a
 * frame that is lost at 1 % is also lost at 2 %, whatever else was changed.
 */
#ifndef LINKD_IMPAIR_H
#define LINKD_IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"
#include "shm/topology_impair.h"

enum {
	IMPAIR_HELD_MS = 2,

	/* Of a Pareto tail: so many times the jitter at most. */
	IMPAIR_TAIL_MAX = 126,
};

/* Persistent: one way of one link. */
struct impair_line {
	uint64_t frames;      /* judged so far: the number of the next */
	uint32_t stream;      /* lines of one seed differ by it */
	uint32_t seed;        /* that frames are counted for */
	struct mono free_at;  /* what is on the slow wire has gone by then */
	struct mono last_due; /* of those in order */

	/* Whatever the settings were; not impair.c's business. */
	uint64_t count[NIMPAIRED];
};

enum impair_fate {
	IMPAIR_PASSES,
	IMPAIR_LOST,
	IMPAIR_NO_QUEUE, /* too many wait for the slow wire */
};

/* Of a frame that passes. */
struct impair_verdict {
	struct mono due;
	bool reordered;
	uint8_t copies;   /* 1 or 2, due at the same time */
	uint32_t flip[2]; /* of each copy: the bit to be turned; 0: none */
};

/*
 * The fate of a frame of @len bytes, its Ethernet header included, that enters
 * the line @l at @now.  Bits are counted from the first of the frame; none of
 * the Ethernet header is ever turned.  *@ret is filled in if it passes.
 */
enum impair_fate impair_judge(struct impair_line *l,
    const struct topo_impair *c, uint32_t len, struct mono now,
    struct impair_verdict *ret);

/* From now on as @c says: nothing is on the wire, a new seed counts anew. */
void impair_reset(
    struct impair_line *l, const struct topo_impair *c, struct mono now);

#endif /* LINKD_IMPAIR_H */
