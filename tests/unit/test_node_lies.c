/*
 * test_node_lies.c - a layer's dealings with bad neighbours (node_world.h)
 */
#include <pthread.h>

#include "tests/unit/node_world.h"

/* ---- Neighbours that lie ---- */

static void a_descriptor_of_no_bytes_is_counted_and_its_slot_sent_home(
    void **state)
{
	static const struct desc bad[] = {
		{ .off = SMALL_SLOT, .len = 1 },
		{ .off = UINT16_MAX, .len = 0 },
		{ .len = SMALL_SLOT + 1 },
		{ .len = UINT32_MAX, .off = 1 },
	};
	struct bench *b = open_bench();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct node *n = rig_node(b->r, "linkd");
		struct ring_out *out = rig_ring_to(b->r, "linkd", "ipd");
		struct desc d = bad[i];

		node_begin(n, b->r->now);
		assert_true(node_room(n, out, 1));
		assert_non_null(node_alloc(n, 1, &d));
		node_put(n, out, &d);
		node_commit(n);
	}
	from_link(b, "good");
	begin(b);
	take(b, b->from_link, "good");
	node_commit(&b->n);
	assert_int_equal(counter(b, "bad_descriptor"), 4);
	assert_int_equal(rig_lent(b->r, "linkd"), 1);
	close_bench(b);
}

static void a_slot_or_pool_that_does_not_exist_is_counted(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .pool = 0, .slot = NSLOTS };

	(void)state;
	rig_put_desc(b->r, "linkd", "ipd", &d);
	d.slot = UINT16_MAX;
	rig_put_desc(b->r, "linkd", "ipd", &d);
	for (uint32_t pool = 4; pool < 256; pool += 50) {
		d.pool = (uint8_t)pool;
		rig_put_desc(b->r, "linkd", "ipd", &d);
	}
	begin(b);
	assert_none(b, b->from_link);
	assert_true(node_commit(&b->n));
	assert_int_equal(counter(b, "bad_descriptor"), 8);
	assert_int_equal(rig_waiting(b->r, "linkd", "ipd"), 0);
	close_bench(b);
}

static void an_impossible_prod_cuts_the_ring_off_and_no_other(void **state)
{
	struct bench *b = open_bench();
	struct ring_out *liar = rig_ring_to(b->r, "linkd", "ipd");
	struct desc d;

	(void)state;
	from_transport(b, "udpd", "good");
	atomic_store(&liar->sh->prod, 5000);
	begin(b);
	assert_none(b, b->from_link);
	d = take(b, b->from_udp, "good");
	node_give_back(&b->n, &d);
	assert_true(node_commit(&b->n));
	/* Also when it is sorry. */
	atomic_store(&liar->sh->prod, 0);
	from_link(b, "late");
	begin(b);
	assert_none(b, b->from_link);
	assert_false(node_commit(&b->n));
	assert_int_equal(counter(b, "ring_cut_off"), 1);
	close_bench(b);
}

/* A turn in which nothing else happened. */
static void a_cut_is_seen_by_tools_at_once(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	atomic_store(&rig_ring_to(b->r, "linkd", "ipd")->sh->prod, 5000);
	begin(b);
	assert_none(b, b->from_link);
	assert_false(node_commit(&b->n));
	assert_int_equal(counter(b, "ring_cut_off"), 1);
	close_bench(b);
}

static void what_goes_to_a_consumer_that_lied_goes_home(void **state)
{
	struct bench *b = open_bench();
	struct ring_in *liar = rig_ring_from(b->r, "udpd", "ipd");
	struct desc d;

	(void)state;
	from_link(b, "ping");
	atomic_store(&liar->sh->cons, 77);
	begin(b);
	/* No back-pressure by one that is beyond help. */
	assert_true(node_room(&b->n, b->to_udp, 1));
	d = take(b, b->from_link, "ping");
	node_put(&b->n, b->to_udp, &d);
	assert_true(node_commit(&b->n));
	assert_int_equal(rig_lent(b->r, "linkd"), 0);
	assert_int_equal(counter(b, "ring_cut_off"), 1);
	assert_int_equal(atomic_load(&b->to_udp->sh->prod), 0);
	close_bench(b);
}

static void a_slot_that_comes_home_twice_is_counted(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .off = 0, .len = 1 };

	(void)state;
	begin(b);
	assert_non_null(node_alloc(&b->n, 1, &d));
	node_put(&b->n, b->to_link, &d);
	assert_true(node_commit(&b->n));
	rig_give_back(b->r, "linkd", &d);
	rig_give_back(b->r, "linkd", &d);
	d.slot = 9999;
	rig_give_back(b->r, "linkd", &d);
	assert_no_leaks(b);
	assert_int_equal(counter(b, "slot_returned_twice"), 2);
	close_bench(b);
}

/* ---- A neighbour that goes on lying while we look ---- */

struct liar {
	struct ring_prod *prod;
	const uint32_t *mine; /* the victim's cursor */
	uint32_t capacity;
	atomic_bool stop;
};

/* Always full, whatever has been taken: never impossible, never at an end. */
static void *lie_on(void *arg)
{
	struct liar *l = arg;

	while (!atomic_load(&l->stop))
		atomic_store(&l->prod->prod,
		    *(const volatile uint32_t *)l->mine + l->capacity);
	return NULL;
}

static void a_ring_that_never_ends_does_not_hold_a_turn(void **state)
{
	struct bench *b = open_bench();
	struct ring_out *out = rig_ring_to(b->r, "linkd", "ipd");
	struct liar l = { .prod = out->sh,
		.mine = &b->from_link->mine,
		.capacity = out->capacity };
	struct desc d;
	pthread_t thread;

	(void)state;
	/* No entry names any bytes: each is skipped, and the next looked for.
	 */
	for (uint32_t i = 0; i < out->capacity; i++)
		out->sh->entry[i] = (struct desc){ .pool = 99 };
	assert_int_equal(pthread_create(&thread, NULL, lie_on, &l), 0);
	while (atomic_load(&out->sh->prod) == b->from_link->mine)
		;
	begin(b);
	/* Without an end this would never return. */
	assert_null(node_take(&b->n, b->from_link, &d));
	node_commit(&b->n);
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	assert_true(counter(b, "bad_descriptor") <= out->capacity);
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_descriptor_of_no_bytes_is_counted_and_its_slot_sent_home),
		cmocka_unit_test(a_slot_or_pool_that_does_not_exist_is_counted),
		cmocka_unit_test(
		    an_impossible_prod_cuts_the_ring_off_and_no_other),
		cmocka_unit_test(a_cut_is_seen_by_tools_at_once),
		cmocka_unit_test(what_goes_to_a_consumer_that_lied_goes_home),
		cmocka_unit_test(a_slot_that_comes_home_twice_is_counted),
		cmocka_unit_test(a_ring_that_never_ends_does_not_hold_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
