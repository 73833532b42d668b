/*
 * test_stream_wait.c - poll and epoll of the library's streams
 */
#include <linux/sockios.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/stream_end.h"

static int next(int ep, int ms)
{
	struct epoll_event e;

	return strata_epoll_wait(ep, &e, 1, ms) == 1 ? (int)e.events : 0;
}

static int set_of(int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };
	int ep = strata_epoll_create1(0);

	assert_true(ep >= 0);
	assert_int_equal(strata_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	return ep;
}

/* Bytes on the fd that say nothing are no events, however many. */
static void is_not_woken_by_bytes_alone(void **state)
{
	struct end e = connected();
	int ep = set_of(e.fd, EPOLLIN | EPOLLET);
	char c;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		fake_byte(e.sub);
		if (i % 100 == 0)
			assert_int_equal(next(ep, 0), 0);
	}
	assert_int_equal(polled(e.fd, POLLIN, 0), 0);
	assert_int_equal(polled(e.fd, POLLIN, 10), 0);
	assert_fails(strata_recv(e.fd, &c, 1, MSG_DONTWAIT), EAGAIN);
	fake_receive(e.sub, "x", 1);
	assert_int_equal(next(ep, SOON), EPOLLIN);
	assert_int_equal(next(ep, 0), 0);
	strata_close(e.fd);
	strata_close(ep);
}

/* An edge for whoever has read all, were it in the very moment. */
static void misses_no_edge(void **state)
{
	struct end e = connected();
	int ep = set_of(e.fd, EPOLLIN | EPOLLET);
	char buf[8];

	(void)state;
	for (int i = 0; i < 500; i++) {
		fake_receive(e.sub, "ab", 2);
		assert_int_equal(next(ep, SOON), EPOLLIN);
		/* A short count says that nothing is left. */
		assert_int_equal(strata_recv(e.fd, buf, 8, MSG_DONTWAIT), 2);
	}
	strata_close(e.fd);
	strata_close(ep);
}

static void tells_of_room_after_eagain(void **state)
{
	static char bytes[2 * SNDBUF];
	struct end e = connected();
	int ep = set_of(e.fd, EPOLLOUT | EPOLLET);

	(void)state;
	assert_int_equal(next(ep, SOON), EPOLLOUT);
	for (int i = 0; i < 100; i++) {
		while (strata_send(e.fd, bytes, 1500, MSG_DONTWAIT) > 0)
			;
		assert_int_equal(next(ep, 0), 0);
		fake_consume(e.sub, 1000);
		assert_int_equal(next(ep, 0), 0);
		fake_consume(e.sub, 1000);
		assert_int_equal(next(ep, SOON), EPOLLOUT);
		assert_int_equal(fake_a2s(e.sub)->tx_poll, 0);
		fake_consume(e.sub, 1000);
	}
	strata_close(e.fd);
	strata_close(ep);
}

/* TCP_NOTSENT_LOWAT: half of it is little enough to be told. */
static void tells_when_little_is_unsent(void **state)
{
	static char bytes[20000];
	struct end e = connected();
	int ep = set_of(e.fd, EPOLLOUT | EPOLLET);
	int n;

	(void)state;
	fake_s2a(e.sub)->names.sndbuf = 65536;
	fake_s2a(e.sub)->names.notsent_lowat = 10000;
	assert_int_equal(next(ep, SOON), EPOLLOUT);
	assert_int_equal(strata_send(e.fd, bytes, 20000, MSG_DONTWAIT), 10000);
	assert_fails(strata_send(e.fd, bytes, 1, MSG_DONTWAIT), EAGAIN);
	assert_int_equal(polled(e.fd, POLLOUT, 0), 0);
	assert_int_equal(strata_ioctl(e.fd, SIOCOUTQNSD, &n), 0);
	assert_int_equal(n, 10000);
	fake_send(e.sub, 5000);
	assert_int_equal(next(ep, 0), 0);
	assert_int_equal(polled(e.fd, POLLOUT, 0), 0);
	fake_send(e.sub, 1);
	assert_int_equal(next(ep, SOON), EPOLLOUT);
	assert_int_equal(polled(e.fd, POLLOUT, 0), POLLOUT);
	assert_int_equal(strata_send(e.fd, bytes, 20000, MSG_DONTWAIT), 5001);
	assert_int_equal(strata_ioctl(e.fd, SIOCOUTQ, &n), 0);
	assert_int_equal(n, 15001);
	strata_close(e.fd);
	strata_close(ep);
}

