/*
 * test_pool.c - which bytes a descriptor names, and which slots are free
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shm/poison.h"
#include "shm/pool.h"

enum {
	NSMALL = 3,
	NBIG = 2,
	NSLOTS = NSMALL + NBIG,
};

static struct pool new_pool(void)
{
	struct pool p = { .nsmall = NSMALL, .nbig = NBIG, .writable = true };

	p.base = malloc(pool_bytes(NSMALL, NBIG));
	assert_non_null(p.base);
	return p;
}

static void open_home(struct pool_home *h)
{
	struct pool p = new_pool();

	assert_int_equal(pool_home_init(h, &p), 0);
	pool_doubt_all(h);
	pool_rebuild(h);
}

static void close_home(struct pool_home *h)
{
	unpoison(h->p.base, pool_bytes(NSMALL, NBIG));
	free(h->p.base);
	pool_home_free(h);
}

static void small_slots_lie_before_big_ones(void **state)
{
	struct pool p = new_pool();

	(void)state;
	assert_int_equal(pool_slots(&p), NSLOTS);
	assert_int_equal(pool_slot_offset(&p, 0), 0);
	assert_int_equal(pool_slot_offset(&p, 2), 2 * SMALL_SLOT);
	assert_int_equal(pool_slot_offset(&p, 3), 3 * SMALL_SLOT);
	assert_int_equal(pool_slot_offset(&p, 4), 3 * SMALL_SLOT + BIG_SLOT);
	assert_int_equal(pool_slot_size(&p, 2), SMALL_SLOT);
	assert_int_equal(pool_slot_size(&p, 3), BIG_SLOT);
	free(p.base);
}

static void a_view_is_the_bytes_that_a_descriptor_names(void **state)
{
	struct pool p = new_pool();
	struct desc d = { .slot = 1, .off = 100, .len = 200 };

	(void)state;
	assert_ptr_equal(pool_view(&p, &d), p.base + SMALL_SLOT + 100);
	d = (struct desc){ .slot = 4, .len = BIG_SLOT };
	assert_ptr_equal(pool_view(&p, &d), p.base + 3 * SMALL_SLOT + BIG_SLOT);
	d = (struct desc){ .slot = 0, .off = SMALL_SLOT };
	assert_ptr_equal(pool_view(&p, &d), p.base + SMALL_SLOT);
	free(p.base);
}

/* Every length at every offset near the ends, and the largest there are. */
static void a_view_never_reaches_out_of_its_slot(void **state)
{
	static const uint32_t far[] = { BIG_SLOT, UINT16_MAX, UINT32_MAX - 1,
		UINT32_MAX, UINT32_MAX - SMALL_SLOT + 1 };
	struct pool p = new_pool();

	(void)state;
	for (uint32_t off = SMALL_SLOT - 3; off < SMALL_SLOT + 3; off++) {
		struct desc d = { .slot = 2, .off = (uint16_t)off };

		for (d.len = 0; d.len < 6; d.len++)
			assert_int_equal(pool_view(&p, &d) != NULL,
			    off + d.len <= SMALL_SLOT);
		for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
			d.len = far[i];
			assert_null(pool_view(&p, &d));
		}
	}
	for (uint32_t len = BIG_SLOT - 3; len < BIG_SLOT + 3; len++) {
		struct desc d = { .slot = 3, .off = 1, .len = len };

		assert_int_equal(
		    pool_view(&p, &d) != NULL, len + 1 <= BIG_SLOT);
	}
	free(p.base);
}

static void a_slot_that_does_not_exist_has_no_view(void **state)
{
	struct pool p = new_pool();
	struct desc d = { 0 };

	(void)state;
	for (uint32_t slot = NSLOTS; slot <= UINT16_MAX; slot++) {
		d.slot = (uint16_t)slot;
		assert_null(pool_view(&p, &d));
	}
	free(p.base);
}

static void a_pool_that_is_not_ours_to_see_has_no_views(void **state)
{
	struct pool none = { .base = NULL };
	struct pool unmapped = { .nsmall = 4 };
	struct desc d = { 0 };

	(void)state;
	assert_null(pool_view(&none, &d));
	assert_null(pool_view(&unmapped, &d));
}

static void lends_every_slot_once(void **state)
{
	struct pool_home h;
	bool seen[NSLOTS] = { false };

	(void)state;
	open_home(&h);
	for (int i = 0; i < NSLOTS; i++) {
		int slot = pool_get(&h, 100);

		assert_in_range(slot, 0, NSLOTS - 1);
		assert_false(seen[slot]);
		seen[slot] = true;
	}
	assert_int_equal(pool_get(&h, 100), -ENOBUFS);
	assert_true(pool_put(&h, 3));
	assert_int_equal(pool_get(&h, 100), 3);
	close_home(&h);
}

static void lends_a_slot_that_is_large_enough(void **state)
{
	struct pool_home h;

	(void)state;
	open_home(&h);
	assert_true(pool_get(&h, SMALL_SLOT) < NSMALL);
	assert_true(pool_get(&h, SMALL_SLOT + 1) >= NSMALL);
	assert_true(pool_get(&h, BIG_SLOT) >= NSMALL);
	assert_int_equal(pool_get(&h, SMALL_SLOT + 1), -ENOBUFS);
	assert_int_equal(pool_get(&h, BIG_SLOT + 1), -EMSGSIZE);
	/* The small ones are still there. */
	assert_int_equal(h.small_free, NSMALL - 1);
	close_home(&h);
}

