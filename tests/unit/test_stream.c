/*
 * test_stream.c - the library's half of the stream channel: rings, and a
 * transport that lies
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tests/unit/stream_end.h"

static uint8_t byte_at(uint64_t at)
{
	return (uint8_t)(at * 7 + (at >> 8));
}

/* ---- Rings */

/* Around the ring's end and the end of all counting. */
static void reads_what_has_come(void **state)
{
	static const uint64_t starts[] = { 0, APP_RX_BYTES - 700,
		UINT64_MAX - 700 };
	uint8_t in[1500], out[1500];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = byte_at(i);
	for (size_t k = 0; k < 3; k++) {
		struct end e = connected_at(starts[k]);

		fake_receive(e.sub, in, sizeof(in));
		assert_int_equal(strata_recv(e.fd, out, 1500, MSG_PEEK), 1500);
		assert_memory_equal(out, in, 1500);
		for (size_t at = 0; at < 1500; at += 100) {
			assert_int_equal(strata_recv(e.fd, out, 100, 0), 100);
			assert_memory_equal(out, in + at, 100);
		}
		assert_fails(strata_recv(e.fd, out, 1, MSG_DONTWAIT), EAGAIN);
		strata_close(e.fd);
	}
}

static void scatters_and_gathers(void **state)
{
	struct end e = connected_at(APP_TX_BYTES - 4);
	char a[3], b[1], c[9], out[16];
	struct iovec in[4] = { { a, 3 }, { NULL, 0 }, { b, 1 }, { c, 9 } };
	char one[] = "abcde", two[] = "fgh";
	struct iovec iov[2] = { { one, 5 }, { two, 3 } };

	(void)state;
	assert_int_equal(strata_writev(e.fd, iov, 2), 8);
	app_ring_read(out, fake_tx(e.sub), APP_TX_BYTES, APP_TX_BYTES - 4, 8);
	assert_memory_equal(out, "abcdefgh", 8);
	fake_receive(e.sub, "0123456", 7);
	assert_int_equal(strata_readv(e.fd, in, 4), 7);
	assert_memory_equal(a, "012", 3);
	assert_int_equal(b[0], '3');
	assert_memory_equal(c, "456", 3);
	assert_fails(strata_readv(e.fd, in, -1), EINVAL);
	strata_close(e.fd);
}

static void takes_no_more_than_there_is_room_for(void **state)
{
	static char bytes[2 * SNDBUF];
	struct end e = connected();

	(void)state;
	assert_int_equal(
	    strata_send(e.fd, bytes, sizeof(bytes), MSG_DONTWAIT), SNDBUF);
	assert_fails(strata_send(e.fd, bytes, 1, MSG_DONTWAIT), EAGAIN);
	assert_int_equal(polled(e.fd, POLLOUT, 0), 0);
	fake_consume(e.sub, 10);
	/* Room, but not worth a wake: a third, as Linux. */
	assert_int_equal(polled(e.fd, POLLOUT, 0), 0);
	assert_int_equal(strata_send(e.fd, bytes, 20, MSG_DONTWAIT), 10);
	fake_consume(e.sub, SNDBUF / 3 + 1);
	assert_int_equal(polled(e.fd, POLLOUT, SOON), POLLOUT);
	strata_close(e.fd);
}

static void *send_much(void *arg)
{
	static char bytes[4 * SNDBUF];
	const struct end *e = arg;
	bool all = strata_send(e->fd, bytes, sizeof(bytes), 0) == sizeof(bytes);

	return all ? arg : NULL;
}

static void until_written(uint32_t sub, uint64_t want)
{
	for (int ms = 0; ms < SOON && fake_a2s(sub)->tx_written < want; ms++)
		usleep(1000);
	assert_int_equal(fake_a2s(sub)->tx_written, want);
}

/* The transport makes a buffer larger while one long call fills it. */
static void a_call_sees_the_buffer_grow(void **state)
{
	struct end e = connected();
	pthread_t thread;
	void *all = NULL;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, send_much, &e), 0);
	until_written(e.sub, SNDBUF);
	fake_s2a(e.sub)->names.sndbuf = 3 * SNDBUF;
	until_written(e.sub, 3 * SNDBUF);
	fake_consume(e.sub, SNDBUF);
	until_written(e.sub, 4 * SNDBUF);
	pthread_join(thread, &all);
	assert_non_null(all);
	strata_close(e.fd);
}

