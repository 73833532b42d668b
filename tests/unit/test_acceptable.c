/*
 * test_acceptable.c - the acceptability tests of RFC 9293, 3.10.7.4, and RFC
 * 5961
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/acceptable.h"

/* Around the wrap and around the sign. */
static const uint32_t BASES[] = { 0, 1000, 0x7fffff00, 0xfffffff0, 0xffffffff };

enum {
	NBASES = sizeof(BASES) / sizeof(BASES[0]),
};

/* ---- First: table 6 ---- */

static void table_6_row_by_row(void **state)
{
	/* Offsets from RCV.NXT. */
	static const struct {
		const char *why;
		int32_t seq;
		uint32_t len, wnd;
		enum seg_verdict want;
	} cases[] = {
		{ "0, 0: RCV.NXT", 0, 0, 0, SEG_OK },
		{ "0, 0: before", -1, 0, 0, SEG_OLD },
		{ "0, 0: behind", 1, 0, 0, SEG_AHEAD },
		{ "0, >0: left edge", 0, 0, 100, SEG_OK },
		{ "0, >0: last number", 99, 0, 100, SEG_OK },
		{ "0, >0: right edge", 100, 0, 100, SEG_ACK_ONLY },
		{ "0, >0: behind it", 101, 0, 100, SEG_AHEAD },
		{ "0, >0: keepalive", -1, 0, 100, SEG_OLD },
		{ ">0, 0: a probe", 0, 1, 0, SEG_ACK_ONLY },
		{ ">0, 0: old data", -10, 10, 0, SEG_OLD },
		{ ">0, 0: ahead", 1, 10, 0, SEG_AHEAD },
		{ ">0, >0: in order", 0, 10, 100, SEG_OK },
		{ ">0, >0: last number", 99, 10, 100, SEG_OK },
		{ ">0, >0: right edge", 100, 10, 100, SEG_AHEAD },
		{ ">0, >0: ends before", -10, 10, 100, SEG_OLD },
		{ ">0, >0: one new byte", -10, 11, 100, SEG_OK },
		{ ">0, >0: fills it", 0, 100, 100, SEG_OK },
		{ ">0, >0: covers it", -10, 1000, 100, SEG_OK },
		{ ">0, >0: garbage octet", -1, 1, 100, SEG_OLD },
	};

	(void)state;
	for (size_t b = 0; b < NBASES; b++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			tcp_seq nxt = seq_of(BASES[b]);
			tcp_seq seq = seq_add(nxt, (uint32_t)cases[i].seq);

			if (seg_judge(seq, cases[i].len, nxt, cases[i].wnd) !=
			    cases[i].want)
				fail_msg("%s", cases[i].why);
		}
	}
}

/* Every small segment against every small window, by counting numbers. */
static void agrees_with_the_definition(void **state)
{
	(void)state;
	for (int seq = -6; seq <= 12; seq++) {
		for (int len = 1; len <= 12; len++) {
			for (int wnd = 0; wnd <= 6; wnd++) {
				tcp_seq nxt = seq_of(3); /* wraps below */
				bool overlap = false;

				for (int k = seq; k < seq + len; k++)
					overlap |= k >= 0 && k < wnd;
				assert_int_equal(
				    seg_judge(seq_add(nxt, (uint32_t)seq),
					(uint32_t)len, nxt,
					(uint32_t)wnd) == SEG_OK,
				    overlap);
			}
		}
	}
}

static void trims_to_the_window(void **state)
{
	/* seq, data, fin, window; want seq, skip, len, fin */
	static const struct {
		const char *why;
		int32_t seq;
		bool syn;
		uint32_t data;
		bool fin;
		uint32_t wnd;
		int32_t want_seq;
		uint32_t skip, len;
		bool want_fin;
	} cases[] = {
		{ "whole", 0, 0, 10, 1, 100, 0, 0, 10, true },
		{ "new part", -4, 0, 10, 1, 100, 0, 4, 6, true },
		{ "only the FIN is new", -10, 0, 10, 1, 100, 0, 10, 0, true },
		{ "right part cut", 95, 0, 10, 1, 100, 95, 0, 5, false },
		{ "FIN just out", 90, 0, 10, 1, 100, 90, 0, 10, false },
		{ "FIN just in", 90, 0, 9, 1, 100, 90, 0, 9, true },
		{ "both cut", -5, 0, 200, 1, 100, 0, 5, 100, false },
		{ "SYN is old", -1, 1, 10, 0, 100, 0, 0, 10, false },
		{ "SYN and data old", -5, 1, 10, 0, 100, 0, 4, 6, false },
		{ "empty", 0, 0, 0, 0, 100, 0, 0, 0, false },
		{ "bare FIN", 0, 0, 0, 1, 100, 0, 0, 0, true },
		{ "bare FIN, no window", 0, 0, 0, 1, 0, 0, 0, 0, false },
	};

	(void)state;
	for (size_t b = 0; b < NBASES; b++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			tcp_seq nxt = seq_of(BASES[b]);
			struct seg_text t = seg_trim(
			    seq_add(nxt, (uint32_t)cases[i].seq), cases[i].syn,
			    cases[i].data, cases[i].fin, nxt, cases[i].wnd);

			if (seq_diff(t.seq, nxt) != cases[i].want_seq ||
			    t.skip != cases[i].skip || t.len != cases[i].len ||
			    t.fin != cases[i].want_fin)
				fail_msg("%s", cases[i].why);
		}
	}
}

