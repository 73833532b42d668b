/*
 * test_udpd_tap.c - what udpd shows of its datagrams, and which a
 * drop is told of
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/harness/fake_app.h"
#include "tests/unit/tap_seen.h"

enum {
	ROOM = 1000,
};

static uint8_t bytes[ROOM];

static uint32_t open_at(struct fake_apps *w, uint16_t port, int rcvbuf)
{
	uint32_t s = apps_socket(w, AF_INET);

	apps_setopt(w, s, SOL_SOCKET, SO_REUSEADDR, 1);
	apps_setopt(w, s, SOL_SOCKET, SO_RCVBUF, rcvbuf);
	assert_int_equal(apps_bind(w, s, "*", port), 0);
	return s;
}

/* Who is slow misses it; the packet is not dropped, as others have got it. */
static void a_packet_that_one_has_got_is_not_dropped(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t slow = open_at(w, 7, 1), ready = open_at(w, 7, 1 << 18);
	uint64_t full = 0;
	struct seen *s;

	(void)state;
	while (full == 0) {
		apps_rx(w, "192.0.2.1", 9, "192.0.2.255", 7, bytes, ROOM);
		apps_run(w);
		full = apps_s2a(w, slow)->dropped;
	}
	s = seen_open(w->rig, "udpd");
	apps_rx(w, "192.0.2.1", 9, "192.0.2.255", 7, bytes, ROOM);
	apps_run(w);
	seen_next(s, TAP_TAKE, NULL);
	seen_drop(s, "rx_buffer_full", 1);
	assert_int_equal(apps_s2a(w, slow)->dropped, full + 1);
	assert_int_equal(apps_s2a(w, ready)->dropped, 0);
	/* If nobody has, it is. */
	apps_close_socket(w, ready);
	apps_run(w);
	apps_rx(w, "192.0.2.1", 9, "192.0.2.255", 7, bytes, ROOM);
	apps_run(w);
	seen_next(s, TAP_TAKE, "rx_buffer_full");
	assert_int_equal(
	    rig_counter(w->rig, "udpd", "rx_buffer_full"), full + 2);
	seen_close(s);
	apps_close(w);
}

/* What an app sends is not because of what came just before. */
static void what_apps_send_is_of_no_packet_in_hand(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t id = open_at(w, 7, 1 << 18);
	struct seen *s = seen_open(w->rig, "udpd");

	(void)state;
	apps_rx(w, "192.0.2.1", 9, "192.0.2.2", 7, bytes, 1);
	apps_write(w, id, "192.0.2.1", 9, bytes, 2);
	udpd_turn(w->u, w->rig->now);
	seen_next(s, TAP_TAKE, NULL);
	seen_next(s, TAP_PUT, NULL);
	assert_int_equal(s->rec.flags, TAP_NO_HAND);
	seen_close(s);
	apps_run(w);
	apps_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_that_one_has_got_is_not_dropped),
		cmocka_unit_test(what_apps_send_is_of_no_packet_in_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
