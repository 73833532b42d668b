/*
 * ring.h - one-way queue of packet descriptors between two processes
 *
 * One process puts, one process takes, neither waits for the other, and the
 * death of either leaves the ring as it last published it.  Bytes stay in the
 * packet pools (pool.h); only descriptors pass through here.
 *
 *	taken already    waiting to be taken     staged       free
 *	--------------|########################|............|------------
 *	              cons                     prod         mine
 *
 * prod and cons count every descriptor ever put and taken, modulo 2^32; they
 * are masked only to index.  So prod - cons is the number waiting, "full" and
 * "empty" differ, and no entry is wasted.  Compare them by difference only.
 *
 * prod and the entries lie in the producer's segment, cons in the consumer's:
 * each can be written by one process alone.  Both ends work on private cursors
 * during a turn (turn.h); the words that the neighbour sees change once, when
 * the turn has been committed.
 *
 * The other end is another process: what it writes is checked like a packet.
 * An impossible index gives -EPROTO; the caller cuts the ring off.
 */
#ifndef SHM_RING_H
#define SHM_RING_H

#include <errno.h>
#include <stdbool.h>

#include "shm/layout.h"

/* The end that puts.  Private; the capacity comes from the topology. */
struct ring_out {
	struct ring_prod *sh;          /* ours */
	const struct ring_cons *their; /* the consumer's */
	uint32_t capacity;             /* a power of two */
	uint32_t mine;                 /* staged up to here */
	uint32_t theirs;               /* cons, as we last saw it */
	uint8_t to;                    /* index into procs[] */
	bool cut;                      /* the consumer lied; use no more */
};

/* The end that takes. */
struct ring_in {
	const struct ring_prod *their; /* the producer's */
	struct ring_cons *sh;          /* ours */
	uint32_t capacity;
	uint32_t mine;   /* taken up to here */
	uint32_t theirs; /* prod, as we last saw it */
	uint8_t from;
	bool cut;
};

/*
 * Entries that can be staged now: 0 to capacity, or -EPROTO.
 *
 * Looks at the consumer's index only when fewer than @want are known free.
 */
static inline int ring_out_room(struct ring_out *r, uint32_t want)
{
	uint32_t room = r->capacity - (r->mine - r->theirs);
	uint32_t theirs;

	if (room >= want)
		return (int)room;
	/* Acquire: the consumer is done reading what it gave back. */
	theirs = atomic_load_explicit(&r->their->cons, memory_order_acquire);
	if (r->mine - theirs > r->capacity)
		return -EPROTO;
	r->theirs = theirs;
	return (int)(r->capacity - (r->mine - theirs));
}

/* Stage one entry beyond prod.  There must be room. */
static inline void ring_out_stage(struct ring_out *r, const struct desc *d)
{
	r->sh->entry[r->mine & (r->capacity - 1)] = *d;
	r->mine++;
}

/* When the last one that was staged was put there. */
static inline void ring_out_stamp(struct ring_out *r, uint64_t when)
{
	r->sh->entry[(r->mine - 1) & (r->capacity - 1)].stamp = when;
}

/* Make all that is staged visible.  Release: entries before the index. */
static inline void ring_out_publish(struct ring_out *r, uint32_t prod)
{
	atomic_store_explicit(&r->sh->prod, prod, memory_order_release);
}

/*
 * Entries waiting to be taken: 0 to capacity, or -EPROTO.
 *
 * Looks at the producer's index only when none is known to wait.
 */
static inline int ring_in_waiting(struct ring_in *r)
{
	uint32_t theirs;

	if (r->theirs != r->mine)
		return (int)(r->theirs - r->mine);
	/* Acquire: whoever sees the new prod sees the entries under it. */
	theirs = atomic_load_explicit(&r->their->prod, memory_order_acquire);
	if (theirs - r->mine > r->capacity)
		return -EPROTO;
	r->theirs = theirs;
	return (int)(theirs - r->mine);
}

/* Copy the next entry out and step over it.  One must be waiting. */
static inline void ring_in_take(struct ring_in *r, struct desc *ret)
{
	*ret = r->their->entry[r->mine & (r->capacity - 1)];
	r->mine++;
}

/* Copy the next entry and leave it where it is. */
static inline void ring_in_peek(const struct ring_in *r, struct desc *ret)
{
	*ret = r->their->entry[r->mine & (r->capacity - 1)];
}

/* Give the taken entries back to the producer. */
static inline void ring_in_publish(struct ring_in *r, uint32_t cons)
{
	/* Release: our reads of the entries are done before. */
	atomic_store_explicit(&r->sh->cons, cons, memory_order_release);
}

/* After a (re)start: the private cursors are what was last published. */
static inline void ring_out_resume(struct ring_out *r)
{
	r->mine = atomic_load_explicit(&r->sh->prod, memory_order_relaxed);
	/* Nothing is known of the consumer: the next look reads its index. */
	r->theirs = r->mine - r->capacity;
}

static inline void ring_in_resume(struct ring_in *r)
{
	r->mine = atomic_load_explicit(&r->sh->cons, memory_order_relaxed);
	r->theirs = r->mine;
}

#endif /* SHM_RING_H */