/* ---- Second: RST (RFC 5961, 3.2) ---- */

static void rst_must_hit_rcv_nxt(void **state)
{
	(void)state;
	for (size_t b = 0; b < NBASES; b++) {
		tcp_seq nxt = seq_of(BASES[b]);

		assert_int_equal(rst_judge(nxt, nxt, 1000), RST_RESET);
		assert_int_equal(rst_judge(nxt, nxt, 0), RST_RESET);
		assert_int_equal(
		    rst_judge(seq_add(nxt, 1), nxt, 1000), RST_CHALLENGE);
		assert_int_equal(
		    rst_judge(seq_add(nxt, 999), nxt, 1000), RST_CHALLENGE);
		assert_int_equal(
		    rst_judge(seq_add(nxt, 1000), nxt, 1000), RST_DROP);
		assert_int_equal(
		    rst_judge(seq_sub(nxt, 1), nxt, 1000), RST_DROP);
		assert_int_equal(rst_judge(seq_add(nxt, 1), nxt, 0), RST_DROP);
	}
}

static void rst_in_syn_sent_must_acknowledge_the_syn(void **state)
{
	tcp_seq iss = seq_of(0xffffffff), nxt = seq_add(iss, 1);

	(void)state;
	assert_int_equal(rst_judge_syn_sent(true, nxt, iss, nxt), RST_RESET);
	assert_int_equal(rst_judge_syn_sent(false, nxt, iss, nxt), RST_DROP);
	assert_int_equal(rst_judge_syn_sent(true, iss, iss, nxt), RST_DROP);
	assert_int_equal(
	    rst_judge_syn_sent(true, seq_add(nxt, 1), iss, nxt), RST_DROP);
}

/* ---- Fourth: SYN ---- */

static void syn_in_a_synchronized_state_is_challenged(void **state)
{
	(void)state;
	for (unsigned s = TCP_SYN_RECEIVED; s < TCP_TIME_WAIT; s++)
		assert_int_equal(
		    syn_judge((enum tcp_state)s, false), SYN_CHALLENGE);
	assert_int_equal(syn_judge(TCP_SYN_RECEIVED, true), SYN_LISTEN);
	assert_int_equal(syn_judge(TCP_ESTABLISHED, true), SYN_CHALLENGE);
}

/* RFC 6191, 2, each bullet. */
static void syn_in_time_wait_must_be_newer(void **state)
{
	static const struct {
		const char *why;
		bool had_ts, ts;
		int32_t ts_later, seq_later;
		enum syn_verdict want;
	} cases[] = {
		{ "newer timestamp", 1, 1, 1, -5, SYN_REOPEN },
		{ "equal, newer number", 1, 1, 0, 1, SYN_REOPEN },
		{ "equal, old number", 1, 1, 0, 0, SYN_DROP },
		{ "older timestamp", 1, 1, -1, 5, SYN_DROP },
		{ "none now, newer number", 1, 0, 0, 1, SYN_REOPEN },
		{ "none now, old number", 1, 0, 0, 0, SYN_DROP },
		{ "had none, has one", 0, 1, -9, -9, SYN_REOPEN },
		{ "never any, newer number", 0, 0, 0, 1, SYN_REOPEN },
		{ "never any, old number", 0, 0, 0, -1, SYN_DROP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct time_wait tw = {
			.last = seq_of(0xffffffff),
			.had_ts = cases[i].had_ts,
			.ts_recent = 0xffffffff,
		};
		tcp_seq seq = seq_add(tw.last, (uint32_t)cases[i].seq_later);
		uint32_t ts = tw.ts_recent + (uint32_t)cases[i].ts_later;

		if (syn_judge_time_wait(&tw, seq, cases[i].ts, ts) !=
		    cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

/* ---- Fifth: ACK (RFC 5961, 5.2) ---- */

static void ack_must_be_in_range(void **state)
{
	(void)state;
	for (size_t b = 0; b < NBASES; b++) {
		tcp_seq una = seq_of(BASES[b]), nxt = seq_add(una, 500);

		assert_int_equal(ack_judge(nxt, una, nxt, 99), ACK_ADVANCES);
		assert_int_equal(
		    ack_judge(seq_add(una, 1), una, nxt, 99), ACK_ADVANCES);
		assert_int_equal(ack_judge(una, una, nxt, 99), ACK_DUPLICATE);
		assert_int_equal(
		    ack_judge(seq_sub(una, 1), una, nxt, 99), ACK_OLD);
		assert_int_equal(
		    ack_judge(seq_sub(una, 99), una, nxt, 99), ACK_OLD);
		assert_int_equal(
		    ack_judge(seq_sub(una, 100), una, nxt, 99), ACK_ANCIENT);
		assert_int_equal(
		    ack_judge(seq_add(nxt, 1), una, nxt, 99), ACK_UNSENT);
		assert_int_equal(
		    ack_judge(seq_add(nxt, 1U << 30), una, nxt, 99),
		    ACK_UNSENT);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_6_row_by_row),
		cmocka_unit_test(agrees_with_the_definition),
		cmocka_unit_test(trims_to_the_window),
		cmocka_unit_test(rst_must_hit_rcv_nxt),
		cmocka_unit_test(rst_in_syn_sent_must_acknowledge_the_syn),
		cmocka_unit_test(syn_in_a_synchronized_state_is_challenged),
		cmocka_unit_test(syn_in_time_wait_must_be_newer),
		cmocka_unit_test(ack_must_be_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
