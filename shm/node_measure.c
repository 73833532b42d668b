/*
 * node_measure.c - a daemon's hooks for its latencies
 */
#include "shm/node_measure.h"

#include <string.h>

#include "shm/node.h"

enum {
	BIRTH_BYTES = 8,
	BORN_BITS = 7, /* the lowest of a birth say by what: enum born */
};

static_assert(NBORN <= BORN_BITS + 1, "fits");
static_assert((int)TOPO_MAX_RINGS <= (int)MEASURE_DEVICE, "a ring or a place");

/* ---- The birth of a packet, at the end of its slot ---- */

/* NULL: the packet needs those bytes itself. */
static uint8_t *birth_place(const struct node *n, const struct desc *d)
{
	const struct pool *pool = &n->pool[d->pool];
	uint32_t at = pool_slot_size(pool, d->slot) - BIRTH_BYTES;

	if ((uint32_t)d->off + d->len > at)
		return NULL;
	return pool_slot(pool, d->slot) + at;
}

static void write_birth(
    const struct node *n, const struct desc *d, const struct cause *c)
{
	uint8_t *to = birth_place(n, d);
	uint64_t word =
	    ((uint64_t)c->birth.ns & ~(uint64_t)BORN_BITS) | c->born;

	if (to != NULL)
		memcpy(to, &word, sizeof(word));
}

static bool is_recent(const struct node *n, struct mono t)
{
	return !mono_before(t, n->tap.measure.on);
}

/* A neighbour's word, or what an earlier packet has left there. */
static void read_birth(
    const struct node *n, const struct desc *d, struct cause *c)
{
	const uint8_t *from = birth_place(n, d);
	uint64_t word = 0;

	if (from != NULL)
		memcpy(&word, from, sizeof(word));
	c->birth.ns = (int64_t)(word & ~(uint64_t)BORN_BITS);
	c->born = word & BORN_BITS;
	if (c->born >= NBORN || !is_recent(n, c->birth))
		c->born = BORN_NOWHERE;
}

/* ---- A turn ---- */

static struct cause of_nothing(const struct node *n)
{
	bool link = n->topo->procs[n->self].layer == LAYER_LINK;

	return (struct cause){
		.in = link ? MEASURE_DEVICE : MEASURE_SELF,
		.born = link ? BORN_WIRE : BORN_DAEMON,
		.pool = (uint8_t)n->self,
		.since = n->now,
		.birth = n->now,
	};
}

void node_measure_resume(struct node *n)
{
	struct node_measure *m = &n->tap.measure;

	m->mem = (void *)((uint8_t *)n->tap.tap.mem + TAP_MEASURE_OFF);
	for (m->nhops = 0; m->nhops < MEASURE_HOPS &&
	     atomic_load_explicit(
		 &m->mem->hop[m->nhops].key, memory_order_relaxed) != 0;
	     m->nhops++)
		;
}

void node_measure_begin(struct node *n)
{
	struct node_measure *m = &n->tap.measure;

	m->on.ns =
	    atomic_load_explicit(&n->tap.sw->measured, memory_order_relaxed);
	m->nsamples = 0;
	m->cause = of_nothing(n);
}

