/*
 * topology_parts.h - the parts that topology.c is put together from
 *
 * Private to topology*.c.  Each reads what its key holds into the topology, or
 * makes the reader fail; the counts (nlinks, ...) never pass their maximum.
 */
#ifndef SHM_TOPOLOGY_PARTS_H
#define SHM_TOPOLOGY_PARTS_H

#include "shm/topology.h"
#include "shm/topology_reader.h"

/* An address with its prefix; @plen counts within the family. */
struct prefix {
	struct ip_addr ip;
	uint8_t plen;
};

/* Elements of "processes", "rings", "links" and "routes". */
void proc_read(struct reader *r, struct topology *t);
void ring_read(struct reader *r, struct topology *t);
void link_read(struct reader *r, struct topology *t);
void route_read(struct reader *r, struct topology *t);

/* The object "neighbours" of a link, or its defaults. */
void neighbour_read(struct reader *r, struct topo_neighbour *n);

/* "addresses" and "host" of the link that is being read. */
void addresses_read(struct reader *r, struct topology *t);

/*
 * The string here as "192.0.2.0/24"; false after a mistake.  @usual4 and
 * @usual6 are what the sentence suggests if there is no length.
 */
bool prefix_read(
    struct reader *r, struct prefix *ret, unsigned usual4, unsigned usual6);

/* The string here as an address a host may have: no group, not "any". */
bool unicast_read(struct reader *r, struct ip_addr *ret);

/* The index of a process or a link of that name, or -1. */
int proc_by_name(const struct topology *t, const char *name);
int link_by_name(const struct topology *t, const char *name);

/* What can only be seen when all is read. */
void topology_check(struct reader *r, const struct topology *t);

#endif /* SHM_TOPOLOGY_PARTS_H */
