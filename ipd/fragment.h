/*
 * fragment.h - where to cut a packet that is too long for a link
 *
 *	struct fragment_cut cut;
 *	struct fragment_piece p;
 *
 *	if (fragment_begin(&cut, mtu, hdr_len, payload_len) < 0)
 *		...
 *	while (fragment_next(&cut, &p))
 *		... a header, then payload[p.offset .. p.offset + p.len)
 *
 * The same for both families: @hdr_len counts all that each piece repeats, for
 * IPv6 the fragment header too.
 */
#ifndef IPD_FRAGMENT_H
#define IPD_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fragment_piece {
	uint16_t offset; /* bytes, a multiple of 8 */
	uint16_t len;    /* bytes; of all but the last a multiple of 8 */
	bool more;
};

struct fragment_cut {
	uint32_t total; /* bytes of payload */
	uint32_t room;  /* bytes of it in a piece that is not the last */
	uint32_t last;  /* bytes of it in the last piece, at most */
	uint32_t at;    /* cut up to here */
};

/*
 * Prepare to cut @payload_len bytes.  -EMSGSIZE if @mtu holds no eight bytes
 * beside the header, or if there are more bytes than offsets reach.
 */
int fragment_begin(struct fragment_cut *cut, uint32_t mtu, uint32_t hdr_len,
    uint32_t payload_len);

/* The next piece in order; false when all was given out. */
bool fragment_next(struct fragment_cut *cut, struct fragment_piece *ret);

/* How many pieces fragment_next() will still give. */
uint32_t fragment_left(const struct fragment_cut *cut);

#endif /* IPD_FRAGMENT_H */
