/*
 * test_tcp_time_wait.c - TIME-WAIT: RFC 9293, 3.10.7.4; RFC 6191, RFC 1337
 */
#include <errno.h>
#include <sys/socket.h>

#include "tests/tcp/wire.h"

/* MUST-13: 2 MSL. */
static void it_lasts_two_msl(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	quiet(w, 59500);
	state_is(w, TCP_TIME_WAIT);
	quiet(w, 1000);
	state_is(w, TCP_CLOSED);
	in(w, FIN | ACK, .seq = 1, .ack = 2);
	out(w, RST, .seq = 2, .win = ZERO);
}

/* Eighth: "Remain in TIME-WAIT. Restart the 2 MSL time-wait timeout." */
static void the_fin_again_restarts_it(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	quiet(w, 50000);
	in(w, FIN | ACK, .seq = 1, .ack = 2);
	out(w, ACK, .seq = 2, .ack = 2);
	quiet(w, 59000);
	state_is(w, TCP_TIME_WAIT);
	quiet(w, 2000);
	state_is(w, TCP_CLOSED);
}

/* RFC 1337, 3: "ignore RST segments in TIME-WAIT state". */
static void a_reset_does_not_end_it(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	in(w, RST, .seq = 2);
	in(w, RST, .seq = 1);
	in(w, RST | ACK, .seq = 2, .ack = 2);
	none(w);
	state_is(w, TCP_TIME_WAIT);
	counted(w, CNT_TCP_LINGER_RST, 3);
}

/* RFC 9293's own rule, if the topology says so. */
static void a_reset_ends_it_if_wanted(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	in(w, RST, .seq = 3);
	state_is(w, TCP_TIME_WAIT);
	in(w, RST, .seq = 2);
	none(w);
	state_is(w, TCP_CLOSED);
}

/* Old data and old ACKs are answered with where we are (RFC 1337, 1). */
static void old_segments_are_answered(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	in(w, ACK, .seq = 1, .ack = 1, .len = 1);
	out(w, ACK, .seq = 2, .ack = 2);
	in(w, ACK, .seq = 100, .ack = 2, .len = 10);
	out(w, ACK, .seq = 2, .ack = 2);
	in(w, ACK, .seq = 2, .ack = 2);
	none(w);
	state_is(w, TCP_TIME_WAIT);
}

/* MAY-2, RFC 6191: a SYN with a larger number begins anew. */
static void a_syn_with_a_larger_number_reopens(struct wire *w)
{
	uint32_t before, iss;

	reach(w, TCP_TIME_WAIT);
	before = w->c[0].iss + 2;
	in(w, SYN, .seq = 3, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 4, .mss = OUR_MSS);
	/* MAY-2: "larger than the largest sequence number it used". */
	iss = w->c[0].iss;
	must(w, (int32_t)(iss - before) > 0);
	state_is(w, TCP_SYN_RECEIVED);
	in(w, ACK, .seq = 4, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
}

/* "Otherwise, silently drop the incoming SYN segment" */
static void a_syn_with_an_old_number_does_not(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	in(w, SYN, .seq = 1, .mss = 1000);
	in(w, SYN, .seq = 0xf0000000, .mss = 1000);
	none(w);
	state_is(w, TCP_TIME_WAIT);
	must(w, wire_count(w, CNT_TCP_LINGER_SYN) == 2);
}

/* What would be refused, or become a cookie, does not end it either. */
static void a_syn_that_is_not_kept_does_not(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	in(w, SYN, .seq = 3, .mss = 1000);
	none(w);
	state_is(w, TCP_TIME_WAIT);
	must(w, wire_count(w, CNT_TCP_SYN_DROPPED) == 1);
}

/* SHLD-4, RFC 6191, 2: with a newer timestamp, whatever the number. */
static void reach_with_timestamps(struct wire *w)
{
	uint32_t s = established(w, .ts = true);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, FIN | ACK, .seq = 1, .ack = 2, .ts = TS(2000, 0));
	out(w, ACK, .seq = 2, .ack = 2, .ts = ECR(2000));
	state_is(w, TCP_TIME_WAIT);
}

