/*
 * test_impair_store.c - frames that wait: their order, their bytes, their room,
 * and that a death at any time leaves those of the last committed turn
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "linkd/impair_store.h"
#include "tests/harness/random.h"

enum {
	LINES = 1 << 0 | 1 << 1 | 1 << 5, /* ours */
	LOG_ENTRIES = 4096,
	LOG_BYTES = 128,
};

/* The store, and an undo log as a turn has one. */
struct world {
	struct impair_store s;
	struct impair_memory *mem;
	struct {
		void *p;
		size_t len;
		uint8_t old[LOG_BYTES];
	} log[LOG_ENTRIES];
	uint32_t nlog;
	struct mono now;
	struct random rnd;
};

static void announce(void *ctx, void *p, size_t len)
{
	struct world *w = ctx;

	assert_true(w->nlog < LOG_ENTRIES && len <= LOG_BYTES);
	w->log[w->nlog].p = p;
	w->log[w->nlog].len = len;
	memcpy(w->log[w->nlog++].old, p, len);
}

static int reopen(struct world *w)
{
	struct touch t = { announce, w };
	int r;

	impair_store_close(&w->s);
	w->nlog = 0;
	r = impair_store_open(&w->s, w->mem, t, LINES);
	impair_store_turn(&w->s);
	return r;
}

static struct world *world_make(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->mem = calloc(1, sizeof(*w->mem));
	assert_non_null(w->mem);
	impair_format(w->mem);
	w->now.ns = 1000;
	assert_int_equal(reopen(w), 0);
	return w;
}

static void world_free(struct world *w)
{
	impair_store_close(&w->s);
	free(w->mem);
	free(w);
}

static void commit(struct world *w)
{
	w->nlog = 0;
	impair_store_turn(&w->s);
}

/* The turn never was. */
static void undo(struct world *w)
{
	while (w->nlog-- > 0)
		memcpy(w->log[w->nlog].p, w->log[w->nlog].old,
		    w->log[w->nlog].len);
	assert_int_equal(reopen(w), 0);
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static int add(
    struct world *w, uint32_t line, size_t len, int64_t due, uint32_t seed)
{
	static uint8_t bytes[IMPAIR_FRAME_MAX + 1];
	struct span s[2] = { { bytes, len / 3 }, { NULL, 0 } };

	fill(bytes, len, seed);
	s[1] = (struct span){ bytes + len / 3, len - len / 3 };
	return impair_store_add(&w->s, line, s, 2, (struct mono){ due }, 0, 0);
}

static void expect(struct world *w, uint32_t line, size_t len, uint32_t seed)
{
	static uint8_t got[IMPAIR_FRAME_MAX], want[IMPAIR_FRAME_MAX];
	struct impair_held h;

	assert_true(impair_store_take(&w->s, line, w->now, &h));
	assert_int_equal(impair_store_len(&w->s, &h), len);
	impair_store_copy(&w->s, &h, got);
	fill(want, len, seed);
	assert_memory_equal(got, want, len);
	impair_store_drop(&w->s, &h);
}

static void expect_nothing(struct world *w, uint32_t line)
{
	struct impair_held h;

	assert_false(impair_store_take(&w->s, line, w->now, &h));
}

static void gives_back_what_is_due_in_order(void **state)
{
	static const size_t sizes[] = { 1, IMPAIR_DATA - 1, IMPAIR_DATA,
		IMPAIR_DATA + 1, 1514, IMPAIR_FRAME_MAX };
	struct world *w = world_make();

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(add(w, 1, sizes[i], 5000, i), 0);
	assert_int_equal(add(w, 1, 60, 4000, 9), 0);
	assert_int_equal(add(w, 0, 60, 9000, 10), 0);
	commit(w);
	expect_nothing(w, 1);
	assert_int_equal(impair_store_due(&w->s, 1).ns, 4000);
	w->now.ns = 5000;
	expect(w, 1, 60, 9);
	for (uint32_t i = 0; i < 6; i++)
		expect(w, 1, sizes[i], i);
	expect_nothing(w, 1);
	expect_nothing(w, 0);
	assert_int_equal(impair_store_due(&w->s, 1).ns, MONO_NEVER.ns);
	world_free(w);
}

static void turns_one_bit(void **state)
{
	static const uint32_t bits[] = { 1, 8 * IMPAIR_DATA - 1,
		8 * IMPAIR_DATA, 8 * 1000 + 5 };
	struct world *w = world_make();
	uint8_t zeroes[2000] = { 0 }, got[2000];
	struct span s = { zeroes, sizeof(zeroes) };

	(void)state;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		struct impair_held h;

		impair_store_add(&w->s, 0, &s, 1, w->now, 3, bits[i]);
		assert_true(impair_store_take(&w->s, 0, w->now, &h));
		assert_int_equal(impair_store_flags(&w->s, &h), 3);
		impair_store_copy(&w->s, &h, got);
		got[bits[i] / 8] ^= (uint8_t)(1 << bits[i] % 8);
		assert_memory_equal(got, zeroes, sizeof(zeroes));
		impair_store_drop(&w->s, &h);
	}
	world_free(w);
}

