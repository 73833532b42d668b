/*
 * bind.c - the addresses of a socket: bind, connect, and neither
 */
#include "udpd/bind.h"

#include <errno.h>
#include <sys/socket.h>

#include "udpd/port.h"

/* The one place where a socket gets its port: the table must agree. */
static void set_local(
    struct udpd *u, uint32_t id, const struct app_name *local, uint16_t port)
{
	struct usock *s = &u->state->sock[id];

	if (s->bound)
		port_remove(u, id);
	s->local = *local;
	s->local.port = port;
	s->local.family = s->family;
	s->bound = 1;
	node_touch(&u->n, &u->state->stamp, sizeof(u->state->stamp));
	s->stamp = ++u->state->stamp;
	port_insert(u, id);
}

/* May a socket be bound to this address?  The link it lies on, if it must be
 * known, goes to name->link. */
static int check_address(
    const struct udpd *u, const struct usock *s, struct app_name *name)
{
	bool v4 = ip_is_v4(&name->ip);

	if (name->link != LINK_ANY && name->link >= u->n.topo->nlinks)
		return -ENODEV;
	if (s->family == AF_INET ? !v4 : v4 && (s->so & APP_SO_V6ONLY))
		return -EINVAL;
	if (ip_is_any(&name->ip) || ip_is_multicast(&name->ip))
		return 0;
	if (v4 && fib_is_broadcast(&u->fib, &name->ip, LINK_ANY))
		return 0;
	return fib_may_bind(&u->fib, &name->ip, s->bind_link, &name->link);
}

void bind_raw(struct udpd *u, uint32_t id)
{
	struct usock *s = &u->state->sock[id];

	s->bound_port = 1;
	set_local(u, id, &s->local, s->protocol);
	s->chosen = s->local;
}

/* Of a raw socket the address alone, as often as it likes. */
static void bind_raw_to(
    struct udpd *u, uint32_t id, const struct app_name *want)
{
	struct usock *s = &u->state->sock[id];

	set_local(u, id, want, s->protocol);
	s->bound_ip = !ip_is_any(&want->ip);
	s->chosen = s->local;
}

int bind_local(struct udpd *u, uint32_t id, const struct app_name *name)
{
	static const struct app_name nobody = { .port = 0 };
	struct usock *s = &u->state->sock[id];
	struct app_name want = *name;
	uint16_t port = want.port;
	int r = check_address(u, s, &want);

	if (s->kind == USOCK_RAW ? s->connected : s->bound)
		return -EINVAL;
	if (r < 0)
		return r;
	if (s->kind == USOCK_RAW) {
		bind_raw_to(u, id, &want);
		return 0;
	}
	if (port == 0)
		port = port_ephemeral(u, id, &want, &nobody);
	else if (port_conflict(u, id, &want))
		port = 0;
	if (port == 0)
		return -EADDRINUSE;
	set_local(u, id, &want, port);
	s->bound_ip = !ip_is_any(&want.ip);
	s->bound_port = name->port != 0;
	s->chosen = s->local;
	return 0;
}

int bind_auto(struct udpd *u, uint32_t id, const struct app_name *peer)
{
	struct usock *s = &u->state->sock[id];
	uint16_t port;

	if (s->bound)
		return 0;
	port = port_ephemeral(u, id, &s->local, peer);
	if (port == 0)
		return -EAGAIN;
	set_local(u, id, &s->local, port);
	s->chosen = s->local;
	return 0;
}

/* connect() with AF_UNSPEC: what bind did stays, the rest goes. */
static int disconnect(struct udpd *u, uint32_t id)
{
	struct usock *s = &u->state->sock[id];
	struct app_name any = { .link = LINK_ANY };

	any.ip = s->family == AF_INET ? ip_any4 : ip_any6;
	if (s->bound && s->bound_port)
		set_local(
		    u, id, s->bound_ip ? &s->chosen : &any, s->local.port);
	else if (s->bound) {
		port_remove(u, id);
		s->bound = 0;
		s->local = s->bound_ip ? s->chosen : any;
		s->local.family = s->family;
		s->local.port = 0;
	}
	s->connected = 0;
	s->peer = (struct app_name){
		.ip = any.ip, .link = LINK_ANY, .family = s->family
	};
	return 0;
}

/* The way to @to for this socket, and which address it leaves from. */
static int find_way(const struct udpd *u, const struct usock *s,
    const struct app_name *to, struct ip_addr *source)
{
	struct fib_answer way;
	uint8_t link = to->link != LINK_ANY ? to->link : s->bind_link;
	int r;

	if (link == LINK_ANY && ip_is_multicast(&to->ip))
		link = ip_is_v4(&to->ip) ? s->mcast_link : s->mcast_link6;
	r = fib_lookup(&u->fib, &to->ip, link, &way);
	if (r < 0)
		return r;
	if (way.kind == FIB_BROADCAST && !(s->so & APP_SO_BROADCAST))
		return -EACCES;
	if (s->bound_ip && !ip_is_multicast(&s->chosen.ip)) {
		*source = s->chosen.ip;
		return 0;
	}
	r = fib_source(&u->fib, &to->ip, way.link, source);
	return r == -EADDRNOTAVAIL ? -ENETUNREACH : r;
}

int bind_peer(struct udpd *u, uint32_t id, const struct app_name *name)
{
	struct usock *s = &u->state->sock[id];
	struct app_name local = s->local;
	bool v4 = ip_is_v4(&name->ip);
	uint16_t port = s->local.port;
	int r;

	if (name->family == 0)
		return disconnect(u, id);
	if (s->family == AF_INET ? !v4 : v4 && (s->so & APP_SO_V6ONLY))
		return -ENETUNREACH;
	if (!v4 && ip_is_link_local(&name->ip) && name->link == LINK_ANY &&
	    s->bind_link == LINK_ANY)
		return -EINVAL;
	r = find_way(u, s, name, &local.ip);
	if (r < 0)
		return r;
	if (!s->bound)
		port = port_ephemeral(u, id, &local, name);
	if (port == 0)
		return -EAGAIN;
	set_local(u, id, &local, port);
	s->peer = *name;
	s->peer.family = s->family;
	s->connected = 1;
	return 0;
}
