/*
 * listen.c - listeners: RFC 9293, 3.10.7.2, and the end of the handshake
 *
 *	SYN -> half-open -> ACK -> a spare socket and a record -> accept()
 *	    \                 \
 *	     \                 no spare, or the app's queue is full: the ACK is
 *	      \                as good as lost; the SYN-ACK is sent again
 *	       too many half-open: a cookie (cookie.h), nothing is remembered
 *
 * Which socket listens where is a private table, made anew from the sockets
 * after a restart.  Half-open connections are TCBs and survive.
 */
#include <errno.h>

#include "tcpd/cookie.h"
#include "tcpd/isn.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

enum {
	/* Below so many free TCBs the rest is for who answers a cookie. */
	TCBS_KEPT = MAX_CONNS / 16,

	USE_REUSEPORT = 4, /* tuple_hash(): apart from the others' */
};

/* ---- Who listens where */

static void insert(struct tcpd *t, uint32_t sock)
{
	uint16_t port = stream_sock(&t->streams, sock)->local.port;

	t->listeners.next[sock] = t->listeners.first[port];
	t->listeners.first[port] = (uint16_t)sock;
}

static void take_out(struct tcpd *t, uint32_t sock)
{
	uint16_t port = stream_sock(&t->streams, sock)->local.port;
	uint16_t *at = &t->listeners.first[port];

	while (*at != NO_SOCKET && *at != sock)
		at = &t->listeners.next[*at];
	if (*at == sock)
		*at = t->listeners.next[sock];
}

/* How well a listener fits; 0: not at all. */
static uint32_t score(const struct tsock *k, const struct segment *seg)
{
	const struct ip_addr *to = &seg->ends.local;

	if (k->o.bind_link != LINK_ANY && k->o.bind_link != seg->link)
		return 0;
	if (ip_equal(&k->local.ip, to))
		return 3;
	if (!ip_is_any(&k->local.ip))
		return 0;
	if (ip_is_v4(&k->local.ip) == ip_is_v4(to))
		return 2;
	/* An IPv6 socket that takes both. */
	return ip_is_v4(to) && !(k->o.flags & TSOCK_V6ONLY) ? 1 : 0;
}

static uint32_t next_listener(const struct tcpd *t, uint32_t sock)
{
	while (sock != NO_SOCKET && !apps_is_live(&t->streams.apps, sock))
		sock = t->listeners.next[sock];
	return sock;
}

uint32_t listen_find(const struct tcpd *t, const struct segment *seg)
{
	uint32_t first = t->listeners.first[seg->ends.local_port];
	uint32_t best = 0, n = 0, pick;

	for (uint32_t s = next_listener(t, first); s != NO_SOCKET;
	     s = next_listener(t, t->listeners.next[s])) {
		uint32_t fit = score(stream_sock(&t->streams, s), seg);

		n = fit > best ? 1 : n + (fit == best);
		best = fit > best ? fit : best;
	}
	if (best == 0)
		return NO_SOCKET;
	/* SO_REUSEPORT: all that fit as well share, each peer its own. */
	pick =
	    (uint32_t)(tuple_hash(t->hash_key, &seg->ends, USE_REUSEPORT) % n);
	for (uint32_t s = next_listener(t, first); s != NO_SOCKET;
	     s = next_listener(t, t->listeners.next[s]))
		if (score(stream_sock(&t->streams, s), seg) == best &&
		    pick-- == 0)
			return s;
	return NO_SOCKET;
}

void listen_begin(struct tcpd *t, uint32_t sock)
{
	if (stream_sock(&t->streams, sock)->state != TSOCK_LISTENING)
		insert(t, sock);
}

/*
 * More may be half-open than one turn can change: each is asked for output, in
 * this turn or a later one, and is found to be nobody's.
 */
