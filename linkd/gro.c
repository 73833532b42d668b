/*
 * gro.c - joining received packets of one flow into a super-frame
 */
#include "linkd/gro.h"

#include <string.h>

#include "linkd/l4.h"

enum {
	MERGEABLE = FLAG_ACK | FLAG_PSH | FLAG_FIN | FLAG_ECE | FLAG_CWR,
	LAST = FLAG_PSH | FLAG_FIN,
};

/* A packet that could be part of a frame. */
struct part {
	const uint8_t *p;
	size_t len; /* without link padding */
	size_t l4_at;
	size_t header_len;
	enum gso_type type;
};

static bool is_v6(const struct part *a)
{
	return a->type == GSO_TCP6 || a->type == GSO_UDP6;
}

static bool is_tcp(const struct part *a)
{
	return a->type == GSO_TCP4 || a->type == GSO_TCP6;
}

static uint8_t tcp_flags(const struct part *a)
{
	return a->p[a->l4_at + TCP_FLAGS];
}

/* --- is it a packet that can be merged at all? --- */

static enum gro_result look_ip4(struct part *a, size_t len)
{
	const uint8_t *p = a->p;

	/* 0x45: no options. */
	if (len < IP4_HDR || p[0] != 0x45)
		return GRO_PLAIN;
	a->len = be16_get(p + IP4_LEN);
	if (a->len < IP4_HDR || a->len > len)
		return GRO_PLAIN;
	/* No fragment: neither offset nor more-fragments. */
	if (be16_get(p + IP4_FRAG) & ~IP4_DF)
		return GRO_PLAIN;
	if (csum_fold(csum_add(0, p, IP4_HDR)) != 0)
		return GRO_CHECKSUM;
	a->l4_at = IP4_HDR;
	a->type = p[IP4_PROTO] == PROTO_TCP ? GSO_TCP4 : GSO_UDP4;
	return p[IP4_PROTO] == PROTO_TCP || p[IP4_PROTO] == PROTO_UDP
	    ? GRO_HELD
	    : GRO_PLAIN;
}

static enum gro_result look_ip6(struct part *a, size_t len)
{
	const uint8_t *p = a->p;

	if (len < IP6_HDR || p[0] >> 4 != 6)
		return GRO_PLAIN;
	a->len = IP6_HDR + (size_t)be16_get(p + IP6_LEN);
	if (a->len > len)
		return GRO_PLAIN;
	a->l4_at = IP6_HDR;
	a->type = p[IP6_NEXT] == PROTO_TCP ? GSO_TCP6 : GSO_UDP6;
	return p[IP6_NEXT] == PROTO_TCP || p[IP6_NEXT] == PROTO_UDP ? GRO_HELD
								    : GRO_PLAIN;
}

static enum gro_result look_tcp(struct part *a)
{
	const uint8_t *l4 = a->p + a->l4_at;
	size_t have = a->len - a->l4_at;
	size_t doff;

	if (have < TCP_HDR)
		return GRO_PLAIN;
	doff = (l4[TCP_DOFF] >> 4) * 4U;
	if (doff < TCP_HDR || doff >= have) /* no payload, no merging */
		return GRO_PLAIN;
	if (!(l4[TCP_FLAGS] & FLAG_ACK) || l4[TCP_FLAGS] & ~MERGEABLE)
		return GRO_PLAIN;
	a->header_len = a->l4_at + doff;
	return GRO_HELD;
}

static enum gro_result look_udp(struct part *a)
{
	const uint8_t *l4 = a->p + a->l4_at;
	size_t have = a->len - a->l4_at;

	if (have <= UDP_HDR || be16_get(l4 + UDP_LEN) != have)
		return GRO_PLAIN;
	/* A datagram without checksum would get one. */
	if (be16_get(l4 + UDP_CSUM) == 0)
		return GRO_PLAIN;
	a->header_len = a->l4_at + UDP_HDR;
	return GRO_HELD;
}

static enum gro_result look(
    struct part *ret, const uint8_t *p, size_t len, bool udp)
{
	struct part a = { .p = p };
	enum gro_result r;
	uint32_t sum;

	if (len == 0)
		return GRO_PLAIN;
	r = p[0] >> 4 == 6 ? look_ip6(&a, len) : look_ip4(&a, len);
	if (r != GRO_HELD)
		return r;
	if (!is_tcp(&a) && !udp)
		return GRO_PLAIN;
	r = is_tcp(&a) ? look_tcp(&a) : look_udp(&a);
	if (r != GRO_HELD)
		return r;

	sum = l4_pseudo(
	    p, is_v6(&a), is_tcp(&a) ? PROTO_TCP : PROTO_UDP, a.len - a.l4_at);
	if (csum_fold(csum_add(sum, p + a.l4_at, a.len - a.l4_at)) != 0)
		return GRO_CHECKSUM;
	*ret = a;
	return GRO_HELD;
}

/* --- the first packet --- */

enum gro_result gro_start(struct gro *ret, uint8_t *buf, size_t room,
    const uint8_t *pkt, size_t len, bool udp)
{
	struct part a;
	enum gro_result r = look(&a, pkt, len, udp);

	if (r != GRO_HELD)
		return r;
	if (is_tcp(&a) && tcp_flags(&a) & LAST)
		return GRO_PLAIN; /* nothing can follow it */
	if (a.len > room)
		return GRO_FULL;
	if (buf != pkt)
		memcpy(buf, pkt, a.len);
	*ret = (struct gro){
		.buf = buf,
		.room = room,
		.len = a.len,
		.l4_at = a.l4_at,
		.header_len = a.header_len,
		.type = a.type,
		.size = (uint16_t)(a.len - a.header_len),
		.segments = 1,
	};
	if (is_tcp(&a))
		ret->next_seq = be32_get(buf + a.l4_at + TCP_SEQ) + ret->size;
	return GRO_HELD;
}

