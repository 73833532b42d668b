/*
 * test_tcp_stream.c - long streams, and what lies where things meet
 *
 * Rings and sequence numbers wrap around, ends come while data is on its way,
 * segments are merged and cut.
 */
#include <errno.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

enum {
	LONG = 700 * 1000, /* more than any ring holds */
};

/*
 * linkd reads payload from the app's own ring: while a packet that refers to it
 * is on its way, the app's number is nobody else's.
 */
static void an_app_stays_while_packets_refer_to_it(struct wire *w)
{
	uint32_t s = established(w, .rtt = 1, .ws = WS(7));

	call_write(w, s, 1);
	wire_drain(w);
	jam(w, true);
	call_write(w, s, 50000);
	in(w, RST, .seq = 1);
	state_is(w, TCP_CLOSED);
	/* Each instance hears it. */
	apps_app_gone(&w->t->streams.apps, WIRE_APP);
	wire_step(w);
	apps_app_gone(&w->t->streams.apps, WIRE_APP);
	pass(w, 1000);
	apps_app_gone(&w->t->streams.apps, WIRE_APP);
	pass(w, 1);
	must(w, !apps_app_done(&w->t->streams.apps, WIRE_APP));
	jam(w, false);
	wire_drain(w);
	apps_app_gone(&w->t->streams.apps, WIRE_APP);
	pass(w, 1);
	must(w, apps_app_done(&w->t->streams.apps, WIRE_APP) || w->kill);
}

/* Everything that was sent is acknowledged; the next number of ours. */
static uint32_t acknowledge(struct wire *w, uint32_t next)
{
	const struct sent *is;

	while ((is = wire_next(w)) != NULL) {
		must(w, is->data_ok);
		must(w, is->h.seq.n - w->c[0].iss == next || is->len == 0);
		next += is->len;
	}
	return next;
}

/* The rings wrap around more than once. */
static void a_long_way_down(struct wire *w)
{
	uint32_t s = established(w, .rtt = 1, .ws = WS(7));
	uint32_t written = 0, next = 1;

	while (next < LONG + 1) {
		uint32_t room = APP_TX_BYTES - wire_unacked(w, s);

		if (room > LONG - written)
			room = LONG - written;
		call_write(w, s, room);
		written += room;
		pass(w, 2);
		next = acknowledge(w, next);
		in(w, ACK, .seq = 1, .ack = next);
		next = acknowledge(w, next);
	}
	in(w, ACK, .seq = 1, .ack = next);
	must(w, wire_unacked(w, s) == 0);
	counted(w, CNT_TCP_RETRANSMITTED, 0);
}

static void a_long_way_up(struct wire *w)
{
	uint32_t s = established(w, .rtt = 1, .ws = WS(7));

	for (uint32_t at = 1; at < LONG; at += 20000) {
		in(w, ACK, .seq = at, .ack = 1, .len = 20000, .gso = 1000);
		wire_drain(w);
		if (at % 60000 == 1) {
			call_read(w, s, wire_readable(w, s));
			wire_drain(w);
		}
	}
	pass(w, 100);
	wire_drain(w);
}

/* The second half first, again and again. */
static void a_long_way_up_in_disorder(struct wire *w)
{
	uint32_t s = established(w, .rtt = 1, .ws = WS(7), .sack = true);

	for (uint32_t at = 1; at < LONG; at += 40000) {
		in(w, ACK, .seq = at + 30000, .ack = 1, .len = 10000,
		    .gso = 1000);
		wire_drain(w);
		in(w, ACK, .seq = at + 10000, .ack = 1, .len = 10000,
		    .gso = 1000);
		wire_drain(w);
		in(w, ACK, .seq = at + 20000, .ack = 1, .len = 10000,
		    .gso = 1000);
		wire_drain(w);
		must(w, wire_readable(w, s) == 0);
		in(w, ACK, .seq = at, .ack = 1, .len = 10000, .gso = 1000);
		wire_drain(w);
		call_read(w, s, 40000);
		wire_drain(w);
	}
}

static const char SMALL_BUFFER[] =
    "\"rcvbuf_default\":50000,\"rcvbuf_max\":50000";

/* A merged segment is cut where the window ends. */
static void a_merged_segment_beyond_the_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);
	uint32_t edge;

	in(w, ACK, .seq = 1, .ack = 1, .len = 20000, .gso = 1000);
	wire_drain(w);
	edge = wire_tcb(w)->adv.n - w->c[0].irs;
	in(w, ACK, .seq = 20001, .ack = 1, .len = 60000, .gso = 1000);
	wire_drain(w);
	must(w, wire_readable(w, s) == edge - 1);
	call_read(w, s, edge - 1);
	wire_drain(w);
}

/* And its FIN is not taken then. */
static void a_fin_beyond_the_window(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);
	uint32_t edge = wire_tcb(w)->adv.n - w->c[0].irs;

	in(w, ACK, .seq = 1, .ack = 1, .len = 30000, .gso = 1000);
	wire_drain(w);
	in(w, FIN | ACK, .seq = 30001, .ack = 1, .len = edge - 30001,
	    .gso = 1000);
	wire_drain(w);
	/* The data just fits, the FIN does not; or it does in a larger one. */
	if (wire_state(w) == TCP_ESTABLISHED) {
		call_read(w, s, edge - 1);
		wire_drain(w);
		in(w, FIN | ACK, .seq = edge, .ack = 1);
		wire_drain(w);
	}
	state_is(w, TCP_CLOSE_WAIT);
}

/* ---- The end, while data is on its way */

