/*
 * window.c - how much the peer may send, and when we do
 */
#include "tcpd/window.h"

#include <assert.h>

enum {
	FIELD_MAX = 65535,
	SCALE_MAX = 14,
	HELD_BACK = 32, /* one part in so many, for rounding up */
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- Receiving ---- */

uint8_t window_scale(uint32_t max)
{
	uint8_t s = 0;

	while (s < SCALE_MAX && max >> s > FIELD_MAX)
		s++;
	return s;
}

/* The window from @rcv_nxt to @adv; the peer may have sent beyond a probe. */
static uint32_t current(tcp_seq adv, tcp_seq rcv_nxt)
{
	return seq_lt(rcv_nxt, adv) ? seq_len(rcv_nxt, adv) : 0;
}

static uint32_t round_down(uint32_t wnd, uint8_t scale)
{
	return wnd >> scale << scale;
}

/* The largest window that there may ever be. */
static uint32_t most(const struct rcv_space *s)
{
	return s->clamp != 0 ? min_u32(s->size, s->clamp) : s->size;
}

static uint32_t less_slack(uint32_t wnd, uint32_t of, uint8_t scale)
{
	uint32_t slack = scale != 0 ? of / HELD_BACK : 0;

	return wnd > slack ? wnd - slack : 0;
}

/* The largest window that the buffer would bear, as it can be announced. */
static uint32_t openable(const struct rcv_space *s)
{
	uint32_t free;

	assert(s->used <= s->size && s->scale <= SCALE_MAX);
	free = min_u32(less_slack(s->size - s->used, s->size, s->scale),
	    less_slack(most(s), most(s), s->scale));
	return round_down(
	    min_u32(free, (uint32_t)FIELD_MAX << s->scale), s->scale);
}

/* 3.8.6.2.2: reduction >= min( Fr * RCV.BUFF, Eff.snd.MSS ), Fr = 1/2. */
static bool worth_it(uint32_t gain, const struct rcv_space *s)
{
	return gain > 0 && gain >= min_u32(most(s) / 2, s->mss);
}

uint16_t window_announce_syn(
    tcp_seq *adv, tcp_seq rcv_nxt, const struct rcv_space *s)
{
	uint32_t wnd = min_u32(min_u32(s->size - s->used, most(s)), FIELD_MAX);

	*adv = seq_add(rcv_nxt, wnd);
	return (uint16_t)wnd;
}

uint16_t window_announce(
    tcp_seq *adv, tcp_seq rcv_nxt, const struct rcv_space *s)
{
	uint32_t have = current(*adv, rcv_nxt);
	uint32_t open = openable(s);
	uint32_t up;

	if (open > have && worth_it(open - have, s)) {
		*adv = seq_add(rcv_nxt, open);
		return (uint16_t)(open >> s->scale);
	}

	/* A SYN's window, not scaled, may be more than any later one. */
	have = min_u32(have, (uint32_t)FIELD_MAX << s->scale);
	up = round_down(have + (1U << s->scale) - 1, s->scale);
	if (up > s->size - s->used || up > (uint32_t)FIELD_MAX << s->scale)
		return (uint16_t)(have >> s->scale);
	if (up > have)
		*adv = seq_add(rcv_nxt, up);
	return (uint16_t)(up >> s->scale);
}

bool window_update_due(tcp_seq adv, tcp_seq rcv_nxt, const struct rcv_space *s)
{
	uint32_t have = current(adv, rcv_nxt);
	uint32_t open = openable(s);

	if (open <= have || !worth_it(open - have, s))
		return false;
	return open - have >= have || open - have >= most(s) / 4;
}

/* ---- Sending ---- */

void window_begin(
    struct snd_window *w, tcp_seq seg_seq, tcp_seq seg_ack, uint32_t wnd)
{
	*w = (struct snd_window){
		.wnd = wnd, .max_wnd = wnd, .wl1 = seg_seq, .wl2 = seg_ack
	};
}

bool window_update(
    struct snd_window *w, tcp_seq seg_seq, tcp_seq seg_ack, uint32_t wnd)
{
	bool changed = wnd != w->wnd;

	/*
	 * 3.10.7.4, fifth: an old segment must not set the window.  One that
	 * acknowledges more than any before it is none, whatever its number: a
	 * retransmission has the window of now.  Without it SND.UNA would move
	 * on under the window of then, and we beyond what the peer allows.
	 */
	if (!seq_lt(w->wl2, seg_ack) && !seq_lt(w->wl1, seg_seq) &&
	    !(seq_eq(w->wl1, seg_seq) && seq_eq(w->wl2, seg_ack)))
		return false;
	w->wnd = wnd;
	w->wl1 = seq_max(w->wl1, seg_seq);
	w->wl2 = seg_ack;
	if (wnd > w->max_wnd)
		w->max_wnd = wnd;
	return changed;
}

/* Does Nagle's rule, in the form asked for, hold a short segment back? */
static bool nagle_holds(const struct send_question *q)
{
	if (q->nodelay || q->fin || seq_eq(q->snd_nxt, q->snd_una))
		return false;
	if (q->strict_nagle)
		return true;
	return q->has_small && seq_gt(q->small_end, q->snd_una);
}

uint32_t window_may_send(const struct send_question *q)
{
	uint32_t n = min_u32(q->queued, q->room);
	uint32_t tail = n % q->mss;

	/* (1): full-sized segments go. */
	if (tail == 0)
		return n;

	/* (4) */
	if (q->override)
		return n;
	/* (2): all that is queued; PUSHed, as everything is that was sent. */
	if (n == q->queued) {
		if (q->cork && !q->fin)
			return n - tail;
		return nagle_holds(q) ? n - tail : n;
	}
	/* (3): the window is in the way, but half of the largest is free. */
	if (n >= q->max_wnd / 2 && tail == n && !nagle_holds(q))
		return n;
	return n - tail;
}

/* ---- Zero-window probes ---- */

int64_t window_probe_after_ns(unsigned sent, int64_t rto_ns, int64_t max_ns)
{
	int64_t ns = rto_ns;

	while (sent-- > 0 && ns < max_ns)
		ns *= 2;
	return ns < max_ns ? ns : max_ns;
}
