/*
 * test_tcp_nagle.c - small segments: RFC 9293, 3.7.4 (RFC 896); PSH, 3.9.1.2
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/tcp/wire.h"

/* SHLD-7: "buffer all user data ... until the outstanding data is acked". */
static void small_writes_wait_for_the_ack(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	call_write(w, s, 50);
	call_write(w, s, 50);
	call_write(w, s, 50);
	none(w);
	quiet(w, 90);
	in(w, ACK, .seq = 1, .ack = 101);
	out(w, ACK, .seq = 101, .ack = 1, .len = 150);
}

/* "... or until the TCP can send a full-sized segment" */
static void full_segments_do_not_wait(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	call_write(w, s, 999);
	none(w);
	call_write(w, s, 1001);
	out(w, ACK, .seq = 101, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1101, .ack = 1, .len = 1000);
}

/* Nothing in flight: no reason to wait. */
static void the_first_goes_at_once(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	for (uint32_t i = 0; i < 5; i++) {
		call_write(w, s, 10);
		out(w, ACK, .seq = 1 + i * 10, .ack = 1, .len = 10);
		in(w, ACK, .seq = 1, .ack = 11 + i * 10);
	}
}

/* RFC 9293, A.3 (Minshall): only a small one in flight holds the next back. */
static void the_tail_of_a_reply_does_not_wait(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 2500);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1001, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 2001, .ack = 1, .len = 500);
	call_write(w, s, 100);
	none(w);
	in(w, ACK, .seq = 1, .ack = 2501);
	out(w, ACK, .seq = 2501, .ack = 1, .len = 100);
}

/* MUST-17: it can be switched off. */
static void nodelay_sends_at_once(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_setopt(w, s, IPPROTO_TCP, TCP_NODELAY, 1);
	for (uint32_t i = 0; i < 5; i++) {
		call_write(w, s, 10);
		out(w, ACK, .seq = 1 + i * 10, .ack = 1, .len = 10);
	}
}

/* Switched off while something waits: it goes. */
static void nodelay_lets_go_what_waits(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	call_write(w, s, 10);
	none(w);
	call_setopt(w, s, IPPROTO_TCP, TCP_NODELAY, 1);
	out(w, ACK, .seq = 11, .ack = 1, .len = 10);
}

static void a_cork_keeps_what_is_not_full(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_setopt(w, s, IPPROTO_TCP, TCP_CORK, 1);
	call_write(w, s, 600);
	none(w);
	call_write(w, s, 600);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	none(w);
	call_setopt(w, s, IPPROTO_TCP, TCP_CORK, 0);
	out(w, ACK, .seq = 1001, .ack = 1, .len = 200);
}

/* MSG_MORE: more follows. */
static void more_is_waited_for(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write_more(w, s, 300);
	none(w);
	call_write_more(w, s, 300);
	none(w);
	call_write(w, s, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 900);
}

/* The end lets everything go. */
static void a_close_lets_everything_go(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	call_write(w, s, 100);
	none(w);
	must(w, call_shutdown(w, s, SHUT_WR) == 0);
	out(w, FIN | ACK, .seq = 101, .ack = 1, .len = 100);
}

static void a_cork_does_not_keep_the_fin(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_setopt(w, s, IPPROTO_TCP, TCP_CORK, 1);
	call_write(w, s, 100);
	none(w);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1, .len = 100);
}

/* MUST-60, 61: PSH on the last segment of what was written, and only there. */
static void the_last_segment_is_pushed(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 3000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000, .psh = true);
	out(w, ACK, .seq = 1001, .ack = 1, .len = 1000, .psh = true);
	out(w, ACK | PSH, .seq = 2001, .ack = 1, .len = 1000, .psh = true);
	in(w, ACK, .seq = 1, .ack = 3001);
	call_write(w, s, 1);
	out(w, ACK | PSH, .seq = 3001, .ack = 1, .len = 1, .psh = true);
}

/* MAY-17 is not taken: what PSH the peer sets does not matter. */
static void the_peers_push_does_not_matter(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	in(w, ACK, .seq = 1, .ack = 1, .len = 10);
	must(w, wire_readable(w, s) == 10);
	wire_drain(w);
	in(w, ACK | PSH, .seq = 11, .ack = 1, .len = 10);
	must(w, wire_readable(w, s) == 20);
	wire_drain(w);
}

static const struct script scripts[] = {
	SCRIPT(small_writes_wait_for_the_ack),
	SCRIPT(full_segments_do_not_wait),
	SCRIPT(the_first_goes_at_once),
	SCRIPT(the_tail_of_a_reply_does_not_wait),
	SCRIPT(nodelay_sends_at_once),
	SCRIPT(nodelay_lets_go_what_waits),
	SCRIPT(a_cork_keeps_what_is_not_full),
	SCRIPT(more_is_waited_for),
	SCRIPT(a_close_lets_everything_go),
	SCRIPT(a_cork_does_not_keep_the_fin),
	SCRIPT(the_last_segment_is_pushed),
	SCRIPT(the_peers_push_does_not_matter),
};

WIRE_MAIN(scripts)
