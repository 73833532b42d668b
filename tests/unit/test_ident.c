/*
 * test_ident.c - identification fields and flow labels
 */
#include "ipd/ident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t KEY[2] = { 3, 4 }, OTHER[2] = { 3, 5 };

static uint32_t next(struct ident *t, const uint64_t key[2],
    const struct ip_addr *a, const struct ip_addr *b, uint8_t proto)
{
	uint32_t offset;
	uint32_t *c = ident_counter(t, key, a, b, proto, &offset);

	return offset + (*c)++;
}

static void ids_do_not_recur_and_differ_by_destination(void **state)
{
	static struct ident t;
	struct ip_addr a, b, c;
	uint32_t first, other;

	(void)state;
	assert_true(ip_parse(&a, "192.0.2.1"));
	assert_true(ip_parse(&b, "192.0.2.2"));
	assert_true(ip_parse(&c, "192.0.2.3"));
	first = next(&t, KEY, &a, &b, 17);
	for (uint32_t i = 1; i < 70000; i++)
		assert_int_equal(next(&t, KEY, &a, &b, 17), first + i);
	/* Who sees one sequence knows nothing of another. */
	other = next(&t, KEY, &a, &c, 17);
	assert_true(other - first > 100000);
	assert_true(next(&t, KEY, &a, &b, 6) - first > 100000);
	assert_true(next(&t, OTHER, &a, &b, 17) - first > 100000);
}

static void a_flow_has_one_label(void **state)
{
	struct ip_addr a, b;
	uint32_t label;

	(void)state;
	assert_true(ip_parse(&a, "2001:db8::1"));
	assert_true(ip_parse(&b, "2001:db8::2"));
	label = ident_flow_label(KEY, &a, &b, 6, 0x12345678);
	assert_true(label <= 0xfffff);
	assert_int_equal(ident_flow_label(KEY, &a, &b, 6, 0x12345678), label);
	assert_int_not_equal(
	    ident_flow_label(KEY, &a, &b, 6, 0x12345679), label);
	assert_int_not_equal(
	    ident_flow_label(KEY, &a, &b, 17, 0x12345678), label);
	assert_int_not_equal(
	    ident_flow_label(OTHER, &a, &b, 6, 0x12345678), label);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_do_not_recur_and_differ_by_destination),
		cmocka_unit_test(a_flow_has_one_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
