/*
 * topology_proc.c - the processes of a topology, and the rings between them
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shm/log.h"
#include "shm/names.h"
#include "shm/topology_parts.h"

static const char *const PROC_KEYS[] = {
	"name",
	"layer",
	"cpu",
	"spin_us",
	"log",
	"pool",
	NULL,
};

static const char *const POOL_KEYS[] = { "small", "big", NULL };
static const char *const RING_KEYS[] = { "from", "to", "slots", NULL };

static const struct limits SPIN_US = {
	"spin_us",
	0,
	10000,
	.why_max = "beyond which a daemon never sleeps",
};
static const struct limits SMALL = { .key = "small", 64, 65536 };
static const struct limits BIG = { .key = "big", 8, 4096 };
static const struct limits SLOTS = { .key = "slots", 64, 65536 };

int proc_by_name(const struct topology *t, const char *name)
{
	for (int i = 0; i < t->nprocs; i++)
		if (strcmp(t->procs[i].name, name) == 0)
			return i;
	return -1;
}

static int32_t cpu_read(struct reader *r)
{
	static const struct limits cpu = {
		"cpu",
		-1,
		INT32_MAX,
		.why_min = "which means any CPU",
	};
	long n = sysconf(_SC_NPROCESSORS_CONF);
	int64_t v = reader_number(r, &cpu, -1);

	if (v >= n && reader_enter(r, "cpu")) {
		reader_fail(r, "%lld does not exist, this machine has 0 to %ld",
		    (long long)v, n - 1);
		reader_leave(r);
	}
	return (int32_t)v;
}

/* linkd holds what comes from the wire; the others only what they send. */
static void pool_read(struct reader *r, struct topo_proc *p)
{
	p->small_slots = p->layer == LAYER_LINK ? 1024 : 512;
	p->big_slots = p->layer == LAYER_LINK ? 48 : 24;
	if (!reader_enter(r, "pool"))
		return;
	if (reader_object(r, POOL_KEYS)) {
		p->small_slots =
		    (uint32_t)reader_number(r, &SMALL, p->small_slots);
		p->big_slots = (uint32_t)reader_number(r, &BIG, p->big_slots);
	}
	reader_leave(r);
}

static int level_by_name(const char *word)
{
	enum log_level level;

	return log_level_parse(&level, word) ? (int)level : -ENOENT;
}

void proc_read(struct reader *r, struct topology *t)
{
	struct topo_proc *p = &t->procs[t->nprocs];

	if (!reader_object(r, PROC_KEYS))
		return;
	reader_name(r, "name", p->name);
	if (r->err == 0 && proc_by_name(t, p->name) >= 0)
		reader_fail_at(r, "processes", t->nprocs, "name",
		    "another process is named \"%s\" too", p->name);
	p->layer = (enum layer)reader_choice(
	    r, "layer", layer_by_name, "linkd, ipd, tcpd, udpd", -1);
	p->log = (enum log_level)reader_choice(
	    r, "log", level_by_name, "error, warn, info, debug", LOG_INFO);
	p->cpu = cpu_read(r);
	p->spin_us = (uint32_t)reader_number(r, &SPIN_US, 20);
	pool_read(r, p);
	t->nprocs++;
}

static uint8_t end_read(
    struct reader *r, const struct topology *t, const char *key)
{
	const char *name;
	int i;

	if (!reader_need(r, key))
		return 0;
	name = reader_text(r);
	i = proc_by_name(t, name);
	if (i < 0)
		reader_fail(r, "there is no process \"%.40s\"", name);
	reader_leave(r);
	return i < 0 ? 0 : (uint8_t)i;
}

/* Layers talk to the one above and the one below, never past it. */
static bool may_join(enum layer a, enum layer b)
{
	return (a == LAYER_IP) != (b == LAYER_IP);
}

static void joins_check(
    struct reader *r, const struct topology *t, const struct topo_ring *ring)
{
	const struct topo_proc *from = &t->procs[ring->from];
	const struct topo_proc *to = &t->procs[ring->to];

	if (ring->from == ring->to)
		reader_fail(r, "leads from \"%s\" to itself", from->name);
	else if (!may_join(from->layer, to->layer))
		reader_fail(r,
		    "joins %s with %s, but a ring has ipd at just one of its "
		    "ends",
		    layer_name(from->layer), layer_name(to->layer));
	for (int i = 0; i < t->nrings; i++)
		if (t->rings[i].from == ring->from &&
		    t->rings[i].to == ring->to)
			reader_fail(r,
			    "rings[%d] leads from \"%s\" to \"%s\" too", i,
			    from->name, to->name);
}

void ring_read(struct reader *r, struct topology *t)
{
	struct topo_ring *ring = &t->rings[t->nrings];

	if (!reader_object(r, RING_KEYS))
		return;
	ring->from = end_read(r, t, "from");
	ring->to = end_read(r, t, "to");
	if (r->err == 0)
		joins_check(r, t, ring);
	ring->slots = (uint32_t)reader_number(r, &SLOTS, 1024);
	if (ring->slots & (ring->slots - 1) && reader_enter(r, "slots")) {
		reader_fail(r, "%u is not a power of two", ring->slots);
		reader_leave(r);
	}
	t->nrings++;
}
