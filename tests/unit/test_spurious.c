/*
 * test_spurious.c - RFC 3522, 4015 and 5682, step by step
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/spurious.h"

static const uint32_t ISN = 0xffffffff - 2499;

static tcp_seq at(uint32_t n)
{
	return seq_of(ISN + n);
}

/* ---- Eifel detection, RFC 3522, 3.2 ---- */

static const struct rtt MEASURED = { .srtt_ns = 100, .rttvar_ns = 40 };

static struct eifel_before before(bool by_timeout)
{
	return (struct eifel_before){
		.flight_size = 10000,
		.ssthresh = 8000,
		.granularity_ns = 5,
		.dup_acks = 3,
		.by_timeout = by_timeout,
	};
}

/* Recovery began, and its first retransmission carried TSval 2 (wrapped). */
static struct eifel retransmitted(bool by_timeout)
{
	struct eifel_before b = before(by_timeout);
	struct eifel e;

	eifel_init(&e);
	eifel_begin(&e, &b, &MEASURED);
	eifel_retransmitted(&e, 2);
	return e;
}

static int answer(struct eifel *e, uint32_t ts_ecr, bool dsack, bool all)
{
	struct eifel_ack a = { true, dsack, all, ts_ecr };

	return eifel_ack(e, &a);
}

static void eifel_step_4_compares_the_echo(void **state)
{
	struct eifel e = retransmitted(true);

	(void)state;
	assert_int_equal(answer(&e, 1, false, false), SPUR_TO);
	e = retransmitted(true);
	assert_int_equal(answer(&e, 0xfffffff0, false, false), SPUR_TO);
	/* Equal is not smaller: a slow clock, or a fast network. */
	e = retransmitted(true);
	assert_int_equal(answer(&e, 2, false, false), SPUR_FALSE);
	e = retransmitted(true);
	assert_int_equal(answer(&e, 3, false, false), SPUR_FALSE);
}

static void eifel_step_3_lets_the_first_ack_decide(void **state)
{
	struct eifel e = retransmitted(true);

	(void)state;
	assert_int_equal(answer(&e, 2, false, false), SPUR_FALSE);
	assert_int_equal(answer(&e, 1, false, false), SPUR_FALSE);
	e = retransmitted(true);
	assert_int_equal(answer(&e, 1, false, false), SPUR_TO);
	assert_int_equal(answer(&e, 1, false, false), SPUR_FALSE);
}

static void eifel_step_5_knows_a_loss_of_all_acks(void **state)
{
	struct eifel e = retransmitted(true);

	(void)state;
	/* The ACK reports our retransmission as a duplicate. */
	assert_int_equal(answer(&e, 1, true, false), SPUR_FALSE);
	/* It covers all, from a peer that never sent a DSACK ... */
	e = retransmitted(true);
	assert_int_equal(answer(&e, 1, false, true), SPUR_FALSE);
	/* ... and from one that would have sent one. */
	e = retransmitted(true);
	eifel_dsack(&e);
	assert_int_equal(answer(&e, 1, false, true), SPUR_TO);
	/* The one in this ACK itself was not "previously". */
	e = retransmitted(true);
	assert_int_equal(answer(&e, 1, true, true), SPUR_FALSE);
	assert_true(e.dsack_seen);
}

static void eifel_step_6_tells_a_timeout_from_a_fast_retransmit(void **state)
{
	struct eifel e = retransmitted(false);

	(void)state;
	/* dupacks + 1: what DupThresh should have been. */
	assert_int_equal(answer(&e, 1, false, false), 4);
}

static void eifel_does_not_begin_anew_during_recovery(void **state)
{
	struct eifel e = retransmitted(true);
	struct eifel_before b = { .flight_size = 1, .ssthresh = 1 };

	(void)state;
	/* A second timeout, and its retransmission. */
	eifel_begin(&e, &b, &MEASURED);
	eifel_retransmitted(&e, 7);
	assert_int_equal(e.retransmit_ts, 2);
	assert_int_equal(e.pipe_prev, 10000);
	assert_int_equal(answer(&e, 3, false, false), SPUR_FALSE);
	eifel_end(&e);
	eifel_begin(&e, &b, &MEASURED);
	eifel_retransmitted(&e, 7);
	assert_int_equal(answer(&e, 3, false, false), 1);
}

static void eifel_is_silent_without_timestamps(void **state)
{
	struct eifel_before b = before(true);
	struct eifel_ack none = { 0 };
	struct eifel e;

	(void)state;
	eifel_init(&e);
	eifel_begin(&e, &b, &MEASURED);
	assert_int_equal(answer(&e, 1, false, false), SPUR_FALSE);
	e = retransmitted(true);
	assert_int_equal(eifel_ack(&e, &none), SPUR_FALSE);
	eifel_init(&e);
	assert_int_equal(answer(&e, 1, false, false), SPUR_FALSE);
}

