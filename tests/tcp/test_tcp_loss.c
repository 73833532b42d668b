/*
 * test_tcp_loss.c - losses found by SACK: RFC 6675, RACK-TLP RFC 8985, PRR
 */
#include "tests/tcp/wire.h"

/* @n full segments of ours, from @from on. */
/* Ten segments in flight, and as much again written if @more. */
static uint32_t ten(struct wire *w, bool more)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, more ? 30000 : 10000);
	segments(w, 1, 10);
	quiet(w, 100);
	return s;
}

/* ---- RACK */

/* RFC 8985, 6.2: with DupThresh segments SACKed nothing is waited for. */
static void the_third_sacked_segment_shows_the_loss(struct wire *w)
{
	ten(w, false);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	none(w);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 3001 } });
	none(w);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	segments(w, 1, 1);
	counted(w, CNT_TCP_FAST_RECOVERIES, 1);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 10001 } });
	none(w);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001);
	quiet(w, 5000);
	counted(w, CNT_TCP_TIMEOUTS, 0);
	counted(w, CNT_TCP_RETRANSMITTED, 1);
}

/* 6.2: "RACK.min_RTT/4": fewer may be reordered, for so long. */
static void one_sacked_segment_is_waited_for(struct wire *w)
{
	ten(w, false);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	after(w, 25);
	segments(w, 1, 1);
	counted(w, CNT_TCP_FAST_RECOVERIES, 1);
}

static void what_was_reordered_is_not_lost(struct wire *w)
{
	ten(w, false);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	quiet(w, 20);
	in(w, ACK, .seq = 1, .ack = 2001);
	in(w, ACK, .seq = 1, .ack = 2001, .sack = { { 3001, 4001 } });
	quiet(w, 20);
	in(w, ACK, .seq = 1, .ack = 10001);
	quiet(w, 5000);
	counted(w, CNT_TCP_RETRANSMITTED, 0);
	counted(w, CNT_TCP_FAST_RECOVERIES, 0);
}

/* Several holes, each sent again, in order (RFC 6675, NextSeg (1)). */
static void every_hole_is_repaired(struct wire *w)
{
	ten(w, false);
	in(w, ACK, .seq = 1, .ack = 1,
	    .sack = { { 7001, 10001 }, { 4001, 6001 }, { 1001, 3001 } });
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 3001, .ack = 1, .len = 1000);
	segments(w, 6001, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001);
	quiet(w, 5000);
	counted(w, CNT_TCP_RETRANSMITTED, 3);
}

/* RFC 8985, 3.2: a lost retransmission is found by what was sent after it. */
static void a_lost_retransmission_is_found(struct wire *w)
{
	ten(w, true);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	wire_drain(w);
	for (uint32_t at = 5001; at <= 10001; at += 1000) {
		in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, at } });
		wire_drain(w);
	}
	/* New data has been sent since; when that is SACKed, it is clear. */
	must(w, sb_end(&wire_tcb(w)->sb).n - w->c[0].iss > 12000);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 11001 } });
	wire_drain(w);
	pass(w, 30);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 12001 } });
	pass(w, 30);
	must(w, wire_count(w, CNT_TCP_RETRANSMITTED) == 2);
	counted(w, CNT_TCP_TIMEOUTS, 0);
	wire_drain(w);
}

/* RFC 2018, 8: the receiver may forget; the timeout forgets the blocks. */
static void a_receiver_that_reneges(struct wire *w)
{
	uint32_t s = ten(w, false);

	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 10001 } });
	segments(w, 1, 1);
	quiet(w, 100);
	/* It has thrown away what it said it had. */
	in(w, ACK, .seq = 1, .ack = 1001);
	for (int i = 0; i < 20 && wire_unacked(w, s) > 0; i++) {
		const struct sent *is;

		pass(w, 700);
		while ((is = wire_next(w)) != NULL) {
			uint32_t end = is->h.seq.n + is->len - w->c[0].iss;

			if (is->h.seq.n - w->c[0].iss <=
			    10001 - wire_unacked(w, s))
				w->c[0].win = 65535;
			(void)end;
		}
		in(w, ACK, .seq = 1, .ack = 10001 - wire_unacked(w, s) + 1000);
	}
	must(w, wire_unacked(w, s) == 0);
	wire_drain(w);
	state_is(w, TCP_ESTABLISHED);
}

/* ---- PRR (RFC 9937) */

/* The window becomes 0.7 (CUBIC) of it, bit by bit, with the ACKs. */
static void the_window_shrinks_with_the_acks(struct wire *w)
{
	uint32_t sent = 0;
	const struct sent *is;

	ten(w, true);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	is = wire_next(w);
	must(w, is != NULL && is->h.seq.n == w->c[0].iss + 1);
	sent = 1 + w->queued;
	wire_drain(w);
	for (uint32_t at = 5001; at <= 10001; at += 1000) {
		in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, at } });
		sent += w->queued;
		/* Never a burst. */
		must(w, w->queued <= 2);
		wire_drain(w);
	}
	/* Nine segments delivered: 0.7 for each, and the first at once. */
	must(w, sent >= 6 && sent <= 8);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001);
	wire_drain(w);
	must(w, wire_tcb(w)->cc.cwnd >= 7000 && wire_tcb(w)->cc.cwnd <= 8000);
}

