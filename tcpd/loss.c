/*
 * loss.c - what is lost, and how the windows answer
 *
 *	found by     RACK (RFC 8985) with SACK, else three duplicate ACKs and
 *	             partial ones (RFC 6582); the retransmission timer
 *	             (RFC 6298)
 *	answered by  cc.h, once for each window; PRR (RFC 9937) says how fast
 *	             in fast recovery; slow start after a timeout
 *	undone by    Eifel (RFC 3522, 4015) with timestamps, F-RTO (RFC 5682)
 *	             without, DSACK (RFC 3708) for all of a recovery
 *
 * NewReno has no scoreboard of what has arrived: each duplicate ACK stands for
 * a segment (RFC 9937, 6.2), kept in dup_bytes until the ACK that covers it.
 */
#include "tcpd/isn.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

enum {
	/* Timeouts of a full segment until the path is held for a black hole.
	 */
	BLACK_HOLE_TIMEOUTS = 2,
	DUP_THRESH = 3,
	LIMITED_TRANSMIT = 2, /* RFC 3042 */
	FRTO_NEW = 2,         /* segments, RFC 5682, step 2b */
	/*
	 * A tail loss probe is not due earlier than this, however short the
	 * round trip: a peer, or a daemon of ours, that gets no CPU for a
	 * moment has lost nothing.
	 */
	PROBE_LEAST_NS = 10 * NS_PER_MS,
};

static uint32_t flight(const struct tcb *c)
{
	return seq_len(c->sb.f.una, sb_end(&c->sb));
}

/* In flight as far as it is known. */
static uint32_t pipe_of(const struct tcb *c)
{
	uint32_t pipe = sb_pipe(&c->sb);

	return pipe > c->dup_bytes ? pipe - c->dup_bytes : 0;
}

struct cc_view loss_view(
    const struct tcpd *t, const struct tcb *c, uint32_t rtt_us)
{
	return (struct cc_view){
		.now = t->n.now,
		.snd_una = c->sb.f.una,
		.snd_nxt = sb_end(&c->sb),
		.flight = flight(c),
		.srtt_us = (uint32_t)(c->rtt.srtt_ns / 1000),
		.rtt_us = rtt_us,
	};
}

static struct rack_env env_of(const struct tcpd *t, const struct tcb *c)
{
	return (struct rack_env){
		.now = t->n.now,
		.min_rtt_ns = rtt_min(&c->rtt),
		.srtt_ns = c->rtt.srtt_ns,
		.smss = c->mss,
		.in_recovery = c->recovery != RECOVERY_NONE,
	};
}

/* ---- Phases */

static void begin_eifel(struct tcpd *t, struct tcb *c, bool by_timeout)
{
	struct eifel_before b = {
		.flight_size = flight(c),
		.ssthresh = c->cc.ssthresh,
		.granularity_ns = t->config.rtt.granularity_ns,
		.dup_acks = c->dup_acks,
		.by_timeout = by_timeout,
	};

	eifel_begin(&c->eifel, &b, &c->rtt);
	c->retransmitted = 0;
	c->dsacked = 0;
}

static void enter_fast(struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	struct cc_view v = loss_view(t, c, 0);

	begin_eifel(t, c, false);
	cc_lost(&c->cc, &v);
	ecn_window_reduced(&c->ecn);
	sb_enter_recovery(&c->sb);
	tlp_init(&c->tlp);
	prr_begin(&c->prr, c->cc.ssthresh, flight(c), sb_sacked(&c->sb),
	    n != NULL ? n->sb.delivered : 0, (c->flags & CONN_SACK) != 0);
	c->prr_cwnd = c->cc.cwnd;
	c->recovery = RECOVERY_FAST;
	c->flags |= CONN_WANT_RESEND;
	node_count(&t->n, CNT_TCP_FAST_RECOVERIES);
}

static void end_phase(struct tcb *c)
{
	c->recovery = RECOVERY_NONE;
	c->hold = HOLD_NOTHING;
	c->dup_acks = 0;
	c->dup_bytes = 0;
	rack_recovery_ended(&c->rack);
	eifel_end(&c->eifel);
}

static void leave(struct tcpd *t, struct tcb *c)
{
	struct cc_view v = loss_view(t, c, 0);

	if (c->recovery == RECOVERY_FAST)
		cc_recovery_left(&c->cc, &v, c->retransmitted);
	end_phase(c);
}

