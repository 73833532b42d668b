/*
 * test_tcp_ack.c - when we acknowledge: RFC 9293, 3.8.6.3; RFC 5681, 4.2
 */
#include <linux/tcp.h>
#include <netinet/in.h>

#include "tests/tcp/wire.h"

enum {
	/* At a connection's beginning every segment is acknowledged at once,
	 * since the peer's window grows with our ACKs. */
	BEGINNING = 16,
	DELAY_MS = 40,
};

/* A connection beyond that; *@at is the next number of the peer's. */
static uint32_t later(struct wire *w, uint32_t *at)
{
	uint32_t s = established(w, .rtt = 0);

	*at = 1;
	for (int i = 0; i < BEGINNING + 8; i++) {
		in(w, ACK, .seq = *at, .ack = 1, .len = 1000);
		*at += 1000;
		wire_drain(w);
		call_read(w, s, 1000);
		wire_drain(w);
	}
	pass(w, 1000);
	wire_drain(w);
	return s;
}

/* SHLD-18, MUST-40: an ACK waits, but less than 0.5 s. */
static void one_segment_waits_for_the_timer(struct wire *w)
{
	uint32_t at;

	later(w, &at);
	in(w, ACK, .seq = at, .ack = 1, .len = 1000);
	none(w);
	after(w, DELAY_MS);
	out(w, ACK, .seq = 1, .ack = at + 1000);
	quiet(w, 1000);
}

/* TCP_QUICKACK: what waits goes at once, and for a while nothing waits. */
static void the_app_may_want_it_quick(struct wire *w)
{
	uint32_t at, s = later(w, &at);

	in(w, ACK, .seq = at, .ack = 1, .len = 100);
	none(w);
	call_setopt(w, s, IPPROTO_TCP, TCP_QUICKACK, 1);
	out(w, ACK, .seq = 1, .ack = at + 100);
	in(w, ACK, .seq = at + 100, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = at + 200);
	call_setopt(w, s, IPPROTO_TCP, TCP_QUICKACK, 0);
	in(w, ACK, .seq = at + 200, .ack = 1, .len = 100);
	none(w);
	after(w, DELAY_MS);
	out(w, ACK, .seq = 1, .ack = at + 300);
}

/* SHLD-19: "at least every second segment". */
static void the_second_full_segment_is_acknowledged(struct wire *w)
{
	uint32_t at;

	later(w, &at);
	for (int i = 0; i < 10; i++) {
		in(w, ACK, .seq = at, .ack = 1, .len = 1000);
		none(w);
		in(w, ACK, .seq = at + 1000, .ack = 1, .len = 1000);
		out(w, ACK, .seq = 1, .ack = at + 2000);
		at += 2000;
	}
}

/* A merged super-segment is many. */
static void merged_segments_are_counted(struct wire *w)
{
	uint32_t at;

	later(w, &at);
	in(w, ACK, .seq = at, .ack = 1, .len = 4000, .gso = 1000);
	out(w, ACK, .seq = 1, .ack = at + 4000);
}

/* The ACK rides on what the app answers with. */
static void an_answer_carries_the_ack(struct wire *w)
{
	uint32_t at, s = later(w, &at);

	in(w, ACK, .seq = at, .ack = 1, .len = 100);
	none(w);
	quiet(w, 20);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = at + 100, .len = 10);
	in(w, ACK, .seq = at + 100, .ack = 11);
	quiet(w, 1000);
}

/* RFC 5681, 4.2: out of order, and what fills the gap: at once. */
static void out_of_order_is_acknowledged_at_once(struct wire *w)
{
	uint32_t at;

	later(w, &at);
	in(w, ACK, .seq = at + 1000, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1, .ack = at);
	in(w, ACK, .seq = at + 2000, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1, .ack = at);
	in(w, ACK, .seq = at, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = at + 500);
	in(w, ACK, .seq = at + 500, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = at + 3000);
}

static void a_fin_is_acknowledged_at_once(struct wire *w)
{
	uint32_t at;

	later(w, &at);
	in(w, FIN | ACK, .seq = at, .ack = 1);
	out(w, ACK, .seq = 1, .ack = at + 1);
}

/* The peer's window grows with our ACKs: at first none is kept back. */
static void at_the_beginning_nothing_waits(struct wire *w)
{
	established(w, .rtt = 0);
	for (uint32_t i = 0; i < 8; i++) {
		in(w, ACK, .seq = 1 + i * 1000, .ack = 1, .len = 1000);
		out(w, ACK, .seq = 1, .ack = 1001 + i * 1000);
	}
}

/* MUST-58, 59: "process all queued segments before sending any ACKs". */
static void what_waits_is_acknowledged_once(struct wire *w)
{
	uint32_t at, s = later(w, &at);

	for (uint32_t i = 0; i < 9; i++)
		in(w, ACK, .seq = at + i * 1000, .ack = 1, .len = 1000,
		    .held = true);
	in(w, ACK, .seq = at + 9000, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1, .ack = at + 10000);
	call_read(w, s, 10000);
	wire_drain(w);
}

/* 3.10.7.4: nothing to acknowledge, nothing to say. */
static void a_pure_ack_is_not_acknowledged(struct wire *w)
{
	uint32_t at;

	later(w, &at);
	for (int i = 0; i < 5; i++)
		in(w, ACK, .seq = at, .ack = 1);
	quiet(w, 1000);
}

static const struct script scripts[] = {
	SCRIPT(one_segment_waits_for_the_timer),
	SCRIPT(the_app_may_want_it_quick),
	SCRIPT(the_second_full_segment_is_acknowledged),
	SCRIPT(merged_segments_are_counted),
	SCRIPT(an_answer_carries_the_ack),
	SCRIPT(out_of_order_is_acknowledged_at_once),
	SCRIPT(a_fin_is_acknowledged_at_once),
	SCRIPT(at_the_beginning_nothing_waits),
	SCRIPT(what_waits_is_acknowledged_once),
	SCRIPT(a_pure_ack_is_not_acknowledged),
};

WIRE_MAIN(scripts)
