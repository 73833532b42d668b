/*
 * test_ranges.c - each step is a call and the expected contents
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/ranges.h"
#include "tests/harness/random.h"

/* All tests count from here: the wrap is in the middle of each. */
static const uint32_t ISN = 0xffffffff - 499;

static tcp_seq at(uint32_t n)
{
	return seq_of(ISN + n);
}

static int add(struct ranges *s, uint32_t left, uint32_t right)
{
	return ranges_add(s, at(left), at(right));
}

static int take(struct ranges *s, uint32_t left, uint32_t right)
{
	return ranges_remove(s, at(left), at(right));
}

/* @want is pairs, ended by a pair of zeros. */
static void expect(const struct ranges *s, const uint32_t want[][2])
{
	uint32_t n = 0;

	for (; want[n][1] != 0; n++) {
		assert_true(n < s->n);
		assert_int_equal(s->r[n].left.n - ISN, want[n][0]);
		assert_int_equal(s->r[n].right.n - ISN, want[n][1]);
	}
	assert_int_equal(s->n, n);
}

#define EXPECT(s, ...) expect(s, (const uint32_t[][2]){ __VA_ARGS__, { 0, 0 } })
#define EMPTY        \
	{            \
		0, 0 \
	}

static void adds_in_order_and_joins_what_touches(void **state)
{
	struct ranges s = { 0 };

	(void)state;
	assert_int_equal(add(&s, 400, 500), 0);
	EXPECT(&s, { 400, 500 });
	assert_int_equal(add(&s, 700, 800), 0);
	assert_int_equal(add(&s, 100, 200), 0);
	EXPECT(&s, { 100, 200 }, { 400, 500 }, { 700, 800 });
	assert_int_equal(add(&s, 500, 550), 0);
	EXPECT(&s, { 100, 200 }, { 400, 550 }, { 700, 800 });
	assert_int_equal(add(&s, 350, 400), 0);
	EXPECT(&s, { 100, 200 }, { 350, 550 }, { 700, 800 });
	assert_int_equal(add(&s, 400, 420), 0);
	EXPECT(&s, { 100, 200 }, { 350, 550 }, { 700, 800 });
	assert_int_equal(add(&s, 200, 350), 0);
	EXPECT(&s, { 100, 550 }, { 700, 800 });
	assert_int_equal(add(&s, 50, 900), 0);
	EXPECT(&s, { 50, 900 });
	assert_int_equal(add(&s, 950, 950), 0);
	assert_int_equal(add(&s, 960, 950), 0);
	EXPECT(&s, { 50, 900 });
	assert_int_equal(ranges_bytes(&s), 850);
}

static void removes_edges_middles_and_whole_ones(void **state)
{
	struct ranges s = { 0 };

	(void)state;
	add(&s, 100, 900);
	assert_int_equal(take(&s, 400, 600), 0);
	EXPECT(&s, { 100, 400 }, { 600, 900 });
	assert_int_equal(take(&s, 50, 150), 0);
	EXPECT(&s, { 150, 400 }, { 600, 900 });
	assert_int_equal(take(&s, 350, 650), 0);
	EXPECT(&s, { 150, 350 }, { 650, 900 });
	assert_int_equal(take(&s, 350, 650), 0);
	assert_int_equal(take(&s, 200, 200), 0);
	EXPECT(&s, { 150, 350 }, { 650, 900 });
	assert_int_equal(take(&s, 650, 900), 0);
	EXPECT(&s, { 150, 350 });
	assert_int_equal(take(&s, 0, 1000), 0);
	EXPECT(&s, EMPTY);
}

static void forgets_what_is_below(void **state)
{
	struct ranges s = { 0 };

	(void)state;
	add(&s, 100, 200);
	add(&s, 300, 400);
	add(&s, 600, 700);
	ranges_remove_below(&s, at(100));
	EXPECT(&s, { 100, 200 }, { 300, 400 }, { 600, 700 });
	ranges_remove_below(&s, at(350));
	EXPECT(&s, { 350, 400 }, { 600, 700 });
	ranges_remove_below(&s, at(400));
	EXPECT(&s, { 600, 700 });
	ranges_remove_below(&s, at(5000));
	EXPECT(&s, EMPTY);
}

static void finds_and_overlaps(void **state)
{
	struct ranges s = { 0 };

	(void)state;
	add(&s, 100, 200);
	add(&s, 499, 600);
	assert_false(ranges_contains(&s, at(99)));
	assert_true(ranges_contains(&s, at(100)));
	assert_true(ranges_contains(&s, at(199)));
	assert_false(ranges_contains(&s, at(200)));
	assert_true(ranges_contains(&s, seq_of(0xffffffff)));
	assert_true(ranges_contains(&s, seq_of(0)));
	assert_ptr_equal(ranges_overlap(&s, at(0), at(1000)), &s.r[0]);
	assert_ptr_equal(ranges_overlap(&s, at(200), at(500)), &s.r[1]);
	assert_null(ranges_overlap(&s, at(200), at(499)));
	assert_null(ranges_overlap(&s, at(600), at(1000)));
	assert_null(ranges_overlap(&s, at(150), at(150)));
}

