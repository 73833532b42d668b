/*
 * cc.c - congestion control: what all algorithms have in common
 *
 * The flow of cwnd: slow start below ssthresh, the algorithm's avoid() from
 * there on, a cut at each sign of congestion.  Beside it runs RFC 7661's
 * measure of how much of the window is really used (pipeACK): a window that
 * nobody fills says nothing about the path, so it does not grow, is cut by what
 * was used, and shrinks when it has been unused for five minutes.
 */
#include "tcpd/cc.h"

#include <string.h>

#include "tcpd/cc_ops.h"

enum {
	IW_BYTES_PER_SEG = 1460, /* RFC 6928 (1): 14600 for ten */
	RFC_3390_BYTES = 4380,
	SMALL_LOSS = 4096, /* RFC 6928, 2: "more than 4 KB of data is sent" */
};

static const uint32_t ARBITRARILY_HIGH = UINT32_MAX;

const struct cc_config cc_defaults = {
	.algorithm = CC_CUBIC,
	.initial_segs = 10,
	.abc_limit = 8,
	.hystart = true,
	.fast_convergence = true,
	.restart_after_idle = true,
};

static const struct cc_ops *const algorithms[] = {
	[CC_CUBIC] = &cc_cubic_ops,
	[CC_RENO] = &cc_reno_ops,
};

static_assert(sizeof(algorithms) / sizeof(algorithms[0]) == CC_NALGORITHMS,
    "one for each enum cc_algorithm");

