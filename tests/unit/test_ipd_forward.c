/*
 * test_ipd_forward.c - ipd as a router between its links
 */
#include <netinet/in.h>

#include "ipd/ipv4.h"
#include "ipd/ipv6.h"
#include "tests/unit/ipd_world.h"

#define ROUTER "\"forward\":true,"

static const struct desc BY_A = { .link = LINK_A };
static uint8_t p[4000], data[4000];

static void one_hop_further(void **state)
{
	struct world *w = world_open(ROUTER);
	struct ip_addr hop = world_ip("198.51.100.7");
	size_t len =
	    make4(p, "203.0.113.1", "198.51.100.7", IPPROTO_UDP, data, 50);

	(void)state;
	world_rx(w, p, len, BY_A);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.link, LINK_B);
	assert_true(ip_equal(&w->d.dst, &hop));
	assert_int_equal(w->d.len, len);
	ipv4_ttl_decrement(p);
	assert_memory_equal(w->got, p, len);
	assert_int_equal(csum_fold(csum_add(0, w->got, 20)), 0);

	hop = world_ip("fd00::7");
	len = make6(p, "2001:db8::1", "fd00::7", IPPROTO_UDP, data, 50);
	world_rx(w, p, len, BY_A);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.link, LINK_B);
	assert_true(ip_equal(&w->d.dst, &hop));
	p[7]--;
	assert_memory_equal(w->got, p, len);
	world_no_leaks(w);
	world_close(w);
}

static void a_super_frame_is_forwarded_whole(void **state)
{
	struct world *w = world_open(ROUTER);
	struct desc d = BY_A;
	static uint8_t big[30000], tcp[29000] = { [12] = 8 << 4 };

	(void)state;
	d.gso_size = 1448;
	d.flags = PKT_CSUM_PARTIAL;
	d.csum_start = 20;
	d.csum_offset = 16;
	world_rx(w, big,
	    make4(big, "203.0.113.1", "198.51.100.7", IPPROTO_TCP, tcp,
		sizeof(tcp)),
	    d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, 29020);
	assert_int_equal(w->d.gso_size, 1448);
	assert_int_equal(w->d.flags, PKT_CSUM_PARTIAL);
	assert_int_equal(w->d.csum_start, 20);
	d.gso_size = 1449;
	world_rx(w, big,
	    make4(big, "203.0.113.1", "198.51.100.7", IPPROTO_TCP, tcp,
		sizeof(tcp)),
	    d);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->got[20], 3);
	assert_int_equal(w->got[21], 4);
	world_no_leaks(w);
	world_close(w);
}

/* The next error for linkd. */
static void expect(struct world *w, uint8_t type, uint8_t code, uint32_t rest)
{
	size_t at;

	if (!world_take(w, "linkd"))
		fail_msg("no error %u/%u", type, code);
	at = w->got[0] >> 4 == 4 ? 20 : 40;
	assert_int_equal(w->got[at], type);
	assert_int_equal(w->got[at + 1], code);
	assert_int_equal(be32_get(w->got + at + 4), rest);
	assert_int_equal(w->d.link, LINK_A);
	world_expect_nothing(w, "linkd");
	world_no_leaks(w);
}

static void hops_run_out(void **state)
{
	struct world *w = world_open(ROUTER);
	struct ipv4_hdr h;
	size_t len =
	    make4(p, "192.0.2.1", "198.51.100.7", IPPROTO_UDP, data, 50);

	(void)state;
	assert_int_equal(ipv4_parse(&h, p, len), IPV4_OK);
	h.ttl = 1;
	ipv4_emit(p, &h);
	world_rx(w, p, len, BY_A);
	expect(w, 11, 0, 0);
	/* From the address by which the source is reached. */
	assert_memory_equal(w->got + 12, "\xc0\x00\x02\x02", 4);
	len = make6(p, "2001:db8::1", "fd00::7", IPPROTO_UDP, data, 50);
	p[7] = 0;
	world_rx(w, p, len, BY_A);
	expect(w, 3, 0, 0);
	world_close(w);
}

static void too_big_for_the_next_link(void **state)
{
	struct world *w = world_open(ROUTER);
	struct ipv4_hdr h;
	size_t len =
	    make4(p, "192.0.2.1", "198.51.100.7", IPPROTO_UDP, data, 2000);

	(void)state;
	assert_int_equal(ipv4_parse(&h, p, len), IPV4_OK);
	h.df = true;
	ipv4_emit(p, &h);
	world_rx(w, p, len, BY_A);
	expect(w, 3, 4, 1500);
	len = make6(p, "2001:db8::1", "fd00::7", IPPROTO_UDP, data, 2000);
	world_rx(w, p, len, BY_A);
	expect(w, 2, 0, 1500);
	world_close(w);
}

