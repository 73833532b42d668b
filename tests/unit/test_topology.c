/*
 * test_topology.c - good files load as written, bad ones get their sentence
 */
#include "shm/topology.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/names.h"
#include "shm/topology_mac.h"

/* One of ours by its text, as the file has it. */
static void assert_addr(
    const struct topo_addr *a, const char *text, unsigned plen)
{
	char buf[IP_TEXT_LEN];

	assert_string_equal(ip_text(&a->ip, buf), text);
	assert_int_equal(a->plen, plen);
}

static void loads_or_fails(struct topology *t, const char *path)
{
	char error[TOPO_ERROR_LEN] = "";

	if (topology_load(t, path, error) < 0)
		fail_msg("%s", error);
}

/* ---- good files ---- */

static void loads_the_tap(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct topology t;

	(void)state;
	loads_or_fails(&t, "configs/tap.json");
	assert_string_equal(t.name, "tap");
	assert_int_equal(t.nlinks, 1);
	assert_string_equal(t.links[0].name, "tap0");
	assert_int_equal(t.links[0].device, DEVICE_TAP);
	assert_string_equal(t.links[0].ifname, "tap0");
	assert_memory_equal(t.links[0].mac, mac, 6);
	assert_true(t.links[0].mac_given);
	assert_int_equal(t.links[0].mtu, 1500);
	assert_true(t.links[0].offload);
	assert_false(t.links[0].acd);
	assert_int_equal(t.links[0].dad_transmits, 1);
	assert_int_equal(t.links[0].nhost, 2);
	assert_addr(&t.links[0].host[0], "192.0.2.1", 24);
	assert_addr(&t.links[0].host[1], "2001:db8::1", 64);
	assert_int_equal(t.naddrs, 3);
	assert_addr(&t.addrs[0], "192.0.2.2", 24);
	assert_addr(&t.addrs[1], "2001:db8::2", 64);
	assert_addr(&t.addrs[2], "fe80::ff:fe00:2", 64);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_the_tap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
