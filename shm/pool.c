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
	n.state = calloc(pool_slots(p) + 1U, 1);
	if (n.small == NULL || n.big == NULL || n.state == NULL) {
		pool_home_free(&n);
		return -ENOMEM;
	}
	*h = n;
	h->nstate[SLOT_FREE] = pool_slots(p);
	return 0;
}

void pool_home_free(struct pool_home *h)
{
	free(h->small);
	free(h->big);
	free(h->state);
	h->small = NULL;
	h->big = NULL;
	h->state = NULL;
}

static void set_state(struct pool_home *h, uint32_t slot, uint32_t state)
{
	h->nstate[h->state[slot]]--;
	h->state[slot] = (uint8_t)state;
	h->nstate[state]++;
}

void pool_doubt_all(struct pool_home *h)
{
	memset(h->state, SLOT_DOUBTED, pool_slots(&h->p));
	memset(h->nstate, 0, sizeof(h->nstate));
	h->nstate[SLOT_DOUBTED] = pool_slots(&h->p);
	h->small_free = 0;
	h->big_free = 0;
}

void pool_doubt_found(struct pool_home *h)
{
	for (uint32_t s = 0; s < pool_slots(&h->p); s++)
		if (h->state[s] == SLOT_FOUND)
			set_state(h, s, SLOT_DOUBTED);
}

void pool_mark(struct pool_home *h, uint32_t slot)
{
	if (slot < pool_slots(&h->p) && h->state[slot] == SLOT_DOUBTED)
		set_state(h, slot, SLOT_FOUND);
}

static void set_free(struct pool_home *h, uint32_t slot)
{
	set_state(h, slot, SLOT_FREE);
	if (slot < h->p.nsmall)
		h->small[h->small_free++] = (uint16_t)slot;
	else
		h->big[h->big_free++] = (uint16_t)slot;
	poison(pool_slot(&h->p, slot), pool_slot_size(&h->p, slot));
}

void pool_rebuild(struct pool_home *h)
{
	/* From the top, so that the lowest slots are handed out first. */
	for (uint32_t s = pool_slots(&h->p); s-- > 0;)
		if (h->state[s] == SLOT_DOUBTED)
			set_free(h, s);
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
	set_state(h, slot, SLOT_LENT);
	unpoison(pool_slot(&h->p, slot), pool_slot_size(&h->p, slot));
	return slot;
}

void pool_refers(struct pool_home *h, uint32_t slot, uint32_t owner)
{
	if (slot < pool_slots(&h->p) && h->state[slot] == SLOT_LENT)
		set_state(h, slot, SLOT_REFERS + owner);
}

bool pool_put(struct pool_home *h, uint32_t slot)
{
	if (slot >= pool_slots(&h->p) || h->state[slot] == SLOT_FREE)
		return false;
	set_free(h, slot);
	return true;
}
