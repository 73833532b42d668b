/*
 * test_gro.c - merging: the inverse of cutting, and what is refused
 */
#include "linkd/gro.h"
#include "tests/unit/super_frame.h"

static uint8_t frame[ROOM], held[ROOM], pkt[ROOM];

/* --- gro(gso(x)) == x --- */

static struct shape random_shape(void)
{
	static const uint8_t flags[] = { 0, FLAG_PSH, FLAG_FIN, FLAG_CWR,
		FLAG_ECE, FLAG_PSH | FLAG_FIN };
	struct shape s = {
		.type = (enum gso_type)rnd(GSO_NTYPES),
		.seq = rnd(4) ? rnd(UINT32_MAX) : 0xffffff00,
		.id = (uint16_t)(rnd(4) ? rnd(65536) : 0xfffe),
		.frag = rnd(2) ? IP4_DF : 0,
		.flags = FLAG_ACK | flags[rnd(sizeof(flags))],
		.options = (uint8_t)(4 * rnd(11)),
		.fill = (uint8_t)rnd(256),
	};

	s.payload = 2 + rnd(rnd(2) ? 3000 : 65000);
	if (s.payload + shape_header(&s) > L3_MAX)
		s.payload = L3_MAX - shape_header(&s);
	return s;
}

static void merges_what_was_cut(const struct shape *s, uint16_t size)
{
	size_t len = shape_build(frame, s, true);
	size_t half = len / 2;
	struct span spans[2] = { { frame, half },
		{ frame + half, len - half } };
	struct gro_done done;
	struct gso g;
	struct gro r = { 0 };

	assert_int_equal(
	    gso_begin(&g, spans, 2, shape_l4(s), s->type, size), 0);
	for (uint32_t k = 0; k < g.segments; k++) {
		size_t n = segment(&g, k, pkt);
		enum gro_result got;

		assert_sound(pkt, n, s);
		memset(pkt + n, 0xee, 6); /* link padding */
		if (k == 0) {
			assert_int_equal(
			    gro_start(&r, held, sizeof(held), pkt, n + 6, true),
			    GRO_HELD);
			continue;
		}
		got = gro_merge(&r, pkt, n + 6, true);
		assert_true(got == GRO_MERGED ||
		    (got == GRO_CLOSED && k + 1 == g.segments));
	}
	gro_finish(&r, &done);
	assert_int_equal(done.len, len);
	assert_int_equal(done.gso_size, size);
	assert_int_equal(done.segments, g.segments);
	assert_int_equal(done.csum_start, shape_l4(s));
	assert_memory_equal(held, frame, len);
}

static void cutting_and_merging_gives_the_same_frame(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++) {
		struct shape s = random_shape();
		uint32_t least = (uint32_t)s.payload / 60 + 1;
		uint32_t most = (uint32_t)s.payload - 1;

		if (least > most)
			least = most;
		merges_what_was_cut(
		    &s, (uint16_t)(least + rnd(most - least + 1)));
	}
}

static void single_packet_is_left_as_it_came(void **state)
{
	struct shape s = {
		.type = GSO_TCP4, .payload = 100, .flags = FLAG_ACK
	};
	size_t len = shape_build(pkt, &s, false);
	struct gro_done done;
	struct gro r;

	(void)state;
	assert_int_equal(
	    gro_start(&r, held, sizeof(held), pkt, len, false), GRO_HELD);
	gro_finish(&r, &done);
	assert_int_equal(done.gso_size, 0);
	assert_int_equal(done.len, len);
	assert_memory_equal(held, pkt, len);
}

static void works_in_place(void **state)
{
	struct shape s = { .type = GSO_UDP6, .payload = 100 };
	size_t len = shape_build(held, &s, false);
	struct gro_done done;
	struct gro r;

	(void)state;
	assert_int_equal(
	    gro_start(&r, held, sizeof(held), held, len, true), GRO_HELD);
	shape_build(pkt, &s, false);
	assert_int_equal(gro_merge(&r, pkt, len, true), GRO_MERGED);
	gro_finish(&r, &done);
	assert_int_equal(done.len, len + 100);
	assert_int_equal(done.csum_offset, UDP_CSUM);
}

/* --- what never begins a frame --- */

