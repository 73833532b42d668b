/*
 * test_wiring.c - where everything lies in the segments, for all configs
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/pool.h"
#include "shm/turn.h"
#include "shm/wiring.h"

/* Linkd 0, ipd 1, tcpd 2, udpd 3 of the usual stack. */
enum {
	LINKD,
	IPD,
	TCPD,
	UDPD,
};

static void load(struct topology *t, const char *path)
{
	char error[TOPO_ERROR_LEN];

	if (topology_load(t, path, error) < 0)
		fail_msg("%s", error);
}

/* A stretch of some X.out and who writes it, which must be X. */
struct stretch {
	uint32_t proc;
	size_t start, end;
};

static int by_place(const void *a, const void *b)
{
	const struct stretch *x = a;
	const struct stretch *y = b;

	if (x->proc != y->proc)
		return x->proc < y->proc ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static void nothing_overlaps(const struct topology *t, const struct wiring *w)
{
	static struct stretch s[2 * WIRING_MAX_RINGS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->nrings; i++) {
		const struct wire_ring *r = &w->ring[i];

		s[n++] = (struct stretch){ r->from, r->prod_off,
			r->prod_off + sizeof(struct ring_prod) +
			    r->slots * sizeof(struct desc) };
		s[n++] = (struct stretch){ r->to, r->cons_off,
			r->cons_off + sizeof(struct ring_cons) };
	}
	qsort(s, n, sizeof(s[0]), by_place);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(s[i].start >= OUT_RINGS_OFF);
		assert_true(s[i].start % CACHE_LINE == 0);
		assert_true(s[i].end <= w->out_bytes[s[i].proc]);
		if (i > 0 && s[i].proc == s[i - 1].proc)
			assert_true(s[i].start >= s[i - 1].end);
	}
	(void)t;
}

static bool returns_to(const struct wiring *w, uint32_t from, uint32_t home,
    const struct topology *t)
{
	const struct topo_proc *h = &t->procs[home];

	for (uint32_t i = 0; i < w->nrings; i++) {
		const struct wire_ring *r = &w->ring[i];

		if (!r->returns || r->from != from || r->to != home)
			continue;
		/* It can never be full. */
		assert_true(r->slots >= h->small_slots + h->big_slots);
		assert_int_equal(r->slots & (r->slots - 1), 0);
		return true;
	}
	return false;
}

/* Whoever may hold a slot has a way to give it back, and nobody else. */
static void every_slot_has_a_way_home(
    const struct topology *t, const struct wiring *w)
{
	for (uint32_t home = 0; home < t->nprocs; home++)
		for (uint32_t p = 0; p < t->nprocs; p++)
			assert_int_equal(returns_to(w, p, home, t),
			    p != home && wiring_reads_pool(w, p, home));
}

/* Whom a data ring joins can read what it carries, in both pools. */
static void what_is_sent_can_be_read(
    const struct topology *t, const struct wiring *w)
{
	for (uint32_t i = 0; i < t->nrings; i++) {
		uint32_t from = t->rings[i].from;
		uint32_t to = t->rings[i].to;

		assert_true(wiring_reads_pool(w, to, from));
		assert_true(wiring_neighbours(w, from, to));
		for (uint32_t home = 0; home < t->nprocs; home++) {
			bool up = wiring_is_up(t, from, to);
			bool gets = up ? w->up[home][from] || home == from
				       : w->down[home][from] || home == from;

			if (gets)
				assert_true(wiring_reads_pool(w, to, home));
		}
	}
}

/* Only on the way down is another's pool written: headers in front. */
static void only_layers_below_write_a_pool(
    const struct topology *t, const struct wiring *w)
{
	for (uint32_t home = 0; home < t->nprocs; home++) {
		for (uint32_t p = 0; p < t->nprocs; p++) {
			if (p == home)
				assert_true(wiring_writes_pool(w, p, home));
			else if (wiring_writes_pool(w, p, home))
				assert_true(
				    t->procs[p].layer < t->procs[home].layer);
			if (wiring_writes_pool(w, p, home))
				assert_true(wiring_reads_pool(w, p, home));
		}
	}
}

