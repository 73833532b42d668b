/*
 * stream_end.h - connected streams of the library, with a fake transport
 */
#ifndef TESTS_UNIT_STREAM_END_H
#define TESTS_UNIT_STREAM_END_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/strata.h"
#include "tests/harness/fake_stack.h"

enum {
	OPEN = STREAM_ESTABLISHED | STREAM_TX_OPEN | 1,
	SNDBUF = 3000, /* as the fake says */
	SOON = 2000,   /* ms */
};

struct end {
	int fd;
	uint32_t sub;
};

static inline struct end connected(void)
{
	struct end e = { .fd = strata_socket(AF_INET, SOCK_STREAM, 0) };

	assert_true(e.fd >= 0);
	e.sub = fake_sub();
	fake_stream(e.sub, OPEN);
	return e;
}

/* Its counts begin at @at, as if many bytes had gone through. */
static inline struct end connected_at(uint64_t at)
{
	struct end e = connected();

	fake_s2a(e.sub)->rx_written = fake_a2s(e.sub)->rx_read = at;
	fake_s2a(e.sub)->tx_consumed = fake_a2s(e.sub)->tx_written = at;
	return e;
}

#define assert_fails(call, err)                 \
	do {                                    \
		assert_int_equal((call), -1);   \
		assert_int_equal(errno, (err)); \
	} while (0)

static inline short polled(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return strata_poll(&p, 1, ms) > 0 ? p.revents : 0;
}

#endif /* TESTS_UNIT_STREAM_END_H */
