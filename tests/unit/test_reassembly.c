/*
 * test_reassembly.c - fragments in any order, twice, overlapping, too late
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipv4.h"
#include "ipd/ipv6.h"
#include "ipd/reassembly.h"
#include "shm/bytes.h"
#include "tests/harness/reassembly_model.h"

enum {
	MAX_BYTES = 32 * REASM_BLOCK,
	UNDO_MAX = 64,
};

/* A table, and the undo log that a turn would keep for it. */
struct bench {
	struct reassembly r;
	uint8_t *arena;
	size_t size;
	struct mono now;
	struct {
		uint8_t *at;
		uint8_t old[256];
	} undo[UNDO_MAX];
	unsigned undo_n;
	uint32_t seed;
};

/* Numbers that look random and are the same each time (xorshift). */
static uint32_t draw(struct bench *b)
{
	b->seed ^= b->seed << 13;
	b->seed ^= b->seed >> 17;
	b->seed ^= b->seed << 5;
	return b->seed;
}

static void touch(void *ctx, void *p, size_t len)
{
	struct bench *b = ctx;

	assert_int_equal(len, 256);
	assert_true(b->undo_n < UNDO_MAX);
	b->undo[b->undo_n].at = p;
	memcpy(b->undo[b->undo_n].old, p, len);
	b->undo_n++;
}

