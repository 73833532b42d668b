/*
 * test_linkd_impair_held.c - frames on a bad wire: room for them, and deaths
 */
#include "linkd/rx.h"
#include "linkd/tx.h"
#include "tests/unit/impair_world.h"

/* ---- No room ---- */

/* Frames of @line were numbered, and each is counted once. */
static void assert_all_counted(
    const struct world *w, enum impair_way line, const char *way)
{
	assert_int_equal(counted(w, way, "lost") + counted(w, way, "no_queue") +
		counted(w, way, "no_room") + counted(w, way, "passed"),
	    w->x->impairs.store.mem->line[line].frames);
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

/* What kills linkd when it comes off the wire kills it three times. */
static void a_deadly_frame_that_is_due_is_put_aside(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":20}"), 0);

	(void)state;
	hear(w, 1, 100, 0);
	world_run(w, 0);
	w->r->now = mono_add_ms(w->r->now, 20);
	for (int i = 0; i < 3; i++) {
		node_begin(&w->x->n, w->r->now);
		neighbour_turn(&w->x->nb);
		impair_turn(w->x);
		rx_due(w->x, 0);
		world_crash(w);
	}
	assert_count(w, "put_aside_after_crashes", 0);
	world_run(w, 0);
	assert_count(w, "put_aside_after_crashes", 1);
	expect_none_up(w);

	/* It is gone, and no other suffers for it. */
	hear(w, 2, 100, 0);
	world_run(w, 0);
	world_run(w, 20);
	expect_up(w, 2, 100);
	expect_none_up(w);
	assert_count(w, "put_aside_after_crashes", 1);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_finds_no_room_has_not_passed),
		cmocka_unit_test(a_super_frame_without_room_is_numbered),
		cmocka_unit_test(a_copy_without_room_is_none),
		cmocka_unit_test(what_is_due_waits_for_room),
		cmocka_unit_test(what_is_on_the_wire_outlives_linkd),
		cmocka_unit_test(an_undone_turn_is_done_again),
		cmocka_unit_test(counts_are_those_of_the_last_commit),
		cmocka_unit_test(a_deadly_frame_that_is_due_is_put_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
