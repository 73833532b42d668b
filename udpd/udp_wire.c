/*
 * udp_wire.c - the UDP header as bytes and as numbers (RFC 768)
 */
#include "udpd/udp_wire.h"

#include <netinet/in.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	OFF_SRC_PORT = 0,
	OFF_DST_PORT = 2,
	OFF_LENGTH = 4,
	OFF_CHECKSUM = 6,
};

enum udp_parse udp_parse(struct udp_hdr *ret, const uint8_t *buf, size_t len)
{
	struct udp_hdr h;

	if (len < UDP_HDR_LEN)
		return UDP_SHORT;

	h.src_port = be16_get(buf + OFF_SRC_PORT);
	h.dst_port = be16_get(buf + OFF_DST_PORT);
	h.length = be16_get(buf + OFF_LENGTH);
	h.checksum = be16_get(buf + OFF_CHECKSUM);

	if (h.length < UDP_HDR_LEN || h.length > len)
		return UDP_BAD_LENGTH;
	if (h.dst_port == 0)
		return UDP_BAD_PORT;

	*ret = h;
	return UDP_OK;
}

bool udp_parse_ports(
    uint16_t *src_port, uint16_t *dst_port, const uint8_t *buf, size_t len)
{
	if (len < OFF_DST_PORT + 2)
		return false;
	*src_port = be16_get(buf + OFF_SRC_PORT);
	*dst_port = be16_get(buf + OFF_DST_PORT);
	return true;
}

void udp_emit(uint8_t buf[UDP_HDR_LEN], const struct udp_hdr *h)
{
	be16_put(buf + OFF_SRC_PORT, h->src_port);
	be16_put(buf + OFF_DST_PORT, h->dst_port);
	be16_put(buf + OFF_LENGTH, h->length);
	be16_put(buf + OFF_CHECKSUM, h->checksum);
}

/*
 * The partial sum of the whole.  The header is summed as we understood it, not
 * as it lies in memory that may have changed since.
 */
static uint32_t sum(const struct udp_hdr *h, const uint8_t *payload,
    const struct ip_addr *src, const struct ip_addr *dst)
{
	uint8_t hdr[UDP_HDR_LEN];
	uint32_t s = csum_pseudo(src, dst, IPPROTO_UDP, h->length);

	udp_emit(hdr, h);
	s = csum_add(s, hdr, sizeof(hdr));
	return csum_add(s, payload, h->length - sizeof(hdr));
}

bool udp_checksum_ok(const struct udp_hdr *h, const uint8_t *payload,
    const struct ip_addr *src, const struct ip_addr *dst)
{
	if (h->checksum == 0)
		return ip_is_v4(dst);
	return csum_fold(sum(h, payload, src, dst)) == 0;
}

void udp_checksum_seal(struct udp_hdr *h, const uint8_t *payload,
    const struct ip_addr *src, const struct ip_addr *dst)
{
	h->checksum = 0;
	h->checksum = csum_fold_udp(sum(h, payload, src, dst));
}

void udp_log(struct log *log, const struct udp_hdr *h)
{
	log_field(log, "src port", "%u", h->src_port);
	log_field(log, "dst port", "%u", h->dst_port);
	log_field(log, "length", "%u", h->length);
	log_field(log, "checksum", "0x%04x", h->checksum);
}
