/*
 * test_tcp_flood.c - more calls than can be taken: RFC 4987
 *
 * Half-open connections beyond the backlog, SYN cookies, a full accept queue.
 */
#include "tests/tcp/wire.h"

/* @n calls that nobody completes, from connection 100 on. */
static void flood(struct wire *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		on(w, 100 + i);
		in(w, SYN, .seq = 0, .mss = 1000);
		wire_drain(w);
	}
}

/* RFC 4987, 3.6: "no state is kept": yet the handshake is completed. */
static void a_cookie_opens_a_connection(struct wire *w)
{
	uint32_t l = call_listen_with(w, 80, 4, 8);
	uint32_t s, used;

	flood(w, 5);
	used = w->t->conns.half_open;
	on(w, 0);
	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	state_is(w, TCP_CLOSED);
	must(w, w->t->conns.half_open == used);
	counted(w, CNT_TCP_COOKIES_SENT, 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	state_is(w, TCP_ESTABLISHED);
	counted(w, CNT_TCP_COOKIES_BACK, 1);
	s = call_accept(w, l);
	call_read(w, s, 10);
	call_write(w, s, 3000);
	must(w, w->queued > 0);
	/* The MSS is the next smaller of a few. */
	must(
	    w, w->queue[w->first].len > 1300 && w->queue[w->first].len <= 1460);
	wire_drain(w);
}

/* With timestamps all options are kept. */
static void timestamps_keep_the_options(struct wire *w)
{
	uint32_t l = call_listen_with(w, 80, 4, 8);

	flood(w, 5);
	on(w, 0);
	in(w, SYN, .seq = 0, .mss = 1460, .ws = WS(7), .sack_ok = true,
	    .ts = TS(1000, 0));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS, .ws = OUR_WS,
	    .sack_ok = true, .ts = ECR(1000));
	state_is(w, TCP_CLOSED);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1, .win = 100, .ts = TS(1100, 0));
	state_is(w, TCP_ESTABLISHED);
	must(w, wire_tcb(w)->snd.wnd == 100 << 7);
	call_accept(w, l);
	in(w, ACK, .seq = 101, .ack = 1, .len = 10, .ts = TS(1200, 0));
	out(w, ACK, .seq = 1, .ack = 1, .sack = { { 101, 111 } });
}

/* A guess is answered with a reset. */
static void a_wrong_cookie_is_refused(struct wire *w)
{
	call_listen_with(w, 80, 4, 8);
	flood(w, 5);
	on(w, 0);
	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 100);
	out(w, RST, .seq = 100, .win = ZERO);
	in(w, ACK, .seq = 2, .ack = 1);
	out(w, RST, .seq = 1, .win = ZERO);
	counted(w, CNT_TCP_COOKIES_BACK, 0);
	in(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
}

/* One or two minutes, and it is worth nothing. */
static void an_old_cookie_is_refused(struct wire *w)
{
	call_listen_with(w, 80, 4, 8);
	flood(w, 5);
	on(w, 0);
	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	pass(w, 200000);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 1);
	out(w, RST, .seq = 1, .win = ZERO);
}

/* Without cookies a SYN too many is dropped. */
static void without_cookies_it_is_dropped(struct wire *w)
{
	call_listen_with(w, 80, 4, 8);
	flood(w, 5);
	on(w, 0);
	in(w, SYN, .seq = 0, .mss = 1460);
	none(w);
	counted(w, CNT_TCP_SYN_DROPPED, 1);
	/* One of the others gives up: there is room. */
	on(w, 100);
	in(w, RST, .seq = 1);
	on(w, 0);
	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
}

static void always_cookies(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	state_is(w, TCP_CLOSED);
	in(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
	call_accept(w, l);
}

/* ---- The accept queue */

/* A backlog of 1: two wait, as in the kernel; then SYNs are dropped. */
static void a_full_accept_queue(struct wire *w)
{
	uint32_t l = call_listen_with(w, 80, 1, 8);

	for (uint32_t i = 0; i < 2; i++) {
		on(w, i);
		in(w, SYN, .seq = 0, .mss = 1000);
		out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
		in(w, ACK, .seq = 1, .ack = 1);
		state_is(w, TCP_ESTABLISHED);
	}
	on(w, 2);
	in(w, SYN, .seq = 0, .mss = 1000);
	none(w);
	counted(w, CNT_TCP_LISTEN_OVERFLOW, 1);
	call_accept(w, l);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
}

/* No socket to be had: the ACK is as good as lost, and asked for again. */
static void no_socket_for_it(struct wire *w)
{
	uint32_t l = call_listen_with(w, 80, 10, 0);
	uint32_t s;

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	state_is(w, TCP_SYN_RECEIVED);
	counted(w, CNT_TCP_NO_SPARE, 1);
	/* Whoever sleeps on the listener gets the chance to make some. */
	call_woken(w, l);
	after(w, 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	/* There is one: the ACK is asked for at once. */
	call_spares(w, l, 1);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	s = call_accept(w, l);
	call_read(w, s, 10);
}

static void overflow_may_be_told(struct wire *w)
{
	call_listen_with(w, 80, 10, 0);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	out(w, RST | ACK, .seq = 1, .ack = 1, .win = ZERO);
	state_is(w, TCP_CLOSED);
}

static const struct script scripts[] = {
	SCRIPT(a_cookie_opens_a_connection),
	SCRIPT(timestamps_keep_the_options),
	SCRIPT(a_wrong_cookie_is_refused),
	SCRIPT(an_old_cookie_is_refused),
	SCRIPT_WITH(without_cookies_it_is_dropped, "\"syn_cookies\":0"),
	SCRIPT_WITH(always_cookies, "\"syn_cookies\":2"),
	SCRIPT(a_full_accept_queue),
	SCRIPT(no_socket_for_it),
	SCRIPT_WITH(overflow_may_be_told, "\"abort_on_overflow\":true"),
};

WIRE_MAIN(scripts)
