/*
 * neighbour_table.c - the memory of the neighbour table, and its hints
 *
 * Nothing of the hints survives; all of it follows from the table, so that a
 * crash between two lines can never leave the two in disagreement.
 */
#include "linkd/neighbour_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x6e65696768626f72ULL /* "neighbor" */

enum {
	MAX_ENTRIES = 1 << 20,
	MAX_BLOCKS = 1 << 20,
};

static_assert(sizeof(struct neighbour) == 64, "persistent layout");
static_assert(sizeof(struct neighbour_table) == 32, "persistent layout");
static_assert(sizeof(struct neighbour_block) == NEIGHBOUR_BLOCK, "ditto");

/* --- the persistent memory --- */

static size_t entries_at(void)
{
	return 64;
}

static size_t blocks_at(uint32_t entries)
{
	return entries_at() + entries * sizeof(struct neighbour);
}

size_t neighbour_table_size(uint32_t entries, uint32_t blocks)
{
	return blocks_at(entries) + blocks * sizeof(struct neighbour_block);
}

void neighbour_format(
    void *mem, uint32_t entries, uint32_t blocks, uint64_t seed)
{
	struct neighbour_table *t = mem;
	void *at = (char *)mem + entries_at();
	struct neighbour *e = at;

	memset(mem, 0, blocks_at(entries));
	for (uint32_t i = 0; i < entries; i++) {
		e[i].queue_head = e[i].queue_tail = NEIGHBOUR_NONE;
		e[i].deadline = MONO_NEVER;
	}
	t->entries = entries;
	t->blocks = blocks;
	t->random = seed ? seed : 1; /* xorshift is stuck at 0 */
	t->hash_key = seed * 0x9e3779b97f4a7c15ULL;
	t->magic = MAGIC;
}

/* --- hash by link and address --- */

static uint32_t *bucket_of(
    const struct neighbours *n, uint8_t link, const struct ip_addr *ip)
{
	uint64_t a, b, h;

	memcpy(&a, ip->b, 8);
	memcpy(&b, ip->b + 8, 8);
	h = (a ^ n->table->hash_key) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 32 ^ b ^ link) * 0xc4ceb9fe1a85ec53ULL;
	return &n->bucket[(uint32_t)(h >> 32) & n->bucket_mask];
}

void table_hash(struct neighbours *n, uint32_t id)
{
	uint32_t *at = bucket_of(n, n->entry[id].link, &n->entry[id].ip);

	n->chain[id] = *at;
	*at = id;
}

void table_unhash(struct neighbours *n, uint32_t id)
{
	uint32_t *at = bucket_of(n, n->entry[id].link, &n->entry[id].ip);

	while (*at != id)
		at = &n->chain[*at];
	*at = n->chain[id];
}

uint32_t neighbour_find(
    const struct neighbours *n, uint8_t link, const struct ip_addr *ip)
{
	uint32_t id = *bucket_of(n, link, ip);

	while (id != NEIGHBOUR_NONE &&
	    (n->entry[id].link != link || !ip_equal(&n->entry[id].ip, ip)))
		id = n->chain[id];
	return id;
}

const struct neighbour *neighbour_get(const struct neighbours *n, uint32_t id)
{
	if (id >= n->entries || n->entry[id].state == NEIGHBOUR_FREE)
		return NULL;
	return &n->entry[id];
}

/* --- heap by deadline --- */

static bool earlier(const struct neighbours *n, uint32_t a, uint32_t b)
{
	return mono_before(n->entry[a].deadline, n->entry[b].deadline);
}

static void heap_put(struct neighbours *n, uint32_t at, uint32_t id)
{
	n->heap[at] = id;
	n->heap_at[id] = at;
}

/* Move @id, now at @at, to where its deadline belongs. */
static void heap_settle(struct neighbours *n, uint32_t at, uint32_t id)
{
	while (at > 0 && earlier(n, id, n->heap[(at - 1) / 2])) {
		heap_put(n, at, n->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < n->heap_len &&
		    earlier(n, n->heap[child + 1], n->heap[child]))
			child++;
		if (child >= n->heap_len || !earlier(n, n->heap[child], id))
			break;
		heap_put(n, at, n->heap[child]);
		at = child;
	}
	heap_put(n, at, id);
}

static void heap_remove(struct neighbours *n, uint32_t id)
{
	uint32_t at = n->heap_at[id];
	uint32_t last;

	if (at == NEIGHBOUR_NONE)
		return;
	n->heap_at[id] = NEIGHBOUR_NONE;
	last = n->heap[--n->heap_len];
	if (last != id)
		heap_settle(n, at, last);
}

