/*
 * arp.c - ARP for IPv4 over Ethernet as bytes and as numbers (RFC 826)
 */
#include "linkd/arp.h"

#include "shm/bytes.h"

enum {
	OFF_HTYPE = 0,
	OFF_PTYPE = 2,
	OFF_HLEN = 4,
	OFF_PLEN = 5,
	OFF_OP = 6,
	OFF_SHA = 8,
	OFF_SPA = 14,
	OFF_THA = 18,
	OFF_TPA = 24,

	HTYPE_ETHERNET = 1,
	IPV4_LEN = 4,
};

/* Does the fixed part say "IPv4 over Ethernet, request or reply"? */
static enum arp_parse check_fixed(const uint8_t *buf, uint16_t *op)
{
	if (be16_get(buf + OFF_HTYPE) != HTYPE_ETHERNET)
		return ARP_BAD_HTYPE;
	if (be16_get(buf + OFF_PTYPE) != ETH_TYPE_IPV4)
		return ARP_BAD_PTYPE;
	if (buf[OFF_HLEN] != MAC_LEN)
		return ARP_BAD_HLEN;
	if (buf[OFF_PLEN] != IPV4_LEN)
		return ARP_BAD_PLEN;
	*op = be16_get(buf + OFF_OP);
	if (*op != ARP_REQUEST && *op != ARP_REPLY)
		return ARP_BAD_OP;
	return ARP_OK;
}

enum arp_parse arp_parse(struct arp_hdr *ret, const uint8_t *buf, size_t len)
{
	struct arp_hdr h;
	enum arp_parse why;
	uint16_t op;

	if (len < ARP_LEN)
		return ARP_SHORT;
	why = check_fixed(buf, &op);
	if (why != ARP_OK)
		return why;

	h.op = (enum arp_op)op;
	h.sha = mac_from(buf + OFF_SHA);
	h.spa = ip_from_v4(buf + OFF_SPA);
	h.tha = mac_from(buf + OFF_THA);
	h.tpa = ip_from_v4(buf + OFF_TPA);

	/* RFC 1812, 3.3.2: such an answer must not be believed. */
	if (mac_is_multicast(&h.sha))
		return ARP_BAD_SHA;
	if (ip_is_multicast(&h.spa) || ip_is_broadcast(&h.spa))
		return ARP_BAD_SPA;

	*ret = h;
	return ARP_OK;
}

void arp_emit(uint8_t buf[ARP_LEN], const struct arp_hdr *h)
{
	be16_put(buf + OFF_HTYPE, HTYPE_ETHERNET);
	be16_put(buf + OFF_PTYPE, ETH_TYPE_IPV4);
	buf[OFF_HLEN] = MAC_LEN;
	buf[OFF_PLEN] = IPV4_LEN;
	be16_put(buf + OFF_OP, (uint16_t)h->op);
	memcpy(buf + OFF_SHA, h->sha.b, MAC_LEN);
	memcpy(buf + OFF_SPA, ip_v4(&h->spa), IPV4_LEN);
	memcpy(buf + OFF_THA, h->tha.b, MAC_LEN);
	memcpy(buf + OFF_TPA, ip_v4(&h->tpa), IPV4_LEN);
}

void arp_log(struct log *log, const struct arp_hdr *h)
{
	char mac[MAC_TEXT_LEN], ip[IP_TEXT_LEN];

	log_field(log, "op", "%s", h->op == ARP_REQUEST ? "request" : "reply");
	log_field(log, "sha", "%s", mac_text(&h->sha, mac));
	log_field(log, "spa", "%s", ip_text(&h->spa, ip));
	log_field(log, "tha", "%s", mac_text(&h->tha, mac));
	log_field(log, "tpa", "%s", ip_text(&h->tpa, ip));
}