/* It was none: the window is again what it was. */
static void undo(struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	struct cc_view v = loss_view(t, c, n->rtt_us);

	node_count(&t->n, CNT_TCP_SPURIOUS);
	if (c->recovery == RECOVERY_RTO)
		c->flags |= CONN_SPURIOUS_RTO;
	sb_undo(&c->sb);
	/* With ECN-Echo the window stays (RFC 4015, step 9). */
	if (!ecn_echoed(&c->ecn, n->seg->h.flags))
		cc_undo(&c->cc, &v, n->sb.acked);
	end_phase(c);
	c->retransmitted = 0;
}

/* ---- Was it for nothing? */

static bool eifel_says_so(struct tcb *c, const struct ack_news *n)
{
	const struct tcp_hdr *h = &n->seg->h;
	struct eifel_ack a = {
		.has_ts = (c->flags & CONN_TS) && h->has_ts,
		.dsack = n->sb.dsack,
		.covers_all = seq_eq(c->sb.f.una, sb_end(&c->sb)),
		.ts_ecr = h->ts_ecr,
	};

	return n->sb.acked > 0 && eifel_ack(&c->eifel, &a) != SPUR_FALSE;
}

/* Every byte that was sent again has come twice. */
static bool dsack_says_so(struct tcb *c, const struct ack_news *n)
{
	if (!n->sb.dsack)
		return false;
	c->stats.dsack_dups++;
	eifel_dsack(&c->eifel);
	c->dsacked += seq_len(n->sb.duplicate.left, n->sb.duplicate.right);
	return c->retransmitted > 0 && c->dsacked >= c->retransmitted &&
	    sb_lost(&c->sb) == 0;
}

/* The timeout was real: slow start goes on with so many segments. */
static void frto_gives_up(struct tcb *c, uint32_t segments)
{
	c->hold = HOLD_NOTHING;
	if (segments > 0)
		c->cc.cwnd = segments * c->mss;
}

static bool frto_says_so(
    struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	uint32_t window_end = seq_len(c->sb.f.una, sb_end(&c->sb));
	struct frto_ack a = {
		.ack = n->seg->h.ack,
		.snd_max = sb_end(&c->sb),
		.fack = c->sb.fack,
		.advances = n->sb.acked > 0,
		.duplicate = n->duplicate || n->sb.dup_ack,
		.new_sack = n->sb.sacked > 0,
		.can_send = conn_unsent(c) > 0 && c->snd.wnd > window_end,
	};

	if (!t->config.frto)
		return false;
	switch (frto_ack(&c->frto, &a)) {
	case FRTO_NOT_RUNNING:
		break;
	case FRTO_WAIT:
		c->hold = HOLD_ALL;
		break;
	case FRTO_SEND_NEW:
		c->hold = HOLD_LOST;
		break;
	case FRTO_REAL:
		frto_gives_up(c, 0);
		break;
	case FRTO_REAL_2:
		frto_gives_up(c, 2);
		break;
	case FRTO_REAL_3:
		frto_gives_up(c, 3);
		break;
	case FRTO_SPURIOUS:
		return true;
	}
	return false;
}

static bool was_spurious(
    struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	bool by_dsack = dsack_says_so(c, n);
	bool by_eifel, by_frto;

	if (c->recovery == RECOVERY_NONE)
		return by_dsack;
	by_eifel = eifel_says_so(c, n);
	by_frto = frto_says_so(t, c, n);
	return by_dsack || by_eifel || by_frto;
}

/* ---- What is lost by an ACK: the bytes that newly are */

static void wait_for_more(struct tcpd *t, struct tcb *c, struct mono deadline)
{
	int64_t ns = mono_since(deadline, t->n.now);

	if (deadline.ns != MONO_NEVER.ns)
		timers_reorder_wait(
		    &c->timers, ns > 0 ? ns : 0, c->rtt.rto_ns, t->n.now);
}

static uint32_t lost_by_time(
    struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	struct rack_env env = env_of(t, c);
	struct mono deadline;
	uint32_t lost;

	rack_ack(&c->rack, &c->sb, &n->sb, t->n.now);
	lost = rack_detect_loss(&c->rack, &c->sb, &env, &deadline);
	wait_for_more(t, c, deadline);
	return lost;
}

static tcp_seq first_segment_end(const struct tcb *c)
{
	return seq_min(seq_add(c->sb.f.una, c->mss), sb_end(&c->sb));
}

