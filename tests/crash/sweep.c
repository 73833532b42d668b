/*
 * sweep.c - kill a daemon after each instruction, and see what comes of it
 */
#include "tests/crash/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/crash/sweep_tap.h"
#include "tests/harness/stores.h"

enum {
	TURNS_MAX = 10000, /* without an end: then it hangs */
	OUTCOME_ROOM = 1024 * 1024,
};

/* What the world got to see of one run. */
struct outcome {
	uint8_t
	    *bytes[TOPO_MAX_RINGS]; /* of each data ring the process feeds */
	size_t len[TOPO_MAX_RINGS];
	uint32_t packets[TOPO_MAX_RINGS];
	uint32_t lent[TOPO_MAX_PROCS]; /* slots not at home at the end */
	uint64_t twice;                /* slots that came home twice */
	bool hung;
};

/* One level: a run that is killed, and what its end is compared with. */
struct level {
	struct sweep *s;
	struct rig *killed;   /* its memory */
	struct rig *view;     /* where the others are tried */
	void *x;              /* the instance that is killed */
	struct rig *ref;      /* memory of the run that was not killed */
	struct outcome *want; /* and what it did */
	struct outcome *got;
	uint64_t nstates;
	bool second; /* what is killed is a recovery */
};

static struct outcome *new_outcome(void)
{
	struct outcome *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	for (uint32_t i = 0; i < TOPO_MAX_RINGS; i++) {
		o->bytes[i] = malloc(OUTCOME_ROOM);
		assert_non_null(o->bytes[i]);
	}
	return o;
}

static void clear_outcome(struct outcome *o)
{
	for (uint32_t i = 0; i < TOPO_MAX_RINGS; i++) {
		o->len[i] = 0;
		o->packets[i] = 0;
	}
	o->hung = false;
}

static void free_outcome(struct outcome *o)
{
	for (uint32_t i = 0; i < TOPO_MAX_RINGS; i++)
		free(o->bytes[i]);
	free(o);
}

static void append(struct outcome *o, uint32_t ring, const void *p, size_t len)
{
	assert_true(o->len[ring] + len <= OUTCOME_ROOM);
	memcpy(o->bytes[ring] + o->len[ring], p, len);
	o->len[ring] += len;
}

/* The neighbours take all that they see; true if there was anything. */
static bool drain(struct rig *r, const char *proc, struct outcome *o)
{
	static uint8_t bytes[BIG_SLOT];
	uint32_t self = rig_proc(r, proc);
	bool any = false;

	for (uint32_t i = 0; i < r->topo.nrings; i++) {
		const char *to = r->topo.procs[r->topo.rings[i].to].name;
		struct desc d;

		if (r->topo.rings[i].from != self)
			continue;
		while (rig_take(r, to, proc, &d, bytes, sizeof(bytes))) {
			/* Which slot and when are nobody's business. */
			d.slot = 0;
			d.stamp = 0;
			append(o, i, &d, sizeof(d));
			append(o, i, bytes, d.len);
			o->packets[i]++;
			any = true;
		}
	}
	return any;
}

static bool work(
    const struct sweep_daemon *d, struct rig *r, void *x, uint32_t *turns)
{
	bool any = false;

	while (*turns < TURNS_MAX &&
	    (d->turn(x, r->now) || (d->feed != NULL && d->feed(r, x)))) {
		any = true;
		++*turns;
	}
	return any;
}

static uint32_t lent(struct rig *r, uint32_t p, uint32_t self)
{
	const struct topo_proc *t = &r->topo.procs[p];
	const struct out_head *h = (const void *)r->out[p];

	if (p != self)
		return rig_lent(r, t->name);
	return t->small_slots + t->big_slots - atomic_load(&h->small_free) -
	    atomic_load(&h->big_free);
}

static void account(struct rig *r, uint32_t self, struct outcome *o)
{
	o->twice = 0;
	for (uint32_t p = 0; p < r->topo.nprocs; p++) {
		o->lent[p] = lent(r, p, self);
		o->twice += rig_counter(
		    r, r->topo.procs[p].name, "slot_returned_twice");
	}
}

/* The rest of the work by @x, with all that becomes visible. */
static void finish(
    const struct sweep_daemon *d, struct rig *r, void *x, struct outcome *o)
{
	uint32_t turns = 0;
	bool busy = true;

	while (busy) {
		busy = work(d, r, x, &turns);
		busy |= drain(r, d->proc, o);
		o->hung = turns >= TURNS_MAX;
		busy = busy && !o->hung;
	}
	account(r, rig_proc(r, d->proc), o);
}

