/*
 * group.c - the multicast groups that sockets have joined
 */
#include "udpd/group.h"

#include <errno.h>

#include "shm/siphash.h"

static_assert(sizeof(struct group_table) <= OUT_TABLE_BYTES, "table fits");

/* ---- Of all sockets ---- */

void group_clear(struct udpd *u)
{
	struct groups_joined *j = &u->groups;

	for (uint32_t i = 0; i < GROUP_BUCKETS; i++)
		j->bucket[i] = NO_GROUP;
	for (uint32_t i = 0; i < GROUP_TABLE_MAX; i++) {
		j->group[i].sockets = 0;
		j->group[i].next =
		    i + 1 < GROUP_TABLE_MAX ? (uint16_t)(i + 1) : NO_GROUP;
	}
	j->free = 0;
	u->groups_changed = true;
}

/* Where the number of this group stands, or would stand. */
static uint16_t *joined_find(
    struct udpd *u, const struct ip_addr *ip, uint8_t link)
{
	struct groups_joined *j = &u->groups;
	uint64_t h = siphash(u->state->port_key, ip, sizeof(*ip));
	uint16_t *at = &j->bucket[(h + link) % GROUP_BUCKETS];

	while (*at != NO_GROUP &&
	    (j->group[*at].link != link || !ip_equal(&j->group[*at].ip, ip)))
		at = &j->group[*at].next;
	return at;
}

/* False: there are too many. */
static bool joined_add(struct udpd *u, const struct ip_addr *ip, uint8_t link)
{
	struct groups_joined *j = &u->groups;
	uint16_t *at = joined_find(u, ip, link);
	uint16_t i = j->free;

	if (*at != NO_GROUP) {
		j->group[*at].sockets++;
		return true;
	}
	if (i == NO_GROUP)
		return false;
	j->free = j->group[i].next;
	j->group[i].ip = *ip;
	j->group[i].link = link;
	j->group[i].sockets = 1;
	j->group[i].next = NO_GROUP;
	*at = i;
	u->groups_changed = true;
	return true;
}

static void joined_remove(
    struct udpd *u, const struct ip_addr *ip, uint8_t link)
{
	struct groups_joined *j = &u->groups;
	uint16_t *at = joined_find(u, ip, link);
	uint16_t i = *at;

	if (i == NO_GROUP || --j->group[i].sockets > 0)
		return;
	*at = j->group[i].next;
	j->group[i].next = j->free;
	j->free = i;
	u->groups_changed = true;
}

/* ---- Of one ---- */

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
	if (s->ngroups == MAX_GROUPS || !joined_add(u, ip, link))
		return -ENOBUFS;
	s->group[s->ngroups++] =
	    (struct usock_group){ .ip = *ip, .link = link };
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
	joined_remove(u, &g->ip, g->link);
	*g = s->group[--s->ngroups];
	return 0;
}

void group_leave_all(struct udpd *u, uint32_t id)
{
	const struct usock *s = &u->state->sock[id];

	for (uint32_t i = 0; i < s->ngroups; i++)
		joined_remove(u, &s->group[i].ip, s->group[i].link);
}

void group_take_over(struct udpd *u, uint32_t id)
{
	const struct usock *s = &u->state->sock[id];

	for (uint32_t i = 0; i < s->ngroups && i < MAX_GROUPS; i++)
		joined_add(u, &s->group[i].ip, s->group[i].link);
}

void group_publish(struct udpd *u)
{
	struct group_table *t = (void *)u->n.table;
	const struct groups_joined *j = &u->groups;
	uint32_t n = 0;

	publish_begin(&t->p);
	for (uint32_t i = 0; i < GROUP_TABLE_MAX; i++)
		if (j->group[i].sockets > 0)
			t->group[n++] = (struct group){
				.ip = j->group[i].ip,
				.link = j->group[i].link,
			};
	t->ngroups = n;
	memset(t->raw, 0, sizeof(t->raw));
	for (uint32_t i = 0; i < 2 * 256; i++)
		if (u->raw_sockets[i / 256][i % 256] > 0)
			t->raw[i / 256][i % 256 / 64] |= (uint64_t)1
			    << (i % 64);
	publish_end(&t->p);
	u->groups_changed = false;
	/* They look at the table in their next turn. */
	for (uint32_t p = 0; p < u->n.topo->nprocs; p++)
		if (p != u->n.self && u->n.neighbour[p] != NULL)
			u->n.bells |= 1U << p;
}