static void some_packets_go_up_alone(void **state)
{
	static const struct {
		const char *why;
		struct shape s;
		size_t at; /* byte changed; 0: none */
		uint8_t byte;
		bool reseal;
		enum gro_result want;
	} cases[] = {
		{ "no payload", { .type = GSO_TCP4, .flags = FLAG_ACK }, 0, 0,
		    false, GRO_PLAIN },
		{ "SYN",
		    { .type = GSO_TCP4,
			.payload = 9,
			.flags = FLAG_ACK | FLAG_SYN },
		    0, 0, false, GRO_PLAIN },
		{ "RST",
		    { .type = GSO_TCP6,
			.payload = 9,
			.flags = FLAG_ACK | FLAG_RST },
		    0, 0, false, GRO_PLAIN },
		{ "URG",
		    { .type = GSO_TCP4,
			.payload = 9,
			.flags = FLAG_ACK | FLAG_URG },
		    0, 0, false, GRO_PLAIN },
		{ "no ACK", { .type = GSO_TCP4, .payload = 9 }, 0, 0, false,
		    GRO_PLAIN },
		{ "PSH",
		    { .type = GSO_TCP4,
			.payload = 9,
			.flags = FLAG_ACK | FLAG_PSH },
		    0, 0, false, GRO_PLAIN },
		{ "fragment",
		    { .type = GSO_UDP4, .payload = 9, .frag = 0x2000 }, 0, 0,
		    false, GRO_PLAIN },
		{ "later fragment",
		    { .type = GSO_UDP4, .payload = 9, .frag = 1 }, 0, 0, false,
		    GRO_PLAIN },
		{ "IP header sum", { .type = GSO_UDP4, .payload = 9 }, IP4_TTL,
		    1, false, GRO_CHECKSUM },
		{ "payload", { .type = GSO_UDP4, .payload = 9 }, 30, 0xee,
		    false, GRO_CHECKSUM },
		{ "IPv6 payload",
		    { .type = GSO_TCP6, .payload = 9, .flags = FLAG_ACK }, 62,
		    0xee, false, GRO_CHECKSUM },
		{ "no UDP checksum", { .type = GSO_UDP4, .payload = 9 }, 27, 0,
		    false, GRO_PLAIN },
		{ "another protocol", { .type = GSO_UDP4, .payload = 9 },
		    IP4_PROTO, 1, true, GRO_PLAIN },
		{ "extension header", { .type = GSO_UDP6, .payload = 9 },
		    IP6_NEXT, 0, false, GRO_PLAIN },
		{ "version", { .type = GSO_UDP4, .payload = 9 }, 0, 0x55, true,
		    GRO_PLAIN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = shape_build(pkt, &cases[i].s, false);
		struct gro r;

		if (cases[i].at || cases[i].byte)
			pkt[cases[i].at] = cases[i].byte;
		if (cases[i].at == 27)
			pkt[26] = 0;
		if (cases[i].reseal)
			seal(pkt, &cases[i].s, len, false);
		if (gro_start(&r, held, sizeof(held), pkt, len, true) !=
		    cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void datagrams_only_where_allowed(void **state)
{
	struct shape s = { .type = GSO_UDP4, .payload = 9 };
	size_t len = shape_build(pkt, &s, false);
	struct gro r;

	(void)state;
	assert_int_equal(
	    gro_start(&r, held, sizeof(held), pkt, len, false), GRO_PLAIN);
	assert_int_equal(
	    gro_start(&r, held, len - 1, pkt, len, true), GRO_FULL);
	assert_int_equal(gro_start(&r, held, len, pkt, len, true), GRO_HELD);
}

static void every_truncation_goes_up_alone(void **state)
{
	(void)state;
	for (int type = 0; type < GSO_NTYPES; type++) {
		struct shape s = { .type = (enum gso_type)type,
			.payload = 20,
			.flags = FLAG_ACK,
			.options = 12 };
		size_t len = shape_build(pkt, &s, false);

		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *p = malloc(cut ? cut : 1);
			struct gro r;

			assert_non_null(p);
			memcpy(p, pkt, cut);
			assert_int_equal(
			    gro_start(&r, held, sizeof(held), p, cut, true),
			    GRO_PLAIN);
			free(p);
		}
	}
}

/* --- what does not join a frame --- */

static const struct shape FIRST = {
	.type = GSO_TCP4,
	.payload = 100,
	.seq = 1000,
	.id = 7,
	.flags = FLAG_ACK,
	.options = 12,
};

static void refusals(void **state)
{
	static const struct {
		const char *why;
		size_t at; /* byte changed in the right next packet */
		uint8_t byte;
		enum gro_result want;
	} cases[] = {
		{ "nothing", IP4_TTL, 64, GRO_MERGED },
		{ "source address", IP4_SRC, 1, GRO_OTHER },
		{ "destination address", IP4_DST + 3, 1, GRO_OTHER },
		{ "source port", 20, 1, GRO_OTHER },
		{ "destination port", 23, 1, GRO_OTHER },
		{ "TOS", IP4_TOS, 3, GRO_HEADER },
		{ "TTL", IP4_TTL, 63, GRO_HEADER },
		{ "DF", IP4_FRAG, 0x40, GRO_HEADER },
		{ "identification", IP4_ID + 1, 7, GRO_HEADER },
		{ "sequence repeated", 20 + TCP_SEQ + 3, 0xe8, GRO_GAP },
		{ "sequence ahead", 20 + TCP_SEQ, 1, GRO_GAP },
		{ "acknowledgement", 20 + TCP_ACK, 9, GRO_FLAGS },
		{ "reserved bits", 20 + TCP_DOFF, 0x81, GRO_FLAGS },
		{ "window", 20 + TCP_WINDOW, 9, GRO_FLAGS },
		{ "urgent pointer", 20 + TCP_URGENT, 9, GRO_FLAGS },
		{ "ECE", 20 + TCP_FLAGS, FLAG_ACK | FLAG_ECE, GRO_FLAGS },
		{ "CWR", 20 + TCP_FLAGS, FLAG_ACK | FLAG_CWR, GRO_FLAGS },
		{ "RST", 20 + TCP_FLAGS, FLAG_ACK | FLAG_RST, GRO_PLAIN },
		{ "PSH", 20 + TCP_FLAGS, FLAG_ACK | FLAG_PSH, GRO_CLOSED },
		{ "FIN", 20 + TCP_FLAGS, FLAG_ACK | FLAG_FIN, GRO_CLOSED },
		{ "option bytes", 20 + TCP_HDR, 0xaa, GRO_OPTIONS },
		{ "option length", 20 + TCP_DOFF, 0x70, GRO_OPTIONS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shape s = FIRST;
		size_t len = shape_build(pkt, &s, false);
		struct gro r;
		enum gro_result got;

		assert_int_equal(
		    gro_start(&r, held, sizeof(held), pkt, len, true),
		    GRO_HELD);
		s.seq += 100;
		s.id++;
		shape_build(pkt, &s, false);
		pkt[cases[i].at] = cases[i].byte;
		seal(pkt, &s, len, false);
		got = gro_merge(&r, pkt, len, true);
		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].why, (int)got);
		if (got != GRO_MERGED && got != GRO_CLOSED)
			assert_int_equal(r.len, len);
	}
}

static enum gro_result second(struct gro *r, size_t payload, const char *what)
{
	struct shape s = FIRST;
	size_t len = shape_build(pkt, &s, false);

	assert_int_equal(
	    gro_start(r, held, what[0] == 'r' ? len + 50 : sizeof(held), pkt,
		len, true),
	    GRO_HELD);
	s.seq += 100;
	s.id++;
	s.payload = payload;
	len = shape_build(pkt, &s, false);
	if (what[0] == 'c')
		pkt[len - 1] ^= 1;
	return gro_merge(r, pkt, len, true);
}

static void sizes_are_equal_but_for_the_last(void **state)
{
	struct gro r;

	(void)state;
	assert_int_equal(second(&r, 101, "larger"), GRO_SIZE);
	assert_int_equal(second(&r, 100, "room"), GRO_FULL);
	assert_int_equal(second(&r, 100, "checksum"), GRO_CHECKSUM);
	assert_int_equal(second(&r, 0, "empty"), GRO_PLAIN);
	assert_int_equal(second(&r, 99, "shorter"), GRO_CLOSED);
	assert_int_equal(gro_merge(&r, pkt, 151, true), GRO_FULL);
}

static void identification_of_atomic_packets_does_not_matter(void **state)
{
	struct shape s = FIRST;
	struct gro r;
	size_t len;

	(void)state;
	s.frag = IP4_DF;
	len = shape_build(pkt, &s, false);
	assert_int_equal(
	    gro_start(&r, held, sizeof(held), pkt, len, true), GRO_HELD);
	s.seq += 100;
	shape_build(pkt, &s, false);
	assert_int_equal(gro_merge(&r, pkt, len, true), GRO_MERGED);
}

static void never_grows_beyond_an_ip_packet(void **state)
{
	struct shape s = { .type = GSO_UDP4, .payload = 30000 };
	struct gro r;
	size_t len = shape_build(pkt, &s, false);

	(void)state;
	assert_int_equal(
	    gro_start(&r, held, sizeof(held), pkt, len, true), GRO_HELD);
	s.id++;
	shape_build(pkt, &s, false);
	assert_int_equal(gro_merge(&r, pkt, len, true), GRO_MERGED);
	s.id++;
	shape_build(pkt, &s, false);
	assert_int_equal(gro_merge(&r, pkt, len, true), GRO_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cutting_and_merging_gives_the_same_frame),
		cmocka_unit_test(single_packet_is_left_as_it_came),
		cmocka_unit_test(works_in_place),
		cmocka_unit_test(some_packets_go_up_alone),
		cmocka_unit_test(datagrams_only_where_allowed),
		cmocka_unit_test(every_truncation_goes_up_alone),
		cmocka_unit_test(refusals),
		cmocka_unit_test(sizes_are_equal_but_for_the_last),
		cmocka_unit_test(
		    identification_of_atomic_packets_does_not_matter),
		cmocka_unit_test(never_grows_beyond_an_ip_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