static void heap_update(struct neighbours *n, uint32_t id)
{
	if (n->entry[id].deadline.ns == MONO_NEVER.ns) {
		heap_remove(n, id);
		return;
	}
	if (n->heap_at[id] == NEIGHBOUR_NONE)
		n->heap_at[id] = n->heap_len++;
	heap_settle(n, n->heap_at[id], id);
}

void table_arm(struct neighbours *n, uint32_t id, struct mono deadline)
{
	n->entry[id].deadline = deadline;
	heap_update(n, id);
}

/* --- entries whose packets can leave --- */

static bool ready_has(const struct neighbours *n, uint32_t id)
{
	return n->ready_head == id || n->ready_prev[id] != NEIGHBOUR_NONE;
}

void ready_add(struct neighbours *n, uint32_t id)
{
	if (ready_has(n, id))
		return;
	n->ready_prev[id] = n->ready_tail;
	n->ready_next[id] = NEIGHBOUR_NONE;
	if (n->ready_tail == NEIGHBOUR_NONE)
		n->ready_head = id;
	else
		n->ready_next[n->ready_tail] = id;
	n->ready_tail = id;
}

void ready_remove(struct neighbours *n, uint32_t id)
{
	uint32_t prev = n->ready_prev[id];
	uint32_t next = n->ready_next[id];

	if (!ready_has(n, id))
		return;
	if (prev == NEIGHBOUR_NONE)
		n->ready_head = next;
	else
		n->ready_next[prev] = next;
	if (next == NEIGHBOUR_NONE)
		n->ready_tail = prev;
	else
		n->ready_prev[next] = prev;
	n->ready_prev[id] = n->ready_next[id] = NEIGHBOUR_NONE;
}

uint32_t neighbour_ready(const struct neighbours *n, uint32_t after)
{
	if (after == NEIGHBOUR_NONE)
		return n->ready_head;
	return after < n->entries ? n->ready_next[after] : NEIGHBOUR_NONE;
}

/* --- free entries --- */

/*
 * The STALE entry not used for longest.  Those never used at all go first: a
 * stranger who makes us learn a thousand addresses pushes out only his own.
 */
static uint32_t eviction_victim(const struct neighbours *n)
{
	uint32_t best = NEIGHBOUR_NONE;

	for (uint32_t i = 0; i < n->entries; i++) {
		const struct neighbour *e = &n->entry[i];
		const struct neighbour *b;

		if (e->state != NEIGHBOUR_STALE ||
		    e->queue_head != NEIGHBOUR_NONE)
			continue;
		if (best == NEIGHBOUR_NONE) {
			best = i;
			continue;
		}
		b = &n->entry[best];
		if (mono_before(e->used, b->used) ||
		    (e->used.ns == b->used.ns && earlier(n, i, best)))
			best = i;
	}
	return best;
}

uint32_t table_take(struct neighbours *n)
{
	if (n->nfree_entry == 0) {
		uint32_t victim = eviction_victim(n);

		if (victim == NEIGHBOUR_NONE)
			return NEIGHBOUR_NONE;
		neighbour_forget(n, victim);
		n->count[NEIGHBOUR_EVICTED]++;
	}
	return n->free_entry[--n->nfree_entry];
}

/* --- rebuilding --- */

static bool timed(const struct neighbour *e)
{
	switch ((enum neighbour_state)e->state) {
	case NEIGHBOUR_INCOMPLETE:
	case NEIGHBOUR_REACHABLE:
	case NEIGHBOUR_STALE:
	case NEIGHBOUR_DELAY:
	case NEIGHBOUR_PROBE:
		return true;
	case NEIGHBOUR_FREE:
	case NEIGHBOUR_FAILED:
	case NEIGHBOUR_PERMANENT:
	case NEIGHBOUR_NSTATES:
		break;
	}
	return false;
}

static bool entry_makes_sense(const struct neighbours *n, uint32_t id)
{
	const struct neighbour *e = &n->entry[id];

	if (e->state >= NEIGHBOUR_NSTATES || e->link >= n->nlinks ||
	    !n->conf[e->link])
		return false;
	if ((e->deadline.ns != MONO_NEVER.ns) != timed(e))
		return false;
	if (e->state == NEIGHBOUR_FAILED && e->queue_head == NEIGHBOUR_NONE)
		return false;
	return neighbour_find(n, e->link, &e->ip) == NEIGHBOUR_NONE;
}

