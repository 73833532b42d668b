/*
 * test_neighbour.c - the state machine of RFC 4861, state by state
 */
#include "tests/unit/neighbour_world.h"

enum {
	H = 1, /* the host that most tests are about */
};

static void set(
    struct world *w, uint32_t i, const struct mac *mac, bool permanent)
{
	struct ip_addr ip = host(i);

	assert_int_equal(
	    neighbour_set(&w->n, 0, &ip, mac, permanent, w->now), 0);
}

/* Bring H into state @s by events only; with MAC_A where it has one. */
static void given(struct world *w, enum neighbour_state s)
{
	switch (s) {
	case NEIGHBOUR_INCOMPLETE:
		assert_int_equal(want(w, H, NULL), NEIGHBOUR_QUEUE);
		expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
		break;
	case NEIGHBOUR_REACHABLE:
		given(w, NEIGHBOUR_INCOMPLETE);
		advert(w, H, &MAC_A, true, false);
		break;
	case NEIGHBOUR_STALE:
		heard(w, H, &MAC_A);
		break;
	case NEIGHBOUR_DELAY:
		given(w, NEIGHBOUR_STALE);
		assert_int_equal(want(w, H, NULL), NEIGHBOUR_SEND);
		break;
	case NEIGHBOUR_PROBE:
		given(w, NEIGHBOUR_DELAY);
		pass(w, w->conf.delay_ms);
		expect(w, NEIGHBOUR_SOLICIT_UNICAST);
		break;
	case NEIGHBOUR_FAILED: {
		struct neighbour_hop hop;

		assert_int_equal(want(w, H, &hop), NEIGHBOUR_QUEUE);
		assert_int_equal(enqueue(w, hop.id, "x", 1), 0);
		for (int i = 0; i < 3; i++) {
			expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
			pass(w, 1000);
		}
		expect(w, NEIGHBOUR_UNREACHABLE);
		break;
	}
	case NEIGHBOUR_PERMANENT:
		set(w, H, &MAC_A, true);
		break;
	case NEIGHBOUR_FREE:
	case NEIGHBOUR_NSTATES:
		break;
	}
	assert_int_equal(state_of(w, H), s);
	pass(w, 10);
}

static void assert_mac(struct world *w, const struct mac *want_mac)
{
	struct ip_addr ip = host(H);
	const struct neighbour *e =
	    neighbour_get(&w->n, neighbour_find(&w->n, 0, &ip));

	assert_non_null(e);
	assert_memory_equal(&e->mac, want_mac, sizeof(e->mac));
}

/* --- Appendix C, the rows of advertisements --- */

#define S(s)  NEIGHBOUR_##s
#define IN(s) (1U << NEIGHBOUR_##s)
#define KNOWN (IN(REACHABLE) | IN(STALE) | IN(DELAY) | IN(PROBE))

enum {
	ANY = 2,
	SAME = NEIGHBOUR_NSTATES, /* "unchanged" */
};

static const struct na_row {
	const char *row;
	unsigned from; /* set of states */
	int solicited; /* 0, 1, ANY */
	int override;
	const struct mac *mac; /* the cached one is MAC_A */
	int to;
	const struct mac *then; /* cached afterwards */
} na_rows[] = {
	{ "INCOMPLETE, S=0, O=any", IN(INCOMPLETE), 0, ANY, &MAC_B, S(STALE),
	    &MAC_B },
	{ "INCOMPLETE, S=1, O=any", IN(INCOMPLETE), 1, ANY, &MAC_B,
	    S(REACHABLE), &MAC_B },
	{ "INCOMPLETE, any, no address", IN(INCOMPLETE), ANY, ANY, NULL, SAME,
	    NULL },
	{ "known, S=1, O=0, same", KNOWN, 1, 0, &MAC_A, S(REACHABLE), &MAC_A },
	{ "known, S=0, no address", KNOWN, 0, ANY, NULL, SAME, &MAC_A },
	{ "known, S=1, no address: by the text of 7.2.5", KNOWN, 1, ANY, NULL,
	    S(REACHABLE), &MAC_A },
	{ "REACHABLE, S=1, O=0, different", IN(REACHABLE), 1, 0, &MAC_B,
	    S(STALE), &MAC_A },
	{ "REACHABLE, S=0, O=0, different: by 7.2.5, I a", IN(REACHABLE), 0, 0,
	    &MAC_B, S(STALE), &MAC_A },
	{ "STALE, PROBE or DELAY, S=1, O=0, different",
	    IN(STALE) | IN(PROBE) | IN(DELAY), 1, 0, &MAC_B, SAME, &MAC_A },
	{ "known, S=1, O=1, different", KNOWN, 1, 1, &MAC_B, S(REACHABLE),
	    &MAC_B },
	{ "known, S=1, O=1, same", KNOWN, 1, 1, &MAC_A, S(REACHABLE), &MAC_A },
	{ "known, S=0, O=0, same", KNOWN, 0, 0, &MAC_A, SAME, &MAC_A },
	{ "STALE, PROBE or DELAY, S=0, O=0, different",
	    IN(STALE) | IN(PROBE) | IN(DELAY), 0, 0, &MAC_B, SAME, &MAC_A },
	{ "known, S=0, O=1, same", KNOWN, 0, 1, &MAC_A, SAME, &MAC_A },
	{ "known, S=0, O=1, different", KNOWN, 0, 1, &MAC_B, S(STALE), &MAC_B },
};

