/*
 * test_tcp_listen.c - CLOSED and LISTEN: RFC 9293, 3.10.7.1 and 3.10.7.2
 */
#include <errno.h>

#include "tests/tcp/wire.h"

/* ---- CLOSED: 3.10.7.1 */

/* "An incoming segment containing a RST is discarded." */
static void closed_a_reset_is_discarded(struct wire *w)
{
	in(w, RST, .seq = 0);
	in(w, RST | ACK, .seq = 0, .ack = 5, .len = 10);
	none(w);
	counted(w, CNT_TCP_NO_CONNECTION, 2);
}

/* "If the ACK bit is off ... <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>" */
static void closed_without_an_ack_the_reset_acknowledges(struct wire *w)
{
	in(w, SYN, .seq = 0);
	out(w, RST | ACK, .seq = 0, .ack = 1, .win = ZERO);
	in(w, SYN | FIN, .seq = 10, .len = 100);
	out(w, RST | ACK, .seq = 0, .ack = 112, .win = ZERO);
	in(w, 0, .seq = 10, .len = 7);
	out(w, RST | ACK, .seq = 0, .ack = 17, .win = ZERO);
	counted(w, CNT_TCP_RESETS_SENT, 3);
}

/* "If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>" */
static void closed_with_an_ack_the_reset_takes_its_number(struct wire *w)
{
	in(w, ACK, .seq = 3, .ack = 4711);
	out(w, RST, .seq = 4711, .win = ZERO);
	in(w, SYN | ACK, .seq = 3, .ack = 4712);
	out(w, RST, .seq = 4712, .win = ZERO);
	in(w, FIN | ACK | PSH, .seq = 3, .ack = 0, .len = 1);
	out(w, RST, .seq = 0, .win = ZERO);
}

/* ---- LISTEN */

/* First: "An incoming RST should be ignored." */
static void a_reset_is_ignored(struct wire *w)
{
	call_listen(w, 80);
	in(w, RST, .seq = 0);
	in(w, RST | ACK, .seq = 0, .ack = 5);
	in(w, RST | SYN, .seq = 0);
	none(w);
	counted(w, CNT_TCP_LISTEN_RST, 3);
}

/* Second: "Any acknowledgment is bad ... <SEQ=SEG.ACK><CTL=RST>" */
static void an_ack_is_answered_with_a_reset(struct wire *w)
{
	call_listen(w, 80);
	in(w, ACK, .seq = 1, .ack = 777);
	out(w, RST, .seq = 777, .win = ZERO);
	in(w, SYN | ACK, .seq = 0, .ack = 888);
	out(w, RST, .seq = 888, .win = ZERO);
	in(w, FIN | ACK, .seq = 0, .ack = 999, .len = 10);
	out(w, RST, .seq = 999, .win = ZERO);
	counted(w, CNT_TCP_LISTEN_ACK, 3);
	counted(w, CNT_TCP_RESETS_SENT, 3);
}

/* Third: a SYN; figure 6, the three-way handshake. */
static void a_syn_opens_a_connection(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN, .seq = 0, .win = 65535, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	state_is(w, TCP_SYN_RECEIVED);
	must(w, !wire_can_accept(w, l));
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	state_is(w, TCP_ESTABLISHED);
	call_accept(w, l);
	counted(w, CNT_TCP_PASSIVE_OPENS, 1);
	counted(w, CNT_TCP_ACCEPTED, 1);
}

/* "... any other control or text should be queued", or come again. */
static void what_comes_with_the_syn_may_come_again(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s;

	in(w, SYN | FIN, .seq = 0, .len = 100, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, FIN | ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 102);
	s = call_accept(w, l);
	call_read(w, s, 100);
	must(w, wire_at_end(w, s));
	state_is(w, TCP_CLOSE_WAIT);
}

/* The third segment may carry text (3.5: "data can be ... with the ACK"). */
static void the_last_ack_may_carry_data(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, PSH | ACK, .seq = 1, .ack = 1, .len = 50);
	out(w, ACK, .seq = 1, .ack = 51);
	call_read(w, call_accept(w, l), 50);
}

