/*
 * test_rack.c - RFC 8985: its figure, its examples, its pseudocode
 *
 * Segments P0, P1, ... are 1000 bytes; times are units of 1024 ns, and a round
 * trip takes 100 of them unless a test says otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/rack.h"

enum {
	SMSS = 1000,
	RTT = 100,
};

static const uint32_t ISN = 0xffffffff - 1499;

static const struct rtt_config CONFIG = {
	.initial_ns = INT64_C(1000000000),
	.min_ns = 1,
	.max_ns = INT64_C(60000000000),
	.granularity_ns = 1,
	.period_ns = INT64_C(300000000000),
};

/* A sender, and its clock. */
struct host {
	struct scoreboard sb;
	struct rack rack;
	struct rtt rtt;
	struct tlp tlp;
	struct sb_news news; /* of the last ACK */
	int64_t now;
	struct mono deadline; /* RACK's timer */
	bool in_recovery;
	bool repaired; /* tlp_ack() */
};

static tcp_seq seg(uint32_t n)
{
	return seq_of(ISN + n * SMSS);
}

static struct mono at(int64_t t)
{
	return (struct mono){ t * 1024 };
}

static struct host host(void)
{
	struct host h = { .now = 1000 };

	sb_init(&h.sb, seg(0));
	rack_init(&h.rack);
	rtt_init(&h.rtt, &CONFIG);
	rtt_sample(&h.rtt, &CONFIG, RTT * 1024, 1, at(h.now));
	return h;
}

static void send_new(struct host *h, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sb_sent(&h->sb, SMSS, at(h->now), 0);
}

static void resend(struct host *h, uint32_t n, enum sb_rule rule)
{
	sb_resent(&h->sb, seg(n), seg(n + 1), rule, at(h->now));
}

static struct rack_env env(const struct host *h)
{
	return (struct rack_env){
		.now = at(h->now),
		.min_rtt_ns = rtt_min(&h->rtt),
		.srtt_ns = h->rtt.srtt_ns,
		.smss = SMSS,
		.in_recovery = h->in_recovery,
	};
}

/* The segments that are marked lost now. */
static uint32_t detect(struct host *h)
{
	struct rack_env e = env(h);

	return rack_detect_loss(&h->rack, &h->sb, &e, &h->deadline) / SMSS;
}

/* An ACK with blocks in segments: pairs, ended by a pair of zeros. */
static uint32_t acked(struct host *h, uint32_t una, const uint32_t blocks[][2])
{
	struct tcp_sack b[TCP_MAX_SACK];
	struct sb_ack a = {
		.ack = seg(una),
		.now = at(h->now),
		.echoed_before = MONO_NEVER,
		.min_rtt_ns = rtt_min(&h->rtt),
	};
	bool dup = seq_eq(a.ack, h->sb.f.una);

	for (; blocks[a.nsack][1] != 0; a.nsack++) {
		b[a.nsack].left = seg(blocks[a.nsack][0]);
		b[a.nsack].right = seg(blocks[a.nsack][1]);
	}
	a.sack = b;
	sb_ack(&h->sb, &a, &h->news);
	rack_ack(&h->rack, &h->sb, &h->news, at(h->now));
	h->repaired = tlp_ack(&h->tlp, seg(una), &h->news, dup && a.nsack == 0);
	return detect(h);
}

#define ACK(h, una, ...) \
	acked(h, una, (const uint32_t[][2]){ __VA_ARGS__, { 0, 0 } })
#define NO_SACK      \
	{            \
		0, 0 \
	}

/* A letter for each segment: f, F sent again, 2 twice, S, l, L was sent again.
 */
static void expect(const struct host *h, const char *want)
{
	char got[64];
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->sb.f.n; i++) {
		const struct flight_run *r = &h->sb.f.run[i];
		uint32_t len = flight_len(&h->sb.f, i) / SMSS;
		char c = r->state == SACKED ? 'S'
		    : r->state == LOST      ? (r->retransmitted ? 'L' : 'l')
		    : r->twice              ? '2'
		    : r->retransmitted      ? 'F'
					    : 'f';

		memset(got + n, c, len);
		n += len;
	}
	got[n] = '\0';
	assert_string_equal(got, want);
}

