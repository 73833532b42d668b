/*
 * test_ipd_tx.c - datagrams from transports, and what comes up to them
 */
#include <netinet/in.h>

#include "ipd/ipv4.h"
#include "ipd/ipv6.h"
#include "tests/unit/ipd_world.h"

/* "ping" from port 40000 to the echo port; the checksum is to be made. */
static const uint8_t UDP[] = { 0x9c, 0x40, 0x00, 0x07, 0x00, 0x0c, 0xee, 0xee,
	'p', 'i', 'n', 'g' };

static struct desc to(const char *src, const char *dst)
{
	return (struct desc){
		.proto = IPPROTO_UDP,
		.link = LINK_ANY,
		.src = world_ip(src),
		.dst = world_ip(dst),
	};
}

/* ---- Up */

static void a_datagram_goes_up_with_what_its_header_said(void **state)
{
	struct world *w = world_open("");
	struct ip_addr peer = world_ip("192.0.2.1");
	struct ip_addr us = world_ip("192.0.2.2");
	uint8_t p[100];
	size_t len =
	    make4(p, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, UDP, sizeof(UDP));

	(void)state;
	p[1] = 0x2e; /* some class, and ECN */
	be16_put(p + 10, 0);
	be16_put(p + 10, csum_fold(csum_add(0, p, 20)));
	world_rx(w, p, len,
	    (struct desc){ .link = LINK_A, .flags = PKT_CSUM_VALID });
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_true(ip_equal(&w->d.src, &peer));
	assert_true(ip_equal(&w->d.dst, &us));
	assert_int_equal(w->d.kind, PKT_DATA);
	assert_int_equal(w->d.proto, IPPROTO_UDP);
	assert_int_equal(w->d.hops, 64);
	assert_int_equal(w->d.tclass, 0x2e);
	assert_int_equal(w->d.link, LINK_A);
	assert_int_equal(w->d.flags, PKT_CSUM_VALID);
	world_no_leaks(w);
	world_close(w);
}

/* Behind a hop-by-hop header of padding and an atomic fragment header. */
static void extension_headers_are_stepped_over(void **state)
{
	static const uint8_t chain[] = { 44, 0, 1, 4, 0, 0, 0, 0, /* padding */
		IPPROTO_UDP, 0, 0, 0, 0, 0, 0, 9, /* offset 0, no more */
		0x9c, 0x40, 0x00, 0x07, 0x00, 0x0c, 0xee, 0xee, 'p', 'i', 'n',
		'g' };
	struct world *w = world_open("");
	uint8_t p[100];

	(void)state;
	world_rx(w, p,
	    make6(p, "2001:db8::1", "2001:db8::2", IPPROTO_HOPOPTS, chain,
		sizeof(chain)),
	    (struct desc){ .link = LINK_A });
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.proto, IPPROTO_UDP);
	world_no_leaks(w);
	world_close(w);
}

static void a_super_frame_goes_up_as_one(void **state)
{
	struct world *w = world_open("");
	static uint8_t data[9000], p[9100];

	(void)state;
	world_rx(w, p,
	    make4(p, "192.0.2.1", "192.0.2.2", IPPROTO_TCP, data, 9000),
	    (struct desc){ .link = LINK_A,
		.gso_size = 1448,
		.flags = PKT_CSUM_PARTIAL,
		.csum_start = 20,
		.csum_offset = 16 });
	assert_true(world_take(w, "tcpd"));
	assert_int_equal(w->d.len, 9000);
	assert_int_equal(w->d.gso_size, 1448);
	assert_int_equal(w->d.flags, PKT_CSUM_PARTIAL);
	assert_int_equal(w->d.csum_start, 0);
	assert_int_equal(w->d.csum_offset, 16);
	world_no_leaks(w);
	world_close(w);
}

static void only_groups_that_were_joined_are_heard(void **state)
{
	struct world *w = world_open("");
	struct desc many = { .link = LINK_A, .flags = PKT_LINK_BROADCAST };
	uint8_t p[100];
	size_t len =
	    make4(p, "192.0.2.1", "239.1.2.3", IPPROTO_UDP, UDP, sizeof(UDP));

	(void)state;
	world_rx(w, p, len, many);
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "group_not_joined"), 1);

	world_join(w, "239.1.2.3", LINK_A);
	world_settle(w);
	world_rx(w, p, len, many);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	many.link = LINK_B;
	world_rx(w, p, len, many);
	world_expect_nothing(w, "udpd");
	world_no_leaks(w);
	world_close(w);
}

