/*
 * test_tcpd_sockets.c - sockets of streams from open to close
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/streams_world.h"

static const struct tsock *sock(struct fake_streams *w, uint32_t id)
{
	return stream_sock(w->s, id);
}

/* ---- connect */

static void says_how_far_a_connect_is(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);

	assert_int_equal(streams_word(w, id), 0);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	assert_int_equal(streams_word(w, id), STREAM_CONNECTING);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), -EALREADY);
	streams_establish(w, id);
	assert_int_equal(
	    streams_word(w, id), STREAM_ESTABLISHED | STREAM_TX_OPEN);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), -EISCONN);
	assert_int_equal(streams_bind(w, id, "*", 9), -EINVAL);
	assert_int_equal(streams_listen(w, id, 5), -EINVAL);
}

static void may_try_again_after_a_refusal(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);
	uint32_t woken;

	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	woken = w->woken[id];
	streams_end(w, id, ECONNREFUSED);
	assert_true(w->woken[id] > woken);
	assert_int_equal(streams_error(w, id), ECONNREFUSED);
	assert_int_equal(streams_error(w, id), 0);
	assert_true(streams_word(w, id) & STREAM_RESET);
	assert_false(streams_word(w, id) & STREAM_CONNECTING);
	assert_int_equal(sock(w, id)->bound, 0);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 81), 0);
	assert_int_equal(streams_word(w, id), STREAM_CONNECTING);
}

/* What was written into a socket too early is nobody's. */
static void begins_with_what_is_written_after_connect(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);

	streams_write(w, id, 100);
	assert_int_equal(streams_s2a(w, id)->tx_consumed, 0);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	assert_int_equal(streams_s2a(w, id)->tx_consumed, 100);
	streams_establish(w, id);
	streams_write(w, id, 50);
	assert_int_equal(streams_conn(w, id)->written, 150);
}

static void a_connect_in_the_making_is_given_up(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);

	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	assert_int_equal(streams_shutdown(w, id, TX), 0);
	assert_int_equal(streams_conns(w), 0);
	assert_int_equal(sock(w, id)->state, TSOCK_IDLE);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	streams_close_socket(w, id);
	assert_int_equal(streams_conns(w), 0);
	assert_int_equal(w->ch.family[id], 0);
}

/* ---- Data */

static void counts_go_both_ways(struct fake_streams *w)
{
	uint32_t id = streams_dial(w);
	uint32_t woken;

	streams_write(w, id, 1000);
	assert_int_equal(streams_conn(w, id)->written, 1000);
	streams_ack(w, id, 400);
	assert_int_equal(streams_s2a(w, id)->tx_consumed, 400);
	woken = w->woken[id];
	streams_deliver(w, id, 700);
	assert_true(w->woken[id] > woken);
	assert_int_equal(streams_s2a(w, id)->rx_written, 700);
	streams_read(w, id, 600);
	assert_int_equal(streams_conn(w, id)->read, 600);
}

/* TCP_NOTSENT_LOWAT: who waits for few unsent bytes is woken by no others. */
static void tells_what_is_sent(void **state)
{
	(void)state;
	EACH_DEATH
	{
		struct fake_streams *w = streams_open(death);
		uint32_t id = streams_dial(w);
		uint32_t woken;

		streams_write(w, id, 1000);
		streams_a2s(w, id)->tx_poll = 1 + 2000;
		streams_a2s(w, id)->tx_low = 1 + 500;
		woken = w->woken[id];
		streams_sent(w, id, 499);
		streams_ack(w, id, 400);
		assert_int_equal(streams_s2a(w, id)->tx_sent, 499);
		/* But a new instance reminds everybody. */
		if (death == LIVES)
			assert_int_equal(w->woken[id], woken);
		woken = w->woken[id];
		streams_sent(w, id, 1);
		assert_true(w->woken[id] > woken);
		streams_end(w, id, ECONNRESET);
		assert_int_equal(streams_s2a(w, id)->tx_sent, 500);
		streams_close(w);
	}
}

static void a_reset_is_told_and_the_rest_read(struct fake_streams *w)
{
	uint32_t id = streams_dial(w);

	streams_deliver(w, id, 10);
	streams_end(w, id, ECONNRESET);
	assert_int_equal(streams_error(w, id), ECONNRESET);
	assert_int_equal(streams_s2a(w, id)->rx_written, 10);
	assert_int_equal(streams_word(w, id),
	    STREAM_ESTABLISHED | STREAM_RX_END | STREAM_RESET);
	assert_int_equal(streams_s2a(w, id)->names.connected, 0);
	streams_read(w, id, 10);
	streams_write(w, id, 5);
	assert_int_equal(streams_shutdown(w, id, TX), -ENOTCONN);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), -EISCONN);
	assert_int_equal(streams_connect(w, id, NULL, 0), 0);
	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	assert_int_equal(streams_s2a(w, id)->tx_consumed, 5);
}

/* ---- shutdown */

