/*
 * icmp6.h - ICMPv6 as bytes and as numbers (RFC 4443)
 *
 *     0               8               16                            32
 *     +---------------+---------------+-------------------------------+
 *     |     type      |     code      |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |         echo: id, sequence number; errors: MTU, pointer       |
 *     +---------------------------------------------------------------+
 *     |      echo: data; errors: the packet that caused it, in part   |
 *     +---------------------------------------------------------------+
 *
 * Types below 128 report errors.  Neighbour discovery is linkd's.
 */
#ifndef IPD_ICMP6_H
#define IPD_ICMP6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"

struct log;

enum {
	ICMP6_HDR_LEN = 8,
	/* An error keeps within the smallest MTU (RFC 4443, 2.4 (c)). */
	ICMP6_QUOTE_MAX = 1280 - 40 - ICMP6_HDR_LEN,
	ICMP6_ERROR_MAX = ICMP6_HDR_LEN + ICMP6_QUOTE_MAX,
};

enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER_PROBLEM = 4,
	ICMP6_INFORMATIONAL = 128, /* this and above are no errors */
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130,
	ICMP6_REDIRECT = 137,
};

enum icmp6_unreachable {
	ICMP6_NO_ROUTE = 0,
	ICMP6_ADMIN_PROHIBITED = 1,
	ICMP6_BEYOND_SCOPE = 2,
	ICMP6_ADDRESS_UNREACHABLE = 3,
	ICMP6_PORT_UNREACHABLE = 4,
	ICMP6_SOURCE_POLICY = 5,
	ICMP6_ROUTE_REJECTED = 6,
};

enum icmp6_time_exceeded {
	ICMP6_HOP_LIMIT_EXCEEDED = 0,
	ICMP6_REASSEMBLY_EXCEEDED = 1,
};

enum icmp6_parameter_problem {
	ICMP6_BAD_FIELD = 0,
	ICMP6_UNKNOWN_NEXT_HEADER = 1,
	ICMP6_UNKNOWN_OPTION = 2,
	ICMP6_CHAIN_IN_PIECES = 3, /* RFC 7112 */
};

/* A message that has been checked.  Fields of other types are 0. */
struct icmp6_hdr {
	uint8_t type, code;
	uint16_t checksum; /* as received */
	uint16_t id, seq;  /* echo and echo reply */
	uint32_t mtu;      /* packet too big */
	uint32_t pointer;  /* parameter problem: the byte that was wrong */
	uint16_t body_at;  /* where data or quoted packet begins: 8 */
	uint16_t body_len; /* and its bytes, without RFC 4884 extensions */
};

/* Why a message was refused; each has a counter of the same name. */
enum icmp6_parse {
	ICMP6_OK,
	ICMP6_SHORT,      /* fewer bytes than a header */
	ICMP6_BAD_LENGTH, /* more than an IP packet holds */
	ICMP6_BAD_CHECKSUM,
};

/*
 * Read the message that is the whole @len bytes at @buf, sent from @src to
 * @dst, checksum included.  On ICMP6_OK *@ret is filled in, otherwise
 * untouched.  Unknown types are no error here.
 */
enum icmp6_parse icmp6_parse(struct icmp6_hdr *ret, const struct ip_addr *src,
    const struct ip_addr *dst, const uint8_t *buf, size_t len);

/* True for a message that reports an error, known or not: type below 128. */
bool icmp6_is_error(uint8_t type);

/*
 * Write the reply to the echo request that is the @len bytes at @request, to
 * @out with room for as many, to go from @src to @dst (not the request's
 * own: what was sent to a group is answered from one of our addresses).
 */
void icmp6_emit_echo_reply(uint8_t *out, const struct ip_addr *src,
    const struct ip_addr *dst, const uint8_t *request, size_t len);

/*
 * Write an error about @packet, a whole IPv6 packet of @len bytes, to @out
 * with room for ICMP6_ERROR_MAX, to go from @src to @dst.  Of @h type, code,
 * mtu and pointer count.  Returns the bytes written.
 */
size_t icmp6_emit_error(uint8_t *out, const struct icmp6_hdr *h,
    const struct ip_addr *src, const struct ip_addr *dst, const uint8_t *packet,
    size_t len);

void icmp6_log(struct log *log, const struct icmp6_hdr *h);

#endif /* IPD_ICMP6_H */
