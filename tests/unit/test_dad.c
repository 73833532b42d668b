/*
 * test_dad.c - duplicate address detection, state by state, with a fake clock
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/dad.h"

static const struct mac RIVAL = { { 2, 0, 0, 0, 0, 9 } };

/*
 * One address.  Before each event @was is the record; if the event changes it,
 * just that must have been announced.
 */
struct world {
	struct dad d, was, announced;
	struct touch t;
	struct mono now;
};

static void saw(void *ctx, void *p, size_t len)
{
	struct world *w = ctx;

	assert_ptr_equal(p, &w->d);
	assert_int_equal(len, sizeof(w->d));
	if (w->announced.state == DAD_NSTATES)
		w->announced = w->d;
}

static struct world world(const char *ip, uint32_t transmits, bool acd)
{
	struct dad_conf conf = { transmits, 1000, acd };
	struct world w = { .now = { 5000LL * NS_PER_S } };
	struct touch t = { saw, &w };
	struct ip_addr a;

	assert_true(ip_parse(&a, ip));
	dad_start(&w.d, &t, &a, &conf, 7, w.now);
	w.was = w.d;
	return w;
}

/* The touch for the next event; checks the one before. */
static struct touch *t_of(struct world *w)
{
	if (memcmp(&w->d, &w->was, sizeof(w->d)) != 0)
		assert_memory_equal(&w->announced, &w->was, sizeof(w->was));
	w->was = w->d;
	w->announced.state = DAD_NSTATES; /* nothing yet */
	w->t = (struct touch){ saw, w };
	return &w->t;
}

static struct dad_action expect(struct world *w, enum dad_do what)
{
	struct dad_action a;

	assert_true(dad_makes_sense(&w->d));
	assert_true(dad_tick(&w->d, t_of(w), w->now, &a));
	assert_int_equal(a.what, what);
	return a;
}

static void expect_nothing_for(struct world *w, int64_t ms)
{
	struct dad_action a;

	assert_false(dad_tick(&w->d, t_of(w), w->now, &a));
	w->now = mono_add_ms(w->now, ms);
	assert_false(
	    dad_tick(&w->d, t_of(w), (struct mono){ w->now.ns - 1 }, &a));
}

/* Sleep until the deadline, which lies @from_ms to @to_ms ahead. */
static void sleep_between(struct world *w, int64_t from_ms, int64_t to_ms)
{
	struct mono deadline = dad_deadline(&w->d);

	assert_in_range(mono_since(deadline, w->now), from_ms * NS_PER_MS,
	    to_ms * NS_PER_MS);
	w->now = deadline;
}

static void announced_twice(struct world *w)
{
	expect(w, DAD_SEND_ANNOUNCE);
	expect_nothing_for(w, 2000);
	expect(w, DAD_SEND_ANNOUNCE);
	assert_int_equal(dad_deadline(&w->d).ns, MONO_NEVER.ns);
}

static enum dad_verdict arp(struct world *w, enum arp_op op, const char *spa,
    const char *tpa, bool ours)
{
	struct arp_hdr h = { .op = op, .sha = RIVAL };

	assert_true(ip_parse(&h.spa, spa));
	assert_true(ip_parse(&h.tpa, tpa));
	return dad_heard_arp(&w->d, t_of(w), &h, ours, w->now);
}

/* --- Tests for TENTATIVE, IPv6 --- */

static void asks_at_once_and_is_valid_a_second_later(void **state)
{
	struct world w = world("2001:db8::2", 1, false);

	(void)state;
	assert_int_equal(w.d.state, DAD_TENTATIVE);
	expect(&w, DAD_SEND_PROBE);
	expect_nothing_for(&w, 1000);
	expect(&w, DAD_NOW_VALID);
	assert_int_equal(w.d.state, DAD_VALID);
	announced_twice(&w);
}

static void no_transmits_means_valid_at_once(void **state)
{
	struct world w = world("2001:db8::2", 0, false);

	(void)state;
	expect(&w, DAD_NOW_VALID);
	announced_twice(&w);
}

static void every_probe_has_a_nonce_of_its_own(void **state)
{
	struct world w = world("2001:db8::2", 3, false);
	struct dad_action a, b, c;

	(void)state;
	a = expect(&w, DAD_SEND_PROBE);
	expect_nothing_for(&w, 1000);
	b = expect(&w, DAD_SEND_PROBE);
	expect_nothing_for(&w, 1000);
	c = expect(&w, DAD_SEND_PROBE);
	assert_memory_not_equal(a.nonce, b.nonce, DAD_NONCE_LEN);
	assert_memory_not_equal(b.nonce, c.nonce, DAD_NONCE_LEN);
	expect_nothing_for(&w, 1000);
	expect(&w, DAD_NOW_VALID);
}