static void broadcasts_are_heard(void **state)
{
	struct world *w = world_open("");
	uint8_t p[100];

	(void)state;
	world_rx(w, p,
	    make4(p, "192.0.2.1", "192.0.2.255", IPPROTO_UDP, UDP, sizeof(UDP)),
	    (struct desc){ .link = LINK_A, .flags = PKT_LINK_BROADCAST });
	world_expect(w, "udpd", UDP, sizeof(UDP));
	world_rx(w, p,
	    make4(p, "192.0.2.1", "255.255.255.255", IPPROTO_UDP, UDP,
		sizeof(UDP)),
	    (struct desc){ .link = LINK_A, .flags = PKT_LINK_BROADCAST });
	world_expect(w, "udpd", UDP, sizeof(UDP));
	world_no_leaks(w);
	world_close(w);
}

/* ---- Down */

static void a_datagram_gets_header_source_and_next_hop(void **state)
{
	struct world *w = world_open("");
	struct ip_addr hop = world_ip("192.0.2.1");
	struct ip_addr us = world_ip("192.0.2.2");
	struct ip_addr far = world_ip("203.0.113.9");
	struct desc d = to("0.0.0.0", "203.0.113.9");
	struct ipv4_hdr h;

	(void)state;
	d.flags = PKT_CSUM_PARTIAL;
	d.tclass = 0xb8;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(ipv4_parse(&h, w->got, w->d.len), IPV4_OK);
	assert_true(ip_equal(&h.src, &us));
	assert_true(ip_equal(&h.dst, &far));
	assert_int_equal(h.ttl, 64);
	assert_int_equal(h.tos, 0xb8);
	assert_int_equal(h.proto, IPPROTO_UDP);
	assert_false(h.df);
	assert_int_equal(h.total_len, 32);
	assert_memory_equal(w->got + 20, UDP, 6);
	assert_memory_equal(w->got + 28, "ping", 4);
	assert_int_equal(be16_get(w->got + 26),
	    csum_fold_partial(csum_pseudo(&us, &far, IPPROTO_UDP, 12)));
	assert_true(ip_equal(&w->d.dst, &hop));
	assert_int_equal(w->d.link, LINK_A);
	assert_int_equal(w->d.flags, PKT_CSUM_PARTIAL);
	assert_int_equal(w->d.csum_start, 20);
	assert_int_equal(w->d.csum_offset, 6);
	assert_int_equal(w->d.l4, 20);
	world_no_leaks(w);
	world_close(w);
}

static void the_same_for_ipv6(void **state)
{
	struct world *w = world_open("");
	struct ip_addr hop = world_ip("2001:db8::1");
	struct ip_addr us = world_ip("2001:db8::2");
	struct desc d = to("2001:db8::2", "2001:db8:5::9");
	struct ipv6_hdr h;
	uint32_t label;

	(void)state;
	d.flags = PKT_CSUM_PARTIAL;
	d.hops = 7;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(ipv6_parse(&h, w->got, w->d.len), IPV6_OK);
	assert_int_equal(h.hop_limit, 7);
	assert_int_equal(h.payload_len, 12);
	assert_int_equal(h.next_header, IPPROTO_UDP);
	assert_true(ip_equal(&h.src, &us));
	assert_int_equal(be16_get(w->got + 46),
	    csum_fold_partial(csum_pseudo(&us, &h.dst, IPPROTO_UDP, 12)));
	assert_true(ip_equal(&w->d.dst, &hop));
	assert_int_equal(w->d.csum_start, 40);
	/* A flow keeps its label (RFC 6437). */
	label = h.flow_label;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(ipv6_parse(&h, w->got, w->d.len), IPV6_OK);
	assert_int_equal(h.flow_label, label);
	world_no_leaks(w);
	world_close(w);
}

static void what_is_ours_is_looped(void **state)
{
	static const char *const ours[] = { "192.0.2.2", "198.51.100.2",
		"127.0.0.1", "::1", "2001:db8::2" };
	struct world *w = world_open("");

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		bool v4 = strchr(ours[i], ':') == NULL;
		struct ip_addr dst = world_ip(ours[i]);
		struct desc d = to(v4 ? "0.0.0.0" : "::", ours[i]);

		world_tx(w, "udpd", UDP, sizeof(UDP), d);
		assert_true(world_take(w, "linkd"));
		assert_int_equal(w->d.flags, PKT_LOOP);
		/* Its source is itself, and it comes up again. */
		assert_memory_equal(w->got + (v4 ? 12 : 8),
		    v4 ? ip_v4(&dst) : dst.b, v4 ? 4 : 16);
		world_rx(w, w->got, w->d.len,
		    (struct desc){ .link = w->d.link, .flags = PKT_LOOP });
		world_expect(w, "udpd", UDP, sizeof(UDP));
	}
	world_no_leaks(w);
	world_close(w);
}

