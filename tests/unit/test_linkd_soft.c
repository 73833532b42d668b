/*
 * test_linkd_soft.c - linkd on a device that can neither cut nor sum
 */
#include <netinet/in.h>

#include "linkd/rx.h"
#include "shm/checksum.h"
#include "tests/unit/linkd_world.h"

enum {
	HDR = 40, /* IPv4 and TCP */
	MSS = 1000,
	PIECES = 3,
};

static struct world *soft(void)
{
	return world_quiet(WORLD_JSON("\"dad_transmits\":0,\"mtu\":1500,"
				      "\"offload\":false,"),
	    0);
}

/* A TCP segment of @len bytes of data, its checksum partial. */
static void segment(uint8_t *p, size_t len, struct desc *d)
{
	struct ip_addr src, dst;

	memset(p, 0, HDR);
	p[0] = 0x45;
	be16_put(p + 2, (uint16_t)(HDR + len));
	p[6] = 0x40;
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	assert_true(ip_parse(&src, "192.0.2.2"));
	assert_true(ip_parse(&dst, "224.0.0.99"));
	memcpy(p + 12, ip_v4(&src), 4);
	memcpy(p + 16, ip_v4(&dst), 4);
	be16_put(p + 10, csum_fold(csum_add(0, p, 20)));
	be16_put(p + 20, 1000);
	be16_put(p + 22, 2000);
	be32_put(p + 24, 0x01020304);
	p[32] = 5 << 4;
	p[33] = 0x10;
	be16_put(p + 34, 500);
	be16_put(p + 36,
	    csum_fold_partial(csum_pseudo(
		&src, &dst, IPPROTO_TCP, (uint32_t)(HDR - 20 + len))));
	for (size_t i = 0; i < len; i++)
		p[HDR + i] = (uint8_t)(i * 7 + i / 256);
	*d = (struct desc){
		.kind = PKT_DATA,
		.proto = IPPROTO_TCP,
		.flags = PKT_CSUM_PARTIAL,
		.csum_start = 20,
		.csum_offset = 16,
		.dst = dst,
	};
}

static void assert_checksums(const uint8_t *p, size_t len)
{
	struct ip_addr src = ip_from_v4(p + 12);
	struct ip_addr dst = ip_from_v4(p + 16);
	uint32_t sum =
	    csum_pseudo(&src, &dst, IPPROTO_TCP, (uint32_t)(len - 20));

	assert_int_equal(csum_fold(csum_add(0, p, 20)), 0);
	assert_int_equal(csum_fold(csum_add(sum, p + 20, len - 20)), 0);
}

static void finishes_a_checksum(void **state)
{
	struct world *w = soft();
	uint8_t p[HDR + 5];
	const struct wire_frame *f;
	struct desc d;

	(void)state;
	segment(p, 5, &d);
	rig_put(w->r, "ipd", "linkd", p, sizeof(p), &d);
	world_run(w, 1);
	f = wire_take(w);
	assert_int_equal(f->len, ETH_HDR_LEN + sizeof(p));
	assert_checksums(f->b + ETH_HDR_LEN, sizeof(p));
	assert_memory_equal(f->b + ETH_HDR_LEN + HDR, p + HDR, 5);
	world_close(w);
}

static void put_super_frame(struct world *w, uint8_t *p)
{
	struct desc d;

	segment(p, PIECES * MSS, &d);
	d.gso_size = MSS;
	rig_put(w->r, "ipd", "linkd", p, HDR + PIECES * MSS, &d);
}

static void cuts_a_super_frame(void **state)
{
	struct world *w = soft();
	uint8_t p[HDR + PIECES * MSS];

	(void)state;
	put_super_frame(w, p);
	world_run(w, 1);
	for (size_t i = 0; i < PIECES; i++) {
		const struct wire_frame *f = wire_take(w);
		const uint8_t *ip = f->b + ETH_HDR_LEN;

		assert_int_equal(f->len, ETH_HDR_LEN + HDR + MSS);
		assert_checksums(ip, HDR + MSS);
		assert_int_equal(be32_get(ip + 24), 0x01020304 + i * MSS);
		assert_memory_equal(ip + HDR, p + HDR + i * MSS, MSS);
	}
	assert_null(wire_get(w));
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	world_close(w);
}

