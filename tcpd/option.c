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

enum kind {
	FLAG, /* a bit of flags */
	U8,   /* a number at off */
	I16,  /* the same, -1 for the stack's default */
	I32,
};

struct option {
	int level, name;
	enum kind kind;
	uint32_t where; /* the bit, or offsetof */
	int min, max;   /* numbers: outside is EINVAL */
};

#define AT(member) offsetof(struct tsock_options, member)

/* clang-format off */
static const struct option table[] = {
	{ SOL_SOCKET, SO_REUSEADDR, FLAG, TSOCK_REUSEADDR, 0, 0 },
	{ SOL_SOCKET, SO_REUSEPORT, FLAG, TSOCK_REUSEPORT, 0, 0 },
	{ SOL_SOCKET, SO_KEEPALIVE, FLAG, TSOCK_KEEPALIVE, 0, 0 },
	{ SOL_SOCKET, SO_OOBINLINE, FLAG, TSOCK_OOBINLINE, 0, 0 },
	{ SOL_SOCKET, SO_DONTROUTE, FLAG, TSOCK_DONTROUTE, 0, 0 },
	{ SOL_SOCKET, SO_BROADCAST, FLAG, TSOCK_BROADCAST, 0, 0 },
	{ SOL_SOCKET, SO_PRIORITY, I32, AT(priority), INT_MIN, INT_MAX },

	{ SOL_TCP_LEVEL, TCP_NODELAY, FLAG, TSOCK_NODELAY, 0, 0 },
	{ SOL_TCP_LEVEL, TCP_CORK, FLAG, TSOCK_CORK, 0, 0 },
	{ SOL_TCP_LEVEL, TCP_QUICKACK, FLAG, TSOCK_QUICKACK, 0, 0 },
	{ SOL_TCP_LEVEL, TCP_KEEPIDLE, I32, AT(keep_idle_s), 1, MAX_KEEPIDLE },
	{ SOL_TCP_LEVEL, TCP_KEEPINTVL, I32, AT(keep_interval_s), 1,
	  MAX_KEEPIDLE },
	{ SOL_TCP_LEVEL, TCP_KEEPCNT, I32, AT(keep_count), 1, MAX_KEEPCNT },
	{ SOL_TCP_LEVEL, TCP_USER_TIMEOUT, I32, AT(user_timeout_ms), 0,
	  INT_MAX },
	{ SOL_TCP_LEVEL, TCP_SYNCNT, I32, AT(syn_count), 1, MAX_SYNCNT },

	{ IPPROTO_IP, IP_TTL, I16, AT(ttl), 1, 255 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, U8, AT(mtu_discover), 0, MAX_DISCOVER },
	{ IPPROTO_IPV6, IPV6_V6ONLY, FLAG, TSOCK_V6ONLY, 0, 0 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, I16, AT(hops6), 0, 255 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, U8, AT(mtu_discover6), 0,
	  MAX_DISCOVER },
};
/* clang-format on */

static const struct option *find(int level, int name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].level == level && table[i].name == name)
			return &table[i];
	return NULL;
}

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

static int read_int(const struct command *c)
{
	int v = 0;

	memcpy(&v, c->data, sizeof(v));
	return v;
}

static void store(struct tsock_options *o, const struct option *p, int v)
{
	uint8_t *at = (uint8_t *)o + p->where;
	int16_t v16 = (int16_t)v;
	int32_t v32 = v;

	switch (p->kind) {
	case FLAG:
		o->flags = v != 0 ? o->flags | p->where : o->flags & ~p->where;
		return;
	case U8:
		*at = (uint8_t)v;
		return;
	case I16:
		memcpy(at, &v16, sizeof(v16));
		return;
	case I32:
		memcpy(at, &v32, sizeof(v32));
		return;
	}
}

