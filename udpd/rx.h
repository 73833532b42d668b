/*
 * rx.h - from ipd up: whose datagram, and into that socket's ring
 */
#ifndef UDPD_RX_H
#define UDPD_RX_H

#include "udpd/udpd.h"

/* Take up to @limit packets from each ring with ipd. */
void rx_turn(struct udpd *u, uint32_t limit);

/*
 * A datagram that came as @d says from @port of the peer, of @len bytes at
 * @payload, into the ring of socket @id, if there is room.
 */
void rx_deliver(struct udpd *u, uint32_t id, const struct desc *d,
    uint16_t port, const uint8_t *payload, uint32_t len);

#endif /* UDPD_RX_H */
