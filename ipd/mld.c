/*
 * mld.c - Multicast Listener Discovery, the host's side (RFC 9777, RFC 2710)
 */
#include "ipd/mld.h"

#include <netinet/in.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	TYPE_QUERY = 130,
	TYPE_REPORT = 143, /* MLDv2 */
};

/* The query, and what it shares with the report. */
enum {
	OFF_TYPE = 0,
	OFF_CHECKSUM = 2,
	OFF_MAX_RESP = 4,
	OFF_GROUP = 8,
	OFF_FLAGS = 24,
	OFF_QQIC = 25,
	OFF_NSOURCES = 26,

	FLAG_SUPPRESS = 0x08,
	QRV_MASK = 0x07,
	ADDR_LEN = 16,
};

/* The report: the IPv6 header, and within what follows it. */
enum {
	IP6_HDR_LEN = 40,
	HOP_BY_HOP_LEN = 8,
	REPORT_HDR_LEN = 8,
	OFF_NRECORDS = 6,
	OFF_RECORD_GROUP = 4,
};

const struct ip_addr mld_routers = { { 0xff, 0x02, [15] = 0x16 } };

/*
 * Times are sent as they are up to a limit, and beyond it as a small floating
 * point number (RFC 9777, 5.1.3 and 5.1.9): a one, three bits of exponent and
 * @bits of mantissa whose leading one is not sent.
 */
static uint32_t decode_time(uint32_t code, unsigned bits)
{
	uint32_t one = 1U << bits;
	uint32_t exp = code >> bits & 7;

	if (code < one << 3)
		return code;
	return ((code & (one - 1)) | one) << (exp + 3);
}

static uint32_t encode_time(uint32_t value, unsigned bits)
{
	uint32_t one = 1U << bits;
	uint32_t exp = 0;

	if (value < one << 3)
		return value;
	while (exp < 7 && value >> (exp + 3) >= one << 1)
		exp++;
	value >>= exp + 3;
	if (value >= one << 1)
		value = (one << 1) - 1; /* the longest there is */
	return one << 3 | exp << bits | (value & (one - 1));
}

enum {
	MAX_RESP_BITS = 12,
	QQIC_BITS = 4,
};

/* What RFC 9777, 6.2 asks before it believes a query. */
static enum mld_parse check_headers(const struct mld_ip *ip)
{
	if (!ip_is_link_local(&ip->src) || ip_is_v4(&ip->src))
		return MLD_BAD_SRC;
	if (ip->hop_limit != 1)
		return MLD_BAD_HOP_LIMIT;
	if (!ip->router_alert)
		return MLD_NO_ROUTER_ALERT;
	return MLD_OK;
}

static enum mld_parse read_v2(
    struct mld_query *q, const uint8_t *buf, size_t len, uint16_t max_resp)
{
	uint8_t flags = buf[OFF_FLAGS];

	q->version = 2;
	q->max_resp_ms = decode_time(max_resp, MAX_RESP_BITS);
	q->suppress = flags & FLAG_SUPPRESS;
	q->robustness = flags & QRV_MASK;
	q->interval_s = decode_time(buf[OFF_QQIC], QQIC_BITS);
	q->nsources = be16_get(buf + OFF_NSOURCES);
	if (q->nsources > (len - MLD_QUERY_LEN) / ADDR_LEN)
		return MLD_SOURCES_CUT;
	return MLD_OK;
}

enum mld_parse mld_query_parse(struct mld_query *ret, const uint8_t *buf,
    size_t len, const struct mld_ip *ip)
{
	struct mld_query q = { .version = 1 };
	enum mld_parse why = check_headers(ip);
	uint16_t max_resp;

	/* RFC 9777, 8.1: the length alone tells the versions apart. */
	if (len != MLD_V1_QUERY_LEN && len < MLD_QUERY_LEN)
		return MLD_BAD_LENGTH;
	if (buf[OFF_TYPE] != TYPE_QUERY)
		return MLD_BAD_TYPE;
	if (why != MLD_OK)
		return why;

	max_resp = be16_get(buf + OFF_MAX_RESP);
	q.max_resp_ms = max_resp;
	q.group = ip_from_v6(buf + OFF_GROUP);
	if (!ip_equal(&q.group, &ip_any6) &&
	    (!ip_is_multicast(&q.group) || ip_is_v4(&q.group)))
		return MLD_BAD_GROUP;
	if (len >= MLD_QUERY_LEN)
		why = read_v2(&q, buf, len, max_resp);
	if (why == MLD_OK)
		*ret = q;
	return why;
}