static void refuses_what_has_no_room(void **state)
{
	struct world *w = world_make();
	uint32_t n = 0;

	(void)state;
	assert_int_equal(add(w, 0, 0, 0, 0), -EMSGSIZE);
	assert_int_equal(add(w, 0, IMPAIR_FRAME_MAX + 1, 0, 0), -EMSGSIZE);
	while (add(w, n & 1, 1514, 0, n) == 0)
		n++;
	assert_int_equal(n, IMPAIR_BLOCKS / 4);
	assert_int_equal(add(w, 0, 60, 0, 0), -ENOBUFS);

	/* What has gone makes room, but not in the same turn. */
	expect(w, 0, 1514, 0);
	assert_int_equal(impair_store_room(&w->s), 0);
	assert_int_equal(impair_store_room_soon(&w->s), 4);
	assert_int_equal(add(w, 0, 60, 0, 0), -ENOBUFS);
	commit(w);
	assert_int_equal(add(w, 0, 60, 0, 0), 0);
	world_free(w);
}

static void what_is_let_go_goes_first_and_in_order(void **state)
{
	struct world *w = world_make();

	(void)state;
	add(w, 0, 100, 9000000, 1);
	add(w, 0, 100, 8000000, 2);
	add(w, 1, 100, 8000000, 3);
	impair_store_let_go(&w->s, 0);
	add(w, 0, 100, 1000, 4);
	commit(w);
	for (int restart = 0; restart < 2; restart++) {
		if (restart)
			undo(w);
		expect(w, 0, 100, 1);
		expect(w, 0, 100, 2);
		expect(w, 0, 100, 4);
		expect_nothing(w, 1);
	}
	world_free(w);
}

static void what_is_put_back_is_first_again(void **state)
{
	struct world *w = world_make();
	struct impair_held a, b;

	(void)state;
	add(w, 0, 100, 0, 1);
	add(w, 0, 100, 0, 2);
	assert_true(impair_store_take(&w->s, 0, w->now, &a));
	assert_true(impair_store_take(&w->s, 0, w->now, &b));
	impair_store_put_back(&w->s, 0, &b);
	impair_store_put_back(&w->s, 0, &a);
	expect(w, 0, 100, 1);
	expect(w, 0, 100, 2);
	world_free(w);
}

/* ---- Death ---- */

/* All that waits, as one number. */
static uint64_t contents(struct world *w)
{
	static const uint32_t lines[] = { 0, 1, 5 };
	static uint8_t bytes[IMPAIR_FRAME_MAX];
	uint64_t sum = w->mem->order;

	for (size_t l = 0; l < 3; l++) {
		struct impair_held all[512];
		uint32_t n = 0;

		while (impair_store_take(
		    &w->s, lines[l], (struct mono){ INT64_MAX - 1 }, &all[n])) {
			uint32_t len = impair_store_len(&w->s, &all[n]);

			impair_store_copy(&w->s, &all[n], bytes);
			sum = sum * 31 + (uint64_t)all[n].due.ns;
			for (uint32_t i = 0; i < len; i++)
				sum = sum * 31 + bytes[i];
			assert_true(++n < 512);
		}
		while (n-- > 0)
			impair_store_put_back(&w->s, lines[l], &all[n]);
		sum += w->mem->line[lines[l]].frames;
	}
	return sum;
}