static void a_group_gets_a_short_life_and_the_right_link(void **state)
{
	struct world *w = world_open("");
	struct desc d = to("198.51.100.2", "239.1.2.3");
	struct ip_addr group = world_ip("239.1.2.3");

	(void)state;
	/* By the link of the source, if none is named. */
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.link, LINK_B);
	assert_int_equal(w->got[8], 1);
	assert_true(ip_equal(&w->d.dst, &group));
	d = to("0.0.0.0", "239.1.2.3");
	d.link = LINK_B;
	d.hops = 9;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.link, LINK_B);
	assert_int_equal(w->got[8], 9);
	assert_int_equal(w->got[12], 198);
	world_no_leaks(w);
	world_close(w);
}

static void members_here_get_a_looped_copy(void **state)
{
	struct world *w = world_open("");
	struct desc d = to("0.0.0.0", "239.1.2.3");
	uint8_t looped[100];
	size_t len;

	(void)state;
	world_join(w, "239.1.2.3", LINK_ANY);
	world_settle(w);
	d.link = LINK_A;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	world_expect_nothing(w, "linkd");

	d.flags = PKT_MULTICAST_LOOP;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.flags, PKT_LOOP);
	len = w->d.len;
	memcpy(looped, w->got, len);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.flags, 0);
	assert_int_equal(w->d.len, len);
	assert_memory_equal(w->got, looped, len);
	world_rx(
	    w, looped, len, (struct desc){ .link = LINK_A, .flags = PKT_LOOP });
	world_expect(w, "udpd", UDP, sizeof(UDP));
	world_no_leaks(w);
	world_close(w);
}

static void who_may_not_broadcast_does_not(void **state)
{
	struct world *w = world_open("");
	struct desc d = to("0.0.0.0", "192.0.2.255");
	struct ip_addr ones = world_ip("255.255.255.255");

	(void)state;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "tx_broadcast_not_allowed"), 1);
	d.flags = PKT_BROADCAST_OK;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.flags, PKT_LOOP); /* we hear it too */
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.flags, 0);
	assert_true(ip_equal(&w->d.dst, &ones));
	world_no_leaks(w);
	world_close(w);
}

/* ---- Pieces */

static void too_long_a_datagram_goes_in_pieces(void **state)
{
	struct world *w = world_open("");
	struct desc d = to("192.0.2.2", "203.0.113.9");
	struct ip_addr far = d.dst;
	static uint8_t data[3000], whole[3000];
	static const struct {
		uint16_t len, field;
	} want[] = { { 1500, 0x2000 }, { 1500, 0x2000 | 185 }, { 60, 370 } };
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 5);
	memcpy(data, UDP, 8);
	be16_put(data + 4, 3000);
	d.flags = PKT_CSUM_PARTIAL;
	world_tx(w, "udpd", data, sizeof(data), d);
	for (size_t i = 0; i < 3; i++) {
		assert_true(world_take(w, "linkd"));
		assert_int_equal(w->d.len, want[i].len);
		assert_int_equal(be16_get(w->got + 6), want[i].field);
		assert_int_equal(w->d.flags, 0);
		memcpy(whole + at, w->got + 20, w->d.len - 20);
		at += w->d.len - 20;
	}
	world_expect_nothing(w, "linkd");
	assert_int_equal(at, 3000);
	/* The checksum was finished before the cut. */
	assert_int_equal(
	    csum_fold(csum_add(
		csum_pseudo(&d.src, &far, IPPROTO_UDP, 3000), whole, 3000)),
	    0);
	assert_memory_equal(whole + 8, data + 8, 2992);
	world_no_leaks(w);
	world_close(w);
}

static void pieces_are_sent_all_or_none(void **state)
{
	struct world *w = world_open("");
	struct desc d = to("192.0.2.2", "203.0.113.9");
	static uint8_t data[60000];
	uint32_t sent = 0, got = 0;

	(void)state;
	/* 41 pieces each: more than there are slots for, after a while. */
	for (; sent < 15; sent++)
		world_tx(w, "udpd", data, sizeof(data), d);
	assert_true(rig_waiting(w->r, "udpd", "ipd") > 0);
	assert_int_equal(rig_waiting(w->r, "ipd", "linkd") % 41, 0);
	while (world_take(w, "linkd")) {
		got++;
		world_turns(w);
	}
	assert_int_equal(got, sent * 41);
	world_no_leaks(w);
	world_close(w);
}

