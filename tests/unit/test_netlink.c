/*
 * test_netlink.c - what the kernel says of an interface to anybody
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <net/if.h>

#include "shm/netlink.h"

static void a_loopback_drops_nothing(void **state)
{
	unsigned lo = if_nametoindex("lo");
	uint64_t n = 77;

	(void)state;
	if (lo == 0)
		skip();
	assert_int_equal(netlink_dropped((int)lo, &n), 0);
	assert_int_equal(n, 0);
}

static void says_nothing_of_what_is_not_there(void **state)
{
	uint64_t n = 77;

	(void)state;
	assert_true(netlink_dropped(0x7ffffff0, &n) < 0);
	assert_true(netlink_dropped(0, &n) < 0);
	assert_int_equal(n, 77);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loopback_drops_nothing),
		cmocka_unit_test(says_nothing_of_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
