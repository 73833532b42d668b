/*
 * output.c - what a connection sends now, and in which order
 *
 *	handshake   SYN, SYN-ACK
 *	probes      of a lost tail, of a closed window, of a silent peer
 *	lost data   within the congestion window (RFC 6675, NextSeg)
 *	new data    within both windows; Nagle, silly windows (window.h); the
 *	            FIN behind the last byte
 *	an ACK      if one is due and nothing has carried it
 *
 * Called once for each connection that was touched, at the end of the turn.
 * Everything is decided from the TCB: what found no room is decided anew in the
 * next turn, and what was decided in a turn that did not commit never happened.
 */
#include "tcpd/isn.h"
#include "tcpd/pace.h"
#include "tcpd/segment.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

/* ---- A segment of a connection */

static struct outgoing begin(struct tcpd *t, struct tcb *c, tcp_seq seq)
{
	struct rcv_space space = conn_rcv_space(c);
	struct outgoing o = {
		.h = {
			.seq = seq,
			.ack = c->rcv_nxt,
			.flags = TCP_ACK,
			.window = window_announce(
			    &c->adv, c->rcv_nxt, &space),
		},
		.mss = c->mss,
	};

	if (c->flags & CONN_TS) {
		o.h.has_ts = true;
		o.h.ts_val = ts_clock(t->n.now, c->ts_offset);
		o.h.ts_ecr = c->paws.ts_recent;
	}
	return o;
}

/* False: no room; the announced edge stays where it was. */
static bool send(struct tcpd *t, struct tcb *c, struct outgoing *o,
    enum ecn_segment kind, tcp_seq adv_before)
{
	struct ecn before = c->ecn;

	o->h.flags |= ecn_send(&c->ecn, kind, &o->ecn);
	if (!segment_send(t, c, o)) {
		c->ecn = before;
		c->adv = adv_before;
		return false;
	}
	c->acked = o->h.ack;
	ack_sent(&c->ack, o->len > 0);
	timers_ack_sent(&c->timers);
	c->stats.segs_out +=
	    o->len > o->mss && o->mss > 0 ? (o->len + o->mss - 1) / o->mss : 1;
	return true;
}

/* ---- SYN and SYN-ACK */

static struct outgoing begin_syn(struct tcpd *t, struct tcb *c)
{
	bool active = c->state == TCP_SYN_SENT;
	struct rcv_space space = conn_rcv_space(c);
	struct outgoing o = {
		.h = {
			.seq = c->iss,
			.ack = active ? seq_of(0) : c->rcv_nxt,
			.flags = active ? TCP_SYN : TCP_SYN | TCP_ACK,
			.window = window_announce_syn(
			    &c->adv, c->rcv_nxt, &space),
			.has_mss = true,
			.mss = c->rmss,
			.has_wscale = active ? t->config.window_scale
					     : (c->flags & CONN_WSCALE) != 0,
			.wscale = c->rcv_scale,
			.sack_permitted = active
			    ? t->config.sack
			    : (c->flags & CONN_SACK) != 0,
			.has_ts = active ? t->config.timestamps
					 : (c->flags & CONN_TS) != 0,
		},
	};

	if (o.h.has_ts) {
		o.h.ts_val = ts_clock(t->n.now, c->ts_offset);
		o.h.ts_ecr = active ? 0 : c->paws.ts_recent;
	}
	o.h.flags |= active
	    ? ecn_syn_flags(&c->ecn, t->config.ecn, c->timers.retransmits)
	    : ecn_syn_ack_flags(&c->ecn);
	return o;
}

/* False: no room. */
static bool send_syn(struct tcpd *t, struct tcb *c)
{
	bool first = seq_eq(sb_end(&c->sb), c->iss);
	struct timer_config timers = conn_timers(t, c);
	struct ecn before = c->ecn;
	struct outgoing o = begin_syn(t, c);

	if (!segment_send(t, c, &o)) {
		c->ecn = before;
		return false;
	}
	c->stats.segs_out++;
	c->acked = o.h.ack;
	ack_sent(&c->ack, false);
	timers_ack_sent(&c->timers);
	if (first) {
		sb_sent(&c->sb, 1, t->n.now, 0);
	} else {
		sb_resent(
		    &c->sb, c->iss, seq_add(c->iss, 1), SB_LOST, t->n.now);
		c->stats.retransmits++;
		node_count(&t->n, CNT_TCP_RETRANSMITTED);
	}
	timers_data_sent(&c->timers, &timers, c->rtt.rto_ns, 0, t->n.now);
	return true;
}