static void a_newer_timestamp_reopens(struct wire *w)
{
	reach_with_timestamps(w);
	in(w, SYN, .seq = 0xf0000000, .mss = 1000, .ts = TS(2001, 0));
	out(w, SYN | ACK, .seq = 0, .ack = 0xf0000001, .mss = OUR_MSS,
	    .ts = ECR(2001));
}

static void an_older_timestamp_does_not(struct wire *w)
{
	reach_with_timestamps(w);
	in(w, SYN, .seq = 500, .mss = 1000, .ts = TS(1999, 0));
	none(w);
	state_is(w, TCP_TIME_WAIT);
}

/* The same timestamp: then the number decides. */
static void the_same_timestamp_leaves_it_to_the_number(struct wire *w)
{
	reach_with_timestamps(w);
	in(w, SYN, .seq = 1, .mss = 1000, .ts = TS(2000, 0));
	none(w);
	in(w, SYN, .seq = 2000, .mss = 1000, .ts = TS(2000, 0));
	out(w, SYN | ACK, .seq = 0, .ack = 2001, .mss = OUR_MSS,
	    .ts = ECR(2000));
}

/* With nobody listening any more the old connection is not given up. */
static void nobody_listens_any_more(struct wire *w)
{
	uint32_t l = reach(w, TCP_LISTEN);

	reach(w, TCP_TIME_WAIT);
	call_close(w, l);
	in(w, SYN, .seq = 3, .mss = 1000);
	out(w, RST | ACK, .seq = 0 - w->c[0].iss, .ack = 4, .win = ZERO);
}

/* A connection in TIME-WAIT of a listener at 80 that is gone. */
static void linger_at_80(struct wire *w, int option)
{
	uint32_t l = call_socket(w);
	uint32_t s;

	if (option != 0)
		call_setopt(w, l, SOL_SOCKET, option, 1);
	must(w, call_bind(w, l, 80) == 0);
	must(w, wire_command(w, l, APP_OP_LISTEN, 5, 0, NULL, 0) == 0);
	call_spares(w, l, 1);
	s = established(w, .port = 80);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, FIN | ACK, .seq = 1, .ack = 2);
	out(w, ACK, .seq = 2, .ack = 2);
	state_is(w, TCP_TIME_WAIT);
	call_close(w, l);
}

/* As in Linux: both must have said so, with the same option. */
static void bind_beside_it(struct wire *w)
{
	static const struct {
		int theirs, ours;
		bool may;
	} cases[] = {
		{ 0, SO_REUSEADDR, false },
		{ SO_REUSEADDR, 0, false },
		{ SO_REUSEADDR, SO_REUSEADDR, true },
		{ SO_REUSEADDR, SO_REUSEPORT, false },
		{ SO_REUSEPORT, SO_REUSEPORT, true },
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t s;

		on(w, i);
		linger_at_80(w, cases[i].theirs);
		s = call_socket(w);
		if (cases[i].ours != 0)
			call_setopt(w, s, SOL_SOCKET, cases[i].ours, 1);
		must(
		    w, call_bind(w, s, 80) == (cases[i].may ? 0 : -EADDRINUSE));
		call_close(w, s);
		/* 2 MSL, and it is nobody's. */
		pass(w, 60001);
		s = call_socket(w);
		must(w, call_bind(w, s, 80) == 0);
		call_close(w, s);
	}
}

static const struct script scripts[] = {
	SCRIPT(it_lasts_two_msl),
	SCRIPT(the_fin_again_restarts_it),
	SCRIPT(a_reset_does_not_end_it),
	SCRIPT_WITH(a_reset_ends_it_if_wanted, "\"rfc1337\":false"),
	SCRIPT(old_segments_are_answered),
	SCRIPT(a_syn_with_a_larger_number_reopens),
	SCRIPT(a_syn_with_an_old_number_does_not),
	SCRIPT_WITH(a_syn_that_is_not_kept_does_not, "\"syn_cookies\":2"),
	SCRIPT(a_newer_timestamp_reopens),
	SCRIPT(an_older_timestamp_does_not),
	SCRIPT(the_same_timestamp_leaves_it_to_the_number),
	SCRIPT(nobody_listens_any_more),
	/* A bind that is tried again must not die each time. */
	{ "bind_beside_it", bind_beside_it, NULL, true },
};

WIRE_MAIN(scripts)
