/*
 * counters.h - what udpd counts, by name
 */
#ifndef UDPD_COUNTERS_H
#define UDPD_COUNTERS_H

#include "shm/node.h"

enum udpd_counter {
	CNT_RX_DATAGRAMS = CNT_NODE_END,
	CNT_RX_DELIVERED, /* to sockets; multicast may count several times */
	CNT_RX_ERRORS,    /* ICMP errors handed up */
	CNT_RX_RAW,       /* packets for ping and raw sockets */
	CNT_TX_DATAGRAMS,
	CNT_TX_UNREACHABLE, /* port unreachables asked for */
	CNT_RX_SHORT,
	CNT_RX_BAD_LENGTH,
	CNT_RX_BAD_PORT,
	CNT_RX_BAD_CHECKSUM,
	CNT_RX_NO_SOCKET,
	CNT_RX_BUFFER_FULL,
	CNT_RX_ERROR_QUEUE_FULL,
	CNT_RX_BAD_ERROR, /* an ICMP error without a UDP header */
	CNT_RX_BAD_KIND,
	CNT_RX_TOO_MANY, /* members beyond what one turn can serve */
	CNT_TX_NO_ROUTE,
	CNT_TX_REFUSED, /* what the library should not have let through */
	CNT_TX_NO_PORT, /* every ephemeral port is taken */
	CNT_APP_CUT_OFF,
	CNT_COMMANDS,
	CNT_UDPD_END,
};

extern const struct counter_def udpd_counters[CNT_UDPD_END - CNT_NODE_END];

#endif /* UDPD_COUNTERS_H */
