/*
 * quote.c - the packet that an ICMP error is about, as the error quotes it
 *
 * Not read with ipv4_parse(): here the buffer ends before the packet does, and
 * the checksum is that of a router on the way.
 */
#include "ipd/quote.h"

#include <netinet/in.h>

#include "ipd/ipv4.h"
#include "ipd/ipv6.h"
#include "shm/bytes.h"

enum {
	V4_OFF_TOTAL_LEN = 2,
	V4_OFF_FRAGMENT = 6,
	V4_OFF_PROTO = 9,
	V4_OFF_SRC = 12,
	V4_OFF_DST = 16,
	V4_FRAGMENT_OFFSET = 0x1fff,

	V6_OFF_PAYLOAD_LEN = 4,
	V6_OFF_NEXT_HEADER = 6,
	V6_OFF_SRC = 8,
	V6_OFF_DST = 24,
	V6_FRAG_OFF_OFFSET = 2,
	V6_FRAGMENT_OFFSET = 0xfff8,

	V6_CHAIN_MAX = 8,
};

/*
 * The transport header of the packet begins at @at and the quote is @len
 * bytes long: how many bytes of it are there?  @q->packet_len is set.
 */
static enum quote_parse measure(struct quote *q, uint32_t at, size_t len)
{
	size_t end = len < q->packet_len ? len : q->packet_len;

	if (at > q->packet_len)
		return QUOTE_BAD_HEADER;
	if (at > end || end - at < QUOTE_TRANSPORT_MIN)
		return QUOTE_SHORT;
	q->transport_at = (uint16_t)at;
	q->transport_len = (uint16_t)(end - at);
	return QUOTE_OK;
}

enum quote_parse quote_parse4(struct quote *ret, const uint8_t *buf, size_t len)
{
	struct quote q = { 0 };
	enum quote_parse rc;
	uint8_t first;
	uint32_t hdr_len;

	if (len < IPV4_HDR_LEN)
		return QUOTE_SHORT;
	first = buf[0];
	hdr_len = (first & 0xfU) * 4;
	q.packet_len = be16_get(buf + V4_OFF_TOTAL_LEN);
	q.proto = buf[V4_OFF_PROTO];
	q.src = ip_from_v4(buf + V4_OFF_SRC);
	q.dst = ip_from_v4(buf + V4_OFF_DST);

	if (first >> 4 != 4)
		return QUOTE_BAD_VERSION;
	if (hdr_len < IPV4_HDR_LEN)
		return QUOTE_BAD_HEADER;
	if (be16_get(buf + V4_OFF_FRAGMENT) & V4_FRAGMENT_OFFSET)
		return QUOTE_NOT_FIRST;
	rc = measure(&q, hdr_len, len);
	if (rc == QUOTE_OK)
		*ret = q;
	return rc;
}

/*
 * Follow the headers that we may have sent before the transport's, from
 * @*at on, of type @*type; leave both at the transport header.
 */
static enum quote_parse skip_chain(
    uint8_t *type, uint32_t *at, const uint8_t *buf, size_t len)
{
	for (unsigned n = 0; n < V6_CHAIN_MAX; n++) {
		uint8_t next;
		uint32_t skip = 8;

		if (*type != IPPROTO_HOPOPTS && *type != IPPROTO_DSTOPTS &&
		    *type != IPPROTO_ROUTING && *type != IPPROTO_FRAGMENT)
			return QUOTE_OK;
		if (len < *at + 8)
			return QUOTE_SHORT;
		next = buf[*at];
		if (*type != IPPROTO_FRAGMENT)
			skip = (buf[*at + 1] + 1U) * 8;
		else if (be16_get(buf + *at + V6_FRAG_OFF_OFFSET) &
		    V6_FRAGMENT_OFFSET)
			return QUOTE_NOT_FIRST;
		*type = next;
		*at += skip;
	}
	return QUOTE_BAD_CHAIN;
}

enum quote_parse quote_parse6(struct quote *ret, const uint8_t *buf, size_t len)
{
	struct quote q = { 0 };
	uint32_t at = IPV6_HDR_LEN;
	enum quote_parse rc;

	if (len < IPV6_HDR_LEN)
		return QUOTE_SHORT;
	if (buf[0] >> 4 != 6)
		return QUOTE_BAD_VERSION;
	q.packet_len =
	    IPV6_HDR_LEN + (uint32_t)be16_get(buf + V6_OFF_PAYLOAD_LEN);
	q.proto = buf[V6_OFF_NEXT_HEADER];
	q.src = ip_from_v6(buf + V6_OFF_SRC);
	q.dst = ip_from_v6(buf + V6_OFF_DST);
	/* Mapped ones are IPv4's, and this never was (rx6.c). */
	if (ip_is_v4(&q.src) || ip_is_v4(&q.dst))
		return QUOTE_BAD_HEADER;

	rc = skip_chain(&q.proto, &at, buf, len);
	if (rc == QUOTE_OK)
		rc = measure(&q, at, len);
	if (rc == QUOTE_OK)
		*ret = q;
	return rc;
}
