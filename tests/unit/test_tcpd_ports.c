/*
 * test_tcpd_ports.c - bind, connect's names, listen's port: who gets which
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/streams_world.h"

enum {
	CROWD = 40,
};

static const struct app_name *local_of(struct fake_streams *w, uint32_t id)
{
	return &stream_sock(w->s, id)->local;
}

static void refuses_what_linux_refuses(struct fake_streams *w)
{
	static const struct {
		uint8_t family;
		const char *ip;
		uint8_t link;
		int want;
	} cases[] = {
		{ AF_INET, "192.0.2.9", LINK_ANY, -EADDRNOTAVAIL },
		{ AF_INET, "224.0.0.1", LINK_ANY, -EADDRNOTAVAIL },
		{ AF_INET, "192.0.2.255", LINK_ANY, -EADDRNOTAVAIL },
		{ AF_INET, "2001:db8::2", LINK_ANY, -EINVAL },
		{ AF_INET, "192.0.2.2", 77, -ENODEV },
		{ AF_INET6, "2001:db8::9", LINK_ANY, -EADDRNOTAVAIL },
		{ AF_INET6, "ff02::1", LINK_ANY, -EADDRNOTAVAIL },
		{ AF_INET6, "fe80::1", LINK_ANY, -EINVAL },
		{ AF_INET6, "fe80::1", 0, -EADDRNOTAVAIL },
		{ AF_INET, "192.0.2.2", LINK_ANY, 0 },
		{ AF_INET, "127.0.0.1", LINK_ANY, 0 },
		{ AF_INET, "*", LINK_ANY, 0 },
		{ AF_INET6, "2001:db8::2", LINK_ANY, 0 },
		{ AF_INET6, "::ffff:192.0.2.2", LINK_ANY, 0 },
		{ AF_INET6, "**", LINK_ANY, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct app_name n = streams_name(cases[i].ip, 7);
		uint32_t id = streams_socket(w, 0, cases[i].family);

		n.link = cases[i].link;
		if (streams_command(w, id, APP_OP_BIND, 0, 0, &n, sizeof(n)) !=
		    cases[i].want)
			fail_msg(
			    "%s: %d", cases[i].ip, streams_s2a(w, id)->result);
		streams_close_socket(w, id);
	}
}

static void binds_once(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);

	assert_int_equal(streams_bind(w, id, "*", 7), 0);
	assert_int_equal(streams_s2a(w, id)->names.local.port, 7);
	assert_int_equal(streams_bind(w, id, "*", 8), -EINVAL);
	assert_int_equal(streams_bind(w, id, "192.0.2.9", 8), -EADDRNOTAVAIL);
	assert_int_equal(local_of(w, id)->port, 7);
}

struct pair {
	const char *first, *second;
	uint8_t family1, family2;
	int options1, options2; /* of SO_REUSE*, or 0 */
	bool first_listens;
	int want;
};

