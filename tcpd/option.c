/*
 * option.c - socket options that the stack keeps
 *
 * Most are a number or a bit in struct tsock_options and one line of a table;
 * the rest follow below it.  Errnos and limits are those of Linux.
 */
#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "shm/sockopt.h"
#include "tcpd/app.h"

enum {
	SOL_TCP_LEVEL = IPPROTO_TCP,
	MAX_KEEPIDLE = 32767,
	MAX_KEEPCNT = 127,
	MAX_SYNCNT = 127,
	MIN_MAXSEG = 88,
	MAX_MAXSEG = 32767,
	MAX_DISCOVER = 5, /* IP_PMTUDISC_OMIT */
	MAX_LINGER2 = 120,
	MIN_CLAMP = TSOCK_RCVBUF_MIN / 2,
	MAX_DEFER_STEP = 120, /* TCP_RTO_MAX, seconds */
	MAX_DEFER_STEPS = 255,
	ECN_BITS = 3,
};

#define AT(member) offsetof(struct tsock_options, member)
#define FLAG(bit)  SOCKOPT_FLAG, AT(flags), bit, 0, 0, 0

/* From @min to @max; -1 of hops is the stack's default. */
#define U8(member, min, max) SOCKOPT_U8, AT(member), 0, min, max, SOCKOPT_PLAIN
#define I32(member, min, max) \
	SOCKOPT_I32, AT(member), 0, min, max, SOCKOPT_PLAIN
#define HOPS(member, min) SOCKOPT_I16, AT(member), 0, min, 255, -1

/* clang-format off */
static const struct sockopt options[] = {
	{ SOL_SOCKET, SO_REUSEADDR, FLAG(TSOCK_REUSEADDR) },
	{ SOL_SOCKET, SO_REUSEPORT, FLAG(TSOCK_REUSEPORT) },
	{ SOL_SOCKET, SO_KEEPALIVE, FLAG(TSOCK_KEEPALIVE) },
	{ SOL_SOCKET, SO_OOBINLINE, FLAG(TSOCK_OOBINLINE) },
	{ SOL_SOCKET, SO_DONTROUTE, FLAG(TSOCK_DONTROUTE) },
	{ SOL_SOCKET, SO_BROADCAST, FLAG(TSOCK_BROADCAST) },
	{ SOL_SOCKET, SO_PRIORITY, I32(priority, INT_MIN, INT_MAX) },

	{ SOL_TCP_LEVEL, TCP_NODELAY, FLAG(TSOCK_NODELAY) },
	{ SOL_TCP_LEVEL, TCP_CORK, FLAG(TSOCK_CORK) },
	{ SOL_TCP_LEVEL, TCP_QUICKACK, FLAG(TSOCK_QUICKACK) },
	{ SOL_TCP_LEVEL, TCP_KEEPIDLE, I32(keep_idle_s, 1, MAX_KEEPIDLE) },
	{ SOL_TCP_LEVEL, TCP_KEEPINTVL, I32(keep_interval_s, 1, MAX_KEEPIDLE) },
	{ SOL_TCP_LEVEL, TCP_KEEPCNT, I32(keep_count, 1, MAX_KEEPCNT) },
	{ SOL_TCP_LEVEL, TCP_USER_TIMEOUT, I32(user_timeout_ms, 0, INT_MAX) },
	{ SOL_TCP_LEVEL, TCP_NOTSENT_LOWAT,
	    I32(notsent_lowat, INT_MIN, INT_MAX) },
	{ SOL_TCP_LEVEL, TCP_SYNCNT, I32(syn_count, 1, MAX_SYNCNT) },

	{ IPPROTO_IP, IP_TTL, HOPS(ttl, 1) },
	{ IPPROTO_IP, IP_MTU_DISCOVER, U8(mtu_discover, 0, MAX_DISCOVER) },
	{ IPPROTO_IPV6, IPV6_V6ONLY, FLAG(TSOCK_V6ONLY) },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOPS(hops6, 0) },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, U8(mtu_discover6, 0, MAX_DISCOVER) },
};
/* clang-format on */

