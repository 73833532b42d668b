/*
 * test_tcpd_option.c - the options of a stream: what Linux takes, refuses, says
 */
#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/harness/fake_streams.h"

enum {
	TCP = IPPROTO_TCP,
	IP = IPPROTO_IP,
	IP6 = IPPROTO_IPV6,
	SOL = SOL_SOCKET,
	NOPE = -ENOPROTOOPT,
};

struct number {
	int level, name;
	int at_first;
	int set, want, got; /* what set gives, and what get then */
};

#define SAME(level, name, at_first, value)             \
	{                                              \
		level, name, at_first, value, 0, value \
	}

/* Each number of a new socket: as it is, set, and as it is then. */
static void check_numbers(const struct number *cases, size_t n)
{
	struct fake_streams *w = streams_open(DIES_WITHIN);

	for (size_t i = 0; i < n; i++) {
		const struct number *c = &cases[i];
		uint32_t id = streams_socket(w, 0, AF_INET6);
		int first, got, r;

		assert_int_equal(
		    streams_get(w, id, c->level, c->name, &first), 0);
		r = streams_set(w, id, c->level, c->name, c->set);
		assert_int_equal(
		    streams_get(w, id, c->level, c->name, &got), 0);
		assert_int_equal(streams_s2a(w, id)->reply_len, sizeof(int));
		if (first != c->at_first || r != c->want || got != c->got)
			fail_msg("option %d of level %d: first %d, setting "
				 "it to %d gives %d, then it is %d",
			    c->name, c->level, first, c->set, r, got);
		streams_close_socket(w, id);
	}
	streams_close(w);
}

static void a_sockets_numbers_are_those_of_linux(void **state)
{
	static const struct number cases[] = {
		{ SOL, SO_REUSEADDR, 0, 7, 0, 1 },
		{ SOL, SO_REUSEPORT, 0, 1, 0, 1 },
		{ SOL, SO_KEEPALIVE, 0, 1, 0, 1 },
		{ SOL, SO_OOBINLINE, 0, 1, 0, 1 },
		{ SOL, SO_DONTROUTE, 0, 1, 0, 1 },
		{ SOL, SO_BROADCAST, 0, 1, 0, 1 },
		SAME(SOL, SO_PRIORITY, 0, 6),
		{ SOL, SO_RCVBUF, 131072, 1, 0, 2304 },
		{ SOL, SO_RCVBUF, 131072, 10000, 0, 20000 },
		{ SOL, SO_RCVBUF, 131072, -1, 0, APP_RX_BYTES },
		{ SOL, SO_SNDBUF, 16384, 1, 0, 4608 },
		{ SOL, SO_SNDBUF, 16384, 10000, 0, 20000 },
		{ SOL, SO_RCVLOWAT, 1, 0, 0, 1 },
		SAME(SOL, SO_RCVLOWAT, 1, 100),
		{ SOL, SO_RCVLOWAT, 1, -1, 0, APP_RX_BYTES / 2 },
	};

	(void)state;
	check_numbers(cases, sizeof(cases) / sizeof(cases[0]));
}