static void shuts_down_each_way(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);

	assert_int_equal(streams_shutdown(w, id, TX), -ENOTCONN);
	streams_close_socket(w, id);
	id = streams_dial(w);
	assert_int_equal(streams_shutdown(w, id, TX), 0);
	assert_int_equal(streams_conn(w, id)->shut, TX);
	assert_int_equal(streams_word(w, id), STREAM_ESTABLISHED);
	assert_int_equal(streams_shutdown(w, id, RX), 0);
	assert_int_equal(
	    streams_word(w, id), STREAM_ESTABLISHED | STREAM_RX_END);
	assert_int_equal(streams_s2a(w, id)->names.shut, RX | TX);
	assert_int_equal(streams_shutdown(w, id, RX | TX), 0);
}

/* ---- close */

static void closes_when_all_is_acknowledged(struct fake_streams *w)
{
	uint32_t id = streams_dial(w);

	streams_write(w, id, 100);
	streams_close_socket(w, id);
	assert_int_equal(w->ch.family[id], AF_INET);
	assert_int_equal(sock(w, id)->state, TSOCK_ORPHAN);
	assert_int_equal(streams_conn(w, id)->written, 100);
	streams_ack(w, id, 60);
	assert_int_equal(w->ch.family[id], AF_INET);
	/* Too late, and nobody looks. */
	streams_write(w, id, 7);
	streams_ack(w, id, 40);
	assert_int_equal(w->ch.family[id], 0);
	assert_int_equal(streams_conns(w), 1);
	assert_true(w->state->conn[0].loose);
	/* The number goes on with its counts. */
	assert_int_equal(streams_socket(w, 0, AF_INET), id);
	assert_int_equal(streams_s2a(w, id)->tx_consumed, 100);
}

static void an_orphan_may_end_early(struct fake_streams *w)
{
	uint32_t id = streams_dial(w);

	streams_write(w, id, 100);
	streams_close_socket(w, id);
	streams_end(w, id, ETIMEDOUT);
	assert_int_equal(w->ch.family[id], 0);
	assert_false(apps_is_open(&w->s->apps, id));
}

static void unread_data_resets(struct fake_streams *w)
{
	uint32_t id = streams_dial(w);

	streams_deliver(w, id, 2);
	streams_read(w, id, 1);
	streams_close_socket(w, id);
	assert_int_equal(w->ch.family[id], 0);
	assert_true(w->state->conn[0].aborted);
}

static void lingering_for_no_time_resets(struct fake_streams *w)
{
	const struct linger now = { .l_onoff = 1 };
	const struct linger later = { .l_onoff = 1, .l_linger = 5 };
	uint32_t id = streams_dial(w);

	streams_write(w, id, 10);
	assert_int_equal(streams_command(w, id, APP_OP_SETOPT, SOL_SOCKET,
			     SO_LINGER, &now, sizeof(now)),
	    0);
	assert_int_equal(streams_s2a(w, id)->names.linger, 1);
	streams_close_socket(w, id);
	assert_true(w->state->conn[0].aborted);
	assert_int_equal(w->ch.family[id], 0);
	/* Waiting is the library's; here it is a close like others. */
	id = streams_dial(w);
	streams_write(w, id, 10);
	assert_int_equal(streams_command(w, id, APP_OP_SETOPT, SOL_SOCKET,
			     SO_LINGER, &later, sizeof(later)),
	    0);
	assert_int_equal(streams_s2a(w, id)->names.linger, 6);
	streams_close_socket(w, id);
	assert_true(streams_conn(w, id)->closed);
}

/* Who asked is dead; whoever gets the number next has not asked that. */
static void a_command_dies_with_its_socket(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);
	struct app_name name = streams_name("*", 7);
	struct a2s_socket *a = streams_a2s(w, id);

	a->cmd_op = APP_OP_BIND;
	a->cmd_len = sizeof(name);
	memcpy(a->cmd_data, &name, sizeof(name));
	a->cmd_seq++;
	streams_close_socket(w, id);
	assert_int_equal(a->cmd_seq, streams_s2a(w, id)->reply_seq);
	/* Before the library has taken over the counts. */
	assert_int_equal(apps_socket_opened(&w->s->apps, 0, id, AF_INET), 0);
	w->ch.family[id] = AF_INET;
	streams_run(w);
	assert_int_equal(streams_s2a(w, id)->names.open, 1);
	assert_int_equal(streams_s2a(w, id)->names.bound, 0);
}

/* ---- Apps that die, and apps that lie */

