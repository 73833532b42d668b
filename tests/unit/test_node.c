/*
 * test_node.c - a layer's dealings with its neighbours (node_world.h)
 */
#include "tests/unit/node_world.h"

/* ---- Taking, putting, giving back ---- */

static void a_packet_goes_through(void **state)
{
	struct bench *b = open_bench();
	struct desc d;
	char text[8];

	(void)state;
	from_link(b, "ping");
	begin(b);
	d = take(b, b->from_link, "ping");
	assert_none(b, b->from_link);
	node_put(&b->n, b->to_udp, &d);
	assert_int_equal(rig_waiting(b->r, "ipd", "udpd"), 0);
	assert_true(node_commit(&b->n));
	assert_int_equal(rig_waiting(b->r, "linkd", "ipd"), 0);
	assert_true(rig_take(b->r, "udpd", "ipd", &d, text, sizeof(text)));
	assert_memory_equal(text, "ping", 4);
	assert_int_equal(d.stamp, b->r->now.ns);
	assert_no_leaks(b);
	close_bench(b);
}

static void a_packet_given_back_is_home_after_the_commit(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	from_link(b, "ping");
	begin(b);
	d = take(b, b->from_link, "ping");
	node_give_back(&b->n, &d);
	assert_int_equal(rig_lent(b->r, "linkd"), 1);
	assert_true(node_commit(&b->n));
	assert_int_equal(rig_lent(b->r, "linkd"), 0);
	close_bench(b);
}

static void a_packet_of_our_own_comes_home_from_below(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .off = SLOT_HEADROOM, .len = 4 };
	char text[8];
	uint8_t *p;

	(void)state;
	begin(b);
	p = node_alloc(&b->n, SLOT_HEADROOM + 4, &d);
	assert_non_null(p);
	memcpy(p + SLOT_HEADROOM, "pong", 4);
	node_put(&b->n, b->to_link, &d);
	assert_true(node_commit(&b->n));
	assert_int_equal(b->n.home.small_free, 63);
	assert_true(rig_take(b->r, "linkd", "ipd", &d, text, sizeof(text)));
	assert_memory_equal(text, "pong", 4);
	assert_no_leaks(b);
	close_bench(b);
}

static void a_slot_that_was_not_needed_is_free_again(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	begin(b);
	for (int i = 0; i < 2 * NSLOTS; i++) {
		assert_non_null(node_alloc(&b->n, 100, &d));
		node_unalloc(&b->n, &d);
	}
	assert_false(node_commit(&b->n));
	assert_no_leaks(b);
	close_bench(b);
}

static void a_packet_put_back_is_the_next_one_again(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	from_link(b, "one");
	from_link(b, "two");
	begin(b);
	take(b, b->from_link, "one");
	node_untake(b->from_link);
	assert_false(node_commit(&b->n));
	begin(b);
	d = take(b, b->from_link, "one");
	node_give_back(&b->n, &d);
	d = take(b, b->from_link, "two");
	node_give_back(&b->n, &d);
	assert_true(node_commit(&b->n));
	assert_no_leaks(b);
	close_bench(b);
}

static void only_what_is_on_its_way_down_is_written(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	from_link(b, "up");
	from_transport(b, "udpd", "down");
	begin(b);
	d = take(b, b->from_link, "up");
	assert_null(node_slot(&b->n, &d));
	node_give_back(&b->n, &d);
	d = take(b, b->from_udp, "down");
	assert_non_null(node_slot(&b->n, &d));
	d.slot = NSLOTS;
	assert_null(node_slot(&b->n, &d));
	d.pool = 200;
	assert_null(node_slot(&b->n, &d));
	close_bench(b);
}

/* ---- Full rings, no slots ---- */

static void fill_ring(struct bench *b)
{
	begin(b);
	for (uint32_t i = 0; i < RING; i++) {
		struct desc d = { .len = 1 };

		assert_true(node_room(&b->n, b->to_udp, 1));
		assert_non_null(node_alloc(&b->n, 1, &d));
		node_put(&b->n, b->to_udp, &d);
	}
	assert_false(node_room(&b->n, b->to_udp, 1));
	assert_true(b->n.starving);
	assert_true(node_commit(&b->n));
}

static void a_full_ring_ends_the_turn_and_is_counted(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	fill_ring(b);
	assert_int_equal(counter(b, "turn_ended_ring_full"), 1);
	assert_int_equal(atomic_load(&b->to_udp->sh->full), 1);
	begin(b);
	assert_false(node_room(&b->n, b->to_udp, 1));
	assert_false(node_commit(&b->n));
	assert_true(rig_take(b->r, "udpd", "ipd", &d, NULL, 0));
	begin(b);
	assert_true(node_room(&b->n, b->to_udp, 1));
	assert_false(node_room(&b->n, b->to_udp, 2));
	node_commit(&b->n);
	close_bench(b);
}

static void no_slot_ends_the_turn_and_is_counted(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .len = 1 };

	(void)state;
	begin(b);
	for (int i = 0; i < NSLOTS; i++)
		assert_non_null(node_alloc(&b->n, 1, &d));
	assert_false(b->n.starving);
	assert_null(node_alloc(&b->n, 1, &d));
	assert_true(b->n.starving);
	node_commit(&b->n);
	assert_int_equal(counter(b, "turn_ended_no_slot"), 1);
	/* None was staged: a death makes them all free. */
	die(b);
	assert_int_equal(b->n.home.small_free + b->n.home.big_free, NSLOTS);
	close_bench(b);
}

