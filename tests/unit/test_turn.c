/*
 * test_turn.c - a turn happened or it did not, whatever was left of it
 *
 * Each death is made by hand: the memory is left as the dead instance would
 * have left it, and a second struct turn recovers.  tests/crash does the same
 * after every instruction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/turn.h"

enum {
	SLOTS = 8,
	STATE_BYTES = 256 * 1024,
};

struct bench {
	struct turn_mem *mem;
	uint8_t *state;
	struct ring_prod *prod; /* ours: what goes out */
	struct ring_cons *out_cons;
	struct ring_prod *in_prod; /* the neighbour's: what comes in */
	struct ring_cons *cons;
	struct ring_out out;
	struct ring_in in;
	struct turn t;
	uint32_t shown[8]; /* ids, in order */
	uint32_t nshown;
};

static void *zeroes(size_t bytes)
{
	void *p = aligned_alloc(CACHE_LINE, bytes);

	assert_non_null(p);
	return memset(p, 0, bytes);
}

static size_t ring_bytes(void)
{
	return sizeof(struct ring_prod) + SLOTS * sizeof(struct desc);
}

static void show(void *ctx, uint32_t id)
{
	struct bench *b = ctx;

	b->shown[b->nshown++ % 8] = id;
}

/* A new instance: private memory is new, shared memory is as it was. */
static bool restart(struct bench *b)
{
	b->out = (struct ring_out){
		.sh = b->prod, .their = b->out_cons, .capacity = SLOTS
	};
	b->in = (struct ring_in){
		.their = b->in_prod, .sh = b->cons, .capacity = SLOTS
	};
	b->t = (struct turn){
		.mem = b->mem,
		.base = b->state,
		.size = STATE_BYTES,
		.out = &b->out,
		.in = &b->in,
		.nout = 1,
		.nin = 1,
		.show = show,
		.ctx = b,
	};
	b->nshown = 0;
	return turn_recover(&b->t);
}

static struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->mem = zeroes((sizeof(*b->mem) + 63) & ~63UL);
	b->state = zeroes(STATE_BYTES);
	b->prod = zeroes(ring_bytes());
	b->out_cons = zeroes(sizeof(*b->out_cons));
	b->in_prod = zeroes(ring_bytes());
	b->cons = zeroes(sizeof(*b->cons));
	assert_false(restart(b));
	return b;
}

static void close_bench(struct bench *b)
{
	free(b->mem);
	free(b->state);
	free(b->prod);
	free(b->out_cons);
	free(b->in_prod);
	free(b->cons);
	free(b);
}

static void arrive(struct bench *b, uint32_t count)
{
	atomic_fetch_add(&b->in_prod->prod, count);
}

/* Change a byte, take one packet, put one. */
static void work(struct bench *b, size_t at)
{
	struct desc d;

	turn_touch(&b->t, b->state + at, 1);
	b->state[at]++;
	assert_true(ring_in_waiting(&b->in) > 0);
	ring_in_take(&b->in, &d);
	turn_suspect(&b->t);
	assert_true(ring_out_room(&b->out, 1) > 0);
	ring_out_stage(&b->out, &d);
}

static void a_turn_shows_nothing_before_its_commit(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	turn_begin(&b->t);
	work(b, 0);
	turn_object(&b->t, 5);
	assert_int_equal(b->prod->prod, 0);
	assert_int_equal(b->cons->cons, 0);
	assert_int_equal(b->nshown, 0);
	assert_true(turn_commit(&b->t));
	assert_int_equal(b->prod->prod, 1);
	assert_int_equal(b->cons->cons, 1);
	assert_int_equal(b->nshown, 1);
	assert_int_equal(b->shown[0], 5);
	assert_int_equal(b->mem->committed, 1);
	assert_int_equal(b->mem->applied, 1);
	close_bench(b);
}

static void a_turn_in_which_nothing_happened_is_none(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	turn_begin(&b->t);
	assert_false(turn_commit(&b->t));
	assert_int_equal(b->mem->committed, 0);
	/* Dead while asleep: neither undone nor a strike. */
	assert_false(restart(b));
	assert_int_equal(b->mem->strikes, 0);
	close_bench(b);
}

static void an_object_is_shown_once_however_often_it_is_named(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	turn_begin(&b->t);
	turn_object(&b->t, 3);
	turn_object(&b->t, 4);
	turn_object(&b->t, 3);
	assert_true(turn_commit(&b->t));
	assert_int_equal(b->nshown, 2);
	assert_int_equal(b->shown[0], 3);
	assert_int_equal(b->shown[1], 4);
	close_bench(b);
}

