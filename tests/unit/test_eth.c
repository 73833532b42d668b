/*
 * test_eth.c - Ethernet headers and addresses: exact bytes, refusals, text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/eth.h"
#include "tests/harness/logged.h"

/* clang-format off */
/* An ARP broadcast from 02:00:00:00:00:01. */
static const uint8_t FRAME[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* dst */
	0x02, 0x00, 0x00, 0x00, 0x00, 0x01, /* src */
	0x08, 0x06,                         /* type */
};
/* clang-format on */

static void reads_every_field(void **state)
{
	static const struct mac src = { { 2, 0, 0, 0, 0, 1 } };
	struct eth_hdr h;

	(void)state;
	assert_int_equal(eth_parse(&h, FRAME, sizeof(FRAME)), ETH_OK);
	assert_true(mac_is_broadcast(&h.dst));
	assert_true(mac_equal(&h.src, &src));
	assert_int_equal(h.type, ETH_TYPE_ARP);
}

static void writes_what_it_read(void **state)
{
	struct eth_hdr h;
	uint8_t out[ETH_HDR_LEN];

	(void)state;
	assert_int_equal(eth_parse(&h, FRAME, sizeof(FRAME)), ETH_OK);
	eth_emit(out, &h);
	assert_memory_equal(out, FRAME, sizeof(out));
}

static void refuses_every_truncation(void **state)
{
	struct eth_hdr h = { .type = 7 };

	(void)state;
	for (size_t len = 0; len < sizeof(FRAME); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, FRAME, len);
		assert_int_equal(eth_parse(&h, cut, len), ETH_SHORT);
		free(cut);
	}
	assert_int_equal(h.type, 7);
}

static void tells_other_frames_apart(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t bytes[2];
		enum eth_parse want;
	} cases[] = {
		{ "IPv4", 12, { 0x08, 0x00 }, ETH_OK },
		{ "the smallest type", 12, { 0x06, 0x00 }, ETH_OK },
		{ "the largest length", 12, { 0x05, 0xff }, ETH_LLC },
		{ "length zero", 12, { 0x00, 0x00 }, ETH_LLC },
		{ "802.1Q", 12, { 0x81, 0x00 }, ETH_VLAN },
		{ "802.1ad", 12, { 0x88, 0xa8 }, ETH_VLAN },
		{ "multicast source", 6, { 0x01, 0x00 }, ETH_BAD_SRC },
		{ "source all zero but one", 6, { 0x00, 0x00 }, ETH_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eth_hdr h;
		uint8_t p[sizeof(FRAME)];

		memcpy(p, FRAME, sizeof(p));
		memcpy(p + cases[i].at, cases[i].bytes, 2);
		if (eth_parse(&h, p, sizeof(p)) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void finds_the_mac_of_a_group(void **state)
{
	static const struct {
		const char *group, *mac;
	} cases[] = {
		{ "224.0.0.1", "01:00:5e:00:00:01" },
		{ "239.255.255.250", "01:00:5e:7f:ff:fa" },
		{ "224.128.1.2", "01:00:5e:00:01:02" }, /* bit 24 is lost */
		{ "255.255.255.255", "ff:ff:ff:ff:ff:ff" },
		{ "ff02::1", "33:33:00:00:00:01" },
		{ "ff02::1:ffab:cdef", "33:33:ff:ab:cd:ef" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr group;
		struct mac m;
		char text[MAC_TEXT_LEN];

		assert_true(ip_parse(&group, cases[i].group));
		m = mac_of_group(&group);
		assert_string_equal(mac_text(&m, text), cases[i].mac);
		assert_true(mac_is_multicast(&m));
	}
}

static void prints_field_by_field(void **state)
{
	struct eth_hdr h;
	struct logged l;

	(void)state;
	assert_int_equal(eth_parse(&h, FRAME, sizeof(FRAME)), ETH_OK);
	logged_open(&l);
	eth_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    dst: ff:ff:ff:ff:ff:ff\n"
	    "    src: 02:00:00:00:00:01\n"
	    "    type: 0x0806\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(tells_other_frames_apart),
		cmocka_unit_test(finds_the_mac_of_a_group),
		cmocka_unit_test(prints_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
