/*
 * test_ipd_icmp.c - errors that ipd sends, and what it drops in silence
 */
#include <netinet/in.h>
#include <stdio.h>

#include "ipd/ipv4.h"
#include "ipd/ipv6.h"
#include "tests/unit/ipd_world.h"

static const uint8_t UDP[] = { 0x9c, 0x40, 0x00, 0x07, 0x00, 0x0c, 0xee, 0xee,
	'p', 'i', 'n', 'g' };

static const struct desc BY_A = { .link = LINK_A };

/* The one error for linkd is of this kind and quotes @packet. */
static void expect_error4(struct world *w, uint8_t type, uint8_t code,
    uint32_t rest, const char *src, const uint8_t *packet, size_t len)
{
	struct ip_addr us = world_ip(src);
	struct ipv4_hdr h;

	assert_true(world_take(w, "linkd"));
	assert_int_equal(ipv4_parse(&h, w->got, w->d.len), IPV4_OK);
	assert_int_equal(h.proto, IPPROTO_ICMP);
	assert_true(ip_equal(&h.src, &us));
	assert_int_equal(h.tos, 0xc0);
	assert_int_equal(w->got[20], type);
	assert_int_equal(w->got[21], code);
	assert_int_equal(be32_get(w->got + 24), rest);
	assert_int_equal(csum_fold(csum_add(0, w->got + 20, w->d.len - 20)), 0);
	assert_int_equal(w->d.len, 28 + len);
	assert_memory_equal(w->got + 28, packet, len);
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "icmp_errors_sent"), 1);
}

static void expect_error6(struct world *w, uint8_t type, uint8_t code,
    uint32_t rest, const char *src, const uint8_t *packet, size_t len)
{
	struct ip_addr us = world_ip(src);
	struct ipv6_hdr h;

	assert_true(world_take(w, "linkd"));
	assert_int_equal(ipv6_parse(&h, w->got, w->d.len), IPV6_OK);
	assert_int_equal(h.next_header, IPPROTO_ICMPV6);
	assert_true(ip_equal(&h.src, &us));
	assert_int_equal(w->got[40], type);
	assert_int_equal(w->got[41], code);
	assert_int_equal(be32_get(w->got + 44), rest);
	assert_int_equal(csum_fold(csum_add(csum_pseudo(&h.src, &h.dst,
						IPPROTO_ICMPV6, w->d.len - 40),
			     w->got + 40, w->d.len - 40)),
	    0);
	assert_int_equal(w->d.len, 48 + len);
	assert_memory_equal(w->got + 48, packet, len);
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "icmp_errors_sent"), 1);
}

/* ---- Errors that we send */

static void nobody_speaks_that_protocol(void **state)
{
	struct world *w = world_open("");
	uint8_t p[100];
	size_t len;

	(void)state;
	len = make4(p, "192.0.2.1", "192.0.2.2", 99, "data", 4);
	world_rx(w, p, len, BY_A);
	expect_error4(w, 3, 2, 0, "192.0.2.2", p, len);
	world_no_leaks(w);
	world_close(w);
}

static void nobody_speaks_that_next_header(void **state)
{
	/* Hop-by-hop padding; its first byte names the protocol. */
	static const uint8_t chain[] = { 99, 0, 1, 4, 0, 0, 0, 0, 'x' };
	struct world *w = world_open("");
	uint8_t p[100];
	size_t len;

	(void)state;
	len = make6(p, "2001:db8::1", "2001:db8::2", IPPROTO_HOPOPTS, chain,
	    sizeof(chain));
	world_rx(w, p, len, BY_A);
	expect_error6(w, 4, 1, 40, "2001:db8::2", p, len);
	/* Another thing is a packet that says that nothing follows. */
	world_rx(w, p,
	    make6(p, "2001:db8::1", "2001:db8::2", IPPROTO_NONE, "", 0), BY_A);
	world_expect_nothing(w, "linkd");
	world_no_leaks(w);
	world_close(w);
}

