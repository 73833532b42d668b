/*
 * apps_measure.c - when an app wrote what is sent, and read what came, for
 * latencies (measure.h)
 *
 * Both are an app's word: it says so in a2s, while it is asked to (s2a_head),
 * of its last write and of its last read only.  Of those that it has
 * overwritten before we look nothing is known, and they are not measured.
 *
 * Of a write one needs no more than that: when its first byte is sent, it says
 * when it was there.  What was read lies behind us, so we remember what came,
 * for each socket in a queue of stamps, in private memory:
 *
 *	 rx_read                          shown           rx_written
 *	----|--------|----------|-----------|--------|--------|----
 *	  stamp    stamp      stamp       stamp    fresh    fresh
 *	    (from ............ to]  at rx_time
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

/* ---- What is sent ---- */

/* What it wrote last, and when.  False: it is writing that just now. */
static bool last_write(
    const struct a2s_socket *s, uint64_t *at, struct mono *when)
{
	/* Acquire: the place was written before the time. */
	when->ns = atomic_load_explicit(&s->tx_time, memory_order_acquire);
	*at = atomic_load_explicit(&s->tx_time_of, memory_order_relaxed);
	/* Acquire: the place was read before the time was read again. */
	atomic_thread_fence(memory_order_acquire);
	return when->ns != 0 &&
	    atomic_load_explicit(&s->tx_time, memory_order_relaxed) == when->ns;
}

void apps_measure(struct apps *a, uint32_t id, uint64_t begin, uint64_t end)
{
	uint64_t at;
	struct mono when;

	node_measure_done(a->n);
	if (id >= MAX_SOCKETS || a->app[app_of(id)].a2s == NULL ||
	    !last_write(a2s_of(a, id), &at, &when) || at - begin >= end - begin)
		return;
	node_measure_app(a->n, when);
	if (mono_before(when, a->n->now))
		node_note(a->n, "the app wrote this %.1f us before the turn",
		    (double)mono_since(a->n->now, when) / 1000);
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

/* What an app says of its last read. */
struct said {
	uint64_t from, to;
	struct mono when; /* 0, which is before all stamps: nothing */
};

/* False: it is saying that just now. */
static bool last_read(const struct a2s_socket *s, struct said *ret)
{
	/* Acquire: the places were written before the time. */
	ret->when.ns = atomic_load_explicit(&s->rx_time, memory_order_acquire);
	ret->from =
	    atomic_load_explicit(&s->rx_time_from, memory_order_relaxed);
	ret->to = atomic_load_explicit(&s->rx_time_to, memory_order_relaxed);
	/* Acquire: the places were read before the time was read again. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->rx_time, memory_order_relaxed) ==
	    ret->when.ns;
}

/* It may have read after our turn began. */
static bool has_been(const struct node *n, struct mono when)
{
	return mono_reached(when, n->now) ||
	    (n->clock != NULL && mono_reached(when, n->clock()));
}

/* Could it be?  Of what was shown, and some time ago. */
static bool is_possible(const struct apps *a, uint32_t id, const struct said *r)
{
	uint64_t shown = atomic_load_explicit(
	    &s2a_of(a, id)->rx_written, memory_order_relaxed);

	return r->to - r->from <= APP_RX_BYTES &&
	    (int64_t)(shown - r->to) >= 0 && has_been(a->n, r->when);
}

static bool was_read(const struct read_stamp *s, const struct said *r)
{
	return s->end - r->from - 1 < r->to - r->from &&
	    mono_reached(s->since, r->when);
}

/* Those up to @read, which are no more; of @r, if not NULL, it is known when.
 */
static void take_read(
    struct apps *a, struct read_queue *q, uint64_t read, const struct said *r)
{
	while (q->n > q->fresh) {
		const struct read_stamp *s = stamp(q, 0);

		if (r != NULL && was_read(s, r))
			node_measure_read(
			    a->n, s->key, s->birth, s->since, r->when);
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
	struct said r;
	uint64_t read;

	if (q == NULL)
		return;
	if (!apps_is_live(a, id)) {
		apps_measure_forget(a, id);
		return;
	}
	/* First: what it says then is of that read or of a later one. */
	read = apps_rx_read(a, id);
	if (last_read(a2s_of(a, id), &r))
		take_read(a, q, read, is_possible(a, id, &r) ? &r : NULL);
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