/* ---- Refused */

static void expect_error(struct world *w, uint8_t type, uint8_t code,
    uint32_t info, const struct desc *sent)
{
	world_expect_nothing(w, "linkd");
	assert_true(world_take(w, "udpd"));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.icmp_type, type);
	assert_int_equal(w->d.icmp_code, code);
	assert_int_equal(w->d.icmp_info, info);
	assert_int_equal(w->d.proto, IPPROTO_UDP);
	assert_true(ip_equal(&w->d.src, &sent->src));
	assert_true(ip_equal(&w->d.dst, &sent->dst));
	assert_memory_equal(w->got, UDP, 4);
}

static void what_must_not_be_cut_comes_back(void **state)
{
	struct world *w = world_open("");
	static uint8_t data[2000];
	struct desc d = to("192.0.2.2", "203.0.113.9");
	struct desc d6 = to("2001:db8::2", "2001:db8:5::9");

	(void)state;
	memcpy(data, UDP, sizeof(UDP));
	d.flags = d6.flags = PKT_DONT_FRAGMENT;
	world_tx(w, "udpd", data, 1481, d);
	expect_error(w, 3, 4, 1500, &d);
	world_tx(w, "udpd", data, 1461, d6);
	expect_error(w, 2, 0, 1500, &d6);
	world_tx(w, "udpd", data, 1480, d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(be16_get(w->got + 6), 0x4000);
	world_tx(w, "udpd", data, 1460, d6);
	assert_true(world_take(w, "linkd"));
	world_no_leaks(w);
	world_close(w);
}

/* Like world_tx(), with @more bytes in an app's ring. */
static void put_with_refs(struct world *w, const uint8_t *bytes, size_t len,
    uint32_t more, struct desc d)
{
	struct node *n = rig_node(w->r, "tcpd");
	struct ref ref[2] = {
		{ .len = (uint16_t)(more - more / 2) },
		{ .len = (uint16_t)(more / 2) },
	};
	uint8_t *slot;

	d.off = SLOT_HEADROOM;
	d.len = (uint32_t)len;
	node_begin(n, w->r->now);
	slot = node_alloc(n, SLOT_HEADROOM + d.len, &d);
	assert_non_null(slot);
	memcpy(slot, ref, sizeof(ref));
	memcpy(slot + d.off, bytes, len);
	node_put(n, rig_ring_to(w->r, "tcpd", "ipd"), &d);
	node_commit(n);
	world_turns(w);
}

static void super_frames_pass_if_their_pieces_do(void **state)
{
	struct world *w = world_open("");
	static uint8_t data[30000] = { [12] = 5 << 4 };
	struct desc d = to("192.0.2.2", "203.0.113.9");

	(void)state;
	d.proto = IPPROTO_TCP;
	d.flags = PKT_CSUM_PARTIAL | PKT_DONT_FRAGMENT;
	d.gso_size = 1460;
	world_tx(w, "tcpd", data, sizeof(data), d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, 30020);
	assert_int_equal(w->d.gso_size, 1460);
	assert_int_equal(w->d.csum_offset, 16);
	d.gso_size = 1461;
	world_tx(w, "tcpd", data, sizeof(data), d);
	world_expect_nothing(w, "linkd");
	assert_true(world_take(w, "tcpd"));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.icmp_info, 1500);
	world_no_leaks(w);
	world_close(w);
}

/* Payload that lies in an app's ring is counted, but not touched or cut. */
static void payload_by_reference_is_counted(void **state)
{
	static const struct {
		uint16_t gso_size, flags;
		uint32_t more; /* bytes that the references name */
		bool fits;
	} cases[] = {
		{ 0, PKT_DONT_FRAGMENT, 1460, true },
		{ 0, PKT_DONT_FRAGMENT, 1461, false },
		{ 0, 0, 1461, false }, /* nobody could copy it */
		{ 1460, PKT_DONT_FRAGMENT, 65535 - 40, true },
		{ 1461, PKT_DONT_FRAGMENT, 65535 - 40, false },
	};
	static const uint8_t tcp[20] = { [12] = 5 << 4 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_open("");
		struct desc d = to("192.0.2.2", "203.0.113.9");

		d.proto = IPPROTO_TCP;
		d.gso_size = cases[i].gso_size;
		d.flags = cases[i].flags | PKT_CSUM_PARTIAL | PKT_REFS;
		put_with_refs(w, tcp, sizeof(tcp), cases[i].more, d);
		if (!cases[i].fits) {
			world_expect_nothing(w, "linkd");
			assert_true(world_take(w, "tcpd"));
			assert_int_equal(w->d.kind, PKT_ERROR);
			assert_int_equal(w->d.icmp_type, 3);
			assert_int_equal(w->d.icmp_code, 4);
			assert_int_equal(w->d.icmp_info, 1500);
			assert_memory_equal(w->got, tcp, sizeof(tcp) - 4);
		} else {
			assert_true(world_take(w, "linkd"));
			assert_int_equal(w->d.len, 40);
			assert_int_equal(w->d.gso_size, cases[i].gso_size);
			assert_true(w->d.flags & PKT_REFS);
			assert_int_equal(
			    be16_get(w->got + 2), 40 + cases[i].more);
			assert_int_equal(csum_fold(csum_add(0, w->got, 20)), 0);
		}
		world_no_leaks(w);
		world_close(w);
	}
}

