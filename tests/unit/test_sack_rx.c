/*
 * test_sack_rx.c - the tables of RFC 2018 and RFC 2883, line by line
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/sack_rx.h"
#include "tests/harness/random.h"

/* The RFCs' numbers are offsets from here, so that all wrap in the middle. */
static const uint32_t ISN = 0xffffffff - 2500;

struct rx {
	struct sack_rx s;
	tcp_seq rcv_nxt;
};

static struct rx rx_at(uint32_t rcv_nxt)
{
	struct rx r = { .rcv_nxt = seq_of(ISN + rcv_nxt) };

	sack_rx_init(&r.s);
	return r;
}

/* A segment arrives, as input would tell it. */
static void arrives(struct rx *r, uint32_t left, uint32_t right)
{
	tcp_seq l = seq_of(ISN + left), e = seq_of(ISN + right);

	if (seq_leq(e, r->rcv_nxt))
		sack_rx_duplicate(&r->s, l, e);
	else
		assert_int_equal(sack_rx_arrived(&r->s, &r->rcv_nxt, l, e), 0);
}

/* The ACK that is sent now; @want is pairs, ended by a pair of zeros. */
static void acks(struct rx *r, uint32_t ack, const uint32_t want[][2])
{
	struct tcp_sack got[TCP_MAX_SACK];
	uint32_t n = sack_rx_take(&r->s, got, 3, true);
	uint32_t i = 0;

	assert_int_equal(r->rcv_nxt.n - ISN, ack);
	for (; want[i][1] != 0; i++) {
		assert_true(i < n);
		assert_int_equal(got[i].left.n - ISN, want[i][0]);
		assert_int_equal(got[i].right.n - ISN, want[i][1]);
	}
	assert_int_equal(n, i);
}

#define ACKS(r, ack, ...) \
	acks(r, ack, (const uint32_t[][2]){ __VA_ARGS__, { 0, 0 } })
#define NO_BLOCK     \
	{            \
		0, 0 \
	}

/* ---- RFC 2018, section 7: eight segments of 500 from 5000 on ---- */

static void rfc2018_case_1_the_last_four_are_dropped(void **state)
{
	struct rx r = rx_at(5000);

	(void)state;
	for (uint32_t seq = 5000; seq < 7000; seq += 500) {
		arrives(&r, seq, seq + 500);
		ACKS(&r, seq + 500, NO_BLOCK);
	}
}

static void rfc2018_case_2_the_first_is_dropped(void **state)
{
	struct rx r = rx_at(5000);

	(void)state;
	for (uint32_t seq = 5500; seq < 9000; seq += 500) {
		arrives(&r, seq, seq + 500);
		ACKS(&r, 5000, { 5500, seq + 500 });
	}
}

static void rfc2018_case_3_every_second_is_dropped(void **state)
{
	struct rx r = rx_at(5000);

	(void)state;
	arrives(&r, 5000, 5500);
	ACKS(&r, 5500, NO_BLOCK);
	arrives(&r, 6000, 6500);
	ACKS(&r, 5500, { 6000, 6500 });
	arrives(&r, 7000, 7500);
	ACKS(&r, 5500, { 7000, 7500 }, { 6000, 6500 });
	arrives(&r, 8000, 8500);
	ACKS(&r, 5500, { 8000, 8500 }, { 7000, 7500 }, { 6000, 6500 });
	arrives(&r, 6500, 7000);
	ACKS(&r, 5500, { 6000, 7500 }, { 8000, 8500 });
	arrives(&r, 5500, 6000);
	ACKS(&r, 7500, { 8000, 8500 });
}

