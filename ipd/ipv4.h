/*
 * ipv4.h - the IPv4 header as bytes and as numbers (RFC 791)
 *
 *     0       4       8               16    19                        32
 *     +-------+-------+---------------+-------------------------------+
 *     |version|  IHL  | DSCP      ECN |         total length          |
 *     +-------+-------+---------------+-----+-------------------------+
 *     |        identification         |0 D M|     fragment offset     |
 *     +---------------+---------------+-----+-------------------------+
 *     | time to live  |   protocol    |        header checksum        |
 *     +---------------+---------------+-------------------------------+
 *     |                        source address                         |
 *     +---------------------------------------------------------------+
 *     |                      destination address                      |
 *     +---------------------------------------------------------------+
 *     |               options, up to 40 bytes, padded to 4            |
 *     +---------------------------------------------------------------+
 */
#ifndef IPD_IPV4_H
#define IPD_IPV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"

struct log;

enum {
	IPV4_HDR_LEN = 20, /* without options */
	IPV4_HDR_MAX = 60,
	IPV4_OPTIONS_MAX = 40,
	IPV4_LEN_MAX = 65535, /* header and payload */
	IPV4_MTU_MIN = 68,    /* every link can carry this (RFC 791, 3.2) */
};

/* A header that has been checked.  Every number is in host byte order. */
struct ipv4_hdr {
	struct ip_addr src, dst;
	uint16_t total_len; /* bytes, header included */
	uint16_t id;
	uint16_t frag_offset; /* bytes, a multiple of 8 */
	uint16_t checksum;    /* as received; ipv4_emit() makes its own */
	uint8_t hdr_len;      /* bytes: 20 to 60, a multiple of 4 */
	uint8_t tos;          /* DSCP << 2 | ECN */
	uint8_t ttl;
	uint8_t proto;                     /* IPPROTO_* */
	bool df;                           /* don't fragment */
	bool mf;                           /* more fragments follow */
	uint8_t options[IPV4_OPTIONS_MAX]; /* the first hdr_len - 20 count */
};

/* What the options say, for a packet that has some. */
struct ipv4_options {
	/* Where the option begins, in bytes from the start of the header; 0:
	 * the packet has none. */
	uint8_t source_route; /* loose or strict */
	uint8_t record_route;
	uint8_t timestamp;
	uint8_t router_alert; /* RFC 2113 */
};

/* Why a packet was refused; each has a counter of the same name. */
enum ipv4_parse {
	IPV4_OK,
	IPV4_SHORT,       /* fewer bytes than a header */
	IPV4_BAD_VERSION, /* not 4 */
	IPV4_BAD_IHL,     /* below 5 words or beyond the buffer */
	IPV4_BAD_LENGTH,  /* total length below the header or beyond the buffer
			   */
	IPV4_BAD_CHECKSUM,
	IPV4_BAD_FRAGMENT, /* empty, beyond 65535, or an odd piece with MF */
	IPV4_BAD_OPTION,   /* deserves a parameter problem */
};

/*
 * Read one header from the @len bytes at @buf.
 *
 * The header is copied before it is checked, so the answer holds even while
 * another process writes @buf.  On IPV4_OK *@ret is filled in and the payload
 * is buf[ret->hdr_len .. ret->total_len); what lies beyond is link padding.
 * Otherwise *@ret is untouched.  RFC 1122, 3.2.1: all of these refusals are
 * silent.
 */
enum ipv4_parse ipv4_parse(
    struct ipv4_hdr *ret, const uint8_t *buf, size_t len);

/*
 * Walk the options of @h (RFC 791, 3.1; RFC 1122, 3.2.1.8).
 *
 * IPV4_OK fills *@ret.  Options that we do not know are skipped.
 * IPV4_BAD_OPTION fills *@pointer instead with the byte that is wrong, counted
 * from the start of the header: the pointer of a parameter problem.
 */
enum ipv4_parse ipv4_options_parse(
    struct ipv4_options *ret, uint8_t *pointer, const struct ipv4_hdr *h);

/*
 * The options of an echo reply to @h, whose options @o were found good:
 * record route and timestamp with our address and time added, all else left
 * out (RFC 1122, 3.2.2.6).  @ms_of_day: milliseconds since midnight UT.
 * Returns the bytes written at @out: a multiple of 4, perhaps 0.
 */
size_t ipv4_options_echo(uint8_t out[IPV4_OPTIONS_MAX],
    const struct ipv4_hdr *h, const struct ipv4_options *o,
    const struct ip_addr *self, uint32_t ms_of_day);

/*
 * The options that every fragment of @h carries, not only the first: those
 * with the "copied" bit (RFC 791, 3.1).  Returns the bytes written, padded.
 */
size_t ipv4_options_copied(
    uint8_t out[IPV4_OPTIONS_MAX], const struct ipv4_hdr *h);

/*
 * Write @h at @buf, which has room for h->hdr_len bytes, options included,
 * with its checksum.  @h->checksum is not looked at.
 */
void ipv4_emit(uint8_t *buf, const struct ipv4_hdr *h);

/*
 * Take one from the time to live in the header at @hdr, which is ours to
 * write, and correct its checksum (RFC 1624).  The TTL must not be 0.
 */
void ipv4_ttl_decrement(uint8_t *hdr);

void ipv4_log(struct log *log, const struct ipv4_hdr *h);

#endif /* IPD_IPV4_H */
