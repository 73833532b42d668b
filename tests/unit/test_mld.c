/*
 * test_mld.c - MLD: reports byte by byte, queries and why they are refused
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/mld.h"
#include "tests/harness/logged.h"

/* clang-format off */
/* A general query of MLDv2 from fe80::1. */
static const uint8_t QUERY[] = {
	130, 0, 0x4e, 0x84,             /* type, code, checksum */
	0x27, 0x10, 0, 0,               /* 10,000 ms */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x0a, 0x8f, 0, 0,               /* S, QRV 2; QQIC; no sources */
};

/* MLDv1 asks for ff02::fb. */
static const uint8_t QUERY_V1[] = {
	130, 0, 0x58, 0x1f,
	0x27, 0x10, 0, 0,
	0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb,
};

/* fe80::2 has joined ff02::1:ff00:2 and left ff02::fb. */
static const uint8_t REPORT[] = {
	0x60, 0, 0, 0, 0, 56, 0, 1,     /* IPv6, 56 bytes, hop limit 1 */
	0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16,
	58, 0, 5, 2, 0, 0, 1, 0,        /* router alert, PadN */
	143, 0, 0x6d, 0xf2, 0, 0, 0, 2, /* two records */
	4, 0, 0, 0,
	0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 2,
	3, 0, 0, 0,
	0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb,
};
/* clang-format on */

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, text));
	return a;
}

static struct mld_ip header(const char *dst)
{
	return (struct mld_ip){
		.src = address("fe80::1"),
		.dst = address(dst),
		.hop_limit = 1,
		.router_alert = true,
	};
}

static void writes_a_report(void **state)
{
	struct mld_record records[] = {
		{ MLD_TO_EXCLUDE, address("ff02::1:ff00:2") },
		{ MLD_TO_INCLUDE, address("ff02::fb") },
	};
	struct ip_addr src = address("fe80::2");
	struct mld_ip ip = { .src = src, .dst = mld_routers };
	uint8_t *out = malloc(mld_report_len(2));

	(void)state;
	assert_non_null(out);
	assert_int_equal(
	    mld_report_emit(out, &src, records, 2), sizeof(REPORT));
	assert_memory_equal(out, REPORT, sizeof(REPORT));
	assert_true(mld_checksum_ok(out + 48, sizeof(REPORT) - 48, &ip));
	free(out);
}

static void knows_how_many_groups_fit(void **state)
{
	(void)state;
	assert_int_equal(mld_report_len(2), sizeof(REPORT));
	assert_int_equal(mld_report_max(1280), 61);
	assert_true(mld_report_len(61) <= 1280);
	assert_true(mld_report_len(62) > 1280);
}

static void reads_every_field_of_a_query(void **state)
{
	struct mld_ip ip = header("ff02::1");
	struct mld_query q;

	(void)state;
	assert_true(mld_checksum_ok(QUERY, sizeof(QUERY), &ip));
	assert_int_equal(
	    mld_query_parse(&q, QUERY, sizeof(QUERY), &ip), MLD_OK);
	assert_int_equal(q.version, 2);
	assert_int_equal(q.max_resp_ms, 10000);
	assert_true(ip_is_any(&q.group));
	assert_true(q.suppress);
	assert_int_equal(q.robustness, 2);
	assert_int_equal(q.interval_s, 248);
	assert_int_equal(q.nsources, 0);
}

static void reads_a_query_of_version_1(void **state)
{
	struct mld_ip ip = header("ff02::fb");
	struct ip_addr group = address("ff02::fb");
	struct mld_query q;

	(void)state;
	assert_true(mld_checksum_ok(QUERY_V1, sizeof(QUERY_V1), &ip));
	assert_int_equal(
	    mld_query_parse(&q, QUERY_V1, sizeof(QUERY_V1), &ip), MLD_OK);
	assert_int_equal(q.version, 1);
	assert_int_equal(q.max_resp_ms, 10000);
	assert_true(ip_equal(&q.group, &group));
}

static void writes_what_it_read(void **state)
{
	struct mld_ip ip = header("ff02::1");
	struct mld_query q;
	uint8_t out[MLD_QUERY_LEN];

	(void)state;
	assert_int_equal(
	    mld_query_parse(&q, QUERY, sizeof(QUERY), &ip), MLD_OK);
	assert_int_equal(mld_query_emit(out, &q, &ip), sizeof(QUERY));
	assert_memory_equal(out, QUERY, sizeof(QUERY));

	ip.dst = address("ff02::fb");
	assert_int_equal(
	    mld_query_parse(&q, QUERY_V1, sizeof(QUERY_V1), &ip), MLD_OK);
	assert_int_equal(mld_query_emit(out, &q, &ip), sizeof(QUERY_V1));
	assert_memory_equal(out, QUERY_V1, sizeof(QUERY_V1));
}

/* At 24 bytes a query is one of version 1; at any other cut it is none. */
static void refuses_every_truncation(void **state)
{
	struct mld_ip ip = header("ff02::1");

	(void)state;
	for (size_t len = 0; len < sizeof(QUERY); len++) {
		struct mld_query q = { .nsources = 7 };
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, QUERY, len);
		assert_int_equal(mld_query_parse(&q, cut, len, &ip),
		    len == MLD_V1_QUERY_LEN ? MLD_OK : MLD_BAD_LENGTH);
		assert_true(len == MLD_V1_QUERY_LEN || q.nsources == 7);
		free(cut);
	}
}

