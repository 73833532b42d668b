/*
 * test_sweep_udpd.c - udpd's handlers, killed after each instruction
 *
 * One app with one socket; its segments lie in the rig's world, so a death also
 * strikes between any two of the words that the app sees.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/crash/sweep.h"
#include "tests/crash/sweep_app.h"
#include "udpd/udp_wire.h"
#include "udpd/udpd.h"

static const char JSON[] = RIG_TOPOLOGY("udpd", "");

/* ---- The daemon, as the sweep runs it */

/* Of the one socket; 0: UDP's. */
static uint8_t socket_type, socket_protocol;

static void *attach(struct rig *r, const char *proc)
{
	struct segments s = rig_segments(r, proc);
	struct udpd *u = calloc(1, sizeof(*u));

	assert_non_null(u);
	u->seed[0] = 1;
	u->seed[1] = 2;
	app_introduce(r, &u->apps, 1);
	apps_socket_kind(&u->apps, 0, 0, socket_type, socket_protocol);
	assert_int_equal(udpd_attach(u, &s, r->now), 0);
	return u;
}

static bool turn(void *x, struct mono now)
{
	bool worked = udpd_turn(x, now);
	uint32_t id;
	uint8_t wake;

	while (apps_next_wake(&((struct udpd *)x)->apps, &id, &wake))
		;
	return worked;
}

static void detach(void *x)
{
	struct udpd *u = x;

	node_detach(&u->n);
	free(u);
}

static const char *early(const struct rig *killed, const struct rig *later)
{
	const struct s2a_socket *k = app_s2a(killed, 0);

	if (k->reply_seq == app_a2s(killed, 0)->cmd_seq &&
	    k->result != app_s2a(later, 0)->result)
		return "an answer has changed";
	return app_early(killed, later, 0);
}

static const char *differs(const struct rig *ref, const struct rig *r)
{
	const struct s2a_names *a = &app_s2a(ref, 0)->names;
	const struct s2a_names *b = &app_s2a(r, 0)->names;

	if (memcmp(&a->open, &b->open, sizeof(*a) - sizeof(a->p)) != 0)
		return "the socket's names are others";
	return app_differs(ref, r, 0);
}

static const struct sweep_daemon udpd_daemon = {
	.proc = "udpd",
	.attach = attach,
	.turn = turn,
	.detach = detach,
	.early = early,
	.differs = differs,
	.state_bytes = sizeof(struct udpd_state),
	.writes_world = true,
};

/* ---- What the app and ipd do */

static void app_sends(struct rig *r, const char *ip, uint32_t len)
{
	struct dgram g = {
		.len = len, .port = 9, .link = LINK_ANY, .local = ip_any4
	};
	uint8_t *ring = r->world + a2s_tx_off(0);
	struct a2s_socket *a = app_a2s(r, 0);

	assert_true(ip_parse(&g.peer, ip));
	app_ring_write(ring, APP_TX_BYTES, a->tx_written, &g, sizeof(g));
	memset(ring + ((a->tx_written + sizeof(g)) & (APP_TX_BYTES - 1)),
	    (int)len, len);
	a->tx_written += dgram_room(len);
	app_post(r, 0);
}

static void comes_in(struct rig *r, uint16_t port, size_t len, uint8_t kind)
{
	struct desc d = {
		.kind = kind, .proto = IPPROTO_UDP, .flags = PKT_CSUM_VALID
	};
	struct udp_hdr h = { .src_port = 9,
		.dst_port = port,
		.length = (uint16_t)(UDP_HDR_LEN + len) };
	uint8_t p[2048] = { 0 };

	assert_true(ip_parse(&d.src, "192.0.2.1"));
	assert_true(ip_parse(&d.dst, "192.0.2.2"));
	if (kind == PKT_ERROR) {
		struct ip_addr peer = d.src;

		d.src = d.dst;
		d.dst = peer;
		d.icmp_type = 3;
		d.icmp_code = 3;
		h.src_port = port;
		h.dst_port = 9;
	}
	udp_emit(p, &h);
	memset(p + UDP_HDR_LEN, (int)len, len);
	rig_put(r, "ipd", "udpd", p, UDP_HDR_LEN + len, &d);
}

static void settle(struct rig *r)
{
	struct udpd *u = attach(r, "udpd");
	struct desc d;

	while (turn(u, r->now))
		;
	while (rig_take(r, "ipd", "udpd", &d, NULL, 0))
		;
	detach(u);
}

static struct rig *bound_rig(void)
{
	struct rig *r = app_rig(JSON);

	settle(r);
	app_ask_name(r, 0, APP_OP_BIND, "0.0.0.0", 7);
	settle(r);
	assert_int_equal(app_s2a(r, 0)->result, 0);
	assert_int_equal(app_s2a(r, 0)->names.local.port, 7);
	return r;
}

static void sweep_one(
    struct rig *r, const char *what, uint32_t packets, bool with_attach)
{
	struct sweep s = {
		.daemon = &udpd_daemon,
		.rig = r,
		.again = 29,
		.with_attach = with_attach,
	};

	sweep_run(&s);
	sweep_print(&s, what);
	rig_close(r);
	assert_int_equal(s.packets, packets);
	if (s.violations)
		fail_msg("%s", s.first);
}

/* ---- The handlers */

static void a_socket_is_opened_once(void **state)
{
	(void)state;
	sweep_one(app_rig(JSON), "udpd, open", 0, true);
}

static void datagrams_come_up_once(void **state)
{
	struct rig *r = bound_rig();

	(void)state;
	comes_in(r, 7, 5, PKT_DATA);
	comes_in(r, 7, 1000, PKT_DATA);
	comes_in(r, 8, 100, PKT_DATA); /* nobody's: port unreachable */
	comes_in(r, 7, 0, PKT_DATA);
	sweep_one(r, "udpd, up", 1, false);
}

