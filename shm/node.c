/*
 * node.c - what the four daemons share: rings, pools, slots, counters, turn
 */
#include "shm/node.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct counter_def common[CNT_NODE_END] = {
	[CNT_BAD_DESC] = { "bad_descriptor", true },
	[CNT_SLOT_TWICE] = { "slot_returned_twice", false },
	[CNT_RING_CUT] = { "ring_cut_off", false },
	[CNT_ASIDE] = { "put_aside_after_crashes", true },
	[CNT_RING_FULL] = { "turn_ended_ring_full", false },
	[CNT_NO_SLOT] = { "turn_ended_no_slot", false },
};

/* Names go where tools find them; the numbers of an earlier life go on. */
static void attach_counters(
    struct node *n, const struct counter_def *defs, uint32_t ndefs)
{
	uint32_t total = CNT_NODE_END + ndefs;

	assert(total <= MAX_COUNTERS);
	for (uint32_t i = 0; i < total; i++) {
		const struct counter_def *d =
		    i < CNT_NODE_END ? &common[i] : &defs[i - CNT_NODE_END];
		struct counter_name *c = &n->out->counter_name[i];

		snprintf(c->name, sizeof(c->name), "%s", d->name);
		c->drop = d->drop;
		n->counter[i] = atomic_load_explicit(
		    &n->out->counter[i], memory_order_relaxed);
	}
	n->ncounters = total;
	atomic_store_explicit(&n->out->ncounters, total, memory_order_relaxed);
}

static void add_in(
    struct node *n, const struct segments *s, const struct wire_ring *r)
{
	struct ring_in *in = &n->in[n->nin++];

	assert(n->nin <= TURN_MAX_RINGS);
	*in = (struct ring_in){
		.their = (const void *)(s->out[r->from] + r->prod_off),
		.sh = (void *)(s->out[r->to] + r->cons_off),
		.capacity = r->slots,
		.from = r->from,
	};
	n->ndata_in += !r->returns;
}

static void add_out(
    struct node *n, const struct segments *s, const struct wire_ring *r)
{
	struct ring_out *out = &n->outs[n->nout++];

	assert(n->nout <= TURN_MAX_RINGS);
	*out = (struct ring_out){
		.sh = (void *)(s->out[r->from] + r->prod_off),
		.their = (const void *)(s->out[r->to] + r->cons_off),
		.capacity = r->slots,
		.to = r->to,
	};
	n->ndata_out += !r->returns;
	if (r->returns)
		n->way_home[r->to] = out;
}

/* Wiring lists data rings first, so they come first here. */
static void attach_rings(struct node *n, const struct segments *s)
{
	for (uint32_t i = 0; i < n->wiring.nrings; i++) {
		const struct wire_ring *r = &n->wiring.ring[i];

		if (r->to == n->self)
			add_in(n, s, r);
		if (r->from == n->self)
			add_out(n, s, r);
	}
}

static void attach_pools(struct node *n, const struct segments *s)
{
	for (uint32_t p = 0; p < n->topo->nprocs; p++) {
		if (!wiring_reads_pool(&n->wiring, n->self, p))
			continue;
		n->pool[p] = (struct pool){
			.base = s->pool[p],
			.nsmall = n->topo->procs[p].small_slots,
			.nbig = n->topo->procs[p].big_slots,
			.writable = wiring_writes_pool(&n->wiring, n->self, p),
		};
	}
}

int node_attach(struct node *n, const struct segments *s,
    const struct counter_def *defs, uint32_t ndefs)
{
	const struct topo_proc *me = &s->topo->procs[s->self];
	int r;

	*n = (struct node){
		.topo = s->topo,
		.self = s->self,
		.log = { .fd = s->log_fd,
		    .name = me->name,
		    .level = s->sup ? &s->sup->log_level[s->self] : NULL },
		.out = (void *)s->out[s->self],
		.table = s->out[s->self] + OUT_TABLE_OFF,
		.state = s->priv + PRIV_STATE_OFF,
		.state_size = PRIV_BYTES - PRIV_STATE_OFF,
	};
	r = wiring_compute(&n->wiring, s->topo);
	if (r < 0)
		return r;
	if (n->out->version != 0 && n->out->version != LAYOUT_VERSION)
		return -EPROTO;
	n->out->magic = LAYOUT_MAGIC;
	n->out->version = LAYOUT_VERSION;
	n->out->layer = me->layer;
	for (uint32_t p = 0; p < s->topo->nprocs; p++)
		n->neighbour[p] = (const void *)s->out[p];

	attach_counters(n, defs, ndefs);
	attach_rings(n, s);
	attach_pools(n, s);
	r = pool_home_init(&n->home, &n->pool[n->self]);
	if (r < 0)
		return r;
	node_tap_attach(n, s);
	n->turn = (struct turn){
		.mem = (void *)s->priv,
		.base = n->state,
		.size = n->state_size,
		.out = n->outs,
		.in = n->in,
		.nout = n->nout,
		.nin = n->nin,
		.tap = s->tap != NULL ? &n->tap.tap.mem->published : NULL,
	};
	return 0;
}

