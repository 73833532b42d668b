/*
 * test_tcp_window.c - windows: RFC 9293, 3.8.6
 *
 * Closed ones and their probes, silly ones on both sides, ones that shrink,
 * and the update as soon as the app has read.
 */
#include <linux/tcp.h>
#include <netinet/in.h>

#include "tests/tcp/wire.h"

/* ---- Sending: zero windows (3.8.6.1) */

/*
 * MUST-36, SHLD-29: the first probe after the retransmission timeout; SHLD-30:
 * then ever more slowly; MUST-37: for ever, as long as there are answers.
 */
static void a_closed_window_is_probed_for_ever(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);
	int64_t wait = 300;

	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	call_write(w, s, 500);
	for (int i = 0; i < 40; i++) {
		after(w, wait);
		out(w, ACK, .seq = 1, .ack = 1, .len = 1);
		in(w, ACK, .seq = 1, .ack = 1);
		none(w);
		wait = wait * 2 < 120000 ? wait * 2 : 120000;
	}
	/* The byte that probed has a number of its own by now. */
	in(w, ACK, .seq = 1, .ack = 1, .win = 1000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1);
	out(w, ACK, .seq = 2, .ack = 1, .len = 499);
	in(w, ACK, .seq = 1, .ack = 501);
	quiet(w, 200000);
}

/* The probe's byte was taken. */
static void a_probe_may_be_taken(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	call_write(w, s, 500);
	after(w, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 2);
	none(w);
	must(w, wire_unacked(w, s) == 499);
	after(w, 250);
	out(w, ACK, .seq = 2, .ack = 1, .len = 1);
	in(w, ACK, .seq = 1, .ack = 3, .win = 2000);
	out(w, ACK, .seq = 3, .ack = 1, .len = 498);
}

/* A FIN waits for the window and is what the probe asks with. */
static void a_fin_before_a_closed_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	call_close(w, s);
	after(w, 300);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 2);
	state_is(w, TCP_FIN_WAIT_2);
}

/* Closed from the first: the handshake, and then nothing. */
static void a_window_that_was_never_open(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = ZERO);

	call_write(w, s, 100);
	after(w, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1);
	in(w, ACK, .seq = 1, .ack = 2, .win = 5000);
	out(w, ACK, .seq = 2, .ack = 1, .len = 99);
}

/* Nothing to send: nothing to ask for. */
static void without_data_nobody_probes(struct wire *w)
{
	established(w, .rtt = 100);
	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	quiet(w, 500000);
}

/* The window is exactly used up; the update comes. */
static void a_full_window_and_its_update(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 2000);

	call_write(w, s, 5000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1001, .ack = 1, .len = 1000);
	in(w, ACK, .seq = 1, .ack = 2001, .win = ZERO);
	none(w);
	in(w, ACK, .seq = 1, .ack = 2001, .win = 2000);
	out(w, ACK, .seq = 2001, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 3001, .ack = 1, .len = 1000);
	in(w, ACK, .seq = 1, .ack = 4001);
	out(w, ACK, .seq = 4001, .ack = 1, .len = 1000);
}

/* The update was lost: the probe finds it. */
static void a_lost_update_is_found(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 1000);

	call_write(w, s, 2000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1001, .win = ZERO);
	after(w, 250);
	out(w, ACK, .seq = 1001, .ack = 1, .len = 1);
	in(w, ACK, .seq = 1, .ack = 1002, .win = 5000);
	out(w, ACK, .seq = 1002, .ack = 1, .len = 999);
}

/* ---- Sending: the window shrinks (MUST-34, SHLD-15 to 17) */

static void a_window_that_shrinks(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 4000);

	call_write(w, s, 6000);
	for (uint32_t i = 0; i < 4; i++)
		out(w, ACK, .seq = 1 + i * 1000, .ack = 1, .len = 1000);
	/* SHLD-15: no new data beyond; the old stays in flight. */
	in(w, ACK, .seq = 1, .ack = 1001, .win = 1000);
	none(w);
	/* SHLD-16: retransmission goes on. */
	pass(w, 2000);
	must(w, w->queued > 0);
	must(w, w->queue[w->first].h.seq.n == w->c[0].iss + 1001);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 4001, .win = 4000);
	out(w, ACK, .seq = 4001, .ack = 1, .len = 1000);
	wire_drain(w);
}

