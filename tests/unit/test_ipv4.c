/*
 * test_ipv4.c - the IPv4 header: exact bytes, every truncation, refusals
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipv4.h"
#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/harness/logged.h"

/* 192.0.2.1 to 192.0.2.2, UDP, 8 bytes of payload, DF, ECT(0). */
static const uint8_t PLAIN[] = {
	0x45, 0x02, 0x00, 0x1c, 0x12, 0x34, 0x40, 0x00, /* header */
	0x40, 0x11, 0xa4, 0x97, 192, 0, 2, 1,           /* */
	192, 0, 2, 2,                                   /* */
	1, 2, 3, 4, 5, 6, 7, 8,                         /* payload */
};

static void seal(uint8_t *p)
{
	be16_put(p + 10, 0);
	be16_put(p + 10, csum_fold(csum_add(0, p, (p[0] & 0xfU) * 4)));
}

static void reads_every_field(void **state)
{
	struct ipv4_hdr h;
	char text[IP_TEXT_LEN];

	(void)state;
	assert_int_equal(ipv4_parse(&h, PLAIN, sizeof(PLAIN)), IPV4_OK);
	assert_int_equal(h.hdr_len, 20);
	assert_int_equal(h.tos, 2);
	assert_int_equal(h.total_len, 28);
	assert_int_equal(h.id, 0x1234);
	assert_true(h.df);
	assert_false(h.mf);
	assert_int_equal(h.frag_offset, 0);
	assert_int_equal(h.ttl, 64);
	assert_int_equal(h.proto, 17);
	assert_int_equal(h.checksum, 0xa497);
	assert_string_equal(ip_text(&h.src, text), "192.0.2.1");
	assert_string_equal(ip_text(&h.dst, text), "192.0.2.2");
}

static void writes_what_it_read(void **state)
{
	struct ipv4_hdr h;
	uint8_t out[IPV4_HDR_LEN];

	(void)state;
	assert_int_equal(ipv4_parse(&h, PLAIN, sizeof(PLAIN)), IPV4_OK);
	ipv4_emit(out, &h);
	assert_memory_equal(out, PLAIN, sizeof(out));
}

static void ignores_padding(void **state)
{
	uint8_t p[46] = { 0 };
	struct ipv4_hdr h;

	(void)state;
	memcpy(p, PLAIN, sizeof(PLAIN));
	assert_int_equal(ipv4_parse(&h, p, sizeof(p)), IPV4_OK);
	assert_int_equal(h.total_len, 28);
}

static void refuses_every_truncation(void **state)
{
	struct ipv4_hdr h = { .id = 7 };

	(void)state;
	for (size_t len = 0; len < sizeof(PLAIN); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, PLAIN, len);
		assert_int_equal(ipv4_parse(&h, cut, len),
		    len < IPV4_HDR_LEN ? IPV4_SHORT : IPV4_BAD_LENGTH);
		free(cut);
	}
	assert_int_equal(h.id, 7);
}

static void refuses_fields_out_of_range(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t byte;
		bool sealed;
		enum ipv4_parse want;
	} cases[] = {
		{ "version 6", 0, 0x65, true, IPV4_BAD_VERSION },
		{ "header of 16 bytes", 0, 0x44, false, IPV4_BAD_IHL },
		{ "header of no bytes", 0, 0x40, false, IPV4_BAD_IHL },
		{ "header beyond the buffer", 0, 0x48, false, IPV4_BAD_IHL },
		{ "any bit wrong", 8, 0x41, false, IPV4_BAD_CHECKSUM },
		{ "total length below header", 3, 19, true, IPV4_BAD_LENGTH },
		{ "total length too big", 3, 29, true, IPV4_BAD_LENGTH },
		{ "total length much too big", 2, 1, true, IPV4_BAD_LENGTH },
		{ "MF and 7 bytes", 3, 27, true, IPV4_BAD_FRAGMENT },
		{ "MF and no bytes", 3, 20, true, IPV4_BAD_FRAGMENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t p[sizeof(PLAIN)];
		struct ipv4_hdr h;

		memcpy(p, PLAIN, sizeof(p));
		if (cases[i].want == IPV4_BAD_FRAGMENT)
			p[6] = 0x20;
		p[cases[i].at] = cases[i].byte;
		if (cases[i].sealed)
			seal(p);
		if (ipv4_parse(&h, p, sizeof(p)) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void refuses_a_fragment_beyond_65535(void **state)
{
	uint8_t p[sizeof(PLAIN)];
	struct ipv4_hdr h;

	(void)state;
	memcpy(p, PLAIN, sizeof(p));
	/* 65504 + 8 bytes + 20 of header fit, eight more don't. */
	be16_put(p + 6, 65504 / 8);
	seal(p);
	assert_int_equal(ipv4_parse(&h, p, sizeof(p)), IPV4_OK);
	assert_int_equal(h.frag_offset, 65504);
	be16_put(p + 6, 65512 / 8);
	seal(p);
	assert_int_equal(ipv4_parse(&h, p, sizeof(p)), IPV4_BAD_FRAGMENT);
}

static void decrements_the_ttl(void **state)
{
	uint8_t p[sizeof(PLAIN)];
	struct ipv4_hdr h;

	(void)state;
	memcpy(p, PLAIN, sizeof(p));
	for (unsigned ttl = 255; ttl > 0; ttl--) {
		p[8] = (uint8_t)ttl;
		seal(p);
		ipv4_ttl_decrement(p);
		assert_int_equal(ipv4_parse(&h, p, sizeof(p)), IPV4_OK);
		assert_int_equal(h.ttl, ttl - 1);
	}
}

static void logs_each_field(void **state)
{
	struct logged l;
	struct ipv4_hdr h;

	(void)state;
	assert_int_equal(ipv4_parse(&h, PLAIN, sizeof(PLAIN)), IPV4_OK);
	logged_open(&l);
	ipv4_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    version: 4\n"
	    "    header length: 20\n"
	    "    DSCP: 0\n"
	    "    ECN: 2\n"
	    "    total length: 28\n"
	    "    identification: 0x1234\n"
	    "    don't fragment: 1\n"
	    "    more fragments: 0\n"
	    "    fragment offset: 0\n"
	    "    time to live: 64\n"
	    "    protocol: 17\n"
	    "    header checksum: 0xa497\n"
	    "    source: 192.0.2.1\n"
	    "    destination: 192.0.2.2\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(ignores_padding),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(refuses_a_fragment_beyond_65535),
		cmocka_unit_test(decrements_the_ttl),
		cmocka_unit_test(logs_each_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
