/*
 * neighbour_table.h - between the three files of the neighbour table only
 *
 *	neighbour.c        events, states, timers: the protocol
 *	neighbour_table.c  memory: format, hints, rebuilding, eviction
 *	neighbour_queue.c  the packets that wait
 */
#ifndef LINKD_NEIGHBOUR_TABLE_H
#define LINKD_NEIGHBOUR_TABLE_H

#include "linkd/neighbour.h"

/* Announced once a turn: a busy turn changes the same entry many times. */
static inline struct neighbour *entry_touch(struct neighbours *n, uint32_t id)
{
	if (n->announced[id] != n->turn) {
		n->announced[id] = n->turn;
		touch(&n->touch, &n->entry[id], sizeof(n->entry[id]));
	}
	return &n->entry[id];
}

/* Put the deadline of a touched entry, and its place in the heap. */
void table_arm(struct neighbours *n, uint32_t id, struct mono deadline);

/* A free entry, if need be by evicting a STALE one; NONE if there is none. */
uint32_t table_take(struct neighbours *n);
void table_hash(struct neighbours *n, uint32_t id);
void table_unhash(struct neighbours *n, uint32_t id);

void ready_add(struct neighbours *n, uint32_t id);
void ready_remove(struct neighbours *n, uint32_t id);

/* Drop all packets of a touched entry. */
void queue_clear(struct neighbours *n, uint32_t id);

/*
 * Mark the blocks of entry @id in @used (one byte each).  False if the chain
 * leaves the arena, meets a block twice or disagrees with its lengths; what was
 * met until then stays marked.
 */
bool queue_check(const struct neighbours *n, uint32_t id, uint8_t *used);

/* neighbour.c: a waiting packet of @id was sent; its last one has left. */
void neighbour_sent(struct neighbours *n, uint32_t id, struct mono now);
void neighbour_emptied(struct neighbours *n, uint32_t id);

#endif /* LINKD_NEIGHBOUR_TABLE_H */
