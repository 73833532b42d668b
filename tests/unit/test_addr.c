/*
 * test_addr.c - an IP address of either family
 */
#include "shm/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ip_addr ip(const char *text)
{
	struct ip_addr a = { { 0 } };

	if (!ip_parse(&a, text))
		fail_msg("%s is an address", text);
	return a;
}

static void ipv4_is_held_in_its_mapped_form(void **state)
{
	static const uint8_t want[16] = { [10] = 0xff,
		[11] = 0xff,
		[12] = 192,
		[13] = 0,
		[14] = 2,
		[15] = 1 };
	struct ip_addr a = ip("192.0.2.1");

	(void)state;
	assert_memory_equal(a.b, want, 16);
	assert_true(ip_is_v4(&a));
	assert_memory_equal(ip_v4(&a), want + 12, 4);
	/* The mapped form in writing is the same address. */
	a = ip("::ffff:192.0.2.1");
	assert_memory_equal(a.b, want, 16);
}

static void text_goes_both_ways(void **state)
{
	/* Those of IPv6 in the form that RFC 5952 recommends. */
	static const char *const texts[] = { "0.0.0.0", "192.0.2.1",
		"255.255.255.255", "::", "::1", "2001:db8::1",
		"2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "fe80::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	char buf[IP_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ip_addr a = ip(texts[i]);

		assert_string_equal(ip_text(&a, buf), texts[i]);
	}
}

static void other_forms_are_written_as_rfc_5952_wants(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "2001:DB8::000A", "2001:db8::a" },
		{ "2001:db8:0:0:0:0:2:1", "2001:db8::2:1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "::ffff:10.0.0.1", "10.0.0.1" },
	};
	char buf[IP_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr a = ip(cases[i].from);

		assert_string_equal(ip_text(&a, buf), cases[i].to);
	}
}

static void what_is_no_address_leaves_the_result_alone(void **state)
{
	static const char *const texts[] = { "", " ", "192.0.2", "192.0.2.256",
		"192.0.2.1 ", "192.0.2.1/24", "192.0.2.01", "0x7f.1", "1:2",
		"2001:db8::g", "2001:db8::1%eth0", "1::2::3", "localhost" };
	const struct ip_addr before = ip("192.0.2.9");

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ip_addr a = before;

		if (ip_parse(&a, texts[i]))
			fail_msg("\"%s\" is no address", texts[i]);
		assert_memory_equal(a.b, before.b, 16);
	}
}

