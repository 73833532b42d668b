/*
 * packet_id.c - is it the packet that was seen at another place?
 */
#include "api/command/packet_id.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bytes.h"
#include "shm/siphash.h"

enum {
	ETH_LEN = 14,
	IPV4_LEN = 20,
	IPV4_TOTAL = 2, /* offsets of fields */
	IPV4_ID = 4,
	IPV6_LEN = 40,
	IPV6_PAYLOAD = 4,

	/* Whole frames; super-frames that begin alike are alike. */
	LOOKED_AT = 1536,
};

/* So long may a packet wait for its neighbour. */
static const int64_t patience_ns = 5 * (int64_t)NS_PER_S;

/* ---- The bytes ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Where the transport's checksum is; 0: it has none, or we don't know it. */
static uint32_t checksum_at(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

/* Of a transport header and what follows. */
static uint64_t hash_of(uint8_t proto, const uint8_t *p, uint32_t len)
{
	uint32_t sum = checksum_at(proto);
	uint64_t key[2] = { len, sum };

	if (sum == 0 || len < sum + 2)
		return siphash(key, p, sum == 0 ? len : least(len, sum));
	key[0] = siphash(key, p, sum);
	return siphash(key, p + sum + 2, len - sum - 2);
}

/* Ethernet pads what is short.  Of a super-frame it may be 0. */
static uint32_t ip_len(const uint8_t *ip, uint32_t len)
{
	bool v6 = ip[0] >> 4 == 6;
	uint32_t field = be16_get(ip + (v6 ? IPV6_PAYLOAD : IPV4_TOTAL));

	return field == 0 ? len : least(len, field + (v6 ? IPV6_LEN : 0));
}

/* As many as are there of the frame as well. */
static uint32_t looked_at(const struct packet_ids *s, uint32_t caplen)
{
	uint32_t snap = s->taps->wish.snap;

	if (snap > 0)
		caplen = least(caplen, snap > ETH_LEN ? snap - ETH_LEN : 0);
	return least(caplen, LOOKED_AT);
}

/* False: no IP packet, or too little of it. */
static bool look(
    const struct packet_ids *s, struct pending_id *ret, const struct tapped *r)
{
	uint32_t skip = r->r.kind == TAP_FRAME ? ETH_LEN : 0;
	const uint8_t *ip = r->bytes + skip;
	uint32_t caplen, len, header;

	if (r->r.caplen < skip + IPV4_LEN)
		return false;
	len = ip_len(ip, r->r.len - skip);
	caplen = least(len, looked_at(s, r->r.caplen - skip));
	if (!identity_of(&ret->is, ip, caplen, len))
		return false;
	header = ip[0] >> 4 == 6 ? IPV6_LEN : (ip[0] & 0xf) * 4U;
	header = least(header, caplen);
	*ret = (struct pending_id){
		.used = true,
		.link = r->r.d.link,
		.number = ip[0] >> 4 == 4 ? be16_get(ip + IPV4_ID) : 0,
		.len = len,
		.time = r->r.time,
		.hash = hash_of(ret->is.proto, ip + header, caplen - header),
		.is = ret->is,
	};
	return true;
}

static bool is_same(const struct pending_id *a, const struct pending_id *b)
{
	return a->len == b->len && a->number == b->number && a->hash == b->hash;
}

/* TCP's may have been joined, or cut; their headers differ then. */
static bool is_segment(
    const struct pending_id *whole, const struct pending_id *p)
{
	return whole->is.proto == IPPROTO_TCP && p->len < whole->len &&
	    p->is.len > 0 &&
	    p->is.seq - whole->is.seq + p->is.len <= whole->is.len;
}

static bool is_part(const struct pending_id *whole, const struct pending_id *p)
{
	return identity_holds(&whole->is, &p->is) &&
	    (is_same(whole, p) || is_segment(whole, p));
}

/* ---- By the bytes ---- */

static void add_pending(
    struct packet_ids *s, const struct pending_id *p, bool tx, uint64_t id)
{
	struct pending_id *to = &s->pending[s->next++ % FRAMES_PENDING];

	*to = *p;
	to->tx = tx;
	to->id = id;
}

/* All that it can be, or be of, or hold. */
static uint32_t find(struct packet_ids *s, const struct pending_id *like,
    bool tx, struct pending_id *ret[FRAMES_PENDING])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FRAMES_PENDING; i++) {
		struct pending_id *p = &s->pending[i];

		if (p->used && p->tx == tx && p->link == like->link &&
		    like->time - p->time <= patience_ns &&
		    (tx ? is_part(p, like) : is_part(like, p)))
			ret[n++] = p;
	}
	return n;
}

