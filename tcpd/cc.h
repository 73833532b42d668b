/*
 * cc.h - congestion control: how much may be in flight
 *
 * TCP says what happened; this decides the congestion window.  What every
 * algorithm has in common is in cc.c: the initial window (RFC 6928), slow start
 * with appropriate byte counting (RFC 5681, 3465) and HyStart++ (RFC 9406),
 * the response to loss, timeout and ECN, its undoing (RFC 4015, RFC 9438
 * 4.9), the restart after idleness and validation of an unused window (RFC
 * 7661).  An algorithm (cc_cubic.c, cc_reno.c) adds how the window grows in
 * congestion avoidance and by what factor it is cut.
 *
 * All windows are bytes.  The state is flat, lies in the TCB and survives the
 * process; the algorithm in it is a number, its functions are looked up.
 *
 * During fast recovery cwnd stays at ssthresh; proportional rate reduction
 * (RFC 9937) is the caller's, and may hold the sending rate elsewhere until
 * cc_recovery_left().
 */
#ifndef TCPD_CC_H
#define TCPD_CC_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"
#include "tcpd/hystart.h"
#include "tcpd/seq.h"

enum cc_algorithm {
	CC_CUBIC, /* RFC 9438 */
	CC_RENO,  /* RFC 5681 */
	CC_NALGORITHMS,
};

enum {
	CC_MAX_WINDOW = 1 << 30, /* no receiver's window is larger */
	CC_NVP_S = 300,          /* RFC 7661: the non-validated period */
};

/* From the topology; the same for every connection of a stack. */
struct cc_config {
	uint8_t algorithm;       /* enum cc_algorithm */
	uint8_t initial_segs;    /* the initial window in segments: 10 */
	uint8_t abc_limit;       /* L in segments: 8; 0 is infinity: paced */
	bool hystart;            /* in the first slow start: true */
	bool fast_convergence;   /* RFC 9438, 4.7: true */
	bool restart_after_idle; /* RFC 5681, 4.1; false: RFC 7661 alone */
};

extern const struct cc_config cc_defaults;

/* What TCP knows when something happens. */
struct cc_view {
	struct mono now;
	tcp_seq snd_una; /* after the ACK in hand, if it is about one */
	tcp_seq snd_nxt;
	uint32_t flight;  /* bytes sent and not cumulatively acknowledged;
			   * without those of limited transmit (RFC 3042) */
	uint32_t srtt_us; /* smoothed RTT; 0: not measured yet */
	uint32_t rtt_us;  /* the newest sample, only of this ACK; 0: none */
};

/* Private to cc_cubic.c. */
struct cubic {
	struct mono epoch;   /* t_epoch, moved on by idle and limited times */
	struct mono last;    /* when the window was last looked at */
	uint64_t w_est;      /* in 2^-12 bytes */
	uint32_t w_max;      /* 0: not defined */
	uint32_t cwnd_prior; /* 0: not defined */
	uint32_t k;          /* in ticks of 1/4096 s */
	uint32_t pad;
};

struct cc {
	uint32_t cwnd;     /* the window; public, read only */
	uint32_t ssthresh; /* UINT32_MAX until the first congestion; ditto */
	uint32_t mss;      /* SMSS: payload of a full segment */

	/* The rest is private to cc*.c. */
	uint8_t algorithm;
	uint8_t initial_segs;
	uint8_t abc_limit;
	uint8_t config; /* enum cc_config_bit */
	uint16_t flags; /* enum cc_flag */
	uint16_t pad;
	tcp_seq recover;       /* SND.NXT at the last cut */
	tcp_seq limited_until; /* sent when cwnd was the limit, up to here */
	uint64_t credit;       /* acknowledged, not yet turned into growth */

	/* RFC 7661: pipeACK, as the larger of two half sampling periods. */
	tcp_seq round_end;
	tcp_seq round_una;
	uint32_t pipe_ack[2];
	struct mono pipe_since;   /* when pipe_ack[0] began */
	struct mono unused_since; /* the non-validated phase; MONO_NEVER: no */
	uint32_t loss_base;       /* what the last cut was computed from */

	struct hystart hystart;
	struct cubic cubic;
	struct {
		struct cubic cubic;
		uint32_t cwnd;
		uint32_t ssthresh;
	} undo;
};

static_assert(sizeof(struct cc) <= 224, "ten thousand of them");

/*
 * A connection gets @mss and its initial window.  @syn_lost: more than one SYN
 * or SYN-ACK had to be sent again, so the window is one segment (RFC 6928, 2).
 */
void cc_init(
    struct cc *c, const struct cc_config *config, uint32_t mss, bool syn_lost);

/* The path takes segments of @mss now (RFC 5681, 3.1: cwnd shrinks along). */
void cc_mss_changed(struct cc *c, uint32_t mss);

/* TCP_CONGESTION: go on with another algorithm from the window there is. */
void cc_switch(struct cc *c, enum cc_algorithm algorithm);

/*
 * New data was sent.  @limited: more was there and the peer would take it, but
 * cwnd was in the way (also if less than the next segment or super-frame was
 * left of it).  Without that the window does not grow: nobody knows whether
 * the path bears it.
 */
void cc_sent(struct cc *c, const struct cc_view *v, bool limited);

/*
 * An ACK newly acknowledged @bytes.  @ece: with ECN-Echo, so the window must
 * not grow (RFC 3168, 6.1.2).
 */
void cc_acked(struct cc *c, const struct cc_view *v, uint32_t bytes, bool ece);

/*
 * Loss was seen by ACKs: fast recovery begins; or, if already in it, a
 * retransmission was lost, which counts as congestion again (RFC 5681, 4.3).
 */
void cc_lost(struct cc *c, const struct cc_view *v);

/*
 * All that was in flight when cc_lost() was called is acknowledged;
 * @retransmitted bytes of it had to be sent again.
 */
void cc_recovery_left(
    struct cc *c, const struct cc_view *v, uint32_t retransmitted);

/* The retransmission timer fired; @again: for the same segment. */
void cc_timed_out(struct cc *c, const struct cc_view *v, bool again);

/*
 * An ACK said ECN-Echo.  True if the window was cut: at most once a window.
 * If cwnd already is one segment, the caller sets the retransmission timer
 * anew and sends no new data until it fires (RFC 3168, 6.1.2).
 */
bool cc_ecn_echo(struct cc *c, const struct cc_view *v);

/*
 * The last cc_lost() or cc_timed_out() was for nothing: what was held for lost
 * had arrived.  @acked is what the ACK that showed it newly acknowledged.
 * False if there is nothing to undo, or the window has grown past it.
 */
bool cc_undo(struct cc *c, const struct cc_view *v, uint32_t acked);

/*
 * Data is about to be sent while nothing is in flight, @idle_ns after the last
 * was sent; @rto_ns is the present timeout.
 */
void cc_idle(
    struct cc *c, const struct cc_view *v, int64_t idle_ns, int64_t rto_ns);

/* Is this slow start? */
bool cc_slow_start(const struct cc *c);

/* Was the window cut, and not all acknowledged since that was out then? */
bool cc_is_reduced(const struct cc *c, tcp_seq snd_una);

/* "cubic", "reno"; and back: -1 if there is none of that name. */
const char *cc_name(enum cc_algorithm a);
int cc_find(const char *name);

#endif /* TCPD_CC_H */
