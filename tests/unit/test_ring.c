/*
 * test_ring.c - a queue between two processes that need not trust each other
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/ring.h"

enum {
	SLOTS = 8,
};

/* Just below 2^32, so that every test goes round. */
static const uint32_t START = UINT32_MAX - 4;

struct pair {
	struct ring_prod *prod;
	struct ring_cons *cons;
	struct ring_out out;
	struct ring_in in;
};

static struct pair *open_pair(void)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->prod = aligned_alloc(
	    CACHE_LINE, sizeof(*p->prod) + SLOTS * sizeof(struct desc));
	p->cons = aligned_alloc(CACHE_LINE, sizeof(*p->cons));
	assert_non_null(p->prod);
	assert_non_null(p->cons);
	atomic_init(&p->prod->prod, START);
	atomic_init(&p->cons->cons, START);
	p->out = (struct ring_out){
		.sh = p->prod, .their = p->cons, .capacity = SLOTS
	};
	p->in = (struct ring_in){
		.their = p->prod, .sh = p->cons, .capacity = SLOTS
	};
	ring_out_resume(&p->out);
	ring_in_resume(&p->in);
	return p;
}

static void close_pair(struct pair *p)
{
	free(p->prod);
	free(p->cons);
	free(p);
}

static void put(struct pair *p, uint32_t number)
{
	struct desc d = { .len = number };

	assert_true(ring_out_room(&p->out, 1) > 0);
	ring_out_stage(&p->out, &d);
}

static void publish(struct pair *p)
{
	ring_out_publish(&p->out, p->out.mine);
}

static uint32_t take(struct pair *p)
{
	struct desc d;

	assert_true(ring_in_waiting(&p->in) > 0);
	ring_in_take(&p->in, &d);
	return d.len;
}

static void give_back(struct pair *p)
{
	ring_in_publish(&p->in, p->in.mine);
}

static void is_empty_at_first(void **state)
{
	struct pair *p = open_pair();

	(void)state;
	assert_int_equal(ring_in_waiting(&p->in), 0);
	assert_int_equal(ring_out_room(&p->out, SLOTS), SLOTS);
	close_pair(p);
}

static void what_is_staged_is_seen_when_it_is_published(void **state)
{
	struct pair *p = open_pair();

	(void)state;
	put(p, 7);
	put(p, 8);
	assert_int_equal(ring_in_waiting(&p->in), 0);
	publish(p);
	assert_int_equal(ring_in_waiting(&p->in), 2);
	assert_int_equal(take(p), 7);
	assert_int_equal(ring_in_waiting(&p->in), 1);
	assert_int_equal(take(p), 8);
	assert_int_equal(ring_in_waiting(&p->in), 0);
	close_pair(p);
}

static void is_full_with_every_entry_used(void **state)
{
	struct pair *p = open_pair();

	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(ring_out_room(&p->out, 1), SLOTS - i);
		put(p, i);
	}
	assert_int_equal(ring_out_room(&p->out, 1), 0);
	publish(p);
	assert_int_equal(ring_in_waiting(&p->in), SLOTS);
	assert_int_equal(take(p), 0);
	/* Taken is not yet given back. */
	assert_int_equal(ring_out_room(&p->out, 1), 0);
	give_back(p);
	assert_int_equal(ring_out_room(&p->out, 1), 1);
	close_pair(p);
}

static void keeps_its_order_round_the_end_of_32_bits(void **state)
{
	struct pair *p = open_pair();
	uint32_t in = 0;
	uint32_t out = 0;

	(void)state;
	/* Batches of 1 to 8, one after the other. */
	for (int batch = 1; batch <= SLOTS; batch++) {
		for (int i = 0; i < batch; i++)
			put(p, in++);
		publish(p);
		while (ring_in_waiting(&p->in) > 0)
			assert_int_equal(take(p), out++);
		give_back(p);
	}
	assert_int_equal(in, out);
	/* It did go round. */
	assert_true(atomic_load(&p->prod->prod) < START);
	close_pair(p);
}