static void a_lost_fin_with_data_comes_again(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 1500);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 1001, .ack = 1, .len = 500);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 1501, .ack = 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1001);
	/* From here on the timer of RFC 6298, 5.3. */
	after(w, 250);
	out(w, FIN | ACK, .seq = 1001, .ack = 1, .len = 500);
	in(w, ACK, .seq = 1, .ack = 1502);
	state_is(w, TCP_FIN_WAIT_2);
}

static void a_lost_fin_is_probed_for(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	after(w, 300);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_LOSS_PROBES, 1);
	in(w, ACK, .seq = 1, .ack = 2, .sack = { { 1, 2 } });
	state_is(w, TCP_FIN_WAIT_2);
}

/* The holes before a FIN are filled in recovery, too. */
static void a_fin_above_a_hole(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 5000);
	for (uint32_t i = 0; i < 5; i++)
		out(w, ACK, .seq = 1 + i * 1000, .ack = 1, .len = 1000);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 5001, .ack = 1);
	quiet(w, 100);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 5002 } });
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	in(w, ACK, .seq = 1, .ack = 5002);
	state_is(w, TCP_FIN_WAIT_2);
}

/* An orphan before a closed window is not asked for ever (3.9.1.3, ABORT). */
static void an_orphan_gives_up(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	call_write(w, s, 1000);
	call_close(w, s);
	for (int i = 0; i < 30 && wire_state(w) != TCP_CLOSED; i++) {
		pass(w, 60000);
		wire_drain(w);
		if (wire_state(w) != TCP_CLOSED)
			in(w, ACK, .seq = 1, .ack = 1);
		wire_drain(w);
	}
	state_is(w, TCP_CLOSED);
}

/* A reset while data is unread: it can be read still. */
static void what_came_before_the_reset_can_be_read(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	wire_drain(w);
	in(w, RST, .seq = 501);
	must(w, call_error(w, s) == ECONNRESET);
	call_read(w, s, 500);
	must(w, wire_at_end(w, s));
	call_close(w, s);
	none(w);
}

/* The socket's number is used again: its counts go on. */
static void a_socket_number_is_used_again(struct wire *w)
{
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t s;

		on(w, i);
		s = established(w, .rtt = 0);
		in(w, ACK, .seq = 1, .ack = 1, .len = 100 + i);
		wire_drain(w);
		call_read(w, s, 100 + i);
		call_write(w, s, 200 + i);
		out(w, ACK, .seq = 1, .ack = 101 + i, .len = 200 + i);
		in(w, FIN | ACK, .seq = 101 + i, .ack = 201 + i);
		wire_drain(w);
		call_close(w, s);
		out(w, FIN | ACK, .seq = 201 + i, .ack = 102 + i);
		in(w, ACK, .seq = 102 + i, .ack = 202 + i);
		state_is(w, TCP_CLOSED);
	}
}

/* A listener ends; whom it had answered and not given a socket is told. */
static void a_listener_ends_before_it_accepts(struct wire *w)
{
	uint32_t l = call_listen_with(w, 80, 10, 0);

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	call_close(w, l);
	out(w, RST | ACK, .seq = 1, .ack = 1, .win = ZERO);
	state_is(w, TCP_CLOSED);
}

/* In SYN-RECEIVED after a simultaneous open: the SYN-ACK comes again. */
static void both_call_and_the_answer_is_lost(struct wire *w)
{
	uint32_t s = call_connect(w);

	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	after(w, 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	call_read(w, s, 10);
}

/* Data written before the connection is there goes with its beginning. */
static void what_was_written_early_goes_at_once(struct wire *w)
{
	uint32_t s = call_connect(w);

	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	call_write(w, s, 100);
	none(w);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	none(w);
}

/* TIME-WAIT with timestamps: the FIN again, and something old (PAWS). */
static void time_wait_knows_the_time(struct wire *w)
{
	uint32_t s = established(w, .ts = true);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, FIN | ACK, .seq = 1, .ack = 2, .ts = TS(2000, 0));
	out(w, ACK, .seq = 2, .ack = 2, .ts = ECR(2000));
	quiet(w, 1000);
	in(w, FIN | ACK, .seq = 1, .ack = 2, .ts = TS(3000, 0));
	wire_drain(w);
	quiet(w, 30000);
	in(w, FIN | ACK, .seq = 1, .ack = 2, .ts = TS(1500, 0));
	wire_drain(w);
	counted(w, CNT_TCP_LINGER_OLD, 1);
	state_is(w, TCP_TIME_WAIT);
	/* The old one did not start the time anew. */
	quiet(w, 31000);
	state_is(w, TCP_CLOSED);
}

static const struct script scripts[] = {
	SCRIPT(an_app_stays_while_packets_refer_to_it),
	SCRIPT(a_long_way_down),
	SCRIPT(a_long_way_up),
	SCRIPT(a_long_way_up_in_disorder),
	SCRIPT_WITH(a_merged_segment_beyond_the_window, SMALL_BUFFER),
	SCRIPT_WITH(a_fin_beyond_the_window, SMALL_BUFFER),
	SCRIPT(a_lost_fin_with_data_comes_again),
	SCRIPT(a_lost_fin_is_probed_for),
	SCRIPT(a_fin_above_a_hole),
	SCRIPT(an_orphan_gives_up),
	SCRIPT(what_came_before_the_reset_can_be_read),
	SCRIPT(a_socket_number_is_used_again),
	SCRIPT(a_listener_ends_before_it_accepts),
	SCRIPT(both_call_and_the_answer_is_lost),
	SCRIPT(what_was_written_early_goes_at_once),
	SCRIPT(time_wait_knows_the_time),
};

WIRE_MAIN(scripts)
