/*
 * test_icmp6.c - ICMPv6: exact bytes, every truncation, what errors quote
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/icmp6.h"

/* clang-format off */
static const uint8_t PING[] = { /* 2001:db8::1 to 2001:db8::2 */
	128, 0, 0x12, 0x37, 0x12, 0x34, 0x00, 0x07, /* id 0x1234, seq 7 */
	'p', 'i', 'n', 'g', '!',
};
static const uint8_t PONG[] = { /* and back */
	129, 0, 0x11, 0x37, 0x12, 0x34, 0x00, 0x07,
	'p', 'i', 'n', 'g', '!',
};
/* clang-format on */

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, text));
	return a;
}

static void reads_an_echo_request(void **state)
{
	struct ip_addr src = address("2001:db8::1"),
		       dst = address("2001:db8::2");
	struct icmp6_hdr h;

	(void)state;
	assert_int_equal(
	    icmp6_parse(&h, &src, &dst, PING, sizeof(PING)), ICMP6_OK);
	assert_int_equal(h.type, ICMP6_ECHO);
	assert_int_equal(h.code, 0);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.seq, 7);
	assert_int_equal(h.body_at, 8);
	assert_int_equal(h.body_len, 5);

	/* The addresses are part of the sum. */
	dst.b[15] = 3;
	assert_int_equal(icmp6_parse(&h, &src, &dst, PING, sizeof(PING)),
	    ICMP6_BAD_CHECKSUM);
}

static void answers_it(void **state)
{
	struct ip_addr src = address("2001:db8::2"),
		       dst = address("2001:db8::1");
	uint8_t out[sizeof(PING)];

	(void)state;
	icmp6_emit_echo_reply(out, &src, &dst, PING, sizeof(PING));
	assert_memory_equal(out, PONG, sizeof(PONG));
}

static void refuses_every_truncation(void **state)
{
	struct ip_addr src = address("2001:db8::1"),
		       dst = address("2001:db8::2");
	struct icmp6_hdr h = { .id = 9 };

	(void)state;
	for (size_t len = 0; len < sizeof(PING); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, PING, len);
		assert_int_equal(icmp6_parse(&h, &src, &dst, cut, len),
		    len < ICMP6_HDR_LEN ? ICMP6_SHORT : ICMP6_BAD_CHECKSUM);
		free(cut);
	}
	assert_int_equal(h.id, 9);
}

static void writes_the_errors(void **state)
{
	static const struct {
		struct icmp6_hdr h;
		uint8_t rest[4];
	} cases[] = {
		{ { .type = 1, .code = 4 }, { 0 } },
		{ { .type = 2, .mtu = 1400 }, { 0, 0, 5, 0x78 } },
		{ { .type = 3, .code = 1 }, { 0 } },
		{ { .type = 4, .code = 1, .pointer = 0x01020304 },
		    { 1, 2, 3, 4 } },
	};
	struct ip_addr src = address("2001:db8::2"),
		       dst = address("2001:db8::1");
	uint8_t out[ICMP6_ERROR_MAX], packet[48] = { 0x60, 1, 2, 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct icmp6_hdr h;

		assert_int_equal(icmp6_emit_error(out, &cases[i].h, &src, &dst,
				     packet, sizeof(packet)),
		    8 + sizeof(packet));
		assert_int_equal(out[0], cases[i].h.type);
		assert_int_equal(out[1], cases[i].h.code);
		assert_memory_equal(out + 4, cases[i].rest, 4);
		assert_memory_equal(out + 8, packet, sizeof(packet));
		assert_int_equal(
		    icmp6_parse(&h, &src, &dst, out, 56), ICMP6_OK);
		assert_int_equal(h.mtu, cases[i].h.mtu);
		assert_int_equal(h.pointer, cases[i].h.pointer);
		assert_int_equal(h.body_len, 48);
	}
}

static void quotes_no_more_than_1280_bytes_hold(void **state)
{
	static const struct icmp6_hdr h = { .type = 2, .mtu = 1280 };
	struct ip_addr a = address("2001:db8::2");
	uint8_t out[ICMP6_ERROR_MAX], packet[1500] = { 0x60 };

	(void)state;
	assert_int_equal(icmp6_emit_error(out, &h, &a, &a, packet, 1500), 1240);
}

static void knows_errors(void **state)
{
	(void)state;
	assert_true(icmp6_is_error(1));
	assert_true(icmp6_is_error(127));
	assert_false(icmp6_is_error(128));
	assert_false(icmp6_is_error(255));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_an_echo_request),
		cmocka_unit_test(answers_it),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(writes_the_errors),
		cmocka_unit_test(quotes_no_more_than_1280_bytes_hold),
		cmocka_unit_test(knows_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
