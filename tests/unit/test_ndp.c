/*
 * test_ndp.c - Neighbor Discovery: exact bytes, and every rule by which
 * RFC 4861 has a message dropped (6.1.1, 6.1.2, 7.1.1, 7.1.2, 8.1)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/ndp.h"
#include "tests/harness/logged.h"

#define FE80(n) 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n
#define DB8(n)  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n

/* clang-format off */
/* fe80::1 asks the group of fe80::2 for its MAC. */
static const uint8_t NS[] = {
	135, 0, 0x7a, 0x97, 0, 0, 0, 0, /* type, code, checksum, reserved */
	FE80(2),                        /* target */
	1, 1, 2, 0, 0, 0, 0, 1,         /* source link-layer address */
};

/* The same question before fe80::2 is used, with a nonce (RFC 7527). */
static const uint8_t DAD[] = {
	135, 0, 0x65, 0x0e, 0, 0, 0, 0,
	FE80(2),
	14, 1, 1, 2, 3, 4, 5, 6,        /* nonce */
};

/* fe80::2 answers. */
static const uint8_t NA[] = {
	136, 0, 0x18, 0x1a, 0x60, 0, 0, 0, /* S, O */
	FE80(2),                           /* target */
	2, 1, 2, 0, 0, 0, 0, 2,            /* target link-layer address */
};

static const uint8_t RS[] = {
	133, 0, 0x7a, 0x2c, 0, 0, 0, 0,
	1, 1, 2, 0, 0, 0, 0, 1,         /* source link-layer address */
};

static const uint8_t RA[] = {
	134, 0, 0xb2, 0x38,
	64, 0x88, 0x07, 0x08,           /* hop limit; M, high; lifetime */
	0x00, 0x00, 0x75, 0x30,         /* reachable time */
	0x00, 0x00, 0x03, 0xe8,         /* retrans timer */
	1, 1, 2, 0, 0, 0, 0, 1,         /* source link-layer address */
	5, 1, 0, 0, 0, 0, 0x05, 0xdc,   /* MTU */
	3, 4, 64, 0xc0,                 /* prefix, 64 bits, L and A */
	0x00, 0x01, 0x51, 0x80,         /* valid lifetime */
	0x00, 0x00, 0x38, 0x40,         /* preferred lifetime */
	0, 0, 0, 0,
	DB8(0),
};

static const uint8_t REDIRECT[] = {
	137, 0, 0x49, 0x3e, 0, 0, 0, 0,
	FE80(9),                        /* target */
	DB8(5),                         /* destination */
	2, 1, 2, 0, 0, 0, 0, 9,         /* target link-layer address */
};
/* clang-format on */

/* A message and the header it came with. */
static const struct sample {
	const char *name;
	const uint8_t *msg;
	size_t len;
	size_t fixed; /* without options */
	const char *src, *dst;
} samples[] = {
	{ "ns", NS, sizeof(NS), 24, "fe80::1", "ff02::1:ff00:2" },
	{ "dad", DAD, sizeof(DAD), 24, "::", "ff02::1:ff00:2" },
	{ "na", NA, sizeof(NA), 24, "fe80::2", "fe80::1" },
	{ "rs", RS, sizeof(RS), 8, "fe80::1", "ff02::2" },
	{ "ra", RA, sizeof(RA), 16, "fe80::1", "ff02::1" },
	{ "redirect", REDIRECT, sizeof(REDIRECT), 40, "fe80::1", "fe80::2" },
};

enum {
	NSAMPLES = sizeof(samples) / sizeof(samples[0]),
};

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, text));
	return a;
}

static struct ndp_ip header(const char *src, const char *dst)
{
	return (struct ndp_ip){ address(src), address(dst), 255 };
}

static const struct sample *sample(const char *name)
{
	size_t i = 0;

	while (i < NSAMPLES - 1 && strcmp(samples[i].name, name) != 0)
		i++;
	assert_string_equal(samples[i].name, name);
	return &samples[i];
}

/* Parse the sample @name, which must be right. */
static struct ndp_hdr parsed(const char *name)
{
	const struct sample *s = sample(name);
	struct ndp_ip ip = header(s->src, s->dst);
	struct ndp_hdr h = { 0 };

	assert_int_equal(ndp_parse(&h, s->msg, s->len, &ip), NDP_OK);
	return h;
}

static void assert_ip(const struct ip_addr *a, const char *text)
{
	char buf[IP_TEXT_LEN];

	assert_string_equal(ip_text(a, buf), text);
}

static void assert_mac(const struct mac *m, const char *text)
{
	char buf[MAC_TEXT_LEN];

	assert_string_equal(mac_text(m, buf), text);
}

