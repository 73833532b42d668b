/*
 * tap.c - what a daemon shows of the packets it handles: the ring of records
 */
#include "shm/tap.h"

#include <assert.h>
#include <string.h>

enum {
	HEAD_TRIES = 64,
};

static_assert((TAP_BYTES & (TAP_BYTES - 1)) == 0, "masked to index");

static uint8_t *at(const struct tap *t, uint64_t pos)
{
	return (uint8_t *)t->mem + TAP_DATA_OFF + (pos & (TAP_BYTES - 1));
}

static uint64_t room_to_end(uint64_t pos)
{
	return TAP_BYTES - (pos & (TAP_BYTES - 1));
}

/* ---- The writer ---- */

void tap_resume(struct tap *t, struct tap_mem *mem)
{
	*t = (struct tap){ .mem = mem };
	if (mem == NULL)
		return;
	mem->magic = LAYOUT_MAGIC;
	mem->version = LAYOUT_VERSION;
	t->serial = atomic_load_explicit(&mem->published, memory_order_relaxed);
	t->next = mem->point[t->serial & 1];
	t->pos = t->next.head;
	tap_end(t);
}

void tap_begin(struct tap *t, struct mono now)
{
	atomic_store_explicit(&t->mem->began, now.ns, memory_order_relaxed);
	/* Full fence: before the clock is read for a record; see watermark. */
	atomic_thread_fence(memory_order_seq_cst);
}

void tap_end(struct tap *t)
{
	/* Release: after what was published. */
	atomic_store_explicit(&t->mem->began, 0, memory_order_release);
}

/* Say that the bytes up to @end are overwritten, before they are. */
static void reserve(struct tap *t, uint64_t end)
{
	_Atomic uint64_t *r = &t->mem->reserve;

	/* An earlier instance may have got further. */
	if (end > atomic_load_explicit(r, memory_order_relaxed))
		atomic_store_explicit(r, end, memory_order_relaxed);
	/* Release: the word before the bytes. */
	atomic_thread_fence(memory_order_release);
}

static void pad(struct tap *t, uint64_t bytes)
{
	const struct tap_record r = { .bytes = (uint32_t)bytes,
		.kind = TAP_PAD };
	size_t head = bytes < sizeof(r) ? (size_t)bytes : sizeof(r);

	reserve(t, t->pos + bytes);
	memcpy(at(t, t->pos), &r, head);
	t->pos += bytes;
}

static size_t spans_len(const struct tap_span *s, uint32_t ns)
{
	size_t len = 0;

	for (uint32_t i = 0; i < ns; i++)
		len += s[i].len;
	return len;
}

static void copy_spans(
    uint8_t *to, size_t room, const struct tap_span *s, uint32_t ns)
{
	for (uint32_t i = 0; i < ns && room > 0; i++) {
		size_t part = s[i].len < room ? s[i].len : room;

		if (part > 0)
			memcpy(to, s[i].p, part);
		to += part;
		room -= part;
	}
}

struct tap_record *tap_stage(struct tap *t, const struct tap_record *r,
    const struct tap_span *s, uint32_t ns, uint32_t snap)
{
	struct tap_record h = *r;
	size_t len = spans_len(s, ns);
	uint64_t end;
	uint8_t *to;

	if (snap > TAP_SNAP_MAX)
		snap = TAP_SNAP_MAX;
	if (ns > 0)
		h.len = (uint32_t)len;
	h.caplen = (uint32_t)(len < snap ? len : snap);
	h.bytes = (uint32_t)(sizeof(h) + h.caplen + TAP_ALIGN - 1) &
	    ~(uint32_t)(TAP_ALIGN - 1);
	end = t->pos + h.bytes;
	if (room_to_end(t->pos) < h.bytes)
		end += room_to_end(t->pos);
	if (end - t->next.head > TAP_TURN_BYTES)
		return NULL;
	if (room_to_end(t->pos) < h.bytes)
		pad(t, room_to_end(t->pos));
	reserve(t, end);
	to = at(t, t->pos);
	memcpy(to, &h, sizeof(h));
	copy_spans(to + sizeof(h), h.caplen, s, ns);
	t->pos = end;
	return (void *)to;
}

void tap_miss(struct tap *t, uint32_t place)
{
	t->missed[place]++;
	t->any_missed = true;
}

/* Give numbers to what is staged from the head on; true if there is any. */
static bool number(struct tap *t, struct tap_point *p,
    bool (*happened)(void *ctx, struct tap_record *r), void *ctx)
{
	bool any = t->any_missed;
	uint64_t pos = p->head;

	while (pos != t->pos) {
		struct tap_record *r = (void *)at(t, pos);

		pos += r->bytes;
		if (r->kind == TAP_PAD)
			continue;
		if (happened != NULL && !happened(ctx, r)) {
			r->kind = TAP_PAD;
			continue;
		}
		r->number = p->records++;
		r->made = p->made[r->place]++;
		any = true;
	}
	return any;
}

