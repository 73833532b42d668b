/*
 * host.c - a host: memory that stays, and daemons that come and go in it
 */
#include "tests/sim/host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/names.h"
#include "shm/poison.h"
#include "tests/sim/check.h"
#include "tests/sim/kill.h"

enum {
	/* A turn takes so long, a bell that long to be heard. */
	TURN_MIN_NS = 500,
	TURN_MAX_NS = 20 * NS_PER_US,
	WAKE_MAX_NS = 60 * NS_PER_US,

	AGAIN_PERCENT = 15,

	/* Turns without work in a row, no sleep between: it spins. */
	IDLE_TURNS_MAX = 20000,
};

/* ---- Memory ---- */

static uint8_t *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

static void drop(uint8_t *p, size_t bytes)
{
	unpoison(p, bytes);
	munmap(p, bytes ? bytes : 1);
}

static struct segments segments_of(const struct proc *p)
{
	struct host *h = p->h;
	struct segments s = {
		.topo = &h->topo,
		.self = p->index,
		.sup = &h->sup,
		.priv = h->priv[p->index],
		.log_fd = h->s->log_fd,
	};

	for (uint32_t i = 0; i < h->topo.nprocs; i++) {
		if (i == p->index || wiring_neighbours(&h->wiring, p->index, i))
			s.out[i] = h->out[i];
		if (wiring_reads_pool(&h->wiring, p->index, i))
			s.pool[i] = h->pool[i];
	}
	return s;
}

/* ---- Bells ---- */

static void later(struct proc *p, int64_t low, int64_t high)
{
	p->next = mono_add(p->s->now, draw(p->s, low, high));
}

void proc_ring(struct proc *p)
{
	if (!p->asleep) {
		p->rung = true;
		return;
	}
	p->asleep = false;
	later(p, TURN_MIN_NS, WAKE_MAX_NS);
}

static void ring_bells(struct proc *p)
{
	struct node *n = proc_node(p);

	for (uint32_t i = 0; i < p->h->topo.nprocs; i++)
		if (n->bells >> i & 1)
			proc_ring(&p->h->proc[i]);
	n->bells = 0;
}

static void ring_all(struct proc *p)
{
	struct node *n = proc_node(p);

	for (uint32_t i = 0; i < p->h->topo.nprocs; i++)
		if (i != p->index && n->neighbour[i] != NULL)
			n->bells |= 1U << i;
}

/* ---- Life and death ---- */

const char *proc_name(const struct proc *p)
{
	return layer_name(p->layer);
}

void proc_die(struct proc *p)
{
	check_dying(p);
	if (p->x != NULL) {
		p->ops->detach(p->x);
		free(p->x);
	}
	p->x = NULL;
	p->up = false;
	p->asleep = false;
	p->kill_in = -1;
	p->s->kills++;
	/* Who takes over may die of it, too. */
	if (!p->s->ending && chance(p->s, AGAIN_PERCENT))
		kill_arm(p);
	later(p, NS_PER_US, p->s->plan.down_ns);
}

struct attach_call {
	struct proc *p;
	struct segments segments;
	int r;
};

static void attach_run(void *arg)
{
	struct attach_call *c = arg;

	c->r = c->p->ops->attach(c->p, &c->segments, c->p->s->now);
}

static void turn_run(void *arg)
{
	struct proc *p = arg;

	p->idle_turns = p->ops->turn(p->x, p->s->now) ? 0 : p->idle_turns + 1;
}

static struct apps *apps_of(struct proc *p)
{
	return p->ops->apps == NULL ? NULL : p->ops->apps(p->x);
}

static void attach(struct proc *p)
{
	struct attach_call c = { .p = p, .segments = segments_of(p) };

	p->x = calloc(1, p->ops->size);
	if (p->x == NULL)
		abort();
	p->rung = false;
	if (apps_of(p) != NULL)
		apps_introduce(p, apps_of(p));
	if (!kill_run(p, attach_run, &c))
		return;
	if (c.r < 0)
		fail(p->s, "h%u %s can't attach: %d", p->h->index, proc_name(p),
		    c.r);
	p->up = true;
	p->instances++;
	if (apps_of(p) != NULL)
		apps_watch(p, apps_of(p));
	ring_all(p);
}

