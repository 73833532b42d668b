/*
 * sup_net.c - links, addresses, neighbours and routes, as the daemons say
 *
 * Read from the tables that linkds and ipds publish: copied, and what makes no
 * sense left out.
 */
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "shm/names.h"
#include "shm/netlink.h"
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

/* ---- In JSON ---- */

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
	char ours[16], name[COUNTER_NAME_LEN + 1];
	json_int_t v;
	size_t len =
	    (size_t)snprintf(ours, sizeof(ours), "link%u_", (unsigned)i);

	for (uint32_t k = 0; sup_counter(h, k, name, &v); k++)
		if (strncmp(name, ours, len) == 0)
			json_object_set_new(o, name + len, json_integer(v));
}

static json_t *of_way(
    const struct link_out *from, uint32_t i, enum impair_way w, bool *any)
{
	json_t *o = json_object();

	for (uint32_t k = 0; k < NIMPAIRED; k++) {
		uint64_t n = atomic_load_explicit(
		    &from->impaired[i][w][k], memory_order_relaxed);

		json_object_set_new(
		    o, impair_count_name(k), json_integer((json_int_t)n));
		*any |= n != 0;
	}
	return o;
}

json_t *sup_net_impaired(const struct sup *s, uint32_t i, bool *any)
{
	const struct link_out *from = table_of(s, s->estate.topo.links[i].proc);
	json_t *o = json_object();

	*any = false;
	for (int w = 0; w < NIMPAIR_WAYS; w++)
		json_object_set_new(
		    o, impair_way_name(w), of_way(from, i, w, any));
	return o;
}

/* Of a good wire there is nothing to tell, except to machines (@zeros). */
static void add_impaired(const struct sup *s, uint32_t i, json_t *o, bool zeros)
{
	bool any;
	json_t *counted = sup_net_impaired(s, i, &any);

	if (any || (zeros && sup_has_wire(&s->estate.topo.links[i])))
		json_object_set(o, "impaired", counted);
	json_decref(counted);
}

json_t *sup_net_links(const struct sup *s, struct link_table *table, bool zeros)
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
		add_impaired(s, i, o, zeros);
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

json_t *sup_net_addresses(const struct sup *s, struct link_table *table)
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
	static const uint8_t no_mac[6];
	const struct topology *t = &s->estate.topo;

	for (uint32_t i = 0;
	     i < table->nneighbours && i < LINK_TABLE_NEIGHBOURS; i++) {
		const struct link_neighbour *n = &table->neighbour[i];
		char ip[IP_TEXT_LEN], mac[18], state[17];
		json_t *o;

		if (n->link >= t->nlinks)
			continue;
		snprintf(state, sizeof(state), "%.16s", n->state_name);
		o = json_pack("{s:s, s:s, s:s}", "address", ip_text(&n->ip, ip),
		    "link", t->links[n->link].name, "state", state);
		/* Of who has not answered yet there is none. */
		if (memcmp(n->mac, no_mac, sizeof(no_mac)) != 0)
			json_object_set_new(
			    o, "mac", json_string(mac_text(n->mac, mac)));
		json_array_append_new(a, o);
	}
}

json_t *sup_net_neighbours(const struct sup *s, struct link_table *table)
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

json_t *sup_net_routes(const struct sup *s)
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

json_t *sup_net_counts(const struct sup *s)
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
