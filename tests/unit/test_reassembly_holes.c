/*
 * test_reassembly_holes.c - the list of holes, step by step
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipd/reassembly_holes.h"

/* first..last arrives and fits. */
static void arrives(struct holes *h, uint32_t first, uint32_t last, bool is_end)
{
	uint32_t i = HOLES_MAX;

	assert_int_equal(holes_find(h, first, last, &i), HOLE_FITS);
	assert_true(i < h->n);
	assert_true(holes_fill(h, i, first, last, is_end));
}

static void closes_one_by_one(void **state)
{
	struct holes h;

	(void)state;
	holes_init(&h);
	assert_true(holes_are_sane(&h, 0));
	arrives(&h, 16, 23, true);
	assert_int_equal(h.n, 1);
	assert_true(holes_begin_at(&h, 0));
	assert_true(holes_are_sane(&h, 24));
	arrives(&h, 0, 7, false);
	assert_true(holes_begin_at(&h, 8));
	assert_false(holes_begin_at(&h, 0));
	arrives(&h, 8, 15, false);
	assert_int_equal(h.n, 0);
	assert_true(holes_are_sane(&h, 24));
}

static void tells_missing_from_there_from_both(void **state)
{
	struct holes h;
	uint32_t i;

	(void)state;
	holes_init(&h);
	arrives(&h, 16, 31, false);
	assert_int_equal(holes_find(&h, 0, 15, &i), HOLE_FITS);
	assert_int_equal(holes_find(&h, 32, 39, &i), HOLE_FITS);
	assert_int_equal(holes_find(&h, 16, 31, &i), HOLE_HAVE_ALL);
	assert_int_equal(holes_find(&h, 24, 31, &i), HOLE_HAVE_ALL);
	assert_int_equal(holes_find(&h, 8, 23, &i), HOLE_COLLIDES);
	assert_int_equal(holes_find(&h, 24, 39, &i), HOLE_COLLIDES);
	assert_int_equal(holes_find(&h, 0, 63, &i), HOLE_COLLIDES);
}

static void has_room_for_so_many(void **state)
{
	struct holes h;
	uint32_t i;

	(void)state;
	holes_init(&h);
	for (uint32_t k = 1; k < HOLES_MAX; k++)
		arrives(&h, 16 * k, 16 * k + 7, false);
	assert_int_equal(h.n, HOLES_MAX);
	assert_int_equal(holes_find(&h, 1600, 1607, &i), HOLE_FITS);
	assert_false(holes_fill(&h, i, 1600, 1607, false));
	assert_true(holes_are_sane(&h, 0));
	arrives(&h, 1600, 1607, true);
	assert_int_equal(h.n, HOLES_MAX);
}

static void sees_what_cannot_be(void **state)
{
	static const struct {
		const char *why;
		struct holes holes;
		uint32_t total;
	} cases[] = {
		{ "too many", { .n = HOLES_MAX + 1 }, 8 },
		{ "backwards", { { { 16, 7 } }, 1 }, 64 },
		{ "odd beginning", { { { 4, 7 } }, 1 }, 64 },
		{ "odd end", { { { 8, 12 } }, 1 }, 64 },
		{ "beyond the end", { { { 8, 71 } }, 1 }, 64 },
		{ "no end, although none is known", { { { 0, 7 } }, 1 }, 0 },
		{ "an end, although one is known", { { { 0, 65535 } }, 1 }, 8 },
		{ "two that touch", { { { 0, 7 }, { 8, 15 } }, 2 }, 64 },
		{ "two that overlap", { { { 0, 23 }, { 8, 15 } }, 2 }, 64 },
		{ "none and no end", { .n = 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (holes_are_sane(&cases[i].holes, cases[i].total))
			fail_msg("%s", cases[i].why);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes_one_by_one),
		cmocka_unit_test(tells_missing_from_there_from_both),
		cmocka_unit_test(has_room_for_so_many),
		cmocka_unit_test(sees_what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
