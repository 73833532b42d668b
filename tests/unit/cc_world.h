/*
 * cc_world.h - a sender with always something to send, on a path of fixed RTT
 *
 * Acknowledgements come evenly spread over the round trip, two segments each,
 * and what each lets through is sent at once.
 */
#ifndef TESTS_UNIT_CC_WORLD_H
#define TESTS_UNIT_CC_WORLD_H

#include "tcpd/cc.h"

enum {
	MSS = 1460,
};

struct cc_world {
	struct cc c;
	struct cc_view v;
};

/* Beginning an hour after boot, near the wrap of sequence numbers. */
static inline void world_init(struct cc_world *w, const struct cc_config *cfg,
    uint32_t mss, uint32_t rtt_us)
{
	*w = (struct cc_world){
		.v.now = { 3600LL * NS_PER_S },
		.v.snd_una = seq_of(0xfffff000),
		.v.snd_nxt = seq_of(0xfffff000),
		.v.srtt_us = rtt_us,
		.v.rtt_us = rtt_us,
	};
	cc_init(&w->c, cfg, mss, false);
}

/* Fill the window. */
static inline void world_send(struct cc_world *w)
{
	w->v.snd_nxt = seq_max(w->v.snd_nxt, seq_add(w->v.snd_una, w->c.cwnd));
	w->v.flight = seq_len(w->v.snd_una, w->v.snd_nxt);
	cc_sent(&w->c, &w->v, true);
}

static inline void world_ack(struct cc_world *w, uint32_t bytes)
{
	w->v.flight = seq_len(w->v.snd_una, w->v.snd_nxt);
	w->v.snd_una = seq_add(w->v.snd_una, bytes);
	cc_acked(&w->c, &w->v, bytes, false);
	world_send(w);
}

/* One round trip: all that is in flight is acknowledged. */
static inline void world_round(struct cc_world *w)
{
	int64_t rtt_ns = (int64_t)w->v.srtt_us * NS_PER_US;
	struct mono start = w->v.now;
	uint32_t flight, done = 0;

	world_send(w);
	flight = w->v.flight;
	while (done < flight) {
		uint32_t n = 2 * w->c.mss;

		if (n > flight - done)
			n = flight - done;
		done += n;
		w->v.now = mono_add(
		    start, (int64_t)((double)rtt_ns * (double)done / flight));
		world_ack(w, n);
	}
}

static inline void world_run(struct cc_world *w, int64_t seconds)
{
	struct mono end = mono_add(w->v.now, seconds * NS_PER_S);

	while (mono_before(w->v.now, end))
		world_round(w);
}

/* A segment is lost and repaired within one round trip. */
static inline void world_lose(struct cc_world *w)
{
	world_send(w);
	cc_lost(&w->c, &w->v);
	w->v.now = mono_add(w->v.now, (int64_t)w->v.srtt_us * NS_PER_US);
	w->v.snd_una = w->v.snd_nxt;
	w->v.flight = 0;
	cc_acked(&w->c, &w->v, w->c.cwnd, false);
	cc_recovery_left(&w->c, &w->v, w->c.mss);
}

#endif /* TESTS_UNIT_CC_WORLD_H */