/* RFC 6582, 3.2; without SACK. */
static uint32_t lost_by_duplicates(struct tcb *c, const struct ack_news *n)
{
	bool begins;

	if (n->duplicate) {
		if (c->dup_acks < UINT8_MAX)
			c->dup_acks++;
		/* Outside of a recovery: limited transmit (RFC 3042). */
		if (c->recovery == RECOVERY_FAST ||
		    (c->recovery == RECOVERY_NONE &&
			c->dup_acks <= LIMITED_TRANSMIT))
			c->dup_bytes += c->mss;
	} else if (n->sb.acked > 0) {
		c->dup_acks = 0;
		/* The first of it filled the hole; the rest was counted. */
		c->dup_bytes -=
		    c->dup_bytes < n->sb.acked ? c->dup_bytes : n->sb.acked;
		if (c->recovery != RECOVERY_FAST)
			c->dup_bytes = 0;
	}
	begins = c->dup_acks == DUP_THRESH && c->recovery == RECOVERY_NONE &&
	    seq_geq(c->sb.f.una, c->sb.recovery_point);
	/* A partial ACK shows the next hole. */
	if (begins || (c->recovery == RECOVERY_FAST && n->sb.acked > 0))
		return sb_mark_range(&c->sb, c->sb.f.una, first_segment_end(c));
	return 0;
}

/* ---- How the windows answer */

/* What an ACK has delivered; without SACK a duplicate is a segment. */
static uint32_t delivered_by(const struct tcb *c, const struct ack_news *n)
{
	if (c->flags & CONN_SACK)
		return n->sb.delivered;
	return n->duplicate ? c->mss : n->sb.acked;
}

static void take_ecn(struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	struct cc_view v = loss_view(t, c, n->rtt_us);

	c->stats.delivered_ce++;
	if (c->recovery == RECOVERY_NONE && cc_ecn_echo(&c->cc, &v))
		ecn_window_reduced(&c->ecn);
}

static void adjust_windows(
    struct tcpd *t, struct tcb *c, const struct ack_news *n, uint32_t lost)
{
	bool ece = ecn_echoed(&c->ecn, n->seg->h.flags);
	struct cc_view v = loss_view(t, c, n->rtt_us);
	struct prr_ack p = {
		.delivered = delivered_by(c, n),
		.in_flight = pipe_of(c),
		.smss = c->mss,
		.safe = n->sb.acked > 0 && lost == 0,
	};

	if (ece)
		take_ecn(t, c, n);
	if (c->recovery == RECOVERY_FAST)
		c->prr_cwnd = prr_ack(&c->prr, &p, c->prr_cwnd);
	else if (n->sb.acked > 0)
		cc_acked(&c->cc, &v, n->sb.acked, ece);
}

/* The probe has repaired a loss that nobody saw. */
static void take_probe(struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	struct cc_view v = loss_view(t, c, n->rtt_us);

	if (!tlp_ack(&c->tlp, n->seg->h.ack, &n->sb, n->duplicate))
		return;
	cc_lost(&c->cc, &v);
	cc_recovery_left(&c->cc, &v, c->mss);
	ecn_window_reduced(&c->ecn);
}

void loss_ack(struct tcpd *t, struct tcb *c, const struct ack_news *n)
{
	bool fast = c->recovery == RECOVERY_FAST;
	uint32_t lost;
	bool done;

	if (was_spurious(t, c, n))
		undo(t, c, n);
	done = c->recovery != RECOVERY_NONE &&
	    seq_geq(c->sb.f.una, c->sb.recovery_point);
	if (done)
		leave(t, c);
	lost = c->flags & CONN_SACK ? lost_by_time(t, c, n)
				    : lost_by_duplicates(c, n);
	take_probe(t, c, n);
	if (lost > 0 && c->recovery == RECOVERY_NONE)
		enter_fast(t, c, n);
	/* Fast recovery ends with the window that it was to have. */
	if (!done || !fast)
		adjust_windows(t, c, n, lost);
}

/* ---- Timers */

void loss_reorder_timer(struct tcpd *t, struct tcb *c)
{
	struct rack_env env = env_of(t, c);
	struct mono deadline;
	uint32_t lost = rack_detect_loss(&c->rack, &c->sb, &env, &deadline);

	wait_for_more(t, c, deadline);
	if (lost > 0 && c->recovery == RECOVERY_NONE)
		enter_fast(t, c, NULL);
	else if (lost > 0)
		c->flags |= CONN_WANT_RESEND;
}

/*
 * Full segments that go unheard while small ones pass are what a router without
 * ICMP makes of them (RFC 2923, 2.1; RFC 4821): try smaller ones.
 */
