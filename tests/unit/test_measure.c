/*
 * test_measure.c - how long packets wait and are worked on, as daemons say
 *
 *	linkd <-> ipd <-> udpd,	all three are bare nodes; times are in ns
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/rig.h"

static const char JSON[] = RIG_TOPOLOGY("udpd", ",\"slots\":64");

enum {
	UP,
	DOWN,
	TO_UDP,
	FROM_UDP,

	LINKD = 0,
	IPD,
	UDPD,

	ON = 1000, /* since then it is measured; births are multiples of 8 */
};

static struct mono commits_at;

static struct mono the_clock(void)
{
	return commits_at;
}

struct bench {
	struct rig *r;
	struct node n; /* ipd */
	struct histogram_copy h;
};

static void start(struct bench *b)
{
	struct segments s = rig_segments(b->r, "ipd");

	assert_int_equal(node_attach(&b->n, &s, NULL, 0), 0);
	node_recover(&b->n, NULL, NULL);
	b->n.clock = the_clock;
}

static struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->r = rig_open(JSON);
	start(b);
	rig_node(b->r, "linkd");
	rig_node(b->r, "udpd");
	b->r->sup->tap.flags = TAP_MEASURE;
	b->r->sup->tap.measured = ON;
	b->r->sup->tap.on = 1;
	return b;
}

static void close_bench(struct bench *b)
{
	node_detach(&b->n);
	rig_close(b->r);
	free(b);
}

/* A fake's turn at @t, in which it sends a packet. */
static void sends(struct bench *b, const char *who, int64_t t)
{
	struct desc d = { .link = 0 };

	b->r->now.ns = t;
	rig_put(b->r, who, "ipd", "packet", 6, &d);
}

static void takes(struct bench *b, const char *who, int64_t t)
{
	struct desc d;

	b->r->now.ns = t;
	assert_true(rig_take(b->r, who, "ipd", &d, NULL, 0));
}

/* ipd's turn: one packet from @from, passed to @to; NULL: it ends here. */
static void turn(struct bench *b, int64_t begin, int64_t end,
    struct ring_in *from, struct ring_out *to)
{
	struct desc d;

	commits_at.ns = end;
	node_begin(&b->n, (struct mono){ begin });
	assert_non_null(node_take(&b->n, from, &d));
	if (to != NULL)
		node_put(&b->n, to, &d);
	else
		node_give_back(&b->n, &d);
	node_commit(&b->n);
}

static struct ring_in *from_link(struct bench *b)
{
	return node_in(&b->n, LAYER_LINK, 0);
}

static struct ring_out *to_udp(struct bench *b)
{
	return node_out(&b->n, LAYER_UDP, 0);
}

enum what {
	WAIT,
	WORK,
	WHOLE
};

/* The only value there, or -1: none. */
static int64_t only(
    struct bench *b, uint32_t proc, enum what what, struct hop_key key)
{
	struct measure_mem *m = (void *)(b->r->tap[proc] + TAP_MEASURE_OFF);

	for (uint32_t i = 0; i < MEASURE_HOPS; i++) {
		struct measure_hop *h = &m->hop[i];

		if (h->key != hop_word(key))
			continue;
		histogram_read(&b->h,
		    what == WAIT       ? &h->wait
			: what == WORK ? &h->work
				       : &h->whole);
		if (histogram_count(&b->h) == 0)
			return -1;
		assert_int_equal(histogram_count(&b->h), 1);
		return histogram_quantile(&b->h, 1);
	}
	return -1;
}

static uint32_t hops(const struct bench *b, uint32_t proc)
{
	struct measure_mem *m = (void *)(b->r->tap[proc] + TAP_MEASURE_OFF);
	uint32_t n = 0;

	while (n < MEASURE_HOPS && m->hop[n].key != 0)
		n++;
	return n;
}

static const struct hop_key FROM_WIRE = { MEASURE_DEVICE, UP, LINKD,
	BORN_WIRE };
