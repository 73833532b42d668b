/*
 * test_wheel.c - deadlines of many, against a list that is searched
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/wheel.h"

static const int64_t TICK = 1LL << WHEEL_TICK_SHIFT;
static const struct mono START = { 3600LL * NS_PER_S };

static uint64_t random_state;

static uint64_t rnd(void)
{
	/* xorshift64*: the tests want the same numbers each time. */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

static unsigned take_all(struct wheel *w, struct mono now)
{
	unsigned n = 0;
	uint32_t id;

	while (wheel_take(w, &id, now))
		n++;
	return n;
}

static void gives_a_deadline_when_it_has_come_and_once(void **state)
{
	struct wheel w;
	uint32_t id = 99;
	struct mono t = mono_add_ms(START, 200);

	(void)state;
	assert_int_equal(wheel_init(&w, 8, START), 0);
	assert_int_equal(wheel_next(&w).ns, MONO_NEVER.ns);
	assert_false(wheel_take(&w, &id, START));
	wheel_set(&w, 3, t);
	assert_false(wheel_take(&w, &id, (struct mono){ t.ns - 1 }));
	assert_int_equal(id, 99);
	assert_true(wheel_take(&w, &id, mono_add(t, TICK)));
	assert_int_equal(id, 3);
	assert_false(wheel_take(&w, &id, mono_add_ms(t, 100000)));
	assert_int_equal(wheel_next(&w).ns, MONO_NEVER.ns);
	wheel_free(&w);
}

static void a_new_deadline_replaces_the_old(void **state)
{
	struct wheel w;
	uint32_t id;

	(void)state;
	assert_int_equal(wheel_init(&w, 8, START), 0);
	wheel_set(&w, 1, mono_add_ms(START, 10));
	wheel_set(&w, 1, mono_add_ms(START, 5000));
	assert_int_equal(take_all(&w, mono_add_ms(START, 4999)), 0);
	wheel_set(&w, 1, mono_add_ms(START, 4000)); /* already past */
	assert_true(wheel_take(&w, &id, mono_add_ms(START, 4999)));
	wheel_set(&w, 1, mono_add_ms(START, 6000));
	wheel_set(&w, 1, MONO_NEVER);
	wheel_set(&w, 1, MONO_NEVER);
	assert_int_equal(w.armed, 0);
	assert_int_equal(take_all(&w, mono_add_ms(START, 100000)), 0);
	wheel_free(&w);
}

static void gives_them_in_order_of_time(void **state)
{
	struct wheel w;
	uint32_t id;

	(void)state;
	assert_int_equal(wheel_init(&w, 64, START), 0);
	/* Each on a level of its own, and each boundary of 64. */
	for (uint32_t i = 0; i < 36; i++)
		wheel_set(&w, 35 - i, mono_add(START, TICK << i));
	for (uint32_t i = 0; i < 36; i++) {
		assert_true(
		    wheel_take(&w, &id, (struct mono){ INT64_MAX - 1 }));
		assert_int_equal(id, 35 - i);
	}
	wheel_free(&w);
}

/* A main loop that sleeps until wheel_next() and takes what is there. */
static void sleeping_until_next_is_never_late_and_seldom_early(void **state)
{
	static const int64_t after_ms[] = { 1, 40, 200, 1000, 60000, 7200000 };

	(void)state;
	for (size_t i = 0; i < sizeof(after_ms) / sizeof(after_ms[0]); i++) {
		struct wheel w;
		struct mono t = mono_add_ms(START, after_ms[i]);
		struct mono now = START;
		uint32_t id;
		int wakes = 0;

		assert_int_equal(wheel_init(&w, 1, START), 0);
		wheel_set(&w, 0, t);
		while (!wheel_take(&w, &id, now)) {
			assert_true(mono_before(now, wheel_next(&w)));
			now = wheel_next(&w);
			wakes++;
		}
		assert_true(mono_reached(t, now));
		assert_true(mono_since(now, t) <= TICK);
		assert_true(wakes <= WHEEL_LEVELS);
		wheel_free(&w);
	}
}

enum {
	N = 300,
};

/* What is due at @now, by searching; @at is as armed. */
static int model_due(const struct mono *at, struct mono now)
{
	int n = 0;

	for (int i = 0; i < N; i++)
		n += mono_reached(at[i], now);
	return n;
}

static int64_t any_delay(void)
{
	/* Up to 2^k ns for any k up to 19 hours, so that all levels are met. */
	return (int64_t)(rnd() & ((UINT64_C(1) << rnd() % 46) - 1));
}

static void agrees_with_a_search(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct mono at[N], now = START;
		struct wheel w;

		random_state = seed * 0x9e3779b97f4a7c15;
		assert_int_equal(wheel_init(&w, N, now), 0);
		for (int i = 0; i < N; i++)
			at[i] = MONO_NEVER;

		for (int step = 0; step < 4000; step++) {
			uint32_t id = (uint32_t)(rnd() % N);
			int armed = 0;

			at[id] = rnd() % 5 == 0 ? MONO_NEVER
						: mono_add(now, any_delay());
			wheel_set(&w, id, at[id]);
			if (step % 4 != 0)
				continue;

			/* Some steps land exactly on a tick. */
			now = mono_add(now, any_delay() >> 8);
			if (step % 8 == 0)
				now.ns &= ~(TICK - 1);
			while (wheel_take(&w, &id, now)) {
				assert_true(mono_reached(at[id], now));
				at[id] = MONO_NEVER;
			}
			/* Nothing that came a tick ago is left. */
			assert_int_equal(
			    model_due(at, (struct mono){ now.ns - TICK }), 0);
			for (int i = 0; i < N; i++)
				armed += at[i].ns != MONO_NEVER.ns;
			assert_int_equal(w.armed, armed);
			if (armed == 0)
				continue;
			/* And the next look is not after the next deadline. */
			for (int i = 0; i < N; i++)
				assert_true(
				    wheel_next(&w).ns - TICK <= at[i].ns);
		}
		wheel_free(&w);
	}
}

/* Ten thousand connections, all with the same deadline. */
static void many_at_once(void **state)
{
	struct wheel w;
	struct mono t = mono_add_ms(START, 7200 * 1000);

	(void)state;
	assert_int_equal(wheel_init(&w, 10000, START), 0);
	for (uint32_t i = 0; i < 10000; i++)
		wheel_set(&w, i, t);
	assert_int_equal(take_all(&w, (struct mono){ t.ns - 1 }), 0);
	assert_int_equal(take_all(&w, mono_add(t, TICK)), 10000);
	wheel_free(&w);
}

static void deadlines_beyond_its_reach_never_come_early(void **state)
{
	struct wheel w;
	uint32_t id;

	(void)state;
	assert_int_equal(wheel_init(&w, 2, START), 0);
	wheel_set(&w, 0, (struct mono){ INT64_MAX - 1 });
	wheel_set(&w, 1, (struct mono){ -5 }); /* before boot: at once */
	assert_true(wheel_take(&w, &id, START));
	assert_int_equal(id, 1);
	assert_false(wheel_take(&w, &id, mono_add_ms(START, 1LL << 36)));
	wheel_free(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_a_deadline_when_it_has_come_and_once),
		cmocka_unit_test(a_new_deadline_replaces_the_old),
		cmocka_unit_test(gives_them_in_order_of_time),
		cmocka_unit_test(
		    sleeping_until_next_is_never_late_and_seldom_early),
		cmocka_unit_test(agrees_with_a_search),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(deadlines_beyond_its_reach_never_come_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
