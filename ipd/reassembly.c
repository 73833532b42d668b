/*
 * reassembly.c - putting fragments together again (RFC 791, 815, 8200)
 */
#include "ipd/reassembly.h"

#include <netinet/in.h>
#include <string.h>

#include "ipd/ipv6.h"
#include "ipd/reassembly_store.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	V4_OFF_TOTAL_LEN = 2,
	V4_OFF_FRAGMENT = 6,
	V4_OFF_CHECKSUM = 10,
	V4_DF = 0x4000,
	V6_OFF_PAYLOAD_LEN = 4,

	V4_QUOTE = 576 - 20 - 8, /* what an ICMP error quotes at most */

	ECN_NOT_ECT = 0,
	ECN_CE = 3,

	/* Room is made for a sixteenth of all at once, so that a flood of
	 * fragments costs one search for the oldest in many, not in each. */
	EVICT_SHARE = 16,
};

/* ---- One fragment by itself */

/* The longest a packet may get, with its headers. */
static uint32_t packet_max(bool v4)
{
	return v4 ? 65535 : IPV6_HDR_LEN + 65535;
}

static enum reassembly_result inspect(const struct reassembly_fragment *f)
{
	bool v4 = ip_is_v4(&f->src);
	uint32_t end = f->offset + (uint32_t)f->len;

	if (f->len == 0)
		return REASM_EMPTY;
	if (f->offset % 8 != 0 || (f->more && f->len % 8 != 0) || f->ecn > 3)
		return REASM_MALFORMED;
	if (f->hdr_len < (v4 ? 20 : IPV6_HDR_LEN) ||
	    f->hdr_len > (v4 ? 60 : REASM_HDR_MAX) ||
	    (v4 && f->hdr_len % 4 != 0) || (!v4 && f->named_at >= f->hdr_len))
		return REASM_BAD_HEADER;
	if (f->hdr_len + end > packet_max(v4) || end > HOLE_NO_END)
		return REASM_TOO_LONG;
	return REASM_HELD;
}

/* ---- One bit for each eight bytes: a fragment starts here */

static bool starts_at(const struct reassembly_aside *a, uint32_t offset)
{
	uint32_t bit = offset / 8;

	return a->starts[bit / 64] >> bit % 64 & 1;
}

/* first..last is one fragment. */
static void starts_set(
    struct reassembly_aside *a, uint32_t first, uint32_t last)
{
	for (uint32_t bit = first / 8; bit <= last / 8; bit++)
		a->starts[bit / 64] &= ~(UINT64_C(1) << bit % 64);
	a->starts[first / 512] |= UINT64_C(1) << first / 8 % 64;
}

/* All of first..last is there: did it come as one fragment, just so? */
static bool came_as_one(const struct reassembly_record *rec,
    const struct reassembly_aside *a, uint32_t first, uint32_t last)
{
	if (!starts_at(a, first))
		return false;
	for (uint32_t at = first + 8; at <= last; at += 8) {
		if (starts_at(a, at))
			return false;
	}
	return last + 1 == rec->total_len ||
	    holes_begin_at(&rec->holes, last + 1) || starts_at(a, last + 1);
}

/* ---- How a fragment goes with what is there */

static uint32_t find(
    const struct reassembly *r, const struct reassembly_fragment *f)
{
	uint32_t hash = store_hash(&f->src, &f->dst, f->id, f->proto);

	for (uint32_t i = 0; i < r->n; i++) {
		const struct reassembly_record *rec = &r->records[i];

		if (r->hash[i] == hash && rec->id == f->id &&
		    rec->proto == f->proto && rec->zone == f->zone &&
		    ip_equal(&rec->src, &f->src) &&
		    ip_equal(&rec->dst, &f->dst))
			return i;
	}
	return RECORD_NONE;
}

