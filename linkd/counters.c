/*
 * counters.c - the names of what linkd counts
 */
#include "linkd/counters.h"

#include <assert.h>

#include "linkd/arp.h"
#include "linkd/ndp.h"
#include "linkd/neighbour.h"

#define DEF(name, text, drop) [CNT_##name - CNT_NODE_END] = { text, drop }

/* By these names the supervisor finds them (sup_status.c). */
#define LINK_DEF(n, what, text)                               \
	[CNT_LINK - CNT_NODE_END + (n)*NLINK_COUNTS + LINK_## \
	    what] = { "link" #n "_" text, false }
#define LINK_DEFS(n)                             \
	LINK_DEF(n, RX_FRAMES, "rx_frames"),     \
	    LINK_DEF(n, RX_BYTES, "rx_bytes"),   \
	    LINK_DEF(n, TX_FRAMES, "tx_frames"), \
	    LINK_DEF(n, TX_BYTES, "tx_bytes")

const struct counter_def linkd_counters[LINKD_COUNTERS] = {
	DEF(RX_FRAMES, "rx_frames", false),
	DEF(RX_BYTES, "rx_bytes", false),
	DEF(RX_IP, "rx_ip", false),
	DEF(RX_MERGED, "rx_merged", false),
	DEF(RX_ARP, "rx_arp", false),
	DEF(RX_NDP, "rx_ndp", false),
	DEF(RX_HARVESTED, "rx_harvested", false),
	DEF(RX_NO_HARVEST, "rx_no_harvest", true),
	DEF(RX_NOT_FOR_US, "rx_not_for_us", true),
	DEF(RX_SHORT, "rx_short", true),
	DEF(RX_BAD_SRC, "rx_bad_src", true),
	DEF(RX_LLC, "rx_llc", true),
	DEF(RX_VLAN, "rx_vlan", true),
	DEF(RX_UNKNOWN_TYPE, "rx_unknown_type", true),
	DEF(RX_BAD_OFFLOAD, "rx_bad_offload", true),
	DEF(RX_NO_SLOT, "rx_no_slot", true),
	DEF(RX_KERNEL_DROPPED, "rx_kernel_dropped", true),
	DEF(RX_ERROR, "rx_error", false),
	DEF(ARP_SHORT, "arp_short", true),
	DEF(ARP_BAD_HTYPE, "arp_bad_htype", true),
	DEF(ARP_BAD_PTYPE, "arp_bad_ptype", true),
	DEF(ARP_BAD_HLEN, "arp_bad_hlen", true),
	DEF(ARP_BAD_PLEN, "arp_bad_plen", true),
	DEF(ARP_BAD_OP, "arp_bad_op", true),
	DEF(ARP_BAD_SHA, "arp_bad_sha", true),
	DEF(ARP_BAD_SPA, "arp_bad_spa", true),
	DEF(ARP_OURS, "arp_ours", true),
	DEF(NDP_SHORT, "ndp_short", true),
	DEF(NDP_BAD_TYPE, "ndp_bad_type", true),
	DEF(NDP_BAD_HOP_LIMIT, "ndp_bad_hop_limit", true),
	DEF(NDP_BAD_CODE, "ndp_bad_code", true),
	DEF(NDP_BAD_SRC, "ndp_bad_src", true),
	DEF(NDP_BAD_DST, "ndp_bad_dst", true),
	DEF(NDP_BAD_TARGET, "ndp_bad_target", true),
	DEF(NDP_TARGET_MULTICAST, "ndp_target_multicast", true),
	DEF(NDP_BAD_DESTINATION, "ndp_bad_destination", true),
	DEF(NDP_BAD_REDIRECT, "ndp_bad_redirect", true),
	DEF(NDP_BAD_SOLICITED, "ndp_bad_solicited", true),
	DEF(NDP_OPTION_ZERO, "ndp_option_zero", true),
	DEF(NDP_OPTION_CUT, "ndp_option_cut", true),
	DEF(NDP_SLLA_FROM_ANY, "ndp_slla_from_any", true),
	DEF(NDP_BAD_LLA, "ndp_bad_lla", true),
	DEF(NDP_BAD_CHECKSUM, "ndp_bad_checksum", true),
	DEF(RX_RA_IGNORED, "rx_ra_ignored", true),
	DEF(RX_REDIRECT_IGNORED, "rx_redirect_ignored", true),
	DEF(RX_RS_IGNORED, "rx_rs_ignored", true),
	DEF(DAD_CONFLICT, "dad_conflict", false),
	DEF(DAD_LOST, "dad_lost", false),
	DEF(TX_FRAMES, "tx_frames", false),
	DEF(TX_BYTES, "tx_bytes", false),
	DEF(TX_SOLICIT, "tx_solicit", false),
	DEF(TX_ANSWER, "tx_answer", false),
	DEF(TX_LOOP, "tx_loop", false),
	DEF(TX_LOOP_FULL, "tx_loop_full", true),
	DEF(TX_NULL, "tx_null", true),
	DEF(TX_WAITED, "tx_waited", false),
	DEF(TX_BLOCKED, "tx_blocked", false),
	DEF(TX_BAD_LINK, "tx_bad_link", true),
	DEF(TX_BAD_KIND, "tx_bad_kind", true),
	DEF(TX_BAD_IP, "tx_bad_ip", true),
	DEF(TX_BAD_OFFLOAD, "tx_bad_offload", true),
	DEF(TX_BAD_HOP, "tx_bad_hop", true),
	DEF(TX_OVER_MTU, "tx_over_mtu", true),
	DEF(TX_BAD_REFS, "tx_bad_refs", true),
	DEF(TX_ERROR, "tx_error", true),
	DEF(TX_UNREACHABLE, "tx_unreachable", true),
	DEF(NEIGHBOUR_DROP_OLDEST, "neighbour_drop_oldest", true),
	DEF(NEIGHBOUR_DROP_TOO_BIG, "neighbour_drop_too_big", true),
	DEF(NEIGHBOUR_DROP_NO_BLOCK, "neighbour_drop_no_block", true),
	DEF(NEIGHBOUR_DROP_GONE, "neighbour_drop_gone", true),
	DEF(NEIGHBOUR_DROP_FULL, "neighbour_drop_full", true),
	DEF(NEIGHBOUR_EVICTED, "neighbour_evicted", false),
	DEF(NEIGHBOUR_MENDED, "neighbour_mended", false),
	DEF(IMPAIR_RX_LOST, "impair_rx_lost", true),
	DEF(IMPAIR_RX_NO_QUEUE, "impair_rx_no_queue", true),
	DEF(IMPAIR_RX_NO_ROOM, "impair_rx_no_room", true),
	DEF(IMPAIR_RX_PASSED, "impair_rx_passed", false),
	DEF(IMPAIR_RX_DOUBLED, "impair_rx_doubled", false),
	DEF(IMPAIR_RX_REORDERED, "impair_rx_reordered", false),
	DEF(IMPAIR_RX_CORRUPTED, "impair_rx_corrupted", false),
	DEF(IMPAIR_TX_LOST, "impair_tx_lost", true),
	DEF(IMPAIR_TX_NO_QUEUE, "impair_tx_no_queue", true),
	DEF(IMPAIR_TX_NO_ROOM, "impair_tx_no_room", true),
	DEF(IMPAIR_TX_PASSED, "impair_tx_passed", false),
	DEF(IMPAIR_TX_DOUBLED, "impair_tx_doubled", false),
	DEF(IMPAIR_TX_REORDERED, "impair_tx_reordered", false),
	DEF(IMPAIR_TX_CORRUPTED, "impair_tx_corrupted", false),
	DEF(IMPAIR_MENDED, "impair_mended", true),
	LINK_DEFS(0),
	LINK_DEFS(1),
	LINK_DEFS(2),
	LINK_DEFS(3),
	LINK_DEFS(4),
	LINK_DEFS(5),
	LINK_DEFS(6),
	LINK_DEFS(7),
};

static_assert(TOPO_MAX_LINKS == 8, "a line of LINK_DEFS for each link");
static_assert((int)CNT_LINKD_END <= (int)MAX_COUNTERS, "room in X.out");
static_assert(
    (int)(CNT_ARP_BAD_SPA - CNT_ARP_SHORT) == (int)(ARP_BAD_SPA - ARP_SHORT),
    "the reasons of arp.h");
static_assert(
    (int)(CNT_NDP_BAD_LLA - CNT_NDP_SHORT) == (int)(NDP_BAD_LLA - NDP_SHORT),
    "the reasons of ndp.h");
static_assert((int)CNT_NEIGHBOUR_MENDED - (int)CNT_NEIGHBOUR_DROP_OLDEST + 1 ==
	(int)NEIGHBOUR_NCOUNTS,
    "the reasons of neighbour.h");
