/*
 * test_udpd_bind.c - addresses and ports: who may have which, who gets what
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/harness/fake_app.h"

/* ---- Bind */

static void gives_an_address_once(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);

	(void)state;
	assert_int_equal(apps_bind(w, s, "192.0.2.9", 7), -EADDRNOTAVAIL);
	assert_int_equal(apps_bind(w, s, "2001:db8::2", 7), -EINVAL);
	assert_int_equal(apps_bind(w, s, "192.0.2.2", 7), 0);
	assert_int_equal(apps_port(w, s), 7);
	assert_int_equal(apps_bind(w, s, "192.0.2.2", 8), -EINVAL);
	apps_close(w);
}

static void takes_loopback_broadcast_and_multicast(void **state)
{
	static const char *const good[] = { "127.0.0.1", "192.0.2.255",
		"255.255.255.255", "239.1.2.3", "0.0.0.0" };
	struct fake_apps *w = apps_open();

	(void)state;
	for (uint16_t i = 0; i < 5; i++) {
		uint32_t s = apps_socket(w, AF_INET);

		assert_int_equal(
		    apps_bind(w, s, good[i], (uint16_t)(100 + i)), 0);
	}
	apps_close(w);
}

struct pair {
	const char *why;
	uint8_t family[2];
	const char *ip[2];
	int option[2]; /* SO_REUSEADDR, SO_REUSEPORT */
	int v6only;    /* of the second */
	int want;
};

static void knows_who_is_in_whose_way(void **state)
{
	static const struct pair pairs[] = {
		{ "the same address", { AF_INET, AF_INET },
		    { "192.0.2.2", "192.0.2.2" }, { 0, 0 }, 0, -EADDRINUSE },
		{ "another address", { AF_INET, AF_INET },
		    { "192.0.2.2", "198.51.100.2" }, { 0, 0 }, 0, 0 },
		{ "any covers one", { AF_INET, AF_INET }, { "*", "192.0.2.2" },
		    { 0, 0 }, 0, -EADDRINUSE },
		{ "one is covered by any", { AF_INET, AF_INET },
		    { "192.0.2.2", "*" }, { 0, 0 }, 0, -EADDRINUSE },
		{ "dual-stack any covers IPv4", { AF_INET6, AF_INET },
		    { "**", "192.0.2.2" }, { 0, 0 }, 0, -EADDRINUSE },
		{ "IPv4 any is in dual-stack's way", { AF_INET, AF_INET6 },
		    { "*", "**" }, { 0, 0 }, 0, -EADDRINUSE },
		{ "V6ONLY leaves IPv4 alone", { AF_INET, AF_INET6 },
		    { "*", "**" }, { 0, 0 }, 1, 0 },
		{ "an IPv6 address and IPv4 any", { AF_INET, AF_INET6 },
		    { "*", "2001:db8::2" }, { 0, 0 }, 0, 0 },
		{ "SO_REUSEADDR of both", { AF_INET, AF_INET }, { "*", "*" },
		    { SO_REUSEADDR, SO_REUSEADDR }, 0, 0 },
		{ "SO_REUSEADDR of one", { AF_INET, AF_INET }, { "*", "*" },
		    { SO_REUSEADDR, 0 }, 0, -EADDRINUSE },
		{ "SO_REUSEPORT of both", { AF_INET, AF_INET }, { "*", "*" },
		    { SO_REUSEPORT, SO_REUSEPORT }, 0, 0 },
		{ "one of each kind", { AF_INET, AF_INET }, { "*", "*" },
		    { SO_REUSEADDR, SO_REUSEPORT }, 0, -EADDRINUSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct pair *p = &pairs[i];
		struct fake_apps *w = apps_open();
		uint32_t s[2];
		int r = 0;

		for (int k = 0; k < 2; k++) {
			s[k] = apps_socket(w, p->family[k]);
			if (p->option[k])
				apps_setopt(
				    w, s[k], SOL_SOCKET, p->option[k], 1);
			if (k == 1 && p->v6only)
				apps_setopt(
				    w, s[k], IPPROTO_IPV6, IPV6_V6ONLY, 1);
			r = apps_bind(w, s[k], p->ip[k], 7);
		}
		if (r != p->want)
			fail_msg("%s: %d", p->why, r);
		apps_close(w);
	}
}

static void frees_a_port_at_close(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);

	(void)state;
	apps_bind(w, s, "*", 7);
	apps_close_socket(w, s);
	s = apps_socket(w, AF_INET);
	assert_int_equal(apps_bind(w, s, "*", 7), 0);
	apps_close(w);
}