void listen_end(struct tcpd *t, uint32_t sock)
{
	uint32_t id = t->conns.half_first[sock];

	take_out(t, sock);
	for (; id != NO_CONN; id = t->conns.half_next[id])
		conn_queue(t, id);
}

bool listen_is_over(const struct tcpd *t, const struct tcb *c)
{
	const struct tsock *k;

	if (c->state != TCP_SYN_RECEIVED || !(c->flags & CONN_PASSIVE))
		return false;
	k = stream_sock(&t->streams, c->listener);
	return k->state != TSOCK_LISTENING ||
	    k->local.port != c->ends.local_port;
}

/* Who has been answered is told; who only asked, finds out by asking again. */
void listen_forget(struct tcpd *t, struct tcb *c)
{
	if (c->flags & CONN_ACKED)
		conn_abort(t, c, 0);
	else
		conn_end(t, c, 0);
}

void listen_take_over(struct tcpd *t)
{
	const struct apps *a = &t->streams.apps;

	memset(&t->listeners, 0xff, sizeof(t->listeners));
	for (uint32_t s = apps_next_open(a, 0); s < MAX_SOCKETS;
	     s = apps_next_open(a, s + 1))
		if (stream_sock(&t->streams, s)->state == TSOCK_LISTENING)
			insert(t, s);
}

/* ---- A SYN */

static bool accept_queue_full(const struct tcpd *t, uint32_t listener)
{
	return stream_queued(&t->streams, listener) >
	    stream_sock(&t->streams, listener)->backlog;
}

static bool half_open_full(const struct tcpd *t, uint32_t listener)
{
	uint32_t most = stream_sock(&t->streams, listener)->backlog + 1;

	if (most > t->config.max_syn_backlog)
		most = t->config.max_syn_backlog;
	return t->conns.half_count[listener] >= most ||
	    t->conns.nfree < TCBS_KEPT;
}

bool listen_has_room(const struct tcpd *t, uint32_t listener)
{
	return t->config.syn_cookies != 2 && !accept_queue_full(t, listener) &&
	    !half_open_full(t, listener);
}

static struct tcb *remember(struct tcpd *t, uint32_t listener,
    const struct segment *seg, tcp_seq irs, tcp_seq iss)
{
	struct tcb *c = conn_new(t, &seg->ends);

	if (c == NULL)
		return NULL;
	c->flags |= CONN_PASSIVE;
	handshake_begin(t, c, stream_sock(&t->streams, listener), seg->link);
	receiver_begin(t, c, irs);
	sender_begin(t, c, iss);
	conn_set_state(t, c, TCP_SYN_RECEIVED);
	conn_half_open(t, c, listener);
	return c;
}

static void take_syn(struct tcpd *t, uint32_t listener,
    const struct segment *seg, const tcp_seq *above)
{
	tcp_seq iss = isn_choose(t->s->isn_key, &seg->ends, t->n.now);
	struct tcb *c;

	if (above != NULL && seq_leq(iss, *above))
		iss = seq_add(*above, 1);
	c = remember(t, listener, seg, seg->h.seq, iss);
	if (c == NULL) {
		tcpd_drop(t, seg, CNT_TCP_SYN_DROPPED);
		return;
	}
	handshake_options(t, c, seg);
	ecn_syn_received(&c->ecn, t->config.ecn, seg->h.flags);
	node_count(&t->n, CNT_TCP_PASSIVE_OPENS);
}

/* ---- Cookies */

static struct cookie_options offered(
    const struct tcpd *t, const struct segment *seg)
{
	const struct tcp_hdr *h = &seg->h;
	struct ecn ecn = { 0 };
	struct cookie_options o = {
		.mss = h->has_mss                 ? h->mss
		    : ip_is_v4(&seg->ends.remote) ? TCP_DEFAULT_MSS
						  : TCP_DEFAULT_MSS6,
		.wscale = t->config.window_scale && h->has_wscale
		    ? h->wscale
		    : COOKIE_NO_WSCALE,
		.has_ts = t->config.timestamps && h->has_ts,
		.sack = t->config.sack && h->sack_permitted,
	};

	ecn_syn_received(&ecn, t->config.ecn, h->flags);
	o.ecn = ecn_syn_ack_flags(&ecn) != 0;
	return cookie_keepable(o);
}

