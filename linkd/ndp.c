/*
 * ndp.c - Neighbor Discovery messages as bytes and as numbers (RFC 4861)
 */
#include "linkd/ndp.h"

#include <netinet/in.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	OFF_TYPE = 0,
	OFF_CODE = 1,
	OFF_CHECKSUM = 2,
	OFF_FLAGS = 4,        /* NA */
	OFF_TARGET = 8,       /* NS, NA, Redirect */
	OFF_DESTINATION = 24, /* Redirect */
	OFF_HOP_LIMIT = 4,    /* RA, and so to the end */
	OFF_RA_FLAGS = 5,
	OFF_LIFETIME = 6,
	OFF_REACHABLE = 8,
	OFF_RETRANS = 12,
};

/* Without options. */
enum {
	LEN_RS = 8,
	LEN_RA = 16,
	LEN_NS = 24,
	LEN_NA = 24,
	LEN_REDIRECT = 40,
};

enum {
	NA_ROUTER = 0x80,
	NA_SOLICITED = 0x40,
	NA_OVERRIDE = 0x20,
	RA_MANAGED = 0x80,
	RA_OTHER = 0x40,
	RA_PREFERENCE_SHIFT = 3, /* two bits, signed (RFC 4191, 2.1) */
	PREFIX_ON_LINK = 0x80,
	PREFIX_AUTONOMOUS = 0x40,
};

enum {
	OPT_SLLA = 1,
	OPT_TLLA = 2,
	OPT_PREFIX = 3,
	OPT_MTU = 5,
	OPT_NONCE = 14, /* RFC 3971, 5.3.2 */

	OPT_UNIT = 8, /* bytes; the length of all of these but OPT_PREFIX */
	OPT_PREFIX_LEN = 32,
};

static bool is_solicited_node(const struct ip_addr *a)
{
	struct ip_addr same = ip_solicited_node(a);

	return ip_equal(a, &same);
}

/* The length without options; 0 for a type that is not ours. */
static size_t fixed_len(uint8_t type)
{
	switch (type) {
	case NDP_RS:
		return LEN_RS;
	case NDP_RA:
		return LEN_RA;
	case NDP_NS:
		return LEN_NS;
	case NDP_NA:
		return LEN_NA;
	case NDP_REDIRECT:
		return LEN_REDIRECT;
	}
	return 0;
}

/* The checks on NS and NA's target; also what keeps IPv4 out of a Redirect. */
static enum ndp_parse check_target(const struct ip_addr *target)
{
	if (ip_is_v4(target) || ip_is_any(target))
		return NDP_BAD_TARGET;
	return ip_is_multicast(target) ? NDP_TARGET_MULTICAST : NDP_OK;
}

static enum ndp_parse read_ra(
    struct ndp_hdr *h, const uint8_t *buf, const struct ndp_ip *ip)
{
	uint8_t flags = buf[OFF_RA_FLAGS];
	uint8_t prf = flags >> RA_PREFERENCE_SHIFT & 3;

	if (!ip_is_link_local(&ip->src))
		return NDP_BAD_SRC;
	h->cur_hop_limit = buf[OFF_HOP_LIMIT];
	h->managed = flags & RA_MANAGED;
	h->other = flags & RA_OTHER;
	h->lifetime_s = be16_get(buf + OFF_LIFETIME);
	h->reachable_ms = be32_get(buf + OFF_REACHABLE);
	h->retrans_ms = be32_get(buf + OFF_RETRANS);
	/*
	 * RFC 4191, 2.2: 10 is reserved, to be taken for 00, medium; and from
	 * what is no default router it means nothing.
	 */
	if (h->lifetime_s != 0)
		h->preference = prf == 1 ? 1 : prf == 3 ? -1 : 0;
	return NDP_OK;
}

static enum ndp_parse read_ns(
    struct ndp_hdr *h, const uint8_t *buf, const struct ndp_ip *ip)
{
	h->target = ip_from_v6(buf + OFF_TARGET);
	if (ip_is_any(&ip->src) && !is_solicited_node(&ip->dst))
		return NDP_BAD_DST;
	return check_target(&h->target);
}

static enum ndp_parse read_na(
    struct ndp_hdr *h, const uint8_t *buf, const struct ndp_ip *ip)
{
	uint8_t flags = buf[OFF_FLAGS];

