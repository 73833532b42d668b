/*
 * groups.h - which multicast frames of a link concern us
 */
#ifndef LINKD_GROUPS_H
#define LINKD_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/eth.h"
#include "shm/published.h"

enum {
	GROUPS_MAX = TOPO_MAX_ADDRS + GROUP_TABLE_MAX + 8,
};

/* The MACs of all groups that somebody above has joined on one link, sorted. */
struct groups {
	struct mac mac[GROUPS_MAX];
	uint32_t n;
};

void groups_clear(struct groups *g);
void groups_add(struct groups *g, const struct ip_addr *group);
void groups_done(struct groups *g); /* before looking anything up */
bool groups_has(const struct groups *g, const struct mac *m);

#endif /* LINKD_GROUPS_H */
