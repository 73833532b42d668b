/*
 * test_tcp_syn_sent.c - SYN-SENT: RFC 9293, 3.10.7.3, and how often we ask
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

/* Our SYN has all that we can do. */
static uint32_t call(struct wire *w)
{
	uint32_t s = call_connect(w);

	out(w, SYN, .seq = 0, .win = 65535, .mss = OUR_MSS, .ws = OUR_WS,
	    .sack_ok = true, .ts = ECR(0));
	state_is(w, TCP_SYN_SENT);
	must(w, wire_stream(w, s) & STREAM_CONNECTING);
	return s;
}

/* 3.5, figure 6, from the other side. */
static void the_handshake(struct wire *w)
{
	uint32_t s = call(w);

	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
	must(w, wire_stream(w, s) & STREAM_ESTABLISHED);
	must(w, !(wire_stream(w, s) & STREAM_CONNECTING));
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	counted(w, CNT_TCP_ACTIVE_OPENS, 1);
}

static void the_handshake_with_all_options(struct wire *w)
{
	call(w);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000, .ws = WS(7),
	    .sack_ok = true, .ts = TS(500, 0));
	out(w, ACK, .seq = 1, .ack = 1, .ts = ECR(500));
	state_is(w, TCP_ESTABLISHED);
}

/* First: "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset". */
static void a_wrong_ack_is_answered_with_a_reset(struct wire *w)
{
	call(w);
	in(w, ACK, .seq = 1, .ack = 0);
	out(w, RST, .seq = 0, .win = ZERO);
	in(w, SYN | ACK, .seq = 0, .ack = 0);
	out(w, RST, .seq = 0, .win = ZERO);
	in(w, SYN | ACK, .seq = 0, .ack = 2);
	out(w, RST, .seq = 2, .win = ZERO);
	in(w, FIN | ACK, .seq = 0, .ack = 0x80000000);
	out(w, RST, .seq = 0x80000000, .win = ZERO);
	state_is(w, TCP_SYN_SENT);
	counted(w, CNT_TCP_SYN_SENT_BAD_ACK, 4);
	/* "(unless the RST bit is set, if so drop the segment and return)" */
	in(w, RST | ACK, .seq = 1, .ack = 0);
	in(w, RST | ACK, .seq = 1, .ack = 2);
	none(w);
	state_is(w, TCP_SYN_SENT);
}

/* Second: "If the ACK was acceptable, then signal connection reset". */
static void a_reset_that_has_seen_our_syn_refuses(struct wire *w)
{
	uint32_t s = call(w);

	in(w, RST | ACK, .seq = 0, .ack = 1);
	none(w);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ECONNREFUSED);
	counted(w, CNT_TCP_RESETS_RECEIVED, 1);
	/* The socket may try again. */
	must(w, wire_connect_with(w, s) == 0);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
}

/* Second: "Otherwise (no ACK), drop the segment and return." */
static void a_reset_without_an_ack_is_dropped(struct wire *w)
{
	call(w);
	in(w, RST, .seq = 0);
	in(w, RST | SYN, .seq = 0);
	none(w);
	state_is(w, TCP_SYN_SENT);
	counted(w, CNT_TCP_SYN_SENT_BAD_RST, 2);
}

/* Fifth: "if neither of the SYN or RST bits is set, then drop the segment" */
static void neither_syn_nor_rst_is_dropped(struct wire *w)
{
	call(w);
	in(w, 0, .seq = 0);
	in(w, FIN, .seq = 0, .len = 20);
	in(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK | URG | PSH, .seq = 1, .ack = 1, .len = 10);
	none(w);
	state_is(w, TCP_SYN_SENT);
	counted(w, CNT_TCP_SYN_SENT_NOTHING, 4);
	in(w, SYN | ACK, .seq = 0, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
}

/* Fourth: "If there are other controls or text in the segment" */
static void text_and_fin_of_the_syn_ack_count(struct wire *w)
{
	uint32_t s = call(w);

	in(w, SYN | ACK | FIN, .seq = 0, .ack = 1, .len = 30, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 32);
	state_is(w, TCP_CLOSE_WAIT);
	call_read(w, s, 30);
	must(w, wire_at_end(w, s));
}

/* MUST-10; fourth: SYN without ACK; figure 8, simultaneous open. */
static void both_call_at_once(struct wire *w)
{
	uint32_t s = call(w);

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	state_is(w, TCP_SYN_RECEIVED);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	state_is(w, TCP_ESTABLISHED);
	wire_drain(w); /* an ACK is allowed and not needed */
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
}

static void both_call_and_an_ack_ends_it(struct wire *w)
{
	uint32_t s = call(w);

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	state_is(w, TCP_ESTABLISHED);
	must(w, wire_stream(w, s) & STREAM_ESTABLISHED);
}

/* Second of 3.10.7.4, in SYN-RECEIVED after an active OPEN. */
static void both_call_and_one_is_reset(struct wire *w)
{
	uint32_t s = call(w);

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, RST, .seq = 1);
	none(w);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ECONNREFUSED);
}