static void tcps_numbers_are_those_of_linux(void **state)
{
	static const struct number cases[] = {
		{ TCP, TCP_NODELAY, 0, 1, 0, 1 },
		{ TCP, TCP_CORK, 0, 1, 0, 1 },
		{ TCP, TCP_QUICKACK, 1, 0, 0, 0 },
		SAME(TCP, TCP_KEEPIDLE, 7200, 32767),
		{ TCP, TCP_KEEPIDLE, 7200, 0, -EINVAL, 7200 },
		{ TCP, TCP_KEEPIDLE, 7200, 32768, -EINVAL, 7200 },
		SAME(TCP, TCP_KEEPINTVL, 75, 1),
		{ TCP, TCP_KEEPINTVL, 75, 0, -EINVAL, 75 },
		SAME(TCP, TCP_KEEPCNT, 9, 127),
		{ TCP, TCP_KEEPCNT, 9, 128, -EINVAL, 9 },
		SAME(TCP, TCP_USER_TIMEOUT, 0, 5000),
		{ TCP, TCP_USER_TIMEOUT, 0, -1, -EINVAL, 0 },
		SAME(TCP, TCP_SYNCNT, 7, 3),
		SAME(TCP, TCP_NOTSENT_LOWAT, 0, 16384),
		SAME(TCP, TCP_NOTSENT_LOWAT, 0, -1),
		{ TCP, TCP_SYNCNT, 7, 0, -EINVAL, 7 },
		SAME(TCP, TCP_LINGER2, 60, 10),
		{ TCP, TCP_LINGER2, 60, -5, 0, -1 },
		{ TCP, TCP_LINGER2, 60, 1000, 0, 120 },
		{ TCP, TCP_LINGER2, 60, 0, 0, 60 },
		{ TCP, TCP_DEFER_ACCEPT, 0, 1, 0, 1 },
		{ TCP, TCP_DEFER_ACCEPT, 0, 5, 0, 7 },
		{ TCP, TCP_DEFER_ACCEPT, 0, -5, 0, 0 },
		{ TCP, TCP_WINDOW_CLAMP, 0, 1, 0, 1152 },
		SAME(TCP, TCP_WINDOW_CLAMP, 0, 65535),
		SAME(TCP, TCP_MAXSEG, 536, 1000),
		{ TCP, TCP_MAXSEG, 536, 87, -EINVAL, 536 },
		{ TCP, TCP_MAXSEG, 536, 32768, -EINVAL, 536 },
	};

	(void)state;
	check_numbers(cases, sizeof(cases) / sizeof(cases[0]));
}

static void ips_numbers_are_those_of_linux(void **state)
{
	static const struct number cases[] = {
		SAME(IP, IP_TTL, 64, 1),
		{ IP, IP_TTL, 64, 0, -EINVAL, 64 },
		{ IP, IP_TTL, 64, 256, -EINVAL, 64 },
		{ IP, IP_TTL, 64, -1, 0, 64 },
		{ IP, IP_TOS, 0, 0xff, 0, 0xfc },
		SAME(IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT, IP_PMTUDISC_DO),
		{ IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT, 6, -EINVAL,
		    IP_PMTUDISC_WANT },
		{ IP6, IPV6_V6ONLY, 0, 1, 0, 1 },
		SAME(IP6, IPV6_UNICAST_HOPS, 64, 0),
		{ IP6, IPV6_UNICAST_HOPS, 64, -1, 0, 64 },
		{ IP6, IPV6_UNICAST_HOPS, 64, 256, -EINVAL, 64 },
		{ IP6, IPV6_UNICAST_HOPS, 64, -2, -EINVAL, 64 },
		{ IP6, IPV6_TCLASS, 0, 0xff, 0, 0xfc },
		{ IP6, IPV6_TCLASS, 0, -1, 0, 0 },
		{ IP6, IPV6_TCLASS, 0, 256, -EINVAL, 0 },
		SAME(IP6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT, 0),
	};

	(void)state;
	check_numbers(cases, sizeof(cases) / sizeof(cases[0]));
}

static void refuses_what_there_is_not(void **state)
{
	static const struct {
		uint8_t family;
		int level, name, set, get;
	} cases[] = {
		{ AF_INET, SOL, 9999, NOPE, NOPE },
		{ AF_INET, TCP, 9999, NOPE, NOPE },
		{ AF_INET, IP, 9999, NOPE, NOPE },
		{ AF_INET6, IP6, 9999, NOPE, NOPE },
		{ AF_INET, 9999, 1, NOPE, NOPE },
		{ AF_INET, -1, -1, NOPE, NOPE },
		{ AF_INET, IP6, IPV6_V6ONLY, NOPE, NOPE },
		{ AF_INET, IP6, IPV6_TCLASS, NOPE, NOPE },
		{ AF_INET, TCP, TCP_INFO, NOPE, 0 },
		{ AF_INET, IP, IP_MTU, NOPE, -ENOTCONN },
		{ AF_INET6, IP6, IPV6_MTU, NOPE, -ENOTCONN },
	};
	struct fake_streams *w = streams_open(LIVES);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t id = streams_socket(w, 0, cases[i].family);
		int v;

		if (streams_set(w, id, cases[i].level, cases[i].name, 1) !=
		    cases[i].set)
			fail_msg("set %zu: %d", i, streams_s2a(w, id)->result);
		if (streams_get(w, id, cases[i].level, cases[i].name, &v) !=
		    cases[i].get)
			fail_msg("get %zu: %d", i, streams_s2a(w, id)->result);
	}
	streams_close(w);
}

