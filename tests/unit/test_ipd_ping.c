/*
 * test_ipd_ping.c - echo requests, small and as large as they come
 */
#include <netinet/in.h>

#include "ipd/ipv4.h"
#include "ipd/ipv6.h"
#include "tests/unit/ipd_world.h"

/* 192.0.2.1 pings 192.0.2.2, id 1, seq 2, "ping". */
static const uint8_t PING4[] = {
	0x45,
	0x00,
	0x00,
	0x20,
	0x12,
	0x34,
	0x00,
	0x00,
	0x40,
	0x01,
	0xe4,
	0xa5,
	192,
	0,
	2,
	1,
	192,
	0,
	2,
	2, /* IPv4 */
	0x08,
	0x00,
	0x19,
	0x2c,
	0x00,
	0x01,
	0x00,
	0x02, /* echo */
	'p',
	'i',
	'n',
	'g',
};

static void answers_a_ping(void **state)
{
	struct world *w = world_open("");
	struct ip_addr hop = world_ip("192.0.2.1");
	uint8_t want[sizeof(PING4)];

	(void)state;
	world_rx(w, PING4, sizeof(PING4), (struct desc){ .link = LINK_A });
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, sizeof(PING4));

	memcpy(want, PING4, sizeof(want));
	memcpy(want + 4, w->got + 4, 2);   /* an id of our own */
	memcpy(want + 10, w->got + 10, 2); /* and the sum that goes with it */
	want[12 + 3] = 2;
	want[16 + 3] = 1;
	want[20] = 0;
	be16_put(want + 22, 0x212c);
	assert_memory_equal(w->got, want, sizeof(want));
	assert_int_equal(csum_fold(csum_add(0, w->got, 20)), 0);

	assert_int_equal(w->d.link, LINK_A);
	assert_int_equal(w->d.off, SLOT_HEADROOM - 20);
	assert_int_equal(w->d.l4, 20);
	assert_int_equal(w->d.flags, 0);
	assert_true(ip_equal(&w->d.dst, &hop));
	world_expect_nothing(w, "linkd");
	world_no_leaks(w);
	world_close(w);
}

/* 2001:db8::1 pings 2001:db8::2. */
static const uint8_t PING6[] = {
	0x60,
	0,
	0,
	0,
	0x00,
	0x0c,
	0x3a,
	0x40, /* IPv6 */
	0x20,
	0x01,
	0x0d,
	0xb8,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	1, /* from */
	0x20,
	0x01,
	0x0d,
	0xb8,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	2, /* to */
	0x80,
	0x00,
	0x45,
	0x70,
	0x00,
	0x01,
	0x00,
	0x02, /* echo */
	'p',
	'i',
	'n',
	'g',
};

static void answers_a_ping_of_ipv6(void **state)
{
	struct world *w = world_open("");
	uint8_t want[sizeof(PING6)];

	(void)state;
	world_rx(w, PING6, sizeof(PING6), (struct desc){ .link = LINK_A });
	assert_true(world_take(w, "linkd"));

	memcpy(want, PING6, sizeof(want));
	memcpy(want + 1, w->got + 1, 3); /* flow label */
	want[8 + 15] = 2;
	want[24 + 15] = 1;
	want[40] = 0x81;
	be16_put(want + 42, 0x4470);
	assert_int_equal(w->d.len, sizeof(want));
	assert_memory_equal(w->got, want, sizeof(want));
	assert_int_equal(w->got[1] & 0xf0, 0); /* no traffic class */
	world_no_leaks(w);
	world_close(w);
}

/* The frame was padded to 60 bytes: what lies beyond the packet is not it. */
static void ignores_the_padding_of_a_frame(void **state)
{
	struct world *w = world_open("");
	uint8_t padded[46] = { 0 };

	(void)state;
	memcpy(padded, PING4, sizeof(PING4));
	memset(padded + sizeof(PING4), 0xaa, sizeof(padded) - sizeof(PING4));
	world_rx(w, padded, sizeof(padded), (struct desc){ .link = LINK_A });
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, sizeof(PING4));
	world_close(w);
}

static size_t piece4(
    uint8_t *out, const uint8_t *whole, size_t total, size_t at, size_t n)
{
	struct ipv4_hdr h;

	assert_int_equal(ipv4_parse(&h, whole, total), IPV4_OK);
	h.total_len = (uint16_t)(20 + n);
	h.frag_offset = (uint16_t)at;
	h.mf = at + n < total - 20;
	ipv4_emit(out, &h);
	memcpy(out + 20, whole + 20 + at, n);
	return 20 + n;
}

