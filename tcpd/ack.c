/*
 * ack.c - what an ACK means to the sender
 *
 * RFC 9293, 3.10.7.4, fifth step, from SND.UNA on: what is acknowledged leaves
 * the scoreboard and the app's ring, the round trip is measured (RFC 6298, with
 * timestamps RFC 7323, 4), SND.WND is updated, timers are set.  What the ACK
 * says about losses is for loss.c.
 */
#include "tcpd/isn.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

enum {
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	TS_BYTES = 12,
};

/* ---- Beginnings */

void sender_begin(struct tcpd *t, struct tcb *c, tcp_seq iss)
{
	c->iss = iss;
	c->peer_mss = TCP_DEFAULT_MSS;
	sb_init(&c->sb, iss);
	rtt_init(&c->rtt, &t->config.rtt);
	rack_init(&c->rack);
	tlp_init(&c->tlp);
	eifel_init(&c->eifel);
	sender_set_mss(t, c);
}

void sender_restored(struct tcpd *t, struct tcb *c)
{
	struct timer_config timers = conn_timers(t, c);

	sb_sent(&c->sb, 1, t->n.now, 0);
	/* As if it had been sent twice: then it gives no RTT sample. */
	sb_mark_range(&c->sb, c->iss, seq_add(c->iss, 1));
	sb_resent(&c->sb, c->iss, seq_add(c->iss, 1), SB_LOST, t->n.now);
	/* If the app has no socket for it, it is a half-open like others. */
	timers_data_sent(&c->timers, &timers, c->rtt.rto_ns, 0, t->n.now);
}

/* ---- Round trips */

/* By TSecr, 0 if it tells nothing. */
static int64_t rtt_by_timestamp(
    const struct tcpd *t, const struct tcb *c, const struct tcp_hdr *h)
{
	uint32_t ms;

	if (!(c->flags & CONN_TS) || !h->has_ts || h->ts_ecr == 0)
		return 0;
	ms = ts_clock(t->n.now, c->ts_offset) - h->ts_ecr;
	if (ms > INT32_MAX)
		return 0;
	return ms > 0 ? (int64_t)ms * TS_TICK_NS : TS_TICK_NS;
}

/*
 * The scoreboard knows when the bytes were sent, and is finer than the
 * timestamp clock; only what was sent twice needs that (Karn).
 */
static void sample_rtt(struct tcpd *t, struct tcb *c, struct ack_news *n)
{
	int64_t ns = 0;

	if (n->sb.rtt_first.known)
		ns = mono_since(t->n.now, n->sb.rtt_first.xmit);
	else if (n->sb.acked > 0)
		ns = rtt_by_timestamp(t, c, &n->seg->h);
	if (ns <= 0 && !n->sb.rtt_first.known)
		return;
	if (c->flags & CONN_SPURIOUS_RTO) {
		c->flags &= ~(uint32_t)CONN_SPURIOUS_RTO;
		rtt_sample_after_spurious(&c->rtt, &t->config.rtt, ns,
		    c->eifel.srtt_prev_ns, c->eifel.rttvar_prev_ns, t->n.now);
	} else {
		rtt_sample(&c->rtt, &t->config.rtt, ns,
		    rtt_expected_samples(n->flight_before, c->mss), t->n.now);
	}
	n->rtt_us = ns < 1000 ? 1 : (uint32_t)(ns / 1000);
}

/* The instant from which on TSval was beyond the echoed one. */
static struct mono echoed_before(
    const struct tcpd *t, const struct tcb *c, const struct tcp_hdr *h)
{
	uint32_t ago;

	if (!(c->flags & CONN_TS) || !h->has_ts || h->ts_ecr == 0)
		return MONO_NEVER;
	ago = ts_clock(t->n.now, c->ts_offset) - h->ts_ecr;
	if (ago > INT32_MAX)
		return MONO_NEVER;
	return (struct mono){ (t->n.now.ns / TS_TICK_NS - (int64_t)ago + 1) *
		TS_TICK_NS };
}

/* ---- What is acknowledged */

/* For TCP_INFO: the farthest that one has come late, in segments. */
static void note_reordering(struct tcb *c, uint32_t bytes)
{
	uint32_t segments = bytes > 0 ? (bytes + c->mss - 1) / c->mss : 0;

	c->stats.reorderings += bytes > 0;
	if (segments > c->stats.reordering)
		c->stats.reordering = segments;
}

