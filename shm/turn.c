/*
 * turn.c - a daemon's turn as a transaction of one store
 */
#include "shm/turn.h"

#include <assert.h>
#include <string.h>

/*
 * Our own later instance is the only reader, and it sees our stores in program
 * order: it is enough that the compiler keeps them in order.
 */
static inline void in_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

static uint64_t get(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void set(_Atomic uint64_t *p, uint64_t v)
{
	in_order();
	atomic_store_explicit(p, v, memory_order_relaxed);
	in_order();
}

/*
 * Entries before their index, outputs before the inputs they came from; the tap
 * before all, so that no neighbour's record of what follows is out first.
 */
static void apply(struct turn *t, const struct turn_record *r)
{
	if (TAP_HOOKS && t->tap != NULL)
		atomic_store_explicit(t->tap, r->tap, memory_order_release);
	for (uint32_t i = 0; i < r->nout && i < t->nout; i++)
		ring_out_publish(&t->out[i], r->prod[i]);
	for (uint32_t i = 0; i < r->nobject; i++)
		t->show(t->ctx, r->object[i]);
	for (uint32_t i = 0; i < r->nin && i < t->nin; i++)
		ring_in_publish(&t->in[i], r->cons[i]);
}

static void undo(struct turn *t)
{
	struct turn_mem *m = t->mem;
	uint32_t n = atomic_load_explicit(&m->log_count, memory_order_relaxed);

	while (n-- > 0) {
		struct turn_undo u;
		const uint8_t *entry = m->log + m->log_at[n];

		memcpy(&u, entry, sizeof(u));
		assert((size_t)u.off + u.len <= t->size);
		memcpy(t->base + u.off, entry + sizeof(u), u.len);
	}
}

static void count_strike(struct turn_mem *m, uint64_t b)
{
	if (m->strike_turn != b) {
		m->strikes = 0;
		in_order();
		m->strike_turn = b;
		in_order();
	}
	m->strikes++;
}

bool turn_recover(struct turn *t)
{
	struct turn_mem *m = t->mem;
	uint64_t committed = get(&m->committed);

	if (get(&m->log_turn) == committed + 1) {
		undo(t);
		/* Undone; a death from here on is none of that turn. */
		set(&m->log_turn, committed);
		if (m->suspect_turn == committed + 1)
			count_strike(m, committed + 1);
		m->suspect_turn = 0;
	}
	if (get(&m->applied) != committed) {
		apply(t, &m->rec[committed & 1]);
		set(&m->applied, committed);
	}
	for (uint32_t i = 0; i < t->nout; i++)
		ring_out_resume(&t->out[i]);
	for (uint32_t i = 0; i < t->nin; i++)
		ring_in_resume(&t->in[i]);
	t->open = false;
	return committed != 0;
}

void turn_begin(struct turn *t)
{
	struct turn_mem *m = t->mem;

	assert(!t->open);
	t->b = get(&m->committed) + 1;
	t->log_used = 0;
	t->log_entries = 0;
	t->nobject = 0;
	t->open = true;
	atomic_store_explicit(&m->log_count, 0, memory_order_relaxed);
	set(&m->log_turn, t->b);
}

/* Was exactly this saved a moment ago? */
static bool just_saved(const struct turn *t, uint32_t off, uint32_t len)
{
	const struct turn_mem *m = t->mem;
	uint32_t n = t->log_entries;
	struct turn_undo u;

	for (uint32_t i = n; i-- > 0 && n - i <= 8;) {
		memcpy(&u, m->log + m->log_at[i], sizeof(u));
		if (u.off <= off && off + len <= u.off + u.len)
			return true;
	}
	return false;
}

void turn_touch(struct turn *t, const void *p, size_t len)
{
	struct turn_mem *m = t->mem;
	struct turn_undo u = {
		.off = (uint32_t)((const uint8_t *)p - t->base),
		.len = (uint32_t)len,
	};
	uint32_t n = t->log_entries;
	size_t room = (sizeof(u) + len + 7) & ~(size_t)7;

	assert(t->open && u.off <= t->size && len <= t->size - u.off);
	if (just_saved(t, u.off, u.len))
		return;
	assert(room <= TURN_LOG_BYTES - t->log_used);
	assert(n < TURN_LOG_ENTRIES);

	memcpy(m->log + t->log_used, &u, sizeof(u));
	memcpy(m->log + t->log_used + sizeof(u), p, len);
	m->log_at[n] = t->log_used;
	t->log_used += (uint32_t)room;
	t->log_entries = n + 1;
	in_order();
	atomic_store_explicit(&m->log_count, n + 1, memory_order_relaxed);
	in_order();
}

void turn_object(struct turn *t, uint32_t id)
{
	struct turn_record *r = &t->mem->rec[t->b & 1];

	assert(t->open && t->show != NULL);
	for (uint32_t i = t->nobject; i-- > 0;)
		if (r->object[i] == id)
			return;
	assert(t->nobject < TURN_MAX_OBJECTS);
	r->object[t->nobject++] = id;
}

/* Fill in the record; true if anything has changed. */
static bool record(struct turn *t, struct turn_record *r)
{
	bool news = t->nobject > 0 || t->log_used > 0;

	r->nout = t->nout;
	for (uint32_t i = 0; i < t->nout; i++) {
		r->prod[i] = t->out[i].mine;
		news |= t->out[i].mine !=
		    atomic_load_explicit(
			&t->out[i].sh->prod, memory_order_relaxed);
	}
	r->nin = t->nin;
	for (uint32_t i = 0; i < t->nin; i++) {
		r->cons[i] = t->in[i].mine;
		news |= t->in[i].mine !=
		    atomic_load_explicit(
			&t->in[i].sh->cons, memory_order_relaxed);
	}
	r->nobject = t->nobject;
	r->tap = t->tap_serial;
	if (TAP_HOOKS && t->tap != NULL)
		news |= r->tap !=
		    atomic_load_explicit(t->tap, memory_order_relaxed);
	return news;
}

bool turn_commit(struct turn *t)
{
	struct turn_mem *m = t->mem;
	struct turn_record *r = &m->rec[t->b & 1];

	assert(t->open);
	t->open = false;
	if (!record(t, r)) {
		/* No turn after all: a death while asleep is no strike. */
		set(&m->log_turn, t->b - 1);
		return false;
	}
	set(&m->committed, t->b);
	apply(t, r);
	set(&m->applied, t->b);
	return true;
}
