/*
 * app.h - the channel between an app and the transports
 *
 * Attaching: the app connects to RUNDIR/NAME/ctl (rundir.h, join.h), a
 * SOCK_SEQPACKET unix socket on which struct ctl_msg (control.h) travel, and
 * keeps it open: its end tells the supervisor that the app is dead.
 *
 *	app                                   supervisor
 *	CTL_APP                            -> makes a2s and one s2a for each
 *	                                      transport; CTL_APP to those
 *	      <- CTL_APP id=app, fds FD_PLAN, FD_A2S (writable),
 *	         FD_S2A (index: process; read-only); or arg[3] = errno
 *	CTL_SOCKET self=token,
 *	  arg = family, type, protocol     -> picks a free sub and a transport,
 *	                                      makes a SOCK_STREAM socketpair;
 *	                                      CTL_SOCKET id, sub, same args, fd
 *	                                      FD_SOCKET to the transport
 *	      <- CTL_SOCKET self=token, id=app, sub, arg[0] = process index,
 *	         fd FD_SOCKET; or arg[3] = errno
 *
 * With arg[3] = count, at most CTL_MAX_SOCKETS, several are made at once (tcpd
 * takes connections with sockets that the app has in stock): one fd for each,
 * and the message's subs[] has their numbers.  A request with sub = 1 + a
 * process index wants them from that transport.
 *
 * With id = 1 + sub it asks for a new fd for a socket that is there already: a
 * process accepts a connection whose spare fd another process of the app has.
 * Only then does it count the record as read: until then the connection stays,
 * whoever holds its fd or does not any more.
 *
 * The token only pairs an answer with its question when a process that shared
 * the connection over fork died between the two.  sub is free again after the
 * transport's CTL_SOCKET_GONE, and the app's number after CTL_APP_GONE from
 * every transport.
 *
 * The fd that comes with CTL_SOCKET is the socket for the app.  Bytes through
 * it mean nothing but "look": towards the transport if s2a says that it sleeps,
 * towards the app when its rx ring is no longer empty, so that poll(2) on the
 * bare fd shows readable.  Its hang-up at the transport is the last close.
 *
 *	app.a2s	written by the app: what it asks, what it sends, how far
 *		it has read
 *	app.s2a	one for each transport, written by that: answers, what came
 *		in, how far it has sent
 *
 * All progress is in absolute 64-bit counts that go on when a socket number is
 * used again: whoever opens a socket takes the transport's counts for his own.
 * Everything in a2s is copied once, checked, and counted when it is a lie.
 *
 * Waking.  Each side publishes its count, then a full fence, then reads what
 * the other side published; so one of them sees the other.
 *
 *   - app to transport: it writes what it has, posts the socket's number, full
 *     fence, and if s2a_head.asleep is set sends one byte through that fd.
 *   - transport to app, rx: after the commit it sends a byte if the ring was
 *     empty (rx_read is all there was).  The reader that empties the ring
 *     takes the bytes away, and looks again; if the ring has filled meanwhile
 *     it may have taken a byte too many, so it asks for another (kick).
 *   - transport to app, answers and tx room: futex wake on reply_seq and
 *     tx_room if cmd_waiting or tx_waiting says that somebody waits there (a
 *     futex can be waited for in memory that is mapped read-only).
 */
#ifndef SHM_APP_H
#define SHM_APP_H

#include <stdbool.h>

#include "shm/fib.h"
#include "shm/layout.h"

enum {
	APP_MAX = 48,           /* apps of one stack at a time */
	APP_MAX_SOCKETS = 1024, /* of one app */
	APP_EVENTS = 4096,      /* a power of two */
	APP_TX_BYTES = 256 * 1024,
	APP_RX_BYTES = 512 * 1024,
	APP_COMMAND_BYTES = 128,
	APP_REPLY_BYTES = 256, /* struct tcp_info */
};

static_assert((APP_EVENTS & (APP_EVENTS - 1)) == 0, "masked");
static_assert((APP_TX_BYTES & (APP_TX_BYTES - 1)) == 0, "masked");
static_assert((APP_RX_BYTES & (APP_RX_BYTES - 1)) == 0, "masked");

