/*
 * igmp.c - Internet Group Management Protocol, the host's side (RFC 9776)
 */
#include "ipd/igmp.h"

#include <netinet/in.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	TYPE_QUERY = 0x11,
	TYPE_V3_REPORT = 0x22,
};

/* The query, and what it shares with the reports. */
enum {
	OFF_TYPE = 0,
	OFF_MAX_RESP = 1,
	OFF_CHECKSUM = 2,
	OFF_GROUP = 4,
	OFF_FLAGS = 8,
	OFF_QQIC = 9,
	OFF_NSOURCES = 10,
	OFF_NRECORDS = 6,     /* v3 report */
	OFF_RECORD_GROUP = 4, /* v3 report, within a record */

	FLAG_SUPPRESS = 0x08,
	QRV_MASK = 0x07,
	ADDR_LEN = 4,
	REPORT_HDR_LEN = 8,
};

enum {
	TENTH_MS = 100,         /* the unit of Max Resp Code */
	V1_MAX_RESP_MS = 10000, /* v1 sends none (RFC 9776, 7.2.1) */
};

static const struct ip_addr all_systems = {
	{ [10] = 0xff, 0xff, 224, 0, 0, 1 }
};
static const struct ip_addr all_routers = {
	{ [10] = 0xff, 0xff, 224, 0, 0, 2 }
};
static const struct ip_addr v3_routers = {
	{ [10] = 0xff, 0xff, 224, 0, 0, 22 }
};

/* RFC 9776, 4.1.1 and 4.1.7: 0 to 127, else a small floating point number. */
static uint32_t decode_time(uint8_t code)
{
	if (code < 128)
		return code;
	return ((code & 0xfU) | 0x10U) << ((code >> 4 & 7) + 3);
}

static uint8_t encode_time(uint32_t value)
{
	uint32_t exp = 0;

	if (value < 128)
		return (uint8_t)value;
	while (exp < 7 && value >> (exp + 3) > 0x1f)
		exp++;
	value >>= exp + 3;
	if (value > 0x1f)
		value = 0x1f; /* the longest there is */
	return (uint8_t)(0x80 | exp << 4 | (value & 0xf));
}

static enum igmp_parse read_v3(
    struct igmp_query *q, const uint8_t *buf, size_t len, uint8_t max_resp)
{
	uint8_t flags = buf[OFF_FLAGS];

	q->version = 3;
	q->max_resp_ms = decode_time(max_resp) * TENTH_MS;
	q->suppress = flags & FLAG_SUPPRESS;
	q->robustness = flags & QRV_MASK;
	q->interval_s = decode_time(buf[OFF_QQIC]);
	q->nsources = be16_get(buf + OFF_NSOURCES);
	if (q->nsources > (len - IGMP_QUERY_LEN) / ADDR_LEN)
		return IGMP_SOURCES_CUT;
	return IGMP_OK;
}

/* Forged queries from beyond the link are told by these (RFC 9776, 9.1). */
static enum igmp_parse check_query(
    const struct igmp_query *q, const struct igmp_ip *ip)
{
	bool general = ip_is_any(&q->group);

	if (!general && !ip_is_multicast(&q->group))
		return IGMP_BAD_GROUP;
	if (q->version > 1 && !ip->router_alert)
		return IGMP_NO_ROUTER_ALERT;
	if (general && ip_is_multicast(&ip->dst) &&
	    !ip_equal(&ip->dst, &all_systems))
		return IGMP_BAD_DST;
	return IGMP_OK;
}

enum igmp_parse igmp_query_parse(struct igmp_query *ret, const uint8_t *buf,
    size_t len, const struct igmp_ip *ip)
{
	struct igmp_query q = { .version = 1, .max_resp_ms = V1_MAX_RESP_MS };
	enum igmp_parse why = IGMP_OK;
	uint8_t max_resp;

	/* RFC 9776, 7.1: length and Max Resp Code tell the versions apart. */
	if (len != IGMP_OLD_LEN && len < IGMP_QUERY_LEN)
		return IGMP_BAD_LENGTH;
	if (csum_fold(csum_add(0, buf, len)) != 0)
		return IGMP_BAD_CHECKSUM;
	if (buf[OFF_TYPE] != TYPE_QUERY)
		return IGMP_BAD_TYPE;

	max_resp = buf[OFF_MAX_RESP];
	q.group = ip_from_v4(buf + OFF_GROUP);
	if (len >= IGMP_QUERY_LEN) {
		why = read_v3(&q, buf, len, max_resp);
	} else if (max_resp != 0) {
		q.version = 2;
		q.max_resp_ms = (uint32_t)max_resp * TENTH_MS;
	}
	if (why == IGMP_OK)
		why = check_query(&q, ip);
	if (why == IGMP_OK)
		*ret = q;
	return why;
}

