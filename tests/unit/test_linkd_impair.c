/*
 * test_linkd_impair.c - linkd on a bad wire, and what a death does to it
 */
#include <netinet/in.h>
#include <stdio.h>

#include "linkd/impair_stage.h"
#include "linkd/rx.h"
#include "linkd/tx.h"
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
static struct world *start(const char *json, uint8_t vnet_len)
{
	struct world *w = world_quiet(json, vnet_len);

	world_run(w, 20000);
	wire_drain(w);
	return w;
}

static size_t tcp(uint8_t *p, uint32_t seq, size_t len, bool partial)
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

static void assert_good(const uint8_t *p, size_t len)
{
	const struct shape s = { .type = GSO_TCP4 };

	assert_sound(p, len, &s);
}

/* ipd sends; @size: a super-frame of pieces so large. */
static void put(struct world *w, uint32_t seq, size_t len, uint16_t size)
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

static uint32_t seq_of_frame(const struct wire_frame *f)
{
	return be32_get(f->b + ETH_HDR_LEN + IP4_HDR + TCP_SEQ);
}

static void expect_sent(struct world *w, uint32_t seq, size_t len)
{
	const struct wire_frame *f = wire_take(w);

	assert_int_equal(f->len, ETH_HDR_LEN + HDR + len);
	assert_int_equal(seq_of_frame(f), seq);
	assert_good(f->b + ETH_HDR_LEN, f->len - ETH_HDR_LEN);
}

/* A peer's frame; @vnet_len > 0 with what is left to the device. */
static struct wire_frame *hear(
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

static void expect_up(struct world *w, uint32_t seq, size_t len)
{
	uint8_t got[ROOM];
	struct desc d;

	assert_true(rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
	assert_int_equal(d.len, HDR + len);
	assert_int_equal(be32_get(got + IP4_HDR + TCP_SEQ), seq);
}

static void expect_none_up(struct world *w)
{
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 0);
}

/* ---- To the device ---- */

static void sends_after_the_delay(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"delay_ms\":20}"), 0);

	(void)state;
	put(w, 1, 100, 0);
	put(w, 2, 100, 0);
	world_run(w, 0);
	assert_null(wire_get(w));
	assert_int_equal(rig_lent(w->r, "ipd"), 0); /* a copy waits */
	assert_int_equal(
	    mono_since(linkd_deadline(w->x), w->r->now), 20 * NS_PER_MS);
	world_run(w, 19);
	assert_null(wire_get(w));
	world_run(w, 1);
	expect_sent(w, 1, 100);
	expect_sent(w, 2, 100);
	assert_null(wire_get(w));
	assert_count(w, "impair_tx_no_room", 0);
	world_close(w);
}

/* Also for a device that could cut it: a wire knows no super-frames. */
static void frames_are_those_of_a_wire(void **state)
{
	static const uint8_t zeroes[VNET_MAX_LEN];

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint8_t vnet = i ? VNET_MAX_LEN : 0;
		struct world *w = start(BAD("\"tx\":{\"delay_ms\":1}"), vnet);

		put(w, 7, PIECES * MSS - 1, MSS);
		world_run(w, 0);
		world_run(w, 1);
		assert_memory_equal(
		    w->wire->out[w->wire->out_head % WIRE_MAX].vnet, zeroes,
		    vnet);
		expect_sent(w, 7, MSS);
		expect_sent(w, 7 + MSS, MSS);
		expect_sent(w, 7 + 2 * MSS, MSS - 1);
		assert_null(wire_get(w));
		world_close(w);
	}
}

/* A tenth of the pieces, not of the super-frames. */
static void loses_frames_and_counts_them(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"loss\":10}"), 0);
	uint64_t lost, passed;
	uint32_t n = 0;

	(void)state;
	lost = rig_counter(w->r, "linkd", "impair_tx_lost");
	passed = rig_counter(w->r, "linkd", "impair_tx_passed");
	for (int i = 0; i < 100; i++) {
		put(w, (uint32_t)i * 20, 20, 2);
		world_run(w, 0); /* and they leave in the same turn */
		while (wire_get(w) != NULL)
			n++;
	}
	lost = rig_counter(w->r, "linkd", "impair_tx_lost") - lost;
	passed = rig_counter(w->r, "linkd", "impair_tx_passed") - passed;
	assert_int_equal(passed, n);
	assert_int_equal(lost + passed, 1000);
	assert_in_range(lost, 60, 140);
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	world_close(w);
}

