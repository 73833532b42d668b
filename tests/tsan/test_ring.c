/*
 * test_ring.c - both ends of a ring at once, as threads, for TSan
 *
 * TSan sees threads only, so the two processes are two threads here.  It
 * knows nothing of the indices' meaning: it complains if an entry, or the slot
 * that an entry speaks of, is touched by both without acquire and release
 * between.
 */
#include "shm/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	CAPACITY = 64,
	BATCH = 7, /* no divisor of the capacity */
	TOTAL = 50000,
	SLOT_LEN = 32,
};

/* Both indices pass 2^32 soon. */
static const uint32_t START = UINT32_MAX - 100;

struct both {
	struct ring_prod *prod;
	struct ring_cons *cons;
	uint8_t slot[CAPACITY][SLOT_LEN]; /* one for each entry */
	unsigned wrong;                   /* consumer's */
};

static struct both *new_ring(void)
{
	struct both *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->prod = aligned_alloc(CACHE_LINE,
	    sizeof(struct ring_prod) + CAPACITY * sizeof(struct desc));
	b->cons = aligned_alloc(CACHE_LINE, sizeof(struct ring_cons));
	assert_non_null(b->prod);
	assert_non_null(b->cons);
	atomic_init(&b->prod->prod, START);
	atomic_init(&b->cons->cons, START);
	return b;
}

static void free_ring(struct both *b)
{
	free(b->prod);
	free(b->cons);
	free(b);
}

static void stage(struct both *b, struct ring_out *out, uint32_t n)
{
	struct desc d = { .len = n, .slot = (uint16_t)(n % CAPACITY) };

	memset(b->slot[d.slot], (int)(n & 0xff), SLOT_LEN);
	ring_out_stage(out, &d);
}

static void *produce(void *arg)
{
	struct both *b = arg;
	struct ring_out out = {
		.sh = b->prod, .their = b->cons, .capacity = CAPACITY
	};
	uint32_t n = 0;

	ring_out_resume(&out);
	while (n < TOTAL) {
		int room = ring_out_room(&out, BATCH);

		if (room <= 0) {
			sched_yield();
			continue;
		}
		for (int i = 0; i < room && i < BATCH && n < TOTAL; i++)
			stage(b, &out, n++);
		ring_out_publish(&out, out.mine);
	}
	return NULL;
}

static bool as_sent(const struct both *b, const struct desc *d, uint32_t n)
{
	if (d->len != n || d->slot != n % CAPACITY)
		return false;
	for (int i = 0; i < SLOT_LEN; i++) {
		if (b->slot[d->slot][i] != (n & 0xff))
			return false;
	}
	return true;
}

static void *consume(void *arg)
{
	struct both *b = arg;
	struct ring_in in = {
		.their = b->prod, .sh = b->cons, .capacity = CAPACITY
	};
	uint32_t n = 0;

	ring_in_resume(&in);
	while (n < TOTAL) {
		int waiting = ring_in_waiting(&in);

		if (waiting <= 0) {
			sched_yield();
			continue;
		}
		for (; waiting > 0; waiting--, n++) {
			struct desc d;

			ring_in_take(&in, &d);
			b->wrong += !as_sent(b, &d, n);
		}
		ring_in_publish(&in, in.mine);
	}
	return NULL;
}

static void each_entry_arrives_once_in_order_and_whole(void **state)
{
	struct both *b = new_ring();
	pthread_t put, take;

	(void)state;
	assert_int_equal(pthread_create(&put, NULL, produce, b), 0);
	assert_int_equal(pthread_create(&take, NULL, consume, b), 0);
	pthread_join(put, NULL);
	pthread_join(take, NULL);

	assert_int_equal(b->wrong, 0);
	assert_int_equal(atomic_load(&b->prod->prod), START + TOTAL);
	assert_int_equal(atomic_load(&b->cons->cons), START + TOTAL);
	free_ring(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_entry_arrives_once_in_order_and_whole),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