/* Of a few bytes it does not make segments of a few. */
static void a_mark_of_nothing_is_no_crawl(void **state)
{
	static char bytes[20000];
	struct end e = connected();

	(void)state;
	fake_s2a(e.sub)->names.sndbuf = 65536;
	fake_s2a(e.sub)->names.notsent_lowat = 1;
	assert_int_equal(strata_send(e.fd, bytes, 20000, MSG_DONTWAIT), 4096);
	assert_fails(strata_send(e.fd, bytes, 1, MSG_DONTWAIT), EAGAIN);
	fake_send(e.sub, 4095);
	assert_int_equal(polled(e.fd, POLLOUT, 0), 0);
	fake_send(e.sub, 1);
	assert_int_equal(polled(e.fd, POLLOUT, 0), POLLOUT);
	strata_close(e.fd);
}

static void *send_soon(void *arg)
{
	uint32_t sub = *(uint32_t *)arg;

	for (int i = 0; i < 3; i++) {
		usleep(20000);
		fake_send(sub, 10000);
	}
	return NULL;
}

static void waits_until_little_is_unsent(void **state)
{
	static char bytes[30000];
	struct end e = connected();
	pthread_t t;

	(void)state;
	fake_s2a(e.sub)->names.sndbuf = 65536;
	fake_s2a(e.sub)->names.notsent_lowat = 10000;
	pthread_create(&t, NULL, send_soon, &e.sub);
	assert_int_equal(strata_send(e.fd, bytes, 30000, 0), 30000);
	assert_true(fake_s2a(e.sub)->tx_sent >= 20000);
	pthread_join(t, NULL);
	strata_close(e.fd);
}

static void keeps_the_ready_in_turn(void **state)
{
	enum {
		N = 5
	};
	int ep = strata_epoll_create1(0), seen[N] = { 0 };
	struct end e[N];

	(void)state;
	for (int i = 0; i < N; i++) {
		struct epoll_event ev = { EPOLLIN, { .u32 = (uint32_t)i } };

		e[i] = connected();
		strata_epoll_ctl(ep, EPOLL_CTL_ADD, e[i].fd, &ev);
		fake_receive(e[i].sub, "x", 1);
	}
	for (int i = 0; i < 10 * N; i++) {
		struct epoll_event ev[2];
		int n = strata_epoll_wait(ep, ev, 2, SOON);

		assert_int_equal(n, 2);
		seen[ev[0].data.u32]++;
		seen[ev[1].data.u32]++;
	}
	for (int i = 0; i < N; i++)
		assert_int_equal(seen[i], 20);
	/* Closed while in the queue. */
	for (int i = 0; i < N; i++)
		strata_close(e[i].fd);
	assert_int_equal(next(ep, 0), 0);
	strata_close(ep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_not_woken_by_bytes_alone),
		cmocka_unit_test(misses_no_edge),
		cmocka_unit_test(tells_of_room_after_eagain),
		cmocka_unit_test(tells_when_little_is_unsent),
		cmocka_unit_test(a_mark_of_nothing_is_no_crawl),
		cmocka_unit_test(waits_until_little_is_unsent),
		cmocka_unit_test(keeps_the_ready_in_turn),
	};

	return cmocka_run_group_tests(tests, fake_stack_begin, fake_stack_end);
}
