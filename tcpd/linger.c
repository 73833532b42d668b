/*
 * linger.c - TIME-WAIT
 *
 * Of the connection only struct lingering is left, enough to repeat the last
 * ACK.  A segment for it: RFC 9293, 3.10.7.4, with RFC 6191 (a new connection
 * may take over) and RFC 1337 (a reset may not end it early).
 */
#include "tcpd/conn_table.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

/* ---- The table of lingers */

const struct lingering *linger_get(const struct tcpd *t, uint32_t id)
{
	return &t->s->conns.linger[id - MAX_CONNS];
}

struct lingering *linger_touch(struct tcpd *t, uint32_t id)
{
	struct lingering *l = &t->s->conns.linger[id - MAX_CONNS];

	node_touch(&t->n, l, sizeof(*l));
	return l;
}

/* A free one, or MAX_LINGERS. */
static uint32_t find_linger(struct tcpd *t)
{
	const uint64_t *words = t->s->conns.lingers;
	uint32_t nwords = MAX_LINGERS / 64;

	if (t->conns.nlingers >= t->config.max_lingers ||
	    t->conns.nlingers >= MAX_LINGERS)
		return MAX_LINGERS;
	for (uint32_t i = 0; i < nwords; i++) {
		uint32_t w = (t->conns.linger_hint + i) % nwords;

		if (words[w] == UINT64_MAX)
			continue;
		t->conns.linger_hint = w;
		return w * 64 + (uint32_t)__builtin_ctzll(~words[w]);
	}
	return MAX_LINGERS;
}

static void linger_enter(struct tcpd *t, uint32_t id)
{
	const struct lingering *l = linger_get(t, id);

	conn_hash(t, id);
	wheel_set(&t->conns.wheel, id, l->until);
	conn_lonely_add(t, id);
	t->conns.nlingers++;
}

void conn_linger(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	uint32_t i = find_linger(t);
	bool owed =
	    ack_judge_when(&c->ack) != ACK_NONE || c->acked.n != c->rcv_nxt.n;
	struct lingering last;
	struct lingering *l;

	conn_set_state(t, c, TCP_TIME_WAIT);
	last = (struct lingering){
		.ends = c->ends,
		.link = c->link,
		.snd_nxt = sb_end(&c->sb),
		.rcv_nxt = c->rcv_nxt,
		.rcv_wnd = conn_rcv_wnd(c),
		.ts_offset = c->ts_offset,
		.ts_recent = c->paws.ts_recent,
		.tclass = c->o.tclass,
		.hops = c->o.hops,
		.until = mono_add(t->n.now, t->config.time_wait_ns),
		.challenge = c->challenge,
	};
	last.window = (uint16_t)(last.rcv_wnd >> c->rcv_scale);
	last.flags |= c->flags & CONN_TS ? LINGER_TS : 0;
	last.flags |= c->o.flags & TSOCK_REUSEADDR ? LINGER_REUSEADDR : 0;
	last.flags |= c->o.flags & TSOCK_REUSEPORT ? LINGER_REUSEPORT : 0;
	conn_end(t, c, 0);
	if (i == MAX_LINGERS) {
		node_note(
		    &t->n, "TIME-WAIT -> CLOSED at once, for want of room");
		node_count(&t->n, CNT_TCP_LINGERS_FULL);
		output_linger_ack(t, &last, seg);
		return;
	}
	l = linger_touch(t, MAX_CONNS + i);
	*l = last;
	conn_set_used(t, t->s->conns.lingers, i, true);
	linger_enter(t, MAX_CONNS + i);
	node_note(&t->n, "connection %u it is from here on", MAX_CONNS + i);
	if (owed)
		output_linger_ack(t, l, seg);
}

void lingers_take_over(struct tcpd *t)
{
	const uint64_t *words = t->s->conns.lingers;

	for (uint32_t i = conn_next_used(words, 0, MAX_LINGERS);
	     i < MAX_LINGERS; i = conn_next_used(words, i + 1, MAX_LINGERS))
		linger_enter(t, MAX_CONNS + i);
}

void linger_end(struct tcpd *t, uint32_t id)
{
	struct lingering *l = linger_touch(t, id);

	node_note(&t->n, "connection %u: TIME-WAIT -> CLOSED", id);
	conn_unhash(t, id);
	wheel_set(&t->conns.wheel, id, MONO_NEVER);
	conn_lonely_remove(t, id);
	conn_set_used(t, t->s->conns.lingers, id - MAX_CONNS, false);
	l->ends.local_port = 0;
	t->conns.nlingers--;
}

void linger_again(struct tcpd *t, uint32_t id)
{
	struct lingering *l = linger_touch(t, id);

	node_note(&t->n, "its FIN again: TIME-WAIT begins anew");
	l->until = mono_add(t->n.now, t->config.time_wait_ns);
	wheel_set(&t->conns.wheel, id, l->until);
}

/* ---- A segment for one of them */

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

	node_note(&t->n, "connection %u, TIME-WAIT", id);
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