static uint16_t checksum(const uint8_t *buf, size_t len,
    const struct ip_addr *src, const struct ip_addr *dst)
{
	uint32_t sum = csum_pseudo(src, dst, IPPROTO_ICMPV6, (uint32_t)len);

	return csum_fold(csum_add(sum, buf, len));
}

bool mld_checksum_ok(const uint8_t *buf, size_t len, const struct mld_ip *ip)
{
	return checksum(buf, len, &ip->src, &ip->dst) == 0;
}

size_t mld_query_emit(
    uint8_t *buf, const struct mld_query *q, const struct mld_ip *ip)
{
	size_t len = q->version == 1 ? MLD_V1_QUERY_LEN : MLD_QUERY_LEN;
	uint32_t max_resp = q->max_resp_ms;

	memset(buf, 0, len);
	buf[OFF_TYPE] = TYPE_QUERY;
	memcpy(buf + OFF_GROUP, q->group.b, ADDR_LEN);
	if (q->version == 2) {
		max_resp = encode_time(max_resp, MAX_RESP_BITS);
		buf[OFF_FLAGS] = (uint8_t)((q->suppress ? FLAG_SUPPRESS : 0) |
		    (q->robustness & QRV_MASK));
		buf[OFF_QQIC] = (uint8_t)encode_time(q->interval_s, QQIC_BITS);
	}
	be16_put(buf + OFF_MAX_RESP, (uint16_t)max_resp);
	be16_put(buf + OFF_CHECKSUM, checksum(buf, len, &ip->src, &ip->dst));
	return len;
}

/* An IPv6 header with @payload bytes after it, then the router alert. */
static void put_headers(uint8_t *buf, const struct ip_addr *src, size_t payload)
{
	/*
	 * RFC 8200, 4.3 and RFC 2711, 2.1: next header, length; router alert,
	 * two bytes, its value 0 for MLD; padding of two bytes.
	 */
	static const uint8_t hop_by_hop[HOP_BY_HOP_LEN] = { IPPROTO_ICMPV6, 0,
		0x05, 2, 0, 0, 0x01, 0 };

	be32_put(buf, 6U << 28);
	be16_put(buf + 4, (uint16_t)payload);
	buf[6] = IPPROTO_HOPOPTS;
	buf[7] = 1; /* hop limit */
	memcpy(buf + 8, src->b, ADDR_LEN);
	memcpy(buf + 24, mld_routers.b, ADDR_LEN);
	memcpy(buf + IP6_HDR_LEN, hop_by_hop, HOP_BY_HOP_LEN);
}

size_t mld_report_emit(uint8_t *buf, const struct ip_addr *src,
    const struct mld_record *records, size_t n)
{
	uint8_t *report = buf + IP6_HDR_LEN + HOP_BY_HOP_LEN;
	size_t len = REPORT_HDR_LEN + n * MLD_RECORD_LEN;
	uint8_t *p = report + REPORT_HDR_LEN;

	put_headers(buf, src, HOP_BY_HOP_LEN + len);
	memset(report, 0, len);
	report[OFF_TYPE] = TYPE_REPORT;
	be16_put(report + OFF_NRECORDS, (uint16_t)n);
	for (size_t i = 0; i < n; i++, p += MLD_RECORD_LEN) {
		p[0] = (uint8_t)records[i].type;
		memcpy(p + OFF_RECORD_GROUP, records[i].group.b, ADDR_LEN);
	}
	be16_put(
	    report + OFF_CHECKSUM, checksum(report, len, src, &mld_routers));
	return mld_report_len(n);
}

void mld_query_log(struct log *log, const struct mld_query *q)
{
	char text[IP_TEXT_LEN];

	log_field(log, "version", "%u", q->version);
	log_field(log, "max response", "%u ms", q->max_resp_ms);
	log_field(log, "group", "%s", ip_text(&q->group, text));
	if (q->version == 1)
		return;
	log_field(log, "suppress", "%d", q->suppress);
	log_field(log, "robustness", "%u", q->robustness);
	log_field(log, "interval", "%u s", q->interval_s);
	log_field(log, "sources", "%u", q->nsources);
}
