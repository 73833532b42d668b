/*
 * isn.c - numbers that a connection begins with and nobody else can guess
 */
#include "tcpd/isn.h"

#include <string.h>

#include "shm/siphash.h"

/* Any constants that differ. */
enum {
	USE_ISN = 1,
	USE_TIMESTAMP = 2,
};

uint64_t tuple_hash(
    const uint64_t key[2], const struct tcp_tuple *t, uint64_t use)
{
	uint8_t in[sizeof(use) + sizeof(*t)];

	memcpy(in, &use, sizeof(use));
	memcpy(in + sizeof(use), t, sizeof(*t));
	return siphash(key, in, sizeof(in));
}

tcp_seq isn_choose(
    const uint64_t key[2], const struct tcp_tuple *t, struct mono now)
{
	/* ISN = M + F(localip, localport, remoteip, remoteport, secretkey) */
	uint32_t m = (uint32_t)(now.ns / ISN_TICK_NS);
	uint32_t f = (uint32_t)tuple_hash(key, t, USE_ISN);

	return seq_of(m + f);
}

uint32_t ts_offset(const uint64_t key[2], const struct tcp_tuple *t)
{
	return (uint32_t)tuple_hash(key, t, USE_TIMESTAMP);
}

uint32_t ts_clock(struct mono now, uint32_t offset)
{
	return (uint32_t)(now.ns / TS_TICK_NS) + offset;
}