static void a_transport_asks_for_port_unreachable(void **state)
{
	struct world *w = world_open("");
	struct desc d = {
		.kind = PKT_ERROR,
		.proto = IPPROTO_UDP,
		.hops = 61,
		.tclass = 4,
		.link = LINK_A,
		.icmp_type = 3,
		.icmp_code = 3,
		.src = world_ip("192.0.2.1"),
		.dst = world_ip("192.0.2.2"),
	};
	uint8_t want[100];
	struct ipv4_hdr h = {
		.src = d.src,
		.dst = d.dst,
		.total_len = 32,
		.hdr_len = 20,
		.tos = 4,
		.ttl = 61,
		.proto = IPPROTO_UDP,
	};

	(void)state;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	ipv4_emit(want, &h);
	memcpy(want + 20, UDP, sizeof(UDP));
	expect_error4(w, 3, 3, 0, "192.0.2.2", want, 32);
	world_no_leaks(w);
	world_close(w);
}

/* The very slot that came up goes down with the request. */
static void the_same_for_ipv6_with_the_slot_that_came(void **state)
{
	struct world *w = world_open("");
	uint8_t p[1500], data[1400];
	size_t len;

	(void)state;
	memset(data, 7, sizeof(data));
	memcpy(data, UDP, sizeof(UDP));
	len = make6(
	    p, "2001:db8::1", "2001:db8::2", IPPROTO_UDP, data, sizeof(data));
	world_rx(w, p, len, BY_A);
	assert_true(rig_take_keep(w->r, "udpd", "ipd", &w->d, NULL));
	w->d.kind = PKT_ERROR;
	w->d.icmp_type = 1;
	w->d.icmp_code = 4;
	w->d.icmp_info = 0;
	rig_put_desc(w->r, "udpd", "ipd", &w->d);
	world_turns(w);
	expect_error6(w, 1, 4, 0, "2001:db8::2", p, 1280 - 48);
	world_no_leaks(w);
	world_close(w);
}

static void forbidden_errors_are_not_sent(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t flags;
		const char *why;
	} cases[] = {
		{ "192.0.2.1", "224.0.0.1", 0, "to a group" },
		{ "192.0.2.1", "192.0.2.255", 0, "to a broadcast address" },
		{ "192.0.2.1", "192.0.2.2", PKT_LINK_BROADCAST,
		    "in a broadcast frame" },
		{ "192.0.2.255", "192.0.2.2", 0, "from a broadcast address" },
		{ "127.0.0.1", "192.0.2.2", 0, "from a loopback address" },
		{ "0.0.0.0", "192.0.2.2", 0, "from nobody" },
		{ "224.0.0.9", "192.0.2.2", 0, "from a group" },
		{ "2001:db8::1", "ff02::1", 0, "to a group" },
		{ "::", "2001:db8::2", 0, "from nobody" },
		{ "ff02::9", "2001:db8::2", 0, "from a group" },
	};
	struct world *w = world_open("");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t p[100];
		struct desc up = { .link = LINK_A, .flags = cases[i].flags };
		struct desc down = { .kind = PKT_ERROR,
			.proto = IPPROTO_UDP,
			.link = LINK_A,
			.flags = cases[i].flags,
			.icmp_type = 3,
			.icmp_code = 3,
			.src = world_ip(cases[i].src),
			.dst = world_ip(cases[i].dst) };
		bool v4 = ip_is_v4(&down.src);

		if (!v4)
			down.icmp_type = 1;
		world_rx(w, p,
		    (v4 ? make4 : make6)(
			p, cases[i].src, cases[i].dst, 99, "data", 4),
		    up);
		world_tx(w, "udpd", UDP, sizeof(UDP), down);
		if (world_take(w, "linkd"))
			fail_msg(
			    "an error to %s, %s", cases[i].src, cases[i].why);
	}
	/* Nor about an error, nor a later fragment. */
	uint8_t p[100], q[200];
	size_t len = make4(q, "192.0.2.2", "192.0.2.1", 17, UDP, 12);

	len = make_icmp(p, "192.0.2.1", "192.0.2.2", 3, 9, 0, q, len);
	world_tx(w, "udpd", p + 20, len - 20,
	    (struct desc){ .kind = PKT_ERROR,
		.proto = IPPROTO_ICMP,
		.icmp_type = 3,
		.src = world_ip("192.0.2.1"),
		.dst = world_ip("192.0.2.2") });
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "icmp_errors_sent"), 0);
	world_no_leaks(w);
	world_close(w);
}

