/*
 * test_ipd_icmp.c - errors that ipd sends, and those that it is sent
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

/* ---- Errors about what we sent */

/* An error of either family that quotes what 192.0.2.2 or 2001:db8::2 sent. */
static void complain_of(struct world *w, uint8_t proto, uint8_t type,
    uint8_t code, uint32_t rest, const char *src, const char *dst,
    uint16_t packet_len)
{
	uint8_t q[200], p[300];
	bool v4 = strchr(src, ':') == NULL;
	size_t len = (v4 ? make4 : make6)(q, src, dst, proto, UDP, sizeof(UDP));

	if (packet_len > 0)
		be16_put(
		    q + (v4 ? 2 : 4), (uint16_t)(packet_len - (v4 ? 0 : 40)));
	if (v4) {
		be16_put(q + 10, 0);
		be16_put(q + 10, csum_fold(csum_add(0, q, 20)));
	}
	world_rx(w, p,
	    make_icmp(p, v4 ? "192.0.2.1" : "2001:db8::1",
		v4 ? "192.0.2.2" : "2001:db8::2", type, code, rest, q, len),
	    BY_A);
}

static void complain(struct world *w, uint8_t type, uint8_t code, uint32_t rest,
    const char *src, const char *dst, uint16_t packet_len)
{
	complain_of(w, IPPROTO_UDP, type, code, rest, src, dst, packet_len);
}

static void an_error_goes_to_the_transport_it_is_about(void **state)
{
	struct world *w = world_open("");
	struct ip_addr us = world_ip("192.0.2.2");
	struct ip_addr far = world_ip("203.0.113.9");

	(void)state;
	complain(w, 3, 3, 0, "192.0.2.2", "203.0.113.9", 0);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.icmp_type, 3);
	assert_int_equal(w->d.icmp_code, 3);
	assert_int_equal(w->d.proto, IPPROTO_UDP);
	assert_true(ip_equal(&w->d.src, &us));
	assert_true(ip_equal(&w->d.dst, &far));
	/* Over both IP headers and ICMP's, back to the source in the first. */
	assert_int_equal(w->d.icmp_from, 20 + 8 + 20 - 12);
	complain(w, 1, 4, 0, "2001:db8::2", "2001:db8:5::9", 0);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_type, 1);
	assert_int_equal(w->d.icmp_code, 4);
	assert_int_equal(w->d.icmp_from, 40 + 8 + 40 - 8);
	/* Unknown errors of ICMPv6 go up as well (RFC 4443, 2.4 (a)). */
	complain(w, 100, 0, 0, "2001:db8::2", "2001:db8:5::9", 0);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_type, 100);
	world_no_leaks(w);
	world_close(w);
}

static void what_we_never_sent_is_nobodys_error(void **state)
{
	struct world *w = world_open("");

	(void)state;
	complain(w, 3, 3, 0, "192.0.2.77", "203.0.113.9", 0);
	complain(w, 1, 4, 0, "2001:db8::77", "2001:db8:5::9", 0);
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "quote_not_ours"), 2);
	/* Redirects and source quench change nothing. */
	complain(w, 5, 1, 0xc0000201, "192.0.2.2", "203.0.113.9", 0);
	complain(w, 4, 0, 0, "192.0.2.2", "203.0.113.9", 0);
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "icmp_redirect_ignored"), 1);
	assert_int_equal(world_counter(w, "icmp_source_quench_ignored"), 1);
	world_no_leaks(w);
	world_close(w);
}

/* How long a datagram with DF may be, by trying. */
static uint32_t mtu_of(
    struct world *w, const char *at, const char *src, const char *dst)
{
	static uint8_t data[2000];
	struct desc d = { .proto = strcmp(at, "tcpd") == 0 ? IPPROTO_TCP
							   : IPPROTO_UDP,
		.flags = PKT_DONT_FRAGMENT,
		.link = LINK_ANY,
		.src = world_ip(src),
		.dst = world_ip(dst) };

	world_tx(w, at, data, sizeof(data), d);
	assert_true(world_take(w, at));
	assert_int_equal(w->d.kind, PKT_ERROR);
	return w->d.icmp_info;
}

static uint32_t mtu_for(struct world *w, const char *src, const char *dst)
{
	return mtu_of(w, "udpd", src, dst);
}

