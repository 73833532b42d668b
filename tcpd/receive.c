/*
 * receive.c - what the peer sends, into the app's ring
 *
 * RCV.NXT, the window and what lies beyond a gap (RFC 9293, 3.4 and 3.8.6; RFC
 * 2018).  Every byte is copied once, to the place where it belongs, whether it
 * is its turn or not: nothing is queued and nothing moved.
 *
 * A FIN has a number after the last byte and no place in the ring.  It may come
 * before what it ends, and is then remembered: CONN_FIN_KNOWN, fin_seq.
 */
#include "tcpd/conn.h"
#include "tcpd/isn.h"
#include "tcpd/tcpd.h"

enum {
	/* Smoothing of the receiver's own round trips: 1/8 a time. */
	RCV_RTT_SHIFT = 3,
	TS_TICK_US = TS_TICK_NS / 1000,
};

static uint32_t clamp_u32(uint32_t v, uint32_t max)
{
	return v < max ? v : max;
}

/* The largest segment that we can take in one piece (RFC 6691, 2). */
static uint16_t mss_of_link(const struct tcpd *t, const struct tcb *c)
{
	uint32_t headers = TCP_HDR_LEN + (ip_is_v4(&c->ends.remote) ? 20 : 40);
	struct fib_answer way;
	uint32_t mss = TCP_DEFAULT_MSS;

	if (fib_lookup(&t->fib, &c->ends.remote, c->link, &way) == 0 &&
	    way.mtu > headers)
		mss = clamp_u32(way.mtu - headers, UINT16_MAX - headers);
	if (c->o.maxseg != 0 && c->o.maxseg < mss)
		mss = c->o.maxseg;
	return (uint16_t)mss;
}

/* As large as the app asked, or as it may grow. */
static uint32_t most_buffer(const struct tcpd *t, const struct tcb *c)
{
	uint32_t max =
	    c->o.flags & TSOCK_RCVBUF_SET || !t->config.moderate_rcvbuf
	    ? (uint32_t)c->o.rcvbuf
	    : t->config.rcvbuf_max;

	return clamp_u32(max, APP_RX_BYTES);
}

void receiver_offer(struct tcpd *t, struct tcb *c)
{
	uint32_t max = most_buffer(t, c);
	uint32_t window = max;

	if (c->o.window_clamp > 0)
		window = clamp_u32(max, (uint32_t)c->o.window_clamp);
	c->rmss = mss_of_link(t, c);
	c->rcvbuf = clamp_u32((uint32_t)c->o.rcvbuf, max);
	c->rcv_scale = t->config.window_scale ? window_scale(window) : 0;
	c->rcv_nxt = seq_of(0);
	c->adv = seq_of(0);
	ack_policy_begin(&c->ack, c->rmss);
	sack_rx_init(&c->sack_rx);
}

void receiver_begin(struct tcpd *t, struct tcb *c, tcp_seq irs)
{
	/* What our SYN has announced, if it was first. */
	uint32_t announced = seq_len(c->rcv_nxt, c->adv);

	c->irs = irs;
	c->rcv_nxt = seq_add(irs, 1);
	c->adv = seq_add(c->rcv_nxt, announced);
	c->acked = c->rcv_nxt;
	c->rcv_up = c->rcv_nxt;
	c->rcv_rtt_at = t->n.now;
	c->rcv_rtt_seq = seq_add(c->rcv_nxt, c->rcvbuf);
}

void receiver_adopt(struct tcpd *t, struct tcb *c, uint64_t rx_written)
{
	c->rx_nxt = rx_written;
	c->rx_read = rx_written;
	rcv_buffer_begin(&c->tuning, t->n.now);
	c->tuning.copied_before = rx_written;
}

/* ---- Measuring the round trip from here, for the size of the buffer */

static void rcv_rtt_sample(struct tcb *c, uint32_t us)
{
	if (c->rcv_rtt_us == 0)
		c->rcv_rtt_us = us;
	else
		c->rcv_rtt_us +=
		    (us >> RCV_RTT_SHIFT) - (c->rcv_rtt_us >> RCV_RTT_SHIFT);
}

static void measure(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	int64_t took = mono_since(t->n.now, c->rcv_rtt_at);

	if (c->flags & CONN_TS && seg->h.ts_ecr != 0) {
		uint32_t ms = ts_clock(t->n.now, c->ts_offset) - seg->h.ts_ecr;

		/* A short one may have waited for its program. */
		if (seg->len >= c->ack.seg_size && ms < INT32_MAX / TS_TICK_US)
			rcv_rtt_sample(c, (ms > 0 ? ms : 1) * TS_TICK_US);
		return;
	}
	/* Without: the time in which a whole window comes. */
	if (seq_lt(c->rcv_nxt, c->rcv_rtt_seq))
		return;
	if (took / 1000 < INT32_MAX)
		rcv_rtt_sample(c, (uint32_t)(took / 1000) + 1);
	c->rcv_rtt_at = t->n.now;
	c->rcv_rtt_seq = seq_add(c->rcv_nxt, conn_rcv_wnd(c));
}

/* ---- Text */

/* What of the text is before the peer's end, if that is known. */
static void cut_at_fin(struct tcpd *t, struct tcb *c, const struct segment *seg,
    struct seg_text *x)
{
	tcp_seq end = seq_add(x->seq, x->len);
	const struct ranges *r = &c->sack_rx.ooo;

