/*
 * test_neighbour_queue.c - waiting packets, restarts, broken tables
 */
#include "tests/unit/neighbour_world.h"

static uint8_t bytes[70000];

static void fill(uint8_t seed)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static uint32_t incomplete(struct world *w, uint32_t h)
{
	struct neighbour_hop hop;

	assert_int_equal(want(w, h, &hop), NEIGHBOUR_QUEUE);
	return hop.id;
}

/* The oldest packet of @id is these bytes; pop it. */
static void expect_packet(
    struct world *w, uint32_t id, const uint8_t *want_bytes, size_t len)
{
	uint8_t *out = malloc(len + 1);
	struct neighbour_packet p;

	assert_non_null(out);
	assert_true(neighbour_peek(&w->n, id, &p));
	assert_int_equal(p.len, len);
	assert_int_equal(p.header_len, 4);
	assert_memory_equal(p.header, "head", 4);
	neighbour_copy(&w->n, &p, out);
	assert_memory_equal(out, want_bytes, len);
	free(out);
	neighbour_pop(&w->n, id, w->now);
}

static void gives_back_every_size_in_order(void **state)
{
	static const size_t sizes[] = { 0, 1, NEIGHBOUR_DATA - 1,
		NEIGHBOUR_DATA, NEIGHBOUR_DATA + 1, 2 * NEIGHBOUR_DATA, 65535 };
	const size_t nsizes = sizeof(sizes) / sizeof(sizes[0]);
	struct world *w = world_make(8, 64);
	uint32_t id = incomplete(w, 1);

	(void)state;
	w->conf.queue_bytes = 64 * NEIGHBOUR_BLOCK;
	fill(3);
	for (size_t i = 0; i < nsizes; i++) {
		assert_int_equal(enqueue(w, id, bytes, sizes[i]), 0);
		pass(w, 1);
	}
	advert(w, 1, &MAC_A, true, true);
	world_restart(w);
	assert_int_equal(neighbour_ready(&w->n, NEIGHBOUR_NONE), id);
	for (size_t i = 0; i < nsizes; i++) {
		/* Newcomers wait behind: order is kept. */
		assert_int_equal(want(w, 1, NULL), NEIGHBOUR_QUEUE);
		expect_packet(w, id, bytes, sizes[i]);
		pass(w, 1);
	}
	assert_int_equal(want(w, 1, NULL), NEIGHBOUR_SEND);
	assert_int_equal(w->n.nfree_block, 64);
	world_free(w);
}

static void gathers_spans(void **state)
{
	struct world *w = world_make(8, 8);
	uint32_t id = incomplete(w, 1);
	struct span s[3] = { { bytes, 40 }, { bytes + 40, 1960 },
		{ bytes + 2000, 1000 } };

	(void)state;
	fill(9);
	assert_int_equal(neighbour_enqueue(&w->n, id, "head", 4, s, 3), 0);
	expect_packet(w, id, bytes, 3000);
	world_free(w);
}

static void oldest_go_first_over_the_cap(void **state)
{
	struct world *w = world_make(8, 64);
	uint32_t id = incomplete(w, 1);

	(void)state;
	for (uint8_t i = 0; i < 11; i++)
		assert_int_equal(enqueue(w, id, &i, 1), 0);
	assert_int_equal(w->n.count[NEIGHBOUR_DROP_OLDEST], 3);
	for (uint8_t i = 3; i < 11; i++)
		expect_packet(w, id, &i, 1);
	world_free(w);
}

static void refuses_what_can_never_fit(void **state)
{
	struct world *w = world_make(8, 4);
	uint32_t id = incomplete(w, 1);

	(void)state;
	assert_int_equal(
	    enqueue(w, id, bytes, 8 * NEIGHBOUR_DATA + 1), -EMSGSIZE);
	assert_int_equal(enqueue(w, id, bytes, 5 * NEIGHBOUR_DATA), -ENOBUFS);
	assert_int_equal(w->n.count[NEIGHBOUR_DROP_TOO_BIG], 1);
	assert_int_equal(w->n.count[NEIGHBOUR_DROP_NO_BLOCK], 1);
	assert_int_equal(enqueue(w, id - 1, bytes, 1), -EINVAL);
	assert_int_equal(enqueue(w, NEIGHBOUR_NONE, bytes, 1), -EINVAL);
	world_free(w);
}

