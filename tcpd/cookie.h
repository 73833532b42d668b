/*
 * cookie.h - SYN cookies: a half-open connection kept in the peer's hands
 *
 * RFC 4987, 3.6 and appendix A.  Under a flood the answer to a SYN leaves no
 * state behind; all that is needed comes back with the ACK that completes the
 * handshake.
 *
 *	cookie = F1(ends) + SEG.SEQ of the SYN
 *	         + (period << 24) + ((F2(...) + MSS index) mod 2^24)
 *
 * period counts 64 s; F1 and F2 are keyed hashes, F2 of the ends, the SYN's
 * number, the period and the options.  F1 is fixed for the two ends, so that
 * their numbers go up with time, as initial sequence numbers must; and since
 * nobody else knows it, a forger has to hit all 32 bits: one guess in 2^28 is
 * right (2 periods times 8 MSS indices).
 *
 * What else was agreed lies in the low six bits of the timestamp that we send,
 * and comes back in TSecr: without timestamps there is no window scaling, SACK
 * or ECN (RFC 7323: only a SYN carries them).  F2 covers these six bits, so
 * nobody can change them.
 *
 * Pure: keys and time are arguments; nothing is remembered.
 */
#ifndef TCPD_COOKIE_H
#define TCPD_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"
#include "tcpd/seq.h"
#include "tcpd/tuple.h"

enum {
	COOKIE_PERIOD_S = 64, /* a cookie lives for one to two of these */
	COOKIE_NO_WSCALE = 15,
	COOKIE_MIN_MSS = 64, /* a peer that offers less is taken at this */
};

/* What the peer's SYN offered and we agree to. */
struct cookie_options {
	uint16_t mss;   /* the peer's; comes back rounded down */
	uint8_t wscale; /* the peer's, 0 to 14, or COOKIE_NO_WSCALE */
	bool has_ts;
	bool sack; /* this and the rest only together with has_ts */
	bool ecn;
};

/* Options as they can be kept: a smaller MSS, none without timestamps. */
struct cookie_options cookie_keepable(struct cookie_options o);

/*
 * The timestamp to send with the cookie: at most @ts_now, the connection's
 * clock, and less than 64 ticks behind it.  Never ahead of it: the peer would
 * refuse what we send next (RFC 7323, 5.3 R1).
 */
uint32_t cookie_timestamp(uint32_t ts_now, const struct cookie_options *o);

/* The sequence number of the SYN-ACK that answers a SYN numbered @syn. */
tcp_seq cookie_make(const uint64_t key[2], const struct tcp_tuple *t,
    tcp_seq syn, struct mono now, const struct cookie_options *o);

/*
 * Does an ACK complete a handshake that began with a cookie?
 *
 * @cookie is its SEG.ACK - 1, @syn its SEG.SEQ - 1; @has_ts and @ts_ecr are
 * from its timestamp option.  If so, *@ret has what cookie_keepable() left of
 * the options.  False for a forged, altered or old one, *@ret untouched.
 */
bool cookie_check(struct cookie_options *ret, const uint64_t key[2],
    const struct tcp_tuple *t, tcp_seq cookie, tcp_seq syn, bool has_ts,
    uint32_t ts_ecr, struct mono now);

#endif /* TCPD_COOKIE_H */
