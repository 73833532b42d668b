/*
 * test_sockopt.c - socket options that are a number or a bit
 */
#include "shm/sockopt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct options {
	uint32_t flags;
	int32_t wide;
	int16_t hops;
	uint8_t small, after;
};

#define AT(member) offsetof(struct options, member)

static const struct sockopt options[] = {
	{ 1, 1, SOCKOPT_FLAG, AT(flags), 4, 0, 0, 0 },
	{ 1, 2, SOCKOPT_FLAG, AT(flags), 8, 0, 1, 0 },
	{ 1, 3, SOCKOPT_U8, AT(small), 0, 0, 5, SOCKOPT_PLAIN },
	{ 2, 1, SOCKOPT_I16, AT(hops), 0, 1, 255, -1 },
	{ 2, 2, SOCKOPT_I16, AT(hops), 0, 0, 255, 1 },
	{ 2, 3, SOCKOPT_I32, AT(wide), 0, INT32_MIN, INT32_MAX, SOCKOPT_PLAIN },
};

static const struct sockopt_table table = {
	.option = options,
	.n = sizeof(options) / sizeof(options[0]),
};

static void finds_by_level_and_name(void **state)
{
	(void)state;
	assert_ptr_equal(sockopt_find(&table, 1, 1), &options[0]);
	assert_ptr_equal(sockopt_find(&table, 2, 1), &options[3]);
	assert_null(sockopt_find(&table, 2, 4));
	assert_null(sockopt_find(&table, 3, 1));
}

static void keeps_what_is_within_bounds(void **state)
{
	static const struct {
		int level, name, v, want, kept;
	} cases[] = {
		{ 1, 1, 1, 0, 1 },
		{ 1, 1, -7, 0, 1 },
		{ 1, 1, 0, 0, 0 },
		{ 1, 2, 1, 0, 1 },
		{ 1, 2, 2, -EINVAL, 1 },
		{ 1, 2, -1, -EINVAL, 1 },
		{ 1, 3, 5, 0, 5 },
		{ 1, 3, 6, -EINVAL, 5 },
		{ 1, 3, -1, -EINVAL, 5 },
		{ 2, 1, 255, 0, 255 },
		{ 2, 1, 0, -EINVAL, 255 },
		{ 2, 1, -1, 0, -1 },
		{ 2, 2, -1, 0, 1 },
		{ 2, 2, -2, -EINVAL, 1 },
		{ 2, 3, INT32_MIN, 0, INT32_MIN },
		{ 2, 3, -1, 0, -1 },
	};
	struct options o = { .flags = 3, .after = 0x5a };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sockopt *p =
		    sockopt_find(&table, cases[i].level, cases[i].name);

		assert_non_null(p);
		assert_int_equal(
		    sockopt_store(&o, p, cases[i].v), cases[i].want);
		assert_int_equal(sockopt_load(&o, p), cases[i].kept);
	}
	assert_int_equal(o.flags, 3 | 8);
	assert_int_equal(o.after, 0x5a);
}

static void doubles_a_buffer(void **state)
{
	struct command c = { .len = sizeof(int) };
	int32_t size = 7;
	int v = 3000;

	(void)state;
	memcpy(c.data, &v, sizeof(v));
	assert_int_equal(sockopt_buffer(&c, &size, 100, 10000), 0);
	assert_int_equal(size, 6000);
	assert_int_equal(sockopt_buffer(&c, &size, 6001, 10000), 0);
	assert_int_equal(size, 6001);
	v = -1; /* a large unsigned one */
	memcpy(c.data, &v, sizeof(v));
	assert_int_equal(sockopt_buffer(&c, &size, 100, 10000), 0);
	assert_int_equal(size, 10000);
	c.len = sizeof(int) - 1;
	assert_int_equal(sockopt_buffer(&c, &size, 100, 10000), -EINVAL);
	assert_int_equal(size, 10000);
}

static void finds_a_device_by_name(void **state)
{
	struct topology t = { .nlinks = 2 };
	struct command c = { .len = 3 };
	uint8_t link = 9;

	(void)state;
	memcpy(t.links[0].name, "n0", 3);
	memcpy(t.links[1].name, "n1", 3);
	memcpy(c.data, "n1", 3);
	assert_int_equal(sockopt_device(&t, &c, &link), 0);
	assert_int_equal(link, 1);
	memcpy(c.data, "n2", 3);
	assert_int_equal(sockopt_device(&t, &c, &link), -ENODEV);
	assert_int_equal(link, 1);
	memset(c.data, 'n', sizeof(c.data));
	c.len = sizeof(c.data);
	assert_int_equal(sockopt_device(&t, &c, &link), -ENODEV);
	c.len = 0;
	assert_int_equal(sockopt_device(&t, &c, &link), 0);
	assert_int_equal(link, LINK_ANY);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_level_and_name),
		cmocka_unit_test(keeps_what_is_within_bounds),
		cmocka_unit_test(doubles_a_buffer),
		cmocka_unit_test(finds_a_device_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
