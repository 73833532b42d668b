/*
 * hystart.c - leave the first slow start before it overflows a buffer
 */
#include "tcpd/hystart.h"

#include <stdbool.h>

static const uint32_t INFINITE = UINT32_MAX;

void hystart_begin(struct hystart *h, tcp_seq snd_nxt)
{
	*h = (struct hystart){
		.window_end = snd_nxt,
		.last_min_rtt_us = INFINITE,
		.round_min_rtt_us = INFINITE,
		.css_baseline_us = INFINITE,
		.phase = HYSTART_SLOW_START,
	};
}

static void next_round(struct hystart *h, tcp_seq nxt)
{
	h->window_end = nxt;
	h->last_min_rtt_us = h->round_min_rtt_us;
	h->round_min_rtt_us = INFINITE;
	h->rtt_samples = 0;
	if (h->phase != HYSTART_CSS)
		return;
	/* The round in the middle of which CSS began counts as one. */
	if (++h->css_rounds >= HYSTART_CSS_ROUNDS)
		h->phase = HYSTART_DONE;
}

static uint32_t rtt_thresh(uint32_t last_min_us)
{
	uint32_t t = last_min_us / HYSTART_MIN_RTT_DIVISOR;

	if (t > HYSTART_MAX_RTT_THRESH_US)
		t = HYSTART_MAX_RTT_THRESH_US;
	if (t < HYSTART_MIN_RTT_THRESH_US)
		t = HYSTART_MIN_RTT_THRESH_US;
	return t;
}

static void judge_slow_start(struct hystart *h)
{
	if (h->round_min_rtt_us == INFINITE || h->last_min_rtt_us == INFINITE)
		return;
	if (h->round_min_rtt_us <
	    h->last_min_rtt_us + rtt_thresh(h->last_min_rtt_us))
		return;
	h->css_baseline_us = h->round_min_rtt_us;
	h->css_rounds = 0;
	h->phase = HYSTART_CSS;
}

static void judge_css(struct hystart *h)
{
	if (h->round_min_rtt_us >= h->css_baseline_us)
		return;
	h->css_baseline_us = INFINITE;
	h->phase = HYSTART_SLOW_START;
}

static void sample(struct hystart *h, uint32_t rtt_us)
{
	if (rtt_us < h->round_min_rtt_us)
		h->round_min_rtt_us = rtt_us;
	if (h->rtt_samples < UINT8_MAX)
		h->rtt_samples++;
	if (h->rtt_samples < HYSTART_N_RTT_SAMPLE)
		return;
	if (h->phase == HYSTART_SLOW_START)
		judge_slow_start(h);
	else if (h->phase == HYSTART_CSS)
		judge_css(h);
}

uint32_t hystart_acked(struct hystart *h, tcp_seq una, tcp_seq nxt,
    uint32_t rtt_us, uint32_t bytes)
{
	bool css = h->phase == HYSTART_CSS;

	/* The ACK that ends a round still measured a packet of that round. */
	if (rtt_us != 0)
		sample(h, rtt_us);
	if (seq_geq(una, h->window_end))
		next_round(h, nxt);
	return css ? bytes / HYSTART_CSS_GROWTH_DIVISOR : bytes;
}