static uint64_t of_frame_read(struct packet_ids *s, const struct tapped *r)
{
	struct pending_id p;

	if (!look(s, &p, r))
		return 0;
	if (r->r.reason == 0)
		add_pending(s, &p, false, s->last + 1);
	return ++s->last;
}

/* Of frames that were joined, the first. */
static uint64_t of_frames(struct packet_ids *s, const struct tapped *r)
{
	struct pending_id *found[FRAMES_PENDING];
	struct pending_id like;
	struct pending_id *first = NULL;
	bool alike = false;
	uint32_t n = look(s, &like, r) ? find(s, &like, false, found) : 0;

	for (uint32_t i = 0; i < n; i++) {
		if (found[i]->is.seq != like.is.seq)
			continue;
		alike |= first != NULL;
		first = found[i];
	}
	for (uint32_t i = 0; i < n; i++) {
		found[i]->used = alike;
		if (alike)
			found[i]->id = 0;
	}
	return first != NULL ? first->id : 0;
}

/*
 * What has not been written yet comes before what has.  Those that are alike
 * stay, and none of them is known: who can say how many frames are still to
 * come?
 */
static struct pending_id *only_one(struct pending_id *const *found, uint32_t n)
{
	struct pending_id *one = NULL;
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (found[i]->written)
			continue;
		waiting++;
		one = found[i];
	}
	if (waiting == 0)
		return n == 1 ? found[0] : NULL;
	for (uint32_t i = 0; waiting > 1 && i < n; i++)
		found[i]->id = 0;
	return waiting == 1 ? one : NULL;
}

static struct pending_id *taken_before(
    struct packet_ids *s, struct pending_id *ret, const struct tapped *r)
{
	struct pending_id *found[FRAMES_PENDING];

	if (!look(s, ret, r))
		return NULL;
	return only_one(found, find(s, ret, true, found));
}

static bool is_last(const struct identity *whole, const struct identity *part)
{
	return whole->len == 0 ||
	    part->seq + part->len == whole->seq + whole->len;
}

static uint64_t of_frame_written(struct packet_ids *s, const struct tapped *r)
{
	struct pending_id like;
	struct pending_id *p = taken_before(s, &like, r);

	if (p == NULL)
		return 0;
	p->written |= is_last(&p->is, &like.is);
	return p->id;
}

/* It has waited for its neighbour in vain. */
static uint64_t of_waited(struct packet_ids *s, const struct tapped *r)
{
	struct pending_id like;
	struct pending_id *p = taken_before(s, &like, r);

	if (p == NULL)
		return 0;
	p->used = false;
	return p->id;
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
	/* They are still under way, and others may be like them. */
	for (uint32_t i = 0; i < FRAMES_PENDING; i++)
		s->pending[i].id = 0;
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

/* It has come to @ring's producer by a ring, and none of them is watched. */
static bool comes_unseen(
    const struct packet_ids *s, const struct topo_ring *ring, uint8_t pool)
{
	const struct topology *t = s->taps->topo;
	bool comes = false;

	for (uint32_t i = 0; i < t->nrings; i++) {
		if (t->rings[i].from != pool || t->rings[i].to != ring->from)
			continue;
		if (s->taps->wish.rings >> i & 1)
			return false;
		comes = true;
	}
	return comes;
}

/* What comes back to ourselves is not written. */
static bool goes_to_device(const struct packet_ids *s,
    const struct topo_ring *ring, const struct tap_record *r)
{
	return s->taps->topo->procs[ring->to].layer == LAYER_LINK &&
	    r->reason == 0 && !(r->d.flags & PKT_LOOP);
}

static uint64_t of_ring(struct packet_ids *s, const struct tapped *r)
{
	const struct topology *t = s->taps->topo;
	const struct topo_ring *ring = &t->rings[r->r.place];
	struct slot_id *k = slot_of(s, &r->r.d);
	struct pending_id p;

	if (k == NULL)
		return 0;
	if (ring->from == r->r.d.pool || comes_unseen(s, ring, r->r.d.pool)) {
		*k = (struct slot_id){ .id = 0 };
		if (t->procs[ring->from].layer == LAYER_LINK)
			k->id = of_frames(s, r);
		if (k->id == 0)
			k->id = ++s->last;
	}
	if (!passes(k, r->r.place))
		k->id = 0;
	/* One that is not known may be like one that is. */
	if (goes_to_device(s, ring, &r->r) && look(s, &p, r))
		add_pending(s, &p, true, k->id);
	return k->id;
}

uint64_t packet_id(struct packet_ids *s, const struct tapped *r)
{
	uint64_t n = lost(s);

	if (n != s->lost)
		forget(s);
	s->lost = n;
	if (r->r.kind == TAP_DROP)
		return of_waited(s, r);
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
