/*
 * rx.h - from ipd up: whose datagram, and into that socket's ring
 */
#ifndef UDPD_RX_H
#define UDPD_RX_H

#include "udpd/udpd.h"

/* Take up to @limit packets from each ring with ipd. */
void rx_turn(struct udpd *u, uint32_t limit);

#endif /* UDPD_RX_H */