static void notices_a_slot_that_comes_home_twice(void **state)
{
	struct pool_home h;
	int slot;

	(void)state;
	open_home(&h);
	slot = pool_get(&h, 1);
	assert_true(pool_put(&h, (uint32_t)slot));
	assert_false(pool_put(&h, (uint32_t)slot));
	assert_int_equal(h.small_free, NSMALL);
	assert_false(pool_put(&h, NSLOTS));
	assert_false(pool_put(&h, UINT32_MAX));
	close_home(&h);
}

static void after_a_crash_all_that_is_not_marked_is_free(void **state)
{
	struct pool_home h;

	(void)state;
	open_home(&h);
	for (int i = 0; i < NSLOTS; i++)
		pool_get(&h, 1);
	pool_doubt_all(&h);
	pool_mark(&h, 1);
	pool_mark(&h, 4);
	pool_mark(&h, 4);          /* in two rings for a moment */
	pool_mark(&h, NSLOTS);     /* a neighbour's lie */
	pool_mark(&h, UINT32_MAX); /* and another */
	pool_rebuild(&h);
	assert_int_equal(h.small_free, NSMALL - 1);
	assert_int_equal(h.big_free, NBIG - 1);
	assert_int_equal(pool_get(&h, 1), 0);
	assert_int_equal(pool_get(&h, 1), 2);
	assert_int_equal(pool_get(&h, 1), 3);
	assert_int_equal(pool_get(&h, 1), -ENOBUFS);
	assert_true(pool_put(&h, 1));
	assert_true(pool_put(&h, 4));
	close_home(&h);
}

static void what_came_home_since_is_beyond_doubt(void **state)
{
	struct pool_home h;

	(void)state;
	open_home(&h);
	pool_doubt_all(&h);
	pool_mark(&h, 0);
	pool_mark(&h, 1);
	pool_mark(&h, 4);
	pool_rebuild(&h);
	assert_true(pool_put(&h, 1));
	assert_int_equal(pool_get(&h, 1), 1);
	/* Slot 2 is free, 3 lent anew, 1 lent again; of the others 4 is found.
	 */
	assert_int_equal(pool_get(&h, BIG_SLOT), 3);
	pool_doubt_found(&h);
	pool_mark(&h, 2);
	pool_mark(&h, 4);
	pool_rebuild(&h);
	assert_int_equal(h.small_free, 2);
	assert_int_equal(h.big_free, 0);
	assert_int_equal(pool_get(&h, 1), 0);
	assert_int_equal(pool_get(&h, 1), 2);
	assert_true(pool_put(&h, 3));
	assert_true(pool_put(&h, 4));
	close_home(&h);
}

/* Until the last that refers to it has come home, whoever else has slots. */
static void knows_whose_memory_is_referred_to(void **state)
{
	struct pool_home h;
	uint32_t a, b, c;

	(void)state;
	open_home(&h);
	a = (uint32_t)pool_get(&h, 1);
	b = (uint32_t)pool_get(&h, 1);
	c = (uint32_t)pool_get(&h, 1);
	pool_refers(&h, a, 5);
	pool_refers(&h, b, 5);
	pool_refers(&h, c, SLOT_OWNERS - 1);
	assert_true(pool_is_referred(&h, 5));
	assert_true(pool_is_referred(&h, SLOT_OWNERS - 1));
	assert_false(pool_is_referred(&h, 0));
	assert_true(pool_put(&h, a));
	assert_true(pool_is_referred(&h, 5));
	assert_true(pool_put(&h, b));
	assert_false(pool_is_referred(&h, 5));
	/* The next to have it does not refer to anybody. */
	assert_int_equal(pool_get(&h, 1), b);
	assert_false(pool_is_referred(&h, 5));
	close_home(&h);
}

/* What is in rings then may refer to anybody's. */
static void after_a_crash_anybody_may_be_referred_to(void **state)
{
	struct pool_home h;

	(void)state;
	open_home(&h);
	assert_false(pool_is_referred(&h, 7));
	pool_doubt_all(&h);
	pool_mark(&h, 1);
	pool_mark(&h, 3);
	pool_mark(&h, 4);
	pool_mark(&h, 4);
	pool_rebuild(&h);
	assert_true(pool_is_referred(&h, 0));
	assert_true(pool_is_referred(&h, 7));
	assert_true(pool_put(&h, 4));
	assert_true(pool_is_referred(&h, 7));
	/* Slot 3 is not found any more. */
	pool_doubt_found(&h);
	pool_mark(&h, 1);
	pool_rebuild(&h);
	assert_true(pool_is_referred(&h, 7));
	assert_true(pool_put(&h, 1));
	assert_false(pool_is_referred(&h, 7));
	close_home(&h);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_slots_lie_before_big_ones),
		cmocka_unit_test(a_view_is_the_bytes_that_a_descriptor_names),
		cmocka_unit_test(a_view_never_reaches_out_of_its_slot),
		cmocka_unit_test(a_slot_that_does_not_exist_has_no_view),
		cmocka_unit_test(a_pool_that_is_not_ours_to_see_has_no_views),
		cmocka_unit_test(lends_every_slot_once),
		cmocka_unit_test(lends_a_slot_that_is_large_enough),
		cmocka_unit_test(notices_a_slot_that_comes_home_twice),
		cmocka_unit_test(after_a_crash_all_that_is_not_marked_is_free),
		cmocka_unit_test(what_came_home_since_is_beyond_doubt),
		cmocka_unit_test(knows_whose_memory_is_referred_to),
		cmocka_unit_test(after_a_crash_anybody_may_be_referred_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