static void rfc2018_reports_a_block_in_three_acks(void **state)
{
	struct rx r = rx_at(0);

	(void)state;
	for (uint32_t seq = 1000; seq < 5000; seq += 1000)
		arrives(&r, seq, seq + 500);
	ACKS(&r, 0, { 4000, 4500 }, { 3000, 3500 }, { 2000, 2500 });
	arrives(&r, 5000, 5500);
	ACKS(&r, 0, { 5000, 5500 }, { 4000, 4500 }, { 3000, 3500 });
	/* One that lies far back is the newest again when it grows. */
	arrives(&r, 1500, 1600);
	ACKS(&r, 0, { 1000, 1600 }, { 5000, 5500 }, { 4000, 4500 });
	arrives(&r, 6000, 6500);
	ACKS(&r, 0, { 6000, 6500 }, { 1000, 1600 }, { 5000, 5500 });
}

static void fills_the_option_with_older_blocks(void **state)
{
	struct rx r = rx_at(0);

	(void)state;
	for (uint32_t seq = 1000; seq < 7000; seq += 1000)
		arrives(&r, seq, seq + 500);
	/* 3000 to 6500 were recent and are now in order. */
	arrives(&r, 2500, 6000);
	ACKS(&r, 0, { 3000, 3500 }, { 2000, 6500 }, { 1000, 1500 });
	ACKS(&r, 0, { 2000, 6500 }, { 1000, 1500 });
}

/* ---- RFC 2883, section 4.1: whole duplicates ---- */

static void rfc2883_example_1_a_duplicate(void **state)
{
	struct rx r = rx_at(3000);

	(void)state;
	arrives(&r, 3000, 3500);
	ACKS(&r, 3500, NO_BLOCK);
	arrives(&r, 3500, 4000);
	ACKS(&r, 4000, NO_BLOCK);
	arrives(&r, 3000, 3500);
	ACKS(&r, 4000, { 3000, 3500 });
	/* Rule 2: only once. */
	ACKS(&r, 4000, NO_BLOCK);
}

static void rfc2883_example_2_out_of_order_and_a_duplicate(void **state)
{
	struct rx r = rx_at(3000);

	(void)state;
	arrives(&r, 3000, 3500);
	arrives(&r, 3500, 4000);
	ACKS(&r, 4000, NO_BLOCK);
	arrives(&r, 4500, 5000);
	ACKS(&r, 4000, { 4500, 5000 });
	arrives(&r, 3000, 3500);
	ACKS(&r, 4000, { 3000, 3500 }, { 4500, 5000 });
}

static void rfc2883_example_3_a_duplicate_out_of_order(void **state)
{
	struct rx r = rx_at(3500);

	(void)state;
	arrives(&r, 3500, 4000);
	ACKS(&r, 4000, NO_BLOCK);
	arrives(&r, 4500, 5000);
	ACKS(&r, 4000, { 4500, 5000 });
	arrives(&r, 5000, 5500);
	ACKS(&r, 4000, { 4500, 5500 });
	arrives(&r, 5000, 5500);
	ACKS(&r, 4000, { 5000, 5500 }, { 4500, 5500 });
	ACKS(&r, 4000, { 4500, 5500 });
}

/* ---- RFC 2883, section 4.2: parts that are duplicates ---- */

static void rfc2883_example_4_one_part(void **state)
{
	struct rx r = rx_at(500);

	(void)state;
	arrives(&r, 500, 1000);
	ACKS(&r, 1000, NO_BLOCK);
	arrives(&r, 2000, 2500);
	ACKS(&r, 1000, { 2000, 2500 });
	arrives(&r, 1000, 1500);
	ACKS(&r, 1500, { 2000, 2500 });
	arrives(&r, 1000, 2000);
	ACKS(&r, 2500, { 1000, 1500 });
}

static void rfc2883_example_5_two_parts_below_the_ack(void **state)
{
	struct rx r = rx_at(500);

	(void)state;
	arrives(&r, 500, 1000);
	ACKS(&r, 1000, NO_BLOCK);
	arrives(&r, 3000, 3500);
	ACKS(&r, 1000, { 3000, 3500 });
	arrives(&r, 1000, 1500);
	ACKS(&r, 1500, { 3000, 3500 });
	arrives(&r, 2000, 2500);
	ACKS(&r, 1500, { 2000, 2500 }, { 3000, 3500 });
	arrives(&r, 1000, 2500);
	ACKS(&r, 2500, { 1000, 1500 }, { 3000, 3500 });
}

