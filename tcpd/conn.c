/*
 * conn.c - a connection from its first segment to its end
 */
#include "tcpd/conn_table.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

static struct conns_state *state_of(const struct tcpd *t)
{
	return &t->s->conns;
}

/* ---- TCBs */

const struct tcb *conn_get(const struct tcpd *t, uint32_t id)
{
	return &state_of(t)->tcb[id];
}

uint32_t conn_id(const struct tcpd *t, const struct tcb *c)
{
	return (uint32_t)(c - state_of(t)->tcb);
}

void conn_queue(struct tcpd *t, uint32_t id)
{
	struct conns *p = &t->conns;

	if (p->queued[id])
		return;
	p->queued[id] = 1;
	p->queue[(p->queue_head + p->queue_len++) % MAX_CONNS] = (uint16_t)id;
}

uint32_t conn_first_queued(const struct tcpd *t)
{
	return t->conns.queue[t->conns.queue_head];
}

uint32_t conn_next_queued(struct tcpd *t)
{
	struct conns *p = &t->conns;
	uint32_t id = conn_first_queued(t);

	p->queue_head = (p->queue_head + 1) % MAX_CONNS;
	p->queue_len--;
	p->queued[id] = 0;
	return id;
}

bool conn_can_touch(const struct tcpd *t)
{
	return !turn_full(&t->n.turn) && apps_can_touch(&t->streams.apps);
}

struct tcb *conn_touch(struct tcpd *t, uint32_t id)
{
	struct tcb *c = &state_of(t)->tcb[id];

	if (t->conns.touched[id] == t->turn)
		return c;
	t->conns.touched[id] = t->turn;
	node_touch(&t->n, c, sizeof(*c));
	conn_queue(t, id);
	if (c->sock != NO_SOCKET && c->state != TCP_CLOSED)
		stream_changed(&t->streams, c->sock);
	return c;
}

struct tcb *conn_new(struct tcpd *t, const struct tcp_tuple *ends)
{
	struct tcb *c;
	uint32_t id;

	if (t->conns.nfree == 0) {
		node_count(&t->n, CNT_TCP_TABLE_FULL);
		return NULL;
	}
	id = t->conns.free[--t->conns.nfree];
	c = conn_touch(t, id);
	memset(c, 0, sizeof(*c));
	c->ends = *ends;
	c->sock = NO_SOCKET;
	c->listener = NO_SOCKET;
	c->link = LINK_ANY;
	timers_begin(&c->timers);
	conn_set_used(t, state_of(t)->used, id, true);
	conn_hash(t, id);
	conn_lonely_add(t, id);
	return c;
}

void conn_set_state(struct tcpd *t, struct tcb *c, enum tcp_state next)
{
	bool orphan = (c->flags & CONN_ORPHAN) != 0;
	struct timer_config timers = conn_timers(t, c);

	log_debug(&t->n.log, "conn %u: %s -> %s", conn_id(t, c),
	    tcp_state_name(c->state), tcp_state_name(next));
	node_note(&t->n, "connection %u: %s -> %s", conn_id(t, c),
	    tcp_state_name((c->flags & CONN_PASSIVE) && c->state == TCP_CLOSED
		    ? TCP_LISTEN
		    : c->state),
	    tcp_state_name(next));
	tcp_state_set(&c->state, next);
	timers_state_entered(&c->timers, &timers, next, orphan, t->n.now);
}

void conn_let_go(struct tcpd *t, struct tcb *c)
{
	if (c->sock == NO_SOCKET)
		return;
	c->sock = NO_SOCKET;
	conn_lonely_add(t, conn_id(t, c));
}

void conn_adopt(struct tcpd *t, struct tcb *c, uint32_t sock)
{
	c->sock = (uint16_t)sock;
	conn_lonely_remove(t, conn_id(t, c));
}

static void free_tcb(struct tcpd *t, struct tcb *c)
{
	uint32_t id = conn_id(t, c);

	if (c->sock == NO_SOCKET)
		conn_lonely_remove(t, id);
	if (c->flags & CONN_ORPHAN)
		t->conns.orphans--;
	conn_unhash(t, id);
	wheel_set(&t->conns.wheel, id, MONO_NEVER);
	conn_set_used(t, state_of(t)->used, id, false);
	t->conns.free[t->conns.nfree++] = (uint16_t)id;
	c->sock = NO_SOCKET;
	c->flags = 0;
}

/* What of it stays in TIME-WAIT is told where that begins. */
static void note_end(struct tcpd *t, const struct tcb *c, int err)
{
	if (c->state != TCP_TIME_WAIT)
		node_note(&t->n, "connection %u: %s -> CLOSED%s%s",
		    conn_id(t, c), tcp_state_name(c->state),
		    err != 0 ? ": " : "", err != 0 ? strerrordesc_np(err) : "");
}

void conn_end(struct tcpd *t, struct tcb *c, int err)
{
	struct app_words last;

	conn_words(c, &last);
	if (c->state == TCP_SYN_RECEIVED && (c->flags & CONN_PASSIVE))
		conn_half_done(t, c);
	if (c->state != TCP_CLOSED) {
		log_debug(&t->n.log, "conn %u: %s -> CLOSED, errno=%d",
		    conn_id(t, c), tcp_state_name(c->state), err);
		note_end(t, c, err);
		tcp_state_set(&c->state, TCP_CLOSED);
	}
	if (c->sock != NO_SOCKET)
		stream_gone(&t->streams, c->sock, &last, err);
	free_tcb(t, c);
}

