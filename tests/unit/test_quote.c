/*
 * test_quote.c - packets as ICMP errors quote them: cut short, or made up
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/quote.h"

/* clang-format off */
static const uint8_t V4[] = { /* cut to header and 8 bytes of 100 */
	0x45, 0, 0, 100, 1, 2, 0x40, 0, 1, 17, 0xde, 0xad,
	192, 0, 2, 1, 192, 0, 2, 2,
	0x9c, 0x40, 0, 7, 0, 80, 0, 0,
};
static const uint8_t V6[] = { /* a first fragment of UDP */
	0x60, 0, 0, 0, 0x05, 0, 44, 1,
	0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	17, 0, 0, 1, 1, 2, 3, 4,
	0x9c, 0x40, 0, 7, 0, 80, 0, 0,
};
/* clang-format on */

static void reads_a_short_quote(void **state)
{
	struct quote q;
	char text[IP_TEXT_LEN];

	(void)state;
	assert_int_equal(quote_parse4(&q, V4, sizeof(V4)), QUOTE_OK);
	assert_string_equal(ip_text(&q.src, text), "192.0.2.1");
	assert_string_equal(ip_text(&q.dst, text), "192.0.2.2");
	assert_int_equal(q.proto, 17);
	assert_int_equal(q.transport_at, 20);
	assert_int_equal(q.transport_len, 8);
	assert_int_equal(q.packet_len, 100);
}

static void reads_behind_a_fragment_header(void **state)
{
	struct quote q;
	char text[IP_TEXT_LEN];

	(void)state;
	assert_int_equal(quote_parse6(&q, V6, sizeof(V6)), QUOTE_OK);
	assert_string_equal(ip_text(&q.src, text), "2001:db8::1");
	assert_string_equal(ip_text(&q.dst, text), "2001:db8::2");
	assert_int_equal(q.proto, 17);
	assert_int_equal(q.transport_at, 48);
	assert_int_equal(q.transport_len, 8);
	assert_int_equal(q.packet_len, 40 + 0x500);
}

static void refuses_every_truncation(void **state)
{
	struct quote q = { .proto = 9 };

	(void)state;
	for (size_t len = 0; len < sizeof(V6); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, V6, len);
		assert_int_equal(quote_parse6(&q, cut, len), QUOTE_SHORT);
		if (len < sizeof(V4)) {
			memcpy(cut, V4, len);
			assert_int_equal(
			    quote_parse4(&q, cut, len), QUOTE_SHORT);
		}
		free(cut);
	}
	assert_int_equal(q.proto, 9);
}

static void refuses_contradictions(void **state)
{
	static const struct {
		const char *why;
		bool v4;
		size_t at;
		uint8_t byte;
		enum quote_parse want;
	} cases[] = {
		{ "IPv6 in an ICMP error", true, 0, 0x65, QUOTE_BAD_VERSION },
		{ "header of 16 bytes", true, 0, 0x44, QUOTE_BAD_HEADER },
		{ "header beyond the quote", true, 0, 0x4f, QUOTE_SHORT },
		{ "packet shorter than its header", true, 3, 19,
		    QUOTE_BAD_HEADER },
		{ "packet of 7 bytes of UDP", true, 3, 27, QUOTE_SHORT },
		{ "a later fragment", true, 7, 1, QUOTE_NOT_FIRST },
		{ "IPv4 in an ICMPv6 error", false, 0, 0x40,
		    QUOTE_BAD_VERSION },
		{ "a later fragment", false, 43, 9, QUOTE_NOT_FIRST },
		{ "the header's end beyond the quote", false, 6, 60, QUOTE_OK },
		{ "an extension beyond the quote", false, 40, 60, QUOTE_SHORT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t p[sizeof(V6)];
		struct quote q;
		enum quote_parse rc;

		memcpy(p, cases[i].v4 ? V4 : V6,
		    cases[i].v4 ? sizeof(V4) : sizeof(V6));
		p[cases[i].at] = cases[i].byte;
		rc = cases[i].v4 ? quote_parse4(&q, p, sizeof(V4))
				 : quote_parse6(&q, p, sizeof(V6));
		if (rc != cases[i].want)
			fail_msg("%s: %d", cases[i].why, rc);
	}
}

/* They would name an IPv4 flow that is not what was sent. */
static void refuses_mapped_addresses(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	struct quote q;
	uint8_t p[sizeof(V6)];

	(void)state;
	memcpy(p, V6, sizeof(p));
	memcpy(p + 8, mapped, sizeof(mapped));
	assert_int_equal(quote_parse6(&q, p, sizeof(p)), QUOTE_BAD_HEADER);
	memcpy(p, V6, sizeof(p));
	memcpy(p + 24, mapped, sizeof(mapped));
	assert_int_equal(quote_parse6(&q, p, sizeof(p)), QUOTE_BAD_HEADER);
}

static void gives_up_on_endless_chains(void **state)
{
	uint8_t p[40 + 8 * 20] = { 0x60, [4] = 1, [6] = 60 };
	struct quote q;

	(void)state;
	for (size_t at = 40; at < sizeof(p); at += 8)
		p[at] = 60;
	assert_int_equal(quote_parse6(&q, p, sizeof(p)), QUOTE_BAD_CHAIN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_short_quote),
		cmocka_unit_test(reads_behind_a_fragment_header),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_contradictions),
		cmocka_unit_test(refuses_mapped_addresses),
		cmocka_unit_test(gives_up_on_endless_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
