/*
 * dump_ip.c - IPv4 (RFC 791), IPv6 (RFC 8200) and UDP (RFC 768) as text
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "api/command/dump.h"
#include "shm/bytes.h"

enum {
	IPV4_MIN = 20,
	IPV6_LEN = 40,
	IPV4_DF = 0x4000,
	IPV4_MF = 0x2000,
	IPV4_OFFSET = 0x1fff,
	FRAGMENT_LEN = 8,
	IPV6_OFFSET = 0xfff8,
	UDP_LEN = 8,
	EXTENSIONS_MAX = 16,
};

/* ---- What lies inside ---- */

void dump_udp(struct dump *d, const struct dump_ends *e, struct dump_bytes b)
{
	if (b.caplen < UDP_LEN) {
		dump_add(d, "%s %s > %s: [|udp]", e->ip, e->src, e->dst);
		return;
	}
	dump_add(d, "%s %s.%u > %s.%u: UDP, length %u", e->ip, e->src,
	    be16_get(b.p), e->dst, be16_get(b.p + 2),
	    b.len >= UDP_LEN ? b.len - UDP_LEN : 0);
	dump_field(d, "\tUDP src_port=%u dst_port=%u length=%u checksum=0x%04x",
	    be16_get(b.p), be16_get(b.p + 2), be16_get(b.p + 4),
	    be16_get(b.p + 6));
}

static void inside(struct dump *d, const struct dump_ends *e, uint8_t proto,
    struct dump_bytes b)
{
	switch (proto) {
	case IPPROTO_TCP:
		dump_tcp(d, e, b);
		return;
	case IPPROTO_UDP:
		dump_udp(d, e, b);
		return;
	case IPPROTO_ICMP:
		dump_icmp(d, e, b);
		return;
	case IPPROTO_ICMPV6:
		dump_icmp6(d, e, b);
		return;
	case IPPROTO_IGMP:
		dump_add(d, "%s %s > %s: igmp", e->ip, e->src, e->dst);
		if (b.caplen > 0)
			dump_add(d, " type 0x%02x", b.p[0]);
		dump_add(d, ", length %u", b.len);
		return;
	default: /* a number from the wire */
		dump_add(d, "%s %s > %s: ip-proto-%u %u", e->ip, e->src, e->dst,
		    proto, b.len);
	}
}

/* ---- IPv4 ---- */

static void ipv4_fields(struct dump *d, const uint8_t *p)
{
	uint16_t frag = be16_get(p + 6);

	dump_field(d,
	    "\tIPv4 header=%u tos=0x%02x length=%u id=%u%s%s offset=%u "
	    "ttl=%u protocol=%u checksum=0x%04x",
	    (p[0] & 0xf) * 4U, p[1], be16_get(p + 2), be16_get(p + 4),
	    frag & IPV4_DF ? " DF" : "", frag & IPV4_MF ? " MF" : "",
	    (frag & IPV4_OFFSET) * 8U, p[8], p[9], be16_get(p + 10));
}

/* Padding of a short frame is no part; 0 is a super-frame's. */
static void cut_to(struct dump_bytes *b, uint32_t len)
{
	if (len == 0 || len >= b->len)
		return;
	b->len = len;
	if (b->caplen > len)
		b->caplen = len;
}

