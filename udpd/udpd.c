/*
 * udpd.c - attach, recover and turn
 */
#include "udpd/udpd.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "udpd/bind.h"
#include "udpd/group.h"
#include "udpd/option.h"
#include "udpd/port.h"
#include "udpd/rx.h"
#include "udpd/tx.h"

static_assert(sizeof(struct udpd_state) <= PRIV_BYTES - PRIV_STATE_OFF,
    "udpd.priv has room");

enum {
	RX_TURN = 64,   /* datagrams from ipd in one turn */
	APP_TURN = 128, /* datagrams and commands of all apps */
};

/* ---- Persistent objects */

struct usock *touch_sock(struct udpd *u, uint32_t id)
{
	struct usock *s = &u->state->sock[id];

	node_touch(&u->n, s, sizeof(*s));
	apps_names_changed(&u->apps, id);
	return s;
}

struct usock_flow *touch_flow(struct udpd *u, uint32_t id)
{
	struct usock_flow *f = &u->state->flow[id];

	node_touch(&u->n, f, sizeof(*f));
	apps_changed(&u->apps, id);
	return f;
}

void udpd_error(struct udpd *u, uint32_t id, int err)
{
	struct usock_flow *f = touch_flow(u, id);

	f->error = ((f->error >> 32) + 1) << 32 | (uint32_t)err;
	apps_wake_later(&u->apps, id, WAKE_RX);
}

/* ---- What shm/apps.c asks of a transport */

static enum usock_kind kind_of(const struct apps_sock *p)
{
	if (p->type == SOCK_RAW)
		return USOCK_RAW;
	return p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6
	    ? USOCK_PING
	    : USOCK_UDP;
}

/* What is not as it is with UDP. */
static void open_kind(struct udpd *u, uint32_t id)
{
	struct usock *s = &u->state->sock[id];
	bool v4 = s->family == AF_INET;

	s->kind = (uint8_t)kind_of(&u->apps.sock[id]);
	s->protocol = u->apps.sock[id].protocol;
	s->csum_at = -1;
	if (s->kind == USOCK_UDP)
		return;
	/* Linux lets them share an id unless they say otherwise. */
	if (s->kind == USOCK_PING) {
		s->protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		s->flags |= SO_F_REUSEADDR;
	}
	if (!v4)
		s->so |= APP_SO_V6ONLY;
	if (!v4 && s->protocol == IPPROTO_ICMPV6)
		s->csum_at = 2; /* RFC 3542, 3.1 */
	if (v4 && s->protocol == IPPROTO_RAW)
		s->so |= APP_SO_HDRINCL;
	if (s->kind == USOCK_RAW)
		bind_raw(u, id);
}

static void open_socket(
    void *x, uint32_t id, uint8_t family, const struct app_words *from)
{
	struct udpd *u = x;
	struct usock *s = touch_sock(u, id);
	struct usock_flow *f = touch_flow(u, id);

	*s = (struct usock){
		.family = family,
		.local = { .link = LINK_ANY },
		.peer = { .link = LINK_ANY },
		.rcvbuf = RCVBUF_DEFAULT,
		.sndbuf = RCVBUF_DEFAULT,
		.flags = SO_F_MCAST_LOOP | SO_F_MCAST_LOOP6 | SO_F_MCAST_ALL |
		    SO_F_MCAST_ALL6,
		.ttl = -1,
		.hops6 = -1,
		.mcast_ttl = 1,
		.mcast_hops6 = 1,
		.mtu_discover = 1,
		.mtu_discover6 = 1,
		.bind_link = LINK_ANY,
		.mcast_link = LINK_ANY,
		.mcast_link6 = LINK_ANY,
		.unicast_link = LINK_ANY,
	};
	s->local.ip = s->family == AF_INET ? ip_any4 : ip_any6;
	s->peer.ip = s->local.ip;
	s->local.family = s->peer.family = s->family;
	s->chosen = s->local;
	open_kind(u, id);
	*f = (struct usock_flow){
		.tx_consumed = from->tx_consumed,
		.rx_written = from->rx_written,
		.error = from->error,
		.err_written = from->err_written,
	};
}

static enum apps_served close_socket(
    void *x, uint32_t id, uint64_t written, bool lied, uint32_t *budget)
{
	struct udpd *u = x;
	struct usock *s;

	if (!lied && tx_serve(u, id, written, budget) == SERVE_MORE)
		return SERVE_MORE;
	s = touch_sock(u, id);
	port_remove(u, id);
	group_leave_all(u, id);
	*s = (struct usock){ .bound = 0 };
	return SERVED;
}

static enum apps_served serve(
    void *x, uint32_t id, uint64_t written, uint32_t *budget)
{
	return tx_serve(x, id, written, budget);
}

static int do_shutdown(struct udpd *u, uint32_t id, uint32_t how)
{
	u->state->sock[id].shut |= how & 3;
	apps_wake_later(&u->apps, id, WAKE_RX);
	return 0;
}