static void own_probe_coming_back_is_no_conflict(void **state)
{
	struct world w = world("2001:db8::2", 1, false);
	struct dad_action a = expect(&w, DAD_SEND_PROBE);

	(void)state;
	assert_int_equal(
	    dad_heard_ns(&w.d, t_of(&w), true, a.nonce, DAD_NONCE_LEN, &RIVAL),
	    DAD_LOOPED);
	/* RFC 7527, 4.1: three more; theirs coming back add none. */
	for (int i = 0; i < 3; i++) {
		expect_nothing_for(&w, 1000);
		expect(&w, DAD_SEND_PROBE);
		assert_int_equal(dad_heard_ns(&w.d, t_of(&w), true, a.nonce,
				     DAD_NONCE_LEN, &RIVAL),
		    DAD_LOOPED);
	}
	expect_nothing_for(&w, 1000);
	expect(&w, DAD_NOW_VALID);
}

static void probe_of_another_node_ends_it(void **state)
{
	static const uint8_t theirs[DAD_NONCE_LEN] = { 1, 2, 3, 4, 5, 6 };
	struct world w = world("2001:db8::2", 1, false);

	(void)state;
	expect(&w, DAD_SEND_PROBE);
	/* From a unicast address it only resolves. */
	assert_int_equal(
	    dad_heard_ns(&w.d, t_of(&w), false, NULL, 0, &RIVAL), DAD_FINE);
	assert_int_equal(
	    dad_heard_ns(&w.d, t_of(&w), true, theirs, DAD_NONCE_LEN, &RIVAL),
	    DAD_LOST);
	assert_int_equal(w.d.state, DAD_DUPLICATE);
	assert_memory_equal(&w.d.rival, &RIVAL, sizeof(RIVAL));
	assert_int_equal(dad_deadline(&w.d).ns, MONO_NEVER.ns);
}

static void probe_without_nonce_or_before_ours_ends_it(void **state)
{
	struct world w = world("2001:db8::2", 1, false);
	uint8_t nonce[DAD_NONCE_LEN] = { 0 };

	(void)state;
	assert_int_equal(
	    dad_heard_ns(&w.d, t_of(&w), true, nonce, DAD_NONCE_LEN, &RIVAL),
	    DAD_LOST);

	w = world("2001:db8::2", 1, false);
	expect(&w, DAD_SEND_PROBE);
	assert_int_equal(
	    dad_heard_ns(&w.d, t_of(&w), true, NULL, 0, &RIVAL), DAD_LOST);
}

static void any_advertisement_ends_it(void **state)
{
	struct world w = world("2001:db8::2", 1, false);

	(void)state;
	expect(&w, DAD_SEND_PROBE);
	assert_int_equal(dad_heard_na(&w.d, t_of(&w), &RIVAL), DAD_LOST);
	assert_int_equal(w.d.state, DAD_DUPLICATE);
}

/* --- Tests for TENTATIVE, IPv4 --- */

static void without_acd_is_valid_at_once_and_announced(void **state)
{
	struct world w = world("192.0.2.2", 1, false);

	(void)state;
	expect(&w, DAD_NOW_VALID);
	announced_twice(&w);
}

static void acd_probes_three_times_within_the_times_of_rfc_5227(void **state)
{
	struct world w = world("192.0.2.2", 1, true);

	(void)state;
	sleep_between(&w, 0, 1000);
	expect(&w, DAD_SEND_PROBE);
	sleep_between(&w, 1000, 2000);
	expect(&w, DAD_SEND_PROBE);
	sleep_between(&w, 1000, 2000);
	expect(&w, DAD_SEND_PROBE);
	sleep_between(&w, 2000, 2000);
	expect(&w, DAD_NOW_VALID);
	announced_twice(&w);
}