static void kinds_of_addresses_are_told_apart(void **state)
{
	enum {
		ANY = 1,
		MULTICAST = 2,
		LOOPBACK = 4,
		LINK_LOCAL = 8,
		BROADCAST = 16,
	};
	static const struct {
		const char *text;
		unsigned kinds;
	} cases[] = {
		{ "0.0.0.0", ANY },
		{ "::", ANY },
		{ "0.0.0.1", 0 },
		{ "::2", 0 },
		{ "223.255.255.255", 0 },
		{ "224.0.0.0", MULTICAST },
		{ "239.255.255.255", MULTICAST },
		{ "240.0.0.0", 0 },
		{ "ff02::1", MULTICAST },
		{ "feff::1", 0 },
		{ "126.255.255.255", 0 },
		{ "127.0.0.0", LOOPBACK },
		{ "127.255.255.255", LOOPBACK },
		{ "128.0.0.1", 0 },
		{ "::1", LOOPBACK },
		{ "169.253.0.1", 0 },
		{ "169.254.0.1", LINK_LOCAL },
		{ "fe80::1", LINK_LOCAL },
		{ "febf::1", LINK_LOCAL },
		{ "fec0::1", 0 },
		{ "255.255.255.255", BROADCAST },
		{ "255.255.255.254", 0 },
		{ "192.0.2.255", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr a = ip(cases[i].text);
		unsigned kinds = 0;

		kinds |= ip_is_any(&a) ? ANY : 0;
		kinds |= ip_is_multicast(&a) ? MULTICAST : 0;
		kinds |= ip_is_loopback(&a) ? LOOPBACK : 0;
		kinds |= ip_is_link_local(&a) ? LINK_LOCAL : 0;
		kinds |= ip_is_broadcast(&a) ? BROADCAST : 0;
		if (kinds != cases[i].kinds)
			fail_msg("%s: %x", cases[i].text, kinds);
	}
}

static void prefixes_match_within_their_family(void **state)
{
	static const struct {
		const char *a, *net;
		unsigned plen;
		bool want;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.0", 24, true },
		{ "192.0.3.1", "192.0.2.0", 24, false },
		{ "192.0.3.1", "192.0.2.0", 23, true },
		{ "192.0.2.1", "192.0.2.1", 32, true },
		{ "192.0.2.1", "192.0.2.0", 32, false },
		{ "192.0.2.1", "192.0.2.0", 31, true },
		{ "192.0.2.1", "0.0.0.0", 0, true },
		{ "192.0.2.1", "128.0.0.0", 1, true },
		{ "127.0.0.1", "128.0.0.0", 1, false },
		{ "2001:db8::1", "2001:db8::", 32, true },
		{ "2001:db9::1", "2001:db8::", 32, false },
		{ "2001:db9::1", "2001:db8::", 31, true },
		{ "2001:db8::1", "2001:db8::1", 128, true },
		{ "2001:db8::1", "2001:db8::2", 128, false },
		{ "2001:db8::1", "::", 0, true },
		{ "192.0.2.1", "::", 0, false },
		{ "2001:db8::1", "0.0.0.0", 0, false },
		{ "192.0.2.1", "192.0.2.1", 33, false },
		{ "2001:db8::1", "2001:db8::1", 129, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr a = ip(cases[i].a), net = ip(cases[i].net);

		if (ip_in_prefix(&a, &net, cases[i].plen) != cases[i].want)
			fail_msg("%s in %s/%u", cases[i].a, cases[i].net,
			    cases[i].plen);
	}
}

static void a_subnet_has_its_broadcast_address(void **state)
{
	static const struct {
		const char *a;
		unsigned plen;
		const char *want;
	} cases[] = {
		{ "192.0.2.1", 24, "192.0.2.255" },
		{ "192.0.2.77", 26, "192.0.2.127" },
		{ "10.1.2.3", 8, "10.255.255.255" },
		{ "192.0.2.1", 30, "192.0.2.3" },
		{ "192.0.2.1", 0, "255.255.255.255" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr a = ip(cases[i].a), want = ip(cases[i].want);
		struct ip_addr got = ip_subnet_broadcast(&a, cases[i].plen);

		assert_memory_equal(got.b, want.b, 16);
	}
}

/* The example of RFC 4291, 2.7.1. */
static void the_solicited_node_group_takes_24_bits(void **state)
{
	struct ip_addr a = ip("4037::01:800:200e:8c6c");
	struct ip_addr want = ip("ff02::1:ff0e:8c6c");
	struct ip_addr got = ip_solicited_node(&a);

	(void)state;
	assert_memory_equal(got.b, want.b, 16);
}

static void equality_is_of_all_bytes(void **state)
{
	struct ip_addr a = ip("2001:db8::1");

	(void)state;
	assert_true(ip_equal(&a, &a));
	for (int i = 0; i < 16; i++) {
		struct ip_addr b = a;

		b.b[i] ^= 0x80;
		assert_false(ip_equal(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_is_held_in_its_mapped_form),
		cmocka_unit_test(text_goes_both_ways),
		cmocka_unit_test(other_forms_are_written_as_rfc_5952_wants),
		cmocka_unit_test(what_is_no_address_leaves_the_result_alone),
		cmocka_unit_test(kinds_of_addresses_are_told_apart),
		cmocka_unit_test(prefixes_match_within_their_family),
		cmocka_unit_test(a_subnet_has_its_broadcast_address),
		cmocka_unit_test(the_solicited_node_group_takes_24_bits),
		cmocka_unit_test(equality_is_of_all_bytes),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