static size_t piece6(
    uint8_t *out, const uint8_t *whole, size_t total, size_t at, size_t n)
{
	struct ipv6_frag_hdr f = {
		.id = 77,
		.offset = (uint16_t)at,
		.more = at + n < total - 40,
		.next_header = IPPROTO_ICMPV6,
	};

	memcpy(out, whole, 40);
	be16_put(out + 4, (uint16_t)(8 + n));
	out[6] = IPPROTO_FRAGMENT;
	ipv6_frag_emit(out + 40, &f);
	memcpy(out + 48, whole + 40 + at, n);
	return 48 + n;
}

/* All fragments for linkd: put together again at @out, checked on the way. */
static size_t gather(struct world *w, uint8_t *out, bool v4)
{
	size_t hdr = v4 ? 20 : 48;
	size_t total = 0;
	uint32_t id = 0;
	bool more = true;

	for (int i = 0; world_take(w, "linkd"); i++) {
		uint16_t field = be16_get(w->got + (v4 ? 6 : 42));
		size_t at = v4 ? (field & 0x1fff) * 8U : field & 0xfff8;
		uint32_t this =
		    v4 ? be16_get(w->got + 4) : be32_get(w->got + 44);

		assert_true(more);
		more = v4 ? field & 0x2000 : field & 1;
		assert_true(w->d.len <= 1500);
		assert_int_equal(at, total);
		if (i > 0)
			assert_int_equal(this, id);
		id = this;
		if (v4)
			assert_int_equal(csum_fold(csum_add(0, w->got, 20)), 0);
		memcpy(out + at, w->got + hdr, w->d.len - hdr);
		total += w->d.len - hdr;
		world_turns(w);
	}
	assert_false(more);
	return total;
}

/* The largest there is: 65,507 bytes of data in IPv4, in fragments each way. */
static void answers_the_largest_ping(void **state)
{
	struct world *w = world_open("");
	size_t n = 65507;
	uint8_t *data = malloc(n);
	uint8_t *whole = malloc(n + 28);
	uint8_t *back = malloc(n + 28);
	uint8_t piece[1500];
	size_t len;

	(void)state;
	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	len =
	    make_icmp(whole, "192.0.2.1", "192.0.2.2", 8, 0, 0x10002, data, n);
	for (size_t at = 0; at < len - 20; at += 1480) {
		size_t left = len - 20 - at;

		world_expect_nothing(w, "linkd");
		world_rx(w, piece,
		    piece4(piece, whole, len, at, left < 1480 ? left : 1480),
		    (struct desc){ .link = LINK_A });
	}
	assert_int_equal(gather(w, back, true), len - 20);
	assert_int_equal(back[0], 0);
	assert_int_equal(csum_fold(csum_add(0, back, len - 20)), 0);
	assert_memory_equal(back + 4, whole + 24, len - 24);
	assert_int_equal(world_counter(w, "reassembled"), 1);
	world_no_leaks(w);
	free(data);
	free(whole);
	free(back);
	world_close(w);
}

/* In reverse order, through a restart in the middle. */
static void fragments_of_a_ping_survive_a_restart(void **state)
{
	struct world *w = world_open("");
	static uint8_t data[5000], whole[5100], back[5100], piece[1600];
	struct ip_addr a = world_ip("2001:db8::2");
	struct ip_addr b = world_ip("2001:db8::1");
	size_t len, at;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3);
	len = make_icmp(whole, "2001:db8::1", "2001:db8::2", 128, 0, 0x10002,
	    data, sizeof(data));
	for (at = (len - 40) / 1440 * 1440;; at -= 1440) {
		size_t left = len - 40 - at;

		world_rx(w, piece,
		    piece6(piece, whole, len, at, left < 1440 ? left : 1440),
		    (struct desc){ .link = LINK_A });
		if (at == 0)
			break;
		world_restart(w);
	}
	assert_int_equal(gather(w, back, false), len - 40);
	assert_int_equal(back[0], 129);
	assert_memory_equal(back + 4, whole + 44, len - 44);
	assert_int_equal(csum_fold(csum_add(csum_pseudo(&a, &b, IPPROTO_ICMPV6,
						(uint32_t)len - 40),
			     back, len - 40)),
	    0);
	world_no_leaks(w);
	world_close(w);
}

