/*
 * ask_socket.h - a socket, as a transport answers ASK_SOCKETS (ask.h)
 *
 * States are the kernel's (TCP_ESTABLISHED 1 ...), so that they mean to all the
 * same as in struct tcp_info.
 */
#ifndef SHM_ASK_SOCKET_H
#define SHM_ASK_SOCKET_H

#include <linux/tcp.h>

#include "shm/ask.h"

enum {
	/* linux/tcp.h has no names for these; netinet/tcp.h is against it. */
	SOCKET_ESTABLISHED = 1,
	SOCKET_SYN_SENT,
	SOCKET_SYN_RECV,
	SOCKET_FIN_WAIT1,
	SOCKET_FIN_WAIT2,
	SOCKET_TIME_WAIT,
	SOCKET_CLOSE, /* UDP: not connected */
	SOCKET_CLOSE_WAIT,
	SOCKET_LAST_ACK,
	SOCKET_LISTEN,
	SOCKET_CLOSING,
	SOCKET_NSTATES,

	ASK_NO_APP = 0xffff, /* no app has it: SYN-RECV, orphan, TIME-WAIT */
};

enum ask_timer {
	ASK_TIMER_NONE,
	ASK_TIMER_ON, /* retransmission, or a probe for a loss */
	ASK_TIMER_KEEPALIVE,
	ASK_TIMER_TIME_WAIT,
	ASK_TIMER_PERSIST, /* the peer's window is closed */
	ASK_NTIMERS,
};

struct ask_socket {
	uint32_t bytes; /* of this record: with info or without */
	uint8_t proto;  /* IPPROTO_TCP, _UDP, _ICMP, _ICMPV6, _RAW */
	uint8_t state;
	uint8_t timer;  /* enum ask_timer */
	uint8_t family; /* of the socket; of a connection its addresses' */
	uint16_t app, sub;
	struct app_name local, peer;
	uint32_t rxq, txq; /* bytes; LISTEN: connections waiting, backlog */
	uint32_t sndbuf, rcvbuf;
	uint32_t timer_ms;
	uint32_t tries; /* of that timer: without an answer */
	uint64_t dropped;
	char congestion[16];

	/* Of TCP only, and not of listeners and TIME-WAIT. */
	struct tcp_info info;
};

enum {
	ASK_SOCKET_SHORT = offsetof(struct ask_socket, info),
};

static_assert(ASK_SOCKET_SHORT % 8 == 0 && sizeof(struct ask_socket) % 8 == 0,
    "one behind the other");

#endif /* SHM_ASK_SOCKET_H */
