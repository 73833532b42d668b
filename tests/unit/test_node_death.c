/*
 * test_node_death.c - what a layer finds of its last instance (node_world.h)
 */
#include "tests/unit/node_world.h"

/* ---- Deaths ---- */

static void what_a_dead_turn_took_is_taken_again(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	from_link(b, "ping");
	begin(b);
	d = take(b, b->from_link, "ping");
	node_put(&b->n, b->to_udp, &d);
	die(b);
	assert_int_equal(rig_waiting(b->r, "ipd", "udpd"), 0);
	begin(b);
	d = take(b, b->from_link, "ping");
	node_put(&b->n, b->to_udp, &d);
	node_commit(&b->n);
	assert_int_equal(rig_waiting(b->r, "ipd", "udpd"), 1);
	assert_true(rig_take(b->r, "udpd", "ipd", &d, NULL, 0));
	assert_no_leaks(b);
	close_bench(b);
}

static void slots_on_their_way_are_not_lent_again(void **state)
{
	struct bench *b = open_bench();
	struct desc d[3];

	(void)state;
	begin(b);
	for (int i = 0; i < 3; i++) {
		d[i] = (struct desc){ .len = 1 };
		assert_non_null(node_alloc(&b->n, 1, &d[i]));
		node_put(&b->n, i == 0 ? b->to_udp : b->to_link, &d[i]);
	}
	node_commit(&b->n);
	/* One at linkd still, one at udpd, one on its way home. */
	assert_true(rig_take(b->r, "linkd", "ipd", &d[1], NULL, 0));
	die(b);
	assert_int_equal(b->n.home.small_free, 64 - 3);
	begin(b);
	assert_int_equal(b->n.home.small_free, 64 - 2);
	node_commit(&b->n);
	close_bench(b);
}

/*
 * linkd has sent a slot home and dies before it steps over where it came from;
 * the slot comes home; we die, and find it in the ring.
 */
static void a_slot_found_where_it_no_longer_is_is_free_in_the_end(void **state)
{
	struct bench *b = open_bench();
	struct node *link = rig_node(b->r, "linkd");
	struct ring_out *home = link->way_home[b->n.self];
	struct desc d = { .len = 1 };

	(void)state;
	begin(b);
	assert_non_null(node_alloc(&b->n, 1, &d));
	node_put(&b->n, b->to_link, &d);
	node_commit(&b->n);
	node_begin(link, b->r->now);
	assert_non_null(
	    node_take(link, rig_ring_from(b->r, "linkd", "ipd"), &d));
	node_give_back(link, &d);
	ring_out_publish(home, home->mine);
	begin(b);
	node_commit(&b->n);
	assert_int_equal(b->n.home.small_free, 64);

	die(b);
	begin(b);
	node_commit(&b->n);
	assert_int_equal(b->n.home.small_free, 64 - 1);
	node_commit(link);
	assert_no_leaks(b);
	close_bench(b);
}

static void counters_and_turns_go_on(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	from_link(b, "ping");
	begin(b);
	node_count(&b->n, CNT_OURS);
	node_count(&b->n, CNT_OURS);
	take(b, b->from_link, "ping");
	node_commit(&b->n);
	assert_int_equal(head(b, "ipd")->turns, 1);
	assert_int_equal(head(b, "ipd")->recoveries, 0);
	die(b);
	assert_int_equal(counter(b, "ours"), 2);
	assert_int_equal(head(b, "ipd")->turns, 1);
	assert_int_equal(head(b, "ipd")->recoveries, 1);
	begin(b);
	node_count(&b->n, CNT_OURS);
	node_commit(&b->n);
	assert_int_equal(counter(b, "ours"), 3);
	close_bench(b);
}

/* ---- Packets that kill ---- */

/* A layer that dies of a packet that says "deadly"; true: it died. */
static bool turn_with_deadly(struct bench *b, char *log)
{
	struct ring_in *const in[] = { b->from_link, b->from_udp, b->from_tcp };
	struct desc d;
	const uint8_t *p;

	begin(b);
	for (int i = 0; i < 3; i++) {
		uint32_t limit = node_limit(&b->n, 8);

		while (
		    limit-- > 0 && (p = node_take(&b->n, in[i], &d)) != NULL) {
			if (d.len == 6 && memcmp(p, "deadly", 6) == 0)
				return true;
			node_give_back(&b->n, &d);
			strncat(log, (const char *)p, d.len);
		}
	}
	node_commit(&b->n);
	return false;
}

