/*
 * test_schedule.c - a daemon asks for its CPU, and for short slices
 */
#include "shm/schedule.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void without_a_cpu_it_may_run_anywhere(void **state)
{
	cpu_set_t before, after;

	(void)state;
	sched_getaffinity(0, sizeof(before), &before);
	assert_int_equal(schedule_daemon(-1), 0);
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void with_one_it_runs_there_only(void **state)
{
	cpu_set_t before, after;
	int cpu = sched_getcpu();

	(void)state;
	sched_getaffinity(0, sizeof(before), &before);
	assert_int_equal(schedule_daemon(cpu), 0);
	sched_getaffinity(0, sizeof(after), &after);
	assert_int_equal(CPU_COUNT(&after), 1);
	assert_true(CPU_ISSET((size_t)cpu, &after));
	sched_setaffinity(0, sizeof(before), &before);
}

static void says_that_there_is_no_such_cpu(void **state)
{
	(void)state;
	assert_int_equal(schedule_daemon(CPU_SETSIZE - 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_cpu_it_may_run_anywhere),
		cmocka_unit_test(with_one_it_runs_there_only),
		cmocka_unit_test(says_that_there_is_no_such_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