static int set_bytes(struct fake_streams *w, uint32_t id, int level, int name,
    const void *p, uint32_t len)
{
	return streams_command(
	    w, id, APP_OP_SETOPT, (uint32_t)level, (uint32_t)name, p, len);
}

/* One byte is enough for IPv4's, and for nobody else's. */
static void wants_enough_bytes(void **state)
{
	static const struct {
		int level, name, want;
	} cases[] = {
		{ SOL, SO_REUSEADDR, -EINVAL },
		{ SOL, SO_RCVBUF, -EINVAL },
		{ SOL, SO_LINGER, -EINVAL },
		{ TCP, TCP_NODELAY, -EINVAL },
		{ TCP, TCP_KEEPIDLE, -EINVAL },
		{ TCP, TCP_LINGER2, -EINVAL },
		{ TCP, TCP_DEFER_ACCEPT, -EINVAL },
		{ TCP, TCP_WINDOW_CLAMP, -EINVAL },
		{ TCP, TCP_MAXSEG, -EINVAL },
		{ IP, IP_TTL, 0 },
		{ IP, IP_TOS, 0 },
		{ IP6, IPV6_TCLASS, -EINVAL },
		{ IP6, IPV6_V6ONLY, -EINVAL },
	};
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_socket(w, 0, AF_INET6);
	const uint8_t byte = 8;
	int v;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (set_bytes(w, id, cases[i].level, cases[i].name, &byte, 1) !=
		    cases[i].want)
			fail_msg("case %zu: %d", i, streams_s2a(w, id)->result);
		if (set_bytes(w, id, cases[i].level, cases[i].name, NULL, 0) !=
		    -EINVAL)
			fail_msg("case %zu, nothing: %d", i,
			    streams_s2a(w, id)->result);
	}
	assert_int_equal(streams_get(w, id, IP, IP_TTL, &v), 0);
	assert_int_equal(v, 8);
	streams_close(w);
}

static void congestion_has_a_name(void **state)
{
	struct fake_streams *w = streams_open(DIES_AFTER);
	uint32_t id = streams_socket(w, 0, AF_INET);
	const struct s2a_socket *s = streams_s2a(w, id);
	int v;

	(void)state;
	assert_int_equal(streams_get(w, id, TCP, TCP_CONGESTION, &v), 0);
	assert_int_equal(s->reply_len, TSOCK_CONGESTION_LEN);
	assert_string_equal((const char *)s->reply, "cubic");
	assert_int_equal(set_bytes(w, id, TCP, TCP_CONGESTION, "reno", 4), 0);
	assert_int_equal(streams_get(w, id, TCP, TCP_CONGESTION, &v), 0);
	assert_string_equal((const char *)s->reply, "reno");
	assert_int_equal(
	    set_bytes(w, id, TCP, TCP_CONGESTION, "bbr", 3), -ENOENT);
	assert_int_equal(set_bytes(w, id, TCP, TCP_CONGESTION, "", 0), -EINVAL);
	assert_int_equal(streams_get(w, id, TCP, TCP_CONGESTION, &v), 0);
	assert_string_equal((const char *)s->reply, "reno");
	streams_close(w);
}

static void a_device_has_a_name(void **state)
{
	struct fake_streams *w = streams_open(DIES_AFTER);
	uint32_t id = streams_socket(w, 0, AF_INET);
	const struct s2a_socket *s = streams_s2a(w, id);
	int v;

	(void)state;
	assert_int_equal(streams_get(w, id, SOL, SO_BINDTODEVICE, &v), 0);
	assert_int_equal(s->reply_len, 0);
	assert_int_equal(set_bytes(w, id, SOL, SO_BINDTODEVICE, "n1", 2), 0);
	assert_int_equal(streams_get(w, id, SOL, SO_BINDTODEVICE, &v), 0);
	assert_string_equal((const char *)s->reply, "n1");
	assert_int_equal(s->names.bind_link, 1);
	assert_int_equal(
	    set_bytes(w, id, SOL, SO_BINDTODEVICE, "n9", 2), -ENODEV);
	assert_int_equal(set_bytes(w, id, SOL, SO_BINDTODEVICE, "", 0), 0);
	assert_int_equal(s->names.bind_link, LINK_ANY);
	streams_close(w);
}

