/*
 * ipv6_chain.c - following IPv6 extension headers (RFC 8200, 4)
 *
 * One loop, one function for each kind of header.  The walk carries what it
 * knows in struct walk; a header's function either moves it on to the next
 * header or ends it with a refusal.  Offsets never pass walk.end, which is the
 * end of the packet by its own payload length, not of the buffer.
 */
#include "ipd/ipv6.h"

#include <netinet/in.h>
#include <string.h>

#include "ipd/icmp6.h"
#include "shm/bytes.h"

enum {
	OFF_NEXT_HEADER = 6, /* in the fixed header */
	OFF_PAYLOAD_LEN = 4,

	OPT_PAD1 = 0,
	OPT_ROUTER_ALERT = 5, /* RFC 2711 */
	OPT_JUMBO = 0xc2,     /* RFC 2675 */

	OFF_ROUTING_TYPE = 2,
	OFF_SEGMENTS_LEFT = 3,

	FRAG_OFF_OFFSET = 2,
	FRAG_OFF_ID = 4,
};

/* The highest two bits of an option type: what to do if it is unknown. */
enum option_action {
	ACTION_SKIP = 0,
	ACTION_DISCARD = 1,
	ACTION_COMPLAIN = 2, /* even about a packet to a group */
	ACTION_COMPLAIN_UNICAST = 3,
};

struct walk {
	const uint8_t *buf;
	uint32_t end;      /* of the packet */
	uint32_t at;       /* the header in hand */
	uint32_t named_at; /* the byte that named it */
	uint8_t type;      /* as that byte said */
	struct ipv6_chain chain;
	struct ipv6_complaint complaint;
};

static enum ipv6_parse refuse(struct walk *w, enum ipv6_parse why,
    enum icmp6_parameter_problem code, uint32_t pointer)
{
	w->complaint = (struct ipv6_complaint){
		.due = true,
		.type = ICMP6_PARAMETER_PROBLEM,
		.code = (uint8_t)code,
		.pointer = pointer,
	};
	return why;
}

/* Move on by @len bytes to the header of @type. */
static void step(struct walk *w, uint8_t type, uint32_t len)
{
	w->type = type;
	w->named_at = w->at; /* the first byte of each names the next */
	w->at += len;
}

/*
 * Length and successor of an extension header of the usual form.  False if
 * it does not fit into the packet.
 */
static bool extension_read(const struct walk *w, uint8_t *next, uint32_t *len)
{
	if (w->end - w->at < 8)
		return false;
	*next = w->buf[w->at];
	*len = (w->buf[w->at + 1] + 1U) * 8;
	return *len <= w->end - w->at;
}

/* An option that we do not know (RFC 8200, 4.2). */
static enum ipv6_parse option_unknown(struct walk *w, uint8_t type, uint32_t at)
{
	switch ((enum option_action)(type >> 6)) {
	case ACTION_SKIP:
		return IPV6_OK;
	case ACTION_DISCARD:
		return IPV6_BAD_OPTION;
	case ACTION_COMPLAIN:
		refuse(w, IPV6_BAD_OPTION, ICMP6_UNKNOWN_OPTION, at);
		w->complaint.even_if_multicast = true;
		return IPV6_BAD_OPTION;
	case ACTION_COMPLAIN_UNICAST:
		return refuse(w, IPV6_BAD_OPTION, ICMP6_UNKNOWN_OPTION, at);
	}
	return IPV6_BAD_OPTION;
}

/* The option of @type, whose @len bytes of data are at @at + 2. */
static enum ipv6_parse option_take(
    struct walk *w, uint8_t type, uint32_t at, uint8_t len, bool hop_by_hop)
{
	/* PadN is among those that the highest bits tell us to skip. */
	if (!hop_by_hop)
		return option_unknown(w, type, at);
	if (type == OPT_JUMBO)
		return refuse(w, IPV6_JUMBO, ICMP6_UNKNOWN_OPTION, at);
	if (type != OPT_ROUTER_ALERT)
		return option_unknown(w, type, at);

