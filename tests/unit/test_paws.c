/*
 * test_paws.c - protection against wrapped sequence numbers (RFC 7323, 5)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/paws.h"

static const struct mono START = { 1000LL * NS_PER_S };
static const int64_t DAY_NS = 24LL * 3600 * NS_PER_S;

static struct paws begun(uint32_t ts)
{
	struct paws p;

	paws_begin(&p, ts, START);
	return p;
}

static void r1_refuses_an_older_timestamp(void **state)
{
	static const uint32_t recents[] = { 5, 0x80000000, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct paws p = begun(recents[i]);

		assert_int_equal(
		    paws_judge(&p, false, true, recents[i] - 1, START),
		    PAWS_OLD);
		assert_int_equal(
		    paws_judge(&p, false, true, recents[i] - 0x7fffffff, START),
		    PAWS_OLD);
		assert_int_equal(
		    paws_judge(&p, false, true, recents[i], START), PAWS_OK);
		assert_int_equal(
		    paws_judge(&p, false, true, recents[i] + 0x7fffffff, START),
		    PAWS_OK);
	}
}

static void rst_is_exempt(void **state)
{
	struct paws p = begun(100);

	(void)state;
	assert_int_equal(paws_judge(&p, true, true, 1, START), PAWS_OK);
	assert_int_equal(paws_judge(&p, true, false, 0, START), PAWS_OK);
}

static void a_segment_must_have_one_if_agreed(void **state)
{
	struct paws p = begun(100), none = { 0 };

	(void)state;
	assert_int_equal(paws_judge(&p, false, false, 0, START), PAWS_MISSING);
	assert_int_equal(paws_judge(&none, false, false, 0, START), PAWS_OK);
	assert_int_equal(paws_judge(&none, false, true, 1, START), PAWS_OK);
}

/* 5.5: idle for more than 24 days, the peer's clock may have wrapped. */
static void after_24_days_ts_recent_is_invalid(void **state)
{
	struct paws p = begun(100);
	struct mono in = mono_add(START, 24 * DAY_NS);
	struct mono past = mono_add(in, 1);

	(void)state;
	assert_int_equal(paws_judge(&p, false, true, 99, in), PAWS_OLD);
	assert_int_equal(paws_judge(&p, false, true, 99, past), PAWS_OK);
	/* And R3 takes the new one. */
	paws_update(&p, 99, seq_of(1), seq_of(1), past);
	assert_int_equal(p.ts_recent, 99);
	assert_int_equal(paws_judge(&p, false, true, 98, past), PAWS_OLD);
}

/* ---- 4.3: which timestamp to echo; letters as in the RFC's examples ---- */

enum {
	A = 100,
	B = 110,
	C = 120,
	D = 130,
	E = 140,
	END = 150
};

static void take(struct paws *p, uint32_t seq, uint32_t ts, uint32_t last_ack)
{
	assert_int_equal(paws_judge(p, false, true, ts, START), PAWS_OK);
	paws_update(p, ts, seq_of(seq), seq_of(last_ack), START);
}

static void delayed_acks_echo_the_earliest(void **state)
{
	struct paws p = begun(0);

	(void)state;
	take(&p, A, 1, A);
	take(&p, B, 2, A);
	take(&p, C, 3, A);
	assert_int_equal(p.ts_recent, 1);
	take(&p, D, 4, D); /* after ACK(C) */
	assert_int_equal(p.ts_recent, 4);
}

static void a_hole_echoes_what_last_advanced(void **state)
{
	struct paws p = begun(0);

	(void)state;
	take(&p, A, 1, A);
	take(&p, C, 3, B);
	assert_int_equal(p.ts_recent, 1);
	take(&p, B, 2, B); /* fills it */
	assert_int_equal(p.ts_recent, 2);
	take(&p, E, 5, D);
	assert_int_equal(p.ts_recent, 2);
	take(&p, D, 4, D);
	assert_int_equal(p.ts_recent, 4);
	(void)END;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(r1_refuses_an_older_timestamp),
		cmocka_unit_test(rst_is_exempt),
		cmocka_unit_test(a_segment_must_have_one_if_agreed),
		cmocka_unit_test(after_24_days_ts_recent_is_invalid),
		cmocka_unit_test(delayed_acks_echo_the_earliest),
		cmocka_unit_test(a_hole_echoes_what_last_advanced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