static void doubles_and_reorders(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"duplicate\":100}"), 0);

	(void)state;
	put(w, 1, 100, 0);
	world_run(w, 0);
	expect_sent(w, 1, 100);
	expect_sent(w, 1, 100);
	assert_null(wire_get(w));
	world_close(w);

	w = start(BAD("\"tx\":{\"reorder\":30}"), 0);
	for (uint32_t i = 0; i < 20; i++)
		put(w, i, 100, 0);
	world_run(w, 0);
	world_run(w, 2);
	{
		uint32_t after = 0, back = 0;
		const struct wire_frame *f;

		for (uint32_t i = 0; (f = wire_get(w)) != NULL; i++) {
			back += i > 0 && seq_of_frame(f) < after;
			after = seq_of_frame(f);
		}
		assert_int_equal(back, 1); /* those held back come last */
	}
	world_close(w);
}

static void a_checksum_tells_what_was_corrupted(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"corrupt\":100}"), 0);

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		uint8_t was[2000];
		uint32_t bits = 0;
		const struct wire_frame *f;

		put(w, i, 100, 0);
		world_run(w, 0);
		f = wire_take(w);
		tcp(was, i, 100, false);
		for (size_t k = 0; k < HDR + 100; k++)
			bits += (uint32_t)__builtin_popcount(
			    was[k] ^ f->b[ETH_HDR_LEN + k]);
		assert_int_equal(bits, 1);
	}
	/* An answer to ARP is what it was. */
	wire_put(w, WHO_HAS, sizeof(WHO_HAS));
	world_run(w, 0);
	{
		const struct wire_frame *f = wire_take(w);

		assert_int_equal(f->b[21], 2); /* a reply */
		assert_memory_equal(f->b + 28, "\xc0\0\2\2", 4);
		assert_memory_equal(f->b + 38, "\xc0\0\2\1", 4);
	}
	world_close(w);
}

/* 8 Mbit/s: 1,054 bytes take as many microseconds. */
static void a_rate_spreads_them(void **state)
{
	struct world *w =
	    start(BAD("\"tx\":{\"rate_mbit\":8,\"queue_bytes\":10000}"), 0);

	(void)state;
	for (uint32_t i = 0; i < 30; i++)
		put(w, i, MSS, 0);
	world_run(w, 0);
	for (uint32_t i = 0; i < 10; i++) {
		world_run(w, 1);
		w->r->now = mono_add(w->r->now, 54000);
		world_run(w, 0);
		expect_sent(w, i, MSS);
		assert_null(wire_get(w));
	}
	assert_count(w, "impair_tx_no_queue", 30 - 10);
	world_close(w);
}

static void what_a_device_refuses_waits(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"delay_ms\":5}"), 0);

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		put(w, i, 100, 0);
	w->wire->full = true;
	w->wire->accept = 1;
	world_run(w, 0);
	world_run(w, 5);
	expect_sent(w, 0, 100);
	assert_null(wire_get(w));
	/* Its poll will tell; time does not help. */
	assert_true(
	    mono_before(mono_add_ms(w->r->now, 1), linkd_deadline(w->x)));
	/* And no more is taken from ipd meanwhile. */
	put(w, 4, 100, 0);
	world_run(w, 10);
	assert_int_equal(rig_waiting(w->r, "ipd", "linkd"), 1);
	w->wire->full = false;
	w->x->dev[0].blocked = false;
	world_run(w, 0);
	world_run(w, 5);
	for (uint32_t i = 1; i < 5; i++)
		expect_sent(w, i, 100);
	assert_null(wire_get(w));
	world_close(w);
}

/* ---- From the device ---- */