static void a_dead_apps_sockets_end_as_closed_ones(struct fake_streams *w)
{
	uint32_t idle = streams_socket(w, 0, AF_INET);
	uint32_t listener = streams_server(w, 0, 5);
	uint32_t making = streams_socket(w, 0, AF_INET);
	uint32_t unread = streams_dial(w);
	uint32_t unsent = streams_dial(w);

	assert_int_equal(streams_connect(w, making, "192.0.2.1", 99), 0);
	streams_deliver(w, unread, 1);
	streams_write(w, unsent, 1);
	streams_kill_app(w, 0);
	assert_int_equal(w->ch.family[idle], 0);
	assert_int_equal(w->ch.family[listener], 0);
	assert_int_equal(w->ch.family[making], 0);
	assert_int_equal(w->ch.family[unread], 0);
	assert_int_equal(streams_conns(w), 1);
	assert_false(apps_app_done(&w->s->apps, 0));
	streams_ack(w, unsent, 1);
	assert_int_equal(w->ch.family[unsent], 0);
	assert_true(apps_app_done(&w->s->apps, 0));
}

enum lie {
	TX_BEHIND,     /* written less than is acknowledged */
	TX_BEYOND,     /* more than fits */
	RX_BEYOND,     /* read what is not there */
	RX_BEHIND,     /* read less than fits behind */
	LISTEN_ODD,    /* half a spare */
	LISTEN_SPARE,  /* no app has that number */
	LISTEN_BEHIND, /* spares taken back */
	LISTEN_READ,   /* records that are not there */
	BAD_COMMAND,
	NLIES,
};

static void tell(
    struct fake_streams *w, enum lie lie, uint32_t id, uint32_t listener)
{
	struct a2s_socket *a = streams_a2s(w, id);
	struct a2s_socket *l = streams_a2s(w, listener);
	const uint32_t nobody = UINT32_MAX;

	switch (lie) {
	case TX_BEHIND:
		a->tx_written = 50;
		break;
	case TX_BEYOND:
		a->tx_written += APP_TX_BYTES + 1;
		break;
	case RX_BEYOND:
		a->rx_read += 1000;
		break;
	case RX_BEHIND:
		a->rx_read -= APP_RX_BYTES + 1;
		break;
	case LISTEN_ODD:
		l->tx_written += 2;
		break;
	case LISTEN_SPARE:
		memcpy(w->ch.a2s[0] + a2s_tx_off(sub_of(listener)), &nobody,
		    sizeof(nobody));
		l->tx_written += sizeof(nobody);
		break;
	case LISTEN_BEHIND:
		l->tx_written -= 4;
		break;
	case LISTEN_READ:
		l->rx_read += sizeof(struct accept_record);
		break;
	case BAD_COMMAND:
		a->cmd_op = NAPP_OPS;
		a->cmd_seq++;
		break;
	case NLIES:
		break;
	}
	streams_post(w, id);
	streams_post(w, listener);
}

/* All that the liar has is reset; another app's go on. */
static void who_lies_is_cut_off(void **state)
{
	(void)state;
	EACH_DEATH
	for (enum lie lie = 0; lie < NLIES; lie++) {
		struct fake_streams *w = streams_open(death);
		uint32_t honest, id, listener;

		streams_add_app(w, 1);
		honest = streams_socket(w, 1, AF_INET);
		assert_int_equal(streams_connect(w, honest, "192.0.2.1", 9), 0);
		streams_establish(w, honest);
		id = streams_dial(w);
		listener = streams_server(w, 0, 5);
		streams_write(w, id, 100);
		streams_ack(w, id, 100);
		tell(w, lie, id, listener);
		streams_run(w);
		/* Not looked at before it is needed, nor remembered. */
		if (lie == LISTEN_SPARE) {
			w->death = LIVES;
			streams_incoming(w, listener, "192.0.2.1", 1);
		}
		if (!w->s->apps.app[0].cut)
			fail_msg("lie %d, death %d", (int)lie, (int)death);
		assert_int_equal(w->ch.family[id], 0);
		assert_int_equal(w->ch.family[listener], 0);
		assert_int_equal(streams_conns(w), 1);
		streams_write(w, honest, 10);
		assert_int_equal(streams_conn(w, honest)->written, 10);
		streams_close(w);
	}
}

/* The last word is a lie, too. */
static void a_lie_at_the_close_resets(struct fake_streams *w)
{
	uint32_t id = streams_dial(w);

	streams_a2s(w, id)->tx_written += APP_TX_BYTES + 1;
	streams_close_socket(w, id);
	assert_int_equal(w->ch.family[id], 0);
	assert_true(w->state->conn[0].aborted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each_death_test(says_how_far_a_connect_is),
		each_death_test(may_try_again_after_a_refusal),
		each_death_test(begins_with_what_is_written_after_connect),
		each_death_test(a_connect_in_the_making_is_given_up),
		each_death_test(counts_go_both_ways),
		cmocka_unit_test(tells_what_is_sent),
		each_death_test(a_reset_is_told_and_the_rest_read),
		each_death_test(shuts_down_each_way),
		each_death_test(closes_when_all_is_acknowledged),
		each_death_test(an_orphan_may_end_early),
		each_death_test(unread_data_resets),
		each_death_test(lingering_for_no_time_resets),
		each_death_test(a_command_dies_with_its_socket),
		each_death_test(a_dead_apps_sockets_end_as_closed_ones),
		cmocka_unit_test(who_lies_is_cut_off),
		each_death_test(a_lie_at_the_close_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
