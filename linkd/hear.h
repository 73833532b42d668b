/*
 * hear.h - what ARP and NDP messages from the link mean to us
 */
#ifndef LINKD_HEAR_H
#define LINKD_HEAR_H

#include "linkd/linkd.h"
#include "linkd/peek.h"

/* The @len bytes after the Ethernet header @eth. */
void hear_arp(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const uint8_t *p, size_t len);

/* True if the ICMPv6 packet with header @ip is a message of NDP. */
bool hear_is_ndp(const struct peek *ip, const uint8_t *p, size_t len);
void hear_ndp(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const struct peek *ip, const uint8_t *p);

#endif /* LINKD_HEAR_H */