/* Figure 9: an old duplicate SYN, and the reset that clears it up. */
static void an_old_duplicate_is_cleared_up(struct wire *w)
{
	uint32_t s = call(w);

	in(w, SYN | ACK, .seq = 90, .ack = 0x1000);
	out(w, RST, .seq = 0x1000, .win = ZERO);
	state_is(w, TCP_SYN_SENT);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	must(w, wire_stream(w, s) & STREAM_ESTABLISHED);
}

/* Figure 10, from the other side: we have forgotten, the peer has not. */
static void a_half_open_connection_is_found(struct wire *w)
{
	call(w);
	/* The peer is still in the old connection and says where it is. */
	in(w, ACK, .seq = 300, .ack = 100);
	out(w, RST, .seq = 100, .win = ZERO);
	/* It has believed that; our SYN comes again. */
	after(w, 1000);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
}

/*
 * RFC 6298, 2.1 and 5.5: 1 s, then doubled.  R2 of a SYN is at least 3 minutes
 * (MUST-23), for which it takes one more than the kernel's 6.
 */
static void how_often_we_ask(struct wire *w)
{
	uint32_t s = call(w);
	static const int64_t at[] = { 1000, 2000, 4000, 8000, 16000, 32000,
		64000 };

	for (int i = 0; i < 7; i++) {
		after(w, at[i]);
		out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS,
		    .sack_ok = true, .ts = ECR(0));
	}
	must(w, wire_ms(w) < 128000);
	quiet(w, 120000);
	state_is(w, TCP_SYN_SENT);
	quiet(w, 10000);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* As often as Linux: for 127 s, 131 with the linear timeouts of its 6.5. */
static void as_long_as_the_kernel(struct wire *w)
{
	uint32_t s = call(w);

	pass(w, 120000);
	must(w, w->queued == 6);
	wire_drain(w);
	state_is(w, TCP_SYN_SENT);
	quiet(w, 8000);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* TCP_SYNCNT. */
static void as_often_as_the_socket_wants(struct wire *w)
{
	uint32_t s = call_socket(w);

	call_setopt(w, s, IPPROTO_TCP, TCP_SYNCNT, 1);
	must(w, wire_connect_with(w, s) == 0);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	after(w, 1000);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	quiet(w, 2500);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* RFC 6298, 5.7: after a lost SYN the timeout begins with 3 s. */
static void after_a_lost_syn_the_timeout_is_longer(struct wire *w)
{
	uint32_t s = call(w);

	after(w, 1000);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	quiet(w, 10);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	after(w, 3000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
}

/* 3.10.4: CLOSE in SYN-SENT deletes the TCB. */
static void close_gives_up(struct wire *w)
{
	uint32_t s = call(w);

	call_close(w, s);
	none(w);
	state_is(w, TCP_CLOSED);
	in(w, SYN | ACK, .seq = 0, .ack = 1);
	out(w, RST, .seq = 1, .win = ZERO);
}

static const struct script scripts[] = {
	SCRIPT(the_handshake),
	SCRIPT(the_handshake_with_all_options),
	SCRIPT(a_wrong_ack_is_answered_with_a_reset),
	SCRIPT(a_reset_that_has_seen_our_syn_refuses),
	SCRIPT(a_reset_without_an_ack_is_dropped),
	SCRIPT(neither_syn_nor_rst_is_dropped),
	SCRIPT(text_and_fin_of_the_syn_ack_count),
	SCRIPT(both_call_at_once),
	SCRIPT(both_call_and_an_ack_ends_it),
	SCRIPT(both_call_and_one_is_reset),
	SCRIPT(an_old_duplicate_is_cleared_up),
	SCRIPT(a_half_open_connection_is_found),
	SCRIPT(how_often_we_ask),
	SCRIPT_WITH(as_long_as_the_kernel, "\"syn_retries\":6"),
	SCRIPT(as_often_as_the_socket_wants),
	SCRIPT(after_a_lost_syn_the_timeout_is_longer),
	SCRIPT(close_gives_up),
};

WIRE_MAIN(scripts)
