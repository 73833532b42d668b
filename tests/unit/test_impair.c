/*
 * test_impair.c - the fates of frames: how often, how late, and always the same
 *
 * A share of N frames may be off by five standard deviations of a binomial;
 * since nothing is random, what passes once passes always.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/impair.h"

enum {
	N = 100000,
	LEN = 1014, /* 8,000 bits behind the Ethernet header */
};

static const struct mono START = { 1000000000 };

static struct impair_line line(const struct topo_impair *c)
{
	struct impair_line l = { .stream = 3 };

	impair_reset(&l, c, START);
	return l;
}

static struct topo_impair good(void)
{
	struct topo_impair c = { .queue_bytes = 131072, .seed = 1 };

	return c;
}

/* Is it N * ppm / 10^6, as far as that can be told? */
static void assert_share(uint64_t got, uint32_t ppm)
{
	int64_t want = (int64_t)N * ppm / 1000000;
	int64_t off = (int64_t)got - want;
	int64_t variance = want * (1000000 - ppm) / 1000000;

	if (off * off > 25 * variance)
		fail_msg("%lu of %d at %u ppm", (unsigned long)got, N, ppm);
}

/* ---- Shares ---- */

static void a_good_wire_does_nothing(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	struct impair_verdict v;

	(void)state;
	for (int i = 0; i < N; i++) {
		assert_int_equal(
		    impair_judge(&l, &c, LEN, START, &v), IMPAIR_PASSES);
		assert_int_equal(v.due.ns, START.ns);
		assert_int_equal(v.copies, 1);
		assert_int_equal(v.flip[0], 0);
		assert_false(v.reordered);
	}
}

static void each_fate_befalls_its_share(void **state)
{
	static const uint32_t rates[] = { 0, 100, 10000, 250000, 1000000 };

	(void)state;
	for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
		struct topo_impair c = good();
		struct impair_line l = line(&c);
		uint32_t twice = 0, late = 0, spoilt = 0, lost = 0;
		struct impair_verdict v;

		c.duplicate_ppm = c.reorder_ppm = c.corrupt_ppm = rates[k];
		for (int i = 0; i < N; i++) {
			impair_judge(&l, &c, LEN, START, &v);
			twice += v.copies == 2;
			late += v.reordered;
			spoilt += v.flip[0] != 0;
		}
		c.loss_ppm = rates[k];
		for (int i = 0; i < N; i++)
			lost +=
			    impair_judge(&l, &c, LEN, START, &v) == IMPAIR_LOST;
		assert_share(twice, rates[k]);
		assert_share(late, rates[k]);
		assert_share(spoilt, rates[k]);
		assert_share(lost, rates[k]);
	}
}

/* Runs of losses are as long as those of a thrown die: 1 / (1 - p). */
static void losses_do_not_come_in_bursts(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	uint32_t lost = 0, runs = 0;
	bool before = false;
	struct impair_verdict v;

	(void)state;
	c.loss_ppm = 200000;
	for (int i = 0; i < N; i++) {
		bool now = impair_judge(&l, &c, LEN, START, &v) == IMPAIR_LOST;

		lost += now;
		runs += now && !before;
		before = now;
	}
	/* 1.25 frames a run. */
	assert_in_range(lost * 1000 / runs, 1230, 1270);
}

/* One bit, anywhere behind the Ethernet header. */
static void any_bit_is_turned(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	static uint32_t hits[LEN * 8];
	struct impair_verdict v;

	(void)state;
	c.corrupt_ppm = 1000000;
	for (int i = 0; i < N; i++) {
		impair_judge(&l, &c, LEN, START, &v);
		assert_in_range(v.flip[0], 14 * 8, LEN * 8 - 1);
		hits[v.flip[0]]++;
	}
	/* 12.5 each, on average: none stays at 0, none comes to 50. */
	for (uint32_t bit = 14 * 8; bit < LEN * 8; bit++)
		assert_in_range(hits[bit], 1, 50);
	/* There is nothing behind it to be turned. */
	impair_judge(&l, &c, 14, START, &v);
	assert_int_equal(v.flip[0], 0);
}

/* ---- Time ---- */

struct delays {
	int64_t mean, deviation, least, most; /* us */
	uint32_t above; /* of N: longer than delay + 2 jitters */
};

static int64_t root(int64_t x)
{
	int64_t r = 0;

	while ((r + 1) * (r + 1) <= x)
		r++;
	return r;
}

