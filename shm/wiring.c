/*
 * wiring.c - from a topology to the place of everything in shared memory
 */
#include "shm/wiring.h"

#include <errno.h>
#include <string.h>

#include "shm/pool.h"

enum {
	PAGE = 4096,
};

bool wiring_is_up(const struct topology *t, uint32_t from, uint32_t to)
{
	return t->procs[from].layer < t->procs[to].layer;
}

/* Which processes a slot can reach along the rings of one direction. */
static void reach(
    bool r[TOPO_MAX_PROCS][TOPO_MAX_PROCS], const struct topology *t, bool up)
{
	/* At most as many hops as there are layers. */
	for (int hop = 0; hop < NLAYERS; hop++) {
		for (uint32_t i = 0; i < t->nrings; i++) {
			const struct topo_ring *e = &t->rings[i];

			if (wiring_is_up(t, e->from, e->to) != up)
				continue;
			r[e->from][e->to] = true;
			for (uint32_t h = 0; h < t->nprocs; h++)
				r[h][e->to] |= r[h][e->from];
		}
	}
}

static uint32_t power_of_two_above(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static int add_ring(
    struct wiring *w, uint8_t from, uint8_t to, uint32_t slots, bool returns)
{
	if (w->nrings == WIRING_MAX_RINGS)
		return -E2BIG;
	w->ring[w->nrings++] = (struct wire_ring){
		.from = from,
		.to = to,
		.slots = slots,
		.returns = returns,
	};
	return 0;
}

static int add_returns(struct wiring *w, const struct topology *t)
{
	for (uint8_t home = 0; home < t->nprocs; home++) {
		const struct topo_proc *h = &t->procs[home];
		uint32_t n = power_of_two_above(h->small_slots + h->big_slots);

		for (uint8_t p = 0; p < t->nprocs; p++) {
			if (p == home || !wiring_reads_pool(w, p, home))
				continue;
			if (add_ring(w, p, home, n, true) < 0)
				return -E2BIG;
		}
	}
	return 0;
}

static size_t page_up(size_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

/* Producer halves are page-aligned, consumer halves a cache line each. */
static void place(struct wiring *w, const struct topology *t)
{
	size_t end[TOPO_MAX_PROCS];

	for (uint32_t p = 0; p < t->nprocs; p++)
		end[p] = OUT_RINGS_OFF;
	for (uint32_t i = 0; i < w->nrings; i++) {
		struct wire_ring *r = &w->ring[i];

		r->cons_off = (uint32_t)end[r->to];
		end[r->to] += sizeof(struct ring_cons);
	}
	for (uint32_t p = 0; p < t->nprocs; p++)
		end[p] = page_up(end[p]);
	for (uint32_t i = 0; i < w->nrings; i++) {
		struct wire_ring *r = &w->ring[i];

		r->prod_off = (uint32_t)end[r->from];
		end[r->from] += page_up(sizeof(struct ring_prod) +
		    (size_t)r->slots * sizeof(struct desc));
	}
	for (uint32_t p = 0; p < t->nprocs; p++)
		w->out_bytes[p] = end[p];
}

int wiring_compute(struct wiring *ret, const struct topology *t)
{
	static const struct wiring zero;
	struct wiring *w = ret;

	*w = zero;
	reach(w->up, t, true);
	reach(w->down, t, false);
	for (uint32_t i = 0; i < t->nrings; i++) {
		const struct topo_ring *e = &t->rings[i];

		if (add_ring(w, e->from, e->to, e->slots, false) < 0)
			return -E2BIG;
	}
	if (add_returns(w, t) < 0)
		return -E2BIG;
	place(w, t);
	for (uint32_t p = 0; p < t->nprocs; p++)
		w->pool_bytes[p] = page_up(
		    pool_bytes(t->procs[p].small_slots, t->procs[p].big_slots));
	return 0;
}

bool wiring_reads_pool(const struct wiring *w, uint32_t p, uint32_t home)
{
	return p == home || w->up[home][p] || w->down[home][p];
}

bool wiring_writes_pool(const struct wiring *w, uint32_t p, uint32_t home)
{
	return p == home || w->down[home][p];
}

bool wiring_neighbours(const struct wiring *w, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < w->nrings; i++)
		if ((w->ring[i].from == a && w->ring[i].to == b) ||
		    (w->ring[i].from == b && w->ring[i].to == a))
			return true;
	return false;
}
