/*
 * gso.h - cutting a super-frame for a device that can't
 *
 *	super-frame    | IP | TCP | payload .............................. |
 *	segment 0      | IP | TCP | size |
 *	segment 1                 | IP | TCP | size |
 *	segment 2                              ... | IP | TCP | what is left |
 *
 * Only headers are made here; payload stays where it is and is named by its
 * range.  The header is read once, so that a slot that someone still writes
 * can't change between a check and its use.
 */
#ifndef LINKD_GSO_H
#define LINKD_GSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linkd/span.h"

enum {
	GSO_HEADER_MAX = 256, /* IP with options or extensions, and TCP */

	/* 64 KB in pieces of 64: what one super-frame costs is bounded. */
	GSO_SEGMENTS_MAX = 1024,
};

enum gso_type {
	GSO_TCP4,
	GSO_TCP6,
	GSO_UDP4, /* USO: each segment a datagram of its own */
	GSO_UDP6,
	GSO_NTYPES,
};

struct gso {
	const struct span *spans; /* borrowed until the last segment */
	unsigned nspans;
	uint8_t header[GSO_HEADER_MAX];
	size_t header_len;
	size_t l4_at;
	size_t payload_len;
	uint16_t size; /* payload bytes of every segment but the last */
	enum gso_type type;
	uint32_t segments;
};

/*
 * Look at a super-frame, which begins with its IP header.
 *
 * @l4_at is where the transport header starts.  The checksum in it is not
 * read; each segment gets one of its own.  0; or -EINVAL if the header is not
 * what @type says, is longer than GSO_HEADER_MAX, has SYN, RST or URG (these
 * can't be repeated), a segment would exceed an IP packet, or there were more
 * than GSO_SEGMENTS_MAX.
 */
int gso_begin(struct gso *ret, const struct span *spans, unsigned nspans,
    size_t l4_at, enum gso_type type, uint16_t size);

struct gso_segment {
	size_t off; /* of its payload in the super-frame */
	size_t len;
};

/*
 * Write the g->header_len bytes of header of segment @k < g->segments: lengths,
 * IPv4 identification counted on, TCP sequence number, FIN and PSH only on the
 * last, CWR only on the first (RFC 3168, 6.1.2), all checksums complete.
 */
void gso_segment(
    const struct gso *g, uint32_t k, uint8_t *header, struct gso_segment *ret);

#endif /* LINKD_GSO_H */