static const struct hop_key THROUGH = { UP, TO_UDP, LINKD, BORN_WIRE };
static const struct hop_key TO_SOCKET = { TO_UDP, MEASURE_END, LINKD,
	BORN_WIRE };

static void a_way_is_cut_without_a_gap(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	sends(b, "linkd", 1600);
	turn(b, 1650, 1680, from_link(b), to_udp(b));
	takes(b, "udpd", 1700);
	assert_int_equal(only(b, LINKD, WORK, FROM_WIRE), 0);
	assert_int_equal(only(b, LINKD, WAIT, FROM_WIRE), -1);
	assert_int_equal(only(b, IPD, WAIT, THROUGH), 50);
	assert_int_equal(only(b, IPD, WORK, THROUGH), 30);
	assert_int_equal(only(b, IPD, WHOLE, THROUGH), -1);
	assert_int_equal(only(b, UDPD, WAIT, TO_SOCKET), 20);
	assert_int_equal(only(b, UDPD, WORK, TO_SOCKET), 0);
	assert_int_equal(only(b, UDPD, WHOLE, TO_SOCKET), 100);
	close_bench(b);
}

static void one_put_amid_the_turn_has_not_waited(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	sends(b, "linkd", 1600);
	turn(b, 1550, 1680, from_link(b), to_udp(b));
	assert_int_equal(only(b, IPD, WAIT, THROUGH), 0);
	assert_int_equal(only(b, IPD, WORK, THROUGH), 80);
	close_bench(b);
}

static void an_answer_inherits_the_birth_of_the_question(void **state)
{
	static const struct hop_key answer = { UP, DOWN, IPD, BORN_WIRE };
	static const struct hop_key sent = { DOWN, MEASURE_END, IPD,
		BORN_WIRE };
	struct bench *b = open_bench();
	struct desc d, own = { .off = 64, .len = 6 };

	(void)state;
	sends(b, "linkd", 1600);
	commits_at.ns = 1640;
	node_begin(&b->n, (struct mono){ 1610 });
	assert_non_null(node_take(&b->n, from_link(b), &d));
	assert_non_null(node_alloc(&b->n, 128, &own));
	node_put(&b->n, node_out(&b->n, LAYER_LINK, 0), &own);
	node_give_back(&b->n, &d);
	node_commit(&b->n);
	takes(b, "linkd", 1650);
	assert_int_equal(only(b, IPD, WORK, answer), 30);
	assert_int_equal(hops(b, IPD), 1);
	assert_int_equal(only(b, LINKD, WAIT, sent), 10);
	assert_int_equal(only(b, LINKD, WHOLE, sent), 50);
	close_bench(b);
}

static void a_transport_says_when_an_app_has_written(void **state)
{
	struct hop_key sent = { MEASURE_APP, FROM_UDP, UDPD, BORN_APP };
	struct hop_key end = { FROM_UDP, MEASURE_END, UDPD, BORN_APP };
	struct bench *b = open_bench();
	struct node *u = rig_node(b->r, "udpd");
	struct desc own = { .off = 64, .len = 6 };

	(void)state;
	node_begin(u, (struct mono){ 1640 });
	assert_true(node_measure_app(u, (struct mono){ 1600 }));
	assert_non_null(node_alloc(u, 128, &own));
	node_put(u, node_out(u, LAYER_IP, 0), &own);
	node_measure_done(u);
	node_commit(u);
	turn(b, 1660, 1700, node_in(&b->n, LAYER_UDP, 0), NULL);
	assert_int_equal(only(b, UDPD, WAIT, sent), 40);
	assert_int_equal(only(b, IPD, WAIT, end), 20);
	assert_int_equal(only(b, IPD, WHOLE, end), 100);

	/* A lie, or from before it was measured. */
	node_begin(u, (struct mono){ 1800 });
	assert_false(node_measure_app(u, (struct mono){ -5 }));
	assert_non_null(node_alloc(u, 128, &own));
	node_put(u, node_out(u, LAYER_IP, 0), &own);
	node_commit(u);
	turn(b, 1830, 1840, node_in(&b->n, LAYER_UDP, 0), NULL);
	assert_int_equal(only(b, UDPD, WAIT, sent), 40);
	assert_int_equal(only(b, IPD, WHOLE, end), 100);
	/* An app's all the same, on a way of its own. */
	sent.born = end.born = BORN_UNTIMED;
	assert_int_equal(only(b, UDPD, WAIT, sent), -1);
	assert_int_equal(only(b, UDPD, WORK, sent), 0);
	assert_int_equal(only(b, IPD, WORK, end), 10);
	assert_int_equal(only(b, IPD, WHOLE, end), -1);
	close_bench(b);
}

