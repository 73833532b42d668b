/*
 * test_seq.c - sequence numbers around and across the wrap
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/seq.h"

/* Where a comparison may go wrong: around 0 and around 2^31. */
static const uint32_t NEAR[] = {
	0,
	1,
	2,
	0x7ffffffe,
	0x7fffffff,
	0x80000000,
	0x80000001,
	0xfffffffe,
	0xffffffff,
};

enum {
	NNEAR = sizeof(NEAR) / sizeof(NEAR[0]),
};

static void orders_numbers_across_the_wrap(void **state)
{
	(void)state;
	for (size_t i = 0; i < NNEAR; i++) {
		tcp_seq a = seq_of(NEAR[i]);
		tcp_seq b = seq_add(a, 0x7fffffff);

		assert_true(seq_lt(a, b) && seq_leq(a, b));
		assert_true(seq_gt(b, a) && seq_geq(b, a));
		assert_false(seq_lt(b, a) || seq_leq(b, a));
		assert_false(seq_lt(a, a) || seq_gt(a, a));
		assert_true(seq_leq(a, a) && seq_geq(a, a) && seq_eq(a, a));
		assert_false(seq_eq(a, b));
	}
}

static void measures_the_distance_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < NNEAR; i++) {
		tcp_seq a = seq_of(NEAR[i]);

		assert_int_equal(seq_diff(seq_add(a, 1460), a), 1460);
		assert_int_equal(seq_diff(a, seq_add(a, 1460)), -1460);
		assert_int_equal(seq_diff(a, a), 0);
		assert_int_equal(seq_len(a, seq_add(a, 70000)), 70000);
		assert_true(seq_eq(seq_sub(seq_add(a, 12345), 12345), a));
	}
}

static void takes_the_later_and_the_earlier(void **state)
{
	tcp_seq before = seq_of(0xfffffff0), after = seq_of(0x10);

	(void)state;
	assert_int_equal(seq_max(before, after).n, 0x10);
	assert_int_equal(seq_max(after, before).n, 0x10);
	assert_int_equal(seq_min(before, after).n, 0xfffffff0);
	assert_int_equal(seq_min(after, before).n, 0xfffffff0);
}

static void knows_the_edges_of_a_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < NNEAR; i++) {
		tcp_seq first = seq_of(NEAR[i]);

		assert_true(seq_in_window(first, first, 1));
		assert_false(seq_in_window(first, first, 0));
		assert_true(seq_in_window(seq_add(first, 65534), first, 65535));
		assert_false(
		    seq_in_window(seq_add(first, 65535), first, 65535));
		assert_false(seq_in_window(seq_sub(first, 1), first, 65535));
		assert_false(seq_in_window(seq_sub(first, 1), first, 1U << 30));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_numbers_across_the_wrap),
		cmocka_unit_test(measures_the_distance_both_ways),
		cmocka_unit_test(takes_the_later_and_the_earlier),
		cmocka_unit_test(knows_the_edges_of_a_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
