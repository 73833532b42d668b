/*
 * test_histogram.c - counts of durations, and what follows from them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/histogram.h"

struct both {
	struct histogram h;
	struct histogram_copy c;
};

static struct both *fresh(void)
{
	struct both *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	return b;
}

static void add(struct both *b, int64_t value, uint32_t times)
{
	while (times-- > 0)
		histogram_add(&b->h, value);
	histogram_read(&b->c, &b->h);
}

/* Less than 1 % of @want. */
static void assert_near(int64_t got, int64_t want)
{
	int64_t off = got > want ? got - want : want - got;

	assert_true(off * 100 <= want);
}

static void a_bucket_is_its_values_to_less_than_one_percent(void **state)
{
	uint64_t most = (uint64_t)1 << HISTOGRAM_MAX;

	(void)state;
	for (uint64_t v = 0; v < 100000; v++)
		assert_near(histogram_middle(histogram_index(v)), (int64_t)v);
	for (uint64_t v = 1; v < most; v = v * 33 / 32 + 1) {
		assert_near(histogram_middle(histogram_index(v)), (int64_t)v);
		assert_near(
		    histogram_middle(histogram_index(v - 1)), (int64_t)v - 1);
	}
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		assert_int_equal(
		    histogram_index((uint64_t)histogram_middle(i)), i);
}

static void buckets_follow_each_other_without_a_gap(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (uint64_t v = 1; v < 1U << 20; v++) {
		uint32_t i = histogram_index(v);

		assert_true(i == last || i == last + 1);
		last = i;
	}
	assert_int_equal(histogram_index(((uint64_t)1 << HISTOGRAM_MAX) - 1),
	    HISTOGRAM_BUCKETS - 1);
}

static void what_is_over_is_counted(void **state)
{
	struct both *b = fresh();

	(void)state;
	add(b, (int64_t)1 << HISTOGRAM_MAX, 2);
	add(b, INT64_MAX, 1);
	add(b, -5, 1);
	assert_int_equal(b->c.over, 3);
	assert_int_equal(b->c.bucket[0], 1);
	assert_int_equal(histogram_count(&b->c), 4);
	assert_true(
	    histogram_quantile(&b->c, 1) == (int64_t)1 << HISTOGRAM_MAX);
	free(b);
}

static void quantiles_and_mean(void **state)
{
	struct both *b = fresh();

	(void)state;
	assert_int_equal(histogram_quantile(&b->c, 0.5), 0);
	assert_true(histogram_mean(&b->c) <= 0);
	for (int64_t v = 1; v <= 10000; v++)
		histogram_add(&b->h, v * 1000);
	histogram_read(&b->c, &b->h);
	assert_near(histogram_quantile(&b->c, 0), 1000);
	assert_near(histogram_quantile(&b->c, 0.5), 5000000);
	assert_near(histogram_quantile(&b->c, 0.9), 9000000);
	assert_near(histogram_quantile(&b->c, 0.99), 9900000);
	assert_near(histogram_quantile(&b->c, 0.999), 9990000);
	assert_near(histogram_quantile(&b->c, 1), 10000000);
	assert_near((int64_t)histogram_mean(&b->c), 5000500);
	free(b);
}

static void they_are_merged_and_told_apart_by_adding(void **state)
{
	struct both *a = fresh();
	struct both *b = fresh();
	struct histogram_copy *before = malloc(sizeof(*before));

	(void)state;
	assert_non_null(before);
	add(a, 100, 3);
	add(b, 100, 2);
	add(b, 7000, 5);
	histogram_merge(&a->c, &b->c);
	assert_int_equal(histogram_count(&a->c), 10);
	assert_int_equal(a->c.bucket[100], 5);

	*before = b->c;
	add(b, 7000, 4);
	add(b, INT64_MAX, 1);
	histogram_since(&b->c, before);
	assert_int_equal(histogram_count(&b->c), 5);
	assert_near(histogram_quantile(&b->c, 0), 7000);
	free(before);
	free(b);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_bucket_is_its_values_to_less_than_one_percent),
		cmocka_unit_test(buckets_follow_each_other_without_a_gap),
		cmocka_unit_test(what_is_over_is_counted),
		cmocka_unit_test(quantiles_and_mean),
		cmocka_unit_test(they_are_merged_and_told_apart_by_adding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
