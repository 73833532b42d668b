/*
 * test_cc_cubic.c - CUBIC's window against the formulas of RFC 9438
 *
 * The expected figures are computed here in floating point, in segments and
 * seconds, as the RFC writes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cc_world.h"

static const double C = 0.4;

static double cube_root_of(double x)
{
	double lo = 0, hi = x + 1;

	for (int i = 0; i < 200; i++) {
		double mid = (lo + hi) / 2;

		if (mid * mid * mid < x)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static double w_cubic(double t, double w_max, double cwnd_epoch)
{
	double k = cube_root_of((w_max - cwnd_epoch) / C);

	return C * (t - k) * (t - k) * (t - k) + w_max;
}

static double segs(const struct cc_world *w)
{
	return (double)w->c.cwnd / w->c.mss;
}

static double seconds_since(const struct cc_world *w, struct mono start)
{
	return (double)mono_since(w->v.now, start) / NS_PER_S;
}

static void assert_near(double got, double want, double part)
{
	double off = got > want ? got - want : want - got;

	if (off > part * want)
		fail_msg(
		    "%f is not within %.1f %% of %f", got, part * 100, want);
}

static struct cc_config config(void)
{
	struct cc_config cfg = cc_defaults;

	cfg.hystart = false;
	return cfg;
}

/* In congestion avoidance right after one loss at a window of @w_max. */
static void after_loss_at(
    struct cc_world *w, uint32_t w_max, uint32_t mss, uint32_t rtt_us)
{
	struct cc_config cfg = config();

	world_init(w, &cfg, mss, rtt_us);
	w->c.cwnd = w_max * mss;
	world_lose(w);
	assert_near(segs(w), 0.7 * w_max, 0.001);
}

/* ---- 4.2: the window in time ---- */

