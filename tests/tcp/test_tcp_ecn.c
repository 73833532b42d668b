/*
 * test_tcp_ecn.c - explicit congestion notification: RFC 3168, 6.1
 */
#include "tests/tcp/wire.h"

enum {
	NOT_ECT = 0,
	ECT0 = 2,
	CE = 3,
};

static void agree(struct wire *w, uint32_t *s)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN | ECE | CWR, .seq = 0, .mss = 1000, .sack_ok = true);
	out(w, SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = OUR_MSS,
	    .sack_ok = true);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1);
	*s = call_accept(w, l);
}

/* 6.1.1: "ECN-setup SYN-ACK". */
static void asked_we_agree(struct wire *w)
{
	uint32_t s;

	agree(w, &s);
	/* 6.1.2: data is ECT. */
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100, .ecn = ECT0);
	/* 6.1.4: pure ACKs are not. */
	in(w, ACK, .seq = 1, .ack = 101, .len = 100, .ecn = ECT0);
	out(w, ACK, .seq = 101, .ack = 101, .ecn = NOT_ECT);
}

/* 6.1.1.1, (1) to (4): asked no more, we agree no more. */
static void a_question_that_is_taken_back(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s;

	in(w, SYN | ECE | CWR, .seq = 0, .mss = 1000);
	out(w, SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	s = call_accept(w, l);
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100, .ecn = NOT_ECT);
}

/* Not an ECN-setup SYN. */
static void half_a_question_is_none(struct wire *w)
{
	static const uint16_t flags[] = { SYN | ECE, SYN | CWR, SYN };

	for (uint32_t i = 0; i < 3; i++) {
		uint32_t l, s;

		on(w, i);
		l = reach(w, TCP_LISTEN);
		in(w, flags[i], .seq = 0, .mss = 1000);
		out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
		in(w, ACK, .seq = 1, .ack = 1);
		s = call_accept(w, l);
		call_write(w, s, 100);
		out(w, ACK, .seq = 1, .ack = 1, .len = 100, .ecn = NOT_ECT);
	}
}

static void by_default_we_do_not_ask(struct wire *w)
{
	call_connect(w);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
}

static void told_to_we_ask(struct wire *w)
{
	uint32_t s = call_connect(w);

	out(w, SYN | ECE | CWR, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS,
	    .sack_ok = true, .ts = ECR(0));
	in(w, SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1, .ecn = NOT_ECT);
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100, .ecn = ECT0);
	/* The answer of who reflects all bits: "not an ECN-setup SYN-ACK". */
	on(w, 1);
	s = call_connect(w);
	out(w, SYN | ECE | CWR, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS,
	    .sack_ok = true, .ts = ECR(0));
	in(w, SYN | ACK | ECE | CWR, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100, .ecn = NOT_ECT);
}

/* 6.1.1.1: "... may resend the SYN without CWR and ECE". */
static void a_path_that_drops_the_question(struct wire *w)
{
	call_connect(w);
	out(w, SYN | ECE | CWR, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS,
	    .sack_ok = true, .ts = ECR(0));
	after(w, 1000);
	out(w, SYN | ECE | CWR, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS,
	    .sack_ok = true, .ts = ECR(0));
	after(w, 2000);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
}