static void check_na_row(
    const struct na_row *r, enum neighbour_state from, bool sol, bool over)
{
	struct world *w = world_make(8, 8);
	int to = r->to == SAME ? (int)from : r->to;

	given(w, from);
	advert(w, H, r->mac, sol, over);
	if ((int)state_of(w, H) != to)
		fail_msg("%s: from %s to %s", r->row,
		    neighbour_state_name(from),
		    neighbour_state_name(state_of(w, H)));
	if (r->then)
		assert_mac(w, r->then);
	world_free(w);
}

static void obeys_every_advert_row_of_appendix_c(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(na_rows) / sizeof(na_rows[0]); i++) {
		const struct na_row *r = &na_rows[i];

		for (int from = 0; from < NEIGHBOUR_NSTATES; from++)
			for (int flags = 0; flags < 4; flags++) {
				int sol = flags & 1, over = flags >> 1;

				if (!(r->from & 1U << from) ||
				    (r->solicited != ANY &&
					r->solicited != sol) ||
				    (r->override != ANY && r->override != over))
					continue;
				check_na_row(
				    r, (enum neighbour_state)from, sol, over);
			}
	}
}

static void ignores_an_advert_nobody_waits_for(void **state)
{
	struct world *w = world_make(8, 8);

	(void)state;
	advert(w, H, &MAC_A, true, true);
	assert_int_equal(state_of(w, H), NEIGHBOUR_FREE);
	world_free(w);
}

static void keeps_the_router_flag(void **state)
{
	struct world *w = world_make(8, 8);
	struct ip_addr ip = host(H);
	struct neighbour_advert na = { .router = true };
	uint32_t id;

	(void)state;
	given(w, NEIGHBOUR_INCOMPLETE);
	id = neighbour_find(&w->n, 0, &ip);
	neighbour_advert(&w->n, 0, &ip, &na, w->now);
	assert_true(neighbour_get(&w->n, id)->router);
	advert(w, H, &MAC_A, true, true);
	assert_false(neighbour_get(&w->n, id)->router);
	na.mac = &MAC_B; /* no override, different: must not update the entry */
	neighbour_advert(&w->n, 0, &ip, &na, w->now);
	assert_false(neighbour_get(&w->n, id)->router);
	world_free(w);
}

/* --- Appendix C, unsolicited information other than adverts --- */

static void obeys_every_row_of_other_information(void **state)
{
	static const struct {
		const char *row;
		unsigned from;
		const struct mac *mac;
		int to;
	} rows[] = {
		{ "no entry", IN(FREE), &MAC_A, S(STALE) },
		{ "INCOMPLETE", IN(INCOMPLETE), &MAC_B, S(STALE) },
		{ "known, different", KNOWN, &MAC_B, S(STALE) },
		{ "known, same", KNOWN, &MAC_A, SAME },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int from = 0; from < NEIGHBOUR_NSTATES; from++) {
			struct world *w;

			if (!(rows[i].from & 1U << from))
				continue;
			w = world_make(8, 8);
			given(w, (enum neighbour_state)from);
			heard(w, H, rows[i].mac);
			if ((int)state_of(w, H) !=
			    (rows[i].to == SAME ? from : rows[i].to))
				fail_msg("%s from %d", rows[i].row, from);
			assert_mac(w, rows[i].mac);
			world_free(w);
		}
}

