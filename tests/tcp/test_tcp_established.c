/*
 * test_tcp_established.c - ESTABLISHED, step by step: RFC 9293, 3.10.7.4
 */
#include <errno.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

/* ---- First: the sequence number; the four cases of table 6 */

/* Length 0, window > 0: RCV.NXT =< SEG.SEQ < RCV.NXT+RCV.WND. */
static void empty_segments_in_and_out_of_the_window(struct wire *w)
{
	established(w, .rtt = 0);
	in(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 2, .ack = 1);
	in(w, ACK, .seq = 65535, .ack = 1);
	none(w);
	quiet(w, 1000);
	in(w, ACK, .seq = 0, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_OLD, 1);
	quiet(w, 1000);
	in(w, ACK, .seq = 65537, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_AHEAD, 1);
	state_is(w, TCP_ESTABLISHED);
}

/* Length > 0, window > 0: one of its ends must be in the window. */
static void text_in_and_out_of_the_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 65537, .ack = 1, .len = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_AHEAD, 1);
	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 101);
	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 101);
	counted(w, CNT_TCP_OLD, 1);
	counted(w, CNT_TCP_DUPLICATES, 1);
	must(w, wire_readable(w, s) == 100);
}

/* "... it is assumed that the segment is the idealized ... trimmed". */
static void only_what_is_new_and_in_the_window_is_taken(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 101);
	in(w, ACK, .seq = 51, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 151);
	in(w, ACK, .seq = 0, .ack = 1, .len = 200);
	out(w, ACK, .seq = 1, .ack = 200);
	call_read(w, s, 199);
}

/* The window's right edge cuts, too. */
static void what_is_beyond_the_window_is_cut_off(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	for (uint32_t at = 1; at < 65537; at += 4096) {
		in(w, ACK, .seq = at, .ack = 1, .len = 4096);
		wire_drain(w);
	}
	must(w, wire_readable(w, s) == 65536);
	call_read(w, s, 65536);
	wire_drain(w);
}

/* "If an incoming segment is not acceptable, an ACK ... unless the RST bit" */
static void an_unacceptable_reset_is_not_answered(struct wire *w)
{
	established(w, .rtt = 0);
	in(w, RST, .seq = 70000);
	in(w, RST, .seq = 0);
	in(w, RST | ACK, .seq = 0x40000000, .ack = 1, .len = 3);
	none(w);
	state_is(w, TCP_ESTABLISHED);
	counted(w, CNT_TCP_BAD_RST, 3);
}

/* ---- Second: RST (RFC 5961, 3.2) */

static void a_reset_with_the_exact_number_resets(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, RST, .seq = 1);
	none(w);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ECONNRESET);
	must(w, wire_at_end(w, s));
	must(w, wire_stream(w, s) & STREAM_RESET);
	counted(w, CNT_TCP_RESETS_RECEIVED, 1);
	in(w, ACK, .seq = 1, .ack = 1);
	out(w, RST, .seq = 1, .win = ZERO);
}

/* SHLD-2: "a RST segment could contain" text. */
static void a_reset_may_have_text(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, RST | ACK, .seq = 1, .ack = 1, .len = 30);
	none(w);
	state_is(w, TCP_CLOSED);
	must(w, wire_readable(w, s) == 0);
}

static void a_reset_in_the_window_is_challenged(struct wire *w)
{
	established(w, .rtt = 0);
	in(w, RST, .seq = 2);
	out(w, ACK, .seq = 1, .ack = 1);
	quiet(w, 1000);
	in(w, RST | ACK, .seq = 65535, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_RST_CHALLENGED, 2);
	counted(w, CNT_TCP_CHALLENGES_SENT, 2);
	state_is(w, TCP_ESTABLISHED);
	/* What the peer answers the challenge with, if it meant it. */
	in(w, RST, .seq = 1);
	state_is(w, TCP_CLOSED);
}