static void linger_is_two_numbers(void **state)
{
	static const struct {
		int onoff, seconds;
		uint32_t shown;
		int got;
	} cases[] = {
		{ 0, 5, 0, 0 },
		{ 1, 0, 1, 0 },
		{ 7, 5, 6, 5 },
		{ 1, INT_MAX, INT_MAX, INT_MAX - 1 },
		{ 1, -1, INT_MAX, INT_MAX - 1 },
	};
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_socket(w, 0, AF_INET);
	const struct s2a_socket *s = streams_s2a(w, id);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct linger l = { cases[i].onoff, cases[i].seconds };
		int v;

		assert_int_equal(
		    set_bytes(w, id, SOL, SO_LINGER, &l, sizeof(l)), 0);
		assert_int_equal(s->names.linger, cases[i].shown);
		assert_int_equal(streams_get(w, id, SOL, SO_LINGER, &v), 0);
		assert_int_equal(s->reply_len, sizeof(l));
		memcpy(&l, s->reply, sizeof(l));
		assert_int_equal(l.l_onoff, cases[i].onoff != 0);
		assert_int_equal(l.l_linger, cases[i].got);
	}
	streams_close(w);
}

static struct tcp_info info(struct fake_streams *w, uint32_t id)
{
	struct tcp_info i;
	int v;

	assert_int_equal(streams_get(w, id, TCP, TCP_INFO, &v), 0);
	assert_int_equal(streams_s2a(w, id)->reply_len, sizeof(i));
	memcpy(&i, streams_s2a(w, id)->reply, sizeof(i));
	return i;
}

/* The kernel's numbers: CLOSE 7, LISTEN 10, ESTABLISHED 1. */
static void tcp_info_in_each_state(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_socket(w, 0, AF_INET);
	uint32_t listener = streams_socket(w, 0, AF_INET);
	int v;

	(void)state;
	assert_int_equal(info(w, id).tcpi_state, 7);
	assert_int_equal(streams_listen(w, listener, 9), 0);
	streams_offer(w, listener, streams_socket(w, 0, AF_INET));
	streams_incoming(w, listener, "192.0.2.1", 1);
	assert_int_equal(info(w, listener).tcpi_state, 10);
	assert_int_equal(info(w, listener).tcpi_unacked, 1);
	assert_int_equal(info(w, listener).tcpi_sacked, 9);
	streams_connect(w, id, "192.0.2.1", 80);
	streams_establish(w, id);
	assert_int_equal(info(w, id).tcpi_state, 1);
	assert_int_equal(info(w, id).tcpi_rtt, 12345);
	assert_int_equal(streams_get(w, id, TCP, TCP_MAXSEG, &v), 0);
	assert_int_equal(v, 1448);
	assert_int_equal(streams_get(w, id, IP, IP_MTU, &v), 0);
	assert_int_equal(v, 1500);
	streams_end(w, id, 0);
	assert_int_equal(info(w, id).tcpi_state, 7);
	assert_int_equal(streams_get(w, id, IP, IP_MTU, &v), -ENOTCONN);
	streams_close(w);
}

static void the_connection_is_told(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_socket(w, 0, AF_INET);

	(void)state;
	streams_connect(w, id, "192.0.2.1", 80);
	streams_establish(w, id);
	assert_int_equal(streams_set(w, id, TCP, TCP_NODELAY, 1), 0);
	assert_int_equal(streams_conn(w, id)->options, 1);
	assert_int_equal(streams_set(w, id, TCP, TCP_KEEPIDLE, 0), -EINVAL);
	assert_int_equal(streams_set(w, id, TCP, TCP_WINDOW_CLAMP, 0), -EINVAL);
	assert_int_equal(streams_conn(w, id)->options, 1);
	streams_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sockets_numbers_are_those_of_linux),
		cmocka_unit_test(tcps_numbers_are_those_of_linux),
		cmocka_unit_test(ips_numbers_are_those_of_linux),
		cmocka_unit_test(refuses_what_there_is_not),
		cmocka_unit_test(wants_enough_bytes),
		cmocka_unit_test(congestion_has_a_name),
		cmocka_unit_test(a_device_has_a_name),
		cmocka_unit_test(linger_is_two_numbers),
		cmocka_unit_test(tcp_info_in_each_state),
		cmocka_unit_test(the_connection_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
