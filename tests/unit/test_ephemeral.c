/*
 * test_ephemeral.c - ports for sockets that asked for none: RFC 6056
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shm/ephemeral.h"

enum {
	MIN = 65000, /* up to the last there is */
	MAX = 65535,
	NCOUNTERS = 16,
};

static const uint64_t KEY[2] = { 1, 2 };
static uint32_t counters[NCOUNTERS];

static struct ephemeral begin(uint16_t peer_port)
{
	struct app_name local = { .family = 0 }, peer = { .port = peer_port };

	return ephemeral_begin(KEY, counters, NCOUNTERS, &local, &peer);
}

static void tries_each_port_once(void **state)
{
	bool seen[MAX - MIN + 1] = { false };
	struct ephemeral e = begin(53);

	(void)state;
	for (uint32_t i = MIN; i <= MAX; i++) {
		uint16_t port = ephemeral_next(&e, MIN, MAX);

		assert_in_range(port, MIN, MAX);
		assert_false(seen[port - MIN]);
		seen[port - MIN] = true;
	}
}

/* The same one would meet what is left of the last connection. */
static void goes_on_where_it_was(void **state)
{
	struct ephemeral e = begin(53);
	uint16_t first = ephemeral_next(&e, MIN, MAX);

	(void)state;
	e = begin(53);
	assert_int_equal(
	    ephemeral_next(&e, MIN, MAX), first == MAX ? MIN : first + 1);
}

/* Who sees the ports to one peer does not know those to another. */
static void begins_elsewhere_for_each_peer(void **state)
{
	int same = 0;

	(void)state;
	for (uint16_t port = 0; port < 100; port++) {
		struct ephemeral a = begin(port);
		struct ephemeral b = begin((uint16_t)(port + 1));

		same += ephemeral_next(&a, MIN, MAX) + 1 ==
		    ephemeral_next(&b, MIN, MAX);
	}
	assert_in_range(same, 0, 5);
}

/* Not the same for all who bind to nobody in particular. */
static void is_at_random_without_a_peer(void **state)
{
	uint16_t last = 0;
	int next = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct ephemeral e = begin(0);
		uint16_t port = ephemeral_next(&e, MIN, MAX);

		next += port == last + 1;
		last = port;
	}
	assert_in_range(next, 0, 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tries_each_port_once),
		cmocka_unit_test(goes_on_where_it_was),
		cmocka_unit_test(begins_elsewhere_for_each_peer),
		cmocka_unit_test(is_at_random_without_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