static void hears_after_the_delay(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":20}"), 0);

	(void)state;
	hear(w, 1, 100, 0);
	world_run(w, 0);
	expect_none_up(w);
	world_run(w, 19);
	expect_none_up(w);
	world_run(w, 1);
	expect_up(w, 1, 100);
	expect_none_up(w);
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	world_close(w);
}

/* It comes whole, is cut, delayed, and joined again. */
static void a_super_frame_is_cut_and_joined(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":1}"), VNET_MAX_LEN);

	(void)state;
	hear(w, 5, PIECES * MSS, MSS);
	world_run(w, 0);
	expect_none_up(w);
	assert_count(w, "impair_rx_passed", PIECES);
	world_run(w, 1);
	expect_up(w, 5, PIECES * MSS);
	expect_none_up(w);
	assert_count(w, "rx_merged", PIECES);
	world_close(w);
}

static void spoilt_frames_go_up_unjoined(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"corrupt\":100}"), VNET_MAX_LEN);
	uint8_t got[ROOM];
	struct desc d;
	int n = 0;

	(void)state;
	hear(w, 5, PIECES * MSS, MSS);
	world_run(w, 0);
	while (rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got))) {
		assert_int_equal(d.len, HDR + MSS);
		assert_false(d.flags & (PKT_CSUM_VALID | PKT_CSUM_PARTIAL));
		n++;
	}
	assert_int_equal(n, PIECES);
	assert_count(w, "impair_rx_corrupted", PIECES);
	world_close(w);
}

/* What the kernel says of a frame holds until a bit of it is turned. */
static void a_spoilt_frame_is_not_verified(void **state)
{
	uint8_t got[ROOM];

	(void)state;
	for (int spoilt = 0; spoilt < 2; spoilt++) {
		struct world *w = start(spoilt ? BAD("\"rx\":{\"corrupt\":100}")
					       : BAD("\"rx\":{\"delay_ms\":1}"),
		    0);
		struct desc d;

		hear(w, 5, 100, 0)->csum_valid = true;
		world_run(w, 0);
		world_run(w, 1);
		assert_true(
		    rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
		assert_int_equal((d.flags & PKT_CSUM_VALID) == 0, spoilt);
		world_close(w);
	}
}

/* ---- No room ---- */

static uint64_t counted(
    const struct world *w, const char *way, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "impair_%s_%s", way, what);
	return rig_counter(w->r, "linkd", name);
}

/* Frames of @line were numbered, and each is counted once. */
static void assert_all_counted(
    const struct world *w, enum impair_way line, const char *way)
{
	assert_int_equal(counted(w, way, "lost") + counted(w, way, "no_queue") +
		counted(w, way, "no_room") + counted(w, way, "passed"),
	    w->x->impairs.store.mem->line[line].frames);
}

static uint64_t of_link(
    const struct world *w, enum impair_way way, enum impair_count what)
{
	const struct link_out *o = rig_table(w->r, "linkd");

	return o->impaired[0][way][what];
}

/* Our only link has all that was counted; one that is not ours has nothing. */
static void assert_link_has_all(const struct world *w)
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

enum {
	MANY = 60, /* frames in a super-frame, of three blocks each */
	FULL = IMPAIR_BLOCKS / 3 / MANY + 2,
};

static void what_finds_no_room_has_not_passed(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":500}"), VNET_MAX_LEN);
	const struct impair_store *s = &w->x->impairs.store;

	(void)state;
	for (uint32_t i = 0; i < FULL; i++) {
		hear(w, i * MANY * MSS, MANY * MSS, MSS);
		world_run(w, 0);
	}
	assert_int_equal(s->mem->line[IMPAIR_RX].frames, FULL * MANY);
	assert_int_equal(counted(w, "rx", "passed"), s->n[IMPAIR_RX]);
	assert_int_equal(
	    counted(w, "rx", "no_room"), FULL * MANY - s->n[IMPAIR_RX]);
	assert_link_has_all(w);
	assert_true(counted(w, "rx", "no_room") > 0);
	assert_true(impair_store_room(s) < 3);
	world_close(w);
}

/*
 * Room that comes with the next turn is no room for what has come; but it is
 * judged frame by frame, or the frames behind it would have other numbers than
 * on a machine that is less busy.
 */
