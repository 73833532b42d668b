/*
 * test_prr.c - the figures of RFC 9937, ACK by ACK, for RFC 6675 and for PRR
 *
 * Both start with cwnd = FlightSize = 20 segments and Reno's ssthresh of 10.
 * They count segments, so here a segment is one byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/prr.h"
#include "tcpd/scoreboard.h"
#include "tests/harness/random.h"

enum {
	SMSS = 1,
	MSS = 1000, /* where bytes are what it is about */
};

struct sender {
	struct scoreboard sb;
	struct prr prr;
	uint32_t cwnd;
	bool with_prr;
	bool in_recovery;
	char sent[32]; /* on the last ACK: N and R */
	uint32_t nsent;
};

static const uint32_t ISN = 0xffffffff - 9;

static tcp_seq seg(uint32_t n)
{
	return seq_of(ISN + n * SMSS);
}

static const struct mono NOW = { 1000000 };

static struct sender twenty(bool with_prr)
{
	struct sender s = { .cwnd = 20 * SMSS, .with_prr = with_prr };

	sb_init(&s.sb, seg(0));
	sb_sent(&s.sb, 20 * SMSS, NOW, 0);
	return s;
}

static void send_one(struct sender *s)
{
	struct seq_range r;
	enum sb_rule rule =
	    sb_next_seg(&s->sb, SMSS, 100 * SMSS, s->in_recovery, &r);

	assert_int_equal(seq_len(r.left, r.right), SMSS);
	assert_true(s->nsent + 1 < sizeof(s->sent));
	s->sent[s->nsent++] = rule == SB_NEW ? 'N' : 'R';
	s->sent[s->nsent] = '\0';
	if (rule == SB_NEW)
		sb_sent(&s->sb, SMSS, NOW, 0);
	else
		sb_resent(&s->sb, r.left, r.right, rule, NOW);
	prr_sent(&s->prr, SMSS);
}

static void enter(struct sender *s, const struct sb_news *n)
{
	s->in_recovery = true;
	sb_enter_recovery(&s->sb);
	sb_mark_by_sack(&s->sb, SMSS);
	if (s->with_prr)
		prr_begin(&s->prr, 10 * SMSS,
		    seq_len(s->sb.f.una, sb_end(&s->sb)), sb_sacked(&s->sb),
		    n->delivered, true);
	else
		s->cwnd = 10 * SMSS;
}

/* A SACK of [first, last]; then what the figure says of it, in segments. */
static void ack(struct sender *s, uint32_t una, uint32_t first, uint32_t last,
    uint32_t cwnd, uint32_t in_flight, const char *sent)
{
	struct tcp_sack b = { seg(first), seg(last + 1) };
	struct sb_ack a = {
		.ack = seg(una),
		.sack = &b,
		.nsack = last >= first,
		.now = NOW,
		.echoed_before = MONO_NEVER,
	};
	struct prr_ack p = { .smss = SMSS };
	struct sb_news n;

	sb_ack(&s->sb, &a, &n);
	if (!s->in_recovery && s->sb.dup_acks >= SB_DUP_THRESH)
		enter(s, &n);
	sb_mark_by_sack(&s->sb, SMSS);
	p.delivered = n.delivered;
	p.in_flight = sb_pipe(&s->sb);
	if (s->in_recovery && s->with_prr)
		s->cwnd =
		    una > 0 ? prr_end(&s->prr) : prr_ack(&s->prr, &p, s->cwnd);
	assert_int_equal(s->cwnd, cwnd * SMSS);
	assert_int_equal(sb_pipe(&s->sb), in_flight * SMSS);
	s->sent[0] = '\0';
	s->nsent = 0;
	while (s->cwnd >= sb_pipe(&s->sb) + SMSS)
		send_one(s);
	assert_string_equal(s->sent, sent);
}

/* ---- Figure 1: segment 0 is lost ---- */