static void goes_on_where_the_device_refused(void **state)
{
	struct world *w = soft();
	uint8_t p[HDR + PIECES * MSS];

	(void)state;
	put_super_frame(w, p);
	w->wire->full = true;
	w->wire->accept = 2;
	world_run(w, 1);
	assert_int_equal(rig_waiting(w->r, "ipd", "linkd"), 1);
	w->wire->full = false;
	w->x->dev[0].blocked = false;
	world_run(w, 1);
	for (size_t i = 0; i < PIECES; i++)
		assert_int_equal(be32_get(wire_take(w)->b + ETH_HDR_LEN + 24),
		    0x01020304 + i * MSS);
	assert_null(wire_get(w));
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	world_close(w);
}

/* What linkd cut comes back as if a peer had sent it. */
static void put_pieces(struct world *w, uint8_t *p)
{
	static const uint8_t to_us[12] = { 0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0,
		0, 0, 0x09 };

	put_super_frame(w, p);
	world_run(w, 1);
	w->x->dev[0].batch = DEVICE_BATCH;
	for (size_t i = 0; i < PIECES; i++) {
		uint8_t f[2000];
		const struct wire_frame *sent = wire_take(w);

		memcpy(f, sent->b, sent->len);
		memcpy(f, to_us, sizeof(to_us));
		wire_put(w, f, sent->len);
	}
}

static void joins_what_belongs_together(void **state)
{
	struct world *w = soft();
	uint8_t p[HDR + PIECES * MSS];
	uint8_t got[4000];
	struct desc d;

	(void)state;
	put_pieces(w, p);
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
	assert_int_equal(d.len, HDR + PIECES * MSS);
	assert_int_equal(d.gso_size, MSS);
	assert_int_equal(d.flags, PKT_CSUM_PARTIAL);
	assert_int_equal(d.csum_start, 20);
	assert_int_equal(d.csum_offset, 16);
	assert_memory_equal(got + HDR, p + HDR, PIECES * MSS);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 0);
	assert_count(w, "rx_merged", PIECES);
	world_close(w);
}

/* Merged, but not committed: all three are found again. */
static void a_crash_finds_them_all_again(void **state)
{
	struct world *w = soft();
	uint8_t p[HDR + PIECES * MSS];
	uint8_t got[4000];
	struct desc d;

	(void)state;
	put_pieces(w, p);
	node_begin(&w->x->n, w->r->now);
	neighbour_turn(&w->x->nb);
	rx_read(w->x, 0);
	world_crash(w);
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
	assert_int_equal(d.len, HDR + PIECES * MSS);
	assert_memory_equal(got + HDR, p + HDR, PIECES * MSS);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 0);
	assert_count(w, "rx_harvested", PIECES);
	world_close(w);
}

