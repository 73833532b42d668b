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
	CNT_TCP_BAD_KIND,
	CNT_TCP_NO_CONNECTION,

	/* RFC 9293, 3.10.7.2: to a listener. */
	CNT_TCP_LISTEN_RST,
	CNT_TCP_LISTEN_ACK,
	CNT_TCP_LISTEN_NOTHING,
	CNT_TCP_LISTEN_OVERFLOW, /* the accept queue is full */
	CNT_TCP_SYN_DROPPED,     /* no room for it, and no cookies */
	CNT_TCP_NO_SPARE,        /* a handshake's end that must wait */
	CNT_TCP_DEFERRED,        /* TCP_DEFER_ACCEPT: an ACK without data */

	/* 3.10.7.3: in SYN-SENT. */
	CNT_TCP_SYN_SENT_BAD_ACK,
	CNT_TCP_SYN_SENT_BAD_RST,
	CNT_TCP_SYN_SENT_NOTHING,

	/* 3.10.7.4. */
	CNT_TCP_PAWS,
	CNT_TCP_NO_TIMESTAMP,
	CNT_TCP_OLD,       /* left of the window */
	CNT_TCP_AHEAD,     /* right of it */
	CNT_TCP_NO_WINDOW, /* text, and the window is closed */
	CNT_TCP_BAD_RST,   /* outside of the window */
	CNT_TCP_RST_CHALLENGED,
	CNT_TCP_SYN_CHALLENGED,
	CNT_TCP_SYN_AGAIN, /* in SYN-RECEIVED: the answer goes out again */
	CNT_TCP_NO_ACK,
	CNT_TCP_BAD_ACK_SYN_RECEIVED,
	CNT_TCP_ACK_ANCIENT,
	CNT_TCP_ACK_UNSENT,
	CNT_TCP_AFTER_CLOSE, /* data for an app that has closed */
	CNT_TCP_AFTER_FIN,   /* data beyond the peer's FIN */
	CNT_TCP_OUT_OF_ORDER_FULL,
	CNT_TCP_ABORTED, /* the connection only waits for its reset */

	/* In TIME-WAIT. */
	CNT_TCP_LINGER_RST,
	CNT_TCP_LINGER_SYN,
	CNT_TCP_LINGER_OLD,
	CNT_TCP_LINGER_NOTHING,

	CNT_TCP_ICMP_SHORT,
	CNT_TCP_ICMP_NO_CONNECTION,
	CNT_TCP_ICMP_BAD_SEQ, /* RFC 5927: not about what is in flight */

	/* From here on nothing is lost. */
	CNT_TCP_SEGMENTS_RECEIVED,
	CNT_TCP_RESETS_RECEIVED,
	CNT_TCP_ICMP_RECEIVED,
	CNT_TCP_SEGMENTS_SENT,
	CNT_TCP_RESETS_SENT,
	CNT_TCP_RETRANSMITTED,
	CNT_TCP_TIMEOUTS,
	CNT_TCP_FAST_RECOVERIES,
	CNT_TCP_LOSS_PROBES,
	CNT_TCP_SPURIOUS,
	CNT_TCP_WINDOW_PROBES,
	CNT_TCP_KEEPALIVES,
	CNT_TCP_CHALLENGES_SENT,
	CNT_TCP_CHALLENGES_HELD, /* by the limit */
	CNT_TCP_BLACK_HOLES,
	CNT_TCP_ACTIVE_OPENS,
	CNT_TCP_PASSIVE_OPENS,
	CNT_TCP_ACCEPTED,
	CNT_TCP_COOKIES_SENT,
	CNT_TCP_COOKIES_BACK,
	CNT_TCP_TABLE_FULL,
	CNT_TCP_LINGERS_FULL,
	CNT_TCP_ORPHANS_FULL,
	CNT_TCP_DUPLICATES, /* segments with data that was there */
	CNT_TCP_COMMANDS,
	CNT_TCP_APP_CUT_OFF,
	CNT_TCPD_END,
};

static_assert((int)CNT_TCPD_END <= (int)MAX_COUNTERS, "they fit");

extern const struct counter_def tcpd_counters[CNT_TCPD_END - CNT_NODE_END];

#endif /* TCPD_COUNTERS_H */
