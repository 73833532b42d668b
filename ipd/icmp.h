/*
 * icmp.h - ICMP for IPv4 as bytes and as numbers (RFC 792, 950, 1191, 4884)
 *
 *     0               8               16                            32
 *     +---------------+---------------+-------------------------------+
 *     |     type      |     code      |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |      echo: id, sequence number; errors: pointer, length, MTU  |
 *     +---------------------------------------------------------------+
 *     |      echo: data; errors: the packet that caused it, in part   |
 *     +---------------------------------------------------------------+
 */
#ifndef IPD_ICMP_H
#define IPD_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log;

enum {
	ICMP_HDR_LEN = 8,
	/* An error with its IP header keeps within 576 bytes, which everyone
	 * takes (RFC 1812, 4.3.2.3): so much of the packet is quoted. */
	ICMP_QUOTE_MAX = 576 - 20 - ICMP_HDR_LEN,
	ICMP_ERROR_MAX = ICMP_HDR_LEN + ICMP_QUOTE_MAX,
};

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
};

enum icmp_unreachable {
	ICMP_NET_UNREACHABLE = 0,
	ICMP_HOST_UNREACHABLE = 1,
	ICMP_PROTO_UNREACHABLE = 2,
	ICMP_PORT_UNREACHABLE = 3,
	ICMP_FRAG_NEEDED = 4,
	ICMP_SOURCE_ROUTE_FAILED = 5,
	ICMP_NET_UNKNOWN = 6,
	ICMP_HOST_UNKNOWN = 7,
	ICMP_NET_PROHIBITED = 9,
	ICMP_HOST_PROHIBITED = 10,
	ICMP_NET_TOS = 11,
	ICMP_HOST_TOS = 12,
	ICMP_ADMIN_PROHIBITED = 13,
};

enum icmp_time_exceeded {
	ICMP_TTL_EXCEEDED = 0,
	ICMP_REASSEMBLY_EXCEEDED = 1,
};

/* A message that has been checked.  Fields of other types are 0. */
struct icmp_hdr {
	uint8_t type, code;
	uint16_t checksum; /* as received */
	uint16_t id, seq;  /* echo and echo reply */
	uint16_t mtu;      /* ICMP_FRAG_NEEDED; 0: the router didn't say */
	uint8_t pointer;   /* parameter problem: the byte that was wrong */
	uint16_t body_at;  /* where data or quoted packet begins: 8 */
	uint16_t body_len; /* and its bytes, without RFC 4884 extensions */
};

/* Why a message was refused; each has a counter of the same name. */
enum icmp_parse {
	ICMP_OK,
	ICMP_SHORT,      /* fewer bytes than a header */
	ICMP_BAD_LENGTH, /* more than an IP packet holds */
	ICMP_BAD_CHECKSUM,
};

/*
 * Read the message that is the whole @len bytes at @buf, checksum included.
 * On ICMP_OK *@ret is filled in, otherwise untouched.  Unknown types are no
 * error here.
 */
enum icmp_parse icmp_parse(
    struct icmp_hdr *ret, const uint8_t *buf, size_t len);

/* True for a message that reports an error, i.e. that quotes a packet. */
bool icmp_is_error(uint8_t type);

/*
 * Write the reply to the echo request that is the @len bytes at @request, to
 * @out with room for as many.  @len is at least ICMP_HDR_LEN.
 */
void icmp_emit_echo_reply(uint8_t *out, const uint8_t *request, size_t len);

/*
 * Write an error about @packet, a whole IP packet of @len bytes, to @out with
 * room for ICMP_ERROR_MAX.  Of @h type, code, mtu and pointer count.  Returns
 * the bytes written.  Whether it may be sent: icmp_rules.h.
 */
size_t icmp_emit_error(
    uint8_t *out, const struct icmp_hdr *h, const uint8_t *packet, size_t len);

void icmp_log(struct log *log, const struct icmp_hdr *h);

#endif /* IPD_ICMP_H */
