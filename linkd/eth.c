/*
 * eth.c - the Ethernet II header as bytes and as numbers (RFC 894, RFC 2464)
 */
#include "linkd/eth.h"

#include <stdio.h>

#include "shm/bytes.h"

enum {
	OFF_DST = 0,
	OFF_SRC = 6,
	OFF_TYPE = 12,
};

const struct mac mac_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
const struct mac mac_zero = { { 0 } };

enum eth_parse eth_parse(struct eth_hdr *ret, const uint8_t *buf, size_t len)
{
	struct eth_hdr h;

	if (len < ETH_HDR_LEN)
		return ETH_SHORT;

	h.dst = mac_from(buf + OFF_DST);
	h.src = mac_from(buf + OFF_SRC);
	h.type = be16_get(buf + OFF_TYPE);

	if (mac_is_multicast(&h.src))
		return ETH_BAD_SRC;
	if (h.type < ETH_TYPE_MIN)
		return ETH_LLC;
	if (h.type == ETH_TYPE_CVLAN || h.type == ETH_TYPE_SVLAN)
		return ETH_VLAN;

	*ret = h;
	return ETH_OK;
}

void eth_emit(uint8_t buf[ETH_HDR_LEN], const struct eth_hdr *h)
{
	memcpy(buf + OFF_DST, h->dst.b, MAC_LEN);
	memcpy(buf + OFF_SRC, h->src.b, MAC_LEN);
	be16_put(buf + OFF_TYPE, h->type);
}

void eth_log(struct log *log, const struct eth_hdr *h)
{
	char text[MAC_TEXT_LEN];

	log_field(log, "dst", "%s", mac_text(&h->dst, text));
	log_field(log, "src", "%s", mac_text(&h->src, text));
	log_field(log, "type", "0x%04x", h->type);
}

struct mac mac_of_group(const struct ip_addr *group)
{
	const uint8_t *b = group->b;
	struct mac v4 = { { 0x01, 0x00, 0x5e, b[13] & 0x7f, b[14], b[15] } };
	struct mac v6 = { { 0x33, 0x33, b[12], b[13], b[14], b[15] } };

	if (ip_is_broadcast(group))
		return mac_broadcast;
	return ip_is_v4(group) ? v4 : v6;
}

const char *mac_text(const struct mac *m, char buf[MAC_TEXT_LEN])
{
	snprintf(buf, MAC_TEXT_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0],
	    m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
	return buf;
}
