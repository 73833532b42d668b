/*
 * rtt.h - round-trip time and retransmission timeout (RFC 6298)
 *
 * All durations are nanoseconds.  A sample is what the caller could measure
 * without doubt: from a segment never retransmitted (Karn's algorithm, section
 * 3: struct sb_news has it), or from an echoed timestamp (RFC 7323, 4.1).  This
 * file can't tell them apart and takes each one.
 *
 * A smallest RTT of the last minutes is kept as well, for RACK (RFC 8985, 6.2)
 * and slow start's end (RFC 9406).  It is the smaller of the minima of two
 * periods: the one that runs, and the one before it.  So it forgets a path that
 * is no more after one to two periods, in 24 bytes.
 */
#ifndef TCPD_RTT_H
#define TCPD_RTT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"

/*
 * The bounds.  RFC 6298 has initial 1 s, min 1 s, max at least 60 s and leaves
 * the granularity open.  It is what RTO exceeds SRTT by at the least; a kernel
 * which allows a min of 200 ms has it at 200 ms too, so that a path without any
 * variance does not time out on the first delayed ACK.
 */
struct rtt_config {
	int64_t initial_ns;     /* RTO before the first sample (2.1) */
	int64_t min_ns;         /* 2.4 */
	int64_t max_ns;         /* 2.5 */
	int64_t granularity_ns; /* G */
	int64_t period_ns;      /* of the smallest RTT */
};

enum {
	/* RTO after a SYN was lost, in milliseconds (5.7). */
	RTT_SYN_LOST_MS = 3000,
};

struct rtt {
	int64_t srtt_ns; /* 0: no sample yet */
	int64_t rttvar_ns;
	int64_t rto_ns; /* backed off, within the bounds */
	int64_t latest_ns;
	int64_t min_ns[2]; /* of this period and the last; INT64_MAX: none */
	struct mono period_end;
	uint32_t
	    samples; /* taken; wraps; TLP asks whether there was a new one */
	uint8_t backoff; /* doublings since the last sample, saturating */
};

void rtt_init(struct rtt *r, const struct rtt_config *c);

/*
 * One more sample of @rtt_ns (below 1 is taken as 1).  @expected is how many
 * samples a window gives: 1 if one segment at a time is measured, else
 * rtt_expected_samples() (RFC 7323, appendix G: the history is then as long as
 * with one sample a round trip).  Ends the backing off.
 */
void rtt_sample(struct rtt *r, const struct rtt_config *c, int64_t rtt_ns,
    uint32_t expected, struct mono now);

/* ceiling(FlightSize / (SMSS * 2)), at least 1. */
uint32_t rtt_expected_samples(uint32_t flight_size, uint32_t smss);

/*
 * The first sample from new data after a timeout that was spurious (RFC 4015,
 * step 11); @srtt_prev and @rttvar_prev are from before the timeout (step 0).
 */
void rtt_sample_after_spurious(struct rtt *r, const struct rtt_config *c,
    int64_t rtt_ns, int64_t srtt_prev_ns, int64_t rttvar_prev_ns,
    struct mono now);

/* The timer expired: RTO doubles, up to the maximum (5.5). */
void rtt_backoff(struct rtt *r, const struct rtt_config *c);

/*
 * The handshake is complete.  If its timer had expired (@syn_timed_out) and RTO
 * began below 3 s, RTO is 3 s until the next sample (5.7).
 */
void rtt_established(
    struct rtt *r, const struct rtt_config *c, bool syn_timed_out);

/* The smallest RTT of the last one to two periods; 0 if there was none. */
int64_t rtt_min(const struct rtt *r);

#endif /* TCPD_RTT_H */
