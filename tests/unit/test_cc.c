/*
 * test_cc.c - congestion control: what all algorithms have in common, and Reno
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cc_world.h"

static struct cc_config config(enum cc_algorithm a)
{
	struct cc_config cfg = cc_defaults;

	cfg.algorithm = (uint8_t)a;
	cfg.hystart = false;
	return cfg;
}

/* In congestion avoidance with a window of @segs and all of it in flight. */
static void avoiding(struct cc_world *w, enum cc_algorithm a, uint32_t segs)
{
	struct cc_config cfg = config(a);

	world_init(w, &cfg, MSS, 100000);
	w->c.cwnd = segs * MSS;
	w->c.ssthresh = segs * MSS;
	world_send(w);
	w->v.flight = segs * MSS;
}

/* ---- The initial window, RFC 6928 (1) ---- */

static void begins_with_ten_segments_or_what_fits_14600(void **state)
{
	static const struct {
		uint32_t mss, iw;
	} cases[] = {
		{ 536, 5360 },
		{ 1220, 12200 },
		{ 1460, 14600 },
		{ 2000, 14600 },
		{ 7300, 14600 },
		{ 8960, 17920 }, /* two segments */
		{ 65483, 130966 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cc c;

		cc_init(&c, &cc_defaults, cases[i].mss, false);
		assert_int_equal(c.cwnd, cases[i].iw);
		assert_int_equal(c.ssthresh, UINT32_MAX);
		cc_init(&c, &cc_defaults, cases[i].mss, true);
		assert_int_equal(c.cwnd, cases[i].mss);
	}
}

static void shrinks_with_the_segment_size(void **state)
{
	struct cc c;

	(void)state;
	cc_init(&c, &cc_defaults, 1460, false);
	cc_mss_changed(&c, 536); /* by the ratio of the sizes */
	assert_int_equal(c.cwnd, 10 * 536);
	cc_mss_changed(&c, 1460); /* but does not grow back */
	assert_int_equal(c.cwnd, 10 * 536);
	cc_mss_changed(&c, 9000); /* except to one segment */
	assert_int_equal(c.cwnd, 9000);
}

/* ---- Slow start, RFC 5681 3.1, RFC 3465 2.2 ---- */

static void doubles_every_round_trip(void **state)
{
	struct cc_config cfg = config(CC_RENO);
	struct cc_world w;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	for (uint32_t segs = 10; segs <= 5120; segs *= 2) {
		assert_int_equal(w.c.cwnd, segs * MSS);
		world_round(&w);
	}
}

static void counts_bytes_not_acks(void **state)
{
	struct cc_config cfg = config(CC_RENO);
	struct cc_world w;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	world_send(&w);
	/* One segment acknowledged in 1460 pieces: no more than itself. */
	for (int i = 0; i < MSS; i++)
		world_ack(&w, 1);
	assert_int_equal(w.c.cwnd, 11 * MSS);
}

static void a_stretch_ack_counts_up_to_the_limit(void **state)
{
	struct cc_config cfg = config(CC_RENO);
	struct cc_world w;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	world_send(&w);
	world_ack(&w, 10 * MSS);
	assert_int_equal(w.c.cwnd, 18 * MSS);
	cfg.abc_limit = 0; /* paced: L is infinity */
	world_init(&w, &cfg, MSS, 100000);
	world_send(&w);
	world_ack(&w, 10 * MSS);
	assert_int_equal(w.c.cwnd, 20 * MSS);
}

static void stops_at_ssthresh(void **state)
{
	struct cc_config cfg = config(CC_RENO);
	struct cc_world w;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	w.c.ssthresh = 11 * MSS + 100;
	world_send(&w);
	world_ack(&w, 2 * MSS);
	assert_int_equal(w.c.cwnd, 11 * MSS + 100);
	assert_false(cc_slow_start(&w.c));
}

/* ---- Reno's congestion avoidance, RFC 5681 3.1, RFC 3465 2.1 ---- */

static void reno_gains_one_segment_a_round_trip(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	for (uint32_t i = 1; i <= 500; i++) {
		world_round(&w);
		assert_in_range(w.c.cwnd, (19 + i) * MSS, (20 + i) * MSS);
	}
	assert_in_range(w.c.cwnd, 515 * MSS, 520 * MSS);
}

static void reno_is_not_fooled_by_ack_division(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	for (int i = 0; i < 20 * MSS; i += 10)
		world_ack(&w, 10);
	assert_int_equal(w.c.cwnd, 21 * MSS);
}

/* ---- Who does not use the window does not get more ---- */

static void an_unused_window_does_not_grow(void **state)
{
	(void)state;
	for (int a = 0; a < CC_NALGORITHMS; a++) {
		struct cc_world w;

		avoiding(&w, (enum cc_algorithm)a, 20);
		w.v.snd_una = w.v.snd_nxt;
		for (int i = 0; i < 1000; i++) {
			w.v.snd_nxt = seq_add(w.v.snd_una, 15 * MSS);
			w.v.flight = 15 * MSS;
			cc_sent(&w.c, &w.v, false);
			w.v.now = mono_add_ms(w.v.now, 100);
			w.v.snd_una = w.v.snd_nxt;
			cc_acked(&w.c, &w.v, 15 * MSS, false);
		}
		assert_int_equal(w.c.cwnd, 20 * MSS);
	}
}

/* ---- Loss ---- */

static void loss_cuts_by_the_algorithms_factor(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	cc_lost(&w.c, &w.v);
	assert_int_equal(w.c.ssthresh, 10 * MSS);
	assert_int_equal(w.c.cwnd, 10 * MSS);
	avoiding(&w, CC_CUBIC, 20);
	cc_lost(&w.c, &w.v);
	assert_int_equal(w.c.ssthresh, 14 * MSS);
	assert_int_equal(w.c.cwnd, 14 * MSS);
}

/* RFC 5681 (4): of FlightSize, "an easy mistake" is to use cwnd. */
static void loss_halves_what_was_in_flight(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	w.v.flight = 12 * MSS;
	cc_lost(&w.c, &w.v);
	assert_int_equal(w.c.ssthresh, 6 * MSS);
	avoiding(&w, CC_RENO, 20);
	w.v.flight = MSS;
	cc_lost(&w.c, &w.v);
	assert_int_equal(w.c.ssthresh, 2 * MSS); /* at least two segments */
}

static void nothing_grows_in_recovery(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	cc_lost(&w.c, &w.v);
	for (int i = 0; i < 5; i++) {
		w.v.snd_una = seq_add(w.v.snd_una, 2 * MSS);
		cc_acked(&w.c, &w.v, 2 * MSS, false);
		assert_int_equal(w.c.cwnd, 10 * MSS);
	}
	w.v.snd_una = w.v.snd_nxt;
	cc_recovery_left(&w.c, &w.v, MSS);
	assert_int_equal(w.c.cwnd, 10 * MSS);
	world_round(&w);
	world_round(&w);
	assert_true(w.c.cwnd > 10 * MSS);
}

static void a_lost_retransmission_cuts_again(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 40);
	cc_lost(&w.c, &w.v);
	cc_lost(&w.c, &w.v);
	assert_int_equal(w.c.cwnd, 10 * MSS);
	/* And is undone with the first. */
	assert_true(cc_undo(&w.c, &w.v, MSS));
	assert_int_equal(w.c.cwnd, 40 * MSS);
}

