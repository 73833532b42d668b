/*
 * test_igmp.c - IGMP: reports byte by byte, queries and why they are refused
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/igmp.h"
#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/harness/logged.h"

/* clang-format off */
/* A general query of IGMPv3. */
static const uint8_t QUERY[] = {
	0x11, 100, 0xe4, 0x0c, /* type, 10 s, checksum */
	0, 0, 0, 0,            /* group */
	0x0a, 0x8f, 0, 0,      /* S, QRV 2; QQIC; no sources */
};

/* 192.0.2.2 has joined 239.1.2.3 and left 224.0.0.251. */
static const uint8_t REPORT[] = {
	0x46, 0xc0, 0, 48, 0, 0, 0x40, 0, /* IPv4, 48 bytes, DF */
	1, 2, 0x41, 0xef,                 /* TTL 1, IGMP, checksum */
	192, 0, 2, 2, 224, 0, 0, 22,      /* addresses */
	148, 4, 0, 0,                     /* router alert */
	0x22, 0, 0x04, 0xfd, 0, 0, 0, 2,  /* two records */
	4, 0, 0, 0, 239, 1, 2, 3,
	3, 0, 0, 0, 224, 0, 0, 251,
};

/* The same leaves 239.1.2.3 where only IGMPv2 is understood. */
static const uint8_t LEAVE[] = {
	0x46, 0xc0, 0, 32, 0, 0, 0x40, 0,
	1, 2, 0x42, 0x13,
	192, 0, 2, 2, 224, 0, 0, 2,
	148, 4, 0, 0,
	0x17, 0, 0xf7, 0xfa, 239, 1, 2, 3,
};
/* clang-format on */

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, text));
	return a;
}

static struct igmp_ip header(const char *dst)
{
	return (struct igmp_ip){ address(dst), true };
}

/* Make the checksum of the @len bytes at @p right again. */
static void seal(uint8_t *p, size_t len)
{
	be16_put(p + 2, 0);
	be16_put(p + 2, csum_fold(csum_add(0, p, len)));
}

static void writes_a_report(void **state)
{
	struct igmp_record records[] = {
		{ IGMP_TO_EXCLUDE, address("239.1.2.3") },
		{ IGMP_TO_INCLUDE, address("224.0.0.251") },
	};
	struct ip_addr src = address("192.0.2.2");
	uint8_t *out = malloc(igmp_report_len(2));

	(void)state;
	assert_non_null(out);
	assert_int_equal(
	    igmp_report_emit(out, &src, records, 2), sizeof(REPORT));
	assert_memory_equal(out, REPORT, sizeof(REPORT));
	free(out);
}

static void knows_how_many_groups_fit(void **state)
{
	(void)state;
	assert_int_equal(igmp_report_len(2), sizeof(REPORT));
	assert_int_equal(igmp_report_max(1500), 183);
	assert_true(igmp_report_len(183) <= 1500);
	assert_true(igmp_report_len(184) > 1500);
}

static void speaks_to_older_routers(void **state)
{
	struct ip_addr src = address("192.0.2.2");
	struct ip_addr group = address("239.1.2.3");
	uint8_t out[IGMP_OLD_PACKET_LEN];

	(void)state;
	igmp_old_emit(out, &src, IGMP_V2_LEAVE, &group);
	assert_memory_equal(out, LEAVE, sizeof(LEAVE));

	igmp_old_emit(out, &src, IGMP_V2_REPORT, &group);
	assert_int_equal(out[24], 0x16);
	assert_memory_equal(out + 16, out + 28, 4); /* to the group itself */
	assert_int_equal(csum_fold(csum_add(0, out, 24)), 0);
	assert_int_equal(csum_fold(csum_add(0, out + 24, 8)), 0);
}

static void reads_every_field_of_a_query(void **state)
{
	struct igmp_ip ip = header("224.0.0.1");
	struct igmp_query q;

	(void)state;
	assert_int_equal(
	    igmp_query_parse(&q, QUERY, sizeof(QUERY), &ip), IGMP_OK);
	assert_int_equal(q.version, 3);
	assert_int_equal(q.max_resp_ms, 10000);
	assert_true(ip_is_any(&q.group) && ip_is_v4(&q.group));
	assert_true(q.suppress);
	assert_int_equal(q.robustness, 2);
	assert_int_equal(q.interval_s, 248);
	assert_int_equal(q.nsources, 0);
}

static void tells_older_versions_apart(void **state)
{
	struct igmp_ip ip = header("224.0.0.1");
	struct igmp_query q;
	uint8_t p[8] = { 0x11, 200 };

	(void)state;
	seal(p, sizeof(p));
	assert_int_equal(igmp_query_parse(&q, p, sizeof(p), &ip), IGMP_OK);
	assert_int_equal(q.version, 2);
	assert_int_equal(q.max_resp_ms, 20000); /* linear to the end */

	ip.router_alert = false; /* unknown when version 1 was made */
	assert_int_equal(
	    igmp_query_parse(&q, p, sizeof(p), &ip), IGMP_NO_ROUTER_ALERT);
	p[1] = 0;
	seal(p, sizeof(p));
	assert_int_equal(igmp_query_parse(&q, p, sizeof(p), &ip), IGMP_OK);
	assert_int_equal(q.version, 1);
	assert_int_equal(q.max_resp_ms, 10000);
}

