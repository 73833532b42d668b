/*
 * tables.c - what neighbours publish, and what we do
 *
 *	linkd   our addresses, states of links -> our fib, published anew
 *	udpd, tcpd   groups that sockets have joined -> what we let in
 *
 * Each is copied when its sequence word has changed, and the copy is checked.
 * One that lies is as good as one that says nothing.
 *
 * A table whose writer died in the middle of it can't be read.  Who has read it
 * before keeps what it said; an instance that has not is blind: it neither
 * takes packets nor publishes anything until the writer's next instance has
 * written the table whole.  It would say of our own addresses that they are not
 * ours.
 */
#include "ipd/ipd.h"

static const void *table_of(const struct ipd *ip, uint32_t proc)
{
	const struct out_head *head = ip->n.neighbour[proc];

	return head == NULL ? NULL : (const uint8_t *)head + OUT_TABLE_OFF;
}

/* What we need of a link_table: all but the neighbours at its end. */

enum {
	LINK_HEAD_BYTES = offsetof(struct link_table, neighbour),
};

static bool take_addresses(
    struct ipd *ip, uint32_t proc, const struct link_table *t)
{
	struct own_addrs fresh = { .n = 0 };

	for (uint32_t i = 0; i < t->naddrs && i < TOPO_MAX_ADDRS; i++) {
		const struct fib_addr *a = &t->addr[i];

		if (fib_addr_could_be(a, ip->fib.nlinks) &&
		    ip->n.topo->links[a->link].proc == proc)
			fresh.a[fresh.n++] = *a;
	}
	if (memcmp(&fresh, &ip->own[proc], sizeof(fresh)) == 0)
		return false;
	ip->own[proc] = fresh;
	ipd_rebuild(ip);
	return true;
}

/* A device may take less than the topology says, never more. */
static bool take_mtus(struct ipd *ip, uint32_t proc, const struct link_table *t)
{
	bool changed = false;

	for (uint32_t i = 0; i < ip->fib.nlinks; i++) {
		const struct topo_link *l = &ip->n.topo->links[i];
		uint32_t mtu = t->link_mtu[i];

		if (l->proc != proc || mtu < TOPO_MTU_MIN)
			continue;
		if (mtu > l->mtu)
			mtu = l->mtu;
		changed |= mtu != ip->fib.link_mtu[i];
		ip->fib.link_mtu[i] = mtu;
	}
	return changed;
}

static bool refresh_links(struct ipd *ip, uint32_t proc)
{
	const struct link_table *shared = table_of(ip, proc);
	struct link_table *copy = &ip->links;
	bool changed;

	if (shared == NULL || published_seq(&shared->p) == ip->links_seen[proc])
		return false;
	if (!published_copy(copy, shared, LINK_HEAD_BYTES)) {
		ip->blind |= ip->links_seen[proc] == 0;
		return false;
	}
	ip->links_seen[proc] = published_seq(&copy->p);
	changed = take_addresses(ip, proc, copy);
	return take_mtus(ip, proc, copy) || changed;
}

static void refresh_groups(struct ipd *ip, uint32_t proc)
{
	const struct group_table *shared = table_of(ip, proc);
	struct group_table *copy = &ip->groups_read;

	if (shared == NULL ||
	    published_seq(&shared->p) == published_seq(&ip->groups[proc].p))
		return;
	/* Its writer is at it, or dead in the middle: keep what we have. */
	if (!published_copy(copy, shared, sizeof(*copy))) {
		ip->groups_torn = true;
		return;
	}
	if (copy->ngroups > GROUP_TABLE_MAX)
		copy->ngroups = 0;
	memcpy(&ip->groups[proc], copy, sizeof(*copy));
	ip->groups_dirty = true;
}

/* The addresses and their prefixes first; a link's MTU stays as it was. */
void ipd_rebuild(struct ipd *ip)
{
	struct fib *f = &ip->fib;

	f->naddrs = 0;
	f->nroutes = 0;
	for (uint32_t p = 0; p < ip->n.topo->nprocs; p++)
		for (uint32_t i = 0; i < ip->own[p].n; i++)
			if (f->naddrs < TOPO_MAX_ADDRS)
				fib_add_addr(f, &ip->own[p].a[i]);
	for (uint32_t i = 0; i < ip->s->nroutes; i++)
		fib_add_route(f, &ip->s->route[i]);
}

void ipd_publish(struct ipd *ip)
{
	struct fib *shared = (void *)ip->n.table;
	size_t head = sizeof(shared->p);

	publish_begin(&shared->p);
	memcpy((uint8_t *)shared + head, (const uint8_t *)&ip->fib + head,
	    sizeof(*shared) - head);
	publish_end(&shared->p);
	/* Who waits for an address must look. */
	for (uint32_t p = 0; p < ip->n.topo->nprocs; p++)
		if (ip->up[p] != NULL)
			ip->n.bells |= 1U << p;
}

void ipd_refresh(struct ipd *ip)
{
	bool changed = ip->blind;

	ip->groups_torn = false;
	ip->blind = false;
	for (uint32_t p = 0; p < ip->n.topo->nprocs; p++) {
		if (ip->n.topo->procs[p].layer == LAYER_LINK)
			changed |= refresh_links(ip, p);
		else if (ip->up[p] != NULL)
			refresh_groups(ip, p);
	}
	if (changed && !ip->blind) {
		ip->groups_dirty = true;
		ipd_publish(ip);
	}
}

bool ipd_has_joined(const struct ipd *ip, uint32_t proc,
    const struct ip_addr *group, uint8_t link)
{
	const struct group_table *t = &ip->groups[proc];

	for (uint32_t i = 0; i < t->ngroups; i++)
		if ((t->group[i].link == link ||
			t->group[i].link == LINK_ANY) &&
		    ip_equal(&t->group[i].ip, group))
			return true;
	return false;
}

/* What every host hears: 224.0.0.1, ff01::1 and ff02::1 (RFC 4291, 2.8). */
static bool is_all_hosts(const struct ip_addr *group)
{
	static const struct ip_addr v4 = {
		{ [10] = 0xff, [11] = 0xff, [12] = 224, [15] = 1 }
	};
	static const struct ip_addr node = { { 0xff, 1, [15] = 1 } };
	static const struct ip_addr link = { { 0xff, 2, [15] = 1 } };

	return ip_equal(group, &v4) || ip_equal(group, &node) ||
	    ip_equal(group, &link);
}

static bool is_solicited_node(
    const struct ipd *ip, const struct ip_addr *group, uint8_t link)
{
	for (uint32_t i = 0; i < ip->fib.naddrs; i++) {
		const struct fib_addr *a = &ip->fib.addr[i];
		struct ip_addr s;

		if (a->link != link || ip_is_v4(&a->ip))
			continue;
		s = ip_solicited_node(&a->ip);
		if (ip_equal(&s, group))
			return true;
	}
	return false;
}

bool ipd_is_member(
    const struct ipd *ip, const struct ip_addr *group, uint8_t link)
{
	if (is_all_hosts(group) || is_solicited_node(ip, group, link))
		return true;
	for (uint32_t p = 0; p < ip->n.topo->nprocs; p++)
		if (ipd_has_joined(ip, p, group, link))
			return true;
	return false;
}
