/*
 * timers.c - the timers of a connection, driven by what happens to it
 */
#include "tcpd/timers.h"

#include "tcpd/window.h"

static bool armed(struct mono t)
{
	return t.ns != MONO_NEVER.ns;
}

static void count(uint8_t *n)
{
	if (*n < UINT8_MAX)
		(*n)++;
}

void timers_begin(struct tcp_timers *t)
{
	*t = (struct tcp_timers){
		.loss = MONO_NEVER,
		.rto = MONO_NEVER,
		.ack = MONO_NEVER,
		.idle = MONO_NEVER,
		.give_up = MONO_NEVER,
		.end = MONO_NEVER,
	};
}

static void arm_loss(
    struct tcp_timers *t, enum tcp_timer kind, int64_t ns, struct mono now)
{
	t->loss = mono_add(now, ns);
	t->loss_kind = (uint8_t)kind;
}

static void stop_loss(struct tcp_timers *t)
{
	t->loss = MONO_NEVER;
	t->rto = MONO_NEVER;
	t->loss_kind = TIMER_NONE;
}

static void arm_end(
    struct tcp_timers *t, enum tcp_timer kind, int64_t ns, struct mono now)
{
	t->end = mono_add(now, ns);
	t->end_kind = (uint8_t)kind;
}

/* From the first unacknowledged byte on; each advance begins it anew. */
static void arm_give_up(
    struct tcp_timers *t, const struct timer_config *c, struct mono now)
{
	t->give_up = c->user_timeout_ns != 0 ? mono_add(now, c->user_timeout_ns)
					     : MONO_NEVER;
}

static void arm_keepalive(
    struct tcp_timers *t, const struct timer_config *c, struct mono now)
{
	t->keepalives = 0;
	t->idle = c->keepalive_idle_ns != 0
	    ? mono_add(now, c->keepalive_idle_ns)
	    : MONO_NEVER;
}

/* Retransmission is due @rto_ns from now, and nothing else is waited for. */
static void arm_rto(struct tcp_timers *t, int64_t rto_ns, struct mono now)
{
	arm_loss(t, TIMER_RETRANSMIT, rto_ns, now);
	t->rto = t->loss;
}

/* A tail loss probe, but no later than retransmission is due. */
static void arm_pto(struct tcp_timers *t, int64_t pto_ns, struct mono now)
{
	if (pto_ns == 0)
		return;
	arm_loss(t, TIMER_LOSS_PROBE, pto_ns, now);
	t->loss = mono_min(t->loss, t->rto);
}

/* ---- Sending ---- */

void timers_data_sent(struct tcp_timers *t, const struct timer_config *c,
    int64_t rto_ns, int64_t pto_ns, struct mono now)
{
	/* RFC 6298, 5.1: a running timer goes on. */
	if (!armed(t->rto))
		arm_rto(t, rto_ns, now);
	/*
	 * RFC 8985, 7.2: a probe is put off by new data.  After a timeout or a
	 * probe, and while RACK waits, there is none: pto_ns is 0 then.
	 */
	if (t->loss_kind != TIMER_REORDER)
		arm_pto(t, pto_ns, now);
	if (!armed(t->give_up))
		arm_give_up(t, c, now);
	t->idle = MONO_NEVER; /* MUST-26: not while data is outstanding */
}

void timers_repair_sent(struct tcp_timers *t, int64_t rto_ns, struct mono now)
{
	if (!armed(t->rto) || t->loss_kind == TIMER_LOSS_PROBE)
		arm_rto(t, rto_ns, now);
}

void timers_timeout_sent(struct tcp_timers *t, int64_t rto_ns, struct mono now)
{
	count(&t->retransmits);
	arm_rto(t, rto_ns, now); /* RFC 6298, 5.6 */
}

void timers_loss_probe_sent(
    struct tcp_timers *t, int64_t rto_ns, struct mono now)
{
	arm_rto(t, rto_ns, now);
}

void timers_reorder_wait(
    struct tcp_timers *t, int64_t wait_ns, int64_t rto_ns, struct mono now)
{
	arm_loss(t, TIMER_REORDER, wait_ns, now);
	t->rto = mono_add(t->loss, rto_ns);
}

void timers_ack_advanced(struct tcp_timers *t, const struct timer_config *c,
    bool left, int64_t rto_ns, int64_t pto_ns, struct mono now)
{
	t->retransmits = 0;
	if (left) {
		arm_rto(t, rto_ns, now); /* RFC 6298, 5.3 */
		arm_pto(t, pto_ns, now);
		arm_give_up(t, c, now);
		return;
	}
	stop_loss(t); /* 5.2 */
	t->give_up = MONO_NEVER;
	arm_keepalive(t, c, now);
}

/* ---- A closed window ---- */

static void arm_probe(struct tcp_timers *t, const struct timer_config *c,
    int64_t rto_ns, struct mono now)
{
	int64_t ns = window_probe_after_ns(t->probes, rto_ns, c->probe_max_ns);

	arm_loss(t, TIMER_WINDOW_PROBE, ns, now);
}

void timers_window_closed(struct tcp_timers *t, const struct timer_config *c,
    int64_t rto_ns, struct mono now)
{
	if (armed(t->loss))
		return; /* data in flight brings news as well */
	t->probes = 0;
	arm_probe(t, c, rto_ns, now);
	if (!armed(t->give_up))
		arm_give_up(t, c, now);
	t->idle = MONO_NEVER;
}