static void freed_block_rests_until_the_next_turn(void **state)
{
	struct world *w = world_make(8, 1);
	uint32_t id = incomplete(w, 1);

	(void)state;
	assert_int_equal(enqueue(w, id, "a", 1), 0);
	pass(w, 1);
	neighbour_pop(&w->n, id, w->now);
	assert_int_equal(enqueue(w, id, "b", 1), -ENOBUFS);
	pass(w, 1);
	assert_int_equal(enqueue(w, id, "b", 1), 0);
	world_free(w);
}

static void sending_what_waited_for_a_stale_one_starts_the_delay(void **state)
{
	struct world *w = world_make(8, 8);
	uint32_t id = incomplete(w, 1);

	(void)state;
	assert_int_equal(enqueue(w, id, "a", 1), 0);
	heard(w, 1, &MAC_A);
	assert_int_equal(state_of(w, 1), NEIGHBOUR_STALE);
	assert_int_equal(neighbour_ready(&w->n, NEIGHBOUR_NONE), id);
	neighbour_pop(&w->n, id, w->now);
	assert_int_equal(state_of(w, 1), NEIGHBOUR_DELAY);
	world_free(w);
}

static void walks_all_that_are_ready(void **state)
{
	struct world *w = world_make(32, 32);
	uint32_t seen = 0, id, next;

	(void)state;
	for (uint32_t h = 0; h < 6; h++)
		assert_int_equal(enqueue(w, incomplete(w, h), "x", 1), 0);
	assert_int_equal(
	    neighbour_ready(&w->n, NEIGHBOUR_NONE), NEIGHBOUR_NONE);
	for (uint32_t h = 1; h < 5; h++)
		advert(w, h, &MAC_A, true, true);
	for (id = neighbour_ready(&w->n, NEIGHBOUR_NONE); id != NEIGHBOUR_NONE;
	     id = next) {
		next = neighbour_ready(&w->n, id);
		if (seen++ != 2) /* one device is full */
			neighbour_pop(&w->n, id, w->now);
	}
	assert_int_equal(seen, 4);
	id = neighbour_ready(&w->n, NEIGHBOUR_NONE);
	assert_int_not_equal(id, NEIGHBOUR_NONE);
	assert_int_equal(neighbour_ready(&w->n, id), NEIGHBOUR_NONE);
	world_free(w);
}

/* --- a table that lived through something --- */

static void restart_keeps_states_deadlines_and_packets(void **state)
{
	struct world *w = world_make(16, 8);
	struct mono deadline;
	uint32_t id = incomplete(w, 1);

	(void)state;
	enqueue(w, id, "abc", 3);
	expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
	heard(w, 2, &MAC_A);
	heard(w, 3, &MAC_A);
	advert(w, 3, &MAC_A, true, true);
	deadline = neighbour_deadline(&w->n);

	world_restart(w);
	assert_int_equal(state_of(w, 1), NEIGHBOUR_INCOMPLETE);
	assert_int_equal(state_of(w, 2), NEIGHBOUR_STALE);
	assert_int_equal(state_of(w, 3), NEIGHBOUR_REACHABLE);
	assert_int_equal(neighbour_deadline(&w->n).ns, deadline.ns);
	assert_int_equal(w->n.count[NEIGHBOUR_MENDED], 0);
	pass(w, 1000);
	expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
	pass(w, 1000);
	expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
	pass(w, 1000);
	expect(w, NEIGHBOUR_UNREACHABLE);
	expect_packet(w, id, (const uint8_t *)"abc", 3);
	world_free(w);
}

static void broken_entries_are_discarded(void **state)
{
	(void)state;
	for (int what = 0; what < 8; what++) {
		struct world *w = world_make(16, 8);
		uint32_t id = incomplete(w, 1);
		struct neighbour *e = &w->n.entry[id];

		enqueue(w, id, bytes, 3000);
		enqueue(w, id, bytes, 10);
		enqueue(w, incomplete(w, 2), "ok", 2);
		turn_check(w);
		switch (what) {
		case 0:
			e->state = NEIGHBOUR_NSTATES;
			break;
		case 1:
			e->link = 2;
			break;
		case 2:
			e->deadline = MONO_NEVER;
			break;
		case 3:
			e->queue_head = 8;
			break;
		case 4:
			e->queue_tail = e->queue_head;
			break;
		case 5:
			e->queue_blocks = 9;
			break;
		case 6:
			w->n.block[e->queue_head].len = UINT32_MAX;
			break;
		case 7: /* a ring */
			w->n.block[e->queue_tail].next_packet = e->queue_head;
			break;
		default:
			break;
		}
		neighbour_close(&w->n);
		world_open(w);
		assert_int_equal(w->n.count[NEIGHBOUR_MENDED], 1);
		assert_int_equal(w->n.nfree_block, 7);
		assert_int_equal(state_of(w, 1),
		    what < 3 ? NEIGHBOUR_FREE : NEIGHBOUR_INCOMPLETE);
		assert_int_equal(state_of(w, 2), NEIGHBOUR_INCOMPLETE);
		pass(w, 1);
		expect(w, NEIGHBOUR_SOLICIT_MULTICAST);
		world_free(w);
	}
}