/* Its fd is closed, and nobody has looked at that when bind comes. */
static void a_bind_waits_for_a_close_to_be_noticed(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t old = apps_socket(w, AF_INET);
	uint32_t s = apps_socket(w, AF_INET);
	struct app_name want = apps_name("*", 7);
	struct a2s_socket *a = apps_a2s(w, s);

	(void)state;
	apps_bind(w, old, "*", 7);
	a->cmd_op = APP_OP_BIND;
	a->cmd_len = sizeof(want);
	memcpy(a->cmd_data, &want, sizeof(want));
	a->cmd_seq++;
	apps_post(w, s);
	udpd_turn(w->u, w->rig->now);
	assert_int_not_equal(apps_s2a(w, s)->reply_seq, a->cmd_seq);
	assert_int_not_equal(udpd_deadline(w->u).ns, MONO_NEVER.ns);
	apps_close_socket(w, old);
	assert_int_equal(apps_s2a(w, s)->reply_seq, a->cmd_seq);
	assert_int_equal(apps_s2a(w, s)->result, 0);
	apps_close(w);
}

/* RFC 6056: from the whole range, not one after the other, none twice. */
static void draws_ephemeral_ports(void **state)
{
	struct fake_apps *w = apps_open();
	uint16_t port[200];
	int steps = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint32_t s = apps_socket(w, AF_INET);

		assert_int_equal(apps_bind(w, s, "*", 0), 0);
		port[i] = apps_port(w, s);
		assert_true(port[i] >= EPHEMERAL_MIN);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(port[k], port[i]);
		steps += i > 0 && port[i] == port[i - 1] + 1;
	}
	assert_true(steps < 5);
	apps_close(w);
}

/* Towards one peer they follow each other; another peer has its own place. */
static void draws_ports_by_destination(void **state)
{
	struct fake_apps *w = apps_open();
	uint16_t port[4];

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		uint32_t s = apps_socket(w, AF_INET);

		apps_connect(
		    w, s, i < 2 ? "192.0.2.1" : "192.0.2.7", (uint16_t)53);
		port[i] = apps_port(w, s);
	}
	assert_int_equal((uint16_t)(port[1] - port[0]), 1);
	assert_int_not_equal((uint16_t)(port[2] - port[1]), 1);
	apps_close(w);
}

/* ---- Connect */

static void chooses_source_and_port(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET6);
	const struct s2a_names *n = &apps_s2a(w, s)->names;
	struct ip_addr want = apps_name("198.51.100.2", 0).ip;

	(void)state;
	assert_int_equal(apps_connect(w, s, "198.51.100.9", 53), 0);
	assert_true(n->connected && n->bound);
	assert_memory_equal(&n->local.ip, &want, 16);
	assert_int_equal(n->peer.port, 53);
	/* Again, elsewhere: the port stays. */
	want = apps_name("2001:db8::2", 0).ip;
	assert_int_equal(apps_connect(w, s, "2001:db8::1", 54), 0);
	assert_memory_equal(&n->local.ip, &want, 16);
	/* And undone: nothing of it is left. */
	assert_int_equal(apps_connect(w, s, NULL, 0), 0);
	assert_false(n->connected);
	assert_int_equal(n->local.port, 0);
	assert_memory_equal(&n->local.ip, &ip_any6, 16);
	apps_close(w);
}

static void refuses_what_it_cannot_reach(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);

	(void)state;
	assert_int_equal(apps_connect(w, s, "8.8.8.8", 53), -ENETUNREACH);
	assert_int_equal(apps_connect(w, s, "192.0.2.255", 53), -EACCES);
	apps_setopt(w, s, SOL_SOCKET, SO_BROADCAST, 1);
	assert_int_equal(apps_connect(w, s, "192.0.2.255", 53), 0);
	apps_close(w);
}

static void keeps_what_bind_chose(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	const struct s2a_names *n = &apps_s2a(w, s)->names;
	struct ip_addr want = apps_name("198.51.100.2", 0).ip;

	(void)state;
	apps_bind(w, s, "198.51.100.2", 7);
	assert_int_equal(apps_connect(w, s, "192.0.2.1", 53), 0);
	assert_memory_equal(&n->local.ip, &want, 16);
	assert_int_equal(apps_connect(w, s, NULL, 0), 0);
	assert_int_equal(n->local.port, 7);
	assert_memory_equal(&n->local.ip, &want, 16);
	apps_close(w);
}

/* ---- Whose datagram */

static void expect_at(struct fake_apps *w, uint32_t id, const char *why)
{
	struct dgram g;
	char c;

	apps_run(w);
	if (!apps_read(w, id, &g, &c, 1))
		fail_msg("%s: it did not get it", why);
}

