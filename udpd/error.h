/*
 * error.h - ICMP errors about what sockets have sent
 */
#ifndef UDPD_ERROR_H
#define UDPD_ERROR_H

#include "udpd/udpd.h"

/*
 * @d is a PKT_ERROR, @p the packet that it is about, from its transport header
 * on: tell the socket that has sent it, if it wants to know.
 */
void error_rx(struct udpd *u, const struct desc *d, const uint8_t *p);

#endif /* UDPD_ERROR_H */