/* The delayed ones are 1500 and 2500, as "Transmitted" has it. */
static void rfc2883_example_6_two_parts_above_the_ack(void **state)
{
	struct rx r = rx_at(500);

	(void)state;
	arrives(&r, 500, 1000);
	ACKS(&r, 1000, NO_BLOCK);
	arrives(&r, 3500, 4000);
	ACKS(&r, 1000, { 3500, 4000 });
	arrives(&r, 1500, 2000);
	ACKS(&r, 1000, { 1500, 2000 }, { 3500, 4000 });
	arrives(&r, 2500, 3000);
	ACKS(&r, 1000, { 2500, 3000 }, { 1500, 2000 }, { 3500, 4000 });
	arrives(&r, 1500, 3000);
	ACKS(&r, 1000, { 1500, 2000 }, { 1500, 3000 }, { 3500, 4000 });
}

/* ---- RFC 2883, section 5: where duplicates come from ---- */

static void rfc2883_5_1_replicated_by_the_network(void **state)
{
	struct rx r = rx_at(500);

	(void)state;
	arrives(&r, 500, 1000);
	arrives(&r, 1000, 1500);
	ACKS(&r, 1500, NO_BLOCK);
	arrives(&r, 1000, 1500);
	ACKS(&r, 1500, { 1000, 1500 });
}

static void rfc2883_5_2_false_retransmit(void **state)
{
	struct rx r = rx_at(500);

	(void)state;
	arrives(&r, 500, 1000);
	for (uint32_t seq = 1500; seq < 3000; seq += 500) {
		arrives(&r, seq, seq + 500);
		ACKS(&r, 1000, { 1500, seq + 500 });
	}
	arrives(&r, 1000, 1500);
	ACKS(&r, 3000, NO_BLOCK);
	arrives(&r, 1000, 1500);
	ACKS(&r, 3000, { 1000, 1500 });
}

static void reports_the_first_of_two_duplicates_in_one_turn(void **state)
{
	struct rx r = rx_at(2000);

	(void)state;
	arrives(&r, 0, 500);
	arrives(&r, 500, 1000);
	ACKS(&r, 2000, { 0, 500 });
	ACKS(&r, 2000, NO_BLOCK);
}

static void says_nothing_of_duplicates_when_told_so(void **state)
{
	struct rx r = rx_at(2000);
	struct tcp_sack got[TCP_MAX_SACK];

	(void)state;
	arrives(&r, 0, 500);
	arrives(&r, 3000, 4000);
	assert_int_equal(sack_rx_take(&r.s, got, 4, false), 1);
	assert_int_equal(got[0].left.n - ISN, 3000);
	assert_int_equal(sack_rx_take(&r.s, got, 4, true), 1);
	assert_int_equal(sack_rx_take(&r.s, got, 0, true), 0);
}

/* ---- When it is full ---- */

static void drops_what_would_begin_one_block_too_many(void **state)
{
	struct rx r = rx_at(0), before;
	tcp_seq l = seq_of(ISN + 50000), e = seq_of(ISN + 50010);

	(void)state;
	for (uint32_t i = 0; i < RANGES_MAX; i++)
		arrives(&r, 100 + i * 100, 150 + i * 100);
	before = r;
	assert_false(sack_rx_has_room(&r.s, r.rcv_nxt, l, e));
	assert_int_equal(sack_rx_arrived(&r.s, &r.rcv_nxt, l, e), -ENOSPC);
	assert_memory_equal(&r, &before, sizeof(r));
	/* What touches a block is taken, and what is next in order. */
	arrives(&r, 150, 160);
	arrives(&r, 190, 200);
	arrives(&r, 160, 190);
	assert_int_equal(r.s.ooo.n, RANGES_MAX - 1);
	arrives(&r, 50000, 50010);
	arrives(&r, 0, 100);
	assert_int_equal(r.rcv_nxt.n - ISN, 250);
}

