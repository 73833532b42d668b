/*
 * test_ecn.c - ECN from the handshake to the last CWR (RFC 3168, 6.1)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/ecn.h"
#include "tcpd/tcp_wire.h"

enum {
	BOTH = TCP_ECE | TCP_CWR,
};

static struct ecn agreed(void)
{
	struct ecn e = { 0 };

	ecn_restore(&e, true);
	return e;
}

/* ---- The handshake, 6.1.1 ---- */

static void both_ends_agree(void **state)
{
	struct ecn a = { 0 }, b = { 0 };
	uint16_t syn = ecn_syn_flags(&a, ECN_ASK, 0);

	(void)state;
	assert_int_equal(syn, BOTH);
	ecn_syn_received(&b, ECN_ANSWER, syn);
	assert_int_equal(ecn_syn_ack_flags(&b), TCP_ECE);
	ecn_syn_ack_received(&a, ecn_syn_ack_flags(&b));
	assert_true(ecn_on(&a));
	assert_true(ecn_on(&b));
}

static void only_an_ecn_setup_syn_is_agreed_to(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags <= BOTH; flags += TCP_ECE) {
		struct ecn b = { 0 };

		ecn_syn_received(&b, ECN_ANSWER, (uint16_t)flags);
		assert_int_equal(ecn_on(&b), flags == BOTH);
		ecn_syn_received(&b, ECN_OFF, (uint16_t)flags);
		assert_int_equal(ecn_syn_ack_flags(&b), 0);
	}
}

static void reflected_flags_are_no_agreement(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags <= BOTH; flags += TCP_ECE) {
		struct ecn a = { 0 };

		ecn_syn_flags(&a, ECN_ASK, 0);
		ecn_syn_ack_received(&a, (uint16_t)flags);
		assert_int_equal(ecn_on(&a), flags == TCP_ECE);
	}
}

static void who_did_not_ask_has_no_agreement(void **state)
{
	struct ecn a = { 0 };

	(void)state;
	assert_int_equal(ecn_syn_flags(&a, ECN_ANSWER, 0), 0);
	ecn_syn_ack_received(&a, TCP_ECE);
	assert_false(ecn_on(&a));
}

/* 6.1.1.1: a SYN that asks may be what a box drops. */
static void third_syn_asks_no_more_and_forbids_ect(void **state)
{
	struct ecn a = { 0 }, b = { 0 };
	enum ecn_field field;

	(void)state;
	assert_int_equal(ecn_syn_flags(&a, ECN_ASK, 0), BOTH);
	assert_int_equal(ecn_syn_flags(&a, ECN_ASK, 1), BOTH);
	assert_int_equal(ecn_syn_flags(&a, ECN_ASK, 2), 0);

	/* The peer had the first one after all, and now has the last. */
	ecn_syn_received(&b, ECN_ANSWER, BOTH);
	ecn_syn_received(&b, ECN_ANSWER, 0);
	assert_int_equal(ecn_syn_ack_flags(&b), 0);

	/* Or it had only the first: we echo its marks, but send no ECT. */
	ecn_syn_ack_received(&a, TCP_ECE);
	ecn_received(&a, ECN_CE, 0, true);
	assert_int_equal(ecn_send(&a, ECN_NEW_DATA, &field), TCP_ECE);
	assert_int_equal(field, ECN_NOT_ECT);
}

/* ---- The receiver, 6.1.3 ---- */

static void echoes_ce_until_cwr(void **state)
{
	struct ecn e = agreed();
	enum ecn_field field;

	(void)state;
	ecn_received(&e, ECN_ECT0, 0, true);
	assert_int_equal(ecn_send(&e, ECN_PURE_ACK, &field), 0);

	ecn_received(&e, ECN_CE, 0, true);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ecn_send(&e, ECN_PURE_ACK, &field), TCP_ECE);
		ecn_received(&e, ECN_ECT0, 0, true);
	}
	ecn_received(&e, ECN_ECT0, TCP_CWR, true);
	assert_int_equal(ecn_send(&e, ECN_PURE_ACK, &field), 0);

	/* CWR and CE at once: the congestion is newer than the reduction. */
	ecn_received(&e, ECN_CE, TCP_CWR, true);
	assert_int_equal(ecn_send(&e, ECN_PURE_ACK, &field), TCP_ECE);
}

static void says_when_an_ack_must_not_wait(void **state)
{
	struct ecn e = agreed();

	(void)state;
	assert_false(ecn_received(&e, ECN_ECT0, 0, true));
	assert_true(ecn_received(&e, ECN_CE, 0, true));
	assert_false(ecn_received(&e, ECN_CE, 0, true));
	assert_true(ecn_received(&e, ECN_ECT0, 0, true));
	assert_false(ecn_received(&e, ECN_CE, 0, false)); /* 6.1.4 */
}

static void without_agreement_ce_means_nothing(void **state)
{
	struct ecn e = { 0 };
	enum ecn_field field;

	(void)state;
	ecn_received(&e, ECN_CE, 0, true);
	assert_int_equal(ecn_send(&e, ECN_PURE_ACK, &field), 0);
	assert_false(ecn_echoed(&e, TCP_ACK | TCP_ECE));
	ecn_window_reduced(&e);
	assert_int_equal(ecn_send(&e, ECN_NEW_DATA, &field), 0);
	assert_int_equal(field, ECN_NOT_ECT);
}

/* ---- The sender, 6.1.2, 6.1.4, 6.1.5 ---- */

static void only_new_data_is_ect(void **state)
{
	struct ecn e = agreed();
	enum ecn_field field;

	(void)state;
	ecn_send(&e, ECN_NEW_DATA, &field);
	assert_int_equal(field, ECN_ECT0);
	ecn_send(&e, ECN_PURE_ACK, &field);
	assert_int_equal(field, ECN_NOT_ECT);
	ecn_send(&e, ECN_RETRANSMIT, &field);
	assert_int_equal(field, ECN_NOT_ECT);
}

static void cwr_goes_once_on_the_next_new_data(void **state)
{
	struct ecn e = agreed();
	enum ecn_field field;

	(void)state;
	assert_true(ecn_echoed(&e, TCP_ACK | TCP_ECE));
	assert_false(ecn_echoed(&e, TCP_ACK));
	assert_false(ecn_echoed(&e, TCP_SYN | TCP_ACK | TCP_ECE));
	ecn_window_reduced(&e);
	assert_int_equal(ecn_send(&e, ECN_PURE_ACK, &field), 0);
	assert_int_equal(ecn_send(&e, ECN_RETRANSMIT, &field), 0);
	assert_int_equal(ecn_send(&e, ECN_NEW_DATA, &field), TCP_CWR);
	assert_int_equal(ecn_send(&e, ECN_NEW_DATA, &field), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_agree),
		cmocka_unit_test(only_an_ecn_setup_syn_is_agreed_to),
		cmocka_unit_test(reflected_flags_are_no_agreement),
		cmocka_unit_test(who_did_not_ask_has_no_agreement),
		cmocka_unit_test(third_syn_asks_no_more_and_forbids_ect),
		cmocka_unit_test(echoes_ce_until_cwr),
		cmocka_unit_test(says_when_an_ack_must_not_wait),
		cmocka_unit_test(without_agreement_ce_means_nothing),
		cmocka_unit_test(only_new_data_is_ect),
		cmocka_unit_test(cwr_goes_once_on_the_next_new_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
