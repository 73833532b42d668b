/*
 * timeout.c - a connection's timers that have fired
 *
 * Which there are and when they come is timers.h's; what each means is here.
 * A connection that gives up tells why: the ICMP error that was heard last
 * (RFC 9293, 3.9.2.2), else ETIMEDOUT.
 */
#include <errno.h>

#include "tcpd/send.h"
#include "tcpd/tcpd.h"

static int why_dead(const struct tcb *c)
{
	return c->soft_error != 0 ? c->soft_error : ETIMEDOUT;
}

/* How many retransmissions are the last (R2 of RFC 9293, 3.8.3). */
static uint32_t most_retries(const struct tcpd *t, const struct tcb *c)
{
	switch ((enum tcp_state)c->state) {
	case TCP_SYN_SENT:
		return c->o.syn_count != 0 ? c->o.syn_count
					   : t->config.syn_retries;
	case TCP_SYN_RECEIVED:
		return t->config.synack_retries;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_NSTATES:
		break;
	}
	return c->flags & CONN_ORPHAN ? t->config.orphan_retries
				      : t->config.retries;
}

/*
 * The window has shrunk to nothing over what was in flight.  What is sent again
 * then is a probe of it, and who answers those may go on for ever (RFC 9293,
 * MUST-35, MUST-37).
 */
static bool only_waits(const struct tcpd *t, const struct tcb *c)
{
	return c->snd.wnd == 0 && !(c->flags & CONN_ORPHAN) &&
	    tcp_state_synchronized(c->state) && c->state != TCP_SYN_RECEIVED &&
	    mono_since(t->n.now, c->stats.ack_received) <=
	    2 * t->config.rtt.max_ns;
}

/* Who has never answered is not waited for as long as a user wants. */
static bool counts_retries(const struct tcb *c, const struct timer_config *to)
{
	/* RFC 5482: with a user timeout the count does not matter. */
	return to->user_timeout_ns == 0 || c->state == TCP_SYN_SENT ||
	    c->state == TCP_SYN_RECEIVED;
}

/* False: the connection is no more. */
static bool retransmit(struct tcpd *t, struct tcb *c)
{
	struct timer_config timers = conn_timers(t, c);

	if (counts_retries(c, &timers) && !only_waits(t, c) &&
	    c->timers.retransmits >= most_retries(t, c)) {
		/* Who never answered is not told; he would not answer. */
		if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
			conn_end(t, c, why_dead(c));
		else
			conn_abort(t, c, why_dead(c));
		return false;
	}
	node_note(&t->n, "connection %u: not acknowledged in time, again",
	    conn_id(t, c));
	loss_timeout(t, c);
	return true;
}

/* As long as R2 of retransmissions about lasts: no answer to any probe. */
static bool is_silent(const struct tcpd *t, const struct tcb *c)
{
	int64_t long_ago = most_retries(t, c) * t->config.rtt.max_ns / 2;

	return c->timers.probes >= most_retries(t, c) &&
	    mono_since(t->n.now, c->stats.ack_received) > long_ago;
}

/*
 * For ever, as long as there are answers (RFC 9293, 3.8.6.1), but not for a
 * peer whom nobody waits for.
 */
static bool probe_window(struct tcpd *t, struct tcb *c)
{
	struct timer_config timers = conn_timers(t, c);

	if (((c->flags & CONN_ORPHAN) &&
		c->timers.probes >= t->config.orphan_retries) ||
	    (timers.user_timeout_ns == 0 && is_silent(t, c))) {
		conn_abort(t, c, why_dead(c));
		return false;
	}
	/* Open, but too little for a segment worth sending: now it goes. */
	c->flags |=
	    c->snd.wnd > 0 ? CONN_WANT_OVERRIDE : CONN_WANT_WINDOW_PROBE;
	timers_window_probe_sent(&c->timers, &timers, c->rtt.rto_ns, t->n.now);
	return true;
}

static bool keepalive(struct tcpd *t, struct tcb *c)
{
	struct timer_config timers = conn_timers(t, c);

	if (!timers_keepalive_sent(&c->timers, &timers, t->n.now)) {
		conn_abort(t, c, why_dead(c));
		return false;
	}
	c->flags |= CONN_WANT_KEEPALIVE;
	return true;
}

/* False: the connection is no more. */
static bool fired(struct tcpd *t, struct tcb *c, enum tcp_timer timer)
{
	switch (timer) {
	case TIMER_RETRANSMIT:
		return retransmit(t, c);
	case TIMER_LOSS_PROBE:
		c->flags |= CONN_WANT_LOSS_PROBE;
		return true;
	case TIMER_REORDER:
		loss_reorder_timer(t, c);
		return true;
	case TIMER_WINDOW_PROBE:
		return probe_window(t, c);
	case TIMER_ACK:
		c->ack.now = true;
		return true;
	case TIMER_KEEPALIVE:
		return keepalive(t, c);
	case TIMER_USER_TIMEOUT:
		conn_abort(t, c, why_dead(c));
		return false;
	case TIMER_FIN_WAIT_2:
		conn_end(t, c, 0);
		return false;
	case TIMER_TIME_WAIT: /* lingers have their own */
	case TIMER_NONE:
		break;
	}
	return true;
}

void timeout_conn(struct tcpd *t, uint32_t id)
{
	struct tcb *c = conn_touch(t, id);
	enum tcp_timer timer;

	if (c->path_mtu != 0 && mono_reached(c->path_mtu_until, t->n.now))
		sender_path_mtu(t, c, 0);
	do
		timer = timers_take(&c->timers, t->n.now);
	while (timer != TIMER_NONE && fired(t, c, timer));
}