static void a_bad_checksum_is_not_hidden(void **state)
{
	struct world *w = soft();
	uint8_t p[HDR + PIECES * MSS];
	uint8_t got[4000];
	struct desc d;

	(void)state;
	put_pieces(w, p);
	w->wire->in[(w->wire->in_tail - 2) % WIRE_MAX].b[100] ^= 1;
	world_run(w, 1);
	for (size_t i = 0; i < PIECES; i++) {
		assert_true(
		    rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
		assert_int_equal(d.len, HDR + MSS);
		assert_int_equal(d.flags, 0);
		assert_int_equal(be32_get(got + 24), 0x01020304 + i * MSS);
	}
	world_close(w);
}

/* One received segment of the flow from @port; @len bytes of data. */
static struct wire_frame *put_segment(
    struct world *w, uint16_t port, uint32_t seq, size_t len, uint8_t flags)
{
	static const uint8_t eth[ETH_HDR_LEN] = { 0x02, 0, 0, 0, 0, 0x02, 0x02,
		0, 0, 0, 0, 0x09, 0x08, 0x00 };
	uint8_t f[ETH_HDR_LEN + HDR + PIECES * MSS];
	uint8_t *p = f + ETH_HDR_LEN;
	struct desc d;

	memcpy(f, eth, sizeof(eth));
	segment(p, len, &d);
	be16_put(p + 20, port);
	be32_put(p + 24, seq);
	p[33] = flags;
	be16_put(p + 36, csum_fold(csum_add(0, p + 20, HDR - 20 + len)));
	return wire_put(w, f, ETH_HDR_LEN + HDR + len);
}

/* The next that went up: of which flow, which number, how much data. */
static void expect_segment(
    struct world *w, uint16_t port, uint32_t seq, size_t len)
{
	uint8_t got[4000];
	struct desc d;

	assert_true(rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
	assert_int_equal(be16_get(got + 20), port);
	assert_int_equal(be32_get(got + 24), seq);
	assert_int_equal(d.len, HDR + len);
}

/* Two flows between two hosts: what can't be joined overtakes neither. */
static void nothing_is_overtaken_by_what_goes_alone(void **state)
{
	struct world *w = soft();

	(void)state;
	w->x->dev[0].batch = DEVICE_BATCH;
	put_segment(w, 1, 100, MSS, 0x10);
	put_segment(w, 2, 200, MSS, 0x10);
	put_segment(w, 1, 100 + MSS, MSS, 0x10);
	put_segment(w, 2, 200 + MSS, 0, 0x11); /* FIN */
	put_segment(w, 1, 100 + 2 * MSS, 0, 0x11);
	world_run(w, 1);
	expect_segment(w, 1, 100, 2 * MSS);
	expect_segment(w, 2, 200, MSS);
	expect_segment(w, 2, 200 + MSS, 0);
	expect_segment(w, 1, 100 + 2 * MSS, 0);
	world_close(w);
}

/* A packet socket says only that the kernel has left something to do. */
static void finds_out_what_was_left_open(void **state)
{
	static const struct {
		size_t len;
		uint16_t gso_size;
	} cases[] = { { 5, 0 }, { 1000, 0 }, { PIECES * MSS, 1500 - HDR } };
	struct world *w = soft();
	uint8_t got[4000];
	struct desc d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_segment(w, 1, 1, cases[i].len, 0x10)->csum_open = true;
		world_run(w, 1);
		assert_true(
		    rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
		assert_int_equal(d.len, HDR + cases[i].len);
		assert_int_equal(d.flags, PKT_CSUM_PARTIAL);
		assert_int_equal(d.csum_start, 20);
		assert_int_equal(d.csum_offset, 16);
		assert_int_equal(d.gso_size, cases[i].gso_size);
	}
	/* A fragment has no checksum of its own to be made. */
	{
		struct wire_frame *f = put_segment(w, 1, 1, 8, 0x10);

		f->csum_open = true;
		f->b[ETH_HDR_LEN + 6] = 0x20;
	}
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
	assert_int_equal(d.flags, PKT_CSUM_VALID);
	world_close(w);
}

static void counts_what_the_kernel_dropped(void **state)
{
	struct world *w = soft();

	(void)state;
	w->wire->lost = 3;
	put_segment(w, 1, 100, MSS, 0x10);
	world_run(w, 1);
	assert_count(w, "rx_kernel_dropped", 0);
	/* Asked by itself, a while after the last read. */
	assert_true(
	    mono_before(linkd_deadline(w->x), mono_add_ms(w->r->now, 1001)));
	world_run(w, 1000);
	assert_count(w, "rx_kernel_dropped", 3);
	/* What was lost while linkd was away. */
	w->wire->lost = 4;
	world_crash(w);
	world_run(w, 0);
	assert_count(w, "rx_kernel_dropped", 7);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finishes_a_checksum),
		cmocka_unit_test(cuts_a_super_frame),
		cmocka_unit_test(goes_on_where_the_device_refused),
		cmocka_unit_test(joins_what_belongs_together),
		cmocka_unit_test(a_crash_finds_them_all_again),
		cmocka_unit_test(a_bad_checksum_is_not_hidden),
		cmocka_unit_test(finds_out_what_was_left_open),
		cmocka_unit_test(counts_what_the_kernel_dropped),
		cmocka_unit_test(nothing_is_overtaken_by_what_goes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
