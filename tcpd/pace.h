/*
 * pace.h - how fast new data leaves
 *
 * A window that opens all at once would leave as one burst, and fill the queue
 * of a slower link on the way.  So new data is spread over the round trip: at
 * a little more than cwnd in each SRTT, with some credit for what was not used
 * (a few milliseconds of it, or the initial window), so that processes need not
 * be awake for each segment, and where a round trip is shorter than that there
 * is no pacing at all.  What repairs a loss has a clock of its own (RFC 9937).
 *
 * pace_at is all the state: when the next segment may go, or how long ago.
 */
#ifndef TCPD_PACE_H
#define TCPD_PACE_H

#include "tcpd/conn.h"

/* Bytes a second: a window in a round trip, and some more; 0: unlimited. */
uint64_t pace_rate(const struct tcb *c);

/*
 * How much may go now, in whole segments of @mss; 0: nothing before pace_at,
 * UINT32_MAX: as much as you like.
 */
uint32_t pace_room(const struct tcb *c, uint32_t mss, struct mono now);

/* @len bytes of new data have been sent. */
void pace_sent(struct tcb *c, uint32_t len, struct mono now);

#endif /* TCPD_PACE_H */