static void number_missed(struct tap *t, struct tap_point *p)
{
	if (!t->any_missed)
		return;
	for (uint32_t i = 0; i < TAP_PLACES; i++) {
		p->records += t->missed[i];
		p->made[i] += t->missed[i];
		t->missed[i] = 0;
	}
	t->any_missed = false;
}

void tap_seal(
    struct tap *t, bool (*happened)(void *ctx, struct tap_record *r), void *ctx)
{
	struct tap_point *p = &t->next;

	if (t->pos == p->head && !t->any_missed)
		return;
	if (!number(t, p, happened, ctx)) {
		t->pos = p->head;
		return;
	}
	number_missed(t, p);
	p->head = t->pos;
	t->serial++;
	/* Release: the last serial before its predecessor's point changes. */
	atomic_thread_fence(memory_order_release);
	t->mem->point[t->serial & 1] = *p;
}

/* ---- A reader ---- */

/* The valid point; false: it changed under our hands again and again. */
static bool read_point(const struct tap_mem *m, struct tap_point *ret)
{
	for (int i = 0; i < HEAD_TRIES; i++) {
		uint64_t s =
		    atomic_load_explicit(&m->published, memory_order_acquire);

		memcpy(ret, &m->point[s & 1], sizeof(*ret));
		/* Acquire: the copy is made before the second look. */
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&m->published, memory_order_relaxed) ==
		    s)
			return true;
	}
	return false;
}

bool tap_reader_open(struct tap_reader *r, const struct tap_mem *mem)
{
	*r = (struct tap_reader){ .mem = mem };
	if (!read_point(mem, &r->known))
		return false;
	r->pos = r->known.head;
	r->next = r->known.records;
	memcpy(r->next_at, r->known.made, sizeof(r->next_at));
	return true;
}

/* All up to the known point has been lost, as far as it was not seen. */
static void skip(struct tap_reader *r)
{
	const struct tap_point *p = &r->known;

	r->lost += p->records - r->next;
	for (uint32_t i = 0; i < TAP_PLACES; i++) {
		r->lost_at[i] += p->made[i] - r->next_at[i];
		r->next_at[i] = p->made[i];
	}
	r->next = p->records;
	r->pos = p->head;
}

static bool overrun(const struct tap_reader *r)
{
	/* Acquire: what was copied before is as old as this word, or older. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&r->mem->reserve, memory_order_relaxed) -
	    r->pos >
	    TAP_BYTES;
}

/* Copy the record at r->pos; false if that was no record, or is none now. */
static bool copy_record(const struct tap_reader *r, uint64_t room,
    struct tap_record *ret, uint8_t *bytes)
{
	const uint8_t *from =
	    (const uint8_t *)r->mem + TAP_DATA_OFF + (r->pos & (TAP_BYTES - 1));
	uint64_t end = room_to_end(r->pos);

	if (room > end)
		room = end;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, from, room < sizeof(*ret) ? (size_t)room : sizeof(*ret));
	if (ret->bytes == 0 || ret->bytes % TAP_ALIGN != 0 || ret->bytes > room)
		return false;
	if (ret->kind == TAP_PAD)
		return true;
	if (ret->caplen > TAP_SNAP_MAX || ret->place >= TAP_PLACES ||
	    sizeof(*ret) + ret->caplen > ret->bytes)
		return false;
	memcpy(bytes, from + sizeof(*ret), ret->caplen);
	return true;
}

static void account(struct tap_reader *r, const struct tap_record *rec)
{
	r->lost += rec->number - r->next;
	r->next = rec->number + 1;
	r->seen++;
	r->lost_at[rec->place] += rec->made - r->next_at[rec->place];
	r->next_at[rec->place] = rec->made + 1;
	r->seen_at[rec->place]++;
}

bool tap_read(struct tap_reader *r, struct tap_record *ret, uint8_t *bytes)
{
	if (r->pos == r->known.head && !read_point(r->mem, &r->known))
		return false;
	while (r->pos != r->known.head) {
		uint64_t room = r->known.head - r->pos;
		bool good = copy_record(r, room, ret, bytes);

		if (overrun(r) || !good) {
			if (!read_point(r->mem, &r->known))
				return false;
			skip(r);
			continue;
		}
		r->pos += ret->bytes;
		if (ret->kind == TAP_PAD)
			continue;
		account(r, ret);
		return true;
	}
	/* At the head: what is missing had no room in its turn. */
	skip(r);
	return false;
}

struct mono tap_watermark(const struct tap_reader *r, struct mono now)
{
	struct mono began;

	/* Full fence: the clock was read before, see tap_begin(). */
	atomic_thread_fence(memory_order_seq_cst);
	began.ns = atomic_load_explicit(&r->mem->began, memory_order_acquire);
	return began.ns == 0 ? now : mono_min(began, now);
}
