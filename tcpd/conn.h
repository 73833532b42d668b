/*
 * conn.h - connections: the transmission control blocks, and finding them
 *
 * A TCB is a flat struct in tcpd.priv.  All that a connection is lies in it, so
 * it outlives the process; what is found quickly by it (hash, wheel, queues) is
 * private, a hint, and built anew from the TCBs.
 *
 *	  sequence numbers            counts of the app's rings (app.h)
 *	  SND.UNA = sb.f.una     <->  tx_una   acknowledged: tx_consumed
 *	  SND.NXT = sb_end()          tx_end   as far as the app has written
 *	  RCV.NXT = rcv_nxt      <->  rx_nxt   in order: rx_written
 *	                              rx_read  as far as the app has read
 *
 * tx_una and rx_nxt count bytes of data only: SYN and FIN have sequence numbers
 * and no place in a ring.  What was received out of order lies in the ring
 * beyond rx_nxt, where it belongs; sack_rx knows what is there.
 *
 * A connection changes only within a turn and after conn_touch(), which is what
 * queues it for output and for its timers: at the end of the turn each that
 * was touched is asked what it has to send (output.c), its next deadline goes
 * into the wheel, and its app is shown what is new.  Nothing is sent before
 * that, so a turn acknowledges once what it received many times (MUST-58).
 *
 * With a socket or without:
 *
 *	SYN-SENT .. CLOSED     the socket that connected
 *	SYN-RECEIVED           none: there are no bytes yet; `listener` has it
 *	ESTABLISHED ..         the spare that the listener's app gave
 *	after the last close   none, once all that was written is acknowledged
 *	TIME-WAIT              none; no TCB either, but a struct lingering
 */
#ifndef TCPD_CONN_H
#define TCPD_CONN_H

#include "shm/wheel.h"
#include "tcpd/acceptable.h"
#include "tcpd/ack_policy.h"
#include "tcpd/cc.h"
#include "tcpd/challenge.h"
#include "tcpd/ecn.h"
#include "tcpd/paws.h"
#include "tcpd/prr.h"
#include "tcpd/rack.h"
#include "tcpd/rcv_buffer.h"
#include "tcpd/rtt.h"
#include "tcpd/sack_rx.h"
#include "tcpd/scoreboard.h"
#include "tcpd/spurious.h"
#include "tcpd/state.h"
#include "tcpd/timers.h"
#include "tcpd/tsock.h"
#include "tcpd/tuple.h"
#include "tcpd/window.h"

struct segment;
struct tcpd;

enum {
	MAX_CONNS = 16384,
	MAX_LINGERS = 65536, /* in TIME-WAIT */
	MAX_IDS = MAX_CONNS + MAX_LINGERS,
	CONN_BUCKETS = 1 << 16,
	NO_ID = INT32_MAX,

	/* No path is narrower (RFC 791; RFC 8200, 5); Linux's for IPv4. */
	PATH_MTU_LEAST4 = 552,
	PATH_MTU_LEAST6 = 1280,
	PATH_MTU_S = 600, /* then it may be larger again (RFC 8201, 4) */
};

static_assert((int)MAX_CONNS < (int)NO_CONN, "16 bits name a connection");

enum conn_flag {
	CONN_TS = 1 << 0,           /* timestamps were agreed on (RFC 7323) */
	CONN_SACK = 1 << 1,         /* the peer permits SACK (RFC 2018) */
	CONN_WSCALE = 1 << 2,       /* both offered window scaling */
	CONN_PASSIVE = 1 << 3,      /* born of a listener */
	CONN_ACKED = 1 << 4,        /* the handshake's last ACK came, and no
				     * socket was to be had for it yet */
	CONN_TX_SHUT = 1 << 5,      /* FIN follows the byte before tx_end */
	CONN_FIN_SENT = 1 << 6,     /* it has its sequence number */
	CONN_RX_SHUT = 1 << 7,      /* the app reads no more */
	CONN_FIN_KNOWN = 1 << 8,    /* the peer's FIN is at fin_seq */
	CONN_ORPHAN = 1 << 9,       /* the app has closed its socket */
	CONN_SMALL = 1 << 10,       /* small_end means something */
	CONN_RTT_SEEN = 1 << 11,    /* the handshake gave a sample */
	CONN_URGENT = 1 << 12,      /* rcv_up is ahead of rcv_nxt */
	CONN_ABORTED = 1 << 13,     /* its reset waits for room, then it ends */
	CONN_APP_LIMITED = 1 << 14, /* rate.c: the app writes too little */

