/*
 * challenge.h - how many challenge ACKs may be sent (RFC 5961, 7)
 *
 * Each connection has a small bucket of its own.  That alone bounds what a
 * flood can make us send, and it leaks nothing: what a blind attacker does to
 * another connection cannot be seen on his own.
 *
 * A budget for the whole stack can be seen: an attacker uses it up himself and
 * counts how much was missing (CVE-2016-5696).  So it is off by default.  When
 * a number is given, each budget and the time for which it holds are drawn at
 * random between half and one and a half times the nominal, by a keyed hash: a
 * count then differs by hundreds for no reason, and one ACK more or less is
 * lost in it.  A connection takes from it no more than its own bucket allows.
 */
#ifndef TCPD_CHALLENGE_H
#define TCPD_CHALLENGE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"

/* From the topology. */
struct challenge_config {
	uint32_t interval_ms; /* a connection's next one; 500 */
	uint32_t burst;       /* and so many at once; 1 */
	uint32_t limit_per_s; /* of the whole stack; 0: no such limit */
};

extern const struct challenge_config challenge_defaults;

/* In each TCB; all zero is a full bucket. */
struct challenge {
	struct mono full_at;
};

/* One in the daemon's persistent memory; all zero is right to begin with. */
struct challenge_budget {
	struct mono until; /* when a new budget is drawn */
	uint32_t left;
};

/* May a challenge ACK be sent now?  Then it counts as sent. */
bool challenge_take(struct challenge *c, struct challenge_budget *b,
    const struct challenge_config *config, const uint64_t key[2],
    struct mono now);

#endif /* TCPD_CHALLENGE_H */