/* ---- Timeout, RFC 5681 3.1 ---- */

static void timeout_begins_again_with_one_segment(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	cc_timed_out(&w.c, &w.v, false);
	assert_int_equal(w.c.cwnd, MSS);
	assert_int_equal(w.c.ssthresh, 10 * MSS);
	/* The same segment again: ssthresh is held constant. */
	w.v.flight = MSS;
	cc_timed_out(&w.c, &w.v, true);
	assert_int_equal(w.c.ssthresh, 10 * MSS);
	avoiding(&w, CC_CUBIC, 20);
	cc_timed_out(&w.c, &w.v, false);
	assert_int_equal(w.c.ssthresh, 14 * MSS);
}

/* RFC 3465, 2.3: "MUST use L=1*SMSS" until the loss is repaired. */
static void after_a_timeout_an_ack_counts_for_one_segment(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	cc_timed_out(&w.c, &w.v, false);
	w.v.snd_una = seq_add(w.v.snd_una, 12 * MSS);
	cc_acked(&w.c, &w.v, 12 * MSS, false);
	assert_int_equal(w.c.cwnd, 2 * MSS);
	w.v.snd_una = w.v.snd_nxt;
	w.v.snd_nxt = seq_add(w.v.snd_nxt, 2 * MSS);
	cc_sent(&w.c, &w.v, true);
	w.v.snd_una = w.v.snd_nxt;
	cc_acked(&w.c, &w.v, 2 * MSS, false);
	assert_int_equal(w.c.cwnd, 4 * MSS);
}

