/*
 * spurious.h - was the loss none? (F-RTO, RFC 5682; Eifel, RFC 3522 and 4015)
 *
 * Both watch the ACKs that follow a retransmission and answer when one of them
 * can only be for an original.  Eifel knows it by timestamps from the first ACK
 * that moves una, for timeouts and fast retransmits.  F-RTO knows it for
 * timeouts without timestamps, from the second ACK, by sending new data after
 * the first.  With timestamps use Eifel, F-RTO otherwise; using both is safe.
 *
 * The answer is for the caller: sb_undo(), eifel_response(), and, for the first
 * sample of data sent since, rtt_sample_after_spurious() (RFC 4015, steps 8, 9,
 * 11).  If the ACK has the ECN-Echo flag, cwnd must stay as it is (step 9).
 */
#ifndef TCPD_SPURIOUS_H
#define TCPD_SPURIOUS_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd/rtt.h"
#include "tcpd/seq.h"

/* ---- Eifel ---- */

/* "SpuriousRecovery"; above SPUR_TO: DupThresh of a fast retransmit, plus 1. */
enum {
	SPUR_FALSE = 0,
	SPUR_TO = 1,
};

struct eifel {
	int64_t srtt_prev_ns; /* SRTT_prev and RTTVAR_prev: RFC 4015, step 0 */
	int64_t rttvar_prev_ns;
	uint32_t pipe_prev;
	uint32_t retransmit_ts; /* RetransmitTS */
	uint8_t dup_acks;
	bool has_ts;     /* retransmit_ts is set */
	bool waiting;    /* for the first acceptable ACK */
	bool recovering; /* must not begin anew */
	bool by_timeout;
	bool dsack_seen; /* at any time on this connection */
};

/* What eifel_begin() keeps from before cwnd and ssthresh change. */
struct eifel_before {
	uint32_t flight_size;
	uint32_t ssthresh;
	int64_t granularity_ns; /* G */
	uint8_t dup_acks;       /* that led to it; without meaning by_timeout */
	bool by_timeout;
};

/* What eifel_ack() is told of an ACK that moves una. */
struct eifel_ack {
	bool has_ts;
	bool dsack;
	bool covers_all; /* una is now SND.MAX */
	uint32_t ts_ecr;
};

void eifel_init(struct eifel *e);

/*
 * Loss recovery begins.  A second timeout, or a timeout in fast recovery, is
 * not a beginning, and then nothing happens.
 */
void eifel_begin(
    struct eifel *e, const struct eifel_before *b, const struct rtt *rtt);

/*
 * Then the first retransmission was sent, with this TSval; later ones don't
 * count.  Without timestamps it is not called, and Eifel keeps silent.
 */
void eifel_retransmitted(struct eifel *e, uint32_t ts_val);

/* Recovery is over, or was undone. */
void eifel_end(struct eifel *e);

/* Each ACK with a DSACK option, also when una does not move. */
void eifel_dsack(struct eifel *e);

/* An acceptable ACK: SPUR_FALSE, SPUR_TO, or dupacks + 1. */
int eifel_ack(struct eifel *e, const struct eifel_ack *a);

/*
 * RFC 4015, step 9: cwnd and ssthresh after SPUR_TO, on an ACK of @acked bytes
 * that left @flight_size outstanding; @iw is the initial window.
 */
void eifel_response(const struct eifel *e, uint32_t flight_size, uint32_t acked,
    uint32_t iw, uint32_t *cwnd, uint32_t *ssthresh);

/* ---- F-RTO ---- */

enum frto_state {
	FRTO_IDLE,
	FRTO_FIRST_ACK,  /* step 2 */
	FRTO_SECOND_ACK, /* step 3 */
};

struct frto {
	tcp_seq recover;   /* "recover", "RecoveryPoint"; one past it */
	tcp_seq rexmitted; /* end of what step 1 sent again */
	uint8_t state;     /* enum frto_state */
	bool sack;         /* section 3 rather than 2 */
};

/* What to do with an ACK. */
enum frto_action {
	FRTO_NOT_RUNNING, /* as usual */
	FRTO_WAIT,        /* neither retransmit nor enlarge cwnd */
	FRTO_SEND_NEW,    /* send up to two new segments instead */
	FRTO_REAL,        /* conventional recovery, in slow start */
	FRTO_REAL_2,      /* and with cwnd at most 2 * MSS */
	FRTO_REAL_3,      /* and with cwnd at most 3 * MSS */
	FRTO_SPURIOUS,    /* undo */
};

struct frto_ack {
	tcp_seq ack;
	tcp_seq snd_max;
	tcp_seq fack; /* highest SACKed, one past; sb->fack */
	/* Neither of these: the ACK is ignored. */
	bool advances;  /* una has moved */
	bool duplicate; /* RFC 5681; with SACK, RFC 6675's counts too */
	bool new_sack;  /* bytes are SACKed that were not */
	bool can_send;  /* new data is there, and the window allows it */
};

void frto_init(struct frto *f, tcp_seq iss, bool sack);

/*
 * Step 1: the timer expired, [una, rexmitted) is sent again.  @in_recovery:
 * fast recovery was under way.  True if F-RTO watches now, false if it is not
 * to.
 */
bool frto_timeout(struct frto *f, tcp_seq una, tcp_seq snd_max,
    tcp_seq rexmitted, bool in_recovery);

/* Steps 2 and 3; to be called for each acceptable ACK, F-RTO running or not. */
enum frto_action frto_ack(struct frto *f, const struct frto_ack *a);

#endif /* TCPD_SPURIOUS_H */
