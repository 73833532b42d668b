/*
 * sup_status.c - the state of everything, in JSON
 *
 * All of it is read from segments that daemons write while they run: copied,
 * checked, and as old as the moment of the look.
 */
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/names.h"
#include "shm/netlink.h"
#include "shm/pool.h"
#include "shm/sup.h"

static const char *const addr_states[NADDR_STATES] = {
	[ADDR_TENTATIVE] = "tentative",
	[ADDR_VALID] = "valid",
	[ADDR_DUPLICATE] = "duplicate",
};

static const void *table_of(const struct sup *s, uint32_t p)
{
	return (const uint8_t *)s->estate.head[p] + OUT_TABLE_OFF;
}

/* The published table of the linkd that owns link @i; false: not stable. */
static bool link_table(const struct sup *s, uint32_t i, struct link_table *ret)
{
	return published_copy(
	    ret, table_of(s, s->estate.topo.links[i].proc), sizeof(*ret));
}

static enum addr_state addr_state(const struct fib_addr *a)
{
	return a->state < NADDR_STATES ? a->state : ADDR_TENTATIVE;
}

/* All that the linkd @p has published: 1 valid, 0 not yet, -1 another's. */
static int all_valid(const struct topology *t, const struct link_table *l,
    const char **link, struct ip_addr *ip)
{
	for (uint32_t i = 0; i < l->naddrs && i < TOPO_MAX_ADDRS; i++) {
		if (l->addr[i].link >= t->nlinks)
			continue;
		switch (addr_state(&l->addr[i])) {
		case ADDR_VALID:
			continue;
		case ADDR_TENTATIVE:
		case NADDR_STATES:
			return 0;
		case ADDR_DUPLICATE:
			*link = t->links[l->addr[i].link].name;
			*ip = l->addr[i].ip;
			return -1;
		}
	}
	return 1;
}

int sup_addresses(struct sup *s, char why[TOPO_ERROR_LEN])
{
	const struct topology *t = &s->estate.topo;
	static struct link_table table;
	char text[IP_TEXT_LEN];
	struct ip_addr ip;
	const char *link;

	for (uint32_t p = 0; p < t->nprocs; p++)
		if (!s->place[p].running.up)
			return 0;
	for (uint32_t p = 0; p < t->nprocs; p++) {
		int r = 0;

		if (t->procs[p].layer != LAYER_LINK)
			continue;
		if (published_copy(&table, table_of(s, p), sizeof(table)) &&
		    published_seq(&table.p) != 0)
			r = all_valid(t, &table, &link, &ip);
		if (r < 0)
			snprintf(why, TOPO_ERROR_LEN,
			    "another host on link %s has the address %s", link,
			    ip_text(&ip, text));
		if (r <= 0)
			return r;
	}
	return 1;
}

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

/* ---- Links, addresses, neighbours, routes ---- */

static const char *mac_text(const uint8_t m[6], char buf[18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
	    m[3], m[4], m[5]);
	return buf;
}

/* What a TAP's queue had no room for, while linkd was away or busy. */
static void add_dropped(json_t *o, const struct topo_link *l)
{
	uint64_t n;

	if (l->device == DEVICE_TAP &&
	    netlink_dropped((int)if_nametoindex(l->ifname), &n) == 0)
		json_object_set_new(
		    o, "kernel_dropped", json_integer((json_int_t)n));
}

/* What linkd has counted of link @i alone, into @o as "rx_frames" and so on. */
static void add_counts(const struct sup *s, uint32_t i, json_t *o)
{
	const struct out_head *h = s->estate.head[s->estate.topo.links[i].proc];
	uint32_t n = atomic_load(&h->ncounters);
	char ours[16], name[COUNTER_NAME_LEN + 1];
	size_t len =
	    (size_t)snprintf(ours, sizeof(ours), "link%u_", (unsigned)i);

	for (uint32_t k = 0; k < n && k < MAX_COUNTERS; k++) {
		snprintf(name, sizeof(name), "%.32s", h->counter_name[k].name);
		if (strncmp(name, ours, len) != 0)
			continue;
		json_object_set_new(o, name + len,
		    json_integer((json_int_t)atomic_load(&h->counter[k])));
	}
}

static json_t *links(const struct sup *s, struct link_table *table)
{
	const struct topology *t = &s->estate.topo;
	json_t *a = json_array();
	char mac[18];

	for (uint32_t i = 0; i < t->nlinks; i++) {
		const struct topo_link *l = &t->links[i];
		bool ok = link_table(s, i, table);
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:s}",
		    "name", l->name, "device", device_name(l->device),
		    "interface", l->ifname, "mac",
		    mac_text(ok ? table->link_mac[i] : l->mac, mac), "mtu",
		    (json_int_t)(ok ? table->link_mtu[i] : l->mtu), "offload",
		    ok ? table->link_offload[i] : 0, "daemon",
		    t->procs[l->proc].name);

		add_dropped(o, l);
		add_counts(s, i, o);
		json_array_append_new(a, o);
	}
	return a;
}

static void add_addresses(
    const struct sup *s, const struct link_table *table, json_t *a)
{
	const struct topology *t = &s->estate.topo;
	char ip[IP_TEXT_LEN];

	for (uint32_t i = 0; i < table->naddrs && i < TOPO_MAX_ADDRS; i++) {
		const struct fib_addr *addr = &table->addr[i];

		if (addr->link >= t->nlinks)
			continue;
		json_array_append_new(a,
		    json_pack("{s:s, s:i, s:s, s:s}", "address",
			ip_text(&addr->ip, ip), "prefix", (int)addr->plen,
			"link", t->links[addr->link].name, "state",
			addr_states[addr_state(addr)]));
	}
}

