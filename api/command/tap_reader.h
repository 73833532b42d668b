/*
 * tap_reader.h - the taps of a running stack, as one stream in order of time
 *
 *	taps_open	connect, map: what there is to see (t->topo)
 *	taps_want	what the daemons are to record from now on
 *	taps_collect	take in what they have recorded
 *	taps_next	the next record that nothing can come before any more
 *
 * Daemons may die meanwhile and the supervisor too: the segments are the same.
 * What was lost stands in t->reader[] (shm/tap.h).
 */
#ifndef API_COMMAND_TAP_READER_H
#define API_COMMAND_TAP_READER_H

#include <stdbool.h>
#include <sys/types.h>

#include "shm/tap.h"
#include "shm/topology.h"

enum {
	TAPPED_HEADROOM = sizeof(struct tap_record),
};

/* What to record; see shm/sup_tap.c. */
struct taps_wish {
	uint64_t rings;   /* a bit for each of the topology's */
	uint32_t devices; /* and for each link */
	uint32_t flags;   /* enum tap_flag */
	uint32_t snap;    /* bytes of each packet; 0: all */
};

/* Records of one daemon that have been read, in order. */
struct tap_queue {
	uint8_t *mem;
	size_t start, end, room;
	struct mono bound; /* none that is not in here is older */
};

struct taps {
	char stack[TOPO_NAME_LEN];
	int sock;   /* to the supervisor; -1: it is away */
	ino_t plan; /* which running stack this is */
	const struct topology *topo;
	struct tap_reader reader[TOPO_MAX_PROCS];
	const struct out_head *head[TOPO_MAX_PROCS];
	struct tap_queue queue[TOPO_MAX_PROCS];
	struct taps_wish wish;
	struct mono away; /* since when */
	int64_t real_ns;  /* time of day less CLOCK_MONOTONIC */
};

/* One record; its bytes lie in the queue until the next taps_collect(). */
struct tapped {
	uint32_t proc;
	struct tap_record r;
	uint8_t *bytes; /* TAPPED_HEADROOM in front of them are free */
};

/* 0; or -1 after a sentence on standard error. */
int taps_open(struct taps *t, const char *stack);
int taps_want(struct taps *t, const struct taps_wish *w);
void taps_close(struct taps *t);

/* How many bytes there were; and how many are collected, and not taken. */
size_t taps_collect(struct taps *t);
size_t taps_queued(const struct taps *t);

/* @all: also what something could come before: at the end. */
bool taps_next(struct taps *t, struct tapped *ret, bool all);

/*
 * Wait, so many milliseconds or until a signal.  False: the stack is gone.  A
 * supervisor that was killed is followed by another, which is asked again.
 */
bool taps_wait(struct taps *t, int ms);

/* Ask for nothing more, and wait until the daemons heed it. */
void taps_stop(struct taps *t);

/* Why @r was refused, by its daemon's name for it; "" if it was not. */
const char *tapped_reason(
    const struct taps *t, const struct tapped *r, char text[COUNTER_NAME_LEN]);

#endif /* API_COMMAND_TAP_READER_H */