/* ---- Section 3.4, figure 1 ---- */

static void figure_1_a_lost_tail_and_a_lost_retransmission(void **state)
{
	struct host h = host();
	struct seq_range r;

	(void)state;
	send_new(&h, 4); /* 1 */
	h.now += RTT;
	ACK(&h, 1, NO_SACK); /* 2 */
	rtt_sample(&h.rtt, &CONFIG, RTT * 1024, 1, at(h.now));
	assert_true(tlp_may_arm(&h.sb, false));
	h.now += 2 * RTT; /* 3a */
	assert_int_equal(tlp_timer(&h.tlp, &h.rtt, false), TLP_LAST);
	assert_true(sb_highest(&h.sb, SMSS, &r)); /* 3b */
	assert_true(seq_eq(r.left, seg(3)));
	resend(&h, 3, SB_PROBE);
	tlp_sent(&h.tlp, TLP_LAST, sb_end(&h.sb), &h.rtt);
	expect(&h, "ff2");
	h.now += RTT; /* 4, 5a, 5b */
	assert_int_equal(ACK(&h, 1, { 3, 4 }), 2);
	expect(&h, "llS");
	h.in_recovery = true;
	tlp_init(&h.tlp);
	resend(&h, 1, SB_LOST); /* 5c */
	h.now += 1;
	resend(&h, 2, SB_LOST);
	expect(&h, "FFS");
	h.now += RTT; /* 6, 7a */
	assert_int_equal(ACK(&h, 1, { 2, 4 }), 1);
	expect(&h, "LSS");
	resend(&h, 1, SB_LOST); /* 7b */
	h.now += RTT;           /* 8 */
	assert_int_equal(ACK(&h, 4, NO_SACK), 0);
	expect(&h, "");
}

/* The same with timestamps: beyond the gap the receiver echoes P0's. */
static void finds_a_lost_retransmission_in_spite_of_old_echoes(void **state)
{
	struct host h = host();
	struct tcp_sack b = { seg(1), seg(3) };
	struct sb_ack a = { seg(0), &b, 1, at(0), MONO_NEVER, 0 };

	(void)state;
	send_new(&h, 3);
	h.now += RTT;
	ACK(&h, 0, { 2, 3 });
	sb_mark_range(&h.sb, seg(0), seg(2));
	h.in_recovery = true;
	resend(&h, 0, SB_LOST);
	resend(&h, 1, SB_LOST);
	h.now += RTT;
	a.now = at(h.now);
	a.echoed_before = at(1001);
	sb_ack(&h.sb, &a, &h.news);
	rack_ack(&h.rack, &h.sb, &h.news, a.now);
	assert_int_equal(detect(&h), 1);
	expect(&h, "LSS");
}

/* ---- Section 3.5 ---- */

static void an_rto_marks_only_what_is_old(void **state)
{
	struct host h = host();
	struct rack_env e;

	(void)state;
	/* A delivery first, so that RACK.rtt is known. */
	send_new(&h, 1);
	h.now += RTT;
	ACK(&h, 1, NO_SACK);
	send_new(&h, 1);
	h.now += 1000;
	send_new(&h, 2);
	h.now += 10;
	e = env(&h);
	assert_int_equal(rack_timeout(&h.rack, &h.sb, &e, false), SMSS);
	expect(&h, "lff");
	resend(&h, 1, SB_LOST);
	h.now += 20;
	/* The ACK of the original: the others are not retransmitted. */
	assert_int_equal(ACK(&h, 2, NO_SACK), 0);
	expect(&h, "ff");
}

static void an_rto_before_any_ack_marks_all(void **state)
{
	struct host h = host();
	struct rack_env e;

	(void)state;
	send_new(&h, 3);
	h.now += 1000;
	e = env(&h);
	assert_int_equal(rack_timeout(&h.rack, &h.sb, &e, false), 3 * SMSS);
}

/* ---- Section 9.1 ---- */