static void prefers_the_most_exact_socket(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t any = apps_socket(w, AF_INET6);
	uint32_t one = apps_socket(w, AF_INET);
	uint32_t peer = apps_socket(w, AF_INET);

	(void)state;
	apps_setopt(w, any, SOL_SOCKET, SO_REUSEADDR, 1);
	apps_setopt(w, one, SOL_SOCKET, SO_REUSEADDR, 1);
	apps_setopt(w, peer, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(apps_bind(w, any, "**", 7), 0);
	assert_int_equal(apps_bind(w, one, "192.0.2.2", 7), 0);
	assert_int_equal(apps_bind(w, peer, "192.0.2.2", 7), 0);
	assert_int_equal(apps_connect(w, peer, "192.0.2.1", 4000), 0);

	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, "a", 1);
	expect_at(w, peer, "from the peer");
	apps_rx(w, "192.0.2.1", 4001, "192.0.2.2", 7, "a", 1);
	expect_at(w, one, "from another port");
	apps_rx(w, "192.0.2.1", 4000, "198.51.100.2", 7, "a", 1);
	expect_at(w, any, "to another address");
	apps_rx(w, "2001:db8::1", 4000, "2001:db8::2", 7, "a", 1);
	expect_at(w, any, "by IPv6");
	apps_close(w);
}

static void the_last_one_bound_wins_also_after_a_restart(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		s[i] = apps_socket(w, AF_INET);
		apps_setopt(w, s[i], SOL_SOCKET, SO_REUSEADDR, 1);
	}
	/* Not in the order of their numbers. */
	assert_int_equal(apps_bind(w, s[2], "*", 7), 0);
	assert_int_equal(apps_bind(w, s[0], "*", 7), 0);
	assert_int_equal(apps_bind(w, s[1], "*", 7), 0);
	for (int lives = 0; lives < 2; lives++) {
		apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, "a", 1);
		expect_at(w, s[1], "bound last");
		apps_restart(w);
	}
	apps_close(w);
}

