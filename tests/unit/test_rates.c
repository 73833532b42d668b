/*
 * test_rates.c - rates and events, from two looks at a stack
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/rates.h"

static const char *const FIRST =
    "{'name': 'tap', 'uptime_us': 1000000, 'supervisor_pid': 7,"
    " 'daemons': [{'name': 'ipd', 'layer': 'ipd', 'pid': 10, 'up': true,"
    "  'restarts': 1, 'last_gap_us': 300, 'rss': 4096, 'cpu_ms': 100,"
    "  'uptime_ms': 900, 'turns': 1000, 'wakeups': 500}],"
    " 'links': [{'name': 'left', 'device': 'tap', 'interface': 'tap0',"
    "  'daemon': 'linkd', 'rx_frames': 10, 'rx_bytes': 1000,"
    "  'tx_frames': 20, 'tx_bytes': 4000}],"
    " 'rings': [{'from': 'linkd', 'to': 'ipd', 'kind': 'data',"
    "  'slots': 256, 'fill': 1, 'moved': 4294967290, 'full': 2},"
    "  {'from': 'linkd', 'to': 'ipd', 'kind': 'return', 'slots': 512,"
    "  'fill': 0, 'moved': 5, 'full': 0}],"
    " 'drops': {'ipd': {'rx_vlan': 4}}, 'counters': {'ipd': {}},"
    " 'apps': [{'sockets': 2}]}";

/* Half a second later; ipd was killed, and has used 50 ms of CPU in all. */
static const char *const SECOND =
    "{'name': 'tap', 'uptime_us': 1500000, 'supervisor_pid': 7,"
    " 'daemons': [{'name': 'ipd', 'layer': 'ipd', 'pid': 11, 'up': true,"
    "  'restarts': 2, 'last_gap_us': 450, 'rss': 8192, 'cpu_ms': 50,"
    "  'uptime_ms': 100, 'turns': 1500, 'wakeups': 501}],"
    " 'links': [{'name': 'left', 'device': 'tap', 'interface': 'tap0',"
    "  'daemon': 'linkd', 'rx_frames': 60, 'rx_bytes': 2000,"
    "  'tx_frames': 20, 'tx_bytes': 5000}],"
    " 'rings': [{'from': 'linkd', 'to': 'ipd', 'kind': 'data',"
    "  'slots': 256, 'fill': 3, 'moved': 4, 'full': 3},"
    "  {'from': 'linkd', 'to': 'ipd', 'kind': 'return', 'slots': 512,"
    "  'fill': 0, 'moved': 5, 'full': 0}],"
    " 'pools': [{'daemon': 'ipd', 'slots': 512, 'free': 500}],"
    " 'drops': {'ipd': {'rx_vlan': 4, 'rx_short': 3}},"
    " 'counters': {'ipd': {'rx_echo': 9}},"
    " 'apps': [{'sockets': 2}, {'sockets': 1}]}";

/* JSON with ' for ", and of it @from replaced by @to if that is given. */
static json_t *look(const char *text, const char *from, const char *to)
{
	char buf[4096] = "";
	const char *at = from != NULL ? strstr(text, from) : NULL;
	json_t *j;

	if (at != NULL)
		snprintf(buf, sizeof(buf), "%.*s%s%s", (int)(at - text), text,
		    to, at + strlen(from));
	else
		snprintf(buf, sizeof(buf), "%s", text);
	for (char *c = buf; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	j = json_loads(buf, 0, NULL);
	assert_non_null(j);
	return j;
}

/* Takes both over. */
static json_t *between(json_t *before, json_t *now)
{
	json_t *r = rates_between(before, now);

	json_decref(before);
	json_decref(now);
	assert_non_null(r);
	return r;
}

static const json_t *at(const json_t *r, const char *list, size_t i)
{
	const json_t *o = json_array_get(json_object_get(r, list), i);

	assert_non_null(o);
	return o;
}

#define IS(o, key, want) \
	assert_float_equal(json_number_value(json_object_get(o, key)), want, .1)

static void counts_become_rates(void **state)
{
	json_t *r = between(look(FIRST, NULL, NULL), look(SECOND, NULL, NULL));

	(void)state;
	IS(r, "interval_us", 500000);
	IS(r, "apps", 2);
	IS(at(r, "daemons", 0), "turns", 1000);
	IS(at(r, "daemons", 0), "wakeups", 2);
	IS(at(r, "daemons", 0), "restarts", 2);
	IS(at(r, "links", 0), "rx_frames", 100);
	IS(at(r, "links", 0), "rx_bytes", 2000);
	IS(at(r, "links", 0), "tx_frames", 0);
	IS(at(r, "links", 0), "tx_bytes", 2000);
	IS(at(r, "rings", 0), "fill", 3);
	IS(at(r, "rings", 0), "full", 2);
	IS(at(r, "pools", 0), "used", 12);
	json_decref(r);
}

static void the_index_of_a_ring_goes_round(void **state)
{
	json_t *r = between(look(FIRST, NULL, NULL), look(SECOND, NULL, NULL));

	(void)state;
	IS(at(r, "rings", 0), "moved", 20);
	IS(at(r, "rings", 1), "moved", 0);
	assert_string_equal(
	    json_string_value(json_object_get(at(r, "rings", 1), "kind")),
	    "return");
	json_decref(r);
}

/* The time of the process that is, not less that of the one that was. */
static void cpu_of_another_process_is_all_its_own(void **state)
{
	json_t *r = between(look(FIRST, NULL, NULL), look(SECOND, NULL, NULL));

	(void)state;
	IS(at(r, "daemons", 0), "cpu", 10);
	json_decref(r);
	r = between(look(FIRST, "'cpu_ms': 100", "'cpu_ms': 40"),
	    look(SECOND, "'pid': 11", "'pid': 10"));
	IS(at(r, "daemons", 0), "cpu", 2);
	json_decref(r);
}

/* A look while the next one attaches: not before it works is it told. */
static void who_is_not_up_has_not_taken_over(void **state)
{
	const char *up = "'up': true,  'restarts': 2, 'last_gap_us': 450";
	const char *down = "'up': false,  'restarts': 2, 'last_gap_us': 300";
	json_t *r = between(look(FIRST, NULL, NULL), look(SECOND, up, down));
	const char *known = "'up': false,  'restarts': 2, 'last_gap_us': 450";

	(void)state;
	assert_int_equal(json_array_size(json_object_get(r, "events")), 0);
	json_decref(r);
	r = between(look(SECOND, up, down), look(SECOND, "1500000", "1600000"));
	assert_int_equal(json_array_size(json_object_get(r, "events")), 1);
	IS(at(r, "events", 0), "gap_us", 450);
	json_decref(r);
	/* To a new supervisor nobody is up at first. */
	r = between(
	    look(SECOND, up, known), look(SECOND, "1500000", "1600000"));
	assert_int_equal(json_array_size(json_object_get(r, "events")), 0);
	json_decref(r);
}

static void who_took_over_is_an_event(void **state)
{
	json_t *r = between(look(FIRST, NULL, NULL), look(SECOND, NULL, NULL));
	const json_t *e = at(r, "events", 0);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(r, "events")), 1);
	assert_string_equal(
	    json_string_value(json_object_get(e, "daemon")), "ipd");
	IS(e, "at_us", 1400000);
	IS(e, "gap_us", 450);
	json_decref(r);
}

