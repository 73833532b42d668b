/*
 * conn.c - the table of connections
 */
#include "tcpd/conn.h"

#include <errno.h>

#include "tcpd/isn.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

enum {
	USE_TABLE = 3, /* tuple_hash(): apart from isn.c's */
};

static struct conns_state *state_of(const struct tcpd *t)
{
	return &t->s->conns;
}

/* ---- Buckets */

static uint32_t *bucket_of(struct tcpd *t, const struct tcp_tuple *ends)
{
	uint64_t h = tuple_hash(t->hash_key, ends, USE_TABLE);

	return &t->conns.bucket[h % CONN_BUCKETS];
}

static const struct tcp_tuple *ends_of(const struct tcpd *t, uint32_t id)
{
	return id_is_linger(id) ? &linger_get(t, id)->ends
				: &conn_get(t, id)->ends;
}

static void hash_insert(struct tcpd *t, uint32_t id)
{
	uint32_t *b = bucket_of(t, ends_of(t, id));

	t->conns.next[id] = *b;
	*b = id;
}

static void hash_remove(struct tcpd *t, uint32_t id)
{
	uint32_t *at = bucket_of(t, ends_of(t, id));

	while (*at != NO_ID && *at != id)
		at = &t->conns.next[*at];
	if (*at == id)
		*at = t->conns.next[id];
}

