/*
 * counters.c - the names of what ipd counts
 */
#include "ipd/counters.h"

#define DROP(c, text)  [(c)-CNT_NODE_END] = { text, true }
#define EVENT(c, text) [(c)-CNT_NODE_END] = { text, false }

const struct counter_def ipd_counters[] = {
	/* clang-format off */
	DROP(CNT_RX_KIND, "rx_bad_kind"),
	DROP(CNT_RX_VERSION, "rx_neither_ipv4_nor_ipv6"),

	DROP(CNT_V4_SHORT, "ipv4_short"),
	DROP(CNT_V4_BAD_VERSION, "ipv4_bad_version"),
	DROP(CNT_V4_BAD_IHL, "ipv4_bad_ihl"),
	DROP(CNT_V4_BAD_LENGTH, "ipv4_bad_length"),
	DROP(CNT_V4_BAD_CHECKSUM, "ipv4_bad_checksum"),
	DROP(CNT_V4_BAD_FRAGMENT, "ipv4_bad_fragment"),
	DROP(CNT_V4_BAD_OPTION, "ipv4_bad_option"),
	DROP(CNT_V4_SOURCE_ROUTE, "ipv4_source_route"),

	DROP(CNT_V6_SHORT, "ipv6_short"),
	DROP(CNT_V6_BAD_VERSION, "ipv6_bad_version"),
	DROP(CNT_V6_BAD_LENGTH, "ipv6_bad_length"),
	DROP(CNT_V6_CHAIN_SHORT, "ipv6_chain_short"),
	DROP(CNT_V6_CHAIN_TOO_LONG, "ipv6_chain_too_long"),
	DROP(CNT_V6_BAD_HOP_BY_HOP, "ipv6_bad_hop_by_hop"),
	DROP(CNT_V6_BAD_OPTION, "ipv6_bad_option"),
	DROP(CNT_V6_BAD_ROUTING, "ipv6_bad_routing"),
	DROP(CNT_V6_BAD_FRAGMENT, "ipv6_bad_fragment"),
	DROP(CNT_V6_CHAIN_IN_PIECES, "ipv6_chain_in_pieces"),
	DROP(CNT_V6_JUMBO, "ipv6_jumbo"),

	DROP(CNT_MARTIAN_SOURCE, "martian_source"),
	DROP(CNT_MARTIAN_DESTINATION, "martian_destination"),
	DROP(CNT_OWN_SOURCE, "source_is_our_own"),
	DROP(CNT_NOT_JOINED, "group_not_joined"),
	DROP(CNT_NOT_OURS, "not_for_us"),
	DROP(CNT_LINK_BROADCAST, "unicast_in_link_broadcast"),

	DROP(CNT_REASM_DUPLICATE, "reasm_duplicate"),
	DROP(CNT_REASM_LATER, "reasm_later"),
	DROP(CNT_REASM_OVERLAP, "reasm_overlap"),
	DROP(CNT_REASM_EMPTY, "reasm_empty"),
	DROP(CNT_REASM_MALFORMED, "reasm_malformed"),
	DROP(CNT_REASM_TOO_LONG, "reasm_too_long"),
	DROP(CNT_REASM_BAD_HEADER, "reasm_bad_header"),
	DROP(CNT_REASM_TOO_MANY, "reasm_too_many_pieces"),
	DROP(CNT_REASM_BAD_ECN, "reasm_bad_ecn"),
	DROP(CNT_REASM_EVICTED, "reasm_evicted_to_make_room"),
	DROP(CNT_REASM_TIMEOUT, "reasm_timeout"),
	DROP(CNT_REASM_NESTED, "reasm_fragment_in_fragment"),
	DROP(CNT_REASM_NO_SLOT, "reasm_no_slot"),

	DROP(CNT_NO_PROTOCOL, "no_transport_for_protocol"),
	DROP(CNT_NO_NEXT_HEADER, "ipv6_no_next_header"),
	DROP(CNT_GROUP_NO_SLOT, "copy_for_group_no_slot"),

	DROP(CNT_RAW_NO_ROOM, "raw_copy_no_room"),

	DROP(CNT_FWD_TTL, "forward_hops_used_up"),
	DROP(CNT_FWD_NO_ROUTE, "forward_no_route"),
	DROP(CNT_FWD_TO_MANY, "forward_to_many"),
	DROP(CNT_FWD_LINK_LOCAL, "forward_link_local"),
	DROP(CNT_FWD_TOO_BIG, "forward_too_big"),
	DROP(CNT_FWD_NO_SLOT, "forward_no_slot"),

	DROP(CNT_ICMP_SHORT, "icmp_short"),
	DROP(CNT_ICMP_BAD_LENGTH, "icmp_bad_length"),
	DROP(CNT_ICMP_BAD_CHECKSUM, "icmp_bad_checksum"),
	DROP(CNT_ICMP_ECHO_BROADCAST, "icmp_echo_to_broadcast"),
	DROP(CNT_ICMP_UNHANDLED, "icmp_type_not_handled"),
	DROP(CNT_ICMP_REDIRECT, "icmp_redirect_ignored"),
	DROP(CNT_ICMP_BAD_MTU, "icmp_mtu_refused"),
	DROP(CNT_ICMP_NO_SOURCE, "icmp_no_source_address"),
	DROP(CNT_ICMP_NO_SLOT, "icmp_no_slot"),

	DROP(CNT_QUOTE_SHORT, "quote_short"),
	DROP(CNT_QUOTE_BAD_VERSION, "quote_bad_version"),
	DROP(CNT_QUOTE_BAD_HEADER, "quote_bad_header"),
	DROP(CNT_QUOTE_NOT_FIRST, "quote_not_first_fragment"),
	DROP(CNT_QUOTE_BAD_CHAIN, "quote_bad_chain"),
	DROP(CNT_QUOTE_NOT_OURS, "quote_not_ours"),
	DROP(CNT_QUOTE_NO_TRANSPORT, "quote_no_transport"),

	DROP(CNT_TX_KIND, "tx_bad_kind"),
	DROP(CNT_TX_HEADROOM, "tx_no_headroom"),
	DROP(CNT_TX_BAD_HEADER, "tx_bad_header_of_app"),
	DROP(CNT_TX_BAD_CHECKSUM_REQUEST, "tx_bad_checksum_request"),
	DROP(CNT_TX_BAD_ADDRESS, "tx_bad_address"),
	DROP(CNT_TX_TOO_LONG, "tx_too_long"),
	DROP(CNT_TX_NO_ROUTE, "tx_no_route"),
	DROP(CNT_TX_NO_SOURCE, "tx_no_source_address"),
	DROP(CNT_TX_NOT_OUR_SOURCE, "tx_source_not_ours"),
	DROP(CNT_TX_BROADCAST_REFUSED, "tx_broadcast_not_allowed"),
	DROP(CNT_TX_TOO_BIG, "tx_too_big_for_path"),
	DROP(CNT_TX_TOO_MANY_PIECES, "tx_too_many_fragments"),
	DROP(CNT_TX_LOOP_NO_SLOT, "tx_looped_copy_no_slot"),
	DROP(CNT_TX_ERROR_NO_ROOM, "tx_error_not_handed_up"),

	DROP(CNT_IGMP_BAD, "igmp_malformed"),
	DROP(CNT_MLD_BAD, "mld_malformed"),

	EVENT(CNT_RX4, "ipv4_received"),
	EVENT(CNT_RX6, "ipv6_received"),
	EVENT(CNT_TX4, "ipv4_sent"),
	EVENT(CNT_TX6, "ipv6_sent"),
	EVENT(CNT_DELIVERED, "delivered"),
	EVENT(CNT_RAW_COPIES, "raw_copies"),
	EVENT(CNT_FORWARDED, "forwarded"),
	EVENT(CNT_LOOPED, "looped"),
	EVENT(CNT_FRAGMENTED, "packets_fragmented"),
	EVENT(CNT_FRAGMENTS_SENT, "fragments_sent"),
	EVENT(CNT_FRAGMENTS_RECEIVED, "fragments_received"),
	EVENT(CNT_REASSEMBLED, "reassembled"),
	EVENT(CNT_ICMP_ECHO_ANSWERED, "icmp_echo_answered"),
	EVENT(CNT_ICMP_ECHO_REPLY, "icmp_echo_replies_received"),
	EVENT(CNT_ICMP_QUENCH, "icmp_source_quench_ignored"),
	EVENT(CNT_ICMP_ERRORS_RECEIVED, "icmp_errors_received"),
	EVENT(CNT_ICMP_ERRORS_SENT, "icmp_errors_sent"),
	EVENT(CNT_ICMP_ERRORS_FORBIDDEN, "icmp_errors_forbidden"),
	EVENT(CNT_ICMP_ERRORS_LIMITED, "icmp_errors_rate_limited"),
	EVENT(CNT_PMTU_LOWERED, "path_mtu_lowered"),
	EVENT(CNT_UNREACHABLE_BELOW, "neighbour_unreachable"),
	EVENT(CNT_GROUP_QUERIES, "group_queries_received"),
	EVENT(CNT_GROUP_REPORTS, "group_reports_sent"),
	EVENT(CNT_GROUP_NOT_TOLD, "groups_not_reported"),
	/* clang-format on */
};

static_assert(sizeof(ipd_counters) / sizeof(ipd_counters[0]) ==
	CNT_IPD_END - CNT_NODE_END,
    "a name for each");
static_assert((int)CNT_IPD_END <= (int)MAX_COUNTERS, "room for all");
