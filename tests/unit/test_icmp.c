/*
 * test_icmp.c - ICMP: exact bytes, every truncation, what errors quote
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/icmp.h"
#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/harness/logged.h"

/* clang-format off */
static const uint8_t PING[] = {
	8, 0, 0xe5, 0xf3, 0x12, 0x34, 0x00, 0x07, /* id 0x1234, seq 7 */
	'p', 'i', 'n', 'g', '!',
};
static const uint8_t PONG[] = {
	0, 0, 0xed, 0xf3, 0x12, 0x34, 0x00, 0x07,
	'p', 'i', 'n', 'g', '!',
};
/* clang-format on */

static void seal(uint8_t *p, size_t len)
{
	be16_put(p + 2, 0);
	be16_put(p + 2, csum_fold(csum_add(0, p, len)));
}

static void reads_an_echo_request(void **state)
{
	struct icmp_hdr h;

	(void)state;
	assert_int_equal(icmp_parse(&h, PING, sizeof(PING)), ICMP_OK);
	assert_int_equal(h.type, ICMP_ECHO);
	assert_int_equal(h.code, 0);
	assert_int_equal(h.checksum, 0xe5f3);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.seq, 7);
	assert_int_equal(h.body_at, 8);
	assert_int_equal(h.body_len, 5);
}

static void answers_it(void **state)
{
	uint8_t out[sizeof(PING)];

	(void)state;
	icmp_emit_echo_reply(out, PING, sizeof(PING));
	assert_memory_equal(out, PONG, sizeof(PONG));
}

/* The last word is odd, so a cut always shows in the checksum. */
static void refuses_every_truncation(void **state)
{
	struct icmp_hdr h = { .id = 9 };

	(void)state;
	for (size_t len = 0; len < sizeof(PING); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, PING, len);
		assert_int_equal(icmp_parse(&h, cut, len),
		    len < ICMP_HDR_LEN ? ICMP_SHORT : ICMP_BAD_CHECKSUM);
		free(cut);
	}
	assert_int_equal(h.id, 9);
}

static void refuses_any_wrong_bit(void **state)
{
	struct icmp_hdr h;
	uint8_t p[sizeof(PING)];

	(void)state;
	for (size_t bit = 0; bit < sizeof(PING) * 8; bit++) {
		memcpy(p, PING, sizeof(p));
		p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(
		    icmp_parse(&h, p, sizeof(p)), ICMP_BAD_CHECKSUM);
	}
}

static void writes_the_errors(void **state)
{
	static const struct {
		struct icmp_hdr h;
		uint8_t rest[4];
	} cases[] = {
		{ { .type = 3, .code = 4, .mtu = 1400 }, { 0, 0, 5, 0x78 } },
		{ { .type = 3, .code = 3 }, { 0 } },
		{ { .type = 11, .code = 1 }, { 0 } },
		{ { .type = 12, .pointer = 21 }, { 21, 0, 0, 0 } },
	};
	uint8_t out[ICMP_ERROR_MAX], packet[28] = { 0x45, 1, 2, 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct icmp_hdr h;

		assert_int_equal(
		    icmp_emit_error(out, &cases[i].h, packet, sizeof(packet)),
		    8 + sizeof(packet));
		assert_int_equal(out[0], cases[i].h.type);
		assert_int_equal(out[1], cases[i].h.code);
		assert_memory_equal(out + 4, cases[i].rest, 4);
		assert_memory_equal(out + 8, packet, sizeof(packet));
		assert_int_equal(icmp_parse(&h, out, 36), ICMP_OK);
		assert_int_equal(h.mtu, cases[i].h.mtu);
		assert_int_equal(h.pointer, cases[i].h.pointer);
		assert_int_equal(h.body_len, 28);
	}
}

static void quotes_no_more_than_576_bytes_hold(void **state)
{
	static const struct icmp_hdr h = { .type = 3, .code = 1 };
	uint8_t out[ICMP_ERROR_MAX], packet[1500] = { 0x45 };

	(void)state;
	assert_int_equal(icmp_emit_error(out, &h, packet, 1500), 556);
}

/* RFC 4884: extensions behind the quote are not the quoted packet. */
static void leaves_extensions_out(void **state)
{
	uint8_t p[8 + 128 + 12] = { 11, 0 };
	struct icmp_hdr h;

	(void)state;
	p[5] = 32;
	seal(p, sizeof(p));
	assert_int_equal(icmp_parse(&h, p, sizeof(p)), ICMP_OK);
	assert_int_equal(h.body_len, 128);
	p[5] = 200; /* more than there is: not a length at all */
	seal(p, sizeof(p));
	assert_int_equal(icmp_parse(&h, p, sizeof(p)), ICMP_OK);
	assert_int_equal(h.body_len, 140);
}

static void knows_errors(void **state)
{
	(void)state;
	assert_true(icmp_is_error(ICMP_UNREACHABLE));
	assert_true(icmp_is_error(ICMP_SOURCE_QUENCH));
	assert_true(icmp_is_error(ICMP_REDIRECT));
	assert_false(icmp_is_error(ICMP_ECHO));
	assert_false(icmp_is_error(ICMP_ECHO_REPLY));
	assert_false(icmp_is_error(13));
}

static void logs_each_field(void **state)
{
	struct logged l;
	struct icmp_hdr h;

	(void)state;
	assert_int_equal(icmp_parse(&h, PING, sizeof(PING)), ICMP_OK);
	logged_open(&l);
	icmp_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    type: 8 (echo request)\n"
	    "    code: 0\n"
	    "    checksum: 0xe5f3\n"
	    "    identifier: 4660\n"
	    "    sequence number: 7\n"
	    "    data: 5 bytes\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_an_echo_request),
		cmocka_unit_test(answers_it),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_any_wrong_bit),
		cmocka_unit_test(writes_the_errors),
		cmocka_unit_test(quotes_no_more_than_576_bytes_hold),
		cmocka_unit_test(leaves_extensions_out),
		cmocka_unit_test(knows_errors),
		cmocka_unit_test(logs_each_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
