/*
 * test_scoreboard.c - RFC 6675 function by function, and what RACK needs
 *
 * Segments are 1000 bytes; numbers are offsets from ISN, and wrap after 2500.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/scoreboard.h"

enum {
	SMSS = 1000,
};

static const uint32_t ISN = 0xffffffff - 2499;

static tcp_seq at(uint32_t n)
{
	return seq_of(ISN + n);
}

static struct mono us(int64_t n)
{
	return (struct mono){ n * 1024 };
}

/* @n segments, the k-th one at k * 100. */
static struct scoreboard sent(uint32_t n)
{
	struct scoreboard sb;

	sb_init(&sb, at(0));
	for (uint32_t i = 0; i < n; i++)
		sb_sent(&sb, SMSS, us(i * 100), 0);
	return sb;
}

/* An ACK at @now with blocks in segments: pairs, ended by a pair of zeros. */
static struct sb_news acked(struct scoreboard *sb, int64_t now, uint32_t ack,
    const uint32_t blocks[][2])
{
	struct tcp_sack b[TCP_MAX_SACK];
	struct sb_ack a = {
		.ack = at(ack * SMSS),
		.now = us(now),
		.echoed_before = MONO_NEVER,
	};
	struct sb_news news;

	for (; blocks[a.nsack][1] != 0; a.nsack++) {
		b[a.nsack].left = at(blocks[a.nsack][0] * SMSS);
		b[a.nsack].right = at(blocks[a.nsack][1] * SMSS);
	}
	a.sack = b;
	sb_ack(sb, &a, &news);
	assert_true(flight_is_sane(&sb->f));
	return news;
}

#define ACK(sb, now, n, ...) \
	acked(sb, now, n, (const uint32_t[][2]){ __VA_ARGS__, { 0, 0 } })
#define NO_SACK      \
	{            \
		0, 0 \
	}

/* A letter for each segment: f, F sent again, 2 twice, S, l, L was sent again.
 */
