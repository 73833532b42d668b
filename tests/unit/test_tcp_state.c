/*
 * test_tcp_state.c - the arrows between the eleven states
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/state.h"

/* RFC 9293, figure 5, its notes, and the paths of 3.10.7.4, one by one. */
static const struct {
	enum tcp_state from, to;
} ARROWS[] = {
	{ TCP_CLOSED, TCP_LISTEN },            /* passive OPEN */
	{ TCP_CLOSED, TCP_SYN_SENT },          /* active OPEN */
	{ TCP_CLOSED, TCP_SYN_RECEIVED },      /* a listener's child */
	{ TCP_LISTEN, TCP_SYN_RECEIVED },      /* rcv SYN */
	{ TCP_LISTEN, TCP_SYN_SENT },          /* SEND */
	{ TCP_SYN_SENT, TCP_SYN_RECEIVED },    /* SYNs cross */
	{ TCP_SYN_SENT, TCP_ESTABLISHED },     /* rcv SYN,ACK */
	{ TCP_SYN_RECEIVED, TCP_LISTEN },      /* note 1 */
	{ TCP_SYN_RECEIVED, TCP_ESTABLISHED }, /* rcv ACK of SYN */
	{ TCP_SYN_RECEIVED, TCP_FIN_WAIT_1 },  /* CLOSE */
	{ TCP_SYN_RECEIVED, TCP_CLOSE_WAIT },  /* rcv FIN */
	{ TCP_ESTABLISHED, TCP_FIN_WAIT_1 },   /* CLOSE */
	{ TCP_ESTABLISHED, TCP_CLOSE_WAIT },   /* rcv FIN */
	{ TCP_FIN_WAIT_1, TCP_FIN_WAIT_2 },    /* rcv ACK of FIN */
	{ TCP_FIN_WAIT_1, TCP_CLOSING },       /* rcv FIN */
	{ TCP_FIN_WAIT_1, TCP_TIME_WAIT },     /* note 2 */
	{ TCP_FIN_WAIT_2, TCP_TIME_WAIT },     /* rcv FIN */
	{ TCP_CLOSE_WAIT, TCP_LAST_ACK },      /* CLOSE */
	{ TCP_CLOSING, TCP_TIME_WAIT },        /* rcv ACK of FIN */
};

static bool listed(enum tcp_state from, enum tcp_state to)
{
	/* From every state a reset, an abort or a timeout leads to CLOSED. */
	if (to == TCP_CLOSED)
		return from != TCP_CLOSED;
	for (size_t i = 0; i < sizeof(ARROWS) / sizeof(ARROWS[0]); i++)
		if (ARROWS[i].from == from && ARROWS[i].to == to)
			return true;
	return false;
}

static void has_the_arrows_of_figure_5_and_no_other(void **state)
{
	(void)state;
	for (unsigned from = 0; from < TCP_NSTATES; from++) {
		for (unsigned to = 0; to < TCP_NSTATES; to++) {
			enum tcp_state f = (enum tcp_state)from;
			enum tcp_state t = (enum tcp_state)to;

			if (tcp_state_may(f, t) != listed(f, t))
				fail_msg("%s -> %s", tcp_state_name(f),
				    tcp_state_name(t));
		}
	}
}

static void follows_both_ways_of_closing(void **state)
{
	static const enum tcp_state active[] = { TCP_SYN_SENT, TCP_ESTABLISHED,
		TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_TIME_WAIT, TCP_CLOSED };
	static const enum tcp_state passive[] = { TCP_SYN_RECEIVED,
		TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSED };
	uint8_t s = 0;

	(void)state;
	assert_int_equal(s, TCP_CLOSED); /* what zeroed memory is */
	for (size_t i = 0; i < sizeof(active) / sizeof(active[0]); i++) {
		tcp_state_set(&s, active[i]);
		assert_int_equal(s, active[i]);
	}
	for (size_t i = 0; i < sizeof(passive) / sizeof(passive[0]); i++)
		tcp_state_set(&s, passive[i]);
	assert_int_equal(s, TCP_CLOSED);
}

static void names_them_as_the_rfc_and_numbers_them_as_tcp_info(void **state)
{
	(void)state;
	assert_string_equal(tcp_state_name(TCP_SYN_RECEIVED), "SYN-RECEIVED");
	assert_string_equal(tcp_state_name(TCP_FIN_WAIT_2), "FIN-WAIT-2");
	assert_string_equal(tcp_state_name(TCP_TIME_WAIT), "TIME-WAIT");
	assert_int_equal(tcp_state_info(TCP_ESTABLISHED), 1);
	assert_int_equal(tcp_state_info(TCP_CLOSED), 7);
	assert_int_equal(tcp_state_info(TCP_CLOSING), 11);
	for (unsigned a = 0; a < TCP_NSTATES; a++)
		for (unsigned b = 0; b < a; b++)
			assert_int_not_equal(tcp_state_info((enum tcp_state)a),
			    tcp_state_info((enum tcp_state)b));
}

static void knows_what_each_state_allows(void **state)
{
	/* synchronized, may receive, may send, FIN sent */
	static const bool want[TCP_NSTATES][4] = {
		[TCP_ESTABLISHED] = { true, true, true, false },
		[TCP_FIN_WAIT_1] = { true, true, false, true },
		[TCP_FIN_WAIT_2] = { true, true, false, true },
		[TCP_CLOSE_WAIT] = { true, false, true, false },
		[TCP_CLOSING] = { true, false, false, true },
		[TCP_LAST_ACK] = { true, false, false, true },
		[TCP_TIME_WAIT] = { true, false, false, true },
	};

	(void)state;
	for (unsigned i = 0; i < TCP_NSTATES; i++) {
		enum tcp_state s = (enum tcp_state)i;

		assert_int_equal(tcp_state_synchronized(s), want[i][0]);
		assert_int_equal(tcp_state_may_receive(s), want[i][1]);
		assert_int_equal(tcp_state_may_send(s), want[i][2]);
		assert_int_equal(tcp_state_fin_sent(s), want[i][3]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_arrows_of_figure_5_and_no_other),
		cmocka_unit_test(follows_both_ways_of_closing),
		cmocka_unit_test(
		    names_them_as_the_rfc_and_numbers_them_as_tcp_info),
		cmocka_unit_test(knows_what_each_state_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
