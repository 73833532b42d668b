/*
 * groups.c - which multicast frames of a link concern us
 */
#include "linkd/groups.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, MAC_LEN);
}

void groups_clear(struct groups *g)
{
	g->n = 0;
}

void groups_add(struct groups *g, const struct ip_addr *group)
{
	if (g->n < GROUPS_MAX)
		g->mac[g->n++] = mac_of_group(group);
}

void groups_done(struct groups *g)
{
	qsort(g->mac, g->n, sizeof(g->mac[0]), compare);
}

bool groups_has(const struct groups *g, const struct mac *m)
{
	return bsearch(m, g->mac, g->n, sizeof(g->mac[0]), compare) != NULL;
}
