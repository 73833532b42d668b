/*
 * arp.h - ARP for IPv4 over Ethernet as bytes and as numbers (RFC 826)
 *
 *     0               16              32
 *     +---------------+---------------+
 *     |   htype (1)   | ptype (0x800) |
 *     +-------+-------+---------------+
 *     |hlen(6)|plen(4)|      op       |
 *     +-------+-------+---------------+
 *     |  sender's hardware address    |
 *     |               +---------------+
 *     |               | sender's      |
 *     +---------------+---------------+
 *     |    protocol   | target's      |
 *     +---------------+               |
 *     |            hardware address   |
 *     +-------------------------------+
 *     |   target's protocol address   |
 *     +-------------------------------+
 */
#ifndef LINKD_ARP_H
#define LINKD_ARP_H

#include <stddef.h>
#include <stdint.h>

#include "linkd/eth.h"
#include "shm/addr.h"
#include "shm/log.h"

enum {
	ARP_LEN = 28,
};

enum arp_op {
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

/* A message that has been checked; names as in RFC 826 and RFC 5227. */
struct arp_hdr {
	enum arp_op op;
	struct mac sha;     /* sender: never a group's */
	struct ip_addr spa; /* sender: 0.0.0.0 in a probe (RFC 5227) */
	struct mac tha;     /* target: anything in a request */
	struct ip_addr tpa; /* target */
};

/* Why a message was refused; each has a counter of the same name. */
enum arp_parse {
	ARP_OK,
	ARP_SHORT,     /* fewer than ARP_LEN bytes */
	ARP_BAD_HTYPE, /* not Ethernet */
	ARP_BAD_PTYPE, /* not IPv4 */
	ARP_BAD_HLEN,  /* hardware addresses not 6 bytes long */
	ARP_BAD_PLEN,  /* protocol addresses not 4 bytes long */
	ARP_BAD_OP,    /* neither request nor reply */
	ARP_BAD_SHA,   /* sender claims a multicast or the broadcast MAC */
	ARP_BAD_SPA,   /* sender claims a multicast or broadcast IP address */
};

/*
 * Read the message in the @len bytes at @buf, each byte once; what follows
 * ARP_LEN is padding.  On ARP_OK *@ret is filled in, otherwise untouched.
 */
enum arp_parse arp_parse(struct arp_hdr *ret, const uint8_t *buf, size_t len);

/* Write @h at @buf, which has room for ARP_LEN bytes. */
void arp_emit(uint8_t buf[ARP_LEN], const struct arp_hdr *h);

/* Print @h field by field at level debug. */
void arp_log(struct log *log, const struct arp_hdr *h);

#endif /* LINKD_ARP_H */