static void something(struct world *w)
{
	static const uint32_t lines[] = { 0, 1, 5 };
	uint32_t line = lines[random_below(&w->rnd, 3)];
	struct impair_held h;

	switch (random_below(&w->rnd, 8)) {
	case 0:
	case 1:
	case 2:
		if (w->s.n[line] < 100)
			add(w, line, 1 + random_below(&w->rnd, 2000),
			    w->now.ns + random_below(&w->rnd, 5000),
			    random_below(&w->rnd, 256));
		return;
	case 3:
		impair_store_line(&w->s, line)->frames++;
		return;
	case 4:
		if (random_chance(&w->rnd, 5))
			impair_store_let_go(&w->s, line);
		return;
	default:
		if (!impair_store_take(&w->s, line, w->now, &h))
			return;
		if (random_chance(&w->rnd, 20))
			impair_store_put_back(&w->s, line, &h);
		else
			impair_store_drop(&w->s, &h);
		return;
	}
}

static void every_turn_can_be_undone(void **state)
{
	struct world *w = world_make();

	(void)state;
	for (int turn = 0; turn < 2000; turn++) {
		uint64_t before = contents(w);

		for (uint32_t i = random_below(&w->rnd, 10); i > 0; i--)
			something(w);
		w->now.ns += random_below(&w->rnd, 2000);
		if (random_chance(&w->rnd, 30)) {
			undo(w);
			assert_int_equal(contents(w), before);
			continue;
		}
		before = contents(w);
		commit(w);
		if (random_chance(&w->rnd, 10)) {
			uint32_t room = impair_store_room(&w->s);

			/* Hints kept and hints rebuilt agree. */
			assert_int_equal(reopen(w), 0);
			assert_int_equal(impair_store_room(&w->s), room);
			assert_int_equal(contents(w), before);
		}
	}
	world_free(w);
}

static void broken_frames_are_gone_and_counted(void **state)
{
	struct world *w = world_make();

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		add(w, 0, 1514, 0, i);
	commit(w);
	/* Frames lie at 0 to 3 (last block first), 4 to 7, and so on. */
	w->mem->block[3].len = 0;
	w->mem->block[7].len = UINT32_MAX;
	w->mem->block[11].line = 200;
	w->mem->block[15].line = 2;        /* not ours */
	w->mem->block[19].next = 1u << 30; /* nowhere */
	w->mem->block[23].next = 26;       /* another's */
	w->mem->block[24].next = 27;       /* round and round */
	assert_int_equal(reopen(w), 7);
	expect(w, 0, 1514, 7);
	expect_nothing(w, 0);
	commit(w);
	assert_int_equal(reopen(w), 0);
	world_free(w);
}

/* What a new instance pays for a full store (printed with V=1). */
static void a_full_store_is_found_again_soon(void **state)
{
	struct world *w = world_make();
	struct timespec a, b;
	uint32_t n = 0;

	(void)state;
	while (add(w, n & 1, 60, 1000000 - (int64_t)n * 7919 % 65536, n) == 0)
		n++;
	assert_int_equal(n, IMPAIR_BLOCKS);
	commit(w);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(reopen(w), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(w->s.n[0] + w->s.n[1], IMPAIR_BLOCKS);
	printf("%u frames found again in %ld us\n", n,
	    (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000);
	world_free(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_is_due_in_order),
		cmocka_unit_test(turns_one_bit),
		cmocka_unit_test(refuses_what_has_no_room),
		cmocka_unit_test(what_is_let_go_goes_first_and_in_order),
		cmocka_unit_test(what_is_put_back_is_first_again),
		cmocka_unit_test(every_turn_can_be_undone),
		cmocka_unit_test(broken_frames_are_gone_and_counted),
		cmocka_unit_test(a_full_store_is_found_again_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
