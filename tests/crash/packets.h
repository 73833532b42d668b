/*
 * packets.h - IP packets for layers that are killed while they handle them
 *
 * We are 192.0.2.2 and 2001:db8::2, the other is .1 and ::1.
 */
#ifndef TESTS_CRASH_PACKETS_H
#define TESTS_CRASH_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#include "ipd/ipv4.h"

enum {
	PACKET_MAX = 4096,
};

/* The addresses above, for a packet to us. */
struct ipv4_hdr packet_to_us(uint8_t proto);

/* @h, then @len bytes at @payload; returns the length of the whole. */
size_t packet4(
    uint8_t *out, struct ipv4_hdr h, const void *payload, size_t len);
size_t packet6(uint8_t *out, const char *src, const char *dst, uint8_t proto,
    const void *payload, size_t len);

/* An echo request of 192.0.2.1's, and of 2001:db8::1's. */
size_t packet_echo4(uint8_t *out);
size_t packet_echo6(uint8_t *out);

/*
 * "Fragmentation needed": the next hop can take @mtu bytes.  It quotes @h and
 * @len bytes behind it.
 */
size_t packet_too_big(uint8_t *out, struct ipv4_hdr h, const void *quote,
    size_t len, uint16_t mtu);

/* A datagram with @len bytes of payload; v4 without, v6 with a checksum. */
size_t packet_udp4(uint8_t *out, uint16_t port, size_t len);
size_t packet_udp6(uint8_t *out, uint16_t port, size_t len);

#endif /* TESTS_CRASH_PACKETS_H */