static void example_1_drops_at_the_end_of_a_flight(void **state)
{
	struct host h = host();

	(void)state;
	/* P1 and P3 are lost; reo_wnd is RTT / 4, they are 30 apart. */
	for (int i = 0; i < 3; i++, h.now += 30)
		send_new(&h, 1);
	h.now = 1030 + RTT;
	assert_int_equal(ACK(&h, 0, { 1, 2 }), 1);
	expect(&h, "lSf");
	h.in_recovery = true;
	resend(&h, 0, SB_LOST);
	h.now += RTT;
	assert_int_equal(ACK(&h, 2, NO_SACK), 1);
	expect(&h, "l");
}

static void example_2_a_lost_retransmission(void **state)
{
	struct host h = host();

	(void)state;
	for (int i = 0; i < 3; i++, h.now += 30)
		send_new(&h, 1);
	h.now = 1060 + RTT;
	assert_int_equal(ACK(&h, 0, { 2, 3 }), 2);
	h.in_recovery = true;
	resend(&h, 0, SB_LOST);
	h.now += 30;
	resend(&h, 1, SB_LOST);
	h.now += RTT;
	assert_int_equal(ACK(&h, 0, { 1, 3 }), 1);
	expect(&h, "LSS");
}

static void example_3_reordering_within_the_window(void **state)
{
	struct host h = host();

	(void)state;
	send_new(&h, 3);
	h.rack.reordering_seen = true;
	h.now += RTT;
	/* P3 first: the others have until RTT / 4 later, by the timer. */
	assert_int_equal(ACK(&h, 0, { 2, 3 }), 0);
	assert_int_equal(h.deadline.ns, at(h.now + RTT / 4).ns);
	h.now += RTT / 4 - 1;
	assert_int_equal(detect(&h), 0);
	assert_int_equal(ACK(&h, 1, { 2, 3 }), 0);
	expect(&h, "fS");
	/* That was an ACK as well: the RTT is now its own. */
	assert_int_equal(h.rack.rtt_ns, (RTT + RTT / 4 - 1) * 1024);
	h.now = 1000 + RTT + RTT / 4 - 1 + RTT / 4;
	assert_int_equal(detect(&h), 1);
	expect(&h, "lS");
	assert_int_equal(h.deadline.ns, INT64_MAX);
}

/* ---- Section 6.2, step 2 ---- */

static void a_spurious_retransmission_does_not_count(void **state)
{
	struct host h = host();

	(void)state;
	send_new(&h, 2);
	h.now += RTT - 1;
	resend(&h, 0, SB_PROBE);
	h.now += 1;
	/* The original's ACK, 1 after the retransmission: below min_RTT. */
	ACK(&h, 1, NO_SACK);
	assert_int_equal(h.rack.rtt_ns, 0);
	ACK(&h, 2, NO_SACK);
	assert_int_equal(h.rack.rtt_ns, RTT * 1024);
	assert_int_equal(h.rack.xmit_ts.ns, at(1000).ns);
}

static void ties_of_time_are_broken_by_sequence(void **state)
{
	struct host h = host();

	(void)state;
	send_new(&h, 4);
	h.now += RTT;
	h.in_recovery = true; /* reo_wnd 0 */
	/* All were sent at once: only what is below P2 was sent before it. */
	assert_int_equal(ACK(&h, 0, { 2, 3 }), 2);
	expect(&h, "llSf");
}

/* But what was sent again in the turn that sent new data came after it. */
static void a_retransmission_is_later_than_new_data_of_its_turn(void **state)
{
	struct host h = host();

	(void)state;
	send_new(&h, 4);
	h.now += RTT;
	h.in_recovery = true;
	assert_int_equal(ACK(&h, 0, { 1, 4 }), 1);
	send_new(&h, 1);
	resend(&h, 0, SB_LOST);
	send_new(&h, 1);
	h.now += RTT;
	assert_int_equal(ACK(&h, 0, { 1, 5 }), 0);
	expect(&h, "FSSSSf");
	/* And the new data after it is later again. */
	assert_int_equal(ACK(&h, 0, { 1, 6 }), 1);
	expect(&h, "LSSSSS");
}

/* ---- Step 3 ---- */

static void sees_reordering_of_originals_only(void **state)
{
	struct host h = host();

	(void)state;
	send_new(&h, 4);
	h.now += RTT;
	ACK(&h, 0, { 3, 4 });
	assert_false(h.rack.reordering_seen);
	resend(&h, 0, SB_LOST);
	h.now += RTT;
	ACK(&h, 1, { 3, 4 });
	assert_false(h.rack.reordering_seen);
	ACK(&h, 2, { 3, 4 });
	assert_true(h.rack.reordering_seen);
}