static void errors_are_rate_limited(void **state)
{
	struct world *w = world_open("\"icmp\":{\"rate\":1000,\"burst\":50},");
	uint8_t p[100];
	size_t len = make4(p, "192.0.2.1", "192.0.2.2", 99, "data", 4);
	uint64_t sent;

	(void)state;
	for (int i = 0; i < 10; i++)
		world_rx(w, p, len, BY_A);
	/* To one destination six at once, and one a second. */
	assert_int_equal(world_counter(w, "icmp_errors_sent"), 6);
	assert_int_equal(world_counter(w, "icmp_errors_rate_limited"), 4);
	/* A new process does not begin with a full bucket. */
	world_restart(w);
	world_rx(w, p, len, BY_A);
	assert_int_equal(world_counter(w, "icmp_errors_sent"), 6);
	w->now = mono_add_ms(w->now, 2000);
	for (int i = 0; i < 10; i++)
		world_rx(w, p, len, BY_A);
	assert_int_equal(world_counter(w, "icmp_errors_sent"), 8);
	/* Another is none the worse for it. */
	len = make4(p, "192.0.2.3", "192.0.2.2", 99, "data", 4);
	sent = world_counter(w, "icmp_errors_sent");
	world_rx(w, p, len, BY_A);
	assert_int_equal(world_counter(w, "icmp_errors_sent"), sent + 1);
	while (world_take(w, "linkd"))
		;
	world_no_leaks(w);
	world_close(w);
}

/* How many more there would be, nobody can tell from outside. */
static void the_limit_for_all_is_a_lottery(void **state)
{
	struct world *w = world_open("\"icmp\":{\"rate\":1,\"burst\":20},");
	uint64_t least = UINT64_MAX, most = 0, all = 0;

	(void)state;
	for (int round = 0; round < 40; round++) {
		uint64_t before = world_counter(w, "icmp_errors_sent");

		w->now = mono_add_ms(w->now, 60 * 1000);
		for (unsigned i = 0; i < 60; i++) {
			char from[32];
			uint8_t p[100];

			snprintf(from, sizeof(from), "192.0.2.%u", 10 + i);
			world_rx(w, p,
			    make4(p, from, "192.0.2.2", 99, "data", 4), BY_A);
			while (world_take(w, "linkd"))
				;
		}
		before = world_counter(w, "icmp_errors_sent") - before;
		all += before;
		least = before < least ? before : least;
		most = before > most ? before : most;
	}
	assert_true(least >= 10 && least < 20 && most > 20 && most < 60);
	/* On average as many as were asked for. */
	assert_true(all / 40 >= 18 && all / 40 <= 23);
	world_no_leaks(w);
	world_close(w);
}

static void bad_options_are_complained_of(void **state)
{
	/* Record route of length 2 at byte 20. */
	static const uint8_t bad[] = { 0x46, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0,
		192, 0, 2, 1, 192, 0, 2, 2, 7, 2, 4, 0, 1, 2, 3, 4 };
	struct world *w = world_open("");
	uint8_t p[sizeof(bad)];

	(void)state;
	memcpy(p, bad, sizeof(bad));
	be16_put(p + 10, csum_fold(csum_add(0, p, 24)));
	world_rx(w, p, sizeof(p), BY_A);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->got[20], 12);
	assert_true(w->got[24] >= 20 && w->got[24] < 24);
	assert_int_equal(world_counter(w, "ipv4_bad_option"), 1);
	world_no_leaks(w);
	world_close(w);
}