static void a_super_frame_without_room_is_numbered(void **state)
{
	struct world *w =
	    start(BAD("\"rx\":{\"delay_ms\":500,\"loss\":10}"), VNET_MAX_LEN);
	const struct impair_store *s = &w->x->impairs.store;
	struct packet p = {
		.ns = 1,
		.len = HDR + PIECES * MSS,
		.gso_size = MSS,
		.flags = PKT_CSUM_PARTIAL,
		.version = 4,
		.proto = IPPROTO_TCP,
		.csum_start = IP4_HDR,
		.csum_offset = TCP_CSUM,
	};
	static const uint8_t eth[ETH_HDR_LEN] = { [12] = 0x08 };
	uint8_t bytes[ROOM], frame[ROOM];
	uint8_t flags;
	uint64_t frames;

	(void)state;
	for (uint32_t i = 0; i < FULL * 10 / 9; i++) {
		hear(w, i * MANY * MSS, MANY * MSS, MSS);
		world_run(w, 0);
	}
	frames = s->mem->line[IMPAIR_RX].frames;
	assert_all_counted(w, IMPAIR_RX, "rx");

	/* Some leave, and in the same turn others come. */
	w->r->now = mono_add_ms(w->r->now, 500);
	node_begin(&w->x->n, w->r->now);
	neighbour_turn(&w->x->nb);
	impair_turn(w->x);
	for (int i = 0; i < 2 * PIECES; i++)
		assert_int_not_equal(impair_rx_take(w->x, 0, frame, &flags), 0);
	assert_true(impair_store_room(s) < 3);
	assert_true(impair_store_room_soon(s) >= 2 * PIECES * 3);
	p.s[0] = (struct span){ bytes, tcp(bytes, 1, PIECES * MSS, true) };
	assert_true(impair_packet(w->x, 0, IMPAIR_RX, eth, &p, 0));
	/* To be sent it waits, and nothing has happened. */
	p.s[0].p = bytes;
	assert_false(impair_packet(w->x, 0, IMPAIR_TX, eth, &p, 0));
	node_commit(&w->x->n);
	assert_int_equal(s->mem->line[IMPAIR_RX].frames, frames + PIECES);
	assert_all_counted(w, IMPAIR_RX, "rx");
	assert_all_counted(w, IMPAIR_TX, "tx");
	world_close(w);
}

static void a_copy_without_room_is_none(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":500,\"duplicate\":"
				    "100,\"corrupt\":100}"),
	    VNET_MAX_LEN);
	const struct impair_store *s = &w->x->impairs.store;

	(void)state;
	/* Six blocks each: the last place is for one copy only. */
	for (uint32_t i = 0; i < FULL; i++) {
		hear(w, i * MANY * MSS, MANY * MSS, MSS);
		world_run(w, 0);
	}
	assert_all_counted(w, IMPAIR_RX, "rx");
	assert_int_equal(
	    counted(w, "rx", "passed") + counted(w, "rx", "doubled"),
	    s->n[IMPAIR_RX]);
	assert_int_equal(counted(w, "rx", "corrupted"), s->n[IMPAIR_RX]);
	assert_link_has_all(w);
	assert_true(counted(w, "rx", "passed") > counted(w, "rx", "doubled"));
	world_close(w);
}

/* ipd is slow: what is due waits for room, and nothing is lost. */
static void what_is_due_waits_for_room(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":5}"), 0);
	uint32_t taken = 0;

	(void)state;
	/* One flow each, or they would be joined: 2,000 into a ring of 1,024 */
	for (uint32_t i = 0; i < 2000; i++) {
		hear(w, i * 5000, 1, 0);
		world_run(w, 0);
	}
	world_run(w, 5);
	assert_true(linkd_may_sleep(w->x));
	assert_true(
	    mono_before(mono_add_ms(w->r->now, 1), linkd_deadline(w->x)));
	for (uint32_t i = 0; i < 2000; i++) {
		uint8_t got[ROOM];
		struct desc d;

		if (rig_waiting(w->r, "linkd", "ipd") == 0)
			world_run(w, 0);
		assert_true(
		    rig_take(w->r, "ipd", "linkd", &d, got, sizeof(got)));
		assert_int_equal(be32_get(got + IP4_HDR + TCP_SEQ), i * 5000);
		taken++;
	}
	expect_none_up(w);
	assert_int_equal(taken, 2000);
	world_close(w);
}

