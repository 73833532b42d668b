/*
 * test_zone.c - links of the stack by name and number, and the zones of
 * link-local addresses: never the kernel's, which has others of these numbers
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/command/dial.h"
#include "api/command/zone.h"
#include "api/strata.h"
#include "tests/harness/fake_stack.h"

static char said[256];

static struct sockaddr_in6 address(const char *text, uint32_t scope)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
		.sin6_scope_id = scope };

	assert_int_equal(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	return a;
}

/* zone_set(), with what it says in said[]; the scope, or -1. */
static int64_t scope_of(const char *text, const char *zone)
{
	struct sockaddr_in6 a = address(text, 0);
	int was = dup(STDERR_FILENO);
	FILE *heard = tmpfile();
	bool ok;

	assert_non_null(heard);
	fflush(stderr);
	dup2(fileno(heard), STDERR_FILENO);
	ok = zone_set("strata x", zone, NULL, &a);
	dup2(was, STDERR_FILENO);
	close(was);
	rewind(heard);
	said[fread(said, 1, sizeof(said) - 1, heard)] = '\0';
	fclose(heard);
	assert_true(ok == (said[0] == '\0'));
	return ok ? (int64_t)a.sin6_scope_id : -1;
}

static void links_are_numbered_from_1_as_in_the_topology(void **state)
{
	char name[16] = "";

	(void)state;
	assert_int_equal(strata_if_nametoindex("left"), 1);
	assert_int_equal(strata_if_nametoindex("right"), 2);
	assert_ptr_equal(strata_if_indextoname(1, name), name);
	assert_string_equal(name, "left");
	assert_ptr_equal(strata_if_indextoname(2, name), name);
	assert_string_equal(name, "right");
}

/* The kernel's 1 is lo. */
static void links_that_are_not_there_have_neither(void **state)
{
	char name[16] = "as it was";

	(void)state;
	errno = 0;
	assert_int_equal(strata_if_nametoindex("lo"), 0);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(strata_if_nametoindex(""), 0);
	assert_int_equal(strata_if_nametoindex("lef"), 0);
	assert_null(strata_if_indextoname(0, name));
	assert_int_equal(errno, ENXIO);
	assert_null(strata_if_indextoname(3, name));
	assert_string_equal(name, "as it was");
}

static void zones_are_names_or_numbers_of_links(void **state)
{
	(void)state;
	assert_int_equal(scope_of("fe80::1", "left"), 1);
	assert_int_equal(scope_of("fe80::1", "right"), 2);
	assert_int_equal(scope_of("ff02::1", "right"), 2);
	assert_int_equal(scope_of("fe80::1", "2"), 2);
}

static void unknown_zones_are_said_with_those_there_are(void **state)
{
	static const char *const no[] = { "lo", "3", "0", "", "4294967297" };

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_int_equal(scope_of("fe80::1", no[i]), -1);
	assert_int_equal(scope_of("fe80::1", "tap9"), -1);
	assert_string_equal(said,
	    "strata x: the stack has no link \"tap9\", only left, right\n");
}

static void who_is_on_any_of_two_links_must_say_which(void **state)
{
	(void)state;
	assert_int_equal(scope_of("fe80::1", NULL), -1);
	assert_string_equal(said,
	    "strata x: fe80::1 is on which link?  fe80::1%LINK, of left, "
	    "right\n");
}

static void who_is_everywhere_has_no_zone(void **state)
{
	(void)state;
	assert_int_equal(scope_of("2001:db8::1", NULL), 0);
	assert_int_equal(scope_of("ff05::1", NULL), 0);
	assert_int_equal(scope_of("2001:db8::1", "left"), -1);
	assert_string_equal(
	    said, "strata x: 2001:db8::1 is not link-local and has no zone\n");
}

static const char *text_of(const char *address_text, uint32_t scope, int port)
{
	struct sockaddr_in6 a = address(address_text, scope);

	a.sin6_port = htons((uint16_t)port);
	return dial_text((const struct sockaddr *)&a, sizeof(a));
}

static void addresses_are_shown_with_the_name_of_their_link(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	(void)state;
	assert_string_equal(text_of("fe80::1", 1, 0), "fe80::1%left");
	assert_string_equal(text_of("fe80::1", 2, 80), "fe80::1%right port 80");
	assert_string_equal(text_of("fe80::1", 9, 0), "fe80::1%9");
	assert_string_equal(text_of("2001:db8::1", 0, 0), "2001:db8::1");
	assert_string_equal(
	    text_of("::ffff:192.0.2.1", 0, 7), "192.0.2.1 port 7");
	inet_pton(AF_INET, "192.0.2.2", &in.sin_addr);
	assert_string_equal(
	    dial_text((const struct sockaddr *)&in, sizeof(in)), "192.0.2.2");
	assert_string_equal(dial_text((const struct sockaddr *)&in, 2), "?");
}

static void an_address_is_cut_at_its_zone(void **state)
{
	char bare[ZONE_HOST_LEN];

	(void)state;
	assert_string_equal(zone_of("fe80::1%left"), "left");
	assert_string_equal(zone_of("fe80::1%"), "");
	assert_null(zone_of("fe80::1"));
	zone_cut(bare, "fe80::1%left");
	assert_string_equal(bare, "fe80::1");
	zone_cut(bare, "host.example");
	assert_string_equal(bare, "host.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_numbered_from_1_as_in_the_topology),
		cmocka_unit_test(links_that_are_not_there_have_neither),
		cmocka_unit_test(zones_are_names_or_numbers_of_links),
		cmocka_unit_test(unknown_zones_are_said_with_those_there_are),
		cmocka_unit_test(who_is_on_any_of_two_links_must_say_which),
		cmocka_unit_test(who_is_everywhere_has_no_zone),
		cmocka_unit_test(
		    addresses_are_shown_with_the_name_of_their_link),
		cmocka_unit_test(an_address_is_cut_at_its_zone),
	};

	return cmocka_run_group_tests(tests, fake_stack_begin, fake_stack_end);
}