static void send_cookie(
    struct tcpd *t, uint32_t listener, const struct segment *seg)
{
	struct cookie_options o = offered(t, seg);
	struct tcb like; /* what the connection will be, if it will */
	uint32_t ts;

	memset(&like, 0, sizeof(like));
	like.ends = seg->ends;
	like.link = LINK_ANY;
	handshake_begin(
	    t, &like, stream_sock(&t->streams, listener), seg->link);
	receiver_begin(t, &like, seg->h.seq);
	if (o.has_ts)
		like.flags |= CONN_TS;
	if (o.sack)
		like.flags |= CONN_SACK;
	if (o.wscale != COOKIE_NO_WSCALE)
		like.flags |= CONN_WSCALE;
	ecn_restore(&like.ecn, o.ecn);
	ts = cookie_timestamp(ts_clock(t->n.now, like.ts_offset), &o);
	like.iss =
	    cookie_make(t->s->cookie_key, &seg->ends, seg->h.seq, t->n.now, &o);
	output_cookie(t, &like, seg, ts);
	node_touch(&t->n, &t->s->cookies_until, sizeof(t->s->cookies_until));
	t->s->cookies_until =
	    mono_add(t->n.now, (int64_t)2 * COOKIE_PERIOD_S * NS_PER_S);
	node_count(&t->n, CNT_TCP_COOKIES_SENT);
}

static bool cookies_are_out(const struct tcpd *t)
{
	return !mono_reached(t->s->cookies_until, t->n.now);
}

/* An ACK to a listener: the end of a handshake that we have forgotten? */
static bool take_cookie(struct tcpd *t, uint32_t listener, struct segment *seg)
{
	const struct tcp_hdr *h = &seg->h;
	tcp_seq cookie = seq_sub(h->ack, 1);
	tcp_seq irs = seq_sub(h->seq, 1);
	struct cookie_options o;
	struct rcv_space space;
	struct tcb *c;

	if (!cookies_are_out(t) ||
	    !cookie_check(&o, t->s->cookie_key, &seg->ends, cookie, irs,
		h->has_ts, h->ts_ecr, t->n.now))
		return false;
	node_count(&t->n, CNT_TCP_COOKIES_BACK);
	c = remember(t, listener, seg, irs, cookie);
	if (c == NULL)
		return true;
	/* As if the SYN had just come, with what the cookie kept of it. */
	seg->h.has_mss = true;
	seg->h.mss = o.mss;
	seg->h.has_wscale = o.wscale != COOKIE_NO_WSCALE;
	seg->h.wscale = o.wscale;
	seg->h.sack_permitted = o.sack;
	handshake_options(t, c, seg);
	ecn_restore(&c->ecn, o.ecn);
	space = conn_rcv_space(c);
	window_announce_syn(&c->adv, c->rcv_nxt, &space); /* as it did */
	sender_restored(t, c);
	input_segment(t, c, seg);
	return true;
}

/* ---- 3.10.7.2 */

void listen_segment(struct tcpd *t, uint32_t listener, struct segment *seg,
    const tcp_seq *above)
{
	uint16_t flags = seg->h.flags;

	if (flags & TCP_RST) {
		tcpd_drop(t, seg, CNT_TCP_LISTEN_RST);
	} else if (flags & TCP_ACK) {
		if ((flags & TCP_SYN) || !take_cookie(t, listener, seg)) {
			output_reset_for(t, seg);
			tcpd_drop(t, seg, CNT_TCP_LISTEN_ACK);
		}
	} else if (!(flags & TCP_SYN)) {
		tcpd_drop(t, seg, CNT_TCP_LISTEN_NOTHING);
	} else if (accept_queue_full(t, listener)) {
		tcpd_drop(t, seg, CNT_TCP_LISTEN_OVERFLOW);
	} else if (t->config.syn_cookies == 2 ||
	    (half_open_full(t, listener) && t->config.syn_cookies == 1)) {
		send_cookie(t, listener, seg);
	} else if (half_open_full(t, listener)) {
		tcpd_drop(t, seg, CNT_TCP_SYN_DROPPED);
	} else {
		take_syn(t, listener, seg, above);
	}
}