	h->router = flags & NA_ROUTER;
	h->solicited = flags & NA_SOLICITED;
	h->override = flags & NA_OVERRIDE;
	h->target = ip_from_v6(buf + OFF_TARGET);
	if (h->solicited && ip_is_multicast(&ip->dst))
		return NDP_BAD_SOLICITED;
	return check_target(&h->target);
}

static enum ndp_parse read_redirect(
    struct ndp_hdr *h, const uint8_t *buf, const struct ndp_ip *ip)
{
	h->target = ip_from_v6(buf + OFF_TARGET);
	h->destination = ip_from_v6(buf + OFF_DESTINATION);
	if (!ip_is_link_local(&ip->src))
		return NDP_BAD_SRC;
	if (ip_is_multicast(&h->destination) || ip_is_v4(&h->destination))
		return NDP_BAD_DESTINATION;
	if (ip_is_v4(&h->target) || ip_is_any(&h->target))
		return NDP_BAD_TARGET;
	if (!ip_is_link_local(&h->target) &&
	    !ip_equal(&h->target, &h->destination))
		return NDP_BAD_REDIRECT;
	return NDP_OK;
}

static enum ndp_parse read_fixed(
    struct ndp_hdr *h, const uint8_t *buf, const struct ndp_ip *ip)
{
	switch (h->type) {
	case NDP_RS:
		return NDP_OK;
	case NDP_RA:
		return read_ra(h, buf, ip);
	case NDP_NS:
		return read_ns(h, buf, ip);
	case NDP_NA:
		return read_na(h, buf, ip);
	case NDP_REDIRECT:
		return read_redirect(h, buf, ip);
	}
	return NDP_BAD_TYPE;
}

/* May the option @opt appear in a message of @type? (RFC 4861, 6.1 to 8.1) */
static bool belongs(uint8_t opt, enum ndp_type type)
{
	switch (opt) {
	case OPT_SLLA:
		return type == NDP_RS || type == NDP_RA || type == NDP_NS;
	case OPT_TLLA:
		return type == NDP_NA || type == NDP_REDIRECT;
	case OPT_PREFIX:
	case OPT_MTU:
		return type == NDP_RA;
	case OPT_NONCE:
		return type == NDP_NS;
	}
	return false;
}

static void read_prefix(struct ndp_hdr *h, const uint8_t *opt)
{
	uint8_t flags = opt[3];
	struct ndp_prefix p = {
		.plen = opt[2],
		.on_link = flags & PREFIX_ON_LINK,
		.autonomous = flags & PREFIX_AUTONOMOUS,
		.valid_s = be32_get(opt + 4),
		.preferred_s = be32_get(opt + 8),
		.prefix = ip_from_v6(opt + 16),
	};

	if (p.plen <= 128 && !ip_is_v4(&p.prefix) &&
	    h->nprefix < NDP_MAX_PREFIX)
		h->prefix[h->nprefix++] = p;
}

/* An option of @type and of @len bytes, all of which are in the message. */
static void read_option(
    struct ndp_hdr *h, uint8_t type, const uint8_t *opt, size_t len)
{
	if (!belongs(type, h->type))
		return;
	if (type == OPT_PREFIX && len == OPT_PREFIX_LEN)
		read_prefix(h, opt);
	if (len != OPT_UNIT)
		return;
	if (type == OPT_SLLA) {
		h->has_slla = true;
		h->slla = mac_from(opt + 2);
	} else if (type == OPT_TLLA) {
		h->has_tlla = true;
		h->tlla = mac_from(opt + 2);
	} else if (type == OPT_NONCE) {
		h->has_nonce = true;
		memcpy(h->nonce, opt + 2, NDP_NONCE_LEN);
	} else if (type == OPT_MTU) {
		h->has_mtu = true;
		h->mtu = be32_get(opt + 4);
	}
}

static enum ndp_parse read_options(
    struct ndp_hdr *h, const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		size_t left = (size_t)(end - p), len;
		uint8_t type;

		if (left < 2)
			return NDP_OPTION_CUT;
		type = p[0];
		len = (size_t)p[1] * OPT_UNIT;
		if (len == 0)
			return NDP_OPTION_ZERO;
		if (len > left)
			return NDP_OPTION_CUT;
		read_option(h, type, p, len);
		p += len;
	}
	return NDP_OK;
}

