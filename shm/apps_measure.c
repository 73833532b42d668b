/*
 * apps_measure.c - when an app wrote what is sent, and read what came, for
 * latencies (measure.h)
 *
 * Both are an app's word: it says so in a2s (a2s_times), while it is asked to
 * (s2a_head), of its last writes and of its last reads.  Of those that it has
 * overwritten before we look nothing is known, and they are not measured.
 *
 * Of a write one needs no more than that: when a packet is sent, the write of
 * its first byte says since when it waits.  What was read lies behind us, so we
 * remember what came, for each socket in a queue of stamps, in private memory:
 *
 *	 rx_read                          shown           rx_written
 *	----|--------|----------|-----------|--------|--------|----
 *	  stamp    stamp      stamp       stamp    fresh    fresh
 *	    (from ............ to]  at app_time.when
 *
 * A stamp is a packet's last byte, and when the commit has shown it: only then
 * is it known when that was, so until the next turn begins it is fresh.  Then
 * it is looked at what the app says: the stamps that lie in (from, to] were
 * read at that time, and those before rx_read that do not are forgotten.  So
 * they are once their socket is gone, when nobody measures any more, and when
 * we die.
 *
 * We look when there is something with the socket: its app posts it, or more
 * comes for it; and since a reader need not say that he has read, every
 * READ_LOOK_NS while there are stamps.
 *
 * There is room for READ_STAMPS of a socket and for READ_QUEUES sockets.  More
 * packets of one are not measured; of more sockets it is the one whose app has
 * let its packets lie longest.
 *
 * An app can spoil its own figures, but only by times between the commit and
 * our look, and of packets that were shown to it.
 */
#include "shm/apps.h"

static void tell(struct apps *a, uint32_t app, uint32_t on)
{
	struct s2a_head *h = (void *)a->app[app].s2a;

	if (h != NULL)
		atomic_store_explicit(&h->measure, on, memory_order_relaxed);
}

void apps_tell_measure(struct apps *a, uint32_t app)
{
	tell(a, app, a->measuring);
}

/* ---- What an app says ---- */

struct said {
	uint64_t from, to;
	struct mono when;
};

/* Of which byte we ask, and what can be said of it. */
struct question {
	uint64_t at;
	uint64_t limit;    /* nothing is said of more than that, */
	uint64_t most;     /* nor of more at once, */
	struct mono since; /* nor of before */
};

/* Its times of one direction. */
struct times {
	const struct app_time *ring;
	const _Atomic uint64_t *said;
	uint64_t *heard; /* those before it are of no use any more */
};

