/*
 * test_tcp_timers.c - which timers run, by what happens to a connection
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/timers.h"

static const int64_t MS = NS_PER_MS;
static const int64_t S = NS_PER_S;

static const struct timer_config CONFIG = {
	.keepalive_interval_ns = 75LL * NS_PER_S,
	.keepalive_probes = 3,
	.fin_wait_2_ns = 60LL * NS_PER_S,
	.time_wait_ns = 60LL * NS_PER_S,
	.probe_max_ns = 60LL * NS_PER_S,
};

static struct mono at(int64_t ns)
{
	return (struct mono){ 1000 * S + ns };
}

static struct tcp_timers fresh(void)
{
	struct tcp_timers t;

	timers_begin(&t);
	return t;
}

/* Exactly @want is what fires next, at @ns and not before. */
static void assert_next(
    const struct tcp_timers *t, enum tcp_timer want, int64_t ns)
{
	struct tcp_timers copy = *t;

	assert_int_equal(timers_next(t).ns, at(ns).ns);
	assert_int_equal(timers_take(&copy, at(ns - 1)), TIMER_NONE);
	assert_int_equal(timers_take(&copy, at(ns)), want);
}

static void assert_none(const struct tcp_timers *t)
{
	assert_int_equal(timers_next(t).ns, MONO_NEVER.ns);
}

static void none_runs_at_first(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	assert_none(&t);
	assert_int_equal(timers_take(&t, at(S)), TIMER_NONE);
}

/* ---- RFC 6298, 5.1 to 5.6 ---- */

static void data_starts_the_timer_and_more_data_leaves_it(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &CONFIG, 300 * MS, 0, at(0));
	assert_next(&t, TIMER_RETRANSMIT, 300 * MS);
	timers_data_sent(&t, &CONFIG, 300 * MS, 0, at(100 * MS));
	assert_next(&t, TIMER_RETRANSMIT, 300 * MS);
}

static void an_ack_restarts_it_and_the_last_one_stops_it(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &CONFIG, 300 * MS, 0, at(0));
	timers_ack_advanced(&t, &CONFIG, true, 250 * MS, 0, at(100 * MS));
	assert_next(&t, TIMER_RETRANSMIT, 350 * MS);
	timers_ack_advanced(&t, &CONFIG, false, 250 * MS, 0, at(200 * MS));
	assert_none(&t);
}

static void a_timeout_arms_it_again_and_counts(void **state)
{
	struct tcp_timers t = fresh();
	int64_t now = 0, rto = S;

	(void)state;
	timers_data_sent(&t, &CONFIG, rto, 0, at(0));
	for (int i = 1; i <= 6; i++) {
		now += rto;
		assert_int_equal(timers_take(&t, at(now)), TIMER_RETRANSMIT);
		assert_int_equal(timers_take(&t, at(now)), TIMER_NONE);
		rto *= 2;
		timers_timeout_sent(&t, rto, at(now));
		assert_int_equal(t.retransmits, i);
		assert_next(&t, TIMER_RETRANSMIT, now + rto);
	}
	timers_ack_advanced(&t, &CONFIG, true, S, 0, at(now));
	assert_int_equal(t.retransmits, 0);
	for (int i = 0; i < 300; i++)
		timers_timeout_sent(&t, S, at(0));
	assert_int_equal(t.retransmits, 255);
}

/* ---- RFC 8985, 7 and 8 ---- */

static void a_tail_is_probed_before_the_timeout(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &CONFIG, 300 * MS, 100 * MS, at(0));
	assert_next(&t, TIMER_LOSS_PROBE, 100 * MS);
	/* New data puts the probe off (7.2). */
	timers_data_sent(&t, &CONFIG, 300 * MS, 100 * MS, at(50 * MS));
	assert_next(&t, TIMER_LOSS_PROBE, 150 * MS);
	/* After it comes the timeout, counted from the probe (7.3). */
	assert_int_equal(timers_take(&t, at(150 * MS)), TIMER_LOSS_PROBE);
	timers_loss_probe_sent(&t, 300 * MS, at(150 * MS));
	assert_next(&t, TIMER_RETRANSMIT, 450 * MS);
}

