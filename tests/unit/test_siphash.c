/*
 * test_siphash.c - SipHash-2-4 against the vectors of its authors
 */
#include "shm/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The key 00 01 02 ... 0f of the paper's appendix A. */
static const uint64_t KEY[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };

/* Message 00 01 02 ... of length i gives the i-th value. */
static const uint64_t want[] = {
	0x726fdb47dd0e0e31u,
	0x74f839c593dc67fdu,
	0x0d6c8009d9a94f5au,
	0x85676696d7fb7e2du,
	0xcf2794e0277187b7u,
	0x18765564cd99a68du,
	0xcbc9466e58fee3ceu,
	0xab0200f58b01d137u,
	0x93f5f5799a932462u,
	0x9e0082df0ba9e4b0u,
	0x7a5dbbc594ddb9f3u,
	0xf4b32f46226bada7u,
	0x751e8fbc860ee5fbu,
	0x14ea5627c0843d90u,
	0xf723ca908e7af2eeu,
	0xa129ca6149be45e5u,
};

static void gives_the_published_values(void **state)
{
	uint8_t message[sizeof(want) / sizeof(want[0])];

	(void)state;
	for (size_t len = 0; len < sizeof(message); len++) {
		assert_int_equal(siphash(KEY, message, len), want[len]);
		message[len] = (uint8_t)len;
	}
}

static void every_byte_counts_at_any_alignment(void **state)
{
	uint8_t buf[80] = { 0 };

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		uint64_t before = siphash(KEY, buf + at, 64);

		assert_int_equal(before, siphash(KEY, buf, 64));
		for (size_t i = 0; i < 64; i++) {
			buf[at + i] = 1;
			assert_int_not_equal(
			    siphash(KEY, buf + at, 64), before);
			buf[at + i] = 0;
		}
	}
}

static void both_halves_of_the_key_count(void **state)
{
	const uint64_t low[2] = { KEY[0] ^ 1, KEY[1] };
	const uint64_t high[2] = { KEY[0], KEY[1] ^ 1 };

	(void)state;
	assert_int_not_equal(siphash(low, "x", 1), siphash(KEY, "x", 1));
	assert_int_not_equal(siphash(high, "x", 1), siphash(KEY, "x", 1));
}

/* Allocations of exactly len bytes, for ASan's red zone. */
static void reads_no_byte_too_many(void **state)
{
	(void)state;
	for (size_t len = 1; len < 40; len++) {
		uint8_t *p = calloc(1, len);

		assert_non_null(p);
		siphash(KEY, p, len);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_published_values),
		cmocka_unit_test(every_byte_counts_at_any_alignment),
		cmocka_unit_test(both_halves_of_the_key_count),
		cmocka_unit_test(reads_no_byte_too_many),
	};

	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
