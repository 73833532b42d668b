/*
 * test_flow.c - which of several transports has a flow
 */
#include "shm/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void both_directions_agree(void **state)
{
	struct ip_addr a, b;

	(void)state;
	assert_true(ip_parse(&a, "192.0.2.1"));
	assert_true(ip_parse(&b, "2001:db8::2"));
	for (uint16_t port = 1; port < 1000; port++)
		assert_int_equal(flow_pick(&a, port, &b, 80, 7),
		    flow_pick(&b, 80, &a, port, 7));
}

static void flows_are_spread_evenly(void **state)
{
	struct ip_addr a, b;
	unsigned n[3] = { 0 };

	(void)state;
	assert_true(ip_parse(&a, "192.0.2.1"));
	assert_true(ip_parse(&b, "192.0.2.2"));
	for (uint16_t port = 1; port <= 30000; port++)
		n[flow_pick(&a, port, &b, 80, 3)]++;
	for (int i = 0; i < 3; i++)
		assert_in_range(n[i], 9500, 10500);
	assert_int_equal(flow_pick(&a, 1, &b, 2, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_agree),
		cmocka_unit_test(flows_are_spread_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