static void refuses_what_is_no_table(void **state)
{
	struct world *w = world_make(16, 8);
	struct touch t = { world_saw, w };
	struct neighbours n;

	(void)state;
	assert_int_equal(
	    neighbour_open(&n, w->mem, w->size - 1, t, w->confs, 2), -EINVAL);
	assert_int_equal(neighbour_open(&n, w->mem, w->size, t, w->confs,
			     TOPO_MAX_LINKS + 1),
	    -EINVAL);
	w->n.table->entries = 0;
	assert_int_equal(
	    neighbour_open(&n, w->mem, w->size, t, w->confs, 2), -EINVAL);
	w->n.table->entries = 16;
	w->n.table->magic++;
	assert_int_equal(
	    neighbour_open(&n, w->mem, w->size, t, w->confs, 2), -EINVAL);
	w->n.table->magic--;
	world_free(w);
}

/* --- anything at all, every turn checked against the undo log --- */

static uint32_t rnd(uint32_t below)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 33) % below;
}

static void something(struct world *w)
{
	struct ip_addr ip = host(rnd(40));
	const struct mac *mac = rnd(2) ? &MAC_A : &MAC_B;
	struct neighbour_advert na = { rnd(4) ? mac : NULL, rnd(2), rnd(2),
		rnd(2) };
	struct neighbour_action a;
	struct neighbour_hop hop;

	switch (rnd(8)) {
	case 0:
	case 1:
		if (neighbour_wanted(&w->n, (uint8_t)rnd(2), &ip, w->now,
			&hop) == NEIGHBOUR_QUEUE)
			enqueue(w, hop.id, bytes, rnd(6000));
		break;
	case 2:
		neighbour_heard(&w->n, 0, &ip, mac, rnd(2), w->now);
		break;
	case 3:
		neighbour_advert(&w->n, 0, &ip, &na, w->now);
		break;
	case 4:
		neighbour_confirmed(&w->n, 0, &ip, w->now);
		break;
	case 5:
		while (neighbour_tick(&w->n, w->now, &a))
			continue;
		break;
	case 6:
		neighbour_pop(
		    &w->n, neighbour_ready(&w->n, NEIGHBOUR_NONE), w->now);
		break;
	case 7:
		if (rnd(4) == 0)
			neighbour_forget(&w->n, rnd(20));
		break;
	default:
		break;
	}
}

static void every_turn_can_be_undone(void **state)
{
	struct world *w = world_make(16, 32);

	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		for (uint32_t i = rnd(6); i > 0; i--)
			something(w);
		pass(w, rnd(50) ? rnd(400) : rnd(100000));
		if (turn % 20 == 0) {
			uint32_t nfree = w->n.nfree_block;

			/* Hints kept and hints rebuilt agree. */
			world_restart(w);
			assert_int_equal(w->n.count[NEIGHBOUR_MENDED], 0);
			assert_int_equal(w->n.nfree_block, nfree);
		}
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_every_size_in_order),
		cmocka_unit_test(gathers_spans),
		cmocka_unit_test(oldest_go_first_over_the_cap),
		cmocka_unit_test(refuses_what_can_never_fit),
		cmocka_unit_test(freed_block_rests_until_the_next_turn),
		cmocka_unit_test(
		    sending_what_waited_for_a_stale_one_starts_the_delay),
		cmocka_unit_test(walks_all_that_are_ready),
		cmocka_unit_test(restart_keeps_states_deadlines_and_packets),
		cmocka_unit_test(broken_entries_are_discarded),
		cmocka_unit_test(refuses_what_is_no_table),
		cmocka_unit_test(every_turn_can_be_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