static void an_unknown_option_of_ipv6_is_complained_of(void **state)
{
	/* Type 0xc3: refuse, and say so unless it was sent to a group. */
	static const uint8_t chain[] = { IPPROTO_UDP, 0, 0xc3, 4, 0, 0, 0, 0,
		0x9c, 0x40, 0, 7, 0, 8, 0, 0 };
	struct world *w = world_open("");
	uint8_t p[100];
	size_t len;

	(void)state;
	len = make6(p, "2001:db8::1", "2001:db8::2", IPPROTO_DSTOPTS, chain,
	    sizeof(chain));
	world_rx(w, p, len, BY_A);
	expect_error6(w, 4, 2, 42, "2001:db8::2", p, len);
	world_no_leaks(w);
	world_close(w);
}

static void a_datagram_that_never_became_whole(void **state)
{
	struct world *w = world_open("");
	uint8_t p[100], frag[100];
	struct ipv4_hdr h;
	struct mono when;

	(void)state;
	make4(p, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, UDP, 8);
	assert_int_equal(ipv4_parse(&h, p, 28), IPV4_OK);
	h.mf = true;
	memcpy(frag, p, sizeof(frag));
	ipv4_emit(frag, &h);
	world_rx(w, frag, 28, BY_A);
	/* Another, of which the beginning never came: no error. */
	h.id++;
	h.frag_offset = 64;
	ipv4_emit(p, &h);
	world_rx(w, p, 28, BY_A);
	world_expect_nothing(w, "linkd");

	when = ipd_deadline(w->ip);
	assert_int_equal(mono_since(when, w->now) / NS_PER_MS, 60000);
	w->now = when;
	world_turns(w);
	expect_error4(w, 11, 1, 0, "192.0.2.2", frag, 28);
	assert_int_equal(world_counter(w, "reasm_timeout"), 2);
	world_no_leaks(w);
	world_close(w);
}

/* ---- What is dropped in silence */

static void martians_are_dropped(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t flags;
		const char *counter;
	} cases[] = {
		{ "0.0.0.0", "192.0.2.2", 0, "martian_source" },
		{ "0.1.2.3", "192.0.2.2", 0, "martian_source" },
		{ "127.0.0.1", "192.0.2.2", 0, "martian_source" },
		{ "224.0.0.1", "192.0.2.2", 0, "martian_source" },
		{ "240.0.0.1", "192.0.2.2", 0, "martian_source" },
		{ "255.255.255.255", "192.0.2.2", 0, "martian_source" },
		{ "192.0.2.255", "192.0.2.2", 0, "martian_source" },
		{ "192.0.2.2", "192.0.2.2", 0, "source_is_our_own" },
		{ "198.51.100.2", "192.0.2.2", 0, "source_is_our_own" },
		{ "192.0.2.1", "127.0.0.1", 0, "martian_destination" },
		{ "192.0.2.1", "0.0.0.0", 0, "martian_destination" },
		{ "192.0.2.1", "192.0.2.3", 0, "not_for_us" },
		{ "192.0.2.1", "198.51.100.255", 0, "not_for_us" },
		{ "192.0.2.1", "192.0.2.2", PKT_LINK_BROADCAST,
		    "unicast_in_link_broadcast" },
		{ "::1", "2001:db8::2", 0, "martian_source" },
		{ "::", "2001:db8::2", 0, "martian_source" },
		{ "ff02::1", "2001:db8::2", 0, "martian_source" },
		{ "2001:db8::2", "2001:db8::2", 0, "source_is_our_own" },
		{ "2001:db8::1", "::1", 0, "martian_destination" },
		{ "2001:db8::1", "::", 0, "martian_destination" },
		{ "2001:db8::1", "ff01::1", 0, "martian_destination" },
		{ "2001:db8::1", "ff02::99", 0, "group_not_joined" },
		{ "2001:db8::1", "2001:db8::3", 0, "not_for_us" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_open("");
		uint8_t p[100];

		world_rx(w, p,
		    make_icmp(p, cases[i].src, cases[i].dst,
			strchr(cases[i].src, ':') ? 128 : 8, 0, 1, "x", 1),
		    (struct desc){ .link = LINK_A, .flags = cases[i].flags });
		world_expect_nothing(w, "linkd");
		if (world_counter(w, cases[i].counter) != 1)
			fail_msg("%s to %s is no %s", cases[i].src,
			    cases[i].dst, cases[i].counter);
		world_no_leaks(w);
		world_close(w);
	}
}

