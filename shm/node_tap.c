/*
 * node_tap.c - a daemon's hooks for its tap
 */
#include "shm/node_tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shm/node.h"

enum {
	REFS = 2, /* of one packet (layout.h) */
};

/* ---- What there is ---- */

static bool is_transport(const struct node *n, uint32_t p)
{
	return n->topo->procs[p].layer > LAYER_IP;
}

/* As attach_rings() lists them: the topology's data rings, in its order. */
static void find_rings(struct node *n)
{
	struct node_tap *t = &n->tap;
	uint32_t nin = 0;
	uint32_t nout = 0;

	for (uint8_t i = 0; i < n->topo->nrings; i++) {
		const struct topo_ring *r = &n->topo->rings[i];

		if (r->to == n->self) {
			if (!is_transport(n, r->from))
				t->take_mine |= (uint64_t)1 << nin;
			t->in_ring[nin++] = i;
		}
		if (r->from == n->self) {
			if (is_transport(n, n->self))
				t->put_mine |= (uint64_t)1 << nout;
			t->out_ring[nout++] = i;
		}
	}
}

void node_tap_attach(struct node *n, const struct segments *s)
{
	struct node_tap *t = &n->tap;

	t->tap.mem = (void *)s->tap;
	t->sw = s->sup != NULL ? &s->sup->tap : NULL;
	find_rings(n);
	for (uint32_t i = 0; i < n->ncounters; i++)
		if (n->out->counter_name[i].drop)
			t->drop[t->ndrops++] = (uint16_t)i;
}

void node_tap_resume(struct node *n)
{
	if (n->tap.tap.mem == NULL)
		return;
	tap_resume(&n->tap.tap, n->tap.tap.mem);
	node_measure_resume(n);
	n->turn.tap_serial = n->tap.tap.serial;
}

/* ---- What is wanted ---- */

static uint64_t wanted(
    const uint8_t *ring, uint32_t n, uint64_t mine, uint64_t rings, bool all)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t bit = (uint64_t)1 << i;

		if (all || ((mine & bit) && (rings >> ring[i] & 1)))
			mask |= bit;
	}
	return mask;
}