/* ---- Eifel response, RFC 4015, 3.1 ---- */

static void response_step_0_keeps_what_was(void **state)
{
	struct eifel e = retransmitted(true);
	struct eifel_before b = before(true);

	(void)state;
	/* max (FlightSize, ssthresh);  SRTT + 2 * G;  RTTVAR. */
	assert_int_equal(e.pipe_prev, 10000);
	assert_int_equal(e.srtt_prev_ns, 110);
	assert_int_equal(e.rttvar_prev_ns, 40);
	eifel_init(&e);
	b.ssthresh = 12000;
	eifel_begin(&e, &b, &MEASURED);
	assert_int_equal(e.pipe_prev, 12000);
}

static void response_step_9_reverses_without_a_burst(void **state)
{
	struct eifel e = retransmitted(true);
	uint32_t cwnd, ssthresh;

	(void)state;
	/* FlightSize + min (bytes_acked, IW). */
	eifel_response(&e, 8000, 2000, 10000, &cwnd, &ssthresh);
	assert_int_equal(cwnd, 10000);
	assert_int_equal(ssthresh, 10000);
	eifel_response(&e, 8000, 50000, 10000, &cwnd, &ssthresh);
	assert_int_equal(cwnd, 18000);
}

/* ---- F-RTO, RFC 5682: segments of 1000, ten outstanding from 0 on ---- */

static struct frto timed_out(bool sack)
{
	struct frto f;

	frto_init(&f, at(0), sack);
	assert_true(frto_timeout(&f, at(0), at(10000), at(1000), false));
	return f;
}

static struct frto_ack advance(uint32_t ack)
{
	return (struct frto_ack){
		.ack = at(ack),
		.snd_max = at(10000),
		.fack = at(ack),
		.advances = true,
		.can_send = true,
	};
}

static struct frto_ack duplicate(uint32_t ack)
{
	struct frto_ack a = advance(ack);

	a.advances = false;
	a.duplicate = true;
	return a;
}

static enum frto_action take(struct frto *f, struct frto_ack a)
{
	return frto_ack(f, &a);
}

/* In step 3: two new segments were sent. */
static struct frto in_step_3(bool sack)
{
	struct frto f = timed_out(sack);

	assert_int_equal(take(&f, advance(1000)), FRTO_SEND_NEW);
	return f;
}

static void frto_2b_then_3b_is_spurious(void **state)
{
	struct frto f = in_step_3(false);
	struct frto_ack a = advance(2000);

	(void)state;
	a.snd_max = at(12000);
	assert_int_equal(take(&f, a), FRTO_SPURIOUS);
	/* "recover" is SND.UNA: the next timeout may enter again. */
	assert_int_equal(f.recover.n, at(2000).n);
	assert_int_equal(take(&f, advance(3000)), FRTO_NOT_RUNNING);
	assert_true(frto_timeout(&f, at(3000), at(12000), at(4000), false));
}

static void frto_2a_reverts_to_the_conventional(void **state)
{
	struct frto f = timed_out(false);
	struct frto_ack a;

	(void)state;
	assert_int_equal(take(&f, duplicate(0)), FRTO_REAL);
	assert_int_equal(take(&f, advance(2000)), FRTO_NOT_RUNNING);
	/* It covers "recover". */
	f = timed_out(false);
	assert_int_equal(take(&f, advance(10000)), FRTO_REAL);
	/* It does not cover all that was retransmitted. */
	f = timed_out(false);
	assert_int_equal(take(&f, advance(999)), FRTO_REAL);
	/* 2b, but there is nothing new to send. */
	f = timed_out(false);
	a = advance(1000);
	a.can_send = false;
	assert_int_equal(take(&f, a), FRTO_REAL);
}

static void frto_3a_reverts_with_three_segments(void **state)
{
	struct frto f = in_step_3(false);

	(void)state;
	assert_int_equal(take(&f, duplicate(1000)), FRTO_REAL_3);
	assert_int_equal(take(&f, advance(2000)), FRTO_NOT_RUNNING);
}

static void frto_ignores_what_is_neither(void **state)
{
	struct frto f = timed_out(false);
	struct frto_ack update = duplicate(0);

	(void)state;
	update.duplicate = false;
	assert_int_equal(take(&f, update), FRTO_WAIT);
	assert_int_equal(take(&f, advance(1000)), FRTO_SEND_NEW);
	assert_int_equal(take(&f, update), FRTO_WAIT);
	assert_int_equal(take(&f, advance(2000)), FRTO_SPURIOUS);
}

