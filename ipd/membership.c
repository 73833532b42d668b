/*
 * membership.c - which groups are ours on which link, and who has been told
 */
#include "ipd/ipd.h"
#include "ipd/multicast.h"
#include "shm/siphash.h"

static struct member *members(struct ipd *ip)
{
	return ip->s->membership.member;
}

enum {
	BUCKETS = 256,
	NO_MEMBER = 0xffff,
};

/*
 * Who is a member, while it is being found out: a look through all for each
 * group would let one app that joins and leaves cost everybody milliseconds.
 */
struct lookup {
	uint16_t bucket[BUCKETS];
	uint16_t next[MEMBERS_MAX];
	uint32_t free; /* none before is */
	bool wanted[MEMBERS_MAX];
};

static uint16_t *bucket_of(
    struct ipd *ip, struct lookup *u, const struct ip_addr *group, uint8_t link)
{
	uint64_t h = siphash(ip->s->key, group, sizeof(*group));

	return &u->bucket[(h + link) % BUCKETS];
}

static void add(struct ipd *ip, struct lookup *u, uint32_t i)
{
	const struct member *m = &members(ip)[i];
	uint16_t *b = bucket_of(ip, u, &m->group, m->link);

	u->next[i] = *b;
	*b = (uint16_t)i;
}

static void begin(struct ipd *ip, struct lookup *u)
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		u->bucket[i] = NO_MEMBER;
	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		u->wanted[i] = false;
		if (members(ip)[i].used)
			add(ip, u, i);
	}
	u->free = 0;
}

static uint32_t find(
    struct ipd *ip, struct lookup *u, const struct ip_addr *group, uint8_t link)
{
	uint32_t i = *bucket_of(ip, u, group, link);

	while (i != NO_MEMBER &&
	    (members(ip)[i].link != link ||
		!ip_equal(&members(ip)[i].group, group)))
		i = u->next[i];
	return i;
}

static uint32_t free_place(struct ipd *ip, struct lookup *u)
{
	while (u->free < MEMBERS_MAX && members(ip)[u->free].used)
		u->free++;
	return u->free < MEMBERS_MAX ? u->free : NO_MEMBER;
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
static void want(
    struct ipd *ip, struct lookup *u, const struct ip_addr *group, uint8_t link)
{
	struct member *m;
	uint32_t i;
	bool fresh;

	if (!is_reported(group) || !has_listeners(ip, link))
		return;
	i = find(ip, u, group, link);
	fresh = i == NO_MEMBER;
	if (fresh)
		i = free_place(ip, u);
	if (i == NO_MEMBER) {
		node_count(&ip->n, CNT_GROUP_NOT_TOLD);
		return;
	}
	u->wanted[i] = true;
	m = &members(ip)[i];
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
	if (fresh)
		add(ip, u, i);
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

static void want_group(struct ipd *ip, struct lookup *u, const struct group *g)
{
	for (uint8_t l = 0; l < ip->n.topo->nlinks; l++)
		if (g->link == l ||
		    (g->link == LINK_ANY && speaks(ip, l, ip_is_v4(&g->ip))))
			want(ip, u, &g->ip, l);
}

static void want_solicited_nodes(struct ipd *ip, struct lookup *u)
{
	for (uint32_t i = 0; i < ip->fib.naddrs; i++) {
		const struct fib_addr *a = &ip->fib.addr[i];
		struct ip_addr group;

		if (ip_is_v4(&a->ip) || a->state == ADDR_DUPLICATE)
			continue;
		group = ip_solicited_node(&a->ip);
		want(ip, u, &group, a->link);
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
	struct lookup u;

	begin(ip, &u);
	want_solicited_nodes(ip, &u);
	for (uint32_t p = 0; p < ip->n.topo->nprocs; p++)
		for (uint32_t i = 0; i < ip->groups[p].ngroups; i++)
			want_group(ip, &u, &ip->groups[p].group[i]);
	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		struct member *m = &members(ip)[i];

		if (m->used && m->joined && !u.wanted[i])
			leave(ip, m);
	}
	ip->members_due = ip->n.now;
}