	/* RFC 2711, 2.1: one of it, with two bytes of value. */
	if (len != 2)
		return refuse(w, IPV6_BAD_OPTION, ICMP6_BAD_FIELD, at + 1);
	if (w->chain.router_alert)
		return refuse(w, IPV6_BAD_OPTION, ICMP6_BAD_FIELD, at);
	w->chain.router_alert = true;
	w->chain.router_alert_value = be16_get(w->buf + at + 2);
	return IPV6_OK;
}

/* The options from @at up to @end, which is within the packet. */
static enum ipv6_parse options(
    struct walk *w, uint32_t at, uint32_t end, bool hop_by_hop)
{
	while (at < end) {
		uint8_t type = w->buf[at];
		enum ipv6_parse rc;
		uint8_t len;

		if (type == OPT_PAD1) {
			at++;
			continue;
		}
		if (end - at < 2)
			return refuse(w, IPV6_BAD_OPTION, ICMP6_BAD_FIELD, at);
		len = w->buf[at + 1];
		if (len > end - at - 2)
			return refuse(
			    w, IPV6_BAD_OPTION, ICMP6_BAD_FIELD, at + 1);
		rc = option_take(w, type, at, len, hop_by_hop);
		if (rc != IPV6_OK)
			return rc;
		at += 2U + len;
	}
	return IPV6_OK;
}

static enum ipv6_parse options_header(struct walk *w, bool hop_by_hop)
{
	enum ipv6_parse rc;
	uint32_t len;
	uint8_t next;

	if (!extension_read(w, &next, &len))
		return IPV6_CHAIN_SHORT;
	rc = options(w, w->at + 2, w->at + len, hop_by_hop);
	if (rc == IPV6_OK)
		step(w, next, len);
	return rc;
}

/* RFC 8200, 4.4: ignored once all segments are behind it. */
static enum ipv6_parse routing_header(struct walk *w)
{
	uint8_t next, segments_left;
	uint32_t len;

	if (!extension_read(w, &next, &len))
		return IPV6_CHAIN_SHORT;
	segments_left = w->buf[w->at + OFF_SEGMENTS_LEFT];

	/* RFC 5095, 3: type 0 is treated like any type that is unknown. */
	if (segments_left != 0)
		return refuse(w, IPV6_BAD_ROUTING, ICMP6_BAD_FIELD,
		    w->at + OFF_ROUTING_TYPE);
	step(w, next, len);
	return IPV6_OK;
}

/* The least that an upper-layer header is, to be called complete. */
static uint32_t upper_len(uint8_t type)
{
	switch (type) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
		return 8;
	case IPPROTO_ICMPV6:
		return 8;
	case IPPROTO_IPV6:
		return IPV6_HDR_LEN;
	case IPPROTO_NONE:
		return 0;
	default:
		return 1; /* unknown to us, but something must be there */
	}
}

static bool is_extension(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_DSTOPTS ||
	    type == IPPROTO_ROUTING || type == IPPROTO_FRAGMENT;
}

/*
 * Does the first fragment hold all headers (RFC 7112, 5)?  What they say is
 * for the walk over the whole packet; here only their lengths count.
 */
static bool chain_is_whole(struct walk w)
{
	uint32_t len;
	uint8_t next;

	for (unsigned n = 0; is_extension(w.type); n++) {
		if (n == IPV6_CHAIN_MAX || !extension_read(&w, &next, &len))
			return false;
		step(&w, next, w.type == IPPROTO_FRAGMENT ? 8 : len);
	}
	return w.end - w.at >= upper_len(w.type);
}

/* The packet is one fragment of several: the walk ends here. */
static enum ipv6_parse fragment_end(struct walk *w)
{
	const struct ipv6_frag_hdr *f = &w->chain.frag;
	uint32_t len = w->end - w->at;
	uint32_t before = w->chain.frag_at - IPV6_HDR_LEN;

