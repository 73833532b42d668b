/*
 * packet_id.c - is it the packet that was seen at another place?
 */
#include "api/command/packet_id.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bytes.h"

enum {
	ETH_LEN = 14,
	IPV4_ID = 4,
};

/* So long may a packet wait for its neighbour. */
static const int64_t patience_ns = 5 * (int64_t)NS_PER_S;

/* ---- By the bytes ---- */

/* False: no IP packet, or too little of it. */
static bool look(struct pending_id *ret, const struct tapped *r)
{
	uint32_t skip = r->r.kind == TAP_FRAME ? ETH_LEN : 0;
	const uint8_t *ip = r->bytes + skip;

	if (r->r.caplen < skip ||
	    !identity_of(&ret->is, ip, r->r.caplen - skip, r->r.len - skip))
		return false;
	ret->len = r->r.len - skip;
	ret->number = ip[0] >> 4 == 4 ? be16_get(ip + IPV4_ID) : 0;
	ret->time = r->r.time;
	ret->link = r->r.d.link;
	return true;
}

/* TCP's may have been joined, or are to be cut; others are as they were. */
static bool is_part(const struct pending_id *whole, const struct pending_id *p)
{
	return identity_holds(&whole->is, &p->is) &&
	    (whole->is.proto == IPPROTO_TCP ||
		(whole->len == p->len && whole->number == p->number));
}

static void add_pending(
    struct packet_ids *s, const struct pending_id *p, bool tx, uint64_t id)
{
	struct pending_id *to = &s->pending[s->next++ % FRAMES_PENDING];

	*to = *p;
	to->tx = tx;
	to->id = id;
}

/* The oldest that is still waited for, from the @i-th on; NULL: none. */
static struct pending_id *find(
    struct packet_ids *s, const struct pending_id *like, bool tx)
{
	for (uint32_t i = 0; i < FRAMES_PENDING; i++) {
		struct pending_id *p =
		    &s->pending[(s->next + i) % FRAMES_PENDING];

		if (p->id != 0 && p->tx == tx && p->link == like->link &&
		    like->time - p->time <= patience_ns &&
		    (tx ? is_part(p, like) : is_part(like, p)))
			return p;
	}
	return NULL;
}

static uint64_t of_frame_read(struct packet_ids *s, const struct tapped *r)
{
	struct pending_id p;

	if (!look(&p, r))
		return 0;
	if (r->r.reason == 0)
		add_pending(s, &p, false, s->last + 1);
	return ++s->last;
}

/* Of frames that were joined, the first. */
static uint64_t of_frames(struct packet_ids *s, const struct tapped *r)
{
	struct pending_id like, *p;
	uint64_t id = 0;

	if (!look(&like, r))
		return 0;
	while ((p = find(s, &like, false)) != NULL) {
		if (id == 0)
			id = p->id;
		p->id = 0;
		if (like.is.len <= p->is.len)
			break;
	}
	return id;
}

static bool is_last(const struct identity *whole, const struct identity *part)
{
	return whole->len == 0 ||
	    part->seq + part->len == whole->seq + whole->len;
}

static uint64_t of_frame_written(struct packet_ids *s, const struct tapped *r)
{
	struct pending_id like, *p;
	uint64_t id;

	if (!look(&like, r))
		return 0;
	p = find(s, &like, true);
	if (p == NULL)
		return 0;
	id = p->id;
	if (is_last(&p->is, &like.is))
		p->id = 0;
	return id;
}

/* ---- By the slot ---- */

static uint64_t lost(const struct packet_ids *s)
{
	uint64_t n = 0;

	for (uint32_t p = 0; p < s->taps->topo->nprocs; p++)
		n += s->taps->reader[p].lost;
	return n;
}

static void forget(struct packet_ids *s)
{
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++)
		if (s->slot[p] != NULL)
			memset(s->slot[p], 0, SLOTS * sizeof(*s->slot[p]));
	memset(s->pending, 0, sizeof(s->pending));
}

/* NULL: no such pool, or no memory. */
static struct slot_id *slot_of(struct packet_ids *s, const struct desc *d)
{
	if (d->pool >= s->taps->topo->nprocs)
		return NULL;
	if (s->slot[d->pool] == NULL)
		s->slot[d->pool] = calloc(SLOTS, sizeof(struct slot_id));
	return s->slot[d->pool] != NULL ? &s->slot[d->pool][d->slot] : NULL;
}

/* True: the bit was not set.  A packet passes each ring once. */
static bool passes(struct slot_id *k, uint16_t ring)
{
	uint64_t bit = (uint64_t)1 << (ring % 64);
	bool first = !(k->passed & bit);

	k->passed |= bit;
	return first;
}

static uint64_t of_ring(struct packet_ids *s, const struct tapped *r)
{
	const struct topology *t = s->taps->topo;
	const struct topo_ring *ring = &t->rings[r->r.place];
	struct slot_id *k = slot_of(s, &r->r.d);
	struct pending_id p;

	if (k == NULL)
		return 0;
	if (ring->from == r->r.d.pool) {
		*k = (struct slot_id){ .id = 0 };
		if (t->procs[ring->from].layer == LAYER_LINK)
			k->id = of_frames(s, r);
		if (k->id == 0)
			k->id = ++s->last;
	}
	if (!passes(k, r->r.place))
		k->id = 0;
	if (k->id != 0 && r->r.reason == 0 &&
	    t->procs[ring->to].layer == LAYER_LINK && look(&p, r))
		add_pending(s, &p, true, k->id);
	return k->id;
}

uint64_t packet_id(struct packet_ids *s, const struct tapped *r)
{
	uint64_t n = lost(s);

	if (n != s->lost)
		forget(s);
	s->lost = n;
	if (r->r.kind != TAP_FRAME)
		return r->r.place < s->taps->topo->nrings ? of_ring(s, r) : 0;
	if ((r->r.place - TAP_PLACE_DEVICE) & 1)
		return of_frame_written(s, r);
	return of_frame_read(s, r);
}

void packet_ids_free(struct packet_ids *s)
{
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++)
		free(s->slot[p]);
}