static void writes_what_it_read(void **state)
{
	struct igmp_ip ip = header("224.0.0.1");
	struct igmp_query q;
	uint8_t out[IGMP_QUERY_LEN];

	(void)state;
	assert_int_equal(
	    igmp_query_parse(&q, QUERY, sizeof(QUERY), &ip), IGMP_OK);
	assert_int_equal(igmp_query_emit(out, &q), sizeof(QUERY));
	assert_memory_equal(out, QUERY, sizeof(QUERY));
}

static void refuses_every_truncation(void **state)
{
	struct igmp_ip ip = header("224.0.0.1");
	struct igmp_query q = { .nsources = 7 };

	(void)state;
	for (size_t len = 0; len < sizeof(QUERY); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, QUERY, len);
		assert_int_equal(igmp_query_parse(&q, cut, len, &ip),
		    len == 8 ? IGMP_BAD_CHECKSUM : IGMP_BAD_LENGTH);
		free(cut);
	}
	assert_int_equal(q.nsources, 7);
}

static void refuses_fields_out_of_range(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t byte;
		enum igmp_parse want;
	} cases[] = {
		{ "report", 0, 0x22, IGMP_BAD_TYPE },
		{ "group is unicast", 4, 10, IGMP_BAD_GROUP },
		{ "one source that is not there", 11, 1, IGMP_SOURCES_CUT },
		{ "256 sources", 10, 1, IGMP_SOURCES_CUT },
	};
	struct igmp_ip ip = header("224.0.0.1");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct igmp_query q;
		uint8_t p[sizeof(QUERY)];

		memcpy(p, QUERY, sizeof(p));
		p[cases[i].at] = cases[i].byte;
		assert_int_equal(
		    igmp_query_parse(&q, p, sizeof(p), &ip), IGMP_BAD_CHECKSUM);
		seal(p, sizeof(p));
		if (igmp_query_parse(&q, p, sizeof(p), &ip) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void refuses_general_queries_to_other_groups(void **state)
{
	struct igmp_ip ip = header("239.1.2.3");
	struct igmp_query q;

	(void)state;
	assert_int_equal(
	    igmp_query_parse(&q, QUERY, sizeof(QUERY), &ip), IGMP_BAD_DST);
	/* Our own address is right, say for debugging (4.1.12). */
	ip = header("192.0.2.2");
	assert_int_equal(
	    igmp_query_parse(&q, QUERY, sizeof(QUERY), &ip), IGMP_OK);
}

static void sums_and_ignores_what_follows_the_sources(void **state)
{
	struct igmp_ip ip = header("224.0.0.1");
	struct igmp_query q;
	uint8_t p[sizeof(QUERY) + 11] = { 0 };

	(void)state;
	memcpy(p, QUERY, sizeof(QUERY));
	p[11] = 2;
	p[sizeof(p) - 1] = 1;
	seal(p, sizeof(p));
	assert_int_equal(igmp_query_parse(&q, p, sizeof(p), &ip), IGMP_OK);
	assert_int_equal(q.nsources, 2);
	p[sizeof(p) - 1] = 2;
	assert_int_equal(
	    igmp_query_parse(&q, p, sizeof(p), &ip), IGMP_BAD_CHECKSUM);
}

static void reads_and_writes_every_time(void **state)
{
	struct igmp_ip ip = header("224.0.0.1");
	uint32_t before = 0;

	(void)state;
	for (unsigned code = 0; code < 256; code++) {
		struct igmp_query q;
		uint8_t p[sizeof(QUERY)], out[sizeof(QUERY)];

		memcpy(p, QUERY, sizeof(p));
		p[1] = p[9] = (uint8_t)code;
		seal(p, sizeof(p));
		assert_int_equal(
		    igmp_query_parse(&q, p, sizeof(p), &ip), IGMP_OK);
		assert_true(code == 0 || q.interval_s > before);
		assert_int_equal(q.max_resp_ms, q.interval_s * 100);
		before = q.interval_s;
		igmp_query_emit(out, &q);
		assert_memory_equal(out, p, sizeof(p));
	}
	assert_int_equal(before, 31744);
}

static void prints_field_by_field(void **state)
{
	struct igmp_ip ip = header("224.0.0.1");
	struct igmp_query q;
	struct logged l;

	(void)state;
	assert_int_equal(
	    igmp_query_parse(&q, QUERY, sizeof(QUERY), &ip), IGMP_OK);
	logged_open(&l);
	igmp_query_log(&l.log, &q);
	assert_string_equal(logged_close(&l),
	    "    version: 3\n"
	    "    max response: 10000 ms\n"
	    "    group: 0.0.0.0\n"
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
		cmocka_unit_test(speaks_to_older_routers),
		cmocka_unit_test(reads_every_field_of_a_query),
		cmocka_unit_test(tells_older_versions_apart),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(refuses_general_queries_to_other_groups),
		cmocka_unit_test(sums_and_ignores_what_follows_the_sources),
		cmocka_unit_test(reads_and_writes_every_time),
		cmocka_unit_test(prints_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
