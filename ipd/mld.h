/*
 * mld.h - Multicast Listener Discovery, the host's side (RFC 9777, RFC 2710)
 *
 * A switch or router that listens to MLD sends a group's packets only where it
 * was reported: without a report our solicited-node groups may stay dark, and
 * with them all of Neighbor Discovery.
 *
 *	report:	 IPv6 | hop-by-hop, router alert | type 143, M records
 *	record:	 type | 0 | no. of sources: 0 | group (16)
 *	query:	 type 130 | max response (2) | group (16) | flags, QQIC,
 *		 no. of sources | sources (16 each); the last two not in MLDv1
 *
 * Groups are joined whole here, for any source: our records are EXCLUDE {} and
 * INCLUDE {}, and a query for some sources only is answered as if for all.  So
 * the sources of a query are checked to be there, and not kept.
 */
#ifndef IPD_MLD_H
#define IPD_MLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/log.h"

enum {
	MLD_REPORT_HDR_LEN = 56, /* IPv6 40, hop-by-hop 8, report 8 */
	MLD_RECORD_LEN = 20,     /* without sources */
	MLD_QUERY_LEN = 28,      /* MLDv2 without sources */
	MLD_V1_QUERY_LEN = 24,
};

/* RFC 9777, 5.2.13 */
enum mld_record_type {
	MLD_IS_INCLUDE = 1,
	MLD_IS_EXCLUDE = 2, /* answers a query: we listen */
	MLD_TO_INCLUDE = 3, /* we have left */
	MLD_TO_EXCLUDE = 4, /* we have joined */
};

struct mld_record {
	enum mld_record_type type;
	struct ip_addr group;
};

/* What the IPv6 headers say of a message. */
struct mld_ip {
	struct ip_addr src;
	struct ip_addr dst;
	uint8_t hop_limit;
	bool router_alert; /* the hop-by-hop option of RFC 2711 was there */
};

/* A query that has been checked. */
struct mld_query {
	uint8_t version;      /* 1 or 2 */
	uint32_t max_resp_ms; /* the answer is to come within this time */
	struct ip_addr group; /* ::: a general query */
	bool suppress;        /* v2: S, routers only */
	uint8_t robustness;   /* v2: QRV, 0 to 7; 0: the default */
	uint32_t interval_s;  /* v2: QQIC */
	uint16_t nsources;    /* v2 */
};

/* Why a query was refused; each has a counter of the same name. */
enum mld_parse {
	MLD_OK,
	MLD_BAD_LENGTH,    /* not 24, and less than 28 bytes */
	MLD_BAD_TYPE,      /* no query */
	MLD_BAD_SRC,       /* not from a link-local address */
	MLD_BAD_HOP_LIMIT, /* not 1 */
	MLD_NO_ROUTER_ALERT,
	MLD_BAD_GROUP,   /* neither :: nor an IPv6 group */
	MLD_SOURCES_CUT, /* fewer sources than it says */
};

/*
 * Read the ICMPv6 message of @len bytes at @buf, each byte once.  On MLD_OK
 * *@ret is filled in, otherwise untouched.  Its checksum is the caller's
 * (mld_checksum_ok); its Code and what lies behind the sources are ignored.
 */
enum mld_parse mld_query_parse(struct mld_query *ret, const uint8_t *buf,
    size_t len, const struct mld_ip *ip);

/*
 * Write @q, without sources, as an ICMPv6 message with the checksum that goes
 * with @ip, at @buf, which has room for MLD_QUERY_LEN bytes.  Returns its
 * length.  A time that has no code is rounded down to one that has.
 */
size_t mld_query_emit(
    uint8_t *buf, const struct mld_query *q, const struct mld_ip *ip);

/* Is the checksum of the ICMPv6 message of @len bytes at @buf right? */
bool mld_checksum_ok(const uint8_t *buf, size_t len, const struct mld_ip *ip);

/* The length of a packet that reports @n groups. */
static inline size_t mld_report_len(size_t n)
{
	return MLD_REPORT_HDR_LEN + n * MLD_RECORD_LEN;
}

/* How many groups one packet can report on a link of this @mtu (1280 up). */
static inline size_t mld_report_max(size_t mtu)
{
	return (mtu - MLD_REPORT_HDR_LEN) / MLD_RECORD_LEN;
}

/*
 * Write a whole IPv6 packet that reports the @n records from @src, which is
 * link-local, or :: while we have no such address that is valid (RFC 9777,
 * 5.2.14).  @buf has room for mld_report_len(@n) bytes.  Returns the length.
 */
size_t mld_report_emit(uint8_t *buf, const struct ip_addr *src,
    const struct mld_record *records, size_t n);

/* Where reports go: ff02::16, all MLDv2-capable routers. */
extern const struct ip_addr mld_routers;

/* Print @q field by field at level debug. */
void mld_query_log(struct log *log, const struct mld_query *q);

#endif /* IPD_MLD_H */