/* ---- Step 4 ---- */

static void the_window_is_zero_when_nothing_was_ever_reordered(void **state)
{
	struct host h = host();

	(void)state;
	send_new(&h, 6);
	h.now += RTT;
	ACK(&h, 0, { 1, 3 });
	assert_int_equal(h.rack.reo_wnd_ns, RTT * 1024 / 4);
	/* DupThresh segments SACKed. */
	assert_int_equal(ACK(&h, 0, { 1, 4 }), 1);
	assert_int_equal(h.rack.reo_wnd_ns, 0);
	h = host();
	h.in_recovery = true;
	detect(&h);
	assert_int_equal(h.rack.reo_wnd_ns, 0);
	h.rack.reordering_seen = true;
	detect(&h);
	assert_int_equal(h.rack.reo_wnd_ns, RTT * 1024 / 4);
}

static void the_window_grows_once_a_round_with_dsack(void **state)
{
	struct host h = host();
	uint32_t una = 4;

	(void)state;
	h.rack.reordering_seen = true;
	send_new(&h, 8);
	h.now += RTT;
	ACK(&h, 4, NO_SACK);
	for (int round = 1; round <= 5; round++) {
		int64_t want = (round + 1) * (RTT * 1024 / 4);

		ACK(&h, una, { 0, 1 });
		ACK(&h, una, { 1, 2 });
		assert_int_equal(h.rack.reo_wnd_mult, round + 1);
		/* The bound is SRTT. */
		assert_int_equal(
		    h.rack.reo_wnd_ns, want < RTT * 1024 ? want : RTT * 1024);
		/* The round is over when all sent by then is acknowledged. */
		ACK(&h, una + 3, { 2, 3 });
		assert_int_equal(h.rack.reo_wnd_mult, round + 1);
		send_new(&h, 4);
		una += 4;
		ACK(&h, una, NO_SACK);
	}
}

static void the_window_persists_for_sixteen_recoveries(void **state)
{
	struct host h = host();

	(void)state;
	send_new(&h, 4);
	h.now += RTT;
	ACK(&h, 4, { 0, 1 });
	assert_int_equal(h.rack.reo_wnd_mult, 2);
	for (int i = 0; i < 15; i++)
		rack_recovery_ended(&h.rack);
	assert_int_equal(h.rack.reo_wnd_mult, 2);
	rack_recovery_ended(&h.rack);
	assert_int_equal(h.rack.reo_wnd_mult, 1);
	rack_recovery_ended(&h.rack);
	assert_int_equal(h.rack.reo_wnd_mult, 1);
}

/* ---- Section 7.2 ---- */

static void pto_is_two_srtt_and_not_after_the_rto(void **state)
{
	struct rtt none, r = host().rtt;
	struct mono now = at(5000);

	(void)state;
	rtt_init(&none, &CONFIG);
	assert_int_equal(tlp_deadline(&r, false, 7 * 1024, MONO_NEVER, now).ns,
	    at(5000 + 2 * RTT).ns);
	assert_int_equal(tlp_deadline(&r, true, 7 * 1024, MONO_NEVER, now).ns,
	    at(5000 + 2 * RTT + 7).ns);
	assert_int_equal(
	    tlp_deadline(&r, false, 0, at(5050), now).ns, at(5050).ns);
	assert_int_equal(tlp_deadline(&none, true, 1, MONO_NEVER, now).ns,
	    now.ns + NS_PER_S);
}

static void a_probe_is_for_when_nothing_else_is(void **state)
{
	struct host h = host();

	(void)state;
	assert_false(tlp_may_arm(&h.sb, false));
	send_new(&h, 3);
	assert_true(tlp_may_arm(&h.sb, false));
	assert_false(tlp_may_arm(&h.sb, true));
	ACK(&h, 0, { 1, 2 });
	assert_false(tlp_may_arm(&h.sb, false));
}

/* ---- Section 7.3 ---- */