static void an_undone_turn_has_not_been_measured(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	sends(b, "linkd", 1600);
	node_begin(&b->n, (struct mono){ 1610 });
	assert_non_null(node_take(&b->n, from_link(b), &d));
	node_put(&b->n, to_udp(b), &d);
	/* Dead. */
	node_detach(&b->n);
	start(b);
	assert_int_equal(hops(b, IPD), 0);
	turn(b, 1800, 1810, from_link(b), to_udp(b));
	assert_int_equal(only(b, IPD, WAIT, THROUGH), 200);
	/* And the next instance finds the hop. */
	node_detach(&b->n);
	start(b);
	sends(b, "linkd", 2000);
	turn(b, 2010, 2020, from_link(b), to_udp(b));
	assert_int_equal(hops(b, IPD), 1);
	close_bench(b);
}

static void a_packet_put_back_has_not_been_measured(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	sends(b, "linkd", 1600);
	node_begin(&b->n, (struct mono){ 1610 });
	assert_non_null(node_take(&b->n, from_link(b), &d));
	node_untake(from_link(b));
	assert_false(node_commit(&b->n));
	assert_int_equal(hops(b, IPD), 0);
	close_bench(b);
}

static void what_was_stamped_before_means_nothing(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	b->r->sup->tap.on = 0;
	sends(b, "linkd", 1600);
	sends(b, "linkd", 1610);
	b->r->sup->tap.measured = 1620;
	b->r->sup->tap.on = 1;
	sends(b, "linkd", 1630);
	turn(b, 1700, 1710, from_link(b), to_udp(b));
	turn(b, 1720, 1730, from_link(b), to_udp(b));
	assert_int_equal(hops(b, IPD), 0);
	turn(b, 1730, 1740, from_link(b), to_udp(b));
	assert_int_equal(only(b, IPD, WAIT, THROUGH), 100);
	close_bench(b);
}

/* Nor are its bytes touched. */
static void a_packet_that_fills_its_slot_has_no_birth(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .off = 8 };
	uint8_t full[SMALL_SLOT - 8], got[SMALL_SLOT];

	(void)state;
	memset(full, 0x5a, sizeof(full));
	b->r->now.ns = 1600;
	rig_put(b->r, "linkd", "ipd", full, sizeof(full), &d);
	turn(b, 1610, 1620, from_link(b), to_udp(b));
	assert_int_equal(hops(b, IPD), 0);
	assert_true(rig_take(b->r, "udpd", "ipd", &d, got, sizeof(got)));
	assert_memory_equal(got, full, sizeof(full));
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_way_is_cut_without_a_gap),
		cmocka_unit_test(one_put_amid_the_turn_has_not_waited),
		cmocka_unit_test(an_answer_inherits_the_birth_of_the_question),
		cmocka_unit_test(a_transport_says_when_an_app_has_written),
		cmocka_unit_test(an_undone_turn_has_not_been_measured),
		cmocka_unit_test(a_packet_put_back_has_not_been_measured),
		cmocka_unit_test(what_was_stamped_before_means_nothing),
		cmocka_unit_test(a_packet_that_fills_its_slot_has_no_birth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