void node_detach(struct node *n)
{
	pool_home_free(&n->home);
}

/*
 * Mark every slot of ours that lies in ring @r.  The consumer's index is read
 * first: what it steps over meanwhile is marked too much, never too little,
 * and comes home by a return ring that is scanned later.
 */
static void mark_ring(struct node *n, const struct wire_ring *r)
{
	const struct ring_prod *p =
	    (const void *)((const uint8_t *)n->neighbour[r->from] +
		r->prod_off);
	const struct ring_cons *c =
	    (const void *)((const uint8_t *)n->neighbour[r->to] + r->cons_off);
	uint32_t cons = atomic_load_explicit(&c->cons, memory_order_acquire);
	uint32_t prod = atomic_load_explicit(&p->prod, memory_order_acquire);

	/* More than fits: the oldest have been overwritten, having moved on. */
	if (prod - cons > r->slots)
		cons = prod - r->slots;
	for (; cons != prod; cons++) {
		const struct desc *d = &p->entry[cons & (r->slots - 1)];

		if (d->pool == n->self)
			pool_mark(&n->home, d->slot);
	}
}

/* Rings in which our slots travel one way, from us outwards. */
static void mark_way(struct node *n, bool up)
{
	const struct topology *t = n->topo;

	for (uint32_t step = 0; step < NLAYERS; step++) {
		uint32_t from = up ? step : NLAYERS - 1 - step;

		for (uint32_t i = 0; i < t->nrings; i++) {
			const struct wire_ring *r = &n->wiring.ring[i];

			if (t->procs[r->from].layer == from &&
			    wiring_is_up(t, r->from, r->to) == up &&
			    wiring_reads_pool(&n->wiring, r->from, n->self) &&
			    wiring_reads_pool(&n->wiring, r->to, n->self))
				mark_ring(n, r);
		}
	}
}

/*
 * From upstream to downstream, so that a slot on the move is not missed.  Some
 * turn round at a neighbour: a received packet goes down again in a request
 * for an ICMP error, one that was to be sent comes up again in an error.
 */
static void mark_slots(struct node *n)
{
	mark_way(n, true);
	mark_way(n, false);
	mark_way(n, true);
	for (uint32_t i = 0; i < n->wiring.nrings; i++)
		if (n->wiring.ring[i].returns &&
		    n->wiring.ring[i].to == n->self)
			mark_ring(n, &n->wiring.ring[i]);
}

static void find_slots(struct node *n)
{
	mark_slots(n);
	if (n->mark != NULL)
		n->mark(n->mark_ctx);
	pool_rebuild(&n->home);
}

static uint64_t turns_of(const struct node *n, uint32_t p)
{
	/* Acquire: the indices that the last of these turns published. */
	return atomic_load_explicit(
	    &n->neighbour[p]->turns, memory_order_acquire);
}

/*
 * A neighbour amid its commit, dead perhaps, has sent a slot home and not yet
 * stepped over where it came from: found there it counts as lent, and if it
 * had come home before we died it never will again.  So once the neighbour has
 * got to the end of a turn, look again for what was found.
 */
static void unsettle(struct node *n)
{
	n->unsettled = 0;
	for (uint32_t p = 0; p < n->topo->nprocs; p++) {
		if (p == n->self || n->neighbour[p] == NULL)
			continue;
		n->turns_seen[p] = turns_of(n, p);
		n->unsettled |= 1U << p;
	}
}

