/*
 * armed.c - the slots into which frames are being read
 */
#include "linkd/armed.h"

#include <string.h>

/*
 * As a virtio_net_hdr it would be an unknown kind of super-frame; as an
 * Ethernet header a frame that was sent by a group.  No frame begins so.
 */
static const uint8_t PATTERN[12] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff };

uint32_t armed_limit(uint32_t nbig, uint32_t nlinks)
{
	uint32_t share = nbig / 2 / (nlinks ? nlinks : 1);

	if (share > ARMED_MAX)
		share = ARMED_MAX;
	return share ? share : 1;
}

bool armed_makes_sense(const struct armed *a, const struct node *n)
{
	if (a->state == ARMED_NONE)
		return true;
	return a->state < NARMED_STATES && a->slot >= n->home.p.nsmall &&
	    a->slot < pool_slots(&n->home.p);
}

void armed_mark(struct node *n, const struct armed_table *t)
{
	for (uint32_t i = 0; i < ARMED_MAX; i++)
		if (t->a[i].state != ARMED_NONE)
			node_mark(n, t->a[i].slot);
}

void armed_fill(struct node *n, struct armed_table *t, uint32_t want)
{
	for (uint32_t i = 0; i < want; i++) {
		struct desc d;

		if (t->a[i].state != ARMED_NONE)
			continue;
		if (node_alloc(n, BIG_SLOT, &d) == NULL)
			return;
		node_touch(n, &t->a[i], sizeof(t->a[i]));
		t->a[i] = (struct armed){ d.slot, ARMED_TAKEN };
	}
}

void armed_again(struct node *n, struct armed_table *t, uint32_t off)
{
	for (uint32_t i = 0; i < ARMED_MAX; i++) {
		struct armed *a = &t->a[i];

		if (a->state != ARMED_TAKEN)
			continue;
		memcpy(pool_slot(&n->home.p, a->slot) + off, PATTERN,
		    sizeof(PATTERN));
		/* A kill between the two leaves it taken: nothing is lost. */
		atomic_signal_fence(memory_order_seq_cst);
		a->state = ARMED_READY;
	}
}

bool armed_has_frame(const struct node *n, const struct armed *a, uint32_t off)
{
	return a->state == ARMED_READY &&
	    memcmp(pool_slot(&n->home.p, a->slot) + off, PATTERN,
		sizeof(PATTERN)) != 0;
}