static void a_dead_turn_is_undone_newest_first(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	memcpy(b->state, "abcd", 4);
	turn_begin(&b->t);
	/* Two entries that overlap, the later one of changed bytes. */
	turn_touch(&b->t, b->state + 1, 2);
	memcpy(b->state + 1, "XX", 2);
	turn_touch(&b->t, b->state, 4);
	memcpy(b->state, "YYYY", 4);
	work(b, 100);
	assert_false(restart(b));
	assert_memory_equal(b->state, "abcd", 4);
	assert_int_equal(b->state[100], 0);
	/* What was staged is forgotten, what was taken waits again. */
	assert_int_equal(b->out.mine, 0);
	assert_int_equal(b->in.mine, 0);
	assert_int_equal(ring_in_waiting(&b->in), 1);
	close_bench(b);
}

/* The log still holds the entries of the turn before. */
static void a_death_just_after_begin_undoes_nothing(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	turn_begin(&b->t);
	work(b, 7);
	assert_true(turn_commit(&b->t));
	turn_begin(&b->t);
	assert_true(restart(b));
	assert_int_equal(b->state[7], 1);
	close_bench(b);
}

/* Between the two stores of begin: the count is 0, the number is old. */
static void a_death_within_begin_undoes_nothing(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	turn_begin(&b->t);
	work(b, 7);
	assert_true(turn_commit(&b->t));
	b->mem->log_count = 0;
	assert_true(restart(b));
	assert_int_equal(b->state[7], 1);
	assert_int_equal(b->mem->strikes, 0);
	close_bench(b);
}

static void a_committed_turn_is_applied_by_the_next_instance(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 2);
	turn_begin(&b->t);
	work(b, 0);
	work(b, 1);
	turn_object(&b->t, 9);
	assert_true(turn_commit(&b->t));
	/* As if it had died just after the store that commits. */
	b->mem->applied = 0;
	b->prod->prod = 0;
	b->cons->cons = 0;
	assert_true(restart(b));
	assert_int_equal(b->prod->prod, 2);
	assert_int_equal(b->cons->cons, 2);
	assert_int_equal(b->nshown, 1);
	assert_int_equal(b->shown[0], 9);
	assert_int_equal(b->mem->applied, 1);
	assert_int_equal(b->mem->strikes, 0);
	close_bench(b);
}

/* Half of apply was done, and the neighbour has gone on meanwhile. */
static void applying_twice_changes_nothing(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	turn_begin(&b->t);
	work(b, 0);
	assert_true(turn_commit(&b->t));
	b->mem->applied = 0;
	b->cons->cons = 0;
	b->out_cons->cons = 1;
	assert_true(restart(b));
	assert_int_equal(b->prod->prod, 1);
	assert_int_equal(b->cons->cons, 1);
	assert_int_equal(ring_out_room(&b->out, SLOTS), SLOTS);
	close_bench(b);
}

static void cursors_go_on_where_they_were_published(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 3);
	turn_begin(&b->t);
	work(b, 0);
	work(b, 0);
	assert_true(turn_commit(&b->t));
	assert_true(restart(b));
	assert_int_equal(b->out.mine, 2);
	assert_int_equal(b->in.mine, 2);
	assert_int_equal(ring_in_waiting(&b->in), 1);
	assert_int_equal(ring_out_room(&b->out, SLOTS), SLOTS - 2);
	close_bench(b);
}

/* ---- Deaths that come again ---- */

static void die_in_a_turn(struct bench *b)
{
	turn_begin(&b->t);
	work(b, 0);
	restart(b);
}

static void two_deaths_make_turns_small_the_third_is_the_packets_last(
    void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	for (int deaths = 0; deaths < 5; deaths++) {
		turn_begin(&b->t);
		assert_int_equal(b->mem->strikes, deaths);
		assert_int_equal(turn_limit(&b->t, 64), deaths < 2 ? 64 : 1);
		assert_int_equal(turn_small(&b->t), deaths >= 2);
		assert_int_equal(turn_poisonous(&b->t), deaths >= 3);
		work(b, 0);
		restart(b);
	}
	close_bench(b);
}

static void turns_stay_small_for_a_while_but_accuse_nobody(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	for (int deaths = 0; deaths < 3; deaths++)
		die_in_a_turn(b);
	for (int i = 0; i < TURN_SMALL_TURNS; i++) {
		turn_begin(&b->t);
		assert_true(turn_small(&b->t));
		assert_int_equal(turn_poisonous(&b->t), i == 0);
		turn_touch(&b->t, b->state, 1);
		assert_true(turn_commit(&b->t));
	}
	turn_begin(&b->t);
	assert_false(turn_small(&b->t));
	assert_int_equal(turn_limit(&b->t, 64), 64);
	close_bench(b);
}

static void deaths_in_different_turns_do_not_add_up(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 8);
	for (int i = 0; i < 8; i++) {
		die_in_a_turn(b);
		turn_begin(&b->t);
		assert_int_equal(b->mem->strikes, 1);
		assert_int_equal(turn_limit(&b->t, 64), 64);
		work(b, 0);
		assert_true(turn_commit(&b->t));
		b->out_cons->cons = b->prod->prod;
	}
	assert_int_equal(b->state[0], 8);
	close_bench(b);
}

