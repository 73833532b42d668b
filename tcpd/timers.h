/*
 * timers.h - the timers of a connection, driven by what happens to it
 *
 * Callers say what happened; this file alone knows which timer that means.
 * Deadlines are absolute and lie in the TCB, so timers go on over the death of
 * the process.  Five deadlines are enough for all timers, since those of one
 * kind exclude each other:
 *
 *   loss     retransmission (RFC 6298), of a SYN and SYN-ACK as well; tail loss
 *            probe and RACK's reordering timer (RFC 8985, 8: "mutually
 *            exclusive", one timer and its kind); zero-window probe
 *   ack      the delayed ACK
 *   idle     keepalive: idle time, then between probes
 *   give_up  the user timeout (RFC 5482, RFC 9293 3.9.1)
 *   end      FIN-WAIT-2 of a connection nobody reads, TIME-WAIT
 *
 * How long they are is given: RTO and PTO from rtt.h and RACK, with the backoff
 * in them; the others from the socket and the topology.
 */
#ifndef TCPD_TIMERS_H
#define TCPD_TIMERS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"
#include "tcpd/state.h"

enum tcp_timer {
	TIMER_NONE,
	TIMER_RETRANSMIT,   /* retransmit, back off */
	TIMER_LOSS_PROBE,   /* RFC 8985, 7: send a probe */
	TIMER_REORDER,      /* RFC 8985, 6.3: look for losses again */
	TIMER_WINDOW_PROBE, /* probe the zero window */
	TIMER_ACK,          /* the ACK has waited long enough */
	TIMER_KEEPALIVE,    /* ask whether the peer is there */
	TIMER_USER_TIMEOUT, /* abort the connection */
	TIMER_FIN_WAIT_2, /* nobody waits for the peer's FIN: delete the TCB */
	TIMER_TIME_WAIT,  /* 2 MSL are over: delete the TCB */
};

/* Flat; timers_begin() makes one with none armed. */
struct tcp_timers {
	struct mono loss;
	struct mono rto; /* when retransmission is due, whatever loss waits for;
			  * MONO_NEVER with nothing in flight */
	struct mono ack;
	struct mono idle;
	struct mono give_up;
	struct mono end;
	uint8_t loss_kind;   /* enum tcp_timer, if loss is not MONO_NEVER */
	uint8_t end_kind;    /* ditto for end */
	uint8_t retransmits; /* timeouts in a row; up to 255 */
	uint8_t probes;      /* window probes in a row; up to 255 */
	uint8_t keepalives;  /* keepalive probes without an answer */
	uint8_t pad[3];
};

static_assert(sizeof(struct tcp_timers) == 56, "ten thousand of them");

/* What the socket and the topology want. */
struct timer_config {
	int64_t keepalive_idle_ns;     /* 0: off, as it must be by default
					* (MUST-25); else >= 2 h by default */
	int64_t keepalive_interval_ns; /* between probes */
	uint8_t keepalive_probes;      /* so many unanswered: dead */
	int64_t user_timeout_ns;       /* 0: retransmission counts decide */
	int64_t fin_wait_2_ns;
	int64_t time_wait_ns; /* 2 MSL */
	int64_t probe_max_ns; /* between zero-window probes */
};

void timers_begin(struct tcp_timers *t);

/* ---- What happened ---- */

/*
 * New data, or a SYN or FIN, was sent.  @rto_ns is the timeout, @pto_ns that
 * of a tail loss probe, 0 if there may be none; a probe that would come after
 * the timeout takes its place (RFC 8985, 7.2).
 */
void timers_data_sent(struct tcp_timers *t, const struct timer_config *c,
    int64_t rto_ns, int64_t pto_ns, struct mono now);

/* Something was retransmitted because of ACKs, not of a timer. */
void timers_repair_sent(struct tcp_timers *t, int64_t rto_ns, struct mono now);

/* The retransmission timer fired and was obeyed; @rto_ns is backed off. */
void timers_timeout_sent(struct tcp_timers *t, int64_t rto_ns, struct mono now);

/* The probe for a lost tail was sent: RTO is next (RFC 8985, 7.3). */
void timers_loss_probe_sent(
    struct tcp_timers *t, int64_t rto_ns, struct mono now);

/*
 * RACK may only tell in @wait_ns what is lost.  When that timer has fired, the
 * retransmission timer runs again by itself.
 */
void timers_reorder_wait(
    struct tcp_timers *t, int64_t wait_ns, int64_t rto_ns, struct mono now);

/* An ACK acknowledged something new; @left: not yet all that was sent. */
void timers_ack_advanced(struct tcp_timers *t, const struct timer_config *c,
    bool left, int64_t rto_ns, int64_t pto_ns, struct mono now);

/*
 * Data waits, nothing is in flight, and the peer's window has no room for it.
 * Also after each probe.
 */
void timers_window_closed(struct tcp_timers *t, const struct timer_config *c,
    int64_t rto_ns, struct mono now);
void timers_window_probe_sent(struct tcp_timers *t,
    const struct timer_config *c, int64_t rto_ns, struct mono now);

/* It has room again, or there is nothing to send any more. */
void timers_window_opened(struct tcp_timers *t);

/* An acceptable segment came, of whatever kind. */
void timers_heard(
    struct tcp_timers *t, const struct timer_config *c, struct mono now);

/* An ACK is owed within @delay_ns; the first one counts. */
void timers_ack_owed(struct tcp_timers *t, int64_t delay_ns, struct mono now);

/* A segment with an ACK was sent. */
void timers_ack_sent(struct tcp_timers *t);

/*
 * TIMER_KEEPALIVE fired and the probe was sent; false if that was one too many
 * and the connection is dead.
 */
bool timers_keepalive_sent(
    struct tcp_timers *t, const struct timer_config *c, struct mono now);

/* The socket's settings were changed. */
void timers_configured(struct tcp_timers *t, const struct timer_config *c,
    enum tcp_state s, struct mono now);

/* A state was entered; @orphan: the application has closed the socket. */
void timers_state_entered(struct tcp_timers *t, const struct timer_config *c,
    enum tcp_state s, bool orphan, struct mono now);

/* The application closed the socket in state @s. */
void timers_orphaned(struct tcp_timers *t, const struct timer_config *c,
    enum tcp_state s, struct mono now);

/* The peer's FIN came again in TIME-WAIT: 2 MSL anew. */
void timers_time_wait_again(
    struct tcp_timers *t, const struct timer_config *c, struct mono now);

/* ---- When ---- */

/* The next deadline: when timers_take() has something to give. */
struct mono timers_next(const struct tcp_timers *t);

/*
 * One timer whose time has come, now disarmed; TIMER_NONE if there is none.
 * To be called until it says so: the end of a connection comes first.
 */
enum tcp_timer timers_take(struct tcp_timers *t, struct mono now);

#endif /* TCPD_TIMERS_H */
