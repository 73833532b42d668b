/*
 * rtt.c - SRTT, RTTVAR, RTO and the smallest RTT of late
 */
#include "tcpd/rtt.h"

static int64_t min_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max_ns(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t bounded(const struct rtt_config *c, int64_t rto_ns)
{
	return min_ns(max_ns(rto_ns, c->min_ns), c->max_ns);
}

void rtt_init(struct rtt *r, const struct rtt_config *c)
{
	*r = (struct rtt){
		.rto_ns = min_ns(c->initial_ns, c->max_ns),
		.min_ns = { INT64_MAX, INT64_MAX },
		.period_end = MONO_NEVER,
	};
}

static void update_min(
    struct rtt *r, const struct rtt_config *c, int64_t rtt_ns, struct mono now)
{
	if (r->min_ns[0] == INT64_MAX && r->min_ns[1] == INT64_MAX) {
		r->period_end = mono_add(now, c->period_ns);
	} else if (mono_since(now, r->period_end) >= c->period_ns) {
		/* After a long silence neither has a sample. */
		r->min_ns[0] = r->min_ns[1] = INT64_MAX;
		r->period_end = mono_add(now, c->period_ns);
	} else if (mono_reached(r->period_end, now)) {
		r->min_ns[1] = r->min_ns[0];
		r->min_ns[0] = INT64_MAX;
		r->period_end = mono_add(r->period_end, c->period_ns);
	}
	r->min_ns[0] = min_ns(r->min_ns[0], rtt_ns);
}

/* 2.2: RTO <- SRTT + max (G, K*RTTVAR), with K = 4. */
static void compute_rto(struct rtt *r, const struct rtt_config *c)
{
	r->rto_ns = bounded(
	    c, r->srtt_ns + max_ns(c->granularity_ns, 4 * r->rttvar_ns));
	r->backoff = 0;
}

static int64_t note(
    struct rtt *r, const struct rtt_config *c, int64_t rtt_ns, struct mono now)
{
	/* A year is more than any timer; it keeps the sums from overflowing. */
	rtt_ns = min_ns(max_ns(rtt_ns, 1), INT64_C(365) * 86400 * NS_PER_S);
	update_min(r, c, rtt_ns, now);
	r->latest_ns = rtt_ns;
	r->samples++;
	return rtt_ns;
}

void rtt_sample(struct rtt *r, const struct rtt_config *c, int64_t rtt_ns,
    uint32_t expected, struct mono now)
{
	int64_t off, n = expected > 0 ? expected : 1;

	rtt_ns = note(r, c, rtt_ns, now);
	if (r->srtt_ns == 0) {
		r->srtt_ns = rtt_ns;
		r->rttvar_ns = rtt_ns / 2;
	} else {
		/* 2.3: beta = 1/4 from the old SRTT first, then alpha = 1/8. */
		off = r->srtt_ns - rtt_ns;
		r->rttvar_ns +=
		    ((off < 0 ? -off : off) - r->rttvar_ns) / (4 * n);
		r->srtt_ns -= off / (8 * n);
	}
	compute_rto(r, c);
}

uint32_t rtt_expected_samples(uint32_t flight_size, uint32_t smss)
{
	uint64_t two = (uint64_t)smss * 2;
	uint64_t n = two == 0 ? 1 : (flight_size + two - 1) / two;

	return n == 0 ? 1 : (uint32_t)n;
}

void rtt_sample_after_spurious(struct rtt *r, const struct rtt_config *c,
    int64_t rtt_ns, int64_t srtt_prev_ns, int64_t rttvar_prev_ns,
    struct mono now)
{
	rtt_ns = note(r, c, rtt_ns, now);
	r->srtt_ns = max_ns(srtt_prev_ns, rtt_ns);
	r->rttvar_ns = max_ns(rttvar_prev_ns, rtt_ns / 2);
	compute_rto(r, c);
}

void rtt_backoff(struct rtt *r, const struct rtt_config *c)
{
	r->rto_ns = r->rto_ns > c->max_ns / 2 ? c->max_ns : r->rto_ns * 2;
	if (r->backoff < UINT8_MAX)
		r->backoff++;
}

void rtt_established(
    struct rtt *r, const struct rtt_config *c, bool syn_timed_out)
{
	const int64_t after_loss = (int64_t)RTT_SYN_LOST_MS * NS_PER_MS;

	if (!syn_timed_out || c->initial_ns >= after_loss)
		return;
	r->rto_ns = min_ns(after_loss, c->max_ns);
	r->backoff = 0;
}

int64_t rtt_min(const struct rtt *r)
{
	int64_t m = min_ns(r->min_ns[0], r->min_ns[1]);

	return m == INT64_MAX ? 0 : m;
}
