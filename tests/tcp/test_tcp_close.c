/*
 * test_tcp_close.c - closing, from either side: RFC 9293, 3.6 and 3.10.4
 *
 * FIN-WAIT-1, FIN-WAIT-2, CLOSING, CLOSE-WAIT, LAST-ACK: the segments that
 * arrive in each (3.10.7.4), and what the app's close, shutdown and abort send.
 */
#include <errno.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

/* ---- Figure 12: normal close */

static void we_close_first(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_FIN_WAIT_1);
	in(w, ACK, .seq = 1, .ack = 2);
	state_is(w, TCP_FIN_WAIT_2);
	in(w, FIN | ACK, .seq = 1, .ack = 2);
	out(w, ACK, .seq = 2, .ack = 2);
	state_ends(w, TCP_TIME_WAIT, 60000);
}

static void the_peer_closes_first(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, FIN | ACK, .seq = 1, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 2);
	state_is(w, TCP_CLOSE_WAIT);
	must(w, wire_at_end(w, s));
	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 2);
	state_is(w, TCP_LAST_ACK);
	in(w, ACK, .seq = 2, .ack = 2);
	none(w);
	state_is(w, TCP_CLOSED);
}

/* Figure 13: simultaneous close. */
static void both_close_at_once(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, FIN | ACK, .seq = 1, .ack = 1);
	out(w, ACK, .seq = 2, .ack = 2);
	state_is(w, TCP_CLOSING);
	in(w, ACK, .seq = 2, .ack = 2);
	none(w);
	state_is(w, TCP_TIME_WAIT);
}

/* The peer's FIN has the ACK of ours: FIN-WAIT-1 to TIME-WAIT. */
static void fin_and_ack_in_one(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, FIN | ACK, .seq = 1, .ack = 2);
	out(w, ACK, .seq = 2, .ack = 2);
	state_is(w, TCP_TIME_WAIT);
}

/* ---- 3.10.4: CLOSE */

/* "... until all preceding SENDs have been segmentized; then form a FIN". */
static void the_fin_follows_the_data(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0, .win = 1500);

	call_write(w, s, 2500);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	call_close(w, s);
	/* The window has 500 left; half of it is worth sending at the end. */
	wire_drain(w);
	state_is(w, TCP_FIN_WAIT_1);
	in(w, ACK, .seq = 1, .ack = 1001, .win = 10000);
	while (w->queued > 1)
		wire_next(w);
	must(w, w->queue[w->first].h.flags & FIN);
	must(w,
	    w->queue[w->first].h.seq.n - w->c[0].iss + w->queue[w->first].len ==
		2501);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 2502);
	state_is(w, TCP_FIN_WAIT_2);
}

/* The FIN rides on the last data. */
static void the_fin_rides_on_data_that_waits(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0, .win = 1000);

	call_write(w, s, 1500);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	call_close(w, s);
	in(w, ACK, .seq = 1, .ack = 1001, .win = 10000);
	out(w, FIN | ACK, .seq = 1001, .ack = 1, .len = 500);
	in(w, ACK, .seq = 1, .ack = 1502);
	state_is(w, TCP_FIN_WAIT_2);
}

/* Half-close (3.6): we go on receiving. */
static void half_close(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	must(w, call_shutdown(w, s, SHUT_WR) == 0);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	must(w, !(wire_stream(w, s) & STREAM_TX_OPEN));
	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 2, .ack = 101);
	in(w, ACK, .seq = 101, .ack = 2, .len = 100);
	out(w, ACK, .seq = 2, .ack = 201);
	state_is(w, TCP_FIN_WAIT_2);
	call_read(w, s, 200);
	/* For as long as the peer likes: the app is still there. */
	quiet(w, 300000);
	in(w, FIN | ACK, .seq = 201, .ack = 2, .len = 50);
	out(w, ACK, .seq = 2, .ack = 252);
	state_is(w, TCP_TIME_WAIT);
	call_read(w, s, 50);
	must(w, wire_at_end(w, s));
}

