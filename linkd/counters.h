/*
 * counters.h - everything that linkd counts
 *
 * The names that people read are in counters.c, in the same order.
 */
#ifndef LINKD_COUNTERS_H
#define LINKD_COUNTERS_H

#include "shm/node.h"

enum linkd_counter {
	CNT_RX_FRAMES = CNT_NODE_END,
	CNT_RX_BYTES,
	CNT_RX_IP,
	CNT_RX_MERGED, /* packets that became part of super-frames */
	CNT_RX_ARP,
	CNT_RX_NDP,
	CNT_RX_HARVESTED,  /* frames found in armed reads after a crash */
	CNT_RX_NO_HARVEST, /* drop: such a frame does not say how long it is */
	CNT_RX_NOT_FOR_US,
	CNT_RX_SHORT,
	CNT_RX_BAD_SRC,
	CNT_RX_LLC,
	CNT_RX_VLAN,
	CNT_RX_UNKNOWN_TYPE,
	CNT_RX_BAD_OFFLOAD, /* drop: virtio_net_hdr makes no sense */
	CNT_RX_NO_SLOT,
	CNT_RX_KERNEL_DROPPED,
	CNT_RX_ERROR, /* reads that the device refused */

	CNT_ARP_SHORT, /* and so on: enum arp_parse in its order */
	CNT_ARP_BAD_HTYPE,
	CNT_ARP_BAD_PTYPE,
	CNT_ARP_BAD_HLEN,
	CNT_ARP_BAD_PLEN,
	CNT_ARP_BAD_OP,
	CNT_ARP_BAD_SHA,
	CNT_ARP_BAD_SPA,
	CNT_ARP_OURS, /* our own message came back */

	CNT_NDP_SHORT, /* and so on: enum ndp_parse in its order */
	CNT_NDP_BAD_TYPE,
	CNT_NDP_BAD_HOP_LIMIT,
	CNT_NDP_BAD_CODE,
	CNT_NDP_BAD_SRC,
	CNT_NDP_BAD_DST,
	CNT_NDP_BAD_TARGET,
	CNT_NDP_TARGET_MULTICAST,
	CNT_NDP_BAD_DESTINATION,
	CNT_NDP_BAD_REDIRECT,
	CNT_NDP_BAD_SOLICITED,
	CNT_NDP_OPTION_ZERO,
	CNT_NDP_OPTION_CUT,
	CNT_NDP_SLLA_FROM_ANY,
	CNT_NDP_BAD_LLA,
	CNT_NDP_BAD_CHECKSUM,
	CNT_RX_RA_IGNORED,
	CNT_RX_REDIRECT_IGNORED,
	CNT_RX_RS_IGNORED,

	CNT_DAD_CONFLICT,
	CNT_DAD_LOST,

	CNT_TX_FRAMES,
	CNT_TX_BYTES,
	CNT_TX_SOLICIT,
	CNT_TX_ANSWER,    /* ARP replies and neighbour advertisements */
	CNT_TX_LOOP,      /* to ourselves, back up */
	CNT_TX_LOOP_FULL, /* to ourselves, no room to go up */
	CNT_TX_NULL,      /* swallowed by a null device */
	CNT_TX_WAITED,    /* had to wait for its neighbour */
	CNT_TX_BLOCKED,
	CNT_TX_BAD_LINK,
	CNT_TX_BAD_KIND,
	CNT_TX_BAD_IP,
	CNT_TX_BAD_OFFLOAD,
	CNT_TX_BAD_HOP,
	CNT_TX_OVER_MTU,
	CNT_TX_BAD_REFS,
	CNT_TX_ERROR,
	CNT_TX_UNREACHABLE, /* told ipd that the neighbour does not answer */

	CNT_NEIGHBOUR_DROP_OLDEST, /* enum neighbour_count in its order */
	CNT_NEIGHBOUR_DROP_TOO_BIG,
	CNT_NEIGHBOUR_DROP_NO_BLOCK,
	CNT_NEIGHBOUR_DROP_GONE,
	CNT_NEIGHBOUR_DROP_FULL,
	CNT_NEIGHBOUR_EVICTED,
	CNT_NEIGHBOUR_MENDED,

	CNT_IMPAIR_RX_LOST,
	CNT_IMPAIR_RX_NO_QUEUE, /* drop: too many for the wire's rate */
	CNT_IMPAIR_RX_NO_ROOM,  /* drop: too many on bad wires */
	CNT_IMPAIR_RX_PASSED,   /* the rest are parts of it */
	CNT_IMPAIR_RX_DOUBLED,
	CNT_IMPAIR_RX_REORDERED,
	CNT_IMPAIR_RX_CORRUPTED,

	CNT_IMPAIR_TX_LOST,
	CNT_IMPAIR_TX_NO_QUEUE,
	CNT_IMPAIR_TX_NO_ROOM,
	CNT_IMPAIR_TX_PASSED,
	CNT_IMPAIR_TX_DOUBLED,
	CNT_IMPAIR_TX_REORDERED,
	CNT_IMPAIR_TX_CORRUPTED,
	CNT_IMPAIR_MENDED, /* drop: nonsense where a frame should be */

	CNT_LINK, /* NLINK_COUNTS of each link; links that are not, not */
};

/* What is counted of each link, as above of all. */
enum link_count {
	LINK_RX_FRAMES,
	LINK_RX_BYTES,
	LINK_TX_FRAMES,
	LINK_TX_BYTES,
	NLINK_COUNTS,
};

enum {
	CNT_LINKD_END = CNT_LINK + NLINK_COUNTS * TOPO_MAX_LINKS,
	LINKD_COUNTERS = CNT_LINKD_END - CNT_NODE_END,
};

/* The counter of link @link. */
static inline uint32_t link_counter(uint32_t link, enum link_count what)
{
	return CNT_LINK + link * NLINK_COUNTS + (uint32_t)what;
}

extern const struct counter_def linkd_counters[LINKD_COUNTERS];

#endif /* LINKD_COUNTERS_H */