static json_t *addresses(const struct sup *s, struct link_table *table)
{
	const struct topology *t = &s->estate.topo;
	json_t *a = json_array();

	for (uint32_t p = 0; p < t->nprocs; p++)
		if (t->procs[p].layer == LAYER_LINK &&
		    published_copy(table, table_of(s, p), sizeof(*table)))
			add_addresses(s, table, a);
	return a;
}

static void add_neighbours(
    const struct sup *s, const struct link_table *table, json_t *a)
{
	const struct topology *t = &s->estate.topo;

	for (uint32_t i = 0;
	     i < table->nneighbours && i < LINK_TABLE_NEIGHBOURS; i++) {
		const struct link_neighbour *n = &table->neighbour[i];
		char ip[IP_TEXT_LEN], mac[18], state[17];

		if (n->link >= t->nlinks)
			continue;
		snprintf(state, sizeof(state), "%.16s", n->state_name);
		json_array_append_new(a,
		    json_pack("{s:s, s:s, s:s, s:s}", "address",
			ip_text(&n->ip, ip), "mac", mac_text(n->mac, mac),
			"link", t->links[n->link].name, "state", state));
	}
}

static json_t *neighbours(const struct sup *s, struct link_table *table)
{
	const struct topology *t = &s->estate.topo;
	json_t *a = json_array();

	for (uint32_t p = 0; p < t->nprocs; p++)
		if (t->procs[p].layer == LAYER_LINK &&
		    published_copy(table, table_of(s, p), sizeof(*table)))
			add_neighbours(s, table, a);
	return a;
}

static void add_routes(const struct sup *s, const struct fib *f, json_t *a)
{
	const struct topology *t = &s->estate.topo;

	for (uint32_t i = 0;
	     i < f->nroutes && i < sizeof(f->route) / sizeof(*f->route); i++) {
		const struct fib_route *r = &f->route[i];
		char net[IP_TEXT_LEN], via[IP_TEXT_LEN];
		json_t *o;

		if (r->link >= t->nlinks)
			continue;
		o = json_pack("{s:s, s:i, s:s, s:I}", "to",
		    ip_text(&r->net, net), "prefix", (int)r->plen, "link",
		    t->links[r->link].name, "metric", (json_int_t)r->metric);
		if (r->has_via)
			json_object_set_new(
			    o, "via", json_string(ip_text(&r->via, via)));
		if (r->mtu != 0)
			json_object_set_new(o, "mtu", json_integer(r->mtu));
		/* The on-link prefixes of our addresses come first. */
		json_object_set_new(o, "kind",
		    json_string(i < f->naddrs ? "connected" : "static"));
		json_array_append_new(a, o);
	}
}

static json_t *routes(const struct sup *s)
{
	const struct topology *t = &s->estate.topo;
	json_t *a = json_array();
	static struct fib f;

	for (uint32_t p = 0; p < t->nprocs; p++)
		if (t->procs[p].layer == LAYER_IP &&
		    published_copy(&f, table_of(s, p), sizeof(f)))
			add_routes(s, &f, a);
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
		uint32_t n = atomic_load(&h->ncounters);
		json_t *o = json_object();

		for (uint32_t i = 0; i < n && i < MAX_COUNTERS; i++) {
			char name[COUNTER_NAME_LEN + 1];
			json_int_t v = (json_int_t)atomic_load(&h->counter[i]);

			if ((h->counter_name[i].drop != 0) != drops ||
			    (v == 0 && !zeros))
				continue;
			snprintf(name, sizeof(name), "%.32s",
			    h->counter_name[i].name);
			if (!of_link(name))
				json_object_set_new(o, name, json_integer(v));
		}
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
	    "daemons", daemons(s), "links", links(s, &table), "addresses",
	    addresses(s, &table), "neighbours", neighbours(s, &table), "routes",
	    routes(s), "rings", rings(s), "pools", pools(s), "drops",
	    counters(s, 1, zeros), "counters", counters(s, 0, zeros), "apps",
	    apps(s));
}

static json_t *moving_links(const struct sup *s)
{
	const struct topology *t = &s->estate.topo;
	json_t *a = json_array();

	for (uint32_t i = 0; i < t->nlinks; i++) {
		const struct topo_link *l = &t->links[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "name", l->name,
		    "device", device_name(l->device), "interface", l->ifname,
		    "daemon", t->procs[l->proc].name);

		add_counts(s, i, o);
		json_array_append_new(a, o);
	}
	return a;
}

/* No tables, nothing that grows with them, no question to the kernel but CPU.
 */
json_t *sup_pulse(struct sup *s)
{
	int64_t age = s->now.ns - s->estate.sup->started;

	return json_pack("{s:b, s:s, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:o,"
			 " s:o}",
	    "ok", 1, "name", s->estate.topo.name, "supervisor_pid",
	    (int)getpid(), "uptime_ms", (json_int_t)(age / NS_PER_MS),
	    "uptime_us", (json_int_t)(age / NS_PER_US), "daemons", daemons(s),
	    "links", moving_links(s), "rings", rings(s), "drops",
	    counters(s, 1, false), "counters", counters(s, 0, false), "apps",
	    apps(s));
}