/* 7.2: "then the sender schedules a TLP to be sent at that RTO time". */
static void a_probe_is_not_later_than_the_timeout(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &CONFIG, 300 * MS, 400 * MS, at(0));
	assert_next(&t, TIMER_LOSS_PROBE, 300 * MS);
	/* New data every 50 ms does not put it off for ever. */
	t = fresh();
	for (int i = 0; i < 6; i++)
		timers_data_sent(
		    &t, &CONFIG, 300 * MS, 100 * MS, at(i * 50 * MS));
	assert_next(&t, TIMER_LOSS_PROBE, 300 * MS);
}

static void reordering_excludes_the_others(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &CONFIG, 300 * MS, 100 * MS, at(0));
	timers_reorder_wait(&t, 10 * MS, 300 * MS, at(50 * MS));
	assert_next(&t, TIMER_REORDER, 60 * MS);
	timers_data_sent(&t, &CONFIG, 300 * MS, 100 * MS, at(55 * MS));
	assert_next(&t, TIMER_REORDER, 60 * MS);
	/* Whether or not anything was lost, the timeout is back. */
	assert_int_equal(timers_take(&t, at(60 * MS)), TIMER_REORDER);
	assert_next(&t, TIMER_RETRANSMIT, 360 * MS);
	timers_repair_sent(&t, 300 * MS, at(61 * MS));
	assert_next(&t, TIMER_RETRANSMIT, 360 * MS);
	timers_ack_advanced(&t, &CONFIG, false, 300 * MS, 0, at(100 * MS));
	assert_none(&t);
}

/* ---- The zero window, RFC 9293 3.8.6.1 ---- */

static void a_closed_window_is_probed_for_ever(void **state)
{
	struct tcp_timers t = fresh();
	int64_t now = 0, gap = 0;

	(void)state;
	timers_window_closed(&t, &CONFIG, S, at(0));
	for (int i = 0; i < 1000; i++) {
		struct mono next = timers_next(&t);
		int64_t old = gap;

		gap = next.ns - at(now).ns;
		assert_true(
		    gap == S ? i == 0 : gap == 2 * old || gap == 60 * S);
		now += gap;
		assert_int_equal(timers_take(&t, next), TIMER_WINDOW_PROBE);
		timers_window_probe_sent(&t, &CONFIG, S, at(now));
	}
	timers_window_opened(&t);
	assert_none(&t);
	/* The next time it begins small again. */
	timers_window_closed(&t, &CONFIG, S, at(now));
	assert_next(&t, TIMER_WINDOW_PROBE, now + S);
}

static void data_in_flight_needs_no_window_probe(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &CONFIG, 300 * MS, 0, at(0));
	timers_window_closed(&t, &CONFIG, 300 * MS, at(10 * MS));
	timers_window_opened(&t);
	assert_next(&t, TIMER_RETRANSMIT, 300 * MS);
}

/* ---- The user timeout, RFC 5482, RFC 9293 3.9.1 ---- */

static void the_user_timeout_runs_while_nothing_advances(void **state)
{
	struct timer_config c = CONFIG;
	struct tcp_timers t = fresh();

	(void)state;
	c.user_timeout_ns = 5 * S;
	timers_data_sent(&t, &c, 60 * S, 0, at(0));
	timers_data_sent(&t, &c, 60 * S, 0, at(3 * S));
	assert_next(&t, TIMER_USER_TIMEOUT, 5 * S);
	timers_ack_advanced(&t, &c, true, 60 * S, 0, at(4 * S));
	assert_next(&t, TIMER_USER_TIMEOUT, 9 * S);
	timers_ack_advanced(&t, &c, false, 60 * S, 0, at(5 * S));
	assert_none(&t);
}

