/*
 * test_tcpd_listeners.c - listeners: spares, records, who is accepted
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/streams_world.h"

enum {
	MANY = 600,
};

static void a_listener_stops_with_its_reading(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);

	assert_int_equal(streams_shutdown(w, id, TX), 0);
	assert_int_equal(streams_word(w, id), STREAM_LISTENING);
	assert_int_equal(streams_shutdown(w, id, RX), 0);
	assert_int_equal(streams_word(w, id), 0);
	assert_int_equal(w->state->listening[id], 0);
	assert_int_equal(stream_sock(w->s, id)->local.port, 7);
	assert_int_equal(streams_listen(w, id, 5), 0);
}

static void takes_connections_with_spares(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare = streams_socket(w, 0, AF_INET);
	struct accept_record r;
	uint32_t woken = w->woken[id];

	assert_int_equal(streams_word(w, id), STREAM_LISTENING);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1000), NO_SOCKET);
	assert_false(streams_accepted(w, id, &r));
	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1000), spare);
	assert_true(w->woken[id] > woken);
	assert_true(streams_accepted(w, id, &r));
	assert_int_equal(r.spare, spare);
	assert_int_equal(r.peer.port, 1000);
	assert_int_equal(r.local.port, 7);
	assert_int_equal(
	    streams_word(w, spare), STREAM_ESTABLISHED | STREAM_TX_OPEN);
	assert_int_equal(streams_s2a(w, spare)->names.peer.port, 1000);
	assert_int_equal(streams_s2a(w, spare)->names.connected, 1);
	assert_false(streams_accepted(w, id, &r));
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1001), NO_SOCKET);
}

/* As in Linux: accept() in another thread comes back. */
static void who_waits_on_a_listener_hears_of_its_end(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t woken = w->woken[id];

	assert_int_equal(streams_shutdown(w, id, RX), 0);
	assert_int_equal(streams_word(w, id), 0);
	assert_true(w->woken[id] > woken);
}

static void a_full_queue_takes_no_more(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 1);
	struct accept_record r;

	for (int i = 0; i < 4; i++)
		streams_offer(w, id, streams_socket(w, 0, AF_INET));
	assert_int_equal(stream_spares(w->s, id), 4);
	/* As in Linux: one more than the backlog. */
	assert_int_not_equal(
	    streams_incoming(w, id, "192.0.2.1", 1), NO_SOCKET);
	assert_int_not_equal(
	    streams_incoming(w, id, "192.0.2.1", 2), NO_SOCKET);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 3), NO_SOCKET);
	assert_int_equal(stream_queued(w->s, id), 2);
	assert_true(streams_accepted(w, id, &r));
	assert_int_not_equal(
	    streams_incoming(w, id, "192.0.2.1", 3), NO_SOCKET);
	assert_int_equal(streams_listen(w, id, 9), 0);
	assert_int_not_equal(
	    streams_incoming(w, id, "192.0.2.1", 4), NO_SOCKET);
}

/* What is not as good as new is no spare. */
static void passes_over_what_is_no_spare(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t closed = streams_socket(w, 0, AF_INET);
	uint32_t bound = streams_socket(w, 0, AF_INET);
	uint32_t other = streams_socket(w, 0, AF_INET6);
	uint32_t busy = streams_dial(w);
	uint32_t good = streams_socket(w, 0, AF_INET);

	assert_int_equal(streams_bind(w, bound, "*", 9), 0);
	streams_offer(w, id, closed);
	streams_offer(w, id, bound);
	streams_offer(w, id, other);
	streams_offer(w, id, busy);
	streams_offer(w, id, id);
	streams_offer(w, id, good);
	streams_offer(w, id, good);
	streams_close_socket(w, closed);
	/* It might be one that nobody has told of yet: the ACK comes again. */
	if (streams_incoming(w, id, "192.0.2.1", 1) == NO_SOCKET)
		assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), good);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 2), NO_SOCKET);
}

static void another_apps_spares_must_be_offered(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare;

	streams_add_app(w, 1);
	spare = streams_socket(w, 1, AF_INET);
	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), NO_SOCKET);
	streams_a2s(w, spare)->offered = 1; /* to app 0 */
	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), spare);
}

static void accepted_ones_inherit_and_outlive(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare = streams_socket(w, 0, AF_INET);
	struct accept_record r;
	int v;

	streams_set(w, id, SOL_SOCKET, SO_KEEPALIVE, 1);
	streams_offer(w, id, spare);
	streams_incoming(w, id, "192.0.2.1", 1);
	assert_true(streams_accepted(w, id, &r));
	streams_close_socket(w, id);
	assert_int_equal(w->ch.family[id], 0);
	assert_int_equal(
	    streams_get(w, spare, SOL_SOCKET, SO_KEEPALIVE, &v), 0);
	assert_int_equal(v, 1);
	streams_deliver(w, spare, 3);
	streams_read(w, spare, 3);
	streams_close_socket(w, spare);
	assert_int_equal(w->ch.family[spare], 0);
	assert_true(w->state->conn[0].loose);
}