	if (f->more && len % 8 != 0)
		return refuse(
		    w, IPV6_BAD_FRAGMENT, ICMP6_BAD_FIELD, OFF_PAYLOAD_LEN);
	if (before + f->offset + len > 65535)
		return refuse(w, IPV6_BAD_FRAGMENT, ICMP6_BAD_FIELD,
		    w->chain.frag_at + FRAG_OFF_OFFSET);
	if (f->offset == 0 && !chain_is_whole(*w))
		return refuse(
		    w, IPV6_CHAIN_IN_PIECES, ICMP6_CHAIN_IN_PIECES, 0);
	w->chain.is_fragment = true;
	return IPV6_OK;
}

static enum ipv6_parse fragment_header(struct walk *w)
{
	struct ipv6_chain *c = &w->chain;
	uint16_t offset;

	/* One is all that a source may put there (RFC 8200, 4.1). */
	if (c->atomic)
		return IPV6_BAD_FRAGMENT;
	if (w->end - w->at < IPV6_FRAG_HDR_LEN)
		return IPV6_CHAIN_SHORT;

	c->frag_at = w->at;
	c->frag_named_at = w->named_at;
	offset = be16_get(w->buf + w->at + FRAG_OFF_OFFSET);
	c->frag.offset = offset & 0xfff8;
	c->frag.more = offset & 1;
	c->frag.id = be32_get(w->buf + w->at + FRAG_OFF_ID);
	c->frag.next_header = w->buf[w->at];
	step(w, c->frag.next_header, IPV6_FRAG_HDR_LEN);

	/* RFC 6946: complete in itself, never mixed with others. */
	c->atomic = c->frag.offset == 0 && !c->frag.more;
	return c->atomic ? IPV6_OK : fragment_end(w);
}

/* The header in hand, which is an extension header. */
static enum ipv6_parse extension_header(struct walk *w)
{
	switch (w->type) {
	case IPPROTO_HOPOPTS:
		if (w->at != IPV6_HDR_LEN)
			return refuse(w, IPV6_BAD_HOP_BY_HOP,
			    ICMP6_UNKNOWN_NEXT_HEADER, w->named_at);
		return options_header(w, true);
	case IPPROTO_DSTOPTS:
		return options_header(w, false);
	case IPPROTO_ROUTING:
		return routing_header(w);
	default:
		return fragment_header(w);
	}
}

static struct walk walk_begin(const uint8_t *buf, const struct ipv6_hdr *h)
{
	return (struct walk){
		.buf = buf,
		.end = IPV6_HDR_LEN + h->payload_len,
		.at = IPV6_HDR_LEN,
		.named_at = OFF_NEXT_HEADER,
		.type = h->next_header,
	};
}

/* @rc is how the walk ended: write the one answer or the other. */
static enum ipv6_parse walk_end(struct walk *w, enum ipv6_parse rc,
    struct ipv6_chain *ret, struct ipv6_complaint *complaint)
{
	if (rc != IPV6_OK) {
		*complaint = w->complaint;
		return rc;
	}
	w->chain.proto = w->type;
	w->chain.proto_at = w->named_at;
	w->chain.upper_at = w->at;
	*ret = w->chain;
	return IPV6_OK;
}

enum ipv6_parse ipv6_walk(struct ipv6_chain *ret,
    struct ipv6_complaint *complaint, const uint8_t *buf,
    const struct ipv6_hdr *h)
{
	struct walk w = walk_begin(buf, h);
	enum ipv6_parse rc = IPV6_OK;

	for (unsigned n = 0; is_extension(w.type); n++) {
		if (n == IPV6_CHAIN_MAX)
			rc = IPV6_CHAIN_TOO_LONG;
		else
			rc = extension_header(&w);
		if (rc != IPV6_OK || w.chain.is_fragment)
			break;
	}
	return walk_end(&w, rc, ret, complaint);
}

enum ipv6_parse ipv6_walk_forward(struct ipv6_chain *ret,
    struct ipv6_complaint *complaint, const uint8_t *buf,
    const struct ipv6_hdr *h)
{
	struct walk w = walk_begin(buf, h);
	enum ipv6_parse rc = IPV6_OK;

	if (w.type == IPPROTO_HOPOPTS)
		rc = options_header(&w, true);
	return walk_end(&w, rc, ret, complaint);
}
