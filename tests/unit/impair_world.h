/*
 * impair_world.h - linkd on a bad wire, with TCP segments both ways
 */
#ifndef TESTS_UNIT_IMPAIR_WORLD_H
#define TESTS_UNIT_IMPAIR_WORLD_H

#include <netinet/in.h>
#include <stdio.h>

#include "linkd/impair_stage.h"
#include "tests/unit/linkd_world.h"
#include "tests/unit/super_frame.h"

enum {
	MSS = 1000,
	PIECES = 3,
	HDR = IP4_HDR + TCP_HDR,
};

#define BAD(ways)                                      \
	WORLD_JSON("\"dad_transmits\":0,\"mtu\":1500," \
		   "\"offload\":false,\"impair\":{" ways "},")

/* What is said at the start has gone, or is lost. */
static inline struct world *start(const char *json, uint8_t vnet_len)
{
	struct world *w = world_quiet(json, vnet_len);

	world_run(w, 20000);
	wire_drain(w);
	return w;
}

static inline size_t tcp(uint8_t *p, uint32_t seq, size_t len, bool partial)
{
	const struct shape s = {
		.type = GSO_TCP4,
		.payload = len,
		.seq = seq,
		.frag = IP4_DF,
		.flags = FLAG_ACK,
		.fill = (uint8_t)seq,
	};

	return shape_build(p, &s, partial);
}

static inline void assert_good(const uint8_t *p, size_t len)
{
	const struct shape s = { .type = GSO_TCP4 };

	assert_sound(p, len, &s);
}

/* ipd sends; @size: a super-frame of pieces so large. */
static inline void put(struct world *w, uint32_t seq, size_t len, uint16_t size)
{
	struct desc d = {
		.kind = PKT_DATA,
		.proto = IPPROTO_TCP,
		.flags = PKT_CSUM_PARTIAL,
		.gso_size = size,
		.csum_start = IP4_HDR,
		.csum_offset = TCP_CSUM,
	};
	uint8_t p[ROOM];
	size_t n = tcp(p, seq, len, true);

	assert_true(ip_parse(&d.dst, "224.0.0.99"));
	rig_put(w->r, "ipd", "linkd", p, n, &d);
}

static inline uint32_t seq_of_frame(const struct wire_frame *f)
{
	return be32_get(f->b + ETH_HDR_LEN + IP4_HDR + TCP_SEQ);
}

static inline void expect_sent(struct world *w, uint32_t seq, size_t len)
{
	const struct wire_frame *f = wire_take(w);

	assert_int_equal(f->len, ETH_HDR_LEN + HDR + len);
	assert_int_equal(seq_of_frame(f), seq);
	assert_good(f->b + ETH_HDR_LEN, f->len - ETH_HDR_LEN);
}

/* A peer's frame; @vnet_len > 0 with what is left to the device. */
static inline struct wire_frame *hear(
    struct world *w, uint32_t seq, size_t len, uint16_t size)
{
	static const uint8_t eth[ETH_HDR_LEN] = { 0x02, 0, 0, 0, 0, 0x02, 0x02,
		0, 0, 0, 0, 0x01, 0x08, 0x00 };
	const struct vnet v = {
		.gso = VNET_GSO_TCP4,
		.csum_partial = true,
		.hdr_len = ETH_HDR_LEN + HDR,
		.gso_size = size,
		.csum_start = ETH_HDR_LEN + IP4_HDR,
		.csum_offset = TCP_CSUM,
	};
	uint8_t f[ROOM];
	size_t n = tcp(f + ETH_HDR_LEN, seq, len, size > 0);
	struct wire_frame *to;

	memcpy(f, eth, sizeof(eth));
	to = wire_put(w, f, ETH_HDR_LEN + n);
	if (size > 0)
		vnet_emit(to->vnet, sizeof(to->vnet), &v);
	return to;
}

static inline void expect_up(struct world *w, uint32_t seq, size_t len)
{
	uint8_t got[ROOM];
	struct desc d;

	assert_true(rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
	assert_int_equal(d.len, HDR + len);
	assert_int_equal(be32_get(got + IP4_HDR + TCP_SEQ), seq);
}

static inline void expect_none_up(struct world *w)
{
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 0);
}

/* ---- What linkd counts ---- */

static inline uint64_t counted(
    const struct world *w, const char *way, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "impair_%s_%s", way, what);
	return rig_counter(w->r, "linkd", name);
}

static inline uint64_t of_link(
    const struct world *w, enum impair_way way, enum impair_count what)
{
	const struct link_out *o = rig_table(w->r, "linkd");

	return o->impaired[0][way][what];
}

/* Our only link has all that was counted; one that is not ours has nothing. */
static inline void assert_link_has_all(const struct world *w)
{
	const struct link_out *o = rig_table(w->r, "linkd");

	for (int i = 0; i < NIMPAIR_WAYS; i++) {
		for (int k = 0; k < NIMPAIRED; k++) {
			assert_int_equal(of_link(w, i, k),
			    counted(
				w, impair_way_name(i), impair_count_name(k)));
			assert_int_equal(o->impaired[1][i][k], 0);
		}
	}
}

#endif /* TESTS_UNIT_IMPAIR_WORLD_H */
