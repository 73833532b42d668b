/*
 * test_window.c - windows announced, windows obeyed (RFC 9293, 3.8.6)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/window.h"

static const tcp_seq NXT = { 0xfffffe00 };

/* ---- The scale, RFC 7323 2.2, 2.3 ---- */

static void scale_is_the_smallest_that_reaches(void **state)
{
	(void)state;
	assert_int_equal(window_scale(0), 0);
	assert_int_equal(window_scale(65535), 0);
	assert_int_equal(window_scale(65536), 1);
	assert_int_equal(window_scale(131071), 1);
	assert_int_equal(window_scale(6 << 20), 7);
	assert_int_equal(window_scale(1U << 30), 14);
	assert_int_equal(window_scale(UINT32_MAX), 14); /* MUST be <= 14 */
}

static void a_syns_window_is_not_scaled(void **state)
{
	struct rcv_space s = { .size = 1 << 20, .mss = 1460, .scale = 5 };
	tcp_seq adv;

	(void)state;
	assert_int_equal(window_announce_syn(&adv, NXT, &s), 65535);
	assert_int_equal(seq_diff(adv, NXT), 65535);
	s.size = 4000;
	assert_int_equal(window_announce_syn(&adv, NXT, &s), 4000);
}

/* ---- The receiver's silly window avoidance, 3.8.6.2.2 ---- */

static void the_edge_stays_until_the_step_is_worth_it(void **state)
{
	struct rcv_space s = { .size = 10000, .mss = 1000 };
	tcp_seq adv = NXT;

	(void)state;
	assert_int_equal(window_announce(&adv, NXT, &s), 10000);
	/* All of it arrives, and nothing is read. */
	s.used = 10000;
	assert_int_equal(window_announce(&adv, seq_add(NXT, 10000), &s), 0);
	/* Reading byte by byte: min( RCV.BUFF / 2, MSS ) is the first step. */
	for (uint32_t read = 1; read < 1000; read++) {
		s.used = 10000 - read;
		assert_int_equal(
		    window_announce(&adv, seq_add(NXT, 10000), &s), 0);
		assert_false(window_update_due(adv, seq_add(NXT, 10000), &s));
	}
	s.used = 9000;
	assert_true(window_update_due(adv, seq_add(NXT, 10000), &s));
	assert_int_equal(window_announce(&adv, seq_add(NXT, 10000), &s), 1000);
	/* A buffer smaller than two segments: half of it. */
	s = (struct rcv_space){ .size = 600, .used = 301, .mss = 1000 };
	adv = NXT;
	assert_int_equal(window_announce(&adv, NXT, &s), 0);
	s.used = 300;
	assert_int_equal(window_announce(&adv, NXT, &s), 300);
}

static void update_when_the_window_doubles_or_gains_a_quarter(void **state)
{
	struct rcv_space s = { .size = 60000, .mss = 1000, .used = 50000 };
	tcp_seq adv = seq_add(NXT, 10000);

	(void)state;
	s.used = 40001; /* 9999 more: neither */
	assert_false(window_update_due(adv, NXT, &s));
	s.used = 40000; /* twice the 10000 */
	assert_true(window_update_due(adv, NXT, &s));
	adv = seq_add(NXT, 40000);
	s.used = 5001; /* 14999 more */
	assert_false(window_update_due(adv, NXT, &s));
	s.used = 5000; /* a quarter of the buffer */
	assert_true(window_update_due(adv, NXT, &s));
}

/* Whatever happens, a peer that has less than a segment left is told. */
static void no_read_leaves_the_peer_waiting(void **state)
{
	(void)state;
	for (uint32_t left = 0; left < 1460; left += 20) {
		/* Full but for @left; the application has read all of it. */
		struct rcv_space s = { .size = 65536, .mss = 1460 };

		assert_true(window_update_due(seq_add(NXT, left), NXT, &s));
	}
}

