/*
 * test_api_measure.c - the library says when it reads, to who measures it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/strata.h"
#include "shm/clock.h"
#include "tests/harness/fake_stack.h"

struct end {
	int fd;
	uint32_t sub;
};

/* A stream whose counts begin at @at. */
static struct end connected_at(uint64_t at)
{
	struct end e = { .fd = strata_socket(AF_INET, SOCK_STREAM, 0) };

	assert_true(e.fd >= 0);
	e.sub = fake_sub();
	fake_stream(e.sub, STREAM_ESTABLISHED | STREAM_TX_OPEN | 1);
	fake_s2a(e.sub)->rx_written = fake_a2s(e.sub)->rx_read = at;
	return e;
}

/* The @n-th: it was from @from to @to, and between @begin and now. */
static void assert_time(const struct app_time *t, uint64_t n, uint64_t from,
    uint64_t to, struct mono begin)
{
	assert_int_equal(t[n % APP_TIMES].from, from);
	assert_int_equal(t[n % APP_TIMES].to, to);
	assert_in_range(t[n % APP_TIMES].when, begin.ns, mono_now().ns);
}

/* The last of @n reads. */
static void assert_read(const struct end *e, uint64_t n, uint64_t from,
    uint64_t to, struct mono begin)
{
	assert_int_equal(fake_a2s(e->sub)->rx_said, n);
	assert_time(fake_times(e->sub)->rx, n - 1, from, to, begin);
	assert_int_equal(fake_a2s(e->sub)->rx_read, to);
}

static void of_streams_if_asked(void **state)
{
	enum {
		AT = 1000
	};
	struct end e = connected_at(AT);
	struct mono now = mono_now();
	char b[16];
	struct iovec span[2], one = { b, 5 };
	struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1 };

	(void)state;
	fake_receive(e.sub, "0123456789abcdefghij", 20);
	assert_int_equal(strata_recv(e.fd, b, 3, 0), 3);
	assert_int_equal(fake_a2s(e.sub)->rx_said, 0);
	fake_s2a_head()->measure = 1;
	assert_int_equal(strata_recv(e.fd, b, 3, MSG_PEEK), 3);
	assert_int_equal(fake_a2s(e.sub)->rx_said, 0);
	assert_int_equal(strata_recv(e.fd, b, 4, 0), 4);
	assert_read(&e, 1, AT + 3, AT + 7, now);
	now = mono_now();
	assert_int_equal(strata_recvmsg(e.fd, &m, 0), 5);
	assert_read(&e, 2, AT + 7, AT + 12, now);
	now = mono_now();
	assert_int_equal(strata_recv_peek(e.fd, span), 8);
	assert_int_equal(fake_a2s(e.sub)->rx_said, 2);
	assert_int_equal(strata_recv_consume(e.fd, 6), 0);
	assert_read(&e, 3, AT + 12, AT + 18, now);
	/* Thrown away with the connection: not read. */
	assert_int_equal(
	    strata_connect(e.fd, &(struct sockaddr){ AF_UNSPEC, { 0 } },
		sizeof(struct sockaddr)),
	    0);
	assert_int_equal(fake_a2s(e.sub)->rx_read, AT + 20);
	assert_int_equal(fake_a2s(e.sub)->rx_said, 3);
	fake_s2a_head()->measure = 0;
	strata_close(e.fd);
}

static void of_datagrams_too(void **state)
{
	struct end e = { .fd = strata_socket(AF_INET, SOCK_DGRAM, 0) };
	struct dgram g = { .len = 4 };
	uint8_t in[sizeof(g) + DGRAM_ALIGN] = { 0 };
	struct mono now = mono_now();
	char b[16];

	(void)state;
	assert_true(e.fd >= 0);
	e.sub = fake_sub();
	memcpy(in, &g, sizeof(g));
	for (int i = 0; i < 3; i++)
		fake_receive(e.sub, in, sizeof(in));
	assert_int_equal(strata_recv(e.fd, b, sizeof(b), 0), 4);
	assert_int_equal(fake_a2s(e.sub)->rx_said, 0);
	fake_s2a_head()->measure = 1;
	assert_int_equal(strata_recv(e.fd, b, sizeof(b), MSG_PEEK), 4);
	assert_int_equal(fake_a2s(e.sub)->rx_said, 0);
	/* Also what it throws away of one has been read. */
	assert_int_equal(strata_recv(e.fd, b, 1, 0), 1);
	assert_read(&e, 1, sizeof(in), 2 * sizeof(in), now);
	now = mono_now();
	assert_int_equal(strata_read(e.fd, b, sizeof(b)), 4);
	assert_read(&e, 2, 2 * sizeof(in), 3 * sizeof(in), now);
	fake_s2a_head()->measure = 0;
	strata_close(e.fd);
}

/* More than there is room for: the last. */
static void all_of_many_writes(void **state)
{
	enum {
		WRITES = APP_TIMES + 3
	};
	struct end e = connected_at(0);
	struct mono now = mono_now();
	const struct app_time *tx = fake_times(e.sub)->tx;

	(void)state;
	assert_int_equal(strata_send(e.fd, "ab", 2, 0), 2);
	assert_int_equal(fake_a2s(e.sub)->tx_said, 0);
	fake_s2a_head()->measure = 1;
	for (uint64_t i = 0; i < WRITES; i++)
		assert_int_equal(strata_send(e.fd, "ab", 2, 0), 2);
	assert_int_equal(fake_a2s(e.sub)->tx_said, WRITES);
	for (uint64_t i = WRITES - APP_TIMES; i < WRITES; i++)
		assert_time(tx, i, 2 + 2 * i, 4 + 2 * i, now);
	fake_s2a_head()->measure = 0;
	strata_close(e.fd);
}

/* Its number's last one may have been another transport's. */
static void a_new_socket_has_said_nothing(void **state)
{
	uint32_t next = fake_sub() + 1;
	struct end e;

	(void)state;
	fake_a2s(next)->rx_said = fake_a2s(next)->tx_said = 5;
	e = connected_at(0);
	assert_int_equal(e.sub, next);
	assert_int_equal(fake_a2s(e.sub)->rx_said, 0);
	assert_int_equal(fake_a2s(e.sub)->tx_said, 0);
	strata_close(e.fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_streams_if_asked),
		cmocka_unit_test(of_datagrams_too),
		cmocka_unit_test(all_of_many_writes),
		cmocka_unit_test(a_new_socket_has_said_nothing),
	};

	return cmocka_run_group_tests(tests, fake_stack_begin, fake_stack_end);
}
