/*
 * kill.c - kill -9, between any two stores
 */
#include "tests/sim/kill.h"

#include "shm/app.h"
#include "tests/harness/stores.h"
#include "tests/sim/app.h"
#include "tests/sim/host.h"

enum {
	STORES_FAR = 300, /* the farthest death in a turn, or in several */
	DEPTH_MAX = 63,
	CHANGES_FAR = 100,
	FARTHER = 20, /* times that, now and then */
	PAGE = 4096,
	PATIENCE = 2000, /* stores; what then? It dies the next time */
};

/* ---- Where ---- */

enum step {
	STEP_BETWEEN, /* no turn is open, or it is not known yet */
	STEP_OPEN,
	STEP_TOUCHED,
	STEP_COMMITTED,
};

static enum step step_of(const struct proc *p)
{
	const struct turn_mem *m = (const void *)p->h->priv[p->index];
	uint64_t committed = m->committed;

	if (m->applied != committed)
		return STEP_COMMITTED;
	if (m->log_turn != committed + 1)
		return STEP_BETWEEN;
	return m->log_count > 0 ? STEP_TOUCHED : STEP_OPEN;
}

/* How far the turn had got: objects saved in its log. */
static uint64_t depth_of(const struct proc *p)
{
	const struct turn_mem *m = (const void *)p->h->priv[p->index];

	return m->log_count < DEPTH_MAX ? m->log_count : DEPTH_MAX;
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void insert(struct points *ps, uint64_t key)
{
	uint64_t k = mix(key) | 1;

	for (uint32_t i = 0; i < POINTS_MAX; i++) {
		_Atomic uint64_t *at = &ps->key[(k + i) % POINTS_MAX];
		uint64_t empty = 0;

		if (atomic_load(at) == k)
			return;
		if (atomic_compare_exchange_strong(at, &empty, k)) {
			atomic_fetch_add(&ps->n, 1);
			return;
		}
		if (empty == k)
			return;
	}
}

static void remember(struct proc *p, const struct stores *st)
{
	enum step step = step_of(p);
	uint64_t place = st == NULL ? 0 : st->place;

	note(p->s, "KILL h%u %s at %lx, step %d, %s", p->h->index, proc_name(p),
	    (unsigned long)place, (int)step,
	    p->up ? "in a turn" : "taking over");
	if (p->s->points != NULL)
		insert(p->s->points,
		    place << 16 | depth_of(p) << 8 | (uint64_t)p->layer << 4 |
			(uint64_t)step << 1 | p->up);
}

/* ---- How ---- */

struct victim {
	struct stores stores; /* first */
	struct proc *p;
	bool there;       /* the step has been reached; all is watched */
	uint64_t skipped; /* stores before that */
	int64_t changes;
};

static int64_t count_of(const struct victim *v)
{
	return v->p->kill_by_changes ? v->changes
				     : (int64_t)(v->stores.stores - v->skipped);
}

static void watch_all(struct victim *v);

/*
 * Until the step is reached only the page is watched that tells of it: every
 * store that is looked at costs as much as a thousand that are not.
 */
static void changed(void *ctx)
{
	struct victim *v = ctx;

	if (!v->there) {
		if (step_of(v->p) < v->p->kill_from)
			return;
		v->skipped = v->stores.stores;
		watch_all(v);
	}
	if (step_of(v->p) < v->p->kill_from)
		return;
	/*
	 * Either stores are counted, most of which change nothing, or changes:
	 * these are further on the way to what a turn is there for.
	 */
	v->changes++;
	if (count_of(v) < v->p->kill_in)
		return;
	remember(v->p, &v->stores);
	stores_stop(&v->stores);
}

/* The words of turn.h that step_of() reads. */
static void watch_step(struct victim *v)
{
	stores_add(&v->stores, v->p->h->priv[v->p->index], PAGE);
}

static void watch_all(struct victim *v)
{
	struct proc *p = v->p;
	struct host *h = p->h;
	uint32_t me = p->index;

	stores_add(&v->stores, h->out[me], h->wiring.out_bytes[me]);
	stores_add(&v->stores, h->priv[me] + PAGE, PRIV_BYTES - PAGE);
	for (uint32_t i = 0; i < h->topo.nprocs; i++)
		if (wiring_writes_pool(&h->wiring, me, i) &&
		    h->wiring.pool_bytes[i] > 0)
			stores_add(
			    &v->stores, h->pool[i], h->wiring.pool_bytes[i]);
	for (uint32_t i = 0; i < HOST_APPS; i++) {
		uint8_t *s2a = h->app[i] ? app_s2a(h->app[i], p->layer) : NULL;

		if (s2a != NULL)
			stores_add(&v->stores, s2a, S2A_BYTES);
	}
	v->there = true;
}

/* It is to die at work: not in a turn that finds none. */
static bool is_idle(struct proc *p)
{
	return p->up && p->kill_from != STEP_BETWEEN &&
	    !node_news(proc_node(p)) &&
	    (p->ops->may_sleep == NULL || p->ops->may_sleep(p->x));
}

bool kill_run(struct proc *p, void (*run)(void *arg), void *arg)
{
	static struct victim v;

	if (p->kill_in < 0 || is_idle(p)) {
		run(arg);
		return true;
	}
	v = (struct victim){ .p = p };
	v.stores.changed = changed;
	v.stores.ctx = &v;
	v.stores.patience = p->kill_patience;
	watch_step(&v);
	if (p->kill_from == STEP_BETWEEN)
		watch_all(&v);
	if (stores_run(&v.stores, run, arg)) {
		p->kill_in -= count_of(&v);
		p->kill_in = p->kill_in > 0 ? p->kill_in : 0;
		return true;
	}
	proc_die(p);
	return false;
}

/* ---- Who and when ---- */

static struct proc *choose(struct sim *s)
{
	struct host *h = s->host[draw(s, 0, s->plan.hosts - 1)];
	struct proc *p = &h->proc[draw(s, 0, HOST_PROCS - 1)];

	return s->plan.kill_layers >> p->layer & 1 ? p : NULL;
}

void kill_plan(struct sim *s)
{
	s->next_kill = MONO_NEVER;
	if (s->plan.kill_every_ns > 0)
		s->next_kill =
		    mono_add(s->now, draw(s, 1, 2 * s->plan.kill_every_ns));
}

struct mono kill_next(const struct sim *s)
{
	return s->ending ? MONO_NEVER : s->next_kill;
}

void kill_arm(struct proc *p)
{
	static const enum step from[] = { STEP_BETWEEN, STEP_TOUCHED,
		STEP_TOUCHED, STEP_COMMITTED };

	int64_t far;

	p->kill_from = (uint8_t)from[draw(p->s, 0, 3)];
	p->kill_by_changes = chance(p->s, 50);
	far = p->kill_by_changes ? CHANGES_FAR : STORES_FAR;
	/* What is left of a turn is short. */
	if (p->kill_from == STEP_COMMITTED)
		far = far / 8;
	p->kill_patience = PATIENCE;
	if (chance(p->s, 3)) {
		far *= FARTHER;
		p->kill_patience *= FARTHER;
	}
	p->kill_in = draw_log(p->s, 1, far) - 1;
}

void kill_choose(struct sim *s)
{
	struct proc *p = choose(s);

	while (p == NULL)
		p = choose(s);
	kill_plan(s);
	if (p->kill_in >= 0)
		return;
	kill_arm(p);
	/* Or between two turns, asleep. */
	if (p->up && chance(s, 10)) {
		remember(p, NULL);
		proc_die(p);
	}
}
