/*
 * test_tap.c - the ring of records: seen + lost = made, for every reader
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/tap.h"
#include "tests/harness/random.h"

enum {
	PLACE = 3,
	OTHER = TAP_PLACE_DEVICE + 1,
};

struct bench {
	struct tap_mem *mem;
	struct tap t;
	uint8_t bytes[TAP_SNAP_MAX];
	uint64_t made, made_at[TAP_PLACES]; /* sealed, whatever became of it */
};

static struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->mem = aligned_alloc(CACHE_LINE, TAP_SEGMENT_BYTES);
	assert_non_null(b->mem);
	memset(b->mem, 0, TAP_SEGMENT_BYTES);
	tap_resume(&b->t, b->mem);
	return b;
}

static void close_bench(struct bench *b)
{
	free(b->mem);
	free(b);
}

/* What the turn does (turn.h). */
static void publish(struct bench *b)
{
	tap_seal(&b->t, NULL, NULL);
	atomic_store(&b->mem->published, b->t.serial);
	tap_end(&b->t);
}

static bool stage(struct bench *b, uint16_t place, uint32_t len, uint8_t fill)
{
	struct tap_record r = { .kind = TAP_TAKE, .place = place };
	struct tap_span s[2] = { { b->bytes, len / 3 },
		{ b->bytes + len / 3, len - len / 3 } };

	memset(b->bytes, fill, len);
	b->made++;
	b->made_at[place]++;
	if (tap_stage(&b->t, &r, s, 2, TAP_SNAP_MAX) != NULL)
		return true;
	tap_miss(&b->t, place);
	return false;
}

static void one(struct bench *b, uint32_t len, uint8_t fill)
{
	stage(b, PLACE, len, fill);
	publish(b);
}

static void assert_record(
    struct tap_reader *r, uint64_t number, uint32_t len, uint8_t fill)
{
	static uint8_t bytes[TAP_SNAP_MAX];
	struct tap_record rec;

	assert_true(tap_read(r, &rec, bytes));
	assert_int_equal(rec.number, number);
	assert_int_equal(rec.len, len);
	assert_int_equal(rec.caplen, len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], fill);
}

static void assert_nothing(struct tap_reader *r)
{
	static uint8_t bytes[TAP_SNAP_MAX];
	struct tap_record rec;

	assert_false(tap_read(r, &rec, bytes));
}

static void a_record_is_seen_when_its_turn_is_published(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader r;

	(void)state;
	assert_true(tap_reader_open(&r, b->mem));
	assert_nothing(&r);
	stage(b, PLACE, 100, 'a');
	assert_nothing(&r);
	tap_seal(&b->t, NULL, NULL);
	assert_nothing(&r);
	atomic_store(&b->mem->published, b->t.serial);
	assert_record(&r, 0, 100, 'a');
	assert_nothing(&r);
	assert_int_equal(r.seen, 1);
	assert_int_equal(r.lost, 0);
	close_bench(b);
}

static void an_undone_turn_shows_nothing_and_leaves_no_gap(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader r;

	(void)state;
	tap_reader_open(&r, b->mem);
	one(b, 10, 'a');
	/* Dead once after sealing, once amid staging. */
	stage(b, PLACE, 2000, 'x');
	tap_seal(&b->t, NULL, NULL);
	tap_resume(&b->t, b->mem);
	stage(b, PLACE, 20000, 'x');
	tap_resume(&b->t, b->mem);
	one(b, 30, 'b');
	assert_record(&r, 0, 10, 'a');
	assert_record(&r, 1, 30, 'b');
	assert_nothing(&r);
	assert_int_equal(r.lost, 0);
	close_bench(b);
}

static void a_dead_instance_that_got_further_is_heeded(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader r;

	(void)state;
	tap_reader_open(&r, b->mem);
	one(b, 1000, 'a');
	/* Almost round: what a turn stages and never publishes overwrites. */
	for (int i = 0; i < 120; i++)
		one(b, 64000, 'm');
	for (int i = 0; i < 60; i++)
		stage(b, PLACE, 64000, 'x');
	tap_resume(&b->t, b->mem);
	one(b, 10, 'z');
	assert_nothing(&r);
	assert_int_equal(r.seen, 0);
	assert_int_equal(r.lost, 122);
	close_bench(b);
}

