/*
 * test_linkd_impair.c - a bad wire does what it was told, both ways
 */
#include "tests/unit/impair_world.h"

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
		cmocka_unit_test(is_changed_while_it_runs),
		cmocka_unit_test(is_changed_while_linkd_is_away),
		cmocka_unit_test(another_change_leaves_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
