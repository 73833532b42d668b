/*
 * test_ipv6.c - the IPv6 header and the fragment header
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipv6.h"
#include "tests/harness/logged.h"

/* 2001:db8::1 to 2001:db8::2, 4 bytes of protocol 59. */
/* clang-format off */
static const uint8_t PLAIN[] = {
	0x6a, 0xb1, 0x23, 0x45, 0x00, 0x04, 59, 64,       /* */
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* src */
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, /* dst */
	1, 2, 3, 4,
};
/* clang-format on */

static void reads_every_field(void **state)
{
	struct ipv6_hdr h;
	char text[IP_TEXT_LEN];

	(void)state;
	assert_int_equal(ipv6_parse(&h, PLAIN, sizeof(PLAIN)), IPV6_OK);
	assert_int_equal(h.traffic_class, 0xab);
	assert_int_equal(h.flow_label, 0x12345);
	assert_int_equal(h.payload_len, 4);
	assert_int_equal(h.next_header, 59);
	assert_int_equal(h.hop_limit, 64);
	assert_string_equal(ip_text(&h.src, text), "2001:db8::1");
	assert_string_equal(ip_text(&h.dst, text), "2001:db8::2");
}

static void writes_what_it_read(void **state)
{
	struct ipv6_hdr h;
	uint8_t out[IPV6_HDR_LEN];

	(void)state;
	assert_int_equal(ipv6_parse(&h, PLAIN, sizeof(PLAIN)), IPV6_OK);
	ipv6_emit(out, &h);
	assert_memory_equal(out, PLAIN, sizeof(out));
}

static void refuses_every_truncation(void **state)
{
	struct ipv6_hdr h = { .hop_limit = 7 };

	(void)state;
	for (size_t len = 0; len < sizeof(PLAIN); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, PLAIN, len);
		assert_int_equal(ipv6_parse(&h, cut, len),
		    len < IPV6_HDR_LEN ? IPV6_SHORT : IPV6_BAD_LENGTH);
		free(cut);
	}
	assert_int_equal(h.hop_limit, 7);
}

static void refuses_another_version_and_takes_padding(void **state)
{
	uint8_t p[60] = { 0 };
	struct ipv6_hdr h;

	(void)state;
	memcpy(p, PLAIN, sizeof(PLAIN));
	assert_int_equal(ipv6_parse(&h, p, sizeof(p)), IPV6_OK);
	p[0] = 0x4a;
	assert_int_equal(ipv6_parse(&h, p, sizeof(p)), IPV6_BAD_VERSION);
}

static void writes_a_fragment_header(void **state)
{
	static const uint8_t want[] = { 17, 0, 0x05, 0xa9, 1, 2, 3, 4 };
	struct ipv6_frag_hdr f = {
		.id = 0x01020304,
		.offset = 1448,
		.more = true,
		.next_header = 17,
	};
	uint8_t out[IPV6_FRAG_HDR_LEN];

	(void)state;
	ipv6_frag_emit(out, &f);
	assert_memory_equal(out, want, sizeof(want));
}

static void logs_each_field(void **state)
{
	struct logged l;
	struct ipv6_hdr h;

	(void)state;
	assert_int_equal(ipv6_parse(&h, PLAIN, sizeof(PLAIN)), IPV6_OK);
	logged_open(&l);
	ipv6_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    version: 6\n"
	    "    DSCP: 42\n"
	    "    ECN: 3\n"
	    "    flow label: 0x12345\n"
	    "    payload length: 4\n"
	    "    next header: 59\n"
	    "    hop limit: 64\n"
	    "    source: 2001:db8::1\n"
	    "    destination: 2001:db8::2\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_another_version_and_takes_padding),
		cmocka_unit_test(writes_a_fragment_header),
		cmocka_unit_test(logs_each_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
