/*
 * vnet.c - struct virtio_net_hdr as bytes and as numbers
 */
#include "linkd/vnet.h"

#include <string.h>

enum {
	OFF_FLAGS = 0,
	OFF_GSO = 1,
	OFF_HDR_LEN = 2,
	OFF_GSO_SIZE = 4,
	OFF_CSUM_START = 6,
	OFF_CSUM_OFFSET = 8,

	FLAG_NEEDS_CSUM = 1,
	FLAG_DATA_VALID = 2,
	GSO_ECN = 0x80,
};

static uint16_t native16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void native16_put(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static bool known_gso(uint8_t gso)
{
	return gso == VNET_GSO_NONE || gso == VNET_GSO_TCP4 ||
	    gso == VNET_GSO_TCP6 || gso == VNET_GSO_UDP;
}

bool vnet_parse(struct vnet *ret, const uint8_t *buf, size_t len)
{
	uint8_t flags = buf[OFF_FLAGS];
	uint8_t gso = buf[OFF_GSO];
	struct vnet h = {
		.csum_partial = flags & FLAG_NEEDS_CSUM,
		.csum_valid = flags & FLAG_DATA_VALID,
		.ecn = gso & GSO_ECN,
		.hdr_len = native16(buf + OFF_HDR_LEN),
		.gso_size = native16(buf + OFF_GSO_SIZE),
		.csum_start = native16(buf + OFF_CSUM_START),
		.csum_offset = native16(buf + OFF_CSUM_OFFSET),
	};

	gso &= (uint8_t)~GSO_ECN;
	if (!known_gso(gso))
		return false;
	h.gso = (enum vnet_gso)gso;
	if (h.gso == VNET_GSO_NONE)
		h.gso_size = 0;
	else if (h.gso_size == 0)
		return false;
	if (h.csum_partial && (size_t)h.csum_start + h.csum_offset + 2 > len)
		return false;
	*ret = h;
	return true;
}

void vnet_emit(uint8_t *buf, size_t room, const struct vnet *h)
{
	memset(buf, 0, room);
	buf[OFF_FLAGS] = (uint8_t)((h->csum_partial ? FLAG_NEEDS_CSUM : 0) |
	    (h->csum_valid ? FLAG_DATA_VALID : 0));
	buf[OFF_GSO] = (uint8_t)((unsigned)h->gso | (h->ecn ? GSO_ECN : 0U));
	native16_put(buf + OFF_HDR_LEN, h->hdr_len);
	native16_put(buf + OFF_GSO_SIZE, h->gso_size);
	native16_put(buf + OFF_CSUM_START, h->csum_start);
	native16_put(buf + OFF_CSUM_OFFSET, h->csum_offset);
}