static void follows_the_cubic_for_minutes(void **state)
{
	static const struct {
		uint32_t w_max, mss, rtt_us;
	} paths[] = {
		{ 1000, 1460, 100000 },
		{ 10000, 1460, 100000 },
		{ 5000, 536, 50000 },
		{ 20000, 1460, 200000 },
		{ 3000, 8940, 80000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct cc_world w;
		struct mono start;
		double rtt = paths[i].rtt_us / 1e6;
		double k;

		after_loss_at(
		    &w, paths[i].w_max, paths[i].mss, paths[i].rtt_us);
		start = w.v.now;
		k = cube_root_of(0.3 * paths[i].w_max / C);
		while (seconds_since(&w, start) < 2 * k + 20) {
			double t, low, high;

			world_round(&w);
			/*
			 * One RTT ahead of W(t) at the most, and a round trip
			 * behind that at the least.
			 */
			t = seconds_since(&w, start);
			low = w_cubic(
			    t - 2 * rtt, paths[i].w_max, 0.7 * paths[i].w_max);
			high = w_cubic(
			    t + rtt, paths[i].w_max, 0.7 * paths[i].w_max);
			assert_true(segs(&w) >= low * 0.995 - 1);
			assert_true(segs(&w) <= high * 1.005 + 1);
			if (segs(&w) * paths[i].mss > 1e9)
				break;
		}
	}
}

static void is_back_at_w_max_after_k(void **state)
{
	struct cc_world w;
	struct mono start;
	double k = cube_root_of(0.3 * 10000 / C);

	(void)state;
	after_loss_at(&w, 10000, MSS, 100000);
	start = w.v.now;
	while (seconds_since(&w, start) < k)
		world_round(&w);
	assert_near(segs(&w), 10000, 0.002);
	/* The plateau: within a second of K nearly nothing moves. */
	world_run(&w, 1);
	assert_near(segs(&w), 10000, 0.002);
}

static void grows_at_most_by_half_in_a_round_trip(void **state)
{
	struct cc_world w;

	(void)state;
	/* After minutes in the convex region with a long RTT. */
	after_loss_at(&w, 100, MSS, 2000000);
	for (int i = 0; i < 60; i++) {
		uint32_t before = w.c.cwnd;

		world_round(&w);
		assert_true(w.c.cwnd >= before);
		/* Acknowledged evenly: (1 + 1/(2n))^n, under e^(1/2). */
		assert_true(w.c.cwnd <= before * 1.65);
	}
}

/* ---- 4.3: the Reno-friendly region ---- */

static void is_as_fast_as_reno_on_short_paths(void **state)
{
	struct cc_world w;
	double before, alpha = 3 * (1 - 0.7) / (1 + 0.7);

	(void)state;
	/* RTT 1 ms: the cubic needs seconds, Reno's line 57 round trips. */
	after_loss_at(&w, 100, MSS, 1000);
	before = segs(&w);
	for (int i = 0; i < 40; i++)
		world_round(&w);
	assert_near(segs(&w) - before, 40 * alpha, 0.03);

	/* Back at cwnd_prior, alpha is 1: a segment each round trip. */
	while (segs(&w) < 100)
		world_round(&w);
	before = segs(&w);
	for (int i = 0; i < 50; i++)
		world_round(&w);
	assert_near(segs(&w) - before, 50, 0.03);
}

/* Table 1 and 2: average windows under one loss every 1/p segments. */
static void has_the_average_windows_of_tables_1_and_2(void **state)
{
	static const struct {
		double p;
		uint32_t rtt_us;
		double want, part;
	} rows[] = {
		{ 1e-4, 100000, 187, 0.05 },
		{ 1e-5, 100000, 1054, 0.05 },
		{ 1e-3, 10000, 38, 0.1 },
		{ 1e-4, 10000, 120, 0.1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cc_config cfg = config();
		struct cc_world w;
		double sum = 0;
		unsigned rounds = 0;

		cfg.fast_convergence = false; /* 4.7: a single flow */
		world_init(&w, &cfg, MSS, rows[i].rtt_us);
		w.c.cwnd = (uint32_t)(rows[i].want * MSS);
		world_lose(&w); /* out of slow start */
		for (int loss = 0; loss < 150; loss++) {
			double sent = 0;

			while (sent < 1 / rows[i].p) {
				sent += segs(&w);
				if (loss >= 100) {
					sum += segs(&w);
					rounds++;
				}
				world_round(&w);
			}
			world_lose(&w);
		}
		assert_near(sum / rounds, rows[i].want, rows[i].part);
	}
}

/* ---- 4.6, 4.7 ---- */

static void second_loss_below_w_max_gives_up_more(void **state)
{
	struct cc_world w;
	struct mono start;
	double second, w_max;

	(void)state;
	after_loss_at(&w, 1000, MSS, 100000);
	world_run(&w, 2);
	second = segs(&w);
	assert_true(second < 1000);
	world_lose(&w);
	assert_near(segs(&w), 0.7 * second, 0.001);

	/* W_max is now second * (1 + 0.7) / 2. */
	w_max = second * 0.85;
	start = w.v.now;
	while (
	    seconds_since(&w, start) < cube_root_of((w_max - 0.7 * second) / C))
		world_round(&w);
	assert_near(segs(&w), w_max, 0.005);
}

static void without_fast_convergence_w_max_is_the_window(void **state)
{
	struct cc_config cfg = config();
	struct cc_world w;
	double second, k;
	struct mono start;

	(void)state;
	cfg.fast_convergence = false;
	world_init(&w, &cfg, MSS, 100000);
	w.c.cwnd = 1000 * MSS;
	world_lose(&w);
	world_run(&w, 2);
	second = segs(&w);
	world_lose(&w);
	start = w.v.now;
	k = cube_root_of(0.3 * second / C);
	while (seconds_since(&w, start) < k)
		world_round(&w);
	assert_near(segs(&w), second, 0.005);
}

/* ---- 4.8 ---- */

static void after_a_timeout_k_is_zero(void **state)
{
	struct cc_world w;
	struct mono start;
	struct cc_config cfg = config();
	double base;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	w.c.cwnd = 1000 * MSS;
	world_send(&w);
	cc_timed_out(&w.c, &w.v, false);
	assert_int_equal(w.c.cwnd, MSS);
	assert_near((double)w.c.ssthresh / MSS, 700, 0.001);
	w.v.snd_una = w.v.snd_nxt;
	while (cc_slow_start(&w.c))
		world_round(&w);

	/* W_max is the window at which congestion avoidance began. */
	base = segs(&w);
	start = w.v.now;
	assert_near(base, 700, 0.05);
	while (seconds_since(&w, start) < 20)
		world_round(&w);
	assert_near(segs(&w), base + C * 20 * 20 * 20, 0.02);
}

/* ---- 4.9 ---- */

static void spurious_loss_leaves_no_trace(void **state)
{
	struct cc_world w, other;

	(void)state;
	after_loss_at(&w, 1000, MSS, 100000);
	world_run(&w, 3);
	other = w;

	world_send(&w);
	cc_lost(&w.c, &w.v);
	assert_true(w.c.cwnd < other.c.cwnd);
	assert_true(cc_undo(&w.c, &w.v, MSS));
	assert_int_equal(w.c.cwnd, other.c.cwnd);
	assert_int_equal(w.c.ssthresh, other.c.ssthresh);

	/* And the window goes on along the same cubic. */
	for (int i = 0; i < 200; i++) {
		world_round(&w);
		world_round(&other);
	}
	assert_near(segs(&w), segs(&other), 0.001);
}

static void undo_keeps_a_window_that_has_grown_past(void **state)
{
	struct cc_world w;
	uint32_t cwnd;

	(void)state;
	after_loss_at(&w, 10, MSS, 10000);
	world_run(&w, 60);
	cwnd = w.c.cwnd;
	assert_true(cwnd > 10 * MSS);
	assert_false(cc_undo(&w.c, &w.v, MSS));
	assert_int_equal(w.c.cwnd, cwnd);
}

/* ---- 4.10: HyStart++ left slow start without loss ---- */

static void after_hystart_k_is_zero(void **state)
{
	struct cc_config cfg = cc_defaults;
	struct cc_world w;
	struct mono start;
	double base;

	(void)state;
	world_init(&w, &cfg, MSS, 100000);
	while (cc_slow_start(&w.c)) {
		/* The queue grows with the window beyond 200 segments. */
		w.v.rtt_us = 100000;
		if (segs(&w) > 200)
			w.v.rtt_us += (uint32_t)(segs(&w) - 200) * 200;
		world_round(&w);
	}
	base = segs(&w);
	assert_true(w.c.cwnd - w.c.ssthresh < MSS); /* in the same round */
	start = w.v.now;
	while (seconds_since(&w, start) < 15)
		world_round(&w);
	assert_near(segs(&w), base + C * 15 * 15 * 15, 0.03);
}

/* ---- 5.8: application-limited ---- */

static void limited_time_does_not_count(void **state)
{
	struct cc_world w, other;
	uint32_t before;

	(void)state;
	after_loss_at(&w, 1000, MSS, 100000);
	world_run(&w, 2);
	other = w;
	before = w.c.cwnd;

	/* A minute in which a tenth of the window is used. */
	for (int i = 0; i < 600; i++) {
		w.v.snd_una = w.v.snd_nxt;
		w.v.snd_nxt = seq_add(w.v.snd_nxt, w.c.cwnd / 10);
		w.v.flight = w.c.cwnd / 10;
		cc_sent(&w.c, &w.v, false);
		w.v.now = mono_add_ms(w.v.now, 100);
		w.v.snd_una = w.v.snd_nxt;
		cc_acked(&w.c, &w.v, w.c.cwnd / 10, false);
	}
	assert_int_equal(w.c.cwnd, before);
	for (int i = 0; i < 50; i++) {
		world_round(&w);
		world_round(&other);
	}
	assert_near(segs(&w), segs(&other), 0.01);
}

static void idle_time_does_not_count(void **state)
{
	struct cc_world w, other;
	struct cc_config cfg = config();

	(void)state;
	cfg.restart_after_idle = false;
	world_init(&w, &cfg, MSS, 100000);
	w.c.cwnd = 1000 * MSS;
	world_lose(&w);
	world_run(&w, 2);
	other = w;

	w.v.snd_una = w.v.snd_nxt;
	w.v.now = mono_add_ms(w.v.now, 60000);
	cc_idle(&w.c, &w.v, 60000LL * NS_PER_MS, NS_PER_S);
	for (int i = 0; i < 50; i++) {
		world_round(&w);
		world_round(&other);
	}
	assert_near(segs(&w), segs(&other), 0.01);
}

/* Nothing overflows at the edges of what a path may be. */
static void stays_in_range_at_the_extremes(void **state)
{
	static const uint32_t sizes[] = { 1, 48, 536, 1460, 65495 };
	static const uint32_t rtts[] = { 0, 1, 1000, 4000000 };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < 4; j++) {
			struct cc_config cfg = config();
			struct cc_world w;

			world_init(&w, &cfg, sizes[i], rtts[j]);
			w.c.cwnd = CC_MAX_WINDOW;
			world_lose(&w);
			for (int k = 0; k < 2000; k++) {
				w.v.now = mono_add_ms(w.v.now, k * k);
				world_ack(&w, w.v.flight);
				assert_true(w.c.cwnd >= sizes[i]);
				assert_true(w.c.cwnd <= CC_MAX_WINDOW);
			}
			assert_true(w.c.cwnd > CC_MAX_WINDOW / 10 * 9);
			cc_timed_out(&w.c, &w.v, false);
			assert_int_equal(w.c.cwnd, sizes[i]);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_cubic_for_minutes),
		cmocka_unit_test(is_back_at_w_max_after_k),
		cmocka_unit_test(grows_at_most_by_half_in_a_round_trip),
		cmocka_unit_test(is_as_fast_as_reno_on_short_paths),
		cmocka_unit_test(has_the_average_windows_of_tables_1_and_2),
		cmocka_unit_test(second_loss_below_w_max_gives_up_more),
		cmocka_unit_test(without_fast_convergence_w_max_is_the_window),
		cmocka_unit_test(after_a_timeout_k_is_zero),
		cmocka_unit_test(spurious_loss_leaves_no_trace),
		cmocka_unit_test(undo_keeps_a_window_that_has_grown_past),
		cmocka_unit_test(after_hystart_k_is_zero),
		cmocka_unit_test(limited_time_does_not_count),
		cmocka_unit_test(idle_time_does_not_count),
		cmocka_unit_test(stays_in_range_at_the_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