static void rest(struct proc *p)
{
	struct node *n = proc_node(p);

	if (!node_may_sleep(n) ||
	    (p->ops->may_sleep != NULL && !p->ops->may_sleep(p->x))) {
		node_awake(n);
		return;
	}
	if (p->rung) {
		p->rung = false;
		return;
	}
	p->idle_turns = 0;
	p->asleep = true;
	p->next = p->ops->deadline(p->x);
	if (mono_before(p->next, p->s->now))
		p->next = p->s->now;
}

/* One turn, with all that main loops do around it. */
static void step(struct proc *p)
{
	if (p->x == NULL)
		attach(p);
	if (p->x == NULL)
		return;
	if (p->asleep) {
		p->asleep = false;
		/* A deadline that has come is no work yet: count it. */
		p->idle_turns++;
	}
	node_awake(proc_node(p));
	later(p, TURN_MIN_NS, TURN_MAX_NS);
	if (!kill_run(p, turn_run, p))
		return;
	ring_bells(p);
	if (apps_of(p) != NULL)
		apps_after(p, apps_of(p));
	if (p->idle_turns > 0)
		rest(p);
	if (p->idle_turns > IDLE_TURNS_MAX)
		fail(p->s, "h%u %s spins", p->h->index, proc_name(p));
}

/* ---- The host ---- */

struct mono host_next(const struct host *h)
{
	struct mono t = MONO_NEVER;

	for (uint32_t i = 0; i < h->topo.nprocs; i++)
		t = mono_min(t, h->proc[i].next);
	return t;
}

void host_run(struct host *h)
{
	for (uint32_t i = 0; i < h->topo.nprocs; i++)
		if (mono_reached(h->proc[i].next, h->s->now))
			step(&h->proc[i]);
}

void host_readable(struct host *h)
{
	struct proc *p = host_proc(h, LAYER_LINK);

	if (p->up)
		link_readable(p);
	proc_ring(p);
}

void host_writable(struct host *h)
{
	struct proc *p = host_proc(h, LAYER_LINK);

	if (p->up)
		link_writable(p);
	proc_ring(p);
}

static void open_proc(struct host *h, uint32_t i)
{
	static const struct proc_ops *const ops[NLAYERS] = {
		[LAYER_LINK] = &link_ops,
		[LAYER_IP] = &ip_ops,
		[LAYER_TCP] = &tcp_ops,
		[LAYER_UDP] = &udp_ops,
	};
	struct proc *p = &h->proc[i];

	*p = (struct proc){
		.s = h->s,
		.h = h,
		.index = i,
		.layer = h->topo.procs[i].layer,
		.ops = ops[h->topo.procs[i].layer],
		.kill_in = -1,
	};
	h->out[i] = pages(h->wiring.out_bytes[i]);
	h->pool[i] = pages(h->wiring.pool_bytes[i]);
	h->priv[i] = pages(PRIV_BYTES);
	later(p, 0, NS_PER_MS);
}

struct host *host_open(struct sim *s, uint32_t index)
{
	struct host *h = calloc(1, sizeof(*h));
	char json[PLAN_JSON], error[TOPO_ERROR_LEN] = "";

	if (h == NULL)
		abort();
	h->s = s;
	h->index = index;
	plan_json(&s->plan, index, json);
	if (topology_parse(&h->topo, json, strlen(json), "sim", error) < 0)
		fail(s, "%s", error);
	if (wiring_compute(&h->wiring, &h->topo) < 0)
		fail(s, "no wiring");
	/* In plan_json() they stand as layers are numbered. */
	for (uint32_t i = 0; i < h->topo.nprocs; i++) {
		h->sup.log_level[i] = s->log_fd == -1 ? LOG_ERROR : LOG_DEBUG;
		open_proc(h, i);
	}
	return h;
}

void host_close(struct host *h)
{
	for (uint32_t i = 0; i < h->topo.nprocs; i++) {
		struct proc *p = &h->proc[i];

		if (p->x != NULL) {
			p->ops->detach(p->x);
			free(p->x);
		}
		drop(h->out[i], h->wiring.out_bytes[i]);
		drop(h->pool[i], h->wiring.pool_bytes[i]);
		drop(h->priv[i], PRIV_BYTES);
	}
	free(h);
}
