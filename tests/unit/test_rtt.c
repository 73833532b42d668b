/*
 * test_rtt.c - RFC 6298 rule by rule, RFC 7323 appendix G, RFC 4015 step 11
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/rtt.h"
#include "tests/harness/random.h"

#define MS(n) ((int64_t)(n)*NS_PER_MS)
#define S(n)  ((int64_t)(n)*NS_PER_S)

/* As in the RFC. */
static const struct rtt_config RFC = {
	.initial_ns = S(1),
	.min_ns = S(1),
	.max_ns = S(60),
	.granularity_ns = MS(100),
	.period_ns = S(10),
};

/* No bounds, so that the formula itself shows. */
static const struct rtt_config BARE = {
	.initial_ns = S(1),
	.min_ns = 1,
	.max_ns = S(60),
	.granularity_ns = MS(1),
	.period_ns = S(10),
};

static struct mono at_ms(int64_t ms)
{
	return (struct mono){ MS(ms) };
}

/* ---- RFC 6298, section 2 ---- */

static void rule_2_1_begins_with_one_second(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &RFC);
	assert_int_equal(r.rto_ns, S(1));
	assert_int_equal(r.srtt_ns, 0);
	assert_int_equal(rtt_min(&r), 0);
	/* The backing off of 5.5 still applies. */
	rtt_backoff(&r, &RFC);
	assert_int_equal(r.rto_ns, S(2));
}

static void rule_2_2_takes_the_first_sample_whole(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &BARE);
	rtt_sample(&r, &BARE, MS(100), 1, at_ms(0));
	assert_int_equal(r.srtt_ns, MS(100));
	assert_int_equal(r.rttvar_ns, MS(50));
	assert_int_equal(r.rto_ns, MS(300));
	assert_int_equal(r.latest_ns, MS(100));
	assert_int_equal(r.samples, 1);
}

static void rule_2_3_smooths_with_the_old_srtt(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &BARE);
	rtt_sample(&r, &BARE, MS(100), 1, at_ms(0));
	rtt_sample(&r, &BARE, MS(180), 1, at_ms(1));
	/* 3/4 * 50 + 1/4 * |100 - 180|;  7/8 * 100 + 1/8 * 180. */
	assert_int_equal(r.rttvar_ns, 57500000);
	assert_int_equal(r.srtt_ns, MS(110));
	assert_int_equal(r.rto_ns, MS(340));
	rtt_sample(&r, &BARE, MS(30), 1, at_ms(2));
	/* 3/4 * 57.5 + 1/4 * 80;  7/8 * 110 + 1/8 * 30. */
	assert_int_equal(r.rttvar_ns, 63125000);
	assert_int_equal(r.srtt_ns, MS(100));
	assert_int_equal(r.rto_ns, 352500000);
}

static void rules_2_4_and_2_5_bound_it(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &RFC);
	rtt_sample(&r, &RFC, MS(10), 1, at_ms(0));
	assert_int_equal(r.rto_ns, S(1));
	rtt_init(&r, &RFC);
	rtt_sample(&r, &RFC, S(50), 1, at_ms(0));
	assert_int_equal(r.rto_ns, S(60));
}

/* ---- Section 4 ---- */

static void adds_the_granularity_when_the_variance_is_gone(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &BARE);
	for (int i = 0; i < 1000; i++)
		rtt_sample(&r, &BARE, MS(400), 1, at_ms(i));
	assert_int_equal(r.srtt_ns, MS(400));
	assert_in_range(r.rttvar_ns, 0, 10);
	assert_int_equal(r.rto_ns, MS(401));
}

/* ---- Section 5 ---- */

static void rule_5_5_doubles_up_to_the_maximum(void **state)
{
	static const int64_t seconds[] = { 2, 4, 8, 16, 32, 60, 60 };
	struct rtt r;

	(void)state;
	rtt_init(&r, &RFC);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		rtt_backoff(&r, &RFC);
		assert_int_equal(r.rto_ns, S(seconds[i]));
		assert_int_equal(r.backoff, i + 1);
	}
	for (int i = 0; i < 300; i++)
		rtt_backoff(&r, &RFC);
	assert_int_equal(r.backoff, 255);
	/* A new measurement collapses it. */
	rtt_sample(&r, &RFC, MS(500), 1, at_ms(0));
	assert_int_equal(r.rto_ns, MS(1500));
	assert_int_equal(r.backoff, 0);
}

static void rule_5_7_is_careful_after_a_lost_syn(void **state)
{
	struct rtt_config c = RFC;
	struct rtt r;

	(void)state;
	rtt_init(&r, &RFC);
	rtt_backoff(&r, &RFC);
	rtt_established(&r, &RFC, true);
	assert_int_equal(r.rto_ns, S(3));
	rtt_backoff(&r, &RFC);
	assert_int_equal(r.rto_ns, S(6));
	rtt_sample(&r, &RFC, MS(500), 1, at_ms(0));
	assert_int_equal(r.rto_ns, MS(1500));

	rtt_init(&r, &RFC);
	rtt_established(&r, &RFC, false);
	assert_int_equal(r.rto_ns, S(1));

	/* One that begins with 3 s or more keeps what it has. */
	c.initial_ns = S(3);
	rtt_init(&r, &c);
	rtt_backoff(&r, &c);
	rtt_established(&r, &c, true);
	assert_int_equal(r.rto_ns, S(6));
}

/* ---- RFC 7323, appendix G ---- */

