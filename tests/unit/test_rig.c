/*
 * test_rig.c - what one fake puts the other takes, and the slot comes home
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/rig.h"

static const char JSON[] = RIG_TOPOLOGY("udpd", "");

static void carries_bytes_both_ways(void **state)
{
	struct rig *r = rig_open(JSON);
	struct desc d = { .link = 3 };
	char buf[64];

	(void)state;
	rig_put(r, "linkd", "ipd", "ping", 4, &d);
	assert_int_equal(rig_waiting(r, "linkd", "ipd"), 1);
	assert_true(rig_take(r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_int_equal(d.len, 4);
	assert_int_equal(d.link, 3);
	assert_int_equal(d.off, SLOT_HEADROOM);
	assert_memory_equal(buf, "ping", 4);
	assert_false(rig_take(r, "ipd", "linkd", &d, buf, sizeof(buf)));
	rig_put(r, "ipd", "linkd", "pong", 4, &d);
	assert_true(rig_take(r, "linkd", "ipd", &d, buf, sizeof(buf)));
	assert_memory_equal(buf, "pong", 4);
	rig_close(r);
}

static void slots_come_home(void **state)
{
	struct rig *r = rig_open(JSON);
	struct desc d = { 0 };
	const uint8_t *p;

	(void)state;
	rig_put(r, "linkd", "ipd", "ping", 4, &d);
	assert_true(rig_take_keep(r, "ipd", "linkd", &d, &p));
	assert_memory_equal(p, "ping", 4);
	/* On to the transport, and home from there. */
	rig_put_desc(r, "ipd", "udpd", &d);
	assert_int_equal(rig_lent(r, "linkd"), 1);
	assert_true(rig_take(r, "udpd", "ipd", &d, NULL, 0));
	assert_int_equal(rig_lent(r, "linkd"), 0);
	assert_int_equal(rig_counter(r, "linkd", "slot_returned_twice"), 0);
	rig_close(r);
}

static void a_fake_finds_what_its_last_instance_left(void **state)
{
	struct rig *r = rig_open(JSON);
	struct desc d = { 0 };

	(void)state;
	rig_put(r, "linkd", "ipd", "ping", 4, &d);
	node_detach(rig_node(r, "linkd"));
	r->fake[rig_proc(r, "linkd")] = false;
	assert_int_equal(rig_lent(r, "linkd"), 1);
	assert_true(rig_take(r, "ipd", "linkd", &d, NULL, 0));
	assert_int_equal(rig_lent(r, "linkd"), 0);
	rig_close(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_bytes_both_ways),
		cmocka_unit_test(slots_come_home),
		cmocka_unit_test(a_fake_finds_what_its_last_instance_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