	/* What a timer or a segment wants sent; output.c clears them. */
	CONN_WANT_LOSS_PROBE = 1 << 16,
	CONN_WANT_WINDOW_PROBE = 1 << 17,
	CONN_WANT_KEEPALIVE = 1 << 18,
	CONN_WANT_OVERRIDE = 1 << 19, /* of SWS avoidance and Nagle */
	CONN_WANT_RESEND = 1 << 20,   /* one segment, whatever is in flight */
	CONN_PACED = 1 << 22,         /* new data waits for pace_at */
	CONN_SPURIOUS_RTO = 1 << 21,  /* the next sample: RFC 4015, step 11 */
};

/* Which repair is under way. */
enum conn_recovery {
	RECOVERY_NONE,
	RECOVERY_FAST, /* RFC 6675, RFC 8985, with PRR */
	RECOVERY_RTO,  /* slow start after a timeout, RFC 5681, 3.1 */
};

/* F-RTO (RFC 5682) keeps retransmissions back while it doubts a timeout. */
enum conn_hold {
	HOLD_NOTHING,
	HOLD_LOST, /* new data instead, two segments of it */
	HOLD_ALL,
};

/* What of the socket's options a connection needs even without a socket. */
struct conn_options {
	uint32_t flags; /* enum tsock_flag */
	int32_t keep_idle_s, keep_interval_s, keep_count;
	int32_t user_timeout_ms;
	int32_t linger2_s;
	int32_t window_clamp;
	int32_t sndbuf, rcvbuf;
	uint16_t maxseg;
	uint8_t syn_count;
	uint8_t hops;   /* 0: the stack's default */
	uint8_t tclass; /* without ECN */
	uint8_t mtu_discover;
	uint8_t bind_link;
	uint8_t congestion; /* enum cc_algorithm */
};

/* What keeps a sender that has something to send from sending more. */
enum conn_limit {
	LIMIT_IDLE, /* nothing to send */
	LIMIT_NETWORK,
	LIMIT_WINDOW, /* the peer's */
	LIMIT_BUFFER, /* our own is full */
};

/* For struct tcp_info; nothing is decided by them. */
struct conn_stats {
	uint64_t bytes_sent; /* data, with what was sent again */
	uint64_t bytes_retransmitted;
	uint64_t bytes_acked;
	uint64_t bytes_received;
	uint32_t segs_out, segs_in;
	uint32_t data_segs_out, data_segs_in;
	uint32_t retransmits; /* segments, of all time */
	uint32_t delivered;   /* segments, about */
	uint32_t delivered_ce;
	uint32_t dsack_dups;
	uint32_t reorderings;
	uint32_t timeouts;
	uint32_t out_of_order;    /* segments that came above a gap */
	uint32_t reordering;      /* segments by which one was late; the most */
	tcp_seq app_from, app_to; /* what the app's limit made: rate.c */
	tcp_seq app_at;           /* SND.NXT when it was last the limit */
	uint32_t pad0;
	struct mono rate_since; /* the present sample of delivery_rate */
	uint64_t rate_bytes;    /* delivered in it */
	uint64_t delivery_rate; /* bytes/s, of the last */
	struct mono since;      /* established */
	struct mono data_sent, data_received, ack_received;
	int64_t busy_ns, rwnd_limited_ns, sndbuf_limited_ns;
	struct mono limited_since;
	uint8_t limited_by;   /* enum conn_limit */
	uint8_t rate_limited; /* delivery_rate is: by the app */
	uint8_t pad[6];
};

struct tcb {
	/* ---- Whose */
	struct tcp_tuple ends;
	uint8_t state;     /* enum tcp_state; only conn_set_state() writes it */
	uint8_t link;      /* of a link-local peer; LINK_ANY: by the routes */
	uint16_t sock;     /* or NO_SOCKET */
	uint16_t listener; /* in SYN-RECEIVED, if CONN_PASSIVE */
	uint16_t soft_error; /* an errno that ICMP gave, if it times out */
	uint32_t flags;      /* enum conn_flag */
	struct conn_options o;

