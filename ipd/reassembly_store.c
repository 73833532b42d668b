/*
 * reassembly_store.c - the arena of reassembly.c: records, blocks, hints
 *
 * A record in use has at least one block, and both are freed together.  So
 * where a block is free, a record is.
 */
#include "ipd/reassembly_store.h"

#include <errno.h>
#include <string.h>

enum {
	PAGE = 4096,
	HINT_LEN = 2 * sizeof(uint32_t) + 2 * sizeof(uint16_t),
	BLOCKS_MIN = REASM_MIN_BYTES / REASM_BLOCK,
	BLOCKS_MAX = RECORD_NONE,
};

/* ---- Where things are */

static size_t blocks_at(uint32_t n)
{
	size_t before = (sizeof(struct reassembly_record) +
			    sizeof(struct reassembly_aside) + HINT_LEN) *
	    (size_t)n;

	return (before + PAGE - 1) / PAGE * PAGE;
}

size_t reassembly_size(uint32_t max_bytes)
{
	uint32_t n = max_bytes / REASM_BLOCK;

	return blocks_at(n) + (size_t)n * REASM_BLOCK;
}

int reassembly_init(struct reassembly *r, void *arena, size_t size,
    const struct reassembly_config *cfg)
{
	uint32_t n = cfg->max_bytes / REASM_BLOCK;
	uint8_t *at = arena;

	if (n < BLOCKS_MIN || n > BLOCKS_MAX ||
	    size < reassembly_size(cfg->max_bytes))
		return -EINVAL;

	memset(r, 0, sizeof(*r));
	r->cfg = *cfg;
	r->n = n;
	r->turn = 1;
	r->earliest = MONO_NEVER;
	r->blocks = at + blocks_at(n);
	r->records = arena;
	at += n * sizeof(struct reassembly_record);
	r->aside = at;
	at += n * sizeof(struct reassembly_aside);
	r->hash = (void *)at;
	at += n * sizeof(uint32_t);
	r->touched = (void *)at;
	at += n * sizeof(uint32_t);
	r->free_blocks.list = (void *)at;
	at += n * sizeof(uint16_t);
	r->free_records.list = (void *)at;
	return 0;
}

struct reassembly_aside *store_aside(const struct reassembly *r, uint32_t i)
{
	void *at = r->aside + i * sizeof(struct reassembly_aside);

	return at;
}

uint8_t *store_data(const struct reassembly *r,
    const struct reassembly_record *rec, uint32_t offset)
{
	uint32_t number = rec->block[offset / REASM_BLOCK] - 1U;

	return r->blocks + (size_t)number * REASM_BLOCK + offset % REASM_BLOCK;
}

/* ---- What is free */

static uint16_t stock_take(struct reassembly_stock *s)
{
	uint16_t x = s->list[--s->free];

	/* The last one in limbo closes the gap. */
	s->list[s->free] = s->list[s->free + s->limbo];
	return x;
}

static void stock_put(struct reassembly_stock *s, uint16_t x)
{
	s->list[s->free + s->limbo++] = x;
}

static void stock_release(struct reassembly_stock *s)
{
	s->free += s->limbo;
	s->limbo = 0;
}

void reassembly_turn(struct reassembly *r)
{
	stock_release(&r->free_blocks);
	stock_release(&r->free_records);
	if (++r->turn == 0) {
		memset(r->touched, 0, r->n * sizeof(*r->touched));
		r->turn = 1;
	}
}

void store_touch(struct reassembly *r, uint32_t i)
{
	if (r->touched[i] == r->turn)
		return;
	r->cfg.touch(r->cfg.ctx, &r->records[i], sizeof(r->records[i]));
	r->touched[i] = r->turn;
}

uint32_t store_missing(
    const struct reassembly_record *rec, uint32_t offset, uint32_t len)
{
	uint32_t last = (offset + len - 1) / REASM_BLOCK;
	uint32_t missing = 0;

	for (uint32_t k = offset / REASM_BLOCK; k <= last; k++)
		missing += !rec || rec->block[k] == 0;
	return missing;
}

void store_give(struct reassembly *r, struct reassembly_record *rec,
    uint32_t offset, uint32_t len)
{
	uint32_t last = (offset + len - 1) / REASM_BLOCK;

	for (uint32_t k = offset / REASM_BLOCK; k <= last; k++) {
		if (rec->block[k] == 0)
			rec->block[k] =
			    (uint16_t)(stock_take(&r->free_blocks) + 1);
	}
}

uint32_t store_take_record(struct reassembly *r, uint32_t hash)
{
	uint32_t i = stock_take(&r->free_records);

	store_touch(r, i);
	r->hash[i] = hash;
	return i;
}

void store_discard(struct reassembly *r, uint32_t i)
{
	struct reassembly_record *rec = &r->records[i];

	store_touch(r, i);
	for (uint32_t k = 0; k < REASM_BLOCKS; k++) {
		if (rec->block[k] != 0)
			stock_put(
			    &r->free_blocks, (uint16_t)(rec->block[k] - 1));
	}
	stock_put(&r->free_records, (uint16_t)i);
	memset(rec, 0, sizeof(*rec));
	r->hash[i] = 0;
}

