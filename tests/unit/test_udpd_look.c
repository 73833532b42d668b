/*
 * test_udpd_look.c - what `strata ss` is told of UDP (udpd/look.c)
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "shm/ask_socket.h"
#include "tests/harness/fake_app.h"
#include "udpd/udpd.h"

enum {
	MANY = 300,
};

/* All sockets there are, chunk for chunk. */
static uint32_t look(
    struct fake_apps *w, struct ask_socket *ret, uint32_t max, uint32_t *chunks)
{
	static struct ask_chunk c;
	struct ask q = { .op = ASK_SOCKETS };
	uint32_t n = 0;

	*chunks = 0;
	do {
		c.len = 0;
		c.more = false;
		assert_int_equal(udpd_look(w->u, &q, &c), 0);
		assert_int_equal(c.len % ASK_SOCKET_SHORT, 0);
		for (uint32_t at = 0; at < c.len; at += ASK_SOCKET_SHORT) {
			assert_true(n < max);
			memcpy(&ret[n++], c.bytes + at, ASK_SOCKET_SHORT);
		}
		assert_true(!c.more || c.next > q.cursor);
		q.cursor = c.next;
		++*chunks;
	} while (c.more);
	return n;
}

static void what_is_bound_and_what_waits(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	struct ask_socket k[3];
	uint32_t chunks;

	(void)state;
	assert_int_equal(look(w, k, 3, &chunks), 0);
	assert_int_equal(apps_bind(w, s, "192.0.2.2", 7), 0);
	assert_int_equal(look(w, k, 3, &chunks), 1);
	assert_int_equal(k[0].proto, IPPROTO_UDP);
	assert_int_equal(k[0].state, SOCKET_CLOSE);
	assert_int_equal(k[0].local.port, 7);
	assert_int_equal(k[0].app, app_of(s));
	assert_int_equal(k[0].sub, sub_of(s));
	assert_int_equal(k[0].rxq, 0);
	apps_rx(w, "192.0.2.1", 9, "192.0.2.2", 7, "hello", 5);
	apps_run(w);
	assert_int_equal(look(w, k, 3, &chunks), 1);
	assert_int_equal(k[0].rxq, dgram_room(5));
	assert_int_equal(apps_connect(w, s, "192.0.2.1", 9), 0);
	assert_int_equal(look(w, k, 3, &chunks), 1);
	assert_int_equal(k[0].state, SOCKET_ESTABLISHED);
	assert_int_equal(k[0].peer.port, 9);
	apps_restart(w);
	assert_int_equal(look(w, k, 3, &chunks), 1);
	assert_int_equal(k[0].rxq, dgram_room(5));
	apps_close_socket(w, s);
	assert_int_equal(look(w, k, 3, &chunks), 0);
	apps_close(w);
}

static void many_come_in_chunks(void **state)
{
	struct fake_apps *w = apps_open();
	static struct ask_socket k[MANY];
	uint32_t chunks;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(apps_bind(w, apps_socket(w, AF_INET),
				     "192.0.2.2", (uint16_t)(1000 + i)),
		    0);
	assert_int_equal(look(w, k, MANY, &chunks), MANY);
	assert_true(chunks > 1);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(k[i].local.port, 1000 + i);
	apps_close(w);
}

/* An app may write what it likes; nobody is shown nonsense. */
static void a_lie_is_not_shown(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	static struct ask_chunk c;
	struct ask q = { .op = ASK_NEIGHBOUR };
	struct ask_socket k[1] = { 0 };
	uint32_t chunks;

	(void)state;
	assert_int_equal(apps_bind(w, s, "192.0.2.2", 7), 0);
	atomic_store(&apps_a2s(w, s)->rx_read, 1ULL << 60);
	assert_int_equal(look(w, k, 1, &chunks), 1);
	assert_int_equal(k[0].rxq, 0);
	assert_int_equal(udpd_look(w->u, &q, &c), -EOPNOTSUPP);
	q = (struct ask){ .op = ASK_SOCKETS, .cursor = UINT32_MAX };
	assert_int_equal(udpd_look(w->u, &q, &c), 0);
	assert_false(c.more);
	apps_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_bound_and_what_waits),
		cmocka_unit_test(many_come_in_chunks),
		cmocka_unit_test(a_lie_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