static const struct cc_ops *ops(const struct cc *c)
{
	/* The number is ours, in memory that only we write. */
	assert(c->algorithm < CC_NALGORITHMS);
	return algorithms[c->algorithm];
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool has(const struct cc *c, unsigned flag)
{
	return (c->flags & flag) != 0;
}

static void set(struct cc *c, unsigned flag)
{
	c->flags |= (uint16_t)flag;
}

static void clear(struct cc *c, unsigned flag)
{
	c->flags &= (uint16_t)~flag;
}

void cc_grow(struct cc *c, uint64_t bytes)
{
	uint64_t w = c->cwnd + bytes;

	c->cwnd = w < CC_MAX_WINDOW ? (uint32_t)w : CC_MAX_WINDOW;
}

/* ---- Beginning ---- */

/* RFC 6928 (1): min (10*MSS, max (2*MSS, 14600)), for any number of segments.
 */
static uint32_t initial_window(const struct cc *c)
{
	uint32_t n = c->initial_segs;

	return min_u32(
	    n * c->mss, max_u32(2 * c->mss, n * (uint32_t)IW_BYTES_PER_SEG));
}

/* RFC 5681, 4.1: RW, before the min with cwnd. */
static uint32_t restart_window(const struct cc *c)
{
	uint32_t iw = initial_window(c);

	if (has(c, CC_SMALL_RESTART))
		return min_u32(iw,
		    min_u32(4 * c->mss, max_u32(2 * c->mss, RFC_3390_BYTES)));
	return iw;
}

void cc_init(
    struct cc *c, const struct cc_config *config, uint32_t mss, bool syn_lost)
{
	assert(config->algorithm < CC_NALGORITHMS && mss > 0);
	*c = (struct cc){
		.ssthresh = ARBITRARILY_HIGH,
		.mss = mss,
		.algorithm = config->algorithm,
		.initial_segs = config->initial_segs,
		.abc_limit = config->abc_limit,
		.flags = CC_INITIAL,
		.unused_since = MONO_NEVER,
	};
	if (config->hystart)
		c->config |= CC_HYSTART;
	if (config->fast_convergence)
		c->config |= CC_FAST_CONVERGENCE;
	if (config->restart_after_idle)
		c->config |= CC_RESTART;
	c->cwnd = syn_lost ? mss : max_u32(initial_window(c), mss);
}

void cc_mss_changed(struct cc *c, uint32_t mss)
{
	assert(mss > 0);
	if (mss < c->mss)
		c->cwnd =
		    max_u32((uint32_t)((uint64_t)c->cwnd * mss / c->mss), mss);
	c->mss = mss;
	c->cwnd = max_u32(c->cwnd, mss);
}

void cc_switch(struct cc *c, enum cc_algorithm algorithm)
{
	assert(algorithm < CC_NALGORITHMS);
	c->algorithm = (uint8_t)algorithm;
	c->credit = 0;
	c->cubic = (struct cubic){ 0 };
	clear(c, CC_EPOCH | CC_UNDO | CC_UNDO_TIMEOUT);
}

bool cc_slow_start(const struct cc *c)
{
	return c->cwnd < c->ssthresh;
}

bool cc_is_reduced(const struct cc *c, tcp_seq snd_una)
{
	return has(c, CC_CUT) && seq_lt(snd_una, c->recover);
}

/* ---- RFC 7661: how much of the window is used ---- */

/* Half of the pipeACK sampling period, max(3 * RTT, 1 s). */
static int64_t half_period_ns(const struct cc_view *v)
{
	int64_t rtt3 = 3LL * v->srtt_us * NS_PER_US;

	return (rtt3 > NS_PER_S ? rtt3 : NS_PER_S) / 2;
}

/* pipeACK: the largest sample of the last half to whole sampling period. */
static uint32_t pipe_ack(const struct cc *c, const struct cc_view *v)
{
	int64_t age = mono_since(v->now, c->pipe_since);
	int64_t half = half_period_ns(v);

	if (age >= 2 * half)
		return 0;
	if (age >= half)
		return c->pipe_ack[0];
	return max_u32(c->pipe_ack[0], c->pipe_ack[1]);
}

static void pipe_sample(struct cc *c, const struct cc_view *v, uint32_t sample)
{
	int64_t age = mono_since(v->now, c->pipe_since);
	int64_t half = half_period_ns(v);

	if (!has(c, CC_PIPE_KNOWN) || age >= half) {
		bool fresh = has(c, CC_PIPE_KNOWN) && age < 2 * half;

		c->pipe_ack[1] = fresh ? c->pipe_ack[0] : 0;
		c->pipe_ack[0] = 0;
		c->pipe_since = v->now;
		set(c, CC_PIPE_KNOWN);
	}
	c->pipe_ack[0] = max_u32(c->pipe_ack[0], sample);
}

/* One sample a round trip: what was acknowledged in it. */
static void pipe_acked(struct cc *c, const struct cc_view *v, uint32_t bytes)
{
	if (!has(c, CC_ROUND)) {
		set(c, CC_ROUND);
		c->round_una = seq_sub(v->snd_una, bytes);
		c->round_end = v->snd_nxt;
	}
	if (seq_lt(v->snd_una, c->round_end))
		return;
	pipe_sample(c, v, seq_len(c->round_una, v->snd_una));
	c->round_una = v->snd_una;
	c->round_end = v->snd_nxt;
	clear(c, CC_INITIAL);
}

static void pipe_undefined(struct cc *c)
{
	clear(c, CC_PIPE_KNOWN | CC_ROUND);
	c->unused_since = MONO_NEVER;
}

/* 4.3: pipeACK >= cwnd / 2, or undefined. */
static bool validated(const struct cc *c, const struct cc_view *v)
{
	return !has(c, CC_PIPE_KNOWN) || pipe_ack(c, v) >= c->cwnd / 2;
}

/* 4.4.3: a window that was not used for five minutes is halved. */
static void age_window(struct cc *c, const struct cc_view *v)
{
	if (validated(c, v)) {
		c->unused_since = MONO_NEVER;
		return;
	}
	if (c->unused_since.ns == MONO_NEVER.ns)
		c->unused_since = v->now;
	if (mono_since(v->now, c->unused_since) < CC_NVP_S * (int64_t)NS_PER_S)
		return;
	if (c->ssthresh != ARBITRARILY_HIGH)
		c->ssthresh = max_u32(c->ssthresh, c->cwnd - c->cwnd / 4);
	c->cwnd = max_u32(c->cwnd / 2, min_u32(c->cwnd, initial_window(c)));
	c->unused_since = v->now;
	clear(c, CC_EPOCH);
}

/* ---- Growth ---- */

void cc_sent(struct cc *c, const struct cc_view *v, bool limited)
{
	if (!limited)
		return;
	set(c, CC_LIMITED);
	c->limited_until = v->snd_nxt;
}

/* Is this an ACK of what was sent while cwnd was the limit? */
static bool was_limited(struct cc *c, const struct cc_view *v)
{
	if (has(c, CC_LIMITED) && seq_gt(v->snd_una, c->limited_until))
		clear(c, CC_LIMITED);
	return has(c, CC_LIMITED);
}

/* @bytes, but at most L segments (RFC 3465, 2.3; RFC 9406, 4.2). */
static uint32_t byte_count(const struct cc *c, uint32_t bytes)
{
	/*
	 * While what was lost before a timeout is repaired, an ACK may cover
	 * much that left the network long ago.
	 */
	if (has(c, CC_AFTER_TIMEOUT))
		return min_u32(bytes, c->mss);
	if (c->abc_limit == 0)
		return bytes;
	return min_u32(bytes, c->abc_limit * c->mss);
}

static void slow_start(struct cc *c, const struct cc_view *v, uint32_t bytes)
{
	uint32_t n = byte_count(c, bytes);

	if ((c->config & CC_HYSTART) == 0 || c->ssthresh != ARBITRARILY_HIGH) {
		cc_grow(c, min_u32(n, c->ssthresh - c->cwnd));
		return;
	}
	if (!has(c, CC_HYSTART_ON)) {
		set(c, CC_HYSTART_ON);
		hystart_begin(&c->hystart, v->snd_nxt);
	}
	n = hystart_acked(&c->hystart, v->snd_una, v->snd_nxt, v->rtt_us, n);
	cc_grow(c, n);
	if (c->hystart.phase == HYSTART_DONE)
		c->ssthresh = c->cwnd;
}

void cc_acked(struct cc *c, const struct cc_view *v, uint32_t bytes, bool ece)
{
	bool limited = was_limited(c, v);

	if (bytes == 0)
		return;
	if (has(c, CC_CUT) && seq_geq(v->snd_una, c->recover))
		clear(c, CC_CUT | CC_AFTER_TIMEOUT);
	if (has(c, CC_RECOVERY))
		return; /* pipeACK is not measured in it either */

	pipe_acked(c, v, bytes);
	age_window(c, v);
	if (ece)
		return;
	if (!cc_slow_start(c))
		ops(c)->avoid(c, v, bytes, limited);
	else if (limited || validated(c, v))
		slow_start(c, v, bytes);
}

/* ---- Congestion ---- */

static void save(struct cc *c, unsigned how)
{
	c->undo.cwnd = c->cwnd;
	c->undo.ssthresh = c->ssthresh;
	c->undo.cubic = c->cubic;
	clear(c, CC_UNDO_TIMEOUT | CC_UNDO_EPOCH);
	set(c, CC_UNDO | how);
	if (has(c, CC_EPOCH))
		set(c, CC_UNDO_EPOCH);
}

/* Sets ssthresh to what congestion now makes of it, and remembers the window.
 */
static void cut(struct cc *c, const struct cc_view *v, bool timeout)
{
	uint32_t base = v->flight;

	clear(c, CC_UNUSED_LOSS);
	if (!validated(c, v)) {
		/* RFC 7661, 4.4.1. */
		base = max_u32(base, pipe_ack(c, v));
		set(c, CC_UNUSED_LOSS);
	}
	/* In recovery more may still be out than the window allows by now. */
	base = min_u32(base, c->cwnd);
	if (has(c, CC_INITIAL) && base > SMALL_LOSS)
		set(c, CC_SMALL_RESTART);

	ops(c)->congestion(c, timeout);
	c->loss_base = base;
	c->ssthresh = max_u32(ops(c)->cut(base), 2 * c->mss);
	c->credit = 0;
	c->recover = v->snd_nxt;
	set(c, CC_CUT);
	clear(c, CC_AFTER_TIMEOUT | CC_INITIAL);
}

void cc_lost(struct cc *c, const struct cc_view *v)
{
	if (!has(c, CC_RECOVERY))
		save(c, 0);
	cut(c, v, false);
	c->cwnd = c->ssthresh;
	set(c, CC_RECOVERY);
}

void cc_recovery_left(
    struct cc *c, const struct cc_view *v, uint32_t retransmitted)
{
	(void)v;
	if (!has(c, CC_RECOVERY))
		return; /* a timeout or an undo ended it before */
	clear(c, CC_RECOVERY);
	if (has(c, CC_UNUSED_LOSS)) {
		/*
		 * RFC 7661, 4.4.1: what was lost was too much by itself.  Its
		 * least is one segment, with which who sends now and then would
		 * wait for delayed ACKs; ours is RFC 5681's (4), two.
		 */
		uint32_t used =
		    c->loss_base - min_u32(retransmitted, c->loss_base);

		c->ssthresh = max_u32(ops(c)->cut(used), 2 * c->mss);
		clear(c, CC_UNUSED_LOSS);
	}
	c->cwnd = c->ssthresh;
	pipe_undefined(c);
}

void cc_timed_out(struct cc *c, const struct cc_view *v, bool again)
{
	/* RFC 5681, 3.1: held constant when the segment is lost again. */
	if (!again) {
		if (!has(c, CC_RECOVERY))
			save(c, CC_UNDO_TIMEOUT);
		set(c, CC_UNDO_TIMEOUT);
		cut(c, v, true);
	}
	clear(c, CC_RECOVERY | CC_UNUSED_LOSS | CC_LIMITED);
	c->recover = v->snd_nxt;
	set(c, CC_CUT | CC_AFTER_TIMEOUT);
	c->cwnd = c->mss; /* the loss window */
	c->credit = 0;
	pipe_undefined(c);
}

bool cc_ecn_echo(struct cc *c, const struct cc_view *v)
{
	/* At most once a window, and not if loss has cut it (RFC 3168). */
	if (has(c, CC_RECOVERY) ||
	    (has(c, CC_CUT) && seq_lt(v->snd_una, c->recover)))
		return false;
	cut(c, v, false);
	/* RFC 9438, figure 5: on ECE down to one segment. */
	c->cwnd = max_u32(min_u32(ops(c)->cut(c->loss_base), c->cwnd), c->mss);
	clear(c, CC_UNDO | CC_UNDO_TIMEOUT | CC_UNUSED_LOSS);
	pipe_undefined(c);
	return true;
}

bool cc_undo(struct cc *c, const struct cc_view *v, uint32_t acked)
{
	uint32_t cwnd = c->undo.cwnd;

	if (!has(c, CC_UNDO) || c->cwnd >= cwnd) {
		clear(c, CC_UNDO | CC_UNDO_TIMEOUT);
		return false;
	}
	c->ssthresh = c->undo.ssthresh;
	if (has(c, CC_UNDO_TIMEOUT)) {
		/*
		 * RFC 4015, (9): no burst.  Slow start, up to where the window
		 * was.
		 */
		c->ssthresh = max_u32(c->ssthresh, cwnd);
		cwnd = min_u32(
		    cwnd, v->flight + min_u32(acked, initial_window(c)));
		cwnd = max_u32(cwnd, c->cwnd);
	}
	c->cwnd = cwnd;
	c->cubic = c->undo.cubic;
	c->credit = 0;
	clear(c,
	    CC_UNDO | CC_UNDO_TIMEOUT | CC_RECOVERY | CC_CUT |
		CC_AFTER_TIMEOUT | CC_UNUSED_LOSS | CC_EPOCH);
	if (has(c, CC_UNDO_EPOCH))
		set(c, CC_EPOCH);
	return true;
}

/* ---- Idleness ---- */

void cc_idle(
    struct cc *c, const struct cc_view *v, int64_t idle_ns, int64_t rto_ns)
{
	uint32_t rw = restart_window(c);

	ops(c)->idle(c, v->now);
	if (idle_ns <= rto_ns)
		return;
	if ((c->config & CC_RESTART) == 0) {
		/* RFC 7661: the window is kept, for a while. */
		if (!validated(c, v) && c->unused_since.ns == MONO_NEVER.ns)
			c->unused_since = (struct mono){ v->now.ns - idle_ns };
		age_window(c, v);
		return;
	}
	if (c->cwnd <= rw)
		return;
	/* Slow start leads back to near where the window was. */
	if (c->ssthresh != ARBITRARILY_HIGH)
		c->ssthresh = max_u32(c->ssthresh, c->cwnd - c->cwnd / 4);
	c->cwnd = rw;
	c->credit = 0;
	pipe_undefined(c);
	set(c, CC_INITIAL);
	clear(c, CC_EPOCH | CC_LIMITED);
}

/* ---- Names ---- */

const char *cc_name(enum cc_algorithm a)
{
	assert(a < CC_NALGORITHMS);
	return algorithms[a]->name;
}

int cc_find(const char *name)
{
	for (int i = 0; i < CC_NALGORITHMS; i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			return i;
	return -1;
}
