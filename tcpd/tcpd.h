/*
 * tcpd.h - the TCP layer
 *
 *	rx.c ------ ipd -> checksum, header -> whose? ---+
 *	                                                 |
 *	handshake.c what both ends agree on
 *	listen.c    a SYN, a handshake's end, cookies  <-+
 *	syn_sent.c  the answer to our SYN              <-+
 *	input.c     the eight steps of 3.10.7.4        <-+
 *	linger.c    TIME-WAIT                          <-+
 *	icmp_error.c  what ipd says about what we sent <-+
 *	receive.c   data into the app's ring, FIN, window
 *	send.h      everything that goes out
 *	engine.c    what apps ask (app.h)
 *	conn.c      the table of connections
 *
 * A turn: what came in, timers, what apps have asked and written, then the
 * output of every connection that was touched.
 */
#ifndef TCPD_TCPD_H
#define TCPD_TCPD_H

#include "shm/fib.h"
#include "shm/node.h"
#include "tcpd/app.h"
#include "tcpd/config.h"
#include "tcpd/conn.h"
#include "tcpd/counters.h"
#include "tcpd/tcp_wire.h"

enum {
	TCPD_STATE_MAGIC = 0x74637032, /* "tcp2"; changes with the layout */

	/* Segments taken from one ring before the next gets its turn. */
	TCPD_TURN = 64,
	TCPD_APP_BUDGET = 64,  /* sockets looked at in a turn */
	TCPD_TIMER_TURN = 128, /* deadlines */

	TCPD_SEEDS = 12,

	/* What answers one segment at once, at the most. */
	TCPD_ANSWERS = 2,
};

/* At n.state, in X.priv. */
struct tcpd_state {
	uint32_t magic;
	uint32_t size; /* of this struct */
	uint64_t isn_key[2];
	uint64_t cookie_key[2];
	uint64_t ts_key[2];
	uint64_t challenge_key[2];
	struct challenge_budget challenge;
	struct mono cookies_until; /* a listener was flooded: cookies count */
	struct tsocks_state socks;
	struct conns_state conns;
};

/* Private: sockets in LISTEN, by local port. */
struct listeners {
	uint16_t first[1 << 16];
	uint16_t next[MAX_SOCKETS];
};

struct tcpd {
	struct node n;
	struct tcpd_state *s;
	struct fib fib;    /* a copy of what ipd published */
	uint32_t fib_turn; /* a number for it */
	uint32_t ipd;      /* whose; an index into procs[] */
	struct ring_out *down;
	struct tcp_config config;
	/* Set before attaching: secrets of fresh memory, and hash_key. */
	uint64_t seed[TCPD_SEEDS];
	uint64_t hash_key[2]; /* of the table: this instance's own */
	struct streams streams;
	struct conns conns;
	struct listeners listeners;
	uint64_t turn; /* counted, for conns.touched */
	bool prepared;
};

/* A segment in hand: read once, checked. */
struct segment {
	struct tcp_hdr h;
	struct tcp_tuple ends;  /* local: ours */
	const uint8_t *payload; /* may change under us: copied once */
	uint32_t len;           /* of it, bytes */
	uint32_t seg_len;       /* with SYN and FIN: SEG.LEN */
	uint32_t gso_size;      /* of each of the segments merged; 0: one */
	uint8_t link;
	uint8_t tclass; /* as received, with ECN */
	uint8_t hops;
};

/* As many segments of the wire are one here (GRO). */
static inline uint32_t segment_pieces(const struct segment *seg)
{
	if (seg->gso_size == 0 || seg->len <= seg->gso_size)
		return 1;
	return (seg->len + seg->gso_size - 1) / seg->gso_size;
}

/*
 * While standing by: memory that is private, and the pages of it, so that who
 * takes over need not wait for the kernel.  0 or -ENOMEM.
 */
int tcpd_prepare(struct tcpd *t, struct mono now);

/*
 * Join and recover; t->seed is random, and the rest of *@t was zeroed once.
 * Negative errno, logged, on failure; -EPROTO: the state is of another version.
 */
int tcpd_attach(struct tcpd *t, const struct segments *s, struct mono now);
void tcpd_detach(struct tcpd *t);

/* One bounded turn; true if there was work. */
bool tcpd_turn(struct tcpd *t, struct mono now);

/* When a turn is due although nothing comes in. */
struct mono tcpd_deadline(const struct tcpd *t);

/* Nothing waits that no wake-up will come for. */
bool tcpd_may_sleep(struct tcpd *t);

