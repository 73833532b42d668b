/*
 * test_rcv_buffer.c - a receive buffer that follows the path
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/rcv_buffer.h"

enum {
	MSS = 1460,
	MAX = 6 << 20,
	RTT_US = 100000,
};

/* A sender that doubles as slow start does, up to @path bytes a round trip. */
static uint32_t settle(uint32_t size, uint32_t path)
{
	struct rcv_buffer b;
	struct mono now = { NS_PER_S };
	uint64_t copied = 0;
	uint32_t cwnd = 10 * MSS;

	rcv_buffer_begin(&b, now);
	for (int i = 0; i < 100; i++) {
		uint32_t n = cwnd;
		uint32_t old = size;

		n = n < size ? n : size;
		n = n < path ? n : path;
		copied += n;
		now = mono_add(now, (int64_t)RTT_US * NS_PER_US);
		size = rcv_buffer_read(&b, copied, RTT_US, MSS, size, MAX, now);
		assert_true(size >= old);
		assert_true(size <= MAX);
		cwnd *= 2;
		if (cwnd > 1U << 29)
			cwnd = 1U << 29;
	}
	return size;
}

static void grows_to_twice_what_the_path_carries(void **state)
{
	(void)state;
	assert_in_range(settle(131072, 1000000), 2000000, 2000000 + 16 * MSS);
	assert_int_equal(settle(131072, 50 << 20), MAX);
}

static void stays_when_little_is_read(void **state)
{
	(void)state;
	assert_int_equal(settle(131072, 3000), 131072);
	assert_int_equal(settle(131072, 50000), 131072);
}

static void waits_for_a_whole_round_trip(void **state)
{
	struct rcv_buffer b;
	struct mono now = { NS_PER_S };

	(void)state;
	rcv_buffer_begin(&b, now);
	assert_int_equal(
	    rcv_buffer_read(&b, 900000, RTT_US, MSS, 131072, MAX, now), 131072);
	now = mono_add(now, (int64_t)RTT_US * NS_PER_US);
	/* No estimate yet: no judgement. */
	assert_int_equal(
	    rcv_buffer_read(&b, 900000, 0, MSS, 131072, MAX, now), 131072);
	assert_int_equal(
	    rcv_buffer_read(&b, 900000, RTT_US, MSS, 131072, MAX, now),
	    1800000 + 16 * MSS);
}

static void a_lower_maximum_does_not_shrink_it(void **state)
{
	struct rcv_buffer b;
	struct mono now = { NS_PER_S };

	(void)state;
	rcv_buffer_begin(&b, now);
	now = mono_add(now, NS_PER_S);
	assert_int_equal(
	    rcv_buffer_read(&b, 900000, RTT_US, MSS, 500000, 400000, now),
	    500000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_to_twice_what_the_path_carries),
		cmocka_unit_test(stays_when_little_is_read),
		cmocka_unit_test(waits_for_a_whole_round_trip),
		cmocka_unit_test(a_lower_maximum_does_not_shrink_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
