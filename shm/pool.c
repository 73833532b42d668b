/*
 * pool.c - which slots are free
 */
#include "shm/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/poison.h"

int pool_home_init(struct pool_home *h, const struct pool *p)
{
	struct pool_home n = { .p = *p };

	n.small = calloc(p->nsmall + 1U, sizeof(*n.small));
	n.big = calloc(p->nbig + 1U, sizeof(*n.big));
	n.lent = calloc(pool_slots(p) + 1U, 1);
	if (n.small == NULL || n.big == NULL || n.lent == NULL) {
		pool_home_free(&n);
		return -ENOMEM;
	}
	*h = n;
	return 0;
}

void pool_home_free(struct pool_home *h)
{
	free(h->small);
	free(h->big);
	free(h->lent);
	h->small = NULL;
	h->big = NULL;
	h->lent = NULL;
}

void pool_unmark(struct pool_home *h)
{
	memset(h->lent, 0, pool_slots(&h->p));
}

void pool_mark(struct pool_home *h, uint32_t slot)
{
	if (slot < pool_slots(&h->p))
		h->lent[slot] = 1;
}

void pool_rebuild(struct pool_home *h)
{
	h->small_free = 0;
	h->big_free = 0;
	/* From the top, so that the lowest slots are handed out first. */
	for (uint32_t s = pool_slots(&h->p); s-- > 0;) {
		if (h->lent[s])
			continue;
		if (s < h->p.nsmall)
			h->small[h->small_free++] = (uint16_t)s;
		else
			h->big[h->big_free++] = (uint16_t)s;
		poison(pool_slot(&h->p, s), pool_slot_size(&h->p, s));
	}
}

int pool_get(struct pool_home *h, uint32_t bytes)
{
	uint16_t slot;

	if (bytes > BIG_SLOT)
		return -EMSGSIZE;
	/* The last one in is the warmest in the cache. */
	if (bytes <= SMALL_SLOT && h->small_free > 0)
		slot = h->small[--h->small_free];
	else if (h->big_free > 0)
		slot = h->big[--h->big_free];
	else
		return -ENOBUFS;
	h->lent[slot] = 1;
	unpoison(pool_slot(&h->p, slot), pool_slot_size(&h->p, slot));
	return slot;
}

bool pool_put(struct pool_home *h, uint32_t slot)
{
	if (slot >= pool_slots(&h->p) || !h->lent[slot])
		return false;
	h->lent[slot] = 0;
	if (slot < h->p.nsmall)
		h->small[h->small_free++] = (uint16_t)slot;
	else
		h->big[h->big_free++] = (uint16_t)slot;
	poison(pool_slot(&h->p, slot), pool_slot_size(&h->p, slot));
	return true;
}
