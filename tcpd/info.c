/*
 * info.c - TCP_INFO: a connection's numbers as Linux's struct tcp_info has them
 *
 * Linux counts segments where we count bytes; those fields are the bytes in
 * segments of the MSS, rounded up.
 */
#include <linux/tcp.h>

#include "tcpd/pace.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

static uint32_t in_segments(uint32_t bytes, const struct tcb *c)
{
	return c->mss > 0 ? (bytes + c->mss - 1) / c->mss : 0;
}

static uint32_t us_of(int64_t ns)
{
	int64_t us = ns / 1000;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

enum {
	REORDERING_LEAST = 3,  /* net.ipv4.tcp_reordering */
	REORDERING_MOST = 300, /* net.ipv4.tcp_max_reordering */
	INIT_RCV_SEGS = 10,    /* rcv_space before anything was read */
};

/* Milliseconds since @then; if that never was, since it is established. */
static uint32_t ms_since(
    const struct tcpd *t, const struct tcb *c, struct mono then)
{
	struct mono since = then.ns != 0 ? then : c->stats.since;
	int64_t ms = mono_since(t->n.now, since) / NS_PER_MS;

	if (since.ns == 0 || ms < 0)
		return 0;
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static uint8_t ca_state(const struct tcb *c)
{
	switch ((enum conn_recovery)c->recovery) {
	case RECOVERY_FAST:
		return TCP_CA_Recovery;
	case RECOVERY_RTO:
		return TCP_CA_Loss;
	case RECOVERY_NONE:
		break;
	}
	if (cc_is_reduced(&c->cc, c->sb.f.una))
		return TCP_CA_CWR;
	return sb_sacked(&c->sb) > 0 ? TCP_CA_Disorder : TCP_CA_Open;
}

static uint8_t option_bits(const struct tcb *c)
{
	return (uint8_t)((c->flags & CONN_TS ? TCPI_OPT_TIMESTAMPS : 0) |
	    (c->flags & CONN_SACK ? TCPI_OPT_SACK : 0) |
	    (c->flags & CONN_WSCALE ? TCPI_OPT_WSCALE : 0) |
	    (ecn_on(&c->ecn) ? TCPI_OPT_ECN : 0) |
	    (ecn_seen(&c->ecn) ? TCPI_OPT_ECN_SEEN : 0));
}

static void timing(
    const struct tcpd *t, const struct tcb *c, struct tcp_info *i)
{
	i->tcpi_rto = us_of(c->rtt.rto_ns);
	i->tcpi_ato = us_of(t->config.ack_delay_ns);
	i->tcpi_rtt = us_of(c->rtt.srtt_ns);
	i->tcpi_rttvar = us_of(c->rtt.rttvar_ns);
	i->tcpi_min_rtt =
	    rtt_min(&c->rtt) > 0 ? us_of(rtt_min(&c->rtt)) : UINT32_MAX;
	i->tcpi_rcv_rtt = c->rcv_rtt_us;
	i->tcpi_last_data_sent = ms_since(t, c, c->stats.data_sent);
	i->tcpi_last_data_recv = ms_since(t, c, c->stats.data_received);
	i->tcpi_last_ack_recv = ms_since(t, c, c->stats.ack_received);
	i->tcpi_busy_time = us_of(c->stats.busy_ns);
	i->tcpi_rwnd_limited = us_of(c->stats.rwnd_limited_ns);
	i->tcpi_sndbuf_limited = us_of(c->stats.sndbuf_limited_ns);
}

/* Bytes that the app has read in a round trip, at most; a guess before. */
static uint32_t rcv_space(const struct tcb *c, const struct rcv_space *s)
{
	uint32_t guess = INIT_RCV_SEGS * c->rmss;

	if (c->tuning.most > 0)
		return c->tuning.most;
	return guess < s->size ? guess : s->size;
}

static void windows(
    const struct tcpd *t, const struct tcb *c, struct tcp_info *i)
{
	struct rcv_space space = conn_rcv_space(c);

	i->tcpi_snd_wscale = c->snd_scale & 15U;
	i->tcpi_rcv_wscale = c->rcv_scale & 15U;
	i->tcpi_snd_mss = c->mss;
	i->tcpi_rcv_mss = c->ack.seg_size;
	i->tcpi_advmss = c->rmss;
	i->tcpi_pmtu = sender_mtu(t, c);
	i->tcpi_snd_cwnd = in_segments(
	    c->recovery == RECOVERY_FAST ? c->prr_cwnd : c->cc.cwnd, c);
	i->tcpi_snd_ssthresh = c->cc.ssthresh == UINT32_MAX
	    ? INT32_MAX
	    : in_segments(c->cc.ssthresh, c);
	i->tcpi_rcv_ssthresh = space.clamp != 0 && space.clamp < space.size
	    ? space.clamp
	    : space.size;
	i->tcpi_rcv_space = rcv_space(c, &space);
	i->tcpi_snd_wnd = c->snd.wnd;
}

static uint32_t reordering(const struct tcb *c)
{
	uint32_t n = c->stats.reordering;

	if (n < REORDERING_LEAST)
		return REORDERING_LEAST;
	return n < REORDERING_MOST ? n : REORDERING_MOST;
}

static void counts(const struct tcb *c, struct tcp_info *i)
{
	uint32_t flight = seq_len(c->sb.f.una, sb_end(&c->sb));

	i->tcpi_unacked = in_segments(flight, c);
	i->tcpi_sacked = in_segments(sb_sacked(&c->sb), c);
	i->tcpi_lost = in_segments(sb_lost(&c->sb), c);
	i->tcpi_retrans = in_segments(sb_retransmitted(&c->sb), c);
	i->tcpi_reordering = reordering(c);
	i->tcpi_total_retrans = c->stats.retransmits;
	i->tcpi_bytes_acked = c->stats.bytes_acked;
	i->tcpi_bytes_received = c->stats.bytes_received;
	i->tcpi_bytes_sent = c->stats.bytes_sent;
	i->tcpi_bytes_retrans = c->stats.bytes_retransmitted;
	i->tcpi_segs_out = c->stats.segs_out;
	i->tcpi_segs_in = c->stats.segs_in;
	i->tcpi_data_segs_out = c->stats.data_segs_out;
	i->tcpi_data_segs_in = c->stats.data_segs_in;
	i->tcpi_notsent_bytes = conn_unsent(c);
	i->tcpi_delivered = c->stats.delivered;
	i->tcpi_delivered_ce = c->stats.delivered_ce;
	i->tcpi_dsack_dups = c->stats.dsack_dups;
	i->tcpi_reord_seen = c->stats.reorderings;
	i->tcpi_rcv_ooopack = c->stats.out_of_order;
}

/* Bytes a second. */
static void rates(const struct tcpd *t, const struct tcb *c, struct tcp_info *i)
{
	i->tcpi_pacing_rate = t->config.pacing ? pace_rate(c) : 0;
	if (i->tcpi_pacing_rate == 0)
		i->tcpi_pacing_rate = UINT64_MAX; /* not paced */
	i->tcpi_max_pacing_rate = UINT64_MAX;
	i->tcpi_delivery_rate = c->stats.delivery_rate;
	i->tcpi_delivery_rate_app_limited = c->stats.rate_limited & 1U;
}

void conn_info(const struct tcpd *t, const struct tcb *c, struct tcp_info *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->tcpi_state = tcp_state_info(c->state);
	ret->tcpi_ca_state = ca_state(c);
	ret->tcpi_options = option_bits(c);
	ret->tcpi_retransmits = c->timers.retransmits;
	ret->tcpi_backoff = c->rtt.backoff;
	ret->tcpi_probes = c->timers.probes > c->timers.keepalives
	    ? c->timers.probes
	    : c->timers.keepalives;
	timing(t, c, ret);
	windows(t, c, ret);
	counts(c, ret);
	rates(t, c, ret);
}