/* --- those that follow --- */

static bool same(const struct gro *g, const uint8_t *p, size_t at, size_t len)
{
	return memcmp(g->buf + at, p + at, len) == 0;
}

/* Could the order between them matter?  Even if @p can't be merged. */
static bool same_hosts(const struct gro *g, const uint8_t *p, size_t len)
{
	if (len == 0 || p[0] >> 4 != g->buf[0] >> 4)
		return false;
	if (p[0] >> 4 == 6)
		return len >= IP6_HDR && same(g, p, IP6_SRC, 32);
	return len >= IP4_HDR && same(g, p, IP4_SRC, 8);
}

static bool same_ip_header(const struct gro *g, const struct part *a)
{
	uint16_t id = (uint16_t)(be16_get(g->buf + IP4_ID) + g->segments);

	if (is_v6(a)) /* version, class, flow label */
		return same(g, a->p, 0, 4) && same(g, a->p, IP6_HOPS, 1);
	return same(g, a->p, IP4_TOS, 1) && same(g, a->p, IP4_FRAG, 2) &&
	    same(g, a->p, IP4_TTL, 1) &&
	    (be16_get(a->p + IP4_FRAG) & IP4_DF ||
		be16_get(a->p + IP4_ID) == id);
}

static enum gro_result tcp_follows(const struct gro *g, const struct part *a)
{
	size_t l4 = g->l4_at;
	uint8_t differ = g->buf[l4 + TCP_FLAGS] ^ tcp_flags(a);

	if (a->header_len != g->header_len ||
	    !same(g, a->p, l4 + TCP_HDR, g->header_len - l4 - TCP_HDR))
		return GRO_OPTIONS;
	/* CWR belongs on the first only (RFC 3168, 6.1.2). */
	if (differ & ~(LAST | FLAG_CWR) || tcp_flags(a) & FLAG_CWR)
		return GRO_FLAGS;
	if (!same(g, a->p, l4 + TCP_ACK, 5) || /* and reserved bits */
	    !same(g, a->p, l4 + TCP_WINDOW, 2) ||
	    !same(g, a->p, l4 + TCP_URGENT, 2))
		return GRO_FLAGS;
	if (be32_get(a->p + l4 + TCP_SEQ) != g->next_seq)
		return GRO_GAP;
	return GRO_MERGED;
}

/* May @a, of the same flow, be the next packet of the frame? */
static enum gro_result follows(const struct gro *g, const struct part *a)
{
	size_t len = a->len - a->header_len;

	if (g->closed)
		return GRO_FULL;
	if (!same_ip_header(g, a))
		return GRO_HEADER;
	if (is_tcp(a)) {
		enum gro_result r = tcp_follows(g, a);

		if (r != GRO_MERGED)
			return r;
	}
	if (len > g->size)
		return GRO_SIZE;
	if (len > g->room - g->len || g->len + len > L3_MAX)
		return GRO_FULL;
	return GRO_MERGED;
}

enum gro_result gro_merge(
    struct gro *g, const uint8_t *pkt, size_t len, bool udp)
{
	enum gro_result r;
	struct part a;
	size_t part;

	if (!same_hosts(g, pkt, len))
		return GRO_OTHER;
	r = look(&a, pkt, len, udp);
	if (r != GRO_HELD)
		return r;
	if (a.type != g->type || !same(g, pkt, g->l4_at + L4_PORTS, 4))
		return GRO_OTHER;
	r = follows(g, &a);
	if (r != GRO_MERGED)
		return r;

	part = a.len - a.header_len;
	memcpy(g->buf + g->len, pkt + a.header_len, part);
	g->len += part;
	g->segments++;
	g->closed = part < g->size;
	if (is_tcp(&a)) {
		uint8_t last = tcp_flags(&a) & LAST;

		g->next_seq += (uint32_t)part;
		g->buf[g->l4_at + TCP_FLAGS] |= last;
		g->closed |= last != 0;
	}
	return g->closed ? GRO_CLOSED : GRO_MERGED;
}

void gro_finish(struct gro *g, struct gro_done *ret)
{
	struct part a = { .type = g->type };
	uint8_t *l4 = g->buf + g->l4_at;
	size_t l4_len = g->len - g->l4_at;
	uint32_t sum;

	*ret = (struct gro_done){
		.len = g->len, .type = g->type, .segments = g->segments
	};
	if (g->segments == 1)
		return;
	ret->gso_size = g->size;
	ret->csum_start = g->l4_at;
	ret->csum_offset = is_tcp(&a) ? TCP_CSUM : UDP_CSUM;

	l3_set_len(g->buf, is_v6(&a), g->l4_at, g->len);
	if (!is_tcp(&a))
		be16_put(l4 + UDP_LEN, (uint16_t)l4_len);
	sum = l4_pseudo(
	    g->buf, is_v6(&a), is_tcp(&a) ? PROTO_TCP : PROTO_UDP, l4_len);
	be16_put(l4 + ret->csum_offset, csum_fold_partial(sum));
}
