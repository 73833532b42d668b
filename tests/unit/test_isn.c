/*
 * test_isn.c - initial sequence numbers and timestamp offsets (RFC 6528)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/isn.h"

static const uint64_t KEY[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
static const uint64_t OTHER_KEY[2] = { 0x0706050403020100, 1 };

static struct tcp_tuple tuple(uint16_t remote_port)
{
	static const uint8_t local[4] = { 192, 0, 2, 1 };
	static const uint8_t remote[4] = { 198, 51, 100, 7 };

	return (struct tcp_tuple){ ip_from_v4(local), ip_from_v4(remote), 80,
		remote_port };
}

static struct mono at_s(int64_t s)
{
	return (struct mono){ s * NS_PER_S };
}

static void goes_up_by_one_every_4_us(void **state)
{
	struct tcp_tuple t = tuple(40000);
	tcp_seq first = isn_choose(KEY, &t, at_s(100));

	(void)state;
	for (int64_t us = 0; us < 1000; us++) {
		struct mono now = mono_add(at_s(100), us * NS_PER_US);
		tcp_seq isn = isn_choose(KEY, &t, now);

		assert_int_equal(seq_diff(isn, first), us / 4);
	}
	/* RFC 9293, 3.4.1: the cycle is about 4.77 hours. */
	assert_true(
	    seq_eq(isn_choose(KEY, &t, mono_add(at_s(100), (1LL << 32) * 4000)),
		first));
}

static void tells_nothing_about_another_pair_of_ends(void **state)
{
	enum {
		N = 4096
	};
	struct mono now = at_s(5);
	uint32_t high[16] = { 0 };

	(void)state;
	for (uint32_t port = 1; port <= N; port++) {
		struct tcp_tuple a = tuple((uint16_t)port);
		struct tcp_tuple b = tuple((uint16_t)(port + 1));
		uint32_t diff =
		    seq_len(isn_choose(KEY, &a, now), isn_choose(KEY, &b, now));

		high[diff >> 28]++;
	}
	/* The differences of neighbours are spread evenly: 256 +- 5 sigma. */
	for (int i = 0; i < 16; i++)
		assert_in_range(high[i], 256 - 80, 256 + 80);
}

static void depends_on_each_part_and_on_the_key(void **state)
{
	struct tcp_tuple t = tuple(40000);
	tcp_seq isn = isn_choose(KEY, &t, at_s(1));
	uint8_t *bytes = (uint8_t *)&t;

	(void)state;
	assert_false(seq_eq(isn_choose(OTHER_KEY, &t, at_s(1)), isn));
	for (size_t i = 0; i < sizeof(t); i++) {
		bytes[i] ^= 1;
		assert_false(seq_eq(isn_choose(KEY, &t, at_s(1)), isn));
		bytes[i] ^= 1;
	}
}

static void timestamps_are_milliseconds_from_a_secret_start(void **state)
{
	struct tcp_tuple a = tuple(1), b = tuple(2);
	uint32_t off = ts_offset(KEY, &a);

	(void)state;
	assert_int_not_equal(off, ts_offset(KEY, &b));
	assert_int_not_equal(off, ts_offset(OTHER_KEY, &a));
	/* Not the same secret as the one of the sequence numbers. */
	assert_int_not_equal(off, isn_choose(KEY, &a, at_s(0)).n);
	assert_int_equal(ts_clock(at_s(3), off) - ts_clock(at_s(1), off), 2000);
	/* The new incarnation goes on where the old one was (RFC 6191). */
	assert_int_equal(off, ts_offset(KEY, &a));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_up_by_one_every_4_us),
		cmocka_unit_test(tells_nothing_about_another_pair_of_ends),
		cmocka_unit_test(depends_on_each_part_and_on_the_key),
		cmocka_unit_test(
		    timestamps_are_milliseconds_from_a_secret_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
