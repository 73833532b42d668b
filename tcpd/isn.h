/*
 * isn.h - numbers that a connection begins with and nobody else can guess
 *
 * The initial sequence number of RFC 6528 and RFC 9293, 3.4.1: a clock of 4 us
 * plus a keyed hash of the connection's ends.  So the numbers of one pair of
 * ends only ever go up (a new incarnation stays clear of the old one, which is
 * what RFC 1122, 4.2.2.13 and RFC 6191 rely on), and those of another pair
 * tell nothing about them.  The same for timestamps (RFC 7323, 5.4).
 *
 * Keys are secrets that outlive the process: with new ones, handshakes in
 * flight and PAWS of old connections would break.  The clock is the host's
 * monotonic one, so both survive a restart.  Uses of one key do not mix: each
 * hashes a word of its own along.
 */
#ifndef TCPD_ISN_H
#define TCPD_ISN_H

#include <stdint.h>

#include "shm/clock.h"
#include "tcpd/seq.h"
#include "tcpd/tuple.h"

enum {
	ISN_TICK_NS = 4000, /* RFC 9293, 3.4.1: about every 4 us */
	TS_TICK_NS = NS_PER_MS,
};

/* A keyed hash of the ends and @use, which tells its purposes apart. */
uint64_t tuple_hash(
    const uint64_t key[2], const struct tcp_tuple *t, uint64_t use);

/* The initial sequence number of a connection that begins at @now. */
tcp_seq isn_choose(
    const uint64_t key[2], const struct tcp_tuple *t, struct mono now);

/* What this connection adds to the timestamp clock (RFC 7323, 5.4). */
uint32_t ts_offset(const uint64_t key[2], const struct tcp_tuple *t);

/* TSval at @now: milliseconds plus the offset, modulo 2^32. */
uint32_t ts_clock(struct mono now, uint32_t offset);

#endif /* TCPD_ISN_H */
