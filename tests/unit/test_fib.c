/*
 * test_fib.c - our addresses and routes, and the questions one asks of them
 */
#include "shm/fib.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ip_addr ip(const char *text)
{
	struct ip_addr a = { { 0 } };

	if (!ip_parse(&a, text))
		fail_msg("%s is no address", text);
	return a;
}

/*
 *	link 0 (1500)  192.0.2.2/24  2001:db8::2/64  fe80::2/64
 *	link 1 (9000)  198.51.100.9/24  198.51.100.129/25  fd00::9/64 fe80::9/64
 *	routes         default via 192.0.2.1 and 2001:db8::1
 *	               203.0.113.0/24 via 198.51.100.1, metric 20, mtu 1400
 *	               203.0.113.0/24 via 192.0.2.7, metric 10
 *	               203.0.113.128/25 via 198.51.100.1, metric 99
 */
static struct topology two_links(void)
{
	struct topology t = { .nlinks = 2, .naddrs = 7, .nroutes = 5 };

	t.links[0].mtu = 1500;
	t.links[1].mtu = 9000;
	t.addrs[0] = (struct topo_addr){ ip("192.0.2.2"), 24, 0 };
	t.addrs[1] = (struct topo_addr){ ip("2001:db8::2"), 64, 0 };
	t.addrs[2] = (struct topo_addr){ ip("fe80::2"), 64, 0 };
	t.addrs[3] = (struct topo_addr){ ip("198.51.100.9"), 24, 1 };
	t.addrs[4] = (struct topo_addr){ ip("198.51.100.129"), 25, 1 };
	t.addrs[5] = (struct topo_addr){ ip("fd00::9"), 64, 1 };
	t.addrs[6] = (struct topo_addr){ ip("fe80::9"), 64, 1 };
	t.routes[0] = (struct topo_route){
		.net = ip_any4, .via = ip("192.0.2.1"), .has_via = true
	};
	t.routes[1] = (struct topo_route){
		.net = ip_any6, .via = ip("2001:db8::1"), .has_via = true
	};
	t.routes[2] = (struct topo_route){ .net = ip("203.0.113.0"),
		.plen = 24,
		.via = ip("198.51.100.1"),
		.has_via = true,
		.link = 1,
		.metric = 20,
		.mtu = 1400 };
	t.routes[3] = (struct topo_route){ .net = ip("203.0.113.0"),
		.plen = 24,
		.via = ip("192.0.2.7"),
		.has_via = true,
		.metric = 10 };
	t.routes[4] = (struct topo_route){ .net = ip("203.0.113.128"),
		.plen = 25,
		.via = ip("198.51.100.1"),
		.has_via = true,
		.link = 1,
		.metric = 99 };
	return t;
}

static void build(struct fib *f)
{
	struct topology t = two_links();

	memset(f, 0, sizeof(*f));
	fib_build(f, &t);
}

