/*
 * test_sweep_tcpd.c - tcpd's handlers, killed after each instruction
 *
 * One app with two sockets, a listener or a caller and a spare; its segments
 * lie in the rig's world.  The rig's ipd is the network: it speaks for the
 * peer. Every handler starts from an established connection, or on the way to
 * one.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tcpd/tcpd.h"
#include "tests/crash/sweep.h"
#include "tests/crash/sweep_app.h"
#include "tests/crash/sweep_tap.h"

static const char JSON[] = RIG_TOPOLOGY("tcpd", "");

enum {
	LISTENER = 0,
	SPARE = 1, /* becomes the connection */
	PORT = 7,
	PEER_PORT = 4000,
	IRS = 5000,
	MSS = 1460,
};

/* ---- The daemon, as the sweep runs it */

/* Sockets that nobody holds; each instance sees that by itself. */
static bool hung_up[APP_SOCKETS];

static void *attach(struct rig *r, const char *proc)
{
	struct segments s = rig_segments(r, proc);
	struct tcpd *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	for (uint32_t i = 0; i < TCPD_SEEDS; i++)
		t->seed[i] = i + 1;
	app_introduce(r, &t->streams.apps, APP_SOCKETS);
	assert_int_equal(tcpd_attach(t, &s, r->now), 0);
	for (uint32_t sub = 0; sub < APP_SOCKETS; sub++)
		if (hung_up[sub])
			apps_socket_closed(&t->streams.apps, 0, sub);
	return t;
}

/* What the supervisor has to say is heard between two turns. */
static bool hear(struct apps *a)
{
	bool asked = a->unsure;

	a->heard += asked;
	a->unsure = false;
	return asked;
}

static bool turn(void *x, struct mono now)
{
	struct tcpd *t = x;
	bool worked = tcpd_turn(t, now);
	uint32_t id;
	uint8_t wake;

	while (apps_next_wake(&t->streams.apps, &id, &wake))
		;
	return hear(&t->streams.apps) || worked;
}

static void detach(void *x)
{
	tcpd_detach(x);
	free(x);
}

static const char *early(const struct rig *killed, const struct rig *later)
{
	const char *what = NULL;

	for (uint32_t sub = 0; what == NULL && sub < APP_SOCKETS; sub++)
		what = app_early(killed, later, sub);
	return what;
}

static const char *differs(const struct rig *ref, const struct rig *r)
{
	for (uint32_t sub = 0; sub < APP_SOCKETS; sub++) {
		const char *what = app_differs(ref, r, sub);

		if (what != NULL)
			return what;
		if (app_s2a(ref, sub)->stream != app_s2a(r, sub)->stream)
			return "the stream's state is another";
	}
	return NULL;
}

static const struct sweep_daemon tcpd_daemon = {
	.proc = "tcpd",
	.attach = attach,
	.turn = turn,
	.detach = detach,
	.early = early,
	.differs = differs,
	.state_bytes = sizeof(struct tcpd_state),
	.writes_world = true,
};

/* ---- What the app does */

static void give_spare(struct rig *r)
{
	uint32_t word = spare_make(0, SPARE);
	struct a2s_socket *a = app_a2s(r, LISTENER);

	app_ring_write(r->world + a2s_tx_off(LISTENER), APP_TX_BYTES,
	    a->tx_written, &word, sizeof(word));
	a->tx_written += sizeof(word);
	app_post(r, LISTENER);
}

static void app_sends(struct rig *r, uint32_t sub, uint32_t len)
{
	struct a2s_socket *a = app_a2s(r, sub);

	memset(r->world + a2s_tx_off(sub) + (a->tx_written % APP_TX_BYTES),
	    (int)len, len);
	a->tx_written += len;
	app_post(r, sub);
}

static void app_reads(struct rig *r, uint32_t sub)
{
	app_a2s(r, sub)->rx_read = app_s2a(r, sub)->rx_written;
	app_post(r, sub);
}

/* ---- What the peer does */