/* What a command asks; arguments beside each. */
enum app_op {
	APP_OP_BIND,     /* data: struct app_name */
	APP_OP_CONNECT,  /* data: struct app_name; port 0 and any: undo */
	APP_OP_SETOPT,   /* arg: level, name; data: value */
	APP_OP_GETOPT,   /* arg: level, name; answer: value */
	APP_OP_SHUTDOWN, /* arg: 1 rx, 2 tx, 3 both */
	APP_OP_LISTEN,   /* arg: backlog */
	APP_OP_REFUSE,   /* the next record: nobody can have its socket */
	NAPP_OPS,
};

/* An address with its port, and by which link (LINK_ANY: any). */
struct app_name {
	struct ip_addr ip;
	uint16_t port; /* host order */
	uint8_t link;
	uint8_t family; /* AF_INET, AF_INET6; 0 in a CONNECT: undo it */
	uint32_t pad;
};

static_assert(sizeof(struct app_name) == 24, "shared layout");

enum dgram_flag {
	DGRAM_TTL = 1 << 0,       /* tx: hops is given, not the socket's */
	DGRAM_TCLASS = 1 << 1,    /* tx: tclass is given */
	DGRAM_DONTROUTE = 1 << 2, /* tx */
	DGRAM_CONFIRM = 1 << 3,   /* tx: the next hop was heard */
};

/*
 * A datagram in a byte ring: this, then len bytes of payload, then padding up
 * to DGRAM_ALIGN.  Each part may wrap around the end of the ring.
 */
struct dgram {
	uint32_t len;
	uint16_t port; /* the peer's */
	uint8_t link;  /* rx: came in by; tx: LINK_ANY or go out by */
	uint8_t hops;
	uint8_t tclass;
	uint8_t flags; /* enum dgram_flag */
	uint8_t pad[6];
	struct ip_addr peer;  /* rx: from; tx: to */
	struct ip_addr local; /* rx: to; tx: from, or any */
};

enum {
	DGRAM_ALIGN = 16,
	DGRAM_MAX = 65535, /* payload: of UDP 65,507 on IPv4, else 65,527 */
};

static_assert(sizeof(struct dgram) == 48, "shared layout");

/* Room that a datagram of @len bytes takes in a ring. */
static inline uint32_t dgram_room(uint32_t len)
{
	return (uint32_t)sizeof(struct dgram) +
	    ((len + DGRAM_ALIGN - 1) & ~(uint32_t)(DGRAM_ALIGN - 1));
}

/* ---- Errors, one by one (IP_RECVERR) */

enum {
	APP_ERRORS = 8, /* of a socket, not yet taken; a power of two */
	APP_ERROR_DATA = 72,
};

/*
 * What ICMP, or the stack itself, has said about a packet of the socket's.  The
 * transport writes them one after another, err_written counts them; the app
 * takes them with MSG_ERRQUEUE.  While all places are taken no more are kept.
 */
struct app_error {
	uint32_t err;   /* errno */
	uint32_t info;  /* MTU, or which byte was wrong */
	uint8_t origin; /* SO_EE_ORIGIN_LOCAL, _ICMP, _ICMP6 */
	uint8_t type, code;
	uint8_t pad0;
	uint16_t len; /* bytes of data */
	uint16_t pad1;
	struct app_name to;           /* the packet's destination */
	struct ip_addr offender;      /* who says so */
	uint8_t data[APP_ERROR_DATA]; /* the packet, as far as it was quoted */
};

static_assert(sizeof(struct app_error) == 128, "shared layout");

/* ---- Streams */

/*
 * What a stream's state allows, for the library to decide by itself; the low
 * byte is enum tcp_state's number as the kernel has it (TCP_ESTABLISHED 1 ...).
 */
