/*
 * config.h - the topology's settings of TCP, as the parts want them
 */
#ifndef TCPD_CONFIG_H
#define TCPD_CONFIG_H

#include "shm/topology.h"
#include "tcpd/cc.h"
#include "tcpd/challenge.h"
#include "tcpd/ecn.h"
#include "tcpd/rtt.h"
#include "tcpd/timers.h"

struct conn_options;
struct ip_addr;
struct tsock;

struct tcp_config {
	struct rtt_config rtt;
	struct cc_config cc;
	struct challenge_config challenge;
	enum ecn_use ecn;

	bool sack, dsack, timestamps, window_scale;
	bool frto;
	bool tail_loss_probe;
	bool pacing;
	bool moderate_rcvbuf; /* auto-tuning */
	bool rfc1337;         /* TIME-WAIT is not ended by a RST */
	bool abort_on_overflow;
	uint8_t syn_cookies; /* 0 never, 1 under flood, 2 always */
	uint8_t mtu_probing; /* 0 never, 1 after a black hole */

	uint32_t syn_retries;
	uint32_t synack_retries;
	uint32_t retries;        /* of data: then the connection is dead */
	uint32_t orphan_retries; /* the same, when nobody has a socket */
	uint32_t max_orphans;
	uint32_t max_lingers;
	uint32_t max_syn_backlog;
	uint32_t base_mss; /* after a black hole, bytes */
	uint32_t min_mss;
	uint32_t rcvbuf_default, rcvbuf_max; /* bytes */
	uint32_t sndbuf_default, sndbuf_max;
	int64_t ack_delay_ns;
	int64_t fin_timeout_ns;
	int64_t time_wait_ns;
	int64_t keepalive_idle_ns, keepalive_interval_ns;
	uint32_t keepalive_probes;
	int64_t user_timeout_ns; /* 0: none */
};

/* From the topology's "tcp". */
void config_read(struct tcp_config *c, const struct topo_tcp *from);

/* A connection's timers: the stack's settings and its socket's options. */
struct timer_config config_timers(
    const struct tcp_config *c, const struct conn_options *o, bool orphan);

/* engine.c: of a socket's options, those of a connection to @peer. */
void conn_options_from(struct conn_options *o, const struct tcp_config *c,
    const struct tsock *k, const struct ip_addr *peer);

#endif /* TCPD_CONFIG_H */
