/*
 * udp_wire.h - the UDP header as bytes and as numbers (RFC 768)
 *
 *     0               16              32
 *     +---------------+---------------+
 *     |  source port  |   dest port   |
 *     +---------------+---------------+
 *     |    length     |   checksum    |
 *     +---------------+---------------+
 */
#ifndef UDPD_UDP_WIRE_H
#define UDPD_UDP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/log.h"

enum {
	UDP_HDR_LEN = 8,
};

/* A header that has been checked.  Every field is in host byte order. */
struct udp_hdr {
	uint16_t src_port; /* 0: the sender wants no answer */
	uint16_t dst_port; /* never 0 */
	uint16_t length;   /* bytes, header included; 8..65535 */
	uint16_t checksum; /* as sent; 0: the sender made none */
};

/* Why a datagram was refused; each has a counter of the same name. */
enum udp_parse {
	UDP_OK,
	UDP_SHORT,      /* fewer bytes than a header */
	UDP_BAD_LENGTH, /* length field below 8 or beyond the buffer */
	UDP_BAD_PORT,   /* destination port 0 */
};

/*
 * Read one header from the @len bytes at @buf.
 *
 * Reads each byte of the header once, so the answer holds even when @buf is
 * shared memory that another process is still writing.  On UDP_OK *@ret is
 * filled in and the payload is buf[8 .. ret->length); what lies beyond it is
 * link padding.  Otherwise *@ret is untouched.  The checksum is not verified
 * here: that needs the addresses, which ipd passes beside the datagram.
 */
enum udp_parse udp_parse(struct udp_hdr *ret, const uint8_t *buf, size_t len);

/*
 * The ports of a header that an ICMP error quotes, perhaps cut short after
 * eight bytes or less.  False, and nothing written, if they are not there.
 */
bool udp_parse_ports(
    uint16_t *src_port, uint16_t *dst_port, const uint8_t *buf, size_t len);

/*
 * Write @h at @buf, which has room for UDP_HDR_LEN bytes.
 *
 * A checksum that comes out as 0 must already have been turned into 0xffff
 * (RFC 768: zero on the wire means "none"); see udp_checksum_seal().
 */
void udp_emit(uint8_t buf[UDP_HDR_LEN], const struct udp_hdr *h);

/*
 * Is the datagram of header @h and @payload, of h->length - 8 bytes, as its
 * sender made it?  No checksum (0) is as good as a right one on IPv4, and
 * wrong on IPv6 (RFC 8200, 8.1), where no other checksum guards the addresses.
 */
bool udp_checksum_ok(const struct udp_hdr *h, const uint8_t *payload,
    const struct ip_addr *src, const struct ip_addr *dst);

/* Set h->checksum for the same; never to 0.  h->length must be set. */
void udp_checksum_seal(struct udp_hdr *h, const uint8_t *payload,
    const struct ip_addr *src, const struct ip_addr *dst);

/* Print @h field by field at level debug. */
void udp_log(struct log *log, const struct udp_hdr *h);

#endif /* UDPD_UDP_WIRE_H */
