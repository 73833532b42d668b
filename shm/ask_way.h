/*
 * ask_way.h - where a packet would go now, as ipd answers ASK_WAY (ask.h)
 *
 * Asked with the destination as ip, the source as via (has_via 0: ipd chooses)
 * and perhaps a link.  If a packet would be refused, the errno is why:
 *
 *	EINVAL		no such packet can be
 *	ENETUNREACH	no route
 *	EADDRNOTAVAIL	the source is not ours, or none is to be found
 */
#ifndef SHM_ASK_WAY_H
#define SHM_ASK_WAY_H

#include "shm/ask.h"

struct ask_way {
	struct ip_addr src;
	struct ip_addr next_hop; /* the destination itself if it is on link */
	struct ip_addr net;      /* of the route, if has_route */
	uint32_t mtu;            /* of link and route */
	uint32_t path_mtu;       /* as some router said; 0: none has */
	uint32_t path_ms;        /* for so long yet */
	uint8_t kind;            /* enum fib_kind */
	uint8_t link;
	uint8_t has_route;
	uint8_t plen;
};

static_assert(sizeof(struct ask_way) == 64, "shared layout");

#endif /* SHM_ASK_WAY_H */