static void reads_a_neighbor_solicitation(void **state)
{
	static const uint8_t nonce[] = { 1, 2, 3, 4, 5, 6 };
	struct ndp_hdr h = parsed("ns");

	(void)state;
	assert_int_equal(h.type, NDP_NS);
	assert_ip(&h.target, "fe80::2");
	assert_true(h.has_slla && !h.has_nonce && !h.has_tlla);
	assert_mac(&h.slla, "02:00:00:00:00:01");

	h = parsed("dad");
	assert_true(h.has_nonce && !h.has_slla);
	assert_memory_equal(h.nonce, nonce, sizeof(nonce));
}

static void reads_a_neighbor_advertisement(void **state)
{
	struct ndp_hdr h = parsed("na");

	(void)state;
	assert_int_equal(h.type, NDP_NA);
	assert_true(!h.router && h.solicited && h.override);
	assert_ip(&h.target, "fe80::2");
	assert_true(h.has_tlla && !h.has_slla);
	assert_mac(&h.tlla, "02:00:00:00:00:02");
}

static void reads_a_router_advertisement(void **state)
{
	struct ndp_hdr h = parsed("ra");

	(void)state;
	assert_int_equal(h.type, NDP_RA);
	assert_int_equal(h.cur_hop_limit, 64);
	assert_true(h.managed && !h.other);
	assert_int_equal(h.preference, 1);
	assert_int_equal(h.lifetime_s, 1800);
	assert_int_equal(h.reachable_ms, 30000);
	assert_int_equal(h.retrans_ms, 1000);
	assert_true(h.has_slla && h.has_mtu);
	assert_int_equal(h.mtu, 1500);
	assert_int_equal(h.nprefix, 1);
	assert_ip(&h.prefix[0].prefix, "2001:db8::");
	assert_int_equal(h.prefix[0].plen, 64);
	assert_true(h.prefix[0].on_link && h.prefix[0].autonomous);
	assert_int_equal(h.prefix[0].valid_s, 86400);
	assert_int_equal(h.prefix[0].preferred_s, 14400);
}

static void reads_a_redirect(void **state)
{
	struct ndp_hdr h = parsed("redirect");

	(void)state;
	assert_int_equal(h.type, NDP_REDIRECT);
	assert_ip(&h.target, "fe80::9");
	assert_ip(&h.destination, "2001:db8::5");
	assert_true(h.has_tlla);
}

static void writes_what_it_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct ndp_ip ip = header(s->src, s->dst);
		struct ndp_hdr h = parsed(s->name);
		uint8_t out[NDP_MAX_LEN];

		assert_int_equal(ndp_emit(out, &h, &ip), s->len);
		assert_memory_equal(out, s->msg, s->len);
	}
}

static void verifies_the_checksum(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct ndp_ip ip = header(s->src, s->dst);

		assert_true(ndp_checksum_ok(s->msg, s->len, &ip));
		ip.dst.b[15] ^= 1;
		assert_false(ndp_checksum_ok(s->msg, s->len, &ip));
	}
}

/* Cut between two options a message is whole; anywhere else it is refused. */
static void refuses_every_truncation(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct ndp_ip ip = header(s->src, s->dst);
		size_t at = s->fixed; /* where the last whole option ends */

		for (size_t len = 0; len < s->len; len++) {
			struct ndp_hdr h = { .mtu = 7 };
			uint8_t *cut = malloc(len ? len : 1);
			enum ndp_parse want = NDP_OPTION_CUT;

			if (len > at && len == at + 8U * s->msg[at + 1])
				at = len;
			if (len < s->fixed)
				want = NDP_SHORT;
			else if (len == at)
				want = NDP_OK;
			assert_non_null(cut);
			memcpy(cut, s->msg, len);
			assert_int_equal(ndp_parse(&h, cut, len, &ip), want);
			assert_true(want == NDP_OK || h.mtu == 7);
			free(cut);
		}
	}
}