static void what_leads_nowhere_comes_back(void **state)
{
	struct world *w = world_open("");
	struct desc d = to("0.0.0.0", "203.0.113.9");
	struct desc d6 = to("::", "fe80::99");

	(void)state;
	d.link = LINK_B; /* no route there */
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	expect_error(w, 3, 0, 0, &d);
	d.link = LINK_ANY;
	d.flags = PKT_NO_ROUTE;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	expect_error(w, 3, 0, 0, &d);
	world_tx(w, "udpd", UDP, sizeof(UDP), d6); /* by which link? */
	expect_error(w, 1, 0, 0, &d6);
	d = to("192.0.2.77", "203.0.113.9"); /* not our address */
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	expect_error(w, 3, 0, 0, &d);
	d = to("127.0.0.1", "203.0.113.9");
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	expect_error(w, 3, 0, 0, &d);
	d6 = to("fe80::2", "fd00::9"); /* that is of a, this behind b */
	world_tx(w, "udpd", UDP, sizeof(UDP), d6);
	expect_error(w, 1, 0, 0, &d6);
	world_no_leaks(w);
	world_close(w);
}

/* Nonsense from above is counted, and its slot goes home. */
static void a_lying_transport_is_refused(void **state)
{
	struct world *w = world_open("");
	struct desc d = to("192.0.2.2", "2001:db8:5::9");

	(void)state;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_int_equal(world_counter(w, "tx_bad_address"), 1);
	d = to("192.0.2.2", "203.0.113.9");
	d.off = 64;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_int_equal(world_counter(w, "tx_no_headroom"), 1);
	d.off = 0;
	d.flags = PKT_CSUM_PARTIAL;
	world_tx(w, "udpd", UDP, 7, d);
	d.proto = 99;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_int_equal(world_counter(w, "tx_bad_checksum_request"), 2);
	d.kind = PKT_RETURN;
	world_tx(w, "udpd", UDP, sizeof(UDP), d);
	assert_int_equal(world_counter(w, "tx_bad_kind"), 1);
	d = to("192.0.2.2", "203.0.113.9");
	d.slot = 9999;
	d.len = 10;
	rig_put_desc(w->r, "udpd", "ipd", &d);
	world_turns(w);
	assert_int_equal(world_counter(w, "bad_descriptor"), 1);
	world_expect_nothing(w, "linkd");
	world_expect_nothing(w, "udpd");
	world_no_leaks(w);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_goes_up_with_what_its_header_said),
		cmocka_unit_test(extension_headers_are_stepped_over),
		cmocka_unit_test(a_super_frame_goes_up_as_one),
		cmocka_unit_test(only_groups_that_were_joined_are_heard),
		cmocka_unit_test(broadcasts_are_heard),
		cmocka_unit_test(a_datagram_gets_header_source_and_next_hop),
		cmocka_unit_test(the_same_for_ipv6),
		cmocka_unit_test(what_is_ours_is_looped),
		cmocka_unit_test(a_group_gets_a_short_life_and_the_right_link),
		cmocka_unit_test(members_here_get_a_looped_copy),
		cmocka_unit_test(who_may_not_broadcast_does_not),
		cmocka_unit_test(too_long_a_datagram_goes_in_pieces),
		cmocka_unit_test(pieces_are_sent_all_or_none),
		cmocka_unit_test(what_must_not_be_cut_comes_back),
		cmocka_unit_test(super_frames_pass_if_their_pieces_do),
		cmocka_unit_test(payload_by_reference_is_counted),
		cmocka_unit_test(what_leads_nowhere_comes_back),
		cmocka_unit_test(a_lying_transport_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
