/*
 * counters.c - the names of what tcpd counts
 */
#include "tcpd/counters.h"

#define DROP(c, text)  [(c)-CNT_NODE_END] = { text, true }
#define EVENT(c, text) [(c)-CNT_NODE_END] = { text, false }

const struct counter_def tcpd_counters[] = {
	DROP(CNT_TCP_SHORT, "tcp_short"),
	DROP(CNT_TCP_BAD_DOFF, "tcp_bad_doff"),
	DROP(CNT_TCP_BAD_PORT, "tcp_bad_port"),
	DROP(CNT_TCP_BAD_OPTION, "tcp_bad_option"),
	DROP(CNT_TCP_BAD_CHECKSUM, "tcp_bad_checksum"),
	DROP(CNT_TCP_TO_MANY, "tcp_to_many"),
	DROP(CNT_TCP_NO_CONNECTION, "tcp_no_connection"),
	DROP(CNT_TCP_ICMP_IGNORED, "tcp_icmp_ignored"),

	EVENT(CNT_TCP_SEGMENTS_RECEIVED, "segments_received"),
	EVENT(CNT_TCP_RESETS_SENT, "resets_sent"),
};

static_assert(sizeof(tcpd_counters) / sizeof(tcpd_counters[0]) ==
	CNT_TCPD_END - CNT_NODE_END,
    "a name for each");