static void settle(struct node *n)
{
	uint32_t before = n->unsettled;

	for (uint32_t p = 0; p < n->topo->nprocs; p++)
		if ((before >> p & 1) && turns_of(n, p) != n->turns_seen[p])
			n->unsettled &= ~(1U << p);
	if (n->unsettled == before)
		return;
	pool_doubt_found(&n->home);
	find_slots(n);
}

void node_publish(struct node *n)
{
	for (uint32_t i = 0; i < n->ncounters; i++)
		atomic_store_explicit(
		    &n->out->counter[i], n->counter[i], memory_order_relaxed);
	atomic_store_explicit(
	    &n->out->small_free, n->home.small_free, memory_order_relaxed);
	atomic_store_explicit(
	    &n->out->big_free, n->home.big_free, memory_order_relaxed);
	atomic_store_explicit(&n->out->held, n->held, memory_order_relaxed);
	/* Release: the turn's indices before its number (settle). */
	atomic_store_explicit(&n->out->turns,
	    atomic_load_explicit(&n->turn.mem->committed, memory_order_relaxed),
	    memory_order_release);
}

bool node_recover(struct node *n, void (*mark)(void *ctx), void *ctx)
{
	bool again = turn_recover(&n->turn);

	node_tap_resume(n);
	n->mark = mark;
	n->mark_ctx = ctx;
	unsettle(n);
	pool_doubt_all(&n->home);
	find_slots(n);
	node_publish(n);
	/* One that died before its first packet has had no turn. */
	if (again || atomic_load(&n->out->up_since) != 0)
		atomic_fetch_add_explicit(
		    &n->out->recoveries, 1, memory_order_relaxed);
	return again;
}

void node_mark(struct node *n, uint32_t slot)
{
	pool_mark(&n->home, slot);
}

struct ring_in *node_in(struct node *n, enum layer peer, uint32_t i)
{
	for (uint32_t k = 0; k < n->ndata_in; k++)
		if (n->topo->procs[n->in[k].from].layer == peer && i-- == 0)
			return &n->in[k];
	return NULL;
}

struct ring_out *node_out(struct node *n, enum layer peer, uint32_t i)
{
	for (uint32_t k = 0; k < n->ndata_out; k++)
		if (n->topo->procs[n->outs[k].to].layer == peer && i-- == 0)
			return &n->outs[k];
	return NULL;
}

uint32_t node_count_out(const struct node *n, enum layer peer)
{
	uint32_t count = 0;

	for (uint32_t k = 0; k < n->ndata_out; k++)
		count += n->topo->procs[n->outs[k].to].layer == peer;
	return count;
}

static void cut_off(struct node *n, bool *cut, uint32_t who)
{
	*cut = true;
	node_count(n, CNT_RING_CUT);
	log_error(&n->log, "ring cut off, impossible index, neighbour=%s",
	    n->topo->procs[who].name);
}

static bool in_waiting(struct node *n, struct ring_in *in)
{
	int waiting;

	if (in->cut)
		return false;
	waiting = ring_in_waiting(in);
	if (waiting < 0)
		cut_off(n, &in->cut, in->from);
	return waiting > 0;
}

/* Slots that have come home since the last turn. */
static void collect(struct node *n)
{
	for (uint32_t i = n->ndata_in; i < n->nin; i++) {
		struct ring_in *in = &n->in[i];
		struct desc d;

		/* As many as fit, lest one who goes on lying keep us here. */
		for (uint32_t k = 0; k < in->capacity && in_waiting(n, in);
		     k++) {
			ring_in_take(in, &d);
			if (!pool_put(&n->home, d.slot))
				node_count(n, CNT_SLOT_TWICE);
		}
	}
}

/*
 * Each ring in its turn, so that a deadly packet comes to be the only one, and
 * not behind those of a ring that is never empty.
 */
static void choose_ring(struct node *n)
{
	n->small = turn_small(&n->turn);
	n->only = NULL;
	for (uint32_t i = 0; n->small && i < n->ndata_in; i++) {
		uint64_t k = n->turn.b + n->passed_over + i;
		struct ring_in *in = &n->in[k % n->ndata_in];

		if (in_waiting(n, in)) {
			n->only = in;
			return;
		}
	}
}