/* Is the end where it was said to be, or, if this says it, beyond all else? */
static bool end_agrees(const struct reassembly_record *rec,
    const struct reassembly_fragment *f, uint32_t hole, enum hole_fit fit)
{
	uint32_t end = f->offset + (uint32_t)f->len;

	if (rec->total_len != 0)
		return f->more ? end < rec->total_len : end == rec->total_len;
	if (f->more)
		return true;
	return fit == HOLE_FITS && rec->holes.h[hole].last == HOLE_NO_END;
}

/*
 * REASM_HELD: it fits into *@hole.  REASM_DUPLICATE, or REASM_OVERLAP, which
 * RFC 8200, 4.5 wants the whole datagram to be dropped for.
 */
static enum reassembly_result compare(const struct reassembly *r, uint32_t i,
    const struct reassembly_fragment *f, uint32_t *hole)
{
	const struct reassembly_record *rec = &r->records[i];
	uint32_t last = f->offset + f->len - 1U;
	enum hole_fit fit = holes_find(&rec->holes, f->offset, last, hole);

	if (!end_agrees(rec, f, *hole, fit))
		return REASM_OVERLAP;
	switch (fit) {
	case HOLE_FITS:
		return REASM_HELD;
	case HOLE_HAVE_ALL:
		return came_as_one(rec, store_aside(r, i), f->offset, last)
		    ? REASM_DUPLICATE
		    : REASM_OVERLAP;
	case HOLE_COLLIDES:
		break;
	}
	return REASM_OVERLAP;
}

/* ---- Room */

static uint32_t find_oldest(const struct reassembly *r, uint32_t but)
{
	uint32_t oldest = RECORD_NONE;

	for (uint32_t i = 0; i < r->n; i++) {
		if (r->hash[i] == 0 || i == but)
			continue;
		if (oldest == RECORD_NONE ||
		    mono_before(
			r->records[i].deadline, r->records[oldest].deadline))
			oldest = i;
	}
	return oldest;
}

/*
 * True if @need blocks can be had now.  Otherwise they will be in the next
 * turn: the oldest datagrams, but not @keep, are thrown away for them.
 */
static bool make_room(struct reassembly *r, uint32_t need, uint32_t keep)
{
	const struct reassembly_stock *s = &r->free_blocks;
	uint32_t want = r->n / EVICT_SHARE;

	if (s->free >= need)
		return true;
	if (s->free + s->limbo >= need)
		return false;
	if (want < need)
		want = need;
	while (s->free + s->limbo < want) {
		uint32_t oldest = find_oldest(r, keep);

		if (oldest == RECORD_NONE)
			break;
		store_discard(r, oldest);
		r->evicted++;
	}
	return false;
}

/* ---- Taking a fragment in */

static uint32_t begin(
    struct reassembly *r, const struct reassembly_fragment *f, struct mono now)
{
	uint32_t hash = store_hash(&f->src, &f->dst, f->id, f->proto);
	uint32_t i = store_take_record(r, hash);
	struct reassembly_record *rec = &r->records[i];

	rec->src = f->src;
	rec->dst = f->dst;
	rec->id = f->id;
	rec->zone = f->zone;
	rec->proto = f->proto;
	rec->deadline = mono_add_ms(now, r->cfg.timeout_ms);
	rec->used = 1;
	holes_init(&rec->holes);
	r->earliest = mono_min(r->earliest, rec->deadline);
	return i;
}

static void copy_in(const struct reassembly *r,
    const struct reassembly_record *rec, const struct reassembly_fragment *f)
{
	for (uint32_t done = 0; done < f->len;) {
		uint32_t at = f->offset + done;
		uint32_t n = REASM_BLOCK - at % REASM_BLOCK;

		if (n > f->len - done)
			n = f->len - done;
		memcpy(store_data(r, rec, at), f->data + done, n);
		done += n;
	}
}

static void copy_out(const struct reassembly *r,
    const struct reassembly_record *rec, uint8_t *out, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += REASM_BLOCK) {
		uint32_t n = len - at < REASM_BLOCK ? len - at : REASM_BLOCK;

		memcpy(out + at, store_data(r, rec, at), n);
	}
}