/* ---- Sleeping ---- */

/* After a start nothing is known of the neighbours: one look is for that. */
static void fall_asleep(struct bench *b)
{
	if (!node_may_sleep(&b->n))
		assert_true(node_may_sleep(&b->n));
}

static void sleeps_only_if_nothing_has_come(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	assert_true(node_may_sleep(&b->n));
	assert_int_equal(head(b, "ipd")->asleep, ASLEEP);
	node_awake(&b->n);
	assert_int_equal(head(b, "ipd")->asleep, 0);
	from_link(b, "ping");
	assert_false(node_may_sleep(&b->n));
	assert_int_equal(head(b, "ipd")->asleep, 0);
	close_bench(b);
}

static void whoever_sleeps_is_woken_by_what_is_put(void **state)
{
	struct bench *b = open_bench();
	struct node *linkd = rig_node(b->r, "linkd");
	uint32_t ipd = rig_proc(b->r, "ipd");

	(void)state;
	from_link(b, "awake");
	assert_int_equal(linkd->bells, 0);
	begin(b);
	for (struct desc d; node_take(&b->n, b->from_link, &d) != NULL;)
		node_give_back(&b->n, &d);
	node_commit(&b->n);
	assert_true(node_may_sleep(&b->n));
	from_link(b, "asleep");
	assert_int_equal(linkd->bells, 1U << ipd);
	close_bench(b);
}

static void slots_that_come_home_wake_only_who_lacks_them(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .len = 1 };
	uint32_t ipd = rig_proc(b->r, "ipd");

	(void)state;
	begin(b);
	assert_non_null(node_alloc(&b->n, 1, &d));
	node_put(&b->n, b->to_link, &d);
	while (node_alloc(&b->n, 1, &(struct desc){ 0 }) != NULL)
		;
	node_commit(&b->n);
	fall_asleep(b);
	assert_int_equal(head(b, "ipd")->asleep, ASLEEP | WANT_ROOM);
	assert_true(rig_take(b->r, "linkd", "ipd", &d, NULL, 0));
	assert_int_equal(rig_node(b->r, "linkd")->bells, 1U << ipd);
	assert_true(node_news(&b->n));
	close_bench(b);
}

static void a_slot_come_home_does_not_disturb_who_has_some(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .len = 1 };

	(void)state;
	begin(b);
	assert_non_null(node_alloc(&b->n, 1, &d));
	node_put(&b->n, b->to_link, &d);
	node_commit(&b->n);
	assert_true(node_may_sleep(&b->n));
	assert_true(rig_take(b->r, "linkd", "ipd", &d, NULL, 0));
	assert_int_equal(rig_node(b->r, "linkd")->bells, 0);
	assert_false(node_news(&b->n));
	close_bench(b);
}

static void room_in_a_full_ring_wakes_its_producer(void **state)
{
	struct bench *b = open_bench();
	struct desc d;
	uint32_t ipd = rig_proc(b->r, "ipd");

	(void)state;
	fill_ring(b);
	fall_asleep(b);
	assert_true(rig_take_keep(b->r, "udpd", "ipd", &d, NULL));
	assert_int_equal(rig_node(b->r, "udpd")->bells, 1U << ipd);
	assert_false(node_may_sleep(&b->n));
	close_bench(b);
}

/* It lies about the ring that is looked at last. */
static void a_neighbour_that_lies_hides_no_others_news(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	fill_ring(b);
	atomic_store(&rig_ring_from(b->r, "tcpd", "ipd")->sh->cons, 99);
	from_link(b, "ping");
	assert_true(node_news(&b->n));
	close_bench(b);
}

/* ---- Attaching ---- */

static void a_segment_of_another_layout_is_refused(void **state)
{
	struct bench *b = open_bench();
	struct segments s = rig_segments(b->r, "ipd");
	struct node n;

	(void)state;
	b->n.out->version = LAYOUT_VERSION + 1;
	assert_int_equal(node_attach(&n, &s, NULL, 0), -EPROTO);
	b->n.out->version = LAYOUT_VERSION;
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_goes_through),
		cmocka_unit_test(a_packet_given_back_is_home_after_the_commit),
		cmocka_unit_test(a_packet_of_our_own_comes_home_from_below),
		cmocka_unit_test(a_slot_that_was_not_needed_is_free_again),
		cmocka_unit_test(a_packet_put_back_is_the_next_one_again),
		cmocka_unit_test(only_what_is_on_its_way_down_is_written),
		cmocka_unit_test(a_full_ring_ends_the_turn_and_is_counted),
		cmocka_unit_test(no_slot_ends_the_turn_and_is_counted),
		cmocka_unit_test(sleeps_only_if_nothing_has_come),
		cmocka_unit_test(whoever_sleeps_is_woken_by_what_is_put),
		cmocka_unit_test(slots_that_come_home_wake_only_who_lacks_them),
		cmocka_unit_test(
		    a_slot_come_home_does_not_disturb_who_has_some),
		cmocka_unit_test(room_in_a_full_ring_wakes_its_producer),
		cmocka_unit_test(a_neighbour_that_lies_hides_no_others_news),
		cmocka_unit_test(a_segment_of_another_layout_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
