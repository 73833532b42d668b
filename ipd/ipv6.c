/*
 * ipv6.c - the IPv6 header and the fragment header (RFC 8200, 3 and 4.5)
 */
#include "ipd/ipv6.h"

#include <string.h>

#include "shm/bytes.h"
#include "shm/log.h"

enum {
	OFF_FLOW = 0, /* version, traffic class, flow label */
	OFF_PAYLOAD_LEN = 4,
	OFF_NEXT_HEADER = 6,
	OFF_HOP_LIMIT = 7,
	OFF_SRC = 8,
	OFF_DST = 24,

	FRAG_OFF_NEXT_HEADER = 0,
	FRAG_OFF_RESERVED = 1,
	FRAG_OFF_OFFSET = 2,
	FRAG_OFF_ID = 4,
};

enum ipv6_parse ipv6_parse(struct ipv6_hdr *ret, const uint8_t *buf, size_t len)
{
	struct ipv6_hdr h;
	uint32_t flow;

	if (len < IPV6_HDR_LEN)
		return IPV6_SHORT;

	flow = be32_get(buf + OFF_FLOW);
	h.traffic_class = (uint8_t)(flow >> 20);
	h.flow_label = flow & 0xfffff;
	h.payload_len = be16_get(buf + OFF_PAYLOAD_LEN);
	h.next_header = buf[OFF_NEXT_HEADER];
	h.hop_limit = buf[OFF_HOP_LIMIT];
	h.src = ip_from_v6(buf + OFF_SRC);
	h.dst = ip_from_v6(buf + OFF_DST);

	if (flow >> 28 != 6)
		return IPV6_BAD_VERSION;
	if (h.payload_len > len - IPV6_HDR_LEN)
		return IPV6_BAD_LENGTH;

	*ret = h;
	return IPV6_OK;
}

void ipv6_emit(uint8_t buf[IPV6_HDR_LEN], const struct ipv6_hdr *h)
{
	be32_put(buf + OFF_FLOW,
	    6U << 28 | (uint32_t)h->traffic_class << 20 |
		(h->flow_label & 0xfffff));
	be16_put(buf + OFF_PAYLOAD_LEN, h->payload_len);
	buf[OFF_NEXT_HEADER] = h->next_header;
	buf[OFF_HOP_LIMIT] = h->hop_limit;
	memcpy(buf + OFF_SRC, h->src.b, 16);
	memcpy(buf + OFF_DST, h->dst.b, 16);
}

void ipv6_frag_emit(
    uint8_t buf[IPV6_FRAG_HDR_LEN], const struct ipv6_frag_hdr *f)
{
	buf[FRAG_OFF_NEXT_HEADER] = f->next_header;
	buf[FRAG_OFF_RESERVED] = 0;
	be16_put(buf + FRAG_OFF_OFFSET,
	    (uint16_t)((f->offset & ~7U) | (f->more ? 1 : 0)));
	be32_put(buf + FRAG_OFF_ID, f->id);
}

void ipv6_log(struct log *log, const struct ipv6_hdr *h)
{
	char text[IP_TEXT_LEN];

	if (!log_shows(log, LOG_DEBUG))
		return;
	log_field(log, "version", "6");
	log_field(log, "DSCP", "%u", h->traffic_class >> 2);
	log_field(log, "ECN", "%u", h->traffic_class & 3U);
	log_field(log, "flow label", "0x%05x", h->flow_label);
	log_field(log, "payload length", "%u", h->payload_len);
	log_field(log, "next header", "%u", h->next_header);
	log_field(log, "hop limit", "%u", h->hop_limit);
	log_field(log, "source", "%s", ip_text(&h->src, text));
	log_field(log, "destination", "%s", ip_text(&h->dst, text));
}

void ipv6_frag_log(struct log *log, const struct ipv6_frag_hdr *f)
{
	log_field(log, "next header", "%u", f->next_header);
	log_field(log, "fragment offset", "%u", f->offset);
	log_field(log, "more fragments", "%d", f->more);
	log_field(log, "identification", "0x%08x", f->id);
}