static void a_new_supervisor_is_an_event(void **state)
{
	json_t *r = between(look(FIRST, NULL, NULL),
	    look(FIRST, "1000000, 'supervisor_pid': 7",
		"1000001, 'supervisor_pid': 8"));
	const json_t *e = at(r, "events", 0);

	(void)state;
	assert_string_equal(
	    json_string_value(json_object_get(e, "daemon")), "supervisor");
	assert_true(json_is_null(json_object_get(e, "gap_us")));
	json_decref(r);
}

static void a_reason_seen_first_now_was_none_before(void **state)
{
	json_t *r = between(look(FIRST, NULL, NULL), look(SECOND, NULL, NULL));

	(void)state;
	IS(at(r, "drops", 0), "count", 4);
	IS(at(r, "drops", 0), "rate", 0);
	IS(at(r, "drops", 1), "count", 3);
	IS(at(r, "drops", 1), "rate", 6);
	IS(at(r, "counters", 0), "rate", 18);
	json_decref(r);
}

static void without_a_look_before_all_stands_still(void **state)
{
	json_t *r = between(NULL, look(SECOND, NULL, NULL));

	(void)state;
	IS(r, "interval_us", 0);
	IS(at(r, "daemons", 0), "turns", 0);
	IS(at(r, "daemons", 0), "cpu", 0);
	IS(at(r, "rings", 0), "moved", 0);
	IS(at(r, "drops", 0), "count", 4);
	IS(at(r, "drops", 0), "rate", 0);
	assert_int_equal(json_array_size(json_object_get(r, "events")), 0);
	json_decref(r);
}

/* Taken down and up again under the same name, or the same look twice. */
static void another_stack_has_no_past(void **state)
{
	json_t *r = between(look(SECOND, NULL, NULL), look(FIRST, NULL, NULL));

	(void)state;
	IS(r, "interval_us", 0);
	IS(at(r, "links", 0), "rx_frames", 0);
	json_decref(r);
	r = between(look(FIRST, NULL, NULL), look(FIRST, NULL, NULL));
	IS(r, "interval_us", 0);
	IS(at(r, "daemons", 0), "turns", 0);
	json_decref(r);
}

static void what_shrank_began_anew(void **state)
{
	json_t *r = between(look(FIRST, "'rx_frames': 10", "'rx_frames': 70"),
	    look(SECOND, NULL, NULL));

	(void)state;
	IS(at(r, "links", 0), "rx_frames", 0);
	json_decref(r);
}

static void looks_may_lack_everything(void **state)
{
	json_t *r = between(look("{}", NULL, NULL), look("{}", NULL, NULL));

	(void)state;
	assert_int_equal(json_array_size(json_object_get(r, "daemons")), 0);
	json_decref(r);
	r = between(
	    look("{'uptime_us': 1, 'drops': [], 'rings': 3}", NULL, NULL),
	    look("{'uptime_us': 2, 'drops': {'a': 1}, 'rings': [[]],"
		 " 'daemons': {}}",
		NULL, NULL));
	assert_int_equal(json_array_size(json_object_get(r, "drops")), 0);
	IS(at(r, "rings", 0), "moved", 0);
	json_decref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_become_rates),
		cmocka_unit_test(the_index_of_a_ring_goes_round),
		cmocka_unit_test(cpu_of_another_process_is_all_its_own),
		cmocka_unit_test(who_is_not_up_has_not_taken_over),
		cmocka_unit_test(who_took_over_is_an_event),
		cmocka_unit_test(a_new_supervisor_is_an_event),
		cmocka_unit_test(a_reason_seen_first_now_was_none_before),
		cmocka_unit_test(without_a_look_before_all_stands_still),
		cmocka_unit_test(another_stack_has_no_past),
		cmocka_unit_test(what_shrank_began_anew),
		cmocka_unit_test(looks_may_lack_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
