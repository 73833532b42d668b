/*
 * rate.c - how fast data arrives at the peer, for TCP_INFO
 *
 * A sample is what is delivered in a round trip that was not idle.  One that
 * the app has limited, because it wrote less than could have been sent, says
 * too little of the path, and counts only if it is more than the last.
 *
 * An app is a limit when it writes and finds that all before was sent, with
 * room in the congestion window.  What follows, up to the ACK of something
 * sent later than that, is of such a sample: (app_from, app_to].
 */
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

void rate_begin(struct tcb *c)
{
	struct conn_stats *s = &c->stats;

	s->app_from = s->app_to = s->app_at = c->sb.f.una;
	/* As Linux counts: the SYN. */
	s->delivered = 1;
}

void rate_written(struct tcb *c)
{
	struct conn_stats *s = &c->stats;
	tcp_seq next = sb_end(&c->sb);

	if (!tcp_state_synchronized(c->state) || conn_unsent(c) >= c->mss ||
	    loss_allowance(c) == 0 || sb_lost(&c->sb) > 0)
		return;
	if (seq_geq(c->sb.f.una, s->app_to))
		s->app_from = next;
	c->flags |= CONN_APP_LIMITED;
	s->app_at = next;
	s->app_to = seq_max(s->app_to, next);
}

void rate_sent(struct tcpd *t, struct tcb *c, tcp_seq seq)
{
	struct conn_stats *s = &c->stats;

	/* Nothing was in flight: the time until now was idle. */
	if (seq_eq(seq, c->sb.f.una)) {
		s->rate_since = t->n.now;
		s->rate_bytes = 0;
	}
	if (c->flags & CONN_APP_LIMITED)
		s->app_to = sb_end(&c->sb);
}

/* Did the app limit what was delivered last? */
static bool app_limited(struct tcb *c)
{
	struct conn_stats *s = &c->stats;
	tcp_seq una = c->sb.f.una;

	if (seq_gt(una, s->app_at))
		c->flags &= ~(uint32_t)CONN_APP_LIMITED;
	if (!(c->flags & CONN_APP_LIMITED) && seq_gt(una, s->app_to))
		s->app_from = s->app_to = una;
	return seq_gt(una, s->app_from) && seq_leq(una, s->app_to);
}

void rate_delivered(struct tcpd *t, struct tcb *c, uint32_t bytes)
{
	struct conn_stats *s = &c->stats;
	int64_t ns = mono_since(t->n.now, s->rate_since);
	bool limited = app_limited(c);
	uint64_t rate;

	s->delivered += c->mss > 0 ? (bytes + c->mss - 1) / c->mss : 0;
	s->rate_bytes += bytes;
	if (ns <= 0 || ns / 1000 < rtt_min(&c->rtt) / 1000 ||
	    s->rate_bytes == 0)
		return;
	rate = s->rate_bytes * NS_PER_S / (uint64_t)ns;
	if (!limited || rate >= s->delivery_rate) {
		s->delivery_rate = rate;
		s->rate_limited = limited;
	}
	s->rate_since = t->n.now;
	s->rate_bytes = 0;
}
