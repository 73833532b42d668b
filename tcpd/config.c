/*
 * config.c - the topology's settings of TCP, as the parts want them
 */
#include "tcpd/config.h"

#include "tcpd/conn.h"

enum {
	GRANULARITY_NS = NS_PER_MS, /* G of RFC 6298: the timestamp clock */
	RTT_MIN_PERIOD_S = 300,     /* of the smallest RTT */
	PROBE_MAX_S = 120,          /* between probes of a closed window */
};

static int64_t ms(uint32_t v)
{
	return (int64_t)v * NS_PER_MS;
}

static int64_t seconds(int64_t v)
{
	return v * NS_PER_S;
}

static void read_parts(struct tcp_config *c, const struct topo_tcp *from)
{
	c->rtt = (struct rtt_config){
		.initial_ns = ms(from->rto_initial_ms),
		.min_ns = ms(from->rto_min_ms),
		.max_ns = ms(from->rto_max_ms),
		.granularity_ns = GRANULARITY_NS,
		.period_ns = seconds(RTT_MIN_PERIOD_S),
	};
	c->cc = cc_defaults;
	c->cc.algorithm = from->congestion == TOPO_RENO ? CC_RENO : CC_CUBIC;
	c->cc.initial_segs = (uint8_t)from->initial_window;
	c->cc.hystart = from->hystart;
	c->cc.restart_after_idle = from->slow_start_after_idle;
	c->challenge = (struct challenge_config){
		.interval_ms = from->challenge_ack_interval_ms,
		.burst = challenge_defaults.burst,
		.limit_per_s = from->challenge_ack_limit,
	};
	c->ecn = from->ecn == 1 ? ECN_ASK
	    : from->ecn == 2    ? ECN_ANSWER
				: ECN_OFF;
}

static void read_limits(struct tcp_config *c, const struct topo_tcp *from)
{
	c->syn_retries = from->syn_retries;
	c->synack_retries = from->synack_retries;
	c->retries = from->retries;
	c->orphan_retries = from->orphan_retries;
	c->max_orphans = from->max_orphans;
	c->max_lingers = from->time_wait_max;
	c->max_syn_backlog = from->max_syn_backlog;
	c->base_mss = from->base_mss;
	c->min_mss = from->min_snd_mss;
	c->rcvbuf_default = from->rcvbuf_default;
	c->rcvbuf_max = from->rcvbuf_max;
	c->sndbuf_default = from->sndbuf_default;
	c->sndbuf_max = from->sndbuf_max;
}

void config_read(struct tcp_config *c, const struct topo_tcp *from)
{
	*c = (struct tcp_config){
		.sack = from->sack,
		.dsack = from->dsack,
		.timestamps = from->timestamps,
		.window_scale = from->window_scaling,
		.frto = from->frto,
		.tail_loss_probe = from->tail_loss_probe,
		.pacing = from->pacing,
		.moderate_rcvbuf = from->moderate_rcvbuf,
		.rfc1337 = from->rfc1337,
		.abort_on_overflow = from->abort_on_overflow,
		.syn_cookies = (uint8_t)from->syn_cookies,
		.mtu_probing = (uint8_t)from->mtu_probing,
		.ack_delay_ns = ms(from->delayed_ack_ms),
		.fin_timeout_ns = ms(from->fin_timeout_ms),
		.time_wait_ns = ms(from->time_wait_ms),
		.keepalive_idle_ns = seconds(from->keepalive_time_s),
		.keepalive_interval_ns = seconds(from->keepalive_interval_s),
		.keepalive_probes = from->keepalive_probes,
		.user_timeout_ns = ms(from->user_timeout_ms),
	};
	read_parts(c, from);
	read_limits(c, from);
}

struct timer_config config_timers(
    const struct tcp_config *c, const struct conn_options *o, bool orphan)
{
	struct timer_config t = {
		.keepalive_interval_ns = seconds(o->keep_interval_s),
		.keepalive_probes = (uint8_t)o->keep_count,
		.user_timeout_ns = c->user_timeout_ns,
		.fin_wait_2_ns = c->fin_timeout_ns,
		.time_wait_ns = c->time_wait_ns,
		.probe_max_ns = seconds(PROBE_MAX_S),
	};

	/* MUST-25: off unless asked for. */
	if ((o->flags & TSOCK_KEEPALIVE) && !orphan)
		t.keepalive_idle_ns = seconds(o->keep_idle_s);
	if (o->user_timeout_ms > 0)
		t.user_timeout_ns = ms((uint32_t)o->user_timeout_ms);
	/* As in Linux: longer than the stack's is not granted. */
	if (o->linger2_s > 0 && seconds(o->linger2_s) < t.fin_wait_2_ns)
		t.fin_wait_2_ns = seconds(o->linger2_s);
	return t;
}