static void dump_ipv4(struct dump *d, struct dump_bytes b)
{
	struct dump_ends e = { .ip = "IP" };
	uint32_t hdr;
	uint16_t frag;

	if (!dump_has(d, &b, IPV4_MIN, "ip"))
		return;
	cut_to(&b, be16_get(b.p + 2));
	if (!dump_has(d, &b, IPV4_MIN, "ip"))
		return;
	hdr = (b.p[0] & 0xf) * 4U;
	frag = be16_get(b.p + 6);
	inet_ntop(AF_INET, b.p + 12, e.src, sizeof(e.src));
	inet_ntop(AF_INET, b.p + 16, e.dst, sizeof(e.dst));
	ipv4_fields(d, b.p);
	if (hdr < IPV4_MIN) {
		dump_add(
		    d, "IP %s > %s: bad header length %u", e.src, e.dst, hdr);
		return;
	}
	if ((frag & IPV4_OFFSET) != 0)
		dump_add(d, "IP %s > %s: ip-proto-%u", e.src, e.dst, b.p[9]);
	else
		inside(d, &e, b.p[9], dump_rest(&b, hdr));
	if ((frag & (IPV4_OFFSET | IPV4_MF)) != 0)
		dump_add(d, " (frag %u:%u@%u%s)", be16_get(b.p + 4),
		    b.len > hdr ? b.len - hdr : 0, (frag & IPV4_OFFSET) * 8U,
		    frag & IPV4_MF ? "+" : "");
}

/* ---- IPv6 ---- */

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
	    next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT;
}

struct fragment6 {
	bool is;
	uint32_t id;
	uint32_t len; /* bytes of this piece */
	uint16_t field;
};

/* Step over one; false if the rest is no header: a later fragment, or cut. */
static bool step(
    struct dump *d, struct dump_bytes *b, uint8_t *next, struct fragment6 *f)
{
	uint32_t len = FRAGMENT_LEN;

	if (b->caplen < FRAGMENT_LEN)
		return false;
	if (*next == IPPROTO_FRAGMENT)
		*f = (struct fragment6){ true, be32_get(b->p + 4),
			b->len - FRAGMENT_LEN, be16_get(b->p + 2) };
	else
		len = (b->p[1] + 1U) * 8;
	dump_field(d, "\tIPv6 extension type=%u length=%u", *next, len);
	*next = b->p[0];
	*b = dump_rest(b, len);
	return (f->field & IPV6_OFFSET) == 0;
}

static void inside6(struct dump *d, const struct dump_ends *e, uint8_t next,
    struct dump_bytes b)
{
	struct fragment6 f = { .is = false };
	bool more = true;

	for (int i = 0; more && i < EXTENSIONS_MAX && is_extension(next); i++)
		more = step(d, &b, &next, &f);
	if (more)
		inside(d, e, next, b);
	else
		dump_add(d, "IP6 %s > %s: ip-proto-%u", e->src, e->dst, next);
	if (f.is)
		dump_add(d, " (frag 0x%08x:%u@%u%s)", f.id, f.len,
		    f.field & IPV6_OFFSET, f.field & 1 ? "+" : "");
}

static void dump_ipv6(struct dump *d, struct dump_bytes b)
{
	struct dump_ends e = { .ip = "IP6" };
	uint32_t first;
	uint8_t next;

	if (!dump_has(d, &b, IPV6_LEN, "ip6"))
		return;
	first = be32_get(b.p);
	next = b.p[6];
	inet_ntop(AF_INET6, b.p + 8, e.src, sizeof(e.src));
	inet_ntop(AF_INET6, b.p + 24, e.dst, sizeof(e.dst));
	dump_field(d,
	    "\tIPv6 class=0x%02x flow=0x%05x payload=%u next=%u hops=%u",
	    first >> 20 & 0xff, first & 0xfffff, be16_get(b.p + 4), next,
	    b.p[7]);
	if (be16_get(b.p + 4) != 0)
		cut_to(&b, IPV6_LEN + (uint32_t)be16_get(b.p + 4));
	inside6(d, &e, next, dump_rest(&b, IPV6_LEN));
}

void dump_packet(struct dump *d, struct dump_bytes b)
{
	if (!dump_has(d, &b, 1, "ip"))
		return;
	if (b.p[0] >> 4 == 4)
		dump_ipv4(d, b);
	else if (b.p[0] >> 4 == 6)
		dump_ipv6(d, b);
	else
		dump_add(d, "IP version %u, length %u", b.p[0] >> 4, b.len);
}
