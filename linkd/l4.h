/*
 * l4.h - where the fields are that segmentation and merging rewrite
 *
 * linkd reads no IP and no TCP, but for this: a super-frame must be cut, and
 * frames of one flow joined, just before the device.
 */
#ifndef LINKD_L4_H
#define LINKD_L4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	L3_MAX = 65535, /* bytes that an IP length field can say */

	IP4_HDR = 20,
	IP4_TOS = 1,
	IP4_LEN = 2,
	IP4_ID = 4,
	IP4_FRAG = 6,
	IP4_TTL = 8,
	IP4_PROTO = 9,
	IP4_CSUM = 10,
	IP4_SRC = 12,
	IP4_DST = 16,
	IP4_DF = 0x4000,

	IP6_HDR = 40,
	IP6_LEN = 4,
	IP6_NEXT = 6,
	IP6_HOPS = 7,
	IP6_SRC = 8,
	IP6_DST = 24,

	L4_PORTS = 0, /* both, 4 bytes */

	TCP_HDR = 20,
	TCP_SEQ = 4,
	TCP_ACK = 8,
	TCP_DOFF = 12, /* upper four bits, in words */
	TCP_FLAGS = 13,
	TCP_WINDOW = 14,
	TCP_CSUM = 16,
	TCP_URGENT = 18,

	UDP_HDR = 8,
	UDP_LEN = 4,
	UDP_CSUM = 6,

	FLAG_FIN = 0x01,
	FLAG_SYN = 0x02,
	FLAG_RST = 0x04,
	FLAG_PSH = 0x08,
	FLAG_ACK = 0x10,
	FLAG_URG = 0x20,
	FLAG_ECE = 0x40,
	FLAG_CWR = 0x80,

	PROTO_TCP = 6,
	PROTO_UDP = 17,
};

/* Length fields and header checksum of an IP packet of @len bytes. */
static inline void l3_set_len(uint8_t *ip, bool v6, size_t l4_at, size_t len)
{
	if (v6) {
		be16_put(ip + IP6_LEN, (uint16_t)(len - IP6_HDR));
		return;
	}
	be16_put(ip + IP4_LEN, (uint16_t)len);
	be16_put(ip + IP4_CSUM, 0);
	be16_put(ip + IP4_CSUM, csum_fold(csum_add(0, ip, l4_at)));
}

/* The pseudo header of @len bytes of @proto in this packet. */
static inline uint32_t l4_pseudo(
    const uint8_t *ip, bool v6, uint8_t proto, size_t len)
{
	struct ip_addr src =
	    v6 ? ip_from_v6(ip + IP6_SRC) : ip_from_v4(ip + IP4_SRC);
	struct ip_addr dst =
	    v6 ? ip_from_v6(ip + IP6_DST) : ip_from_v4(ip + IP4_DST);

	return csum_pseudo(&src, &dst, proto, (uint32_t)len);
}

#endif /* LINKD_L4_H */