/* What a thread that is blocked in send() for a second has cost. */
struct blocked {
	int fd;
	long wakes;
	ssize_t sent;
	int err;
};

static void *send_blocked(void *arg)
{
	static const char bytes[2 * SNDBUF];
	struct blocked *b = arg;
	struct rusage before, after;

	getrusage(RUSAGE_THREAD, &before);
	b->sent = strata_send(b->fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
	b->err = errno;
	getrusage(RUSAGE_THREAD, &after);
	b->wakes = after.ru_nvcsw - before.ru_nvcsw;
	return NULL;
}

static void a_blocked_call_sleeps_soundly(void **state)
{
	struct end e = connected();
	struct blocked b = { .fd = e.fd };
	pthread_t t;

	(void)state;
	fake_receive(e.sub, "unread", 6);
	pthread_create(&t, NULL, send_blocked, &b);
	usleep(1000000);
	fake_consume(e.sub, SNDBUF);
	pthread_join(t, NULL);
	assert_int_equal(b.sent, 2 * SNDBUF);
	assert_true(b.wakes <= 5);
	strata_close(e.fd);
}

/* Nothing looks whether the stack lives, and yet its end is seen. */
static void a_blocked_call_sees_the_stack_go(void **state)
{
	struct end e = connected();
	struct blocked b = { .fd = e.fd };
	struct mono began;
	pthread_t t;

	(void)state;
	pthread_create(&t, NULL, send_blocked, &b);
	usleep(300000);
	began = mono_now();
	fake_down(e.sub);
	pthread_join(t, NULL);
	assert_true(mono_since(mono_now(), began) < 90 * NS_PER_MS);
	assert_int_equal(b.sent, SNDBUF);
	/* The rest goes nowhere. */
	pthread_create(&t, NULL, send_blocked, &b);
	pthread_join(t, NULL);
	assert_int_equal(b.sent, -1);
	assert_int_equal(b.err, ENETDOWN);
	strata_close(e.fd);
}

static void *acknowledge_slowly(void *arg)
{
	uint32_t sub = *(uint32_t *)arg;

	usleep(50000);
	fake_consume(sub, 100);
	usleep(50000);
	fake_stream(sub, STREAM_ESTABLISHED | 5);
	return NULL;
}

static int64_t close_ms(int fd)
{
	struct mono began = mono_now();

	assert_int_equal(strata_close(fd), 0);
	return mono_since(mono_now(), began) / NS_PER_MS;
}

static struct end lingering(uint32_t seconds)
{
	static const char bytes[100];
	struct end e = connected();

	fake_s2a(e.sub)->names.linger = 1 + seconds;
	assert_int_equal(strata_send(e.fd, bytes, 100, 0), 100);
	return e;
}

/* SO_LINGER: the FIN is data that must arrive, too. */
static void close_waits_for_the_end(void **state)
{
	struct rusage before, after;
	struct end e = lingering(5);
	pthread_t t;
	int64_t ms;

	(void)state;
	pthread_create(&t, NULL, acknowledge_slowly, &e.sub);
	ms = close_ms(e.fd);
	assert_true(ms >= 95 && ms < SOON);
	pthread_join(t, NULL);
	/* Not for ever, and asleep. */
	e = lingering(1);
	getrusage(RUSAGE_THREAD, &before);
	ms = close_ms(e.fd);
	getrusage(RUSAGE_THREAD, &after);
	assert_true(ms >= 995 && ms < SOON);
	assert_true(after.ru_nvcsw - before.ru_nvcsw < 8);
	/* What comes after the end will be answered by a reset. */
	e = lingering(5);
	pthread_create(&t, NULL, acknowledge_slowly, &e.sub);
	fake_receive(e.sub, "x", 1);
	assert_true(close_ms(e.fd) < 40);
	pthread_join(t, NULL);
}

/* Of two processes one closes: the stream does not end with that. */
static void close_ends_nothing_that_others_have(void **state)
{
	struct end e = lingering(5);
	pid_t child = fork();
	pthread_t t;
	int64_t ms;

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	pthread_create(&t, NULL, acknowledge_slowly, &e.sub);
	ms = close_ms(e.fd);
	assert_true(ms >= 45 && ms < 95);
	assert_true(fake_s2a(e.sub)->stream & STREAM_TX_OPEN);
	pthread_join(t, NULL);
}

static void throws_away_what_is_asked_to(void **state)
{
	struct end e = connected();
	char c[4];
	int n;

	(void)state;
	fake_receive(e.sub, "0123456789", 10);
	assert_int_equal(strata_recv(e.fd, NULL, 4, MSG_TRUNC), 4);
	assert_int_equal(strata_recv(e.fd, c, 2, MSG_TRUNC), 2);
	assert_int_equal(strata_ioctl(e.fd, FIONREAD, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(strata_recv(e.fd, c, 4, MSG_WAITALL), 4);
	assert_memory_equal(c, "6789", 4);
	strata_close(e.fd);
}

static void says_the_end_once_all_is_read(void **state)
{
	struct end e = connected();
	char c[8];

	(void)state;
	fake_receive(e.sub, "abc", 3);
	fake_stream(e.sub, (OPEN & ~0xff) | STREAM_RX_END);
	assert_int_equal(strata_recv(e.fd, c, 8, MSG_WAITALL), 3);
	assert_int_equal(strata_recv(e.fd, c, 8, 0), 0);
	assert_int_equal(strata_recv(e.fd, c, 8, MSG_PEEK), 0);
	fake_receive(e.sub, "de", 2);
	fake_error(e.sub, ECONNRESET);
	fake_stream(e.sub, STREAM_RX_END | STREAM_ESTABLISHED | STREAM_RESET);
	assert_int_equal(strata_recv(e.fd, c, 8, 0), 2);
	assert_fails(strata_recv(e.fd, c, 8, 0), ECONNRESET);
	assert_int_equal(strata_recv(e.fd, c, 8, 0), 0);
	assert_fails(strata_send(e.fd, c, 1, MSG_NOSIGNAL), EPIPE);
	assert_int_equal(polled(e.fd, POLLIN | POLLOUT | POLLRDHUP, 0),
	    POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	strata_close(e.fd);
}

/* As in Linux: what the next connection brings does not follow it. */
static void forgets_what_was_unread_when_disconnected(void **state)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct end e = connected();
	uint32_t kicked;
	char c[8];

	(void)state;
	fake_receive(e.sub, "abc", 3);
	kicked = fake_a2s(e.sub)->kick;
	assert_int_equal(strata_connect(e.fd, &nobody, sizeof(nobody)), 0);
	/* Some thread may still sleep in recv(): the byte comes once more. */
	assert_int_not_equal(fake_a2s(e.sub)->kick, kicked);
	fake_receive(e.sub, "de", 2);
	assert_int_equal(strata_recv(e.fd, c, 8, 0), 2);
	assert_memory_equal(c, "de", 2);
	strata_close(e.fd);
}

/* A transport's lie, or what is left of a connection: close() comes back. */
static void closes_a_listener_with_half_a_record(void **state)
{
	struct end e = connected();

	(void)state;
	fake_receive(e.sub, "abc", 3);
	fake_stream(e.sub, STREAM_LISTENING | 10);
	assert_int_equal(strata_close(e.fd), 0);
}

/* The byte that told of it is gone when others in accept() look for it. */
static void tells_of_a_listeners_end_once_more(void **state)
{
	struct end e = connected();
	struct pollfd p = { .fd = e.fd, .events = POLLIN };

	(void)state;
	fake_stream(e.sub, STREAM_LISTENING);
	assert_int_equal(strata_shutdown(e.fd, SHUT_RD), 0);
	assert_int_equal(poll(&p, 1, SOON), 1);
	assert_fails(strata_accept(e.fd, NULL, NULL), EINVAL);
	assert_int_equal(poll(&p, 1, 0), 1);
	strata_close(e.fd);
}

/* Nothing can come to a listener without sockets: nobody sleeps on it. */
static void says_why_there_are_no_sockets_for_a_listener(void **state)
{
	struct end e = connected();

	(void)state;
	fake_stream(e.sub, STREAM_LISTENING);
	fake_refuse(ENOBUFS);
	assert_fails(strata_listen(e.fd, 1), ENOBUFS);
	assert_fails(strata_accept(e.fd, NULL, NULL), ENOBUFS);
	fake_refuse(0);
	assert_int_equal(strata_listen(e.fd, 1), 0);
	strata_close(e.fd);
}

static void lends_its_rings(void **state)
{
	struct end e = connected_at(APP_TX_BYTES - 5);
	struct iovec span[2];
	uint8_t out[8];

	(void)state;
	assert_int_equal(strata_send_reserve(e.fd, span, 8), 8);
	assert_int_equal(span[0].iov_len, 5);
	assert_int_equal(span[1].iov_len, 3);
	memcpy(span[0].iov_base, "abcde", 5);
	memcpy(span[1].iov_base, "fgh", 3);
	assert_int_equal(strata_send_commit(e.fd, 7), 0);
	assert_int_equal(fake_a2s(e.sub)->tx_written, APP_TX_BYTES + 2);
	app_ring_read(out, fake_tx(e.sub), APP_TX_BYTES, APP_TX_BYTES - 5, 7);
	assert_memory_equal(out, "abcdefg", 7);
	assert_int_equal(
	    strata_send_reserve(e.fd, span, 10 * SNDBUF), SNDBUF - 7);
	assert_fails(strata_send_commit(e.fd, SNDBUF), EINVAL);

	fake_receive(e.sub, "xyz", 3);
	assert_int_equal(strata_recv_peek(e.fd, span), 3);
	assert_memory_equal(span[0].iov_base, "xyz", 3);
	assert_fails(strata_recv_consume(e.fd, 4), EINVAL);
	assert_int_equal(strata_recv_consume(e.fd, 2), 0);
	assert_int_equal(strata_recv_peek(e.fd, span), 1);
	strata_close(e.fd);
}

/* The window is worth a look when a quarter of it was read, not before. */
static void tells_of_reading_now_and_then(void **state)
{
	struct end e = connected();
	uint8_t bytes[2000] = { 0 };
	uint32_t before;

	(void)state;
	fake_receive(e.sub, bytes, 2000);
	strata_recv(e.fd, bytes, 1, 0);
	before = fake_posted();
	for (int i = 0; i < 500; i++)
		assert_int_equal(strata_recv(e.fd, bytes, 1, 0), 1);
	assert_int_equal(fake_posted(), before);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(strata_recv(e.fd, bytes, 1, 0), 1);
	assert_int_equal(fake_posted(), before + 1);
	strata_close(e.fd);
}

/* ---- A transport that lies is not followed out of the ring */

static void believes_no_impossible_counts(void **state)
{
	static uint8_t buf[APP_RX_BYTES];
	struct end e = connected();
	struct iovec span[2];

	(void)state;
	fake_s2a(e.sub)->rx_written = APP_RX_BYTES + 1;
	assert_fails(strata_recv(e.fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	fake_s2a(e.sub)->rx_written = UINT64_MAX;
	assert_fails(strata_recv(e.fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	fake_s2a(e.sub)->tx_consumed = 1;
	assert_fails(strata_send(e.fd, buf, 1, MSG_DONTWAIT), EAGAIN);
	strata_fcntl(e.fd, F_SETFL, O_NONBLOCK);
	assert_fails(strata_send_reserve(e.fd, span, 1), EAGAIN);
	fake_s2a(e.sub)->names.sndbuf = UINT32_MAX;
	fake_s2a(e.sub)->tx_consumed = 0;
	assert_int_equal(
	    strata_send(e.fd, buf, sizeof(buf), MSG_DONTWAIT), APP_TX_BYTES);
	fake_s2a(e.sub)->names.rcvlowat = UINT32_MAX;
	assert_int_equal(polled(e.fd, POLLIN, 0), 0);
	strata_close(e.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_has_come),
		cmocka_unit_test(scatters_and_gathers),
		cmocka_unit_test(takes_no_more_than_there_is_room_for),
		cmocka_unit_test(a_call_sees_the_buffer_grow),
		cmocka_unit_test(a_blocked_call_sleeps_soundly),
		cmocka_unit_test(a_blocked_call_sees_the_stack_go),
		cmocka_unit_test(close_waits_for_the_end),
		cmocka_unit_test(close_ends_nothing_that_others_have),
		cmocka_unit_test(throws_away_what_is_asked_to),
		cmocka_unit_test(says_the_end_once_all_is_read),
		cmocka_unit_test(forgets_what_was_unread_when_disconnected),
		cmocka_unit_test(closes_a_listener_with_half_a_record),
		cmocka_unit_test(tells_of_a_listeners_end_once_more),
		cmocka_unit_test(says_why_there_are_no_sockets_for_a_listener),
		cmocka_unit_test(lends_its_rings),
		cmocka_unit_test(tells_of_reading_now_and_then),
		cmocka_unit_test(believes_no_impossible_counts),
	};

	return cmocka_run_group_tests(tests, fake_stack_begin, fake_stack_end);
}