/* ---- Data */

static bool fin_is_due(const struct tcb *c)
{
	return (c->flags & CONN_TX_SHUT) && !(c->flags & CONN_FIN_SENT);
}

/* Bytes past SND.NXT that the peer's window has room for. */
static uint32_t window_room(const struct tcb *c)
{
	int32_t room =
	    seq_diff(seq_add(c->sb.f.una, c->snd.wnd), sb_end(&c->sb));

	return room > 0 ? (uint32_t)room : 0;
}

static void count_data(
    struct tcpd *t, struct tcb *c, const struct outgoing *o, bool again)
{
	uint32_t pieces =
	    o->len > 0 && o->mss > 0 ? (o->len + o->mss - 1) / o->mss : 1;

	c->stats.data_segs_out += pieces;
	c->stats.bytes_sent += o->len;
	c->stats.data_sent = t->n.now;
	if (!again)
		return;
	c->stats.bytes_retransmitted += o->len;
	c->stats.retransmits += pieces;
	t->n.counter[CNT_TCP_RETRANSMITTED] += pieces;
}

/*
 * [left, right) once more, because of @rule.  The FIN, if it is part of it, is
 * the last number; a FIN alone is a segment without data.
 */
static bool resend(
    struct tcpd *t, struct tcb *c, struct seq_range r, enum sb_rule rule)
{
	bool fin =
	    (c->flags & CONN_FIN_SENT) && seq_eq(r.right, sb_end(&c->sb));
	tcp_seq adv = c->adv;
	struct outgoing o = begin(t, c, r.left);
	uint32_t len = seq_len(r.left, r.right);

	o.at = conn_tx_count(c, r.left);
	o.len = len - fin;
	o.h.flags |= fin ? TCP_FIN : 0;
	if (o.at + o.len == c->tx_end)
		o.h.flags |= TCP_PSH;
	if (!send(t, c, &o, ECN_RETRANSMIT, adv))
		return false;
	sb_resent(&c->sb, r.left, r.right, rule, t->n.now);
	loss_sent(t, c, len, true);
	timers_repair_sent(&c->timers, c->rtt.rto_ns, t->n.now);
	count_data(t, c, &o, true);
	return true;
}

/* Idle for long: the window is not what the path can bear any more. */
static void restart_after_idle(struct tcpd *t, struct tcb *c)
{
	struct cc_view v = loss_view(t, c, 0);

	if (c->stats.data_sent.ns != 0 && v.flight == 0)
		cc_idle(&c->cc, &v, mono_since(t->n.now, c->stats.data_sent),
		    c->rtt.rto_ns);
}

/* @len new bytes, and the FIN if @fin. */
static bool send_new(
    struct tcpd *t, struct tcb *c, uint32_t len, bool fin, bool limited)
{
	struct timer_config timers = conn_timers(t, c);
	tcp_seq adv = c->adv;
	tcp_seq seq = sb_end(&c->sb);
	struct outgoing o = begin(t, c, seq);
	struct cc_view v;

	o.at = conn_tx_count(c, seq);
	o.len = len;
	o.h.flags |= fin ? TCP_FIN : 0;
	if (o.at + len == c->tx_end)
		o.h.flags |= TCP_PSH;
	if (node_measuring(&t->n))
		apps_measure(&t->streams.apps, c->sock, o.at, o.at + len);
	if (!send(t, c, &o, len > 0 ? ECN_NEW_DATA : ECN_PURE_ACK, adv))
		return false;
	if (node_measuring(&t->n))
		node_measure_done(&t->n);
	sb_sent(&c->sb, len + fin, t->n.now, rtt_min(&c->rtt) / 16);
	rate_sent(t, c, seq);
	if (fin)
		c->flags |= CONN_FIN_SENT;
	if (len % c->mss != 0) {
		c->small_end = sb_end(&c->sb);
		c->flags |= CONN_SMALL;
	}
	loss_sent(t, c, len + fin, false);
	pace_sent(c, len, t->n.now);
	v = loss_view(t, c, 0);
	cc_sent(&c->cc, &v, limited);
	timers_data_sent(&c->timers, &timers, c->rtt.rto_ns,
	    loss_probe_after(t, c), t->n.now);
	count_data(t, c, &o, false);
	return true;
}

