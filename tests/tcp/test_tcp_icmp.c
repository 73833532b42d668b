/*
 * test_tcp_icmp.c - ICMP errors: RFC 9293, 3.9.2.2; RFC 5927; RFC 1191, 8201
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "tests/tcp/wire.h"

static void too_big(struct wire *w, uint32_t mtu, uint32_t seq)
{
	if (w->v6)
		in_icmp(w, ICMP6_PACKET_TOO_BIG, 0, mtu, seq);
	else
		in_icmp(w, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu, seq);
}

/* No route: soft.  Nobody at that port: hard. */
static void no_route(struct wire *w, uint32_t seq)
{
	if (w->v6)
		in_icmp(w, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, 0, seq);
	else
		in_icmp(w, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, seq);
}

static void no_port(struct wire *w, uint32_t seq)
{
	if (w->v6)
		in_icmp(w, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, 0, seq);
	else
		in_icmp(w, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, seq);
}

/* What IP and TCP headers take. */
static uint32_t headers(const struct wire *w)
{
	return w->v6 ? 60 : 40;
}

static uint32_t large(struct wire *w)
{
	return established(w, .rtt = 100, .sack = true, .mss = 1400);
}

/* ---- The path's MTU */

static void too_big_makes_segments_smaller(struct wire *w)
{
	uint32_t s = large(w);
	uint32_t mss = 1300 - headers(w);

	call_write(w, s, 2800);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	out(w, ACK, .seq = 1401, .ack = 1, .len = 1400);
	too_big(w, 1300, 1);
	/* RFC 1191, 6.4: at once, without waiting for the timeout. */
	out(w, ACK, .seq = 1, .ack = 1, .len = mss);
	out(w, ACK, .seq = 1 + mss, .ack = 1, .len = mss);
	out(w, ACK, .seq = 1 + 2 * mss, .ack = 1, .len = 2800 - 2 * mss);
	in(w, ACK, .seq = 1, .ack = 2801);
	call_write(w, s, 3000);
	out(w, ACK, .seq = 2801, .ack = 1, .len = mss);
	wire_drain(w);
	counted(w, CNT_TCP_ICMP_RECEIVED, 1);
}

/* RFC 5927, 4.1: SND.UNA =< SEG.SEQ < SND.NXT, or it is forged. */
static void a_forged_one_is_ignored(struct wire *w)
{
	uint32_t s = large(w);

	call_write(w, s, 1400);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	too_big(w, 600, 0);
	too_big(w, 600, 1401);
	too_big(w, 600, 0x70000000);
	none(w);
	counted(w, CNT_TCP_ICMP_BAD_SEQ, 3);
	in(w, ACK, .seq = 1, .ack = 1401);
	/* Nothing in flight: nothing is believed. */
	too_big(w, 600, 1401);
	counted(w, CNT_TCP_ICMP_BAD_SEQ, 4);
	call_write(w, s, 1400);
	out(w, ACK, .seq = 1401, .ack = 1, .len = 1400);
}

/* A route of less than what every path must take: RFC 8201, 4. */
static void a_ridiculous_mtu_is_not_obeyed(struct wire *w)
{
	uint32_t s = large(w);
	uint32_t least = (w->v6 ? 1280 : 552) - headers(w);

	call_write(w, s, 1400);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	too_big(w, 68, 1);
	out(w, ACK, .seq = 1, .ack = 1, .len = least);
	wire_drain(w);
	must(w, wire_tcb(w)->mss == least);
}

/* It does not make anything larger. */
static void a_larger_one_is_no_news(struct wire *w)
{
	uint32_t s = large(w);

	call_write(w, s, 1400);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	too_big(w, 1500, 1);
	too_big(w, 9000, 1);
	too_big(w, 0xffffffff, 1);
	none(w);
	must(w, wire_tcb(w)->mss == 1400);
}

/* RFC 8201, 4; RFC 1191, 6.3: after ten minutes a larger one is tried. */
static void it_ages(struct wire *w)
{
	uint32_t s = large(w);

	call_write(w, s, 1400);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	too_big(w, 1300, 1);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 1401);
	must(w, wire_tcb(w)->mss == 1300 - headers(w));
	quiet(w, 290000);
	must(w, wire_tcb(w)->mss == 1300 - headers(w));
	quiet(w, 320000);
	must(w, wire_tcb(w)->mss == 1400);
	call_write(w, s, 1400);
	out(w, ACK, .seq = 1401, .ack = 1, .len = 1400);
}