/* ---- TLP (RFC 8985, 7) */

/* 7.2: PTO = 2 * SRTT; 7.3: the last segment, and RACK does the rest. */
static void a_lost_tail_is_probed(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 3000);
	segments(w, 1, 3);
	after(w, 200);
	segments(w, 2001, 1);
	counted(w, CNT_TCP_LOSS_PROBES, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 2001, 3001 } });
	/* PRR: with nothing in flight one at first, then slow start. */
	segments(w, 1, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1001, .sack = { { 2001, 3001 } });
	segments(w, 1001, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 3001);
	quiet(w, 5000);
	counted(w, CNT_TCP_TIMEOUTS, 0);
}

/* One segment may wait for a delayed ACK; but not beyond the RTO. */
static void a_single_segment_is_given_more_time(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 1000);
	segments(w, 1, 1);
	after(w, 300);
	segments(w, 1, 1);
	counted(w, CNT_TCP_LOSS_PROBES, 1);
	/* And then the timeout. */
	after(w, 300);
	segments(w, 1, 1);
	counted(w, CNT_TCP_TIMEOUTS, 1);
}

/* 7.3: "If previously unsent data exists and the receive window allows". */
static void new_data_is_the_better_probe(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 11000);
	segments(w, 1, 10);
	after(w, 200);
	segments(w, 10001, 1);
	counted(w, CNT_TCP_RETRANSMITTED, 0);
}

/* 7.4.2, case 1: a DSACK tells that the probe was for nothing. */
static void a_probe_for_nothing(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);
	uint32_t before;

	call_write(w, s, 3000);
	segments(w, 1, 3);
	before = wire_tcb(w)->cc.cwnd;
	after(w, 200);
	segments(w, 2001, 1);
	quiet(w, 50);
	in(w, ACK, .seq = 1, .ack = 3001);
	in(w, ACK, .seq = 1, .ack = 3001, .sack = { { 2001, 3001 } });
	call_write(w, s, 1000);
	segments(w, 3001, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 4001);
	must(w, wire_tcb(w)->cc.cwnd >= before);
}

/* 7.4.2, case 3: it has repaired a loss; the window is reduced. */
static void a_probe_that_repaired(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);
	uint32_t before;

	call_write(w, s, 3000);
	segments(w, 1, 3);
	before = wire_tcb(w)->cc.cwnd;
	after(w, 200);
	segments(w, 2001, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 3001);
	call_write(w, s, 1000);
	segments(w, 3001, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 4001);
	must(w, wire_tcb(w)->cc.cwnd < before);
}

static void probes_may_be_forbidden(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 3000);
	segments(w, 1, 3);
	after(w, 300);
	segments(w, 1, 1);
	counted(w, CNT_TCP_TIMEOUTS, 1);
}

/* ---- Undone */

/* RFC 3708: every byte that was sent again has come twice. */
static void a_dsack_undoes_it(struct wire *w)
{
	uint32_t before;

	ten(w, false);
	before = wire_tcb(w)->cc.cwnd;
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	segments(w, 1, 1);
	must(w, wire_tcb(w)->cc.cwnd < before);
	quiet(w, 10);
	in(w, ACK, .seq = 1, .ack = 4001);
	quiet(w, 50);
	in(w, ACK, .seq = 1, .ack = 4001, .sack = { { 1, 1001 } });
	must(w, wire_tcb(w)->cc.cwnd >= before);
	counted(w, CNT_TCP_SPURIOUS, 1);
	in(w, ACK, .seq = 1, .ack = 10001);
}

/* RFC 8985, 6.2, step 4: once reordering was seen three are no loss. */
static void reordering_is_learned(struct wire *w)
{
	uint32_t s = ten(w, false);

	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	quiet(w, 10);
	in(w, ACK, .seq = 1, .ack = 2001);
	in(w, ACK, .seq = 1, .ack = 10001);
	call_write(w, s, 10000);
	segments(w, 10001, 10);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001, .sack = { { 11001, 15001 } });
	none(w);
	quiet(w, 20);
	in(w, ACK, .seq = 1, .ack = 20001);
	quiet(w, 5000);
	counted(w, CNT_TCP_RETRANSMITTED, 0);
}

static const struct script scripts[] = {
	SCRIPT(the_third_sacked_segment_shows_the_loss),
	SCRIPT(one_sacked_segment_is_waited_for),
	SCRIPT(what_was_reordered_is_not_lost),
	SCRIPT(every_hole_is_repaired),
	SCRIPT(a_lost_retransmission_is_found),
	SCRIPT(a_receiver_that_reneges),
	SCRIPT(the_window_shrinks_with_the_acks),
	SCRIPT(a_lost_tail_is_probed),
	SCRIPT(a_single_segment_is_given_more_time),
	SCRIPT(new_data_is_the_better_probe),
	SCRIPT(a_probe_for_nothing),
	SCRIPT(a_probe_that_repaired),
	SCRIPT_WITH(probes_may_be_forbidden, "\"tail_loss_probe\":false"),
	SCRIPT(a_dsack_undoes_it),
	SCRIPT(reordering_is_learned),
};

WIRE_MAIN(scripts)