/* Two sockets at port 7, as Linux has it. */
static void knows_who_is_in_the_way(void **state)
{
	static const struct pair pairs[] = {
		{ "*", "*", AF_INET, AF_INET, 0, 0, false, -EADDRINUSE },
		{ "*", "192.0.2.2", AF_INET, AF_INET, 0, 0, false,
		    -EADDRINUSE },
		{ "192.0.2.2", "198.51.100.2", AF_INET, AF_INET, 0, 0, true,
		    0 },
		{ "*", "*", AF_INET, AF_INET, SO_REUSEADDR, SO_REUSEADDR, false,
		    0 },
		{ "*", "*", AF_INET, AF_INET, SO_REUSEADDR, SO_REUSEADDR, true,
		    -EADDRINUSE },
		{ "*", "*", AF_INET, AF_INET, SO_REUSEADDR, 0, false,
		    -EADDRINUSE },
		{ "*", "*", AF_INET, AF_INET, SO_REUSEPORT, SO_REUSEPORT, true,
		    0 },
		{ "*", "*", AF_INET, AF_INET, SO_REUSEPORT, SO_REUSEADDR, false,
		    -EADDRINUSE },
		{ "**", "*", AF_INET6, AF_INET, 0, 0, false, -EADDRINUSE },
		{ "2001:db8::2", "*", AF_INET6, AF_INET, 0, 0, false, 0 },
		{ "**", "2001:db8::2", AF_INET6, AF_INET6, 0, 0, true,
		    -EADDRINUSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct pair *p = &pairs[i];
		struct fake_streams *w = streams_open(DIES_WITHIN);
		uint32_t a = streams_socket(w, 0, p->family1);
		uint32_t b = streams_socket(w, 0, p->family2);

		if (p->options1)
			streams_set(w, a, SOL_SOCKET, p->options1, 1);
		if (p->options2)
			streams_set(w, b, SOL_SOCKET, p->options2, 1);
		assert_int_equal(streams_bind(w, a, p->first, 7), 0);
		if (p->first_listens)
			assert_int_equal(streams_listen(w, a, 5), 0);
		if (streams_bind(w, b, p->second, 7) != p->want)
			fail_msg("pair %zu: %d", i, streams_s2a(w, b)->result);
		streams_close_socket(w, a);
		if (p->want != 0)
			assert_int_equal(streams_bind(w, b, p->second, 7), 0);
		streams_close(w);
	}
}

static void only_v6_leaves_ipv4_alone(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t a = streams_socket(w, 0, AF_INET6);
	uint32_t b = streams_socket(w, 0, AF_INET);

	(void)state;
	assert_int_equal(streams_set(w, a, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	assert_int_equal(streams_bind(w, a, "::ffff:192.0.2.2", 7), -EINVAL);
	assert_int_equal(streams_bind(w, a, "**", 7), 0);
	assert_int_equal(streams_bind(w, b, "*", 7), 0);
	assert_int_equal(
	    streams_set(w, a, IPPROTO_IPV6, IPV6_V6ONLY, 0), -EINVAL);
	streams_close(w);
}

/* TIME-WAIT and orphans: SO_REUSEADDR is for these. */
static void minds_connections_that_linger(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_socket(w, 0, AF_INET);

	(void)state;
	w->linger = true;
	assert_int_equal(streams_bind(w, id, "*", 7), -EADDRINUSE);
	assert_int_equal(streams_set(w, id, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	assert_int_equal(streams_bind(w, id, "*", 7), 0);
	streams_close(w);
}

/* Two may share a bound port, but only one of them may listen. */
static void one_of_two_listens(struct fake_streams *w)
{
	uint32_t a = streams_socket(w, 0, AF_INET);
	uint32_t b = streams_socket(w, 0, AF_INET);

	streams_set(w, a, SOL_SOCKET, SO_REUSEADDR, 1);
	streams_set(w, b, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(streams_bind(w, a, "*", 7), 0);
	assert_int_equal(streams_bind(w, b, "*", 7), 0);
	assert_int_equal(streams_listen(w, a, 5), 0);
	assert_int_equal(streams_listen(w, b, 5), -EADDRINUSE);
	assert_int_equal(streams_shutdown(w, a, 1), 0);
	assert_int_equal(streams_listen(w, b, 5), 0);
}

static void listen_finds_a_port(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_socket(w, 0, AF_INET);

	(void)state;
	assert_int_equal(streams_listen(w, id, 5), 0);
	assert_in_range(streams_s2a(w, id)->names.local.port, 32768, 60999);
	streams_close(w);
}

/* ---- connect */

static void names_both_ends(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);
	struct app_name us = streams_name("192.0.2.2", 0);
	const struct s2a_names *n;

	assert_int_equal(streams_connect(w, id, "203.0.113.5", 80), 0);
	n = &streams_s2a(w, id)->names;
	assert_true(ip_equal(&n->local.ip, &us.ip));
	assert_in_range(n->local.port, 32768, 60999);
	assert_int_equal(n->peer.port, 80);
	assert_int_equal(n->connected, 0);
	streams_establish(w, id);
	assert_int_equal(n->connected, 1);
}

static void connect_refuses_what_linux_refuses(void **state)
{
	static const struct {
		uint8_t family;
		const char *ip;
		uint16_t port;
		int want;
	} cases[] = {
		{ AF_INET, "9.9.9.9", 80, -ENETUNREACH },
		{ AF_INET, "224.0.0.1", 80, -ENETUNREACH },
		{ AF_INET, "192.0.2.255", 80, -ENETUNREACH },
		{ AF_INET, "2001:db8::1", 80, -ENETUNREACH },
		{ AF_INET, "192.0.2.1", 0, -ECONNREFUSED },
		{ AF_INET6, "fe80::1", 80, -EINVAL },
		{ AF_INET6, "::ffff:192.0.2.1", 80, 0 },
		{ AF_INET6, "2001:db8::1", 80, 0 },
	};
	struct fake_streams *w = streams_open(LIVES);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t id = streams_socket(w, 0, cases[i].family);

		if (streams_connect(w, id, cases[i].ip, cases[i].port) !=
		    cases[i].want)
			fail_msg(
			    "%s: %d", cases[i].ip, streams_s2a(w, id)->result);
		assert_int_equal(
		    stream_sock(w->s, id)->bound, cases[i].want == 0);
	}
	streams_close(w);
}

static void a_failed_connect_leaves_what_bind_did(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);

	assert_int_equal(streams_bind(w, id, "*", 7), 0);
	w->connect_result = -ENOBUFS;
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), -ENOBUFS);
	assert_int_equal(local_of(w, id)->port, 7);
	assert_true(ip_is_any(&local_of(w, id)->ip));
	w->connect_result = 0;
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	streams_end(w, id, ECONNREFUSED);
	assert_int_equal(local_of(w, id)->port, 7);
	assert_true(ip_is_any(&local_of(w, id)->ip));
	assert_int_equal(streams_listen(w, id, 5), 0);
}

/* The same port for two peers, if bind has not asked for it; never one pair. */
static void a_pair_of_names_is_used_once(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t a = streams_socket(w, 0, AF_INET);
	uint32_t b = streams_socket(w, 0, AF_INET);

	(void)state;
	streams_set(w, a, SOL_SOCKET, SO_REUSEADDR, 1);
	streams_set(w, b, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(streams_bind(w, a, "*", 7), 0);
	assert_int_equal(streams_bind(w, b, "*", 7), 0);
	assert_int_equal(streams_connect(w, a, "192.0.2.1", 80), 0);
	assert_int_equal(
	    streams_connect(w, b, "192.0.2.1", 80), -EADDRNOTAVAIL);
	assert_int_equal(streams_connect(w, b, "192.0.2.1", 81), 0);
	streams_close(w);
}

static void disconnect_gives_the_port_back(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);
	uint32_t other = streams_socket(w, 0, AF_INET);
	uint16_t port;

	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	streams_establish(w, id);
	port = local_of(w, id)->port;
	assert_int_equal(streams_bind(w, other, "*", port), -EADDRINUSE);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 81), -EISCONN);
	assert_int_equal(streams_connect(w, id, NULL, 0), 0);
	assert_int_equal(local_of(w, id)->port, 0);
	assert_int_equal(streams_bind(w, other, "*", port), 0);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 81), 0);
}