static void fits_the_turn(const struct topology *t, const struct wiring *w)
{
	for (uint32_t p = 0; p < t->nprocs; p++) {
		uint32_t in = 0;
		uint32_t out = 0;

		for (uint32_t i = 0; i < w->nrings; i++) {
			in += w->ring[i].to == p;
			out += w->ring[i].from == p;
		}
		assert_true(in <= TURN_MAX_RINGS);
		assert_true(out <= TURN_MAX_RINGS);
	}
}

static void check(const char *path)
{
	struct topology t;
	struct wiring w;

	load(&t, path);
	assert_int_equal(wiring_compute(&w, &t), 0);
	nothing_overlaps(&t, &w);
	every_slot_has_a_way_home(&t, &w);
	what_is_sent_can_be_read(&t, &w);
	only_layers_below_write_a_pool(&t, &w);
	fits_the_turn(&t, &w);
	for (uint32_t p = 0; p < t.nprocs; p++) {
		assert_true(w.pool_bytes[p] >=
		    pool_bytes(t.procs[p].small_slots, t.procs[p].big_slots));
		assert_int_equal(w.pool_bytes[p] % 4096, 0);
		assert_int_equal(w.out_bytes[p] % 4096, 0);
	}
}

static void all_configs_are_wired_without_overlaps(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("configs/*.json", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (strstr(g.gl_pathv[i], "schema") == NULL)
			check(g.gl_pathv[i]);
	globfree(&g);
}

static void the_usual_stack_shares_its_pools_so(void **state)
{
	/* reads[p][home], writes[p][home] */
	static const bool reads[4][4] = {
		[LINKD] = { true, true, true, true },
		[IPD] = { true, true, true, true },
		[TCPD] = { true, true, true, false },
		[UDPD] = { true, true, false, true },
	};
	static const bool writes[4][4] = {
		[LINKD] = { true, true, true, true },
		[IPD] = { false, true, true, true },
		[TCPD] = { false, false, true, false },
		[UDPD] = { false, false, false, true },
	};
	struct topology t;
	struct wiring w;

	(void)state;
	load(&t, "configs/tap.json");
	assert_int_equal(wiring_compute(&w, &t), 0);
	for (uint32_t p = 0; p < 4; p++) {
		for (uint32_t home = 0; home < 4; home++) {
			assert_int_equal(
			    wiring_reads_pool(&w, p, home), reads[p][home]);
			assert_int_equal(
			    wiring_writes_pool(&w, p, home), writes[p][home]);
		}
	}
	assert_false(wiring_neighbours(&w, TCPD, UDPD));
}

static void data_rings_come_first_and_in_order(void **state)
{
	struct topology t;
	struct wiring w;

	(void)state;
	load(&t, "configs/tap.json");
	assert_int_equal(wiring_compute(&w, &t), 0);
	for (uint32_t i = 0; i < w.nrings; i++) {
		assert_int_equal(w.ring[i].returns, i >= t.nrings);
		if (i >= t.nrings)
			continue;
		assert_int_equal(w.ring[i].from, t.rings[i].from);
		assert_int_equal(w.ring[i].to, t.rings[i].to);
		assert_int_equal(w.ring[i].slots, t.rings[i].slots);
	}
}

/* Any two processes compute the same, to the bit. */
static void the_same_topology_gives_the_same_wiring(void **state)
{
	static struct wiring a, b;
	struct topology t;

	(void)state;
	memset(&a, 0xaa, sizeof(a));
	memset(&b, 0x55, sizeof(b));
	load(&t, "configs/two-links.json");
	assert_int_equal(wiring_compute(&a, &t), 0);
	assert_int_equal(wiring_compute(&b, &t), 0);
	assert_memory_equal(a.ring, b.ring, a.nrings * sizeof(a.ring[0]));
	assert_memory_equal(a.out_bytes, b.out_bytes, sizeof(a.out_bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_configs_are_wired_without_overlaps),
		cmocka_unit_test(the_usual_stack_shares_its_pools_so),
		cmocka_unit_test(data_rings_come_first_and_in_order),
		cmocka_unit_test(the_same_topology_gives_the_same_wiring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
