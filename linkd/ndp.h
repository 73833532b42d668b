/*
 * ndp.h - Neighbor Discovery messages as bytes and as numbers (RFC 4861)
 *
 *     0       8       16              32
 *     +-------+-------+---------------+
 *     | type  |code(0)|   checksum    |
 *     +-------+-------+---------------+
 *     | flags, by type                |    type  message
 *     +-------------------------------+    133   Router Solicitation
 *     |                               |    134   Router Advertisement
 *     | NS, NA, Redirect: target (16) |    135   Neighbor Solicitation
 *     | Redirect: destination (16)    |    136   Neighbor Advertisement
 *     | RA: two timers (8)            |    137   Redirect
 *     +-------------------------------+
 *     | options: type, length in units of eight bytes, content
 *     +------
 *
 * The rules by which a message is valid speak of its IPv6 header too, so that
 * is an argument.  What they ask is all checked here; only two things are left
 * to the caller: the checksum (ndp_checksum_ok) and, of a Redirect, that it
 * comes from the router now in use (RFC 4861, 8.1).
 */
#ifndef LINKD_NDP_H
#define LINKD_NDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linkd/eth.h"
#include "shm/addr.h"
#include "shm/log.h"

enum {
	NDP_HOP_LIMIT = 255, /* can't have come through a router */
	NDP_MAX_PREFIX = 8,  /* prefixes read from one advertisement */
	NDP_NONCE_LEN = 6,   /* what fits an option of eight bytes */
	NDP_MAX_LEN = 288,   /* the longest message that ndp_emit() makes */
};

enum ndp_type {
	NDP_RS = 133,
	NDP_RA = 134,
	NDP_NS = 135,
	NDP_NA = 136,
	NDP_REDIRECT = 137,
};

/* What the IPv6 header says of a message. */
struct ndp_ip {
	struct ip_addr src;
	struct ip_addr dst;
	uint8_t hop_limit;
};

/* RFC 4861, 4.6.2 */
struct ndp_prefix {
	struct ip_addr prefix;
	uint8_t plen;     /* 0 to 128 */
	bool on_link;     /* L */
	bool autonomous;  /* A */
	uint32_t valid_s; /* all ones: for ever */
	uint32_t preferred_s;
};

/*
 * A message that has been checked.  What its type does not have is zero, and
 * so are options that RFC 4861 does not name for the type: a Solicitation's
 * target link-layer address is as good as not there.
 */
struct ndp_hdr {
	enum ndp_type type;

	struct ip_addr target;      /* NS, NA, Redirect */
	struct ip_addr destination; /* Redirect */

	bool router;    /* NA: R */
	bool solicited; /* NA: S */
	bool override;  /* NA: O */

	uint8_t cur_hop_limit; /* RA; 0: says nothing */
	bool managed;          /* RA: M */
	bool other;            /* RA: O */
	int8_t preference;     /* RA: -1, 0, 1: low to high (RFC 4191) */
	uint16_t lifetime_s;   /* RA; 0: not a default router */
	uint32_t reachable_ms; /* RA; 0: says nothing */
	uint32_t retrans_ms;   /* RA; 0: says nothing */

	bool has_slla;  /* source link-layer address: RS, RA, NS */
	bool has_tlla;  /* target link-layer address: NA, Redirect */
	bool has_nonce; /* NS (RFC 7527) */
	bool has_mtu;   /* RA */
	struct mac slla;
	struct mac tlla;
	uint8_t nonce[NDP_NONCE_LEN]; /* longer ones count as none: not ours */
	uint32_t mtu;
	uint8_t nprefix; /* RA; those beyond NDP_MAX_PREFIX are left out */
	struct ndp_prefix prefix[NDP_MAX_PREFIX];
};

/* Why a message was refused; each has a counter of the same name. */
enum ndp_parse {
	NDP_OK,
	NDP_SHORT,         /* fewer bytes than its type has without options */
	NDP_BAD_TYPE,      /* no message of Neighbor Discovery */
	NDP_BAD_HOP_LIMIT, /* not 255: from beyond the link */
	NDP_BAD_CODE,      /* not 0 */
	NDP_BAD_SRC,       /* no unicast; RA, Redirect: not link-local */
	NDP_BAD_DST,    /* NS from :: that is not to a solicited-node group */
	NDP_BAD_TARGET, /* unspecified, or a mapped IPv4 address */
	NDP_TARGET_MULTICAST, /* NS, NA: of a group */
	NDP_BAD_DESTINATION,  /* Redirect: of a group, or mapped */
	NDP_BAD_REDIRECT,  /* target neither link-local nor the destination */
	NDP_BAD_SOLICITED, /* NA to a group with S set */
	NDP_OPTION_ZERO,   /* an option of length 0 */
	NDP_OPTION_CUT,    /* an option that ends beyond the message */
	NDP_SLLA_FROM_ANY, /* NS, RS from :: with a source link-layer address */
	NDP_BAD_LLA,       /* a link-layer address of a group */
};

/*
 * Read the ICMPv6 message of @len bytes at @buf that came with the header @ip,
 * each byte once.  On NDP_OK *@ret is filled in, otherwise untouched.  Unknown
 * options, and known ones of a length they can't have, are skipped.
 */
enum ndp_parse ndp_parse(struct ndp_hdr *ret, const uint8_t *buf, size_t len,
    const struct ndp_ip *ip);

/*
 * Write @h as a whole ICMPv6 message with the checksum that goes with @ip, at
 * @buf, which has room for NDP_MAX_LEN bytes.  Returns its length.
 */
size_t ndp_emit(uint8_t *buf, const struct ndp_hdr *h, const struct ndp_ip *ip);

/* Is the checksum of the ICMPv6 message of @len bytes at @buf right? */
bool ndp_checksum_ok(const uint8_t *buf, size_t len, const struct ndp_ip *ip);

/* Print what @h's type has, field by field, at level debug. */
void ndp_log(struct log *log, const struct ndp_hdr *h);

#endif /* LINKD_NDP_H */