/* Whether the listener or what waits in it is seen to close first. */
static void who_was_not_accepted_is_reset(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++)
		EACH_DEATH
		{
			struct fake_streams *w = streams_open(death);
			uint32_t id = streams_server(w, 0, 5);
			uint32_t spare = streams_socket(w, 0, AF_INET);

			streams_offer(w, id, spare);
			streams_incoming(w, id, "192.0.2.1", 1);
			streams_close_socket(w, first == 0 ? id : spare);
			streams_close_socket(w, first == 0 ? spare : id);
			assert_false(w->state->conn[0].used);
			streams_close(w);
		}
}

/* Whoever made the spare: another process has the listener, too. */
static void who_waits_outlives_the_spares_holder(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare = streams_socket(w, 0, AF_INET);
	struct accept_record r;

	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), spare);
	streams_close_socket(w, spare);
	streams_deliver(w, spare, 7);
	assert_true(streams_conn(w, spare)->used);
	assert_false(streams_conn(w, spare)->closed);
	assert_int_not_equal(w->ch.family[spare], 0);
	/* accept() there: a new fd, and then the record is read. */
	streams_renew_socket(w, spare);
	assert_true(streams_accepted(w, id, &r));
	assert_int_equal(r.spare, spare);
	streams_read(w, spare, 7);
	streams_write(w, spare, 3);
	assert_int_equal(streams_conn(w, spare)->written, 3);
	assert_int_equal(streams_conn(w, spare)->read, 7);
	streams_close_socket(w, spare);
	assert_true(streams_conn(w, spare)->closed);
	streams_ack(w, spare, 3);
	assert_int_equal(w->ch.family[spare], 0);
}

/* It is read, and what the supervisor said of the new fd is heard later. */
static void a_new_fd_is_heard_of_after_the_record_is_read(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare = streams_socket(w, 0, AF_INET);

	(void)state;
	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), spare);
	channel_hang_up(&w->ch, spare);
	streams_a2s(w, id)->rx_read += sizeof(struct accept_record);
	streams_post(w, id);
	streams_turn(w);
	channel_renew(&w->ch, spare);
	streams_run(w);
	assert_true(streams_conn(w, spare)->used);
	assert_false(streams_conn(w, spare)->closed);
	streams_close(w);
}

/* Nobody has got a new fd: then it is closed as any other. */
static void who_was_accepted_ends_with_its_holder(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare = streams_socket(w, 0, AF_INET);
	struct accept_record r;

	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), spare);
	streams_close_socket(w, spare);
	assert_true(streams_accepted(w, id, &r));
	assert_true(w->state->conn[0].closed);
	assert_int_equal(w->ch.family[spare], 0);
}

/* Nobody has asked for a new fd, so the first turn is the last. */
static void who_was_kept_ends_at_once(void **state)
{
	(void)state;
	for (uint32_t kept = 0; kept < 2; kept++) {
		struct fake_streams *w = streams_open(LIVES);
		uint32_t id = streams_server(w, 0, 5);
		uint32_t spare = streams_socket(w, 0, AF_INET);
		struct accept_record r;

		streams_offer(w, id, spare);
		streams_incoming(w, id, "192.0.2.1", 1);
		streams_a2s(w, spare)->kept = kept;
		assert_true(streams_accepted(w, id, &r));
		channel_hang_up(&w->ch, spare);
		streams_turn(w);
		assert_int_equal(w->state->conn[0].closed, kept);
		streams_run(w);
		assert_true(w->state->conn[0].closed);
		streams_close(w);
	}
}

/* Its number stays, lest accept() take the next socket for it. */
static void a_reset_one_keeps_its_number_until_its_record_is_read(
    struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare = streams_socket(w, 0, AF_INET);
	struct accept_record r;

	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), spare);
	streams_end(w, spare, ECONNRESET);
	streams_close_socket(w, spare);
	assert_int_not_equal(w->ch.family[spare], 0);
	assert_true(streams_accepted(w, id, &r));
	assert_int_equal(w->ch.family[spare], 0);
}

/* As with the kernel, whoever has their fds. */
static void the_listeners_end_resets_who_waits(void **state)
{
	(void)state;
	for (int how = 0; how < 2; how++)
		EACH_DEATH
		{
			struct fake_streams *w = streams_open(death);
			uint32_t id = streams_server(w, 0, 5);
			uint32_t spare;

			streams_add_app(w, 1);
			spare = streams_socket(w, 1, AF_INET);
			streams_a2s(w, spare)->offered = 1; /* to app 0 */
			streams_offer(w, id, spare);
			assert_int_equal(
			    streams_incoming(w, id, "192.0.2.1", 1), spare);
			if (how == 0)
				streams_kill_app(w, 0);
			else
				streams_shutdown(w, id, RX);
			assert_true(w->state->conn[0].aborted);
			assert_false(w->state->conn[0].closed);
			assert_int_equal(streams_error(w, spare), ECONNRESET);
			streams_close_socket(w, spare);
			assert_int_equal(w->ch.family[spare], 0);
			streams_close(w);
		}
}