/* How many new bytes may go now. */
static uint32_t new_bytes(const struct tcb *c, uint32_t room)
{
	struct send_question q = {
		.snd_una = c->sb.f.una,
		.snd_nxt = sb_end(&c->sb),
		.room = room,
		.queued = conn_unsent(c),
		.mss = c->mss,
		.max_wnd = c->snd.max_wnd,
		.small_end = c->small_end,
		.has_small = (c->flags & CONN_SMALL) != 0,
		.nodelay = (c->o.flags & TSOCK_NODELAY) != 0,
		.cork = (c->o.flags & TSOCK_CORK) || c->tx_more,
		.fin = (c->flags & CONN_TX_SHUT) != 0,
		.override = (c->flags & CONN_WANT_OVERRIDE) != 0,
	};

	return window_may_send(&q);
}

static uint32_t super_segment(const struct tcb *c, uint32_t len)
{
	/* One segment alone fits the link, however large. */
	uint32_t most =
	    c->mss < SUPER_MAX ? SUPER_MAX / c->mss * c->mss : c->mss;

	return len < most ? len : most;
}

enum sent {
	SENT_NOTHING,
	SENT_SOME,
	SENT_NO_ROOM,
};

/* One lost range, or as much of it as may go. */
static enum sent send_lost(struct tcpd *t, struct tcb *c)
{
	uint32_t room = loss_allowance(c);
	struct seq_range r;

	if (c->hold != HOLD_NOTHING || sb_lost(&c->sb) == 0) {
		c->flags &= ~(uint32_t)CONN_WANT_RESEND;
		return SENT_NOTHING;
	}
	if ((c->flags & CONN_WANT_RESEND) && room < c->mss)
		room = c->mss;
	room = super_segment(c, room / c->mss * c->mss);
	if (room == 0 || sb_next_seg(&c->sb, room, 0, false, &r) != SB_LOST)
		return SENT_NOTHING;
	if (!resend(t, c, r, SB_LOST))
		return SENT_NO_ROOM;
	c->flags &= ~(uint32_t)CONN_WANT_RESEND;
	return SENT_SOME;
}

/* New data, as both windows and the pace allow; at last the FIN. */
static enum sent send_next(struct tcpd *t, struct tcb *c)
{
	uint32_t cwnd = loss_allowance(c);
	uint32_t wnd = window_room(c);
	uint32_t queued = conn_unsent(c);
	uint32_t len = new_bytes(c, cwnd < wnd ? cwnd : wnd);
	bool limited = len < queued && cwnd < wnd;
	uint32_t paced =
	    t->config.pacing ? pace_room(c, c->mss, t->n.now) : UINT32_MAX;
	bool fin;

	if (len > 0 && paced == 0) {
		c->flags |= CONN_PACED;
		return SENT_NOTHING;
	}
	len = super_segment(c, len < paced ? len : paced);
	/* The FIN needs a number within the window, but no cwnd of its own. */
	fin = fin_is_due(c) && len == queued && wnd > len;
	if (len == 0 && !fin)
		return SENT_NOTHING;
	return send_new(t, c, len, fin, limited) ? SENT_SOME : SENT_NO_ROOM;
}

/* ---- Probes */

/* RFC 8985, 7.3. */
static bool probe_loss(struct tcpd *t, struct tcb *c)
{
	uint32_t unsent = conn_unsent(c);
	uint32_t wnd = window_room(c);
	enum tlp_probe what =
	    tlp_timer(&c->tlp, &c->rtt, unsent > 0 && wnd >= c->mss);
	struct seq_range r;
	bool done = true;

	/* All has been acknowledged while it waited for room. */
	if (seq_eq(c->sb.f.una, sb_end(&c->sb))) {
		c->flags &= ~(uint32_t)CONN_WANT_LOSS_PROBE;
		return true;
	}
	if (what == TLP_NEW)
		done = send_new(
		    t, c, unsent < c->mss ? unsent : c->mss, false, false);
	else if (what == TLP_LAST && sb_highest(&c->sb, c->mss, &r))
		done = resend(t, c, r, SB_PROBE);
	if (!done)
		return false;
	c->flags &= ~(uint32_t)CONN_WANT_LOSS_PROBE;
	if (what != TLP_NONE) {
		tlp_sent(&c->tlp, what, sb_end(&c->sb), &c->rtt);
		node_count(&t->n, CNT_TCP_LOSS_PROBES);
	}
	timers_loss_probe_sent(&c->timers, c->rtt.rto_ns, t->n.now);
	return true;
}

