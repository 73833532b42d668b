/*
 * neighbour_queue.c - the packets that wait for a neighbour
 *
 *	entry.queue_head -> block -next_packet-> block -> ... <- queue_tail
 *	                      | next               | next
 *	                    block                  v
 *
 * A packet is written whole into free blocks, which needs no announcement, and
 * then linked with two announced stores.
 */
#include "linkd/neighbour_table.h"

#include <errno.h>
#include <string.h>

static uint32_t blocks_for(size_t len)
{
	return len == 0
	    ? 1
	    : (uint32_t)((len + NEIGHBOUR_DATA - 1) / NEIGHBOUR_DATA);
}

/* Its blocks rest until the next turn: an undo may need them as they are. */
static void free_packet(struct neighbours *n, uint32_t first)
{
	for (uint32_t b = first; b != NEIGHBOUR_NONE; b = n->block[b].next)
		n->freed_block[n->nfreed_block++] = b;
}

void neighbour_turn(struct neighbours *n)
{
	n->turn++;
	while (n->nfreed_block > 0)
		n->free_block[n->nfree_block++] =
		    n->freed_block[--n->nfreed_block];
}

/* Unlink the oldest packet of @id. */
static void drop_head(struct neighbours *n, uint32_t id)
{
	struct neighbour *e = entry_touch(n, id);
	uint32_t first = e->queue_head;

	e->queue_head = n->block[first].next_packet;
	if (e->queue_head == NEIGHBOUR_NONE)
		e->queue_tail = NEIGHBOUR_NONE;
	e->queue_blocks -= blocks_for(n->block[first].len);
	free_packet(n, first);
}

/* That is a loss, and for @why. */
static void lose_head(
    struct neighbours *n, uint32_t id, enum neighbour_count why)
{
	struct neighbour_packet p;

	n->count[why]++;
	if (n->dropped != NULL && neighbour_peek(n, id, &p))
		n->dropped(n->dropped_ctx, &n->entry[id], &p, why);
	drop_head(n, id);
}

void queue_clear(struct neighbours *n, uint32_t id)
{
	while (n->entry[id].queue_head != NEIGHBOUR_NONE)
		lose_head(n, id, NEIGHBOUR_DROP_GONE);
}

/* Copy @len bytes of the spans into new blocks; returns the first. */
static uint32_t store(
    struct neighbours *n, const struct span *spans, unsigned nspans, size_t len)
{
	uint32_t next = NEIGHBOUR_NONE;

	/* Last block first, so that each knows its successor. */
	for (uint32_t i = blocks_for(len); i-- > 0;) {
		uint32_t at = n->free_block[--n->nfree_block];
		struct neighbour_block *b = &n->block[at];

		b->next = next;
		spans_copy(b->data, spans, nspans, (size_t)i * NEIGHBOUR_DATA,
		    NEIGHBOUR_DATA);
		next = at;
	}
	return next;
}

static void link_packet(struct neighbours *n, uint32_t id, uint32_t first)
{
	struct neighbour *e = entry_touch(n, id);
	uint32_t *from = &e->queue_head;

	if (e->queue_tail != NEIGHBOUR_NONE) {
		from = &n->block[e->queue_tail].next_packet;
		touch(&n->touch, from, sizeof(*from));
	}
	*from = first;
	e->queue_tail = first;
	e->queue_blocks += blocks_for(n->block[first].len);
}

