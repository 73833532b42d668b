/*
 * turn.h - a daemon's turn as a transaction of one store
 *
 * What a daemon does between two looks at its rings either happened or did
 * not, whatever instruction a kill -9 hits.  A turn changes three things:
 *
 *   - what goes out: ring entries and payload, staged where nobody looks yet,
 *     and records of the tap, likewise;
 *   - what came in: entries taken, with private cursors only;
 *   - the daemon's persistent objects in X.priv, changed in place, their old
 *     bytes saved in an undo log first (turn_touch).
 *
 *	begin   b = committed + 1; log.count = 0, and only then log.turn = b
 *	touch   entry to the log, then count
 *	record  rec[b & 1] = new prods, new conses, objects to show
 *	commit  committed = b            <- one 8-byte store: it has happened
 *	apply   prods, then objects, then conses become visible
 *	done    applied = b
 *
 * Recovery, after a kill at any instruction:
 *
 *	log.turn == committed + 1    put the old bytes back, newest first
 *	applied  == committed - 1    apply rec[committed & 1] again
 *
 * Both may be repeated when the recovery is killed in its turn.  A dead
 * process's stores are all visible, in program order, so only the compiler
 * must be kept from reordering them; the fences for live neighbours are in
 * ring.h.
 *
 * A daemon that dies twice in the same turn, with a packet in hand, is given
 * turns of one packet, from each ring in its turn; who dies a third time with
 * the same packet puts it aside (node.c): else the state that survives would
 * make a loop of crashes.
 */
#ifndef SHM_TURN_H
#define SHM_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/ring.h"

enum {
	TURN_MAX_RINGS = 64, /* in one direction, of one daemon */
	TURN_MAX_OBJECTS = 512,
	TURN_LOG_BYTES = 512 * 1024,
	TURN_LOG_ENTRIES = TURN_LOG_BYTES / 64,
	/* A handler that touches more than this for one packet is wrong. */
	TURN_LOG_RESERVE = 128 * 1024,
	TURN_LOG_RESERVE_ENTRIES = TURN_LOG_RESERVE / 64,

	/* Committed after two deaths in one turn until turns are full again. */
	TURN_SMALL_TURNS = 64,
};

/* What becomes visible with the commit. */
struct turn_record {
	uint32_t nout, nin, nobject;
	uint64_t tap; /* the point of the tap (tap.h) */
	uint32_t prod[TURN_MAX_RINGS];
	uint32_t cons[TURN_MAX_RINGS];
	uint32_t object[TURN_MAX_OBJECTS];
};

/* Header of an entry of the undo log; its bytes follow, padded to 8. */
struct turn_undo {
	uint32_t off; /* from the start of the persistent state */
	uint32_t len; /* bytes */
};

/* At the start of X.priv.  Written and read by X alone. */
struct turn_mem {
	_Atomic uint64_t committed;
	_Atomic uint64_t applied;
	_Atomic uint64_t log_turn;  /* the turn that the log belongs to */
	_Atomic uint32_t log_count; /* entries */
	uint32_t strikes;           /* deaths in turn strike_turn */
	uint64_t strike_turn;
	uint64_t suspect_turn; /* the last in which a packet was taken */
	struct turn_record rec[2];
	uint32_t log_at[TURN_LOG_ENTRIES]; /* where each entry begins */
	alignas(8) uint8_t log[TURN_LOG_BYTES];
};

/* Makes what an app sees of object @id true again; may be repeated. */
typedef void turn_show(void *ctx, uint32_t id);

struct turn {
	struct turn_mem *mem;
	uint8_t *base; /* the persistent state that touch covers */
	size_t size;
	struct ring_out *out;
	struct ring_in *in;
	uint32_t nout, nin;
	turn_show *show; /* NULL: this layer shows no objects */
	void *ctx;
	_Atomic uint64_t *tap; /* its `published`; NULL: there is no tap */
	uint64_t tap_serial;   /* what it is to be after this turn */

	/* Of the turn that is open. */
	uint64_t b;
	uint32_t log_used; /* bytes */
	uint32_t log_entries;
	uint32_t nobject;
	bool open;
};

/*
 * Take over @mem: finish or undo what the last instance left, so that the
 * state at @base, the rings' published words and the shown objects are those
 * between two turns.  Fresh memory (all zero) is fine.
 *
 * Returns true if there was an earlier instance.
 */
bool turn_recover(struct turn *t);

void turn_begin(struct turn *t);

/*
 * Before the first change of the @len bytes at @p in this turn: save them.
 * Saving the same bytes twice is allowed and costs only room.
 */
void turn_touch(struct turn *t, const void *p, size_t len);

/* Object @id is to be shown when this turn is applied. */
void turn_object(struct turn *t, uint32_t id);

/* True if the next packet might not fit: end the turn. */
static inline bool turn_full(const struct turn *t)
{
	return t->log_used > TURN_LOG_BYTES - TURN_LOG_RESERVE ||
	    t->log_entries > TURN_LOG_ENTRIES - TURN_LOG_RESERVE_ENTRIES ||
	    t->nobject > TURN_MAX_OBJECTS - 64;
}

/*
 * Commit and apply.  Returns false if nothing at all was staged, taken, touched
 * or shown: then no turn has happened.
 */
bool turn_commit(struct turn *t);

/* True if this turn may take one packet in all, since two were deadly. */
static inline bool turn_small(const struct turn *t)
{
	return t->mem->strikes >= 2 &&
	    t->b - t->mem->strike_turn < TURN_SMALL_TURNS;
}

/*
 * A packet is in hand: if this turn is one's death, it may be the packet's
 * doing.  Who dies in a turn without one, dies of something else.
 */
static inline void turn_suspect(struct turn *t)
{
	*(volatile uint64_t *)&t->mem->suspect_turn = t->b;
}

/* Packets that a turn should take from each ring at most; fewer after deaths.
 */
static inline uint32_t turn_limit(const struct turn *t, uint32_t usual)
{
	return turn_small(t) ? 1 : usual;
}

/* True if the first packet of this turn has killed us three times. */
static inline bool turn_poisonous(const struct turn *t)
{
	return t->mem->strikes >= 3 && t->mem->strike_turn == t->b;
}

#endif /* SHM_TURN_H */