/* What can be said only when the options are known. */
static enum ndp_parse check_lla(
    const struct ndp_hdr *h, const struct ndp_ip *ip)
{
	if (h->has_slla && ip_is_any(&ip->src))
		return NDP_SLLA_FROM_ANY;
	if (h->has_slla && mac_is_multicast(&h->slla))
		return NDP_BAD_LLA;
	if (h->has_tlla && mac_is_multicast(&h->tlla))
		return NDP_BAD_LLA;
	return NDP_OK;
}

enum ndp_parse ndp_parse(struct ndp_hdr *ret, const uint8_t *buf, size_t len,
    const struct ndp_ip *ip)
{
	struct ndp_hdr h = { 0 };
	enum ndp_parse why;
	uint8_t type;
	size_t fixed;

	if (len < LEN_RS)
		return NDP_SHORT;
	type = buf[OFF_TYPE];
	fixed = fixed_len(type);
	if (fixed == 0)
		return NDP_BAD_TYPE;
	if (ip->hop_limit != NDP_HOP_LIMIT)
		return NDP_BAD_HOP_LIMIT;
	/* A mapped source would become IPv4's neighbour, a group anybody's. */
	if (ip_is_v4(&ip->src) || ip_is_multicast(&ip->src))
		return NDP_BAD_SRC;
	if (buf[OFF_CODE] != 0)
		return NDP_BAD_CODE;
	if (len < fixed)
		return NDP_SHORT;

	h.type = (enum ndp_type)type;
	why = read_fixed(&h, buf, ip);
	if (why == NDP_OK)
		why = read_options(&h, buf + fixed, buf + len);
	if (why == NDP_OK)
		why = check_lla(&h, ip);
	if (why == NDP_OK)
		*ret = h;
	return why;
}

static void put_ra(uint8_t *buf, const struct ndp_hdr *h)
{
	buf[OFF_HOP_LIMIT] = h->cur_hop_limit;
	buf[OFF_RA_FLAGS] = (uint8_t)((h->managed ? RA_MANAGED : 0) |
	    (h->other ? RA_OTHER : 0) |
	    (h->preference & 3) << RA_PREFERENCE_SHIFT);
	be16_put(buf + OFF_LIFETIME, h->lifetime_s);
	be32_put(buf + OFF_REACHABLE, h->reachable_ms);
	be32_put(buf + OFF_RETRANS, h->retrans_ms);
}

static void put_fixed(uint8_t *buf, const struct ndp_hdr *h)
{
	memset(buf, 0, fixed_len((uint8_t)h->type));
	buf[OFF_TYPE] = (uint8_t)h->type;
	switch (h->type) {
	case NDP_RS:
		break;
	case NDP_RA:
		put_ra(buf, h);
		break;
	case NDP_REDIRECT:
		memcpy(buf + OFF_DESTINATION, h->destination.b, 16);
		memcpy(buf + OFF_TARGET, h->target.b, 16);
		break;
	case NDP_NA:
		buf[OFF_FLAGS] = (uint8_t)((h->router ? NA_ROUTER : 0) |
		    (h->solicited ? NA_SOLICITED : 0) |
		    (h->override ? NA_OVERRIDE : 0));
		memcpy(buf + OFF_TARGET, h->target.b, 16);
		break;
	case NDP_NS:
		memcpy(buf + OFF_TARGET, h->target.b, 16);
		break;
	}
}

/* An option of eight bytes, the last six of them at @body. */
static uint8_t *put_six(uint8_t *p, uint8_t type, const uint8_t body[6])
{
	p[0] = type;
	p[1] = 1;
	memcpy(p + 2, body, 6);
	return p + OPT_UNIT;
}

static uint8_t *put_prefix(uint8_t *p, const struct ndp_prefix *prefix)
{
	memset(p, 0, OPT_PREFIX_LEN);
	p[0] = OPT_PREFIX;
	p[1] = OPT_PREFIX_LEN / OPT_UNIT;
	p[2] = prefix->plen;
	p[3] = (uint8_t)((prefix->on_link ? PREFIX_ON_LINK : 0) |
	    (prefix->autonomous ? PREFIX_AUTONOMOUS : 0));
	be32_put(p + 4, prefix->valid_s);
	be32_put(p + 8, prefix->preferred_s);
	memcpy(p + 16, prefix->prefix.b, 16);
	return p + OPT_PREFIX_LEN;
}

