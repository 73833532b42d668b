/*
 * test_gso.c - cutting super-frames, and finishing partial checksums
 */
#include "linkd/csum.h"
#include "tests/unit/super_frame.h"

static uint8_t frame[ROOM], out[ROOM];

static const struct shape TCP4 = {
	.type = GSO_TCP4,
	.payload = 2500,
	.seq = 0xfffffc00, /* wraps within the frame */
	.id = 0xffff,
	.frag = IP4_DF,
	.flags = FLAG_ACK | FLAG_PSH | FLAG_FIN | FLAG_CWR | FLAG_ECE,
	.options = 12,
};

static void cuts_tcp_over_ipv4(void **state)
{
	static const uint8_t flags[] = {
		FLAG_ACK | FLAG_ECE | FLAG_CWR, /* CWR: first */
		FLAG_ACK | FLAG_ECE,
		FLAG_ACK | FLAG_ECE | FLAG_PSH | FLAG_FIN, /* these: last */
	};
	static const size_t lens[] = { 1000, 1000, 500 };
	static const uint16_t ids[] = { 0xffff, 0, 1 };
	struct span s[3] = { { frame, 52 }, { frame + 52, 1111 },
		{ frame + 1163, 0 } };
	struct gso g;

	(void)state;
	s[2].len = shape_build(frame, &TCP4, true) - 1163;
	assert_int_equal(gso_begin(&g, s, 3, 20, GSO_TCP4, 1000), 0);
	assert_int_equal(g.segments, 3);
	assert_int_equal(g.header_len, 52);
	for (uint32_t k = 0; k < 3; k++) {
		size_t len = segment(&g, k, out);

		assert_int_equal(len, 52 + lens[k]);
		assert_sound(out, len, &TCP4);
		assert_int_equal(out[20 + TCP_FLAGS], flags[k]);
		assert_int_equal(be16_get(out + IP4_ID), ids[k]);
		assert_int_equal(be32_get(out + 20 + TCP_SEQ),
		    (uint32_t)(0xfffffc00 + k * 1000));
		assert_memory_equal(out + 52, frame + 52 + k * 1000, lens[k]);
	}
}

static void cuts_udp_into_datagrams(void **state)
{
	struct shape u = { .type = GSO_UDP6, .payload = 300 };
	struct span s = { frame, shape_build(frame, &u, true) };
	struct gso g;

	(void)state;
	assert_int_equal(gso_begin(&g, &s, 1, 40, GSO_UDP6, 100), 0);
	assert_int_equal(g.segments, 3);
	for (uint32_t k = 0; k < 3; k++) {
		size_t len = segment(&g, k, out);

		assert_int_equal(len, 148);
		assert_sound(out, len, &u);
	}
}

static void writes_udp_zero_as_ones(void **state)
{
	struct shape u = { .type = GSO_UDP4, .payload = 4 };
	struct span s = { frame, 0 };
	struct gso g;
	uint16_t check;

	(void)state;
	/* Choose payload so that the sum comes out as zero. */
	s.len = shape_build(frame, &u, false);
	memset(frame + 28, 0, 4);
	seal(frame, &u, s.len, false);
	check = be16_get(frame + 20 + UDP_CSUM);
	be16_put(frame + 28, check);
	assert_int_equal(gso_begin(&g, &s, 1, 20, GSO_UDP4, 4), 0);
	segment(&g, 0, out);
	assert_int_equal(be16_get(out + 20 + UDP_CSUM), 0xffff);
}

static void nothing_to_send_is_one_segment(void **state)
{
	struct shape t = TCP4;
	struct span s = { frame, 0 };
	struct gso g;

	(void)state;
	t.payload = 0;
	s.len = shape_build(frame, &t, true);
	assert_int_equal(gso_begin(&g, &s, 1, 20, GSO_TCP4, 1000), 0);
	assert_int_equal(g.segments, 1);
	assert_sound(out, segment(&g, 0, out), &t);
	assert_int_equal(out[20 + TCP_FLAGS], TCP4.flags);
}

