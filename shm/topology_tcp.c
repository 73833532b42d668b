/*
 * topology_tcp.c - the settings of TCP for a whole stack: "tcp" in the file
 *
 * A table of numbers, one of switches, and what only two of them together can
 * tell.  Beside each key is the kernel's setting of the same meaning; where
 * the default is another than the kernel's, why.
 */
#include "shm/topology_tcp.h"

#include <stddef.h>
#include <string.h>

#include "shm/topology_reader.h"

enum {
	DAY_MS = 24 * 3600 * 1000,
};

struct number {
	struct limits limits;
	uint32_t def;
	size_t at;
};

struct toggle {
	const char *key;
	bool def;
	size_t at;
};

#define NUMBER(name, low, high, usual)                                  \
	{                                                               \
		{ .key = #name, .min = (low), .max = (high) }, (usual), \
		    offsetof(struct topo_tcp, name)                     \
	}
#define TOGGLE(name, usual)                                     \
	{                                                       \
#name, (usual), offsetof(struct topo_tcp, name) \
	}

static const struct number numbers[] = {
	NUMBER(initial_window, 1, 64, 10), /* ip route: initcwnd */
	NUMBER(ecn, 0, 2, 2),              /* tcp_ecn */
	NUMBER(syn_cookies, 0, 2, 1),      /* tcp_syncookies */
	/* tcp_mtu_probing, there 0: it is how black holes are found. */
	NUMBER(mtu_probing, 0, 1, 1),

	NUMBER(rto_initial_ms, 10, 60000, 1000), /* RFC 6298, 2.1 */
	NUMBER(rto_min_ms, 1, 10000, 200),       /* ip route: rto_min */
	NUMBER(rto_max_ms, 1000, 600000, 120000),
	NUMBER(delayed_ack_ms, 0, 499, 40), /* RFC 9293: less than 500 */

	/* tcp_syn_retries, there 6: 131 s.  RFC 9293, MUST-23, wants 180. */
	NUMBER(syn_retries, 1, 127, 7),
	NUMBER(synack_retries, 0, 127, 5),     /* tcp_synack_retries */
	NUMBER(retries, 1, 254, 15),           /* tcp_retries2 */
	NUMBER(orphan_retries, 1, 254, 8),     /* tcp_orphan_retries */
	NUMBER(user_timeout_ms, 0, DAY_MS, 0), /* RFC 5482; none */

	NUMBER(fin_timeout_ms, 1000, DAY_MS, 60000), /* tcp_fin_timeout */
	NUMBER(time_wait_ms, 0, 600000, 60000),      /* fixed there */
	NUMBER(time_wait_max, 0, 65536, 65536),      /* tcp_max_tw_buckets */
	NUMBER(max_orphans, 0, 16384, 8192),         /* tcp_max_orphans */
	NUMBER(max_syn_backlog, 1, 16384, 1024),     /* the same */

	NUMBER(keepalive_time_s, 1, 32767, 7200), /* tcp_keepalive_time */
	NUMBER(keepalive_interval_s, 1, 32767, 75),
	NUMBER(keepalive_probes, 1, 127, 9),

	NUMBER(rcvbuf_default, 2304, 1 << 30, 131072), /* tcp_rmem */
	NUMBER(rcvbuf_max, 2304, 1 << 30, 6291456),
	NUMBER(sndbuf_default, 4608, 1 << 30, 16384), /* tcp_wmem */
	NUMBER(sndbuf_max, 4608, 1 << 30, 4194304),

	/* tcp_challenge_ack_limit: unlimited there, too; 0 says so here. */
	NUMBER(challenge_ack_limit, 0, 1000000, 0),
	/* tcp_invalid_ratelimit */
	NUMBER(challenge_ack_interval_ms, 0, 60000, 500),

	NUMBER(base_mss, 88, 65495, 1024),  /* tcp_base_mss */
	NUMBER(min_snd_mss, 48, 65495, 48), /* tcp_min_snd_mss */
	NUMBER(port_min, 1, 65535, 32768),  /* ip_local_port_range */
	NUMBER(port_max, 1, 65535, 60999),
};

static const struct toggle toggles[] = {
	TOGGLE(sack, true),
	TOGGLE(dsack, true),
	TOGGLE(timestamps, true),
	TOGGLE(window_scaling, true),
	TOGGLE(frto, true),
	TOGGLE(tail_loss_probe, true), /* tcp_early_retrans */
	TOGGLE(hystart, true),
	TOGGLE(pacing, true), /* there a matter of the qdisc */
	TOGGLE(slow_start_after_idle, true),
	TOGGLE(moderate_rcvbuf, true),
	TOGGLE(abort_on_overflow, false),
	/* tcp_rfc1337, there off: a reset may not end TIME-WAIT early. */
	TOGGLE(rfc1337, true),
};

#undef NUMBER
#undef TOGGLE

enum {
	NNUMBERS = sizeof(numbers) / sizeof(numbers[0]),
	NTOGGLES = sizeof(toggles) / sizeof(toggles[0]),
};

static void put_number(struct topo_tcp *t, const struct number *n, uint32_t v)
{
	memcpy((uint8_t *)t + n->at, &v, sizeof(v));
}

static void put_toggle(struct topo_tcp *t, const struct toggle *g, bool v)
{
	memcpy((uint8_t *)t + g->at, &v, sizeof(v));
}

static int congestion_by_name(const char *name)
{
	if (strcmp(name, "cubic") == 0)
		return TOPO_CUBIC;
	return strcmp(name, "reno") == 0 ? TOPO_RENO : -1;
}

static bool is_given(struct reader *r, const char *key)
{
	if (!reader_enter(r, key))
		return false;
	reader_leave(r);
	return true;
}

/*
 * @low must not be above @high.  Of what the file gives only one, the other
 * makes way.
 */
static void put_in_order(struct reader *r, const char *low_key, uint32_t *low,
    const char *high_key, uint32_t *high)
{
	if (*low <= *high || r->err != 0)
		return;
	if (!is_given(r, high_key)) {
		*high = *low;
	} else if (!is_given(r, low_key)) {
		*low = *high;
	} else if (reader_enter(r, low_key)) {
		reader_fail(
		    r, "%u is above %s, which is %u", *low, high_key, *high);
		reader_leave(r);
	}
}

static void put_all_in_order(struct reader *r, struct topo_tcp *t)
{
	put_in_order(
	    r, "rto_min_ms", &t->rto_min_ms, "rto_max_ms", &t->rto_max_ms);
	put_in_order(r, "rto_min_ms", &t->rto_min_ms, "rto_initial_ms",
	    &t->rto_initial_ms);
	put_in_order(r, "rto_initial_ms", &t->rto_initial_ms, "rto_max_ms",
	    &t->rto_max_ms);
	put_in_order(r, "rcvbuf_default", &t->rcvbuf_default, "rcvbuf_max",
	    &t->rcvbuf_max);
	put_in_order(r, "sndbuf_default", &t->sndbuf_default, "sndbuf_max",
	    &t->sndbuf_max);
	put_in_order(
	    r, "min_snd_mss", &t->min_snd_mss, "base_mss", &t->base_mss);
	put_in_order(r, "port_min", &t->port_min, "port_max", &t->port_max);
}

static void read_all(struct reader *r, struct topo_tcp *t)
{
	const char *keys[NNUMBERS + NTOGGLES + 2] = { "congestion" };
	uint32_t n = 1;

	for (uint32_t i = 0; i < NNUMBERS; i++)
		keys[n++] = numbers[i].limits.key;
	for (uint32_t i = 0; i < NTOGGLES; i++)
		keys[n++] = toggles[i].key;
	if (!reader_object(r, keys))
		return;
	t->congestion = (uint32_t)reader_choice(
	    r, "congestion", congestion_by_name, "cubic, reno", TOPO_CUBIC);
	for (uint32_t i = 0; i < NNUMBERS; i++)
		put_number(t, &numbers[i],
		    (uint32_t)reader_number(
			r, &numbers[i].limits, numbers[i].def));
	for (uint32_t i = 0; i < NTOGGLES; i++)
		put_toggle(t, &toggles[i],
		    reader_bool(r, toggles[i].key, toggles[i].def));
	put_all_in_order(r, t);
}

void tcp_read(struct reader *r, struct topo_tcp *ret)
{
	ret->congestion = TOPO_CUBIC;
	for (uint32_t i = 0; i < NNUMBERS; i++)
		put_number(ret, &numbers[i], numbers[i].def);
	for (uint32_t i = 0; i < NTOGGLES; i++)
		put_toggle(ret, &toggles[i], toggles[i].def);
	if (!reader_enter(r, "tcp"))
		return;
	read_all(r, ret);
	reader_leave(r);
}
