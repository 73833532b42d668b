/*
 * test_ipv6_chain.c - extension headers: where the walk ends, and who is blamed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipv6.h"

enum {
	HBH = 0,
	UDP = 17,
	ROUTE = 43,
	FRAG = 44,
	AH = 51,
	NONE = 59,
	DST = 60,
};

struct walked {
	enum ipv6_parse rc;
	struct ipv6_chain chain;
	struct ipv6_complaint complaint;
};

/* Walk the @len bytes at @payload, the first of them a header of @type. */
static struct walked walk(uint8_t type, const uint8_t *payload, size_t len)
{
	struct ipv6_hdr h = {
		.payload_len = (uint16_t)len,
		.next_header = type,
	};
	uint8_t *p = calloc(1, IPV6_HDR_LEN + len);
	struct walked w = { 0 };

	assert_non_null(p);
	if (len > 0)
		memcpy(p + IPV6_HDR_LEN, payload, len);
	w.rc = ipv6_walk(&w.chain, &w.complaint, p, &h);
	free(p);
	return w;
}

static const uint8_t LONG[] = {
	ROUTE, 0, 5, 2, 0, 7, 1, 0, /* 40: hop by hop, router alert */
	FRAG, 0, 0, 0, 0, 0, 0, 0,  /* 48: type 0, no segments left */
	DST, 0, 0, 0, 1, 2, 3, 4,   /* 56: atomic fragment */
	UDP, 1, 1, 4, 0, 0, 0, 0,   /* 64: PadN */
	0, 0, 0x1e, 2, 0, 0, 0, 0,  /* Pad1, unknown to be skipped */
	0, 1, 0, 2, 0, 8, 0, 0,     /* 80: UDP */
};

static void follows_all_to_the_upper_layer(void **state)
{
	struct walked w = walk(HBH, LONG, sizeof(LONG));

	(void)state;
	assert_int_equal(w.rc, IPV6_OK);
	assert_int_equal(w.chain.proto, UDP);
	assert_int_equal(w.chain.upper_at, 80);
	assert_int_equal(w.chain.proto_at, 64);
	assert_true(w.chain.router_alert);
	assert_int_equal(w.chain.router_alert_value, 7);
	assert_true(w.chain.atomic);
	assert_false(w.chain.is_fragment);
	assert_int_equal(w.chain.frag_at, 56);
	assert_int_equal(w.chain.frag_named_at, 48);
	assert_int_equal(w.chain.frag.id, 0x01020304);
	assert_int_equal(w.chain.frag.next_header, DST);
}

/* Cut within the headers, it never reads on and never asks for an error. */
static void refuses_every_truncation(void **state)
{
	(void)state;
	for (size_t len = 0; len < 40; len++) {
		struct walked w = walk(HBH, LONG, len);

		assert_int_equal(w.rc, IPV6_CHAIN_SHORT);
		assert_false(w.complaint.due);
	}
	assert_int_equal(walk(HBH, LONG, 40).rc, IPV6_OK);
}

static void stops_at_what_is_no_extension(void **state)
{
	struct walked w = walk(NONE, NULL, 0);

	(void)state;
	assert_int_equal(w.rc, IPV6_OK);
	assert_int_equal(w.chain.proto, NONE);
	assert_int_equal(w.chain.proto_at, 6);
	w = walk(AH, LONG, 8);
	assert_int_equal(w.chain.proto, AH);
	assert_int_equal(w.chain.upper_at, 40);
}