/* The right edge on the wire, over a life of receiving and reading. */
static void the_right_edge_never_moves_back(void **state)
{
	static const struct {
		uint32_t size;
		uint8_t scale;
	} buffers[] = {
		{ 65535, 0 },
		{ 131072, 1 },
		{ 262144, 7 },
		{ 1 << 20, 5 },
		{ 6 << 20, 7 },
	};
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
		struct rcv_space s = { .size = buffers[i].size,
			.mss = 1460,
			.scale = buffers[i].scale };
		tcp_seq nxt = NXT, adv = NXT, wire = NXT;

		for (int k = 0; k < 20000; k++) {
			uint32_t wnd, seg, room, limit;
			tcp_seq edge;

			random = random * 1664525 + 1013904223;
			wnd = (uint32_t)window_announce(&adv, nxt, &s)
			    << s.scale;
			edge = seq_add(nxt, wnd);
			assert_true(seq_geq(edge, wire));
			assert_true(seq_leq(edge, adv));
			wire = edge;
			/* Never more than the buffer has. */
			limit = s.size - s.used;
			assert_true(seq_len(nxt, adv) <= limit);

			/* Two segments, less if the window says so. */
			seg = (random >> 8) % 2921;
			room = seq_len(nxt, wire);
			if (seg > room)
				seg = room;
			nxt = seq_add(nxt, seg);
			s.used += seg;
			/* The application comes now and then. */
			if (random >> 28 == 0)
				s.used -= (random >> 4) % (s.used + 1);
		}
	}
}

/* RFC 7323, 2.4: where rounding up has no room, what was said still holds. */
static void a_full_buffer_rounds_down_but_keeps_its_word(void **state)
{
	struct rcv_space s = { .size = 100, .mss = 10, .scale = 4, .used = 50 };
	tcp_seq adv = seq_add(NXT, 50);

	(void)state;
	s.used = 51; /* one byte of them came */
	assert_int_equal(window_announce(&adv, seq_add(NXT, 1), &s) << 4, 48);
	assert_int_equal(seq_diff(adv, NXT), 50);
}

static void data_beyond_the_edge_is_no_negative_window(void **state)
{
	struct rcv_space s = { .size = 10000, .used = 10000, .mss = 1000 };
	tcp_seq adv = NXT;

	(void)state;
	assert_int_equal(window_announce(&adv, seq_add(NXT, 1), &s), 0);
}

/* ---- Taking the peer's window, 3.10.7.4 fifth ---- */

static void an_old_segment_does_not_set_the_window(void **state)
{
	struct snd_window w;
	tcp_seq seq = seq_of(0xffffffff), ack = seq_of(0xfffffff0);

	(void)state;
	window_begin(&w, seq, ack, 5000);
	assert_int_equal(w.max_wnd, 5000);
	/* SND.WL1 < SEG.SEQ, whatever the ACK. */
	assert_true(window_update(&w, seq_add(seq, 1), seq_sub(ack, 9), 6000));
	assert_int_equal(w.wnd, 6000);
	/* SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK. */
	assert_true(window_update(&w, seq_add(seq, 1), seq_sub(ack, 9), 0));
	/* Older ones. */
	assert_false(window_update(&w, seq, seq_sub(ack, 9), 7000));
	assert_false(
	    window_update(&w, seq_add(seq, 1), seq_sub(ack, 10), 7000));
	assert_int_equal(w.wnd, 0);
	/* The same window again is no change, but a newer segment. */
	assert_false(window_update(&w, seq_add(seq, 2), ack, 0));
	assert_true(seq_eq(w.wl1, seq_add(seq, 2)));
	assert_int_equal(w.max_wnd, 6000);
	/* Sent again, so of an old number; but it has the newest ACK. */
	assert_true(window_update(&w, seq, seq_add(ack, 99), 3000));
	assert_int_equal(w.wnd, 3000);
	assert_true(seq_eq(w.wl1, seq_add(seq, 2)));
}

/* ---- When to send, 3.8.6.2.1, and Nagle ---- */

static struct send_question ask(uint32_t queued, uint32_t room, uint32_t out)
{
	return (struct send_question){
		.snd_una = NXT,
		.snd_nxt = seq_add(NXT, out),
		.room = room,
		.queued = queued,
		.mss = 1000,
		.max_wnd = 50000,
	};
}

static uint32_t answer(struct send_question q)
{
	return window_may_send(&q);
}

static void full_segments_always_go(void **state)
{
	(void)state;
	assert_int_equal(answer(ask(1000, 1000, 0)), 1000);
	assert_int_equal(answer(ask(5000, 9000, 7000)), 5000);
	/* The window cuts: whole segments, the rest waits (1). */
	assert_int_equal(answer(ask(9000, 3500, 0)), 3000);
	assert_int_equal(answer(ask(0, 3500, 0)), 0);
	assert_int_equal(answer(ask(500, 0, 0)), 0);
}

