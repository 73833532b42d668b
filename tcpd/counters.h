/*
 * counters.h - what tcpd counts, and every reason for which it drops
 */
#ifndef TCPD_COUNTERS_H
#define TCPD_COUNTERS_H

#include "shm/node.h"

enum tcpd_counter {
	/* In the order of enum tcp_parse, from TCP_SHORT on. */
	CNT_TCP_SHORT = CNT_NODE_END,
	CNT_TCP_BAD_DOFF,
	CNT_TCP_BAD_PORT,
	CNT_TCP_BAD_OPTION,
	CNT_TCP_BAD_CHECKSUM,
	CNT_TCP_TO_MANY,
	CNT_TCP_NO_CONNECTION,
	CNT_TCP_ICMP_IGNORED,

	/* From here on nothing is lost. */
	CNT_TCP_SEGMENTS_RECEIVED,
	CNT_TCP_RESETS_SENT,
	CNT_TCPD_END,
};

extern const struct counter_def tcpd_counters[CNT_TCPD_END - CNT_NODE_END];

#endif /* TCPD_COUNTERS_H */
