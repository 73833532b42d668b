/*
 * icmp.c - ICMP for IPv4 as bytes and as numbers
 */
#include "ipd/icmp.h"

#include <string.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "shm/log.h"

enum {
	OFF_TYPE = 0,
	OFF_CODE = 1,
	OFF_CHECKSUM = 2,
	OFF_ID = 4,
	OFF_POINTER = 4,
	OFF_QUOTE_WORDS = 5, /* RFC 4884: of the quote, if extensions follow */
	OFF_SEQ = 6,
	OFF_MTU = 6,

	LEN_MAX = 65535 - 20,
	EXTENDED_QUOTE_MIN = 128, /* RFC 4884, 3 */
};

bool icmp_is_error(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH ||
	    type == ICMP_REDIRECT || type == ICMP_TIME_EXCEEDED ||
	    type == ICMP_PARAMETER_PROBLEM;
}

/* The quote without the extensions that may follow it (RFC 4884). */
static uint16_t quote_len(uint8_t type, uint8_t words, uint16_t body_len)
{
	unsigned len = words * 4U;

	if (type != ICMP_UNREACHABLE && type != ICMP_TIME_EXCEEDED &&
	    type != ICMP_PARAMETER_PROBLEM)
		return body_len;
	if (len < EXTENDED_QUOTE_MIN || len > body_len)
		return body_len; /* not set, or by a sender that knows no 4884
				  */
	return (uint16_t)len;
}

/* The four bytes whose meaning the type decides. */
static void read_rest(struct icmp_hdr *h, const uint8_t b[ICMP_HDR_LEN])
{
	if (h->type == ICMP_ECHO || h->type == ICMP_ECHO_REPLY) {
		h->id = be16_get(b + OFF_ID);
		h->seq = be16_get(b + OFF_SEQ);
	}
	if (h->type == ICMP_UNREACHABLE && h->code == ICMP_FRAG_NEEDED)
		h->mtu = be16_get(b + OFF_MTU);
	if (h->type == ICMP_PARAMETER_PROBLEM && h->code == 0)
		h->pointer = b[OFF_POINTER];
	h->body_len = quote_len(h->type, b[OFF_QUOTE_WORDS], h->body_len);
}

enum icmp_parse icmp_parse(struct icmp_hdr *ret, const uint8_t *buf, size_t len)
{
	uint8_t b[ICMP_HDR_LEN];
	struct icmp_hdr h = { 0 };
	uint32_t sum;

	if (len < ICMP_HDR_LEN)
		return ICMP_SHORT;
	if (len > LEN_MAX)
		return ICMP_BAD_LENGTH;
	memcpy(b, buf, sizeof(b));
	sum = csum_add(0, b, sizeof(b));
	sum = csum_add(sum, buf + sizeof(b), len - sizeof(b));
	if (csum_fold(sum) != 0)
		return ICMP_BAD_CHECKSUM;

	h.type = b[OFF_TYPE];
	h.code = b[OFF_CODE];
	h.checksum = be16_get(b + OFF_CHECKSUM);
	h.body_at = ICMP_HDR_LEN;
	h.body_len = (uint16_t)(len - ICMP_HDR_LEN);
	read_rest(&h, b);

	*ret = h;
	return ICMP_OK;
}

static void seal(uint8_t *message, size_t len)
{
	be16_put(message + OFF_CHECKSUM, 0);
	be16_put(message + OFF_CHECKSUM, csum_fold(csum_add(0, message, len)));
}

void icmp_emit_echo_reply(uint8_t *out, const uint8_t *request, size_t len)
{
	memcpy(out, request, len);
	out[OFF_TYPE] = ICMP_ECHO_REPLY;
	out[OFF_CODE] = 0;
	seal(out, len);
}

size_t icmp_emit_error(
    uint8_t *out, const struct icmp_hdr *h, const uint8_t *packet, size_t len)
{
	size_t quoted = len < ICMP_QUOTE_MAX ? len : ICMP_QUOTE_MAX;

	memset(out, 0, ICMP_HDR_LEN);
	out[OFF_TYPE] = h->type;
	out[OFF_CODE] = h->code;
	if (h->type == ICMP_UNREACHABLE)
		be16_put(out + OFF_MTU, h->mtu);
	if (h->type == ICMP_PARAMETER_PROBLEM)
		out[OFF_POINTER] = h->pointer;
	memcpy(out + ICMP_HDR_LEN, packet, quoted);
	seal(out, ICMP_HDR_LEN + quoted);
	return ICMP_HDR_LEN + quoted;
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case ICMP_ECHO_REPLY:
		return "echo reply";
	case ICMP_UNREACHABLE:
		return "destination unreachable";
	case ICMP_SOURCE_QUENCH:
		return "source quench";
	case ICMP_REDIRECT:
		return "redirect";
	case ICMP_ECHO:
		return "echo request";
	case ICMP_TIME_EXCEEDED:
		return "time exceeded";
	case ICMP_PARAMETER_PROBLEM:
		return "parameter problem";
	default:
		return "unknown";
	}
}

void icmp_log(struct log *log, const struct icmp_hdr *h)
{
	log_field(log, "type", "%u (%s)", h->type, type_name(h->type));
	log_field(log, "code", "%u", h->code);
	log_field(log, "checksum", "0x%04x", h->checksum);
	if (h->type == ICMP_ECHO || h->type == ICMP_ECHO_REPLY) {
		log_field(log, "identifier", "%u", h->id);
		log_field(log, "sequence number", "%u", h->seq);
	}
	if (h->type == ICMP_UNREACHABLE && h->code == ICMP_FRAG_NEEDED)
		log_field(log, "MTU", "%u", h->mtu);
	if (h->type == ICMP_PARAMETER_PROBLEM)
		log_field(log, "pointer", "%u", h->pointer);
	log_field(log, icmp_is_error(h->type) ? "quoted" : "data", "%u bytes",
	    h->body_len);
}
