/*
 * test_tcp_settings.c - what "tcp" in the topology says is done
 *
 * One script for each key that no other file here sets: configs/README.md.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

/* ---- Times */

static void rto_initial_ms(struct wire *w)
{
	call_connect(w);
	for (int64_t n = 0, rto = 250; n < 4; n++) {
		out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS,
		    .sack_ok = true, .ts = ECR(0));
		after(w, rto << n);
	}
	wire_drain(w);
}

static void rto_max_ms(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	for (int64_t rto = 300, n = 0; n < 6; n++, rto *= 2) {
		after(w, rto < 1500 ? rto : 1500);
		out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	}
}

static void delayed_ack_ms(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_setopt(w, s, IPPROTO_TCP, TCP_QUICKACK, 0);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10);
	after(w, 170);
	out(w, ACK, .seq = 1, .ack = 11);
}

static void keepalive(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_setopt(w, s, SOL_SOCKET, SO_KEEPALIVE, 1);
	after(w, 20000);
	out(w, ACK, .seq = 0, .ack = 1);
	after(w, 3000);
	out(w, ACK, .seq = 0, .ack = 1);
	after(w, 3000);
	out(w, RST | ACK, .seq = 1, .ack = 1, .win = ZERO);
	must(w, call_error(w, s) == ETIMEDOUT);
}

static void user_timeout_ms(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	after(w, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	after(w, 400);
	out(w, RST | ACK, .seq = 11, .ack = 1, .win = ZERO);
	must(w, call_error(w, s) == ETIMEDOUT);
}

static void fin_timeout_ms(struct wire *w)
{
	reach(w, TCP_FIN_WAIT_2);
	quiet(w, 60000); /* not while somebody has the socket */
	state_is(w, TCP_FIN_WAIT_2);
}

static void fin_timeout_ms_of_an_orphan(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 2);
	state_ends(w, TCP_FIN_WAIT_2, 3000);
}

static void time_wait_ms(struct wire *w)
{
	reach(w, TCP_TIME_WAIT);
	state_ends(w, TCP_TIME_WAIT, 2000);
}

/* ---- How often */

static void retries(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	for (int64_t n = 0, rto = 300; n < 2; n++, rto *= 2) {
		after(w, rto);
		out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	}
	after(w, 1200);
	out(w, RST | ACK, .seq = 11, .ack = 1, .win = ZERO);
	must(w, call_error(w, s) == ETIMEDOUT);
}

static void orphan_retries(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	after(w, 300);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	after(w, 600);
	out(w, RST | ACK, .seq = 2, .ack = 1, .win = ZERO);
	state_is(w, TCP_CLOSED);
}