static void suspect_black_hole(struct tcpd *t, struct tcb *c)
{
	uint32_t headers = TCP_HDR_LEN + (ip_is_v4(&c->ends.remote) ? 20 : 40) +
	    (c->flags & CONN_TS ? 12 : 0);

	if (t->config.mtu_probing == 0 || c->mss <= t->config.base_mss ||
	    c->timers.retransmits < BLACK_HOLE_TIMEOUTS || flight(c) < c->mss)
		return;
	node_count(&t->n, CNT_TCP_BLACK_HOLES);
	sender_path_mtu(t, c, t->config.base_mss + headers);
}

static void mark_all_lost(struct tcpd *t, struct tcb *c, bool again)
{
	struct rack_env env = env_of(t, c);

	if (c->flags & CONN_SACK)
		rack_timeout(&c->rack, &c->sb, &env, again);
	else
		sb_timeout(&c->sb, c->mss, 0, again, t->n.now);
}

/* Of a SYN: there is no window yet. */
static void handshake_timeout(struct tcpd *t, struct tcb *c)
{
	sb_mark_range(&c->sb, c->iss, sb_end(&c->sb));
	rtt_backoff(&c->rtt, &t->config.rtt);
	timers_timeout_sent(&c->timers, c->rtt.rto_ns, t->n.now);
}

void loss_timeout(struct tcpd *t, struct tcb *c)
{
	bool again = c->timers.retransmits > 0;
	struct cc_view v = loss_view(t, c, 0);

	c->stats.timeouts++;
	node_count(&t->n, CNT_TCP_TIMEOUTS);
	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
		handshake_timeout(t, c);
		return;
	}
	begin_eifel(t, c, true);
	c->hold = HOLD_NOTHING;
	if (t->config.frto && !(c->flags & CONN_TS))
		frto_timeout(&c->frto, c->sb.f.una, sb_end(&c->sb),
		    first_segment_end(c), c->recovery == RECOVERY_FAST);
	suspect_black_hole(t, c);
	mark_all_lost(t, c, again);
	sb_enter_recovery(&c->sb);
	cc_timed_out(&c->cc, &v, again);
	ecn_window_reduced(&c->ecn);
	tlp_init(&c->tlp);
	rtt_backoff(&c->rtt, &t->config.rtt);
	c->recovery = RECOVERY_RTO;
	c->dup_acks = 0;
	c->dup_bytes = 0;
	c->flags |= CONN_WANT_RESEND;
	timers_timeout_sent(&c->timers, c->rtt.rto_ns, t->n.now);
}

/* ---- What may be sent */

uint32_t loss_allowance(const struct tcb *c)
{
	uint32_t wnd = c->recovery == RECOVERY_FAST ? c->prr_cwnd : c->cc.cwnd;
	uint32_t pipe = pipe_of(c);

	switch ((enum conn_hold)c->hold) {
	case HOLD_ALL:
		return 0;
	case HOLD_LOST:
		return FRTO_NEW * c->mss;
	case HOLD_NOTHING:
		break;
	}
	return wnd > pipe ? wnd - pipe : 0;
}

void loss_sent(struct tcpd *t, struct tcb *c, uint32_t len, bool again)
{
	if (c->recovery == RECOVERY_FAST)
		prr_sent(&c->prr, len);
	/* Two segments of new data, and the answer to them decides. */
	if (c->hold == HOLD_LOST)
		c->hold = HOLD_ALL;
	if (!again)
		return;
	c->retransmitted += len;
	if (c->flags & CONN_TS)
		eifel_retransmitted(
		    &c->eifel, ts_clock(t->n.now, c->ts_offset));
}

int64_t loss_probe_after(const struct tcpd *t, const struct tcb *c)
{
	bool in_recovery = c->recovery != RECOVERY_NONE;
	struct mono rto = mono_add(t->n.now, c->rtt.rto_ns);
	struct mono at;
	int64_t ns;

	if (!t->config.tail_loss_probe || !(c->flags & CONN_SACK) ||
	    c->tlp.pending || !tlp_may_arm(&c->sb, in_recovery) ||
	    flight(c) == 0 || !tcp_state_synchronized(c->state))
		return 0;
	at = tlp_deadline(
	    &c->rtt, flight(c) <= c->mss, t->config.rtt.min_ns, rto, t->n.now);
	ns = mono_since(at, t->n.now);
	return ns > PROBE_LEAST_NS ? ns : PROBE_LEAST_NS;
}
