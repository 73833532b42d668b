/*
 * paws.h - protection against wrapped sequence numbers (RFC 7323, 5)
 *
 * A segment whose timestamp is older than one already seen is an old duplicate,
 * whatever its sequence number.  TS.Recent is at the same time what we echo
 * (4.3).
 */
#ifndef TCPD_PAWS_H
#define TCPD_PAWS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"
#include "tcpd/seq.h"

enum {
	/* A clock of 1 ms wraps its sign bit in 24.8 days (5.5). */
	PAWS_OUTDATED_S = 24 * 24 * 3600,
};

/* Flat; only with timestamps agreed on. */
struct paws {
	struct mono recent_at; /* when ts_recent was set */
	uint32_t ts_recent;    /* also TSecr of all that we send */
	bool used;             /* timestamps were agreed on */
};

enum paws_verdict {
	PAWS_OK,
	PAWS_OLD,     /* R1: send an ACK, drop the segment */
	PAWS_MISSING, /* no timestamp in it: drop silently (3.2) */
};

/* Timestamps were agreed on; @ts_val came with the peer's SYN. */
void paws_begin(struct paws *p, uint32_t ts_val, struct mono now);

/* Judge a segment that is no SYN; comes before the acceptability test. */
enum paws_verdict paws_judge(const struct paws *p, bool rst, bool has_ts,
    uint32_t ts_val, struct mono now);

/*
 * R3, for a segment within the window that paws_judge() let pass and that is no
 * RST: remember its timestamp if it is the one to echo.  @last_ack_sent is the
 * ACK field of the last segment sent.
 */
void paws_update(struct paws *p, uint32_t ts_val, tcp_seq seq,
    tcp_seq last_ack_sent, struct mono now);

#endif /* TCPD_PAWS_H */
