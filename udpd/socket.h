/*
 * socket.h - what of a UDP socket survives udpd
 *
 * Flat structs in udpd.priv, found by number: app * APP_MAX_SOCKETS + sub.
 * They change only inside a turn and after node_touch(); what an app sees in
 * its s2a segment is derived from them (udpd.c: names, words).
 *
 * The words that change with every datagram are apart from the rest, so that a
 * datagram costs a cache line in the undo log and a command pays for the rest.
 */
#ifndef UDPD_SOCKET_H
#define UDPD_SOCKET_H

#include "shm/apps.h"

enum {
	MAX_GROUPS = 20, /* memberships of a socket, as in Linux */
	PORT_COUNTERS = 16,

	/* RFC 6056, 3.2: as large a range as possible. */
	EPHEMERAL_MIN = 32768,
	EPHEMERAL_MAX = 65535,

	/* Bytes of datagrams with their struct dgram; Linux's numbers. */
	RCVBUF_DEFAULT = 212992,
	RCVBUF_MAX = 2 * 212992,
	RCVBUF_MIN = 2304,
	SNDBUF_MIN = 4608,
	SNDBUF_MAX = 2 * 212992,
};

static_assert((int)RCVBUF_MAX <= (int)APP_RX_BYTES, "the ring has room");

/* Hot: changes with datagrams. */
struct usock_flow {
	uint64_t tx_consumed;
	uint64_t rx_written;
	uint64_t error; /* count << 32 | errno */
	uint64_t dropped;
	uint64_t err_written; /* errors put into the queue */
};

/* What its datagrams are. */
enum usock_kind {
	USOCK_UDP,
	USOCK_PING, /* echo requests of ICMP or ICMPv6; the port is their id */
	USOCK_RAW,  /* packets of one protocol; the port is its number */
};

enum usock_flag {
	SO_F_REUSEADDR = 1 << 0,
	SO_F_REUSEPORT = 1 << 1,
	SO_F_RECVERR = 1 << 2,
	SO_F_RECVERR6 = 1 << 3,
	SO_F_DONTROUTE = 1 << 4,
	SO_F_MCAST_LOOP = 1 << 5,
	SO_F_MCAST_LOOP6 = 1 << 6,
	SO_F_MCAST_ALL = 1 << 7,
	SO_F_MCAST_ALL6 = 1 << 8,
	SO_F_KEEPALIVE = 1 << 9, /* kept for getsockopt: means nothing here */
	SO_F_OOBINLINE = 1 << 10,
};

struct usock_group {
	struct ip_addr ip;
	uint8_t link;
	uint8_t pad[7];
};

/* What is set by commands. */
struct usock {
	uint8_t family;     /* AF_INET, AF_INET6 */
	uint8_t bound;      /* local.port is ours */
	uint8_t bound_ip;   /* and the address was asked for by bind */
	uint8_t bound_port; /* and so was the port */
	uint8_t connected;
	uint8_t shut; /* 1 rx, 2 tx */
	uint8_t ngroups;
	uint8_t kind;           /* enum usock_kind */
	uint64_t stamp;         /* order of binding: the last one wins */
	struct app_name local;  /* link: where link-local addresses are */
	struct app_name chosen; /* what bind asked for, before connect */
	struct app_name peer;

	uint32_t so;    /* enum app_so */
	uint32_t flags; /* enum usock_flag */
	int32_t rcvbuf, sndbuf;
	int32_t priority;
	int16_t ttl, hops6; /* -1: the stack's default */
	int16_t mcast_ttl, mcast_hops6;
	uint8_t tos, tclass6;
	uint8_t mtu_discover, mtu_discover6; /* IP_PMTUDISC_* */
	uint8_t bind_link;                   /* SO_BINDTODEVICE */
	uint8_t mcast_link, mcast_link6;
	uint8_t unicast_link;
	uint8_t protocol;   /* IPPROTO_* */
	int32_t csum_at;    /* raw, IPv6: the checksum's place; -1: none */
	uint32_t filter[8]; /* raw: ICMP types that are not wanted */
	struct usock_group group[MAX_GROUPS];
};

/* The whole of what survives. */
struct udpd_state {
	uint64_t made; /* 0: fresh memory */
	uint64_t port_key[2];
	uint64_t stamp;
	uint32_t port_counter[PORT_COUNTERS];
	struct apps_state apps;
	struct usock_flow flow[MAX_SOCKETS];
	struct usock sock[MAX_SOCKETS];
};

#endif /* UDPD_SOCKET_H */
