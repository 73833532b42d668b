/*
 * test_fragment.c - pieces cover the whole, fit the link, and say what follows
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipd/fragment.h"

static void cuts_a_ping_of_4000(void **state)
{
	static const struct fragment_piece want[] = {
		{ 0, 1480, true },
		{ 1480, 1480, true },
		{ 2960, 1048, false },
	};
	struct fragment_cut cut;
	struct fragment_piece p;

	(void)state;
	assert_int_equal(fragment_begin(&cut, 1500, 20, 4008), 0);
	assert_int_equal(fragment_left(&cut), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(fragment_next(&cut, &p));
		assert_int_equal(p.offset, want[i].offset);
		assert_int_equal(p.len, want[i].len);
		assert_int_equal(p.more, want[i].more);
	}
	assert_false(fragment_next(&cut, &p));
	assert_int_equal(fragment_left(&cut), 0);
}

static void check_cut(uint32_t mtu, uint32_t hdr_len, uint32_t len)
{
	struct fragment_cut cut;
	struct fragment_piece p = { .more = true };
	uint32_t at = 0, left;

	assert_int_equal(fragment_begin(&cut, mtu, hdr_len, len), 0);
	left = fragment_left(&cut);
	while (fragment_next(&cut, &p)) {
		assert_int_equal(p.offset, at);
		assert_int_equal(p.offset % 8, 0);
		assert_true(p.len > 0 && hdr_len + p.len <= mtu);
		if (p.more)
			assert_int_equal(p.len % 8, 0);
		at += p.len;
		assert_int_equal(p.more, at < len);
		assert_int_equal(fragment_left(&cut), --left);
	}
	assert_int_equal(at, len);
}

static void covers_everything_at_any_size(void **state)
{
	(void)state;
	for (uint32_t mtu = 28; mtu < 120; mtu++) {
		for (uint32_t len = 1; len < 400; len++)
			check_cut(mtu, 20, len);
	}
	check_cut(68, 60, 65515);
	check_cut(1280, 48, 65535);
	check_cut(65535, 20, 65515);
}

static void refuses_what_cannot_be_cut(void **state)
{
	struct fragment_cut cut;

	(void)state;
	assert_int_equal(fragment_begin(&cut, 27, 20, 100), -EMSGSIZE);
	assert_int_equal(fragment_begin(&cut, 10, 20, 100), -EMSGSIZE);
	assert_int_equal(fragment_begin(&cut, 1500, 20, 65536), -EMSGSIZE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_a_ping_of_4000),
		cmocka_unit_test(covers_everything_at_any_size),
		cmocka_unit_test(refuses_what_cannot_be_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
