/*
 * test_hystart.c - rounds and phases of HyStart++ (RFC 9406, 4.2)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/hystart.h"

enum {
	SEG = 1000,
};

struct flow {
	struct hystart h;
	tcp_seq una, nxt;
};

static void begin(struct flow *f)
{
	f->una = seq_of(0xffffff00);
	f->nxt = seq_add(f->una, 16 * SEG);
	hystart_begin(&f->h, f->nxt);
}

/* A round of @n ACKs of a segment each, all with the RTT @rtt_us. */
static uint32_t fly(struct flow *f, int n, uint32_t rtt_us)
{
	uint32_t grown = 0;

	for (int i = 0; i < n; i++) {
		bool last = i == n - 1;

		f->una = last ? f->h.window_end : seq_add(f->una, 1);
		if (last)
			f->nxt = seq_add(f->una, 16 * SEG);
		grown += hystart_acked(&f->h, f->una, f->nxt, rtt_us, SEG);
	}
	return grown;
}

static void is_plain_slow_start_while_rtt_is_steady(void **state)
{
	struct flow f;

	(void)state;
	begin(&f);
	for (int round = 0; round < 20; round++) {
		assert_int_equal(fly(&f, 16, 50000), 16 * SEG);
		assert_int_equal(f.h.phase, HYSTART_SLOW_START);
	}
}

/* RttThresh = max(4 ms, min(lastRoundMinRTT / 8, 16 ms)) */
static void enters_css_at_the_threshold(void **state)
{
	static const struct {
		uint32_t rtt_us, thresh_us;
	} cases[] = {
		{ 1000, 4000 },    /* at least 4 ms */
		{ 32000, 4000 },   /* 32 / 8 */
		{ 80000, 10000 },  /* 80 / 8 */
		{ 128000, 16000 }, /* 128 / 8 */
		{ 500000, 16000 }, /* at most 16 ms */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t rise = cases[i].rtt_us + cases[i].thresh_us;
		struct flow f;

		begin(&f);
		fly(&f, 16, cases[i].rtt_us);
		fly(&f, 16, rise - 1);
		assert_int_equal(f.h.phase, HYSTART_SLOW_START);
		begin(&f);
		fly(&f, 16, cases[i].rtt_us);
		fly(&f, 16, rise);
		assert_int_equal(f.h.phase, HYSTART_CSS);
	}
}

static void wants_eight_samples(void **state)
{
	struct flow f;

	(void)state;
	begin(&f);
	fly(&f, 16, 50000);
	fly(&f, 7, 90000);
	assert_int_equal(f.h.phase, HYSTART_SLOW_START);
	/* Those without a sample do not count. */
	begin(&f);
	fly(&f, 16, 50000);
	for (int i = 0; i < 7; i++)
		hystart_acked(&f.h, f.una, f.nxt, 90000, SEG);
	hystart_acked(&f.h, f.una, f.nxt, 0, SEG);
	assert_int_equal(f.h.phase, HYSTART_SLOW_START);
	hystart_acked(&f.h, f.una, f.nxt, 90000, SEG);
	assert_int_equal(f.h.phase, HYSTART_CSS);
}

static void one_small_sample_keeps_slow_start(void **state)
{
	struct flow f;

	(void)state;
	begin(&f);
	fly(&f, 16, 50000);
	hystart_acked(&f.h, f.una, f.nxt, 51000, SEG);
	fly(&f, 16, 90000); /* the least of the round is 51 ms */
	assert_int_equal(f.h.phase, HYSTART_SLOW_START);
}

static void css_grows_by_a_quarter_and_lasts_five_rounds(void **state)
{
	struct flow f;

	(void)state;
	begin(&f);
	fly(&f, 16, 50000);
	/* CSS begins at the 8th ACK: this round counts as the first. */
	assert_int_equal(fly(&f, 16, 90000), 8 * SEG + 8 * SEG / 4);
	for (int round = 2; round <= 5; round++) {
		assert_int_equal(f.h.phase, HYSTART_CSS);
		assert_int_equal(fly(&f, 16, 90000), 16 * SEG / 4);
	}
	assert_int_equal(f.h.phase, HYSTART_DONE);
}

static void goes_back_when_the_rtt_falls(void **state)
{
	struct flow f;

	(void)state;
	begin(&f);
	fly(&f, 16, 50000);
	fly(&f, 16, 90000);
	fly(&f, 16, 90000);
	assert_int_equal(f.h.phase, HYSTART_CSS);
	fly(&f, 16, 89999);
	assert_int_equal(f.h.phase, HYSTART_SLOW_START);
	assert_int_equal(fly(&f, 16, 89999), 16 * SEG);
	/* A later rise begins all five rounds again. */
	fly(&f, 16, 120000);
	for (int round = 2; round <= 5; round++) {
		assert_int_equal(f.h.phase, HYSTART_CSS);
		fly(&f, 16, 120000);
	}
	assert_int_equal(f.h.phase, HYSTART_DONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_plain_slow_start_while_rtt_is_steady),
		cmocka_unit_test(enters_css_at_the_threshold),
		cmocka_unit_test(wants_eight_samples),
		cmocka_unit_test(one_small_sample_keeps_slow_start),
		cmocka_unit_test(css_grows_by_a_quarter_and_lasts_five_rounds),
		cmocka_unit_test(goes_back_when_the_rtt_falls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