enum stream_flag {
	STREAM_STATE = 0xff,
	STREAM_LISTENING = 1 << 8,
	STREAM_CONNECTING = 1 << 9,   /* SYN-SENT */
	STREAM_ESTABLISHED = 1 << 10, /* has been connected; stays */
	STREAM_TX_OPEN = 1 << 11,     /* what is written will be sent */
	STREAM_RX_END = 1 << 12,      /* nothing comes after rx_written */
	STREAM_RESET = 1 << 13,       /* gone before its time */
	STREAM_CLOSING = 1 << 14,     /* our FIN is not acknowledged */
};

/*
 * In a listener's rx ring: a connection that a spare socket was given.
 *
 * Spares come through the listener's tx ring, a uint32_t with app << 16 | sub
 * each.  Its app must have offered that socket to the listener's app: a program
 * with more sockets than one app may have is several apps.
 */
struct accept_record {
	uint32_t spare; /* app << 16 | sub */
	uint32_t pad0;
	struct app_name peer;
	struct app_name local;
	uint64_t pad1;
};

static_assert(sizeof(struct accept_record) == 64, "shared layout");

static inline uint32_t spare_make(uint32_t app, uint32_t sub)
{
	return app << 16 | sub;
}

/* ---- app.a2s, all written by the app */

struct a2s_socket {
	/* A command: all of it is there before cmd_seq counts it. */
	alignas(CACHE_LINE) _Atomic uint32_t cmd_seq;
	_Atomic uint32_t cmd_waiting; /* somebody sleeps on reply_seq */
	uint32_t cmd_op;              /* enum app_op */
	uint32_t cmd_len;             /* bytes of cmd_data */
	uint32_t cmd_arg[4];
	uint8_t cmd_data[APP_COMMAND_BYTES];

	alignas(CACHE_LINE) _Atomic uint64_t tx_written;
	_Atomic uint32_t tx_waiting; /* somebody sleeps on tx_room */
	_Atomic uint32_t tx_poll;    /* 1 + bytes: see app_poll_wants() */
	_Atomic uint32_t tx_low;     /* the same of what is not sent yet */
	_Atomic uint32_t tx_more;    /* MSG_MORE: the last bytes may wait */
	_Atomic uint32_t offered;    /* 1 + app whose listeners may use it */
	_Atomic uint32_t kept;       /* accept() took it without a new fd */
	/* While s2a_head.measure: writes in a2s_times, before tx_written. */
	_Atomic uint64_t tx_said;

	alignas(CACHE_LINE) _Atomic uint64_t rx_read;
	_Atomic uint64_t error_taken; /* s2a error word that was reported */
	_Atomic uint32_t kick;        /* changes: send a byte if rx has data */
	_Atomic uint32_t rx_poll;     /* a byte when so many are unread */
	_Atomic uint64_t err_read;    /* of the errors: so many are taken */
	/*
	 * 1 + the process index of the transport whose counts the app has taken
	 * for its own, stored after them; 0: of any.  Others, of which the
	 * number's last socket was, do not look at them.
	 */
	_Atomic uint32_t with;
	/* While s2a_head.measure: reads in a2s_times, before rx_read. */
	_Atomic uint64_t rx_said;
};

/* Two lines of commands, and one for each direction. */
static_assert(sizeof(struct a2s_socket) == 5 * CACHE_LINE, "shared layout");

/*
 * When an app has written and read: the @n-th lies at n % APP_TIMES.  All of it
 * is there before tx_said or rx_said, which is @n then, counts it; and who has
 * copied one, and finds that count beyond n + APP_TIMES - 1, has perhaps half
 * of another.  It lies apart, so that nobody touches it who is not asked.
 */
enum {
	APP_TIMES = 128,
};

struct app_time {
	_Atomic int64_t when;      /* just before it was seen, in ns */
	_Atomic uint64_t from, to; /* its bytes */
};

struct a2s_times {
	struct app_time tx[APP_TIMES];
	struct app_time rx[APP_TIMES];
};

static_assert(sizeof(struct a2s_times) % CACHE_LINE == 0, "shared layout");
static_assert((APP_TIMES & (APP_TIMES - 1)) == 0, "goes on from 2^64 to 0");

