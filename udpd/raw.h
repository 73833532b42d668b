/*
 * raw.h - sockets of ICMP echoes (ping) and of any protocol (raw)
 *
 * As icmp(7) and raw(7) of Linux have them: a ping socket sends echo requests
 * and gets the replies with its id; a raw socket of IPv4 gets whole packets,
 * one of IPv6 what follows the headers.
 */
#ifndef UDPD_RAW_H
#define UDPD_RAW_H

#include "udpd/udpd.h"

enum {
	ICMP_HDR_LEN = 8, /* RFC 792, RFC 4443, 4.1: of an echo */
	ICMP_ID_AT = 4,
};

/* A copy of a packet that ipd took in: to each socket that wants it. */
void raw_rx(struct udpd *u, const struct desc *d, const uint8_t *p);

/*
 * What an app has written, at @p in a slot of ours that @d is of: the id, the
 * checksum, whatever the app leaves to us.  0, or
 *   -EINVAL       no echo request, or too short for what it should be
 *   -ENETUNREACH  no address to send from
 */
int raw_tx(struct udpd *u, const struct usock *s, struct desc *d, uint8_t *p);

#endif /* UDPD_RAW_H */
