/*
 * test_ipd_raw.c - copies for raw sockets, and packets whose header an app
 * wrote
 */
#include <netinet/in.h>

#include "tests/unit/ipd_world.h"

static const uint8_t DATA[16] = "sixteen bytes..";

/* Fake udpd has a raw socket for @proto. */
static void want(struct world *w, bool v4, uint8_t proto, bool wanted)
{
	struct group_table *t = (void *)rig_node(w->r, "udpd")->table;
	uint64_t bit = (uint64_t)1 << (proto % 64);
	uint64_t *word = &t->raw[v4 ? 0 : 1][proto / 64];

	publish_begin(&t->p);
	*word = wanted ? *word | bit : *word & ~bit;
	publish_end(&t->p);
}

/* The next for udpd is a copy of the @len bytes at @p. */
static void expect_copy(
    struct world *w, const uint8_t *p, size_t len, uint32_t l4)
{
	assert_true(world_take(w, "udpd"));
	assert_int_equal(w->d.kind, PKT_RAW);
	assert_int_equal(w->d.len, len);
	assert_int_equal(w->d.l4, l4);
	assert_memory_equal(w->got, p, len);
}

static void echoes_are_copied_and_answered(void **state)
{
	struct world *w = world_open("");
	uint8_t p[200];
	size_t n = make_icmp(
	    p, "192.0.2.1", "192.0.2.2", 8, 0, 0x10002, DATA, sizeof(DATA));

	(void)state;
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	world_expect_nothing(w, "udpd");
	assert_true(world_take(w, "linkd"));
	want(w, true, IPPROTO_ICMP, true);
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	expect_copy(w, p, n, 20);
	assert_true(world_take(w, "linkd"));
	n = make_icmp(
	    p, "192.0.2.1", "192.0.2.2", 0, 0, 0x10002, DATA, sizeof(DATA));
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	expect_copy(w, p, n, 20);
	world_expect_nothing(w, "linkd");
	/* Only of that family. */
	n = make_icmp(
	    p, "2001:db8::1", "2001:db8::2", 129, 0, 1, DATA, sizeof(DATA));
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	world_expect_nothing(w, "udpd");
	want(w, false, IPPROTO_ICMPV6, true);
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	expect_copy(w, p, n, 40);
	assert_int_equal(world_counter(w, "raw_copies"), 3);
	world_no_leaks(w);
	world_close(w);
}

/* Nobody speaks it, but a socket hears it: so no error is sent. */
static void a_protocol_is_not_unreachable_that_somebody_hears(void **state)
{
	struct world *w = world_open("");
	uint8_t p[200];
	size_t n = make4(p, "192.0.2.1", "192.0.2.2", 253, DATA, sizeof(DATA));

	(void)state;
	want(w, true, 253, true);
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	expect_copy(w, p, n, 20);
	world_expect_nothing(w, "linkd");
	want(w, true, 253, false);
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	world_expect_nothing(w, "udpd");
	assert_true(world_take(w, "linkd"));
	world_no_leaks(w);
	world_close(w);
}

static void a_copy_more_of_what_a_transport_gets(void **state)
{
	struct world *w = world_open("");
	uint8_t p[200];
	size_t n =
	    make4(p, "192.0.2.1", "192.0.2.2", IPPROTO_TCP, DATA, sizeof(DATA));

	(void)state;
	want(w, true, IPPROTO_TCP, true);
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	world_expect(w, "tcpd", DATA, sizeof(DATA));
	expect_copy(w, p, n, 20);
	world_no_leaks(w);
	world_close(w);
}

/* An error about a packet that only a raw socket may have sent. */
static void errors_go_to_who_may_have_sent_it(void **state)
{
	struct world *w = world_open("");
	uint8_t quoted[100], p[300];
	size_t n =
	    make4(quoted, "192.0.2.2", "203.0.113.9", 253, DATA, sizeof(DATA));

	(void)state;
	n = make_icmp(p, "192.0.2.1", "192.0.2.2", 3, 2, 0, quoted, n);
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "quote_no_transport"), 1);
	want(w, true, 253, true);
	world_rx(w, p, n, (struct desc){ .link = LINK_A });
	world_expect(w, "udpd", DATA, sizeof(DATA));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.proto, 253);
	world_no_leaks(w);
	world_close(w);
}

/* ---- Headers that an app wrote */

static void send_with(
    struct world *w, const uint8_t *p, size_t n, const char *to)
{
	world_tx(w, "udpd", p, n,
	    (struct desc){ .flags = PKT_HDRINCL,
		.link = LINK_ANY,
		.proto = IPPROTO_RAW,
		.dst = world_ip(to) });
}

static void a_header_is_sent_as_it_is(void **state)
{
	struct world *w = world_open("");
	uint8_t p[200];
	size_t n =
	    make4(p, "198.51.100.77", "203.0.113.9", 200, DATA, sizeof(DATA));

	(void)state;
	/* Even from an address of somebody else's. */
	p[8] = 3;
	be16_put(p + 4, 4711);
	be16_put(p + 10, 0);
	be16_put(p + 10, csum_fold(csum_add(0, p, 20)));
	send_with(w, p, n, "203.0.113.9");
	world_expect(w, "linkd", p, n);
	/* What it leaves to us: source and identification. */
	memset(p + 12, 0, 4);
	be16_put(p + 4, 0);
	be16_put(p + 10, 0);
	be16_put(p + 10, csum_fold(csum_add(0, p, 20)));
	send_with(w, p, n, "203.0.113.9");
	assert_true(world_take(w, "linkd"));
	assert_int_equal(be32_get(w->got + 12), 0xc0000202);
	assert_int_equal(w->got[8], 3);
	assert_int_equal(csum_fold(csum_add(0, w->got, 20)), 0);
	world_no_leaks(w);
	world_close(w);
}

static void a_header_that_is_wrong_is_not_sent(void **state)
{
	struct world *w = world_open("");
	static uint8_t p[2000], zeroes[1481];
	size_t n =
	    make4(p, "192.0.2.2", "203.0.113.9", 200, DATA, sizeof(DATA));

	(void)state;
	for (size_t len = 1; len < n; len++)
		send_with(w, p, len, "203.0.113.9");
	p[3]++;
	send_with(w, p, n, "203.0.113.9");
	send_with(w, p, n, "2001:db8::1");
	world_expect_nothing(w, "linkd");
	assert_int_equal(world_counter(w, "tx_bad_header_of_app"), n + 1);

	/* Too long for the link: never cut. */
	n = make4(p, "192.0.2.2", "203.0.113.9", 200, zeroes, 1481);
	send_with(w, p, n, "203.0.113.9");
	world_expect_nothing(w, "linkd");
	assert_true(world_take(w, "udpd"));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.icmp_code, 4);
	assert_int_equal(w->d.icmp_info, 1500);
	assert_int_equal(w->d.icmp_from, 0);
	world_no_leaks(w);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes_are_copied_and_answered),
		cmocka_unit_test(
		    a_protocol_is_not_unreachable_that_somebody_hears),
		cmocka_unit_test(a_copy_more_of_what_a_transport_gets),
		cmocka_unit_test(errors_go_to_who_may_have_sent_it),
		cmocka_unit_test(a_header_is_sent_as_it_is),
		cmocka_unit_test(a_header_that_is_wrong_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