struct a2s_head {
	uint32_t magic; /* LAYOUT_MAGIC */
	uint32_t version;
	/* Which sockets have news; a hint, and old entries are overwritten. */
	alignas(CACHE_LINE) _Atomic uint32_t posted;
	_Atomic uint16_t event[APP_EVENTS];
};

/* ---- app.s2a, all written by the transport */

struct s2a_names {
	struct published p;
	uint8_t open; /* the transport knows this socket */
	uint8_t bound;
	uint8_t connected;
	uint8_t shut; /* bits as of APP_OP_SHUTDOWN */
	struct app_name local;
	struct app_name peer;
	uint32_t sndbuf;    /* bytes */
	uint32_t so_flags;  /* enum app_so: what the library must know */
	uint8_t mcast_link; /* LINK_ANY: not set */
	uint8_t bind_link;
	uint8_t pad[2];
	uint32_t rcvbuf; /* bytes */
	uint32_t rcvlowat;
	uint32_t linger; /* streams: 1 + seconds that close waits; 0: off */
	uint32_t notsent_lowat; /* bytes; 0: none */
};

enum app_so {
	APP_SO_BROADCAST = 1 << 0,
	APP_SO_PKTINFO = 1 << 1, /* recvmsg: IP_PKTINFO, IPV6_RECVPKTINFO */
	APP_SO_RECVTTL = 1 << 2, /* IP_RECVTTL, IPV6_RECVHOPLIMIT */
	APP_SO_RECVTOS = 1 << 3, /* IP_RECVTOS, IPV6_RECVTCLASS */
	APP_SO_V6ONLY = 1 << 4,
	APP_SO_PKTINFO6 = 1 << 5,
	APP_SO_RECVTTL6 = 1 << 6,
	APP_SO_RECVTOS6 = 1 << 7,
	APP_SO_DONTFRAG = 1 << 8, /* IP_PMTUDISC_DO and above */
	APP_SO_DONTFRAG6 = 1 << 9,
	APP_SO_HDRINCL = 1 << 10, /* raw: the app writes the IPv4 header */
};

struct s2a_socket {
	alignas(CACHE_LINE) _Atomic uint32_t reply_seq; /* cmd_seq answered */
	int32_t result; /* 0 or more, or a negative errno */
	uint32_t reply_len;
	uint8_t reply[APP_REPLY_BYTES];

	alignas(CACHE_LINE) _Atomic uint64_t tx_consumed;
	_Atomic uint64_t tx_sent; /* streams: once at least; no less */
	_Atomic uint32_t tx_room; /* futex: app_room_word() */

	alignas(CACHE_LINE) _Atomic uint64_t rx_written;
	_Atomic uint64_t error;   /* count of errors << 32 | the last errno */
	_Atomic uint64_t dropped; /* datagrams for which there was no room */
	_Atomic uint64_t stream;  /* enum stream_flag; 0: datagrams */
	_Atomic uint64_t err_written;

	alignas(CACHE_LINE) struct s2a_names names;
};

struct s2a_head {
	uint32_t magic;
	uint32_t version;
	alignas(CACHE_LINE) _Atomic uint32_t asleep; /* ring the bell */
	_Atomic uint32_t measure;           /* say when: struct a2s_times */
	alignas(CACHE_LINE) struct fib fib; /* as the transport knows it */
};

/* Another word whenever a sender or a connector may go on. */
static inline uint32_t app_room_word(
    uint64_t tx_consumed, uint64_t tx_sent, uint64_t stream, uint64_t error)
{
	/* Neither count ever falls: no two sums are the same. */
	return (uint32_t)(tx_consumed + tx_sent) ^ (uint32_t)stream << 16 ^
	    (uint32_t)(error >> 32) << 8;
}

/*
 * Poll and epoll watch the bare fd alone.  Who waits there for room has written
 * tx_poll: a byte is sent when no more than that, less one, is in the ring, or
 * when the stream's state changes.  With tx_low, which is as much, no more than
 * that may be unsent, either; who waits for a futex writes it, too.
 */
