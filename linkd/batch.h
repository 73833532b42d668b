/*
 * batch.h - frames on their way to a device, many at once
 *
 * Packets from ipd wait here until the batch is full, another link's turn
 * comes or the turn of linkd ends; only then are they given back.  A frame
 * that the device does not take now is left in the ring it came from, and
 * those behind it with it.  So a batch holds packets of one ring and one link,
 * next to each other in the ring.
 *
 * Ethernet and virtio_net headers are written beside the packet, not in front
 * of it: the kernel gathers, and no other process can change them meanwhile.
 *
 * A super-frame for a device that can't cut it is a batch of its own.  How much
 * of it the device has taken is not written down for another instance: that one
 * sends it all, and the receiver sees some bytes twice.
 */
#ifndef LINKD_BATCH_H
#define LINKD_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/device.h"
#include "linkd/eth.h"
#include "linkd/gso.h"
#include "linkd/span.h"
#include "linkd/vnet.h"
#include "shm/node.h"

struct linkd;

enum {
	/* What of a frame is not taken from where the packet lies (soft.h). */
	FRAME_HDR_MAX = VNET_MAX_LEN + ETH_HDR_LEN + GSO_HEADER_MAX,
	FRAME_SPANS = 3, /* slot, and two pieces of an app's ring */
};

struct batch_item {
	struct ring_in *in;
	uint32_t pos; /* of its descriptor in the ring */
	struct desc d;
	uint8_t hdr[FRAME_HDR_MAX];
};

struct batch {
	struct tx_frame frame[DEVICE_BATCH];
	struct batch_item item[DEVICE_BATCH];
	uint32_t n;
	uint8_t link;

	/* Of a super-frame that was cut, and not all of it taken. */
	struct {
		struct ring_in *in; /* NULL: of none */
		uint32_t pos;
		uint32_t sent; /* segments */
	} rest;
};

/* An IP packet to be sent. */
struct packet {
	struct span s[FRAME_SPANS];
	uint32_t ns;
	uint32_t len; /* of all spans */
	uint16_t flags;
	uint16_t gso_size;
	uint16_t csum_start; /* from the IP header */
	uint16_t csum_offset;
	uint16_t hdr_len; /* of a super-frame: IP and transport */
	struct ip_addr src;
	uint8_t version; /* 4 or 6 */
	uint8_t proto;
};

/*
 * Queue the packet @p of descriptor @d, taken from @in at @pos, for @dst.
 * False if the device refuses: @in stands at the first packet it did not take.
 */
bool batch_add(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct packet *p, struct ring_in *in, uint32_t pos,
    const struct desc *d);

/* Send what is queued; false as above. */
bool batch_flush(struct linkd *x);

/*
 * Give @n frames to the device and count them; returns how many it is done
 * with, sent or refused for good.  One that is done with none is blocked.
 */
uint32_t frames_out(
    struct linkd *x, uint8_t link, struct tx_frame *f, uint32_t n);

/* Send one packet or message at once; false if the device refuses now. */
bool frame_send(struct linkd *x, uint8_t link, const struct mac *dst,
    uint16_t type, const struct packet *p);

#endif /* LINKD_BATCH_H */
