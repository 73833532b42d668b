/*
 * wiring.h - from a topology to the place of everything in shared memory
 *
 * A pure function.  The supervisor makes segments of these sizes; each daemon
 * computes the same from its copy of the topology and maps them.  No offset is
 * ever read from a segment that somebody writes.
 *
 * The topology lists the data rings.  The return rings, in which slots go home,
 * follow from them: one for each pair of a home and a process that its slots
 * can reach going up or down, with as many entries as the pool has slots, so a
 * return ring is never full and giving a slot back never waits.
 */
#ifndef SHM_WIRING_H
#define SHM_WIRING_H

#include <stdbool.h>

#include "shm/layout.h"

enum {
	WIRING_MAX_RINGS = 192,

	/* X.out: head, published table, ring halves, each on a page. */
	OUT_TABLE_OFF = 16 * 1024,
	OUT_TABLE_BYTES = 256 * 1024,
	OUT_RINGS_OFF = OUT_TABLE_OFF + OUT_TABLE_BYTES,

	/*
	 * Address space for what survives X; only what is touched costs.  The
	 * turn's own memory lies at its start, the layer's state behind.
	 */
	PRIV_STATE_OFF = 1024 * 1024,
	PRIV_BYTES = 128 * 1024 * 1024,
};

static_assert(sizeof(struct out_head) <= OUT_TABLE_OFF, "head fits");

struct wire_ring {
	uint8_t from, to;  /* indices into procs[] */
	uint8_t returns;   /* 1: slots of to's pool go home */
	uint32_t slots;    /* capacity, a power of two */
	uint32_t prod_off; /* in from's X.out */
	uint32_t cons_off; /* in to's X.out */
};

struct wiring {
	struct wire_ring ring[WIRING_MAX_RINGS];
	uint32_t nrings; /* data rings first, in the topology's order */
	size_t out_bytes[TOPO_MAX_PROCS];
	size_t pool_bytes[TOPO_MAX_PROCS];
	/* reaches[home][p]: slots of home can get to p going up, or down. */
	bool up[TOPO_MAX_PROCS][TOPO_MAX_PROCS];
	bool down[TOPO_MAX_PROCS][TOPO_MAX_PROCS];
};

/* -E2BIG if the topology needs more rings than there is room for. */
int wiring_compute(struct wiring *ret, const struct topology *t);

/* May @p see @home's pool at all, and may it write it? */
bool wiring_reads_pool(const struct wiring *w, uint32_t p, uint32_t home);
bool wiring_writes_pool(const struct wiring *w, uint32_t p, uint32_t home);

/* Does some ring join them, either way?  Then each maps the other's X.out. */
bool wiring_neighbours(const struct wiring *w, uint32_t a, uint32_t b);

/* True for a ring towards the apps: the smaller layer feeds the larger. */
bool wiring_is_up(const struct topology *t, uint32_t from, uint32_t to);

#endif /* SHM_WIRING_H */
