/*
 * topology_tcp.h - the settings of TCP for a whole stack: "tcp" in the file
 *
 * What a user of the kernel's TCP knows as net.ipv4.tcp_*, with the kernel's
 * defaults where it has one; topology_tcp.c names each.  Times are in the unit
 * that the name ends with.
 */
#ifndef SHM_TOPOLOGY_TCP_H
#define SHM_TOPOLOGY_TCP_H

#include <stdbool.h>
#include <stdint.h>

struct reader;

enum topo_congestion {
	TOPO_CUBIC,
	TOPO_RENO,
};

struct topo_tcp {
	uint32_t congestion;     /* enum topo_congestion */
	uint32_t initial_window; /* segments (RFC 6928) */

	bool sack;
	bool dsack;
	bool timestamps;
	bool window_scaling;
	bool frto;
	bool tail_loss_probe;
	bool hystart;
	bool pacing;
	bool slow_start_after_idle;
	bool moderate_rcvbuf;
	bool abort_on_overflow;
	bool rfc1337;
	uint32_t ecn;         /* 0 no, 1 ask and answer, 2 answer */
	uint32_t syn_cookies; /* 0 never, 1 under flood, 2 always */
	uint32_t mtu_probing; /* 0 never, 1 after a black hole */

	uint32_t rto_initial_ms;
	uint32_t rto_min_ms;
	uint32_t rto_max_ms;
	uint32_t delayed_ack_ms;

	uint32_t syn_retries;
	uint32_t synack_retries;
	uint32_t retries;
	uint32_t orphan_retries;
	uint32_t user_timeout_ms; /* 0: by retries */

	uint32_t fin_timeout_ms;
	uint32_t time_wait_ms;
	uint32_t time_wait_max; /* connections */
	uint32_t max_orphans;
	uint32_t max_syn_backlog;

	uint32_t keepalive_time_s;
	uint32_t keepalive_interval_s;
	uint32_t keepalive_probes;

	uint32_t rcvbuf_default; /* bytes */
	uint32_t rcvbuf_max;
	uint32_t sndbuf_default;
	uint32_t sndbuf_max;

	uint32_t challenge_ack_limit; /* a second; 0: none */
	uint32_t challenge_ack_interval_ms;

	uint32_t base_mss; /* after a black hole, bytes */
	uint32_t min_snd_mss;
	uint32_t port_min;
	uint32_t port_max;
};

/* The object "tcp", or its defaults. */
void tcp_read(struct reader *r, struct topo_tcp *ret);

#endif /* SHM_TOPOLOGY_TCP_H */
