/*
 * neighbour_world.h - a neighbour table with a clock of its own and an undo log
 *
 * Each turn is checked as it ends: a changed byte that was neither announced
 * nor in a block free at the start is a failure, and playing the log back must
 * give the memory as it was.
 */
#ifndef TESTS_UNIT_NEIGHBOUR_WORLD_H
#define TESTS_UNIT_NEIGHBOUR_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/neighbour.h"

enum {
	UNDO_MAX = 4096,
	UNDO_BYTES = 64,
};

struct world {
	struct neighbours n;
	struct mono now;
	struct topo_neighbour conf;
	const struct topo_neighbour *confs[2];
	uint8_t *mem, *before;
	bool *was_free; /* blocks at the start of the turn */
	size_t size;
	struct {
		size_t at, len;
		uint8_t old[UNDO_BYTES];
	} undo[UNDO_MAX];
	size_t nundo;
};

static const struct mac MAC_A = { { 2, 0, 0, 0, 0, 0xa } };
static const struct mac MAC_B = { { 2, 0, 0, 0, 0, 0xb } };

static inline struct ip_addr host(uint32_t i)
{
	uint8_t b[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
		(uint8_t)i };

	return ip_from_v4(b);
}

static inline void world_saw(void *ctx, void *p, size_t len)
{
	struct world *w = ctx;

	assert_true(w->nundo < UNDO_MAX && len <= UNDO_BYTES);
	w->undo[w->nundo].at = (size_t)((uint8_t *)p - w->mem);
	w->undo[w->nundo].len = len;
	memcpy(w->undo[w->nundo++].old, p, len);
}

static inline void turn_begin(struct world *w)
{
	neighbour_turn(&w->n);
	memcpy(w->before, w->mem, w->size);
	memset(w->was_free, 0, w->n.blocks * sizeof(bool));
	for (uint32_t i = 0; i < w->n.nfree_block; i++)
		w->was_free[w->n.free_block[i]] = true;
	w->nundo = 0;
}

/* True if the byte lies in a block that was free as the turn began. */
static inline bool free_byte(const struct world *w, size_t at)
{
	size_t blocks = neighbour_table_size(w->n.entries, 0);

	return at >= blocks && w->was_free[(at - blocks) / NEIGHBOUR_BLOCK];
}

static inline void turn_check(struct world *w)
{
	uint8_t *copy = malloc(w->size);
	bool *touched = calloc(w->size, sizeof(bool));

	assert_non_null(copy);
	assert_non_null(touched);
	memcpy(copy, w->mem, w->size);
	for (size_t i = w->nundo; i-- > 0;) {
		memcpy(copy + w->undo[i].at, w->undo[i].old, w->undo[i].len);
		memset(touched + w->undo[i].at, 1, w->undo[i].len);
	}
	for (size_t i = 0; i < w->size; i++) {
		if (free_byte(w, i))
			continue;
		if (w->mem[i] != w->before[i] && !touched[i])
			fail_msg("byte %zu changed without a touch", i);
		if (copy[i] != w->before[i])
			fail_msg("byte %zu is not undone", i);
	}
	free(copy);
	free(touched);
}

/* End the turn, start the next @ms later. */
static inline void pass(struct world *w, int64_t ms)
{
	turn_check(w);
	w->now = mono_add_ms(w->now, ms);
	turn_begin(w);
}

static inline void world_open(struct world *w)
{
	struct touch t = { world_saw, w };

	w->nundo = 0;
	assert_int_equal(
	    neighbour_open(&w->n, w->mem, w->size, t, w->confs, 2), 0);
	turn_begin(w);
}

static inline struct world *world_make(uint32_t entries, uint32_t blocks)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->conf = (struct topo_neighbour){
		.reachable_ms = 30000,
		.retrans_ms = 1000,
		.delay_ms = 5000,
		.multicast_tries = 3,
		.unicast_tries = 3,
		.queue_bytes = 8 * NEIGHBOUR_BLOCK,
		.stale_s = 600,
	};
	w->confs[0] = w->confs[1] = &w->conf;
	w->now = (struct mono){ 1000LL * NS_PER_S };
	w->size = neighbour_table_size(entries, blocks);
	w->mem = malloc(w->size);
	w->before = malloc(w->size);
	w->was_free = calloc(blocks + 1, sizeof(bool));
	assert_true(w->mem && w->before && w->was_free);
	memset(w->mem, 0xee, w->size);
	neighbour_format(w->mem, entries, blocks, 42);
	world_open(w);
	return w;
}

/* The daemon dies and comes back on the same memory. */
static inline void world_restart(struct world *w)
{
	turn_check(w);
	neighbour_close(&w->n);
	world_open(w);
}

static inline void world_free(struct world *w)
{
	turn_check(w);
	neighbour_close(&w->n);
	free(w->mem);
	free(w->before);
	free(w->was_free);
	free(w);
}

static inline enum neighbour_state state_of(struct world *w, uint32_t h)
{
	struct ip_addr ip = host(h);
	const struct neighbour *e =
	    neighbour_get(&w->n, neighbour_find(&w->n, 0, &ip));

	return e ? (enum neighbour_state)e->state : NEIGHBOUR_FREE;
}

static inline enum neighbour_answer want(
    struct world *w, uint32_t h, struct neighbour_hop *hop)
{
	struct ip_addr ip = host(h);
	struct neighbour_hop unused;

	return neighbour_wanted(&w->n, 0, &ip, w->now, hop ? hop : &unused);
}

static inline void advert(struct world *w, uint32_t h, const struct mac *mac,
    bool solicited, bool override)
{
	struct ip_addr ip = host(h);
	struct neighbour_advert na = {
		.mac = mac, .solicited = solicited, .override = override
	};

	neighbour_advert(&w->n, 0, &ip, &na, w->now);
}

static inline void heard(struct world *w, uint32_t h, const struct mac *mac)
{
	struct ip_addr ip = host(h);

	neighbour_heard(&w->n, 0, &ip, mac, true, w->now);
}

/* The next action, which must exist and be this. */
static inline struct neighbour_action expect(
    struct world *w, enum neighbour_do what)
{
	struct neighbour_action a;

	assert_true(neighbour_tick(&w->n, w->now, &a));
	assert_int_equal(a.what, what);
	return a;
}

static inline void expect_nothing(struct world *w)
{
	struct neighbour_action a;

	assert_false(neighbour_tick(&w->n, w->now, &a));
}

static inline int enqueue(
    struct world *w, uint32_t id, const void *bytes, size_t len)
{
	struct span s = { bytes, len };

	return neighbour_enqueue(&w->n, id, "head", 4, &s, 1);
}

#endif /* TESTS_UNIT_NEIGHBOUR_WORLD_H */
