/*
 * rack.h - losses found by time, and probes of the tail (RFC 8985)
 *
 * RACK: a byte is lost when one sent later was delivered, and it is overdue by
 * a reordering window.  Which bytes there are and when they were sent is in the
 * scoreboard; here is what the connection has learnt:
 *
 *	ACK      sb_ack(), then rack_ack(), then rack_detect_loss()
 *	timer    rack_detect_loss()          (the RACK reordering timer)
 *	RTO      rack_timeout()
 *	recovery is over: rack_recovery_ended()
 *
 * rack_detect_loss() returns when it wants to be called again.
 *
 * TLP: if no ACK comes for two round trips, one segment is sent that makes the
 * peer say what it has, so that RACK and not the RTO finds a lost tail:
 *
 *	new data sent, or an ACK moved una:
 *	         tlp_may_arm() ? timer at tlp_deadline() : timer at the RTO
 *	timer    tlp_timer() says what to send; then tlp_sent(), and the RTO
 *	ACK      tlp_ack(): did the probe repair a loss?
 *	recovery or connection begins: tlp_init()
 *
 * At most one of the timers of RACK, TLP and RTO is armed (section 8).
 * All durations are nanoseconds.
 */
#ifndef TCPD_RACK_H
#define TCPD_RACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd/rtt.h"
#include "tcpd/scoreboard.h"

enum {
	RACK_REO_WND_PERSIST = 16, /* recoveries; 6.2, step 4 */
	TLP_NO_RTT_MS = 1000,      /* PTO without an SRTT; 7.2 */
};

struct rack {
	struct mono xmit_ts; /* RACK.xmit_ts, end_seq: of RACK.segment */
	int64_t rtt_ns;      /* RACK.rtt; 0: nothing was delivered yet */
	int64_t reo_wnd_ns;  /* as last used */
	tcp_seq end_seq;
	tcp_seq dsack_round;
	uint8_t reo_wnd_mult;
	uint8_t reo_wnd_persist;
	bool reordering_seen;
	bool has_dsack_round;
};

/* What RACK asks of the rest of the connection. */
struct rack_env {
	struct mono now;
	int64_t min_rtt_ns; /* rtt_min() */
	int64_t srtt_ns;    /* 0: none */
	uint32_t smss;
	bool in_recovery; /* fast or RTO recovery */
};

void rack_init(struct rack *r);

/* Steps 2 and 3, and what DSACK has to do with step 4; @sb after sb_ack(). */
void rack_ack(struct rack *r, const struct scoreboard *sb,
    const struct sb_news *news, struct mono now);

/* Fast or RTO recovery is over. */
void rack_recovery_ended(struct rack *r);

/*
 * Steps 4 and 5: mark what is lost.  Returns the bytes that are so now;
 * *@deadline is when to look again, MONO_NEVER if there is no need.
 */
uint32_t rack_detect_loss(struct rack *r, struct scoreboard *sb,
    const struct rack_env *env, struct mono *deadline);

/* 6.3: mark what an expired RTO takes for lost; returns the bytes. */
uint32_t rack_timeout(struct rack *r, struct scoreboard *sb,
    const struct rack_env *env, bool again);

/* ---- TLP ---- */

struct tlp {
	tcp_seq end_seq;  /* TLP.end_seq */
	uint32_t samples; /* RTT samples taken when the last probe was sent */
	bool pending;     /* end_seq is not None */
	bool is_retrans;  /* TLP.is_retrans */
};

/* What to send when the PTO expires. */
enum tlp_probe {
	TLP_NONE, /* arm the RTO */
	TLP_NEW,  /* a segment of unsent data */
	TLP_LAST, /* sb_highest(), again */
};

/* @samples: rtt.samples, so that one taken before counts only once. */
void tlp_init(struct tlp *t);

/* Is it now for a probe, and not for another mechanism (7.2)? */
bool tlp_may_arm(const struct scoreboard *sb, bool in_recovery);

/*
 * TLP_calc_PTO(), from @now.  @one_segment: FlightSize is a segment or less,
 * whose ACK may be delayed by @max_ack_delay_ns.  @rto is when the RTO would
 * expire.
 */
struct mono tlp_deadline(const struct rtt *rtt, bool one_segment,
    int64_t max_ack_delay_ns, struct mono rto, struct mono now);

/* The PTO expired; @has_unsent: there is new data that the window allows. */
enum tlp_probe tlp_timer(
    const struct tlp *t, const struct rtt *rtt, bool has_unsent);

/* The probe was sent; @snd_nxt is from after it. */
void tlp_sent(
    struct tlp *t, enum tlp_probe what, tcp_seq snd_nxt, const struct rtt *rtt);

/*
 * TLP_process_ack() for an ACK of @ack; @duplicate: it is a duplicate ACK of
 * RFC 5681 without a SACK option.  True: the probe repaired a loss, congestion
 * control must act as for a fast recovery.
 */
bool tlp_ack(
    struct tlp *t, tcp_seq ack, const struct sb_news *news, bool duplicate);

#endif /* TCPD_RACK_H */
