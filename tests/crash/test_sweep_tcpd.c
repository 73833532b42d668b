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

static const char JSON[] =
    "{\"name\":\"t\",\"links\":[{\"name\":\"n0\",\"device\":\"null\","
    "\"mac\":\"02:00:00:00:00:02\",\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"tcpd\",\"layer\":\"tcpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"tcpd\"},"
    "{\"from\":\"tcpd\",\"to\":\"ipd\"}]}";

/* Of the app's segments only what its two sockets have. */
enum {
	SOCKETS = 2,
	S2A_AT = A2S_TX_OFF + SOCKETS * APP_TX_BYTES,
	WORLD_USED = S2A_AT + S2A_RX_OFF + SOCKETS * APP_RX_BYTES,

	LISTENER = 0,
	SPARE = 1, /* becomes the connection */
	PORT = 7,
	PEER_PORT = 4000,
	IRS = 5000,
	MSS = 1460,
};

static_assert((int)WORLD_USED <= (int)RIG_WORLD_BYTES, "both have room");

static struct a2s_socket *a2s(const struct rig *r, uint32_t sub)
{
	return (void *)(r->world + a2s_socket_off(sub));
}

static struct s2a_socket *s2a(const struct rig *r, uint32_t sub)
{
	return (void *)(r->world + S2A_AT + s2a_socket_off(sub));
}

static const uint8_t *rx_ring(const struct rig *r, uint32_t sub)
{
	return r->world + S2A_AT + s2a_rx_off(sub);
}

/* ---- The daemon, as the sweep runs it */

static void *attach(struct rig *r, const char *proc)
{
	struct segments s = rig_segments(r, proc);
	struct tcpd *t = calloc(1, sizeof(*t));
	struct apps *a;

	assert_non_null(t);
	a = &t->streams.apps;
	for (uint32_t i = 0; i < TCPD_SEEDS; i++)
		t->seed[i] = i + 1;
	apps_app_opened(a, 0, r->world, r->world + S2A_AT);
	for (uint32_t sub = 0; sub < SOCKETS; sub++)
		apps_socket_opened(a, 0, sub, AF_INET);
	assert_int_equal(tcpd_attach(t, &s, r->now), 0);
	return t;
}

static bool turn(void *x, struct mono now)
{
	struct tcpd *t = x;
	bool worked = tcpd_turn(t, now);
	uint32_t id;
	uint8_t wake;

	while (apps_next_wake(&t->streams.apps, &id, &wake))
		;
	return worked;
}

static void detach(void *x)
{
	tcpd_detach(x);
	free(x);
}

/* What the app can see in @killed must still be so in @later. */
static const char *early(const struct rig *killed, const struct rig *later)
{
	for (uint32_t sub = 0; sub < SOCKETS; sub++) {
		const struct s2a_socket *k = s2a(killed, sub);
		const struct s2a_socket *l = s2a(later, sub);

		if (k->rx_written > l->rx_written)
			return "bytes were shown before the commit";
		if (memcmp(rx_ring(killed, sub), rx_ring(later, sub),
			k->rx_written) != 0)
			return "bytes that were shown have changed";
		if (k->tx_consumed > l->tx_consumed)
			return "room was given before the commit";
		if ((int32_t)(k->reply_seq - l->reply_seq) > 0)
			return "an answer was shown before the commit";
		if (k->error >> 32 > l->error >> 32)
			return "an error was shown before the commit";
	}
	return NULL;
}

static const char *differs(const struct rig *ref, const struct rig *r)
{
	for (uint32_t sub = 0; sub < SOCKETS; sub++) {
		const struct s2a_socket *a = s2a(ref, sub);
		const struct s2a_socket *b = s2a(r, sub);

		if (a->rx_written != b->rx_written ||
		    memcmp(rx_ring(ref, sub), rx_ring(r, sub), a->rx_written) !=
			0)
			return "the app received something else";
		if (a->tx_consumed != b->tx_consumed || a->error != b->error)
			return "the app's counts are others";
		if (a->stream != b->stream)
			return "the stream's state is another";
		if (a->reply_seq != b->reply_seq || a->result != b->result)
			return "the answer is another";
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

static void post(struct rig *r, uint32_t sub)
{
	struct a2s_head *h = (void *)r->world;

	h->event[h->posted++ % APP_EVENTS] = (uint16_t)sub;
}

static void ask(struct rig *r, uint32_t sub, uint32_t op, uint32_t arg,
    const void *data, uint32_t len)
{
	struct a2s_socket *a = a2s(r, sub);

	a->cmd_op = op;
	a->cmd_arg[0] = arg;
	a->cmd_len = len;
	memcpy(a->cmd_data, data, len);
	a->cmd_seq++;
	post(r, sub);
}

static void ask_name(
    struct rig *r, uint32_t sub, uint32_t op, const char *ip, uint16_t port)
{
	struct app_name n = {
		.port = port, .link = LINK_ANY, .family = AF_INET
	};

	assert_true(ip_parse(&n.ip, ip));
	ask(r, sub, op, 0, &n, sizeof(n));
}

static void give_spare(struct rig *r)
{
	uint32_t word = spare_make(0, SPARE);
	struct a2s_socket *a = a2s(r, LISTENER);

	app_ring_write(r->world + a2s_tx_off(LISTENER), APP_TX_BYTES,
	    a->tx_written, &word, sizeof(word));
	a->tx_written += sizeof(word);
	post(r, LISTENER);
}

static void app_sends(struct rig *r, uint32_t sub, uint32_t len)
{
	struct a2s_socket *a = a2s(r, sub);

	memset(r->world + a2s_tx_off(sub) + (a->tx_written % APP_TX_BYTES),
	    (int)len, len);
	a->tx_written += len;
	post(r, sub);
}

static void app_reads(struct rig *r, uint32_t sub)
{
	a2s(r, sub)->rx_read = s2a(r, sub)->rx_written;
	post(r, sub);
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
	struct rig *r = rig_open(JSON);
	struct fib *f = (void *)rig_node(r, "ipd")->table;

	publish_begin(&f->p);
	fib_build(f, &r->topo);
	publish_end(&f->p);
	settle(r);
	return r;
}

static struct rig *listening(void)
{
	struct rig *r = open_rig();

	ask_name(r, LISTENER, APP_OP_BIND, "0.0.0.0", PORT);
	settle(r);
	ask(r, LISTENER, APP_OP_LISTEN, 5, "", 0);
	settle(r);
	assert_int_equal(s2a(r, LISTENER)->result, 0);
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
	assert_true(s2a(r, SPARE)->stream & STREAM_ESTABLISHED);
	return r;
}

/* @n segments in flight. */
static struct rig *sending(uint32_t n)
{
	struct rig *r = established();

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
	ask_name(r, LISTENER, APP_OP_CONNECT, "192.0.2.1", PEER_PORT);
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
	ask(r, SPARE, APP_OP_SHUTDOWN, 2, "", 0);
	sweep_one(r, "tcpd, close", 1);
}

static void time_wait_is_entered_once(void **state)
{
	struct rig *r = established();

	(void)state;
	ask(r, SPARE, APP_OP_SHUTDOWN, 2, "", 0);
	settle(r);
	PEER(r, .seq = 1, .ack = 2, .flags = TCP_ACK | TCP_FIN);
	sweep_one(r, "tcpd, into TIME-WAIT", 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