static void the_way_to_each_kind_of_destination(void **state)
{
	static const struct {
		const char *dst;
		uint8_t link;
		enum fib_kind kind;
		const char *next_hop;
		uint8_t out;
		uint32_t mtu;
	} cases[] = {
		{ "192.0.2.77", LINK_ANY, FIB_UNICAST, "192.0.2.77", 0, 1500 },
		{ "8.8.8.8", LINK_ANY, FIB_UNICAST, "192.0.2.1", 0, 1500 },
		{ "198.51.100.3", LINK_ANY, FIB_UNICAST, "198.51.100.3", 1,
		    9000 },
		/* The smaller metric, unless a link is asked for. */
		{ "203.0.113.5", LINK_ANY, FIB_UNICAST, "192.0.2.7", 0, 1500 },
		{ "203.0.113.5", 1, FIB_UNICAST, "198.51.100.1", 1, 1400 },
		/* The longer prefix, whatever its metric. */
		{ "203.0.113.200", LINK_ANY, FIB_UNICAST, "198.51.100.1", 1,
		    9000 },
		{ "192.0.2.2", LINK_ANY, FIB_LOCAL, "192.0.2.2", 0, 1500 },
		{ "198.51.100.9", 0, FIB_LOCAL, "198.51.100.9", 1, 9000 },
		{ "127.0.0.1", LINK_ANY, FIB_LOCAL, "127.0.0.1", 0, 1500 },
		{ "::1", LINK_ANY, FIB_LOCAL, "::1", 0, 1500 },
		{ "192.0.2.255", LINK_ANY, FIB_BROADCAST, "192.0.2.255", 0,
		    1500 },
		{ "198.51.100.255", LINK_ANY, FIB_BROADCAST, "198.51.100.255",
		    1, 9000 },
		{ "255.255.255.255", 1, FIB_BROADCAST, "255.255.255.255", 1,
		    9000 },
		{ "255.255.255.255", LINK_ANY, FIB_BROADCAST, "255.255.255.255",
		    0, 1500 },
		{ "224.0.0.251", 1, FIB_MULTICAST, "224.0.0.251", 1, 9000 },
		{ "239.1.2.3", LINK_ANY, FIB_MULTICAST, "239.1.2.3", 0, 1500 },
		{ "ff02::fb", 1, FIB_MULTICAST, "ff02::fb", 1, 9000 },
		{ "2001:db8::77", LINK_ANY, FIB_UNICAST, "2001:db8::77", 0,
		    1500 },
		{ "2001:db8:1::1", LINK_ANY, FIB_UNICAST, "2001:db8::1", 0,
		    1500 },
		{ "fe80::77", 1, FIB_UNICAST, "fe80::77", 1, 9000 },
		{ "fe80::9", 1, FIB_LOCAL, "fe80::9", 1, 9000 },
		/* Ours, but on the other link. */
		{ "fe80::9", 0, FIB_UNICAST, "fe80::9", 0, 1500 },
	};
	struct fib f;

	(void)state;
	build(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr dst = ip(cases[i].dst);
		struct ip_addr hop = ip(cases[i].next_hop);
		struct fib_answer a;

		if (fib_lookup(&f, &dst, cases[i].link, &a) != 0)
			fail_msg("no way to %s", cases[i].dst);
		if (a.kind != cases[i].kind || a.link != cases[i].out ||
		    a.mtu != cases[i].mtu || !ip_equal(&a.next_hop, &hop))
			fail_msg("case %zu, %s: kind %d, link %u, mtu %u", i,
			    cases[i].dst, a.kind, a.link, a.mtu);
	}
}

static void refuses_what_leads_nowhere(void **state)
{
	struct fib f;
	struct fib_answer a = { .mtu = 7 };
	struct ip_addr far = ip("8.8.8.8");
	struct ip_addr local = ip("fe80::77");

	(void)state;
	build(&f);
	assert_int_equal(fib_lookup(&f, &far, 2, &a), -EINVAL);
	assert_int_equal(fib_lookup(&f, &far, 1, &a), -ENETUNREACH);
	/* Link-local says nothing without a link when there are several. */
	assert_int_equal(fib_lookup(&f, &local, LINK_ANY, &a), -ENETUNREACH);
	assert_int_equal(fib_lookup(&f, &ip_any4, LINK_ANY, &a), -ENETUNREACH);
	assert_int_equal(fib_lookup(&f, &ip_any6, LINK_ANY, &a), -ENETUNREACH);
	assert_int_equal(a.mtu, 7);

	f.nlinks = 1;
	f.naddrs = 3;
	assert_int_equal(fib_lookup(&f, &local, LINK_ANY, &a), 0);
	f.nlinks = 0;
	assert_int_equal(fib_lookup(&f, &far, LINK_ANY, &a), -ENETUNREACH);
}