static void datagrams_go_down_once(void **state)
{
	struct rig *r = bound_rig();

	(void)state;
	app_sends(r, "192.0.2.1", 5);
	app_sends(r, "203.0.113.9", 5); /* no route: an error for the app */
	app_sends(r, "192.0.2.1", 3000);
	sweep_one(r, "udpd, down", 2, false);
}

static void a_port_is_drawn_once(void **state)
{
	struct rig *r = app_rig(JSON);

	(void)state;
	settle(r);
	app_sends(r, "192.0.2.1", 5);
	sweep_one(r, "udpd, first send", 1, false);
}

static void commands_are_answered_once(void **state)
{
	struct rig *r = app_rig(JSON);

	(void)state;
	settle(r);
	app_ask_name(r, 0, APP_OP_BIND, "192.0.2.2", 7);
	sweep_one(r, "udpd, bind", 0, false);

	r = app_rig(JSON);
	settle(r);
	app_ask_name(r, 0, APP_OP_CONNECT, "192.0.2.1", 9);
	sweep_one(r, "udpd, connect", 0, false);
}

static void errors_are_told_once(void **state)
{
	struct rig *r = bound_rig();

	(void)state;
	app_ask_name(r, 0, APP_OP_CONNECT, "192.0.2.1", 9);
	settle(r);
	comes_in(r, 7, 8, PKT_ERROR);
	sweep_one(r, "udpd, an ICMP error", 0, false);
}

static void errors_are_queued_once(void **state)
{
	struct rig *r = bound_rig();
	int yes = 1;

	(void)state;
	app_ask(r, 0, APP_OP_SETOPT, IPPROTO_IP, IP_RECVERR, &yes, sizeof(yes));
	settle(r);
	comes_in(r, 7, 8, PKT_ERROR);
	comes_in(r, 7, 20, PKT_ERROR);
	sweep_one(r, "udpd, errors into the queue", 0, false);
}

/* An echo reply with id 1000, as ipd copies it, or an error about a request. */
static void echo_comes_in(struct rig *r, uint8_t kind)
{
	struct desc d = {
		.kind = kind, .proto = IPPROTO_ICMP, .flags = PKT_CSUM_VALID
	};
	uint8_t p[64] = { 0x45 };
	uint8_t *m = kind == PKT_RAW ? p + 20 : p;

	assert_true(ip_parse(&d.src, "192.0.2.1"));
	assert_true(ip_parse(&d.dst, "192.0.2.2"));
	if (kind == PKT_RAW) {
		d.l4 = 20;
	} else {
		struct ip_addr peer = d.src;

		d.src = d.dst;
		d.dst = peer;
		d.icmp_type = 11;
		m[0] = 8;
	}
	m[4] = 1000 >> 8;
	m[5] = 1000 & 0xff;
	rig_put(r, "ipd", "udpd", p, sizeof(p), &d);
}

static void echo_goes_out(struct rig *r)
{
	uint64_t at = app_a2s(r, 0)->tx_written + sizeof(struct dgram);

	app_sends(r, "192.0.2.1", 16);
	memset(r->world + a2s_tx_off(0) + (at & (APP_TX_BYTES - 1)), 0, 16);
	r->world[a2s_tx_off(0) + (at & (APP_TX_BYTES - 1))] = 8;
}

static void echoes_come_and_go_once(void **state)
{
	int yes = 1;
	struct rig *r = app_rig(JSON);

	(void)state;
	socket_type = SOCK_DGRAM;
	socket_protocol = IPPROTO_ICMP;
	settle(r);
	app_ask_name(r, 0, APP_OP_BIND, "0.0.0.0", 1000);
	settle(r);
	app_ask(r, 0, APP_OP_SETOPT, IPPROTO_IP, IP_RECVERR, &yes, sizeof(yes));
	settle(r);
	echo_comes_in(r, PKT_RAW);
	echo_comes_in(r, PKT_ERROR);
	echo_goes_out(r);
	sweep_one(r, "udpd, echoes", 1, false);

	r = app_rig(JSON);
	app_ask_name(r, 0, APP_OP_BIND, "0.0.0.0", 1000);
	sweep_one(r, "udpd, a ping socket is opened", 0, true);

	r = app_rig(JSON);
	socket_type = SOCK_RAW;
	settle(r);
	echo_comes_in(r, PKT_RAW);
	echo_comes_in(r, PKT_RAW);
	echo_goes_out(r);
	sweep_one(r, "udpd, raw packets", 1, false);
	socket_type = socket_protocol = 0;
}

static void a_mixture_is_handled_once(void **state)
{
	struct rig *r = bound_rig();
	struct ip_mreqn m = { .imr_ifindex = 1 };

	(void)state;
	m.imr_multiaddr.s_addr = htonl(0xef010203);
	for (uint32_t i = 0; i < 4; i++) {
		comes_in(r, (uint16_t)(7 + i % 2), 10 + i, PKT_DATA);
		app_sends(r, "192.0.2.1", 20 + i);
	}
	app_ask(
	    r, 0, APP_OP_SETOPT, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m));
	sweep_one(r, "udpd, a mixture", 6, false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_is_opened_once),
		cmocka_unit_test(datagrams_come_up_once),
		cmocka_unit_test(datagrams_go_down_once),
		cmocka_unit_test(a_port_is_drawn_once),
		cmocka_unit_test(commands_are_answered_once),
		cmocka_unit_test(errors_are_told_once),
		cmocka_unit_test(errors_are_queued_once),
		cmocka_unit_test(echoes_come_and_go_once),
		cmocka_unit_test(a_mixture_is_handled_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