/*
 * A byte beyond the closed window, the same one every time; or the FIN.  It has
 * a number and so is in the scoreboard, but the probe's timer stays.
 */
static bool probe_window(struct tcpd *t, struct tcb *c)
{
	tcp_seq una = c->sb.f.una;
	tcp_seq next = seq_add(una, 1);
	bool first = seq_eq(una, sb_end(&c->sb));
	bool fin = first
	    ? conn_unsent(c) == 0 && fin_is_due(c)
	    : (c->flags & CONN_FIN_SENT) && seq_eq(next, sb_end(&c->sb));
	tcp_seq adv = c->adv;
	struct outgoing o;

	/* Or the window has opened while it waited for room. */
	if (c->timers.loss_kind != TIMER_WINDOW_PROBE ||
	    (first && !fin && conn_unsent(c) == 0)) {
		c->flags &= ~(uint32_t)CONN_WANT_WINDOW_PROBE;
		return true;
	}
	o = begin(t, c, una);
	o.at = c->tx_una;
	o.len = !fin;
	o.h.flags |= fin ? TCP_FIN : 0;
	if (!send(t, c, &o, ECN_RETRANSMIT, adv))
		return false;
	if (first)
		sb_sent(&c->sb, 1, t->n.now, 0);
	else
		sb_resent(&c->sb, una, next, SB_PROBE, t->n.now);
	if (fin)
		c->flags |= CONN_FIN_SENT;
	c->flags &= ~(uint32_t)CONN_WANT_WINDOW_PROBE;
	count_data(t, c, &o, !first);
	node_count(&t->n, CNT_TCP_WINDOW_PROBES);
	return true;
}

/* RFC 9293, 3.8.4: an old number, so that it is answered. */
static bool probe_peer(struct tcpd *t, struct tcb *c)
{
	tcp_seq adv = c->adv;
	struct outgoing o = begin(t, c, seq_sub(sb_end(&c->sb), 1));

	if (!send(t, c, &o, ECN_PURE_ACK, adv))
		return false;
	c->flags &= ~(uint32_t)CONN_WANT_KEEPALIVE;
	node_count(&t->n, CNT_TCP_KEEPALIVES);
	return true;
}

static bool send_probes(struct tcpd *t, struct tcb *c)
{
	if ((c->flags & CONN_WANT_LOSS_PROBE) && !probe_loss(t, c))
		return false;
	if ((c->flags & CONN_WANT_WINDOW_PROBE) && !probe_window(t, c))
		return false;
	return !(c->flags & CONN_WANT_KEEPALIVE) || probe_peer(t, c);
}

/* ---- ACKs */

/* Blocks go with ACKs that have no data: those are all of one size. */
static bool send_ack(struct tcpd *t, struct tcb *c)
{
	tcp_seq adv = c->adv;
	struct sack_rx before = c->sack_rx;
	struct outgoing o = begin(t, c, sb_end(&c->sb));

	if (c->flags & CONN_SACK)
		o.h.nsack = (uint8_t)sack_rx_take(&c->sack_rx, o.h.sack,
		    c->flags & CONN_TS ? TCP_MAX_SACK - 1 : TCP_MAX_SACK,
		    t->config.dsack);
	if (send(t, c, &o, ECN_PURE_ACK, adv))
		return true;
	c->sack_rx = before;
	return false;
}

static bool has_blocks(const struct tcb *c)
{
	return (c->flags & CONN_SACK) &&
	    (c->sack_rx.ooo.n > 0 || c->sack_rx.has_dsack);
}