/* RFC 5961, 7: so many and no more. */
static void challenges_are_limited(struct wire *w)
{
	uint32_t sent = 0;

	established(w, .rtt = 0);
	for (int i = 0; i < 100; i++) {
		in(w, RST, .seq = 100);
		sent += wire_drain(w);
	}
	must(w, sent > 0 && sent < 10);
	must(w, wire_count(w, CNT_TCP_CHALLENGES_SENT) == sent);
	counted(w, CNT_TCP_CHALLENGES_HELD, 100 - sent);
	quiet(w, 2000);
	in(w, RST, .seq = 100);
	out(w, ACK, .seq = 1, .ack = 1);
}

/* What one connection is asked does not show at another (CVE-2016-5696). */
static void the_limit_is_not_shared(struct wire *w)
{
	for (uint32_t i = 0; i < 2; i++) {
		on(w, i);
		established(w, .rtt = 0);
	}
	on(w, 0);
	for (int i = 0; i < 200; i++) {
		in(w, SYN, .seq = 100);
		wire_drain(w);
	}
	on(w, 1);
	in(w, SYN, .seq = 100);
	out(w, ACK, .seq = 1, .ack = 1);
}

/* ---- Fourth: SYN (RFC 5961, 4.2) */

static void a_syn_is_challenged(struct wire *w)
{
	established(w, .rtt = 0);
	in(w, SYN, .seq = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	quiet(w, 1000);
	in(w, SYN, .seq = 100000, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	quiet(w, 1000);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
}

/* 3.5.1, figure 10: the peer has crashed and calls again. */
static void a_peer_that_has_crashed_gets_through(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, SYN, .seq = 0x30000000, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, RST, .seq = 1);
	must(w, call_error(w, s) == ECONNRESET);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
}

/* ---- Fifth: ACK */

static void without_an_ack_it_is_dropped(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, 0, .seq = 1, .len = 10);
	in(w, FIN, .seq = 1);
	in(w, PSH | URG, .seq = 1, .len = 10, .urg = 1);
	none(w);
	counted(w, CNT_TCP_NO_ACK, 3);
	must(w, wire_readable(w, s) == 0);
	state_is(w, TCP_ESTABLISHED);
}

/* "If the ACK acks something not yet sent ... send an ACK, drop". */
static void an_ack_of_what_was_never_sent(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 2, .len = 10);
	out(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_ACK_UNSENT, 1);
	must(w, wire_readable(w, s) == 0);
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 102);
	wire_drain(w);
	must(w, wire_unacked(w, s) == 100);
}

/* RFC 5961, 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT. */
static void an_ack_from_too_long_ago(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0, .win = 1000);

	in(w, ACK, .seq = 1, .ack = 1 - 1000, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	call_read(w, s, 10);
	in(w, ACK, .seq = 11, .ack = 1 - 1001, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	counted(w, CNT_TCP_ACK_ANCIENT, 1);
	quiet(w, 1000);
	in(w, ACK, .seq = 11, .ack = 0x80000000, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	must(w, wire_readable(w, s) == 0);
}

static void acknowledged_bytes_leave_the_buffer(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_write(w, s, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 300);
	must(w, wire_unacked(w, s) == 300);
	in(w, ACK, .seq = 1, .ack = 101);
	none(w);
	must(w, wire_unacked(w, s) == 200);
	in(w, ACK, .seq = 1, .ack = 301);
	none(w);
	must(w, wire_unacked(w, s) == 0);
	/* A duplicate "can be ignored". */
	in(w, ACK, .seq = 1, .ack = 201);
	none(w);
	quiet(w, 10000);
}

/* SND.WL1, SND.WL2: an old segment does not set the window. */
static void an_old_segment_does_not_set_the_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 1, .len = 100, .win = 4000);
	out(w, ACK, .seq = 1, .ack = 101);
	/* Out of order: older than the one above. */
	in(w, ACK, .seq = 0, .ack = 1, .len = 101, .win = 20);
	wire_drain(w);
	call_write(w, s, 3000);
	for (uint32_t i = 0; i < 3; i++)
		out(w, ACK, .seq = 1 + i * 1000, .ack = 101, .len = 1000);
}

/* ---- Seventh: the segment text */

static void text_in_order(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);
	uint32_t at = 1;

	for (uint32_t len = 1; len < 1400; len += 100) {
		in(w, ACK | PSH, .seq = at, .ack = 1, .len = len);
		at += len;
		out(w, ACK, .seq = 1, .ack = at);
		call_read(w, s, len);
	}
}