uint32_t store_hash(const struct ip_addr *src, const struct ip_addr *dst,
    uint32_t id, uint8_t proto)
{
	uint64_t x = (uint64_t)id << 8 | proto;

	/* Only to pass over records quickly: nothing rests on its quality. */
	for (unsigned i = 0; i < 16; i++) {
		x = (x ^ src->b[i]) * 0x100000001b3;
		x = (x ^ dst->b[i]) * 0x100000001b3;
	}
	return (uint32_t)(x >> 32) | 1;
}

unsigned reassembly_count(const struct reassembly *r)
{
	return r->n - r->free_records.free - r->free_records.limbo;
}

unsigned reassembly_blocks(const struct reassembly *r)
{
	return r->n - r->free_blocks.free - r->free_blocks.limbo;
}

/* ---- After a restart */

/* Is no byte of first..last there? */
static bool all_missing(
    const struct reassembly_record *rec, uint32_t first, uint32_t last)
{
	uint32_t hole;

	return holes_find(&rec->holes, first, last, &hole) == HOLE_FITS;
}

/* Does every byte that is there lie in a block? */
static bool has_its_blocks(const struct reassembly_record *rec)
{
	uint32_t end = rec->total_len ? rec->total_len : HOLE_NO_END + 1U;
	bool any = false;

	for (uint32_t k = 0; k < REASM_BLOCKS; k++) {
		uint32_t first = k * REASM_BLOCK;
		uint32_t last = first + REASM_BLOCK - 1;

		any |= rec->block[k] != 0;
		if (first >= end || rec->block[k] != 0)
			continue;
		if (last >= end)
			last = end - 1;
		if (!all_missing(rec, first, last))
			return false;
	}
	return any;
}

/* Are the blocks of @rec blocks, and nobody else's?  Marks them in @owned. */
static bool owns_its_blocks(
    const struct reassembly_record *rec, uint32_t *owned, uint32_t n)
{
	for (uint32_t k = 0; k < REASM_BLOCKS; k++) {
		if (rec->block[k] > n)
			return false;
		if (rec->block[k] != 0 && owned[rec->block[k] - 1] != 0)
			return false;
		for (uint32_t j = 0; j < k; j++) {
			if (rec->block[k] != 0 &&
			    rec->block[k] == rec->block[j])
				return false;
		}
	}
	for (uint32_t k = 0; k < REASM_BLOCKS; k++) {
		if (rec->block[k] != 0)
			owned[rec->block[k] - 1] = 1;
	}
	return true;
}

/* Is the first fragment here exactly if its fields say so? */
static bool header_is_sane(const struct reassembly_record *rec)
{
	bool v4 = ip_is_v4(&rec->src);
	uint32_t hole;

	if (rec->hdr_len == 0)
		return holes_begin_at(&rec->holes, 0);
	if (rec->first_len == 0 || rec->first_len > HOLE_NO_END - 1 ||
	    holes_find(&rec->holes, 0, rec->first_len - 1U, &hole) !=
		HOLE_HAVE_ALL)
		return false;
	if (v4)
		return rec->hdr_len >= 20 && rec->hdr_len <= 60 &&
		    rec->hdr_len % 4 == 0;
	return rec->hdr_len >= 40 && rec->hdr_len <= REASM_HDR_MAX &&
	    rec->named_at < rec->hdr_len;
}

static bool record_is_sane(const struct reassembly *r,
    const struct reassembly_record *rec, struct mono now)
{
	struct mono latest = mono_add_ms(now, r->cfg.timeout_ms);

	return rec->used == 1 && ip_is_v4(&rec->src) == ip_is_v4(&rec->dst) &&
	    !mono_before(latest, rec->deadline) && rec->fragments > 0 &&
	    rec->total_len <= HOLE_NO_END &&
	    holes_are_sane(&rec->holes, rec->total_len) &&
	    (rec->holes.n > 0 || rec->hdr_len + rec->total_len <= 65575) &&
	    header_is_sane(rec) && has_its_blocks(rec);
}

/* True if record @i is in use and good.  @owned marks blocks. */
static bool check_record(
    struct reassembly *r, uint32_t i, uint32_t *owned, struct mono now)
{
	struct reassembly_record *rec = &r->records[i];

	if (!record_is_sane(r, rec, now) || !owns_its_blocks(rec, owned, r->n))
		return false;
	r->hash[i] = store_hash(&rec->src, &rec->dst, rec->id, rec->proto);
	r->earliest = mono_min(r->earliest, rec->deadline);
	return true;
}

unsigned reassembly_check(struct reassembly *r, struct mono now)
{
	static const struct reassembly_record unused = { .used = 0 };
	uint32_t *owned = r->touched; /* borrowed until it is needed */
	unsigned thrown = 0;

	r->free_blocks.free = r->free_blocks.limbo = 0;
	r->free_records.free = r->free_records.limbo = 0;
	r->earliest = MONO_NEVER;
	memset(r->hash, 0, r->n * sizeof(*r->hash));
	memset(owned, 0, r->n * sizeof(*owned));

	for (uint32_t i = 0; i < r->n; i++) {
		if (check_record(r, i, owned, now))
			continue;
		thrown += r->records[i].used != 0;
		r->records[i] = unused;
		stock_put(&r->free_records, (uint16_t)i);
	}
	for (uint32_t b = 0; b < r->n; b++) {
		if (!owned[b])
			stock_put(&r->free_blocks, (uint16_t)b);
	}
	memset(owned, 0, r->n * sizeof(*owned));
	reassembly_turn(r);
	return thrown;
}
