/*
 * test_udpd_datagram.c - datagrams down and up, and the errors they cause
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/harness/fake_app.h"

static uint8_t bytes[BIG_SLOT];

/* ---- Down */

static void sends_header_and_payload(void **state)
{
	static const uint8_t want[] = { 0, 7, 0x9c, 0x40, 0, 12, 0, 0, 'p', 'i',
		'n', 'g' };
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct ip_addr to = apps_name("192.0.2.1", 0).ip;
	struct desc d;

	(void)state;
	apps_bind(w, s, "*", 7);
	apps_write(w, s, "192.0.2.1", 40000, "ping", 4);
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
	assert_int_equal(d.off, SLOT_HEADROOM);
	assert_int_equal(d.proto, IPPROTO_UDP);
	assert_int_equal(d.csum_offset, 6);
	assert_true(d.flags & PKT_CSUM_PARTIAL);
	assert_int_equal(d.hops, 0);
	assert_int_equal(d.link, LINK_ANY);
	assert_memory_equal(&d.dst, &to, 16);
	assert_memory_equal(&d.src, &ip_any4, 16);
	assert_int_equal(apps_s2a(w, s)->tx_consumed, dgram_room(4));
	apps_close(w);
}

static void sends_every_size(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 1472, 1900, 1912, 1913, 9000,
		65507 };
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	static uint8_t payload[65507];
	struct desc d;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		apps_write(w, s, "192.0.2.1", 9, payload, sizes[i]);
		apps_run(w);
		assert_int_equal(
		    apps_tx(w, &d, bytes, sizeof(bytes)), 8 + sizes[i]);
		assert_memory_equal(bytes + 8, payload, sizes[i]);
	}
	assert_int_equal(rig_lent(w->rig, "ipd"), 0);
	apps_close(w);
}

static void options_reach_the_descriptor(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct ip_mreqn by = { .imr_ifindex = 2 };
	struct desc d;

	(void)state;
	apps_setopt(w, s, IPPROTO_IP, IP_TTL, 3);
	apps_setopt(w, s, IPPROTO_IP, IP_TOS, 0x28);
	apps_setopt(w, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	apps_setopt(w, s, SOL_SOCKET, SO_DONTROUTE, 1);
	apps_write(w, s, "192.0.2.1", 9, "x", 1);
	apps_run(w);
	apps_tx(w, &d, bytes, sizeof(bytes));
	assert_int_equal(d.hops, 3);
	assert_int_equal(d.tclass, 0x28);
	assert_true(d.flags & PKT_DONT_FRAGMENT);
	assert_true(d.flags & PKT_NO_ROUTE);
	assert_false(d.flags & PKT_BROADCAST_OK);

	apps_command(
	    w, s, APP_OP_SETOPT, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by));
	apps_write(w, s, "224.0.0.9", 9, "x", 1);
	apps_run(w);
	apps_tx(w, &d, bytes, sizeof(bytes));
	assert_int_equal(d.hops, 1);
	assert_int_equal(d.link, 1);
	assert_true(d.flags & PKT_MULTICAST_LOOP);
	apps_close(w);
}

/* What was written before a command is not changed by it. */
static void a_command_waits_for_what_was_sent_before(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct desc d;

	(void)state;
	apps_write(w, s, "192.0.2.1", 9, "x", 1);
	apps_setopt(w, s, IPPROTO_IP, IP_TTL, 3);
	apps_write(w, s, "192.0.2.1", 9, "x", 1);
	apps_run(w);
	apps_tx(w, &d, bytes, sizeof(bytes));
	assert_int_equal(d.hops, 0);
	apps_tx(w, &d, bytes, sizeof(bytes));
	assert_int_equal(d.hops, 3);
	apps_close(w);
}

static void keeps_what_does_not_fit_into_the_ring(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct desc d;

	(void)state;
	for (uint8_t i = 0; i < 100; i++)
		apps_write(w, s, "192.0.2.1", 9, &i, 1);
	apps_run(w);
	assert_int_equal(rig_waiting(w->rig, "udpd", "ipd"), 64);
	assert_int_equal(apps_s2a(w, s)->tx_consumed, 64 * dgram_room(1));
	for (uint8_t i = 0; i < 100; i++) {
		apps_run(w);
		assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), 9);
		assert_int_equal(bytes[8], i);
	}
	apps_close(w);
}

