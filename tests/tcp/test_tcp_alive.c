/*
 * test_tcp_alive.c - a peer that is silent, and data that is urgent
 *
 * Keepalives: RFC 9293, 3.8.4; the user timeout: 3.8.3, RFC 5482; urgent data:
 * 3.8.5.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

/* ---- Keepalives */

/* MUST-25: "default to off". */
static void nobody_asks_by_itself(struct wire *w)
{
	established(w, .rtt = 0);
	quiet(w, 24 * 3600 * 1000);
	state_is(w, TCP_ESTABLISHED);
}

/* MUST-28: "no less than two hours" by default. */
static void by_default_after_two_hours(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_setopt(w, s, SOL_SOCKET, SO_KEEPALIVE, 1);
	after(w, 7200 * 1000);
	out(w, ACK, .seq = 0, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 1);
	after(w, 7200 * 1000);
	out(w, ACK, .seq = 0, .ack = 1);
	counted(w, CNT_TCP_KEEPALIVES, 2);
}

static uint32_t impatient(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_setopt(w, s, SOL_SOCKET, SO_KEEPALIVE, 1);
	call_setopt(w, s, IPPROTO_TCP, TCP_KEEPIDLE, 10);
	call_setopt(w, s, IPPROTO_TCP, TCP_KEEPINTVL, 5);
	call_setopt(w, s, IPPROTO_TCP, TCP_KEEPCNT, 3);
	return s;
}

/* MUST-27: idle time is set by the app; MUST-29: one is not enough to die. */
static void a_peer_that_answers_is_alive(struct wire *w)
{
	impatient(w);
	for (int i = 0; i < 5; i++) {
		after(w, 10000);
		out(w, ACK, .seq = 0, .ack = 1);
		in(w, ACK, .seq = 1, .ack = 1);
	}
	after(w, 10000);
	out(w, ACK, .seq = 0, .ack = 1);
	after(w, 5000);
	out(w, ACK, .seq = 0, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 1);
	after(w, 10000);
	out(w, ACK, .seq = 0, .ack = 1);
}