/* Fourth: "you are unlikely to get here, but if you do, drop the segment" */
static void neither_syn_nor_ack_nor_rst_is_dropped(struct wire *w)
{
	call_listen(w, 80);
	in(w, 0, .seq = 0);
	in(w, FIN, .seq = 0);
	in(w, PSH | URG, .seq = 0, .len = 10, .urg = 5);
	in(w, ECE | CWR | AE, .seq = 0);
	none(w);
	counted(w, CNT_TCP_LISTEN_NOTHING, 4);
	state_is(w, TCP_CLOSED);
}

/* 3.10.4: CLOSE in LISTEN; who asked for a connection is forgotten. */
static void close_ends_listening(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	call_close(w, l);
	none(w);
	state_is(w, TCP_CLOSED);
	in(w, ACK, .seq = 1, .ack = 1);
	out(w, RST, .seq = 1, .win = ZERO);
	in(w, SYN, .seq = 0);
	out(w, RST | ACK, .seq = 0 - w->c[0].iss, .ack = 1, .win = ZERO);
}

/* MUST-41: connections at one port do not disturb each other. */
static void many_connections_at_one_port(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s[10];

	for (uint32_t i = 0; i < 10; i++) {
		on(w, i);
		in(w, SYN, .seq = 0, .mss = 1460);
		out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	}
	for (uint32_t i = 0; i < 10; i++) {
		on(w, i);
		in(w, ACK, .seq = 1, .ack = 1);
		none(w);
		s[i] = call_accept(w, l);
	}
	for (uint32_t i = 0; i < 10; i++) {
		on(w, i);
		in(w, ACK, .seq = 1, .ack = 1, .len = 10 + i);
		out(w, ACK, .seq = 1, .ack = 11 + i);
		call_write(w, s[i], 20);
		out(w, ACK, .seq = 1, .ack = 11 + i, .len = 20);
		must(w, wire_readable(w, s[i]) == 10 + i);
	}
	on(w, 3);
	in(w, RST, .seq = 14);
	for (uint32_t i = 0; i < 10; i++) {
		on(w, i);
		state_is(w, i == 3 ? TCP_CLOSED : TCP_ESTABLISHED);
	}
}

/* RFC 9293, 3.4.1: ISN = M + F(); M ticks about every 4 us. */
static void initial_numbers_grow_with_the_clock(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t first, grown;

	(void)l;
	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	first = w->c[0].iss;
	in(w, RST, .seq = 1);
	quiet(w, 1000);
	in(w, SYN, .seq = 5000, .mss = 1460);
	on(w, 0);
	out(w, SYN | ACK, .seq = 0, .ack = 5001, .mss = OUR_MSS);
	grown = w->c[0].iss - first;
	must(w, grown >= 249000 && grown <= 251000);
	/* Between other ends: from another place. */
	on(w, 1);
	in(w, SYN, .seq = 0, .mss = 1460);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	must(w,
	    w->c[1].iss - w->c[0].iss > 1000000 &&
		w->c[0].iss - w->c[1].iss > 1000000);
}

static const struct script scripts[] = {
	SCRIPT(closed_a_reset_is_discarded),
	SCRIPT(closed_without_an_ack_the_reset_acknowledges),
	SCRIPT(closed_with_an_ack_the_reset_takes_its_number),
	SCRIPT(a_reset_is_ignored),
	SCRIPT(an_ack_is_answered_with_a_reset),
	SCRIPT(a_syn_opens_a_connection),
	SCRIPT(what_comes_with_the_syn_may_come_again),
	SCRIPT(the_last_ack_may_carry_data),
	SCRIPT(neither_syn_nor_ack_nor_rst_is_dropped),
	SCRIPT(close_ends_listening),
	SCRIPT(many_connections_at_one_port),
	SCRIPT(initial_numbers_grow_with_the_clock),
};

WIRE_MAIN(scripts)