static void violation(struct level *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void violation(struct level *l, const char *fmt, ...)
{
	struct sweep *s = l->s;
	va_list ap;
	int n;

	if (s->violations++ > 0)
		return;
	n = snprintf(s->first, sizeof(s->first),
	    "at state %ju%s: ", (uintmax_t)l->nstates,
	    l->second ? " of a recovery" : "");
	va_start(ap, fmt);
	vsnprintf(s->first + n, sizeof(s->first) - (size_t)n, fmt, ap);
	va_end(ap);
}

static bool same_packets(struct level *l)
{
	const struct outcome *want = l->want;
	const struct outcome *got = l->got;
	const struct topology *t = &l->killed->topo;

	for (uint32_t i = 0; i < t->nrings; i++) {
		if (want->len[i] == got->len[i] &&
		    memcmp(want->bytes[i], got->bytes[i], got->len[i]) == 0)
			continue;
		violation(l, "%u packets instead of %u, or others, to %s",
		    got->packets[i], want->packets[i],
		    t->procs[t->rings[i].to].name);
		return false;
	}
	return true;
}

static bool same_slots(struct level *l)
{
	const struct outcome *want = l->want;
	const struct outcome *got = l->got;

	for (uint32_t p = 0; p < l->killed->topo.nprocs; p++) {
		if (want->lent[p] == got->lent[p])
			continue;
		violation(l, "%u instead of %u slots of %s in use at the end",
		    got->lent[p], want->lent[p], l->killed->topo.procs[p].name);
		return false;
	}
	if (want->twice == got->twice)
		return true;
	violation(l, "a slot came home twice");
	return false;
}

static bool same_state(struct level *l)
{
	const struct sweep_daemon *d = l->s->daemon;
	uint32_t self = rig_proc(l->ref, d->proc);
	size_t end = d->state_bytes ? PRIV_STATE_OFF + d->state_bytes
				    : (size_t)PRIV_BYTES;
	size_t at;

	if (d->any_state)
		return true;
	at = rig_differs(l->ref->fd[self].priv, l->ref->priv[self],
	    l->view->priv[self], PRIV_STATE_OFF, end);
	if (at >= end)
		return true;
	violation(l, "byte %zu of the persistent state is another",
	    at - PRIV_STATE_OFF);
	return false;
}

static void compare(struct level *l)
{
	const struct sweep_daemon *d = l->s->daemon;
	const char *why;

	if (l->got->hung) {
		violation(l, "no end of work");
		return;
	}
	if (!same_packets(l) || !same_slots(l) || !same_state(l))
		return;
	why = d->differs ? d->differs(l->ref, l->view) : NULL;
	if (why == NULL)
		why = sweep_tap_differs(l->ref, l->view, d->proc);
	if (why != NULL)
		violation(l, "%s", why);
}

/* What is visible now has been committed: rings. */
static void check_visible(struct level *l)
{
	struct rig *r = l->killed;
	uint32_t self = rig_proc(r, l->s->daemon->proc);
	const struct turn_mem *m = (const void *)r->priv[self];
	const struct turn_record *rec = &m->rec[atomic_load(&m->committed) & 1];
	uint32_t nout = 0;
	uint32_t nin = 0;

	for (uint32_t i = 0; i < r->wiring.nrings; i++) {
		const struct wire_ring *w = &r->wiring.ring[i];
		const struct ring_prod *p =
		    (const void *)(r->out[w->from] + w->prod_off);
		const struct ring_cons *c =
		    (const void *)(r->out[w->to] + w->cons_off);

		if (w->from == self &&
		    (int32_t)(atomic_load(&p->prod) - rec->prod[nout++]) > 0)
			violation(l, "an output is visible before its commit");
		if (w->to == self &&
		    (int32_t)(atomic_load(&c->cons) - rec->cons[nin++]) > 0)
			violation(l, "an input is gone before its commit");
	}
}

static void kill_recovery(struct level *first);

/* The process is dead as of now. */
static void on_change(void *ctx)
{
	struct level *l = ctx;
	const struct sweep_daemon *d = l->s->daemon;
	const char *why;
	void *x;

	l->nstates++;
	check_visible(l);
	if (l->s->every > 1 && l->nstates % l->s->every != 0)
		return;
	l->s->recoveries++;
	rig_view_renew(l->view);
	clear_outcome(l->got);
	/* Neighbours may be quick, or slower than the restart. */
	if (l->nstates % 4 != 0)
		drain(l->view, d->proc, l->got);
	x = d->attach(l->view, d->proc);
	why = d->early ? d->early(l->killed, l->view) : NULL;
	if (why == NULL)
		why = sweep_tap_early(l->killed, l->view, d->proc);
	if (why != NULL)
		violation(l, "%s", why);
	finish(d, l->view, x, l->got);
	d->detach(x);
	compare(l);
	if (!l->second && l->s->again != 0 && l->nstates % l->s->again == 0)
		kill_recovery(l);
}

static void watch(struct stores *st, struct level *l)
{
	struct rig *r = l->killed;
	uint32_t self = rig_proc(r, l->s->daemon->proc);

	st->changed = on_change;
	st->ctx = l;
	stores_add(st, r->out[self], r->wiring.out_bytes[self]);
	stores_add(st, r->priv[self], PRIV_BYTES);
	stores_add(st, r->tap[self], TAP_SEGMENT_BYTES);
	if (l->s->daemon->writes_world)
		stores_add(st, r->world, RIG_WORLD_BYTES);
	for (uint32_t p = 0; p < r->topo.nprocs; p++)
		if (wiring_writes_pool(&r->wiring, self, p))
			stores_add(st, r->pool[p], r->wiring.pool_bytes[p]);
}

static void attach_killed(void *ctx)
{
	struct level *l = ctx;

	l->x = l->s->daemon->attach(l->killed, l->s->daemon->proc);
}

static void work_killed(void *ctx)
{
	struct level *l = ctx;
	uint32_t turns = 0;

	if (l->x == NULL)
		attach_killed(l);
	work(l->s->daemon, l->killed, l->x, &turns);
	assert_true(turns < TURNS_MAX);
}

/* The next instance is killed while it recovers. */
static void kill_recovery(struct level *first)
{
	struct level l = *first;
	struct stores *st = calloc(1, sizeof(*st));

	assert_non_null(st);
	l.second = true;
	l.nstates = 0;
	l.x = NULL;
	l.killed = rig_clone(first->killed);
	l.view = rig_view(l.killed);
	watch(st, &l);
	stores_run(st, attach_killed, &l);
	l.s->in_recovery += l.nstates;
	l.s->daemon->detach(l.x);
	rig_close(l.view);
	rig_close(l.killed);
	free(st);
}

/* The run that nobody kills. */
static void make_reference(struct level *l)
{
	const struct sweep_daemon *d = l->s->daemon;
	void *x;

	l->ref = rig_clone(l->killed);
	x = d->attach(l->ref, d->proc);
	finish(d, l->ref, x, l->want);
	assert_false(l->want->hung);
	d->detach(x);
	for (uint32_t i = 0; i < l->ref->topo.nrings; i++)
		l->s->packets += l->want->packets[i];
}

static void count_instructions(struct level *l)
{
	struct level c = *l;

	c.killed = rig_clone(l->killed);
	c.x = NULL;
	if (!l->s->with_attach)
		attach_killed(&c);
	l->s->instructions = stores_count_instructions(work_killed, &c);
	l->s->daemon->detach(c.x);
	rig_close(c.killed);
}

void sweep_run(struct sweep *s)
{
	struct level l = {
		.s = s,
		.killed = s->rig,
		.want = new_outcome(),
		.got = new_outcome(),
	};
	struct stores *st = calloc(1, sizeof(*st));

	assert_non_null(st);
	make_reference(&l);
	count_instructions(&l);
	l.view = rig_view(s->rig);
	if (!s->with_attach)
		attach_killed(&l);
	watch(st, &l);
	stores_run(st, work_killed, &l);
	s->states = l.nstates;
	s->stores = st->stores;

	/* It was only watched after all, and must end like the others. */
	clear_outcome(l.got);
	rig_view_renew(l.view);
	finish(s->daemon, l.killed, l.x, l.got);
	s->daemon->detach(l.x);
	compare(&l);
	rig_close(l.view);
	rig_close(l.ref);
	free_outcome(l.want);
	free_outcome(l.got);
	free(st);
}

void sweep_print(const struct sweep *s, const char *what)
{
	print_message("%s: %ju instructions, %ju states, %ju in recoveries, "
		      "%ju recoveries, %ju violations%s%s\n",
	    what, (uintmax_t)s->instructions, (uintmax_t)s->states,
	    (uintmax_t)s->in_recovery, (uintmax_t)s->recoveries,
	    (uintmax_t)s->violations, s->violations ? ", first " : "",
	    s->first);
}
