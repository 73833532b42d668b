/*
 * rx.h - from ipd up: whose datagram, and into that socket's ring
 */
#ifndef UDPD_RX_H
#define UDPD_RX_H

#include "udpd/udpd.h"

/* Take up to @limit packets from each ring with ipd. */
void rx_turn(struct udpd *u, uint32_t limit);

/* Of one packet: how many sockets got it, how many had no room for it. */
struct rx_shares {
	uint32_t got, full;
};

/*
 * A datagram that came as @d says from @port of the peer, of @len bytes at
 * @payload, into the ring of socket @id, if there is room.
 */
void rx_deliver(struct udpd *u, struct rx_shares *s, uint32_t id,
    const struct desc *d, uint16_t port, const uint8_t *payload, uint32_t len);

/* That was all of it: a packet that somebody got is not a dropped one. */
void rx_count_shares(struct udpd *u, const struct rx_shares *s);

#endif /* UDPD_RX_H */