static void says_which_error_is_due(void **state)
{
	static const struct {
		const char *why;
		uint8_t type;
		uint8_t bytes[16];
		enum ipv6_parse rc;
		bool due, multicast;
		uint8_t code;
		uint32_t pointer;
	} cases[] = {
		{ "hop by hop second", DST, { HBH, 0, 1, 4 },
		    IPV6_BAD_HOP_BY_HOP, true, false, 1, 40 },
		{ "segments left", ROUTE, { UDP, 0, 0, 1 }, IPV6_BAD_ROUTING,
		    true, false, 0, 42 },
		{ "segments left, unknown type", ROUTE, { UDP, 0, 99, 1 },
		    IPV6_BAD_ROUTING, true, false, 0, 42 },
		{ "option 01", DST, { UDP, 0, 0x5e, 0, 1, 2 }, IPV6_BAD_OPTION,
		    false, false, 0, 0 },
		{ "option 10", DST, { UDP, 0, 0, 0x9e, 0, 1, 1, 0 },
		    IPV6_BAD_OPTION, true, true, 2, 43 },
		{ "option 11", HBH, { UDP, 0, 0xde, 0, 1, 2 }, IPV6_BAD_OPTION,
		    true, false, 2, 42 },
		{ "jumbo", HBH, { UDP, 0, 0xc2, 4, 0, 1, 0, 0 }, IPV6_JUMBO,
		    true, false, 2, 42 },
		{ "option beyond its header", HBH, { UDP, 0, 0x1e, 5 },
		    IPV6_BAD_OPTION, true, false, 0, 43 },
		{ "option without length", HBH, { UDP, 0, 1, 3, 0, 0, 0, 1 },
		    IPV6_BAD_OPTION, true, false, 0, 47 },
		{ "router alert of 1 byte", HBH, { UDP, 0, 5, 1, 0, 1 },
		    IPV6_BAD_OPTION, true, false, 0, 43 },
		{ "fragment beyond 65535", FRAG, { UDP, 0, 0xff, 0xf8 },
		    IPV6_BAD_FRAGMENT, true, false, 0, 42 },
		{ "two fragment headers", FRAG,
		    { FRAG, 0, 0, 0, 0, 0, 0, 0, UDP }, IPV6_BAD_FRAGMENT,
		    false, false, 0, 0 },
		{ "first fragment, half a header", FRAG,
		    { 6, 0, 0, 1, 0, 0, 0, 0 }, IPV6_CHAIN_IN_PIECES, true,
		    false, 3, 0 },
		{ "first fragment, half an extension", FRAG,
		    { DST, 0, 0, 1, 0, 0, 0, 0, UDP, 1 }, IPV6_CHAIN_IN_PIECES,
		    true, false, 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct walked w = walk(cases[i].type, cases[i].bytes, 16);

		if (w.rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].why, w.rc);
		if (w.complaint.due != cases[i].due ||
		    w.complaint.even_if_multicast != cases[i].multicast)
			fail_msg("%s: due", cases[i].why);
		if (w.complaint.code != cases[i].code ||
		    w.complaint.pointer != cases[i].pointer)
			fail_msg("%s: %u, %u", cases[i].why, w.complaint.code,
			    w.complaint.pointer);
	}
}

static void ends_at_a_fragment(void **state)
{
	static const uint8_t later[] = { DST, 0, 0x05, 0xa9, 0, 0, 0, 9, /* */
		1, 2, 3, 4, 5, 6, 7, 8 };
	struct walked w = walk(FRAG, later, sizeof(later));

	(void)state;
	assert_int_equal(w.rc, IPV6_OK);
	assert_true(w.chain.is_fragment);
	assert_int_equal(w.chain.upper_at, 48);
	assert_int_equal(w.chain.proto, DST);
	assert_int_equal(w.chain.frag.offset, 1448);
	assert_true(w.chain.frag.more);
	assert_int_equal(w.chain.frag_at, 40);
	assert_int_equal(w.chain.frag_named_at, 6);

	/* One byte less and it can't be followed by another. */
	w = walk(FRAG, later, sizeof(later) - 1);
	assert_int_equal(w.rc, IPV6_BAD_FRAGMENT);
	assert_int_equal(w.complaint.pointer, 4);
}

static void gives_up_on_endless_chains(void **state)
{
	uint8_t p[8 * (IPV6_CHAIN_MAX + 2)] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(p); i += 8)
		p[i] = DST;
	p[8 * (IPV6_CHAIN_MAX - 1)] = UDP;
	assert_int_equal(walk(DST, p, sizeof(p)).rc, IPV6_OK);
	p[8 * (IPV6_CHAIN_MAX - 1)] = DST;
	assert_int_equal(walk(DST, p, sizeof(p)).rc, IPV6_CHAIN_TOO_LONG);
}

static void a_router_looks_at_hop_by_hop_only(void **state)
{
	/* clang-format off */
	static const uint8_t p[40 + 16] = {
		[40] = ROUTE, 0, 5, 2, 0, 0, 1, 0, /* router alert */
		[48] = UDP, 0, 0, 1,               /* not ours to refuse */
	};
	/* clang-format on */
	struct ipv6_hdr h = { .payload_len = 16 };
	struct ipv6_chain c;
	struct ipv6_complaint e;

	(void)state;
	assert_int_equal(ipv6_walk_forward(&c, &e, p, &h), IPV6_OK);
	assert_true(c.router_alert);
	assert_int_equal(c.proto, ROUTE);
	assert_int_equal(c.upper_at, 48);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_all_to_the_upper_layer),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(stops_at_what_is_no_extension),
		cmocka_unit_test(says_which_error_is_due),
		cmocka_unit_test(ends_at_a_fragment),
		cmocka_unit_test(gives_up_on_endless_chains),
		cmocka_unit_test(a_router_looks_at_hop_by_hop_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