static bool same_ends(const struct tcp_tuple *a, const struct tcp_tuple *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

uint32_t conn_find(const struct tcpd *t, const struct tcp_tuple *ends)
{
	uint64_t h = tuple_hash(t->hash_key, ends, USE_TABLE);
	uint32_t id = t->conns.bucket[h % CONN_BUCKETS];

	while (id != NO_ID && !same_ends(ends_of(t, id), ends))
		id = t->conns.next[id];
	return id;
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

static void set_used(struct tcpd *t, uint64_t *words, uint32_t i, bool used)
{
	uint64_t *word = &words[i / 64];
	uint64_t bit = (uint64_t)1 << (i % 64);

	node_touch(&t->n, word, sizeof(*word));
	*word = used ? *word | bit : *word & ~bit;
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

/* ---- A port is busy also when only somebody without a socket is at it */

static void lonely_insert(struct tcpd *t, uint32_t id)
{
	struct conns *p = &t->conns;
	uint32_t *first = &p->lonely[ends_of(t, id)->local_port];

	p->lonely_next[id] = *first;
	p->lonely_prev[id] = NO_ID;
	if (*first != NO_ID)
		p->lonely_prev[*first] = id;
	*first = id;
}

static void lonely_remove(struct tcpd *t, uint32_t id)
{
	struct conns *p = &t->conns;
	uint32_t next = p->lonely_next[id], prev = p->lonely_prev[id];

	if (prev != NO_ID)
		p->lonely_next[prev] = next;
	else
		p->lonely[ends_of(t, id)->local_port] = next;
	if (next != NO_ID)
		p->lonely_prev[next] = prev;
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
	set_used(t, state_of(t)->used, id, true);
	hash_insert(t, id);
	lonely_insert(t, id);
	return c;
}

void conn_set_state(struct tcpd *t, struct tcb *c, enum tcp_state next)
{
	bool orphan = (c->flags & CONN_ORPHAN) != 0;
	struct timer_config timers = conn_timers(t, c);

	log_debug(&t->n.log, "conn %u: %s -> %s", conn_id(t, c),
	    tcp_state_name(c->state), tcp_state_name(next));
	tcp_state_set(&c->state, next);
	timers_state_entered(&c->timers, &timers, next, orphan, t->n.now);
}

void conn_let_go(struct tcpd *t, struct tcb *c)
{
	if (c->sock == NO_SOCKET)
		return;
	c->sock = NO_SOCKET;
	lonely_insert(t, conn_id(t, c));
}

void conn_adopt(struct tcpd *t, struct tcb *c, uint32_t sock)
{
	c->sock = (uint16_t)sock;
	lonely_remove(t, conn_id(t, c));
}

static void free_tcb(struct tcpd *t, struct tcb *c)
{
	uint32_t id = conn_id(t, c);

	if (c->sock == NO_SOCKET)
		lonely_remove(t, id);
	if (c->flags & CONN_ORPHAN)
		t->conns.orphans--;
	hash_remove(t, id);
	wheel_set(&t->conns.wheel, id, MONO_NEVER);
	set_used(t, state_of(t)->used, id, false);
	t->conns.free[t->conns.nfree++] = (uint16_t)id;
	c->sock = NO_SOCKET;
	c->flags = 0;
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

/* ---- Half-open connections of a listener */

void conn_half_open(struct tcpd *t, struct tcb *c, uint32_t listener)
{
	struct conns *p = &t->conns;
	uint32_t id = conn_id(t, c);
	uint16_t first = p->half_first[listener];

	c->listener = (uint16_t)listener;
	p->half_prev[id] = NO_CONN;
	p->half_next[id] = first;
	if (first != NO_CONN)
		p->half_prev[first] = (uint16_t)id;
	else
		p->half_last[listener] = (uint16_t)id;
	p->half_first[listener] = (uint16_t)id;
	p->half_count[listener]++;
	if (c->flags & CONN_ACKED)
		p->half_acked[listener]++;
	p->half_open++;
}

void conn_half_acked(struct tcpd *t, struct tcb *c, bool acked)
{
	uint16_t *n = &t->conns.half_acked[c->listener];

	if (acked == ((c->flags & CONN_ACKED) != 0))
		return;
	c->flags ^= CONN_ACKED;
	*n = (uint16_t)(acked ? *n + 1 : *n - 1);
}

void conn_half_done(struct tcpd *t, struct tcb *c)
{
	struct conns *p = &t->conns;
	uint32_t id = conn_id(t, c);
	uint16_t next = p->half_next[id];
	uint16_t prev = p->half_prev[id];

	if (prev != NO_CONN)
		p->half_next[prev] = next;
	else
		p->half_first[c->listener] = next;
	if (next != NO_CONN)
		p->half_prev[next] = prev;
	else
		p->half_last[c->listener] = prev;
	conn_half_acked(t, c, false);
	p->half_count[c->listener]--;
	p->half_open--;
}

/* ---- Lingers */

const struct lingering *linger_get(const struct tcpd *t, uint32_t id)
{
	return &state_of(t)->linger[id - MAX_CONNS];
}

struct lingering *linger_touch(struct tcpd *t, uint32_t id)
{
	struct lingering *l = &state_of(t)->linger[id - MAX_CONNS];

	node_touch(&t->n, l, sizeof(*l));
	return l;
}

/* A free one, or MAX_LINGERS. */
static uint32_t find_linger(struct tcpd *t)
{
	const uint64_t *words = state_of(t)->lingers;
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

	hash_insert(t, id);
	wheel_set(&t->conns.wheel, id, l->until);
	lonely_insert(t, id);
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
		node_count(&t->n, CNT_TCP_LINGERS_FULL);
		output_linger_ack(t, &last, seg);
		return;
	}
	l = linger_touch(t, MAX_CONNS + i);
	*l = last;
	set_used(t, state_of(t)->lingers, i, true);
	linger_enter(t, MAX_CONNS + i);
	if (owed)
		output_linger_ack(t, l, seg);
}

void linger_end(struct tcpd *t, uint32_t id)
{
	struct lingering *l = linger_touch(t, id);

	hash_remove(t, id);
	wheel_set(&t->conns.wheel, id, MONO_NEVER);
	lonely_remove(t, id);
	set_used(t, state_of(t)->lingers, id - MAX_CONNS, false);
	l->ends.local_port = 0;
	t->conns.nlingers--;
}

void linger_again(struct tcpd *t, uint32_t id)
{
	struct lingering *l = linger_touch(t, id);

	l->until = mono_add(t->n.now, t->config.time_wait_ns);
	wheel_set(&t->conns.wheel, id, l->until);
}

/* ---- Who is at a port without a socket (bind) */

static bool is_in_the_way(
    const struct tcp_tuple *ends, const struct app_name *local)
{
	if (ip_is_any(&local->ip))
		return !ip_is_v4(&local->ip) || ip_is_v4(&ends->local);
	return ip_equal(&ends->local, &local->ip);
}

/* Had it an SO_REUSE* that is in @reuse, too? */
static bool may_share(const struct tcpd *t, uint32_t id, uint32_t reuse)
{
	const struct lingering *l;

	if (!id_is_linger(id))
		return (reuse & conn_get(t, id)->o.flags) != 0;
	l = linger_get(t, id);
	return ((reuse & TSOCK_REUSEADDR) && (l->flags & LINGER_REUSEADDR)) ||
	    ((reuse & TSOCK_REUSEPORT) && (l->flags & LINGER_REUSEPORT));
}

bool conn_lingers(
    const struct tcpd *t, const struct app_name *local, uint32_t reuse)
{
	uint32_t id = t->conns.lonely[local->port];

	for (; id != NO_ID; id = t->conns.lonely_next[id])
		if (is_in_the_way(ends_of(t, id), local) &&
		    !may_share(t, id, reuse))
			return true;
	return false;
}

/* ---- The table */

static uint32_t next_used(const uint64_t *words, uint32_t i, uint32_t n)
{
	while (i < n) {
		uint64_t word = words[i / 64] >> (i % 64);

		if (word != 0)
			return i + (uint32_t)__builtin_ctzll(word);
		i = (i / 64 + 1) * 64;
	}
	return n;
}

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

	hash_insert(t, id);
	wheel_set(&t->conns.wheel, id, output_deadline(c));
	if (c->state == TCP_SYN_RECEIVED && (c->flags & CONN_PASSIVE))
		conn_half_open(t, c, c->listener);
	if (c->sock == NO_SOCKET)
		lonely_insert(t, id);
	t->conns.orphans += (c->flags & CONN_ORPHAN) != 0;
	conn_queue(t, id);
}

void conns_take_over(struct tcpd *t)
{
	const struct conns_state *s = state_of(t);

	for (uint32_t i = MAX_CONNS; i-- > 0;)
		if (!(s->used[i / 64] >> (i % 64) & 1))
			t->conns.free[t->conns.nfree++] = (uint16_t)i;
	for (uint32_t i = next_used(s->used, 0, MAX_CONNS); i < MAX_CONNS;
	     i = next_used(s->used, i + 1, MAX_CONNS))
		take_over(t, i);
	for (uint32_t i = next_used(s->lingers, 0, MAX_LINGERS);
	     i < MAX_LINGERS; i = next_used(s->lingers, i + 1, MAX_LINGERS))
		linger_enter(t, MAX_CONNS + i);
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
	return w;
}

void conn_words(const struct tcb *c, struct app_words *ret)
{
	*ret = (struct app_words){
		.tx_consumed = c->tx_una,
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
