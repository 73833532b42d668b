/*
 * impair_store.c - frames that are on a bad wire, until they are due
 */
#include "linkd/impair_store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(offsetof(struct impair_block, data) == IMPAIR_HEADER, "packed");
static_assert(sizeof(struct impair_block) == IMPAIR_BLOCK, "no gaps");

/* ---- A line's heap: what is due first, first ---- */

static bool sooner(const struct impair_held *a, const struct impair_held *b)
{
	return a->due.ns != b->due.ns ? mono_before(a->due, b->due)
				      : a->order < b->order;
}

static void heap_add(
    struct impair_store *s, uint32_t line, const struct impair_held *h)
{
	struct impair_held *heap = s->heap[line];
	uint32_t i = s->n[line]++;

	for (; i > 0 && sooner(h, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = *h;
}

static void heap_remove_first(struct impair_store *s, uint32_t line)
{
	struct impair_held *heap = s->heap[line];
	uint32_t n = --s->n[line];
	struct impair_held last = heap[n];
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && sooner(&heap[child + 1], &heap[child]))
			child++;
		if (!sooner(&heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
}

/* ---- Blocks ---- */

uint32_t impair_store_need(size_t len)
{
	return len == 0 ? 1 : (uint32_t)((len + IMPAIR_DATA - 1) / IMPAIR_DATA);
}

uint32_t impair_store_room(const struct impair_store *s)
{
	return s->nfree + (IMPAIR_BLOCKS - s->fresh);
}

uint32_t impair_store_room_soon(const struct impair_store *s)
{
	return impair_store_room(s) + s->nfreed;
}

void impair_store_turn(struct impair_store *s)
{
	while (s->nfreed > 0)
		s->free[s->nfree++] = s->freed[--s->nfreed];
	memset(s->words, 0, sizeof(s->words));
	s->lines = 0;
	s->order = false;
}

static uint32_t block_alloc(struct impair_store *s)
{
	return s->nfree > 0 ? s->free[--s->nfree] : s->fresh++;
}

/* All once a turn, or many small frames would fill the undo log. */
static uint64_t *used_word(struct impair_store *s, uint32_t block)
{
	uint32_t i = block / 64;
	uint64_t bit = (uint64_t)1 << i % 64;

	if ((s->words[i / 64] & bit) == 0)
		touch(&s->touch, &s->mem->used[i], sizeof(uint64_t));
	s->words[i / 64] |= bit;
	return &s->mem->used[i];
}

static uint64_t take_order(struct impair_store *s)
{
	if (!s->order)
		touch(&s->touch, &s->mem->order, sizeof(s->mem->order));
	s->order = true;
	return s->mem->order++;
}

struct impair_line *impair_store_line(struct impair_store *s, uint32_t line)
{
	struct impair_line *l = &s->mem->line[line];

	if ((s->lines >> line & 1) == 0)
		touch(&s->touch, l, sizeof(*l));
	s->lines |= 1U << line;
	return l;
}

static uint64_t used_bit(uint32_t block)
{
	return (uint64_t)1 << block % 64;
}

/* ---- In ---- */

/* Into free blocks, last one first: each knows its successor. */
static uint32_t store(struct impair_store *s, const struct span *spans,
    unsigned nspans, size_t len)
{
	uint32_t next = IMPAIR_NONE;

	for (uint32_t i = impair_store_need(len); i-- > 0;) {
		uint32_t at = block_alloc(s);
		struct impair_block *b = &s->mem->block[at];

		b->next = next;
		spans_copy(b->data, spans, nspans, (size_t)i * IMPAIR_DATA,
		    IMPAIR_DATA);
		next = at;
	}
	return next;
}

static void turn_bit(struct impair_store *s, uint32_t block, uint32_t bit)
{
	uint32_t byte = bit / 8;

	for (; byte >= IMPAIR_DATA; byte -= IMPAIR_DATA)
		block = s->mem->block[block].next;
	s->mem->block[block].data[byte] ^= (uint8_t)(1U << bit % 8);
}

int impair_store_add(struct impair_store *s, uint32_t line,
    const struct span *spans, unsigned nspans, struct mono due, uint8_t flags,
    uint32_t flip)
{
	size_t len = spans_len(spans, nspans);
	struct impair_held h = { .due = due };
	struct impair_block *b;

	if (len == 0 || len > IMPAIR_FRAME_MAX || flip >= len * 8)
		return -EMSGSIZE;
	if (impair_store_need(len) > impair_store_room(s))
		return -ENOBUFS;
	h.block = store(s, spans, nspans, len);
	if (flip != 0)
		turn_bit(s, h.block, flip);
	h.order = take_order(s);
	b = &s->mem->block[h.block];
	b->len = (uint32_t)len;
	b->due = due;
	b->order = h.order;
	b->line = (uint8_t)line;
	b->flags = flags;
	*used_word(s, h.block) |= used_bit(h.block);
	heap_add(s, line, &h);
	return 0;
}

/* ---- Out ---- */

struct mono impair_store_due(const struct impair_store *s, uint32_t line)
{
	return s->n[line] > 0 ? s->heap[line][0].due : MONO_NEVER;
}

bool impair_store_take(struct impair_store *s, uint32_t line, struct mono now,
    struct impair_held *ret)
{
	if (!mono_reached(impair_store_due(s, line), now))
		return false;
	*ret = s->heap[line][0];
	heap_remove_first(s, line);
	return true;
}

void impair_store_put_back(
    struct impair_store *s, uint32_t line, const struct impair_held *h)
{
	heap_add(s, line, h);
}

void impair_store_drop(struct impair_store *s, const struct impair_held *h)
{
	*used_word(s, h->block) &= ~used_bit(h->block);
	for (uint32_t b = h->block; b != IMPAIR_NONE; b = s->mem->block[b].next)
		s->freed[s->nfreed++] = b;
}

uint32_t impair_store_len(
    const struct impair_store *s, const struct impair_held *h)
{
	return s->mem->block[h->block].len;
}

uint8_t impair_store_flags(
    const struct impair_store *s, const struct impair_held *h)
{
	return s->mem->block[h->block].flags;
}

void impair_store_copy(
    const struct impair_store *s, const struct impair_held *h, uint8_t *dst)
{
	uint32_t len = impair_store_len(s, h);
	uint32_t at = h->block;

	for (uint32_t off = 0; off < len; off += IMPAIR_DATA) {
		uint32_t part = len - off;

		if (part > IMPAIR_DATA)
			part = IMPAIR_DATA;
		memcpy(dst + off, s->mem->block[at].data, part);
		at = s->mem->block[at].next;
	}
}

/* Their time is 0: before all that is still to come. */
void impair_store_let_go(struct impair_store *s, uint32_t line)
{
	uint32_t n = s->n[line];

	touch(&s->touch, &s->mem->let_go[line], sizeof(s->mem->let_go[line]));
	s->mem->let_go[line] = s->mem->order;
	s->n[line] = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct impair_held h = s->heap[line][i];

		h.due = (struct mono){ 0 };
		heap_add(s, line, &h);
	}
}

/* ---- Taking over ---- */

void impair_format(struct impair_memory *mem)
{
	memset(mem->line, 0, sizeof(mem->line));
	memset(mem->conf, 0, sizeof(mem->conf));
	memset(mem->let_go, 0, sizeof(mem->let_go));
	memset(mem->used, 0, sizeof(mem->used));
	mem->order = 0;
	for (uint32_t i = 0; i < IMPAIR_LINES; i++)
		mem->line[i].stream = i;
}

/* Marks the blocks of the frame at @first; false if it is none. */
static bool check_frame(
    const struct impair_memory *m, uint32_t first, uint32_t lines, uint8_t *in)
{
	const struct impair_block *b = &m->block[first];
	uint32_t at = first;

	if (b->len == 0 || b->len > IMPAIR_FRAME_MAX ||
	    b->line >= IMPAIR_LINES || (lines >> b->line & 1) == 0)
		return false;
	for (uint32_t i = impair_store_need(b->len); i > 0; i--) {
		if (at >= IMPAIR_BLOCKS || in[at])
			return false;
		in[at] = 1;
		at = m->block[at].next;
	}
	return at == IMPAIR_NONE;
}

/* Blocks of a broken one stay out of use until the next restart. */
static bool find(
    struct impair_store *s, uint32_t first, uint32_t lines, uint8_t *in)
{
	const struct impair_memory *m = s->mem;
	const struct impair_block *b = &m->block[first];
	struct impair_held h = { .block = first };

	if (!check_frame(m, first, lines, in))
		return false;
	h.due = b->due;
	h.order = b->order;
	if (h.order < m->let_go[b->line])
		h.due = (struct mono){ 0 };
	heap_add(s, b->line, &h);
	return true;
}

/* Frames that are there already make their blocks taken; all others go. */
static int find_all(struct impair_store *s, uint32_t lines, uint8_t *in)
{
	int broken = 0;

	for (uint32_t i = 0; i < IMPAIR_BLOCKS / 64; i++) {
		for (uint64_t w = s->mem->used[i]; w != 0; w &= w - 1) {
			uint32_t b = i * 64 + (uint32_t)__builtin_ctzll(w);

			if (find(s, b, lines, in))
				continue;
			*used_word(s, b) &= ~used_bit(b);
			broken++;
		}
	}
	for (uint32_t b = IMPAIR_BLOCKS; b-- > 0;)
		if (in[b] && b >= s->fresh)
			s->fresh = b + 1;
	for (uint32_t b = s->fresh; b-- > 0;)
		if (!in[b])
			s->free[s->nfree++] = b;
	return broken;
}

static void *numbers(size_t n, size_t bytes)
{
	/* Only what is used of it costs. */
	return calloc(n, bytes);
}

int impair_store_open(struct impair_store *s, struct impair_memory *mem,
    struct touch touched, uint32_t lines)
{
	uint8_t *in = numbers(IMPAIR_BLOCKS, 1);
	int r = in != NULL ? 0 : -ENOMEM;

	*s = (struct impair_store){ .mem = mem, .touch = touched };
	s->free = numbers(IMPAIR_BLOCKS, sizeof(*s->free));
	s->freed = numbers(IMPAIR_BLOCKS, sizeof(*s->freed));
	if (s->free == NULL || s->freed == NULL)
		r = -ENOMEM;
	for (uint32_t i = 0; i < IMPAIR_LINES; i++) {
		if ((lines >> i & 1) == 0)
			continue;
		s->heap[i] = numbers(IMPAIR_BLOCKS, sizeof(**s->heap));
		if (s->heap[i] == NULL)
			r = -ENOMEM;
	}
	if (r == 0)
		r = find_all(s, lines, in);
	else
		impair_store_close(s);
	free(in);
	return r;
}

void impair_store_close(struct impair_store *s)
{
	for (uint32_t i = 0; i < IMPAIR_LINES; i++)
		free(s->heap[i]);
	free(s->free);
	free(s->freed);
	*s = (struct impair_store){ .mem = NULL };
}
