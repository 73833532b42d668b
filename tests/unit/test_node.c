/*
 * test_node.c - a layer's dealings with its neighbours, also with bad ones
 *
 *	linkd <-> ipd <-> udpd,	the node under test is that of ipd
 *	           ^
 *	           +----> tcpd
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/rig.h"

enum {
	NSLOTS = 64 + 8, /* of each pool */
	RING = 64,
};

#define POOL ",\"pool\":{\"small\":64,\"big\":8}}"
static const char JSON[] =
    "{\"name\":\"t\","
    "\"links\":[{\"name\":\"n0\",\"device\":\"null\","
    "\"mac\":\"02:00:00:00:00:02\",\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"" POOL
    ",{\"name\":\"ipd\",\"layer\":\"ipd\"" POOL
    ",{\"name\":\"udpd\",\"layer\":\"udpd\"" POOL
    ",{\"name\":\"tcpd\",\"layer\":\"tcpd\"" POOL "],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\",\"slots\":64},"
    "{\"from\":\"ipd\",\"to\":\"linkd\",\"slots\":64},"
    "{\"from\":\"ipd\",\"to\":\"udpd\",\"slots\":64},"
    "{\"from\":\"udpd\",\"to\":\"ipd\",\"slots\":64},"
    "{\"from\":\"ipd\",\"to\":\"tcpd\",\"slots\":64},"
    "{\"from\":\"tcpd\",\"to\":\"ipd\",\"slots\":64}]}";

enum {
	CNT_OURS = CNT_NODE_END,
};

static const struct counter_def DEFS[] = { { "ours", false } };

struct bench {
	struct rig *r;
	struct node n;
	struct ring_in *from_link, *from_udp, *from_tcp;
	struct ring_out *to_link, *to_udp;
};

static void start(struct bench *b)
{
	struct segments s = rig_segments(b->r, "ipd");

	assert_int_equal(node_attach(&b->n, &s, DEFS, 1), 0);
	node_recover(&b->n, NULL, NULL);
	b->from_link = node_in(&b->n, LAYER_LINK, 0);
	b->from_udp = node_in(&b->n, LAYER_UDP, 0);
	b->from_tcp = node_in(&b->n, LAYER_TCP, 0);
	b->to_link = node_out(&b->n, LAYER_LINK, 0);
	b->to_udp = node_out(&b->n, LAYER_UDP, 0);
}

static struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->r = rig_open(JSON);
	start(b);
	return b;
}

static void close_bench(struct bench *b)
{
	node_detach(&b->n);
	rig_close(b->r);
	free(b);
}

/* kill -9: nothing of the instance is left but its segments. */
static void die(struct bench *b)
{
	node_detach(&b->n);
	start(b);
}

static void begin(struct bench *b)
{
	node_begin(&b->n, b->r->now);
}

static void from_link(struct bench *b, const char *text)
{
	struct desc d = { 0 };

	rig_put(b->r, "linkd", "ipd", text, strlen(text), &d);
}

static void from_transport(struct bench *b, const char *who, const char *text)
{
	struct desc d = { 0 };

	rig_put(b->r, who, "ipd", text, strlen(text), &d);
}

/* The next packet must be @text. */
static struct desc take(struct bench *b, struct ring_in *in, const char *text)
{
	struct desc d;
	const uint8_t *p = node_take(&b->n, in, &d);

	assert_non_null(p);
	assert_int_equal(d.len, strlen(text));
	assert_memory_equal(p, text, d.len);
	return d;
}

static void assert_none(struct bench *b, struct ring_in *in)
{
	struct desc d;

	assert_null(node_take(&b->n, in, &d));
}

static void assert_no_leaks(struct bench *b)
{
	begin(b);
	node_commit(&b->n);
	assert_int_equal(rig_lent(b->r, "linkd"), 0);
	assert_int_equal(rig_lent(b->r, "udpd"), 0);
	assert_int_equal(rig_lent(b->r, "tcpd"), 0);
	assert_int_equal(b->n.home.small_free + b->n.home.big_free, NSLOTS);
}

static uint64_t counter(struct bench *b, const char *name)
{
	return rig_counter(b->r, "ipd", name);
}

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

static const struct out_head *head(struct bench *b, const char *name)
{
	return (const void *)b->r->out[rig_proc(b->r, name)];
}

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
		cmocka_unit_test(a_packet_goes_through),
		cmocka_unit_test(a_packet_given_back_is_home_after_the_commit),
		cmocka_unit_test(a_packet_of_our_own_comes_home_from_below),
		cmocka_unit_test(a_slot_that_was_not_needed_is_free_again),
		cmocka_unit_test(a_packet_put_back_is_the_next_one_again),
		cmocka_unit_test(only_what_is_on_its_way_down_is_written),
		cmocka_unit_test(
		    a_descriptor_of_no_bytes_is_counted_and_its_slot_sent_home),
		cmocka_unit_test(a_slot_or_pool_that_does_not_exist_is_counted),
		cmocka_unit_test(
		    an_impossible_prod_cuts_the_ring_off_and_no_other),
		cmocka_unit_test(a_cut_is_seen_by_tools_at_once),
		cmocka_unit_test(what_goes_to_a_consumer_that_lied_goes_home),
		cmocka_unit_test(a_slot_that_comes_home_twice_is_counted),
		cmocka_unit_test(a_full_ring_ends_the_turn_and_is_counted),
		cmocka_unit_test(no_slot_ends_the_turn_and_is_counted),
		cmocka_unit_test(sleeps_only_if_nothing_has_come),
		cmocka_unit_test(whoever_sleeps_is_woken_by_what_is_put),
		cmocka_unit_test(slots_that_come_home_wake_only_who_lacks_them),
		cmocka_unit_test(
		    a_slot_come_home_does_not_disturb_who_has_some),
		cmocka_unit_test(room_in_a_full_ring_wakes_its_producer),
		cmocka_unit_test(a_neighbour_that_lies_hides_no_others_news),
		cmocka_unit_test(what_a_dead_turn_took_is_taken_again),
		cmocka_unit_test(slots_on_their_way_are_not_lent_again),
		cmocka_unit_test(
		    a_slot_found_where_it_no_longer_is_is_free_in_the_end),
		cmocka_unit_test(counters_and_turns_go_on),
		cmocka_unit_test(a_segment_of_another_layout_is_refused),
		cmocka_unit_test(
		    a_deadly_packet_is_put_aside_after_three_deaths),
		cmocka_unit_test(a_ring_that_never_ends_does_not_hold_a_turn),
		cmocka_unit_test(also_if_it_is_the_only_one),
		cmocka_unit_test(also_behind_a_bad_descriptor),
		cmocka_unit_test(also_behind_a_ring_that_is_never_empty),
		cmocka_unit_test(
		    a_ring_that_is_stuck_holds_up_no_other_in_small_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