/* 20 ms and 5 ms of jitter; frames come so far apart that none waits. */
static struct delays measure(enum impair_spread spread)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	struct delays d = { .least = INT64_MAX };
	int64_t sum = 0, squares = 0;
	struct mono now = START;
	struct impair_verdict v;

	c.delay_us = 20000;
	c.jitter_us = 5000;
	c.distribution = spread;
	for (int i = 0; i < N; i++) {
		int64_t us;

		now = mono_add_ms(now, 10000);
		impair_judge(&l, &c, LEN, now, &v);
		us = mono_since(v.due, now) / NS_PER_US;
		sum += us;
		squares += us * us;
		d.least = us < d.least ? us : d.least;
		d.most = us > d.most ? us : d.most;
		d.above += us > 30000;
	}
	d.mean = sum / N;
	d.deviation = root(squares / N - d.mean * d.mean);
	return d;
}

static void uniform_delays_stay_within_the_jitter(void **state)
{
	struct delays d = measure(IMPAIR_UNIFORM);

	(void)state;
	assert_in_range(d.mean, 19950, 20050);
	assert_in_range(d.deviation, 2860, 2915); /* 5,000 / root 3 */
	assert_in_range(d.least, 15000, 15010);
	assert_in_range(d.most, 24990, 25000);
}

static void normal_delays_have_the_jitter_as_deviation(void **state)
{
	struct delays d = measure(IMPAIR_NORMAL);

	(void)state;
	assert_in_range(d.mean, 19920, 20080);
	assert_in_range(d.deviation, 4950, 5050);
	/* 2.3 % beyond two deviations. */
	assert_in_range(d.above, N * 20 / 1000, N * 25 / 1000);
}

static void pareto_delays_have_a_long_tail(void **state)
{
	struct delays d = measure(IMPAIR_PARETO);

	(void)state;
	assert_in_range(d.mean, 24900, 25100);
	assert_in_range(d.least, 20000, 20001);
	/* Longer than twice the mean: 1 / (1 + 2 / 2)^3. */
	assert_in_range(d.above, N * 120 / 1000, N * 130 / 1000);
	assert_true(d.most > 20000 + 40 * 5000);
	assert_true(d.most <= 20000 + IMPAIR_TAIL_MAX * 5000);
}

static void no_delay_is_negative(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	struct mono now = START;
	struct impair_verdict v;

	(void)state;
	c.delay_us = 1000;
	c.jitter_us = 5000;
	for (int i = 0; i < 1000; i++) {
		now = mono_add_ms(now, 100);
		impair_judge(&l, &c, LEN, now, &v);
		assert_true(mono_reached(now, v.due));
	}
}

/* Frames in quick order, with much jitter: only the chosen are overtaken. */
static void only_reordering_reorders(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	struct mono now = START, last = START;
	uint32_t late = 0;
	struct impair_verdict v;

	(void)state;
	c.delay_us = 20000;
	c.jitter_us = 20000;
	c.reorder_ppm = 50000;
	for (int i = 0; i < N; i++) {
		now = mono_add(now, 10000);
		impair_judge(&l, &c, LEN, now, &v);
		if (v.reordered) {
			late++;
			assert_true(mono_reached(mono_add_ms(last, 20), v.due));
			continue;
		}
		assert_true(mono_reached(last, v.due));
		last = v.due;
	}
	assert_share(late, 50000);
}

static void without_a_delay_two_ms_are_held_back(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	struct impair_verdict v;

	(void)state;
	c.reorder_ppm = 1000000;
	impair_judge(&l, &c, LEN, START, &v);
	assert_int_equal(mono_since(v.due, START), 2 * NS_PER_MS);
}

/* ---- Rate ---- */

/* 8 Mbit/s: a byte takes a microsecond. */
static void a_slow_wire_takes_its_time(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	struct impair_verdict v;

	(void)state;
	c.rate_kbit = 8000;
	c.delay_us = 100;
	for (int i = 1; i <= 10; i++) {
		impair_judge(&l, &c, LEN, START, &v);
		assert_int_equal(
		    mono_since(v.due, START), (i * LEN + 100) * NS_PER_US);
	}
	/* It does not save up what it has not used. */
	impair_judge(&l, &c, LEN, mono_add_ms(START, 1000), &v);
	assert_int_equal(mono_since(v.due, mono_add_ms(START, 1000)),
	    (LEN + 100) * NS_PER_US);
}