static void open_table(struct bench *b)
{
	struct reassembly_config cfg = {
		.max_bytes = MAX_BYTES,
		.max_fragments = REASM_FRAGMENTS,
		.timeout_ms = REASM_TIMEOUT_MS,
		.touch = touch,
		.ctx = b,
	};

	assert_int_equal(reassembly_init(&b->r, b->arena, b->size, &cfg), 0);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->size = reassembly_size(MAX_BYTES);
	b->arena = aligned_alloc(4096, b->size);
	assert_non_null(b->arena);
	memset(b->arena, 0, b->size);
	b->now.ns = NS_PER_S;
	b->seed = 1;
	open_table(b);
	assert_int_equal(reassembly_check(&b->r, b->now), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	free(b->arena);
	free(b);
	return 0;
}

static void next_turn(struct bench *b)
{
	b->undo_n = 0;
	reassembly_turn(&b->r);
}

/* The process died in its turn: the next one undoes it and looks again. */
static void die(struct bench *b)
{
	while (b->undo_n > 0) {
		b->undo_n--;
		memcpy(b->undo[b->undo_n].at, b->undo[b->undo_n].old, 256);
	}
	open_table(b);
	assert_int_equal(reassembly_check(&b->r, b->now), 0);
}

static uint8_t byte_at(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static uint8_t payload[65536];

/* A piece of IPv4 datagram @id from 192.0.2.1; its header has no options. */
static struct reassembly_fragment piece4(
    uint32_t id, uint32_t offset, uint32_t len, bool more)
{
	static uint8_t hdr[IPV4_HDR_LEN];
	static const uint8_t src[4] = { 192, 0, 2, 1 },
			     dst[4] = { 192, 0, 2, 2 };
	struct ipv4_hdr h = {
		.src = ip_from_v4(src),
		.dst = ip_from_v4(dst),
		.total_len = (uint16_t)(20 + len),
		.id = (uint16_t)id,
		.frag_offset = (uint16_t)offset,
		.mf = more,
		.hdr_len = 20,
		.ttl = 64,
		.proto = 17,
	};

	ipv4_emit(hdr, &h);
	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = byte_at(i);
	return (struct reassembly_fragment){
		.src = h.src,
		.dst = h.dst,
		.id = id,
		.proto = 17,
		.offset = (uint16_t)offset,
		.len = (uint16_t)len,
		.more = more,
		.hdr = hdr,
		.hdr_len = 20,
		.data = payload + offset,
	};
}

static enum reassembly_result add(
    struct bench *b, struct reassembly_fragment f, uint32_t *done)
{
	return reassembly_add(&b->r, &f, b->now, done);
}

static enum reassembly_result add4(
    struct bench *b, uint32_t id, uint32_t offset, uint32_t len, bool more)
{
	uint32_t done;

	next_turn(b);
	return add(b, piece4(id, offset, len, more), &done);
}

/* Take what is complete and see that it is @len bytes of payload. */
static void take4(struct bench *b, uint32_t done, uint32_t len)
{
	uint8_t *out = malloc(20 + len);
	struct ipv4_hdr h;

	assert_non_null(out);
	assert_int_equal(reassembly_len(&b->r, done), 20 + len);
	assert_int_equal(reassembly_take(&b->r, done, out), 20 + len);
	assert_int_equal(ipv4_parse(&h, out, 20 + len), IPV4_OK);
	assert_int_equal(h.total_len, 20 + len);
	assert_false(h.mf);
	assert_int_equal(h.frag_offset, 0);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(out[20 + i], byte_at(i));
	free(out);
}

static void any_order_of_four(void **state)
{
	static const uint32_t offset[4] = { 0, 1480, 2960, 4440 };
	struct bench *b = *state;
	uint32_t done = 0;

	for (unsigned p = 0; p < 256; p++) {
		const unsigned order[4] = { p & 3, p >> 2 & 3, p >> 4 & 3,
			p >> 6 };
		unsigned seen = 0;

		for (unsigned i = 0; i < 4; i++)
			seen |= 1U << order[i];
		if (seen != 15)
			continue;
		for (unsigned i = 0; i < 4; i++) {
			unsigned k = order[i];
			struct reassembly_fragment f =
			    piece4(p, offset[k], k == 3 ? 101 : 1480, k != 3);

			next_turn(b);
			assert_int_equal(add(b, f, &done),
			    i == 3 ? REASM_COMPLETE : REASM_HELD);
		}
		take4(b, done, 4541);
		assert_int_equal(reassembly_count(&b->r), 0);
	}
	next_turn(b);
	assert_int_equal(reassembly_blocks(&b->r), 0);
}

static void the_longest_packet_fits(void **state)
{
	struct bench *b = *state;
	uint32_t done = 0, at;

	for (at = 0; at + 1480 < 65515; at += 1480)
		assert_int_equal(add4(b, 1, at, 1480, true), REASM_HELD);
	next_turn(b);
	assert_int_equal(
	    add(b, piece4(1, at, 65515 - at, false), &done), REASM_COMPLETE);
	take4(b, done, 65515);
	assert_int_equal(add4(b, 1, 65512, 8, true), REASM_TOO_LONG);
}

static void a_duplicate_is_ignored(void **state)
{
	struct bench *b = *state;
	uint32_t done = 0;

	assert_int_equal(add4(b, 1, 0, 16, true), REASM_HELD);
	assert_int_equal(add4(b, 1, 0, 16, true), REASM_DUPLICATE);
	assert_int_equal(add4(b, 1, 24, 5, false), REASM_HELD);
	assert_int_equal(add4(b, 1, 24, 5, false), REASM_DUPLICATE);
	next_turn(b);
	assert_int_equal(add(b, piece4(1, 16, 8, true), &done), REASM_COMPLETE);
	/* Had there been no room for it, the same fragment comes again. */
	next_turn(b);
	assert_int_equal(add(b, piece4(1, 16, 8, true), &done), REASM_COMPLETE);
	take4(b, done, 29);
}

static void any_overlap_drops_the_datagram(void **state)
{
	static const struct {
		const char *why;
		uint32_t offset, len;
		bool more;
	} cases[] = {
		{ "the end of another", 8, 24, true },
		{ "the beginning of another", 24, 24, true },
		{ "within another", 16, 8, true },
		{ "all of another", 0, 48, true },
		{ "same beginning, shorter", 16, 8, true },
		{ "same beginning, longer", 16, 24, true },
		{ "same end, shorter", 24, 8, true },
		{ "the same, but the last", 16, 16, false },
		{ "an end before what is there", 0, 8, false },
		{ "beyond the end", 80, 8, true },
		{ "another end", 72, 4, false },
		{ "reaches the end, but is not it", 56, 16, true },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(add4(b, 9, 16, 16, true), REASM_HELD);
		assert_int_equal(add4(b, 9, 64, 8, false), REASM_HELD);
		if (add4(b, 9, cases[i].offset, cases[i].len, cases[i].more) !=
		    REASM_OVERLAP)
			fail_msg("%s", cases[i].why);
		assert_int_equal(reassembly_count(&b->r), 0);
	}
}

static void nonsense_is_ignored(void **state)
{
	struct bench *b = *state;
	struct reassembly_fragment f = piece4(1, 0, 16, true);
	uint32_t done;

	assert_int_equal(add4(b, 1, 0, 0, true), REASM_EMPTY);
	assert_int_equal(add4(b, 1, 0, 7, true), REASM_MALFORMED);
	assert_int_equal(add4(b, 1, 4, 8, true), REASM_MALFORMED);
	f.hdr_len = 19;
	assert_int_equal(add(b, f, &done), REASM_BAD_HEADER);
	f.hdr_len = 64;
	assert_int_equal(add(b, f, &done), REASM_BAD_HEADER);
	assert_int_equal(reassembly_count(&b->r), 0);
}

static void keys_are_kept_apart(void **state)
{
	struct bench *b = *state;
	struct reassembly_fragment f = piece4(1, 0, 8, true);
	uint32_t done;

	assert_int_equal(add(b, f, &done), REASM_HELD);
	f.proto = 6;
	assert_int_equal(add(b, f, &done), REASM_HELD);
	f.id = 2;
	assert_int_equal(add(b, f, &done), REASM_HELD);
	f.zone = 1;
	assert_int_equal(add(b, f, &done), REASM_HELD);
	f.src.b[15]++;
	assert_int_equal(add(b, f, &done), REASM_HELD);
	f.dst.b[15]++;
	assert_int_equal(add(b, f, &done), REASM_HELD);
	assert_int_equal(reassembly_count(&b->r), 6);
}

static void too_many_holes_drop_the_datagram(void **state)
{
	struct bench *b = *state;

	/* Each leaves a hole before it; one more is behind the last. */
	for (uint32_t i = 1; i < REASM_HOLES; i++)
		assert_int_equal(add4(b, 1, i * 16, 8, true), REASM_HELD);
	assert_int_equal(add4(b, 1, 32 * 16, 8, true), REASM_TOO_MANY);
	assert_int_equal(reassembly_count(&b->r), 0);
}

static void too_many_fragments_drop_the_datagram(void **state)
{
	struct bench *b = *state;

	for (uint32_t i = 0; i < REASM_FRAGMENTS; i++)
		assert_int_equal(add4(b, 1, i * 8, 8, true), REASM_HELD);
	assert_int_equal(
	    add4(b, 1, REASM_FRAGMENTS * 8, 8, true), REASM_TOO_MANY);
}

static void a_full_table_loses_its_oldest(void **state)
{
	struct bench *b = *state;
	uint32_t done;

	for (uint32_t id = 0; id < MAX_BYTES / REASM_BLOCK; id++) {
		b->now.ns += NS_PER_MS;
		assert_int_equal(add4(b, id, 0, 1480, true), REASM_HELD);
	}
	b->now.ns += NS_PER_MS;
	assert_int_equal(add4(b, 99, 0, 1480, true), REASM_LATER);
	/* Not in this turn: an undone turn must find the old bytes. */
	assert_int_equal(add(b, piece4(99, 0, 1480, true), &done), REASM_LATER);
	assert_int_equal(b->r.evicted, 2);
	assert_int_equal(add4(b, 99, 0, 1480, true), REASM_HELD);
	/* The first and second are gone, the third is not. */
	assert_int_equal(add4(b, 2, 0, 1480, true), REASM_DUPLICATE);
	assert_int_equal(add4(b, 0, 0, 1480, true), REASM_HELD);
}

static void time_runs_out(void **state)
{
	struct bench *b = *state;
	struct mono start = b->now;
	struct reassembly_expired e;
	struct ipv4_hdr h;

	assert_int_equal(reassembly_deadline(&b->r).ns, INT64_MAX);
	assert_int_equal(add4(b, 1, 0, 1480, true), REASM_HELD);
	b->now = mono_add_ms(start, 30 * 1000);
	assert_int_equal(add4(b, 1, 1480, 1480, true), REASM_HELD);
	assert_int_equal(add4(b, 2, 1480, 1480, true), REASM_HELD);

	assert_int_equal(
	    reassembly_deadline(&b->r).ns, start.ns + (int64_t)60 * NS_PER_S);
	b->now.ns = start.ns + (int64_t)60 * NS_PER_S - 1;
	next_turn(b);
	assert_false(reassembly_expire(&b->r, b->now, &e));
	b->now.ns++;
	assert_true(reassembly_expire(&b->r, b->now, &e));
	assert_int_equal(e.quote_len, 548);
	assert_int_equal(be16_get(e.quote + 2), 1500);
	assert_memory_equal(e.quote + 20, payload, 528);
	assert_int_equal(ip_v4(&e.src)[3], 1);
	assert_int_equal(ipv4_parse(&h, e.quote, 548), IPV4_BAD_LENGTH);
	assert_false(reassembly_expire(&b->r, b->now, &e));

	/* The second never saw its first fragment: no error is due. */
	b->now = reassembly_deadline(&b->r);
	assert_int_equal(b->now.ns, start.ns + (int64_t)90 * NS_PER_S);
	assert_true(reassembly_expire(&b->r, b->now, &e));
	assert_int_equal(e.quote_len, 0);
	assert_int_equal(reassembly_deadline(&b->r).ns, INT64_MAX);
}

/* IPv6 with a hop-by-hop header before the fragment header. */
static const uint8_t HEAD6[48] = {
	0x60, 0, 0, 0, 0, 24, 0, 64, /* next: hop by hop */
	0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* */
	0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, /* */
	44, 0, 1, 4, 0, 0, 0, 0, /* next: fragment */
};

static struct reassembly_fragment piece6(
    uint32_t offset, uint32_t len, bool more)
{
	struct reassembly_fragment f = piece4(0xabcdef01, offset, len, more);

	f.src = ip_from_v6(HEAD6 + 8);
	f.dst = ip_from_v6(HEAD6 + 24);
	f.proto = 0;
	f.next_header = 17;
	f.hdr = HEAD6;
	f.hdr_len = sizeof(HEAD6);
	f.named_at = 40;
	return f;
}

static void ipv6_loses_its_fragment_header(void **state)
{
	struct bench *b = *state;
	struct ipv6_complaint complaint;
	struct ipv6_chain chain;
	struct ipv6_hdr h;
	uint8_t out[48 + 24];
	uint32_t done = 0;

	assert_int_equal(add(b, piece6(16, 8, false), &done), REASM_HELD);
	assert_int_equal(add(b, piece6(0, 16, true), &done), REASM_COMPLETE);
	assert_int_equal(reassembly_take(&b->r, done, out), sizeof(out));
	assert_int_equal(ipv6_parse(&h, out, sizeof(out)), IPV6_OK);
	assert_int_equal(h.payload_len, 32);
	assert_int_equal(ipv6_walk(&chain, &complaint, out, &h), IPV6_OK);
	assert_false(chain.is_fragment);
	assert_int_equal(chain.proto, 17);
	assert_int_equal(chain.upper_at, 48);
	assert_memory_equal(out + 48, payload, 24);
}

static void ipv6_is_quoted_as_it_came(void **state)
{
	static const uint8_t frag[] = { 17, 0, 0, 1, 0xab, 0xcd, 0xef, 1 };
	struct bench *b = *state;
	struct reassembly_expired e;
	uint32_t done;

	assert_int_equal(add(b, piece6(0, 16, true), &done), REASM_HELD);
	b->now = reassembly_deadline(&b->r);
	assert_true(reassembly_expire(&b->r, b->now, &e));
	assert_int_equal(e.quote_len, 48 + 8 + 16);
	assert_memory_equal(e.quote, HEAD6, 48);
	assert_memory_equal(e.quote + 48, frag, 8);
	assert_memory_equal(e.quote + 56, payload, 16);
}

static void congestion_marks_are_not_lost(void **state)
{
	static const struct {
		uint8_t first, second;
		enum reassembly_result want;
		uint8_t mark;
	} cases[] = {
		{ 0, 0, REASM_COMPLETE, 0 },
		{ 2, 2, REASM_COMPLETE, 2 },
		{ 2, 3, REASM_COMPLETE, 3 },
		{ 3, 1, REASM_COMPLETE, 3 },
		{ 0, 3, REASM_BAD_ECN, 0 },
	};
	struct bench *b = *state;
	uint8_t out[36], hdr[20];
	struct ipv4_hdr h;
	uint32_t done = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reassembly_fragment f = piece4(1, 0, 8, true);

		next_turn(b);
		memcpy(hdr, f.hdr, 20);
		hdr[1] = f.ecn = cases[i].first;
		f.hdr = hdr;
		assert_int_equal(add(b, f, &done), REASM_HELD);
		f = piece4(1, 8, 8, false);
		f.ecn = cases[i].second;
		assert_int_equal(add(b, f, &done), cases[i].want);
		if (cases[i].want != REASM_COMPLETE)
			continue;
		assert_int_equal(reassembly_take(&b->r, done, out), 36);
		assert_int_equal(ipv4_parse(&h, out, 36), IPV4_OK);
		assert_int_equal(h.tos, cases[i].mark);
	}
}

/* Random pieces of one datagram, some twice, some wrong, against the model. */
static void agrees_with_the_model(void **state)
{
	static struct reassembly_model m;
	struct bench *b = *state;
	uint32_t done = 0, completed = 0;

	memset(&m, 0, sizeof(m));
	for (unsigned n = 0; n < 20000; n++) {
		bool wrong = draw(b) % 32 == 0;
		uint32_t offset = draw(b) % 6 * 16;
		uint32_t len = wrong ? 8 + draw(b) % 4 * 8 : 16;
		bool more = offset < 80;
		enum reassembly_result want;
		struct reassembly_fragment f;

		if (wrong && draw(b) % 2 == 0)
			more = !more;
		if (wrong && draw(b) % 2 == 0)
			offset += 8;
		f = piece4(1, offset, more ? len : len - 3, more);
		next_turn(b);
		want = model_add(&m, &f);
		assert_int_equal(add(b, f, &done), want);
		if (want == REASM_COMPLETE) {
			take4(b, done, model_len(&m));
			m.n = 0;
			completed++;
		}
	}
	assert_true(completed > 100);
}

/* Each turn is killed at its end and done again: nothing else comes of it. */
static void a_turn_that_died_leaves_no_trace(void **state)
{
	struct bench *b = *state;
	uint32_t done = 0, at = 0;
	uint8_t *out = malloc(65535);

	assert_non_null(out);
	for (unsigned n = 0; n < 3000; n++) {
		uint32_t id = draw(b) % 40;
		uint32_t k = draw(b) % 4;
		struct reassembly_fragment f =
		    piece4(id, k * 1480, k == 3 ? 99 : 1480, k != 3);
		struct reassembly_fragment other =
		    piece4(100 + n, 0, 16 + draw(b) % 100 * 8, true);
		enum reassembly_result rc;

		b->now.ns += NS_PER_MS;
		next_turn(b);
		rc = add(b, f, &done);
		if (rc == REASM_COMPLETE)
			reassembly_take(&b->r, done, out);
		add(b, other, &at);
		die(b);
		next_turn(b);
		/* Only what it had in limbo may be free now. */
		if (rc != REASM_LATER)
			assert_int_equal(add(b, f, &done), rc);
		else
			add(b, f, &done);
		if (rc == REASM_COMPLETE)
			take4(b, done, 4539);
	}
	free(out);
}

static void a_damaged_record_is_thrown_away(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 0; n < 2000; n++) {
		uint32_t done;

		next_turn(b);
		for (uint32_t id = 0; id < 3; id++)
			add(b, piece4(id, 8 * (n % 5), 4096, true), &done);
		for (unsigned k = 0; k < 4; k++)
			b->arena[draw(b) % (32 * 256)] = (uint8_t)draw(b);
		open_table(b);
		reassembly_check(&b->r, b->now);
		assert_int_equal(reassembly_check(&b->r, b->now), 0);
		next_turn(b);
		for (uint32_t id = 0; id < 3; id++)
			add(b, piece4(id, 8192, 800, false), &done);
	}
}

static void refuses_an_arena_too_small(void **state)
{
	struct bench *b = *state;
	struct reassembly_config cfg = b->r.cfg;
	struct reassembly r;

	assert_int_equal(
	    reassembly_init(&r, b->arena, b->size - 1, &cfg), -EINVAL);
	cfg.max_bytes = REASM_MIN_BYTES - 1;
	assert_int_equal(reassembly_init(&r, b->arena, b->size, &cfg), -EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(any_order_of_four),
		TEST(the_longest_packet_fits),
		TEST(a_duplicate_is_ignored),
		TEST(any_overlap_drops_the_datagram),
		TEST(nonsense_is_ignored),
		TEST(keys_are_kept_apart),
		TEST(too_many_holes_drop_the_datagram),
		TEST(too_many_fragments_drop_the_datagram),
		TEST(a_full_table_loses_its_oldest),
		TEST(time_runs_out),
		TEST(ipv6_loses_its_fragment_header),
		TEST(ipv6_is_quoted_as_it_came),
		TEST(congestion_marks_are_not_lost),
		TEST(agrees_with_the_model),
		TEST(a_turn_that_died_leaves_no_trace),
		TEST(a_damaged_record_is_thrown_away),
		TEST(refuses_an_arena_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