/* MUST-37: "as long as the receiving TCP peer continues to send ACKs". */
static void answered_probes_keep_the_connection(void **state)
{
	struct timer_config c = CONFIG;
	struct tcp_timers t = fresh();

	(void)state;
	c.user_timeout_ns = 5 * S;
	timers_window_closed(&t, &c, 10 * S, at(0));
	assert_next(&t, TIMER_USER_TIMEOUT, 5 * S);
	timers_heard(&t, &c, at(4 * S));
	assert_next(&t, TIMER_USER_TIMEOUT, 9 * S);
}

static void a_changed_user_timeout_counts_at_once(void **state)
{
	struct timer_config c = CONFIG;
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &c, 60 * S, 0, at(0));
	c.user_timeout_ns = 2 * S;
	timers_configured(&t, &c, TCP_ESTABLISHED, at(S));
	assert_next(&t, TIMER_USER_TIMEOUT, 3 * S);
	c.user_timeout_ns = 0;
	timers_configured(&t, &c, TCP_ESTABLISHED, at(S));
	assert_next(&t, TIMER_RETRANSMIT, 60 * S);
}

/* ---- The delayed ACK ---- */

static void an_owed_ack_goes_by_the_first_segment(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_ack_owed(&t, 40 * MS, at(0));
	timers_ack_owed(&t, 40 * MS, at(30 * MS));
	assert_next(&t, TIMER_ACK, 40 * MS);
	timers_ack_sent(&t);
	assert_none(&t);
}

/* ---- Keepalive, RFC 9293 3.8.4 ---- */

static void keepalive_is_off_by_default(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_state_entered(&t, &CONFIG, TCP_ESTABLISHED, false, at(0));
	assert_none(&t);
}

static void keepalive_asks_after_idleness_and_gives_up(void **state)
{
	struct timer_config c = CONFIG;
	struct tcp_timers t = fresh();
	int64_t now = 7200 * S;

	(void)state;
	c.keepalive_idle_ns = 7200 * S;
	timers_state_entered(&t, &c, TCP_ESTABLISHED, false, at(0));
	assert_next(&t, TIMER_KEEPALIVE, now);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(timers_take(&t, at(now)), TIMER_KEEPALIVE);
		assert_true(timers_keepalive_sent(&t, &c, at(now)));
		now += 75 * S;
		assert_next(&t, TIMER_KEEPALIVE, now);
	}
	assert_int_equal(timers_take(&t, at(now)), TIMER_KEEPALIVE);
	assert_false(timers_keepalive_sent(&t, &c, at(now)));
}

static void any_segment_puts_keepalive_off(void **state)
{
	struct timer_config c = CONFIG;
	struct tcp_timers t = fresh();

	(void)state;
	c.keepalive_idle_ns = 7200 * S;
	timers_state_entered(&t, &c, TCP_ESTABLISHED, false, at(0));
	timers_heard(&t, &c, at(100 * S));
	assert_next(&t, TIMER_KEEPALIVE, 7300 * S);
	timers_take(&t, at(7300 * S));
	timers_keepalive_sent(&t, &c, at(7300 * S));
	timers_heard(&t, &c, at(7301 * S)); /* the answer */
	assert_int_equal(t.keepalives, 0);
	assert_next(&t, TIMER_KEEPALIVE, 14501 * S);
	/* MUST-26: not while sent data is outstanding. */
	timers_data_sent(&t, &c, S, 0, at(7400 * S));
	assert_next(&t, TIMER_RETRANSMIT, 7401 * S);
	timers_ack_advanced(&t, &c, false, S, 0, at(7400 * S + 1));
	assert_next(&t, TIMER_KEEPALIVE, 14600 * S + 1);
	/* MUST-24: turned off for this connection. */
	c.keepalive_idle_ns = 0;
	timers_configured(&t, &c, TCP_ESTABLISHED, at(8000 * S));
	assert_none(&t);
}