static void miss(struct node_measure *m)
{
	_Atomic uint64_t *p = &m->mem->missed;

	atomic_store_explicit(p,
	    atomic_load_explicit(p, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/* The packet of the cause, or one because of it, leaves by @out. */
static void leave(struct node *n, uint8_t out, uint8_t pool)
{
	struct node_measure *m = &n->tap.measure;
	const struct cause *c = &m->cause;
	struct sample *s;

	if (c->born == BORN_NOWHERE || !is_recent(n, c->since))
		return;
	if (m->nsamples == MEASURE_TURN) {
		miss(m);
		return;
	}
	s = &m->sample[m->nsamples++];
	*s = (struct sample){
		.key = hop_word((struct hop_key){ c->in, out, pool, c->born }),
		.since = c->since,
		.birth = c->birth,
	};
	if (out == MEASURE_END || out == MEASURE_SOCKET) {
		s->ring = c->ring;
		s->index = c->index;
	}
}

/* What reaches a transport ends there, whatever it is answered with. */
static bool ends_here(const struct node *n, const struct cause *c)
{
	return c->hand && (!c->put || n->topo->procs[n->self].layer > LAYER_IP);
}

void node_measure_done(struct node *n)
{
	struct node_measure *m = &n->tap.measure;

	if (ends_here(n, &m->cause))
		leave(n, m->cause.socket ? MEASURE_SOCKET : MEASURE_END,
		    m->cause.pool);
	m->cause = of_nothing(n);
}

void node_measure_take(
    struct node *n, const struct ring_in *in, const struct desc *d)
{
	struct cause *c = &n->tap.measure.cause;

	*c = (struct cause){
		.in = n->tap.in_ring[in - n->in],
		.pool = d->pool,
		.hand = true,
		.ring = in,
		.index = in->mine - 1,
		.since = { (int64_t)d->stamp },
	};
	read_birth(n, d, c);
}

void node_measure_untimed(struct node *n)
{
	node_measure_done(n);
	n->tap.measure.cause.in = MEASURE_APP;
	n->tap.measure.cause.born = BORN_UNTIMED;
}

bool node_measure_app(struct node *n, struct mono when)
{
	struct node_measure *m = &n->tap.measure;

	node_measure_untimed(n);
	/* An app's word. */
	if (!is_recent(n, when))
		return false;
	m->cause.born = BORN_APP;
	m->cause.since = m->cause.birth = when;
	return true;
}

bool node_measure_socket(
    struct node *n, struct hop_key *key, struct mono *birth)
{
	struct cause *c = &n->tap.measure.cause;

	if (!c->hand || c->born == BORN_NOWHERE)
		return false;
	c->socket = true;
	if (c->born == BORN_UNTIMED)
		return false;
	*key =
	    (struct hop_key){ MEASURE_SOCKET, MEASURE_APP, c->pool, c->born };
	*birth = c->birth;
	return true;
}

void node_measure_put(
    struct node *n, const struct ring_out *out, const struct desc *d)
{
	struct cause *c = &n->tap.measure.cause;

	c->put = true;
	if (d->pool == n->self)
		write_birth(n, d, c);
	leave(n, n->tap.out_ring[out - n->outs], d->pool);
}

/* ---- Its end ---- */

/* From now on they wait. */
static void stamp(struct node *n)
{
	for (uint32_t i = 0; i < n->ndata_out; i++) {
		struct ring_out *r = &n->outs[i];
		uint32_t at =
		    atomic_load_explicit(&r->sh->prod, memory_order_relaxed);

		for (; at != r->mine; at++)
			r->sh->entry[at & (r->capacity - 1)].stamp =
			    (uint64_t)n->tap.measure.end.ns;
	}
}

void node_measure_seal(struct node *n)
{
	struct node_measure *m = &n->tap.measure;

	node_measure_done(n);
	m->end = n->clock != NULL ? n->clock() : n->now;
	stamp(n);
}

static struct measure_hop *hop_of(struct node_measure *m, uint32_t key)
{
	struct measure_hop *h = m->mem->hop;

	for (uint32_t i = 0; i < m->nhops; i++)
		if (atomic_load_explicit(&h[i].key, memory_order_relaxed) ==
		    key)
			return &h[i];
	if (m->nhops == MEASURE_HOPS)
		return NULL;
	h = &h[m->nhops++];
	atomic_store_explicit(&h->key, key, memory_order_relaxed);
	return h;
}

static void add(struct node *n, const struct sample *s)
{
	struct node_measure *m = &n->tap.measure;
	struct measure_hop *h = hop_of(m, s->key);
	struct hop_key k = hop_key(s->key);
	struct mono from = mono_before(s->since, n->now) ? n->now : s->since;

	if (h == NULL) {
		miss(m);
		return;
	}
	if (hop_waits(k))
		histogram_add(&h->wait, mono_since(from, s->since));
	histogram_add(&h->work, mono_since(m->end, from));
	if (hop_ends(k) && k.born != BORN_UNTIMED)
		histogram_add(&h->whole, mono_since(m->end, s->birth));
}

static bool was_put_back(const struct sample *s)
{
	return s->ring != NULL && (int32_t)(s->ring->mine - s->index) <= 0;
}

void node_measure_end(struct node *n, bool happened)
{
	struct node_measure *m = &n->tap.measure;

	for (uint32_t i = 0; happened && i < m->nsamples; i++)
		if (!was_put_back(&m->sample[i]))
			add(n, &m->sample[i]);
	m->nsamples = 0;
}

/* ---- What an app has read ---- */

/* No part of a turn: it has happened, whatever becomes of this one. */
void node_measure_read(struct node *n, struct hop_key key, struct mono birth,
    struct mono since, struct mono when)
{
	struct measure_hop *h = hop_of(&n->tap.measure, hop_word(key));

	if (!is_recent(n, since))
		return;
	if (h == NULL) {
		miss(&n->tap.measure);
		return;
	}
	histogram_add(&h->wait, mono_since(when, since));
	histogram_add(&h->whole, mono_since(when, birth));
}
