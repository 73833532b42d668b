/*
 * multicast.h - telling routers which groups we hear (RFC 9776, RFC 9777)
 *
 *	   joined by a socket, or the solicited-node group of an address
 *	          |
 *	   say so, and once more within a second (robustness 2)
 *	          |                                   query: answer after
 *	        member  <--------------------------   a random delay
 *	          |
 *	   nobody wants it any more: say so, twice; then forget it
 *
 * Groups are heard for any source, so all that is ever reported is EXCLUDE {}
 * or INCLUDE {}.  Where a router of IGMPv1 or v2 was heard, its words are used
 * for as long as RFC 9776, 7.2.1 says.  Members are persistent: a new instance
 * of ipd knows what the last one reported, and goes on with its delays.
 */
#ifndef IPD_MULTICAST_H
#define IPD_MULTICAST_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/clock.h"
#include "shm/topology.h"

enum {
	MEMBERS_MAX = 512,
	MEMBER_ROBUSTNESS = 2,
	MEMBER_UNSOLICITED_MS = 1000, /* RFC 9776, 8.11; RFC 9777, 9.11 */
};

/* A group on a link; all zero: a free place. */
struct member {
	struct ip_addr group;
	struct mono change_at; /* to be said, unasked; MONO_NEVER: no more */
	struct mono answer_at; /* to be said, asked; MONO_NEVER: not asked */
	uint8_t used;
	uint8_t link;
	uint8_t joined;  /* 0: on its way out */
	uint8_t changes; /* how often the change is yet to be said */
	uint8_t pad[4];
};

/* Flat, and all zero when new. */
struct membership {
	struct member member[MEMBERS_MAX];
	uint64_t drawn; /* random numbers so far */
	/* Routers of old: 1 or 2 until that time. */
	struct mono old_until[TOPO_MAX_LINKS];
	uint8_t old_version[TOPO_MAX_LINKS];
};

struct ipd;
struct received;

/* What is wanted may have changed: compare with what was said. */
void multicast_groups_changed(struct ipd *ip);

/* Send what is due.  Sets ip->members_due. */
void multicast_run(struct ipd *ip);

/* After an attach. */
void multicast_attach(struct ipd *ip);

/* An IGMP or MLD message for us; it is done with here. */
bool multicast_rx4(struct ipd *ip, struct received *r);
bool multicast_rx6(struct ipd *ip, struct received *r);

#endif /* IPD_MULTICAST_H */