static uint8_t *put_options(uint8_t *p, const struct ndp_hdr *h)
{
	uint8_t mtu[6] = { 0 };

	if (h->has_slla)
		p = put_six(p, OPT_SLLA, h->slla.b);
	if (h->has_tlla)
		p = put_six(p, OPT_TLLA, h->tlla.b);
	if (h->has_nonce)
		p = put_six(p, OPT_NONCE, h->nonce);
	if (h->has_mtu) {
		be32_put(mtu + 2, h->mtu);
		p = put_six(p, OPT_MTU, mtu);
	}
	for (unsigned i = 0; i < h->nprefix; i++)
		p = put_prefix(p, &h->prefix[i]);
	return p;
}

static uint16_t checksum(
    const uint8_t *buf, size_t len, const struct ndp_ip *ip)
{
	uint32_t sum =
	    csum_pseudo(&ip->src, &ip->dst, IPPROTO_ICMPV6, (uint32_t)len);

	return csum_fold(csum_add(sum, buf, len));
}

size_t ndp_emit(uint8_t *buf, const struct ndp_hdr *h, const struct ndp_ip *ip)
{
	size_t len;

	put_fixed(buf, h);
	len = (size_t)(put_options(buf + fixed_len((uint8_t)h->type), h) - buf);
	be16_put(buf + OFF_CHECKSUM, checksum(buf, len, ip));
	return len;
}

bool ndp_checksum_ok(const uint8_t *buf, size_t len, const struct ndp_ip *ip)
{
	return checksum(buf, len, ip) == 0;
}

static void log_ip(struct log *log, const char *field, const struct ip_addr *a)
{
	char text[IP_TEXT_LEN];

	log_field(log, field, "%s", ip_text(a, text));
}

static void log_ra(struct log *log, const struct ndp_hdr *h)
{
	char text[IP_TEXT_LEN];

	log_field(log, "cur hop limit", "%u", h->cur_hop_limit);
	log_field(log, "managed", "%d", h->managed);
	log_field(log, "other", "%d", h->other);
	log_field(log, "preference", "%d", h->preference);
	log_field(log, "lifetime", "%u s", h->lifetime_s);
	log_field(log, "reachable", "%u ms", h->reachable_ms);
	log_field(log, "retrans", "%u ms", h->retrans_ms);
	for (unsigned i = 0; i < h->nprefix; i++) {
		const struct ndp_prefix *p = &h->prefix[i];

		log_field(log, "prefix",
		    "%s/%u%s%s, valid %u s, preferred %u s",
		    ip_text(&p->prefix, text), p->plen,
		    p->on_link ? " on-link" : "",
		    p->autonomous ? " autonomous" : "", p->valid_s,
		    p->preferred_s);
	}
}

static void log_fixed(struct log *log, const struct ndp_hdr *h)
{
	switch (h->type) {
	case NDP_RS:
		log_field(log, "type", "router solicitation");
		break;
	case NDP_RA:
		log_field(log, "type", "router advertisement");
		log_ra(log, h);
		break;
	case NDP_NS:
		log_field(log, "type", "neighbor solicitation");
		log_ip(log, "target", &h->target);
		break;
	case NDP_NA:
		log_field(log, "type", "neighbor advertisement");
		log_field(log, "router", "%d", h->router);
		log_field(log, "solicited", "%d", h->solicited);
		log_field(log, "override", "%d", h->override);
		log_ip(log, "target", &h->target);
		break;
	case NDP_REDIRECT:
		log_field(log, "type", "redirect");
		log_ip(log, "target", &h->target);
		log_ip(log, "destination", &h->destination);
		break;
	}
}

void ndp_log(struct log *log, const struct ndp_hdr *h)
{
	char text[MAC_TEXT_LEN];

	log_fixed(log, h);
	if (h->has_slla)
		log_field(log, "source link-layer address", "%s",
		    mac_text(&h->slla, text));
	if (h->has_tlla)
		log_field(log, "target link-layer address", "%s",
		    mac_text(&h->tlla, text));
	if (h->has_nonce)
		log_field(log, "nonce", "%02x%02x%02x%02x%02x%02x", h->nonce[0],
		    h->nonce[1], h->nonce[2], h->nonce[3], h->nonce[4],
		    h->nonce[5]);
	if (h->has_mtu)
		log_field(log, "mtu", "%u", h->mtu);
}