/* Relative numbers: 0 is the SYN's. */
struct said {
	uint32_t seq, ack;
	uint16_t flags;
	uint32_t len;
	struct tcp_sack sack; /* relative; right 0: none */
};

static uint32_t iss; /* tcpd's, as it was heard last */

static void peer_says(struct rig *r, const struct said *s)
{
	struct desc d = {
		.kind = PKT_DATA, .proto = IPPROTO_TCP, .flags = PKT_CSUM_VALID
	};
	struct tcp_hdr h = {
		.src_port = PEER_PORT,
		.dst_port = PORT,
		.seq = seq_of(IRS + s->seq),
		.ack = seq_of(iss + s->ack),
		.flags = s->flags,
		.window = 60000,
		.has_mss = (s->flags & TCP_SYN) != 0,
		.mss = MSS,
		.sack_permitted = (s->flags & TCP_SYN) != 0,
		.nsack = s->sack.right.n != 0,
		.sack = { { seq_of(iss + s->sack.left.n),
		    seq_of(iss + s->sack.right.n) } },
	};
	uint8_t p[2048] = { 0 };
	size_t hdr_len = tcp_emit_len(&h);

	assert_true(ip_parse(&d.src, "192.0.2.1"));
	assert_true(ip_parse(&d.dst, "192.0.2.2"));
	tcp_emit(p, &h);
	memset(p + hdr_len, (int)s->seq, s->len);
	rig_put(r, "ipd", "tcpd", p, hdr_len + s->len, &d);
}

#define PEER(r, ...) peer_says(r, &(struct said){ __VA_ARGS__ })

/* Turns until nothing is left to do; what came out is thrown away. */
static void settle(struct rig *r)
{
	struct tcpd *t = attach(r, "tcpd");
	uint8_t p[2048];
	struct tcp_hdr h;
	struct desc d;

	while (turn(t, r->now))
		;
	while (rig_take(r, "ipd", "tcpd", &d, p, sizeof(p)))
		if (tcp_parse(&h, p, d.len) == TCP_OK && (h.flags & TCP_SYN))
			iss = h.seq.n;
	detach(t);
}

static struct rig *open_rig(void)
{
	struct rig *r = app_rig(JSON);

	memset(hung_up, 0, sizeof(hung_up));
	settle(r);
	return r;
}

static struct rig *listening(void)
{
	struct rig *r = open_rig();

	app_ask_name(r, LISTENER, APP_OP_BIND, "0.0.0.0", PORT);
	settle(r);
	app_ask(r, LISTENER, APP_OP_LISTEN, 5, 0, "", 0);
	settle(r);
	assert_int_equal(app_s2a(r, LISTENER)->result, 0);
	give_spare(r);
	settle(r);
	return r;
}

static struct rig *established(void)
{
	struct rig *r = listening();

	PEER(r, .flags = TCP_SYN);
	settle(r);
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK);
	settle(r);
	assert_true(app_s2a(r, SPARE)->stream & STREAM_ESTABLISHED);
	return r;
}

static struct rig *accepted(void)
{
	struct rig *r = established();

	app_reads(r, LISTENER);
	settle(r);
	return r;
}

/* @n segments in flight. */
static struct rig *sending(uint32_t n)
{
	struct rig *r = accepted();

	app_sends(r, SPARE, n * MSS);
	settle(r);
	return r;
}

/* @packets: how many come out, in the end. */
static void sweep_one(struct rig *r, const char *what, uint32_t packets)
{
	struct sweep s = { .daemon = &tcpd_daemon, .rig = r, .again = 97 };

	sweep_run(&s);
	sweep_print(&s, what);
	rig_close(r);
	if (s.violations)
		fail_msg("%s", s.first);
	assert_int_equal(s.packets, packets);
}

/* ---- The handlers */

static void a_syn_is_answered_once(void **state)
{
	struct rig *r = listening();

	(void)state;
	PEER(r, .flags = TCP_SYN);
	sweep_one(r, "tcpd, SYN", 1);
}

