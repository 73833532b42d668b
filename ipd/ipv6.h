/*
 * ipv6.h - the IPv6 header and its extension headers (RFC 8200)
 *
 *     0       4               12      16              24            32
 *     +-------+---------------+-------+-------------------------------+
 *     |version| traffic class |              flow label               |
 *     +-------+---------------+-------+---------------+---------------+
 *     |        payload length         |  next header  |   hop limit   |
 *     +-------------------------------+---------------+---------------+
 *     |                   source address, 16 bytes                    |
 *     |                 destination address, 16 bytes                 |
 *     +---------------------------------------------------------------+
 *
 * What follows is a chain: each header names the type of the next.  A node
 * walks it strictly in order, because what an earlier header says decides
 * whether a later one is looked at.  ipv6_walk() does that once and leaves
 * numbers; nobody else follows the chain.
 */
#ifndef IPD_IPV6_H
#define IPD_IPV6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"

struct log;

enum {
	IPV6_HDR_LEN = 40,
	IPV6_FRAG_HDR_LEN = 8,
	IPV6_MTU_MIN = 1280,
	IPV6_CHAIN_MAX = 16, /* extension headers in a packet that we follow */
};

/* The fixed header, checked.  Every number is in host byte order. */
struct ipv6_hdr {
	struct ip_addr src, dst;
	uint32_t flow_label;   /* 20 bits */
	uint16_t payload_len;  /* bytes after this header */
	uint8_t traffic_class; /* DSCP << 2 | ECN */
	uint8_t next_header;   /* IPPROTO_* */
	uint8_t hop_limit;
};

/* The fragment header (RFC 8200, 4.5). */
struct ipv6_frag_hdr {
	uint32_t id;
	uint16_t offset; /* bytes, a multiple of 8 */
	bool more;
	uint8_t next_header;
};

/*
 * What the chain of a packet came to.  Offsets are bytes from the start of
 * the IPv6 header.
 *
 * When is_fragment, the packet is one of several: upper_at is then where its
 * piece of the data begins, and proto what the fragment header names, which
 * may be another extension header.  A packet with a fragment header that says
 * "all of it" (an atomic fragment, RFC 6946) is not a fragment: atomic is set
 * and the walk went on behind it.
 */
struct ipv6_chain {
	uint8_t proto;     /* upper-layer protocol; IPPROTO_NONE: nothing */
	uint32_t upper_at; /* where its header begins */
	uint32_t proto_at; /* the byte that named it: the pointer of the
			    * parameter problem if nobody speaks it */
	bool is_fragment;
	bool atomic;
	bool router_alert; /* RFC 2711 */
	uint16_t router_alert_value;
	uint32_t frag_at;       /* the fragment header: also the length of the
				 * headers that every fragment repeats */
	uint32_t frag_named_at; /* the next-header byte that named it */
	struct ipv6_frag_hdr frag;
};

/*
 * The error that a refusal calls for.  Whether one may be sent at all is
 * for icmp_rules.h to say, which wants even_if_multicast.
 */
struct ipv6_complaint {
	bool due;               /* false: the packet dies silently */
	bool even_if_multicast; /* the exception of RFC 4443, 2.4 (e.3) */
	uint8_t type, code;     /* ICMPv6 */
	uint32_t pointer;
};

/* Why a packet was refused; each has a counter of the same name. */
enum ipv6_parse {
	IPV6_OK,
	IPV6_SHORT,           /* fewer bytes than a header */
	IPV6_BAD_VERSION,     /* not 6 */
	IPV6_BAD_LENGTH,      /* payload length beyond the buffer */
	IPV6_CHAIN_SHORT,     /* an extension header runs off the end */
	IPV6_CHAIN_TOO_LONG,  /* more headers than IPV6_CHAIN_MAX */
	IPV6_BAD_HOP_BY_HOP,  /* elsewhere than right behind the header */
	IPV6_BAD_OPTION,      /* unknown, and its type says to refuse it */
	IPV6_BAD_ROUTING,     /* type 0 (RFC 5095), or segments left */
	IPV6_BAD_FRAGMENT,    /* beyond 65535, an odd piece, or a second one */
	IPV6_CHAIN_IN_PIECES, /* first fragment without all headers (RFC 7112)
			       */
	IPV6_JUMBO, /* longer than 65535 (RFC 2675): not spoken here */
};

/*
 * Read the fixed header from the @len bytes at @buf, each byte once.
 *
 * On IPV6_OK *@ret is filled in and the packet is the first
 * IPV6_HDR_LEN + ret->payload_len bytes; what lies beyond is link padding.
 * Otherwise *@ret is untouched; all these refusals are silent.
 */
enum ipv6_parse ipv6_parse(
    struct ipv6_hdr *ret, const uint8_t *buf, size_t len);

/*
 * Follow the chain of a packet that is for us.  @buf is the whole packet,
 * from its fixed header @h, which ipv6_parse() found good.
 *
 * On IPV6_OK *@ret is filled in.  Otherwise *@complaint is, and says which
 * error is due.  AH and ESP end the walk like an upper layer does: we hold no
 * keys, and to skip an unchecked AH would be to claim that it was checked.
 * A reassembled packet is walked again from its start; refuse it if it turns
 * out to be a fragment once more.
 */
enum ipv6_parse ipv6_walk(struct ipv6_chain *ret,
    struct ipv6_complaint *complaint, const uint8_t *buf,
    const struct ipv6_hdr *h);

/*
 * The same for a packet that we only forward: of its chain no more than the
 * hop-by-hop options are ours to look at (RFC 8200, 4).  Of *@ret the
 * router alert and upper_at, proto and proto_at (of what follows) are set.
 */
enum ipv6_parse ipv6_walk_forward(struct ipv6_chain *ret,
    struct ipv6_complaint *complaint, const uint8_t *buf,
    const struct ipv6_hdr *h);

/* Write @h at @buf, which has room for IPV6_HDR_LEN bytes. */
void ipv6_emit(uint8_t buf[IPV6_HDR_LEN], const struct ipv6_hdr *h);

void ipv6_frag_emit(
    uint8_t buf[IPV6_FRAG_HDR_LEN], const struct ipv6_frag_hdr *f);

void ipv6_log(struct log *log, const struct ipv6_hdr *h);
void ipv6_frag_log(struct log *log, const struct ipv6_frag_hdr *f);

#endif /* IPD_IPV6_H */