/* MUST-35, SHLD-17: to nothing: it is probed, and not timed out. */
static void a_window_that_shrinks_to_nothing(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 2000);

	call_write(w, s, 4000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1001, .ack = 1, .len = 1000);
	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	for (int i = 0; i < 40; i++) {
		pass(w, 120000);
		must(w, wire_drain(w) > 0);
		in(w, ACK, .seq = 1, .ack = 1);
		wire_drain(w);
	}
	state_is(w, TCP_ESTABLISHED);
	in(w, ACK, .seq = 1, .ack = 2001, .win = 10000);
	out(w, ACK, .seq = 2001, .ack = 1, .len = 1000);
	wire_drain(w);
}

/* SND.WL1: what the peer sends again has an old number and a new window. */
static void a_retransmission_brings_the_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 4000);

	call_write(w, s, 8000);
	for (uint32_t i = 0; i < 4; i++)
		out(w, ACK, .seq = 1 + i * 1000, .ack = 1, .len = 1000);
	in(w, ACK, .seq = 101, .ack = 1, .len = 100);
	out(w, ACK, .seq = 4001, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 4001, .len = 100, .win = 1000);
	out(w, ACK, .seq = 4001, .ack = 201, .len = 1000);
	none(w);
	/* And an old one, come late, does not set it. */
	in(w, ACK, .seq = 1, .ack = 1, .len = 100, .win = 4000);
	out(w, ACK, .seq = 5001, .ack = 201);
}

/* ---- Sending: silly windows (3.8.6.2.1, MUST-38) */

static void no_small_segment_into_a_small_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 4000);

	call_write(w, s, 4000);
	for (uint32_t i = 0; i < 4; i++)
		out(w, ACK, .seq = 1 + i * 1000, .ack = 1, .len = 1000);
	call_write(w, s, 4000);
	/* 300 bytes of room: neither a segment nor half of the window. */
	in(w, ACK, .seq = 1, .ack = 1001, .win = 3300);
	none(w);
	in(w, ACK, .seq = 1, .ack = 2001, .win = 3000);
	out(w, ACK, .seq = 4001, .ack = 1, .len = 1000);
	none(w);
	/* (2): PSH, all that there is, fits. */
	in(w, ACK, .seq = 1, .ack = 8001 - 3000, .win = 3000);
	out(w, ACK, .seq = 5001, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 6001, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 7001, .ack = 1, .len = 1000);
}

/* (3): half of the largest window is worth a segment. */
static void half_of_the_largest_window_is_worth_it(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 600);

	call_write(w, s, 2000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 600);
	in(w, ACK, .seq = 1, .ack = 601, .win = 200);
	none(w);
	in(w, ACK, .seq = 1, .ack = 601, .win = 300);
	out(w, ACK, .seq = 601, .ack = 1, .len = 300);
}

/* "... override timeout ... 0.1 - 1.0 second" */
static void a_small_window_is_used_in_the_end(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 4000);

	in(w, ACK, .seq = 1, .ack = 1, .win = 300);
	call_write(w, s, 2000);
	after(w, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 300);
}

/* However much the peer itself sends meanwhile. */
static void a_small_window_is_used_although_acks_come(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .win = 4000);

	in(w, ACK, .seq = 1, .ack = 1, .win = 300);
	call_write(w, s, 2000);
	quiet(w, 200);
	in(w, ACK, .seq = 1, .ack = 1, .win = 300);
	after(w, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 300);
}

/* ---- Receiving: the window closes without shrinking (SHLD-14) */

/* The window that is announced after @n segments, all read. */
static uint32_t window_after(
    struct wire *w, uint32_t s, uint32_t *seq, uint32_t n)
{
	const struct sent *is;
	uint32_t wnd = 0;

	for (uint32_t i = 0; i < n; i++, *seq += 1000) {
		in(w, ACK, .seq = *seq, .ack = 1, .len = 1000);
		while ((is = wire_next(w)) != NULL)
			wnd = is->h.window;
		call_read(w, s, 1000);
		while ((is = wire_next(w)) != NULL)
			wnd = is->h.window;
	}
	return wnd;
}

/*
 * TCP_WINDOW_CLAMP, as in Linux: what is announced stays (SHLD-14), but the
 * window is not opened again until it is less than so much.
 */
