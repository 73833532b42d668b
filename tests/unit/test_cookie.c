/*
 * test_cookie.c - SYN cookies: what comes back, for how long, and forgeries
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/cookie.h"
#include "tcpd/isn.h"

static const uint64_t KEY[2] = { 11, 22 };

static const struct tcp_tuple T = {
	.local = { .b = { 0x20, 1, 0xd, 0xb8, [15] = 1 } },
	.remote = { .b = { 0x20, 1, 0xd, 0xb8, [15] = 2 } },
	.local_port = 80,
	.remote_port = 40000,
};

static const struct cookie_options ALL = {
	.mss = 1440, .wscale = 7, .has_ts = true, .sack = true, .ecn = true
};

/* The start of a period, far from zero. */
static const struct mono START = { 1000LL * COOKIE_PERIOD_S * NS_PER_S };

static struct mono after_s(int64_t s)
{
	return (struct mono){ START.ns + s * NS_PER_S };
}

static bool check(
    struct cookie_options *ret, tcp_seq cookie, uint32_t ts, struct mono now)
{
	return cookie_check(ret, KEY, &T, cookie, seq_of(777), true, ts, now);
}

static void brings_back_every_option(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 64; bits++) {
		struct cookie_options o = ALL, got;
		tcp_seq c;

		o.wscale = (uint8_t)(bits & 15);
		o.sack = (bits & 16) != 0;
		o.ecn = (bits & 32) != 0;
		c = cookie_make(KEY, &T, seq_of(777), START, &o);
		assert_true(
		    check(&got, c, cookie_timestamp(123456, &o), START));
		assert_int_equal(got.mss, 1440);
		assert_int_equal(got.wscale, o.wscale);
		assert_int_equal(got.sack, o.sack);
		assert_int_equal(got.ecn, o.ecn);
		assert_true(got.has_ts);
	}
}

static void rounds_the_mss_down_never_up(void **state)
{
	(void)state;
	for (uint32_t mss = COOKIE_MIN_MSS; mss <= 65535; mss++) {
		struct cookie_options o = ALL, kept, got;
		tcp_seq c;

		o.mss = (uint16_t)mss;
		kept = cookie_keepable(o);
		assert_true(kept.mss <= mss);
		if (mss % 64 != 0)
			continue; /* SipHash for each takes a while */
		c = cookie_make(KEY, &T, seq_of(777), START, &o);
		assert_true(check(&got, c, cookie_timestamp(0, &o), START));
		assert_int_equal(got.mss, kept.mss);
	}
	/* The common ones are kept as they are. */
	for (unsigned i = 0; i < 4; i++) {
		static const uint16_t common[] = { 536, 1220, 1440, 1460 };
		struct cookie_options o = ALL;

		o.mss = common[i];
		assert_int_equal(cookie_keepable(o).mss, common[i]);
	}
}

static void keeps_only_the_mss_without_timestamps(void **state)
{
	struct cookie_options o = ALL, got;
	tcp_seq c;

	(void)state;
	o.has_ts = false;
	c = cookie_make(KEY, &T, seq_of(777), START, &o);
	assert_true(
	    cookie_check(&got, KEY, &T, c, seq_of(777), false, 0, START));
	assert_int_equal(got.mss, 1440);
	assert_int_equal(got.wscale, COOKIE_NO_WSCALE);
	assert_false(got.has_ts || got.sack || got.ecn);
	/* Nor can the peer add a timestamp, and options with it. */
	for (uint32_t ts = 0; ts < 64; ts++)
		assert_false(check(&got, c, ts, START));
}

static void timestamp_is_never_ahead_of_the_clock(void **state)
{
	(void)state;
	for (uint32_t now = 0xffffff00; now != 0x200; now++) {
		uint32_t ts = cookie_timestamp(now, &ALL);

		assert_true((int32_t)(now - ts) >= 0);
		assert_true(now - ts < 64);
	}
}

static void lives_for_one_to_two_periods(void **state)
{
	struct cookie_options got;
	uint32_t ts = cookie_timestamp(5, &ALL);

	(void)state;
	for (int64_t made = 0; made < COOKIE_PERIOD_S; made += 9) {
		tcp_seq c =
		    cookie_make(KEY, &T, seq_of(777), after_s(made), &ALL);

		for (int64_t s = made; s < 2 * COOKIE_PERIOD_S; s++)
			assert_true(check(&got, c, ts, after_s(s)));
		/* Too old, until the counter's 8 bits come round. */
		for (int64_t p = 2; p < 256; p++)
			assert_false(
			    check(&got, c, ts, after_s(p * COOKIE_PERIOD_S)));
		/* And then the keyed hash refuses it. */
		assert_false(
		    check(&got, c, ts, after_s(256LL * COOKIE_PERIOD_S)));
		/* One from the future. */
		assert_false(check(&got, c, ts, after_s(-1)));
	}
}

static void goes_up_with_time_for_the_same_ends(void **state)
{
	(void)state;
	for (int64_t p = 0; p < 100; p++) {
		tcp_seq a = cookie_make(
		    KEY, &T, seq_of(777), after_s(p * COOKIE_PERIOD_S), &ALL);
		tcp_seq b = cookie_make(KEY, &T, seq_of(777),
		    after_s((p + 2) * COOKIE_PERIOD_S), &ALL);

		assert_true(seq_lt(a, b));
	}
}

static void refuses_what_was_altered(void **state)
{
	static const uint64_t other[2] = { 11, 23 };
	struct cookie_options got = { .mss = 1 };
	uint32_t ts = cookie_timestamp(99999, &ALL);
	tcp_seq syn = seq_of(777);
	tcp_seq c = cookie_make(KEY, &T, syn, START, &ALL);
	struct tcp_tuple t = T;
	uint8_t *bytes = (uint8_t *)&t;

	(void)state;
	assert_false(cookie_check(&got, other, &T, c, syn, true, ts, START));
	for (size_t i = 0; i < sizeof(t); i++) {
		bytes[i] ^= 0x40;
		assert_false(
		    cookie_check(&got, KEY, &t, c, syn, true, ts, START));
		bytes[i] ^= 0x40;
	}
	for (int bit = 0; bit < 32; bit++)
		assert_false(cookie_check(&got, KEY, &T, c,
		    seq_of(777 ^ 1U << bit), true, ts, START));
	for (int bit = 0; bit < 6; bit++)
		assert_false(check(&got, c, ts ^ 1U << bit, START));
	/* The upper bits of the timestamp are the clock and are not covered. */
	assert_int_equal(got.mss, 1); /* *ret is left alone */
	assert_true(check(&got, c, ts + 64, START));
}

/* Of the 2^32 numbers only 16 are right; among 2^22 guesses hardly one. */
static void is_not_guessed(void **state)
{
	struct cookie_options got;
	uint32_t ts = cookie_timestamp(99999, &ALL);
	uint32_t guess = 12345;
	unsigned right = 0;

	(void)state;
	for (uint32_t i = 0; i < 1U << 22; i++) {
		guess = guess * 1664525 + 1013904223;
		right += check(&got, seq_of(guess), ts, START);
	}
	assert_true(right <= 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(brings_back_every_option),
		cmocka_unit_test(rounds_the_mss_down_never_up),
		cmocka_unit_test(keeps_only_the_mss_without_timestamps),
		cmocka_unit_test(timestamp_is_never_ahead_of_the_clock),
		cmocka_unit_test(lives_for_one_to_two_periods),
		cmocka_unit_test(goes_up_with_time_for_the_same_ends),
		cmocka_unit_test(refuses_what_was_altered),
		cmocka_unit_test(is_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
