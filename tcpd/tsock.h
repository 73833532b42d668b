/*
 * tsock.h - what of a TCP socket survives tcpd
 *
 * A socket is what an app holds; a connection (conn.h) is what the peer sees.
 * Either can be without the other: a socket before connect() and after the
 * connection's end, a connection before accept() and after close().
 *
 * Flat structs in tcpd.priv, by number: app * APP_MAX_SOCKETS + sub.  They
 * change only inside a turn and after tsock_touch().
 */
#ifndef TCPD_TSOCK_H
#define TCPD_TSOCK_H

#include "shm/apps.h"

enum {
	NO_CONN = 0xffff,

	/* Bytes.  The rings are the limit; Linux's least. */
	TSOCK_RCVBUF_MIN = 2304,
	TSOCK_SNDBUF_MIN = 4608,
	TSOCK_BACKLOG_MAX = 4096, /* the kernel's net.core.somaxconn */

	TSOCK_PORT_BUCKETS = 4096,
	TSOCK_PORT_COUNTERS = 16,

	TSOCK_CONGESTION_LEN = 16,
};

enum tsock_state {
	TSOCK_IDLE, /* neither bound to listen nor connected */
	TSOCK_LISTENING,
	TSOCK_CONNECTING,
	TSOCK_CONNECTED, /* has been established; perhaps over by now */
	TSOCK_ORPHAN,    /* closed, and its last bytes are not acknowledged */
	TSOCK_NSTATES,
};

enum tsock_flag {
	TSOCK_REUSEADDR = 1 << 0,
	TSOCK_REUSEPORT = 1 << 1,
	TSOCK_KEEPALIVE = 1 << 2,
	TSOCK_NODELAY = 1 << 3,
	TSOCK_CORK = 1 << 4,
	TSOCK_QUICKACK = 1 << 5,
	TSOCK_OOBINLINE = 1 << 6,
	TSOCK_DONTROUTE = 1 << 7,
	TSOCK_V6ONLY = 1 << 8,
	TSOCK_RCVBUF_SET = 1 << 9, /* by the app: no auto-tuning */
	TSOCK_SNDBUF_SET = 1 << 10,
	TSOCK_BROADCAST = 1 << 11, /* kept for getsockopt: means nothing here */
};

/* What an accepted connection inherits from its listener. */
struct tsock_options {
	uint32_t flags; /* enum tsock_flag */
	int32_t rcvbuf, sndbuf;
	int32_t rcvlowat;
	uint32_t linger;     /* 1 + seconds; 0: off */
	int32_t keep_idle_s; /* TCP_KEEPIDLE */
	int32_t keep_interval_s;
	int32_t keep_count;
	int32_t user_timeout_ms; /* 0: by retransmissions */
	int32_t maxseg;          /* 0: by MTU */
	int32_t defer_accept_s;
	int32_t syn_count; /* TCP_SYNCNT; 0: the stack's */
	int32_t linger2_s; /* TCP_LINGER2: FIN-WAIT-2; 0: the stack's */
	int32_t window_clamp;
	int32_t notsent_lowat; /* bytes, unsigned; 0: none */
	int32_t priority;
	int16_t ttl, hops6; /* -1: the stack's default */
	uint8_t tos, tclass6;
	uint8_t mtu_discover, mtu_discover6; /* IP_PMTUDISC_* */
	uint8_t bind_link;                   /* SO_BINDTODEVICE; LINK_ANY */
	uint8_t pad[3];
	char congestion[TSOCK_CONGESTION_LEN]; /* "": the stack's */
};

struct tsock {
	uint8_t family;   /* AF_INET, AF_INET6 */
	uint8_t state;    /* enum tsock_state */
	uint8_t bound;    /* local.port is ours: it is in the table of ports */
	uint8_t bound_ip; /* the address was asked for by bind */
	uint8_t bound_port; /* and so was the port */
	uint8_t shut;       /* 1 rx, 2 tx */
	uint8_t accepted;   /* by a listener, whose port it shares */
	uint8_t pad;
	uint32_t conn; /* or NO_CONN */
	uint32_t backlog;
	uint32_t listener;   /* that gave it a record, which accept() has */
	uint64_t record_end; /* when its rx ring is read so far; 0: none */
	struct app_name local, peer;
	struct tsock_options o;

	/* Of a listener; of others while there is no connection. */
	struct app_words words;
};

struct tsocks_state {
	struct apps_state apps;
	uint64_t port_key[2];
	uint32_t port_counter[TSOCK_PORT_COUNTERS];
	struct tsock sock[MAX_SOCKETS];
};

#endif /* TCPD_TSOCK_H */