void node_begin(struct node *n, struct mono now)
{
	n->now = now;
	n->starving = false;
	n->took = false;
	if (n->unsettled != 0)
		settle(n);
	turn_begin(&n->turn);
	if (TAP_HOOKS)
		node_tap_begin(n);
	choose_ring(n);
	collect(n);
}

/* Take the next descriptor; NULL, counted and sent home, if it is none. */
static const uint8_t *take_checked(
    struct node *n, struct ring_in *in, struct desc *d)
{
	const struct pool *pool;
	const uint8_t *p = NULL;

	ring_in_take(in, d);
	pool = d->pool < n->topo->nprocs ? &n->pool[d->pool] : NULL;
	if (pool != NULL)
		p = pool_view(pool, d);
	if (p != NULL)
		return p;
	if (node_tapping(n))
		node_tap_done(n);
	node_count(n, CNT_BAD_DESC);
	/* Its slot may exist all the same: send that home. */
	if (pool != NULL && d->slot < pool_slots(pool))
		node_give_back(n, d);
	return NULL;
}

const uint8_t *node_take(struct node *n, struct ring_in *in, struct desc *ret)
{
	if (n->small && (n->took || in != n->only))
		return NULL;
	/* Of bad ones no more than fit, lest they be handed in for ever. */
	for (uint32_t k = 0; k < in->capacity && in_waiting(n, in); k++) {
		struct desc d;
		const uint8_t *p = take_checked(n, in, &d);

		if (p == NULL)
			continue;
		node_took(n);
		if (node_tapping(n))
			node_tap_take(n, in, &d, p);
		if (n->small && turn_poisonous(&n->turn)) {
			node_count(n, CNT_ASIDE);
			log_error(&n->log, "packet put aside: %u deaths on it",
			    n->turn.mem->strikes);
			node_give_back(n, &d);
			return NULL;
		}
		*ret = d;
		return p;
	}
	return NULL;
}

uint8_t *node_slot(struct node *n, const struct desc *d)
{
	const struct pool *pool =
	    d->pool < n->topo->nprocs ? &n->pool[d->pool] : NULL;

	if (pool == NULL || !pool->writable || d->slot >= pool_slots(pool) ||
	    pool->base == NULL)
		return NULL;
	return pool_slot(pool, d->slot);
}

bool node_room(struct node *n, struct ring_out *out, uint32_t want)
{
	int room;

	if (turn_full(&n->turn))
		return false;
	/* What goes to a neighbour that lied is dropped in node_put(). */
	if (out->cut)
		return true;
	room = ring_out_room(out, want);
	if (room < 0) {
		cut_off(n, &out->cut, out->to);
		return true;
	}
	if ((uint32_t)room >= want)
		return true;
	node_count(n, CNT_RING_FULL);
	atomic_fetch_add_explicit(&out->sh->full, 1, memory_order_relaxed);
	n->starving = true;
	return false;
}

void node_put(struct node *n, struct ring_out *out, const struct desc *d)
{
	if (out->cut) {
		node_give_back(n, d);
		return;
	}
	if (node_tapping(n))
		node_tap_put(n, out, d);
	ring_out_stage(out, d);
	if (TAP_HOOKS)
		ring_out_stamp(out, (uint64_t)n->now.ns);
}

void node_give_back(struct node *n, const struct desc *d)
{
	struct desc r = {
		.kind = PKT_RETURN,
		.pool = d->pool,
		.slot = d->slot,
		.stamp = (uint64_t)n->now.ns,
	};
	struct ring_out *out;

	if (d->pool == n->self) {
		/*
		 * One of ours that a neighbour turned round.  Not free before
		 * the commit: an undone turn must find its bytes again.
		 */
		if (n->nreturned < NODE_MAX_RETURNED)
			n->returned[n->nreturned++] = d->slot;
		else
			node_unalloc(n, d);
		return;
	}
	out = n->way_home[d->pool];
	/* As large as the pool: full only if we returned something twice. */
	if (out == NULL || out->cut || ring_out_room(out, 1) <= 0)
		return;
	ring_out_stage(out, &r);
}

uint8_t *node_alloc(struct node *n, uint32_t bytes, struct desc *d)
{
	int slot = pool_get(&n->home, bytes);

	if (slot < 0) {
		node_count(n, CNT_NO_SLOT);
		n->starving = true;
		return NULL;
	}
	d->slot = (uint16_t)slot;
	d->pool = (uint8_t)n->self;
	return pool_slot(&n->home.p, (uint32_t)slot);
}

