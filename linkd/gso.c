/*
 * gso.c - cutting a super-frame for a device that can't
 */
#include "linkd/gso.h"

#include <errno.h>

#include "linkd/l4.h"

static bool is_v6(enum gso_type type)
{
	return type == GSO_TCP6 || type == GSO_UDP6;
}

static bool is_tcp(enum gso_type type)
{
	return type == GSO_TCP4 || type == GSO_TCP6;
}

/* Is this an IP header of the right version that ends at g->l4_at? */
static bool ip_fits(const struct gso *g, size_t have)
{
	const uint8_t *ip = g->header;

	if (g->l4_at > have)
		return false;
	if (is_v6(g->type))
		return g->l4_at >= IP6_HDR && ip[0] >> 4 == 6;
	return g->l4_at >= IP4_HDR && ip[0] >> 4 == 4 &&
	    (ip[0] & 15) * 4U == g->l4_at;
}

/* Length of the transport header, or 0 if it is not one we can repeat. */
static size_t l4_header_len(const struct gso *g, size_t have)
{
	const uint8_t *l4 = g->header + g->l4_at;
	size_t len = UDP_HDR;

	have -= g->l4_at;
	if (is_tcp(g->type)) {
		if (have < TCP_HDR)
			return 0;
		len = (l4[TCP_DOFF] >> 4) * 4U;
		if (len < TCP_HDR ||
		    l4[TCP_FLAGS] & (FLAG_SYN | FLAG_RST | FLAG_URG))
			return 0;
	}
	return len <= have ? len : 0;
}

int gso_begin(struct gso *ret, const struct span *spans, unsigned nspans,
    size_t l4_at, enum gso_type type, uint16_t size)
{
	size_t len = spans_len(spans, nspans);
	struct gso g = { .spans = spans,
		.nspans = nspans,
		.l4_at = l4_at,
		.type = type,
		.size = size };
	size_t have = spans_copy(g.header, spans, nspans, 0, sizeof(g.header));
	size_t l4_len;

	if (type >= GSO_NTYPES || size == 0 || !ip_fits(&g, have))
		return -EINVAL;
	l4_len = l4_header_len(&g, have);
	if (l4_len == 0)
		return -EINVAL;
	g.header_len = l4_at + l4_len;
	g.payload_len = len - g.header_len;
	if (g.payload_len > UINT32_MAX - size || g.header_len + size > L3_MAX)
		return -EINVAL;
	g.segments = g.payload_len == 0
	    ? 1
	    : (uint32_t)((g.payload_len + size - 1) / size);
	if (g.segments > GSO_SEGMENTS_MAX)
		return -EINVAL;
	*ret = g;
	return 0;
}

/* The sum of payload bytes [@off, @off + @len), which follow the header. */
static uint32_t sum_payload(
    const struct gso *g, uint32_t sum, size_t off, size_t len)
{
	size_t skip = g->header_len + off;
	size_t at = g->header_len - g->l4_at;

	for (unsigned i = 0; i < g->nspans && len > 0; i++) {
		const struct span *s = &g->spans[i];
		size_t part;

		if (skip >= s->len) {
			skip -= s->len;
			continue;
		}
		part = s->len - skip;
		if (part > len)
			part = len;
		sum = csum_add_at(sum, s->p + skip, part, at);
		at += part;
		len -= part;
		skip = 0;
	}
	return sum;
}

static void put_tcp(
    const struct gso *g, uint8_t *l4, uint32_t k, const struct gso_segment *s)
{
	be32_put(l4 + TCP_SEQ, be32_get(l4 + TCP_SEQ) + (uint32_t)s->off);
	if (k > 0)
		l4[TCP_FLAGS] &= (uint8_t)~FLAG_CWR;
	if (k + 1 < g->segments)
		l4[TCP_FLAGS] &= (uint8_t) ~(FLAG_FIN | FLAG_PSH);
	be16_put(l4 + TCP_CSUM, 0);
}

static void put_udp(
    const struct gso *g, uint8_t *l4, const struct gso_segment *s)
{
	be16_put(l4 + UDP_LEN, (uint16_t)(g->header_len - g->l4_at + s->len));
	be16_put(l4 + UDP_CSUM, 0);
}

static void put_checksum(
    const struct gso *g, uint8_t *header, const struct gso_segment *s)
{
	size_t l4_hdr = g->header_len - g->l4_at;
	uint8_t *l4 = header + g->l4_at;
	uint8_t proto = is_tcp(g->type) ? PROTO_TCP : PROTO_UDP;
	uint32_t sum =
	    l4_pseudo(header, is_v6(g->type), proto, l4_hdr + s->len);

	sum = csum_add(sum, l4, l4_hdr);
	sum = sum_payload(g, sum, s->off, s->len);
	if (is_tcp(g->type))
		be16_put(l4 + TCP_CSUM, csum_fold(sum));
	else
		be16_put(l4 + UDP_CSUM, csum_fold_udp(sum));
}

void gso_segment(
    const struct gso *g, uint32_t k, uint8_t *header, struct gso_segment *ret)
{
	struct gso_segment s = { .off = (size_t)k * g->size };

	s.len = g->payload_len - s.off;
	if (s.len > g->size)
		s.len = g->size;

	memcpy(header, g->header, g->header_len);
	if (!is_v6(g->type))
		be16_put(
		    header + IP4_ID, (uint16_t)(be16_get(header + IP4_ID) + k));
	l3_set_len(header, is_v6(g->type), g->l4_at, g->header_len + s.len);
	if (is_tcp(g->type))
		put_tcp(g, header + g->l4_at, k, &s);
	else
		put_udp(g, header + g->l4_at, &s);
	put_checksum(g, header, &s);
	*ret = s;
}
