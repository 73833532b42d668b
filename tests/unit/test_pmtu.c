/*
 * test_pmtu.c - how long a packet each path takes
 */
#include "ipd/pmtu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t KEY[2] = { 3, 4 };
static const struct mono NOW = { 1000 };

static struct ip_addr ip(unsigned n)
{
	char text[IP_TEXT_LEN];
	struct ip_addr a = { { 0 } };

	snprintf(text, sizeof(text), "203.0.%u.%u", n / 256, n % 256);
	assert_true(ip_parse(&a, text));
	return a;
}

static void set(struct pmtu_cache *c, const struct ip_addr *dst, uint32_t link,
    uint32_t mtu, struct mono now)
{
	pmtu_set(pmtu_place(c, KEY, dst, link, now), dst, link, mtu, now);
}

static void remembers_for_ten_minutes(void **state)
{
	struct pmtu_cache *c = calloc(1, sizeof(*c));
	struct ip_addr a = ip(1), b = ip(2);
	struct mono then = mono_add_ms(NOW, PMTU_AGE_MS);

	(void)state;
	assert_non_null(c);
	assert_int_equal(pmtu_get(c, KEY, &a, 0, NOW), 0);
	set(c, &a, 0, 1400, NOW);
	assert_int_equal(pmtu_get(c, KEY, &a, 0, NOW), 1400);
	assert_int_equal(pmtu_get(c, KEY, &b, 0, NOW), 0);
	/* A global destination is the same by whatever link. */
	assert_int_equal(pmtu_get(c, KEY, &a, 1, NOW), 1400);
	set(c, &a, 1, 1300, NOW);
	assert_int_equal(pmtu_get(c, KEY, &a, 0, NOW), 1300);
	assert_int_equal(
	    pmtu_get(c, KEY, &a, 0, (struct mono){ then.ns - 1 }), 1300);
	assert_int_equal(pmtu_get(c, KEY, &a, 0, then), 0);
	free(c);
}

static void link_local_is_of_one_link(void **state)
{
	struct pmtu_cache *c = calloc(1, sizeof(*c));
	struct ip_addr a;

	(void)state;
	assert_non_null(c);
	assert_true(ip_parse(&a, "fe80::7"));
	set(c, &a, 1, 1400, NOW);
	assert_int_equal(pmtu_get(c, KEY, &a, 1, NOW), 1400);
	assert_int_equal(pmtu_get(c, KEY, &a, 2, NOW), 0);
	free(c);
}

/* Full, it forgets what is oldest, and always knows the last one. */
static void a_full_cache_forgets_the_oldest(void **state)
{
	struct pmtu_cache *c = calloc(1, sizeof(*c));
	unsigned known = 0;

	(void)state;
	assert_non_null(c);
	for (unsigned n = 0; n < 5000; n++) {
		struct ip_addr a = ip(n);
		struct mono now = mono_add_ms(NOW, n);

		set(c, &a, 0, 1000 + n, now);
		assert_int_equal(pmtu_get(c, KEY, &a, 0, now), 1000 + n);
	}
	for (unsigned n = 0; n < 5000; n++) {
		struct ip_addr a = ip(n);
		uint32_t mtu = pmtu_get(c, KEY, &a, 0, mono_add_ms(NOW, 5000));

		if (mtu == 0)
			continue;
		assert_int_equal(mtu, 1000 + n);
		assert_true(n >= 5000 - 3 * PMTU_SETS * PMTU_WAYS);
		known++;
	}
	assert_int_equal(known, PMTU_SETS * PMTU_WAYS);
	free(c);
}

static void what_follows_from_a_report(void **state)
{
	static const struct {
		bool v4;
		uint32_t said, len, want;
	} cases[] = {
		{ true, 1400, 1500, 1400 },
		{ true, 1500, 1500, 0 }, /* it would have passed */
		{ true, 9000, 1500, 0 },
		{ true, 551, 1500, 552 }, /* a link of less must cut */
		{ true, 20, 552, 0 },
		{ true, 20, 68, 0 },
		{ true, 0, 1500, 1492 }, /* RFC 1191, 7.1 */
		{ true, 0, 1492, 1006 },
		{ true, 0, 65535, 32000 },
		{ true, 0, 1006, 552 },
		{ true, 0, 553, 552 },
		{ true, 0, 100, 0 },
		{ false, 1400, 1500, 1400 },
		{ false, 1280, 1500, 1280 },
		{ false, 1279, 1500, 0 }, /* RFC 8201, 4 */
		{ false, 0, 1500, 0 },
		{ false, 1000, 1280, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (pmtu_from_report(cases[i].v4, cases[i].said,
			cases[i].len) != cases[i].want)
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_for_ten_minutes),
		cmocka_unit_test(link_local_is_of_one_link),
		cmocka_unit_test(a_full_cache_forgets_the_oldest),
		cmocka_unit_test(what_follows_from_a_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
