/*
 * test_linkd_death.c - what linkd finds of its last instance
 */
#include "linkd/rx.h"
#include "tests/unit/linkd_world.h"

static struct world *quiet(void)
{
	return world_quiet(
	    WORLD_JSON("\"dad_transmits\":0,\"mtu\":1500,"), VNET_MAX_LEN);
}

/* The kernel has filled armed slots and linkd dies before it looks. */
static void frames_in_armed_slots_survive(void **state)
{
	struct world *w = quiet();
	struct rx_buf b[3];
	uint8_t buf[3000] = { 0 };
	struct desc d;

	(void)state;
	memcpy(buf, TO_US, sizeof(TO_US));
	memcpy(buf + ETH_HDR_LEN, PACKET, sizeof(PACKET));
	for (uint8_t i = 0; i < 3; i++) {
		buf[35] = i;
		wire_put(w, buf, 36);
	}
	for (int i = 0; i < 3; i++) {
		const struct armed *a = &w->x->st->armed[0].a[i];
		uint32_t off = link_rx_off(w->x, 0);

		b[i].p = pool_slot(&w->x->n.home.p, a->slot) + off;
		b[i].size = BIG_SLOT - off;
	}
	wire_rx(&w->x->dev[0], b, 3);
	world_crash(w);
	world_run(w, 1);
	for (uint8_t i = 0; i < 3; i++) {
		assert_true(
		    rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
		assert_int_equal(d.len, sizeof(PACKET));
		assert_int_equal(buf[21], i);
	}
	assert_false(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_count(w, "rx_harvested", 3);
	world_close(w);
}

/* A turn that dies before its commit has never been. */
static void an_undone_turn_is_done_again(void **state)
{
	struct world *w = quiet();
	uint8_t buf[3000] = { 0 };
	uint32_t free_before;
	struct desc d;

	(void)state;
	world_run(w, 1);
	free_before = w->x->n.home.small_free + w->x->n.home.big_free;
	wire_put(w, buf, frame(buf, TO_US, PACKET, sizeof(PACKET)));
	/* As linkd_turn() until just before the commit. */
	node_begin(&w->x->n, w->r->now);
	neighbour_turn(&w->x->nb);
	rx_read(w->x, 0);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 0);
	world_crash(w);
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_memory_equal(buf, PACKET, sizeof(PACKET));
	assert_false(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	world_run(w, 1);
	linkd_turn(w->x, w->r->now);
	assert_int_equal(
	    w->x->n.home.small_free + w->x->n.home.big_free, free_before);
	world_close(w);
}

/* After the commit, before the slot is armed again: not twice. */
static void a_committed_frame_is_not_taken_twice(void **state)
{
	struct world *w = quiet();
	uint8_t buf[3000] = { 0 };
	struct desc d;

	(void)state;
	wire_put(w, buf, frame(buf, TO_US, PACKET, sizeof(PACKET)));
	node_begin(&w->x->n, w->r->now);
	neighbour_turn(&w->x->nb);
	rx_read(w->x, 0);
	assert_true(node_commit(&w->x->n));
	world_crash(w);
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_false(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	world_close(w);
}

/* What kills linkd each time it is looked at is put aside the third time. */
static void die_with(struct world *w, const uint8_t *f, size_t len, int times)
{
	for (int i = 0; i < times; i++) {
		if (i == 0)
			wire_put(w, f, len);
		node_begin(&w->x->n, w->r->now);
		neighbour_turn(&w->x->nb);
		rx_harvest(w->x, 0);
		rx_read(w->x, 0);
		world_crash(w);
	}
}

static void a_deadly_frame_is_put_aside(void **state)
{
	struct world *w = quiet();
	uint8_t buf[3000] = { 0 };
	size_t len = frame(buf, TO_US, PACKET, sizeof(PACKET));
	struct desc d;

	(void)state;
	die_with(w, buf, len, 3);
	world_run(w, 1);
	assert_count(w, "put_aside_after_crashes", 1);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 0);
	wire_put(w, buf, len);
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	world_close(w);
}

/* Small turns after deaths serve the device and the ring alike. */
static void a_small_turn_starves_nobody(void **state)
{
	struct world *w = quiet();
	struct desc d = down("224.1.2.3");
	uint8_t buf[3000] = { 0 };
	size_t len = frame(buf, TO_US, PACKET, sizeof(PACKET));

	(void)state;
	die_with(w, buf, len, 2);
	for (int i = 0; i < 10; i++) {
		wire_put(w, buf, len);
		rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	}
	for (int i = 0; i < 10; i++)
		linkd_turn(w->x, w->r->now);
	assert_in_range(rig_waiting(w->r, "linkd", "ipd"), 4, 6);
	assert_in_range(rig_waiting(w->r, "ipd", "linkd"), 4, 6);
	world_run(w, 1);
	assert_int_equal(rig_waiting(w->r, "ipd", "linkd"), 0);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 11);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_armed_slots_survive),
		cmocka_unit_test(an_undone_turn_is_done_again),
		cmocka_unit_test(a_committed_frame_is_not_taken_twice),
		cmocka_unit_test(a_deadly_frame_is_put_aside),
		cmocka_unit_test(a_small_turn_starves_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
