/*
 * test_tcp_cwnd.c - the congestion window: RFC 5681, 6928, 9438
 */
#include "tests/tcp/wire.h"

/* RFC 6928, 2: min (10*MSS, max (2*MSS, 14600)). */
static void ten_segments_to_begin_with(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 50000);
	segments(w, 1, 10);
}

static void or_as_many_as_wanted(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 50000);
	segments(w, 1, 3);
}

/* RFC 5681, 3.1: "cwnd += min (N, SMSS)" for each ACK. */
static void slow_start_doubles_each_round_trip(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 100000);
	segments(w, 1, 10);
	quiet(w, 100);
	for (uint32_t i = 0; i < 10; i++) {
		in(w, ACK, .seq = 1, .ack = 1001 + i * 1000);
		segments(w, 10001 + i * 2000, 2);
	}
	must(w, wire_tcb(w)->cc.cwnd == 20000);
}

/* 3.1: the window bounds as well. */
static void the_receivers_window_bounds_it(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 4000);

	call_write(w, s, 100000);
	segments(w, 1, 4);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 4001);
	segments(w, 4001, 4);
}

/* RFC 6928, 2: with "multiple SYN or SYN/ACK retransmissions" one segment. */
static void after_lost_syns_one_segment(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s;

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	after(w, 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	after(w, 2000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	s = call_accept(w, l);
	call_write(w, s, 10000);
	segments(w, 1, 1);
}

/* 30,000 bytes are sent and acknowledged, the window has doubled. */
static uint32_t idle_after_slow_start(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 30000);
	segments(w, 1, 10);
	quiet(w, 100);
	for (uint32_t i = 0; i < 10; i++) {
		in(w, ACK, .seq = 1, .ack = 1001 + i * 1000);
		segments(w, 10001 + i * 2000, 2);
	}
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 30001);
	return s;
}

/* 4.1: idle for longer than an RTO: no more than the initial window. */
static void idleness_shrinks_it(struct wire *w)
{
	uint32_t s = idle_after_slow_start(w);

	must(w, wire_tcb(w)->cc.cwnd > 20000);
	quiet(w, 10000);
	call_write(w, s, 30000);
	segments(w, 30001, 10);
}

static void it_may_be_kept_over_idleness(struct wire *w)
{
	uint32_t s = idle_after_slow_start(w);

	quiet(w, 10000);
	call_write(w, s, 30000);
	must(w, w->queued >= 20);
	wire_drain(w);
}

/* RFC 7661, 4: who does not use it does not enlarge it. */
static void it_does_not_grow_unused(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	for (uint32_t i = 0; i < 50; i++) {
		call_write(w, s, 1000);
		segments(w, 1 + i * 1000, 1);
		in(w, ACK, .seq = 1, .ack = 1001 + i * 1000);
	}
	must(w, wire_tcb(w)->cc.cwnd <= 11000);
}

/* Reno, 3.2: half of the flight; 3.1: then a segment each round trip. */
static void reno_halves_and_adds_one(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);
	uint32_t at = 10001, before;

	call_write(w, s, 60000);
	segments(w, 1, 10);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 10001 } });
	wire_drain(w);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = sb_end(&wire_tcb(w)->sb).n - w->c[0].iss);
	must(w, wire_tcb(w)->cc.ssthresh == 5000);
	must(w, wire_tcb(w)->cc.cwnd == 5000);
	before = wire_tcb(w)->cc.cwnd;
	/* A window of ACKs. */
	at = wire_tcb(w)->sb.f.una.n - w->c[0].iss;
	for (uint32_t i = 1; i <= 5; i++) {
		wire_drain(w);
		quiet(w, 20);
		in(w, ACK, .seq = 1, .ack = at + i * 1000);
	}
	must(w,
	    wire_tcb(w)->cc.cwnd >= before + 900 &&
		wire_tcb(w)->cc.cwnd <= before + 1100);
	wire_drain(w);
}

/* CUBIC, RFC 9438, 4.6: beta is 0.7. */
static void cubic_leaves_seven_tenths(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 10000);
	segments(w, 1, 10);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 10001 } });
	segments(w, 1, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001);
	must(w, wire_tcb(w)->cc.ssthresh == 7000);
}

/* But a window that opens all at once leaves bit by bit, within a round trip.
 */
static void new_data_is_paced(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);
	uint32_t n = 0;

	call_write(w, s, 100000);
	segments(w, 1, 10);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 10001);
	must(w, w->queued >= 10 && w->queued < 20);
	for (int i = 0; i < 100; i++) {
		must(w, w->queued <= 11);
		n += wire_drain(w);
		pass(w, 1);
	}
	must(w, n == wire_tcb(w)->cc.cwnd / 1000);
}

/* All that the window allows at once: so it can be counted. */
static const char BURSTS[] = "\"pacing\":false";

static const struct script scripts[] = {
	SCRIPT_WITH(ten_segments_to_begin_with, BURSTS),
	SCRIPT_WITH(
	    or_as_many_as_wanted, "\"pacing\":false,\"initial_window\":3"),
	SCRIPT_WITH(slow_start_doubles_each_round_trip, BURSTS),
	SCRIPT_WITH(the_receivers_window_bounds_it, BURSTS),
	SCRIPT_WITH(after_lost_syns_one_segment, BURSTS),
	SCRIPT_WITH(idleness_shrinks_it, BURSTS),
	SCRIPT_WITH(it_may_be_kept_over_idleness,
	    "\"pacing\":false,\"slow_start_after_idle\":false"),
	SCRIPT_WITH(it_does_not_grow_unused, BURSTS),
	SCRIPT_WITH(reno_halves_and_adds_one,
	    "\"pacing\":false,\"congestion\":\"reno\""),
	SCRIPT_WITH(cubic_leaves_seven_tenths, BURSTS),
	SCRIPT(new_data_is_paced),
};

WIRE_MAIN(scripts)
