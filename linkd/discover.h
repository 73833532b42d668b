/*
 * discover.h - the ARP and NDP messages that linkd sends
 *
 *	ask	for a neighbour's MAC (RFC 826; RFC 4861, 7.2.2)
 *	answer	for our own addresses (7.2.4)
 *	probe, announce	before and after an address is ours (dad.h)
 *
 * They go out at once, beside the batch; one that the device refuses is lost
 * as it might be on the wire, and all of them are sent again by their timers.
 */
#ifndef LINKD_DISCOVER_H
#define LINKD_DISCOVER_H

#include "linkd/linkd.h"

void discover_probe(struct linkd *x, uint8_t link, const struct ip_addr *ip,
    const uint8_t nonce[DAD_NONCE_LEN]);
void discover_announce(struct linkd *x, uint8_t link, const struct ip_addr *ip);

/* @src: valid, on @link; @to: NULL asks all. */
void discover_ask(struct linkd *x, uint8_t link, const struct ip_addr *target,
    const struct ip_addr *src, const struct mac *to);

/* To who asked for our @target; NDP: @asker may be "::". */
void discover_answer(struct linkd *x, uint8_t link,
    const struct ip_addr *target, const struct ip_addr *asker,
    const struct mac *to);

#endif /* LINKD_DISCOVER_H */
