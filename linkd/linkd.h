/*
 * linkd.h - the link layer: frames, neighbours, addresses
 *
 *	           ipd
 *	   up ^           | down
 *	      |           v
 *	    rx.c        tx.c        next hop's MAC, or wait for it
 *	      |\         ^ ^
 *	      | arp, ndp | |        discover.c: who asks whom for a MAC
 *	      |          | |        address.c: what we may answer for
 *	      ^          v v
 *	    armed.c    batch.c      frames in, frames out, many at once
 *	         devices
 *
 * What survives linkd is one struct link_state; everything else is derived
 * from it, from the topology and from what the neighbours publish.
 */
#ifndef LINKD_LINKD_H
#define LINKD_LINKD_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/app_refs.h"
#include "linkd/armed.h"
#include "linkd/batch.h"
#include "linkd/counters.h"
#include "linkd/dad.h"
#include "linkd/device.h"
#include "linkd/groups.h"
#include "linkd/impair_stage.h"
#include "linkd/merge.h"
#include "linkd/neighbour.h"
#include "shm/ask.h"
#include "shm/node.h"
#include "shm/published.h"

enum {
	LINK_STATE_VERSION = 4,
	LINK_STATE_MAGIC = 0x6c696e6b, /* "link" */
	NEIGHBOUR_BLOCKS = 1024,       /* 2 MiB for packets that wait */

	/* The neighbours are not republished more often than this. */
	PUBLISH_INTERVAL_MS = 200,

	/* After a read, to ask the kernel what it had no room for. */
	LOST_INTERVAL_MS = 1000,
};

/* Persistent: everything of linkd that survives it. */
struct link_state {
	uint32_t magic; /* written last */
	uint32_t version;
	uint64_t seed; /* of the stack's life; secret */
	struct armed_table armed[TOPO_MAX_LINKS];
	struct ask_done done; /* the last change at run time */
	uint32_t naddrs;      /* ours, on our links */
	uint32_t pad;
	struct topo_addr addr[TOPO_MAX_ADDRS]; /* at first the topology's */
	struct dad dad[TOPO_MAX_ADDRS];        /* of each */
	struct impair_memory impair;
	alignas(CACHE_LINE) uint8_t neighbours[]; /* neighbour.h */
};

struct linkd {
	struct node n;
	struct link_state *st;
	struct neighbours nb;
	struct touch touch; /* the undo log, for the modules that know none */
	uint64_t seed;      /* random, before attach; used the first time */

	struct netdev dev[TOPO_MAX_LINKS]; /* set before attach */
	struct app_refs apps;              /* before it and after */
	uint32_t narmed[TOPO_MAX_LINKS];
	uint32_t harvest[TOPO_MAX_LINKS]; /* armed slots looked at so far */
	struct groups groups[TOPO_MAX_LINKS];
	struct groups fresh[TOPO_MAX_LINKS]; /* being gathered */
	uint32_t group_seq[TOPO_MAX_PROCS];

	struct batch batch;
	struct merges merges;
	struct impairs impairs;
	uint64_t neighbour_seen[NEIGHBOUR_NCOUNTS];
	struct mono published;
	struct mono ask_lost; /* when to ask what the kernel dropped */
	bool dirty;           /* the neighbours differ from what is published */
	bool addrs_dirty;     /* so does the state of an address */
	uint8_t *scratch;     /* SCRATCH_BYTES, for one packet in one piece */
};

enum {
	SCRATCH_BYTES = 2 * BIG_SLOT,
};

/* What the drivers share; a process's own. */
struct links {
	struct io_uring ring;
};

/*
 * Set x->dev and x->seed: drivers of the links in @t that are @self's, for the
 * devices open at @fds.  Returns a negative errno.
 */
int links_open(struct linkd *x, struct links *ret, const struct topology *t,
    uint32_t self, const int *fds);
void links_close(struct linkd *x, struct links *links);

/*
 * Join the segments and take over what the last instance left.  x->dev and
 * x->seed have been set.  Returns a negative errno.
 */
int linkd_attach(struct linkd *x, const struct segments *s, struct mono now);
void linkd_detach(struct linkd *x);

/* What the neighbours' table has counted becomes linkd's. */
void count_neighbours(struct linkd *x);

/* One bounded turn; true if there was work. */
bool linkd_turn(struct linkd *x, struct mono now);

/* change.c: addresses and neighbours, as ask.h says; a turn of its own. */
int linkd_change(struct linkd *x, const struct ask *q, struct mono now);

/* When the next turn is due although nothing comes in. */
struct mono linkd_deadline(const struct linkd *x);

/* False if a device may have frames that there is room for. */
bool linkd_may_sleep(const struct linkd *x);

/* Is link @i ours, and does it have Ethernet? */
static inline bool link_is_ours(const struct linkd *x, uint32_t i)
{
	return i < x->n.topo->nlinks && x->n.topo->links[i].proc == x->n.self;
}

static inline bool link_is_ethernet(const struct linkd *x, uint32_t i)
{
	return link_is_ours(x, i) && x->dev[i].ops != NULL;
}

/* Where the bytes that the device reads begin in their slot. */
static inline uint32_t link_rx_off(const struct linkd *x, uint32_t i)
{
	return RX_IP_OFF - ETH_HDR_LEN - x->dev[i].vnet_len;
}

static inline struct mac link_mac(const struct linkd *x, uint32_t i)
{
	return mac_from(x->n.topo->links[i].mac);
}

#endif /* LINKD_LINKD_H */
