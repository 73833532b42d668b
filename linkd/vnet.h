/*
 * vnet.h - struct virtio_net_hdr as bytes and as numbers
 *
 * In front of each frame, TAP and PF_PACKET tell what the kernel left for
 * hardware to do, and take the same from us:
 *
 *     0       1       2       4        6        8        10
 *     +-------+-------+-------+--------+--------+--------+---------
 *     | flags |  gso  |hdr_len|gso_size|c_start |c_offset| (buffers)
 *     +-------+-------+-------+--------+--------+--------+---------
 *
 * In the byte order of the machine; the two bytes of "buffers" are there only
 * if the device was told so, and mean nothing here.
 */
#ifndef LINKD_VNET_H
#define LINKD_VNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VNET_LEN = 10,
	VNET_MAX_LEN = 12,
};

enum vnet_gso {
	VNET_GSO_NONE = 0,
	VNET_GSO_TCP4 = 1,
	VNET_GSO_TCP6 = 4,
	VNET_GSO_UDP = 5, /* UDP_SEGMENT: pieces are datagrams */
};

struct vnet {
	enum vnet_gso gso;
	bool ecn;             /* CWR in the first piece only */
	bool csum_partial;    /* csum_start and csum_offset count */
	bool csum_valid;      /* verified already */
	uint16_t hdr_len;     /* all headers; a hint */
	uint16_t gso_size;    /* payload of each piece */
	uint16_t csum_start;  /* from the start of the frame */
	uint16_t csum_offset; /* from csum_start */
};

/*
 * Read the VNET_LEN bytes at @buf that stand before a frame of @len bytes.
 * False and *@ret untouched if they speak of more than the frame has, or of a
 * kind of super-frame that we never agreed to.
 */
bool vnet_parse(struct vnet *ret, const uint8_t *buf, size_t len);

/* Write @h at @buf, which has room for @room bytes, VNET_LEN or more. */
void vnet_emit(uint8_t *buf, size_t room, const struct vnet *h);

#endif /* LINKD_VNET_H */