static void the_path_mtu_is_learnt_and_forgotten(void **state)
{
	struct world *w = world_open("");

	(void)state;
	complain(w, 3, 4, 1400, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1400);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 1400);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.8"), 1500);
	complain(w, 2, 0, 1300, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(mtu_for(w, "2001:db8::2", "2001:db8:5::9"), 1300);
	/* It outlives the process, and never rises by what somebody says. */
	world_restart(w);
	complain(w, 3, 4, 1450, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1400);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 1400);
	w->now = mono_add_ms(w->now, 10 * 60 * 1000);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 1500);
	world_no_leaks(w);
	world_close(w);
}

/*
 * Anybody can forge a report about a datagram, or about TCP without knowing a
 * sequence number; TCP's packets heed only what TCP itself has believed.
 */
static void forged_reports_do_not_narrow_tcp(void **state)
{
	struct world *w = world_open("");

	(void)state;
	complain(w, 3, 4, 100, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 552);
	assert_int_equal(mtu_of(w, "tcpd", "192.0.2.2", "203.0.113.9"), 1500);
	complain_of(
	    w, IPPROTO_TCP, 3, 4, 1400, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "tcpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1400);
	assert_int_equal(mtu_of(w, "tcpd", "192.0.2.2", "203.0.113.9"), 1500);
	world_no_leaks(w);
	world_close(w);
}

static void absurd_mtus_are_refused_or_bounded(void **state)
{
	struct world *w = world_open("");

	(void)state;
	/* That packet would have passed. */
	complain(w, 3, 4, 1400, "192.0.2.2", "203.0.113.9", 1400);
	complain(w, 2, 0, 1500, "2001:db8::2", "2001:db8:5::9", 1400);
	world_expect_nothing(w, "udpd");
	/* RFC 8201, 4: no link takes so little. */
	complain(w, 2, 0, 1279, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "icmp_mtu_refused"), 3);
	complain(w, 3, 4, 10, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 552);
	complain(w, 2, 0, 1280, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1280);
	/* RFC 1191, 7.1: a router that says nothing. */
	complain(w, 3, 4, 0, "192.0.2.2", "203.0.113.8", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1492);
	world_no_leaks(w);
	world_close(w);
}

/* The path takes 1300: what may be cut is cut to that. */
static void fragments_heed_the_path_mtu(void **state)
{
	struct world *w = world_open("");
	static uint8_t data[1400];

	(void)state;
	complain(w, 2, 0, 1300, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	world_tx(w, "udpd", data, sizeof(data),
	    (struct desc){ .proto = IPPROTO_UDP,
		.link = LINK_ANY,
		.src = world_ip("2001:db8::2"),
		.dst = world_ip("2001:db8:5::9") });
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, 48 + 1248);
	assert_int_equal(w->got[6], IPPROTO_FRAGMENT);
	assert_int_equal(w->got[40], IPPROTO_UDP);
	assert_int_equal(be16_get(w->got + 42), 1);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, 48 + 152);
	assert_int_equal(be16_get(w->got + 42), 1248);
	world_no_leaks(w);
	world_close(w);
}

static void a_silent_neighbour_is_told_to_the_transport(void **state)
{
	struct world *w = world_open("");
	struct desc failed = { .kind = PKT_ERROR, .link = LINK_A };
	uint8_t p[100];

	(void)state;
	world_rx(w, p,
	    make4(p, "192.0.2.2", "192.0.2.9", IPPROTO_UDP, UDP, sizeof(UDP)),
	    failed);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.icmp_type, 3);
	assert_int_equal(w->d.icmp_code, 1);
	world_rx(w, p,
	    make6(
		p, "2001:db8::2", "2001:db8::9", IPPROTO_UDP, UDP, sizeof(UDP)),
	    failed);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_type, 1);
	assert_int_equal(w->d.icmp_code, 3);
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
		cmocka_unit_test(an_error_goes_to_the_transport_it_is_about),
		cmocka_unit_test(what_we_never_sent_is_nobodys_error),
		cmocka_unit_test(the_path_mtu_is_learnt_and_forgotten),
		cmocka_unit_test(forged_reports_do_not_narrow_tcp),
		cmocka_unit_test(absurd_mtus_are_refused_or_bounded),
		cmocka_unit_test(fragments_heed_the_path_mtu),
		cmocka_unit_test(a_silent_neighbour_is_told_to_the_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