static inline bool app_poll_wants(
    uint32_t tx_poll, uint64_t tx_written, uint64_t tx_consumed)
{
	return tx_poll != 0 && tx_written - tx_consumed < tx_poll;
}

/* The same for who has left some unread and waits for more; 0: nobody. */
static inline bool app_poll_reads(
    uint32_t rx_poll, uint64_t rx_written, uint64_t rx_read)
{
	return rx_poll != 0 && rx_written - rx_read >= rx_poll;
}

/* ---- Where everything lies: fixed, never read from shared memory */

enum {
	APP_PAGE = 4096,

	A2S_SOCKETS_OFF = 4 * APP_PAGE,
	A2S_TX_OFF = A2S_SOCKETS_OFF +
	    (APP_MAX_SOCKETS * sizeof(struct a2s_socket) + APP_PAGE - 1) /
		APP_PAGE * APP_PAGE,
	A2S_TIMES_OFF = A2S_TX_OFF + APP_MAX_SOCKETS * APP_TX_BYTES,
	A2S_BYTES = A2S_TIMES_OFF +
	    (APP_MAX_SOCKETS * sizeof(struct a2s_times) + APP_PAGE - 1) /
		APP_PAGE * APP_PAGE,

	S2A_SOCKETS_OFF = 16 * APP_PAGE,
	S2A_ERRORS_OFF = S2A_SOCKETS_OFF +
	    (APP_MAX_SOCKETS * sizeof(struct s2a_socket) + APP_PAGE - 1) /
		APP_PAGE * APP_PAGE,
	S2A_RX_OFF = S2A_ERRORS_OFF +
	    APP_MAX_SOCKETS * APP_ERRORS * sizeof(struct app_error),
	S2A_BYTES = S2A_RX_OFF + APP_MAX_SOCKETS * APP_RX_BYTES,
};

static_assert(sizeof(struct a2s_head) <= A2S_SOCKETS_OFF, "head fits");
static_assert(sizeof(struct s2a_head) <= S2A_SOCKETS_OFF, "head fits");

static inline size_t a2s_socket_off(uint32_t sub)
{
	return A2S_SOCKETS_OFF + (size_t)sub * sizeof(struct a2s_socket);
}

static inline size_t a2s_tx_off(uint32_t sub)
{
	return A2S_TX_OFF + (size_t)sub * APP_TX_BYTES;
}

static inline size_t a2s_times_off(uint32_t sub)
{
	return A2S_TIMES_OFF + (size_t)sub * sizeof(struct a2s_times);
}

static inline size_t s2a_socket_off(uint32_t sub)
{
	return S2A_SOCKETS_OFF + (size_t)sub * sizeof(struct s2a_socket);
}

/* The place of the @n-th error of a socket. */
static inline size_t s2a_error_off(uint32_t sub, uint64_t n)
{
	return S2A_ERRORS_OFF +
	    (sub * (size_t)APP_ERRORS + (n & (APP_ERRORS - 1))) *
	    sizeof(struct app_error);
}

static inline size_t s2a_rx_off(uint32_t sub)
{
	return S2A_RX_OFF + (size_t)sub * APP_RX_BYTES;
}

/* Bytes into and out of a ring of @size (a power of two) at count @at. */
static inline void app_ring_write(
    uint8_t *ring, uint32_t size, uint64_t at, const void *p, uint32_t len)
{
	uint32_t off = (uint32_t)at & (size - 1);
	uint32_t first = len < size - off ? len : size - off;

	if (len == 0)
		return;
	memcpy(ring + off, p, first);
	memcpy(ring, (const uint8_t *)p + first, len - first);
}

static inline void app_ring_read(
    void *p, const uint8_t *ring, uint32_t size, uint64_t at, uint32_t len)
{
	uint32_t off = (uint32_t)at & (size - 1);
	uint32_t first = len < size - off ? len : size - off;

	if (len == 0)
		return;
	memcpy(p, ring + off, first);
	memcpy((uint8_t *)p + first, ring, len - first);
}

#endif /* SHM_APP_H */
