/*
 * ecn.h - explicit congestion notification on a connection (RFC 3168, 6.1)
 *
 * Whether it is used, is agreed in the handshake; then each end is two small
 * machines.  As receiver: CE in a packet makes every ACK say ECE until the
 * peer says CWR.  As sender: ECE makes cc.h reduce the window once a window,
 * and whatever reduced it is told to the peer by CWR on the next new data.
 *
 * The state is one byte of flags, all zero before the handshake.
 */
#ifndef TCPD_ECN_H
#define TCPD_ECN_H

#include <stdbool.h>
#include <stdint.h>

/* The ECN field of the IP header (RFC 3168, 5). */
enum ecn_field {
	ECN_NOT_ECT = 0,
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3,
};

/* The topology's choice, with the kernel's meaning of tcp_ecn 0, 1, 2. */
enum ecn_use {
	ECN_OFF,
	ECN_ASK,    /* ask when connecting, agree when asked */
	ECN_ANSWER, /* agree when asked; do not ask: the default */
};

struct ecn {
	uint8_t flags; /* private to ecn.c */
};

/*
 * The flags (TCP_ECE, TCP_CWR) of a SYN about to be sent, for the @attempt-th
 * time, 0 first.  Some boxes drop a SYN that asks, so from the third on it
 * asks no more (6.1.1.1).
 */
uint16_t ecn_syn_flags(struct ecn *e, enum ecn_use use, unsigned attempt);

/* A SYN with @flags came; called before ecn_syn_ack_flags(). */
void ecn_syn_received(struct ecn *e, enum ecn_use use, uint16_t flags);

/* The flags of the SYN-ACK: TCP_ECE if we agreed, else none. */
uint16_t ecn_syn_ack_flags(const struct ecn *e);

/* A SYN-ACK with @flags came. */
void ecn_syn_ack_received(struct ecn *e, uint16_t flags);

/* A connection that was kept in a SYN cookie is back. */
void ecn_restore(struct ecn *e, bool agreed);

/* Was it agreed on? */
bool ecn_on(const struct ecn *e);

/* The peer's data has come ECN-capable. */
bool ecn_seen(const struct ecn *e);

/*
 * A segment within the window came: its IP field and TCP flags.  @data: it had
 * some (pure ACKs are never ECT).  True if an ACK must not wait: CE began or
 * ended, and the sender should know at once.
 */
bool ecn_received(
    struct ecn *e, enum ecn_field field, uint16_t flags, bool data);

/* Does an ACK with @flags say that we cause congestion?  Then ask cc.h. */
bool ecn_echoed(const struct ecn *e, uint16_t flags);

/* cwnd was reduced, for whatever reason. */
void ecn_window_reduced(struct ecn *e);

/* What a segment about to be sent is. */
enum ecn_segment {
	ECN_PURE_ACK,
	ECN_NEW_DATA,
	ECN_RETRANSMIT, /* also a window probe */
};

/*
 * The TCP flags to add, TCP_ECE and TCP_CWR, and the IP field of a segment
 * after the handshake.  With ECN_NEW_DATA the pending CWR is thereby sent.
 */
uint16_t ecn_send(struct ecn *e, enum ecn_segment what, enum ecn_field *field);

#endif /* TCPD_ECN_H */