static void without_df_a_router_cuts(void **state)
{
	struct world *w = world_open(ROUTER);
	struct ipv4_hdr h;
	size_t len =
	    make4(p, "192.0.2.1", "198.51.100.7", IPPROTO_UDP, data, 2000);

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		p[20 + i] = (uint8_t)i;
	/* A fragment itself: it keeps its place and id. */
	assert_int_equal(ipv4_parse(&h, p, len), IPV4_OK);
	h.frag_offset = 800;
	h.mf = true;
	ipv4_emit(p, &h);
	world_rx(w, p, len, BY_A);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(ipv4_parse(&h, w->got, w->d.len), IPV4_OK);
	assert_int_equal(h.frag_offset, 800);
	assert_true(h.mf);
	assert_int_equal(h.ttl, 63);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.total_len, 1500);
	assert_memory_equal(w->got + 20, p + 20, 1480);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(ipv4_parse(&h, w->got, w->d.len), IPV4_OK);
	assert_int_equal(h.frag_offset, 800 + 1480);
	assert_true(h.mf);
	assert_memory_equal(w->got + 20, p + 1500, 520);
	world_no_leaks(w);
	world_close(w);
}

static void no_way_to_there(void **state)
{
	struct world *w = world_open("\"forward\":true,");

	(void)state;
	w->ip->fib.nroutes -= 2; /* no defaults */
	world_rx(w, p,
	    make4(p, "192.0.2.1", "203.0.113.9", IPPROTO_UDP, data, 50), BY_A);
	expect(w, 3, 0, 0);
	world_rx(w, p,
	    make6(p, "2001:db8::1", "2001:db8:9::9", IPPROTO_UDP, data, 50),
	    BY_A);
	expect(w, 1, 0, 0);
	world_close(w);
}

static void what_is_not_forwarded(void **state)
{
	struct world *w = world_open(ROUTER);
	struct desc many = { .link = LINK_A, .flags = PKT_LINK_BROADCAST };

	(void)state;
	/* A directed broadcast (RFC 2644). */
	world_rx(w, p,
	    make4(p, "192.0.2.1", "198.51.100.255", IPPROTO_UDP, data, 50),
	    BY_A);
	world_expect_nothing(w, "linkd");
	/* In a frame for all. */
	world_rx(w, p,
	    make6(p, "2001:db8::1", "fd00::7", IPPROTO_UDP, data, 50), many);
	world_expect_nothing(w, "linkd");
	/* Link-local addresses; the source may hear why (RFC 4443, 3.1). */
	world_rx(w, p,
	    make4(p, "169.254.1.1", "198.51.100.7", IPPROTO_UDP, data, 50),
	    BY_A);
	world_rx(w, p, make6(p, "2001:db8::1", "fe80::7", 17, data, 50), BY_A);
	world_expect_nothing(w, "linkd");
	world_rx(w, p, make6(p, "fe80::7", "fd00::7", 17, data, 50), BY_A);
	expect(w, 1, 2, 0);
	world_close(w);
}

static void a_source_route_ends_here(void **state)
{
	/* Loose source route with one stop to go, through us. */
	static const uint8_t routed[] = { 0x47, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0,
		0, 192, 0, 2, 1, 192, 0, 2, 2, 131, 7, 4, 198, 51, 100, 7, 0, 1,
		2, 3, 4 };
	struct world *w = world_open(ROUTER);

	(void)state;
	memcpy(p, routed, sizeof(routed));
	be16_put(p + 10, csum_fold(csum_add(0, p, 28)));
	world_rx(w, p, sizeof(routed), BY_A);
	expect(w, 3, 5, 0);
	assert_int_equal(world_counter(w, "ipv4_source_route"), 1);
	world_close(w);
}

static void the_source_hears_of_a_silent_neighbour(void **state)
{
	struct world *w = world_open(ROUTER);

	(void)state;
	world_rx(w, p,
	    make4(p, "192.0.2.1", "198.51.100.7", IPPROTO_UDP, data, 50),
	    (struct desc){ .kind = PKT_ERROR, .link = LINK_B });
	expect(w, 3, 1, 0);
	world_rx(w, p,
	    make6(p, "2001:db8::1", "fd00::7", IPPROTO_UDP, data, 50),
	    (struct desc){ .kind = PKT_ERROR, .link = LINK_B });
	expect(w, 1, 3, 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_hop_further),
		cmocka_unit_test(a_super_frame_is_forwarded_whole),
		cmocka_unit_test(hops_run_out),
		cmocka_unit_test(too_big_for_the_next_link),
		cmocka_unit_test(without_df_a_router_cuts),
		cmocka_unit_test(no_way_to_there),
		cmocka_unit_test(what_is_not_forwarded),
		cmocka_unit_test(a_source_route_ends_here),
		cmocka_unit_test(the_source_hears_of_a_silent_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