/* False: it has been overwritten meanwhile. */
static bool copy_said(struct said *ret, const struct times *t)
{
	const struct app_time *p = &t->ring[*t->heard % APP_TIMES];

	ret->from = atomic_load_explicit(&p->from, memory_order_relaxed);
	ret->to = atomic_load_explicit(&p->to, memory_order_relaxed);
	ret->when.ns = atomic_load_explicit(&p->when, memory_order_relaxed);
	/* Acquire: all of it was read before what overwrites it is counted. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(t->said, memory_order_relaxed) - *t->heard <
	    APP_TIMES;
}

/* It may have been after our turn began. */
static bool has_been(const struct node *n, struct mono when)
{
	return mono_reached(when, n->now) ||
	    (n->clock != NULL && mono_reached(when, n->clock()));
}

static bool is_possible(
    const struct node *n, const struct question *q, const struct said *s)
{
	return s->from != s->to && s->to - s->from <= q->most &&
	    (int64_t)(q->limit - s->to) >= 0 &&
	    mono_reached(q->since, s->when) && has_been(n, s->when);
}

/* We never ask of an earlier byte again. */
static bool find_said(struct said *ret, const struct node *n,
    const struct times *t, const struct question *q)
{
	/* Acquire: all that is counted is there. */
	uint64_t end = atomic_load_explicit(t->said, memory_order_acquire);
	uint64_t begin = end < APP_TIMES ? 0 : end - APP_TIMES + 1;
	struct said s;

	if (*t->heard < begin || *t->heard > end)
		*t->heard = begin;
	for (; *t->heard != end; ++*t->heard) {
		if (!copy_said(&s, t) || !is_possible(n, q, &s))
			continue;
		if (q->at - s.from < s.to - s.from) {
			*ret = s;
			return true;
		}
		if ((int64_t)(q->at - s.to) < 0)
			return false;
	}
	return false;
}

/* ---- What is sent ---- */

static bool find_write(
    struct said *ret, struct apps *a, uint32_t id, uint64_t at)
{
	struct times t = { apps_times(a, id)->tx, &a2s_of(a, id)->tx_said,
		&a->sock[id].tx_heard };
	struct question q = { at, at + APP_TX_BYTES, APP_TX_BYTES,
		a->n->tap.measure.on };

	return find_said(ret, a->n, &t, &q);
}

void apps_measure(struct apps *a, uint32_t id, uint64_t begin, uint64_t end)
{
	struct said s = { .when = { 0 } };

	node_measure_done(a->n);
	if (id >= MAX_SOCKETS || a->app[app_of(id)].a2s == NULL || begin == end)
		return;
	if (!find_write(&s, a, id, begin))
		node_measure_untimed(a->n);
	else if (node_measure_app(a->n, s.when) &&
	    mono_before(s.when, a->n->now))
		node_note(a->n, "the app wrote this %.1f us before the turn",
		    (double)mono_since(a->n->now, s.when) / 1000);
}

/* ---- What came: the stamps ---- */

static struct read_queue *queue_of(struct apps *a, uint32_t id)
{
	uint8_t at = a->sock[id].reads;

	return at == 0 ? NULL : &a->reads[at - 1];
}

static struct read_stamp *stamp(struct read_queue *q, uint32_t i)
{
	return &q->stamp[(q->first + i) % READ_STAMPS];
}

void apps_measure_forget(struct apps *a, uint32_t id)
{
	struct read_queue *q = queue_of(a, id);

	if (q == NULL)
		return;
	q->n = q->fresh = 0;
	a->sock[id].reads = 0;
}

/* A free one, or the one that has been read from longest ago; or NULL. */
static struct read_queue *find_queue(struct apps *a)
{
	struct read_queue *best = NULL;

	for (uint32_t i = 0; i < READ_QUEUES; i++) {
		struct read_queue *q = &a->reads[i];

		if (q->n == 0)
			return q;
		/* With fresh ones, all the others may be as young. */
		if (q->fresh == 0 &&
		    (best == NULL ||
			mono_before(stamp(q, 0)->since, stamp(best, 0)->since)))
			best = q;
	}
	return best;
}

static struct read_queue *new_queue(struct apps *a, uint32_t id)
{
	struct read_queue *q = find_queue(a);

	if (q == NULL)
		return NULL;
	if (q->n > 0)
		apps_measure_forget(a, q->id);
	q->id = id;
	a->sock[id].reads = (uint8_t)(1 + (q - a->reads));
	return q;
}

void apps_measure_rx(struct apps *a, uint32_t id, uint64_t end)
{
	struct read_stamp s = { .end = end, .since = a->n->now };
	struct read_queue *q;

	if (id >= MAX_SOCKETS || !node_measure_socket(a->n, &s.key, &s.birth))
		return;
	/* What it has read by now makes room, and is not overwritten yet. */
	apps_measure_look(a, id);
	q = queue_of(a, id);
	if (q == NULL)
		q = new_queue(a, id);
	if (q == NULL || q->n == READ_STAMPS)
		return;
	*stamp(q, q->n++) = s;
	q->fresh++;
	a->fresh = true;
	if (a->look_at.ns == MONO_NEVER.ns)
		a->look_at = mono_add(a->n->now, READ_LOOK_NS);
}

/* The turn they are of has been committed, and when. */
static void settle(struct apps *a)
{
	for (uint32_t i = 0; a->fresh && i < READ_QUEUES; i++)
		for (struct read_queue *q = &a->reads[i]; q->fresh > 0;
		     q->fresh--)
			stamp(q, q->n - q->fresh)->since =
			    a->n->tap.measure.end;
	a->fresh = false;
}

/* ---- What came: the reads ---- */

static bool find_read(
    struct said *ret, struct apps *a, uint32_t id, const struct read_stamp *s)
{
	struct times t = { apps_times(a, id)->rx, &a2s_of(a, id)->rx_said,
		&a->sock[id].rx_heard };
	uint64_t shown = atomic_load_explicit(
	    &s2a_of(a, id)->rx_written, memory_order_relaxed);
	struct question q = { s->end - 1, shown, APP_RX_BYTES, s->since };

	return find_said(ret, a->n, &t, &q);
}

/* Those that it says it has read, and those up to @read, are no more. */
static void take_read(struct apps *a, struct read_queue *q, uint64_t read)
{
	while (q->n > q->fresh) {
		const struct read_stamp *s = stamp(q, 0);
		struct said r;

		if (find_read(&r, a, q->id, s))
			node_measure_read(
			    a->n, s->key, s->birth, s->since, r.when);
		else if ((int64_t)(read - s->end) < 0)
			break;
		q->first++;
		q->n--;
	}
	if (q->n == 0)
		a->sock[q->id].reads = 0;
}

void apps_measure_look(struct apps *a, uint32_t id)
{
	struct read_queue *q = queue_of(a, id);

	if (q == NULL)
		return;
	/* First where it is: what it has said of that is there then. */
	if (apps_is_live(a, id))
		take_read(a, q, apps_rx_read(a, id));
	else
		apps_measure_forget(a, id);
}

/* ---- Each turn ---- */

static void look_at_all(struct apps *a)
{
	a->look_at = MONO_NEVER;
	for (uint32_t i = 0; i < READ_QUEUES; i++) {
		if (a->reads[i].n > 0)
			apps_measure_look(a, a->reads[i].id);
		if (a->reads[i].n > 0)
			a->look_at = mono_add(a->n->now, READ_LOOK_NS);
	}
}

static void begin_or_end(struct apps *a)
{
	a->measuring = node_measuring(a->n);
	for (uint32_t app = 0; app < APP_MAX; app++)
		apps_tell_measure(a, app);
	for (uint32_t i = 0; i < READ_QUEUES; i++)
		if (a->reads[i].n > 0)
			apps_measure_forget(a, a->reads[i].id);
	a->fresh = false;
	a->look_at = MONO_NEVER;
}

void apps_measure_begin(struct apps *a)
{
	if (a->measuring != node_measuring(a->n))
		begin_or_end(a);
	settle(a);
	if (mono_reached(a->look_at, a->n->now))
		look_at_all(a);
}
