/*
 * ipd.h - the IP layer: IPv4, IPv6, ICMP, routes
 *
 *	 tcpd   udpd
 *	   \    /       rx.c: linkd -> rx4.c, rx6.c -> admit.c -> reassemble.c
 *	    ipd         -> local.c -> up, or icmp_rx.c; or forward.c -> down
 *	     |          tx.c: a transport -> route, source, header -> send.c
 *	   linkd        -> one packet or fragments, looped or down
 *
 * No packet outlives a turn in here.  A handler looks first whether there is
 * room for all that it is going to send; if not it changes nothing and says
 * so, the packet is put back into its ring and the turn ends (node_untake).
 *
 * What survives ipd is struct ipd_state and the reassembly arena behind it,
 * changed only after node_touch().  All else is derived from the topology and
 * from what the neighbours publish.
 */
#ifndef IPD_IPD_H
#define IPD_IPD_H

#include "ipd/counters.h"
#include "ipd/ident.h"
#include "ipd/multicast.h"
#include "ipd/pmtu.h"
#include "ipd/ratelimit.h"
#include "ipd/reassembly.h"
#include "shm/ask.h"
#include "shm/fib.h"
#include "shm/node.h"

enum {
	IPD_STATE_MAGIC = 0x69706432, /* "ipd2"; changes with the layout */

	/* Packets taken from one ring before the next gets its turn. */
	IPD_TURN = 64,

	ICMP_PEERS = 1024, /* buckets; who they are is hashed with a key */

	/* What a packet to ourselves may measure: it meets no device. */
	LOOP_MTU = 65535,
};

/* At n.state, in X.priv. */
struct ipd_state {
	uint32_t magic;
	uint32_t size; /* of this struct */
	uint64_t key[2];
	struct ratelimit errors4; /* ICMP errors that we send */
	struct ratelimit errors6;
	uint64_t errors_drawn;                  /* icmp_tx.c */
	struct ratelimit errors_to[ICMP_PEERS]; /* by whom they are for */
	struct ident ident;
	struct pmtu_cache pmtu;
	struct membership membership;
	struct ask_done done; /* the last change at run time */
	uint32_t nroutes;     /* at first the topology's */
	uint32_t pad;
	struct topo_route route[TOPO_MAX_ROUTES];
};

/* What a linkd says of our addresses on its links. */
struct own_addrs {
	uint32_t n;
	struct fib_addr a[TOPO_MAX_ADDRS];
};

struct ipd {
	struct node n;
	uint64_t seed[2]; /* random; set before the attach */
	struct ipd_state *s;
	struct reassembly reasm;
	uint64_t evicted; /* reasm.evicted, as counted so far */

	struct fib fib;                            /* what we publish */
	struct own_addrs own[TOPO_MAX_PROCS];      /* of each linkd */
	struct group_table groups[TOPO_MAX_PROCS]; /* copies, by process */
	struct link_table links;                   /* the one copied last */
	uint32_t links_seen[TOPO_MAX_PROCS]; /* sequence of each link_table */
	bool blind; /* one of them is torn, and was never read (tables.c) */

	struct ring_out *down[TOPO_MAX_LINKS]; /* to the linkd of a link */
	struct ring_out *up[TOPO_MAX_PROCS];   /* to a transport */
	struct ring_out *transport[NLAYERS][TOPO_MAX_PROCS]; /* of a layer */
	uint32_t ntransports[NLAYERS];

	struct group_table groups_read; /* the one copied last */
	bool groups_torn;               /* one could not be read in this turn */
	bool groups_dirty;       /* groups or our addresses have changed */
	struct mono members_due; /* when multicast_run() has work */

	struct mono wake; /* when the next turn is due at the latest */
};

/*
 * Join and recover.  Negative errno, logged, on failure; -EPROTO: the state
 * is of another version.
 */
int ipd_attach(struct ipd *ip, const struct segments *s, struct mono now);
void ipd_detach(struct ipd *ip);

/* One bounded turn; true if there was work. */
bool ipd_turn(struct ipd *ip, struct mono now);

/* change.c: routes, as shm/ask.h says; a turn of its own. */
int ipd_change(struct ipd *ip, const struct ask *q, struct mono now);

/* look.c: ASK_WAY, as shm/ask.h says. */
int ipd_look(const struct ipd *ip, const struct ask *q, struct ask_chunk *ret);

/* When a turn is due although nothing comes in. */
struct mono ipd_deadline(const struct ipd *ip);

/* ---- Between the files of this folder */

/* Count @reason, send the slot home, and be done with the packet. */
bool ipd_drop(struct ipd *ip, const struct desc *d, uint32_t reason);

/*
 * tables.c: take over what neighbours have published since the last look; if
 * routes or addresses change by it, publish ours.  _rebuild(): ours anew, from
 * what they said last and from our own routes.
 */
void ipd_rebuild(struct ipd *ip);
void ipd_refresh(struct ipd *ip);
void ipd_publish(struct ipd *ip);
bool ipd_is_member(
    const struct ipd *ip, const struct ip_addr *group, uint8_t link);
bool ipd_has_joined(const struct ipd *ip, uint32_t proc,
    const struct ip_addr *group, uint8_t link);

#endif /* IPD_IPD_H */