/* ---- ECN, RFC 3168 6.1.2, RFC 9438 figure 5 ---- */

static void ecn_cuts_once_a_window(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	assert_true(cc_ecn_echo(&w.c, &w.v));
	assert_int_equal(w.c.cwnd, 10 * MSS);
	assert_false(cc_ecn_echo(&w.c, &w.v));
	w.v.snd_una = seq_sub(w.v.snd_nxt, 1);
	assert_false(cc_ecn_echo(&w.c, &w.v));
	/* All that was sent before the cut is acknowledged. */
	w.v.snd_una = w.v.snd_nxt;
	w.v.flight = 10 * MSS;
	assert_true(cc_ecn_echo(&w.c, &w.v));
	assert_int_equal(w.c.cwnd, 5 * MSS);
	/* Marks are no mistake: there is nothing to undo. */
	assert_false(cc_undo(&w.c, &w.v, MSS));
}

static void ecn_and_loss_of_one_window_cut_once(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	cc_lost(&w.c, &w.v);
	assert_false(cc_ecn_echo(&w.c, &w.v));
	assert_int_equal(w.c.cwnd, 10 * MSS);
}

static void ecn_goes_down_to_one_segment(void **state)
{
	(void)state;
	for (int a = 0; a < CC_NALGORITHMS; a++) {
		struct cc_world w;

		avoiding(&w, (enum cc_algorithm)a, 8);
		for (int i = 0; i < 10; i++) {
			assert_true(cc_ecn_echo(&w.c, &w.v));
			w.v.snd_una = w.v.snd_nxt;
			w.v.snd_nxt = seq_add(w.v.snd_nxt, w.c.cwnd);
			w.v.flight = w.c.cwnd;
		}
		assert_int_equal(w.c.cwnd, MSS);
		assert_int_equal(w.c.ssthresh, 2 * MSS);
	}
}

static void an_ack_with_ece_does_not_grow_the_window(void **state)
{
	struct cc_config cfg = config(CC_RENO);
	struct cc_world w;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	world_send(&w);
	w.v.snd_una = seq_add(w.v.snd_una, 2 * MSS);
	cc_acked(&w.c, &w.v, 2 * MSS, true);
	assert_int_equal(w.c.cwnd, 10 * MSS);
}

/* ---- Undoing, RFC 4015, RFC 9438 4.9 ---- */

static void undo_of_a_timeout_makes_no_burst(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 40);
	cc_timed_out(&w.c, &w.v, false);
	w.v.flight = 5 * MSS;
	/* cwnd <- FlightSize + min (bytes_acked, IW) */
	assert_true(cc_undo(&w.c, &w.v, 2 * MSS));
	assert_int_equal(w.c.cwnd, 7 * MSS);
	/* ssthresh <- pipe_prev: slow start up to where it was. */
	assert_int_equal(w.c.ssthresh, 40 * MSS);
	assert_false(cc_undo(&w.c, &w.v, MSS)); /* once */
}

/* ---- Idleness, RFC 5681 4.1 ---- */

static void after_idleness_restarts_with_the_restart_window(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 40);
	cc_idle(&w.c, &w.v, NS_PER_S, NS_PER_S); /* not more than the RTO */
	assert_int_equal(w.c.cwnd, 40 * MSS);
	cc_idle(&w.c, &w.v, NS_PER_S + 1, NS_PER_S);
	assert_int_equal(w.c.cwnd, 10 * MSS);
	assert_true(w.c.ssthresh >= 30 * MSS);
	/* RW = min(IW, cwnd): a smaller one is not raised. */
	w.c.cwnd = 3 * MSS;
	cc_idle(&w.c, &w.v, NS_PER_S + 1, NS_PER_S);
	assert_int_equal(w.c.cwnd, 3 * MSS);
}

