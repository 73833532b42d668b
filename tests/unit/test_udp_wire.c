/*
 * test_udp_wire.c - UDP headers: exact bytes, every truncation, checksums
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/logged.h"
#include "udpd/udp_wire.h"

/* clang-format off */
/* "ping" from 192.0.2.1 port 40000 to the echo port of 192.0.2.2. */
static const uint8_t PING[] = {
	0x9c, 0x40, 0x00, 0x07, 0x00, 0x0c, 0x00, 0xba, /* header */
	'p', 'i', 'n', 'g',                             /* payload */
};
/* clang-format on */

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, text));
	return a;
}

static void reads_every_field(void **state)
{
	struct udp_hdr h;

	(void)state;
	assert_int_equal(udp_parse(&h, PING, sizeof(PING)), UDP_OK);
	assert_int_equal(h.src_port, 40000);
	assert_int_equal(h.dst_port, 7);
	assert_int_equal(h.length, sizeof(PING));
	assert_int_equal(h.checksum, 0x00ba);
}

static void writes_what_it_read(void **state)
{
	struct udp_hdr h;
	uint8_t out[UDP_HDR_LEN];

	(void)state;
	assert_int_equal(udp_parse(&h, PING, sizeof(PING)), UDP_OK);
	udp_emit(out, &h);
	assert_memory_equal(out, PING, UDP_HDR_LEN);
}

/* Cut anywhere, a datagram is refused and never read past its end. */
static void refuses_every_truncation(void **state)
{
	struct udp_hdr h = { .src_port = 7 };

	(void)state;
	for (size_t len = 0; len < sizeof(PING); len++) {
		/* An allocation of exactly len bytes, for ASan's red zone. */
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, PING, len);
		assert_int_equal(udp_parse(&h, cut, len),
		    len < UDP_HDR_LEN ? UDP_SHORT : UDP_BAD_LENGTH);
		free(cut);
	}
	assert_int_equal(h.src_port, 7); /* *ret is left alone on error */
}

static void refuses_fields_out_of_range(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t byte;
		enum udp_parse want;
	} cases[] = {
		{ "length below the header", 5, 7, UDP_BAD_LENGTH },
		{ "length zero", 5, 0, UDP_BAD_LENGTH },
		{ "no payload", 5, 8, UDP_OK },
		{ "length beyond the buffer", 5, 13, UDP_BAD_LENGTH },
		{ "length in the next byte", 4, 1, UDP_BAD_LENGTH },
		{ "destination port zero", 3, 0, UDP_BAD_PORT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct udp_hdr h;
		uint8_t p[sizeof(PING)];

		memcpy(p, PING, sizeof(p));
		p[cases[i].at] = cases[i].byte;
		if (udp_parse(&h, p, sizeof(p)) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void verifies_the_checksum_of_both_families(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t checksum;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.2", 0x00ba },
		{ "2001:db8::1", "2001:db8::2", 0x2949 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr src = address(cases[i].src);
		struct ip_addr dst = address(cases[i].dst);
		struct udp_hdr h;

		assert_int_equal(udp_parse(&h, PING, sizeof(PING)), UDP_OK);
		h.checksum = 0xabcd; /* what was there has no influence */
		udp_checksum_seal(&h, PING + UDP_HDR_LEN, &src, &dst);
		assert_int_equal(h.checksum, cases[i].checksum);
		assert_true(
		    udp_checksum_ok(&h, PING + UDP_HDR_LEN, &src, &dst));
		h.src_port ^= 1;
		assert_false(
		    udp_checksum_ok(&h, PING + UDP_HDR_LEN, &src, &dst));
	}
}

static void takes_no_checksum_on_ipv4_only(void **state)
{
	struct ip_addr src = address("192.0.2.1"), dst = address("192.0.2.2");
	struct ip_addr src6 = address("fe80::1"), dst6 = address("fe80::2");
	struct udp_hdr h;

	(void)state;
	assert_int_equal(udp_parse(&h, PING, sizeof(PING)), UDP_OK);
	h.checksum = 0;
	assert_true(udp_checksum_ok(&h, PING + UDP_HDR_LEN, &src, &dst));
	assert_false(udp_checksum_ok(&h, PING + UDP_HDR_LEN, &src6, &dst6));
}

static void seals_a_sum_of_zero_as_ones(void **state)
{
	static const uint8_t payload[] = { 0xdf, 0x8e }; /* chosen for it */
	struct ip_addr src = address("192.0.2.1"), dst = address("192.0.2.2");
	struct udp_hdr h = { .src_port = 40000, .dst_port = 7, .length = 10 };

	(void)state;
	udp_checksum_seal(&h, payload, &src, &dst);
	assert_int_equal(h.checksum, 0xffff);
	assert_true(udp_checksum_ok(&h, payload, &src, &dst));
}

static void leaves_link_padding_out_of_the_sum(void **state)
{
	struct ip_addr src = address("192.0.2.1"), dst = address("192.0.2.2");
	struct udp_hdr h;
	uint8_t p[sizeof(PING) + 6];

	(void)state;
	memset(p, 0xa5, sizeof(p));
	memcpy(p, PING, sizeof(PING));
	assert_int_equal(udp_parse(&h, p, sizeof(p)), UDP_OK);
	assert_true(udp_checksum_ok(&h, p + UDP_HDR_LEN, &src, &dst));
}

static void prints_field_by_field(void **state)
{
	struct udp_hdr h;
	struct logged l;

	(void)state;
	assert_int_equal(udp_parse(&h, PING, sizeof(PING)), UDP_OK);
	logged_open(&l);
	udp_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    src port: 40000\n"
	    "    dst port: 7\n"
	    "    length: 12\n"
	    "    checksum: 0x00ba\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(verifies_the_checksum_of_both_families),
		cmocka_unit_test(takes_no_checksum_on_ipv4_only),
		cmocka_unit_test(seals_a_sum_of_zero_as_ones),
		cmocka_unit_test(leaves_link_padding_out_of_the_sum),
		cmocka_unit_test(prints_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
