/*
 * app_port.c - the addresses and ports of sockets (bind, connect, listen)
 *
 * Lists of socket numbers by local port; private, built anew from the sockets
 * after a restart.  Who is in the way of whom is as in Linux: two sockets with
 * SO_REUSEADDR share a port while neither listens, two of one user with
 * SO_REUSEPORT always, and TIME-WAIT counts as a socket.
 */
#include <errno.h>
#include <sys/socket.h>

#include "shm/ephemeral.h"
#include "tcpd/app.h"

/* ---- The table */

static uint16_t *bucket_of(struct streams *s, const struct tsock *k)
{
	uint32_t b = k->local.port % TSOCK_PORT_BUCKETS;

	return k->accepted ? &s->ports.accepted[b] : &s->ports.own[b];
}

void tsock_ports_clear(struct streams *s)
{
	memset(&s->ports, 0, sizeof(s->ports));
	for (uint32_t i = 0; i < TSOCK_PORT_BUCKETS; i++)
		s->ports.own[i] = s->ports.accepted[i] = NO_SOCKET;
}

static void count(struct streams *s, const struct tsock *k, int n)
{
	struct accepted_at *at = &s->ports.at[k->local.port];

	if (!k->bound || !k->accepted)
		return;
	at->all = (uint16_t)(at->all + n);
	if (!(k->o.flags & TSOCK_REUSEADDR))
		at->not_addr = (uint16_t)(at->not_addr + n);
	if (!(k->o.flags & TSOCK_REUSEPORT))
		at->not_port = (uint16_t)(at->not_port + n);
}

void tsock_port_count(struct streams *s, uint32_t id)
{
	count(s, &s->state->sock[id], 1);
}

void tsock_port_uncount(struct streams *s, uint32_t id)
{
	count(s, &s->state->sock[id], -1);
}

void tsock_port_insert(struct streams *s, uint32_t id)
{
	struct tsock_ports *p = &s->ports;
	uint16_t *b = bucket_of(s, &s->state->sock[id]);

	p->next[id] = *b;
	p->prev[id] = NO_SOCKET;
	if (*b != NO_SOCKET)
		p->prev[*b] = (uint16_t)id;
	*b = (uint16_t)id;
	tsock_port_count(s, id);
}

static void port_remove(struct streams *s, uint32_t id)
{
	struct tsock_ports *p = &s->ports;
	uint16_t next = p->next[id], prev = p->prev[id];

	tsock_port_uncount(s, id);
	if (prev == NO_SOCKET)
		*bucket_of(s, &s->state->sock[id]) = next;
	else
		p->next[prev] = next;
	if (next != NO_SOCKET)
		p->prev[next] = prev;
}

/* The one place where a socket gets its port: the table must agree. */
static void set_local(
    struct streams *s, uint32_t id, const struct app_name *local, uint16_t port)
{
	struct tsock *k = &s->state->sock[id];

	if (k->bound)
		port_remove(s, id);
	k->local = *local;
	k->local.port = port;
	k->local.family = k->family;
	k->bound = 1;
	tsock_port_insert(s, id);
}

static void leave_table(struct streams *s, uint32_t id)
{
	struct tsock *k = &s->state->sock[id];

	if (k->bound)
		port_remove(s, id);
	k->bound = 0;
	k->accepted = 0;
}

void tsock_free_port(struct streams *s, uint32_t id)
{
	if (!s->state->sock[id].bound_port)
		leave_table(s, id);
}

void tsock_unbind(struct streams *s, uint32_t id, bool keep)
{
	struct tsock *k = &s->state->sock[id];

	if (!keep || !k->bound_port) {
		leave_table(s, id);
		k->local.port = 0;
	}
	if (!keep || !k->bound_ip)
		k->local.ip = k->family == AF_INET ? ip_any4 : ip_any6;
}

/* ---- Who is in the way */

static bool v6only(const struct tsock *k)
{
	return k->family == AF_INET6 && (k->o.flags & TSOCK_V6ONLY);
}