/* ---- Against a bit for each byte ---- */

enum {
	SPACE = 4000,
};

static void check_blocks(struct rx *r, uint32_t isn, const bool *got,
    bool advanced, uint32_t left, uint32_t right)
{
	struct tcp_sack b[TCP_MAX_SACK];
	uint32_t max = TCP_MAX_SACK;
	uint32_t n = sack_rx_take(&r->s, b, max, false);
	uint32_t want = r->s.ooo.n < max ? r->s.ooo.n : max;

	assert_int_equal(n, want);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t l = b[i].left.n - isn, e = b[i].right.n - isn;

		assert_true(l < e && seq_gt(b[i].left, r->rcv_nxt));
		assert_false(got[l - 1] || got[e]);
		for (uint32_t k = l; k < e; k++)
			assert_true(got[k]);
		for (uint32_t k = 0; k < i; k++)
			assert_false(seq_eq(b[i].left, b[k].left));
	}
	if (!advanced) {
		assert_true(b[0].left.n - isn <= left);
		assert_true(b[0].right.n - isn >= right);
	}
}

static void holds_what_a_bit_for_each_byte_says(void **state)
{
	struct random rnd = { 2883 };

	(void)state;
	for (int round = 0; round < 60; round++) {
		uint32_t isn = 0U - random_below(&rnd, SPACE);
		bool got[SPACE + 1] = { false };
		struct rx r = { .rcv_nxt = seq_of(isn) };
		uint32_t nxt = 0;

		sack_rx_init(&r.s);
		while (nxt < SPACE - 100) {
			uint32_t l = nxt + random_below(&rnd, 300);
			uint32_t e = l + 1 + random_below(&rnd, 80);
			tcp_seq left, right;

			l -= l - nxt > 250 ? l - nxt : 0;
			l -= l > 5 && random_chance(&rnd, 5) ? 5 : 0;
			if (e > SPACE)
				e = SPACE;
			if (l >= e || e <= nxt)
				continue;
			left = seq_of(isn + l);
			right = seq_of(isn + e);
			if (sack_rx_arrived(&r.s, &r.rcv_nxt, left, right) <
			    0) {
				assert_int_equal(r.s.ooo.n, RANGES_MAX);
				continue;
			}
			for (uint32_t k = l; k < e; k++)
				got[k] = true;
			while (got[nxt])
				nxt++;
			assert_int_equal(r.rcv_nxt.n - isn, nxt);
			check_blocks(&r, isn, got, l < nxt, l, e);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc2018_case_1_the_last_four_are_dropped),
		cmocka_unit_test(rfc2018_case_2_the_first_is_dropped),
		cmocka_unit_test(rfc2018_case_3_every_second_is_dropped),
		cmocka_unit_test(rfc2018_reports_a_block_in_three_acks),
		cmocka_unit_test(fills_the_option_with_older_blocks),
		cmocka_unit_test(rfc2883_example_1_a_duplicate),
		cmocka_unit_test(
		    rfc2883_example_2_out_of_order_and_a_duplicate),
		cmocka_unit_test(rfc2883_example_3_a_duplicate_out_of_order),
		cmocka_unit_test(rfc2883_example_4_one_part),
		cmocka_unit_test(rfc2883_example_5_two_parts_below_the_ack),
		cmocka_unit_test(rfc2883_example_6_two_parts_above_the_ack),
		cmocka_unit_test(rfc2883_5_1_replicated_by_the_network),
		cmocka_unit_test(rfc2883_5_2_false_retransmit),
		cmocka_unit_test(
		    reports_the_first_of_two_duplicates_in_one_turn),
		cmocka_unit_test(says_nothing_of_duplicates_when_told_so),
		cmocka_unit_test(drops_what_would_begin_one_block_too_many),
		cmocka_unit_test(holds_what_a_bit_for_each_byte_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