/* RFC 9293, 3.10.5: who has heard of us, and not all of the end. */
static bool wants_reset(const struct tcb *c)
{
	switch ((enum tcp_state)c->state) {
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
		return true;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_NSTATES:
		break;
	}
	return false;
}

void conn_abort(struct tcpd *t, struct tcb *c, int err)
{
	struct app_words last;

	if (!wants_reset(c)) {
		conn_end(t, c, err);
		return;
	}
	if (tcpd_has_room(t)) {
		output_reset(t, c);
		conn_end(t, c, err);
		return;
	}
	node_note(&t->n, "connection %u is to be reset, when there is room",
	    conn_id(t, c));
	/* The reset must wait; its socket and its listener need not. */
	if (c->state == TCP_SYN_RECEIVED && (c->flags & CONN_PASSIVE)) {
		conn_half_done(t, c);
		c->flags &= ~(uint32_t)CONN_PASSIVE;
	}
	if (c->sock != NO_SOCKET) {
		conn_words(c, &last);
		stream_gone(&t->streams, c->sock, &last, err);
		conn_let_go(t, c);
	}
	c->flags |= CONN_ABORTED;
	timers_begin(&c->timers);
	conn_queue(t, conn_id(t, c));
}

/* ---- The table */

int conns_init(struct tcpd *t, struct mono now)
{
	struct conns *p = &t->conns;

	memset(p, 0, sizeof(*p));
	for (uint32_t i = 0; i < CONN_BUCKETS; i++)
		p->bucket[i] = NO_ID;
	for (uint32_t i = 0; i < 1 << 16; i++)
		p->lonely[i] = NO_ID;
	memset(p->half_first, 0xff, sizeof(p->half_first));
	memset(p->half_last, 0xff, sizeof(p->half_last));
	return wheel_init(&p->wheel, MAX_IDS, now);
}

void conns_free(struct tcpd *t)
{
	wheel_free(&t->conns.wheel);
}

static void take_over(struct tcpd *t, uint32_t id)
{
	struct tcb *c = &state_of(t)->tcb[id];

	conn_hash(t, id);
	wheel_set(&t->conns.wheel, id, output_deadline(c));
	if (c->state == TCP_SYN_RECEIVED && (c->flags & CONN_PASSIVE))
		conn_half_open(t, c, c->listener);
	if (c->sock == NO_SOCKET)
		conn_lonely_add(t, id);
	t->conns.orphans += (c->flags & CONN_ORPHAN) != 0;
	conn_queue(t, id);
}

void conns_take_over(struct tcpd *t)
{
	const struct conns_state *s = state_of(t);

	for (uint32_t i = MAX_CONNS; i-- > 0;)
		if (!(s->used[i / 64] >> (i % 64) & 1))
			t->conns.free[t->conns.nfree++] = (uint16_t)i;
	for (uint32_t i = conn_next_used(s->used, 0, MAX_CONNS); i < MAX_CONNS;
	     i = conn_next_used(s->used, i + 1, MAX_CONNS))
		take_over(t, i);
	lingers_take_over(t);
}

/* ---- What others want to know */

static uint64_t stream_flags(const struct tcb *c)
{
	uint64_t w = tcp_state_info(c->state);
	bool known =
	    tcp_state_synchronized(c->state) && c->state != TCP_SYN_RECEIVED;

	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
		w |= STREAM_CONNECTING;
	if (known)
		w |= STREAM_ESTABLISHED;
	if (known && tcp_state_may_send(c->state) && !(c->flags & CONN_TX_SHUT))
		w |= STREAM_TX_OPEN;
	if (known && !tcp_state_may_receive(c->state))
		w |= STREAM_RX_END;
	if (known && (c->flags & CONN_TX_SHUT) && !sender_fin_acked(c))
		w |= STREAM_CLOSING;
	return w;
}

/* The ring's count at SND.NXT: the FIN has no place there. */
static uint64_t tx_sent(const struct tcb *c)
{
	return c->tx_end - conn_unsent(c);
}

void conn_words(const struct tcb *c, struct app_words *ret)
{
	*ret = (struct app_words){
		.tx_consumed = c->tx_una,
		.tx_sent = tx_sent(c),
		.rx_written = c->rx_nxt,
		.stream = stream_flags(c),
	};
}

struct timer_config conn_timers(const struct tcpd *t, const struct tcb *c)
{
	return config_timers(&t->config, &c->o, (c->flags & CONN_ORPHAN) != 0);
}

struct rcv_space conn_rcv_space(const struct tcb *c)
{
	return (struct rcv_space){
		.size = c->rcvbuf,
		.used = (uint32_t)(c->rx_nxt - c->rx_read),
		.clamp = (uint32_t)c->o.window_clamp,
		.mss = c->rmss,
		.scale = c->rcv_scale,
	};
}

static bool syn_unacked(const struct tcb *c)
{
	return c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;
}

uint64_t conn_tx_count(const struct tcb *c, tcp_seq seq)
{
	tcp_seq first = syn_unacked(c) ? seq_add(c->iss, 1) : c->sb.f.una;

	return seq_gt(seq, first) ? c->tx_una + seq_len(first, seq) : c->tx_una;
}

uint32_t conn_unsent(const struct tcb *c)
{
	if (c->flags & CONN_FIN_SENT)
		return 0;
	return (uint32_t)(c->tx_end - conn_tx_count(c, sb_end(&c->sb)));
}