static void a_connection_is_accepted_once(void **state)
{
	struct rig *r = listening();

	(void)state;
	PEER(r, .flags = TCP_SYN);
	settle(r);
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK, .len = 100);
	sweep_one(r, "tcpd, the handshake's last ACK", 1);
}

static void a_call_is_made_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	app_ask_name(r, LISTENER, APP_OP_CONNECT, "192.0.2.1", PEER_PORT);
	sweep_one(r, "tcpd, connect", 1);
}

static void data_in_order_comes_once(void **state)
{
	struct rig *r = established();

	(void)state;
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK, .len = 1000);
	PEER(r, .seq = 1001, .ack = 1, .flags = TCP_ACK, .len = 500);
	sweep_one(r, "tcpd, data in order", 1);
}

static void data_out_of_order_comes_once(void **state)
{
	struct rig *r = established();

	(void)state;
	PEER(r, .seq = 1001, .ack = 1, .flags = TCP_ACK, .len = 1000);
	PEER(r, .seq = 3001, .ack = 1, .flags = TCP_ACK, .len = 500);
	settle(r);
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK, .len = 1000);
	PEER(r, .seq = 2501, .ack = 1, .flags = TCP_ACK, .len = 500);
	sweep_one(r, "tcpd, data out of order", 1);
}

static void an_ack_frees_bytes_once(void **state)
{
	struct rig *r = sending(4);

	(void)state;
	PEER(r, .seq = 1, .ack = 1 + 2 * MSS, .flags = TCP_ACK);
	sweep_one(r, "tcpd, ACK", 0);
}

static void a_loss_is_repaired_once(void **state)
{
	struct rig *r = sending(10);

	(void)state;
	r->now = mono_add_ms(r->now, 20);
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK,
	    .sack = { seq_of(1 + 2 * MSS), seq_of(1 + 8 * MSS) });
	sweep_one(r, "tcpd, SACK", 2);
}

static void a_fin_ends_it_once(void **state)
{
	struct rig *r = established();

	(void)state;
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK | TCP_FIN, .len = 10);
	sweep_one(r, "tcpd, FIN", 1);
}

static void a_reset_is_told_once(void **state)
{
	struct rig *r = sending(2);

	(void)state;
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_RST | TCP_ACK);
	sweep_one(r, "tcpd, RST", 0);
}

static void a_timer_fires_once(void **state)
{
	struct rig *r = sending(2);

	(void)state;
	r->now = mono_add_ms(r->now, 3500);
	sweep_one(r, "tcpd, retransmission timer", 1);
}

static void bytes_go_down_once(void **state)
{
	struct rig *r = established();

	(void)state;
	app_sends(r, SPARE, 500);
	app_sends(r, SPARE, 3 * MSS);
	sweep_one(r, "tcpd, the app sends", 1);
}

static void the_window_opens_once(void **state)
{
	struct rig *r = established();

	(void)state;
	for (uint32_t i = 0; i < 80; i++) {
		PEER(r, .seq = 1 + i * MSS, .ack = 1, .flags = TCP_ACK,
		    .len = MSS);
		if (i % 40 == 39)
			settle(r);
	}
	app_reads(r, SPARE);
	sweep_one(r, "tcpd, the app receives", 1);
}

static void it_is_closed_once(void **state)
{
	struct rig *r = sending(1);

	(void)state;
	app_ask(r, SPARE, APP_OP_SHUTDOWN, 2, 0, "", 0);
	sweep_one(r, "tcpd, close", 1);
}

static void time_wait_is_entered_once(void **state)
{
	struct rig *r = established();

	(void)state;
	app_ask(r, SPARE, APP_OP_SHUTDOWN, 2, 0, "", 0);
	settle(r);
	PEER(r, .seq = 1, .ack = 2, .flags = TCP_ACK | TCP_FIN);
	sweep_one(r, "tcpd, into TIME-WAIT", 1);
}