/* look.c: between turns, a chunk of what there is (ask.h). */
struct ask;
struct ask_chunk;
int tcpd_look(const struct tcpd *t, const struct ask *q, struct ask_chunk *ret);

/* ---- Between the files of this folder */

/* Can what answers a segment at once be staged? */
bool tcpd_has_room(struct tcpd *t);

/* rx.c: what waits in @in, up to a turn's worth. */
void tcpd_rx(struct tcpd *t, struct ring_in *in);

/*
 * reset.c: the reset that answers a segment for which there is no connection
 * (RFC 9293, 3.10.7.1), @len bytes of payload and header @h.  False: it is
 * a reset itself and gets none.
 */
bool tcp_reset_for(
    struct tcp_hdr *ret, const struct tcp_hdr *h, uint32_t payload_len);

/* Header and size at debug; @way is "rx" or "tx". */
void tcpd_show(struct tcpd *t, const char *way, const struct ip_addr *from,
    const struct ip_addr *to, const struct tcp_hdr *h, uint32_t payload);

/* A segment that ends here: counted under @reason, and why, at debug. */
void tcpd_drop(struct tcpd *t, const struct segment *seg, uint32_t reason);

/* listen.c: the socket that listens for these ends, or NO_SOCKET. */
uint32_t listen_find(const struct tcpd *t, const struct segment *seg);

/* Would a SYN to it be kept, and not be dropped or become a cookie? */
bool listen_has_room(const struct tcpd *t, uint32_t listener);

/* RFC 9293, 3.10.7.2.  @above, if not NULL: our ISN must be larger. */
void listen_segment(struct tcpd *t, uint32_t listener, struct segment *seg,
    const tcp_seq *above);
void listen_begin(struct tcpd *t, uint32_t sock);
void listen_end(struct tcpd *t, uint32_t sock);
/* @c was half-open when its listener ended: it is to end, too. */
bool listen_is_over(const struct tcpd *t, const struct tcb *c);
void listen_forget(struct tcpd *t, struct tcb *c);
void listen_may_accept(struct tcpd *t, uint32_t sock);
/* The handshake's last ACK, in SYN-RECEIVED: false, the segment is done. */
bool listen_complete(struct tcpd *t, struct tcb *c, const struct segment *seg);
void listen_take_over(struct tcpd *t);

/* syn_sent.c: RFC 9293, 3.10.7.3. */
void syn_sent_segment(struct tcpd *t, struct tcb *c, struct segment *seg);

/* handshake.c: a new TCB's options and its receiver, as socket @k wants it. */
void handshake_begin(
    struct tcpd *t, struct tcb *c, const struct tsock *k, uint8_t link);
/* What both SYNs agreed on: options of the peer's SYN in @seg. */
void handshake_options(
    struct tcpd *t, struct tcb *c, const struct segment *seg);
/* To ESTABLISHED: @seg acknowledges our SYN. */
void handshake_done(struct tcpd *t, struct tcb *c, const struct segment *seg);

/* input.c: RFC 9293, 3.10.7.4; input_text(): from its sixth step on. */
void input_segment(struct tcpd *t, struct tcb *c, struct segment *seg);
void input_text(struct tcpd *t, struct tcb *c, const struct segment *seg);

/* linger.c: a segment for a connection in TIME-WAIT. */
void linger_segment(struct tcpd *t, uint32_t id, struct segment *seg);

/*
 * receive.c.  _offer(): what our SYN announces; _begin(): the peer's SYN has
 * come; _adopt(): there is a socket, its ring goes on at @rx_written.
 */
void receiver_offer(struct tcpd *t, struct tcb *c);
void receiver_begin(struct tcpd *t, struct tcb *c, tcp_seq irs);
void receiver_adopt(struct tcpd *t, struct tcb *c, uint64_t rx_written);
void receive_text(struct tcpd *t, struct tcb *c, const struct segment *seg,
    const struct seg_text *text);
void receive_read(struct tcpd *t, struct tcb *c, uint64_t read);

/* All up to the peer's FIN, and that, has been received. */
bool receive_ended(const struct tcb *c);

/* icmp_error.c */
void icmp_error(struct tcpd *t, const struct desc *d, const uint8_t *p);

/* engine.c */
extern const struct stream_ops engine_ops;

/* info.c: TCP_INFO, as Linux has it. */
struct tcp_info;
void conn_info(const struct tcpd *t, const struct tcb *c, struct tcp_info *ret);

#endif /* TCPD_TCPD_H */