/* Killed from outside, at any time: no packet is to blame. */
static void a_death_without_a_packet_in_hand_is_no_strike(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	for (int deaths = 0; deaths < 5; deaths++) {
		turn_begin(&b->t);
		turn_touch(&b->t, b->state, 1);
		b->state[0] = 1;
		restart(b);
		assert_int_equal(b->state[0], 0);
	}
	assert_int_equal(b->mem->strikes, 0);
	arrive(b, 1);
	die_in_a_turn(b);
	turn_begin(&b->t);
	restart(b);
	assert_int_equal(b->mem->strikes, 1);
	close_bench(b);
}

/* The turn was undone; whoever dies now was not killed by it. */
static void a_death_in_recovery_is_no_second_strike(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	arrive(b, 1);
	die_in_a_turn(b);
	for (int i = 0; i < 5; i++)
		restart(b);
	assert_int_equal(b->mem->strikes, 1);
	close_bench(b);
}

/* ---- The log ---- */

static void what_was_just_saved_is_not_saved_again(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	turn_begin(&b->t);
	turn_touch(&b->t, b->state + 64, 64);
	turn_touch(&b->t, b->state + 64, 64);
	turn_touch(&b->t, b->state + 70, 8);
	assert_int_equal(b->mem->log_count, 1);
	turn_touch(&b->t, b->state + 120, 16);
	assert_int_equal(b->mem->log_count, 2);
	close_bench(b);
}

static void a_turn_is_full_before_its_log_is_in_bytes(void **state)
{
	struct bench *b = open_bench();
	uint32_t touched = 0;

	(void)state;
	turn_begin(&b->t);
	while (!turn_full(&b->t)) {
		turn_touch(&b->t, b->state + touched % 2 * 4096, 4096);
		turn_touch(&b->t, b->state + 8192 + touched, 1);
		for (int i = 0; i < 8; i++)
			turn_touch(&b->t, b->state + 100000 + touched++, 1);
	}
	assert_true(b->t.log_used <= TURN_LOG_BYTES);
	/* What one packet may still touch fits. */
	turn_touch(&b->t, b->state, TURN_LOG_RESERVE - 64 * 1024);
	close_bench(b);
}

static void a_turn_is_full_before_its_log_is_in_entries(void **state)
{
	struct bench *b = open_bench();
	uint32_t touched = 0;

	(void)state;
	turn_begin(&b->t);
	while (!turn_full(&b->t))
		turn_touch(&b->t, b->state + touched++ * 8, 8);
	assert_true(b->mem->log_count < TURN_LOG_ENTRIES);
	for (int i = 0; i < TURN_LOG_RESERVE_ENTRIES - 1; i++)
		turn_touch(&b->t, b->state + touched++ * 8, 8);
	assert_true(b->mem->log_count <= TURN_LOG_ENTRIES);
	/* And all of it can be undone. */
	memset(b->state, 0xaa, (size_t)touched * 8);
	restart(b);
	for (uint32_t i = 0; i < touched * 8; i++)
		assert_int_equal(b->state[i], 0);
	close_bench(b);
}

static void a_turn_is_full_before_it_has_too_many_objects(void **state)
{
	struct bench *b = open_bench();
	uint32_t n = 0;

	(void)state;
	turn_begin(&b->t);
	while (!turn_full(&b->t))
		turn_object(&b->t, n++);
	assert_true(n <= TURN_MAX_OBJECTS - 32);
	assert_true(turn_commit(&b->t));
	assert_int_equal(b->nshown, n);
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_shows_nothing_before_its_commit),
		cmocka_unit_test(a_turn_in_which_nothing_happened_is_none),
		cmocka_unit_test(
		    an_object_is_shown_once_however_often_it_is_named),
		cmocka_unit_test(a_dead_turn_is_undone_newest_first),
		cmocka_unit_test(a_death_just_after_begin_undoes_nothing),
		cmocka_unit_test(a_death_within_begin_undoes_nothing),
		cmocka_unit_test(
		    a_committed_turn_is_applied_by_the_next_instance),
		cmocka_unit_test(applying_twice_changes_nothing),
		cmocka_unit_test(cursors_go_on_where_they_were_published),
		cmocka_unit_test(
		    two_deaths_make_turns_small_the_third_is_the_packets_last),
		cmocka_unit_test(
		    turns_stay_small_for_a_while_but_accuse_nobody),
		cmocka_unit_test(deaths_in_different_turns_do_not_add_up),
		cmocka_unit_test(a_death_without_a_packet_in_hand_is_no_strike),
		cmocka_unit_test(a_death_in_recovery_is_no_second_strike),
		cmocka_unit_test(what_was_just_saved_is_not_saved_again),
		cmocka_unit_test(a_turn_is_full_before_its_log_is_in_bytes),
		cmocka_unit_test(a_turn_is_full_before_its_log_is_in_entries),
		cmocka_unit_test(a_turn_is_full_before_it_has_too_many_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