static uint32_t word(const _Atomic uint32_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void refresh(struct node *n)
{
	struct node_tap *t = &n->tap;
	uint64_t rings =
	    atomic_load_explicit(&t->sw->rings, memory_order_relaxed);
	bool all;

	t->flags = word(&t->sw->flags);
	t->devices = word(&t->sw->devices);
	t->snap = word(&t->sw->snap);
	all = t->flags & TAP_TRACE;
	t->take = wanted(t->in_ring, n->ndata_in, t->take_mine, rings, all);
	t->put = wanted(t->out_ring, n->ndata_out, t->put_mine, rings, all);
	t->recording = t->take || t->put || t->devices ||
	    (t->flags & ~(uint32_t)TAP_MEASURE);
	n->noting = all;
	n->measuring = t->flags & TAP_MEASURE;
	n->tapping = t->recording || n->measuring;
}

void node_tap_begin(struct node *n)
{
	struct node_tap *t = &n->tap;

	n->tapping = n->noting = n->measuring = false;
	if (t->sw == NULL || t->tap.mem == NULL || word(&t->sw->on) == 0)
		return;
	refresh(n);
	if (!n->tapping)
		return;
	t->hand = NULL;
	t->unseen.any = false;
	for (uint32_t i = 0; i < t->ndrops; i++)
		t->dropped[i] = n->counter[t->drop[i]];
	tap_begin(&t->tap, n->now);
	if (node_measuring(n))
		node_measure_begin(n);
}

/* ---- Records ---- */

static int64_t time_of(const struct node *n)
{
	return n->clock != NULL ? n->clock().ns : n->now.ns;
}

/* Will it be shown only if it turns out to be dropped? */
static bool is_in_case(const struct tap_record *r)
{
	return (r->flags & TAP_ONLY_DROPPED) && r->reason == 0;
}

/* In case it is dropped, of a packet that nobody watches: not for all bytes. */
static uint32_t snap_of(const struct node *n, const struct tap_record *r)
{
	uint32_t snap = n->tap.snap;

	return is_in_case(r) && snap > TAP_SNAP_DROPPED ? TAP_SNAP_DROPPED
							: snap;
}

static struct tap_record *stage(
    struct node *n, struct tap_record *r, const struct tap_span *s, uint32_t ns)
{
	struct node_tap *t = &n->tap;
	struct tap_record *staged;

	r->time = time_of(n);
	staged = tap_stage(&t->tap, r, s, ns, snap_of(n, r));
	if (staged == NULL && !is_in_case(r))
		tap_miss(&t->tap, r->place);
	return staged;
}

/*
 * It is in hand from here on.  If there is no room for it, it is not known yet
 * that it is lost: it may be put back, or be none that is to be shown.
 */
static void stage_hand(
    struct node *n, struct tap_record *r, const struct tap_span *s, uint32_t ns)
{
	struct node_tap *t = &n->tap;

	r->time = time_of(n);
	t->hand = tap_stage(&t->tap, r, s, ns, snap_of(n, r));
	if (t->hand == NULL)
		t->unseen = (struct unseen){ .r = *r, .any = true };
}

static void drop_of_none(struct node *n, uint16_t counter, uint64_t count)
{
	struct tap_record r = {
		.kind = TAP_DROP,
		.place = TAP_PLACE_DROPS,
		.reason = counter + 1U,
		.len = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX,
	};

	if (n->tap.flags & (TAP_DROPS | TAP_TRACE))
		stage(n, &r, NULL, 0);
}

/* The packet in hand has no record, and was dropped: is that news? */
static bool is_loss_of_unseen(struct node *n)
{
	struct unseen *u = &n->tap.unseen;

	if (!u->any || u->told || u->aside)
		return false;
	u->told = true;
	tap_miss(&n->tap.tap, u->r.place);
	return true;
}

/* What was counted since the last time is @hand's, once; the rest is none's. */
static void tell_drops(struct node *n, struct tap_record *hand)
{
	struct node_tap *t = &n->tap;

	for (uint32_t i = 0; t->recording && i < t->ndrops; i++) {
		uint64_t now = n->counter[t->drop[i]];
		uint64_t count = now - t->dropped[i];

		t->dropped[i] = now;
		if (count > 0 && hand != NULL && hand->reason == 0) {
			hand->reason = t->drop[i] + 1U;
			count--;
		} else if (count > 0 && hand == NULL && is_loss_of_unseen(n)) {
			count--;
		}
		if (count > 0)
			drop_of_none(n, t->drop[i], count);
	}
}

/* Was it put back into its ring? */
static bool was_put_back(const struct node *n, const struct tap_record *r)
{
	for (uint32_t i = 0; i < n->ndata_in; i++)
		if (n->tap.in_ring[i] == r->place - TAP_PLACE_RING)
			return (int32_t)(n->in[i].mine - r->index) <= 0;
	return false;
}

/* It is lost to who watches, unless it was there for nobody. */
static void end_unseen(struct node *n)
{
	struct unseen *u = &n->tap.unseen;

	if (u->any && !u->told && !is_in_case(&u->r) &&
	    !(u->r.kind == TAP_TAKE && was_put_back(n, &u->r)))
		tap_miss(&n->tap.tap, u->r.place);
	u->any = false;
}

void node_tap_done(struct node *n)
{
	if (node_measuring(n))
		node_measure_done(n);
	tell_drops(n, n->tap.hand);
	end_unseen(n);
	n->tap.hand = NULL;
}

void node_tap_forget(struct node *n)
{
	struct tap_record *hand = n->tap.hand;

	tell_drops(n, hand);
	n->tap.unseen.any = false;
	node_tap_done(n);
	if (hand != NULL && hand->reason == 0)
		hand->kind = TAP_PAD;
}

struct tap_record *node_tap_aside(struct node *n)
{
	struct tap_record *hand = n->tap.hand;

	tell_drops(n, hand);
	n->tap.unseen.aside = true;
	n->tap.hand = NULL;
	return hand;
}

void node_tap_back(struct node *n, struct tap_record *hand)
{
	tell_drops(n, NULL);
	n->tap.unseen.aside = false;
	n->tap.hand = hand;
}

/* What the slot holds, and what it refers to in an app's ring. */
static uint32_t spans_of(const struct node *n, const struct desc *d,
    const uint8_t *p, struct tap_span s[1 + REFS])
{
	struct ref ref[REFS];
	uint32_t ns = 1;

	s[0] = (struct tap_span){ p, d->len };
	if (!(d->flags & PKT_REFS) || n->tap.resolve == NULL ||
	    d->off < sizeof(ref))
		return 1;
	memcpy(ref, p - d->off, sizeof(ref));
	for (uint32_t i = 0; i < REFS; i++) {
		const uint8_t *bytes = ref[i].len == 0
		    ? NULL
		    : n->tap.resolve(n->tap.resolve_ctx, &ref[i]);

		if (bytes != NULL)
			s[ns++] = (struct tap_span){ bytes, ref[i].len };
	}
	return ns;
}

void node_tap_take(struct node *n, const struct ring_in *in,
    const struct desc *d, const uint8_t *p)
{
	struct node_tap *t = &n->tap;
	size_t k = (size_t)(in - n->in);
	bool watched = t->take >> k & 1;
	struct tap_record r = {
		.kind = TAP_TAKE,
		.flags = watched ? 0 : TAP_ONLY_DROPPED,
		.place = TAP_PLACE_RING + t->in_ring[k],
		.index = in->mine - 1,
		.d = *d,
	};
	struct tap_span s[1 + REFS];

	node_tap_done(n);
	if (node_measuring(n))
		node_measure_take(n, in, d);
	if (watched || (t->flags & TAP_DROPS))
		stage_hand(n, &r, s, spans_of(n, d, p, s));
}

void node_tap_put(
    struct node *n, const struct ring_out *out, const struct desc *d)
{
	struct node_tap *t = &n->tap;
	size_t k = (size_t)(out - n->outs);
	const uint8_t *p;
	struct tap_span s[1 + REFS];
	struct tap_record r = {
		.kind = TAP_PUT,
		.flags = t->hand == NULL ? TAP_NO_HAND : 0,
		.index = out->mine,
		.d = *d,
	};

	if (node_measuring(n))
		node_measure_put(n, out, d);
	if (!(t->put >> k & 1))
		return;
	r.place = TAP_PLACE_RING + t->out_ring[k];
	r.d.stamp = (uint64_t)n->now.ns;
	p = pool_view(&n->pool[d->pool], d);
	stage(n, &r, s, p != NULL ? spans_of(n, d, p, s) : 0);
}

/* It is told here, so that no other is told of it. */
static void count_told(struct node *n, uint32_t counter)
{
	struct node_tap *t = &n->tap;

	for (uint32_t i = 0; i < t->ndrops; i++)
		if (t->drop[i] == counter)
			t->dropped[i]++;
}

void node_tap_frame(struct node *n, bool tx, const struct desc *d,
    const struct tap_span *s, uint32_t ns, uint32_t why)
{
	struct node_tap *t = &n->tap;
	bool watched = (t->devices >> d->link & 1) || (t->flags & TAP_TRACE);
	struct tap_record r = {
		.kind = TAP_FRAME,
		.flags = watched ? 0 : TAP_ONLY_DROPPED,
		.place = (uint16_t)(TAP_PLACE_DEVICE + 2 * d->link + tx),
		.reason = why != 0 ? why + 1 : 0,
		.d = *d,
	};
	bool wanted = watched || (t->flags & TAP_DROPS);
	bool in_hand = !tx && why == 0;

	if (in_hand)
		node_tap_done(n);
	if (wanted && in_hand)
		stage_hand(n, &r, s, ns);
	else if (wanted)
		stage(n, &r, s, ns);
	if (why != 0)
		count_told(n, why);
}

void node_tap_waited(struct node *n, uint32_t counter, const struct desc *d,
    const struct tap_span *s, uint32_t ns)
{
	struct tap_record r = {
		.kind = TAP_DROP,
		.flags = TAP_WAITED,
		.place = TAP_PLACE_DROPS,
		.reason = counter + 1,
		.d = *d,
	};

	if (n->tap.flags & (TAP_DROPS | TAP_TRACE))
		stage(n, &r, s, ns);
	count_told(n, counter);
	n->counter[counter]++;
}

void node_tap_note(struct node *n, const char *fmt, ...)
{
	char text[TAP_NOTE_LEN];
	struct tap_record r = {
		.kind = TAP_NOTE,
		.flags = n->tap.hand == NULL ? TAP_NO_HAND : 0,
		.place = TAP_PLACE_DAEMON,
	};
	struct tap_span s = { text, 0 };
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s.len = len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1;
	r.time = time_of(n);
	n->tap.told |= n->tap.hand == NULL;
	if (tap_stage(&n->tap.tap, &r, &s, 1, TAP_NOTE_LEN) == NULL)
		tap_miss(&n->tap.tap, r.place);
}

/* ---- The end of a turn ---- */

/*
 * Not those of places that nobody watches, nor packets that were put back and
 * what was said of them; what was put because of them is because of none.  The
 * end of a turn by itself is none, or a daemon would never sleep.
 */
static bool happened(void *ctx, struct tap_record *r)
{
	struct node *n = ctx;
	struct node_tap *t = &n->tap;
	bool of_hand = !(r->flags & TAP_NO_HAND);

	switch ((enum tap_kind)r->kind) {
	case TAP_TAKE:
		t->undone = was_put_back(n, r);
		if (t->undone)
			return false;
		break;
	case TAP_FRAME:
		/* What is written meanwhile is not it. */
		if (((r->place - TAP_PLACE_DEVICE) & 1) == 0)
			t->undone = false;
		break;
	case TAP_PUT:
		if (t->undone)
			r->flags |= TAP_NO_HAND;
		break;
	case TAP_NOTE:
		return !(of_hand && t->undone);
	case TAP_TURN:
		return t->real > 0;
	case TAP_DROP:
	case TAP_PAD:
	case NTAP_KINDS:
		break;
	}
	if (is_in_case(r))
		return false;
	t->real++;
	return true;
}

void node_tap_seal(struct node *n)
{
	struct node_tap *t = &n->tap;
	struct tap_record end = {
		.kind = TAP_TURN,
		.place = TAP_PLACE_DAEMON,
		.d.stamp = (uint64_t)n->now.ns,
	};

	node_tap_done(n);
	if ((t->flags & TAP_TRACE) && t->tap.pos != t->tap.next.head)
		stage(n, &end, NULL, 0);
	t->undone = false;
	t->real = t->told;
	t->told = false;
	tap_seal(&t->tap, happened, n);
	n->turn.tap_serial = t->tap.serial;
	if (node_measuring(n))
		node_measure_seal(n);
}

void node_tap_end(struct node *n, bool done)
{
	tap_end(&n->tap.tap);
	if (node_measuring(n))
		node_measure_end(n, done);
}