static void refuses_fields_out_of_range(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t byte;
		enum mld_parse want;
	} cases[] = {
		{ "report", 0, 143, MLD_BAD_TYPE },
		{ "code is ignored", 1, 9, MLD_OK },
		{ "group is unicast", 8, 0xfe, MLD_BAD_GROUP },
		{ "one source that is not there", 27, 1, MLD_SOURCES_CUT },
		{ "256 sources", 26, 1, MLD_SOURCES_CUT },
	};
	struct mld_ip ip = header("ff02::1");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mld_query q;
		uint8_t p[sizeof(QUERY)];

		memcpy(p, QUERY, sizeof(p));
		p[cases[i].at] = cases[i].byte;
		if (mld_query_parse(&q, p, sizeof(p), &ip) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void refuses_a_mapped_group(void **state)
{
	struct mld_ip ip = header("ff02::1");
	struct ip_addr group = address("224.0.0.1");
	struct mld_query q;
	uint8_t p[sizeof(QUERY)];

	(void)state;
	memcpy(p, QUERY, sizeof(p));
	memcpy(p + 8, group.b, 16);
	assert_int_equal(mld_query_parse(&q, p, sizeof(p), &ip), MLD_BAD_GROUP);
	group = address("0.0.0.0");
	memcpy(p + 8, group.b, 16);
	assert_int_equal(mld_query_parse(&q, p, sizeof(p), &ip), MLD_BAD_GROUP);
}

static void counts_sources_and_ignores_what_follows(void **state)
{
	struct mld_ip ip = header("ff02::1");
	struct mld_query q;
	uint8_t p[sizeof(QUERY) + 35] = { 0 };

	(void)state;
	memcpy(p, QUERY, sizeof(QUERY));
	p[27] = 2;
	assert_int_equal(mld_query_parse(&q, p, sizeof(p), &ip), MLD_OK);
	assert_int_equal(q.nsources, 2);
	assert_int_equal(
	    mld_query_parse(&q, p, sizeof(QUERY) + 31, &ip), MLD_SOURCES_CUT);
}

static void believes_only_queries_from_the_link(void **state)
{
	struct mld_ip ip = header("ff02::1");
	struct mld_query q;

	(void)state;
	ip.hop_limit = 2;
	assert_int_equal(
	    mld_query_parse(&q, QUERY, sizeof(QUERY), &ip), MLD_BAD_HOP_LIMIT);
	ip = header("ff02::1");
	ip.router_alert = false;
	assert_int_equal(mld_query_parse(&q, QUERY, sizeof(QUERY), &ip),
	    MLD_NO_ROUTER_ALERT);
	ip = header("ff02::1");
	ip.src = address("2001:db8::1");
	assert_int_equal(
	    mld_query_parse(&q, QUERY, sizeof(QUERY), &ip), MLD_BAD_SRC);
	ip.src = address("::");
	assert_int_equal(
	    mld_query_parse(&q, QUERY, sizeof(QUERY), &ip), MLD_BAD_SRC);
}

static void reads_long_times(void **state)
{
	static const struct {
		uint16_t code;
		uint32_t ms;
	} cases[] = {
		{ 0, 0 },
		{ 32767, 32767 },
		{ 0x8000, 32768 },
		{ 0x8001, 32776 },
		{ 0xffff, 8387584 },
	};
	struct mld_ip ip = header("ff02::1");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mld_query q;
		uint8_t p[sizeof(QUERY)];

		memcpy(p, QUERY, sizeof(p));
		p[4] = (uint8_t)(cases[i].code >> 8);
		p[5] = (uint8_t)cases[i].code;
		assert_int_equal(
		    mld_query_parse(&q, p, sizeof(p), &ip), MLD_OK);
		assert_int_equal(q.max_resp_ms, cases[i].ms);
	}
}

static void rounds_times_without_a_code_down(void **state)
{
	struct mld_ip ip = header("ff02::1");
	struct mld_query q = {
		.version = 2, .max_resp_ms = UINT32_MAX, .interval_s = 129
	};
	uint8_t out[MLD_QUERY_LEN];

	(void)state;
	mld_query_emit(out, &q, &ip);
	assert_int_equal(out[4], 0xff);
	assert_int_equal(out[5], 0xff);
	assert_int_equal(out[25], 0x80); /* 128 */
}

static void prints_field_by_field(void **state)
{
	struct mld_ip ip = header("ff02::1");
	struct mld_query q;
	struct logged l;

	(void)state;
	assert_int_equal(
	    mld_query_parse(&q, QUERY, sizeof(QUERY), &ip), MLD_OK);
	logged_open(&l);
	mld_query_log(&l.log, &q);
	assert_string_equal(logged_close(&l),
	    "    version: 2\n"
	    "    max response: 10000 ms\n"
	    "    group: ::\n"
	    "    suppress: 1\n"
	    "    robustness: 2\n"
	    "    interval: 248 s\n"
	    "    sources: 0\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_report),
		cmocka_unit_test(knows_how_many_groups_fit),
		cmocka_unit_test(reads_every_field_of_a_query),
		cmocka_unit_test(reads_a_query_of_version_1),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(refuses_a_mapped_group),
		cmocka_unit_test(counts_sources_and_ignores_what_follows),
		cmocka_unit_test(believes_only_queries_from_the_link),
		cmocka_unit_test(reads_long_times),
		cmocka_unit_test(rounds_times_without_a_code_down),
		cmocka_unit_test(prints_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
