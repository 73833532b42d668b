/*
 * walk_identity.c - is the frame the packet in the ring, or a segment of it?
 */
#include <netinet/in.h>
#include <string.h>

#include "api/command/walk.h"
#include "shm/bytes.h"

enum {
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	TCP_LEN = 20,
	TCP_SYN_FIN = 3,
};

static void of_transport(
    struct identity *r, const uint8_t *p, uint32_t caplen, uint32_t len)
{
	uint32_t header;

	if (caplen < 8)
		return;
	r->ports = be32_get(p);
	if (r->proto == IPPROTO_ICMP || r->proto == IPPROTO_ICMPV6) {
		r->ports >>= 16; /* without the checksum */
		r->seq = be32_get(p + 4);
	}
	if (r->proto != IPPROTO_TCP || caplen < TCP_LEN)
		return;
	r->seq = be32_get(p + 4);
	header = (p[12] >> 4) * 4U;
	r->len = len > header ? len - header : 0;
	if (p[13] & TCP_SYN_FIN)
		r->len++;
}

bool identity_of(
    struct identity *ret, const uint8_t *ip, uint32_t caplen, uint32_t len)
{
	uint32_t header = caplen > 0 && ip[0] >> 4 == 6 ? IPV6_LEN : IPV4_LEN;

	*ret = (struct identity){ .proto = 0 };
	if (caplen < header || (ip[0] >> 4 != 4 && ip[0] >> 4 != 6))
		return false;
	if (header == IPV6_LEN) {
		memcpy(ret->src, ip + 8, 16);
		memcpy(ret->dst, ip + 24, 16);
		ret->proto = ip[6];
	} else {
		memcpy(ret->src, ip + 12, 4);
		memcpy(ret->dst, ip + 16, 4);
		ret->proto = ip[9];
		header = (ip[0] & 0xf) * 4U;
	}
	if (caplen > header && len > header)
		of_transport(ret, ip + header, caplen - header, len - header);
	return true;
}

bool identity_holds(const struct identity *whole, const struct identity *part)
{
	if (memcmp(whole->src, part->src, 16) != 0 ||
	    memcmp(whole->dst, part->dst, 16) != 0 ||
	    whole->proto != part->proto || whole->ports != part->ports)
		return false;
	return part->seq == whole->seq || part->seq - whole->seq < whole->len;
}
