/*
 * test_ipv4_options.c - options: found, refused with the byte to blame, echoed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipv4.h"

/* A header with the @n bytes of options at @opts, ends of list behind. */
static struct ipv4_hdr with_options(const uint8_t *opts, size_t n)
{
	struct ipv4_hdr h = { .ttl = 64 };

	h.hdr_len = (uint8_t)(IPV4_HDR_LEN + (n + 3) / 4 * 4);
	memcpy(h.options, opts, n);
	return h;
}

static void finds_what_it_knows(void **state)
{
	static const uint8_t opts[] = {
		1, 148, 4, 0, 0,                      /* nop, router alert */
		30, 3, 9,                             /* unknown */
		7, 7, 4, 0, 0, 0, 0,                  /* record route, empty */
		68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, /* timestamp */
		131, 7, 8, 192, 0, 2, 9,              /* loose route, used up */
		0, 255, /* end: the rest is not read */
	};
	struct ipv4_hdr h = with_options(opts, sizeof(opts));
	struct ipv4_options o;
	uint8_t pointer = 0;

	(void)state;
	assert_int_equal(ipv4_options_parse(&o, &pointer, &h), IPV4_OK);
	assert_int_equal(o.router_alert, 21);
	assert_int_equal(o.record_route, 28);
	assert_int_equal(o.timestamp, 35);
	assert_int_equal(o.source_route, 47);
	assert_int_equal(pointer, 0);
}

static void blames_the_byte_that_is_wrong(void **state)
{
	static const struct {
		const char *why;
		uint8_t opts[8];
		uint8_t pointer;
	} cases[] = {
		{ "length 0", { 30, 0 }, 21 },
		{ "length 1", { 30, 1 }, 21 },
		{ "length beyond the header", { 30, 9 }, 21 },
		{ "no room for a length", { 1, 1, 1, 1, 1, 1, 1, 30 }, 27 },
		{ "route without pointer", { 7, 2 }, 21 },
		{ "route's pointer too small", { 7, 7, 3 }, 22 },
		{ "route's pointer in an address", { 131, 7, 5 }, 22 },
		{ "a second record route", { 7, 3, 4, 7, 3, 4 }, 23 },
		{ "two source routes", { 131, 3, 4, 137, 3, 4 }, 23 },
		{ "timestamp without flags", { 68, 3, 5 }, 21 },
		{ "timestamp of form 2", { 68, 8, 5, 2 }, 23 },
		{ "timestamp's pointer too small", { 68, 8, 4, 0 }, 22 },
		{ "half an entry left", { 68, 8, 5, 1 }, 22 },
		{ "overflow overflows", { 68, 8, 9, 0xf0 }, 23 },
		{ "router alert of 3 bytes", { 148, 3, 0 }, 21 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ipv4_hdr h = with_options(cases[i].opts, 8);
		struct ipv4_options o = { .timestamp = 99 };
		uint8_t pointer = 0;

		if (ipv4_options_parse(&o, &pointer, &h) != IPV4_BAD_OPTION)
			fail_msg("%s", cases[i].why);
		if (pointer != cases[i].pointer)
			fail_msg("%s: %u", cases[i].why, pointer);
		assert_int_equal(o.timestamp, 99);
	}
}

static void echo(const uint8_t *opts, size_t n, const uint8_t *want, size_t len)
{
	static const uint8_t self_bytes[4] = { 192, 0, 2, 2 };
	struct ip_addr self = ip_from_v4(self_bytes);
	struct ipv4_hdr h = with_options(opts, n);
	uint8_t out[IPV4_OPTIONS_MAX];
	struct ipv4_options o;
	uint8_t pointer;

	assert_int_equal(ipv4_options_parse(&o, &pointer, &h), IPV4_OK);
	assert_int_equal(
	    ipv4_options_echo(out, &h, &o, &self, 0x01020304), len);
	assert_memory_equal(out, want, len);
}

static void echo_adds_us_to_a_record_route(void **state)
{
	static const uint8_t asked[] = { 30, 2, 7, 11, 8, 10, 0, 0, 1, 0, 0, 0,
		0 };
	static const uint8_t answer[] = { 7, 11, 12, 10, 0, 0, 1, 192, 0, 2, 2,
		0 };
	static const uint8_t full[] = { 7, 7, 8, 10, 0, 0, 1, 0 };
	static const uint8_t behind[] = { 30, 24, [24] = 7, 7, 8, 10, 0, 0, 1,
		0 };

	(void)state;
	echo(asked, sizeof(asked), answer, sizeof(answer));
	echo(full, sizeof(full), full, sizeof(full));
	echo(behind, sizeof(behind), behind + 24, 8);
}

static void echo_adds_a_timestamp(void **state)
{
	static const struct {
		uint8_t asked[12], answer[12];
	} cases[] = {
		{ { 68, 12, 5, 0 }, { 68, 12, 9, 0, 1, 2, 3, 4 } },
		{ { 68, 12, 5, 1 },
		    { 68, 12, 13, 1, 192, 0, 2, 2, 1, 2, 3, 4 } },
		{ { 68, 12, 5, 3, 192, 0, 2, 2 },
		    { 68, 12, 13, 3, 192, 0, 2, 2, 1, 2, 3, 4 } },
		{ { 68, 12, 5, 3, 192, 0, 2, 7 },
		    { 68, 12, 5, 3, 192, 0, 2, 7 } },
		{ { 68, 12, 13, 0xe1, 9, 9, 9, 9, 8, 8, 8, 8 },
		    { 68, 12, 13, 0xf1, 9, 9, 9, 9, 8, 8, 8, 8 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		echo(cases[i].asked, 12, cases[i].answer, 12);
}

static void fragments_carry_the_copied_ones(void **state)
{
	static const uint8_t opts[] = { 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 1 };
	static const uint8_t want[] = { 148, 4, 0, 0 };
	struct ipv4_hdr h = with_options(opts, sizeof(opts));
	uint8_t out[IPV4_OPTIONS_MAX];

	(void)state;
	assert_int_equal(ipv4_options_copied(out, &h), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_it_knows),
		cmocka_unit_test(blames_the_byte_that_is_wrong),
		cmocka_unit_test(echo_adds_us_to_a_record_route),
		cmocka_unit_test(echo_adds_a_timestamp),
		cmocka_unit_test(fragments_carry_the_copied_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
