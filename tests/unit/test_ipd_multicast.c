/*
 * test_ipd_multicast.c - what routers are told of the groups we hear
 */
#include <netinet/in.h>
#include <stdio.h>

#include "ipd/igmp.h"
#include "ipd/ipv4.h"
#include "ipd/mld.h"
#include "tests/unit/ipd_world.h"

/* The next packet for linkd, if it is an IGMPv3 report of one group. */
static void expect_igmp(struct world *w, uint8_t type, const char *group)
{
	struct ip_addr routers = world_ip("224.0.0.22");
	struct ip_addr g = world_ip(group);
	uint8_t want[40];
	struct ip_addr us = world_ip("192.0.2.2");
	struct igmp_record r = { (enum igmp_record_type)type, g };

	if (!world_take(w, "linkd"))
		fail_msg("no report %u of %s", type, group);
	assert_int_equal(igmp_report_emit(want, &us, &r, 1), sizeof(want));
	assert_int_equal(w->d.len, sizeof(want));
	assert_memory_equal(w->got, want, sizeof(want));
	assert_int_equal(w->d.link, LINK_A);
	assert_true(ip_equal(&w->d.dst, &routers));
}

static void expect_mld(struct world *w, uint8_t type, const char *group)
{
	struct ip_addr g = world_ip(group);
	struct ip_addr us = world_ip("fe80::2");
	struct mld_record r = { (enum mld_record_type)type, g };
	uint8_t want[MLD_REPORT_HDR_LEN + MLD_RECORD_LEN];

	if (!world_take(w, "linkd"))
		fail_msg("no report %u of %s", type, group);
	assert_int_equal(mld_report_emit(want, &us, &r, 1), sizeof(want));
	assert_int_equal(w->d.len, sizeof(want));
	assert_memory_equal(w->got, want, sizeof(want));
	assert_true(ip_equal(&w->d.dst, &mld_routers));
}

/* Until ipd wants a turn by itself, but at most @ms. */
static void sleep_until_due(struct world *w, int64_t ms)
{
	struct mono most = mono_add_ms(w->now, ms);

	w->now = mono_min(ipd_deadline(w->ip), most);
	world_turns(w);
}

static void a_join_is_said_twice_and_a_leave_too(void **state)
{
	struct world *w = world_open("");

	(void)state;
	world_join(w, "239.1.2.3", LINK_A);
	world_turns(w);
	expect_igmp(w, IGMP_TO_EXCLUDE, "239.1.2.3");
	world_expect_nothing(w, "linkd");
	sleep_until_due(w, 1000);
	expect_igmp(w, IGMP_TO_EXCLUDE, "239.1.2.3");
	sleep_until_due(w, 100000);
	world_expect_nothing(w, "linkd");

	world_leave(w);
	world_turns(w);
	expect_igmp(w, IGMP_TO_INCLUDE, "239.1.2.3");
	sleep_until_due(w, 1000);
	expect_igmp(w, IGMP_TO_INCLUDE, "239.1.2.3");
	sleep_until_due(w, 100000);
	world_expect_nothing(w, "linkd");
	assert_int_equal(ipd_deadline(w->ip).ns, MONO_NEVER.ns);
	world_no_leaks(w);
	world_close(w);
}

static void the_same_for_ipv6(void **state)
{
	struct world *w = world_open("");

	(void)state;
	world_join(w, "ff05::99", LINK_A);
	world_turns(w);
	expect_mld(w, MLD_TO_EXCLUDE, "ff05::99");
	sleep_until_due(w, 1000);
	expect_mld(w, MLD_TO_EXCLUDE, "ff05::99");
	world_leave(w);
	world_turns(w);
	expect_mld(w, MLD_TO_INCLUDE, "ff05::99");
	world_close(w);
}

/* What was said by one instance is known to the next. */
static void a_restart_says_nothing_new(void **state)
{
	struct world *w = world_open("");

	(void)state;
	world_join(w, "239.1.2.3", LINK_A);
	world_settle(w);
	world_restart(w);
	world_settle(w);
	assert_int_equal(world_counter(w, "group_reports_sent"), 6);
	/* Two each for solicited-node groups of two links, and for ours. */
	world_restart(w);
	world_leave(w);
	world_turns(w);
	expect_igmp(w, IGMP_TO_INCLUDE, "239.1.2.3");
	world_close(w);
}

static void some_groups_are_never_reported(void **state)
{
	struct world *w = world_open("");

	(void)state;
	world_join(w, "224.0.0.1", LINK_A);
	world_join(w, "ff02::1", LINK_A);
	world_join(w, "ff01::5", LINK_A);
	world_turns(w);
	world_expect_nothing(w, "linkd");
	world_close(w);
}

/* An IGMP query with router alert, as a router sends it. */
static void query4(
    struct world *w, uint8_t version, const char *group, uint32_t max_ms)
{
	struct igmp_query q = {
		.version = version,
		.max_resp_ms = max_ms,
		.group = world_ip(group),
	};
	struct ipv4_hdr h = {
		.src = world_ip("192.0.2.1"),
		.dst = ip_is_any(&q.group) ? world_ip("224.0.0.1") : q.group,
		.hdr_len = 24,
		.ttl = 1,
		.proto = IPPROTO_IGMP,
		.options = { 148, 4, 0, 0 },
	};
	uint8_t p[100];
	size_t len = igmp_query_emit(p + 24, &q);

