/*
 * icmp6.c - ICMPv6 as bytes and as numbers
 */
#include "ipd/icmp6.h"

#include <netinet/in.h>
#include <string.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "shm/log.h"

enum {
	OFF_TYPE = 0,
	OFF_CODE = 1,
	OFF_CHECKSUM = 2,
	OFF_ID = 4,
	OFF_MTU = 4,
	OFF_POINTER = 4,
	OFF_QUOTE_WORDS = 4, /* RFC 4884: of 8 bytes, if extensions follow */
	OFF_SEQ = 6,

	LEN_MAX = 65535,
	EXTENDED_QUOTE_MIN = 128, /* RFC 4884, 3 */
};

bool icmp6_is_error(uint8_t type)
{
	return type < ICMP6_INFORMATIONAL;
}

/* The quote without the extensions that may follow it (RFC 4884). */
static uint16_t quote_len(uint8_t type, uint8_t words, uint16_t body_len)
{
	unsigned len = words * 8U;

	if (type != ICMP6_UNREACHABLE && type != ICMP6_TIME_EXCEEDED)
		return body_len;
	if (len < EXTENDED_QUOTE_MIN || len > body_len)
		return body_len; /* not set, or by a sender that knows no 4884
				  */
	return (uint16_t)len;
}

/* The four bytes whose meaning the type decides. */
static void read_rest(struct icmp6_hdr *h, const uint8_t b[ICMP6_HDR_LEN])
{
	if (h->type == ICMP6_ECHO || h->type == ICMP6_ECHO_REPLY) {
		h->id = be16_get(b + OFF_ID);
		h->seq = be16_get(b + OFF_SEQ);
	}
	if (h->type == ICMP6_PACKET_TOO_BIG)
		h->mtu = be32_get(b + OFF_MTU);
	if (h->type == ICMP6_PARAMETER_PROBLEM)
		h->pointer = be32_get(b + OFF_POINTER);
	h->body_len = quote_len(h->type, b[OFF_QUOTE_WORDS], h->body_len);
}

enum icmp6_parse icmp6_parse(struct icmp6_hdr *ret, const struct ip_addr *src,
    const struct ip_addr *dst, const uint8_t *buf, size_t len)
{
	uint8_t b[ICMP6_HDR_LEN];
	struct icmp6_hdr h = { 0 };
	uint32_t sum;

	if (len < ICMP6_HDR_LEN)
		return ICMP6_SHORT;
	if (len > LEN_MAX)
		return ICMP6_BAD_LENGTH;
	memcpy(b, buf, sizeof(b));
	sum = csum_pseudo(src, dst, IPPROTO_ICMPV6, (uint32_t)len);
	sum = csum_add(sum, b, sizeof(b));
	sum = csum_add(sum, buf + sizeof(b), len - sizeof(b));
	if (csum_fold(sum) != 0)
		return ICMP6_BAD_CHECKSUM;

	h.type = b[OFF_TYPE];
	h.code = b[OFF_CODE];
	h.checksum = be16_get(b + OFF_CHECKSUM);
	h.body_at = ICMP6_HDR_LEN;
	h.body_len = (uint16_t)(len - ICMP6_HDR_LEN);
	read_rest(&h, b);

	*ret = h;
	return ICMP6_OK;
}

static void seal(uint8_t *message, size_t len, const struct ip_addr *src,
    const struct ip_addr *dst)
{
	uint32_t sum = csum_pseudo(src, dst, IPPROTO_ICMPV6, (uint32_t)len);

	be16_put(message + OFF_CHECKSUM, 0);
	sum = csum_add(sum, message, len);
	be16_put(message + OFF_CHECKSUM, csum_fold(sum));
}

void icmp6_emit_echo_reply(uint8_t *out, const struct ip_addr *src,
    const struct ip_addr *dst, const uint8_t *request, size_t len)
{
	memcpy(out, request, len);
	out[OFF_TYPE] = ICMP6_ECHO_REPLY;
	out[OFF_CODE] = 0;
	seal(out, len, src, dst);
}

size_t icmp6_emit_error(uint8_t *out, const struct icmp6_hdr *h,
    const struct ip_addr *src, const struct ip_addr *dst, const uint8_t *packet,
    size_t len)
{
	size_t quoted = len < ICMP6_QUOTE_MAX ? len : ICMP6_QUOTE_MAX;

	memset(out, 0, ICMP6_HDR_LEN);
	out[OFF_TYPE] = h->type;
	out[OFF_CODE] = h->code;
	if (h->type == ICMP6_PACKET_TOO_BIG)
		be32_put(out + OFF_MTU, h->mtu);
	if (h->type == ICMP6_PARAMETER_PROBLEM)
		be32_put(out + OFF_POINTER, h->pointer);
	memcpy(out + ICMP6_HDR_LEN, packet, quoted);
	seal(out, ICMP6_HDR_LEN + quoted, src, dst);
	return ICMP6_HDR_LEN + quoted;
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case ICMP6_UNREACHABLE:
		return "destination unreachable";
	case ICMP6_PACKET_TOO_BIG:
		return "packet too big";
	case ICMP6_TIME_EXCEEDED:
		return "time exceeded";
	case ICMP6_PARAMETER_PROBLEM:
		return "parameter problem";
	case ICMP6_ECHO:
		return "echo request";
	case ICMP6_ECHO_REPLY:
		return "echo reply";
	case ICMP6_REDIRECT:
		return "redirect";
	default:
		return "unknown";
	}
}

void icmp6_log(struct log *log, const struct icmp6_hdr *h)
{
	log_field(log, "type", "%u (%s)", h->type, type_name(h->type));
	log_field(log, "code", "%u", h->code);
	log_field(log, "checksum", "0x%04x", h->checksum);
	if (h->type == ICMP6_ECHO || h->type == ICMP6_ECHO_REPLY) {
		log_field(log, "identifier", "%u", h->id);
		log_field(log, "sequence number", "%u", h->seq);
	}
	if (h->type == ICMP6_PACKET_TOO_BIG)
		log_field(log, "MTU", "%u", h->mtu);
	if (h->type == ICMP6_PARAMETER_PROBLEM)
		log_field(log, "pointer", "%u", h->pointer);
	log_field(log, icmp6_is_error(h->type) ? "quoted" : "data", "%u bytes",
	    h->body_len);
}