static const struct sockopt_table table = {
	.option = options,
	.n = sizeof(options) / sizeof(options[0]),
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void tsock_defaults(struct tsock_options *o, const struct topo_tcp *t)
{
	*o = (struct tsock_options){
		/* Grown by need, up to the rings. */
		.rcvbuf = (int32_t)least(t->rcvbuf_default, APP_RX_BYTES),
		.sndbuf = (int32_t)least(t->sndbuf_default, APP_TX_BYTES),
		.rcvlowat = 1,
		.keep_idle_s = (int32_t)t->keepalive_time_s,
		.keep_interval_s = (int32_t)t->keepalive_interval_s,
		.keep_count = (int32_t)t->keepalive_probes,
		.ttl = -1,
		.hops6 = -1,
		.mtu_discover = IP_PMTUDISC_WANT,
		.mtu_discover6 = IPV6_PMTUDISC_WANT,
		.bind_link = LINK_ANY,
		.flags = TSOCK_QUICKACK,
	};
}

static int set_plain(
    struct tsock *k, const struct sockopt *p, const struct command *c)
{
	int v;

	if (c->len >= sizeof(int))
		v = sockopt_int(c);
	else if (p->level == IPPROTO_IP && c->len >= 1)
		v = c->data[0];
	else
		return -EINVAL;
	if (p->level == IPPROTO_IPV6 && p->name == IPV6_V6ONLY && k->bound)
		return -EINVAL;
	return sockopt_store(&k->o, p, v);
}

/*
 * TCP_DEFER_ACCEPT in Linux is a number of SYN-ACKs: seconds become the time
 * that as many take, 1, 2, 4 ... seconds apart.
 */
static int32_t defer_seconds(int v)
{
	int32_t step = 1, sum = 1;

	if (v <= 0)
		return 0;
	for (int n = 1; sum < v && n < MAX_DEFER_STEPS; n++) {
		step = step * 2 > MAX_DEFER_STEP ? MAX_DEFER_STEP : step * 2;
		sum += step;
	}
	return sum;
}

static int set_clamp(struct tsock *k, int v)
{
	if (v == 0 && k->state != TSOCK_IDLE)
		return -EINVAL;
	k->o.window_clamp = v != 0 && v < MIN_CLAMP ? MIN_CLAMP : v;
	return 0;
}

/* Those of a traffic class: two bits are ours (RFC 3168). */
static int set_tos(uint8_t *ret, int v)
{
	*ret = (uint8_t)(v & ~ECN_BITS);
	return 0;
}

static int set_tclass(struct tsock *k, const struct command *c)
{
	int v = sockopt_int(c);

	if (c->len < sizeof(v) || v < -1 || v > UINT8_MAX)
		return -EINVAL;
	return set_tos(&k->o.tclass6, v == -1 ? 0 : v);
}

static int set_linger(struct tsock_options *o, const struct command *c)
{
	struct linger l;

	if (c->len < sizeof(l))
		return -EINVAL;
	memcpy(&l, c->data, sizeof(l));
	if (l.l_onoff == 0)
		o->linger = 0;
	else
		o->linger = l.l_linger < 0 || l.l_linger == INT_MAX
		    ? INT_MAX
		    : (uint32_t)l.l_linger + 1;
	return 0;
}

static int set_socket(
    const struct streams *s, struct tsock_options *o, const struct command *c)
{
	int v = sockopt_int(c);

	switch (c->arg[1]) {
	case SO_LINGER:
		return set_linger(o, c);
	case SO_BINDTODEVICE:
		return sockopt_device(s->n->topo, c, &o->bind_link);
	}
	if (c->len < sizeof(int))
		return -EINVAL;
	switch (c->arg[1]) {
	case SO_RCVBUF:
		o->flags |= TSOCK_RCVBUF_SET;
		return sockopt_buffer(
		    c, &o->rcvbuf, TSOCK_RCVBUF_MIN, APP_RX_BYTES);
	case SO_SNDBUF:
		o->flags |= TSOCK_SNDBUF_SET;
		return sockopt_buffer(
		    c, &o->sndbuf, TSOCK_SNDBUF_MIN, APP_TX_BYTES);
	case SO_RCVLOWAT:
		o->rcvlowat = v < 0 || v > APP_RX_BYTES / 2 ? APP_RX_BYTES / 2
		    : v == 0                                ? 1
							    : v;
		return 0;
	default: /* an app's number */
		return -ENOPROTOOPT;
	}
}

static int set_congestion(struct tsock_options *o, const struct command *c)
{
	char name[TSOCK_CONGESTION_LEN] = "";
	size_t len = c->len < sizeof(name) - 1 ? c->len : sizeof(name) - 1;

	if (c->len == 0)
		return -EINVAL;
	memcpy(name, c->data, len);
	if (strcmp(name, "cubic") != 0 && strcmp(name, "reno") != 0)
		return -ENOENT;
	memcpy(o->congestion, name, sizeof(name));
	return 0;
}

static int set_maxseg(struct tsock_options *o, const struct command *c)
{
	int v = sockopt_int(c);

	if (c->len < sizeof(int) || (v != 0 && v < MIN_MAXSEG) ||
	    v > MAX_MAXSEG)
		return -EINVAL;
	o->maxseg = v;
	return 0;
}

static int set_tcp(struct tsock *k, const struct command *c)
{
	int v = sockopt_int(c);

	if (c->arg[1] == TCP_CONGESTION)
		return set_congestion(&k->o, c);
	if (c->arg[1] == TCP_MAXSEG)
		return set_maxseg(&k->o, c);
	if (c->len < sizeof(v))
		return -EINVAL;
	switch (c->arg[1]) {
	case TCP_LINGER2:
		k->o.linger2_s = v < 0 ? -1 : v > MAX_LINGER2 ? MAX_LINGER2 : v;
		return 0;
	case TCP_DEFER_ACCEPT:
		k->o.defer_accept_s = defer_seconds(v);
		return 0;
	case TCP_WINDOW_CLAMP:
		return set_clamp(k, v);
	default: /* an app's number */
		return -ENOPROTOOPT;
	}
}

static int set_ip(struct tsock *k, const struct command *c)
{
	if (c->arg[1] != IP_TOS)
		return -ENOPROTOOPT;
	if (c->len == 0)
		return -EINVAL;
	return set_tos(
	    &k->o.tos, c->len < sizeof(int) ? c->data[0] : sockopt_int(c));
}

static int set_one(
    struct streams *s, struct tsock *k, int level, const struct command *c)
{
	const struct sockopt *p = sockopt_find(&table, level, (int)c->arg[1]);

	if (level == IPPROTO_IPV6 && k->family != AF_INET6)
		return -ENOPROTOOPT;
	if (p != NULL)
		return set_plain(k, p, c);
	if (level == SOL_SOCKET)
		return set_socket(s, &k->o, c);
	if (level == SOL_TCP_LEVEL)
		return set_tcp(k, c);
	if (level == IPPROTO_IP)
		return set_ip(k, c);
	if (level == IPPROTO_IPV6 && c->arg[1] == IPV6_TCLASS)
		return set_tclass(k, c);
	return -ENOPROTOOPT;
}

int tsock_set(struct streams *s, uint32_t id, const struct command *c)
{
	struct tsock *k = &s->state->sock[id];
	int r;

	tsock_port_uncount(s, id);
	r = set_one(s, k, (int)c->arg[0], c);
	tsock_port_count(s, id);
	if (r != 0 || k->conn == NO_CONN)
		return r;
	/* Who waits for room may find that there is some now. */
	if (c->arg[0] == SOL_TCP_LEVEL && c->arg[1] == TCP_NOTSENT_LOWAT)
		apps_wake_later(&s->apps, id, WAKE_TX | WAKE_RX);
	s->ops->options(s->x, k->conn);
	if (c->arg[0] == SOL_TCP_LEVEL && c->arg[1] == TCP_QUICKACK)
		s->ops->quick_ack(
		    s->x, k->conn, (k->o.flags & TSOCK_QUICKACK) != 0);
	return 0;
}

/* ---- Reading */

static int reply(struct app_answer *r, const void *p, uint32_t len)
{
	memcpy(r->reply, p, len);
	r->reply_len = len;
	return 0;
}

static int get_info(
    const struct streams *s, const struct tsock *k, struct app_answer *r)
{
	/* The kernel's numbers: TCP_CLOSE 7, TCP_LISTEN 10. */
	struct tcp_info info = {
		.tcpi_state = k->state == TSOCK_LISTENING ? 10 : 7,
	};

	static_assert(sizeof(info) <= APP_REPLY_BYTES, "fits");
	if (k->state == TSOCK_LISTENING) {
		info.tcpi_unacked =
		    stream_queued(s, (uint32_t)(k - s->state->sock));
		info.tcpi_sacked = k->backlog;
	}
	if (k->conn != NO_CONN)
		s->ops->info(s->x, k->conn, &info);
	return reply(r, &info, sizeof(info));
}

static int get_tcp(const struct streams *s, const struct tsock *k, int name,
    struct app_answer *r)
{
	char congestion[TSOCK_CONGESTION_LEN] = "cubic";
	int mss = k->o.maxseg != 0 ? k->o.maxseg : 536;

	switch (name) {
	case TCP_INFO:
		return get_info(s, k, r);
	case TCP_CONGESTION:
		if (k->o.congestion[0] != '\0')
			memcpy(congestion, k->o.congestion, sizeof(congestion));
		else if (s->n->topo->tcp.congestion == TOPO_RENO)
			memcpy(congestion, "reno", sizeof("reno"));
		return reply(r, congestion, sizeof(congestion));
	case TCP_MAXSEG:
		if (k->conn != NO_CONN)
			mss = (int)s->ops->mss(s->x, k->conn);
		return apps_reply_int(r, mss);
	case TCP_LINGER2:
		return apps_reply_int(r,
		    k->o.linger2_s != 0
			? k->o.linger2_s
			: (int)(s->n->topo->tcp.fin_timeout_ms / 1000));
	case TCP_DEFER_ACCEPT:
		return apps_reply_int(r, k->o.defer_accept_s);
	case TCP_WINDOW_CLAMP:
		return apps_reply_int(r, k->o.window_clamp);
	default: /* an app's number */
		return -ENOPROTOOPT;
	}
}

static int get_socket(const struct streams *s, const struct tsock *k, int name,
    struct app_answer *r)
{
	struct linger l = {
		.l_onoff = k->o.linger != 0,
		.l_linger = k->o.linger ? (int)k->o.linger - 1 : 0,
	};

	switch (name) {
	case SO_RCVBUF:
		return apps_reply_int(r, k->o.rcvbuf);
	case SO_SNDBUF:
		return apps_reply_int(r, k->o.sndbuf);
	case SO_RCVLOWAT:
		return apps_reply_int(r, k->o.rcvlowat);
	case SO_LINGER:
		return reply(r, &l, sizeof(l));
	case SO_BINDTODEVICE:
		if (k->o.bind_link == LINK_ANY)
			return 0;
		return reply(
		    r, s->n->topo->links[k->o.bind_link].name, TOPO_NAME_LEN);
	default: /* an app's number */
		return -ENOPROTOOPT;
	}
}

static int get_mtu(
    const struct streams *s, const struct tsock *k, struct app_answer *r)
{
	struct tcp_info info = { 0 };

	if (k->conn == NO_CONN)
		return -ENOTCONN;
	s->ops->info(s->x, k->conn, &info);
	return apps_reply_int(r, (int)info.tcpi_pmtu);
}

int tsock_get(struct streams *s, uint32_t id, const struct command *c,
    struct app_answer *r)
{
	const struct tsock *k = &s->state->sock[id];
	int level = (int)c->arg[0];
	int name = (int)c->arg[1];
	const struct sockopt *p = sockopt_find(&table, level, name);
	int v;

	if (level == IPPROTO_IPV6 && k->family != AF_INET6)
		return -ENOPROTOOPT;
	if (p != NULL) {
		v = sockopt_load(&k->o, p);
		if (p->kind == SOCKOPT_I16 && v == -1)
			v = (int)s->n->topo->hop_limit;
		if (level == SOL_TCP_LEVEL && name == TCP_SYNCNT && v == 0)
			v = (int)s->n->topo->tcp.syn_retries;
		return apps_reply_int(r, v);
	}
	if (level == SOL_TCP_LEVEL)
		return get_tcp(s, k, name, r);
	if (level == SOL_SOCKET)
		return get_socket(s, k, name, r);
	if (level == IPPROTO_IP && name == IP_TOS)
		return apps_reply_int(r, k->o.tos);
	if (level == IPPROTO_IPV6 && name == IPV6_TCLASS)
		return apps_reply_int(r, k->o.tclass6);
	if ((level == IPPROTO_IP && name == IP_MTU) ||
	    (level == IPPROTO_IPV6 && name == IPV6_MTU))
		return get_mtu(s, k, r);
	return -ENOPROTOOPT;
}