/* RFC 826: a pair already known is updated, others only if it asks for us. */
static void merges_arp_but_learns_only_when_asked(void **state)
{
	struct world *w = world_make(8, 8);
	struct ip_addr ip = host(H);

	(void)state;
	neighbour_heard(&w->n, 0, &ip, &MAC_A, false, w->now);
	assert_int_equal(state_of(w, H), NEIGHBOUR_FREE);
	neighbour_heard(&w->n, 0, &ip, &MAC_A, true, w->now);
	neighbour_heard(&w->n, 0, &ip, &MAC_B, false, w->now);
	assert_mac(w, &MAC_B);
	world_free(w);
}

/* --- Tests for the INCOMPLETE state --- */

static void asks_at_once_and_every_second(void **state)
{
	struct world *w = world_make(8, 8);
	struct neighbour_action a;
	struct ip_addr ip = host(H);

	(void)state;
	assert_int_equal(want(w, H, NULL), NEIGHBOUR_QUEUE);
	assert_int_equal(neighbour_deadline(&w->n).ns, w->now.ns);
	a = expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
	assert_true(ip_equal(&a.ip, &ip));
	assert_int_equal(a.link, 0);
	expect_nothing(w);
	pass(w, 999);
	expect_nothing(w);
	pass(w, 1);
	expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
	pass(w, 1000);
	expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
	pass(w, 1000);
	a = expect(w, NEIGHBOUR_UNREACHABLE);
	assert_int_equal(a.id, NEIGHBOUR_NONE);
	assert_int_equal(state_of(w, H), NEIGHBOUR_FREE);
	assert_int_equal(neighbour_deadline(&w->n).ns, MONO_NEVER.ns);
	world_free(w);
}

static void more_packets_do_not_ask_more(void **state)
{
	struct world *w = world_make(8, 8);

	(void)state;
	given(w, NEIGHBOUR_INCOMPLETE);
	for (int i = 0; i < 10; i++)
		assert_int_equal(want(w, H, NULL), NEIGHBOUR_QUEUE);
	expect_nothing(w);
	world_free(w);
}

/* --- Tests for the REACHABLE state --- */

