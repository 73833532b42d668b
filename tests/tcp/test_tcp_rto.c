/*
 * test_tcp_rto.c - the retransmission timer: RFC 6298, F-RTO 5682, Eifel 3522
 *
 * And what there is without SACK: NewReno RFC 6582, limited transmit RFC 3042.
 */
#include "tests/tcp/wire.h"

/* ---- RFC 6298 */

/* 2.2: SRTT = R, RTTVAR = R/2: RTO = 3 R; 5.5: doubled each time; 2.5: 120 s.
 */
static void it_doubles_each_time(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);
	int64_t rto = 300;

	call_write(w, s, 1000);
	segments(w, 1, 1);
	for (int i = 0; i < 12; i++) {
		after(w, rto);
		segments(w, 1, 1);
		rto = rto * 2 < 120000 ? rto * 2 : 120000;
	}
	counted(w, CNT_TCP_TIMEOUTS, 12);
	in(w, ACK, .seq = 1, .ack = 1001);
	quiet(w, 300000);
}

/* 2.4, with a minimum of 200 ms as the kernel has it. */
static void it_is_never_shorter_than_the_minimum(struct wire *w)
{
	uint32_t s = established(w, .rtt = 10);

	call_write(w, s, 1000);
	segments(w, 1, 1);
	after(w, 200);
	segments(w, 1, 1);
}

static void the_minimum_can_be_set(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 1000);
	segments(w, 1, 1);
	after(w, 1000);
	segments(w, 1, 1);
}

/* 2.3: SRTT and RTTVAR by 1/8 and 1/4. */
static void it_follows_the_round_trips(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 1000);
	segments(w, 1, 1);
	quiet(w, 180);
	in(w, ACK, .seq = 1, .ack = 1001);
	/* RTTVAR = 3/4 50 + 1/4 80 = 57.5; SRTT = 7/8 100 + 1/8 180 = 110. */
	call_write(w, s, 1000);
	segments(w, 1001, 1);
	after(w, 340);
	segments(w, 1001, 1);
}

/* 5.1, 5.3: each ACK of new data starts it anew. */
static void an_ack_of_new_data_restarts_it(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 3000);
	segments(w, 1, 3);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1001);
	/* Two samples a window (RFC 7323, G): RTTVAR = 7/8 50. */
	after(w, 275);
	segments(w, 1001, 1);
	/* 5.2: all acknowledged, no timer. */
	in(w, ACK, .seq = 1, .ack = 3001);
	quiet(w, 10000);
}

/* Karn, section 3: no sample from what was sent twice; 5.5: RTO stays. */
static void what_was_sent_twice_is_no_sample(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 1000);
	segments(w, 1, 1);
	after(w, 300);
	segments(w, 1, 1);
	quiet(w, 500);
	in(w, ACK, .seq = 1, .ack = 1001);
	call_write(w, s, 1000);
	segments(w, 1001, 1);
	after(w, 600);
	segments(w, 1001, 1);
}

/* RFC 7323, 4: with timestamps it is one. */
static void with_timestamps_it_is(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .ts = true);
	uint32_t sent;

	call_write(w, s, 900);
	out(w, ACK, .seq = 1, .ack = 1, .len = 900);
	after(w, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 900);
	sent = w->c[0].ts_ours - w->c[0].ts_base;
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 901, .ts = TS(2000, sent));
	call_write(w, s, 900);
	out(w, ACK, .seq = 901, .ack = 1, .len = 900);
	after(w, 250);
	out(w, ACK, .seq = 901, .ack = 1, .len = 900);
}

/* 5.4: the earliest segment only; RFC 5681, 3.1: cwnd is one segment. */
static void only_the_first_is_sent_again(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10000);
	segments(w, 1, 10);
	after(w, 300);
	segments(w, 1, 1);
	must(w, wire_tcb(w)->cc.cwnd == 1000);
	must(w,
	    wire_tcb(w)->cc.ssthresh >= 5000 &&
		wire_tcb(w)->cc.ssthresh <= 7000);
	/* Slow start from there: what was lost, and ever more. */
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1001);
	wire_drain(w);
	must(w, wire_tcb(w)->cc.cwnd == 2000);
}

/* What ends the recovery acknowledges new data: slow start counts it. */
static void the_ack_that_ends_it_counts(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 2000);
	segments(w, 1, 2);
	after(w, 300);
	segments(w, 1, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 2001);
	call_write(w, s, 5000);
	segments(w, 2001, 2);
}

/* ---- F-RTO (RFC 5682, 2 and 3) */

/* Step 2b: two new segments; step 3b: the next ACK advances, too. */
static void frto_finds_a_spurious_timeout(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);
	uint32_t before;

	call_write(w, s, 20000);
	segments(w, 1, 10);
	before = wire_tcb(w)->cc.cwnd;
	after(w, 300);
	segments(w, 1, 1);
	in(w, ACK, .seq = 1, .ack = 1001);
	segments(w, 10001, 2);
	in(w, ACK, .seq = 1, .ack = 2001);
	counted(w, CNT_TCP_SPURIOUS, 1);
	must(w, wire_tcb(w)->cc.cwnd >= before);
	while (w->queued > 0) {
		const struct sent *is = wire_next(w);

		/* New data and nothing again. */
		must(w, is->h.seq.n - w->c[0].iss >= 12001);
	}
	in(w, ACK, .seq = 1, .ack = 10001);
	wire_drain(w);
	counted(w, CNT_TCP_RETRANSMITTED, 1);
}