/* ---- Accepted sockets share their listener's port */

static uint32_t crowd_open(struct fake_streams *w, uint32_t crowd[CROWD])
{
	uint32_t listener = streams_socket(w, 0, AF_INET);
	struct accept_record r;

	streams_set(w, listener, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(streams_bind(w, listener, "*", 7), 0);
	assert_int_equal(streams_listen(w, listener, CROWD), 0);
	for (uint32_t i = 0; i < CROWD; i++) {
		streams_offer(w, listener, streams_socket(w, 0, AF_INET));
		crowd[i] = streams_incoming(
		    w, listener, "192.0.2.1", (uint16_t)(1000 + i));
		assert_int_not_equal(crowd[i], NO_SOCKET);
		assert_true(streams_accepted(w, listener, &r));
	}
	return listener;
}

/* What a restarted server meets: the old one's connections. */
static void a_server_comes_back_beside_the_accepted(struct fake_streams *w)
{
	uint32_t crowd[CROWD];
	uint32_t old = crowd_open(w, crowd);
	uint32_t new = streams_socket(w, 0, AF_INET);

	streams_close_socket(w, old);
	assert_int_equal(streams_bind(w, new, "*", 7), -EADDRINUSE);
	streams_set(w, new, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(streams_bind(w, new, "*", 7), 0);
	assert_int_equal(streams_listen(w, new, 5), 0);
}

/* One that lost its SO_REUSEADDR is in the way until it goes. */
static void accepted_ones_are_counted_by_their_options(struct fake_streams *w)
{
	uint32_t crowd[CROWD];
	uint32_t old = crowd_open(w, crowd);
	uint32_t new = streams_socket(w, 0, AF_INET);
	uint32_t elsewhere = streams_socket(w, 0, AF_INET);

	streams_close_socket(w, old);
	streams_set(w, new, SOL_SOCKET, SO_REUSEADDR, 1);
	streams_set(w, crowd[3], SOL_SOCKET, SO_REUSEADDR, 0);
	assert_int_equal(streams_bind(w, new, "*", 7), -EADDRINUSE);
	assert_int_equal(streams_bind(w, elsewhere, "198.51.100.2", 7), 0);
	streams_end(w, crowd[3], ECONNRESET);
	assert_int_equal(streams_s2a(w, crowd[3])->names.local.port, 7);
	assert_int_equal(streams_bind(w, new, "192.0.2.2", 7), 0);
}

/* However many they are, who binds or connects does not walk past them. */
static void accepted_ones_are_not_looked_at(struct fake_streams *w)
{
	uint32_t crowd[CROWD];
	uint32_t old = crowd_open(w, crowd);
	const struct tsock_ports *p = &w->s->ports;

	assert_int_equal(p->own[7 % TSOCK_PORT_BUCKETS], old);
	assert_int_equal(p->next[old], NO_SOCKET);
	assert_int_equal(p->at[7].all, CROWD);
	assert_int_equal(p->at[7].not_addr, 0);
	assert_int_equal(p->at[7].not_port, CROWD);
}

/* In any order, and the table is empty again. */
static void leaves_no_trace(struct fake_streams *w)
{
	uint32_t crowd[CROWD];
	uint32_t old = crowd_open(w, crowd);
	const struct tsock_ports *p;

	for (uint32_t i = 0; i < CROWD; i++)
		streams_close_socket(w, crowd[i * 7 % CROWD]);
	/* Orphans have no unsent bytes: they are let go at once. */
	p = &w->s->ports;
	assert_int_equal(p->at[7].all, 0);
	assert_int_equal(p->at[7].not_port, 0);
	streams_close_socket(w, old);
	p = &w->s->ports;
	for (uint32_t i = 0; i < TSOCK_PORT_BUCKETS; i++) {
		assert_int_equal(p->own[i], NO_SOCKET);
		assert_int_equal(p->accepted[i], NO_SOCKET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each_death_test(refuses_what_linux_refuses),
		each_death_test(binds_once),
		cmocka_unit_test(knows_who_is_in_the_way),
		cmocka_unit_test(only_v6_leaves_ipv4_alone),
		cmocka_unit_test(minds_connections_that_linger),
		each_death_test(one_of_two_listens),
		cmocka_unit_test(listen_finds_a_port),
		each_death_test(names_both_ends),
		cmocka_unit_test(connect_refuses_what_linux_refuses),
		each_death_test(a_failed_connect_leaves_what_bind_did),
		cmocka_unit_test(a_pair_of_names_is_used_once),
		each_death_test(disconnect_gives_the_port_back),
		each_death_test(a_server_comes_back_beside_the_accepted),
		each_death_test(accepted_ones_are_counted_by_their_options),
		each_death_test(accepted_ones_are_not_looked_at),
		each_death_test(leaves_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