/* RFC 1122, 3.2.2.6: so that nobody can have a whole subnet answer. */
static void a_ping_to_all_is_not_answered(void **state)
{
	static const char *const all[] = { "192.0.2.255", "255.255.255.255",
		"224.0.0.1" };
	struct world *w = world_open("");
	uint8_t p[100];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		world_rx(w, p,
		    make_icmp(p, "192.0.2.1", all[i], 8, 0, 1, "x", 1),
		    (struct desc){
			.link = LINK_A, .flags = PKT_LINK_BROADCAST });
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "icmp_echo_to_broadcast"), 3);
	world_no_leaks(w);
	world_close(w);
}

/* RFC 4443, 4.2: from a unicast address of the link. */
static void a_ping_to_a_group_of_ipv6_is_answered(void **state)
{
	struct world *w = world_open("");
	struct ip_addr us = world_ip("fe80::2");
	uint8_t p[100];

	(void)state;
	world_rx(w, p, make_icmp(p, "fe80::77", "ff02::1", 128, 0, 1, "x", 1),
	    (struct desc){ .link = LINK_A, .flags = PKT_LINK_BROADCAST });
	assert_true(world_take(w, "linkd"));
	assert_memory_equal(w->got + 8, us.b, 16);
	assert_int_equal(w->d.link, LINK_A);
	world_no_leaks(w);
	world_close(w);
}

/* The weak host model: whichever link it came in by. */
static void an_address_of_another_link_answers_too(void **state)
{
	struct world *w = world_open("");
	uint8_t p[100];

	(void)state;
	world_rx(w, p,
	    make_icmp(p, "192.0.2.1", "198.51.100.2", 8, 0, 1, "x", 1),
	    (struct desc){ .link = LINK_A });
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->got[12], 198);
	assert_int_equal(w->d.link, LINK_A);
	world_close(w);
}

static void a_tentative_address_does_not_answer(void **state)
{
	struct world *w = world_open("");

	(void)state;
	w->links->addr[0].state = ADDR_TENTATIVE;
	publish_begin(&w->links->p);
	publish_end(&w->links->p);
	world_rx(w, PING4, sizeof(PING4), (struct desc){ .link = LINK_A });
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "not_for_us"), 1);
	w->links->addr[0].state = ADDR_VALID;
	publish_begin(&w->links->p);
	publish_end(&w->links->p);
	world_rx(w, PING4, sizeof(PING4), (struct desc){ .link = LINK_A });
	assert_true(world_take(w, "linkd"));
	world_close(w);
}

/* The ring to linkd is full: pings wait in theirs, none is lost. */
static void pings_wait_for_room(void **state)
{
	struct world *w = world_open("");
	uint32_t sent = 0;

	(void)state;
	while (rig_waiting(w->r, "linkd", "ipd") < 40) {
		rig_put(w->r, "linkd", "ipd", PING4, sizeof(PING4),
		    &(struct desc){ .link = LINK_A });
		sent++;
		world_turns(w);
	}
	world_restart(w);
	for (; sent > 0; sent--) {
		if (!world_take(w, "linkd"))
			fail_msg("%u lost", sent);
		world_turns(w);
	}
	world_expect_nothing(w, "linkd");
	world_no_leaks(w);
	world_close(w);
}

/* linkd died while it said which addresses are ours, then we did. */
static void without_addresses_to_read_packets_wait(void **state)
{
	struct world *w = world_open("");
	static const uint8_t data[4] = { 1, 2, 3, 4 };
	uint8_t p[100];
	size_t len = make_icmp(
	    p, "192.0.2.1", "192.0.2.2", 8, 0, 0x10001, data, sizeof(data));

	(void)state;
	publish_begin(&w->links->p);
	world_restart(w);
	world_rx(w, p, len, (struct desc){ .link = LINK_A });
	world_expect_nothing(w, "linkd");
	publish_end(&w->links->p);
	world_turns(w);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->got[20], 0);
	world_no_leaks(w);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_a_ping),
		cmocka_unit_test(answers_a_ping_of_ipv6),
		cmocka_unit_test(ignores_the_padding_of_a_frame),
		cmocka_unit_test(answers_the_largest_ping),
		cmocka_unit_test(fragments_of_a_ping_survive_a_restart),
		cmocka_unit_test(a_ping_to_all_is_not_answered),
		cmocka_unit_test(a_ping_to_a_group_of_ipv6_is_answered),
		cmocka_unit_test(an_address_of_another_link_answers_too),
		cmocka_unit_test(a_tentative_address_does_not_answer),
		cmocka_unit_test(pings_wait_for_room),
		cmocka_unit_test(without_addresses_to_read_packets_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