static void refuses_what_the_rfc_says(void **state)
{
	static const struct {
		const char *why, *sample;
		size_t at;
		uint8_t byte;
		enum ndp_parse want;
	} cases[] = {
		{ "echo request", "ns", 0, 128, NDP_BAD_TYPE },
		{ "type 138", "ns", 0, 138, NDP_BAD_TYPE },
		{ "code 1", "rs", 1, 1, NDP_BAD_CODE },
		{ "code 1", "ra", 1, 1, NDP_BAD_CODE },
		{ "code 1", "ns", 1, 1, NDP_BAD_CODE },
		{ "code 255", "na", 1, 255, NDP_BAD_CODE },
		{ "code 1", "redirect", 1, 1, NDP_BAD_CODE },
		{ "multicast target", "ns", 8, 0xff, NDP_TARGET_MULTICAST },
		{ "multicast target", "na", 8, 0xff, NDP_TARGET_MULTICAST },
		{ "multicast destination", "redirect", 24, 0xff,
		    NDP_BAD_DESTINATION },
		{ "target is another router's global address", "redirect", 8,
		    0x20, NDP_BAD_REDIRECT },
		{ "reserved is ignored", "ns", 4, 0xff, NDP_OK },
		{ "reserved is ignored", "na", 5, 0xff, NDP_OK },
		{ "option of length 0", "rs", 9, 0, NDP_OPTION_ZERO },
		{ "option of length 0", "ra", 17, 0, NDP_OPTION_ZERO },
		{ "option of length 0", "ns", 25, 0, NDP_OPTION_ZERO },
		{ "option of length 0", "na", 25, 0, NDP_OPTION_ZERO },
		{ "option of length 0", "redirect", 41, 0, NDP_OPTION_ZERO },
		{ "unknown option", "ns", 24, 200, NDP_OK },
		{ "option beyond the end", "ns", 25, 2, NDP_OPTION_CUT },
		{ "slla in a solicitation from ::", "dad", 24, 1,
		    NDP_SLLA_FROM_ANY },
		{ "slla of a group", "ns", 26, 3, NDP_BAD_LLA },
		{ "tlla of a group", "na", 26, 3, NDP_BAD_LLA },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sample *s = sample(cases[i].sample);
		struct ndp_ip ip = header(s->src, s->dst);
		struct ndp_hdr h;
		uint8_t p[sizeof(RA)];

		memcpy(p, s->msg, s->len);
		p[cases[i].at] = cases[i].byte;
		if (ndp_parse(&h, p, s->len, &ip) != cases[i].want)
			fail_msg("%s: %s", s->name, cases[i].why);
	}
}

static void refuses_headers_that_do_not_fit(void **state)
{
	static const struct {
		const char *sample, *src, *dst;
		enum ndp_parse want;
	} cases[] = {
		{ "ns", "fe80::1", "fe80::2", NDP_OK },
		{ "ns", "2001:db8::1", "ff02::1:ff00:2", NDP_OK },
		{ "ns", "::", "ff02::1:ff00:2", NDP_SLLA_FROM_ANY },
		{ "dad", "::", "ff02::1", NDP_BAD_DST },
		{ "dad", "::", "fe80::2", NDP_BAD_DST },
		{ "dad", "::", "ff02::1:ff00:3", NDP_OK },
		{ "na", "fe80::2", "ff02::1", NDP_BAD_SOLICITED },
		{ "rs", "::", "ff02::2", NDP_SLLA_FROM_ANY },
		{ "ra", "2001:db8::1", "ff02::1", NDP_BAD_SRC },
		{ "ra", "::", "ff02::1", NDP_BAD_SRC },
		{ "redirect", "2001:db8::1", "fe80::2", NDP_BAD_SRC },
		{ "redirect", "169.254.0.1", "fe80::2", NDP_BAD_SRC },
		{ "ra", "169.254.0.1", "ff02::1", NDP_BAD_SRC },
		{ "ns", "192.0.2.1", "ff02::1:ff00:2", NDP_BAD_SRC },
		{ "ns", "ff02::1", "ff02::1:ff00:2", NDP_BAD_SRC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sample *s = sample(cases[i].sample);
		struct ndp_ip ip = header(cases[i].src, cases[i].dst);
		struct ndp_hdr h;

		if (ndp_parse(&h, s->msg, s->len, &ip) != cases[i].want)
			fail_msg("%s from %s to %s", s->name, cases[i].src,
			    cases[i].dst);
	}
}

static void refuses_any_other_hop_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct ndp_ip ip = header(s->src, s->dst);
		struct ndp_hdr h;

		ip.hop_limit = 254;
		assert_int_equal(
		    ndp_parse(&h, s->msg, s->len, &ip), NDP_BAD_HOP_LIMIT);
		ip.hop_limit = 0;
		assert_int_equal(
		    ndp_parse(&h, s->msg, s->len, &ip), NDP_BAD_HOP_LIMIT);
	}
}

/* An IPv4 address in disguise must not reach tables that serve both. */
static void refuses_mapped_and_unspecified_targets(void **state)
{
	static const char *const names[] = { "ns", "na", "redirect" };
	static const char *const bad[] = { "192.0.2.1", "224.0.0.1", "::" };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		const struct sample *s = sample(names[i / 3]);
		struct ndp_ip ip = header(s->src, s->dst);
		struct ip_addr target = address(bad[i % 3]);
		struct ndp_hdr h;
		uint8_t p[sizeof(RA)];

		memcpy(p, s->msg, s->len);
		memcpy(p + 8, target.b, 16);
		assert_int_equal(ndp_parse(&h, p, s->len, &ip), NDP_BAD_TARGET);
	}
}