static void the_clamp_holds_on_a_live_connection(struct wire *w)
{
	uint32_t s = established(w, .rtt = 1);
	uint32_t seq = 1;

	must(w, window_after(w, s, &seq, 10) > 60000);
	call_setopt(w, s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 4000);
	must(w, window_after(w, s, &seq, 30) > 30000);
	for (int i = 0; i < 10; i++) {
		uint32_t wnd = window_after(w, s, &seq, 10);

		must(w, i < 4 || (wnd >= 2000 && wnd <= 4000));
	}
	/* Less than a segment: still it opens. */
	call_setopt(w, s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1);
	for (int i = 0; i < 20; i++)
		in(w, ACK, .seq = seq, .ack = 1, .len = 100), seq += 100,
		    call_read(w, s, 100), wire_drain(w);
	must(w, conn_rcv_wnd(wire_tcb(w)) >= 576);
	must(w, conn_rcv_wnd(wire_tcb(w)) <= 1152);
	call_setopt(w, s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000);
	seq = window_after(w, s, &seq, 1);
	must(w, seq >= 19000 && seq <= 20000);
}

static void the_clamp_is_in_the_syn(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	call_setopt(w, l, IPPROTO_TCP, TCP_WINDOW_CLAMP, 4000);
	in(w, SYN, .seq = 0, .mss = 1000, .ws = WS(3));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS, .win = 4000,
	    .ws = WS(0));
	in(w, ACK, .seq = 1, .ack = 1);
	call_accept(w, l);
}

static const char SMALL_BUFFER[] =
    "\"rcvbuf_default\":8192,\"rcvbuf_max\":8192,\"window_scaling\":false";

/* The right edge that was announced last. */
static uint32_t edge(struct wire *w)
{
	return wire_tcb(w)->adv.n - w->c[w->cur].irs;
}

static void the_window_closes_as_data_comes(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);
	uint32_t first = edge(w);
	uint32_t at = 1;

	must(w, first > 7000 && first <= 8193);
	while (at < first) {
		uint32_t len = first - at < 1000 ? first - at : 1000;
		const struct sent *is;

		in(w, ACK, .seq = at, .ack = 1, .len = len);
		at += len;
		is = wire_next(w);
		must(w, is != NULL && is->h.ack.n == w->c[0].irs + at);
		/* The right edge moves, if at all, to the right. */
		must(w, is->h.window + at >= first);
		must(w, is->h.window + at <= 8193);
		none(w);
		first = is->h.window + at;
	}
	must(w, wire_readable(w, s) == at - 1);
}

/* Probes of our closed window are answered, their text is not taken. */
static void our_closed_window_is_probed(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);
	uint32_t end;

	for (uint32_t at = 1; at < (end = edge(w)); at += 500) {
		in(w, ACK, .seq = at, .ack = 1,
		    .len = end - at < 500 ? end - at : 500);
		wire_drain(w);
	}
	for (int i = 0; i < 10; i++) {
		quiet(w, 1000);
		in(w, ACK, .seq = end, .ack = 1, .len = 1);
		out(w, ACK, .seq = 1, .ack = end, .win = ZERO);
	}
	must(w, wire_readable(w, s) == end - 1);
	must(w, wire_count(w, CNT_TCP_NO_WINDOW) == 10);
	/* The special allowance (MUST-66): URG, ACKs and resets are valid. */
	quiet(w, 1000);
	in(w, ACK | URG, .seq = end, .ack = 1, .urg = 5);
	none(w);
	must(w, wire_tcb(w)->flags & CONN_URGENT);
	must(w, wire_tcb(w)->rcv_up.n == w->c[0].irs + end + 5);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = end, .len = 10, .win = ZERO);
	in(w, ACK, .seq = end, .ack = 11);
	must(w, wire_unacked(w, s) == 0);
	in(w, RST, .seq = end);
	state_is(w, TCP_CLOSED);
}

/* 3.8.6.2.2, MUST-39: small steps are not announced ... */
static void small_reads_do_not_open_the_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);
	uint32_t end;

	for (uint32_t at = 1; at < (end = edge(w)); at += 500) {
		in(w, ACK, .seq = at, .ack = 1,
		    .len = end - at < 500 ? end - at : 500);
		wire_drain(w);
	}
	call_read(w, s, 1);
	call_read(w, s, 100);
	call_read(w, s, 500);
	none(w);
	/* ... nor in the answer to a probe ... */
	in(w, ACK, .seq = end, .ack = 1, .len = 1);
	out(w, ACK, .seq = 1, .ack = end, .win = ZERO);
	/* ... but one that is worth a segment is, at once. */
	call_read(w, s, 1000);
	must(w, w->queued == 1);
	must(w, w->queue[w->first].h.window >= 1440);
	wire_drain(w);
}

