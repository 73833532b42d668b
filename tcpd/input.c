/*
 * input.c - a segment for a connection: RFC 9293, 3.10.7.4, step by step
 *
 *	first    sequence number   (PAWS before it, RFC 7323, 5.3)
 *	second   RST
 *	third    security          (none here)
 *	fourth   SYN
 *	fifth    ACK
 *	sixth    URG
 *	seventh  segment text
 *	eighth   FIN
 *
 * Each is a function that answers whether the segment lives on; a false means
 * that it was dropped and counted, or that the connection is no more.
 */
#include <errno.h>

#include "tcpd/send.h"
#include "tcpd/tcpd.h"

static bool drop(struct tcpd *t, const struct segment *seg, uint32_t reason)
{
	tcpd_drop(t, seg, reason);
	return false;
}

/* Refused: the peer is told where we are (MUST of the first step). */
static void answer_refused(
    struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	if (seg->h.flags & TCP_RST)
		return;
	/*
	 * With data it is the peer's own pace that bounds the answers; two
	 * that refuse each other's empty segments would never stop.
	 */
	if (seg->seg_len > 0)
		ack_at_once(&c->ack, ACK_REFUSED);
	else
		output_challenge(t, c);
}

/* ---- Before the first: PAWS */

static bool check_paws(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	const struct tcp_hdr *h = &seg->h;

	if (!(c->flags & CONN_TS) || (h->flags & TCP_SYN))
		return true;
	switch (paws_judge(&c->paws, (h->flags & TCP_RST) != 0, h->has_ts,
	    h->ts_val, t->n.now)) {
	case PAWS_OK:
		return true;
	case PAWS_OLD:
		answer_refused(t, c, seg);
		return drop(t, seg, CNT_TCP_PAWS);
	case PAWS_MISSING:
		return drop(t, seg, CNT_TCP_NO_TIMESTAMP);
	}
	return false;
}

/* ---- First: the sequence number */

static bool syn_came_again(struct tcpd *t, struct tcb *c, struct segment *seg)
{
	struct tcp_hdr *h = &seg->h;

	if (c->state != TCP_SYN_RECEIVED || !(h->flags & TCP_SYN) ||
	    (h->flags & TCP_RST) || !seq_eq(h->seq, c->irs))
		return false;
	if (!(h->flags & TCP_ACK)) {
		/* Our answer was lost: again. */
		tcpd_drop(t, seg, CNT_TCP_SYN_AGAIN);
		/* Asked no more, we agree no more (RFC 3168, 6.1.1.1). */
		if ((h->flags & (TCP_ECE | TCP_CWR)) != (TCP_ECE | TCP_CWR))
			ecn_syn_received(&c->ecn, ECN_OFF, h->flags);
		sb_mark_range(&c->sb, c->iss, seq_add(c->iss, 1));
		return true;
	}
	/* Simultaneous open (figure 8): the SYN we have, its ACK we need. */
	h->flags &= (uint16_t)~TCP_SYN;
	h->seq = seq_add(h->seq, 1);
	seg->seg_len--;
	return false;
}

static bool check_seq(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	tcp_seq seq = seg->h.seq;
	bool rst = (seg->h.flags & TCP_RST) != 0;

	switch (seg_judge(seq, seg->seg_len, c->rcv_nxt, conn_rcv_wnd(c))) {
	case SEG_OK:
		return true;
	case SEG_ACK_ONLY:
		if (seg->seg_len > 0) {
			node_count(&t->n, CNT_TCP_NO_WINDOW);
			ack_at_once(&c->ack, ACK_WINDOW);
		}
		return true;
	case SEG_OLD:
		if (seg->seg_len > 0 && !rst) {
			node_count(&t->n, CNT_TCP_DUPLICATES);
			sack_rx_duplicate(
			    &c->sack_rx, seq, seq_add(seq, seg->seg_len));
			ack_at_once(&c->ack, ACK_DUPLICATE_DATA);
		} else {
			answer_refused(t, c, seg);
		}
		return drop(t, seg, rst ? CNT_TCP_BAD_RST : CNT_TCP_OLD);
	case SEG_AHEAD:
		answer_refused(t, c, seg);
		return drop(t, seg, rst ? CNT_TCP_BAD_RST : CNT_TCP_AHEAD);
	}
	return false;
}

