/*
 * test_icmp_rules.c - about which packets no error is sent
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipd/icmp_rules.h"

static struct icmp_cause cause(const char *src, const char *dst, uint8_t proto)
{
	struct icmp_cause c = { .proto = proto };

	assert_true(ip_parse(&c.src, src));
	assert_true(ip_parse(&c.dst, dst));
	return c;
}

static struct icmp_cause about(int icmp_type)
{
	struct icmp_cause c = cause("192.0.2.1", "192.0.2.2", 1);

	c.icmp_type = icmp_type;
	return c;
}

static void a_unicast_datagram_may_be_answered(void **state)
{
	struct icmp_cause c = cause("192.0.2.1", "192.0.2.2", 17);

	(void)state;
	assert_true(icmp_error_allowed(&c));
}

static void errors_are_not(void **state)
{
	static const int queries[] = { 0, 8, 13, 14, 17, 18 };
	static const int errors[] = { 3, 4, 5, 11, 12, 40, 255,
		ICMP_TYPE_UNKNOWN };
	struct icmp_cause c;

	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		c = about(queries[i]);
		assert_true(icmp_error_allowed(&c));
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		c = about(errors[i]);
		assert_false(icmp_error_allowed(&c));
	}
}

static void nor_what_went_to_many(void **state)
{
	struct icmp_cause c = cause("192.0.2.1", "224.0.0.1", 17);

	(void)state;
	assert_false(icmp_error_allowed(&c));
	c = cause("192.0.2.1", "255.255.255.255", 17);
	assert_false(icmp_error_allowed(&c));
	c = cause("192.0.2.1", "192.0.2.255", 17);
	c.dst_is_broadcast = true;
	assert_false(icmp_error_allowed(&c));
	c = cause("192.0.2.1", "192.0.2.2", 17);
	c.link_to_many = true;
	assert_false(icmp_error_allowed(&c));
}

static void nor_later_fragments(void **state)
{
	struct icmp_cause c = cause("192.0.2.1", "192.0.2.2", 17);

	(void)state;
	c.frag_offset = 8;
	assert_false(icmp_error_allowed(&c));
}

static void nor_what_came_from_no_single_host(void **state)
{
	static const char *const src[] = { "0.0.0.0", "0.1.2.3", "127.0.0.1",
		"224.0.0.5", "240.0.0.1", "255.255.255.255" };
	struct icmp_cause c;

	(void)state;
	for (size_t i = 0; i < sizeof(src) / sizeof(src[0]); i++) {
		c = cause(src[i], "192.0.2.2", 17);
		assert_false(icmp_error_allowed(&c));
	}
	c = cause("192.0.2.255", "192.0.2.2", 17);
	c.src_is_broadcast = true;
	assert_false(icmp_error_allowed(&c));
	/* Looped: we are that host. */
	c = cause("127.0.0.1", "127.0.0.1", 17);
	assert_true(icmp_error_allowed(&c));
}

static void ipv6_has_its_own_list(void **state)
{
	static const struct {
		const char *src, *dst;
		uint8_t proto;
		int type;
		bool link_to_many;
		bool allowed, even_if_multicast;
	} cases[] = {
		{ "2001:db8::1", "2001:db8::2", 17, 0, false, true, true },
		{ "2001:db8::1", "2001:db8::2", 58, 128, false, true, true },
		{ "2001:db8::1", "2001:db8::2", 58, 135, false, true, true },
		{ "2001:db8::1", "2001:db8::2", 58, 1, false, false, false },
		{ "2001:db8::1", "2001:db8::2", 58, 127, false, false, false },
		{ "2001:db8::1", "2001:db8::2", 58, 137, false, false, false },
		{ "2001:db8::1", "2001:db8::2", 58, ICMP_TYPE_UNKNOWN, false,
		    false, false },
		{ "2001:db8::1", "ff02::1", 17, 0, true, false, true },
		{ "2001:db8::1", "2001:db8::2", 17, 0, true, false, true },
		{ "::", "2001:db8::2", 17, 0, false, false, false },
		{ "ff02::1", "2001:db8::2", 17, 0, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct icmp_cause c =
		    cause(cases[i].src, cases[i].dst, cases[i].proto);

		c.icmp_type = cases[i].type;
		c.link_to_many = cases[i].link_to_many;
		if (icmp6_error_allowed(&c, false) != cases[i].allowed ||
		    icmp6_error_allowed(&c, true) != cases[i].even_if_multicast)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unicast_datagram_may_be_answered),
		cmocka_unit_test(errors_are_not),
		cmocka_unit_test(nor_what_went_to_many),
		cmocka_unit_test(nor_later_fragments),
		cmocka_unit_test(nor_what_came_from_no_single_host),
		cmocka_unit_test(ipv6_has_its_own_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