static void synack_retries(struct wire *w)
{
	call_listen(w, 80);
	in(w, SYN, .seq = 0, .win = 65535, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	after(w, 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	quiet(w, 60000);
	state_is(w, TCP_CLOSED);
}

/* Of the whole stack in a second; half to one and a half (challenge.h). */
static void challenge_ack_limit(struct wire *w)
{
	uint32_t answers = 0;

	for (uint32_t i = 0; i < 40; i++) {
		on(w, i);
		established(w, .rtt = 0);
	}
	for (uint32_t i = 0; i < 40; i++) {
		on(w, i);
		in(w, RST, .seq = 1000);
		answers += wire_drain(w);
	}
	must(w, answers >= 5 && answers <= 15);
}

static void challenge_ack_interval_ms(struct wire *w)
{
	established(w, .rtt = 0);
	in(w, RST, .seq = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	quiet(w, 90);
	in(w, RST, .seq = 1000);
	none(w);
	quiet(w, 20);
	in(w, RST, .seq = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
}

static void max_syn_backlog(struct wire *w)
{
	call_listen(w, 80);
	for (uint32_t i = 0; i < 5; i++) {
		on(w, i);
		in(w, SYN, .seq = 0, .win = 65535, .mss = 1000);
		if (i < 3)
			out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	}
	counted(w, CNT_TCP_SYN_DROPPED, 2);
}

/* ---- How large */

static void mtu_probing(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .mss = 1400);

	call_write(w, s, 1400);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	for (int64_t n = 0, rto = 300; n < 6; n++, rto *= 2) {
		after(w, rto);
		out(w, ACK, .seq = 1, .ack = 1, .len = 1400);
	}
	counted(w, CNT_TCP_BLACK_HOLES, 0);
}

static void base_mss(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .mss = 1400);

	call_write(w, s, 1400);
	pass(w, 5000);
	wire_drain(w);
	/* IPv6 has no narrower path than 1,280. */
	must(w, wire_tcb(w)->mss == (w->v6 ? 1220U : 700U));
	in(w, ACK, .seq = 1, .ack = 1401);
	wire_drain(w);
}

static void min_snd_mss(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .mss = 100);

	call_write(w, s, 800);
	out(w, ACK, .seq = 1, .ack = 1, .len = 400);
	out(w, ACK, .seq = 401, .ack = 1, .len = 400);
	in(w, ACK, .seq = 1, .ack = 801);
}

static void ports(struct wire *w)
{
	for (uint32_t i = 0; i < 8; i++) {
		on(w, i);
		call_connect(w);
		wire_drain(w);
		must(w, w->c[i].our_port >= 5000 && w->c[i].our_port <= 5007);
	}
}

static void sndbuf_default(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	must(w, wire_s2a(w, s)->names.sndbuf >= 20000);
	must(w, wire_s2a(w, s)->names.sndbuf <= 40000);
}

static uint32_t last_window(struct wire *w, uint32_t win)
{
	for (const struct sent *is; (is = wire_next(w)) != NULL;)
		win = (uint32_t)is->h.window << w->c[0].our_ws;
	return win;
}

/* As much as comes in a round trip, twice: then the window is larger. */
static uint32_t window_after_much(struct wire *w)
{
	uint32_t s = established(w, .rtt = 10, .ws = WS(0));
	uint32_t at = 1, win = 0;

	for (int i = 0; i < 100; i++) {
		for (int k = 0; k < 5; k++, at += 1000) {
			in(w, ACK, .seq = at, .ack = 1, .len = 1000);
			win = last_window(w, win);
		}
		call_read(w, s, 5000);
		pass(w, 10);
		win = last_window(w, win);
	}
	return win;
}

static const char SMALL[] = "\"rcvbuf_default\":10000";

static void rcvbuf_grows(struct wire *w)
{
	must(w, window_after_much(w) > 15000);
}

static const char SMALL_FOR_EVER[] =
    "\"rcvbuf_default\":10000,\"moderate_rcvbuf\":false";

static void moderate_rcvbuf(struct wire *w)
{
	uint32_t win = window_after_much(w);

	must(w, win > 5000 && win <= 10000);
}

static const struct script scripts[] = {
	SCRIPT_WITH(rto_initial_ms, "\"rto_initial_ms\":250"),
	SCRIPT_WITH(rto_max_ms, "\"rto_max_ms\":1500"),
	SCRIPT_WITH(delayed_ack_ms, "\"delayed_ack_ms\":170"),
	SCRIPT_WITH(keepalive,
	    "\"keepalive_time_s\":20,\"keepalive_interval_s\":3,"
	    "\"keepalive_probes\":2"),
	SCRIPT_WITH(user_timeout_ms, "\"user_timeout_ms\":700"),
	SCRIPT_WITH(fin_timeout_ms, "\"fin_timeout_ms\":3000"),
	SCRIPT_WITH(fin_timeout_ms_of_an_orphan, "\"fin_timeout_ms\":3000"),
	SCRIPT_WITH(time_wait_ms, "\"time_wait_ms\":2000"),
	SCRIPT_WITH(retries, "\"retries\":2"),
	SCRIPT_WITH(orphan_retries, "\"orphan_retries\":1"),
	SCRIPT_WITH(synack_retries, "\"synack_retries\":1"),
	SCRIPT_WITH(challenge_ack_limit, "\"challenge_ack_limit\":10"),
	SCRIPT_WITH(
	    challenge_ack_interval_ms, "\"challenge_ack_interval_ms\":100"),
	SCRIPT_WITH(max_syn_backlog, "\"max_syn_backlog\":3,\"syn_cookies\":0"),
	SCRIPT_WITH(mtu_probing, "\"mtu_probing\":0"),
	SCRIPT_WITH(base_mss, "\"base_mss\":700"),
	SCRIPT_WITH(min_snd_mss, "\"min_snd_mss\":400"),
	SCRIPT_WITH(ports, "\"port_min\":5000,\"port_max\":5007"),
	SCRIPT_WITH(sndbuf_default, "\"sndbuf_default\":20000"),
	SCRIPT_WITH(rcvbuf_grows, SMALL),
	SCRIPT_WITH(moderate_rcvbuf, SMALL_FOR_EVER),
};

WIRE_MAIN(scripts)