/* The stall of small stacks: who reads all lets the peer go on at once. */
static void reading_all_opens_the_window_at_once(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);
	uint32_t end;

	for (uint32_t at = 1; at < (end = edge(w)); at += 500) {
		in(w, ACK, .seq = at, .ack = 1,
		    .len = end - at < 500 ? end - at : 500);
		wire_drain(w);
	}
	call_read(w, s, end - 1);
	must(w, w->queued == 1);
	must(w, w->queue[w->first].h.window >= 7000);
	wire_drain(w);
	in(w, ACK, .seq = end, .ack = 1, .len = 1000);
	wire_drain(w);
	call_read(w, s, 1000);
	wire_drain(w);
}

/* RFC 7323, 2.3: the window field of a SYN is never scaled. */
static void windows_are_scaled_but_for_the_syn(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .ws = WS(4), .win = 125);
	uint32_t n = 0;

	/* The SYN's 125 bytes, the ACK's 125 * 16. */
	call_write(w, s, 5000);
	while (w->queued > 0)
		n += wire_next(w)->len;
	must(w, n == 2000);
	in(w, ACK, .seq = 1, .ack = 2001, .win = 1000);
	while (w->queued > 0)
		n += wire_next(w)->len;
	must(w, n == 5000);
}

static void our_window_is_scaled(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0, .ws = WS(0));

	in(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	must(w, w->queued == 1);
	must(w, w->c[0].our_ws > 0);
	/* As large as the buffer now, and not more than the ring. */
	must(w,
	    (uint32_t)w->queue[w->first].h.window << w->c[0].our_ws >
		65535 - 1000 - 65536 / 4);
	must(w,
	    (uint32_t)w->queue[w->first].h.window << w->c[0].our_ws <=
		APP_RX_BYTES);
	wire_drain(w);
	call_read(w, s, 1000);
}

/* A program that keeps up with a fast path gets a larger buffer. */
static void the_window_grows_with_the_rate(struct wire *w)
{
	uint32_t s = established(w, .rtt = 50, .ws = WS(7));
	uint32_t at = 1, first, now = 0;

	in(w, ACK, .seq = at++, .ack = 1, .len = 1);
	wire_drain(w);
	call_read(w, s, 1);
	wire_drain(w);
	first = w->c[0].edge - at;
	for (int round = 0; round < 12; round++) {
		uint32_t end = w->c[0].edge;

		for (; at < end; at += 10000) {
			uint32_t len = end - at < 10000 ? end - at : 10000;

			in(w, ACK, .seq = at, .ack = 1, .len = len,
			    .gso = 1000);
			wire_drain(w);
			call_read(w, s, len);
			wire_drain(w);
			if (len < 10000) {
				at += len;
				break;
			}
		}
		pass(w, 50);
		wire_drain(w);
		now = w->c[0].edge - at;
	}
	must(w, now > 2 * first);
	must(w, now <= APP_RX_BYTES);
}

static const struct script scripts[] = {
	SCRIPT(a_closed_window_is_probed_for_ever),
	SCRIPT(a_probe_may_be_taken),
	SCRIPT(a_fin_before_a_closed_window),
	SCRIPT(a_window_that_was_never_open),
	SCRIPT(without_data_nobody_probes),
	SCRIPT(a_full_window_and_its_update),
	SCRIPT(a_lost_update_is_found),
	SCRIPT(a_window_that_shrinks),
	SCRIPT(a_window_that_shrinks_to_nothing),
	SCRIPT(a_retransmission_brings_the_window),
	SCRIPT(no_small_segment_into_a_small_window),
	SCRIPT(half_of_the_largest_window_is_worth_it),
	SCRIPT(a_small_window_is_used_in_the_end),
	SCRIPT(a_small_window_is_used_although_acks_come),
	SCRIPT(the_clamp_holds_on_a_live_connection),
	SCRIPT(the_clamp_is_in_the_syn),
	SCRIPT_WITH(the_window_closes_as_data_comes, SMALL_BUFFER),
	SCRIPT_WITH(our_closed_window_is_probed, SMALL_BUFFER),
	SCRIPT_WITH(small_reads_do_not_open_the_window, SMALL_BUFFER),
	SCRIPT_WITH(reading_all_opens_the_window_at_once, SMALL_BUFFER),
	SCRIPT(windows_are_scaled_but_for_the_syn),
	SCRIPT(our_window_is_scaled),
	SCRIPT(the_window_grows_with_the_rate),
};

WIRE_MAIN(scripts)