	/* ---- Receiving: receive.c */
	tcp_seq irs;
	tcp_seq rcv_nxt;
	tcp_seq adv;     /* the right edge announced (window.h) */
	tcp_seq acked;   /* the ACK field last sent: Last.ACK.sent */
	tcp_seq fin_seq; /* of the peer's FIN, if CONN_FIN_KNOWN */
	tcp_seq rcv_up;
	uint64_t rx_nxt;
	uint64_t rx_read;
	uint32_t rcvbuf;        /* RCV.BUFF, as auto-tuned */
	uint32_t rcv_rtt_us;    /* the receiver's guess at the RTT; 0: none */
	struct mono rcv_rtt_at; /* when a window's measurement began */
	tcp_seq rcv_rtt_seq;    /* and where it ends */
	uint16_t rmss;          /* the MSS that we announced */
	uint8_t rcv_scale;      /* Rcv.Wind.Shift */
	uint8_t snd_scale;      /* Snd.Wind.Shift */
	struct paws paws;
	struct sack_rx sack_rx;
	struct ack_policy ack;
	struct rcv_buffer tuning;
	struct ecn ecn;
	struct challenge challenge;

	/* ---- Sending: output.c, ack.c, loss.c, timeout.c */
	tcp_seq iss;
	tcp_seq small_end;
	uint64_t tx_una;
	uint64_t tx_end;
	uint32_t ts_offset;
	uint32_t mss;      /* Eff.snd.MSS: data in a full segment */
	uint32_t fib_seen; /* the routes that mss is from: tcpd.fib_turn */
	uint32_t path_mtu; /* as ICMP or black-hole detection said; 0: link's */
	struct mono path_mtu_until; /* then the larger one is tried again */
	uint16_t peer_mss; /* SendMSS: the peer's option, or the default */
	uint8_t recovery;  /* enum conn_recovery */
	uint8_t tx_more;   /* MSG_MORE: the tail at tx_end may wait */
	struct snd_window snd;
	struct scoreboard sb;
	struct rtt rtt;
	struct rack rack;
	struct tlp tlp;
	struct prr prr;
	struct eifel eifel;
	struct frto frto;
	struct cc cc;
	uint32_t retransmitted; /* bytes, in this recovery */
	uint32_t dsacked;       /* of them, that came for nothing */
	uint32_t prr_cwnd;      /* the window in fast recovery */
	uint32_t dup_bytes;     /* taken for delivered, without SACK */
	uint8_t dup_acks;       /* in a row, without SACK (RFC 5681) */
	uint8_t hold;           /* enum conn_hold */
	uint8_t pad[2];
	struct mono sent_at; /* data was last sent */
	struct mono pace_at; /* pacing: not before */
	struct tcp_timers timers;

	struct conn_stats stats;
};

static_assert(sizeof(struct tcb) <= 2048, "ten thousand of them");

/* A connection in TIME-WAIT: what must be kept of it for 2 MSL. */
struct lingering {
	struct tcp_tuple ends; /* local_port 0: free */
	uint8_t link;
	uint8_t flags;   /* enum linger_flag */
	uint16_t window; /* as it goes into the header */
	tcp_seq snd_nxt;
	tcp_seq rcv_nxt;
	uint32_t rcv_wnd;
	uint32_t ts_offset;
	uint32_t ts_recent;
	uint8_t tclass, hops;
	uint16_t pad;
	struct mono until;
	struct challenge challenge;
};

enum linger_flag {
	LINGER_TS = 1 << 0,
	LINGER_REUSEADDR = 1 << 1, /* as the socket had */
	LINGER_REUSEPORT = 1 << 2,
};

/* At n.state: what survives tcpd. */
struct conns_state {
	uint64_t used[MAX_CONNS / 64]; /* a bit for each TCB */
	uint64_t lingers[MAX_LINGERS / 64];
	struct tcb tcb[MAX_CONNS];
	struct lingering linger[MAX_LINGERS];
};

/* Private to this instance: hints. */
struct conns {
	struct wheel wheel; /* by id: deadlines of TCBs and of lingers */
	uint32_t bucket[CONN_BUCKETS];
	uint32_t next[MAX_IDS]; /* in its bucket */

	uint16_t free[MAX_CONNS];
	uint32_t nfree;
	uint32_t linger_hint; /* where a free one is looked for */
	uint32_t nlingers;

	/* Half-open connections of a listener: a list by its socket. */
	uint16_t half_first[MAX_SOCKETS], half_last[MAX_SOCKETS];
	uint16_t half_count[MAX_SOCKETS];
	uint16_t half_acked[MAX_SOCKETS]; /* of them: with CONN_ACKED */
	uint16_t half_next[MAX_CONNS], half_prev[MAX_CONNS];
	uint32_t half_open; /* of all listeners */
	uint32_t orphans;

	/* Those without a socket, and lingers: lists by local port. */
	uint32_t lonely[1 << 16];
	uint32_t lonely_next[MAX_IDS], lonely_prev[MAX_IDS];

