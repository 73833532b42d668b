/*
 * fragment.c - where to cut a packet that is too long for a link
 */
#include "ipd/fragment.h"

#include <errno.h>

int fragment_begin(struct fragment_cut *cut, uint32_t mtu, uint32_t hdr_len,
    uint32_t payload_len)
{
	if (mtu < hdr_len || mtu - hdr_len < 8 || payload_len > 65535)
		return -EMSGSIZE;

	*cut = (struct fragment_cut){
		.total = payload_len,
		.room = (mtu - hdr_len) & ~7U,
		.last = mtu - hdr_len,
	};
	return 0;
}

bool fragment_next(struct fragment_cut *cut, struct fragment_piece *ret)
{
	uint32_t left = cut->total - cut->at;
	bool more = left > cut->last;

	if (left == 0)
		return false;

	ret->offset = (uint16_t)cut->at;
	ret->len = (uint16_t)(more ? cut->room : left);
	ret->more = more;
	cut->at += ret->len;
	return true;
}

uint32_t fragment_left(const struct fragment_cut *cut)
{
	uint32_t left = cut->total - cut->at;

	/* All but the last are cut->room long; the last may be a bit longer. */
	if (left == 0)
		return 0;
	if (left <= cut->last)
		return 1;
	return 1 + (left - cut->last + cut->room - 1) / cut->room;
}
