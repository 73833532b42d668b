/*
 * pool.h - packet slots: who may look at which bytes, and which are free
 *
 * A pool is an array of small slots followed by an array of big ones.  A slot
 * is owned by its place in a ring, never by a process's private memory, so the
 * list of free slots is a private hint of the pool's home: after a restart it
 * is computed anew by marking every slot that lies in some ring (node.c), and
 * no leak is possible.
 *
 * A descriptor comes from a neighbour and is checked like a packet: pool_view()
 * is the one way from a descriptor to bytes.
 */
#ifndef SHM_POOL_H
#define SHM_POOL_H

#include <stdbool.h>

#include "shm/layout.h"

/* Any process's view of one pool. */
struct pool {
	uint8_t *base; /* NULL: this process may not see it */
	uint32_t nsmall;
	uint32_t nbig;
	bool writable;
};

static inline uint32_t pool_slots(const struct pool *p)
{
	return p->nsmall + p->nbig;
}

static inline uint32_t pool_slot_size(const struct pool *p, uint32_t slot)
{
	return slot < p->nsmall ? SMALL_SLOT : BIG_SLOT;
}

static inline size_t pool_slot_offset(const struct pool *p, uint32_t slot)
{
	if (slot < p->nsmall)
		return (size_t)slot * SMALL_SLOT;
	return (size_t)p->nsmall * SMALL_SLOT +
	    (size_t)(slot - p->nsmall) * BIG_SLOT;
}

static inline size_t pool_bytes(uint32_t nsmall, uint32_t nbig)
{
	return (size_t)nsmall * SMALL_SLOT + (size_t)nbig * BIG_SLOT;
}

static inline uint8_t *pool_slot(const struct pool *p, uint32_t slot)
{
	return p->base + pool_slot_offset(p, slot);
}

/*
 * The bytes of @d, or NULL if it names no slot of @p or reaches out of it.
 * Other processes may still write them: read each once.
 */
static inline uint8_t *pool_view(const struct pool *p, const struct desc *d)
{
	if (p->base == NULL || d->slot >= pool_slots(p))
		return NULL;
	if (d->off > pool_slot_size(p, d->slot) ||
	    d->len > pool_slot_size(p, d->slot) - d->off)
		return NULL;
	return pool_slot(p, d->slot) + d->off;
}

/* Where a slot is, as far as its home knows. */
enum slot_state {
	SLOT_FREE,
	SLOT_LENT,
	SLOT_FOUND,   /* lent by an earlier instance: it lay in a ring */
	SLOT_DOUBTED, /* free, unless it is found */
	/*
	 * Lent, and its packet refers to more than its own bytes (struct ref):
	 * this + whose they are.  Of one that was found that is not known.
	 */
	SLOT_REFERS,
	SLOT_OWNERS = 64,
	SLOT_NSTATES = SLOT_REFERS + SLOT_OWNERS,
};

/* What only the home has. */
struct pool_home {
	struct pool p;
	uint16_t *small; /* stack of free small slots */
	uint16_t *big;
	uint8_t *state;                /* enum slot_state, for each slot */
	uint32_t nstate[SLOT_NSTATES]; /* how many slots are in it */
	uint32_t small_free;
	uint32_t big_free;
};

/* Private memory for @h; -ENOMEM.  Nothing is free until _rebuild. */
int pool_home_init(struct pool_home *h, const struct pool *p);
void pool_home_free(struct pool_home *h);

/*
 * The free list anew, in three steps: doubt all; mark each slot found in a
 * ring; the rest is free.  Marking a slot that does not exist does nothing.
 *
 * To look again later, doubt those that were found: what has come home since,
 * and was lent again, is beyond doubt.
 */
void pool_doubt_all(struct pool_home *h);
void pool_doubt_found(struct pool_home *h);
void pool_mark(struct pool_home *h, uint32_t slot);
void pool_rebuild(struct pool_home *h);

/* A free slot for @bytes in all, or -ENOBUFS, or -EMSGSIZE if none is so big.
 */
int pool_get(struct pool_home *h, uint32_t bytes);

/* The packet in @slot, which is lent, refers to memory of @owner's, too. */
void pool_refers(struct pool_home *h, uint32_t slot, uint32_t owner);

/* True if some packet that is out refers to memory of @owner's, or may. */
static inline bool pool_is_referred(const struct pool_home *h, uint32_t owner)
{
	return h->nstate[SLOT_REFERS + owner] + h->nstate[SLOT_FOUND] > 0;
}

/* A slot came home.  False if it was not out: a neighbour returned it twice. */
bool pool_put(struct pool_home *h, uint32_t slot);

#endif /* SHM_POOL_H */