	if (c->flags & CONN_FIN_KNOWN) {
		if (seq_gt(end, c->fin_seq)) {
			x->len = seq_lt(x->seq, c->fin_seq)
			    ? seq_len(x->seq, c->fin_seq)
			    : 0;
			tcpd_drop(t, seg, CNT_TCP_AFTER_FIN);
		}
		x->fin = x->fin && seq_eq(end, c->fin_seq);
		return;
	}
	/* There is data beyond it already: it can't be the end. */
	if (x->fin && r->n > 0 && seq_lt(end, r->r[r->n - 1].right)) {
		x->fin = false;
		tcpd_drop(t, seg, CNT_TCP_AFTER_FIN);
	}
}

/* The bytes' place in the ring.  Beyond rx_nxt nobody looks yet. */
static void copy_in(struct tcpd *t, struct tcb *c, const struct segment *seg,
    const struct seg_text *x)
{
	uint64_t at = c->rx_nxt + seq_len(c->rcv_nxt, x->seq);

	if (x->len > 0)
		app_ring_write(apps_rx_ring(&t->streams.apps, c->sock),
		    APP_RX_BYTES, at, seg->payload + x->skip, x->len);
}

/* Does it fit?  The window says so; the ring is asked once more. */
static bool fits(const struct tcb *c, const struct seg_text *x)
{
	uint64_t end = c->rx_nxt + seq_len(c->rcv_nxt, x->seq) + x->len;

	return end - c->rx_read <= APP_RX_BYTES;
}

static void acknowledge(
    struct tcb *c, const struct segment *seg, uint32_t bytes, bool had_gap)
{
	if (bytes == 0) {
		c->stats.out_of_order += segment_pieces(seg);
		ack_at_once(&c->ack, ACK_OUT_OF_ORDER);
		return;
	}
	ack_in_order(&c->ack, bytes, seg->gso_size ? seg->gso_size : seg->len);
	if (had_gap)
		ack_at_once(&c->ack, ACK_GAP);
}

void receive_text(struct tcpd *t, struct tcb *c, const struct segment *seg,
    const struct seg_text *text)
{
	bool had_gap = c->sack_rx.ooo.n > 0;
	tcp_seq before = c->rcv_nxt;
	struct seg_text x = *text;
	tcp_seq end;
	uint32_t bytes;

	cut_at_fin(t, c, seg, &x);
	end = seq_add(x.seq, x.len + x.fin);
	if (seq_eq(end, x.seq))
		return;
	if (!fits(c, &x) ||
	    !sack_rx_has_room(&c->sack_rx, c->rcv_nxt, x.seq, end)) {
		tcpd_drop(t, seg, CNT_TCP_OUT_OF_ORDER_FULL);
		ack_at_once(&c->ack, ACK_OUT_OF_ORDER);
		return;
	}
	/* The bytes first, then the number that says they are there. */
	copy_in(t, c, seg, &x);
	if (x.fin && !(c->flags & CONN_FIN_KNOWN)) {
		c->flags |= CONN_FIN_KNOWN;
		c->fin_seq = seq_add(x.seq, x.len);
	}
	if (x.skip > 0) {
		/* What came before (RFC 2883, 4.2.1). */
		sack_rx_duplicate(&c->sack_rx, seg->h.seq, x.seq);
		ack_at_once(&c->ack, ACK_DUPLICATE_DATA);
	}
	if (sack_rx_arrived(&c->sack_rx, &c->rcv_nxt, x.seq, end) < 0)
		return;
	bytes = seq_len(before, c->rcv_nxt);
	if (bytes > 0 && receive_ended(c))
		bytes--;
	c->rx_nxt += bytes;
	c->stats.bytes_received += bytes;
	c->stats.data_received = t->n.now;
	if (bytes > 0)
		node_note(&t->n, "%u new bytes to socket %u of app %u%s", bytes,
		    sub_of(c->sock), app_of(c->sock),
		    c->rx_read == c->rx_nxt - bytes ? ", which is woken" : "");
	else if (x.len > 0)
		node_note(&t->n, "%u bytes beyond a gap: kept", x.len);
	if (bytes > 0)
		measure(t, c, seg);
	if (bytes > 0 && node_measuring(&t->n))
		apps_measure_rx(&t->streams.apps, c->sock, c->rx_nxt);
	acknowledge(c, seg, seq_len(before, c->rcv_nxt), had_gap);
}

bool receive_ended(const struct tcb *c)
{
	return (c->flags & CONN_FIN_KNOWN) && seq_gt(c->rcv_nxt, c->fin_seq);
}

/* ---- What the app reads */

void receive_read(struct tcpd *t, struct tcb *c, uint64_t read)
{
	struct rcv_space space;

	node_note(&t->n, "connection %u: the app has read %u bytes",
	    conn_id(t, c), (uint32_t)(read - c->rx_read));
	c->rx_read = read;
	if (!(c->o.flags & TSOCK_RCVBUF_SET) && t->config.moderate_rcvbuf)
		c->rcvbuf = rcv_buffer_read(&c->tuning, read, c->rcv_rtt_us,
		    c->rmss, c->rcvbuf, most_buffer(t, c), t->n.now);
	space = conn_rcv_space(c);
	if (tcp_state_may_receive(c->state) &&
	    window_update_due(c->adv, c->rcv_nxt, &space))
		ack_at_once(&c->ack, ACK_WINDOW);
}
