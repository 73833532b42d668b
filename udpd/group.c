/*
 * group.c - the multicast groups that sockets have joined
 */
#include "udpd/group.h"

#include <errno.h>

static_assert(sizeof(struct group_table) <= OUT_TABLE_BYTES, "table fits");

static struct usock_group *find(
    struct usock *s, const struct ip_addr *ip, uint8_t link)
{
	for (uint32_t i = 0; i < s->ngroups; i++)
		if (ip_equal(&s->group[i].ip, ip) &&
		    (link == LINK_ANY || s->group[i].link == link))
			return &s->group[i];
	return NULL;
}

static int find_link(
    const struct udpd *u, const struct ip_addr *ip, uint8_t *link)
{
	struct fib_answer way;

	if (!ip_is_multicast(ip))
		return -EINVAL;
	if (*link == LINK_ANY) {
		if (fib_lookup(&u->fib, ip, LINK_ANY, &way) < 0)
			return -ENODEV;
		*link = way.link;
	}
	return *link < u->n.topo->nlinks ? 0 : -ENODEV;
}

int group_join(
    struct udpd *u, uint32_t id, const struct ip_addr *ip, uint8_t link)
{
	struct usock *s = &u->state->sock[id];
	int r = find_link(u, ip, &link);

	if (r < 0)
		return r;
	if (find(s, ip, link) != NULL)
		return -EADDRINUSE;
	if (s->ngroups == MAX_GROUPS)
		return -ENOBUFS;
	s->group[s->ngroups++] =
	    (struct usock_group){ .ip = *ip, .link = link };
	u->groups_changed = true;
	return 0;
}

int group_leave(
    struct udpd *u, uint32_t id, const struct ip_addr *ip, uint8_t link)
{
	struct usock *s = &u->state->sock[id];
	struct usock_group *g;

	if (!ip_is_multicast(ip))
		return -EINVAL;
	g = find(s, ip, link);
	if (g == NULL)
		return -EADDRNOTAVAIL;
	*g = s->group[--s->ngroups];
	u->groups_changed = true;
	return 0;
}

static void publish_one(struct group_table *t, const struct usock_group *g)
{
	for (uint32_t i = 0; i < t->ngroups; i++)
		if (ip_equal(&t->group[i].ip, &g->ip) &&
		    t->group[i].link == g->link)
			return;
	if (t->ngroups == GROUP_TABLE_MAX)
		return;
	t->group[t->ngroups++] = (struct group){ .ip = g->ip, .link = g->link };
}

static void publish_groups(struct group_table *t, const struct usock *s)
{
	for (uint32_t i = 0; i < s->ngroups; i++)
		publish_one(t, &s->group[i]);
}

void group_publish(struct udpd *u)
{
	struct group_table *t = (void *)u->n.table;

	publish_begin(&t->p);
	t->ngroups = 0;
	for (uint32_t id = apps_next_open(&u->apps, 0); id < MAX_SOCKETS;
	     id = apps_next_open(&u->apps, id + 1))
		publish_groups(t, &u->state->sock[id]);
	publish_end(&t->p);
	u->groups_changed = false;
	/* They look at the table in their next turn. */
	for (uint32_t p = 0; p < u->n.topo->nprocs; p++)
		if (p != u->n.self && u->n.neighbour[p] != NULL)
			u->n.bells |= 1U << p;
}