/* More than one turn can change; the spares' holders live on. */
static void all_who_wait_are_reset(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, MANY);

	for (int i = 0; i < MANY; i++) {
		streams_offer(w, id, streams_socket(w, 0, AF_INET));
		streams_incoming(w, id, "192.0.2.1", (uint16_t)(1 + i));
	}
	assert_int_equal(stream_queued(w->s, id), MANY);
	if (w->death == LIVES)
		assert_int_equal(streams_connect(w, id, NULL, 0), 0);
	else
		assert_int_equal(streams_shutdown(w, id, RX), 0);
	for (int i = 0; i < MANY; i++)
		assert_true(w->state->conn[i].aborted);
	assert_int_equal(w->state->listening[id], 0);
	assert_int_equal(streams_word(w, id), 0);
}

/* Who should accept it can't have its socket. */
static void the_next_one_is_refused(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare[2];
	struct accept_record r;

	for (int i = 0; i < 2; i++) {
		spare[i] = streams_socket(w, 0, AF_INET);
		streams_offer(w, id, spare[i]);
		streams_incoming(w, id, "192.0.2.1", (uint16_t)(1 + i));
	}
	assert_int_equal(streams_refuse(w, id), 0);
	assert_true(w->state->conn[0].aborted);
	assert_true(streams_conn(w, spare[1])->used);
	/* Once more is no more than once. */
	assert_int_equal(streams_refuse(w, id), 0);
	assert_true(streams_conn(w, spare[1])->used);
	assert_true(streams_accepted(w, id, &r));
	assert_true(streams_accepted(w, id, &r));
	assert_int_equal(streams_refuse(w, id), 0);
	assert_true(streams_conn(w, spare[1])->used);
	assert_int_equal(streams_refuse(w, spare[1]), -EINVAL);
}

/* Nobody can get a new fd, but its record must not name another. */
static void a_dead_apps_spare_is_reset_and_stays(struct fake_streams *w)
{
	uint32_t id = streams_server(w, 0, 5);
	uint32_t spare;
	struct accept_record r;

	streams_add_app(w, 1);
	spare = streams_socket(w, 1, AF_INET);
	streams_a2s(w, spare)->offered = 1; /* to app 0 */
	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), spare);
	streams_kill_app(w, 1);
	assert_true(w->state->conn[0].aborted);
	assert_false(apps_app_done(&w->s->apps, 1));
	assert_true(streams_accepted(w, id, &r));
	assert_true(apps_app_done(&w->s->apps, 1));
}

/* Seen before what the supervisor has said of the socket. */
static void a_spares_word_may_come_first(void **state)
{
	struct fake_streams *w = streams_open(LIVES);
	uint32_t id = streams_server(w, 0, 5);
	uint32_t dead = streams_socket(w, 0, AF_INET);

	(void)state;
	streams_close_socket(w, dead);
	streams_put_word(w, id, dead);
	assert_int_equal(streams_handshake(w, id, "192.0.2.1", 1), NO_SOCKET);
	assert_int_equal(streams_socket(w, 0, AF_INET), dead);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), dead);
	streams_close(w);
}

/* A number that was a stream's is a listener now: its old bytes are no
 * spares. */
static void old_bytes_are_no_spares(struct fake_streams *w)
{
	uint32_t id = streams_dial(w);
	uint32_t spare = streams_socket(w, 0, AF_INET);

	streams_write(w, id, 1001);
	assert_int_equal(streams_connect(w, id, NULL, 0), 0);
	assert_int_equal(streams_listen(w, id, 5), 0);
	assert_int_equal(stream_spares(w->s, id), 0);
	streams_offer(w, id, spare);
	assert_int_equal(streams_incoming(w, id, "192.0.2.1", 1), spare);
	assert_false(w->s->apps.app[0].cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each_death_test(a_listener_stops_with_its_reading),
		each_death_test(takes_connections_with_spares),
		each_death_test(who_waits_on_a_listener_hears_of_its_end),
		each_death_test(a_full_queue_takes_no_more),
		each_death_test(passes_over_what_is_no_spare),
		each_death_test(another_apps_spares_must_be_offered),
		each_death_test(accepted_ones_inherit_and_outlive),
		cmocka_unit_test(who_was_not_accepted_is_reset),
		each_death_test(who_waits_outlives_the_spares_holder),
		cmocka_unit_test(a_new_fd_is_heard_of_after_the_record_is_read),
		cmocka_unit_test(who_was_kept_ends_at_once),
		each_death_test(who_was_accepted_ends_with_its_holder),
		each_death_test(
		    a_reset_one_keeps_its_number_until_its_record_is_read),
		cmocka_unit_test(the_listeners_end_resets_who_waits),
		each_death_test(all_who_wait_are_reset),
		each_death_test(the_next_one_is_refused),
		each_death_test(a_dead_apps_spare_is_reset_and_stays),
		cmocka_unit_test(a_spares_word_may_come_first),
		each_death_test(old_bytes_are_no_spares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
