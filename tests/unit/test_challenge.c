/*
 * test_challenge.c - the limit on challenge ACKs, and what it leaks
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/challenge.h"

static const uint64_t KEY[2] = { 1, 2 };

static struct mono at_ms(int64_t ms)
{
	return (struct mono){ 5LL * NS_PER_S + ms * NS_PER_MS };
}

static void one_each_half_second_for_a_connection(void **state)
{
	struct challenge c = { 0 };
	struct challenge_budget b = { 0 };
	unsigned sent = 0;

	(void)state;
	for (int ms = 0; ms < 10000; ms++)
		sent +=
		    challenge_take(&c, &b, &challenge_defaults, KEY, at_ms(ms));
	assert_int_equal(sent, 20);
}

/* RFC 5961, 7: "in any 5 second window, no more than 10". */
static void bursts_as_configured(void **state)
{
	static const struct challenge_config cfg = { .interval_ms = 500,
		.burst = 10 };
	struct challenge c = { 0 };
	struct challenge_budget b = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(challenge_take(&c, &b, &cfg, KEY, at_ms(0)));
	assert_false(challenge_take(&c, &b, &cfg, KEY, at_ms(0)));
	assert_false(challenge_take(&c, &b, &cfg, KEY, at_ms(499)));
	assert_true(challenge_take(&c, &b, &cfg, KEY, at_ms(500)));
}

/* By default what happens to one is not seen on another. */
static void connections_do_not_share_anything(void **state)
{
	struct challenge mine = { 0 };
	struct challenge_budget b = { 0 };
	unsigned got = 0;

	(void)state;
	for (int ms = 0; ms < 5000; ms += 500) {
		struct challenge victims[100] = { { { 0 } } };

		for (int i = 0; i < 100; i++)
			challenge_take(&victims[i], &b, &challenge_defaults,
			    KEY, at_ms(ms));
		got += challenge_take(
		    &mine, &b, &challenge_defaults, KEY, at_ms(ms));
	}
	assert_int_equal(got, 10);
}

/* How many an attacker with very many connections gets in each budget. */
static unsigned exhaust(struct challenge_budget *b,
    const struct challenge_config *cfg, const uint64_t key[2], struct mono now)
{
	unsigned got = 0;

	for (;;) {
		struct challenge c = { 0 };

		if (!challenge_take(&c, b, cfg, key, now))
			return got;
		got++;
	}
}

static void a_budget_of_the_stack_is_no_ruler(void **state)
{
	static const struct challenge_config cfg = {
		.interval_ms = 500, .burst = 1, .limit_per_s = 1000
	};
	struct challenge_budget b = { 0 };
	struct mono now = at_ms(0);
	unsigned least = UINT32_MAX, most = 0, sum = 0;
	int64_t shortest = INT64_MAX, longest = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		unsigned got = exhaust(&b, &cfg, KEY, now);
		int64_t span = mono_since(b.until, now);

		assert_in_range(got, 500, 1500);
		least = got < least ? got : least;
		most = got > most ? got : most;
		sum += got;
		shortest = span < shortest ? span : shortest;
		longest = span > longest ? span : longest;
		now = b.until;
	}
	/* Evenly spread: neither the number nor the phase can be relied on. */
	assert_true(least < 550 && most > 1450);
	assert_in_range(sum / 400, 950, 1050);
	assert_true(shortest < 600 * (int64_t)NS_PER_MS);
	assert_true(longest > 1400 * (int64_t)NS_PER_MS);
}

static void the_budget_depends_on_the_key(void **state)
{
	static const struct challenge_config cfg = {
		.interval_ms = 500, .burst = 1, .limit_per_s = 1000000
	};
	static const uint64_t other[2] = { 1, 3 };
	struct challenge_budget a = { 0 }, b = { 0 };

	(void)state;
	assert_int_not_equal(exhaust(&a, &cfg, KEY, at_ms(0)),
	    exhaust(&b, &cfg, other, at_ms(0)));
}

/* A connection whose own bucket is empty takes nothing from the others. */
static void one_connection_cannot_use_up_the_budget(void **state)
{
	static const struct challenge_config cfg = {
		.interval_ms = 500, .burst = 1, .limit_per_s = 10
	};
	struct challenge flooded = { 0 }, other = { 0 };
	struct challenge_budget b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		challenge_take(&flooded, &b, &cfg, KEY, at_ms(1));
	assert_true(challenge_take(&other, &b, &cfg, KEY, at_ms(1)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_each_half_second_for_a_connection),
		cmocka_unit_test(bursts_as_configured),
		cmocka_unit_test(connections_do_not_share_anything),
		cmocka_unit_test(a_budget_of_the_stack_is_no_ruler),
		cmocka_unit_test(the_budget_depends_on_the_key),
		cmocka_unit_test(one_connection_cannot_use_up_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
