/*
 * gro.h - joining received packets of one flow into a super-frame
 *
 * The inverse of gso.h: what is joined here and cut there again comes out byte
 * for byte as it came in.  Hence only packets that differ in nothing but what
 * segmentation makes differ are joined: same headers, options, flags and size,
 * the next sequence number, and a checksum that was right.  (The identification
 * of an IPv4 packet with DF means nothing, RFC 6864, 4.1, and may be lost.)
 *
 * A frame is held in a buffer with room for the largest IP packet; payload is
 * copied behind the payload before it.  The caller keeps some of them during a
 * turn and finishes all at its end, so nothing waits for a packet to come.
 */
#ifndef LINKD_GRO_H
#define LINKD_GRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linkd/gso.h"

struct gro {
	uint8_t *buf; /* borrowed; the IP header comes first */
	size_t room;
	size_t len;
	size_t l4_at;
	size_t header_len;
	enum gso_type type;
	uint16_t size; /* payload bytes of the first packet */
	uint32_t segments;
	uint32_t next_seq; /* TCP */
	bool closed;       /* its last packet was short, or had PSH or FIN */
};

enum gro_result {
	GRO_HELD,   /* a new frame begins with it */
	GRO_MERGED, /* and more may come */
	GRO_CLOSED, /* merged as the last: finish the frame */
	GRO_OTHER,  /* of another flow than this frame; try the next */

	/* Refused.  Finish the frame first, so that order is kept. */
	GRO_PLAIN,    /* never merged: no payload, fragment, option, SYN ... */
	GRO_CHECKSUM, /* wrong; left for those above to count */
	GRO_HEADER,   /* TTL, TOS, flow label, DF or identification differ */
	GRO_OPTIONS,  /* TCP options differ */
	GRO_FLAGS,    /* TCP flags, acknowledgement or window differ */
	GRO_GAP,      /* not the next sequence number */
	GRO_SIZE,     /* larger than those before */
	GRO_FULL,     /* no room, or the frame is closed */
	GRO_NRESULTS,
};

/*
 * Begin a frame with the IP packet of @len bytes (link padding may follow it)
 * at @pkt, which is copied to @buf of @room bytes unless it is there already.
 * @udp: datagrams may be merged too.  GRO_HELD, or why it has to go up alone;
 * then nothing is written.
 */
enum gro_result gro_start(struct gro *ret, uint8_t *buf, size_t room,
    const uint8_t *pkt, size_t len, bool udp);

/* Try to add a packet to the frame; unless merged, nothing has changed. */
enum gro_result gro_merge(
    struct gro *g, const uint8_t *pkt, size_t len, bool udp);

struct gro_done {
	size_t len;
	uint16_t gso_size; /* 0: a single packet, as it was received */
	enum gso_type type;
	uint32_t segments;
	/* Of a super-frame: where the checksum is left partial. */
	size_t csum_start, csum_offset;
};

/*
 * Write the lengths and, into the checksum field, the sum of the pseudo header
 * (PKT_CSUM_PARTIAL); all that was merged has been verified.
 */
void gro_finish(struct gro *g, struct gro_done *ret);

#endif /* LINKD_GRO_H */