/* What the data has not carried.  @urgent: an ACK was due before it. */
static bool send_owed(struct tcpd *t, struct tcb *c, bool urgent)
{
	switch (ack_judge_when(&c->ack)) {
	case ACK_NOW:
		return send_ack(t, c);
	case ACK_LATER:
		node_note(&t->n, "connection %u: its ACK may wait for data",
		    conn_id(t, c));
		timers_ack_owed(&c->timers, t->config.ack_delay_ns, t->n.now);
		break;
	case ACK_NONE:
		if (urgent && has_blocks(c))
			return send_ack(t, c);
		break;
	}
	return true;
}

/* ---- All of it */

/* What waits only for the window must be asked for. */
static void watch_window(struct tcpd *t, struct tcb *c)
{
	struct timer_config timers = conn_timers(t, c);

	if (seq_eq(c->sb.f.una, sb_end(&c->sb)) &&
	    (conn_unsent(c) > 0 || fin_is_due(c)))
		timers_window_closed(
		    &c->timers, &timers, c->rtt.rto_ns, t->n.now);
}

static bool send_data(struct tcpd *t, struct tcb *c)
{
	enum sent lost, next;

	c->flags &= ~(uint32_t)CONN_PACED;
	/* A closed window's byte is the probe's. */
	if (c->timers.loss_kind == TIMER_WINDOW_PROBE && c->snd.wnd == 0)
		return true;
	do
		lost = send_lost(t, c);
	while (lost == SENT_SOME);
	if (lost == SENT_NO_ROOM)
		return false;
	if (conn_unsent(c) > 0)
		restart_after_idle(t, c);
	do
		next = send_next(t, c);
	while (next == SENT_SOME);
	if (next == SENT_NO_ROOM)
		return false;
	c->flags &= ~(uint32_t)CONN_WANT_OVERRIDE;
	watch_window(t, c);
	return true;
}

static bool send_handshake(struct tcpd *t, struct tcb *c)
{
	if (seq_eq(sb_end(&c->sb), c->iss) || sb_lost(&c->sb) > 0)
		return send_syn(t, c);
	if (c->state == TCP_SYN_RECEIVED && ack_judge_when(&c->ack) == ACK_NOW)
		return send_ack(t, c);
	return true;
}

/* Routes may have another MTU now. */
static void look_at_routes(struct tcpd *t, struct tcb *c)
{
	if (c->fib_seen == t->fib_turn)
		return;
	c->fib_seen = t->fib_turn;
	sender_set_mss(t, c);
}

/* For TCP_INFO: how long it was kept from sending, and by what. */
static void note_limit(struct tcpd *t, struct tcb *c)
{
	int64_t ns = mono_since(t->n.now, c->stats.limited_since);
	uint32_t used = (uint32_t)(c->tx_end - c->tx_una);
	enum conn_limit now = LIMIT_NETWORK;

	if (c->stats.limited_by != LIMIT_IDLE)
		c->stats.busy_ns += ns;
	if (c->stats.limited_by == LIMIT_WINDOW)
		c->stats.rwnd_limited_ns += ns;
	if (c->stats.limited_by == LIMIT_BUFFER)
		c->stats.sndbuf_limited_ns += ns;
	if (used == 0)
		now = LIMIT_IDLE;
	else if (conn_unsent(c) > 0 && window_room(c) < c->mss)
		now = LIMIT_WINDOW;
	else if (conn_unsent(c) == 0 && used + c->mss > (uint32_t)c->o.sndbuf)
		now = LIMIT_BUFFER;
	c->stats.limited_by = (uint8_t)now;
	c->stats.limited_since = t->n.now;
}

bool output_conn(struct tcpd *t, uint32_t id)
{
	struct tcb *c = conn_touch(t, id);
	bool urgent = ack_judge_when(&c->ack) == ACK_NOW;
	bool done;

	if (listen_is_over(t, c)) {
		listen_forget(t, c);
		return true;
	}
	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
		return send_handshake(t, c);
	look_at_routes(t, c);
	done = send_probes(t, c) && send_data(t, c) && send_owed(t, c, urgent);
	note_limit(t, c);
	return done;
}

struct mono output_deadline(const struct tcb *c)
{
	struct mono at = timers_next(&c->timers);

	if (c->flags & CONN_PACED)
		at = mono_min(at, c->pace_at);
	return c->path_mtu != 0 ? mono_min(at, c->path_mtu_until) : at;
}