static int load(const struct tsock_options *o, const struct option *p)
{
	const uint8_t *at = (const uint8_t *)o + p->where;
	int16_t v16;
	int32_t v32;

	switch (p->kind) {
	case FLAG:
		return (o->flags & p->where) != 0;
	case U8:
		return *at;
	case I16:
		memcpy(&v16, at, sizeof(v16));
		return v16;
	case I32:
		memcpy(&v32, at, sizeof(v32));
		return v32;
	}
	return 0;
}

static int set_plain(
    struct tsock *k, const struct option *p, const struct command *c)
{
	int v;

	if (c->len >= sizeof(int))
		v = read_int(c);
	else if (p->level == IPPROTO_IP && c->len >= 1)
		v = c->data[0];
	else
		return -EINVAL;
	if (p->level == IPPROTO_IPV6 && p->name == IPV6_V6ONLY && k->bound)
		return -EINVAL;
	if (p->kind == I16 && v == -1) {
		store(&k->o, p, -1);
		return 0;
	}
	if (p->kind != FLAG && (v < p->min || v > p->max))
		return -EINVAL;
	store(&k->o, p, v);
	return 0;
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
	int v = read_int(c);

	if (c->len < sizeof(v) || v < -1 || v > UINT8_MAX)
		return -EINVAL;
	return set_tos(&k->o.tclass6, v == -1 ? 0 : v);
}

/* Doubled for the bookkeeping, as Linux does, and no more than the ring. */
static void set_buffer(const struct command *c, int32_t *size, int min, int max)
{
	int64_t v = (int64_t)(uint32_t)read_int(c) * 2;

	*size = v < min ? min : v > max ? max : (int32_t)v;
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

static int set_device(
    const struct streams *s, uint8_t *ret, const struct command *c)
{
	char name[TOPO_NAME_LEN] = "";
	size_t len = c->len < sizeof(name) - 1 ? c->len : sizeof(name) - 1;

	memcpy(name, c->data, len);
	if (name[0] == '\0') {
		*ret = LINK_ANY;
		return 0;
	}
	for (uint8_t i = 0; i < s->n->topo->nlinks; i++)
		if (strcmp(s->n->topo->links[i].name, name) == 0) {
			*ret = i;
			return 0;
		}
	return -ENODEV;
}

static int set_socket(
    const struct streams *s, struct tsock_options *o, const struct command *c)
{
	int v = read_int(c);

	switch (c->arg[1]) {
	case SO_LINGER:
		return set_linger(o, c);
	case SO_BINDTODEVICE:
		return set_device(s, &o->bind_link, c);
	}
	if (c->len < sizeof(int))
		return -EINVAL;
	switch (c->arg[1]) {
	case SO_RCVBUF:
		set_buffer(c, &o->rcvbuf, TSOCK_RCVBUF_MIN, APP_RX_BYTES);
		o->flags |= TSOCK_RCVBUF_SET;
		return 0;
	case SO_SNDBUF:
		set_buffer(c, &o->sndbuf, TSOCK_SNDBUF_MIN, APP_TX_BYTES);
		o->flags |= TSOCK_SNDBUF_SET;
		return 0;
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
	int v = read_int(c);

	if (c->len < sizeof(int) || (v != 0 && v < MIN_MAXSEG) ||
	    v > MAX_MAXSEG)
		return -EINVAL;
	o->maxseg = v;
	return 0;
}

static int set_tcp(struct tsock *k, const struct command *c)
{
	int v = read_int(c);

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
	    &k->o.tos, c->len < sizeof(int) ? c->data[0] : read_int(c));
}

static int set_one(
    struct streams *s, struct tsock *k, int level, const struct command *c)
{
	const struct option *p = find(level, (int)c->arg[1]);

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
	const struct option *p = find(level, name);
	int v;

	if (level == IPPROTO_IPV6 && k->family != AF_INET6)
		return -ENOPROTOOPT;
	if (p != NULL) {
		v = load(&k->o, p);
		if (p->kind == I16 && v == -1)
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
