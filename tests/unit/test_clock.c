/*
 * test_clock.c - monotonic time
 */
#include "shm/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct mono T = { 5 * (int64_t)NS_PER_S };

static void adding_gives_a_later_time(void **state)
{
	(void)state;
	assert_true(mono_add(T, 7).ns == T.ns + 7);
	assert_true(mono_add_ms(T, 3).ns == T.ns + 3000000);
	assert_true(mono_since(mono_add_ms(T, 3), T) == 3000000);
	assert_true(mono_since(T, mono_add_ms(T, 3)) == -3000000);
}

static void adding_less_than_nothing_gives_an_earlier_time(void **state)
{
	(void)state;
	assert_true(mono_add(T, -7).ns == T.ns - 7);
	assert_true(mono_add_ms(T, -3).ns == T.ns - 3000000);
	assert_true(mono_add(MONO_NEVER, -7).ns == INT64_MAX);
}

static void never_stays_never(void **state)
{
	const struct mono late = { INT64_MAX - 5 };

	(void)state;
	assert_true(mono_add(MONO_NEVER, 1).ns == INT64_MAX);
	assert_true(mono_add(MONO_NEVER, 0).ns == INT64_MAX);
	assert_true(mono_add(late, 6).ns == INT64_MAX);
	assert_true(mono_add(late, 4).ns == INT64_MAX - 1);
	assert_false(mono_reached(MONO_NEVER, late));
	assert_true(mono_before(T, MONO_NEVER));
}

static void a_deadline_has_come_at_its_very_time(void **state)
{
	(void)state;
	assert_true(mono_reached(T, T));
	assert_true(mono_reached(T, mono_add(T, 1)));
	assert_false(mono_reached(mono_add(T, 1), T));
	assert_false(mono_before(T, T));
}

static void the_earlier_of_two_is_found(void **state)
{
	const struct mono later = mono_add(T, 1);

	(void)state;
	assert_true(mono_min(T, later).ns == T.ns);
	assert_true(mono_min(later, T).ns == T.ns);
	assert_true(mono_min(T, MONO_NEVER).ns == T.ns);
	assert_true(mono_min(MONO_NEVER, MONO_NEVER).ns == INT64_MAX);
}

static void the_clock_never_goes_back(void **state)
{
	struct mono before = mono_now();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct mono now = mono_now();

		assert_false(mono_before(now, before));
		before = now;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding_gives_a_later_time),
		cmocka_unit_test(
		    adding_less_than_nothing_gives_an_earlier_time),
		cmocka_unit_test(never_stays_never),
		cmocka_unit_test(a_deadline_has_come_at_its_very_time),
		cmocka_unit_test(the_earlier_of_two_is_found),
		cmocka_unit_test(the_clock_never_goes_back),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
