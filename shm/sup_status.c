/*
 * sup_status.c - the state of everything, in JSON
 *
 * All of it is read from segments that daemons write while they run: copied,
 * checked, and as old as the moment of the look.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/names.h"
#include "shm/pool.h"
#include "shm/sup.h"

/* ---- Daemons ---- */

/* CPU time in ms and resident bytes, from /proc. */
static void usage_of(pid_t pid, json_int_t *cpu_ms, json_int_t *rss)
{
	char path[64], text[1024];
	unsigned long long utime = 0, stime = 0, resident = 0;
	const char *after;
	FILE *f;

	*cpu_ms = *rss = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fgets(text, sizeof(text), f) != NULL) {
		/* Fields 14, 15 and 24; the name in field 2 may hold blanks. */
		after = strrchr(text, ')');
		if (after != NULL &&
		    sscanf(after + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu"
			" %llu %*d %*d %*d %*d %*d %*d %*u %*u %llu",
			&utime, &stime, &resident) < 2)
			utime = stime = 0;
	}
	fclose(f);
	*cpu_ms = (json_int_t)((utime + stime) * 1000 /
	    (unsigned long long)sysconf(_SC_CLK_TCK));
	*rss =
	    (json_int_t)(resident * (unsigned long long)sysconf(_SC_PAGESIZE));
}

static json_t *one_daemon(const struct sup *s, uint32_t p)
{
	const struct place *pl = &s->place[p];
	const struct out_head *h = s->estate.head[p];
	json_int_t uptime = pl->running.up
	    ? (s->now.ns - atomic_load(&h->up_since)) / NS_PER_MS
	    : 0;
	json_int_t cpu_ms, rss;

	usage_of(pl->running.pid, &cpu_ms, &rss);
	return json_pack("{s:s, s:s, s:i, s:i, s:b, s:I, s:I, s:I, s:f, s:I,"
			 " s:I, s:I, s:I, s:s}",
	    "name", s->estate.topo.procs[p].name, "layer",
	    layer_name(s->estate.topo.procs[p].layer), "pid",
	    (int)pl->running.pid, "standby_pid", (int)pl->standby.pid, "up",
	    pl->running.up, "uptime_ms", uptime, "restarts",
	    (json_int_t)atomic_load(&h->recoveries), "last_gap_us",
	    (json_int_t)(atomic_load(&s->estate.sup->gap[p]) / NS_PER_US),
	    "cpu", uptime > 0 ? 100.0 * (double)cpu_ms / (double)uptime : 0.0,
	    "cpu_ms", cpu_ms, "rss", rss, "turns",
	    (json_int_t)atomic_load(&h->turns), "wakeups",
	    (json_int_t)atomic_load(&h->wakeups), "log",
	    log_level_name(atomic_load(&s->estate.sup->log_level[p])));
}

static json_t *daemons(const struct sup *s)
{
	json_t *a = json_array();

	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		json_array_append_new(a, one_daemon(s, p));
	return a;
}

/* ---- Rings, pools, counters ---- */

static const struct ring_prod *prod_of(
    const struct sup *s, const struct wire_ring *r)
{
	return (const void *)((const uint8_t *)s->estate.head[r->from] +
	    r->prod_off);
}

static const struct ring_cons *cons_of(
    const struct sup *s, const struct wire_ring *r)
{
	return (
	    const void *)((const uint8_t *)s->estate.head[r->to] + r->cons_off);
}

static json_t *rings(const struct sup *s)
{
	const struct wiring *w = &s->estate.wiring;
	json_t *a = json_array();

	for (uint32_t i = 0; i < w->nrings; i++) {
		const struct wire_ring *r = &w->ring[i];
		const struct ring_prod *p = prod_of(s, r);
		uint32_t cons = atomic_load(&cons_of(s, r)->cons);
		uint32_t prod = atomic_load(&p->prod);

		json_array_append_new(a,
		    json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "from",
			s->estate.topo.procs[r->from].name, "to",
			s->estate.topo.procs[r->to].name, "kind",
			r->returns ? "return" : "data", "slots",
			(json_int_t)r->slots, "fill", (json_int_t)(prod - cons),
			"moved", (json_int_t)prod, "full",
			(json_int_t)atomic_load(&p->full)));
	}
	return a;
}

/* Slots of @home that lie in rings, each once. */
static uint32_t in_rings(const struct sup *s, uint32_t home, uint8_t *seen)
{
	const struct wiring *w = &s->estate.wiring;
	const struct topo_proc *h = &s->estate.topo.procs[home];
	uint32_t total = h->small_slots + h->big_slots;
	uint32_t n = 0;

	memset(seen, 0, 65536);
	for (uint32_t i = 0; i < w->nrings; i++) {
		const struct wire_ring *r = &w->ring[i];
		const struct ring_prod *p = prod_of(s, r);
		uint32_t cons = atomic_load(&cons_of(s, r)->cons);
		uint32_t prod = atomic_load(&p->prod);

		if (prod - cons > r->slots)
			continue;
		for (; cons != prod; cons++) {
			const struct desc *d = &p->entry[cons & (r->slots - 1)];
			uint16_t slot = d->slot;

			if (d->pool != home || slot >= total || seen[slot])
				continue;
			seen[slot] = 1;
			n++;
		}
	}
	return n;
}