static void acd_hears_claims_and_probes_of_others(void **state)
{
	static const struct {
		enum arp_op op;
		const char *spa, *tpa;
		bool ours;
		enum dad_verdict want;
	} cases[] = {
		{ ARP_REPLY, "192.0.2.2", "192.0.2.9", false, DAD_LOST },
		{ ARP_REQUEST, "192.0.2.2", "192.0.2.9", false, DAD_LOST },
		{ ARP_REQUEST, "0.0.0.0", "192.0.2.2", false, DAD_LOST },
		{ ARP_REQUEST, "0.0.0.0", "192.0.2.2", true, DAD_FINE },
		{ ARP_REQUEST, "0.0.0.0", "192.0.2.3", false, DAD_FINE },
		{ ARP_REQUEST, "192.0.2.1", "192.0.2.2", false, DAD_FINE },
		{ ARP_REPLY, "0.0.0.0", "192.0.2.2", false, DAD_FINE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w = world("192.0.2.2", 1, true);

		assert_int_equal(arp(&w, cases[i].op, cases[i].spa,
				     cases[i].tpa, cases[i].ours),
		    cases[i].want);
	}
}

/* --- Tests for VALID --- */

static struct world valid(const char *ip, bool acd)
{
	struct world w = world(ip, 0, acd);
	struct dad_action a;

	while (dad_deadline(&w.d).ns != MONO_NEVER.ns) {
		w.now = dad_deadline(&w.d);
		assert_true(dad_tick(&w.d, t_of(&w), w.now, &a));
	}
	assert_int_equal(w.d.state, DAD_VALID);
	return w;
}

static void defends_once_in_ten_seconds_then_gives_up(void **state)
{
	struct world w = valid("192.0.2.2", true);

	(void)state;
	assert_int_equal(
	    arp(&w, ARP_REPLY, "192.0.2.2", "192.0.2.9", false), DAD_CONFLICT);
	expect(&w, DAD_SEND_ANNOUNCE);
	expect_nothing_for(&w, 10000);
	assert_int_equal(
	    arp(&w, ARP_REPLY, "192.0.2.2", "192.0.2.9", false), DAD_CONFLICT);
	expect(&w, DAD_SEND_ANNOUNCE);
	expect_nothing_for(&w, 9999);
	assert_int_equal(
	    arp(&w, ARP_REQUEST, "192.0.2.2", "192.0.2.9", false), DAD_LOST);
	assert_int_equal(w.d.state, DAD_DUPLICATE);
	expect_nothing_for(&w, 100000);
}

static void without_acd_never_gives_up_nor_floods(void **state)
{
	struct world w = valid("192.0.2.2", false);

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(
		    arp(&w, ARP_REPLY, "192.0.2.2", "192.0.2.9", false),
		    DAD_CONFLICT);
		expect(&w, DAD_SEND_ANNOUNCE);
		for (int i = 0; i < 9; i++) {
			expect_nothing_for(&w, 1000);
			assert_int_equal(
			    arp(&w, ARP_REPLY, "192.0.2.2", "192.0.2.9", false),
			    DAD_CONFLICT);
		}
		expect_nothing_for(&w, 1000);
	}
	assert_int_equal(w.d.state, DAD_VALID);
}

static void valid_address_does_not_mind_probes(void **state)
{
	struct world w = valid("192.0.2.2", true);

	(void)state;
	assert_int_equal(
	    arp(&w, ARP_REQUEST, "0.0.0.0", "192.0.2.2", false), DAD_FINE);
	w = valid("2001:db8::2", false);
	assert_int_equal(
	    dad_heard_ns(&w.d, t_of(&w), true, NULL, 0, &RIVAL), DAD_FINE);
	assert_int_equal(dad_heard_na(&w.d, t_of(&w), &RIVAL), DAD_CONFLICT);
	assert_int_equal(w.d.state, DAD_VALID);
}

/* --- Tests for DUPLICATE and NONE --- */

static void duplicate_may_be_tried_again(void **state)
{
	struct dad_conf conf = { 1, 1000, false };
	struct world w = world("2001:db8::2", 1, false);
	struct ip_addr ip = w.d.ip;

	(void)state;
	dad_heard_na(&w.d, t_of(&w), &RIVAL);
	dad_start(&w.d, t_of(&w), &ip, &conf, 8, w.now);
	expect(&w, DAD_SEND_PROBE);
	dad_stop(&w.d, t_of(&w));
	assert_int_equal(w.d.state, DAD_NONE);
	expect_nothing_for(&w, 100000);
}

static void fresh_memory_is_no_address_and_nonsense_is_seen(void **state)
{
	struct world w = { .now = { NS_PER_S } };

	(void)state;
	assert_true(dad_makes_sense(&w.d));
	expect_nothing_for(&w, 1000);
	w = world("2001:db8::2", 1, false);
	w.d.sent = 2;
	assert_false(dad_makes_sense(&w.d));
	w.d.state = DAD_NSTATES;
	assert_false(dad_makes_sense(&w.d));
	w = valid("2001:db8::2", false);
	w.d.deadline = w.now;
	assert_false(dad_makes_sense(&w.d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_at_once_and_is_valid_a_second_later),
		cmocka_unit_test(no_transmits_means_valid_at_once),
		cmocka_unit_test(every_probe_has_a_nonce_of_its_own),
		cmocka_unit_test(own_probe_coming_back_is_no_conflict),
		cmocka_unit_test(probe_of_another_node_ends_it),
		cmocka_unit_test(probe_without_nonce_or_before_ours_ends_it),
		cmocka_unit_test(any_advertisement_ends_it),
		cmocka_unit_test(without_acd_is_valid_at_once_and_announced),
		cmocka_unit_test(
		    acd_probes_three_times_within_the_times_of_rfc_5227),
		cmocka_unit_test(acd_hears_claims_and_probes_of_others),
		cmocka_unit_test(defends_once_in_ten_seconds_then_gives_up),
		cmocka_unit_test(without_acd_never_gives_up_nor_floods),
		cmocka_unit_test(valid_address_does_not_mind_probes),
		cmocka_unit_test(duplicate_may_be_tried_again),
		cmocka_unit_test(
		    fresh_memory_is_no_address_and_nonsense_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
