/*
 * membership.c - which groups are ours on which link, and who has been told
 */
#include "ipd/ipd.h"
#include "ipd/multicast.h"

static struct member *members(struct ipd *ip)
{
	return ip->s->membership.member;
}

static struct member *find(
    struct ipd *ip, const struct ip_addr *group, uint8_t link)
{
	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		struct member *m = &members(ip)[i];

		if (m->used && m->link == link && ip_equal(&m->group, group))
			return m;
	}
	return NULL;
}

static struct member *free_place(struct ipd *ip)
{
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (!members(ip)[i].used)
			return &members(ip)[i];
	return NULL;
}

/*
 * Never reported: what every host hears anyway, and what stays within a host
 * (RFC 9776, 4; RFC 9777, 6).
 */
static bool is_reported(const struct ip_addr *group)
{
	static const struct ip_addr all4 = {
		{ [10] = 0xff, [11] = 0xff, [12] = 224, [15] = 1 }
	};
	static const struct ip_addr all6 = { { 0xff, 2, [15] = 1 } };

	if (!ip_is_multicast(group) || ip_equal(group, &all4) ||
	    ip_equal(group, &all6))
		return false;
	return ip_is_v4(group) || (group->b[1] & 0xf) > 1;
}

static bool has_listeners(const struct ipd *ip, uint8_t link)
{
	enum device device = ip->n.topo->links[link].device;

	return ip->down[link] != NULL &&
	    (device == DEVICE_TAP || device == DEVICE_PACKET);
}

/* It is wanted on @link: new, wanted again, or known already. */
static void want(struct ipd *ip, const struct ip_addr *group, uint8_t link,
    bool wanted[MEMBERS_MAX])
{
	struct member *m;

	if (!is_reported(group) || !has_listeners(ip, link))
		return;
	m = find(ip, group, link);
	if (m == NULL)
		m = free_place(ip);
	if (m == NULL)
		return;
	wanted[m - members(ip)] = true;
	if (m->used && m->joined)
		return;
	node_touch(&ip->n, m, sizeof(*m));
	*m = (struct member){
		.group = *group,
		.change_at = ip->n.now,
		.answer_at = MONO_NEVER,
		.used = true,
		.link = link,
		.joined = true,
		.changes = MEMBER_ROBUSTNESS,
	};
}

/* A group of "any link" is heard on all that speak its family. */
static bool speaks(const struct ipd *ip, uint8_t link, bool v4)
{
	for (uint32_t i = 0; i < ip->fib.naddrs; i++)
		if (ip->fib.addr[i].link == link &&
		    ip_is_v4(&ip->fib.addr[i].ip) == v4)
			return true;
	return false;
}

static void want_group(
    struct ipd *ip, const struct group *g, bool wanted[MEMBERS_MAX])
{
	for (uint8_t l = 0; l < ip->n.topo->nlinks; l++)
		if (g->link == l ||
		    (g->link == LINK_ANY && speaks(ip, l, ip_is_v4(&g->ip))))
			want(ip, &g->ip, l, wanted);
}

static void want_solicited_nodes(struct ipd *ip, bool wanted[MEMBERS_MAX])
{
	for (uint32_t i = 0; i < ip->fib.naddrs; i++) {
		const struct fib_addr *a = &ip->fib.addr[i];
		struct ip_addr group;

		if (ip_is_v4(&a->ip) || a->state == ADDR_DUPLICATE)
			continue;
		group = ip_solicited_node(&a->ip);
		want(ip, &group, a->link, wanted);
	}
}

static void leave(struct ipd *ip, struct member *m)
{
	node_touch(&ip->n, m, sizeof(*m));
	m->joined = false;
	m->changes = MEMBER_ROBUSTNESS;
	m->change_at = ip->n.now;
	m->answer_at = MONO_NEVER;
}

void multicast_groups_changed(struct ipd *ip)
{
	bool wanted[MEMBERS_MAX] = { false };

	want_solicited_nodes(ip, wanted);
	for (uint32_t p = 0; p < ip->n.topo->nprocs; p++)
		for (uint32_t i = 0; i < ip->groups[p].ngroups; i++)
			want_group(ip, &ip->groups[p].group[i], wanted);
	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		struct member *m = &members(ip)[i];

		if (m->used && m->joined && !wanted[i])
			leave(ip, m);
	}
	ip->members_due = ip->n.now;
}