	/* Touched, or refused room last time: to be asked for output. */
	uint16_t queue[MAX_CONNS]; /* a ring */
	uint32_t queue_head, queue_len;
	uint8_t queued[MAX_CONNS];
	uint64_t touched[MAX_CONNS]; /* the turn in which it was */
};

/* ---- Finding: conn_table.c */

static inline bool id_is_linger(uint32_t id)
{
	return id >= MAX_CONNS;
}

/* The connection, or the linger (MAX_CONNS + its index), or NO_ID. */
uint32_t conn_find(const struct tcpd *t, const struct tcp_tuple *ends);

/*
 * Is there a connection without a socket at this address and port?  Not counted
 * are those that had an SO_REUSE* (enum tsock_flag) which is in @reuse, too.
 */
bool conn_lingers(
    const struct tcpd *t, const struct app_name *local, uint32_t reuse);

const struct tcb *conn_get(const struct tcpd *t, uint32_t id);
uint32_t conn_id(const struct tcpd *t, const struct tcb *c);

/* ---- Changing: conn.c */

/* The TCB, to be changed in this turn. */
struct tcb *conn_touch(struct tcpd *t, uint32_t id);

/* True if the turn has room for one more connection's changes. */
bool conn_can_touch(const struct tcpd *t);

/* Ask it for output at the end of this turn, or of a later one. */
void conn_queue(struct tcpd *t, uint32_t id);
uint32_t conn_next_queued(struct tcpd *t); /* one is; no more after this */
uint32_t conn_first_queued(const struct tcpd *t); /* the same, and stays */

/*
 * A new one, touched, all zero but for its ends and what a TCB begins with;
 * state CLOSED.  NULL: the table is full.
 */
struct tcb *conn_new(struct tcpd *t, const struct tcp_tuple *ends);

/* The one way along an arrow: sets the timers that belong to the state. */
void conn_set_state(struct tcpd *t, struct tcb *c, enum tcp_state next);

/*
 * The connection is no more.  Its socket, if it has one, is told @err (0: it
 * ended as it should).  @c is not to be used any more.
 */
void conn_end(struct tcpd *t, struct tcb *c, int err);

/* The same, and the peer gets a reset (3.10.5): now, or when there is room. */
void conn_abort(struct tcpd *t, struct tcb *c, int err);

/* It has no socket any more; it gets one. */
void conn_let_go(struct tcpd *t, struct tcb *c);
void conn_adopt(struct tcpd *t, struct tcb *c, uint32_t sock);

/* ---- Half-open connections: half_open.c */

/* One enters or leaves its listener's list. */
void conn_half_open(struct tcpd *t, struct tcb *c, uint32_t listener);
void conn_half_done(struct tcpd *t, struct tcb *c);
/* Its last ACK has come and found no socket; or is asked for once more. */
void conn_half_acked(struct tcpd *t, struct tcb *c, bool acked);

/* ---- Lingers: linger.c */

/*
 * conn_end(), but what must be kept for 2 MSL is: TIME-WAIT.  An ACK that is
 * owed for @seg, the last segment, goes out at once.
 */
void conn_linger(struct tcpd *t, struct tcb *c, const struct segment *seg);

struct lingering *linger_touch(struct tcpd *t, uint32_t id);
const struct lingering *linger_get(const struct tcpd *t, uint32_t id);
void linger_end(struct tcpd *t, uint32_t id);
void linger_again(struct tcpd *t, uint32_t id); /* 2 MSL anew */

/* ---- The table */

/* Private memory; 0 or -ENOMEM.  Then the hints, from the TCBs. */
int conns_init(struct tcpd *t, struct mono now);
void conns_free(struct tcpd *t);
void conns_take_over(struct tcpd *t);
void lingers_take_over(struct tcpd *t);

/* What @c's socket is shown (app.h). */
void conn_words(const struct tcb *c, struct app_words *ret);

/* Its timers' settings, as they are for it. */
struct timer_config conn_timers(const struct tcpd *t, const struct tcb *c);

/* RCV.BUFF and what of it is used, for window.h. */
struct rcv_space conn_rcv_space(const struct tcb *c);

/* From RCV.NXT to the farthest edge ever announced. */
static inline uint32_t conn_rcv_wnd(const struct tcb *c)
{
	return seq_lt(c->rcv_nxt, c->adv) ? seq_len(c->rcv_nxt, c->adv) : 0;
}

/* Bytes of data written by the app and not yet sent. */
uint32_t conn_unsent(const struct tcb *c);

/* The ring's count of the data byte numbered @seq, from SND.UNA on. */
uint64_t conn_tx_count(const struct tcb *c, tcp_seq seq);

#endif /* TCPD_CONN_H */