static void a_flood_leaves_others_their_turn(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t loud = apps_socket(w, AF_INET);
	uint32_t quiet = apps_socket(w, AF_INET);
	struct desc d;
	int before = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		apps_write(w, loud, "192.0.2.1", 9, "loud", 4);
	apps_write(w, quiet, "192.0.2.1", 9, "shy", 3);
	apps_run(w);
	while (apps_tx(w, &d, bytes, sizeof(bytes)) == 12)
		before++;
	assert_in_range(before, 1, 32);
	apps_close(w);
}

static void what_was_sent_before_the_close_goes_out(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct desc d;
	int got = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		apps_write(w, s, "192.0.2.1", 9, "x", 1);
	apps_close_socket(w, s);
	while (apps_tx(w, &d, bytes, sizeof(bytes)) >= 0) {
		got++;
		apps_run(w);
	}
	assert_int_equal(got, 100);
	assert_int_equal(w->ch.family[s], 0);
	apps_close(w);
}

/* ---- Up */

static void delivers_with_its_addresses(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct ip_addr from = apps_name("192.0.2.1", 0).ip;
	struct ip_addr to = apps_name("192.0.2.2", 0).ip;
	struct dgram g;

	(void)state;
	apps_bind(w, s, "*", 7);
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, "ping", 4);
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, "", 0);
	apps_run(w);
	assert_true(apps_read(w, s, &g, bytes, sizeof(bytes)));
	assert_int_equal(g.len, 4);
	assert_memory_equal(bytes, "ping", 4);
	assert_int_equal(g.port, 4000);
	assert_int_equal(g.hops, 64);
	assert_memory_equal(&g.peer, &from, 16);
	assert_memory_equal(&g.local, &to, 16);
	assert_true(apps_read(w, s, &g, bytes, sizeof(bytes)));
	assert_int_equal(g.len, 0);
	assert_int_equal(rig_lent(w->rig, "ipd"), 0);
	apps_close(w);
}

static void refuses_bad_headers_by_name(void **state)
{
	struct fake_apps *w = apps_open();
	struct desc d = { .proto = 17,
		.src = apps_name("192.0.2.1", 0).ip,
		.dst = apps_name("192.0.2.2", 0).ip };
	static const uint8_t cut[] = { 0, 9, 0, 7, 0, 9, 0 };
	static const uint8_t longer[] = { 0, 9, 0, 7, 0, 9, 0, 0 };
	static const uint8_t zero[] = { 0, 9, 0, 0, 0, 8, 0, 0 };
	static const uint8_t sum[] = { 0, 9, 0, 7, 0, 8, 1, 2 };

	(void)state;
	rig_put(w->rig, "ipd", "udpd", cut, sizeof(cut), &d);
	rig_put(w->rig, "ipd", "udpd", longer, sizeof(longer), &d);
	rig_put(w->rig, "ipd", "udpd", zero, sizeof(zero), &d);
	rig_put(w->rig, "ipd", "udpd", sum, sizeof(sum), &d);
	d.kind = 99;
	rig_put(w->rig, "ipd", "udpd", sum, sizeof(sum), &d);
	apps_run(w);
	assert_int_equal(rig_counter(w->rig, "udpd", "rx_short"), 1);
	assert_int_equal(rig_counter(w->rig, "udpd", "rx_bad_length"), 1);
	assert_int_equal(rig_counter(w->rig, "udpd", "rx_bad_port"), 1);
	assert_int_equal(rig_counter(w->rig, "udpd", "rx_bad_checksum"), 1);
	assert_int_equal(rig_counter(w->rig, "udpd", "rx_bad_kind"), 1);
	assert_int_equal(rig_lent(w->rig, "ipd"), 0);
	apps_close(w);
}

/* A socket that nobody reads holds its buffer, not the stack. */
static void drops_beyond_the_buffer_and_counts(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	static uint8_t payload[1000];
	struct dgram g;
	uint64_t dropped;
	uint32_t got = 0;

	(void)state;
	apps_bind(w, s, "*", 7);
	apps_setopt(w, s, SOL_SOCKET, SO_RCVBUF, 5000);
	assert_int_equal(apps_getopt(w, s, SOL_SOCKET, SO_RCVBUF), 10000);
	for (int i = 0; i < 20; i++)
		apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, payload, 1000);
	apps_run(w);
	dropped = apps_s2a(w, s)->dropped;
	assert_int_equal(
	    rig_counter(w->rig, "udpd", "rx_buffer_full"), dropped);
	while (apps_read(w, s, &g, bytes, sizeof(bytes)))
		got++;
	assert_int_equal(got, 10000 / dgram_room(1000));
	assert_int_equal(got + dropped, 20);
	/* And there is room again. */
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, payload, 1000);
	apps_run(w);
	assert_true(apps_read(w, s, &g, bytes, sizeof(bytes)));
	apps_close(w);
}