/* And the other way: the peer has closed, we go on sending. */
static void half_closed_by_the_peer(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, FIN | ACK, .seq = 1, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 2);
	call_write(w, s, 300);
	out(w, ACK, .seq = 1, .ack = 2, .len = 300);
	in(w, ACK, .seq = 2, .ack = 301);
	state_is(w, TCP_CLOSE_WAIT);
	call_write(w, s, 100);
	out(w, ACK, .seq = 301, .ack = 2, .len = 100);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 401, .ack = 2);
	state_is(w, TCP_LAST_ACK);
	in(w, ACK, .seq = 2, .ack = 401);
	state_is(w, TCP_LAST_ACK);
	in(w, ACK, .seq = 2, .ack = 402);
	state_is(w, TCP_CLOSED);
}

/* The FIN is retransmitted like data (RFC 6298). */
static void a_lost_fin_is_sent_again(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	after(w, 300);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	after(w, 600);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 2);
	state_is(w, TCP_FIN_WAIT_2);
}

/* MUST-13 is about TIME-WAIT; FIN-WAIT-2 of an orphan ends after a while. */
static void an_orphan_does_not_wait_for_ever(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 2);
	state_ends(w, TCP_FIN_WAIT_2, 60000);
}

/* SHLD-3 / RFC 2525, 2.17: who leaves data unread sends a reset. */
static void close_with_unread_data_resets(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 101);
	call_read(w, s, 99);
	call_close(w, s);
	out(w, RST | ACK, .seq = 1, .ack = 101, .win = ZERO);
	state_is(w, TCP_CLOSED);
}

/* MAY-1, SHLD-3: data for who has closed is answered with a reset. */
static void data_after_close_resets(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 2);
	state_is(w, TCP_FIN_WAIT_2);
	in(w, ACK, .seq = 1, .ack = 2, .len = 10);
	out(w, RST | ACK, .seq = 2, .ack = 1, .win = ZERO);
	counted(w, CNT_TCP_AFTER_CLOSE, 1);
	state_is(w, TCP_CLOSED);
}

/* 3.10.5: ABORT; SO_LINGER with no time. */
static void linger_of_no_time_resets(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	call_linger(w, s, 0);
	call_close(w, s);
	out(w, RST | ACK, .seq = 101, .ack = 1, .win = ZERO);
	state_is(w, TCP_CLOSED);
	in(w, ACK, .seq = 1, .ack = 101);
	out(w, RST, .seq = 101, .win = ZERO);
}

/* ---- 3.10.7.4 in each of these states */

static void resets_end_every_state(struct wire *w)
{
	static const struct {
		enum tcp_state state;
		uint32_t seq;
		int err;
	} cases[] = {
		{ TCP_FIN_WAIT_1, 1, ECONNRESET },
		{ TCP_FIN_WAIT_2, 1, ECONNRESET },
		{ TCP_CLOSE_WAIT, 2, EPIPE },
		{ TCP_CLOSING, 2, 0 },
		{ TCP_LAST_ACK, 2, 0 },
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t s;

		on(w, i);
		s = reach(w, cases[i].state);
		in(w, RST, .seq = cases[i].seq + 1);
		out(w, ACK, .seq = cases[i].state == TCP_CLOSE_WAIT ? 1 : 2,
		    .ack = cases[i].seq);
		state_is(w, cases[i].state);
		in(w, RST, .seq = cases[i].seq);
		none(w);
		state_is(w, TCP_CLOSED);
		must(w, call_error(w, s) == cases[i].err);
	}
}

/* "Sequence number ... an ACK": each says where it is. */
static void unacceptable_segments_are_answered(struct wire *w)
{
	static const struct {
		enum tcp_state state;
		uint32_t seq, ack;
	} cases[] = {
		{ TCP_FIN_WAIT_1, 2, 1 },
		{ TCP_FIN_WAIT_2, 2, 1 },
		{ TCP_CLOSE_WAIT, 1, 2 },
		{ TCP_CLOSING, 2, 2 },
		{ TCP_LAST_ACK, 2, 2 },
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		on(w, i);
		reach(w, cases[i].state);
		in(w, ACK, .seq = 1000000, .ack = 1);
		out(w, ACK, .seq = cases[i].seq, .ack = cases[i].ack);
		in(w, SYN, .seq = 500, .mss = 1000);
		wire_drain(w); /* perhaps held by the limit */
		state_is(w, cases[i].state);
	}
}