/*
 * The bytes first, into a hole, then the record.  The record is already
 * touched, so their order does not matter to a restart; it does to a reader.
 */
static void fill(
    struct reassembly *r, uint32_t i, const struct reassembly_fragment *f)
{
	struct reassembly_record *rec = &r->records[i];
	struct reassembly_aside *a = store_aside(r, i);

	store_give(r, rec, f->offset, f->len);
	copy_in(r, rec, f);
	starts_set(a, f->offset, f->offset + f->len - 1U);
	if (f->offset == 0) {
		memcpy(a->hdr, f->hdr, f->hdr_len);
		rec->hdr_len = f->hdr_len;
		rec->first_len = f->len;
		rec->named_at = f->named_at;
		rec->next_header = f->next_header;
	}
	if (!f->more)
		rec->total_len = f->offset + (uint32_t)f->len;
	rec->fragments++;
	rec->ecn_seen |= (uint8_t)(1U << f->ecn);
}

/* All is there: is the whole what its parts promised? */
static enum reassembly_result finish(struct reassembly *r, uint32_t i)
{
	const struct reassembly_record *rec = &r->records[i];
	unsigned forbidden = 1U << ECN_CE | 1U << ECN_NOT_ECT;
	enum reassembly_result rc = REASM_COMPLETE;

	if (rec->hdr_len + rec->total_len > packet_max(ip_is_v4(&rec->src)))
		rc = REASM_TOO_LONG;
	else if ((rec->ecn_seen & forbidden) == forbidden)
		rc = REASM_BAD_ECN;
	if (rc != REASM_COMPLETE)
		store_discard(r, i);
	return rc;
}

/* Into @hole of record @i. */
static enum reassembly_result take_in(struct reassembly *r, uint32_t i,
    const struct reassembly_fragment *f, uint32_t hole)
{
	struct reassembly_record *rec = &r->records[i];

	store_touch(r, i);
	if (rec->fragments >= r->cfg.max_fragments ||
	    !holes_fill(&rec->holes, hole, f->offset, f->offset + f->len - 1U,
		!f->more)) {
		store_discard(r, i);
		return REASM_TOO_MANY;
	}
	fill(r, i, f);
	return rec->holes.n == 0 ? finish(r, i) : REASM_HELD;
}

/* A fragment of a datagram of which others are here. */
static enum reassembly_result add_to(
    struct reassembly *r, uint32_t i, const struct reassembly_fragment *f)
{
	struct reassembly_record *rec = &r->records[i];
	enum reassembly_result rc;
	uint32_t hole = 0;

	rc = compare(r, i, f, &hole);
	if (rc == REASM_OVERLAP)
		store_discard(r, i);
	if (rc == REASM_DUPLICATE && rec->holes.n == 0)
		return REASM_COMPLETE; /* the caller had no room for it */
	if (rc != REASM_HELD)
		return rc;
	if (!make_room(r, store_missing(rec, f->offset, f->len), i))
		return REASM_LATER;
	return take_in(r, i, f, hole);
}

enum reassembly_result reassembly_add(struct reassembly *r,
    const struct reassembly_fragment *f, struct mono now, uint32_t *done)
{
	enum reassembly_result rc = inspect(f);
	uint32_t i;

	if (rc != REASM_HELD)
		return rc;
	i = find(r, f);
	if (i != RECORD_NONE) {
		rc = add_to(r, i, f);
	} else {
		if (!make_room(r, store_missing(NULL, f->offset, f->len), i))
			return REASM_LATER;
		i = begin(r, f, now);
		rc = take_in(r, i, f, 0);
	}
	if (rc == REASM_COMPLETE)
		*done = i;
	return rc;
}

/* ---- The end of a datagram */

size_t reassembly_len(const struct reassembly *r, uint32_t done)
{
	const struct reassembly_record *rec = &r->records[done];

	return rec->hdr_len + rec->total_len;
}