static void take_blocks(
    struct tcpd *t, struct tcb *c, struct ack_news *n, enum ack_verdict verdict)
{
	const struct tcp_hdr *h = &n->seg->h;
	struct sb_ack a = {
		.ack = verdict == ACK_OLD ? c->sb.f.una : h->ack,
		.sack = h->sack,
		.nsack = c->flags & CONN_SACK ? h->nsack : 0,
		.now = t->n.now,
		.echoed_before = echoed_before(t, c, h),
		.min_rtt_ns = rtt_min(&c->rtt),
	};

	n->flight_before = seq_len(c->sb.f.una, sb_end(&c->sb));
	sb_ack(&c->sb, &a, &n->sb);
	note_reordering(c, n->sb.reordered);
}

/* The app may write where acknowledged bytes were. */
static void free_bytes(struct tcb *c, uint32_t acked)
{
	if (acked > 0 && sender_fin_acked(c))
		acked--;
	c->tx_una += acked;
	c->stats.bytes_acked += acked;
}

bool sender_fin_acked(const struct tcb *c)
{
	return (c->flags & CONN_FIN_SENT) &&
	    seq_eq(c->sb.f.una, sb_end(&c->sb));
}

static void note_acked(struct tcpd *t, const struct tcb *c, uint32_t acked)
{
	bool fin = sender_fin_acked(c);
	uint32_t bytes = acked - fin;

	if (bytes == 0)
		node_note(&t->n, "our FIN is acknowledged");
	else
		node_note(&t->n, "%u bytes of ours%s are acknowledged", bytes,
		    fin ? " and our FIN" : "");
}

static void set_timers(struct tcpd *t, struct tcb *c)
{
	struct timer_config timers = conn_timers(t, c);
	bool left = !seq_eq(c->sb.f.una, sb_end(&c->sb));

	timers_ack_advanced(&c->timers, &timers, left, c->rtt.rto_ns,
	    left ? loss_probe_after(t, c) : 0, t->n.now);
}

/* ---- The window */

/* A byte that probed the closed window was in flight without a timer. */
static void window_has_opened(struct tcpd *t, struct tcb *c)
{
	bool probed =
	    c->timers.probes > 0 && !seq_eq(c->sb.f.una, sb_end(&c->sb));

	(void)t;
	timers_window_opened(&c->timers);
	if (probed)
		sb_mark_range(&c->sb, c->sb.f.una, sb_end(&c->sb));
}

static bool take_window(
    struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	uint32_t wnd = (uint32_t)seg->h.window << c->snd_scale;
	bool changed = window_update(&c->snd, seg->h.seq, seg->h.ack, wnd);

	/* One that stays as small goes on waiting for the override timeout. */
	if (changed && c->snd.wnd > 0 &&
	    c->timers.loss_kind == TIMER_WINDOW_PROBE)
		window_has_opened(t, c);
	return changed;
}

/* Not news of the window, and not the answer to a probe of it. */
static bool is_duplicate(const struct tcb *c, const struct segment *seg,
    enum ack_verdict verdict, bool window_changed)
{
	return verdict == ACK_DUPLICATE && !window_changed && seg->len == 0 &&
	    !(seg->h.flags & TCP_FIN) &&
	    c->timers.loss_kind != TIMER_WINDOW_PROBE &&
	    !seq_eq(c->sb.f.una, sb_end(&c->sb));
}

/* ---- The send buffer */

/*
 * Two windows of it: what is in flight, and what follows while that is
 * acknowledged.  Not worth telling before it is a quarter more.
 */
static void grow_send_buffer(struct tcpd *t, struct tcb *c)
{
	uint32_t max = t->config.sndbuf_max < APP_TX_BYTES
	    ? t->config.sndbuf_max
	    : APP_TX_BYTES;
	uint32_t now = (uint32_t)c->o.sndbuf;
	uint32_t want = c->cc.cwnd < max / 2 ? 2 * c->cc.cwnd : max;

	if ((c->o.flags & TSOCK_SNDBUF_SET) || c->sock == NO_SOCKET ||
	    (c->flags & CONN_ORPHAN) || want <= now ||
	    (want != max && want < now + now / 4))
		return;
	c->o.sndbuf = (int32_t)want;
	stream_sized(&t->streams, c->sock, c->o.sndbuf);
}

/* ---- An ACK */

