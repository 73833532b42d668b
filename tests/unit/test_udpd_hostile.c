/*
 * test_udpd_hostile.c - apps that write anything at all into their segment
 *
 * Whatever one app does, udpd goes on, reads and writes nothing outside, loses
 * no slot, and another app's echo still works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/harness/fake_app.h"

static const uint64_t extremes[] = { 0, 1, 47, 48, 63, 0x7f, 0x80, 0xff, 0x100,
	0xffff, 0x10000, APP_TX_BYTES - 1, APP_TX_BYTES, APP_TX_BYTES + 1,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, INT64_MAX,
	UINT64_MAX - 1, UINT64_MAX };

enum {
	NEXTREMES = sizeof(extremes) / sizeof(extremes[0]),
};

/* App 1 is honest: does it still get what is sent to it? */
static void expect_others_well(struct fake_apps *w, uint32_t good)
{
	struct dgram g;
	struct desc d;
	uint8_t got[70000];

	while (apps_tx(w, &d, got, sizeof(got)) >= 0)
		apps_run(w);
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, "well?", 5);
	apps_run(w);
	assert_true(apps_read(w, good, &g, got, sizeof(got)));
	assert_int_equal(g.len, 5);
	apps_write(w, good, "192.0.2.1", 4000, "well", 4);
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, got, sizeof(got)), 12);
	assert_int_equal(rig_lent(w->rig, "ipd"), 0);
}

static uint32_t honest(struct fake_apps *w)
{
	uint32_t good;

	apps_add_app(w, 1);
	good = apps_socket_of(w, 1, AF_INET);
	assert_int_equal(apps_bind(w, good, "*", 7), 0);
	return good;
}

/* Every word of a socket's line, and of the segment's head, set to each. */
static void survives_every_word_at_its_extremes(void **state)
{
	(void)state;
	for (size_t at = 0; at < sizeof(struct a2s_socket); at += 4) {
		struct fake_apps *w = apps_open();
		uint32_t good = honest(w);

		for (size_t i = 0; i < NEXTREMES; i++) {
			uint32_t bad = apps_socket(w, AF_INET);
			uint8_t *word = (uint8_t *)apps_a2s(w, bad) + at;
			size_t n = at + 8 <= sizeof(struct a2s_socket) ? 8 : 4;

			apps_bind(w, bad, "*", (uint16_t)(1000 + i));
			memcpy(word, &extremes[i], n);
			apps_post(w, bad);
			apps_rx(w, "192.0.2.1", 4000, "192.0.2.2",
			    (uint16_t)(1000 + i), "x", 1);
			apps_run(w);
			if (w->u->apps.app[0].cut)
				break;
		}
		expect_others_well(w, good);
		apps_close(w);
	}
}

/* Every word of a datagram's header in the tx ring. */
static void survives_every_header(void **state)
{
	(void)state;
	for (size_t at = 0; at < sizeof(struct dgram); at += 4) {
		for (size_t i = 0; i < NEXTREMES; i++) {
			struct fake_apps *w = apps_open();
			uint32_t good = honest(w);
			uint32_t bad = apps_socket(w, AF_INET6);
			uint64_t where = apps_a2s(w, bad)->tx_written;

			apps_write(w, bad, "192.0.2.1", 9, "x", 1);
			app_ring_write(w->ch.a2s[0] + a2s_tx_off(sub_of(bad)),
			    APP_TX_BYTES, where + at, &extremes[i], 4);
			apps_run(w);
			expect_others_well(w, good);
			apps_close(w);
		}
	}
}

static void cuts_off_and_closes(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t good = honest(w);
	uint32_t bad = apps_socket(w, AF_INET);
	uint32_t too = apps_socket(w, AF_INET);

	(void)state;
	apps_a2s(w, bad)->tx_written += APP_TX_BYTES + 1;
	apps_post(w, bad);
	apps_run(w);
	assert_int_equal(rig_counter(w->rig, "udpd", "app_cut_off"), 1);
	assert_int_equal(w->ch.family[bad], 0);
	assert_int_equal(w->ch.family[too], 0);
	expect_others_well(w, good);
	/* It is not let in again, but its death is noticed. */
	assert_int_equal(apps_socket_opened(&w->u->apps, 0, 9, AF_INET), 0);
	apps_run(w);
	assert_false(apps_is_open(&w->u->apps, 9));
	apps_app_gone(&w->u->apps, 0);
	apps_run(w);
	assert_true(apps_app_done(&w->u->apps, 0));
	apps_close(w);
}

/* A reader that says it read more than there is, or goes back. */
static void knows_how_far_one_can_have_read(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t good = honest(w);
	uint32_t bad = apps_socket(w, AF_INET);

	(void)state;
	apps_bind(w, bad, "*", 9);
	for (int i = 0; i < 3; i++)
		apps_rx(w, "192.0.2.1", 1, "192.0.2.2", 9, "x", 1);
	apps_run(w);
	apps_a2s(w, bad)->rx_read = apps_s2a(w, bad)->rx_written + 16;
	apps_rx(w, "192.0.2.1", 1, "192.0.2.2", 9, "x", 1);
	apps_run(w);
	assert_true(w->u->apps.app[0].cut);
	expect_others_well(w, good);
	apps_close(w);
}

/* More events than the ring keeps, and of sockets that are not there. */
static void a_flood_of_events_is_bounded(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t good = honest(w);
	uint32_t s = apps_socket(w, AF_INET);
	struct a2s_head *h = (void *)w->ch.a2s[0];
	struct desc d;
	uint8_t buf[100];

	(void)state;
	apps_write(w, s, "192.0.2.1", 9, "x", 1);
	h->posted += 1000000;
	apps_run(w);
	/* All were looked at: nothing is lost with the events. */
	assert_int_equal(apps_tx(w, &d, buf, sizeof(buf)), 9);
	h->event[h->posted % APP_EVENTS] = APP_MAX_SOCKETS;
	h->posted++;
	apps_run(w);
	assert_true(w->u->apps.app[0].cut);
	expect_others_well(w, good);
	apps_close(w);
}

/* It stops for ever with its ring full: only its own datagrams are dropped. */
static void a_stopped_app_costs_only_itself(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t good = honest(w);
	uint32_t stopped = apps_socket(w, AF_INET);
	static uint8_t payload[60000];

	(void)state;
	apps_bind(w, stopped, "*", 9);
	for (int i = 0; i < 50; i++) {
		apps_rx(w, "192.0.2.1", 1, "192.0.2.2", 9, payload,
		    sizeof(payload));
		apps_run(w);
	}
	assert_true(apps_s2a(w, stopped)->dropped > 40);
	expect_others_well(w, good);
	apps_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_every_word_at_its_extremes),
		cmocka_unit_test(survives_every_header),
		cmocka_unit_test(cuts_off_and_closes),
		cmocka_unit_test(knows_how_far_one_can_have_read),
		cmocka_unit_test(a_flood_of_events_is_bounded),
		cmocka_unit_test(a_stopped_app_costs_only_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
