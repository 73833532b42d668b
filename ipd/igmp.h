/*
 * igmp.h - Internet Group Management Protocol, the host's side (RFC 9776)
 *
 *	report:	 IPv4, router alert | type 0x22, M records
 *	record:	 type | 0 | no. of sources: 0 | group (4)
 *	query:	 type 0x11 | max response | checksum | group (4) | flags,
 *		 QQIC, no. of sources | sources (4 each); from the flags on
 *		 only in IGMPv3
 *
 * Groups are joined whole here, for any source: our records are EXCLUDE {} and
 * INCLUDE {}, and a query for some sources only is answered as if for all.  So
 * the sources of a query are checked to be there, and not kept.
 */
#ifndef IPD_IGMP_H
#define IPD_IGMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/log.h"

enum {
	IGMP_IP_HDR_LEN = 24,     /* with the router alert option */
	IGMP_REPORT_HDR_LEN = 32, /* IPv4 24, report 8 */
	IGMP_RECORD_LEN = 8,      /* without sources */
	IGMP_QUERY_LEN = 12,      /* IGMPv3 without sources */
	IGMP_OLD_LEN = 8,         /* IGMPv1, IGMPv2 */
	IGMP_OLD_PACKET_LEN = IGMP_IP_HDR_LEN + IGMP_OLD_LEN,
};

/* RFC 9776, 4.2.13 */
enum igmp_record_type {
	IGMP_IS_INCLUDE = 1,
	IGMP_IS_EXCLUDE = 2, /* answers a query: we listen */
	IGMP_TO_INCLUDE = 3, /* we have left */
	IGMP_TO_EXCLUDE = 4, /* we have joined */
};

struct igmp_record {
	enum igmp_record_type type;
	struct ip_addr group;
};

/* What we say where a querier of an older version was heard (7.2). */
enum igmp_old {
	IGMP_V1_REPORT = 0x12,
	IGMP_V2_REPORT = 0x16,
	IGMP_V2_LEAVE = 0x17,
};

/* What the IPv4 header says of a message. */
struct igmp_ip {
	struct ip_addr dst;
	bool router_alert; /* the option of RFC 2113 was there */
};

/* A query that has been checked. */
struct igmp_query {
	uint8_t version;      /* 1, 2 or 3 */
	uint32_t max_resp_ms; /* the answer is to come within this time */
	struct ip_addr group; /* 0.0.0.0: a general query */
	bool suppress;        /* v3: S, routers only */
	uint8_t robustness;   /* v3: QRV, 0 to 7; 0: the default */
	uint32_t interval_s;  /* v3: QQIC */
	uint16_t nsources;    /* v3 */
};

/* Why a query was refused; each has a counter of the same name. */
enum igmp_parse {
	IGMP_OK,
	IGMP_BAD_LENGTH, /* not 8, and less than 12 bytes */
	IGMP_BAD_TYPE,   /* no query */
	IGMP_BAD_CHECKSUM,
	IGMP_NO_ROUTER_ALERT, /* v2, v3 (RFC 9776, 9.1) */
	IGMP_BAD_DST,     /* general, to another group than 224.0.0.1 (9.1) */
	IGMP_BAD_GROUP,   /* neither 0.0.0.0 nor a group */
	IGMP_SOURCES_CUT, /* fewer sources than it says */
};

/*
 * Read the IGMP message of @len bytes at @buf, as long as the IP header says.
 * On IGMP_OK *@ret is filled in, otherwise untouched.  What lies behind the
 * sources is summed and ignored.
 */
enum igmp_parse igmp_query_parse(struct igmp_query *ret, const uint8_t *buf,
    size_t len, const struct igmp_ip *ip);

/*
 * Write @q, without sources, as an IGMP message at @buf, which has room for
 * IGMP_QUERY_LEN bytes.  Returns its length.  A time that has no code is
 * rounded down to one that has.
 */
size_t igmp_query_emit(uint8_t *buf, const struct igmp_query *q);

/* The length of a packet that reports @n groups. */
static inline size_t igmp_report_len(size_t n)
{
	return IGMP_REPORT_HDR_LEN + n * IGMP_RECORD_LEN;
}

/* How many groups one packet can report on a link of this @mtu (68 up). */
static inline size_t igmp_report_max(size_t mtu)
{
	return (mtu - IGMP_REPORT_HDR_LEN) / IGMP_RECORD_LEN;
}

/*
 * Write a whole IPv4 packet that reports the @n records from @src, which is
 * 0.0.0.0 while we have no address (RFC 9776, 4.2.14).  @buf has room for
 * igmp_report_len(@n) bytes.  Returns the length.
 */
size_t igmp_report_emit(uint8_t *buf, const struct ip_addr *src,
    const struct igmp_record *records, size_t n);

/*
 * Write a whole IPv4 packet in the words of IGMPv1 or v2.  A report goes to
 * @group itself, a leave to all routers (RFC 2236, 9).  @buf has room for
 * IGMP_OLD_PACKET_LEN bytes.
 */
void igmp_old_emit(uint8_t *buf, const struct ip_addr *src, enum igmp_old type,
    const struct ip_addr *group);

/* Print @q field by field at level debug. */
void igmp_query_log(struct log *log, const struct igmp_query *q);

#endif /* IPD_IGMP_H */
