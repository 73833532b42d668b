/*
 * sack_rx.h - what the receiver holds beyond a gap, and what it says about it
 * (RFC 2018, section 4; DSACK, RFC 2883, section 4)
 *
 *	 delivered          |       received, out of order
 *	--------------------|     |#####|        |####|   |########|
 *	               rcv_nxt
 *
 * The bytes themselves lie in the socket's ring at the place where they belong;
 * here is only which of them are there.  Whoever calls this has trimmed the
 * segment to the receive window, so all numbers are within 2^31.
 *
 * There are at most RANGES_MAX blocks.  A segment that would begin one more is
 * to be dropped as if the network had lost it: nothing is ever announced that
 * is not held, and nothing announced is ever given up (no reneging, section 8).
 * What continues a block, fills a gap or is next in order is always taken.
 *
 * Several segments may arrive before one ACK is sent.  Then the newest block is
 * first, and of several duplicates the first one is reported.
 */
#ifndef TCPD_SACK_RX_H
#define TCPD_SACK_RX_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd/ranges.h"
#include "tcpd/tcp_wire.h"

struct sack_rx {
	struct ranges ooo; /* all above rcv_nxt, none touching it */
	/* One number of each block announced of late, the newest first. */
	tcp_seq recent[TCP_MAX_SACK];
	struct seq_range dsack;
	uint8_t nrecent;
	bool has_dsack; /* @dsack is yet to be reported, once */
};

void sack_rx_init(struct sack_rx *s);

/*
 * The bytes [left, right) arrived, and at least one is not below *rcv_nxt.
 * *rcv_nxt moves over all that is now in order.  0; or -ENOSPC: not taken in,
 * nothing has changed, drop it.
 */
int sack_rx_arrived(
    struct sack_rx *s, tcp_seq *rcv_nxt, tcp_seq left, tcp_seq right);

/*
 * Would sack_rx_arrived() take it?  Asked before the payload is copied, so that
 * a refused segment costs nothing.
 */
bool sack_rx_has_room(
    const struct sack_rx *s, tcp_seq rcv_nxt, tcp_seq left, tcp_seq right);

/* All of [left, right) is below rcv_nxt: an old duplicate. */
void sack_rx_duplicate(struct sack_rx *s, tcp_seq left, tcp_seq right);

/*
 * Write up to @max blocks for the ACK that is sent now; returns how many, 0
 * when there is nothing to say.  A duplicate is reported here once (RFC 2883,
 * section 4, rule 2), or, without @dsack, never.
 */
uint32_t sack_rx_take(
    struct sack_rx *s, struct tcp_sack *ret, uint32_t max, bool dsack);

#endif /* TCPD_SACK_RX_H */