static void figure_1_rfc6675(void **state)
{
	struct sender s = twenty(false);

	(void)state;
	ack(&s, 0, 1, 1, 20, 19, "N");
	ack(&s, 0, 1, 2, 20, 19, "N");
	ack(&s, 0, 1, 3, 10, 18, "");
	/* Step 4.3 retransmits whatever cwnd is. */
	send_one(&s);
	assert_string_equal(s.sent, "R");
	ack(&s, 0, 1, 4, 10, 18, "");
	for (uint32_t n = 5; n <= 12; n++)
		ack(&s, 0, 1, n, 10, 22 - n, "");
	for (uint32_t n = 13; n <= 21; n++)
		ack(&s, 0, 1, n, 10, 9, "N");
	ack(&s, 22, 1, 0, 10, 9, "N");
}

static void figure_1_prr(void **state)
{
	struct sender s = twenty(true);

	(void)state;
	ack(&s, 0, 1, 1, 20, 19, "N");
	ack(&s, 0, 1, 2, 20, 19, "N");
	ack(&s, 0, 1, 3, 19, 18, "R");
	for (uint32_t n = 4; n <= 18; n += 2) {
		ack(&s, 0, 1, n, 20 - n / 2, 20 - n / 2, "");
		if (n < 18)
			ack(&s, 0, 1, n + 1, 20 - n / 2, 19 - n / 2, "N");
	}
	/*
	 * The figure has 11, 10, N and 10, 10 here.  By the steps of 6.2 an
	 * in_flight of 10 is not above ssthresh, and nothing goes out until the
	 * next ACK; then both are even again.
	 */
	ack(&s, 0, 1, 19, 10, 10, "");
	ack(&s, 0, 1, 20, 10, 9, "N");
	ack(&s, 0, 1, 21, 10, 9, "N");
	ack(&s, 22, 1, 0, 10, 9, "N");
}

/* ---- Figure 2: segments 0 to 14 are lost ---- */

static void figure_2_rfc6675(void **state)
{
	struct sender s = twenty(false);

	(void)state;
	ack(&s, 0, 15, 15, 20, 19, "N");
	ack(&s, 0, 15, 16, 20, 19, "N");
	ack(&s, 0, 15, 17, 10, 4, "RRRRRR");
	ack(&s, 0, 15, 18, 10, 9, "R");
	ack(&s, 0, 15, 19, 10, 9, "R");
}

static void figure_2_prr(void **state)
{
	struct sender s = twenty(true);

	(void)state;
	ack(&s, 0, 15, 15, 20, 19, "N");
	ack(&s, 0, 15, 16, 20, 19, "N");
	ack(&s, 0, 15, 17, 5, 4, "R");
	ack(&s, 0, 15, 18, 5, 4, "R");
	ack(&s, 0, 15, 19, 5, 4, "R");
}

/* ---- Section 6, line by line ---- */

static struct prr begun(uint32_t ssthresh, uint32_t fs)
{
	struct prr p;

	prr_begin(&p, ssthresh, fs, 0, 0, true);
	return p;
}

static uint32_t step(
    struct prr *p, uint32_t delivered, uint32_t in_flight, bool safe)
{
	struct prr_ack a = { delivered, in_flight, MSS, safe };

	return prr_ack(p, &a, 77);
}

static void recover_fs_is_all_that_may_be_delivered(void **state)
{
	struct prr p;

	(void)state;
	/* 22 outstanding, 5 of them SACKed, 2 of those just now, 1 ACKed. */
	prr_begin(&p, 10000, 22000, 5000, 3000, true);
	assert_int_equal(p.recover_fs, 20000);
	assert_int_equal(p.delivered, 0);
	assert_int_equal(p.out, 0);
	assert_int_equal(prr_end(&p), 10000);
}

static void nothing_delivered_changes_nothing(void **state)
{
	struct prr p = begun(10000, 20000), before = p;

	(void)state;
	assert_int_equal(step(&p, 0, 15000, true), 77);
	assert_memory_equal(&p, &before, sizeof(p));
}

