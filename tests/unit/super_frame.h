/*
 * super_frame.h - packets of any kind, and a check of each, for gso and gro
 */
#ifndef TESTS_UNIT_SUPER_FRAME_H
#define TESTS_UNIT_SUPER_FRAME_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/gso.h"
#include "linkd/l4.h"

enum {
	ROOM = 70000,
};

/* A packet to be: only what a test cares for differs from the template. */
struct shape {
	enum gso_type type;
	size_t payload;
	uint32_t seq;
	uint16_t id;
	uint16_t frag;   /* IPv4 flags and offset */
	uint8_t flags;   /* TCP */
	uint8_t options; /* bytes of TCP options, a multiple of 4 */
	uint8_t fill;    /* payload and options begin with it */
};

static inline bool shape_v6(const struct shape *s)
{
	return s->type == GSO_TCP6 || s->type == GSO_UDP6;
}

static inline bool shape_tcp(const struct shape *s)
{
	return s->type == GSO_TCP4 || s->type == GSO_TCP6;
}

static inline size_t shape_l4(const struct shape *s)
{
	return shape_v6(s) ? IP6_HDR : IP4_HDR;
}

static inline size_t shape_header(const struct shape *s)
{
	return shape_l4(s) +
	    (shape_tcp(s) ? TCP_HDR + (size_t)s->options : UDP_HDR);
}

/* Bytes [l4, len) complete or, if @partial, only the pseudo header's sum. */
static inline void seal(
    uint8_t *p, const struct shape *s, size_t len, bool partial)
{
	size_t l4 = shape_l4(s);
	size_t at = l4 + (shape_tcp(s) ? TCP_CSUM : UDP_CSUM);
	uint32_t sum = l4_pseudo(
	    p, shape_v6(s), shape_tcp(s) ? PROTO_TCP : PROTO_UDP, len - l4);

	l3_set_len(p, shape_v6(s), l4, len);
	be16_put(p + at, 0);
	if (partial)
		be16_put(p + at, csum_fold_partial(sum));
	else
		be16_put(
		    p + at, csum_fold_udp(csum_add(sum, p + l4, len - l4)));
}

static inline size_t shape_build(
    uint8_t *p, const struct shape *s, bool partial)
{
	size_t l4 = shape_l4(s), header = shape_header(s);
	size_t len = header + s->payload;

	memset(p, 0, header);
	if (shape_v6(s)) {
		be32_put(p, 0x61234567); /* class, flow label */
		p[IP6_NEXT] = shape_tcp(s) ? PROTO_TCP : PROTO_UDP;
		p[IP6_HOPS] = 64;
		for (size_t i = IP6_SRC; i < IP6_HDR; i++)
			p[i] = (uint8_t)(0x20 + i);
	} else {
		p[0] = 0x45;
		p[IP4_TOS] = 2;
		be16_put(p + IP4_ID, s->id);
		be16_put(p + IP4_FRAG, s->frag);
		p[IP4_TTL] = 64;
		p[IP4_PROTO] = shape_tcp(s) ? PROTO_TCP : PROTO_UDP;
		be32_put(p + IP4_SRC, 0xc0000201);
		be32_put(p + IP4_DST, 0xc0000202);
	}
	be32_put(p + l4 + L4_PORTS, 0x9c400050);
	if (shape_tcp(s)) {
		be32_put(p + l4 + TCP_SEQ, s->seq);
		be32_put(p + l4 + TCP_ACK, 0x01020304);
		p[l4 + TCP_DOFF] = (uint8_t)((TCP_HDR + s->options) / 4 << 4);
		p[l4 + TCP_FLAGS] = s->flags;
		be16_put(p + l4 + TCP_WINDOW, 512);
		memset(p + l4 + TCP_HDR, s->fill, s->options);
	} else {
		be16_put(p + l4 + UDP_LEN, (uint16_t)(UDP_HDR + s->payload));
	}
	for (size_t i = 0; i < s->payload; i++)
		p[header + i] = (uint8_t)(s->fill + i * 5 + (i >> 7));
	seal(p, s, len, partial);
	return len;
}

/* All sums and lengths of a whole packet hold. */
static inline void assert_sound(
    const uint8_t *p, size_t len, const struct shape *s)
{
	size_t l4 = shape_l4(s);
	uint32_t sum = l4_pseudo(
	    p, shape_v6(s), shape_tcp(s) ? PROTO_TCP : PROTO_UDP, len - l4);

	if (shape_v6(s)) {
		assert_int_equal(be16_get(p + IP6_LEN), len - IP6_HDR);
	} else {
		assert_int_equal(be16_get(p + IP4_LEN), len);
		assert_int_equal(csum_fold(csum_add(0, p, IP4_HDR)), 0);
	}
	if (!shape_tcp(s))
		assert_int_equal(be16_get(p + l4 + UDP_LEN), len - l4);
	assert_int_equal(csum_fold(csum_add(sum, p + l4, len - l4)), 0);
}

/* Segment @k as one piece; returns its length. */
static inline size_t segment(const struct gso *g, uint32_t k, uint8_t *out)
{
	struct gso_segment seg;

	gso_segment(g, k, out, &seg);
	assert_int_equal(spans_copy(out + g->header_len, g->spans, g->nspans,
			     g->header_len + seg.off, seg.len),
	    seg.len);
	return g->header_len + seg.len;
}

static inline uint32_t rnd(uint32_t below)
{
	static uint64_t x = 0x2545f4914f6cdd1dULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 33) % below;
}

#endif /* TESTS_UNIT_SUPER_FRAME_H */