static void frto_1_is_not_entered_during_a_recovery(void **state)
{
	struct frto f = timed_out(false);

	(void)state;
	/* Again for the same segment, before any ACK: it restarts. */
	assert_true(frto_timeout(&f, at(0), at(10000), at(1000), false));
	/* During the slow start after a real one: not. */
	assert_int_equal(take(&f, duplicate(0)), FRTO_REAL);
	assert_false(frto_timeout(&f, at(3000), at(10000), at(4000), false));
	assert_int_equal(take(&f, advance(5000)), FRTO_NOT_RUNNING);
	assert_false(frto_timeout(&f, at(9999), at(11000), at(10999), false));
	/* When all of that is acknowledged: yes. */
	assert_true(frto_timeout(&f, at(11000), at(12000), at(12000), false));
	/* During fast recovery: not. */
	frto_init(&f, at(0), true);
	assert_false(frto_timeout(&f, at(0), at(10000), at(1000), true));
}

static void frto_is_not_confused_by_two_gigabytes(void **state)
{
	struct frto f;

	(void)state;
	frto_init(&f, at(0), false);
	for (uint32_t n = 0; n < 0xc0000000; n += 0x10000000)
		assert_int_equal(take(&f, advance(n)), FRTO_NOT_RUNNING);
	assert_true(frto_timeout(
	    &f, at(0xb0000000), at(0xb0001000), at(0xb0001000), false));
}

/* ---- F-RTO with SACK, RFC 5682, 3.1 ---- */

static void frto_sack_2_waits_for_a_new_ack(void **state)
{
	struct frto f = timed_out(true);
	struct frto_ack a = duplicate(0);

	(void)state;
	a.new_sack = true;
	a.fack = at(3000);
	assert_int_equal(take(&f, a), FRTO_WAIT);
	assert_int_equal(take(&f, duplicate(0)), FRTO_WAIT);
	assert_int_equal(take(&f, advance(1000)), FRTO_SEND_NEW);
}

static void frto_sack_2a_covers_the_recovery_point(void **state)
{
	struct frto f = timed_out(true);
	struct frto_ack a = advance(1000);

	(void)state;
	assert_int_equal(take(&f, advance(10000)), FRTO_REAL_2);
	f = timed_out(true);
	a.can_send = false;
	assert_int_equal(take(&f, a), FRTO_REAL);
}

static void frto_sack_3a_is_no_evidence(void **state)
{
	struct frto f = in_step_3(true);
	struct frto_ack a = duplicate(1000);

	(void)state;
	/* A duplicate ACK without anything new. */
	assert_int_equal(take(&f, a), FRTO_REAL_3);
	/* A SACK of what was sent in step 2. */
	f = in_step_3(true);
	a.snd_max = at(12000);
	a.new_sack = true;
	a.fack = at(11000);
	assert_int_equal(take(&f, a), FRTO_REAL_3);
	/* An ACK of it. */
	f = in_step_3(true);
	a = advance(11000);
	a.snd_max = at(12000);
	assert_int_equal(take(&f, a), FRTO_REAL_3);
}

static void frto_sack_3b_is_spurious(void **state)
{
	struct frto f = in_step_3(true);
	struct frto_ack a = duplicate(1000);

	(void)state;
	/* By SACK, in spite of a duplicate ACK ... */
	a.new_sack = true;
	a.fack = at(10000);
	assert_int_equal(take(&f, a), FRTO_SPURIOUS);
	assert_int_equal(f.recover.n, at(1000).n);
	/* ... or by the ACK, up to RecoveryPoint and not beyond. */
	f = in_step_3(true);
	assert_int_equal(take(&f, advance(10000)), FRTO_SPURIOUS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(eifel_step_4_compares_the_echo),
		cmocka_unit_test(eifel_step_3_lets_the_first_ack_decide),
		cmocka_unit_test(eifel_step_5_knows_a_loss_of_all_acks),
		cmocka_unit_test(
		    eifel_step_6_tells_a_timeout_from_a_fast_retransmit),
		cmocka_unit_test(eifel_does_not_begin_anew_during_recovery),
		cmocka_unit_test(eifel_is_silent_without_timestamps),
		cmocka_unit_test(response_step_0_keeps_what_was),
		cmocka_unit_test(response_step_9_reverses_without_a_burst),
		cmocka_unit_test(frto_2b_then_3b_is_spurious),
		cmocka_unit_test(frto_2a_reverts_to_the_conventional),
		cmocka_unit_test(frto_3a_reverts_with_three_segments),
		cmocka_unit_test(frto_ignores_what_is_neither),
		cmocka_unit_test(frto_1_is_not_entered_during_a_recovery),
		cmocka_unit_test(frto_is_not_confused_by_two_gigabytes),
		cmocka_unit_test(frto_sack_2_waits_for_a_new_ack),
		cmocka_unit_test(frto_sack_2a_covers_the_recovery_point),
		cmocka_unit_test(frto_sack_3a_is_no_evidence),
		cmocka_unit_test(frto_sack_3b_is_spurious),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