static void a_peek_takes_nothing(void **state)
{
	struct pair *p = open_pair();
	struct desc d;

	(void)state;
	put(p, 5);
	publish(p);
	assert_int_equal(ring_in_waiting(&p->in), 1);
	ring_in_peek(&p->in, &d);
	assert_int_equal(d.len, 5);
	assert_int_equal(take(p), 5);
	close_pair(p);
}

static void looks_at_the_neighbours_word_only_when_it_must(void **state)
{
	struct pair *p = open_pair();

	(void)state;
	assert_int_equal(ring_out_room(&p->out, 1), SLOTS);
	/* An impossible index goes unnoticed while room is known. */
	atomic_store(&p->cons->cons, START + 1);
	assert_int_equal(ring_out_room(&p->out, SLOTS), SLOTS);
	put(p, 1);
	publish(p);
	assert_int_equal(ring_in_waiting(&p->in), 1);
	atomic_store(&p->prod->prod, START - 1);
	assert_int_equal(ring_in_waiting(&p->in), 1);
	close_pair(p);
}

static void every_impossible_prod_is_refused(void **state)
{
	struct pair *p = open_pair();

	(void)state;
	for (uint32_t bit = 4; bit < 32; bit++) {
		atomic_store(&p->prod->prod, START + (1U << bit));
		assert_int_equal(ring_in_waiting(&p->in), -EPROTO);
	}
	atomic_store(&p->prod->prod, START + SLOTS + 1);
	assert_int_equal(ring_in_waiting(&p->in), -EPROTO);
	atomic_store(&p->prod->prod, START - 1);
	assert_int_equal(ring_in_waiting(&p->in), -EPROTO);
	atomic_store(&p->prod->prod, START + SLOTS);
	assert_int_equal(ring_in_waiting(&p->in), SLOTS);
	close_pair(p);
}

static void every_impossible_cons_is_refused(void **state)
{
	struct pair *p = open_pair();

	(void)state;
	put(p, 1);
	put(p, 2);
	publish(p);
	atomic_store(&p->cons->cons, START + 3);
	assert_int_equal(ring_out_room(&p->out, SLOTS), -EPROTO);
	for (uint32_t bit = 2; bit < 32; bit++) {
		atomic_store(&p->cons->cons, START + (1U << bit));
		assert_int_equal(ring_out_room(&p->out, SLOTS), -EPROTO);
	}
	/* Farther behind than the ring is long. */
	atomic_store(&p->cons->cons, START + 2 - SLOTS - 1);
	assert_int_equal(ring_out_room(&p->out, SLOTS), -EPROTO);
	atomic_store(&p->cons->cons, START + 2);
	assert_int_equal(ring_out_room(&p->out, SLOTS), SLOTS);
	close_pair(p);
}

static void a_new_instance_goes_on_where_the_old_one_published(void **state)
{
	struct pair *p = open_pair();

	(void)state;
	put(p, 1);
	put(p, 2);
	publish(p);
	put(p, 3); /* never published */
	assert_int_equal(take(p), 1);
	give_back(p);
	assert_int_equal(take(p), 2); /* never given back */

	ring_out_resume(&p->out);
	ring_in_resume(&p->in);
	assert_int_equal(ring_out_room(&p->out, SLOTS), SLOTS - 1);
	assert_int_equal(ring_in_waiting(&p->in), 1);
	assert_int_equal(take(p), 2);
	put(p, 4);
	publish(p);
	assert_int_equal(take(p), 4);
	close_pair(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_empty_at_first),
		cmocka_unit_test(what_is_staged_is_seen_when_it_is_published),
		cmocka_unit_test(is_full_with_every_entry_used),
		cmocka_unit_test(keeps_its_order_round_the_end_of_32_bits),
		cmocka_unit_test(a_peek_takes_nothing),
		cmocka_unit_test(
		    looks_at_the_neighbours_word_only_when_it_must),
		cmocka_unit_test(every_impossible_prod_is_refused),
		cmocka_unit_test(every_impossible_cons_is_refused),
		cmocka_unit_test(
		    a_new_instance_goes_on_where_the_old_one_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
