/*
 * peek.h - the little of an IP header that linkd has to know
 *
 * ipd checks packets; linkd wants to know which message is Neighbor Discovery,
 * how long a frame is that a crash left behind, and where a super-frame's
 * headers end.
 */
#ifndef LINKD_PEEK_H
#define LINKD_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/bytes.h"

enum {
	PEEK_IPV4_MIN = 20,
	PEEK_IPV6_LEN = 40,
};

struct peek {
	struct ip_addr src, dst;
	uint32_t len; /* of the packet, as its header says */
	uint8_t version;
	uint8_t hdr_len; /* IPv6: without extension headers */
	uint8_t proto;   /* next header */
	uint8_t hops;
};

/* False if the @len bytes at @p don't even begin like an IP packet. */
static inline bool peek_ip(struct peek *ret, const uint8_t *p, size_t len)
{
	uint8_t first = len >= PEEK_IPV4_MIN ? p[0] : 0;

	if (first >> 4 == 4 && (first & 15) >= 5) {
		*ret = (struct peek){
			.src = ip_from_v4(p + 12),
			.dst = ip_from_v4(p + 16),
			.len = be16_get(p + 2),
			.version = 4,
			.hdr_len = (uint8_t)((first & 15) * 4),
			.proto = p[9],
			.hops = p[8],
		};
		return ret->len >= ret->hdr_len;
	}
	if (first >> 4 == 6 && len >= PEEK_IPV6_LEN) {
		*ret = (struct peek){
			.src = ip_from_v6(p + 8),
			.dst = ip_from_v6(p + 24),
			.len = PEEK_IPV6_LEN + (uint32_t)be16_get(p + 4),
			.version = 6,
			.hdr_len = PEEK_IPV6_LEN,
			.proto = p[6],
			.hops = p[7],
		};
		return true;
	}
	return false;
}

#endif /* LINKD_PEEK_H */