static void put_checksum(uint8_t *buf, size_t len)
{
	be16_put(buf + OFF_CHECKSUM, csum_fold(csum_add(0, buf, len)));
}

size_t igmp_query_emit(uint8_t *buf, const struct igmp_query *q)
{
	size_t len = q->version == 3 ? IGMP_QUERY_LEN : IGMP_OLD_LEN;
	uint32_t tenths = q->max_resp_ms / TENTH_MS;

	memset(buf, 0, len);
	buf[OFF_TYPE] = TYPE_QUERY;
	memcpy(buf + OFF_GROUP, ip_v4(&q->group), ADDR_LEN);
	if (q->version == 2)
		buf[OFF_MAX_RESP] = (uint8_t)(tenths < 255 ? tenths : 255);
	if (q->version == 3) {
		buf[OFF_MAX_RESP] = encode_time(tenths);
		buf[OFF_FLAGS] = (uint8_t)((q->suppress ? FLAG_SUPPRESS : 0) |
		    (q->robustness & QRV_MASK));
		buf[OFF_QQIC] = encode_time(q->interval_s);
	}
	put_checksum(buf, len);
	return len;
}

/*
 * An IPv4 header as RFC 9776, 4 wants it, of a packet of @len bytes: TTL 1,
 * Internetwork Control, router alert.  It is never fragmented, so the
 * identification may be 0 (RFC 6864, 4.1).
 */
static void put_ip(uint8_t *buf, size_t len, const struct ip_addr *src,
    const struct ip_addr *dst)
{
	memset(buf, 0, IGMP_IP_HDR_LEN);
	buf[0] = 0x40 | IGMP_IP_HDR_LEN / 4;
	buf[1] = 0xc0;
	be16_put(buf + 2, (uint16_t)len);
	buf[6] = 0x40; /* don't fragment */
	buf[8] = 1;    /* TTL */
	buf[9] = IPPROTO_IGMP;
	memcpy(buf + 12, ip_v4(src), ADDR_LEN);
	memcpy(buf + 16, ip_v4(dst), ADDR_LEN);
	buf[20] = 148; /* router alert (RFC 2113), value 0 */
	buf[21] = 4;
	be16_put(buf + 10, csum_fold(csum_add(0, buf, IGMP_IP_HDR_LEN)));
}

size_t igmp_report_emit(uint8_t *buf, const struct ip_addr *src,
    const struct igmp_record *records, size_t n)
{
	uint8_t *report = buf + IGMP_IP_HDR_LEN;
	size_t len = REPORT_HDR_LEN + n * IGMP_RECORD_LEN;
	uint8_t *p = report + REPORT_HDR_LEN;

	put_ip(buf, IGMP_IP_HDR_LEN + len, src, &v3_routers);
	memset(report, 0, len);
	report[OFF_TYPE] = TYPE_V3_REPORT;
	be16_put(report + OFF_NRECORDS, (uint16_t)n);
	for (size_t i = 0; i < n; i++, p += IGMP_RECORD_LEN) {
		p[0] = (uint8_t)records[i].type;
		memcpy(
		    p + OFF_RECORD_GROUP, ip_v4(&records[i].group), ADDR_LEN);
	}
	put_checksum(report, len);
	return igmp_report_len(n);
}

void igmp_old_emit(uint8_t *buf, const struct ip_addr *src, enum igmp_old type,
    const struct ip_addr *group)
{
	uint8_t *p = buf + IGMP_IP_HDR_LEN;

	put_ip(buf, IGMP_OLD_PACKET_LEN, src,
	    type == IGMP_V2_LEAVE ? &all_routers : group);
	memset(p, 0, IGMP_OLD_LEN);
	p[OFF_TYPE] = (uint8_t)type;
	memcpy(p + OFF_GROUP, ip_v4(group), ADDR_LEN);
	put_checksum(p, IGMP_OLD_LEN);
}

void igmp_query_log(struct log *log, const struct igmp_query *q)
{
	char text[IP_TEXT_LEN];

	log_field(log, "version", "%u", q->version);
	log_field(log, "max response", "%u ms", q->max_resp_ms);
	log_field(log, "group", "%s", ip_text(&q->group, text));
	if (q->version < 3)
		return;
	log_field(log, "suppress", "%d", q->suppress);
	log_field(log, "robustness", "%u", q->robustness);
	log_field(log, "interval", "%u s", q->interval_s);
	log_field(log, "sources", "%u", q->nsources);
}