/* RFC 2923, 2.1: routers that say nothing. */
static void a_black_hole_is_found(struct wire *w)
{
	uint32_t s = large(w);
	uint32_t tries = 0;

	call_write(w, s, 1400);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	for (; tries < 10; tries++) {
		const struct sent *is;

		pass(w, 300 << tries);
		while ((is = wire_next(w)) != NULL && is->len == 1400)
			;
		wire_drain(w);
		if (is != NULL)
			break;
	}
	must(w, tries < 5);
	counted(w, CNT_TCP_BLACK_HOLES, 1);
	must(w, wire_tcb(w)->mss == (w->v6 ? 1220U : 1024U));
	in(w, ACK, .seq = 1, .ack = 1401);
	wire_drain(w);
	/* Perhaps it is none any more: RFC 4821, 7.3: ten minutes later. */
	quiet(w, 590000);
	must(w, wire_tcb(w)->mss == (w->v6 ? 1220U : 1024U));
	quiet(w, 20000);
	must(w, wire_tcb(w)->mss == 1400);
	call_write(w, s, 1400);
	out(w, ACK, .seq = 1401, .ack = 1, .len = 1400);
}

/* ---- Unreachable */

/* MUST-56, SHLD-25; RFC 5461: the first SYN is not given up for it. */
static void soft_in_syn_sent_is_remembered(struct wire *w)
{
	uint32_t s = call_connect(w);

	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	no_route(w, 0);
	none(w);
	state_is(w, TCP_SYN_SENT);
	after(w, 1000);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	/* But the second time nobody waits for minutes (RFC 5461, 4.1). */
	no_route(w, 0);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == EHOSTUNREACH);
}

/* SHLD-26. */
static void hard_in_syn_sent_ends_it(struct wire *w)
{
	uint32_t s = call_connect(w);

	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	no_port(w, 5);
	state_is(w, TCP_SYN_SENT);
	counted(w, CNT_TCP_ICMP_BAD_SEQ, 1);
	no_port(w, 0);
	none(w);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ECONNREFUSED);
}

/* MUST-56.  Its SYN-ACK was only late: the caller's ACK must find it. */
static void soft_does_not_end_who_is_called(struct wire *w)
{
	reach(w, TCP_SYN_RECEIVED);
	quiet(w, 900);
	pass(w, 200);
	wire_drain(w);
	no_route(w, 0);
	none(w);
	state_is(w, TCP_SYN_RECEIVED);
	in(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
}

/* MUST-56; RFC 5927, 5.2: no error ends an established connection. */
static void nothing_ends_what_is_established(struct wire *w)
{
	uint32_t s = large(w);
	uint8_t codes = w->v6 ? 7 : 16;

	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	for (uint8_t code = 0; code < codes; code++)
		if (w->v6)
			in_icmp(w, ICMP6_DST_UNREACH, code, 0, 1);
		else if (code != ICMP_FRAG_NEEDED)
			in_icmp(w, ICMP_DEST_UNREACH, code, 0, 1);
	for (uint8_t code = 0; code < 2; code++) {
		in_icmp(w, w->v6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED,
		    code, 0, 1);
		in_icmp(w, w->v6 ? ICMP6_PARAM_PROB : ICMP_PARAMETERPROB, code,
		    0, 1);
	}
	/* MUST-55: "MUST silently discard Source Quench". */
	if (!w->v6)
		in_icmp(w, ICMP_SOURCE_QUENCH, 0, 0, 1);
	none(w);
	state_is(w, TCP_ESTABLISHED);
	must(w, call_error(w, s) == 0);
	in(w, ACK, .seq = 1, .ack = 101);
	must(w, wire_unacked(w, s) == 0);
}

/* But if it dies anyway, it was for that reason. */
static void the_reason_is_told_in_the_end(struct wire *w)
{
	uint32_t s = large(w);

	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	no_route(w, 1);
	for (int i = 0; i < 40 && wire_state(w) != TCP_CLOSED; i++) {
		pass(w, 120000);
		wire_drain(w);
	}
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == EHOSTUNREACH);
}

/* About nobody's segment. */
static void about_no_connection(struct wire *w)
{
	no_port(w, 0);
	too_big(w, 1280, 77);
	none(w);
	counted(w, CNT_TCP_ICMP_NO_CONNECTION, 2);
}

static const struct script scripts[] = {
	SCRIPT(too_big_makes_segments_smaller),
	SCRIPT(a_forged_one_is_ignored),
	SCRIPT(a_ridiculous_mtu_is_not_obeyed),
	SCRIPT(a_larger_one_is_no_news),
	SCRIPT(it_ages),
	SCRIPT(a_black_hole_is_found),
	SCRIPT(soft_in_syn_sent_is_remembered),
	SCRIPT(hard_in_syn_sent_ends_it),
	SCRIPT(soft_does_not_end_who_is_called),
	SCRIPT(nothing_ends_what_is_established),
	SCRIPT(the_reason_is_told_in_the_end),
	SCRIPT(about_no_connection),
};

WIRE_MAIN(scripts)