/* ---- The end ---- */

static void time_wait_lasts_2_msl_from_the_last_fin(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	timers_data_sent(&t, &CONFIG, S, 0, at(0));
	timers_state_entered(&t, &CONFIG, TCP_TIME_WAIT, true, at(0));
	assert_next(&t, TIMER_TIME_WAIT, 60 * S);
	timers_time_wait_again(&t, &CONFIG, at(59 * S));
	assert_next(&t, TIMER_TIME_WAIT, 119 * S);
}

static void fin_wait_2_ends_only_if_nobody_reads(void **state)
{
	struct tcp_timers t = fresh();

	(void)state;
	/* shutdown(SHUT_WR): half-closed for as long as it takes. */
	timers_state_entered(&t, &CONFIG, TCP_FIN_WAIT_2, false, at(0));
	assert_none(&t);
	timers_orphaned(&t, &CONFIG, TCP_FIN_WAIT_2, at(S));
	assert_next(&t, TIMER_FIN_WAIT_2, 61 * S);
	/* The FIN comes: TIME-WAIT takes over. */
	timers_state_entered(&t, &CONFIG, TCP_TIME_WAIT, true, at(2 * S));
	assert_next(&t, TIMER_TIME_WAIT, 62 * S);
}

static void closed_stops_everything(void **state)
{
	struct timer_config c = CONFIG;
	struct tcp_timers t = fresh();

	(void)state;
	c.keepalive_idle_ns = S;
	c.user_timeout_ns = S;
	timers_state_entered(&t, &c, TCP_ESTABLISHED, false, at(0));
	timers_data_sent(&t, &c, S, 0, at(0));
	timers_ack_owed(&t, MS, at(0));
	timers_state_entered(&t, &c, TCP_CLOSED, true, at(0));
	assert_none(&t);
}

/* All at the same time: what ends the connection comes first. */
static void the_end_comes_first(void **state)
{
	struct timer_config c = CONFIG;
	struct tcp_timers t = fresh();

	(void)state;
	c.user_timeout_ns = S;
	timers_data_sent(&t, &c, S, 0, at(0));
	timers_ack_owed(&t, S, at(0));
	assert_int_equal(timers_take(&t, at(S)), TIMER_USER_TIMEOUT);
	assert_int_equal(timers_take(&t, at(S)), TIMER_RETRANSMIT);
	assert_int_equal(timers_take(&t, at(S)), TIMER_ACK);
	assert_int_equal(timers_take(&t, at(S)), TIMER_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_runs_at_first),
		cmocka_unit_test(data_starts_the_timer_and_more_data_leaves_it),
		cmocka_unit_test(an_ack_restarts_it_and_the_last_one_stops_it),
		cmocka_unit_test(a_timeout_arms_it_again_and_counts),
		cmocka_unit_test(a_tail_is_probed_before_the_timeout),
		cmocka_unit_test(a_probe_is_not_later_than_the_timeout),
		cmocka_unit_test(reordering_excludes_the_others),
		cmocka_unit_test(a_closed_window_is_probed_for_ever),
		cmocka_unit_test(data_in_flight_needs_no_window_probe),
		cmocka_unit_test(the_user_timeout_runs_while_nothing_advances),
		cmocka_unit_test(answered_probes_keep_the_connection),
		cmocka_unit_test(a_changed_user_timeout_counts_at_once),
		cmocka_unit_test(an_owed_ack_goes_by_the_first_segment),
		cmocka_unit_test(keepalive_is_off_by_default),
		cmocka_unit_test(keepalive_asks_after_idleness_and_gives_up),
		cmocka_unit_test(any_segment_puts_keepalive_off),
		cmocka_unit_test(time_wait_lasts_2_msl_from_the_last_fin),
		cmocka_unit_test(fin_wait_2_ends_only_if_nobody_reads),
		cmocka_unit_test(closed_stops_everything),
		cmocka_unit_test(the_end_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