/* ---- Second: RST (with RFC 5961, 3.2) */

/* What the app is told, as by Linux. */
static int reset_error(const struct tcb *c)
{
	switch ((enum tcp_state)c->state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
		return ECONNREFUSED;
	case TCP_CLOSE_WAIT:
		return EPIPE;
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
		return ECONNRESET;
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_NSTATES:
		break;
	}
	return 0; /* both have closed: nobody loses anything */
}

static bool check_rst(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	if (!(seg->h.flags & TCP_RST))
		return true;
	switch (rst_judge(seg->h.seq, c->rcv_nxt, conn_rcv_wnd(c))) {
	case RST_RESET:
		node_count(&t->n, CNT_TCP_RESETS_RECEIVED);
		conn_end(t, c, reset_error(c));
		return false;
	case RST_CHALLENGE:
		output_challenge(t, c);
		return drop(t, seg, CNT_TCP_RST_CHALLENGED);
	case RST_DROP:
		break;
	}
	return drop(t, seg, CNT_TCP_BAD_RST);
}

/* ---- Fourth: SYN (with RFC 5961, 4.2) */

static bool check_syn(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	if (!(seg->h.flags & TCP_SYN))
		return true;
	tcpd_drop(t, seg, CNT_TCP_SYN_CHALLENGED);
	switch (syn_judge(c->state, (c->flags & CONN_PASSIVE) != 0)) {
	case SYN_LISTEN:
		conn_end(t, c, 0);
		break;
	case SYN_CHALLENGE:
	case SYN_REOPEN:
		output_challenge(t, c);
		break;
	case SYN_DROP:
		break;
	}
	return false;
}

/* ---- Fifth: ACK */

static bool handshake_ack(struct tcpd *t, struct tcb *c,
    const struct segment *seg, enum ack_verdict verdict)
{
	if (verdict != ACK_ADVANCES) {
		output_reset_for(t, seg);
		return drop(t, seg, CNT_TCP_BAD_ACK_SYN_RECEIVED);
	}
	if (c->flags & CONN_PASSIVE)
		return listen_complete(t, c, seg);
	handshake_done(t, c, seg);
	stream_established(&t->streams, c->sock);
	return true;
}

/* Our FIN is acknowledged: three states have waited for that. */
static bool fin_was_acked(
    struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	switch ((enum tcp_state)c->state) {
	case TCP_FIN_WAIT_1:
		conn_set_state(t, c, TCP_FIN_WAIT_2);
		/* TCP_LINGER2 below 0: nobody waits for the peer's FIN. */
		if ((c->flags & CONN_ORPHAN) && c->o.linger2_s < 0) {
			conn_abort(t, c, 0);
			return false;
		}
		return true;
	case TCP_CLOSING:
		conn_linger(t, c, seg);
		return false;
	case TCP_LAST_ACK:
		conn_end(t, c, 0);
		return false;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_TIME_WAIT:
	case TCP_NSTATES:
		break;
	}
	return true;
}

static bool check_ack(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	enum ack_verdict verdict;

	if (!(seg->h.flags & TCP_ACK))
		return drop(t, seg, CNT_TCP_NO_ACK);
	verdict =
	    ack_judge(seg->h.ack, c->sb.f.una, sb_end(&c->sb), c->snd.max_wnd);
	if (c->state == TCP_SYN_RECEIVED)
		return handshake_ack(t, c, seg, verdict);
	if (verdict == ACK_ANCIENT || verdict == ACK_UNSENT) {
		output_challenge(t, c);
		return drop(t, seg,
		    verdict == ACK_UNSENT ? CNT_TCP_ACK_UNSENT
					  : CNT_TCP_ACK_ANCIENT);
	}
	c->stats.ack_received = t->n.now;
	sender_ack(t, c, seg, verdict);
	if ((c->flags & CONN_ORPHAN) && c->sock != NO_SOCKET &&
	    c->tx_una == c->tx_end)
		stream_drained(&t->streams, c->sock);
	return !sender_fin_acked(c) || fin_was_acked(t, c, seg);
}

