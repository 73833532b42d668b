/*
 * check.c - what must hold: something always moves, and all comes home
 */
#include "tests/sim/check.h"

#include <string.h>

#include "tests/sim/app.h"
#include "tests/sim/host.h"

enum {
	/* How long a task may stand still. */
	STALL_S = 20,        /* on a wire that loses nothing */
	STALL_LOSSY_S = 400, /* RTO backs off as far as two minutes */
};

static const struct out_head *head_of(const struct proc *p)
{
	return (const void *)p->h->out[p->index];
}

static uint64_t counter(const struct proc *p, const char *name)
{
	const struct out_head *h = head_of(p);

	for (uint32_t i = 0; i < h->ncounters && i < MAX_COUNTERS; i++)
		if (strcmp(h->counter_name[i].name, name) == 0)
			return h->counter[i];
	return 0;
}

/* ---- Liveness ---- */

static int64_t stall_limit(const struct sim *s)
{
	int64_t queue =
	    (int64_t)s->plan.queue_bytes * 8 * 1000 / s->plan.rate_mbit;
	int64_t limit = check_lossless(s) ? STALL_S : STALL_LOSSY_S;

	return limit * NS_PER_S + 4 * queue;
}

static void check_task(struct sim *s, struct sock *k, int64_t limit)
{
	int64_t still;

	if (k->task == NULL || k->task->endless)
		return;
	still = mono_since(s->now, k->task->moved);
	if (still <= limit)
		return;
	if (k->task->excused == NULL || !k->task->excused(k))
		fail(s, "%s: h%u app%u socket %u stands still for %ld s",
		    k->task->what, k->app->h->index, k->app->id, k->sub,
		    (long)(still / NS_PER_S));
	/* A reset that was lost, say: who only reads never learns of it. */
	note(s, "%s: h%u app%u socket %u is tired of waiting", k->task->what,
	    k->app->h->index, k->app->id, k->sub);
	sock_close(k);
}

void check_progress(struct sim *s)
{
	int64_t limit = stall_limit(s);

	for (uint32_t h = 0; h < s->plan.hosts; h++)
		for (uint32_t i = 0; i < HOST_APPS; i++) {
			struct app *a = s->host[h]->app[i];

			for (uint32_t j = 0; a != NULL && j < APP_SOCKS; j++)
				if (a->sock[j] != NULL)
					check_task(s, a->sock[j], limit);
		}
}

/* Of this instance, also what it has not published yet. */
static uint64_t counted(const struct proc *p, const char *name)
{
	const struct out_head *h = head_of(p);
	const struct node *n = proc_node(p);

	for (uint32_t i = 0; n != NULL && i < n->ncounters; i++)
		if (strcmp(h->counter_name[i].name, name) == 0)
			return n->counter[i];
	return 0;
}

void check_dying(struct proc *p)
{
	/* Three deaths on one packet; no slot for one sent to oneself. */
	if (counted(p, "put_aside_after_crashes") > 0 ||
	    counted(p, "tx_loop_full") > 0)
		p->gave_up = true;
}

bool check_lossless(const struct sim *s)
{
	if (!s->plan.lossless || s->wire.lost > 0)
		return false;
	for (uint32_t h = 0; h < s->plan.hosts; h++)
		for (uint32_t i = 0; i < HOST_PROCS; i++) {
			struct proc *p = &s->host[h]->proc[i];

			check_dying(p);
			if (p->gave_up)
				return false;
		}
	return true;
}

/* ---- The end ---- */

static bool slots_out(const struct proc *p, char *ret, size_t size)
{
	const struct node *n = proc_node(p);
	uint32_t all = pool_slots(&n->home.p);
	uint32_t home = n->home.small_free + n->home.big_free;

	if (home + n->held == all)
		return false;
	snprintf(ret, size, "h%u %s: of %u slots %u are home, %u held",
	    p->h->index, proc_name(p), all, home, n->held);
	return true;
}

static bool objects_left(const struct proc *p, char *ret, size_t size)
{
	const uint8_t *state = p->h->priv[p->index] + PRIV_STATE_OFF;
	uint32_t n = 0;

	if (p->layer == LAYER_TCP)
		n = tcp_left(state);
	if (p->layer == LAYER_UDP)
		n = udp_left(state);
	if (n > 0)
		snprintf(ret, size, "h%u %s: %u sockets or connections",
		    p->h->index, proc_name(p), n);
	return n > 0;
}

static bool ring_used(const struct host *h, const struct wire_ring *r)
{
	const struct ring_prod *p =
	    (const void *)(h->out[r->from] + r->prod_off);
	const struct ring_cons *c = (const void *)(h->out[r->to] + r->cons_off);

	return !r->returns && p->prod != c->cons;
}

static bool host_left(struct host *h, char *ret, size_t size)
{
	for (uint32_t i = 0; i < HOST_APPS; i++)
		if (h->app[i] != NULL) {
			snprintf(ret, size, "h%u: app %u", h->index, i);
			return true;
		}
	for (uint32_t i = 0; i < h->wiring.nrings; i++)
		if (ring_used(h, &h->wiring.ring[i])) {
			snprintf(
			    ret, size, "h%u: packets in ring %u", h->index, i);
			return true;
		}
	for (uint32_t i = 0; i < h->topo.nprocs; i++) {
		struct proc *p = &h->proc[i];

		if (!p->up) {
			snprintf(ret, size, "h%u: %s is dead", h->index,
			    proc_name(p));
			return true;
		}
		if (objects_left(p, ret, size))
			return true;
		/* Slots are collected by whoever has a turn. */
		proc_ring(p);
		if (slots_out(p, ret, size))
			return true;
	}
	return false;
}

bool check_leftovers(struct sim *s, char *ret, size_t size)
{
	for (uint32_t i = 0; i < s->plan.hosts; i++)
		if (host_left(s->host[i], ret, size))
			return true;
	return false;
}

void check_counters(struct sim *s)
{
	static const char *const never[] = { "bad_descriptor",
		"slot_returned_twice", "ring_cut_off", "app_cut_off",
		"tx_bad_offload", "tx_bad_kind", "tx_bad_link", "tx_bad_ip",
		"tx_bad_hop", "tx_bad_refs" };

	for (uint32_t h = 0; h < s->plan.hosts; h++)
		for (uint32_t i = 0; i < HOST_PROCS; i++) {
			const struct proc *p = &s->host[h]->proc[i];

			for (uint32_t k = 0;
			     k < sizeof(never) / sizeof(never[0]); k++)
				if (counter(p, never[k]) > 0)
					fail(s, "h%u %s counts %s=%lu", h,
					    proc_name(p), never[k],
					    (unsigned long)counter(
						p, never[k]));
		}
}

static void say_drops(struct sim *s, const struct proc *p)
{
	const struct out_head *h = head_of(p);

	for (uint32_t i = 0; i < h->ncounters && i < MAX_COUNTERS; i++)
		if (h->counter_name[i].drop && h->counter[i] > 0)
			trace(s, "h%u %s: %s %lu", p->h->index, proc_name(p),
			    h->counter_name[i].name,
			    (unsigned long)h->counter[i]);
}

void check_say_drops(struct sim *s)
{
	for (uint32_t h = 0; h < s->plan.hosts && s->host[h] != NULL; h++)
		for (uint32_t i = 0; i < HOST_PROCS; i++)
			say_drops(s, &s->host[h]->proc[i]);
}
