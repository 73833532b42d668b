/*
 * hystart.h - leave the first slow start before it overflows a buffer
 *
 * HyStart++, RFC 9406.  Rounds of one window are watched for a rise of their
 * least round-trip time.  A rise begins conservative slow start (CSS), which
 * grows a quarter as fast; if the rise turns out to be none within five rounds,
 * slow start goes on, else congestion avoidance begins.
 *
 *	SLOW_START --rtt rises--> CSS --five rounds--> DONE
 *	    ^----------rtt falls---'
 *
 * Flat state, no clock: rounds are measured in sequence numbers.
 */
#ifndef TCPD_HYSTART_H
#define TCPD_HYSTART_H

#include <stdint.h>

#include "tcpd/seq.h"

enum {
	/* RFC 9406, 4.3. */
	HYSTART_MIN_RTT_THRESH_US = 4000,
	HYSTART_MAX_RTT_THRESH_US = 16000,
	HYSTART_MIN_RTT_DIVISOR = 8,
	HYSTART_N_RTT_SAMPLE = 8,
	HYSTART_CSS_GROWTH_DIVISOR = 4,
	HYSTART_CSS_ROUNDS = 5,
};

enum hystart_phase {
	HYSTART_SLOW_START,
	HYSTART_CSS,
	HYSTART_DONE,
};

struct hystart {
	tcp_seq window_end;        /* the round ends when this is acked */
	uint32_t last_min_rtt_us;  /* UINT32_MAX: infinity */
	uint32_t round_min_rtt_us; /* ditto */
	uint32_t css_baseline_us;  /* ditto */
	uint8_t rtt_samples;       /* in this round, counted up to 255 */
	uint8_t css_rounds;        /* complete ones */
	uint8_t phase;             /* enum hystart_phase */
	uint8_t pad;
};

/* The first round begins: it ends when @snd_nxt is acknowledged. */
void hystart_begin(struct hystart *h, tcp_seq snd_nxt);

/*
 * An ACK came in slow start: @una and @nxt are SND.UNA and SND.NXT after it,
 * @rtt_us its sample or 0.  Returns by how much of @bytes (what it newly
 * acknowledged, limited to L * SMSS) cwnd may grow.  When the phase is then
 * HYSTART_DONE, the caller grows cwnd for the last time and sets ssthresh to
 * it.
 */
uint32_t hystart_acked(struct hystart *h, tcp_seq una, tcp_seq nxt,
    uint32_t rtt_us, uint32_t bytes);

#endif /* TCPD_HYSTART_H */