/* Step 3a: a duplicate ACK: it was real, slow start. */
static void frto_believes_a_duplicate(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 20000);
	segments(w, 1, 10);
	after(w, 300);
	segments(w, 1, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1001);
	segments(w, 10001, 2);
	in(w, ACK, .seq = 1, .ack = 1001);
	must(w,
	    w->queued > 0 && w->queue[w->first].h.seq.n == w->c[0].iss + 1001);
	wire_drain(w);
	counted(w, CNT_TCP_SPURIOUS, 0);
}

static void frto_may_be_forbidden(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 20000);
	segments(w, 1, 10);
	after(w, 300);
	segments(w, 1, 1);
	in(w, ACK, .seq = 1, .ack = 1001);
	segments(w, 1001, 2);
}

/* ---- Eifel (RFC 3522): the ACK echoes the original */

static void eifel_finds_a_spurious_timeout(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .ts = true, .mss = 1012);
	uint32_t before, sent;

	call_write(w, s, 20000);
	segments(w, 1, 10);
	before = wire_tcb(w)->cc.cwnd;
	sent = w->c[0].ts_ours - w->c[0].ts_base;
	after(w, 300);
	segments(w, 1, 1);
	quiet(w, 20);
	in(w, ACK, .seq = 1, .ack = 1001, .ts = TS(2000, sent));
	counted(w, CNT_TCP_SPURIOUS, 1);
	must(w, wire_tcb(w)->cc.cwnd >= before);
	while (w->queued > 0)
		must(w, wire_next(w)->h.seq.n - w->c[0].iss >= 10001);
	counted(w, CNT_TCP_RETRANSMITTED, 1);
}

static void eifel_believes_the_retransmissions_echo(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .ts = true, .mss = 1012);
	uint32_t sent;

	call_write(w, s, 20000);
	segments(w, 1, 10);
	after(w, 300);
	segments(w, 1, 1);
	sent = w->c[0].ts_ours - w->c[0].ts_base;
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1001, .ts = TS(2000, sent));
	counted(w, CNT_TCP_SPURIOUS, 0);
	segments(w, 1001, 2);
}

/* ---- NewReno (RFC 6582), limited transmit (RFC 3042) */

static void three_duplicates_show_the_loss(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10000);
	segments(w, 1, 10);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	in(w, ACK, .seq = 1, .ack = 1);
	segments(w, 1, 1);
	counted(w, CNT_TCP_FAST_RECOVERIES, 1);
	for (int i = 0; i < 6; i++)
		in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001);
	quiet(w, 5000);
	counted(w, CNT_TCP_RETRANSMITTED, 1);
}

/* RFC 5681, 2: what is a duplicate: no data, same window, nothing else. */
static void what_is_no_duplicate(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10000);
	segments(w, 1, 10);
	quiet(w, 100);
	for (int i = 0; i < 6; i++) {
		in(w, ACK, .seq = 1, .ack = 1, .win = 60000 + i);
		none(w);
	}
	for (uint32_t i = 0; i < 6; i++) {
		in(w, ACK, .seq = 1 + i * 10, .ack = 1, .len = 10);
		wire_drain(w);
	}
	counted(w, CNT_TCP_FAST_RECOVERIES, 0);
	counted(w, CNT_TCP_RETRANSMITTED, 0);
}

/* RFC 3042: a new segment for each of the first two. */
static void limited_transmit(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 20000);
	segments(w, 1, 10);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1);
	segments(w, 10001, 1);
	in(w, ACK, .seq = 1, .ack = 1);
	segments(w, 11001, 1);
	in(w, ACK, .seq = 1, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	wire_drain(w);
}

/* RFC 6582, 3.2, step 3: a partial ACK shows the next hole at once. */
static void a_partial_ack_shows_the_next_hole(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10000);
	segments(w, 1, 10);
	quiet(w, 100);
	for (int i = 0; i < 8; i++) {
		in(w, ACK, .seq = 1, .ack = 1);
		if (i == 2)
			segments(w, 1, 1);
	}
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 4001);
	segments(w, 4001, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 7001);
	segments(w, 7001, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001);
	quiet(w, 5000);
	counted(w, CNT_TCP_TIMEOUTS, 0);
	counted(w, CNT_TCP_FAST_RECOVERIES, 1);
}

/* RFC 6582, 3.2, step 1: no second recovery for the same window. */
static void old_duplicates_begin_nothing(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 5000);
	segments(w, 1, 5);
	after(w, 300);
	segments(w, 1, 1);
	quiet(w, 50);
	for (int i = 0; i < 4; i++)
		in(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_FAST_RECOVERIES, 0);
	wire_drain(w);
}

static const struct script scripts[] = {
	SCRIPT(it_doubles_each_time),
	SCRIPT(it_is_never_shorter_than_the_minimum),
	SCRIPT_WITH(the_minimum_can_be_set, "\"rto_min_ms\":1000"),
	SCRIPT(it_follows_the_round_trips),
	SCRIPT(an_ack_of_new_data_restarts_it),
	SCRIPT(what_was_sent_twice_is_no_sample),
	SCRIPT(with_timestamps_it_is),
	SCRIPT(only_the_first_is_sent_again),
	SCRIPT(the_ack_that_ends_it_counts),
	SCRIPT(frto_finds_a_spurious_timeout),
	SCRIPT(frto_believes_a_duplicate),
	SCRIPT_WITH(frto_may_be_forbidden, "\"frto\":false"),
	SCRIPT(eifel_finds_a_spurious_timeout),
	SCRIPT(eifel_believes_the_retransmissions_echo),
	SCRIPT(three_duplicates_show_the_loss),
	SCRIPT(what_is_no_duplicate),
	SCRIPT(limited_transmit),
	SCRIPT(a_partial_ack_shows_the_next_hole),
	SCRIPT(old_duplicates_begin_nothing),
};

WIRE_MAIN(scripts)