/* What is lost has been on the wire; what found no room has not. */
static void the_queue_has_an_end(void **state)
{
	struct topo_impair c = good();
	struct impair_line l = line(&c);
	struct impair_verdict v;
	uint32_t in = 0;

	(void)state;
	c.rate_kbit = 8000;
	c.queue_bytes = 10 * LEN;
	c.loss_ppm = 1000000;
	while (impair_judge(&l, &c, LEN, START, &v) == IMPAIR_LOST)
		in++;
	assert_int_equal(in, 11); /* ten wait, one is being sent */
	assert_int_equal(impair_judge(&l, &c, LEN, START, &v), IMPAIR_NO_QUEUE);
	assert_int_equal(
	    impair_judge(&l, &c, LEN, mono_add(START, LEN * NS_PER_US), &v),
	    IMPAIR_LOST);
}

/* ---- Always the same ---- */

static uint64_t fates(struct impair_line *l, const struct topo_impair *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < 1000; i++) {
		struct impair_verdict v = { .copies = 0 };

		sum = sum * 31 + impair_judge(l, c, LEN, START, &v);
		sum = sum * 31 + (uint64_t)v.due.ns;
		sum = sum * 31 + v.copies * 2 + v.reordered;
		sum = sum * 31 + v.flip[0] + v.flip[1];
	}
	return sum;
}

static void a_seed_is_a_story(void **state)
{
	struct topo_impair c = good();
	struct impair_line a, b;
	uint64_t first;

	(void)state;
	c.loss_ppm = c.duplicate_ppm = c.reorder_ppm = c.corrupt_ppm = 100000;
	c.delay_us = c.jitter_us = 1000;
	c.distribution = IMPAIR_NORMAL;
	a = b = line(&c);
	first = fates(&a, &c);
	assert_int_equal(fates(&b, &c), first);

	/* Another part of it, another wire, another seed. */
	assert_int_not_equal(fates(&a, &c), first);
	b = line(&c);
	b.stream++;
	assert_int_not_equal(fates(&b, &c), first);
	c.seed++;
	b = line(&c);
	assert_int_not_equal(fates(&b, &c), first);
}

/* More loss takes those that were lost before, and others. */
static void what_is_lost_at_less_is_lost_at_more(void **state)
{
	struct topo_impair c = good(), more = good();
	struct impair_line a = line(&c), b = a;

	(void)state;
	c.loss_ppm = 20000;
	more.loss_ppm = 50000;
	more.delay_us = 1000;
	more.duplicate_ppm = 10000;
	for (int i = 0; i < N; i++) {
		struct impair_verdict v;
		bool lost = impair_judge(&a, &c, LEN, START, &v) == IMPAIR_LOST;

		assert_true(
		    impair_judge(&b, &more, LEN, START, &v) == IMPAIR_LOST ||
		    !lost);
	}
}

static void a_change_goes_on_in_the_story(void **state)
{
	struct topo_impair c = good(), off = good();
	struct impair_line l = line(&c);

	(void)state;
	c.loss_ppm = 1000;
	fates(&l, &c);
	c.loss_ppm = 2000;
	impair_reset(&l, &c, START);
	assert_int_equal(l.frames, 1000);
	c.seed = 2;
	impair_reset(&l, &c, START);
	assert_int_equal(l.frames, 0);
	fates(&l, &c);
	off.seed = 2;
	impair_reset(&l, &off, START);
	assert_int_equal(l.frames, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_wire_does_nothing),
		cmocka_unit_test(each_fate_befalls_its_share),
		cmocka_unit_test(losses_do_not_come_in_bursts),
		cmocka_unit_test(any_bit_is_turned),
		cmocka_unit_test(uniform_delays_stay_within_the_jitter),
		cmocka_unit_test(normal_delays_have_the_jitter_as_deviation),
		cmocka_unit_test(pareto_delays_have_a_long_tail),
		cmocka_unit_test(no_delay_is_negative),
		cmocka_unit_test(only_reordering_reorders),
		cmocka_unit_test(without_a_delay_two_ms_are_held_back),
		cmocka_unit_test(a_slow_wire_takes_its_time),
		cmocka_unit_test(the_queue_has_an_end),
		cmocka_unit_test(a_seed_is_a_story),
		cmocka_unit_test(what_is_lost_at_less_is_lost_at_more),
		cmocka_unit_test(a_change_goes_on_in_the_story),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