/* Another user's socket would get a share of its datagrams. */
static void reuseport_is_for_one_user(void **state)
{
	static const struct {
		int option;
		uint32_t uid;
		int want;
	} cases[] = {
		{ SO_REUSEPORT, 1000, 0 },
		{ SO_REUSEPORT, 1001, -EADDRINUSE },
		{ SO_REUSEADDR, 1001, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_apps *w = apps_open();
		uint32_t mine = apps_socket(w, AF_INET);
		uint32_t other;

		apps_add_app(w, 1);
		apps_app_owner(&w->u->apps, 0, 1000);
		apps_app_owner(&w->u->apps, 1, cases[i].uid);
		other = apps_socket_of(w, 1, AF_INET);
		apps_setopt(w, mine, SOL_SOCKET, cases[i].option, 1);
		apps_setopt(w, other, SOL_SOCKET, cases[i].option, 1);
		assert_int_equal(apps_bind(w, mine, "*", 7), 0);
		assert_int_equal(apps_bind(w, other, "*", 7), cases[i].want);
		apps_close(w);
	}
}

static void spreads_flows_over_reuseport(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s[4];
	struct dgram g;
	char c;

	(void)state;
	for (int i = 0; i < 4; i++) {
		s[i] = apps_socket(w, AF_INET);
		apps_setopt(w, s[i], SOL_SOCKET, SO_REUSEPORT, 1);
		assert_int_equal(apps_bind(w, s[i], "*", 7), 0);
	}
	for (uint16_t port = 1000; port < 1060; port++)
		apps_rx(w, "192.0.2.1", port, "192.0.2.2", 7, "a", 1);
	apps_run(w);
	for (int i = 0; i < 4; i++) {
		int got = 0;

		while (apps_read(w, s[i], &g, &c, 1))
			got++;
		assert_in_range(got, 4, 30);
	}
	apps_close(w);
}

static void broadcast_and_multicast_reach_all(void **state)
{
	static const char *const to[] = { "192.0.2.255", "224.0.0.9" };
	struct fake_apps *w = apps_open();
	uint32_t s[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		s[i] = apps_socket(w, AF_INET);
		apps_setopt(w, s[i], SOL_SOCKET, SO_REUSEADDR, 1);
		assert_int_equal(apps_bind(w, s[i], "*", 7), 0);
	}
	for (int t = 0; t < 2; t++) {
		apps_rx(w, "192.0.2.1", 4000, to[t], 7, "a", 1);
		for (int i = 0; i < 3; i++)
			expect_at(w, s[i], to[t]);
	}
	apps_close(w);
}

static void groups_are_published_and_left(void **state)
{
	struct fake_apps *w = apps_open();
	const struct group_table *t = rig_table(w->rig, "udpd");
	struct ip_mreqn m = { .imr_ifindex = 2 };
	uint32_t s = apps_socket(w, AF_INET);
	struct ip_addr group = apps_name("239.1.2.3", 0).ip;
	struct dgram g;
	char c;

	(void)state;
	memcpy(&m.imr_multiaddr, ip_v4(&group), 4);
	apps_bind(w, s, "*", 7);
	apps_setopt(w, s, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	assert_int_equal(apps_command(w, s, APP_OP_SETOPT, IPPROTO_IP,
			     IP_ADD_MEMBERSHIP, &m, sizeof(m)),
	    0);
	assert_int_equal(apps_command(w, s, APP_OP_SETOPT, IPPROTO_IP,
			     IP_ADD_MEMBERSHIP, &m, sizeof(m)),
	    -EADDRINUSE);
	assert_int_equal(t->ngroups, 1);
	assert_int_equal(t->group[0].link, 1);
	assert_memory_equal(&t->group[0].ip, &group, 16);
	/* It came in by link 0: another link's group. */
	apps_rx(w, "192.0.2.1", 4000, "239.1.2.3", 7, "a", 1);
	apps_run(w);
	assert_false(apps_read(w, s, &g, &c, 1));
	apps_restart(w);
	apps_run(w);
	assert_int_equal(t->ngroups, 1);
	apps_close_socket(w, s);
	assert_int_equal(t->ngroups, 0);
	apps_close(w);
}

static int join(struct fake_apps *w, uint32_t s, uint32_t n, int name)
{
	struct ip_mreqn m = { .imr_ifindex = 2 };

	m.imr_multiaddr.s_addr = htonl(0xef000000U + n);
	return apps_command(
	    w, s, APP_OP_SETOPT, IPPROTO_IP, (uint32_t)name, &m, sizeof(m));
}

/* What can't be told to linkd and ipd would never be heard: it is refused. */
static void groups_are_refused_when_nobody_would_hear_them(void **state)
{
	struct fake_apps *w = apps_open();
	const struct group_table *t = rig_table(w->rig, "udpd");
	uint32_t s = 0;
	uint32_t first = apps_socket(w, AF_INET);
	uint32_t last;

	(void)state;
	assert_int_equal(join(w, first, 1, IP_ADD_MEMBERSHIP), 0);
	for (uint32_t n = 1; n < GROUP_TABLE_MAX; n++) {
		if (n % MAX_GROUPS == 1)
			s = apps_socket(w, AF_INET);
		assert_int_equal(join(w, s, n, IP_ADD_MEMBERSHIP), 0);
	}
	last = apps_socket(w, AF_INET);
	assert_int_equal(join(w, last, 2000, IP_ADD_MEMBERSHIP), 0);
	assert_int_equal(t->ngroups, GROUP_TABLE_MAX);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(
		    join(w, last, 2001, IP_ADD_MEMBERSHIP), -ENOBUFS);
		/* One of those that are there costs nothing. */
		assert_int_equal(join(w, last, 5, IP_ADD_MEMBERSHIP), 0);
		assert_int_equal(join(w, last, 5, IP_DROP_MEMBERSHIP), 0);
		apps_restart(w);
		apps_run(w);
		assert_int_equal(t->ngroups, GROUP_TABLE_MAX);
	}
	/* Two are in the first group; the second goes with its last. */
	assert_int_equal(join(w, first, 1, IP_DROP_MEMBERSHIP), 0);
	assert_int_equal(t->ngroups, GROUP_TABLE_MAX);
	apps_close_socket(w, last);
	assert_int_equal(t->ngroups, GROUP_TABLE_MAX - 1);
	assert_int_equal(join(w, first, 2001, IP_ADD_MEMBERSHIP), 0);
	assert_int_equal(t->ngroups, GROUP_TABLE_MAX);
	apps_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_an_address_once),
		cmocka_unit_test(takes_loopback_broadcast_and_multicast),
		cmocka_unit_test(knows_who_is_in_whose_way),
		cmocka_unit_test(frees_a_port_at_close),
		cmocka_unit_test(a_bind_waits_for_a_close_to_be_noticed),
		cmocka_unit_test(draws_ephemeral_ports),
		cmocka_unit_test(draws_ports_by_destination),
		cmocka_unit_test(chooses_source_and_port),
		cmocka_unit_test(refuses_what_it_cannot_reach),
		cmocka_unit_test(keeps_what_bind_chose),
		cmocka_unit_test(prefers_the_most_exact_socket),
		cmocka_unit_test(the_last_one_bound_wins_also_after_a_restart),
		cmocka_unit_test(reuseport_is_for_one_user),
		cmocka_unit_test(spreads_flows_over_reuseport),
		cmocka_unit_test(broadcast_and_multicast_reach_all),
		cmocka_unit_test(groups_are_published_and_left),
		cmocka_unit_test(
		    groups_are_refused_when_nobody_would_hear_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