void sender_ack(struct tcpd *t, struct tcb *c, const struct segment *seg,
    enum ack_verdict verdict)
{
	struct ack_news n = { .seg = seg };
	bool changed = false;

	if (verdict == ACK_OLD && seg->h.nsack == 0)
		return;
	if (verdict != ACK_OLD)
		changed = take_window(t, c, seg);
	n.duplicate = is_duplicate(c, seg, verdict, changed);
	take_blocks(t, c, &n, verdict);
	if (n.sb.acked > 0) {
		note_acked(t, c, n.sb.acked);
		free_bytes(c, n.sb.acked);
		c->soft_error = 0;
	}
	sample_rtt(t, c, &n);
	if (n.sb.acked > 0)
		set_timers(t, c);
	rate_delivered(t, c, n.sb.delivered);
	loss_ack(t, c, &n);
	grow_send_buffer(t, c);
}

/* What the handshake has shown, or NULL. */
static void begin_windows(
    struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	uint32_t wnd = seg->h.window;
	struct cc_config cc = t->config.cc;

	if (!(seg->h.flags & TCP_SYN))
		wnd <<= c->snd_scale;
	window_begin(&c->snd, seg->h.seq, seg->h.ack, wnd);
	sender_set_mss(t, c);
	cc.algorithm = c->o.congestion;
	cc_init(&c->cc, &cc, c->mss, c->timers.retransmits > 1);
	frto_init(&c->frto, c->sb.f.una, (c->flags & CONN_SACK) != 0);
}

void sender_established(
    struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	struct ack_news n = { .seg = seg };

	take_blocks(t, c, &n, ACK_ADVANCES);
	sample_rtt(t, c, &n);
	rtt_established(&c->rtt, &t->config.rtt, c->timers.retransmits > 0);
	begin_windows(t, c, seg);
	set_timers(t, c);
	rate_begin(c);
	grow_send_buffer(t, c);
}

/* ---- Eff.snd.MSS: RFC 9293, 3.7.1, and the path's MTU */

static uint32_t header_bytes(const struct tcb *c)
{
	return TCP_HDR_LEN +
	    (ip_is_v4(&c->ends.remote) ? IPV4_BYTES : IPV6_BYTES);
}

uint32_t sender_mtu(const struct tcpd *t, const struct tcb *c)
{
	uint32_t mtu = header_bytes(c) + TCP_DEFAULT_MSS;
	struct fib_answer way;

	if (fib_lookup(&t->fib, &c->ends.remote, c->link, &way) == 0)
		mtu = way.mtu;
	return c->path_mtu != 0 && c->path_mtu < mtu ? c->path_mtu : mtu;
}

void sender_set_mss(struct tcpd *t, struct tcb *c)
{
	uint32_t headers = header_bytes(c);
	uint32_t options = c->flags & CONN_TS ? TS_BYTES : 0;
	uint32_t mtu = sender_mtu(t, c);
	uint32_t mss;

	mss = mtu > headers ? mtu - headers : t->config.min_mss;
	if (mss > c->peer_mss)
		mss = c->peer_mss;
	if (c->o.maxseg != 0 && mss > c->o.maxseg)
		mss = c->o.maxseg;
	/* The MSS option does not count options (RFC 6691). */
	mss = mss > options + t->config.min_mss ? mss - options
						: t->config.min_mss;
	if (mss == c->mss)
		return;
	c->mss = mss;
	if (c->cc.mss != 0)
		cc_mss_changed(&c->cc, mss);
}

void sender_path_mtu(struct tcpd *t, struct tcb *c, uint32_t mtu)
{
	uint32_t least =
	    ip_is_v4(&c->ends.remote) ? PATH_MTU_LEAST4 : PATH_MTU_LEAST6;
	uint32_t before = c->mss;

	if (mtu != 0 && mtu < least)
		mtu = least;
	if (mtu != 0 &&
	    mtu >=
		before + header_bytes(c) + (c->flags & CONN_TS ? TS_BYTES : 0))
		return; /* no news, or a lie */
	c->path_mtu = mtu;
	c->path_mtu_until =
	    mtu == 0 ? MONO_NEVER : mono_add_ms(t->n.now, PATH_MTU_S * 1000);
	sender_set_mss(t, c);
	/* What was too long has not arrived (RFC 1191, 6.4; RFC 8201, 5.4). */
	if (c->mss < before && tcp_state_synchronized(c->state))
		sb_mark_range(&c->sb, c->sb.f.una, sb_end(&c->sb));
}