/* Eighth: "CLOSE-WAIT: Remain", "CLOSING", "LAST-ACK": the FIN again. */
static void the_fin_again_is_acknowledged_again(struct wire *w)
{
	static const struct {
		enum tcp_state state;
		uint32_t seq;
	} cases[] = {
		{ TCP_CLOSE_WAIT, 1 },
		{ TCP_CLOSING, 2 },
		{ TCP_LAST_ACK, 2 },
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		on(w, i);
		reach(w, cases[i].state);
		in(w, FIN | ACK, .seq = 1, .ack = 1);
		out(w, ACK, .seq = cases[i].seq, .ack = 2);
		state_is(w, cases[i].state);
	}
}

/* Seventh: "CLOSE-WAIT ... Ignore the segment text" beyond the FIN. */
static void text_after_the_fin_is_ignored(struct wire *w)
{
	static const enum tcp_state states[] = { TCP_CLOSE_WAIT, TCP_CLOSING,
		TCP_LAST_ACK };

	for (uint32_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		on(w, i);
		reach(w, states[i]);
		in(w, ACK, .seq = 2, .ack = 1, .len = 100);
		wire_drain(w);
		state_is(w, states[i]);
		must(w, seq_eq(wire_tcb(w)->rcv_nxt, seq_of(w->c[i].irs + 2)));
	}
	must(w, wire_count(w, CNT_TCP_AFTER_FIN) == 3);
}

/* Fifth: CLOSING and LAST-ACK wait for the ACK of our FIN and no other. */
static void an_ack_of_less_than_the_fin_changes_nothing(struct wire *w)
{
	static const enum tcp_state states[] = { TCP_FIN_WAIT_1, TCP_CLOSING,
		TCP_LAST_ACK };

	for (uint32_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		on(w, i);
		reach(w, states[i]);
		in(w, ACK, .seq = states[i] == TCP_FIN_WAIT_1 ? 1 : 2,
		    .ack = 1);
		none(w);
		state_is(w, states[i]);
	}
}

/* FIN-WAIT-1 goes on receiving, in and out of order. */
static void fin_wait_1_receives(struct wire *w)
{
	uint32_t s = reach(w, TCP_FIN_WAIT_1);

	in(w, ACK, .seq = 101, .ack = 1, .len = 100);
	out(w, ACK, .seq = 2, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 2, .ack = 201);
	call_read(w, s, 200);
	in(w, FIN | ACK, .seq = 201, .ack = 1, .len = 10);
	out(w, ACK, .seq = 2, .ack = 212);
	state_is(w, TCP_CLOSING);
	call_read(w, s, 10);
}

/* CLOSING and LAST-ACK retransmit their FIN, too. */
static void fins_of_the_others_are_sent_again(struct wire *w)
{
	reach(w, TCP_LAST_ACK);
	after(w, 200);
	out(w, FIN | ACK, .seq = 1, .ack = 2);
	in(w, ACK, .seq = 2, .ack = 2);
	state_is(w, TCP_CLOSED);
	on(w, 1);
	reach(w, TCP_CLOSING);
	after(w, 200);
	out(w, FIN | ACK, .seq = 1, .ack = 2);
	in(w, ACK, .seq = 2, .ack = 2);
	state_is(w, TCP_TIME_WAIT);
}

