/*
 * ipv4.c - the IPv4 header as bytes and as numbers (RFC 791)
 */
#include "ipd/ipv4.h"

#include <string.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "shm/log.h"

enum {
	OFF_VERSION_IHL = 0,
	OFF_TOS = 1,
	OFF_TOTAL_LEN = 2,
	OFF_ID = 4,
	OFF_FRAGMENT = 6,
	OFF_TTL = 8,
	OFF_PROTO = 9,
	OFF_CHECKSUM = 10,
	OFF_SRC = 12,
	OFF_DST = 16,

	FRAGMENT_DF = 0x4000,
	FRAGMENT_MF = 0x2000,
	FRAGMENT_OFFSET = 0x1fff, /* in units of 8 bytes */
};

/* What a fragment's numbers must obey to be a piece of a packet. */
static bool fragment_is_sane(const struct ipv4_hdr *h)
{
	unsigned payload = h->total_len - h->hdr_len;

	if (h->frag_offset == 0 && !h->mf)
		return true;
	if (payload == 0 ||
	    h->hdr_len + h->frag_offset + payload > IPV4_LEN_MAX)
		return false;
	return !h->mf || payload % 8 == 0;
}

/* From @b, a private copy of the header that is hdr_len bytes long. */
static void read_fields(struct ipv4_hdr *h, const uint8_t *b, uint8_t hdr_len)
{
	uint16_t fragment = be16_get(b + OFF_FRAGMENT);

	*h = (struct ipv4_hdr){
		.src = ip_from_v4(b + OFF_SRC),
		.dst = ip_from_v4(b + OFF_DST),
		.total_len = be16_get(b + OFF_TOTAL_LEN),
		.id = be16_get(b + OFF_ID),
		.frag_offset = (uint16_t)((fragment & FRAGMENT_OFFSET) * 8),
		.checksum = be16_get(b + OFF_CHECKSUM),
		.hdr_len = hdr_len,
		.tos = b[OFF_TOS],
		.ttl = b[OFF_TTL],
		.proto = b[OFF_PROTO],
		.df = fragment & FRAGMENT_DF,
		.mf = fragment & FRAGMENT_MF,
	};
	memcpy(h->options, b + IPV4_HDR_LEN, hdr_len - IPV4_HDR_LEN);
}

enum ipv4_parse ipv4_parse(struct ipv4_hdr *ret, const uint8_t *buf, size_t len)
{
	uint8_t b[IPV4_HDR_MAX];
	struct ipv4_hdr h;
	size_t hdr_len;

	if (len < IPV4_HDR_LEN)
		return IPV4_SHORT;
	memcpy(b, buf, IPV4_HDR_LEN);
	if (b[OFF_VERSION_IHL] >> 4 != 4)
		return IPV4_BAD_VERSION;
	hdr_len = (b[OFF_VERSION_IHL] & 0xfU) * 4;
	if (hdr_len < IPV4_HDR_LEN || hdr_len > len)
		return IPV4_BAD_IHL;
	memcpy(b + IPV4_HDR_LEN, buf + IPV4_HDR_LEN, hdr_len - IPV4_HDR_LEN);

	/* Nothing in a damaged header is believed, its lengths neither. */
	if (csum_fold(csum_add(0, b, hdr_len)) != 0)
		return IPV4_BAD_CHECKSUM;
	read_fields(&h, b, (uint8_t)hdr_len);
	if (h.total_len < hdr_len || h.total_len > len)
		return IPV4_BAD_LENGTH;
	if (!fragment_is_sane(&h))
		return IPV4_BAD_FRAGMENT;

	*ret = h;
	return IPV4_OK;
}

void ipv4_emit(uint8_t *buf, const struct ipv4_hdr *h)
{
	unsigned fragment = h->frag_offset / 8U;

	if (h->df)
		fragment |= FRAGMENT_DF;
	if (h->mf)
		fragment |= FRAGMENT_MF;

	buf[OFF_VERSION_IHL] = (uint8_t)(0x40 | h->hdr_len / 4);
	buf[OFF_TOS] = h->tos;
	be16_put(buf + OFF_TOTAL_LEN, h->total_len);
	be16_put(buf + OFF_ID, h->id);
	be16_put(buf + OFF_FRAGMENT, (uint16_t)fragment);
	buf[OFF_TTL] = h->ttl;
	buf[OFF_PROTO] = h->proto;
	be16_put(buf + OFF_CHECKSUM, 0);
	memcpy(buf + OFF_SRC, ip_v4(&h->src), 4);
	memcpy(buf + OFF_DST, ip_v4(&h->dst), 4);
	memcpy(buf + IPV4_HDR_LEN, h->options, h->hdr_len - IPV4_HDR_LEN);
	be16_put(buf + OFF_CHECKSUM, csum_fold(csum_add(0, buf, h->hdr_len)));
}

void ipv4_ttl_decrement(uint8_t *hdr)
{
	uint16_t old = be16_get(hdr + OFF_TTL); /* and the protocol */
	uint16_t check = be16_get(hdr + OFF_CHECKSUM);

	hdr[OFF_TTL]--;
	check = csum_update16(check, old, be16_get(hdr + OFF_TTL));
	be16_put(hdr + OFF_CHECKSUM, check);
}

void ipv4_log(struct log *log, const struct ipv4_hdr *h)
{
	char text[IP_TEXT_LEN];

	if (!log_shows(log, LOG_DEBUG))
		return;
	log_field(log, "version", "4");
	log_field(log, "header length", "%u", h->hdr_len);
	log_field(log, "DSCP", "%u", h->tos >> 2);
	log_field(log, "ECN", "%u", h->tos & 3U);
	log_field(log, "total length", "%u", h->total_len);
	log_field(log, "identification", "0x%04x", h->id);
	log_field(log, "don't fragment", "%d", h->df);
	log_field(log, "more fragments", "%d", h->mf);
	log_field(log, "fragment offset", "%u", h->frag_offset);
	log_field(log, "time to live", "%u", h->ttl);
	log_field(log, "protocol", "%u", h->proto);
	log_field(log, "header checksum", "0x%04x", h->checksum);
	log_field(log, "source", "%s", ip_text(&h->src, text));
	log_field(log, "destination", "%s", ip_text(&h->dst, text));
	if (h->hdr_len > IPV4_HDR_LEN)
		log_field(
		    log, "options", "%d bytes", h->hdr_len - IPV4_HDR_LEN);
}