static void reachable_time_is_drawn_between_half_and_one_and_a_half(
    void **state)
{
	struct world *w = world_make(256, 8);
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (uint32_t h = 0; h < 50; h++) {
		struct neighbour_hop hop;
		int64_t ns;

		want(w, h, &hop);
		advert(w, h, &MAC_A, true, true);
		ns = mono_since(neighbour_get(&w->n, hop.id)->deadline, w->now);
		assert_in_range(ns, 15LL * NS_PER_S, 45LL * NS_PER_S);
		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	assert_true(most - least > 15LL * NS_PER_S);
	world_free(w);
}

static void turns_stale_when_not_confirmed(void **state)
{
	struct world *w = world_make(8, 8);

	(void)state;
	given(w, NEIGHBOUR_REACHABLE);
	assert_int_equal(want(w, H, NULL), NEIGHBOUR_SEND);
	expect_nothing(w);
	assert_int_equal(state_of(w, H), NEIGHBOUR_REACHABLE);
	pass(w, 45000);
	expect_nothing(w);
	assert_int_equal(state_of(w, H), NEIGHBOUR_STALE);
	world_free(w);
}

static void stays_reachable_while_upper_layers_confirm(void **state)
{
	struct world *w = world_make(8, 8);
	struct ip_addr ip = host(H);

	(void)state;
	given(w, NEIGHBOUR_REACHABLE);
	for (int i = 0; i < 100; i++) {
		neighbour_confirmed(&w->n, 0, &ip, w->now);
		pass(w, 10000);
		expect_nothing(w);
		assert_int_equal(state_of(w, H), NEIGHBOUR_REACHABLE);
	}
	world_free(w);
}

/* --- Tests for the STALE and DELAY states --- */

static void first_packet_to_a_stale_one_goes_out_and_starts_the_delay(
    void **state)
{
	struct world *w = world_make(8, 8);
	struct neighbour_action a;
	struct neighbour_hop hop;

	(void)state;
	given(w, NEIGHBOUR_STALE);
	assert_int_equal(want(w, H, &hop), NEIGHBOUR_SEND);
	assert_memory_equal(&hop.mac, &MAC_A, sizeof(MAC_A));
	assert_int_equal(state_of(w, H), NEIGHBOUR_DELAY);
	pass(w, 4999);
	expect_nothing(w);
	pass(w, 1);
	a = expect(w, NEIGHBOUR_SOLICIT_UNICAST);
	assert_memory_equal(&a.mac, &MAC_A, sizeof(MAC_A));
	assert_int_equal(state_of(w, H), NEIGHBOUR_PROBE);
	world_free(w);
}

static void upper_layers_confirm_every_known_state(void **state)
{
	struct ip_addr ip = host(H);

	(void)state;
	for (int from = 0; from < NEIGHBOUR_NSTATES; from++) {
		struct world *w = world_make(8, 8);
		bool known = KNOWN & 1U << from;

		given(w, (enum neighbour_state)from);
		neighbour_confirmed(&w->n, 0, &ip, w->now);
		assert_int_equal(state_of(w, H),
		    known ? NEIGHBOUR_REACHABLE : (unsigned)from);
		world_free(w);
	}
}

static void unused_stale_one_is_dropped(void **state)
{
	struct world *w = world_make(8, 8);

	(void)state;
	given(w, NEIGHBOUR_STALE);
	pass(w, 599 * 1000);
	expect_nothing(w);
	pass(w, 1000);
	expect(w, NEIGHBOUR_EXPIRED);
	assert_int_equal(state_of(w, H), NEIGHBOUR_FREE);
	world_free(w);
}

/* --- Tests for the PROBE state --- */

static void probes_three_times_then_forgets(void **state)
{
	struct world *w = world_make(8, 8);

	(void)state;
	given(w, NEIGHBOUR_PROBE); /* has sent the first, 10 ms ago */
	assert_int_equal(want(w, H, NULL), NEIGHBOUR_SEND);
	pass(w, 990);
	expect(w, NEIGHBOUR_SOLICIT_UNICAST);
	pass(w, 1000);
	expect(w, NEIGHBOUR_SOLICIT_UNICAST);
	pass(w, 1000);
	expect(w, NEIGHBOUR_LOST);
	assert_int_equal(state_of(w, H), NEIGHBOUR_FREE);
	assert_int_equal(want(w, H, NULL), NEIGHBOUR_QUEUE);
	world_free(w);
}

/* --- Tests for the FAILED state --- */

static void failed_one_gives_its_packets_back_and_goes(void **state)
{
	struct world *w = world_make(8, 8);
	struct neighbour_packet p;
	uint32_t id;

	(void)state;
	given(w, NEIGHBOUR_FAILED);
	id = neighbour_ready(&w->n, NEIGHBOUR_NONE);
	assert_true(neighbour_peek(&w->n, id, &p));
	assert_int_equal(p.len, 1);
	neighbour_pop(&w->n, id, w->now);
	assert_int_equal(state_of(w, H), NEIGHBOUR_FREE);
	assert_int_equal(
	    neighbour_ready(&w->n, NEIGHBOUR_NONE), NEIGHBOUR_NONE);
	world_free(w);
}

static void late_answer_or_new_packet_rescues_a_failed_one(void **state)
{
	struct world *w = world_make(8, 8);

	(void)state;
	given(w, NEIGHBOUR_FAILED);
	assert_int_equal(want(w, H, NULL), NEIGHBOUR_QUEUE);
	assert_int_equal(state_of(w, H), NEIGHBOUR_INCOMPLETE);
	assert_int_equal(
	    neighbour_ready(&w->n, NEIGHBOUR_NONE), NEIGHBOUR_NONE);
	world_free(w);

	w = world_make(8, 8);
	given(w, NEIGHBOUR_FAILED);
	advert(w, H, &MAC_B, true, true);
	assert_int_equal(state_of(w, H), NEIGHBOUR_REACHABLE);
	assert_int_not_equal(
	    neighbour_ready(&w->n, NEIGHBOUR_NONE), NEIGHBOUR_NONE);
	world_free(w);
}

/* --- Tests for the PERMANENT state --- */

static void what_was_said_for_good_stays(void **state)
{
	(void)state;
	for (unsigned from = 0; from < NEIGHBOUR_NSTATES; from++) {
		struct world *w = world_make(8, 8);

		given(w, (enum neighbour_state)from);
		set(w, H, &MAC_B, true);
		heard(w, H, &MAC_A);
		advert(w, H, &MAC_A, true, true);
		assert_int_equal(state_of(w, H), NEIGHBOUR_PERMANENT);
		assert_mac(w, &MAC_B);
		assert_int_equal(neighbour_deadline(&w->n).ns, MONO_NEVER.ns);
		/* What had waited leaves. */
		assert_true((neighbour_ready(&w->n, NEIGHBOUR_NONE) !=
				NEIGHBOUR_NONE) == (from == NEIGHBOUR_FAILED));
		if (from != NEIGHBOUR_FAILED)
			assert_int_equal(want(w, H, NULL), NEIGHBOUR_SEND);
		set(w, H, &MAC_A, false);
		assert_int_equal(state_of(w, H), NEIGHBOUR_STALE);
		assert_mac(w, &MAC_A);
		world_free(w);
	}
}

static void who_is_permanent_is_never_evicted(void **state)
{
	struct world *w = world_make(4, 4);
	struct ip_addr ip = host(9);

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		set(w, i, &MAC_A, true);
	assert_int_equal(
	    neighbour_set(&w->n, 0, &ip, &MAC_A, true, w->now), -ENOSPC);
	world_free(w);
}

/* --- a table that is full --- */

static void scan_fills_a_quarter_and_evicts_nobody(void **state)
{
	struct world *w = world_make(16, 8);

	(void)state;
	for (uint32_t h = 0; h < 12; h++) {
		heard(w, h, &MAC_A);
		advert(w, h, &MAC_A, true, true);
	}
	for (uint32_t h = 100; h < 200; h++)
		want(w, h, NULL);
	assert_int_equal(w->n.count[NEIGHBOUR_DROP_FULL], 96);
	for (uint32_t h = 0; h < 12; h++)
		assert_int_equal(state_of(w, h), NEIGHBOUR_REACHABLE);
	world_free(w);
}

static void evicts_the_stale_one_unused_longest(void **state)
{
	struct world *w = world_make(4, 8);

	(void)state;
	for (uint32_t h = 0; h < 4; h++) {
		heard(w, h, &MAC_A);
		pass(w, 2000);
	}
	/* 2 was used long ago, 3 lately, 0 is reachable, 1 never was used. */
	want(w, 2, NULL);
	pass(w, 2000);
	want(w, 3, NULL);
	heard(w, 2, &MAC_B);
	heard(w, 3, &MAC_B);
	advert(w, 0, &MAC_A, true, true);

	heard(w, 10, &MAC_A);
	assert_int_equal(state_of(w, 1), NEIGHBOUR_FREE);
	assert_int_equal(state_of(w, 10), NEIGHBOUR_STALE);
	/* The stranger goes before those in use. */
	heard(w, 11, &MAC_A);
	assert_int_equal(state_of(w, 10), NEIGHBOUR_FREE);
	want(w, 11, NULL);
	want(w, 12, NULL);
	assert_int_equal(state_of(w, 2), NEIGHBOUR_FREE);
	assert_int_equal(state_of(w, 0), NEIGHBOUR_REACHABLE);
	assert_int_equal(w->n.count[NEIGHBOUR_EVICTED], 3);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(obeys_every_advert_row_of_appendix_c),
		cmocka_unit_test(ignores_an_advert_nobody_waits_for),
		cmocka_unit_test(keeps_the_router_flag),
		cmocka_unit_test(obeys_every_row_of_other_information),
		cmocka_unit_test(merges_arp_but_learns_only_when_asked),
		cmocka_unit_test(asks_at_once_and_every_second),
		cmocka_unit_test(more_packets_do_not_ask_more),
		cmocka_unit_test(
		    reachable_time_is_drawn_between_half_and_one_and_a_half),
		cmocka_unit_test(turns_stale_when_not_confirmed),
		cmocka_unit_test(stays_reachable_while_upper_layers_confirm),
		cmocka_unit_test(
		    first_packet_to_a_stale_one_goes_out_and_starts_the_delay),
		cmocka_unit_test(upper_layers_confirm_every_known_state),
		cmocka_unit_test(unused_stale_one_is_dropped),
		cmocka_unit_test(probes_three_times_then_forgets),
		cmocka_unit_test(failed_one_gives_its_packets_back_and_goes),
		cmocka_unit_test(
		    late_answer_or_new_packet_rescues_a_failed_one),
		cmocka_unit_test(what_was_said_for_good_stays),
		cmocka_unit_test(who_is_permanent_is_never_evicted),
		cmocka_unit_test(scan_fills_a_quarter_and_evicts_nobody),
		cmocka_unit_test(evicts_the_stale_one_unused_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