/* ---- Sixth: URG */

/*
 * Where urgent data ends is remembered; it stays in line with the rest (RFC
 * 9293, 3.8.5; RFC 6093, 6).
 */
static void check_urg(struct tcb *c, const struct segment *seg)
{
	tcp_seq up = seq_add(seg->h.seq, seg->h.urgent);

	if (!(seg->h.flags & TCP_URG) || !tcp_state_may_receive(c->state))
		return;
	if (!(c->flags & CONN_URGENT) || seq_gt(up, c->rcv_up)) {
		c->rcv_up = up;
		c->flags |= CONN_URGENT;
	}
}

/* ---- Seventh and eighth: text and FIN */

/* The user has closed and can't be given any more: RFC 9293, 3.6.1. */
static bool nobody_reads(const struct tcb *c, const struct seg_text *text)
{
	return (c->flags & CONN_ORPHAN) && text->len > 0;
}

static bool take_text(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	struct seg_text text = seg_trim(seg->h.seq, false, seg->len,
	    (seg->h.flags & TCP_FIN) != 0, c->rcv_nxt, conn_rcv_wnd(c));

	if (text.len == 0 && !text.fin)
		return true;
	if (!tcp_state_may_receive(c->state)) {
		/* After the peer's own FIN: it can't be. */
		tcpd_drop(t, seg, CNT_TCP_AFTER_FIN);
		ack_at_once(&c->ack, ACK_REFUSED);
		return true;
	}
	if (nobody_reads(c, &text)) {
		tcpd_drop(t, seg, CNT_TCP_AFTER_CLOSE);
		conn_abort(t, c, 0);
		return false;
	}
	c->stats.data_segs_in += segment_pieces(seg);
	receive_text(t, c, seg, &text);
	return true;
}

static void take_fin(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	if (!receive_ended(c) || !tcp_state_may_receive(c->state))
		return;
	ack_at_once(&c->ack, ACK_FIN);
	if (c->sock != NO_SOCKET)
		stream_readable(&t->streams, c->sock);
	switch ((enum tcp_state)c->state) {
	case TCP_ESTABLISHED:
		conn_set_state(t, c, TCP_CLOSE_WAIT);
		return;
	case TCP_FIN_WAIT_1: /* and ours is not acknowledged: step five */
		conn_set_state(t, c, TCP_CLOSING);
		return;
	case TCP_FIN_WAIT_2:
		conn_linger(t, c, seg);
		return;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_NSTATES:
		break;
	}
}

void input_text(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	if (ecn_received(&c->ecn, (enum ecn_field)(seg->tclass & 3),
		seg->h.flags, seg->len > 0))
		ack_at_once(&c->ack, ACK_ECN);
	check_urg(c, seg);
	if (take_text(t, c, seg))
		take_fin(t, c, seg);
}

void input_segment(struct tcpd *t, struct tcb *c, struct segment *seg)
{
	struct timer_config timers;

	if (syn_came_again(t, c, seg) || !check_paws(t, c, seg) ||
	    !check_seq(t, c, seg) || !check_rst(t, c, seg) ||
	    !check_syn(t, c, seg))
		return;
	if ((c->flags & CONN_TS) && seg->h.has_ts)
		paws_update(
		    &c->paws, seg->h.ts_val, seg->h.seq, c->acked, t->n.now);
	if (!check_ack(t, c, seg))
		return;
	timers = conn_timers(t, c);
	timers_heard(&c->timers, &timers, t->n.now);
	input_text(t, c, seg);
}