static void source_addresses(void **state)
{
	static const struct {
		const char *dst;
		uint8_t link;
		const char *want; /* NULL: none */
		const char *why;
	} cases[] = {
		{ "192.0.2.2", LINK_ANY, "192.0.2.2", "rule 1" },
		{ "127.0.0.9", LINK_ANY, "127.0.0.9", "loopback to itself" },
		{ "::1", LINK_ANY, "::1", "loopback to itself" },
		{ "8.8.8.8", LINK_ANY, "192.0.2.2", "rule 5" },
		{ "203.0.113.200", LINK_ANY, "198.51.100.9",
		    "the gateway's subnet (RFC 1122)" },
		{ "198.51.100.200", LINK_ANY, "198.51.100.129", "rule 8" },
		{ "198.51.100.3", LINK_ANY, "198.51.100.9", "its subnet" },
		{ "255.255.255.255", 1, "198.51.100.9", "broadcast" },
		{ "224.0.0.251", 1, "198.51.100.9", "multicast" },
		{ "2001:db8:1::1", LINK_ANY, "2001:db8::2", "rule 2" },
		{ "fe80::77", 1, "fe80::9", "rule 2, smaller scope" },
		{ "ff02::1", 0, "fe80::2", "rule 2, multicast" },
		{ "ff0e::1", 0, "2001:db8::2", "rule 2, global group" },
		{ "fd00:1::1", 1, "fd00::9", "rule 6" },
		/* Rule 5 comes before rule 6. */
		{ "fd00:1::1", LINK_ANY, "2001:db8::2", "rule 5" },
	};
	struct fib f;

	(void)state;
	build(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr dst = ip(cases[i].dst);
		struct ip_addr want = ip(cases[i].want);
		struct ip_addr got = { { 0 } };
		char text[IP_TEXT_LEN];

		if (fib_source(&f, &dst, cases[i].link, &got) != 0)
			fail_msg("%s: no source", cases[i].dst);
		if (!ip_equal(&got, &want))
			fail_msg("%s: %s, not by %s", cases[i].dst,
			    ip_text(&got, text), cases[i].why);
	}
}

static void what_is_not_valid_is_no_source_and_not_ours(void **state)
{
	struct fib f;
	struct ip_addr far = ip("8.8.8.8");
	struct ip_addr group = ip("ff02::1");
	struct ip_addr ours = ip("192.0.2.2");
	struct ip_addr got = { { 0 } };

	(void)state;
	build(&f);
	assert_true(fib_is_ours(&f, &ours, NULL));
	f.addr[0].state = ADDR_TENTATIVE;
	assert_false(fib_is_ours(&f, &ours, NULL));
	/* Another of our addresses is better than none... */
	assert_int_equal(fib_source(&f, &far, LINK_ANY, &got), 0);
	ours = ip("198.51.100.9");
	assert_true(ip_equal(&got, &ours));
	f.addr[3].state = ADDR_DUPLICATE;
	f.addr[4].state = ADDR_DUPLICATE;
	assert_int_equal(fib_source(&f, &far, LINK_ANY, &got), -EADDRNOTAVAIL);
	/* ... but not one of another link for a packet that stays on this. */
	f.addr[1].state = ADDR_TENTATIVE;
	f.addr[2].state = ADDR_TENTATIVE;
	assert_int_equal(fib_source(&f, &group, 0, &got), -EADDRNOTAVAIL);
	assert_true(ip_equal(&got, &ours));
}

static void on_link_routes_are_prefixes(void **state)
{
	struct fib f;
	struct ip_addr net4 = ip("192.0.2.0");
	struct ip_addr net25 = ip("198.51.100.128");
	struct ip_addr net6 = ip("2001:db8::");

	(void)state;
	build(&f);
	assert_true(ip_equal(&f.route[0].net, &net4));
	assert_true(ip_equal(&f.route[1].net, &net6));
	assert_true(ip_equal(&f.route[4].net, &net25));
	assert_int_equal(f.route[4].plen, 25);
	assert_int_equal(f.route[4].has_via, 0);
}

static void knows_its_own(void **state)
{
	struct fib f;
	struct ip_addr a = ip("fe80::9");
	uint8_t link = 7;

	(void)state;
	build(&f);
	assert_true(fib_is_ours(&f, &a, &link));
	assert_int_equal(link, 1);
	assert_true(fib_is_ours_on(&f, &a, 1));
	assert_false(fib_is_ours_on(&f, &a, 0));
	a = ip("192.0.2.255");
	assert_false(fib_is_ours(&f, &a, NULL));
	assert_true(fib_is_broadcast(&f, &a, 0));
	assert_true(fib_is_broadcast(&f, &a, LINK_ANY));
	assert_false(fib_is_broadcast(&f, &a, 1));
	a = ip("255.255.255.255");
	assert_true(fib_is_broadcast(&f, &a, 1));
	a = ip("2001:db8::ffff");
	assert_false(fib_is_broadcast(&f, &a, LINK_ANY));
}

static void publish(struct fib *shared)
{
	publish_begin(&shared->p);
	publish_end(&shared->p);
}