/* ---- Death ---- */

static void what_is_on_the_wire_outlives_linkd(void **state)
{
	struct world *w =
	    start(BAD("\"tx\":{\"delay_ms\":20},\"rx\":{\"delay_ms\":30}"), 0);

	(void)state;
	put(w, 1, 100, 0);
	hear(w, 2, 100, 0);
	world_run(w, 0);
	world_crash(w);
	world_run(w, 19);
	assert_null(wire_get(w));
	world_crash(w);
	world_run(w, 1);
	expect_sent(w, 1, 100);
	world_crash(w);
	world_run(w, 9);
	expect_none_up(w);
	world_run(w, 1);
	expect_up(w, 2, 100);
	expect_none_up(w);
	world_crash(w);
	world_run(w, 100);
	assert_null(wire_get(w));
	expect_none_up(w);
	world_close(w);
}

/* Neither lost nor doubled, and their fate is the same. */
static void an_undone_turn_is_done_again(void **state)
{
	struct world *w =
	    start(BAD("\"tx\":{\"delay_ms\":20},\"rx\":{\"delay_ms\":20}"), 0);

	(void)state;
	put(w, 1, PIECES * MSS, MSS);
	hear(w, 2, 100, 0);
	node_begin(&w->x->n, w->r->now);
	neighbour_turn(&w->x->nb);
	impair_turn(w->x);
	rx_read(w->x, 0);
	tx_rings(w->x);
	assert_int_equal(w->x->impairs.store.n[IMPAIR_TX], PIECES);
	world_crash(w);
	world_run(w, 0);
	world_run(w, 20);
	for (uint32_t i = 0; i < PIECES; i++)
		expect_sent(w, 1 + i * MSS, MSS);
	assert_null(wire_get(w));
	expect_up(w, 2, 100);
	expect_none_up(w);
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	world_close(w);
}

/* What was committed, whether anybody has seen it or not, and no more. */
static void counts_are_those_of_the_last_commit(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"duplicate\":100}"), 0);
	uint64_t lost = counted(w, "rx", "lost");

	(void)state;
	hear(w, 1, 100, 0);
	world_run(w, 0);
	assert_int_equal(of_link(w, IMPAIR_RX, IMPAIRED_DOUBLED), 1);
	world_crash(w);
	assert_int_equal(of_link(w, IMPAIR_RX, IMPAIRED_DOUBLED), 1);
	assert_link_has_all(w);

	/* A turn that never was. */
	hear(w, 2, 100, 0);
	node_begin(&w->x->n, w->r->now);
	impair_turn(w->x);
	rx_read(w->x, 0);
	world_crash(w);
	assert_int_equal(of_link(w, IMPAIR_RX, IMPAIRED_DOUBLED), 1);
	assert_link_has_all(w);
	world_run(w, 0);
	assert_int_equal(of_link(w, IMPAIR_RX, IMPAIRED_DOUBLED), 2);

	/* Dead behind the commit, with nothing published. */
	hear(w, 3, 100, 0);
	node_begin(&w->x->n, w->r->now);
	impair_turn(w->x);
	rx_read(w->x, 0);
	turn_commit(&w->x->n.turn);
	world_crash(w);
	assert_int_equal(of_link(w, IMPAIR_RX, IMPAIRED_DOUBLED), 3);
	assert_int_equal(of_link(w, IMPAIR_RX, IMPAIRED_PASSED), 3);
	assert_int_equal(counted(w, "rx", "lost"), lost);
	assert_link_has_all(w);
	world_close(w);
}

/* ---- Changes ---- */

/* As the supervisor does it (sup_impair.c). */
static void set(
    struct world *w, enum impair_way way, const struct topo_impair *c)
{
	struct sup_impair *s = &w->r->sup->impair;
	uint32_t turn = s->turn;