static void expects_a_sample_for_every_second_segment(void **state)
{
	(void)state;
	assert_int_equal(rtt_expected_samples(0, 1000), 1);
	assert_int_equal(rtt_expected_samples(1, 1000), 1);
	assert_int_equal(rtt_expected_samples(2000, 1000), 1);
	assert_int_equal(rtt_expected_samples(2001, 1000), 2);
	assert_int_equal(rtt_expected_samples(20000, 1000), 10);
	assert_int_equal(rtt_expected_samples(UINT32_MAX, 1), 1U << 31);
	assert_int_equal(rtt_expected_samples(5, 0), 1);
}

static void weighs_many_samples_like_one(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &BARE);
	rtt_sample(&r, &BARE, MS(100), 1, at_ms(0));
	rtt_sample(&r, &BARE, MS(180), 10, at_ms(1));
	/* beta' = 1/40, alpha' = 1/80. */
	assert_int_equal(r.rttvar_ns, 50750000);
	assert_int_equal(r.srtt_ns, MS(101));
	assert_int_equal(r.rto_ns, MS(304));
}

/* ---- RFC 4015, step 11 ---- */

static void becomes_conservative_after_a_spurious_timeout(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &BARE);
	rtt_sample(&r, &BARE, MS(100), 1, at_ms(0));
	rtt_backoff(&r, &BARE);
	/* The delay was the longer one, then what was before. */
	rtt_sample_after_spurious(
	    &r, &BARE, MS(600), MS(102), MS(50), at_ms(1));
	assert_int_equal(r.srtt_ns, MS(600));
	assert_int_equal(r.rttvar_ns, MS(300));
	assert_int_equal(r.rto_ns, MS(1800));
	assert_int_equal(r.backoff, 0);
	rtt_sample_after_spurious(&r, &BARE, MS(20), MS(102), MS(50), at_ms(2));
	assert_int_equal(r.srtt_ns, MS(102));
	assert_int_equal(r.rttvar_ns, MS(50));
	assert_int_equal(r.rto_ns, MS(302));
}

/* ---- The smallest RTT of late ---- */

static void forgets_a_minimum_after_two_periods(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r, &BARE);
	rtt_sample(&r, &BARE, MS(10), 1, at_ms(0));
	rtt_sample(&r, &BARE, MS(50), 1, at_ms(9999));
	assert_int_equal(rtt_min(&r), MS(10));
	rtt_sample(&r, &BARE, MS(40), 1, at_ms(10000));
	assert_int_equal(rtt_min(&r), MS(10));
	rtt_sample(&r, &BARE, MS(60), 1, at_ms(20000));
	assert_int_equal(rtt_min(&r), MS(40));
	/* Silent for a whole period and more. */
	rtt_sample(&r, &BARE, MS(70), 1, at_ms(40000));
	assert_int_equal(rtt_min(&r), MS(70));
}

/*
 * It is the minimum of all samples of some window of one to two periods: never
 * below that of the last two, never above that of the last one.
 */
static void keeps_the_minimum_between_two_windows(void **state)
{
	enum {
		N = 3000,
	};
	static int64_t when[N], rtt[N];
	struct random rnd = { 6298 };
	struct rtt r;
	int64_t now = 0;

	(void)state;
	rtt_init(&r, &BARE);
	for (int i = 0; i < N; i++) {
		int64_t one = INT64_MAX, two = INT64_MAX;

		now += random_below(&rnd, random_chance(&rnd, 2) ? 30000 : 400);
		when[i] = now;
		rtt[i] = MS(1 + random_below(&rnd, 1000));
		rtt_sample(&r, &BARE, rtt[i], 1, at_ms(now));
		for (int k = i; k >= 0 && now - when[k] <= 20000; k--) {
			if (now - when[k] < 10000 && rtt[k] < one)
				one = rtt[k];
			if (rtt[k] < two)
				two = rtt[k];
		}
		assert_true(rtt_min(&r) >= two);
		assert_true(rtt_min(&r) <= one);
	}
}

static void survives_samples_out_of_this_world(void **state)
{
	static const int64_t odd[] = { INT64_MIN, -1, 0, 1, INT64_MAX };
	struct random rnd = { 1 };
	struct rtt r;

	(void)state;
	rtt_init(&r, &RFC);
	for (int i = 0; i < 10000; i++) {
		int64_t rtt = odd[random_below(&rnd, 5)];

		rtt_sample(&r, &RFC, rtt, random_below(&rnd, 3), at_ms(i));
		assert_true(r.srtt_ns > 0);
		assert_true(r.rttvar_ns >= 0);
		assert_true(r.rto_ns >= S(1) && r.rto_ns <= S(60));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_2_1_begins_with_one_second),
		cmocka_unit_test(rule_2_2_takes_the_first_sample_whole),
		cmocka_unit_test(rule_2_3_smooths_with_the_old_srtt),
		cmocka_unit_test(rules_2_4_and_2_5_bound_it),
		cmocka_unit_test(
		    adds_the_granularity_when_the_variance_is_gone),
		cmocka_unit_test(rule_5_5_doubles_up_to_the_maximum),
		cmocka_unit_test(rule_5_7_is_careful_after_a_lost_syn),
		cmocka_unit_test(expects_a_sample_for_every_second_segment),
		cmocka_unit_test(weighs_many_samples_like_one),
		cmocka_unit_test(becomes_conservative_after_a_spurious_timeout),
		cmocka_unit_test(forgets_a_minimum_after_two_periods),
		cmocka_unit_test(keeps_the_minimum_between_two_windows),
		cmocka_unit_test(survives_samples_out_of_this_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