/* Turns until all rings are empty; the deaths that it took. */
static int live(struct bench *b, char *log)
{
	int deaths = 0;

	log[0] = '\0';
	for (int i = 0; i < 100 &&
	     (rig_waiting(b->r, "linkd", "ipd") > 0 ||
		 rig_waiting(b->r, "udpd", "ipd") > 0 ||
		 rig_waiting(b->r, "tcpd", "ipd") > 0);
	     i++) {
		char turn[64] = "";

		if (turn_with_deadly(b, turn)) {
			deaths++;
			die(b);
		} else {
			strncat(log, turn, 255 - strlen(log));
		}
	}
	return deaths;
}

static void a_deadly_packet_is_put_aside_after_three_deaths(void **state)
{
	struct bench *b = open_bench();
	char log[256];

	(void)state;
	from_link(b, "a");
	from_link(b, "deadly");
	from_link(b, "b");
	from_link(b, "c");
	/* Two in which "a" was also taken, then three alone. */
	assert_int_equal(live(b, log), 5);
	assert_string_equal(log, "abc");
	assert_int_equal(counter(b, "put_aside_after_crashes"), 1);
	assert_no_leaks(b);
	close_bench(b);
}

static void also_if_it_is_the_only_one(void **state)
{
	struct bench *b = open_bench();
	char log[256];

	(void)state;
	from_link(b, "deadly");
	assert_int_equal(live(b, log), 3);
	assert_string_equal(log, "");
	assert_int_equal(counter(b, "put_aside_after_crashes"), 1);
	assert_no_leaks(b);
	close_bench(b);
}

static void also_behind_a_bad_descriptor(void **state)
{
	struct bench *b = open_bench();
	struct desc bad = { .slot = UINT16_MAX };
	char log[256];

	(void)state;
	rig_put_desc(b->r, "linkd", "ipd", &bad);
	from_link(b, "deadly");
	assert_int_equal(live(b, log), 3);
	assert_int_equal(counter(b, "put_aside_after_crashes"), 1);
	assert_no_leaks(b);
	close_bench(b);
}

/* The first ring is never empty: whenever ipd lives, linkd puts one more. */
static void also_behind_a_ring_that_is_never_empty(void **state)
{
	struct bench *b = open_bench();
	char log[256] = "";
	int deaths = 0;

	(void)state;
	from_link(b, "a");
	from_transport(b, "udpd", "deadly");
	from_transport(b, "udpd", "x");
	for (int i = 0; i < 60 && strchr(log, 'x') == NULL; i++) {
		char turn[64] = "";

		if (turn_with_deadly(b, turn)) {
			deaths++;
			die(b);
		} else {
			strncat(log, turn, 255 - strlen(log));
		}
		if (rig_waiting(b->r, "linkd", "ipd") == 0)
			from_link(b, "a");
	}
	assert_non_null(strchr(log, 'x'));
	assert_int_equal(counter(b, "put_aside_after_crashes"), 1);
	assert_in_range(deaths, 3, 10);
	close_bench(b);
}

/* One ring is full of packets that there is no room for. */
static void a_ring_that_is_stuck_holds_up_no_other_in_small_turns(void **state)
{
	struct bench *b = open_bench();
	struct desc d;
	bool got = false;

	(void)state;
	from_link(b, "stuck");
	for (int i = 0; i < 2; i++) {
		begin(b);
		take(b, b->from_link, "stuck");
		die(b);
	}
	from_transport(b, "udpd", "x");
	for (int i = 0; i < 4 && !got; i++) {
		begin(b);
		assert_true(turn_small(&b->n.turn));
		if (node_take(&b->n, b->from_link, &d) != NULL)
			node_untake(b->from_link);
		if (node_take(&b->n, b->from_udp, &d) != NULL) {
			node_give_back(&b->n, &d);
			got = true;
		}
		node_commit(&b->n);
	}
	assert_true(got);
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_dead_turn_took_is_taken_again),
		cmocka_unit_test(slots_on_their_way_are_not_lent_again),
		cmocka_unit_test(
		    a_slot_found_where_it_no_longer_is_is_free_in_the_end),
		cmocka_unit_test(counters_and_turns_go_on),
		cmocka_unit_test(
		    a_deadly_packet_is_put_aside_after_three_deaths),
		cmocka_unit_test(also_if_it_is_the_only_one),
		cmocka_unit_test(also_behind_a_bad_descriptor),
		cmocka_unit_test(also_behind_a_ring_that_is_never_empty),
		cmocka_unit_test(
		    a_ring_that_is_stuck_holds_up_no_other_in_small_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
