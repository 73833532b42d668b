/*
 * test_ack_policy.c - when data is acknowledged (RFC 9293 3.8.6.3, RFC
 * 5681 4.2)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/ack_policy.h"

/* A connection whose first ACKs are behind it; segments hold 1448. */
static struct ack_policy settled(void)
{
	struct ack_policy p;

	ack_policy_begin(&p, 1460);
	for (int i = 0; i < ACK_QUICK; i++) {
		ack_in_order(&p, 1448, 1448);
		ack_sent(&p, false);
	}
	return p;
}

static void begins_with_an_ack_for_each_segment(void **state)
{
	struct ack_policy p;

	(void)state;
	ack_policy_begin(&p, 1460);
	assert_int_equal(ack_judge_when(&p), ACK_NONE);
	for (int i = 0; i < ACK_QUICK; i++) {
		ack_in_order(&p, 1448, 1448);
		assert_int_equal(ack_judge_when(&p), ACK_NOW);
		ack_sent(&p, false);
	}
	ack_in_order(&p, 1448, 1448);
	assert_int_equal(ack_judge_when(&p), ACK_LATER);
}

/* SHLD-19, also where options make segments smaller than the MSS. */
static void acknowledges_every_second_full_segment(void **state)
{
	struct ack_policy p = settled();

	(void)state;
	for (int i = 0; i < 10; i++) {
		ack_in_order(&p, 1448, 1448);
		assert_int_equal(ack_judge_when(&p), ACK_LATER);
		ack_in_order(&p, 1448, 1448);
		assert_int_equal(ack_judge_when(&p), ACK_NOW);
		ack_sent(&p, false);
		assert_int_equal(ack_judge_when(&p), ACK_NONE);
	}
}

static void a_super_frame_is_many_segments(void **state)
{
	struct ack_policy p = settled();

	(void)state;
	ack_in_order(&p, 45 * 1448, 1448);
	assert_int_equal(ack_judge_when(&p), ACK_NOW);
}

static void small_segments_wait(void **state)
{
	struct ack_policy p = settled();

	(void)state;
	for (int i = 0; i < 10; i++)
		ack_in_order(&p, 1, 1);
	assert_int_equal(ack_judge_when(&p), ACK_LATER);
	assert_int_equal(p.seg_size, 1448); /* keystrokes say nothing */
}

/* RFC 5681, 4.2: where the path became narrower, no stretch ACKs. */
static void learns_that_segments_became_smaller(void **state)
{
	struct ack_policy p = settled();

	(void)state;
	ack_in_order(&p, 1000, 1000);
	ack_in_order(&p, 1000, 1000);
	ack_sent(&p, false);
	ack_in_order(&p, 1000, 1000);
	assert_int_equal(ack_judge_when(&p), ACK_LATER);
	ack_in_order(&p, 1000, 1000);
	assert_int_equal(ack_judge_when(&p), ACK_NOW);
	assert_int_equal(p.seg_size, 1000);
}

static void answers_at_once_whatever_the_reason(void **state)
{
	(void)state;
	for (int why = ACK_OUT_OF_ORDER; why <= ACK_REFUSED; why++) {
		struct ack_policy p = settled();

		ack_at_once(&p, (enum ack_reason)why);
		assert_int_equal(ack_judge_when(&p), ACK_NOW);
		ack_sent(&p, false);
		assert_int_equal(ack_judge_when(&p), ACK_NONE);
	}
}

static void after_a_loss_each_segment_is_acknowledged(void **state)
{
	struct ack_policy p = settled();

	(void)state;
	ack_at_once(&p, ACK_OUT_OF_ORDER);
	ack_sent(&p, false);
	for (int i = 1; i < ACK_QUICK; i++) {
		ack_in_order(&p, 1448, 1448);
		assert_int_equal(ack_judge_when(&p), ACK_NOW);
		ack_sent(&p, false);
	}
	ack_in_order(&p, 1448, 1448);
	assert_int_equal(ack_judge_when(&p), ACK_LATER);
}

static void an_answer_carries_the_ack(void **state)
{
	struct ack_policy p;

	(void)state;
	ack_policy_begin(&p, 1460);
	/* Our request, before anything came: no sign of a conversation. */
	ack_sent(&p, true);
	ack_in_order(&p, 100, 100);
	assert_int_equal(ack_judge_when(&p), ACK_NOW);
	/* But this is one: from now on ACKs ride along. */
	ack_sent(&p, true);
	ack_in_order(&p, 100, 100);
	assert_int_equal(ack_judge_when(&p), ACK_LATER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_with_an_ack_for_each_segment),
		cmocka_unit_test(acknowledges_every_second_full_segment),
		cmocka_unit_test(a_super_frame_is_many_segments),
		cmocka_unit_test(small_segments_wait),
		cmocka_unit_test(learns_that_segments_became_smaller),
		cmocka_unit_test(answers_at_once_whatever_the_reason),
		cmocka_unit_test(after_a_loss_each_segment_is_acknowledged),
		cmocka_unit_test(an_answer_carries_the_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