uint32_t node_slots_free(const struct node *n, uint32_t bytes)
{
	if (bytes > BIG_SLOT)
		return 0;
	if (bytes > SMALL_SLOT)
		return n->home.big_free;
	return n->home.small_free + n->home.big_free;
}

void node_unalloc(struct node *n, const struct desc *d)
{
	if (!pool_put(&n->home, d->slot))
		node_count(n, CNT_SLOT_TWICE);
}

/*
 * Whom the commit concerns: consumers of what was put, and producers that may
 * be waiting for the room or the slot that this turn gave them.
 */
static void note_bells(struct node *n, uint32_t fed, uint32_t relieved)
{
	/* Full fence: our indices before their "asleep"; see ring.h. */
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t p = 0; p < n->topo->nprocs; p++) {
		uint32_t asleep;

		if (((fed | relieved) >> p & 1) == 0 || n->neighbour[p] == NULL)
			continue;
		asleep = atomic_load_explicit(
		    &n->neighbour[p]->asleep, memory_order_relaxed);
		if (((asleep & ASLEEP) && (fed >> p & 1)) ||
		    ((asleep & WANT_ROOM) && (relieved >> p & 1)))
			n->bells |= 1U << p;
	}
}

static void free_returned(struct node *n)
{
	for (uint32_t i = 0; i < n->nreturned; i++)
		if (!pool_put(&n->home, n->returned[i]))
			node_count(n, CNT_SLOT_TWICE);
	n->nreturned = 0;
}

bool node_commit(struct node *n)
{
	bool happened;
	uint32_t fed = 0;
	uint32_t relieved = 0;

	for (uint32_t i = 0; i < n->nout; i++) {
		const struct ring_out *r = &n->outs[i];
		bool staged = r->mine !=
		    atomic_load_explicit(&r->sh->prod, memory_order_relaxed);

		/* A slot that comes home wakes only who waits for one. */
		if (staged && i < n->ndata_out)
			fed |= 1U << r->to;
		else if (staged)
			relieved |= 1U << r->to;
	}
	for (uint32_t i = 0; i < n->ndata_in; i++)
		if (n->in[i].mine !=
		    atomic_load_explicit(
			&n->in[i].sh->cons, memory_order_relaxed))
			relieved |= 1U << n->in[i].from;

	if (node_tapping(n))
		node_tap_seal(n);
	happened = turn_commit(&n->turn);
	if (node_tapping(n))
		node_tap_end(n, happened);
	free_returned(n);
	/* Also what was only counted: a ring that is full, or cut off. */
	node_publish(n);
	if (!happened) {
		n->passed_over++;
		return false;
	}
	note_bells(n, fed, relieved);
	return true;
}

bool node_news(struct node *n)
{
	bool news = false;

	for (uint32_t i = 0; i < n->nin; i++) {
		struct ring_in *r = &n->in[i];
		uint32_t prod;

		/* Slots coming home matter only to one who wants them. */
		if (r->cut ||
		    (i >= n->ndata_in && !n->starving && !n->expecting))
			continue;
		prod =
		    atomic_load_explicit(&r->their->prod, memory_order_acquire);
		if (prod == r->theirs)
			continue;
		if (prod - r->mine > r->capacity)
			cut_off(n, &r->cut, r->from);
		else
			r->theirs = prod;
		news = true;
	}
	for (uint32_t i = 0; n->starving && i < n->nout; i++) {
		struct ring_out *r = &n->outs[i];

		if (!r->cut &&
		    atomic_load_explicit(
			&r->their->cons, memory_order_relaxed) != r->theirs)
			news |= ring_out_room(r, r->capacity + 1) >= 0;
	}
	return news;
}

bool node_may_sleep(struct node *n)
{
	bool wants = n->starving || n->expecting;
	uint32_t asleep = ASLEEP | (wants ? WANT_ROOM : 0U);

	atomic_store_explicit(&n->out->asleep, asleep, memory_order_relaxed);
	/* Full fence: "asleep" before our last look; see ring.h. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!node_news(n))
		return true;
	node_awake(n);
	return false;
}

void node_awake(struct node *n)
{
	atomic_store_explicit(&n->out->asleep, 0, memory_order_relaxed);
}