static int command(
    void *x, uint32_t id, const struct command *c, struct app_answer *answer)
{
	struct udpd *u = x;
	struct app_name name = { .family = 0 };

	touch_sock(u, id);
	if (c->len == sizeof(name))
		memcpy(&name, c->data, sizeof(name));
	switch ((enum app_op)c->op) {
	case APP_OP_BIND:
		return bind_local(u, id, &name);
	case APP_OP_CONNECT:
		return bind_peer(u, id, &name);
	case APP_OP_SETOPT:
		return option_set(u, id, c);
	case APP_OP_GETOPT:
		return option_get(u, id, c, answer);
	case APP_OP_SHUTDOWN:
		return do_shutdown(u, id, c->arg[0]);
	case APP_OP_LISTEN:
	case APP_OP_REFUSE:
		return -EOPNOTSUPP;
	case NAPP_OPS:
		break;
	}
	return -EINVAL;
}

/* What the library must know to decide by itself. */
static uint32_t shown_flags(const struct usock *s)
{
	uint32_t so = s->so;

	if (s->mtu_discover >= 2)
		so |= APP_SO_DONTFRAG;
	if (s->mtu_discover6 >= 2)
		so |= APP_SO_DONTFRAG6;
	return so;
}

static void names(const void *x, uint32_t id, struct s2a_names *n)
{
	const struct udpd *u = x;
	const struct usock *s = &u->state->sock[id];

	n->bound = s->bound;
	n->connected = s->connected;
	n->shut = s->shut;
	n->local = s->local;
	n->peer = s->peer;
	n->sndbuf = (uint32_t)s->sndbuf;
	n->rcvbuf = (uint32_t)s->rcvbuf;
	n->so_flags = shown_flags(s);
	n->mcast_link = s->family == AF_INET ? s->mcast_link : s->mcast_link6;
	n->bind_link = s->bind_link;
}

static void words(const void *x, uint32_t id, struct app_words *ret)
{
	const struct udpd *u = x;
	const struct usock_flow *f = &u->state->flow[id];

	*ret = (struct app_words){
		.tx_consumed = f->tx_consumed,
		.tx_sent = f->tx_consumed,
		.rx_written = f->rx_written,
		.error = f->error,
		.dropped = f->dropped,
		.err_written = f->err_written,
		.stream = u->state->sock[id].shut & 1 ? STREAM_RX_END : 0,
	};
}

static void take_over(void *x, uint32_t id)
{
	struct udpd *u = x;

	if (u->state->sock[id].bound)
		port_insert(u, id);
	group_take_over(u, id);
}

static const struct apps_ops apps_ops = {
	.open = open_socket,
	.close = close_socket,
	.serve = serve,
	.command = command,
	.names = names,
	.words = words,
	.take_over = take_over,
};

/* ---- Attach and turn */

static void make_state(struct udpd *u)
{
	struct udpd_state *s = u->state;

	node_touch(&u->n, s, offsetof(struct udpd_state, apps));
	s->port_key[0] = u->seed[0];
	s->port_key[1] = u->seed[1];
	s->made = 1;
}

static void prepare_apps(struct udpd *u)
{
	u->apps.n = &u->n;
	u->apps.state = &u->state->apps;
	u->apps.ops = &apps_ops;
	u->apps.x = u;
	u->apps.fib = &u->fib;
	u->apps.cnt_commands = CNT_COMMANDS;
	u->apps.cnt_cut_off = CNT_APP_CUT_OFF;
}

int udpd_attach(struct udpd *u, const struct segments *s, struct mono now)
{
	const struct ring_in *up;
	int r =
	    node_attach(&u->n, s, udpd_counters, CNT_UDPD_END - CNT_NODE_END);

	if (r < 0)
		return r;
	u->n.now = now;
	u->state = (struct udpd_state *)(void *)u->n.state;
	prepare_apps(u);
	u->n.turn.show = apps_show;
	u->n.turn.ctx = &u->apps;
	u->down = node_out(&u->n, LAYER_IP, 0);
	up = node_in(&u->n, LAYER_IP, 0);
	if (u->down == NULL || up == NULL)
		return log_errno(&u->n.log, EINVAL, "no rings with ipd");
	u->shared_fib = (const void *)(s->out[up->from] + OUT_TABLE_OFF);
	node_recover(&u->n, NULL, NULL);
	memset(&u->fib, 0, sizeof(u->fib));
	port_clear(u);
	group_clear(u);
	apps_attach(&u->apps);
	return 0;
}

bool udpd_turn(struct udpd *u, struct mono now)
{
	bool worked;

	node_begin(&u->n, now);
	apps_begin(&u->apps);
	if (!u->state->made)
		make_state(u);
	if (fib_refresh(&u->fib, u->shared_fib))
		apps_publish_fib(&u->apps);
	u->apps.held = fib_is_torn(&u->fib, u->shared_fib);
	if (!u->apps.held) {
		rx_turn(u, node_limit(&u->n, RX_TURN));
		if (node_tapping(&u->n))
			node_tap_done(&u->n);
		apps_serve(&u->apps, node_limit(&u->n, APP_TURN));
	}
	worked = node_commit(&u->n);
	if (u->groups_changed)
		group_publish(u);
	return worked || u->apps.nwaked > 0;
}

struct mono udpd_deadline(const struct udpd *u)
{
	return apps_deadline(&u->apps);
}