/* Data that was lost comes again in CLOSING and in LAST-ACK. */
static void lost_data_comes_again_after_both_have_closed(struct wire *w)
{
	static const enum tcp_state states[] = { TCP_CLOSING, TCP_LAST_ACK };

	for (uint32_t i = 0; i < 2; i++) {
		uint32_t s;

		on(w, i);
		s = established(w, .rtt = 100);
		call_write(w, s, 1500);
		out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
		out(w, ACK, .seq = 1001, .ack = 1, .len = 500);
		if (states[i] == TCP_CLOSING) {
			call_close(w, s);
			out(w, FIN | ACK, .seq = 1501, .ack = 1);
			in(w, FIN | ACK, .seq = 1, .ack = 1);
			out(w, ACK, .seq = 1502, .ack = 2);
		} else {
			in(w, FIN | ACK, .seq = 1, .ack = 1);
			out(w, ACK, .seq = 1501, .ack = 2);
			call_close(w, s);
			out(w, FIN | ACK, .seq = 1501, .ack = 2);
		}
		state_is(w, states[i]);
		after(w, 300);
		out(w, ACK, .seq = 1, .ack = 2, .len = 1000);
		quiet(w, 100);
		in(w, ACK, .seq = 2, .ack = 1001);
		out(w, FIN | ACK, .seq = 1001, .ack = 2, .len = 500);
		in(w, ACK, .seq = 2, .ack = 1502);
		state_is(
		    w, states[i] == TCP_CLOSING ? TCP_TIME_WAIT : TCP_CLOSED);
	}
}

/* Shutdown for reading sends nothing, and what comes is thrown away. */
/* What a close with SO_LINGER waits for: the data's ACK and the FIN's. */
static void the_end_is_on_its_way(struct wire *w)
{
	uint32_t s = established(w, .rtt = 1);

	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	must(w, !(wire_stream(w, s) & STREAM_CLOSING));
	call_shutdown(w, s, SHUT_WR);
	out(w, FIN | ACK, .seq = 101, .ack = 1);
	must(w, wire_stream(w, s) & STREAM_CLOSING);
	in(w, ACK, .seq = 1, .ack = 101);
	must(w, wire_stream(w, s) & STREAM_CLOSING);
	in(w, FIN | ACK, .seq = 1, .ack = 101);
	out(w, ACK, .seq = 102, .ack = 2);
	must(w, wire_stream(w, s) & STREAM_CLOSING);
	in(w, ACK, .seq = 2, .ack = 102);
	must(w, !(wire_stream(w, s) & STREAM_CLOSING));
}

/* Also where the connection ends with that ACK, or without it. */
static void the_end_has_come(struct wire *w)
{
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t s;

		on(w, i);
		s = reach(w, TCP_LAST_ACK);
		must(w, wire_stream(w, s) & STREAM_CLOSING);
		in(w, i == 0 ? ACK : RST, .seq = 2, .ack = 2);
		state_is(w, TCP_CLOSED);
		must(w, !(wire_stream(w, s) & STREAM_CLOSING));
	}
}

static void shutdown_of_reading_sends_nothing(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	must(w, call_shutdown(w, s, SHUT_RD) == 0);
	none(w);
	must(w, wire_stream(w, s) & STREAM_RX_END);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	state_is(w, TCP_ESTABLISHED);
}

static const struct script scripts[] = {
	SCRIPT(we_close_first),
	SCRIPT(the_peer_closes_first),
	SCRIPT(both_close_at_once),
	SCRIPT(fin_and_ack_in_one),
	SCRIPT(the_fin_follows_the_data),
	SCRIPT(the_fin_rides_on_data_that_waits),
	SCRIPT(half_close),
	SCRIPT(half_closed_by_the_peer),
	SCRIPT(a_lost_fin_is_sent_again),
	SCRIPT(an_orphan_does_not_wait_for_ever),
	SCRIPT(close_with_unread_data_resets),
	SCRIPT(data_after_close_resets),
	SCRIPT(linger_of_no_time_resets),
	SCRIPT(resets_end_every_state),
	SCRIPT(unacceptable_segments_are_answered),
	SCRIPT(the_fin_again_is_acknowledged_again),
	SCRIPT(text_after_the_fin_is_ignored),
	SCRIPT(an_ack_of_less_than_the_fin_changes_nothing),
	SCRIPT(fin_wait_1_receives),
	SCRIPT(fins_of_the_others_are_sent_again),
	SCRIPT(lost_data_comes_again_after_both_have_closed),
	SCRIPT(the_end_is_on_its_way),
	SCRIPT(the_end_has_come),
	SCRIPT(shutdown_of_reading_sends_nothing),
};

WIRE_MAIN(scripts)
