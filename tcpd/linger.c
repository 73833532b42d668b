/*
 * linger.c - a segment for a connection in TIME-WAIT
 *
 * RFC 9293, 3.10.7.4, with RFC 6191 (a new connection may take over) and RFC
 * 1337 (a reset may not end it early).  Of the connection only struct lingering
 * is left: enough to repeat the last ACK.
 */
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

/* The last ACK again: at once for who sends data or FIN, else within limits. */
static void answer(
    struct tcpd *t, struct lingering *l, const struct segment *seg)
{
	if (seg->h.flags & TCP_RST)
		return;
	node_touch(&t->n, &t->s->challenge, sizeof(t->s->challenge));
	if (seg->seg_len > 0 ||
	    challenge_take(&l->challenge, &t->s->challenge,
		&t->config.challenge, t->s->challenge_key, t->n.now))
		output_linger_ack(t, l, seg);
	else
		node_count(&t->n, CNT_TCP_CHALLENGES_HELD);
}

static bool is_old(const struct lingering *l, const struct segment *seg)
{
	if (!(l->flags & LINGER_TS) || (seg->h.flags & TCP_RST))
		return false;
	return !seg->h.has_ts || (int32_t)(seg->h.ts_val - l->ts_recent) < 0;
}

/* A new connection between the same ends, as RFC 6191 allows it. */
static void reopen(struct tcpd *t, uint32_t id, struct segment *seg)
{
	tcp_seq above = linger_get(t, id)->snd_nxt;
	uint32_t listener = listen_find(t, seg);

	if (listener == NO_SOCKET) {
		output_reset_for(t, seg);
		tcpd_drop(t, seg, CNT_TCP_NO_CONNECTION);
		return;
	}
	/* TIME-WAIT is not given up for a SYN that is refused, nor a cookie's
	 * number, which can't be chosen. */
	if (!listen_has_room(t, listener)) {
		tcpd_drop(t, seg, CNT_TCP_SYN_DROPPED);
		return;
	}
	linger_end(t, id);
	listen_segment(t, listener, seg, &above);
}

static void take_syn(struct tcpd *t, uint32_t id, struct segment *seg)
{
	struct lingering *l = linger_touch(t, id);
	struct time_wait tw = {
		.last = seq_sub(l->rcv_nxt, 1),
		.had_ts = (l->flags & LINGER_TS) != 0,
		.ts_recent = l->ts_recent,
	};

	switch (syn_judge_time_wait(&tw, seg->h.seq,
	    seg->h.has_ts && t->config.timestamps, seg->h.ts_val)) {
	case SYN_REOPEN:
		reopen(t, id, seg);
		return;
	case SYN_CHALLENGE:
	case SYN_LISTEN:
		answer(t, l, seg);
		break;
	case SYN_DROP:
		break;
	}
	tcpd_drop(t, seg, CNT_TCP_LINGER_SYN);
}

/* RFC 9293 ends it; RFC 1337, 3 says why that is a hazard. */
static void take_rst(struct tcpd *t, uint32_t id, const struct segment *seg)
{
	const struct lingering *l = linger_get(t, id);

	if (!t->config.rfc1337 &&
	    rst_judge(seg->h.seq, l->rcv_nxt, l->rcv_wnd) == RST_RESET)
		linger_end(t, id);
	else
		tcpd_drop(t, seg, CNT_TCP_LINGER_RST);
}

void linger_segment(struct tcpd *t, uint32_t id, struct segment *seg)
{
	uint16_t flags = seg->h.flags;
	struct lingering *l;

	if ((flags & TCP_SYN) && !(flags & (TCP_ACK | TCP_RST))) {
		take_syn(t, id, seg);
		return;
	}
	if (flags & TCP_RST) {
		take_rst(t, id, seg);
		return;
	}
	l = linger_touch(t, id);
	if (is_old(l, seg)) {
		answer(t, l, seg);
		tcpd_drop(t, seg, CNT_TCP_LINGER_OLD);
		return;
	}
	/* "The only thing that can arrive is a retransmission of the FIN." */
	if (seg->seg_len > 0 || !seq_eq(seg->h.seq, l->rcv_nxt))
		answer(t, l, seg);
	if ((flags & TCP_FIN) &&
	    seq_eq(seq_add(seg->h.seq, seg->seg_len), l->rcv_nxt))
		linger_again(t, id);
	else
		tcpd_drop(t, seg, CNT_TCP_LINGER_NOTHING);
}