static void its_last_close_is_a_fin_once(void **state)
{
	struct rig *r = accepted();

	(void)state;
	hung_up[SPARE] = true;
	sweep_one(r, "tcpd, last close", 1);
}

static void what_was_written_goes_before_that(void **state)
{
	struct rig *r = sending(2);

	(void)state;
	app_sends(r, SPARE, 100);
	hung_up[SPARE] = true;
	sweep_one(r, "tcpd, last close with bytes to send", 1);
}

/* The bytes lie in the app's ring until then: now it is let go. */
static void an_orphan_lets_its_ring_go_once(void **state)
{
	struct rig *r = sending(2);

	(void)state;
	hung_up[SPARE] = true;
	settle(r);
	PEER(r, .seq = 1, .ack = 1 + 2 * MSS + 1, .flags = TCP_ACK);
	sweep_one(r, "tcpd, an orphan's last ACK", 0);
}

static void what_nobody_read_is_reset_once(void **state)
{
	struct rig *r = accepted();

	(void)state;
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK, .len = 100);
	settle(r);
	hung_up[SPARE] = true;
	sweep_one(r, "tcpd, last close with bytes unread", 1);
}

static void a_spare_is_closed_once(void **state)
{
	struct rig *r = listening();

	(void)state;
	hung_up[SPARE] = true;
	sweep_one(r, "tcpd, close of a spare", 0);
}

/* A spare that became a connection is its listener's until it is accepted. */
static void who_waits_is_held_once(void **state)
{
	struct rig *r = established();

	(void)state;
	hung_up[SPARE] = true;
	sweep_one(r, "tcpd, close of who waits to be accepted", 0);
}

static void who_waits_is_reset_once(void **state)
{
	struct rig *r = established();

	(void)state;
	hung_up[LISTENER] = true;
	sweep_one(r, "tcpd, close of a listener", 1);
}

static void all_of_a_program_ends_once(void **state)
{
	struct rig *r = established();

	(void)state;
	hung_up[LISTENER] = hung_up[SPARE] = true;
	sweep_one(r, "tcpd, close of all", 1);
}

/* Data, a segment that is refused, the ACK: with all that is told of it. */
static void what_is_received_and_sent_is_told_once(void **state)
{
	struct rig *r = accepted();

	(void)state;
	sweep_tap_on(r, "tcpd");
	PEER(r, .seq = 1, .ack = 1, .flags = TCP_ACK, .len = 100);
	PEER(r, .seq = 9000000, .ack = 1, .flags = TCP_ACK, .len = 100);
	app_sends(r, SPARE, 100);
	sweep_one(r, "tcpd, data both ways, tapped", 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_received_and_sent_is_told_once),
		cmocka_unit_test(a_syn_is_answered_once),
		cmocka_unit_test(a_connection_is_accepted_once),
		cmocka_unit_test(a_call_is_made_once),
		cmocka_unit_test(data_in_order_comes_once),
		cmocka_unit_test(data_out_of_order_comes_once),
		cmocka_unit_test(an_ack_frees_bytes_once),
		cmocka_unit_test(a_loss_is_repaired_once),
		cmocka_unit_test(a_fin_ends_it_once),
		cmocka_unit_test(a_reset_is_told_once),
		cmocka_unit_test(a_timer_fires_once),
		cmocka_unit_test(bytes_go_down_once),
		cmocka_unit_test(the_window_opens_once),
		cmocka_unit_test(it_is_closed_once),
		cmocka_unit_test(time_wait_is_entered_once),
		cmocka_unit_test(its_last_close_is_a_fin_once),
		cmocka_unit_test(what_was_written_goes_before_that),
		cmocka_unit_test(an_orphan_lets_its_ring_go_once),
		cmocka_unit_test(what_nobody_read_is_reset_once),
		cmocka_unit_test(a_spare_is_closed_once),
		cmocka_unit_test(who_waits_is_held_once),
		cmocka_unit_test(who_waits_is_reset_once),
		cmocka_unit_test(all_of_a_program_ends_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