static void forbidden_we_do_not_agree(struct wire *w)
{
	call_listen(w, 80);
	in(w, SYN | ECE | CWR, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
}

/* 6.1.3: ECE in every ACK until CWR has come. */
static void what_was_marked_is_echoed(struct wire *w)
{
	uint32_t s;

	agree(w, &s);
	in(w, ACK, .seq = 1, .ack = 1, .len = 100, .ecn = ECT0);
	out(w, ACK, .seq = 1, .ack = 101);
	in(w, ACK, .seq = 101, .ack = 1, .len = 100, .ecn = CE);
	out(w, ACK | ECE, .seq = 1, .ack = 201);
	in(w, ACK, .seq = 201, .ack = 1, .len = 100, .ecn = ECT0);
	out(w, ACK | ECE, .seq = 1, .ack = 301);
	call_write(w, s, 10);
	out(w, ACK | ECE, .seq = 1, .ack = 301, .len = 10, .ecn = ECT0);
	in(w, ACK | CWR, .seq = 301, .ack = 11, .len = 100, .ecn = ECT0);
	out(w, ACK, .seq = 11, .ack = 401);
	/* CWR in a segment that is itself marked: again. */
	in(w, ACK | CWR, .seq = 401, .ack = 11, .len = 100, .ecn = CE);
	out(w, ACK | ECE, .seq = 11, .ack = 501);
}

/* 6.1.2: once for each window; CWR with the next new data. */
static void an_echo_reduces_the_window_once(struct wire *w)
{
	uint32_t s, before, then;

	agree(w, &s);
	call_write(w, s, 10000);
	for (uint32_t i = 0; i < 10; i++)
		out(w, ACK, .seq = 1 + i * 1000, .ack = 1, .len = 1000,
		    .ecn = ECT0);
	before = wire_tcb(w)->cc.cwnd;
	quiet(w, 100);
	in(w, ACK | ECE, .seq = 1, .ack = 1001);
	none(w);
	then = wire_tcb(w)->cc.cwnd;
	must(w, then < before && then >= before / 2);
	in(w, ACK | ECE, .seq = 1, .ack = 2001);
	in(w, ACK | ECE, .seq = 1, .ack = 9001);
	must(w, wire_tcb(w)->cc.cwnd >= then);
	call_write(w, s, 2000);
	out(w, ACK | CWR, .seq = 10001, .ack = 1, .len = 1000, .ecn = ECT0);
	out(w, ACK, .seq = 11001, .ack = 1, .len = 1000, .ecn = ECT0);
	/* The next window's echo counts again. */
	quiet(w, 100);
	then = wire_tcb(w)->cc.cwnd;
	in(w, ACK | ECE, .seq = 1, .ack = 11001);
	must(w, wire_tcb(w)->cc.cwnd < then);
}

/* 6.1.5: retransmitted data is not ECT. */
static void what_is_sent_again_is_not_ect(struct wire *w)
{
	uint32_t s;

	agree(w, &s);
	call_write(w, s, 3000);
	for (uint32_t i = 0; i < 3; i++)
		out(w, ACK, .seq = 1 + i * 1000, .ack = 1, .len = 1000,
		    .ecn = ECT0);
	after(w, 200);
	out(w, ACK, .seq = 2001, .ack = 1, .len = 1000, .ecn = NOT_ECT);
}

/* 6.1.6: nor are window probes. */
static void probes_are_not_ect(struct wire *w)
{
	uint32_t s;

	agree(w, &s);
	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	call_write(w, s, 100);
	after(w, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1, .ecn = NOT_ECT);
}

/* 6.1.5: what lies outside of the window does not count. */
static void a_mark_outside_of_the_window(struct wire *w)
{
	uint32_t s;

	agree(w, &s);
	in(w, ACK, .seq = 900000, .ack = 1, .len = 100, .ecn = CE);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 1, .len = 100, .ecn = ECT0);
	out(w, ACK, .seq = 1, .ack = 101);
}

static const struct script scripts[] = {
	SCRIPT(asked_we_agree),
	SCRIPT(a_question_that_is_taken_back),
	SCRIPT(half_a_question_is_none),
	SCRIPT(by_default_we_do_not_ask),
	SCRIPT_WITH(told_to_we_ask, "\"ecn\":1"),
	SCRIPT_WITH(a_path_that_drops_the_question, "\"ecn\":1"),
	SCRIPT_WITH(forbidden_we_do_not_agree, "\"ecn\":0"),
	SCRIPT(what_was_marked_is_echoed),
	SCRIPT(an_echo_reduces_the_window_once),
	SCRIPT(what_is_sent_again_is_not_ect),
	SCRIPT(probes_are_not_ect),
	SCRIPT(a_mark_outside_of_the_window),
};

WIRE_MAIN(scripts)