/* RFC 4861: options not named for the type MUST be ignored. */
static void ignores_options_of_other_messages(void **state)
{
	struct ndp_ip ip = header("fe80::1", "ff02::1:ff00:2");
	struct ndp_hdr h;
	uint8_t p[sizeof(NS)];

	(void)state;
	memcpy(p, NS, sizeof(p));
	p[24] = 2; /* target link-layer address, and even one of a group */
	p[26] = 1;
	assert_int_equal(ndp_parse(&h, p, sizeof(p), &ip), NDP_OK);
	assert_false(h.has_slla || h.has_tlla);
	p[24] = 5; /* MTU */
	assert_int_equal(ndp_parse(&h, p, sizeof(p), &ip), NDP_OK);
	assert_false(h.has_mtu);
}

static void takes_as_many_prefixes_as_it_has_room_for(void **state)
{
	struct ndp_ip ip = header("fe80::1", "ff02::1");
	struct ndp_hdr h = parsed("ra"), back;
	uint8_t p[NDP_MAX_LEN + 32], out[NDP_MAX_LEN];
	size_t len;

	(void)state;
	h.nprefix = NDP_MAX_PREFIX;
	for (unsigned i = 1; i < NDP_MAX_PREFIX; i++)
		h.prefix[i] = h.prefix[0];
	len = ndp_emit(p, &h, &ip);
	assert_int_equal(len, NDP_MAX_LEN);
	memcpy(p + len, RA + sizeof(RA) - 32, 32); /* one more */
	p[len + 2] = 128;
	assert_int_equal(ndp_parse(&back, p, len + 32, &ip), NDP_OK);
	assert_int_equal(back.nprefix, NDP_MAX_PREFIX);
	assert_int_equal(ndp_emit(out, &back, &ip), len);
	assert_memory_equal(out, p, len);

	/* A length that no address has: this prefix alone is left out. */
	p[34] = 129;
	assert_int_equal(ndp_parse(&back, p, len, &ip), NDP_OK);
	assert_int_equal(back.nprefix, NDP_MAX_PREFIX - 1);
}

static void reads_the_preference_of_a_router(void **state)
{
	static const struct {
		uint8_t flags;
		int preference;
	} cases[] = { { 0x00, 0 }, { 0x08, 1 }, { 0x10, 0 }, { 0x18, -1 } };
	struct ndp_ip ip = header("fe80::1", "ff02::1");
	struct ndp_hdr h;
	uint8_t p[sizeof(RA)];

	(void)state;
	memcpy(p, RA, sizeof(p));
	for (size_t i = 0; i < 4; i++) {
		p[5] = cases[i].flags;
		assert_int_equal(ndp_parse(&h, p, sizeof(p), &ip), NDP_OK);
		assert_int_equal(h.preference, cases[i].preference);
	}
	p[6] = p[7] = 0; /* lifetime 0 */
	assert_int_equal(ndp_parse(&h, p, sizeof(p), &ip), NDP_OK);
	assert_int_equal(h.preference, 0);
}

static void prints_field_by_field(void **state)
{
	struct ndp_hdr h = parsed("ra");
	struct logged l;

	(void)state;
	logged_open(&l);
	ndp_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    type: router advertisement\n"
	    "    cur hop limit: 64\n"
	    "    managed: 1\n"
	    "    other: 0\n"
	    "    preference: 1\n"
	    "    lifetime: 1800 s\n"
	    "    reachable: 30000 ms\n"
	    "    retrans: 1000 ms\n"
	    "    prefix: 2001:db8::/64 on-link autonomous, valid 86400 s, "
	    "preferred 14400 s\n"
	    "    source link-layer address: 02:00:00:00:00:01\n"
	    "    mtu: 1500\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_neighbor_solicitation),
		cmocka_unit_test(reads_a_neighbor_advertisement),
		cmocka_unit_test(reads_a_router_advertisement),
		cmocka_unit_test(reads_a_redirect),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(verifies_the_checksum),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_what_the_rfc_says),
		cmocka_unit_test(refuses_headers_that_do_not_fit),
		cmocka_unit_test(refuses_any_other_hop_limit),
		cmocka_unit_test(refuses_mapped_and_unspecified_targets),
		cmocka_unit_test(ignores_options_of_other_messages),
		cmocka_unit_test(takes_as_many_prefixes_as_it_has_room_for),
		cmocka_unit_test(reads_the_preference_of_a_router),
		cmocka_unit_test(prints_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