static void shows_the_gaps(void **state)
{
	struct ranges s = { 0 };
	struct seq_range g;

	(void)state;
	assert_false(ranges_gap(&s, at(7), &g));
	assert_int_equal(g.left.n, at(7).n);
	add(&s, 100, 200);
	add(&s, 400, 600);
	assert_true(ranges_gap(&s, at(7), &g));
	assert_int_equal(g.left.n, at(7).n);
	assert_int_equal(g.right.n, at(100).n);
	assert_true(ranges_gap(&s, at(100), &g));
	assert_int_equal(g.left.n, at(200).n);
	assert_int_equal(g.right.n, at(400).n);
	assert_true(ranges_gap(&s, at(399), &g));
	assert_int_equal(g.left.n, at(399).n);
	assert_false(ranges_gap(&s, at(500), &g));
	assert_int_equal(g.left.n, at(600).n);
	assert_int_equal(g.right.n, at(600).n);
}

static void refuses_one_too_many_and_stays_as_it_was(void **state)
{
	struct ranges s = { 0 }, before;

	(void)state;
	for (uint32_t i = 0; i < RANGES_MAX; i++)
		assert_int_equal(add(&s, i * 20, i * 20 + 10), 0);
	before = s;
	assert_int_equal(add(&s, 5000, 5001), -ENOSPC);
	assert_int_equal(add(&s, 12, 18), -ENOSPC);
	assert_int_equal(take(&s, 3, 6), -ENOSPC);
	assert_memory_equal(&s, &before, sizeof(s));
	/* What touches, fills or shortens needs no room. */
	assert_int_equal(add(&s, 10, 12), 0);
	assert_int_equal(add(&s, 12, 20), 0);
	assert_int_equal(s.n, RANGES_MAX - 1);
	assert_int_equal(take(&s, 0, 3), 0);
	assert_int_equal(take(&s, 5, 6), 0);
	assert_int_equal(s.n, RANGES_MAX);
}

/* ---- Against a bit for each number ---- */

enum {
	SPACE = 600,
};

/* How many ranges the bits make; each of @s is checked against them. */
static uint32_t compare(const struct ranges *s, const bool *bit, uint32_t isn)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SPACE; i++) {
		assert_int_equal(ranges_contains(s, seq_of(isn + i)), bit[i]);
		if (!bit[i] || (i > 0 && bit[i - 1]))
			continue;
		assert_true(n < s->n);
		assert_int_equal(s->r[n].left.n, isn + i);
		n++;
	}
	assert_int_equal(s->n, n);
	return n;
}

static uint32_t count_ranges(const bool *bit)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SPACE; i++)
		n += bit[i] && (i == 0 || !bit[i - 1]);
	return n;
}

static void behaves_like_a_bit_for_each_number(void **state)
{
	struct random rnd = { 2018 };

	(void)state;
	for (int round = 0; round < 40; round++) {
		uint32_t isn = (uint32_t)random_next(&rnd);
		bool bit[SPACE] = { false }, next[SPACE];
		struct ranges s = { 0 };

		if (round % 2)
			isn = 0U - SPACE / 2;
		for (int step = 0; step < 200; step++) {
			uint32_t a = random_below(&rnd, SPACE);
			uint32_t len = random_below(&rnd, 30);
			uint32_t b = a + len;
			bool adding = random_chance(&rnd, 70);
			int ret;

			if (b > SPACE)
				b = SPACE;
			memcpy(next, bit, sizeof(bit));
			for (uint32_t i = a; i < b; i++)
				next[i] = adding;
			ret = adding
			    ? ranges_add(&s, seq_of(isn + a), seq_of(isn + b))
			    : ranges_remove(
				  &s, seq_of(isn + a), seq_of(isn + b));
			if (count_ranges(next) > RANGES_MAX)
				assert_int_equal(ret, -ENOSPC);
			else
				assert_int_equal(ret, 0);
			if (ret == 0)
				memcpy(bit, next, sizeof(bit));
			compare(&s, bit, isn);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_in_order_and_joins_what_touches),
		cmocka_unit_test(removes_edges_middles_and_whole_ones),
		cmocka_unit_test(forgets_what_is_below),
		cmocka_unit_test(finds_and_overlaps),
		cmocka_unit_test(shows_the_gaps),
		cmocka_unit_test(refuses_one_too_many_and_stays_as_it_was),
		cmocka_unit_test(behaves_like_a_bit_for_each_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
