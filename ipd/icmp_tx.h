/*
 * icmp_tx.h - sending ICMP errors: may it be, how often, from which address
 */
#ifndef IPD_ICMP_TX_H
#define IPD_ICMP_TX_H

#include "ipd/rx.h"

/* What an error says; type and code are those of the packet's family. */
struct icmp_saying {
	uint8_t type, code;
	uint32_t info; /* MTU or pointer */
	bool even_if_multicast;
};

/*
 * Send an error about @r to its source, if the rules allow it (icmp_rules.h),
 * the rate limit does, and there is room: errors are never waited for.  The
 * packet itself remains the caller's.
 */
void icmp_complain(
    struct ipd *ip, const struct received *r, const struct icmp_saying *what);

/* The same for both families: code and type of each. */
void icmp_complain_both(struct ipd *ip, const struct received *r, uint8_t type4,
    uint8_t code4, uint8_t type6, uint8_t code6);

#endif /* IPD_ICMP_TX_H */