static void two_readers_each_at_its_own_pace(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader quick, slow;

	(void)state;
	tap_reader_open(&quick, b->mem);
	tap_reader_open(&slow, b->mem);
	for (uint32_t i = 0; i < 1000; i++) {
		one(b, 20000, (uint8_t)i);
		assert_record(&quick, i, 20000, (uint8_t)i);
	}
	assert_nothing(&slow);
	one(b, 5, 'e');
	assert_record(&quick, 1000, 5, 'e');
	assert_record(&slow, 1000, 5, 'e');
	assert_int_equal(quick.lost, 0);
	assert_int_equal(slow.lost, 1000);
	assert_int_equal(slow.lost_at[PLACE], 1000);
	assert_int_equal(slow.lost_at[OTHER], 0);
	close_bench(b);
}

static void who_comes_later_misses_nothing_of_before(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader r;

	(void)state;
	for (int i = 0; i < 5; i++)
		one(b, 10, 'a');
	tap_reader_open(&r, b->mem);
	one(b, 10, 'b');
	assert_record(&r, 5, 10, 'b');
	assert_nothing(&r);
	assert_int_equal(r.seen, 1);
	assert_int_equal(r.lost, 0);
	close_bench(b);
}

static void what_has_no_room_in_its_turn_counts_as_lost(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader r;
	uint32_t staged = 0;

	(void)state;
	tap_reader_open(&r, b->mem);
	for (int i = 0; i < 100; i++)
		staged += stage(b, i % 2 ? PLACE : OTHER, 70000, 'a');
	assert_in_range(staged, 50, 60);
	publish(b);
	for (uint32_t i = 0; i < staged; i++)
		assert_record(&r, i, 70000, 'a');
	assert_nothing(&r);
	assert_int_equal(r.lost, 100 - staged);
	assert_int_equal(r.lost_at[PLACE] + r.seen_at[PLACE], 50);
	one(b, 1, 'b');
	assert_record(&r, 100, 1, 'b');
	close_bench(b);
}

static bool not_the_odd(void *ctx, struct tap_record *r)
{
	(void)ctx;
	return r->len % 2 == 0;
}

static void what_did_not_happen_has_no_number(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader r;

	(void)state;
	tap_reader_open(&r, b->mem);
	for (uint32_t i = 0; i < 4; i++)
		stage(b, PLACE, 100 + i, 'a');
	tap_seal(&b->t, not_the_odd, NULL);
	atomic_store(&b->mem->published, b->t.serial);
	assert_record(&r, 0, 100, 'a');
	assert_record(&r, 1, 102, 'a');
	assert_nothing(&r);
	/* If none did, it is as if nothing had been staged. */
	stage(b, PLACE, 1, 'a');
	tap_seal(&b->t, not_the_odd, NULL);
	assert_int_equal(b->t.serial, atomic_load(&b->mem->published));
	one(b, 2, 'c');
	assert_record(&r, 2, 2, 'c');
	assert_int_equal(r.lost, 0);
	close_bench(b);
}

static void only_the_snap_length_is_copied(void **state)
{
	struct bench *b = open_bench();
	struct tap_record r = { .kind = TAP_PUT, .place = PLACE }, got;
	struct tap_span s = { "0123456789", 10 };
	struct tap_reader reader;

	(void)state;
	tap_reader_open(&reader, b->mem);
	tap_stage(&b->t, &r, &s, 1, 4);
	publish(b);
	assert_true(tap_read(&reader, &got, b->bytes));
	assert_int_equal(got.len, 10);
	assert_int_equal(got.caplen, 4);
	assert_memory_equal(b->bytes, "0123", 4);
	close_bench(b);
}

/* Turns of any size, a reader that sleeps now and then, deaths. */
static void seen_and_lost_are_all_that_was_made(void **state)
{
	struct bench *b = open_bench();
	struct random rnd = { 7 };
	struct tap_reader r;
	struct tap_record rec;
	uint64_t made = 0;

	(void)state;
	tap_reader_open(&r, b->mem);
	for (int turn = 0; turn < 3000; turn++) {
		uint32_t n = random_below(&rnd, 8);

		for (uint32_t i = 0; i < n; i++)
			stage(b, random_below(&rnd, 2) ? PLACE : OTHER,
			    random_below(&rnd, 20000), (uint8_t)turn);
		if (random_below(&rnd, 10) == 0) {
			tap_resume(&b->t, b->mem);
			continue;
		}
		publish(b);
		made = b->t.next.records;
		if (random_below(&rnd, 200) == 0)
			while (tap_read(&r, &rec, b->bytes))
				if (rec.caplen > 0)
					assert_int_equal(b->bytes[0],
					    b->bytes[rec.caplen - 1]);
		assert_true(r.seen + r.lost <= made);
	}
	while (tap_read(&r, &rec, b->bytes))
		;
	assert_true(r.seen > 0 && r.lost > 0);
	assert_int_equal(r.seen + r.lost, made);
	assert_int_equal(
	    r.seen_at[PLACE] + r.lost_at[PLACE], b->t.next.made[PLACE]);
	assert_int_equal(
	    r.seen_at[OTHER] + r.lost_at[OTHER], b->t.next.made[OTHER]);
	close_bench(b);
}