/*
 * Free, in rings and held must add up to all: a slot has no other place.  The
 * three are read one after the other, so while packets move they may be off by
 * those on the move; look again when it is quiet.
 */
static json_t *pools(const struct sup *s)
{
	const struct topology *t = &s->estate.topo;
	json_t *a = json_array();
	static uint8_t seen[65536];

	for (uint32_t p = 0; p < t->nprocs; p++) {
		const struct out_head *h = s->estate.head[p];
		uint32_t total =
		    t->procs[p].small_slots + t->procs[p].big_slots;
		uint32_t free_slots =
		    atomic_load(&h->small_free) + atomic_load(&h->big_free);
		uint32_t held = atomic_load(&h->held);
		uint32_t moving = in_rings(s, p, seen);

		json_array_append_new(a,
		    json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "daemon",
			t->procs[p].name, "slots", (json_int_t)total, "free",
			(json_int_t)free_slots, "in_rings", (json_int_t)moving,
			"held", (json_int_t)held, "accounted",
			free_slots + moving + held == total));
	}
	return a;
}

bool sup_counter(const struct out_head *h, uint32_t i,
    char name[COUNTER_NAME_LEN + 1], json_int_t *value)
{
	if (i >= atomic_load(&h->ncounters) || i >= MAX_COUNTERS)
		return false;
	snprintf(name, COUNTER_NAME_LEN + 1, "%.32s", h->counter_name[i].name);
	*value = (json_int_t)atomic_load(&h->counter[i]);
	return true;
}

/* What each daemon has lent of its pool, without a look into rings. */
static json_t *lent(const struct sup *s)
{
	const struct topology *t = &s->estate.topo;
	json_t *a = json_array();

	for (uint32_t p = 0; p < t->nprocs; p++) {
		const struct out_head *h = s->estate.head[p];
		uint32_t total =
		    t->procs[p].small_slots + t->procs[p].big_slots;
		uint32_t unused =
		    atomic_load(&h->small_free) + atomic_load(&h->big_free);

		json_array_append_new(a,
		    json_pack("{s:s, s:I, s:I}", "daemon", t->procs[p].name,
			"slots", (json_int_t)total, "free",
			(json_int_t)(unused < total ? unused : total)));
	}
	return a;
}

/* "link0_rx_frames": shown with the link. */
static bool of_link(const char *name)
{
	return strncmp(name, "link", 4) == 0 && name[4] >= '0' &&
	    name[4] <= '9';
}

/* Of those that are 0 nobody wants to read; machines do (@zeros). */
static json_t *counters(const struct sup *s, uint8_t drops, bool zeros)
{
	json_t *all = json_object();

	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++) {
		const struct out_head *h = s->estate.head[p];
		char name[COUNTER_NAME_LEN + 1];
		json_t *o = json_object();
		json_int_t v;

		for (uint32_t i = 0; sup_counter(h, i, name, &v); i++)
			if ((h->counter_name[i].drop != 0) == drops &&
			    (v != 0 || zeros) && !of_link(name))
				json_object_set_new(o, name, json_integer(v));
		json_object_set_new(all, s->estate.topo.procs[p].name, o);
	}
	return all;
}

static json_t *apps(const struct sup *s)
{
	json_t *a = json_array();

	for (uint32_t i = 0; i < APP_MAX; i++) {
		int sockets = 0;

		if (!s->app[i].used)
			continue;
		for (uint32_t k = 0; k < APP_MAX_SOCKETS; k++)
			sockets += s->app[i].socket[k].fd != -1;
		json_array_append_new(a,
		    json_pack("{s:i, s:i, s:i, s:b}", "app", (int)i, "pid",
			(int)s->app[i].pid, "sockets", sockets, "leaving",
			s->app[i].dying));
	}
	return a;
}

json_t *sup_status(struct sup *s, bool zeros)
{
	static struct link_table table;

	return json_pack("{s:b, s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o,"
			 " s:o, s:o, s:o, s:o}",
	    "ok", 1, "name", s->estate.topo.name, "supervisor_pid",
	    (int)getpid(), "uptime_ms",
	    (json_int_t)((s->now.ns - s->estate.sup->started) / NS_PER_MS),
	    "daemons", daemons(s), "links", sup_net_links(s, &table, zeros),
	    "addresses", sup_net_addresses(s, &table), "neighbours",
	    sup_net_neighbours(s, &table), "routes", sup_net_routes(s), "rings",
	    rings(s), "pools", pools(s), "drops", counters(s, 1, zeros),
	    "counters", counters(s, 0, zeros), "apps", apps(s));
}

/* No tables, nothing that grows with them, no question to the kernel but CPU.
 */
json_t *sup_pulse(struct sup *s)
{
	int64_t age = s->now.ns - s->estate.sup->started;

	return json_pack("{s:b, s:s, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:o,"
			 " s:o, s:o}",
	    "ok", 1, "name", s->estate.topo.name, "supervisor_pid",
	    (int)getpid(), "uptime_ms", (json_int_t)(age / NS_PER_MS),
	    "uptime_us", (json_int_t)(age / NS_PER_US), "daemons", daemons(s),
	    "links", sup_net_counts(s), "rings", rings(s), "pools", lent(s),
	    "drops", counters(s, 1, false), "counters", counters(s, 0, false),
	    "apps", apps(s));
}
