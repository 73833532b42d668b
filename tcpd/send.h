/*
 * send.h - the sender's half of a connection
 *
 *	ack.c      what an ACK means: acknowledged, SACKed, RTT, window
 *	loss.c     what is lost, and how the window answers: RACK-TLP, PRR, cc,
 *	           F-RTO and Eifel
 *	output.c   what a connection may send now, and in which order
 *	pace.c     how fast new data leaves
 *	rate.c     how fast it arrives
 *	answer.c   what is answered at once, without or beside a connection
 *	segment.c  one segment or super-segment as a descriptor
 *	timeout.c  timers that have fired
 *
 * All output of a turn is at its end: whoever wants something sent touches the
 * connection, and says so in its TCB (its ACK policy, sb, CONN_WANT_*).  What
 * finds no room in the ring or no slot stays wanted, and the connection queued.
 */
#ifndef TCPD_SEND_H
#define TCPD_SEND_H

#include "tcpd/conn.h"
#include "tcpd/tcp_wire.h"

struct segment;
struct tcpd;

/* ---- ack.c */

/*
 * A new TCB's sender: nothing sent, @iss next.  Its socket's ring, once there
 * is one, is told by tx_una and tx_end.
 */
void sender_begin(struct tcpd *t, struct tcb *c, tcp_seq iss);

/*
 * Our SYN is acknowledged by @seg, which leads to ESTABLISHED: SND.UNA moves
 * over it, the RTT is sampled, the window, MSS and congestion window begin.
 */
void sender_established(
    struct tcpd *t, struct tcb *c, const struct segment *seg);

/*
 * A connection that was kept in a SYN cookie, in SYN-RECEIVED: its SYN-ACK has
 * been sent, nobody knows when.  sender_established() follows.
 */
void sender_restored(struct tcpd *t, struct tcb *c);

/*
 * An acceptable ACK in a synchronized state (ack_judge(): ADVANCES, DUPLICATE
 * or OLD): everything that it tells the sender.  c->sb, tx_una and the timers
 * are up to date after it; whether our FIN is acknowledged is
 * sender_fin_acked().
 */
void sender_ack(struct tcpd *t, struct tcb *c, const struct segment *seg,
    enum ack_verdict verdict);

bool sender_fin_acked(const struct tcb *c);

/* The path's MTU has changed, as ICMP says; 0: it is the link's again. */
void sender_path_mtu(struct tcpd *t, struct tcb *c, uint32_t mtu);

/* Eff.snd.MSS anew (RFC 9293, 3.7.1), from route, path, options. */
uint32_t sender_mtu(const struct tcpd *t, const struct tcb *c);
void sender_set_mss(struct tcpd *t, struct tcb *c);

/* ---- loss.c: between ack.c, timeout.c and output.c */

/* All that one ACK has told. */
struct ack_news {
	const struct segment *seg;
	struct sb_news sb;
	uint32_t flight_before; /* SND.NXT - SND.UNA */
	uint32_t rtt_us;        /* its sample; 0: none */
	bool duplicate;         /* RFC 5681, 2 */
};

/* What is lost by it, and what the windows become. */
void loss_ack(struct tcpd *t, struct tcb *c, const struct ack_news *news);

/* RACK's timer, the retransmission timer. */
void loss_reorder_timer(struct tcpd *t, struct tcb *c);
void loss_timeout(struct tcpd *t, struct tcb *c);

/*
 * Bytes that may enter the network now: the congestion window or PRR, with
 * limited transmit and F-RTO, less what is in flight.
 */
uint32_t loss_allowance(const struct tcb *c);

/* @len bytes of sequence space have just been sent; @again: not for the first
 * time. */
void loss_sent(struct tcpd *t, struct tcb *c, uint32_t len, bool again);

/* In how long a tail loss probe is due, ns; 0: there may be none. */
int64_t loss_probe_after(const struct tcpd *t, const struct tcb *c);

/* What cc.h wants to know. */
struct cc_view loss_view(
    const struct tcpd *t, const struct tcb *c, uint32_t rtt_us);

/* ---- output.c */

/*
 * Send what @id may send.  False: the ring or the slots are used up; what was
 * sent is right, the rest is still wanted.
 */
bool output_conn(struct tcpd *t, uint32_t id);

/* When @c is to be looked at next: the earliest of its timers and pacing. */
struct mono output_deadline(const struct tcb *c);

/* ---- answer.c */

/*
 * Answers without a connection, or beside it; staged at once, so the caller
 * has made sure of room (tcpd_has_room()).
 */
void output_reset_for(struct tcpd *t, const struct segment *seg);
void output_reset(struct tcpd *t, struct tcb *c); /* abort: RFC 9293, 3.10.5 */
void output_linger_ack(
    struct tcpd *t, struct lingering *l, const struct segment *seg);
/* The SYN-ACK with cookie like->iss; @like is a TCB only for its options. */
void output_cookie(struct tcpd *t, struct tcb *like, const struct segment *seg,
    uint32_t ts_val);

/* A challenge ACK (RFC 5961), if the limits allow one: owed, sent at the end.
 */
void output_challenge(struct tcpd *t, struct tcb *c);

/* ---- rate.c: for TCP_INFO */

void rate_begin(struct tcb *c);
/* The app is about to have written more. */
void rate_written(struct tcb *c);
/* New data, from @seq on; it is in the scoreboard. */
void rate_sent(struct tcpd *t, struct tcb *c, tcp_seq seq);
/* An ACK says that @bytes have arrived. */
void rate_delivered(struct tcpd *t, struct tcb *c, uint32_t bytes);

/* ---- timeout.c */

/* The deadline of @id has come: do what its timers say. */
void timeout_conn(struct tcpd *t, uint32_t id);

#endif /* TCPD_SEND_H */