/* ---- Errors */

static void asks_for_port_unreachable(void **state)
{
	struct fake_apps *w = apps_open();
	struct ip_addr from = apps_name("192.0.2.1", 0).ip;
	static uint8_t payload[1400];
	struct desc d;

	(void)state;
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 9, payload, 1400);
	apps_run(w);
	assert_in_range(apps_tx(w, &d, bytes, sizeof(bytes)), 8, 576);
	assert_int_equal(d.kind, PKT_ERROR);
	assert_int_equal(d.icmp_type, 3);
	assert_int_equal(d.icmp_code, 3);
	assert_memory_equal(&d.src, &from, 16);
	assert_int_equal(bytes[3], 9);

	apps_rx(w, "2001:db8::1", 4000, "2001:db8::2", 9, payload, 1400);
	apps_run(w);
	assert_in_range(apps_tx(w, &d, bytes, sizeof(bytes)), 8, 1232);
	assert_int_equal(d.icmp_type, 1);
	assert_int_equal(d.icmp_code, 4);

	/* RFC 1122, 3.2.2: never about these. */
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.255", 9, payload, 14);
	apps_rx(w, "192.0.2.1", 4000, "224.0.0.1", 9, payload, 14);
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), -1);
	apps_close(w);
}

static void errors_find_the_socket_that_caused_them(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	uint32_t loose = apps_socket(w, AF_INET);

	(void)state;
	apps_connect(w, s, "192.0.2.1", 9);
	apps_bind(w, loose, "*", 1234);
	/* Not to that peer; no hard error; then the real one. */
	apps_rx_error(w, "192.0.2.2", apps_port(w, s), "192.0.2.7", 9, 3, 3);
	apps_rx_error(w, "192.0.2.2", apps_port(w, s), "192.0.2.1", 9, 3, 1);
	apps_run(w);
	assert_int_equal(apps_error(w, s), 0);
	apps_rx_error(w, "192.0.2.2", apps_port(w, s), "192.0.2.1", 9, 3, 3);
	apps_run(w);
	assert_int_equal(apps_error(w, s), ECONNREFUSED);
	assert_int_equal(apps_error(w, s), 0);
	/* Who is not connected hears nothing unless he asked. */
	apps_rx_error(w, "192.0.2.2", 1234, "192.0.2.1", 9, 3, 3);
	apps_run(w);
	assert_int_equal(apps_error(w, loose), 0);
	apps_setopt(w, loose, IPPROTO_IP, IP_RECVERR, 1);
	apps_rx_error(w, "192.0.2.2", 1234, "192.0.2.1", 9, 3, 1);
	apps_run(w);
	assert_int_equal(apps_error(w, loose), EHOSTUNREACH);
	assert_int_equal(rig_lent(w->rig, "ipd"), 0);
	apps_close(w);
}

static void errors_of_sending_are_told(void **state)
{
	static const struct {
		const char *to;
		uint16_t port;
		int want;
	} cases[] = {
		{ "8.8.8.8", 9, ENETUNREACH },
		{ "192.0.2.255", 9, EACCES },
		{ "192.0.2.1", 0, EINVAL },
		{ "0.0.0.0", 9, EINVAL },
		{ "2001:db8::1", 9, ENETUNREACH },
	};
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct desc d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		apps_write(w, s, cases[i].to, cases[i].port, "x", 1);
		apps_run(w);
		assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), -1);
		assert_int_equal(apps_error(w, s), cases[i].want);
	}
	apps_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_header_and_payload),
		cmocka_unit_test(sends_every_size),
		cmocka_unit_test(options_reach_the_descriptor),
		cmocka_unit_test(a_command_waits_for_what_was_sent_before),
		cmocka_unit_test(keeps_what_does_not_fit_into_the_ring),
		cmocka_unit_test(a_flood_leaves_others_their_turn),
		cmocka_unit_test(what_was_sent_before_the_close_goes_out),
		cmocka_unit_test(delivers_with_its_addresses),
		cmocka_unit_test(refuses_bad_headers_by_name),
		cmocka_unit_test(drops_beyond_the_buffer_and_counts),
		cmocka_unit_test(asks_for_port_unreachable),
		cmocka_unit_test(errors_find_the_socket_that_caused_them),
		cmocka_unit_test(errors_of_sending_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