static void refuses_headers_that_are_wrong(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t byte;
		size_t l4_at;
		enum gso_type type;
		uint16_t size;
	} cases[] = {
		{ "version", 0, 0x65, 20, GSO_TCP4, 1000 },
		{ "header length", 0, 0x46, 20, GSO_TCP4, 1000 },
		{ "l4 within ip", 0, 0x45, 16, GSO_TCP4, 1000 },
		{ "l4 beyond all", 0, 0x45, 60000, GSO_TCP4, 1000 },
		{ "v4 as v6", 0, 0x45, 40, GSO_TCP6, 1000 },
		{ "data offset 4", 32, 0x40, 20, GSO_TCP4, 1000 },
		{ "SYN", 33, FLAG_SYN, 20, GSO_TCP4, 1000 },
		{ "RST", 33, FLAG_RST, 20, GSO_TCP4, 1000 },
		{ "URG", 33, FLAG_URG, 20, GSO_TCP4, 1000 },
		{ "size 0", 0, 0x45, 20, GSO_TCP4, 0 },
		{ "size beyond IP", 0, 0x45, 20, GSO_TCP4, 65500 },
		{ "more pieces than ever", 0, 0x45, 20, GSO_TCP4, 2 },
		{ "type", 0, 0x45, 20, GSO_NTYPES, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span s = { frame, shape_build(frame, &TCP4, true) };
		struct gso g;

		frame[cases[i].at] = cases[i].byte;
		if (gso_begin(&g, &s, 1, cases[i].l4_at, cases[i].type,
			cases[i].size) != -EINVAL)
			fail_msg("%s", cases[i].why);
	}
}

static void refuses_every_cut_header(void **state)
{
	size_t len = shape_build(frame, &TCP4, true);

	(void)state;
	assert_true(len > 52);
	for (size_t cut = 0; cut < 52; cut++) {
		uint8_t *p = malloc(cut ? cut : 1);
		struct span s = { p, cut };
		struct gso g;

		assert_non_null(p);
		memcpy(p, frame, cut);
		assert_int_equal(
		    gso_begin(&g, &s, 1, 20, GSO_TCP4, 1000), -EINVAL);
		free(p);
	}
}

/* --- csum_finish --- */

static void finishes_a_partial_checksum_in_pieces(void **state)
{
	(void)state;
	for (int type = 0; type < GSO_NTYPES; type++) {
		struct shape s = { .type = (enum gso_type)type,
			.payload = 777,
			.flags = FLAG_ACK };
		size_t len = shape_build(frame, &s, true);
		size_t h = shape_header(&s);
		struct span rest[2] = { { frame + h, 333 },
			{ frame + h + 333, 444 } };

		assert_int_equal(csum_finish(frame, h, rest, 2, shape_l4(&s),
				     shape_tcp(&s) ? TCP_CSUM : UDP_CSUM),
		    0);
		assert_sound(frame, len, &s);
	}
}

static void refuses_a_checksum_outside_the_header(void **state)
{
	(void)state;
	memset(frame, 7, 64);
	assert_int_equal(csum_finish(frame, 40, NULL, 0, 41, 0), -EINVAL);
	assert_int_equal(csum_finish(frame, 40, NULL, 0, 20, 19), -EINVAL);
	assert_int_equal(csum_finish(frame, 40, NULL, 0, 20, 21), -EINVAL);
	assert_int_equal(
	    csum_finish(frame, 40, NULL, 0, 20, SIZE_MAX - 10), -EINVAL);
	assert_int_equal(csum_finish(frame, 40, NULL, 0, SIZE_MAX, 2), -EINVAL);
	for (int i = 0; i < 64; i++)
		assert_int_equal(frame[i], 7);
	assert_int_equal(csum_finish(frame, 40, NULL, 0, 20, 18), 0);
}

static void finishes_udp_zero_as_ones(void **state)
{
	struct shape u = { .type = GSO_UDP4, .payload = 4 };
	size_t len = shape_build(frame, &u, false);

	(void)state;
	memset(frame + 28, 0, 4);
	seal(frame, &u, len, false);
	be16_put(frame + 28, be16_get(frame + 20 + UDP_CSUM));
	seal(frame, &u, len, true);
	assert_int_equal(csum_finish(frame, len, NULL, 0, 20, UDP_CSUM), 0);
	assert_int_equal(be16_get(frame + 20 + UDP_CSUM), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_tcp_over_ipv4),
		cmocka_unit_test(cuts_udp_into_datagrams),
		cmocka_unit_test(writes_udp_zero_as_ones),
		cmocka_unit_test(nothing_to_send_is_one_segment),
		cmocka_unit_test(refuses_headers_that_are_wrong),
		cmocka_unit_test(refuses_every_cut_header),
		cmocka_unit_test(finishes_a_partial_checksum_in_pieces),
		cmocka_unit_test(refuses_a_checksum_outside_the_header),
		cmocka_unit_test(finishes_udp_zero_as_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