void timers_window_probe_sent(struct tcp_timers *t,
    const struct timer_config *c, int64_t rto_ns, struct mono now)
{
	count(&t->probes);
	arm_probe(t, c, rto_ns, now);
}

void timers_window_opened(struct tcp_timers *t)
{
	if (t->loss_kind != TIMER_WINDOW_PROBE)
		return;
	stop_loss(t);
	t->probes = 0;
	t->give_up = MONO_NEVER;
}

/* ---- Receiving ---- */

void timers_heard(
    struct tcp_timers *t, const struct timer_config *c, struct mono now)
{
	if (armed(t->idle))
		arm_keepalive(t, c, now);
	/* MUST-37: a peer that answers probes may keep its window closed. */
	if (armed(t->loss) && t->loss_kind == TIMER_WINDOW_PROBE)
		arm_give_up(t, c, now);
}

void timers_ack_owed(struct tcp_timers *t, int64_t delay_ns, struct mono now)
{
	t->ack = mono_min(t->ack, mono_add(now, delay_ns));
}

void timers_ack_sent(struct tcp_timers *t)
{
	t->ack = MONO_NEVER;
}

/* ---- Keepalive and settings ---- */

/* With a user timeout the count does not matter, as in Linux. */
static bool keepalives_are_in_vain(
    const struct tcp_timers *t, const struct timer_config *c)
{
	int64_t silent_ns =
	    c->keepalive_idle_ns + t->keepalives * c->keepalive_interval_ns;

	if (c->user_timeout_ns == 0)
		return t->keepalives >= c->keepalive_probes;
	return t->keepalives > 0 && silent_ns >= c->user_timeout_ns;
}

bool timers_keepalive_sent(
    struct tcp_timers *t, const struct timer_config *c, struct mono now)
{
	if (keepalives_are_in_vain(t, c))
		return false;
	count(&t->keepalives);
	t->idle = mono_add(now, c->keepalive_interval_ns);
	return true;
}

void timers_configured(struct tcp_timers *t, const struct timer_config *c,
    enum tcp_state s, struct mono now)
{
	/* Something is outstanding: its clocks go by the new values. */
	if (armed(t->give_up) || armed(t->loss))
		arm_give_up(t, c, now);
	else if (tcp_state_synchronized(s) && s != TCP_TIME_WAIT)
		arm_keepalive(t, c, now);
}

/* ---- States ---- */

void timers_state_entered(struct tcp_timers *t, const struct timer_config *c,
    enum tcp_state s, bool orphan, struct mono now)
{
	switch (s) {
	case TCP_CLOSED:
	case TCP_LISTEN:
		timers_begin(t);
		return;
	case TCP_TIME_WAIT:
		/* An ACK that is owed still goes out; nothing else is. */
		stop_loss(t);
		t->idle = MONO_NEVER;
		t->give_up = MONO_NEVER;
		arm_end(t, TIMER_TIME_WAIT, c->time_wait_ns, now);
		return;
	case TCP_FIN_WAIT_2:
		if (orphan)
			arm_end(t, TIMER_FIN_WAIT_2, c->fin_wait_2_ns, now);
		return;
	case TCP_ESTABLISHED:
		if (!armed(t->loss))
			arm_keepalive(t, c, now);
		return;
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_FIN_WAIT_1:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_NSTATES:
		/* What is sent in them brings its own timer. */
		return;
	}
}

void timers_orphaned(struct tcp_timers *t, const struct timer_config *c,
    enum tcp_state s, struct mono now)
{
	if (s == TCP_FIN_WAIT_2)
		arm_end(t, TIMER_FIN_WAIT_2, c->fin_wait_2_ns, now);
}

void timers_time_wait_again(
    struct tcp_timers *t, const struct timer_config *c, struct mono now)
{
	arm_end(t, TIMER_TIME_WAIT, c->time_wait_ns, now);
}

/* ---- When ---- */

struct mono timers_next(const struct tcp_timers *t)
{
	struct mono next = mono_min(t->loss, t->ack);

	next = mono_min(next, t->idle);
	next = mono_min(next, t->give_up);
	return mono_min(next, t->end);
}

static bool take(struct mono *at, struct mono now)
{
	if (!mono_reached(*at, now))
		return false;
	*at = MONO_NEVER;
	return true;
}

/*
 * After a timeout or a probe the caller says what it sent, and that arms the
 * next.  But where RACK finds nothing lost, nothing is sent, and data must not
 * lie without a timer.
 */
static enum tcp_timer loss_fired(struct tcp_timers *t)
{
	enum tcp_timer kind = (enum tcp_timer)t->loss_kind;

	if (kind == TIMER_REORDER) {
		t->loss = t->rto;
		t->loss_kind = TIMER_RETRANSMIT;
	} else {
		t->rto = MONO_NEVER;
		t->loss_kind = TIMER_NONE;
	}
	return kind;
}

enum tcp_timer timers_take(struct tcp_timers *t, struct mono now)
{
	if (take(&t->end, now))
		return (enum tcp_timer)t->end_kind;
	if (take(&t->give_up, now))
		return TIMER_USER_TIMEOUT;
	if (take(&t->loss, now))
		return loss_fired(t);
	if (take(&t->ack, now))
		return TIMER_ACK;
	if (take(&t->idle, now))
		return TIMER_KEEPALIVE;
	return TIMER_NONE;
}