/* SHLD-31: what is out of order is kept. */
static void text_out_of_order(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1001, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 3001, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	must(w, wire_readable(w, s) == 0);
	in(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1, .ack = 2001);
	must(w, wire_readable(w, s) == 2000);
	in(w, ACK, .seq = 2001, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1, .ack = 4001);
	call_read(w, s, 4000);
}

/* Segments that overlap each other every way. */
static void text_that_overlaps(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 101, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 151, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 81, .ack = 1, .len = 30);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 61, .ack = 1, .len = 300);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 1, .len = 200);
	out(w, ACK, .seq = 1, .ack = 361);
	call_read(w, s, 360);
}

/* A GRO super-segment is one segment. */
static void merged_segments_are_one(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 1, .len = 10000, .gso = 1000);
	out(w, ACK, .seq = 1, .ack = 10001);
	call_read(w, s, 10000);
}

/* ---- Eighth: FIN */

static void a_fin_ends_what_there_is_to_read(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, FIN | ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 102);
	state_is(w, TCP_CLOSE_WAIT);
	must(w, !wire_at_end(w, s));
	call_read(w, s, 100);
	must(w, wire_at_end(w, s));
	must(w, wire_stream(w, s) & STREAM_TX_OPEN);
}

/* A FIN out of order waits for what is before it. */
static void a_fin_before_its_data(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, FIN | ACK, .seq = 101, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
	in(w, ACK, .seq = 51, .ack = 1, .len = 50);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 1, .len = 50);
	out(w, ACK, .seq = 1, .ack = 102);
	state_is(w, TCP_CLOSE_WAIT);
	call_read(w, s, 100);
	must(w, wire_at_end(w, s));
}

/* Data beyond a FIN is none. */
static void data_beyond_the_fin_is_dropped(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, FIN | ACK, .seq = 101, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 51, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_AFTER_FIN, 1);
	in(w, ACK, .seq = 1, .ack = 1, .len = 50);
	out(w, ACK, .seq = 1, .ack = 102);
	call_read(w, s, 100);
	must(w, wire_at_end(w, s));
}

static void both_directions_at_once(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	for (uint32_t i = 0; i < 20; i++) {
		call_write(w, s, 500);
		out(w, ACK, .seq = 1 + i * 500, .ack = 1 + i * 300, .len = 500);
		in(w, ACK, .seq = 1 + i * 300, .ack = 501 + i * 500,
		    .len = 300);
		wire_drain(w);
		call_read(w, s, 300);
		pass(w, 50);
		wire_drain(w);
	}
}

static const struct script scripts[] = {
	SCRIPT(empty_segments_in_and_out_of_the_window),
	SCRIPT(text_in_and_out_of_the_window),
	SCRIPT(only_what_is_new_and_in_the_window_is_taken),
	SCRIPT(what_is_beyond_the_window_is_cut_off),
	SCRIPT(an_unacceptable_reset_is_not_answered),
	SCRIPT(a_reset_with_the_exact_number_resets),
	SCRIPT(a_reset_may_have_text),
	SCRIPT(a_reset_in_the_window_is_challenged),
	SCRIPT(challenges_are_limited),
	SCRIPT(the_limit_is_not_shared),
	SCRIPT(a_syn_is_challenged),
	SCRIPT(a_peer_that_has_crashed_gets_through),
	SCRIPT(without_an_ack_it_is_dropped),
	SCRIPT(an_ack_of_what_was_never_sent),
	SCRIPT(an_ack_from_too_long_ago),
	SCRIPT(acknowledged_bytes_leave_the_buffer),
	SCRIPT(an_old_segment_does_not_set_the_window),
	SCRIPT(text_in_order),
	SCRIPT(text_out_of_order),
	SCRIPT(text_that_overlaps),
	SCRIPT(merged_segments_are_one),
	SCRIPT(a_fin_ends_what_there_is_to_read),
	SCRIPT(a_fin_before_its_data),
	SCRIPT(data_beyond_the_fin_is_dropped),
	SCRIPT(both_directions_at_once),
};

WIRE_MAIN(scripts)
