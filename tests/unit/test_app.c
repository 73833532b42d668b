/*
 * test_app.c - the byte rings between apps and transports
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/app.h"

enum {
	SIZE = 64,
};

/* At every place, also around the end and the end of all counting. */
static void reads_what_was_written(void **state)
{
	static const uint64_t starts[] = { 0, UINT64_MAX - 100 };
	uint8_t ring[SIZE];
	uint8_t in[SIZE], out[SIZE];

	(void)state;
	for (int i = 0; i < SIZE; i++)
		in[i] = (uint8_t)(i + 1);
	for (uint64_t at = 0; at < 2 * 2 * SIZE; at++) {
		uint64_t count = starts[at & 1] + at / 2;

		for (uint32_t len = 0; len <= SIZE; len++) {
			memset(ring, 0, sizeof(ring));
			memset(out, 0, sizeof(out));
			app_ring_write(ring, SIZE, count, in, len);
			app_ring_read(out, ring, SIZE, count, len);
			assert_memory_equal(out, in, len);
		}
	}
}

static void rounds_datagrams_up(void **state)
{
	(void)state;
	assert_int_equal(dgram_room(0), 48);
	assert_int_equal(dgram_room(1), 64);
	assert_int_equal(dgram_room(16), 64);
	assert_int_equal(dgram_room(17), 80);
	assert_true(2 * dgram_room(DGRAM_MAX) < APP_TX_BYTES);
}

static void keeps_sockets_apart(void **state)
{
	(void)state;
	assert_true(a2s_socket_off(APP_MAX_SOCKETS) <= a2s_tx_off(0));
	assert_int_equal(a2s_tx_off(APP_MAX_SOCKETS), a2s_times_off(0));
	assert_true(a2s_times_off(APP_MAX_SOCKETS) <= A2S_BYTES);
	assert_true(s2a_socket_off(APP_MAX_SOCKETS) <= s2a_error_off(0, 0));
	assert_int_equal(s2a_error_off(0, APP_ERRORS), s2a_error_off(0, 0));
	assert_true(s2a_error_off(0, APP_ERRORS - 1) < s2a_error_off(1, 0));
	assert_int_equal(s2a_error_off(APP_MAX_SOCKETS, 0), s2a_rx_off(0));
	assert_int_equal(s2a_rx_off(APP_MAX_SOCKETS), S2A_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(rounds_datagrams_up),
		cmocka_unit_test(keeps_sockets_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