int neighbour_enqueue(struct neighbours *n, uint32_t id, const void *header,
    size_t header_len, const struct span *spans, unsigned nspans)
{
	const struct neighbour *e = neighbour_get(n, id);
	size_t len = spans_len(spans, nspans);
	uint32_t need, cap, first;

	if (!e || header_len > NEIGHBOUR_HEADER)
		return -EINVAL;
	cap = n->conf[e->link]->queue_bytes / NEIGHBOUR_BLOCK;
	if (len > (size_t)cap * NEIGHBOUR_DATA || cap == 0) {
		n->count[NEIGHBOUR_DROP_TOO_BIG]++;
		return -EMSGSIZE;
	}
	need = blocks_for(len);
	if (need > n->nfree_block) {
		n->count[NEIGHBOUR_DROP_NO_BLOCK]++;
		return -ENOBUFS;
	}
	while (e->queue_blocks + need > cap)
		lose_head(n, id, NEIGHBOUR_DROP_OLDEST);

	first = store(n, spans, nspans, len);
	n->block[first].next_packet = NEIGHBOUR_NONE;
	n->block[first].len = (uint32_t)len;
	n->block[first].header_len = (uint32_t)header_len;
	if (header_len > 0)
		memcpy(n->block[first].header, header, header_len);
	link_packet(n, id, first);
	if (e->state != NEIGHBOUR_INCOMPLETE)
		ready_add(n, id);
	return 0;
}

bool neighbour_peek(
    const struct neighbours *n, uint32_t id, struct neighbour_packet *ret)
{
	const struct neighbour *e = neighbour_get(n, id);
	const struct neighbour_block *b;

	if (!e || e->queue_head == NEIGHBOUR_NONE)
		return false;
	b = &n->block[e->queue_head];
	*ret = (struct neighbour_packet){
		.header = b->header,
		.header_len = b->header_len,
		.len = b->len,
		.block = e->queue_head,
	};
	return true;
}

uint32_t neighbour_spans(const struct neighbours *n,
    const struct neighbour_packet *p, struct span *ret, uint32_t max)
{
	uint32_t at = p->block;
	uint32_t ns = 0;

	for (size_t off = 0; off < p->len && ns < max; off += NEIGHBOUR_DATA) {
		size_t part = p->len - off;

		if (part > NEIGHBOUR_DATA)
			part = NEIGHBOUR_DATA;
		ret[ns++] = (struct span){ n->block[at].data, part };
		at = n->block[at].next;
	}
	return ns;
}

void neighbour_copy(
    const struct neighbours *n, const struct neighbour_packet *p, uint8_t *dst)
{
	uint32_t at = p->block;

	for (size_t off = 0; off < p->len; off += NEIGHBOUR_DATA) {
		size_t part = p->len - off;

		if (part > NEIGHBOUR_DATA)
			part = NEIGHBOUR_DATA;
		memcpy(dst + off, n->block[at].data, part);
		at = n->block[at].next;
	}
}

void neighbour_pop(struct neighbours *n, uint32_t id, struct mono now)
{
	const struct neighbour *e = neighbour_get(n, id);

	if (!e || e->queue_head == NEIGHBOUR_NONE)
		return;
	drop_head(n, id);
	neighbour_sent(n, id, now);
	if (e->queue_head == NEIGHBOUR_NONE)
		neighbour_emptied(n, id);
}

/* Mark one packet; returns its blocks, or 0 if it is broken. */
static uint32_t check_packet(
    const struct neighbours *n, uint32_t first, uint8_t *used)
{
	const struct neighbour_block *b = &n->block[first];
	uint32_t want = blocks_for(b->len);
	uint32_t at = first;

	if (b->header_len > NEIGHBOUR_HEADER || want > n->blocks)
		return 0;
	for (uint32_t i = 0; i < want; i++) {
		if (at >= n->blocks || used[at])
			return 0;
		used[at] = 1;
		at = n->block[at].next;
	}
	return at == NEIGHBOUR_NONE ? want : 0;
}

bool queue_check(const struct neighbours *n, uint32_t id, uint8_t *used)
{
	const struct neighbour *e = &n->entry[id];
	uint32_t sum = 0, last = NEIGHBOUR_NONE;

	for (uint32_t at = e->queue_head; at != NEIGHBOUR_NONE;
	     at = n->block[at].next_packet) {
		uint32_t blocks =
		    at < n->blocks ? check_packet(n, at, used) : 0;

		if (blocks == 0)
			return false;
		sum += blocks;
		last = at;
	}
	return last == e->queue_tail && sum == e->queue_blocks;
}
