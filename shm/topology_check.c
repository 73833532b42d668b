/*
 * topology_check.c - what only a whole topology can tell
 *
 *	tcpd   udpd	any number of each, and each joined with ipd
 *	    \ /
 *	    ipd		exactly one
 *	    / \
 *	linkd linkd	one or more, and each has a link
 *
 * "Joined" is a ring each way.
 */
#include "shm/names.h"
#include "shm/topology_parts.h"

static unsigned layer_count(const struct topology *t, enum layer l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->nprocs; i++)
		n += t->procs[i].layer == l;
	return n;
}

static void layers_check(struct reader *r, const struct topology *t)
{
	bool seen = false;

	if (reader_enter(r, "processes")) {
		if (layer_count(t, LAYER_LINK) == 0)
			reader_fail(r, "none of them is a linkd");
		if (layer_count(t, LAYER_IP) == 0)
			reader_fail(r, "none of them is an ipd");
		reader_leave(r);
	}
	for (unsigned i = 0; i < t->nprocs; i++) {
		if (t->procs[i].layer != LAYER_IP)
			continue;
		if (seen)
			reader_fail_at(r, "processes", i, "layer",
			    "a stack has only one ipd");
		seen = true;
	}
}

static bool has_ring(const struct topology *t, unsigned from, unsigned to)
{
	for (unsigned i = 0; i < t->nrings; i++)
		if (t->rings[i].from == from && t->rings[i].to == to)
			return true;
	return false;
}

static void rings_check(struct reader *r, const struct topology *t)
{
	for (unsigned i = 0; i < t->nrings; i++) {
		unsigned from = t->rings[i].from, to = t->rings[i].to;

		if (!has_ring(t, to, from))
			reader_fail_at(r, "rings", i, NULL,
			    "there is no ring back from \"%s\" to \"%s\"",
			    t->procs[to].name, t->procs[from].name);
	}
}

/* Every ring has one back and ipd at one end: any ring will do. */
static void joined_check(struct reader *r, const struct topology *t)
{
	for (unsigned i = 0; i < t->nprocs; i++) {
		enum layer layer = t->procs[i].layer;
		bool joined = false;

		for (unsigned k = 0; k < t->nprocs; k++)
			joined |= t->procs[k].layer ==
				(layer == LAYER_IP ? LAYER_LINK : LAYER_IP) &&
			    has_ring(t, i, k);
		if (!joined)
			reader_fail_at(r, "processes", i, NULL,
			    "%s \"%s\" has no rings to and from %s",
			    layer_name(layer), t->procs[i].name,
			    layer == LAYER_IP ? "a linkd" : "ipd");
	}
}

static void linkds_check(struct reader *r, const struct topology *t)
{
	for (unsigned i = 0; i < t->nprocs; i++) {
		bool used = t->procs[i].layer != LAYER_LINK;

		for (unsigned k = 0; k < t->nlinks; k++)
			used |= t->links[k].proc == i;
		if (!used)
			reader_fail_at(r, "processes", i, NULL,
			    "linkd \"%s\" has no link", t->procs[i].name);
	}
}

/* RFC 8200, 5. */
static void mtus_check(struct reader *r, const struct topology *t)
{
	for (unsigned i = 0; i < t->naddrs; i++) {
		unsigned link = t->addrs[i].link, mtu = t->links[link].mtu;

		if (!ip_is_v4(&t->addrs[i].ip) && mtu < 1280)
			reader_fail_at(r, "links", link, "mtu",
			    "%u is below 1280, the smallest a link with IPv6 "
			    "may have (RFC 8200)",
			    mtu);
	}
}

/* A route of a family that its link has no address of could send nothing. */
static void routes_check(struct reader *r, const struct topology *t)
{
	for (unsigned i = 0; i < t->nroutes; i++) {
		bool v4 = ip_is_v4(&t->routes[i].net), found = false;

		for (unsigned k = 0; k < t->naddrs; k++)
			found |= t->addrs[k].link == t->routes[i].link &&
			    ip_is_v4(&t->addrs[k].ip) == v4;
		if (!found)
			reader_fail_at(r, "routes", i, NULL,
			    "the link \"%s\" has no %s address",
			    t->links[t->routes[i].link].name,
			    v4 ? "IPv4" : "IPv6");
	}
}

void topology_check(struct reader *r, const struct topology *t)
{
	layers_check(r, t);
	rings_check(r, t);
	joined_check(r, t);
	linkds_check(r, t);
	mtus_check(r, t);
	routes_check(r, t);
}