static void a_copy_is_made_anew_when_it_has_changed(void **state)
{
	struct fib shared, copy;

	(void)state;
	build(&shared);
	memset(&copy, 0, sizeof(copy));
	assert_false(fib_refresh(&copy, &shared));
	publish(&shared);
	assert_true(fib_refresh(&copy, &shared));
	assert_memory_equal(&copy, &shared, sizeof(copy));
	assert_false(fib_refresh(&copy, &shared));
	/* The writer died in the middle. */
	publish_begin(&shared.p);
	shared.naddrs = 0;
	assert_false(fib_refresh(&copy, &shared));
	assert_int_equal(copy.naddrs, 7);
	publish_begin(&shared.p);
	publish_end(&shared.p);
	assert_true(fib_refresh(&copy, &shared));
	assert_int_equal(copy.naddrs, 0);
}

/* One byte or word out of bounds, and the old table is kept. */
static void a_lying_table_is_refused(void **state)
{
	struct fib good, copy;
	struct fib bad[12];

	(void)state;
	build(&good);
	for (size_t i = 0; i < 12; i++)
		memcpy(&bad[i], &good, sizeof(good));
	bad[0].naddrs = TOPO_MAX_ADDRS + 1;
	bad[1].nroutes = TOPO_MAX_ROUTES + TOPO_MAX_ADDRS + 1;
	bad[2].nlinks = TOPO_MAX_LINKS + 1;
	bad[3].link_mtu[1] = 67;
	bad[4].link_mtu[0] = 65536;
	bad[5].addr[0].plen = 33;
	bad[6].addr[6].link = 2;
	bad[7].addr[1].state = NADDR_STATES;
	bad[8].route[0].plen = 33;
	bad[9].route[11].link = 2;
	bad[10].route[9].mtu = 20;
	bad[11].route[7].via = ip_any6;

	for (size_t i = 0; i < 12; i++) {
		memcpy(&copy, &good, sizeof(good));
		publish(&bad[i]);
		if (fib_check(&bad[i]))
			fail_msg("lie %zu believed", i);
		assert_false(fib_refresh(&copy, &bad[i]));
		assert_memory_equal((uint8_t *)&copy + sizeof(copy.p),
		    (uint8_t *)&good + sizeof(good.p),
		    sizeof(good) - sizeof(good.p));
	}
}

static void says_what_may_be_bound(void **state)
{
	static const struct {
		const char *ip;
		uint8_t device, link;
		int want;
		uint8_t on;
	} cases[] = {
		{ "192.0.2.2", LINK_ANY, 1, 0, LINK_ANY },
		{ "127.0.0.1", LINK_ANY, LINK_ANY, 0, LINK_ANY },
		{ "192.0.2.3", LINK_ANY, LINK_ANY, -EADDRNOTAVAIL, LINK_ANY },
		{ "2001:db8::2", 1, 1, 0, LINK_ANY },
		{ "fe80::2", LINK_ANY, LINK_ANY, -EINVAL, LINK_ANY },
		{ "fe80::2", 0, LINK_ANY, 0, 0 },
		{ "fe80::2", 1, LINK_ANY, -EADDRNOTAVAIL, 1 },
		{ "fe80::2", 1, 0, 0, 0 },
		{ "fe80::9", 0, 1, 0, 1 },
	};
	struct topology t = two_links();
	struct fib f = { .naddrs = 0 };

	(void)state;
	fib_build(&f, &t);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr a = ip(cases[i].ip);
		uint8_t link = cases[i].link;

		assert_int_equal(fib_may_bind(&f, &a, cases[i].device, &link),
		    cases[i].want);
		assert_int_equal(link, cases[i].on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_to_each_kind_of_destination),
		cmocka_unit_test(refuses_what_leads_nowhere),
		cmocka_unit_test(source_addresses),
		cmocka_unit_test(what_is_not_valid_is_no_source_and_not_ours),
		cmocka_unit_test(on_link_routes_are_prefixes),
		cmocka_unit_test(knows_its_own),
		cmocka_unit_test(a_copy_is_made_anew_when_it_has_changed),
		cmocka_unit_test(a_lying_table_is_refused),
		cmocka_unit_test(says_what_may_be_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