static void *write_on(void *arg)
{
	struct bench *b = arg;

	for (uint32_t i = 0; i < 20000; i++)
		one(b, 100 + i * 7 % 9000, (uint8_t)i);
	return NULL;
}

/* Both at once: no copy is of two records. */
static void a_writer_that_does_not_wait(void **state)
{
	static uint8_t bytes[TAP_SNAP_MAX];
	struct bench *b = open_bench();
	struct tap_reader r;
	struct tap_record rec;
	pthread_t writer;

	(void)state;
	tap_reader_open(&r, b->mem);
	assert_int_equal(pthread_create(&writer, NULL, write_on, b), 0);
	while (r.seen + r.lost < 20000) {
		if (!tap_read(&r, &rec, bytes))
			continue;
		assert_int_equal(rec.caplen, 100 + rec.number * 7 % 9000);
		for (uint32_t i = 0; i < rec.caplen; i++)
			if (bytes[i] != (uint8_t)rec.number)
				fail_msg("byte %u of record %u", i,
				    (unsigned)rec.number);
	}
	pthread_join(writer, NULL);
	assert_int_equal(r.seen + r.lost, 20000);
	assert_int_equal(r.seen_at[PLACE], r.seen);
	assert_int_equal(r.lost_at[PLACE], r.lost);
	close_bench(b);
}

static void the_watermark_is_the_open_turn(void **state)
{
	struct bench *b = open_bench();
	struct tap_reader r;
	struct mono now = { 5000 };

	(void)state;
	tap_reader_open(&r, b->mem);
	assert_int_equal(tap_watermark(&r, now).ns, 5000);
	tap_begin(&b->t, (struct mono){ 4000 });
	assert_int_equal(tap_watermark(&r, now).ns, 4000);
	/* Who died in it has no turn that is open. */
	tap_resume(&b->t, b->mem);
	assert_int_equal(tap_watermark(&r, now).ns, 5000);
	tap_begin(&b->t, (struct mono){ 4000 });
	tap_end(&b->t);
	assert_int_equal(tap_watermark(&r, now).ns, 5000);
	close_bench(b);
}

/* It is another process's memory: nothing in it is believed. */
static void a_ring_that_lies_is_skipped(void **state)
{
	static const struct {
		uint32_t bytes, caplen;
		uint16_t place;
	} lies[] = {
		{ 0, 0, PLACE },
		{ 17, 0, PLACE },
		{ 96, 0, PLACE },
		{ TAP_BYTES, 0, PLACE },
		{ 128, 100, PLACE },
		{ 128, UINT32_MAX, PLACE },
		{ 128, 16, TAP_PLACES },
	};
	struct bench *b = open_bench();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct tap_reader r;
		struct tap_record rec;
		struct tap_record *lie;

		tap_reader_open(&r, b->mem);
		lie = (void *)((uint8_t *)b->mem + TAP_DATA_OFF + b->t.pos);
		one(b, 16, 'a');
		lie->bytes = lies[i].bytes;
		lie->caplen = lies[i].caplen;
		lie->place = lies[i].place;
		assert_false(tap_read(&r, &rec, b->bytes));
		assert_int_equal(r.lost, 1);
	}
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_seen_when_its_turn_is_published),
		cmocka_unit_test(
		    an_undone_turn_shows_nothing_and_leaves_no_gap),
		cmocka_unit_test(a_dead_instance_that_got_further_is_heeded),
		cmocka_unit_test(two_readers_each_at_its_own_pace),
		cmocka_unit_test(who_comes_later_misses_nothing_of_before),
		cmocka_unit_test(what_has_no_room_in_its_turn_counts_as_lost),
		cmocka_unit_test(what_did_not_happen_has_no_number),
		cmocka_unit_test(only_the_snap_length_is_copied),
		cmocka_unit_test(seen_and_lost_are_all_that_was_made),
		cmocka_unit_test(a_writer_that_does_not_wait),
		cmocka_unit_test(the_watermark_is_the_open_turn),
		cmocka_unit_test(a_ring_that_lies_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
