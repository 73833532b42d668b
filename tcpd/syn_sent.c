/*
 * syn_sent.c - a segment for a connection in SYN-SENT: RFC 9293, 3.10.7.3
 */
#include <errno.h>

#include "tcpd/send.h"
#include "tcpd/tcpd.h"

/* First: the ACK.  Of anything but our SYN it is of another connection. */
static bool check_ack(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	const struct tcp_hdr *h = &seg->h;

	if (!(h->flags & TCP_ACK) ||
	    (seq_gt(h->ack, c->iss) && seq_leq(h->ack, sb_end(&c->sb))))
		return true;
	output_reset_for(t, seg);
	tcpd_drop(t, seg, CNT_TCP_SYN_SENT_BAD_ACK);
	return false;
}

/* Second: RST.  Only who has seen our SYN can refuse it. */
static bool check_rst(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	const struct tcp_hdr *h = &seg->h;

	if (!(h->flags & TCP_RST))
		return true;
	if (rst_judge_syn_sent((h->flags & TCP_ACK) != 0, h->ack, c->sb.f.una,
		sb_end(&c->sb)) == RST_RESET) {
		node_count(&t->n, CNT_TCP_RESETS_RECEIVED);
		conn_end(t, c, ECONNREFUSED);
	} else {
		tcpd_drop(t, seg, CNT_TCP_SYN_SENT_BAD_RST);
	}
	return false;
}

/* Both have called at the same time: our SYN goes again, with an ACK. */
static void open_at_once(
    struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	ecn_syn_received(&c->ecn, t->config.ecn, seg->h.flags);
	conn_set_state(t, c, TCP_SYN_RECEIVED);
	sb_mark_range(&c->sb, c->iss, sb_end(&c->sb));
}

/* Text and FIN of the SYN, if any, begin after it. */
static void go_on(struct tcpd *t, struct tcb *c, struct segment *seg)
{
	ecn_syn_ack_received(&c->ecn, seg->h.flags);
	handshake_done(t, c, seg);
	stream_established(&t->streams, c->sock);
	ack_at_once(&c->ack, ACK_HANDSHAKE);
	seg->h.flags &= (uint16_t) ~(TCP_SYN | TCP_ECE | TCP_CWR);
	seg->h.seq = seq_add(seg->h.seq, 1);
	seg->seg_len--;
	input_text(t, c, seg);
}

void syn_sent_segment(struct tcpd *t, struct tcb *c, struct segment *seg)
{
	if (!check_ack(t, c, seg) || !check_rst(t, c, seg))
		return;
	/* Fifth: neither SYN nor RST.  (Third, security, is none here.) */
	if (!(seg->h.flags & TCP_SYN)) {
		tcpd_drop(t, seg, CNT_TCP_SYN_SENT_NOTHING);
		return;
	}
	/* Fourth: the SYN. */
	handshake_options(t, c, seg);
	receiver_begin(t, c, seg->h.seq);
	if (seg->h.flags & TCP_ACK)
		go_on(t, c, seg);
	else
		open_at_once(t, c, seg);
}
