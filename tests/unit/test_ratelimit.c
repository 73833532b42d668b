/*
 * test_ratelimit.c - a burst, then the rate, whatever the time
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipd/ratelimit.h"

/* How many of @tries at @now succeed. */
static unsigned take(struct ratelimit *r, uint32_t rate, uint32_t burst,
    int64_t now_ns, unsigned tries)
{
	unsigned n = 0;

	while (tries-- > 0) {
		struct mono now = { now_ns };
		bool ready = ratelimit_ready(r, rate, burst, now);

		assert_int_equal(ready, ratelimit_take(r, rate, burst, now));
		n += ready;
	}
	return n;
}

static void gives_a_burst_then_the_rate(void **state)
{
	struct ratelimit r = { 0 };
	int64_t t = 5 * (int64_t)NS_PER_S;

	(void)state;
	assert_int_equal(take(&r, 10, 6, t, 100), 6);
	assert_int_equal(take(&r, 10, 6, t + 99 * NS_PER_MS, 100), 0);
	assert_int_equal(take(&r, 10, 6, t + 100 * NS_PER_MS, 100), 1);
	assert_int_equal(take(&r, 10, 6, t + 350 * NS_PER_MS, 100), 2);
	assert_int_equal(take(&r, 10, 6, t + 400 * NS_PER_MS, 100), 1);
	/* However long it rests, never more than a burst. */
	assert_int_equal(take(&r, 10, 6, t + 3600 * (int64_t)NS_PER_S, 100), 6);
}

static void never_exceeds_the_rate(void **state)
{
	static const uint32_t rates[] = { 1, 3, 7, 1000, 999983, 1000000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct ratelimit r = { 0 };
		int64_t t = NS_PER_S, step = NS_PER_S / rates[i] / 3 + 1;
		unsigned n = 0;

		for (unsigned k = 0; k < 3000; k++, t += step)
			n += take(&r, rates[i], 1, t, 1);
		assert_true(n <= 1 +
			(unsigned)(3000.0 * (double)step * rates[i] /
			    NS_PER_S));
		assert_true(n >= 900);
	}
}

static void none_means_none(void **state)
{
	struct ratelimit r = { 0 };

	(void)state;
	assert_int_equal(take(&r, 0, 10, NS_PER_S, 10), 0);
	assert_int_equal(take(&r, 10, 0, NS_PER_S, 10), 0);
	assert_int_equal(r.full_at.ns, 0);
}

static void survives_the_largest_numbers(void **state)
{
	struct ratelimit r = { 0 };

	(void)state;
	assert_int_equal(take(&r, 1, UINT32_MAX, NS_PER_S, 100), 100);
	r.full_at.ns = 0;
	assert_int_equal(take(&r, UINT32_MAX, UINT32_MAX, NS_PER_S, 100), 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_a_burst_then_the_rate),
		cmocka_unit_test(never_exceeds_the_rate),
		cmocka_unit_test(none_means_none),
		cmocka_unit_test(survives_the_largest_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