/* Can one segment be for both addresses? */
static bool overlap(
    const struct tsock *a, const struct app_name *want, const struct tsock *b)
{
	bool a4 = ip_is_v4(&want->ip);
	bool b4 = ip_is_v4(&b->local.ip);

	if (a->o.bind_link != LINK_ANY && b->o.bind_link != LINK_ANY &&
	    a->o.bind_link != b->o.bind_link)
		return false;
	if (a4 == b4)
		return ip_is_any(&want->ip) || ip_is_any(&b->local.ip) ||
		    ip_equal(&want->ip, &b->local.ip);
	/* One of each family: only :: of a dual-stack socket meets IPv4. */
	return a4 ? ip_is_any(&b->local.ip) && !v6only(b)
		  : ip_is_any(&want->ip) && !v6only(a);
}

static bool may_share(const struct streams *s, uint32_t id, uint32_t other)
{
	const struct tsock *a = &s->state->sock[id];
	const struct tsock *b = &s->state->sock[other];
	uint32_t both = a->o.flags & b->o.flags;

	if ((both & TSOCK_REUSEPORT) && apps_same_owner(&s->apps, id, other))
		return true;
	return (both & TSOCK_REUSEADDR) && b->state != TSOCK_LISTENING;
}

/* Is one of the list from @at on in the way? */
static bool list_conflict(const struct streams *s, uint32_t at, uint32_t id,
    const struct app_name *want)
{
	const struct tsock *me = &s->state->sock[id];

	for (; at != NO_SOCKET; at = s->ports.next[at]) {
		const struct tsock *k = &s->state->sock[at];

		if (at != id && k->local.port == want->port &&
		    overlap(me, want, k) && !may_share(s, id, at))
			return true;
	}
	return false;
}

/* Servers restart while thousands go on: these are counted, not looked at. */
static bool accepted_conflict(
    const struct streams *s, uint32_t id, const struct app_name *want)
{
	const struct accepted_at *at = &s->ports.at[want->port];
	uint32_t mine = s->state->sock[id].o.flags;

	if (at->all == 0 || ((mine & TSOCK_REUSEADDR) && at->not_addr == 0) ||
	    ((mine & TSOCK_REUSEPORT) && at->not_port == 0))
		return false;
	return list_conflict(
	    s, s->ports.accepted[want->port % TSOCK_PORT_BUCKETS], id, want);
}

static bool conflict(
    const struct streams *s, uint32_t id, const struct app_name *want)
{
	const struct tsock *me = &s->state->sock[id];

	if (list_conflict(
		s, s->ports.own[want->port % TSOCK_PORT_BUCKETS], id, want) ||
	    accepted_conflict(s, id, want))
		return true;
	return s->ops->lingers(
	    s->x, want, me->o.flags & (TSOCK_REUSEADDR | TSOCK_REUSEPORT));
}

/* For connect(): a port may serve any number of peers, if none has bound it. */
static bool tuple_conflict(const struct streams *s, uint32_t id,
    const struct app_name *local, const struct app_name *peer)
{
	const struct tsock *me = &s->state->sock[id];
	uint32_t at = s->ports.own[local->port % TSOCK_PORT_BUCKETS];

	for (; at != NO_SOCKET; at = s->ports.next[at]) {
		const struct tsock *k = &s->state->sock[at];

		if (at != id && k->local.port == local->port &&
		    (k->bound_port || k->state == TSOCK_LISTENING) &&
		    overlap(me, local, k))
			return true;
	}
	return s->ops->taken(s->x, local, peer);
}

/* Peer port 0: a port to be bound, not connected.  0 if all are taken. */
static uint16_t choose_port(struct streams *s, uint32_t id,
    const struct app_name *local, const struct app_name *peer)
{
	const struct topo_tcp *topo = &s->n->topo->tcp;
	struct ephemeral e = ephemeral_begin(s->state->port_key,
	    s->state->port_counter, TSOCK_PORT_COUNTERS, local, peer);
	struct app_name want = *local;

	node_touch(s->n, e.counter, sizeof(*e.counter));
	for (uint32_t p = topo->port_min; p <= topo->port_max; p++) {
		want.port = ephemeral_next(&e, topo->port_min, topo->port_max);
		if (peer->port == 0 ? !conflict(s, id, &want)
				    : !tuple_conflict(s, id, &want, peer))
			return want.port;
	}
	return 0;
}

