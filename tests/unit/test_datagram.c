/*
 * test_datagram.c - the library's half of the datagram channel: who waits for
 * room, and what ends that
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/strata.h"
#include "shm/clock.h"
#include "tests/harness/fake_stack.h"

enum {
	LARGE = 60000,
	SOME = 1000,
	WAKES = 5, /* of a thread that has nothing to do, at the most */
};

/* One thread, blocked in sendto(), and what that has cost. */
struct blocked {
	int fd;
	uint32_t sub;
	size_t len;
	pthread_t thread;
	ssize_t sent;
	int err;
	long wakes;
};

static ssize_t send_one(int fd, size_t len, int flags)
{
	static const char bytes[LARGE];
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(7),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return strata_sendto(
	    fd, bytes, len, flags, (struct sockaddr *)&to, sizeof(to));
}

static void *send_blocked(void *arg)
{
	struct blocked *b = arg;
	struct rusage before, after;

	getrusage(RUSAGE_THREAD, &before);
	b->sent = send_one(b->fd, b->len, 0);
	b->err = errno;
	getrusage(RUSAGE_THREAD, &after);
	b->wakes = after.ru_nvcsw - before.ru_nvcsw;
	return NULL;
}

static uint64_t unsent(const struct blocked *b)
{
	return fake_a2s(b->sub)->tx_written - fake_s2a(b->sub)->tx_consumed;
}

/* SO_SNDBUF is used up, or if it is @sndbuf the ring is; @len more blocks. */
static void block(struct blocked *b, uint32_t sndbuf, size_t len)
{
	b->fd = strata_socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(b->fd >= 0);
	b->sub = fake_sub();
	b->len = len;
	if (sndbuf > 0)
		fake_s2a(b->sub)->names.sndbuf = sndbuf;
	while (send_one(b->fd, len, MSG_DONTWAIT) == (ssize_t)len)
		;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(pthread_create(&b->thread, NULL, send_blocked, b), 0);
	usleep(300000);
}

static void sent_after_all(struct blocked *b)
{
	pthread_join(b->thread, NULL);
	assert_int_equal(b->sent, (ssize_t)b->len);
	assert_in_range(b->wakes, 0, WAKES);
	strata_close(b->fd);
}

static void fails(struct blocked *b, int err)
{
	pthread_join(b->thread, NULL);
	assert_int_equal(b->sent, -1);
	assert_int_equal(b->err, err);
	strata_close(b->fd);
}

static void sleeps_until_all_else_is_sent(void **state)
{
	struct blocked b;

	(void)state;
	block(&b, 0, SOME);
	usleep(1000000);
	fake_consume(b.sub, (uint32_t)unsent(&b));
	sent_after_all(&b);
}

/* Poll would say that there is room, and there is, but not for so much. */
static void sleeps_with_room_for_less(void **state)
{
	struct blocked b;

	(void)state;
	block(&b, APP_TX_BYTES, LARGE);
	assert_true(unsent(&b) < APP_TX_BYTES);
	usleep(500000);
	fake_consume(b.sub, dgram_room(LARGE));
	sent_after_all(&b);
}

static void sees_the_stack_go(void **state)
{
	struct mono began;
	struct blocked b;

	(void)state;
	block(&b, 0, SOME);
	began = mono_now();
	fake_down(b.sub);
	fails(&b, ENETDOWN);
	assert_true(mono_since(mono_now(), began) < 90 * NS_PER_MS);
}

static void sees_the_stack_go_with_room_for_less(void **state)
{
	struct blocked b;

	(void)state;
	block(&b, APP_TX_BYTES, LARGE);
	fake_down(b.sub);
	fails(&b, ENETDOWN);
}

/* As in Linux: of an earlier datagram, but whoever calls next is told. */
static void an_error_ends_it(void **state)
{
	struct blocked b;

	(void)state;
	block(&b, 0, SOME);
	fake_error(b.sub, ECONNREFUSED);
	fails(&b, ECONNREFUSED);
}

static void shutdown_ends_it(void **state)
{
	struct blocked b;

	(void)state;
	block(&b, 0, SOME);
	fake_s2a(b.sub)->names.shut = 2;
	fake_consume(b.sub, (uint32_t)unsent(&b));
	fails(&b, EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleeps_until_all_else_is_sent),
		cmocka_unit_test(sleeps_with_room_for_less),
		cmocka_unit_test(sees_the_stack_go),
		cmocka_unit_test(sees_the_stack_go_with_room_for_less),
		cmocka_unit_test(an_error_ends_it),
		cmocka_unit_test(shutdown_ends_it),
	};

	return cmocka_run_group_tests(tests, fake_stack_begin, fake_stack_end);
}