/* ---- The handshake's last ACK */

/* TCP_DEFER_ACCEPT: nobody wants it before there is something to read. */
static bool is_deferred(
    const struct tcpd *t, const struct tcb *c, const struct segment *seg)
{
	int64_t wait =
	    (int64_t)stream_sock(&t->streams, c->listener)->o.defer_accept_s *
	    NS_PER_S;

	return wait > 0 && seg->len == 0 && !(seg->h.flags & TCP_FIN) &&
	    mono_since(t->n.now, c->stats.since) < wait;
}

/* No socket to be had for it now. */
static void must_wait(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	tcpd_drop(t, seg, CNT_TCP_NO_SPARE);
	/* The app may have been refused some, and sleep. */
	if (stream_spares(&t->streams, c->listener) == 0)
		apps_wake_later(&t->streams.apps, c->listener, WAKE_RX);
	conn_half_acked(t, c, true);
	if (t->config.abort_on_overflow)
		conn_abort(t, c, 0);
}

static struct app_name name_of(
    const struct ip_addr *ip, uint16_t port, const struct tcb *c)
{
	return (struct app_name){ .ip = *ip, .port = port, .link = c->link };
}

bool listen_complete(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	struct app_name local = name_of(&c->ends.local, c->ends.local_port, c);
	struct app_name peer = name_of(&c->ends.remote, c->ends.remote_port, c);
	struct app_words words;
	uint32_t sock;

	if (listen_is_over(t, c)) {
		conn_abort(t, c, 0);
		return false;
	}
	if (is_deferred(t, c, seg)) {
		tcpd_drop(t, seg, CNT_TCP_DEFERRED);
		return false;
	}
	sock = stream_accept(
	    &t->streams, c->listener, conn_id(t, c), &local, &peer, &words);
	if (sock == NO_SOCKET) {
		must_wait(t, c, seg);
		return false;
	}
	conn_half_done(t, c);
	c->listener = NO_SOCKET;
	conn_adopt(t, c, sock);
	conn_options_from(
	    &c->o, &t->config, stream_sock(&t->streams, sock), &c->ends.remote);
	c->tx_una = words.tx_consumed;
	c->tx_end = words.tx_consumed;
	receiver_adopt(t, c, words.rx_written);
	handshake_done(t, c, seg);
	stream_changed(&t->streams, sock);
	node_count(&t->n, CNT_TCP_ACCEPTED);
	return true;
}

/*
 * There are spares again, or room for records.  Those who wait are asked for
 * their ACK once more, the oldest first, no more than can be served.
 */
void listen_may_accept(struct tcpd *t, uint32_t sock)
{
	uint32_t n = stream_spares(&t->streams, sock);
	uint32_t id = t->conns.half_last[sock];

	/* Under a flood there are many, and few or none of them wait. */
	while (n > 0 && id != NO_CONN && t->conns.half_acked[sock] > 0 &&
	    conn_can_touch(t)) {
		const struct tcb *c = conn_get(t, id);
		uint32_t before = t->conns.half_prev[id];

		if (c->flags & CONN_ACKED) {
			struct tcb *w = conn_touch(t, id);

			conn_half_acked(t, w, false);
			sb_mark_range(&w->sb, w->iss, seq_add(w->iss, 1));
			n--;
		}
		id = before;
	}
}
