/*
 * ack_policy.h - when data is acknowledged (RFC 9293 3.8.6.3, RFC 5681 4.2)
 *
 * At the latest 500 ms after it came; with the second full segment; and at once
 * whenever the sender learns something from it: data out of order, a gap
 * filled, a FIN, a duplicate.  At the beginning of a connection and after a
 * loss every segment is acknowledged, since the sender's window grows with the
 * ACKs; as soon as the application answers what it reads, ACKs ride on that.
 *
 * The timer is not here: ACK_LATER says when it should fire.
 */
#ifndef TCPD_ACK_POLICY_H
#define TCPD_ACK_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"

enum {
	ACK_DELAY_MAX_MS = 500, /* RFC 9293, MUST-40: less than this */
	ACK_DELAY_MS = 40,      /* the default */
	ACK_QUICK = 16,         /* so many at once to begin with */
};

/* Flat; ack_policy_begin() makes one. */
struct ack_policy {
	uint32_t unacked;  /* bytes received in order and not acknowledged */
	uint16_t seg_size; /* what a full segment of this peer holds */
	uint16_t last_len; /* of the last segment */
	uint8_t quick;     /* so many more are acknowledged at once */
	bool now;          /* an ACK must not wait */
};

enum ack_when {
	ACK_NONE,  /* nothing to acknowledge */
	ACK_LATER, /* within the delay, or with the next data */
	ACK_NOW,   /* at the end of this turn (MUST-58: once for all) */
};

/* Why an ACK must not wait. */
enum ack_reason {
	ACK_OUT_OF_ORDER,   /* data above a gap */
	ACK_GAP,            /* data that fills all or part of one */
	ACK_DUPLICATE_DATA, /* what we had: an ACK of ours was lost */
	ACK_HANDSHAKE,      /* the peer's SYN came: it waits for ours */
	ACK_FIN,
	ACK_WINDOW,  /* window_update_due(), or a probe of a closed one */
	ACK_ECN,     /* ecn_received() said so */
	ACK_REFUSED, /* the answer to an unacceptable segment */
};

/* @rmss: the MSS that we told the peer; its segments are no larger. */
void ack_policy_begin(struct ack_policy *p, uint16_t rmss);

/*
 * @bytes came in order, by a segment of @seg bytes, or a super-frame of such
 * (its gso_size).  @bytes is more where a gap was filled.
 */
void ack_in_order(struct ack_policy *p, uint32_t bytes, uint32_t seg);

/* Something came that must be answered at once. */
void ack_at_once(struct ack_policy *p, enum ack_reason why);

/* The app wants no delay, or the longest, until traffic says otherwise. */
void ack_quick(struct ack_policy *p, bool on);

/* A segment with an ACK was sent; @data: it had data. */
void ack_sent(struct ack_policy *p, bool data);

/* What is to be done at the end of the turn. */
enum ack_when ack_judge_when(const struct ack_policy *p);

#endif /* TCPD_ACK_POLICY_H */