/* ---- bind, listen, connect */

/* May a socket be bound to this address?  Its link, if it must be known. */
static int check_address(
    const struct streams *s, const struct tsock *k, struct app_name *name)
{
	bool v4 = ip_is_v4(&name->ip);

	if (name->link != LINK_ANY && name->link >= s->n->topo->nlinks)
		return -ENODEV;
	if (k->family == AF_INET ? !v4 : v4 && v6only(k))
		return -EINVAL;
	if (ip_is_any(&name->ip))
		return 0;
	if (ip_is_multicast(&name->ip) ||
	    fib_is_broadcast(s->fib, &name->ip, LINK_ANY))
		return -EADDRNOTAVAIL;
	return fib_may_bind(s->fib, &name->ip, k->o.bind_link, &name->link);
}

int tsock_bind(struct streams *s, uint32_t id, const struct app_name *name)
{
	static const struct app_name none = { .port = 0 };
	struct tsock *k = &s->state->sock[id];
	struct app_name want = *name;
	uint16_t port = want.port;
	int r = check_address(s, k, &want);

	if (r < 0)
		return r;
	if (k->bound || k->state != TSOCK_IDLE)
		return -EINVAL;
	if (port == 0)
		port = choose_port(s, id, &want, &none);
	else if (conflict(s, id, &want))
		port = 0;
	if (port == 0)
		return -EADDRINUSE;
	set_local(s, id, &want, port);
	k->bound_ip = !ip_is_any(&want.ip);
	k->bound_port = 1;
	return 0;
}

int tsock_bind_listener(struct streams *s, uint32_t id)
{
	struct tsock *k = &s->state->sock[id];
	struct app_name any = k->local;

	if (!k->bound) {
		any.port = 0;
		return tsock_bind(s, id, &any);
	}
	/* It was shared with others until now; listening is not. */
	return conflict(s, id, &k->local) ? -EADDRINUSE : 0;
}

/* The way to @to, and which address it leaves from. */
static int find_way(const struct streams *s, const struct tsock *k,
    const struct app_name *to, struct app_name *local)
{
	uint8_t link = to->link != LINK_ANY ? to->link : k->o.bind_link;
	struct fib_answer way;
	int r = fib_lookup(s->fib, &to->ip, link, &way);

	if (r < 0)
		return r;
	if (way.kind == FIB_BROADCAST || ip_is_multicast(&to->ip))
		return -ENETUNREACH;
	if (ip_is_link_local(&to->ip) && !ip_is_v4(&to->ip))
		local->link = way.link;
	if (k->bound_ip)
		return 0;
	r = fib_source(s->fib, &to->ip, way.link, &local->ip);
	return r == -EADDRNOTAVAIL ? -ENETUNREACH : r;
}

int tsock_name_peer(struct streams *s, uint32_t id, const struct app_name *name)
{
	struct tsock *k = &s->state->sock[id];
	struct app_name local = k->local;
	bool v4 = ip_is_v4(&name->ip);
	uint16_t port;
	int r;

	if (k->family == AF_INET ? !v4 : v4 && v6only(k))
		return -ENETUNREACH;
	/* Nobody can listen there, and no segment can say so. */
	if (name->port == 0)
		return -ECONNREFUSED;
	if (!v4 && ip_is_link_local(&name->ip) && name->link == LINK_ANY &&
	    k->o.bind_link == LINK_ANY)
		return -EINVAL;
	r = find_way(s, k, name, &local);
	if (r < 0)
		return r;
	if (ip_is_v4(&local.ip) != v4)
		return -ENETUNREACH;
	port = k->local.port;
	if (!k->bound)
		port = choose_port(s, id, &local, name);
	else if (s->ops->taken(s->x, &local, name))
		port = 0;
	if (port == 0)
		return -EADDRNOTAVAIL;
	set_local(s, id, &local, port);
	k->peer = *name;
	k->peer.family = k->family;
	return 0;
}