static void a_peer_that_is_silent_is_dead(struct wire *w)
{
	uint32_t s = impatient(w);

	after(w, 10000);
	out(w, ACK, .seq = 0, .ack = 1);
	after(w, 5000);
	out(w, ACK, .seq = 0, .ack = 1);
	after(w, 5000);
	out(w, ACK, .seq = 0, .ack = 1);
	after(w, 5000);
	out(w, RST | ACK, .seq = 1, .ack = 1, .win = ZERO);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* As in Linux: then the user timeout decides, and not how many were sent. */
static void the_user_timeout_counts_silence(struct wire *w)
{
	uint32_t s = impatient(w);

	call_setopt(w, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 12000);
	after(w, 10000);
	out(w, ACK, .seq = 0, .ack = 1);
	after(w, 5000);
	out(w, RST | ACK, .seq = 1, .ack = 1, .win = ZERO);
	must(w, call_error(w, s) == ETIMEDOUT);
}

static void a_long_user_timeout_asks_more_often(struct wire *w)
{
	uint32_t s = impatient(w);

	call_setopt(w, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 40000);
	after(w, 10000);
	out(w, ACK, .seq = 0, .ack = 1);
	for (int i = 0; i < 5; i++) {
		after(w, 5000);
		out(w, ACK, .seq = 0, .ack = 1);
	}
	after(w, 5000);
	out(w, RST | ACK, .seq = 1, .ack = 1, .win = ZERO);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* Traffic is a sign of life. */
static void traffic_is_a_sign_of_life(struct wire *w)
{
	impatient(w);
	for (uint32_t i = 0; i < 10; i++) {
		quiet(w, 9000);
		in(w, ACK, .seq = 1 + i, .ack = 1, .len = 1);
		pass(w, 100);
		wire_drain(w);
	}
	state_is(w, TCP_ESTABLISHED);
}

static void a_peer_that_has_forgotten_resets(struct wire *w)
{
	uint32_t s = impatient(w);

	after(w, 10000);
	out(w, ACK, .seq = 0, .ack = 1);
	in(w, RST, .seq = 1);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ECONNRESET);
}

/* The other way: "SEG.SEQ = SND.NXT-1 ... one garbage octet" is answered. */
static void we_answer_who_asks(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 0, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 0, .ack = 1, .len = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	must(w, wire_readable(w, s) == 0);
}

/* MUST-37 is for one who answers: with a closed window, too, he may die. */
static void a_silent_peer_with_a_closed_window_is_dead(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	quiet(w, 3600000);
	call_write(w, s, 500);
	/* Idle for long is not silent. */
	pass(w, 60000);
	must(w, wire_drain(w) > 5);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	pass(w, 890000);
	must(w, wire_drain(w) > 5);
	state_is(w, TCP_ESTABLISHED);
	pass(w, 250000);
	wire_drain(w);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* ---- The user timeout */

/* MUST-20, 21; RFC 5482: data that is not acknowledged for so long. */
static void the_user_timeout_ends_it(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_setopt(w, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	quiet(w, 10000);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	for (int64_t rto = 300, t = 0; t + rto < 5000; t += rto, rto *= 2) {
		after(w, rto);
		out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	}
	after(w, 5000 - (wire_ms(w) - 10100));
	out(w, RST | ACK, .seq = 11, .ack = 1, .win = ZERO);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* Options that say nothing of time do not begin it anew. */
static void other_options_do_not_put_it_off(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_setopt(w, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	call_write(w, s, 10);
	for (int i = 0; i < 5; i++) {
		pass(w, 1001);
		wire_drain(w);
		call_setopt(w, s, IPPROTO_TCP, TCP_NODELAY, i & 1);
	}
	wire_drain(w);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* A long one is not for strangers: half-open connections would pile up. */
static void it_does_not_keep_what_never_answered(struct wire *w)
{
	uint32_t l = call_listen(w, 80), s;

	call_setopt(w, l, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000000000);
	in(w, SYN, .seq = 0, .mss = 1000);
	pass(w, 120000);
	wire_drain(w);
	state_is(w, TCP_CLOSED);
	on(w, 1);
	s = call_socket(w);
	call_setopt(w, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000000000);
	must(w, wire_connect_with(w, s) == 0);
	pass(w, 260000);
	wire_drain(w);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* R2: MUST-20, SHLD-11: at least 100 s; 15 retransmissions as in Linux. */
static void so_many_retransmissions_end_it(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);
	int64_t rto = 300;

	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	for (int i = 0; i < 15; i++) {
		after(w, rto);
		out(w, ACK, .seq = 1, .ack = 1, .len = 10);
		rto = rto * 2 < 120000 ? rto * 2 : 120000;
	}
	must(w, wire_ms(w) > 100000);
	after(w, rto);
	out(w, RST | ACK, .seq = 11, .ack = 1, .win = ZERO);
	state_is(w, TCP_CLOSED);
	must(w, call_error(w, s) == ETIMEDOUT);
}

/* ---- Urgent data */

/* MUST-30: it must be understood; MUST-31: of any length.  Here it is inline.
 */
static void urgent_data_is_data(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK | URG, .seq = 1, .ack = 1, .len = 100, .urg = 50);
	out(w, ACK, .seq = 1, .ack = 101);
	in(w, ACK | URG | PSH, .seq = 101, .ack = 1, .len = 100, .urg = 100);
	out(w, ACK, .seq = 1, .ack = 201);
	call_read(w, s, 200);
}

/* "... an urgent pointer past the end of the segment", past the window, 0. */
static void a_pointer_to_what_has_not_come(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK | URG, .seq = 1, .ack = 1, .len = 10, .urg = 65535);
	out(w, ACK, .seq = 1, .ack = 11);
	in(w, ACK | URG, .seq = 11, .ack = 1, .len = 10, .urg = 0);
	out(w, ACK, .seq = 1, .ack = 21);
	in(w, ACK | URG, .seq = 21, .ack = 1, .urg = 10);
	wire_drain(w);
	in(w, ACK, .seq = 21, .ack = 1, .len = 10);
	out(w, ACK, .seq = 1, .ack = 31);
	in(w, FIN | ACK | URG, .seq = 31, .ack = 1, .urg = 500);
	out(w, ACK, .seq = 1, .ack = 32);
	state_is(w, TCP_CLOSE_WAIT);
	call_read(w, s, 30);
}

/* Without URG the field means nothing. */
static void without_the_bit_the_pointer_is_nothing(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 1, .len = 10, .urg = 5);
	out(w, ACK, .seq = 1, .ack = 11);
	call_read(w, s, 10);
}

static const struct script scripts[] = {
	SCRIPT(nobody_asks_by_itself),
	SCRIPT(by_default_after_two_hours),
	SCRIPT(a_peer_that_answers_is_alive),
	SCRIPT(a_peer_that_is_silent_is_dead),
	SCRIPT(the_user_timeout_counts_silence),
	SCRIPT(a_long_user_timeout_asks_more_often),
	SCRIPT(traffic_is_a_sign_of_life),
	SCRIPT(a_peer_that_has_forgotten_resets),
	SCRIPT(we_answer_who_asks),
	SCRIPT(the_user_timeout_ends_it),
	SCRIPT(other_options_do_not_put_it_off),
	SCRIPT(it_does_not_keep_what_never_answered),
	SCRIPT(a_silent_peer_with_a_closed_window_is_dead),
	SCRIPT(so_many_retransmissions_end_it),
	SCRIPT(urgent_data_is_data),
	SCRIPT(a_pointer_to_what_has_not_come),
	SCRIPT(without_the_bit_the_pointer_is_nothing),
};

WIRE_MAIN(scripts)