static void mend(struct neighbours *n, uint32_t id, uint8_t *used)
{
	struct neighbour *e = &n->entry[id];

	if (e->state == NEIGHBOUR_FREE)
		return;
	if (entry_makes_sense(n, id)) {
		if (queue_check(n, id, used))
			return;
		e = entry_touch(n, id);
		e->queue_head = e->queue_tail = NEIGHBOUR_NONE;
		e->queue_blocks = 0;
		n->count[NEIGHBOUR_MENDED]++;
		if (e->state != NEIGHBOUR_FAILED)
			return;
	} else {
		n->count[NEIGHBOUR_MENDED]++;
	}
	e = entry_touch(n, id);
	*e = (struct neighbour){
		.queue_head = NEIGHBOUR_NONE,
		.queue_tail = NEIGHBOUR_NONE,
		.deadline = MONO_NEVER,
	};
}

static void rebuild_entry(struct neighbours *n, uint32_t id)
{
	const struct neighbour *e = &n->entry[id];

	if (e->state == NEIGHBOUR_FREE) {
		n->free_entry[n->nfree_entry++] = id;
		return;
	}
	table_hash(n, id);
	if (e->state == NEIGHBOUR_INCOMPLETE)
		n->incomplete[e->link]++;
	else if (e->queue_head != NEIGHBOUR_NONE)
		ready_add(n, id);
	heap_update(n, id);
}

void neighbour_rebuild(struct neighbours *n)
{
	/* Not yet of use for anything else: what is found in a queue. */
	uint8_t *used = (uint8_t *)n->freed_block;

	neighbour_turn(n);
	n->heap_len = n->nfree_entry = 0;
	n->nfree_block = n->nfreed_block = 0;
	n->ready_head = n->ready_tail = NEIGHBOUR_NONE;
	memset(n->incomplete, 0, sizeof(n->incomplete));
	memset(n->bucket, 0xff, (n->bucket_mask + 1) * sizeof(*n->bucket));
	memset(n->heap_at, 0xff, n->entries * sizeof(*n->heap_at));
	memset(n->ready_next, 0xff, n->entries * sizeof(*n->ready_next));
	memset(n->ready_prev, 0xff, n->entries * sizeof(*n->ready_prev));
	memset(used, 0, n->blocks);

	for (uint32_t i = 0; i < n->entries; i++) {
		mend(n, i, used);
		rebuild_entry(n, i);
	}
	/* Once more: a queue found broken has left marks. */
	memset(used, 0, n->blocks);
	for (uint32_t i = 0; i < n->entries; i++)
		if (n->entry[i].state != NEIGHBOUR_FREE)
			queue_check(n, i, used);
	for (uint32_t i = n->blocks; i-- > 0;)
		if (!used[i])
			n->free_block[n->nfree_block++] = i;
}

static bool table_fits(const struct neighbour_table *t, size_t size)
{
	return size >= entries_at() && t->magic == MAGIC && t->entries > 0 &&
	    t->entries <= MAX_ENTRIES && t->blocks <= MAX_BLOCKS &&
	    t->random != 0 &&
	    neighbour_table_size(t->entries, t->blocks) <= size;
}

/* All hints are arrays of numbers: one piece of memory. */
static int hints_make(struct neighbours *n)
{
	size_t buckets = 1;
	uint32_t *p;

	while (buckets < n->entries * 2UL)
		buckets *= 2;
	p = calloc(buckets + 7UL * n->entries + 2UL * n->blocks, sizeof(*p));
	if (!p)
		return -ENOMEM;
	n->bucket = p;
	n->bucket_mask = (uint32_t)(buckets - 1);
	n->chain = n->bucket + buckets;
	n->heap = n->chain + n->entries;
	n->heap_at = n->heap + n->entries;
	n->ready_next = n->heap_at + n->entries;
	n->ready_prev = n->ready_next + n->entries;
	n->free_entry = n->ready_prev + n->entries;
	n->announced = n->free_entry + n->entries;
	n->free_block = n->announced + n->entries;
	n->freed_block = n->free_block + n->blocks;
	return 0;
}

int neighbour_open(struct neighbours *ret, void *mem, size_t size,
    struct touch t, const struct topo_neighbour *const *conf, uint32_t nlinks)
{
	struct neighbours n = { .table = mem, .touch = t, .nlinks = nlinks };
	void *entries, *blocks;
	int r;

	if (nlinks > TOPO_MAX_LINKS || !table_fits(mem, size))
		return -EINVAL;
	for (uint32_t i = 0; i < nlinks; i++)
		n.conf[i] = conf[i];
	n.entries = n.table->entries;
	n.blocks = n.table->blocks;
	entries = (char *)mem + entries_at();
	blocks = (char *)mem + blocks_at(n.entries);
	n.entry = entries;
	n.block = blocks;

	r = hints_make(&n);
	if (r < 0)
		return r;
	neighbour_rebuild(&n);
	*ret = n;
	return 0;
}

void neighbour_close(struct neighbours *n)
{
	free(n->bucket);
	n->bucket = NULL;
}
