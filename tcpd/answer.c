/*
 * answer.c - what is answered at once, without or beside a connection
 *
 * Resets, SYN cookies, the last ACK of TIME-WAIT, and whether a challenge ACK
 * may be sent.  Whoever calls has made sure of room.
 */
#include "tcpd/isn.h"
#include "tcpd/segment.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

/* Back the way it came. */
static struct bare back(const struct segment *seg)
{
	return (struct bare){
		.ends = seg->ends,
		.link =
		    ip_is_link_local(&seg->ends.remote) ? seg->link : LINK_ANY,
	};
}

void output_reset_for(struct tcpd *t, const struct segment *seg)
{
	struct bare b = back(seg);
	struct tcp_hdr h;

	if (tcp_reset_for(&h, &seg->h, seg->len))
		segment_send_bare(t, &b, &h);
}

void output_reset(struct tcpd *t, struct tcb *c)
{
	struct bare b = {
		.ends = c->ends,
		.link = c->link,
		.hops = c->o.hops,
		.tclass = c->o.tclass,
	};
	struct tcp_hdr h = {
		.seq = sb_end(&c->sb),
		.ack = c->rcv_nxt,
		.flags = TCP_RST | TCP_ACK,
	};

	segment_send_bare(t, &b, &h);
}

void output_linger_ack(
    struct tcpd *t, struct lingering *l, const struct segment *seg)
{
	struct bare b = back(seg);
	struct tcp_hdr h = {
		.seq = l->snd_nxt,
		.ack = l->rcv_nxt,
		.flags = TCP_ACK,
		.window = l->window,
		.has_ts = (l->flags & LINGER_TS) != 0,
		.ts_val = ts_clock(t->n.now, l->ts_offset),
		.ts_ecr = l->ts_recent,
	};

	b.hops = l->hops;
	b.tclass = l->tclass;
	segment_send_bare(t, &b, &h);
}

void output_cookie(struct tcpd *t, struct tcb *like, const struct segment *seg,
    uint32_t ts_val)
{
	struct bare b = back(seg);
	struct rcv_space space = conn_rcv_space(like);
	struct tcp_hdr h = {
		.seq = like->iss,
		.ack = like->rcv_nxt,
		.flags = TCP_SYN | TCP_ACK | ecn_syn_ack_flags(&like->ecn),
		.window =
		    window_announce_syn(&like->adv, like->rcv_nxt, &space),
		.has_mss = true,
		.mss = like->rmss,
		.has_wscale = (like->flags & CONN_WSCALE) != 0,
		.wscale = like->rcv_scale,
		.sack_permitted = (like->flags & CONN_SACK) != 0,
		.has_ts = (like->flags & CONN_TS) != 0,
		.ts_val = ts_val,
		.ts_ecr = seg->h.ts_val,
	};

	b.hops = like->o.hops;
	b.tclass = like->o.tclass;
	segment_send_bare(t, &b, &h);
}

void output_challenge(struct tcpd *t, struct tcb *c)
{
	node_touch(&t->n, &t->s->challenge, sizeof(t->s->challenge));
	if (challenge_take(&c->challenge, &t->s->challenge,
		&t->config.challenge, t->s->challenge_key, t->n.now)) {
		ack_at_once(&c->ack, ACK_REFUSED);
		node_count(&t->n, CNT_TCP_CHALLENGES_SENT);
	} else {
		node_count(&t->n, CNT_TCP_CHALLENGES_HELD);
	}
}