static void reduces_in_proportion_rounding_up(void **state)
{
	struct prr p = begun(7000, 10000);

	(void)state;
	/* 2 * 7000 / 10000, up: 2 bytes, of which one was sent. */
	p.out = 1;
	assert_int_equal(step(&p, 2, 9000, false), 9000 + 2 - 1);
	prr_sent(&p, 1);
	assert_int_equal(step(&p, 2998, 9000, false), 9000 + 2100 - 2);
	/* A probe sent more than is due: nothing, not less than nothing. */
	prr_sent(&p, 5000);
	assert_int_equal(step(&p, 1000, 9000, false), 9000);
}

static void below_ssthresh_conserves_or_slow_starts(void **state)
{
	struct prr p = begun(10000, 20000);

	(void)state;
	/* CRB: what was delivered. */
	assert_int_equal(step(&p, 1000, 4000, false), 5000);
	prr_sent(&p, 1000);
	/* SSRB: a segment more. */
	assert_int_equal(step(&p, 1000, 4000, true), 6000);
	/* Banked: delivered 3000, sent 1000. */
	assert_int_equal(step(&p, 1000, 4000, false), 6000);
	/* Never beyond ssthresh. */
	assert_int_equal(step(&p, 9000, 9500, true), 10000);
	assert_int_equal(step(&p, 1000, 10000, true), 10000);
}

static void forces_the_first_retransmission_only(void **state)
{
	struct prr p = begun(10000, 20000);

	(void)state;
	assert_int_equal(step(&p, 1000, 10000, false), 11000);
	prr_sent(&p, 1000);
	assert_int_equal(step(&p, 1000, 10000, false), 10000);
	/* Half a segment is due on the first ACK: it is a whole one. */
	p = begun(10000, 20000);
	assert_int_equal(step(&p, 1000, 18000, false), 19000);
}

static void without_sack_invented_acks_gain_nothing(void **state)
{
	struct prr p;

	(void)state;
	prr_begin(&p, 2000, 4000, 0, 0, false);
	for (int i = 0; i < 4; i++)
		step(&p, MSS, 3000, false);
	assert_int_equal(p.delivered, 4000);
	assert_int_equal(step(&p, MSS, 3000, false), 77);
	assert_int_equal(p.delivered, 4000);
}

/* RFC 9937, 7: CRB never sends more than was delivered; nor overflows. */
static void never_sends_more_than_was_delivered_plus_one(void **state)
{
	struct random rnd = { 9937 };

	(void)state;
	for (int round = 0; round < 500; round++) {
		uint32_t fs = 1 + random_below(&rnd, 1U << 30);
		uint32_t ssthresh = 1 + random_below(&rnd, fs), left = fs;
		struct prr p = begun(ssthresh, fs);

		while (left > 0) {
			uint32_t d = 1 + random_below(&rnd, left);
			uint32_t in_flight = random_below(&rnd, fs);
			uint32_t cwnd = step(&p, d, in_flight, false);

			left -= d;
			assert_true(cwnd >= in_flight);
			if (random_chance(&rnd, 80))
				prr_sent(&p, cwnd - in_flight);
			assert_true(p.out <= p.delivered + MSS);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(figure_1_rfc6675),
		cmocka_unit_test(figure_1_prr),
		cmocka_unit_test(figure_2_rfc6675),
		cmocka_unit_test(figure_2_prr),
		cmocka_unit_test(recover_fs_is_all_that_may_be_delivered),
		cmocka_unit_test(nothing_delivered_changes_nothing),
		cmocka_unit_test(reduces_in_proportion_rounding_up),
		cmocka_unit_test(below_ssthresh_conserves_or_slow_starts),
		cmocka_unit_test(forces_the_first_retransmission_only),
		cmocka_unit_test(without_sack_invented_acks_gain_nothing),
		cmocka_unit_test(never_sends_more_than_was_delivered_plus_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