/* RFC 6928, 2: "SHOULD fall back to RFC 3390 for the restart window". */
static void loss_in_the_initial_window_makes_restarts_small(void **state)
{
	struct cc_config cfg = config(CC_RENO);
	struct cc_world w;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	world_lose(&w);
	w.c.cwnd = 40 * MSS;
	cc_idle(&w.c, &w.v, 2LL * NS_PER_S, NS_PER_S);
	assert_int_equal(w.c.cwnd, 4380);
}

/* ---- A window that is not used, RFC 7661 ---- */

/* Use only @segs of the window for @seconds. */
static void use_little(struct cc_world *w, uint32_t segs, int seconds)
{
	w->v.snd_una = w->v.snd_nxt;
	for (int i = 0; i < seconds * 10; i++) {
		w->v.snd_nxt = seq_add(w->v.snd_una, segs * MSS);
		w->v.flight = segs * MSS;
		cc_sent(&w->c, &w->v, false);
		w->v.now = mono_add_ms(w->v.now, 100);
		w->v.snd_una = w->v.snd_nxt;
		cc_acked(&w->c, &w->v, segs * MSS, false);
	}
}

static void validating(struct cc_world *w, uint32_t segs)
{
	struct cc_config cfg = config(CC_RENO);

	cfg.restart_after_idle = false;
	world_init(w, &cfg, MSS, 100000);
	w->c.cwnd = segs * MSS;
	w->c.ssthresh = segs * MSS;
	world_send(w);
	world_round(w);
	world_round(w);
	w->c.cwnd = segs * MSS;
}

static void an_unused_window_is_kept_for_five_minutes(void **state)
{
	struct cc_world w;

	(void)state;
	validating(&w, 80);
	use_little(&w, 10, 295);
	assert_int_equal(w.c.cwnd, 80 * MSS);
	use_little(&w, 10, 10);
	/* 4.4.3: half of it, and slow start leads back. */
	assert_int_equal(w.c.cwnd, 40 * MSS);
	assert_true(w.c.ssthresh >= 60 * MSS);
	/* Not below the initial window, however long. */
	use_little(&w, 1, 3000);
	assert_int_equal(w.c.cwnd, 10 * MSS);
}

/* 4.4.1, but never less than two segments (RFC 5681, (4)). */
static void a_loss_when_little_is_used_leaves_two(void **state)
{
	struct cc_world w;

	(void)state;
	for (uint32_t segs = 1; segs < 4; segs++) {
		validating(&w, 80);
		use_little(&w, segs, 10);
		w.v.snd_nxt = seq_add(w.v.snd_una, segs * MSS);
		w.v.flight = segs * MSS;
		cc_lost(&w.c, &w.v);
		assert_int_equal(w.c.cwnd, 2 * MSS);
		w.v.snd_una = w.v.snd_nxt;
		cc_recovery_left(&w.c, &w.v, MSS);
		assert_int_equal(w.c.cwnd, 2 * MSS);
		assert_int_equal(w.c.ssthresh, 2 * MSS);
		/* RFC 5681, 4.1: the restart window is min(IW, cwnd). */
		cc_idle(&w.c, &w.v, 200LL * NS_PER_S, NS_PER_S);
		assert_int_equal(w.c.cwnd, 2 * MSS);
	}
}

static void idleness_is_no_use_either(void **state)
{
	struct cc_world w;

	(void)state;
	validating(&w, 80);
	w.v.snd_una = w.v.snd_nxt;
	w.v.now = mono_add_ms(w.v.now, 200 * 1000);
	cc_idle(&w.c, &w.v, 200LL * NS_PER_S, NS_PER_S);
	assert_int_equal(w.c.cwnd, 80 * MSS);
	validating(&w, 80);
	w.v.snd_una = w.v.snd_nxt;
	w.v.now = mono_add_ms(w.v.now, 400 * 1000);
	cc_idle(&w.c, &w.v, 400LL * NS_PER_S, NS_PER_S);
	assert_int_equal(w.c.cwnd, 40 * MSS);
}

static void a_window_that_is_half_used_is_valid(void **state)
{
	struct cc_world w;

	(void)state;
	validating(&w, 80);
	use_little(&w, 40, 700);
	assert_int_equal(w.c.cwnd, 80 * MSS);
}