	h.total_len = (uint16_t)(24 + len);
	ipv4_emit(p, &h);
	world_rx(w, p, 24 + len,
	    (struct desc){ .link = LINK_A, .flags = PKT_LINK_BROADCAST });
}

static void queries_are_answered_in_their_time(void **state)
{
	struct world *w = world_open("");
	struct mono asked;

	(void)state;
	world_join(w, "239.1.2.3", LINK_A);
	world_join(w, "239.1.2.4", LINK_A);
	world_settle(w);

	/* General: both groups in one report, within ten seconds. */
	asked = w->now;
	query4(w, 3, "0.0.0.0", 10000);
	world_expect_nothing(w, "linkd");
	sleep_until_due(w, 10000);
	assert_true(mono_since(w->now, asked) > 0);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, igmp_report_len(2));
	assert_int_equal(w->got[32], IGMP_IS_EXCLUDE);
	assert_int_equal(w->got[40], IGMP_IS_EXCLUDE);

	query4(w, 3, "239.1.2.4", 1000);
	sleep_until_due(w, 1000);
	expect_igmp(w, IGMP_IS_EXCLUDE, "239.1.2.4");
	query4(w, 3, "239.1.2.5", 1000); /* not ours */
	sleep_until_due(w, 100000);
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "group_queries_received"), 2);
	world_no_leaks(w);
	world_close(w);
}

static void a_query_of_mld_is_answered(void **state)
{
	/* Hop-by-hop: router alert for MLD. */
	uint8_t m[8 + MLD_QUERY_LEN] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	struct world *w = world_open("");
	struct mld_ip h = { world_ip("fe80::1"), world_ip("ff02::1"), 1, true };
	struct mld_query q = { .version = 2, .max_resp_ms = 1000 };
	uint8_t p[100];
	size_t len;

	(void)state;
	mld_query_emit(m + 8, &q, &h);
	len = make6(p, "fe80::1", "ff02::1", IPPROTO_HOPOPTS, m, sizeof(m));
	p[7] = 1;
	world_rx(w, p, len,
	    (struct desc){ .link = LINK_A, .flags = PKT_LINK_BROADCAST });
	world_expect_nothing(w, "linkd");
	sleep_until_due(w, 1000);
	expect_mld(w, MLD_IS_EXCLUDE, "ff02::1:ff00:2");
	world_expect_nothing(w, "linkd");
	p[7] = 64; /* from beyond the link */
	world_rx(w, p, len,
	    (struct desc){ .link = LINK_A, .flags = PKT_LINK_BROADCAST });
	assert_int_equal(world_counter(w, "mld_malformed"), 1);
	world_no_leaks(w);
	world_close(w);
}

/* RFC 9776, 7.2.1: a router of version 2 does not understand version 3. */
static void old_routers_are_spoken_to_in_their_words(void **state)
{
	struct world *w = world_open("");
	uint8_t want[IGMP_OLD_PACKET_LEN];
	struct ip_addr us = world_ip("192.0.2.2");
	struct ip_addr g = world_ip("239.1.2.3");

	(void)state;
	world_join(w, "239.1.2.3", LINK_A);
	world_settle(w);
	query4(w, 2, "0.0.0.0", 1000);
	sleep_until_due(w, 1000);
	igmp_old_emit(want, &us, IGMP_V2_REPORT, &g);
	world_expect(w, "linkd", want, sizeof(want));
	assert_true(ip_equal(&w->d.dst, &g));
	world_leave(w);
	world_turns(w);
	igmp_old_emit(want, &us, IGMP_V2_LEAVE, &g);
	world_expect(w, "linkd", want, sizeof(want));
	world_settle(w);
	/* Forgotten, when it has not been heard for long. */
	w->now = mono_add_ms(w->now, 300 * 1000);
	world_join(w, "239.1.2.3", LINK_A);
	world_turns(w);
	expect_igmp(w, IGMP_TO_EXCLUDE, "239.1.2.3");
	world_no_leaks(w);
	world_close(w);
}

static unsigned members_of(const struct world *w)
{
	const struct membership *m = &w->ip->s->membership;
	unsigned n = 0;

	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		n += m->member[i].used;
	return n;
}

/* More groups than places: the rest is counted, and told when there is room. */
static void what_is_not_reported_is_counted(void **state)
{
	enum {
		GROUPS = 600
	};
	struct world *w = world_open("");
	char text[32];
	unsigned own; /* of our addresses */

	(void)state;
	world_settle(w);
	own = members_of(w);
	for (unsigned i = 0; i < GROUPS; i++) {
		snprintf(text, sizeof(text), "239.1.%u.%u", i / 256, i % 256);
		world_join(w, text, LINK_A);
	}
	world_settle(w);
	assert_true(world_counter(w, "groups_not_reported") > 0);
	assert_int_equal(members_of(w), MEMBERS_MAX);
	for (unsigned i = 0; i < GROUPS; i++)
		world_leave(w);
	world_settle(w);
	assert_int_equal(members_of(w), own);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_join_is_said_twice_and_a_leave_too),
		cmocka_unit_test(the_same_for_ipv6),
		cmocka_unit_test(a_restart_says_nothing_new),
		cmocka_unit_test(some_groups_are_never_reported),
		cmocka_unit_test(queries_are_answered_in_their_time),
		cmocka_unit_test(a_query_of_mld_is_answered),
		cmocka_unit_test(old_routers_are_spoken_to_in_their_words),
		cmocka_unit_test(what_is_not_reported_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
