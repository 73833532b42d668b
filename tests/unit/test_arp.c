/*
 * test_arp.c - ARP messages: exact bytes, every truncation, refusals
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/arp.h"
#include "tests/harness/logged.h"

/* clang-format off */
/* 192.0.2.1 at 02:00:00:00:00:01 asks who has 192.0.2.2. */
static const uint8_t WHO_HAS[] = {
	0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, /* fixed part, op */
	0x02, 0x00, 0x00, 0x00, 0x00, 0x01,             /* sha */
	192, 0, 2, 1,                                   /* spa */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00,             /* tha */
	192, 0, 2, 2,                                   /* tpa */
};
/* clang-format on */

static void reads_every_field(void **state)
{
	static const struct mac sha = { { 2, 0, 0, 0, 0, 1 } };
	struct arp_hdr h;
	char text[IP_TEXT_LEN];

	(void)state;
	assert_int_equal(arp_parse(&h, WHO_HAS, sizeof(WHO_HAS)), ARP_OK);
	assert_int_equal(h.op, ARP_REQUEST);
	assert_true(mac_equal(&h.sha, &sha));
	assert_string_equal(ip_text(&h.spa, text), "192.0.2.1");
	assert_true(mac_equal(&h.tha, &mac_zero));
	assert_string_equal(ip_text(&h.tpa, text), "192.0.2.2");
}

static void writes_what_it_read(void **state)
{
	struct arp_hdr h;
	uint8_t out[ARP_LEN];

	(void)state;
	assert_int_equal(arp_parse(&h, WHO_HAS, sizeof(WHO_HAS)), ARP_OK);
	arp_emit(out, &h);
	assert_memory_equal(out, WHO_HAS, sizeof(out));
}

static void ignores_padding(void **state)
{
	struct arp_hdr h;
	uint8_t p[46];

	(void)state;
	memset(p, 0xa5, sizeof(p));
	memcpy(p, WHO_HAS, sizeof(WHO_HAS));
	assert_int_equal(arp_parse(&h, p, sizeof(p)), ARP_OK);
}

static void refuses_every_truncation(void **state)
{
	struct arp_hdr h = { .op = ARP_REPLY };

	(void)state;
	for (size_t len = 0; len < sizeof(WHO_HAS); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, WHO_HAS, len);
		assert_int_equal(arp_parse(&h, cut, len), ARP_SHORT);
		free(cut);
	}
	assert_int_equal(h.op, ARP_REPLY);
}

static void refuses_fields_out_of_range(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t byte;
		enum arp_parse want;
	} cases[] = {
		{ "htype 6", 1, 6, ARP_BAD_HTYPE },
		{ "htype in the high byte", 0, 1, ARP_BAD_HTYPE },
		{ "ptype IPv6", 2, 0x86, ARP_BAD_PTYPE },
		{ "hlen 0", 4, 0, ARP_BAD_HLEN },
		{ "hlen 8", 4, 8, ARP_BAD_HLEN },
		{ "plen 16", 5, 16, ARP_BAD_PLEN },
		{ "op 0", 7, 0, ARP_BAD_OP },
		{ "reply", 7, 2, ARP_OK },
		{ "RARP", 7, 3, ARP_BAD_OP },
		{ "op in the high byte", 6, 1, ARP_BAD_OP },
		{ "sender in a MAC group", 8, 1, ARP_BAD_SHA },
		{ "sender in an IP group", 14, 224, ARP_BAD_SPA },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arp_hdr h;
		uint8_t p[sizeof(WHO_HAS)];

		memcpy(p, WHO_HAS, sizeof(p));
		p[cases[i].at] = cases[i].byte;
		if (arp_parse(&h, p, sizeof(p)) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void refuses_the_broadcast_addresses_as_sender(void **state)
{
	struct arp_hdr h;
	uint8_t p[sizeof(WHO_HAS)];

	(void)state;
	memcpy(p, WHO_HAS, sizeof(p));
	memset(p + 8, 0xff, MAC_LEN);
	assert_int_equal(arp_parse(&h, p, sizeof(p)), ARP_BAD_SHA);

	memcpy(p, WHO_HAS, sizeof(p));
	memset(p + 14, 0xff, 4);
	assert_int_equal(arp_parse(&h, p, sizeof(p)), ARP_BAD_SPA);

	/* 0.0.0.0 asks for an address before it is used (RFC 5227, 2.1.1). */
	memset(p + 14, 0, 4);
	assert_int_equal(arp_parse(&h, p, sizeof(p)), ARP_OK);
	assert_true(ip_is_any(&h.spa));
}

static void prints_field_by_field(void **state)
{
	struct arp_hdr h;
	struct logged l;

	(void)state;
	assert_int_equal(arp_parse(&h, WHO_HAS, sizeof(WHO_HAS)), ARP_OK);
	logged_open(&l);
	arp_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    op: request\n"
	    "    sha: 02:00:00:00:00:01\n"
	    "    spa: 192.0.2.1\n"
	    "    tha: 00:00:00:00:00:00\n"
	    "    tpa: 192.0.2.2\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(ignores_padding),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(refuses_the_broadcast_addresses_as_sender),
		cmocka_unit_test(prints_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
