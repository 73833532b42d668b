/*
 * test_published.c - a copy is whole or it is none
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shm/published.h"

struct table {
	struct published p;
	uint32_t number[64];
};

static void fill(struct table *t, uint32_t number)
{
	for (int i = 0; i < 64; i++)
		t->number[i] = number;
}

static void a_table_at_rest_is_copied(void **state)
{
	struct table t = { 0 }, copy;

	(void)state;
	assert_true(published_copy(&copy, &t, sizeof(t)));
	assert_int_equal(copy.number[63], 0);
	publish_begin(&t.p);
	fill(&t, 7);
	publish_end(&t.p);
	assert_true(published_copy(&copy, &t, sizeof(t)));
	assert_int_equal(copy.number[0], 7);
	assert_int_equal(copy.number[63], 7);
}

static void every_update_changes_the_sequence(void **state)
{
	struct table t = { 0 };
	uint32_t before = published_seq(&t.p);

	(void)state;
	for (int i = 0; i < 5; i++) {
		publish_begin(&t.p);
		assert_int_equal(published_seq(&t.p) & 1, 1);
		publish_end(&t.p);
		assert_int_equal(published_seq(&t.p) & 1, 0);
		assert_int_not_equal(published_seq(&t.p), before);
		before = published_seq(&t.p);
	}
}

static void a_table_in_the_making_is_not_copied(void **state)
{
	struct table t = { 0 }, copy;

	(void)state;
	publish_begin(&t.p);
	fill(&t, 7);
	assert_false(published_copy(&copy, &t, sizeof(t)));
	publish_end(&t.p);
	assert_true(published_copy(&copy, &t, sizeof(t)));
}

/* It died in the middle; the next instance publishes all of it again. */
static void a_dead_writer_only_delays_its_readers(void **state)
{
	struct table t = { 0 }, copy;
	uint32_t torn;

	(void)state;
	publish_begin(&t.p);
	t.number[0] = 1;
	torn = published_seq(&t.p);
	assert_false(published_copy(&copy, &t, sizeof(t)));

	publish_begin(&t.p);
	assert_int_equal(published_seq(&t.p), torn);
	fill(&t, 2);
	assert_false(published_copy(&copy, &t, sizeof(t)));
	publish_end(&t.p);
	assert_true(published_copy(&copy, &t, sizeof(t)));
	assert_int_equal(copy.number[0], 2);
}

static void the_sequence_goes_round(void **state)
{
	struct table t = { .p = { UINT32_MAX - 1 } }, copy;

	(void)state;
	publish_begin(&t.p);
	assert_false(published_copy(&copy, &t, sizeof(t)));
	publish_end(&t.p);
	assert_int_equal(published_seq(&t.p), 0);
	assert_true(published_copy(&copy, &t, sizeof(t)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_at_rest_is_copied),
		cmocka_unit_test(every_update_changes_the_sequence),
		cmocka_unit_test(a_table_in_the_making_is_not_copied),
		cmocka_unit_test(a_dead_writer_only_delays_its_readers),
		cmocka_unit_test(the_sequence_goes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