/* 4.4.1: cwnd = (Max(pipeACK,LossFlightSize))/2, then minus R. */
static void loss_is_answered_by_what_was_used(void **state)
{
	struct cc_world w;

	(void)state;
	validating(&w, 80);
	use_little(&w, 20, 3);
	w.v.flight = 6 * MSS; /* the tail of a burst */
	cc_lost(&w.c, &w.v);
	assert_int_equal(w.c.cwnd, 10 * MSS);
	cc_recovery_left(&w.c, &w.v, 4 * MSS);
	assert_int_equal(w.c.cwnd, 8 * MSS);
	assert_int_equal(w.c.ssthresh, 8 * MSS);

	validating(&w, 80);
	use_little(&w, 20, 3);
	w.v.flight = 60 * MSS; /* a burst: what was sent overshot */
	cc_lost(&w.c, &w.v);
	assert_int_equal(w.c.cwnd, 30 * MSS);
	cc_recovery_left(&w.c, &w.v, 60 * MSS);
	assert_int_equal(w.c.cwnd, 2 * MSS); /* never below two */
}

/* ---- Names and switching ---- */

static void algorithms_have_the_kernels_names(void **state)
{
	(void)state;
	assert_int_equal(cc_find("cubic"), CC_CUBIC);
	assert_int_equal(cc_find("reno"), CC_RENO);
	assert_int_equal(cc_find("bbr"), -1);
	assert_int_equal(cc_find(""), -1);
	assert_string_equal(cc_name(CC_RENO), "reno");
}

static void switching_keeps_the_window(void **state)
{
	struct cc_world w;

	(void)state;
	avoiding(&w, CC_RENO, 20);
	world_round(&w);
	cc_switch(&w.c, CC_CUBIC);
	assert_in_range(w.c.cwnd, 20 * MSS, 21 * MSS);
	world_run(&w, 10);
	assert_true(w.c.cwnd > 100 * MSS); /* 20 + 0.4 * 10^3 is more */
	cc_lost(&w.c, &w.v);
	assert_true(w.c.ssthresh > w.v.flight / 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_with_ten_segments_or_what_fits_14600),
		cmocka_unit_test(shrinks_with_the_segment_size),
		cmocka_unit_test(doubles_every_round_trip),
		cmocka_unit_test(counts_bytes_not_acks),
		cmocka_unit_test(a_stretch_ack_counts_up_to_the_limit),
		cmocka_unit_test(stops_at_ssthresh),
		cmocka_unit_test(reno_gains_one_segment_a_round_trip),
		cmocka_unit_test(reno_is_not_fooled_by_ack_division),
		cmocka_unit_test(an_unused_window_does_not_grow),
		cmocka_unit_test(loss_cuts_by_the_algorithms_factor),
		cmocka_unit_test(loss_halves_what_was_in_flight),
		cmocka_unit_test(nothing_grows_in_recovery),
		cmocka_unit_test(a_lost_retransmission_cuts_again),
		cmocka_unit_test(timeout_begins_again_with_one_segment),
		cmocka_unit_test(after_a_timeout_an_ack_counts_for_one_segment),
		cmocka_unit_test(ecn_cuts_once_a_window),
		cmocka_unit_test(ecn_and_loss_of_one_window_cut_once),
		cmocka_unit_test(ecn_goes_down_to_one_segment),
		cmocka_unit_test(an_ack_with_ece_does_not_grow_the_window),
		cmocka_unit_test(undo_of_a_timeout_makes_no_burst),
		cmocka_unit_test(
		    after_idleness_restarts_with_the_restart_window),
		cmocka_unit_test(
		    loss_in_the_initial_window_makes_restarts_small),
		cmocka_unit_test(an_unused_window_is_kept_for_five_minutes),
		cmocka_unit_test(a_loss_when_little_is_used_leaves_two),
		cmocka_unit_test(idleness_is_no_use_either),
		cmocka_unit_test(a_window_that_is_half_used_is_valid),
		cmocka_unit_test(loss_is_answered_by_what_was_used),
		cmocka_unit_test(algorithms_have_the_kernels_names),
		cmocka_unit_test(switching_keeps_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