/* IPv4's addresses in an IPv6 header: nobody's, whoever they look like. */
static void mapped_addresses_are_martians(void **state)
{
	static const uint8_t peer[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const uint8_t us[16] = { [10] = 0xff, 0xff, 192, 0, 2, 2 };
	static const uint8_t beyond[16] = { [10] = 0xff, 0xff, 203, 0, 113, 9 };
	static const struct {
		size_t at;
		const uint8_t *ip;
		const char *counter;
	} cases[] = {
		{ 8, peer, "martian_source" },
		{ 24, us, "martian_destination" },
		{ 24, beyond, "martian_destination" },
	};
	uint8_t p[100];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_open("\"forward\":true,");
		size_t len = make6(p, "2001:db8::1", "2001:db8::2", IPPROTO_UDP,
		    UDP, sizeof(UDP));

		memcpy(p + cases[i].at, cases[i].ip, 16);
		world_rx(w, p, len, (struct desc){ .link = LINK_A });
		memcpy(p + 8, peer, 16);
		world_rx(w, p, len, (struct desc){ .link = LINK_A });
		world_expect_nothing(w, "udpd");
		world_expect_nothing(w, "linkd");
		assert_true(world_counter(w, cases[i].counter) > 0);
		world_no_leaks(w);
		world_close(w);
	}
}

/* A link-local address means the link that it is on. */
static void link_local_is_strong(void **state)
{
	struct world *w = world_open("");
	uint8_t p[100];
	size_t len = make_icmp(p, "fe80::77", "fe80::2", 128, 0, 1, "x", 1);

	(void)state;
	world_rx(w, p, len, (struct desc){ .link = LINK_B });
	world_expect_nothing(w, "linkd");
	world_rx(w, p, len, BY_A);
	assert_true(world_take(w, "linkd"));
	world_close(w);
}

static void malformed_packets_are_counted(void **state)
{
	struct world *w = world_open("");
	uint8_t p[100] = { 0x50 };
	size_t len;

	(void)state;
	world_rx(w, p, 40, BY_A);
	assert_int_equal(world_counter(w, "rx_neither_ipv4_nor_ipv6"), 1);
	world_rx(w, "", 0, BY_A);
	len = make_icmp(p, "192.0.2.1", "192.0.2.2", 8, 0, 1, "x", 1);
	for (size_t cut = 1; cut < len; cut++)
		world_rx(w, p, cut, BY_A);
	assert_int_equal(world_counter(w, "ipv4_short"), 19);
	assert_int_equal(world_counter(w, "ipv4_bad_length"), len - 20);
	p[8]--;
	world_rx(w, p, len, BY_A);
	assert_int_equal(world_counter(w, "ipv4_bad_checksum"), 1);
	p[8]++;
	p[28] ^= 1;
	world_rx(w, p, len, BY_A);
	assert_int_equal(world_counter(w, "icmp_bad_checksum"), 1);
	/* A neighbour that lies. */
	world_rx(w, p, len, (struct desc){ .link = 200 });
	world_rx(w, p, len, (struct desc){ .kind = 77 });
	assert_int_equal(world_counter(w, "rx_bad_kind"), 3);
	world_expect_nothing(w, "linkd");
	world_no_leaks(w);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_speaks_that_protocol),
		cmocka_unit_test(nobody_speaks_that_next_header),
		cmocka_unit_test(a_transport_asks_for_port_unreachable),
		cmocka_unit_test(the_same_for_ipv6_with_the_slot_that_came),
		cmocka_unit_test(forbidden_errors_are_not_sent),
		cmocka_unit_test(errors_are_rate_limited),
		cmocka_unit_test(the_limit_for_all_is_a_lottery),
		cmocka_unit_test(bad_options_are_complained_of),
		cmocka_unit_test(an_unknown_option_of_ipv6_is_complained_of),
		cmocka_unit_test(a_datagram_that_never_became_whole),
		cmocka_unit_test(martians_are_dropped),
		cmocka_unit_test(mapped_addresses_are_martians),
		cmocka_unit_test(link_local_is_strong),
		cmocka_unit_test(malformed_packets_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
