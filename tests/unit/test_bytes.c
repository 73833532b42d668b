/*
 * test_bytes.c - numbers in network byte order, at any alignment
 */
#include "shm/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t BYTES[] = { 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7,
	0xf8 };

static void the_first_byte_is_the_highest(void **state)
{
	(void)state;
	assert_int_equal(be16_get(BYTES), 0x8192);
	assert_int_equal(be32_get(BYTES), 0x8192a3b4u);
	assert_true(be64_get(BYTES) == 0x8192a3b4c5d6e7f8u);
}

static void what_is_put_is_got_at_any_alignment(void **state)
{
	uint8_t buf[16];

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		be16_put(buf + at, 0xfedc);
		assert_int_equal(be16_get(buf + at), 0xfedc);
		be32_put(buf + at, 0xfedcba98u);
		assert_int_equal(be32_get(buf + at), 0xfedcba98u);
		be64_put(buf + at, 0xfedcba9876543210u);
		assert_true(be64_get(buf + at) == 0xfedcba9876543210u);
	}
}

static void put_writes_its_bytes_and_no_more(void **state)
{
	uint8_t buf[10];

	(void)state;
	memset(buf, 0x55, sizeof(buf));
	be64_put(buf + 1, 0x8192a3b4c5d6e7f8u);
	assert_memory_equal(buf + 1, BYTES, 8);
	assert_int_equal(buf[0], 0x55);
	assert_int_equal(buf[9], 0x55);

	memset(buf, 0x55, sizeof(buf));
	be32_put(buf + 1, 0x8192a3b4u);
	be16_put(buf + 6, 0x8192);
	assert_memory_equal(buf + 1, BYTES, 4);
	assert_memory_equal(buf + 6, BYTES, 2);
	assert_int_equal(buf[0], 0x55);
	assert_int_equal(buf[5], 0x55);
	assert_int_equal(buf[8], 0x55);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_byte_is_the_highest),
		cmocka_unit_test(what_is_put_is_got_at_any_alignment),
		cmocka_unit_test(put_writes_its_bytes_and_no_more),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