	memcpy(s->set[~turn & 1], s->set[turn & 1], sizeof(s->set[0]));
	s->set[~turn & 1][0][way] = *c;
	s->turn = turn + 1;
}

static void is_changed_while_it_runs(void **state)
{
	struct world *w = start(WORLD_JSON("\"dad_transmits\":0,"), 0);
	struct topo_impair c = impair_none();

	(void)state;
	assert_int_equal(w->x->impairs.on, 0);
	c.delay_us = 20000;
	set(w, IMPAIR_TX, &c);
	put(w, 1, 100, 0);
	world_run(w, 0);
	assert_null(wire_get(w));

	/* A new instance reads it again, and finds that nothing changed. */
	world_crash(w);
	world_run(w, 19);
	assert_null(wire_get(w));

	/* Off: what waits goes, then what comes. */
	c.delay_us = 0;
	set(w, IMPAIR_TX, &c);
	put(w, 2, 100, 0);
	world_run(w, 0);
	expect_sent(w, 1, 100);
	expect_sent(w, 2, 100);
	assert_int_equal(w->x->impairs.on, 0);

	/* A good wire counts nothing, but what was stays. */
	put(w, 3, 100, 0);
	world_run(w, 0);
	expect_sent(w, 3, 100);
	world_crash(w);
	assert_int_equal(of_link(w, IMPAIR_TX, IMPAIRED_PASSED), 2);
	assert_link_has_all(w);
	world_close(w);
}

static void is_changed_while_linkd_is_away(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"delay_ms\":1000}"), 0);
	struct topo_impair c = impair_none();

	(void)state;
	put(w, 1, 100, 0);
	world_run(w, 0);
	set(w, IMPAIR_TX, &c);
	world_crash(w);
	world_run(w, 0);
	expect_sent(w, 1, 100);
	assert_int_equal(w->x->impairs.on, 0);
	world_close(w);
}

/* A change of something else is a turn in which no frame moves (change.c). */
static void another_change_leaves_it_alone(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"delay_ms\":1000}"), 0);
	const struct impair_store *s = &w->x->impairs.store;
	struct topo_impair c = impair_none();
	struct ask q = {
		.op = ASK_NEIGHBOUR,
		.number = 1,
		.mac = { 2, 0, 0, 0, 0, 9 },
	};

	(void)state;
	put(w, 1, 100, 0);
	world_run(w, 0);
	set(w, IMPAIR_TX, &c);
	assert_true(ip_parse(&q.ip, "192.0.2.9"));
	assert_int_equal(linkd_change(w->x, &q, w->r->now), 0);
	assert_int_equal(s->mem->conf[IMPAIR_TX].delay_us, 1000000);
	assert_true(mono_before(w->r->now, impair_store_due(s, IMPAIR_TX)));
	assert_null(wire_get(w));
	world_run(w, 0);
	expect_sent(w, 1, 100);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_after_the_delay),
		cmocka_unit_test(frames_are_those_of_a_wire),
		cmocka_unit_test(loses_frames_and_counts_them),
		cmocka_unit_test(doubles_and_reorders),
		cmocka_unit_test(a_checksum_tells_what_was_corrupted),
		cmocka_unit_test(a_rate_spreads_them),
		cmocka_unit_test(what_a_device_refuses_waits),
		cmocka_unit_test(hears_after_the_delay),
		cmocka_unit_test(a_super_frame_is_cut_and_joined),
		cmocka_unit_test(spoilt_frames_go_up_unjoined),
		cmocka_unit_test(a_spoilt_frame_is_not_verified),
		cmocka_unit_test(what_finds_no_room_has_not_passed),
		cmocka_unit_test(a_super_frame_without_room_is_numbered),
		cmocka_unit_test(a_copy_without_room_is_none),
		cmocka_unit_test(what_is_due_waits_for_room),
		cmocka_unit_test(what_is_on_the_wire_outlives_linkd),
		cmocka_unit_test(an_undone_turn_is_done_again),
		cmocka_unit_test(counts_are_those_of_the_last_commit),
		cmocka_unit_test(is_changed_while_it_runs),
		cmocka_unit_test(is_changed_while_linkd_is_away),
		cmocka_unit_test(another_change_leaves_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