static void one_probe_at_a_time_and_an_rtt_in_between(void **state)
{
	struct host h = host();
	struct rtt none;

	(void)state;
	rtt_init(&none, &CONFIG);
	send_new(&h, 2);
	assert_int_equal(tlp_timer(&h.tlp, &none, true), TLP_NONE);
	assert_int_equal(tlp_timer(&h.tlp, &h.rtt, true), TLP_NEW);
	send_new(&h, 1);
	tlp_sent(&h.tlp, TLP_NEW, sb_end(&h.sb), &h.rtt);
	assert_int_equal(tlp_timer(&h.tlp, &h.rtt, true), TLP_NONE);
	h.now += RTT;
	ACK(&h, 3, NO_SACK);
	assert_false(h.tlp.pending);
	assert_false(h.repaired);
	/* No RTT sample since. */
	assert_int_equal(tlp_timer(&h.tlp, &h.rtt, true), TLP_NONE);
	rtt_sample(&h.rtt, &CONFIG, RTT * 1024, 1, at(h.now));
	assert_int_equal(tlp_timer(&h.tlp, &h.rtt, true), TLP_NEW);
	assert_int_equal(tlp_timer(&h.tlp, &h.rtt, false), TLP_LAST);
}

/* ---- Section 7.4.2 ---- */

static struct host probed(void)
{
	struct host h = host();

	send_new(&h, 2);
	h.now += 2 * RTT;
	resend(&h, 1, SB_PROBE);
	tlp_sent(&h.tlp, TLP_LAST, sb_end(&h.sb), &h.rtt);
	h.now += RTT;
	return h;
}

static void case_1_a_dsack_tells_that_both_arrived(void **state)
{
	struct host h = probed();

	(void)state;
	ACK(&h, 1, NO_SACK);
	assert_true(h.tlp.pending);
	ACK(&h, 2, NO_SACK);
	assert_true(h.tlp.pending);
	/* Of another segment: no answer. */
	ACK(&h, 2, { 0, 1 });
	assert_true(h.tlp.pending);
	ACK(&h, 2, { 1, 2 });
	assert_false(h.tlp.pending);
	assert_false(h.repaired);
}

static void case_2_a_duplicate_ack_tells_the_same(void **state)
{
	struct host h = probed();

	(void)state;
	ACK(&h, 2, NO_SACK);
	assert_true(h.tlp.pending);
	ACK(&h, 2, NO_SACK);
	assert_false(h.tlp.pending);
	assert_false(h.repaired);
}

static void else_the_probe_repaired_a_loss(void **state)
{
	struct host h = probed();

	(void)state;
	ACK(&h, 2, NO_SACK);
	send_new(&h, 1);
	ACK(&h, 3, NO_SACK);
	assert_true(h.repaired);
	assert_false(h.tlp.pending);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    figure_1_a_lost_tail_and_a_lost_retransmission),
		cmocka_unit_test(
		    finds_a_lost_retransmission_in_spite_of_old_echoes),
		cmocka_unit_test(an_rto_marks_only_what_is_old),
		cmocka_unit_test(an_rto_before_any_ack_marks_all),
		cmocka_unit_test(example_1_drops_at_the_end_of_a_flight),
		cmocka_unit_test(example_2_a_lost_retransmission),
		cmocka_unit_test(example_3_reordering_within_the_window),
		cmocka_unit_test(a_spurious_retransmission_does_not_count),
		cmocka_unit_test(ties_of_time_are_broken_by_sequence),
		cmocka_unit_test(
		    a_retransmission_is_later_than_new_data_of_its_turn),
		cmocka_unit_test(sees_reordering_of_originals_only),
		cmocka_unit_test(
		    the_window_is_zero_when_nothing_was_ever_reordered),
		cmocka_unit_test(the_window_grows_once_a_round_with_dsack),
		cmocka_unit_test(the_window_persists_for_sixteen_recoveries),
		cmocka_unit_test(pto_is_two_srtt_and_not_after_the_rto),
		cmocka_unit_test(a_probe_is_for_when_nothing_else_is),
		cmocka_unit_test(one_probe_at_a_time_and_an_rtt_in_between),
		cmocka_unit_test(case_1_a_dsack_tells_that_both_arrived),
		cmocka_unit_test(case_2_a_duplicate_ack_tells_the_same),
		cmocka_unit_test(else_the_probe_repaired_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