static void expect(const struct scoreboard *sb, const char *want)
{
	char got[256];
	uint32_t n = 0;

	for (uint32_t i = 0; i < sb->f.n; i++) {
		const struct flight_run *r = &sb->f.run[i];
		uint32_t len = flight_len(&sb->f, i) / SMSS;
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

static void resend(struct scoreboard *sb, uint32_t seg, uint32_t n,
    enum sb_rule rule, int64_t now)
{
	sb_resent(sb, at(seg * SMSS), at((seg + n) * SMSS), rule, us(now));
	assert_true(flight_is_sane(&sb->f));
}

static void next_is(const struct scoreboard *sb, uint32_t unsent,
    enum sb_rule rule, uint32_t left, uint32_t right)
{
	struct seq_range r;

	assert_int_equal(sb_next_seg(sb, SMSS, unsent, true, &r), rule);
	if (rule == SB_NOTHING)
		return;
	assert_int_equal(r.left.n - ISN, left);
	assert_int_equal(r.right.n - ISN, right);
}

/* ---- Update() ---- */

static void update_counts_what_is_acked_and_sacked(void **state)
{
	struct scoreboard sb = sent(10);
	struct sb_news n;

	(void)state;
	n = ACK(&sb, 2000, 2, NO_SACK);
	expect(&sb, "ffffffff");
	assert_int_equal(n.acked, 2000);
	assert_int_equal(n.delivered, 2000);
	assert_false(n.dup_ack);
	n = ACK(&sb, 2100, 2, { 3, 5 });
	expect(&sb, "fSSfffff");
	assert_int_equal(n.sacked, 2000);
	assert_int_equal(n.delivered, 2000);
	assert_true(n.dup_ack);
	assert_int_equal(sb.dup_acks, 1);
	/* The same again: no news, and so no duplicate ACK (section 2). */
	n = ACK(&sb, 2200, 2, { 3, 5 });
	assert_false(n.dup_ack);
	assert_int_equal(n.delivered, 0);
	assert_int_equal(sb.dup_acks, 1);
	/* It moves una and SACKs at once: one duplicate ACK, after the reset.
	 */
	n = ACK(&sb, 2300, 3, { 6, 7 }, { 3, 5 });
	expect(&sb, "SSfSfff");
	assert_true(n.reneged);
	n = ACK(&sb, 2300, 5, { 6, 8 });
	expect(&sb, "fSSff");
	assert_int_equal(sb.dup_acks, 1);
	assert_int_equal(n.acked, 2000);
	assert_int_equal(n.sacked, 1000);
	/* Two of the acknowledged were delivered before. */
	assert_int_equal(n.delivered, 1000);
	assert_int_equal(sb.fack.n - ISN, 8000);
	n = ACK(&sb, 2400, 10, NO_SACK);
	expect(&sb, "");
	assert_int_equal(n.delivered, 3000);
	assert_int_equal(sb_end(&sb).n - ISN, 10000);
}

static void update_ignores_what_can_not_be(void **state)
{
	struct scoreboard sb = sent(5), before;
	struct sb_news n;

	(void)state;
	ACK(&sb, 1000, 1, NO_SACK);
	before = sb;
	/* Never sent; partly never sent; backwards; empty; long gone. */
	n = ACK(&sb, 1000, 1, { 7, 8 }, { 4, 6 }, { 4, 3 }, { 3, 3 });
	assert_int_equal(n.sacked, 0);
	n = ACK(&sb, 1000, 6, NO_SACK);
	assert_int_equal(n.acked, 0);
	n = ACK(&sb, 1000, 0, { 2, 3 });
	assert_int_equal(n.sacked, 0);
	assert_memory_equal(&sb, &before, sizeof(sb));
	/* One that reaches below una counts for the rest. */
	n = ACK(&sb, 1000, 1, { 3, 4 }, { 0, 2 });
	assert_int_equal(n.sacked, 2000);
	expect(&sb, "SfSf");
}

/* ---- RFC 2883, section 5 ---- */

static void finds_a_dsack(void **state)
{
	struct scoreboard sb = sent(8);
	struct sb_news n;

	(void)state;
	ACK(&sb, 1000, 4, NO_SACK);
	/* 4.1.1: below the ACK that carries it. */
	n = ACK(&sb, 1000, 4, { 3, 4 });
	assert_true(n.dsack);
	assert_int_equal(n.duplicate.left.n - ISN, 3000);
	assert_int_equal(n.duplicate.right.n - ISN, 4000);
	expect(&sb, "ffff");
	/* 4.1.2: and a block beside it. */
	n = ACK(&sb, 1000, 4, { 3, 4 }, { 5, 6 });
	assert_true(n.dsack);
	expect(&sb, "fSff");
	/* 4.1.3: part of the second block. */
	n = ACK(&sb, 1000, 4, { 5, 6 }, { 5, 7 });
	assert_true(n.dsack);
	assert_int_equal(n.duplicate.left.n - ISN, 5000);
	expect(&sb, "fSSf");
	n = ACK(&sb, 1000, 4, { 7, 8 }, { 5, 7 });
	assert_false(n.dsack);
	expect(&sb, "fSSS");
}

/* ---- IsLost() ---- */

static void sack_bytes(struct scoreboard *sb, uint32_t left, uint32_t right)
{
	const struct tcp_sack b = { at(left), at(right) };
	struct sb_ack a = { at(0), &b, 1, us(2000), MONO_NEVER, 0 };
	struct sb_news n;

	sb_ack(sb, &a, &n);
}

static void is_lost_with_three_blocks_or_two_segments_and_a_byte(void **state)
{
	struct scoreboard sb = sent(10);

	(void)state;
	sack_bytes(&sb, 1000, 3000);
	assert_false(sb_is_lost(&sb, at(0), SMSS));
	sack_bytes(&sb, 1000, 3001);
	assert_true(sb_is_lost(&sb, at(0), SMSS));
	assert_true(sb_is_lost(&sb, at(999), SMSS));
	assert_false(sb_is_lost(&sb, at(3001), SMSS));

	/* Three bytes that are apart are enough (DupThresh). */
	sb = sent(10);
	for (uint32_t i = 0; i < 3; i++) {
		assert_false(sb_is_lost(&sb, at(0), SMSS));
		sack_bytes(&sb, 1000 + i * 2, 1001 + i * 2);
	}
	assert_true(sb_is_lost(&sb, at(0), SMSS));
	assert_false(sb_is_lost(&sb, at(1001), SMSS));
}

static void marks_what_is_lost_only_once_in_a_phase(void **state)
{
	struct scoreboard sb = sent(10);

	(void)state;
	ACK(&sb, 2000, 0, { 2, 3 }, { 4, 7 });
	assert_int_equal(sb_mark_by_sack(&sb, SMSS), 3000);
	expect(&sb, "llSlSSSfff");
	assert_int_equal(sb_mark_by_sack(&sb, SMSS), 0);
	sb_enter_recovery(&sb);
	resend(&sb, 0, 2, SB_LOST, 2100);
	expect(&sb, "FFSlSSSfff");
	/* Below HighRxt nothing is lost again, that is RACK's to find. */
	ACK(&sb, 2200, 0, { 4, 9 });
	assert_int_equal(sb_mark_by_sack(&sb, SMSS), 0);
	expect(&sb, "FFSlSSSSSf");
}

/* ---- SetPipe() ---- */

static void pipe_is_what_flies_and_what_was_sent_again(void **state)
{
	struct scoreboard sb = sent(10);

	(void)state;
	assert_int_equal(sb_pipe(&sb), 10000);
	ACK(&sb, 2000, 0, { 3, 6 });
	assert_int_equal(sb_pipe(&sb), 7000);
	sb_mark_by_sack(&sb, SMSS);
	assert_int_equal(sb_pipe(&sb), 4000);
	sb_enter_recovery(&sb);
	resend(&sb, 0, 1, SB_LOST, 2100);
	assert_int_equal(sb_pipe(&sb), 5000);
	/* "Octets retransmitted without being considered lost count twice." */
	resend(&sb, 9, 1, SB_PROBE, 2200);
	expect(&sb, "FllSSSfff2");
	assert_int_equal(sb_pipe(&sb), 6000);
	/* Until they are lost: then only the second copy flies. */
	sb_mark_range(&sb, at(9000), at(10000));
	expect(&sb, "FllSSSfffL");
	assert_int_equal(sb_pipe(&sb), 4000);
	resend(&sb, 9, 1, SB_LOST, 2300);
	assert_int_equal(sb_pipe(&sb), 5000);
}

/* ---- NextSeg() ---- */

static void next_seg_follows_its_rules(void **state)
{
	struct scoreboard sb = sent(10);

	(void)state;
	ACK(&sb, 2000, 0, { 2, 3 }, { 5, 8 });
	sb_mark_by_sack(&sb, SMSS);
	expect(&sb, "llSllSSSff");
	sb_enter_recovery(&sb);
	/* (1) the lost ones, lowest first. */
	next_is(&sb, 5000, SB_LOST, 0, 1000);
	resend(&sb, 0, 1, SB_LOST, 2100);
	next_is(&sb, 5000, SB_LOST, 1000, 2000);
	resend(&sb, 1, 1, SB_LOST, 2100);
	next_is(&sb, 5000, SB_LOST, 3000, 4000);
	resend(&sb, 3, 2, SB_LOST, 2100);
	/* (2) then new data, as much as there is. */
	next_is(&sb, 5000, SB_NEW, 10000, 11000);
	next_is(&sb, 300, SB_NEW, 10000, 10300);
	/* (3) nothing below the highest SACK is left; (4) una has not moved. */
	next_is(&sb, 0, SB_NOTHING, 0, 0);
	/* A hole that is not lost for sure, as only one block is above it. */
	ACK(&sb, 2200, 0, { 9, 10 }, { 5, 8 });
	assert_int_equal(sb_mark_by_sack(&sb, SMSS), 0);
	expect(&sb, "FFSFFSSSfS");
	next_is(&sb, 0, SB_UNSURE, 8000, 9000);
	resend(&sb, 8, 1, SB_UNSURE, 2300);
	expect(&sb, "FFSFFSSS2S");
	next_is(&sb, 0, SB_NOTHING, 0, 0);
}

static void next_seg_rescues_the_end_once(void **state)
{
	struct scoreboard sb = sent(10);

	(void)state;
	ACK(&sb, 2000, 0, { 1, 4 });
	sb_mark_by_sack(&sb, SMSS);
	sb_enter_recovery(&sb);
	resend(&sb, 0, 1, SB_LOST, 2100);
	next_is(&sb, 0, SB_NOTHING, 0, 0);
	/* The first retransmission alone is not beyond RescueRxt ... */
	ACK(&sb, 2150, 1, NO_SACK);
	next_is(&sb, 0, SB_NOTHING, 0, 0);
	/* ... but what follows is; it must have the highest byte. */
	ACK(&sb, 2200, 4, NO_SACK);
	expect(&sb, "ffffff");
	next_is(&sb, 0, SB_RESCUE, 9000, 10000);
	resend(&sb, 9, 1, SB_RESCUE, 2300);
	expect(&sb, "fffff2");
	/* HighRxt has not moved; and no second rescue in this phase. */
	assert_int_equal(sb.high_rxt.n - ISN, 4000);
	ACK(&sb, 2400, 5, NO_SACK);
	next_is(&sb, 0, SB_NOTHING, 0, 0);
	ACK(&sb, 2400, 9, NO_SACK);
	next_is(&sb, 0, SB_NOTHING, 0, 0);
}

static void next_seg_without_last_resort_is_racks(void **state)
{
	struct scoreboard sb = sent(4);
	struct seq_range r;

	(void)state;
	ACK(&sb, 2000, 0, { 2, 3 });
	assert_int_equal(sb_next_seg(&sb, SMSS, 0, false, &r), SB_NOTHING);
	next_is(&sb, 0, SB_UNSURE, 0, 1000);
}

static void next_seg_can_be_a_super_frame(void **state)
{
	struct scoreboard sb = sent(10);
	struct seq_range r;

	(void)state;
	ACK(&sb, 2000, 0, { 4, 8 });
	sb_mark_by_sack(&sb, SMSS);
	assert_int_equal(sb_next_seg(&sb, 64000, 0, false, &r), SB_LOST);
	assert_int_equal(seq_len(r.left, r.right), 4000);
	assert_true(sb_highest(&sb, 64000, &r));
	assert_int_equal(r.left.n - ISN, 8000);
	assert_int_equal(r.right.n - ISN, 10000);
	assert_true(sb_highest(&sb, 1500, &r));
	assert_int_equal(r.left.n - ISN, 8500);
	ACK(&sb, 2000, 0, { 8, 10 });
	assert_true(sb_highest(&sb, 1500, &r));
	assert_int_equal(r.left.n - ISN, 2500);
	assert_int_equal(r.right.n - ISN, 4000);
}

/* ---- Timeouts, reneging, undo ---- */

static void timeout_takes_the_first_and_the_old_for_lost(void **state)
{
	struct scoreboard sb = sent(6);

	(void)state;
	/* RFC 8985, 3.5: the others were sent less than a round trip ago. */
	assert_int_equal(
	    sb_timeout(&sb, SMSS, 300 * 1024, false, us(550)), 3000);
	expect(&sb, "lllfff");
	sb = sent(6);
	assert_int_equal(
	    sb_timeout(&sb, SMSS, 3000 * 1024, false, us(600)), 1000);
	expect(&sb, "lfffff");
	/* RFC 5681: all. */
	assert_int_equal(sb_timeout(&sb, SMSS, 0, false, us(600)), 5000);
	expect(&sb, "llllll");
}

static void timeout_keeps_sacks_until_they_prove_wrong(void **state)
{
	struct scoreboard sb = sent(6);
	struct sb_news n;

	(void)state;
	ACK(&sb, 1000, 0, { 2, 4 });
	sb_timeout(&sb, SMSS, 0, false, us(2000));
	expect(&sb, "llSSll");
	/* A second one without progress: RFC 2018, section 8. */
	sb_timeout(&sb, SMSS, 0, true, us(4000));
	expect(&sb, "llllll");

	sb = sent(6);
	ACK(&sb, 1000, 0, { 2, 4 });
	n = ACK(&sb, 1100, 2, NO_SACK);
	assert_true(n.reneged);
	sb_timeout(&sb, SMSS, 0, false, us(2000));
	expect(&sb, "llll");
	assert_int_equal(sb_sacked(&sb), 0);
	assert_int_equal(sb.fack.n - ISN, 2000);
	/* Nothing is inferred from their delivery. */
	n = ACK(&sb, 2100, 3, NO_SACK);
	assert_false(n.rtt_first.known || n.last.known || n.original);
}

static void undo_makes_all_fly_again(void **state)
{
	struct scoreboard sb = sent(6);

	(void)state;
	sb_timeout(&sb, SMSS, 0, false, us(2000));
	resend(&sb, 0, 1, SB_LOST, 2000);
	expect(&sb, "Flllll");
	sb_undo(&sb);
	expect(&sb, "Ffffff");
	assert_int_equal(sb_pipe(&sb), 6000);
}

/* ---- Times ---- */

static void karn_takes_no_sample_from_what_was_sent_again(void **state)
{
	struct scoreboard sb = sent(6);
	struct sb_news n;

	(void)state;
	n = ACK(&sb, 1000, 2, NO_SACK);
	assert_true(n.rtt_first.known && n.rtt_last.known);
	assert_int_equal(n.rtt_first.xmit.ns, us(0).ns);
	assert_int_equal(n.rtt_last.xmit.ns, us(100).ns);
	resend(&sb, 3, 1, SB_PROBE, 1100);
	n = ACK(&sb, 1200, 4, NO_SACK);
	assert_false(n.rtt_first.known || n.rtt_last.known);
	/* A byte that was SACKed earlier would give too long a time. */
	ACK(&sb, 1200, 4, { 5, 6 });
	n = ACK(&sb, 1900, 6, NO_SACK);
	assert_false(n.rtt_first.known);
	assert_true(n.original);
}

static void sees_original_data_delivered_out_of_order(void **state)
{
	struct scoreboard sb = sent(6);
	struct sb_news n;

	(void)state;
	n = ACK(&sb, 1000, 0, { 3, 4 });
	assert_true(n.original);
	assert_false(n.reordered);
	n = ACK(&sb, 1000, 0, { 2, 4 });
	assert_true(n.reordered);
	n = ACK(&sb, 1000, 0, { 2, 5 });
	assert_false(n.reordered);
	resend(&sb, 0, 2, SB_PROBE, 1000);
	n = ACK(&sb, 1100, 5, NO_SACK);
	assert_false(n.reordered || n.original);
}

static void doubts_what_came_back_too_soon(void **state)
{
	struct scoreboard sb = sent(6);
	struct sb_ack a = { at(1000), NULL, 0, us(1000), MONO_NEVER, 0 };
	struct sb_news n;

	(void)state;
	/* RFC 8985, 6.2, step 2: condition 2. */
	resend(&sb, 0, 1, SB_PROBE, 900);
	a.min_rtt_ns = 101 * 1024;
	sb_ack(&sb, &a, &n);
	assert_false(n.last.known);
	resend(&sb, 1, 1, SB_PROBE, 900);
	a.ack = at(2000);
	a.min_rtt_ns = 100 * 1024;
	sb_ack(&sb, &a, &n);
	assert_true(n.last.known);
	assert_int_equal(n.last.xmit.ns, us(900).ns);
	/* Condition 1: the echoed time is from before the retransmission. */
	resend(&sb, 2, 1, SB_PROBE, 900);
	a.ack = at(3000);
	a.echoed_before = us(900);
	sb_ack(&sb, &a, &n);
	assert_false(n.last.known);
	resend(&sb, 3, 1, SB_PROBE, 900);
	a.ack = at(4000);
	a.echoed_before = us(901);
	sb_ack(&sb, &a, &n);
	assert_true(n.last.known);
	/* An original is beyond doubt. */
	a.ack = at(5000);
	a.echoed_before = us(0);
	a.min_rtt_ns = INT64_MAX;
	sb_ack(&sb, &a, &n);
	assert_true(n.last.known);
	assert_int_equal(n.last.xmit.ns, us(400).ns);
}

static void joins_what_was_sent_within_the_quantum(void **state)
{
	struct scoreboard sb;
	struct sb_news n;

	(void)state;
	sb_init(&sb, at(0));
	for (uint32_t i = 0; i < 12; i++)
		sb_sent(&sb, SMSS, us(i * 10), 30 * 1024);
	/* 0 to 30, 40 to 70, 80 to 110. */
	assert_int_equal(sb.f.n, 3);
	/* In proportion: two of four segments, their last byte at 10 of 30. */
	n = ACK(&sb, 500, 2, NO_SACK);
	assert_int_equal(n.rtt_first.xmit.ns, us(0).ns);
	assert_in_range(n.rtt_last.xmit.ns, us(10).ns, us(20).ns);
	n = ACK(&sb, 500, 4, NO_SACK);
	assert_int_equal(n.rtt_last.xmit.ns, us(30).ns);
}

static void holds_thousands_of_segments_with_an_honest_error(void **state)
{
	/* A round trip of 10,000, a segment each 2: so 5,000 in flight. */
	const int64_t rtt = 10000;
	struct scoreboard sb;
	int64_t worst = 0;

	(void)state;
	sb_init(&sb, at(0));
	for (uint32_t i = 0; i < 5000; i++)
		sb_sent(&sb, SMSS, us(i * 2), rtt * 1024 / 16);
	assert_true(sb.f.n <= 20);
	for (uint32_t i = 0; i < 5000; i++) {
		struct sb_news n;
		int64_t error;

		sb_sent(&sb, SMSS, us(rtt + i * 2), rtt * 1024 / 16);
		n = ACK(&sb, rtt + i * 2, i + 1, NO_SACK);
		assert_true(n.last.known);
		error = (n.last.xmit.ns - us(i * 2).ns) / 1024;
		error = error < 0 ? -error : error;
		worst = error > worst ? error : worst;
	}
	/* RFC 8985, 4: finer than a quarter of the smallest RTT. */
	assert_true(worst <= rtt / 16);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(update_counts_what_is_acked_and_sacked),
		cmocka_unit_test(update_ignores_what_can_not_be),
		cmocka_unit_test(finds_a_dsack),
		cmocka_unit_test(
		    is_lost_with_three_blocks_or_two_segments_and_a_byte),
		cmocka_unit_test(marks_what_is_lost_only_once_in_a_phase),
		cmocka_unit_test(pipe_is_what_flies_and_what_was_sent_again),
		cmocka_unit_test(next_seg_follows_its_rules),
		cmocka_unit_test(next_seg_rescues_the_end_once),
		cmocka_unit_test(next_seg_without_last_resort_is_racks),
		cmocka_unit_test(next_seg_can_be_a_super_frame),
		cmocka_unit_test(timeout_takes_the_first_and_the_old_for_lost),
		cmocka_unit_test(timeout_keeps_sacks_until_they_prove_wrong),
		cmocka_unit_test(undo_makes_all_fly_again),
		cmocka_unit_test(karn_takes_no_sample_from_what_was_sent_again),
		cmocka_unit_test(sees_original_data_delivered_out_of_order),
		cmocka_unit_test(doubts_what_came_back_too_soon),
		cmocka_unit_test(joins_what_was_sent_within_the_quantum),
		cmocka_unit_test(
		    holds_thousands_of_segments_with_an_honest_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
