/*
 * test_sweep_turn.c - the turn itself, killed after each instruction
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/crash/toy.h"

static void put_twelve(struct rig *r)
{
	static const enum toy_kind kinds[12] = { TOY_UP, TOY_ANSWER, TOY_BOTH,
		TOY_QUIET, TOY_BOTH, TOY_UP, TOY_QUIET, TOY_ANSWER, TOY_UP,
		TOY_BOTH, TOY_ANSWER, TOY_UP };

	for (uint32_t i = 0; i < 12; i++)
		toy_put(
		    r, (uint8_t)(i * 2 % 3), kinds[i], "bytes of a payload");
}

static void run(struct sweep *s, const char *what)
{
	sweep_run(s);
	sweep_print(s, what);
	rig_close(s->rig);
	assert_int_equal(s->violations, 0);
}

/* Twelve packets for three objects, three in a turn. */
static void no_death_loses_or_doubles_anything(void **state)
{
	struct sweep s = {
		.daemon = &toy_daemon,
		.rig = toy_rig(),
		.again = 1,
	};

	(void)state;
	put_twelve(s.rig);
	run(&s, "toy, 12 packets");
}

static void nor_does_one_in_the_very_first_attach(void **state)
{
	struct sweep s = {
		.daemon = &toy_daemon,
		.rig = toy_rig(),
		.with_attach = true,
		.again = 1,
	};

	(void)state;
	toy_put(s.rig, 1, TOY_BOTH, "x");
	run(&s, "toy, from the first attach");
}

/* With a record for all that comes, goes and is decided. */
static void nor_does_the_tap_show_anything_early_or_twice(void **state)
{
	struct sweep s = {
		.daemon = &toy_daemon,
		.rig = toy_rig_tapped(),
		.again = 7,
	};

	(void)state;
	put_twelve(s.rig);
	run(&s, "toy, tapped, 12 packets");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_death_loses_or_doubles_anything),
		cmocka_unit_test(nor_does_one_in_the_very_first_attach),
		cmocka_unit_test(nor_does_the_tap_show_anything_early_or_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
