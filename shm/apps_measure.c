/*
 * apps_measure.c - when an app wrote what is sent, for latencies (measure.h)
 *
 * The app says so of its last write only: of those that it has overwritten by
 * the time they are sent nothing is known, and they are not measured.
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

void apps_tell_measure_all(struct apps *a)
{
	a->measuring = node_measuring(a->n);
	for (uint32_t app = 0; app < APP_MAX; app++)
		apps_tell_measure(a, app);
}

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