/*
 * As if it had never been cut (RFC 791, 3.2).  Of what the copy itself says
 * nothing is believed that others might have written meanwhile.
 */
static void mend_v4(const struct reassembly_record *rec, uint8_t *p)
{
	uint16_t df = be16_get(p + V4_OFF_FRAGMENT) & V4_DF;

	p[0] = (uint8_t)(0x40 | rec->hdr_len / 4);
	if (rec->ecn_seen & 1U << ECN_CE)
		p[1] |= ECN_CE;
	be16_put(
	    p + V4_OFF_TOTAL_LEN, (uint16_t)(rec->hdr_len + rec->total_len));
	be16_put(p + V4_OFF_FRAGMENT, df);
	be16_put(p + V4_OFF_CHECKSUM, 0);
	be16_put(p + V4_OFF_CHECKSUM, csum_fold(csum_add(0, p, rec->hdr_len)));
}

/* RFC 8200, 4.5. */
static void mend_v6(const struct reassembly_record *rec, uint8_t *p)
{
	if (rec->ecn_seen & 1U << ECN_CE)
		p[1] |= ECN_CE << 4;
	be16_put(p + V6_OFF_PAYLOAD_LEN,
	    (uint16_t)(rec->hdr_len - IPV6_HDR_LEN + rec->total_len));
	p[rec->named_at] = rec->next_header;
}

size_t reassembly_take(struct reassembly *r, uint32_t done, uint8_t *out)
{
	const struct reassembly_record *rec = &r->records[done];
	size_t len = reassembly_len(r, done);

	memcpy(out, store_aside(r, done)->hdr, rec->hdr_len);
	copy_out(r, rec, out + rec->hdr_len, rec->total_len);
	if (ip_is_v4(&rec->src))
		mend_v4(rec, out);
	else
		mend_v6(rec, out);
	store_discard(r, done);
	return len;
}

/* The first fragment as it came, as much as an error quotes. */
static void quote(
    const struct reassembly *r, uint32_t i, struct reassembly_expired *ret)
{
	const struct reassembly_record *rec = &r->records[i];
	bool v4 = ip_is_v4(&rec->src);
	uint32_t room = v4 ? V4_QUOTE : REASM_QUOTE_MAX;
	uint32_t len = rec->hdr_len, data = rec->first_len;

	memcpy(ret->quote, store_aside(r, i)->hdr, rec->hdr_len);
	if (!v4) {
		struct ipv6_frag_hdr f = {
			.id = rec->id,
			.more = true,
			.next_header = rec->next_header,
		};

		ipv6_frag_emit(ret->quote + len, &f);
		len += IPV6_FRAG_HDR_LEN;
	}
	if (data > room - len)
		data = room - len;
	copy_out(r, rec, ret->quote + len, data);
	ret->quote_len = (uint16_t)(len + data);
}

static void expire_one(
    struct reassembly *r, uint32_t i, struct reassembly_expired *ret)
{
	const struct reassembly_record *rec = &r->records[i];

	ret->src = rec->src;
	ret->dst = rec->dst;
	ret->zone = rec->zone;
	ret->quote_len = 0;
	/* One that is complete has only waited for room further up. */
	if (rec->hdr_len != 0 && rec->holes.n != 0)
		quote(r, i, ret);
	store_discard(r, i);
}

bool reassembly_expire(
    struct reassembly *r, struct mono now, struct reassembly_expired *ret)
{
	uint32_t oldest;

	if (!mono_reached(r->earliest, now))
		return false;
	oldest = find_oldest(r, RECORD_NONE);
	r->earliest =
	    oldest == RECORD_NONE ? MONO_NEVER : r->records[oldest].deadline;
	if (!mono_reached(r->earliest, now))
		return false;
	expire_one(r, oldest, ret);
	return true;
}

struct mono reassembly_deadline(const struct reassembly *r)
{
	return reassembly_count(r) == 0 ? MONO_NEVER : r->earliest;
}