static void a_short_one_goes_if_nothing_is_out(void **state)
{
	(void)state;
	assert_int_equal(answer(ask(300, 9000, 0)), 300);
	assert_int_equal(answer(ask(2300, 9000, 0)), 2300);
}

static void nagle_strict_holds_a_short_one(void **state)
{
	struct send_question q = ask(300, 9000, 1);

	(void)state;
	q.strict_nagle = true;
	assert_int_equal(answer(q), 0);
	q.queued = 2300;
	assert_int_equal(answer(q), 2000);
	q.nodelay = true;
	assert_int_equal(answer(q), 2300);
	q.nodelay = false;
	q.fin = true; /* nothing will come to fill it up */
	assert_int_equal(answer(q), 2300);
}

/* RFC 9293, A.3: only a short segment in flight holds a short one. */
static void minshall_holds_behind_a_short_one_only(void **state)
{
	struct send_question q = ask(300, 9000, 2000);

	(void)state;
	assert_int_equal(answer(q), 300);
	q.has_small = true;
	q.small_end = q.snd_nxt;
	assert_int_equal(answer(q), 0);
	/* It is acknowledged. */
	q.snd_una = q.small_end;
	q.snd_nxt = seq_add(q.small_end, 1000);
	assert_int_equal(answer(q), 300);
}

static void cork_wants_whole_segments(void **state)
{
	struct send_question q = ask(2300, 9000, 0);

	(void)state;
	q.cork = true;
	assert_int_equal(answer(q), 2000);
	q.nodelay = true; /* cork is stronger */
	assert_int_equal(answer(q), 2000);
	q.fin = true;
	assert_int_equal(answer(q), 2300);
}

/* Silly window: small openings of the window are not filled (3). */
static void small_openings_wait_for_half_the_largest_window(void **state)
{
	struct send_question q = ask(9000, 600, 0);

	(void)state;
	assert_int_equal(answer(q), 0);
	q.max_wnd = 1200; /* a peer with a tiny buffer */
	assert_int_equal(answer(q), 600);
	q.max_wnd = 1201 + 1;
	assert_int_equal(answer(q), 0);
	q.override = true; /* (4) */
	assert_int_equal(answer(q), 600);
}

/* ---- Zero-window probes, SHLD-29, SHLD-30 ---- */

static void probes_begin_at_the_rto_and_double(void **state)
{
	const int64_t rto = 300LL * NS_PER_MS, max = 60LL * NS_PER_S;

	(void)state;
	assert_int_equal(window_probe_after_ns(0, rto, max), rto);
	assert_int_equal(window_probe_after_ns(1, rto, max), 2 * rto);
	assert_int_equal(window_probe_after_ns(7, rto, max), 128 * rto);
	assert_int_equal(window_probe_after_ns(8, rto, max), max);
	assert_int_equal(window_probe_after_ns(1000000, rto, max), max);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scale_is_the_smallest_that_reaches),
		cmocka_unit_test(a_syns_window_is_not_scaled),
		cmocka_unit_test(the_edge_stays_until_the_step_is_worth_it),
		cmocka_unit_test(
		    update_when_the_window_doubles_or_gains_a_quarter),
		cmocka_unit_test(no_read_leaves_the_peer_waiting),
		cmocka_unit_test(the_right_edge_never_moves_back),
		cmocka_unit_test(a_full_buffer_rounds_down_but_keeps_its_word),
		cmocka_unit_test(data_beyond_the_edge_is_no_negative_window),
		cmocka_unit_test(an_old_segment_does_not_set_the_window),
		cmocka_unit_test(full_segments_always_go),
		cmocka_unit_test(a_short_one_goes_if_nothing_is_out),
		cmocka_unit_test(nagle_strict_holds_a_short_one),
		cmocka_unit_test(minshall_holds_behind_a_short_one_only),
		cmocka_unit_test(cork_wants_whole_segments),
		cmocka_unit_test(
		    small_openings_wait_for_half_the_largest_window),
		cmocka_unit_test(probes_begin_at_the_rto_and_double),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
