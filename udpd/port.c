/*
 * port.c - whose datagram: local ports and the sockets that hold them
 */
#include "udpd/port.h"

#include <sys/socket.h>

#include "shm/ephemeral.h"
#include "shm/siphash.h"

static uint16_t *bucket_of(struct udpd *u, uint16_t port)
{
	return &u->bucket[port % PORT_BUCKETS];
}

/* How many sockets want packets of this one's protocol whole. */
static uint16_t *raw_sockets(struct udpd *u, const struct usock *s)
{
	return &u->raw_sockets[s->family == AF_INET6][s->protocol];
}

void port_clear(struct udpd *u)
{
	memset(u->raw_sockets, 0, sizeof(u->raw_sockets));
	for (uint32_t i = 0; i < PORT_BUCKETS; i++)
		u->bucket[i] = NO_SOCKET;
}

void port_insert(struct udpd *u, uint32_t id)
{
	const struct usock *s = &u->state->sock[id];
	uint16_t *b = bucket_of(u, s->local.port);

	u->next[id] = *b;
	*b = (uint16_t)id;
	if (s->kind != USOCK_UDP && (*raw_sockets(u, s))++ == 0)
		u->groups_changed = true;
}

void port_remove(struct udpd *u, uint32_t id)
{
	const struct usock *s = &u->state->sock[id];
	uint16_t *at = bucket_of(u, s->local.port);

	while (*at != NO_SOCKET && *at != id)
		at = &u->next[*at];
	if (*at != id)
		return;
	*at = u->next[id];
	if (s->kind != USOCK_UDP && --(*raw_sockets(u, s)) == 0)
		u->groups_changed = true;
}

/* Does a socket of this family and V6ONLY take datagrams to @local? */
static bool family_fits(const struct usock *s, const struct ip_addr *local)
{
	if (s->family == AF_INET)
		return ip_is_v4(local);
	if (s->kind != USOCK_UDP)
		return !ip_is_v4(local);
	return !ip_is_v4(local) || !(s->so & APP_SO_V6ONLY);
}

/* 0: not for it; else the more the better. */
static int score(const struct usock *s, const struct flow *f)
{
	int points = 1;

	if (s->kind != f->kind || s->local.port != f->local_port ||
	    !family_fits(s, &f->local))
		return 0;
	if (s->family == AF_INET)
		points++;
	if (!ip_is_any(&s->local.ip)) {
		if (!ip_equal(&s->local.ip, &f->local))
			return 0;
		points += 4;
	}
	/* An echo may come from anybody: the id is ours. */
	if (s->connected && s->kind != USOCK_PING) {
		if (!ip_equal(&s->peer.ip, &f->peer) ||
		    (s->kind == USOCK_UDP && s->peer.port != f->peer_port))
			return 0;
		points += 8;
	}
	if (s->bind_link != LINK_ANY) {
		if (s->bind_link != f->link)
			return 0;
		points += 4;
	}
	/* A link-local address means nothing on another link. */
	if (s->local.link != LINK_ANY && !ip_is_any(&s->local.ip) &&
	    s->local.link != f->link)
		return 0;
	return points;
}

static uint64_t flow_hash(const struct udpd *u, const struct flow *f)
{
	uint8_t b[36];

	memcpy(b, f->local.b, 16);
	memcpy(b + 16, f->peer.b, 16);
	memcpy(b + 32, &f->local_port, 2);
	memcpy(b + 34, &f->peer_port, 2);
	return siphash(u->state->port_key, b, sizeof(b));
}

/* The one of @n equally good SO_REUSEPORT sockets that gets this flow. */
static uint32_t spread(
    const struct udpd *u, const struct flow *f, int best, uint32_t n)
{
	uint32_t pick = (uint32_t)(flow_hash(u, f) % n);

	for (uint32_t id = u->bucket[f->local_port % PORT_BUCKETS];
	     id != NO_SOCKET; id = u->next[id]) {
		const struct usock *s = &u->state->sock[id];

		if ((s->flags & SO_F_REUSEPORT) && score(s, f) == best &&
		    pick-- == 0)
			return id;
	}
	return NO_SOCKET;
}

uint32_t port_lookup(const struct udpd *u, const struct flow *f)
{
	uint32_t found = NO_SOCKET;
	uint64_t stamp = 0;
	uint32_t equals = 0;
	int best = 0;

	for (uint32_t id = u->bucket[f->local_port % PORT_BUCKETS];
	     id != NO_SOCKET; id = u->next[id]) {
		const struct usock *s = &u->state->sock[id];
		int points = score(s, f);

		if (points == 0 || points < best)
			continue;
		if (points > best)
			equals = 0;
		equals += (s->flags & SO_F_REUSEPORT) != 0;
		if (points > best || s->stamp > stamp) {
			best = points;
			stamp = s->stamp;
			found = id;
		}
	}
	if (equals > 1)
		return spread(u, f, best, equals);
	return found;
}

static bool is_member(const struct usock *s, const struct flow *f)
{
	bool v4 = ip_is_v4(&f->local);

	if (!ip_is_multicast(&f->local) ||
	    (s->flags & (v4 ? SO_F_MCAST_ALL : SO_F_MCAST_ALL6)))
		return true;
	for (uint32_t i = 0; i < s->ngroups; i++)
		if (ip_equal(&s->group[i].ip, &f->local) &&
		    (s->group[i].link == LINK_ANY ||
			s->group[i].link == f->link))
			return true;
	return false;
}

uint32_t port_next_member(
    const struct udpd *u, const struct flow *f, uint32_t after)
{
	uint32_t id = after == NO_SOCKET
	    ? u->bucket[f->local_port % PORT_BUCKETS]
	    : u->next[after];

	for (; id != NO_SOCKET; id = u->next[id]) {
		const struct usock *s = &u->state->sock[id];

		if (score(s, f) > 0 && is_member(s, f))
			return id;
	}
	return NO_SOCKET;
}

uint32_t port_sender(const struct udpd *u, const struct flow *f)
{
	return port_lookup(u, f);
}

/* Can one datagram be for both addresses? */
static bool overlap(
    const struct usock *a, const struct app_name *want, const struct usock *b)
{
	bool a4 = ip_is_v4(&want->ip);
	bool b4 = ip_is_v4(&b->local.ip);
	bool a_any = ip_is_any(&want->ip);
	bool b_any = ip_is_any(&b->local.ip);

	if (a4 == b4)
		return a_any || b_any || ip_equal(&want->ip, &b->local.ip);
	/* One of each family: only :: of a dual-stack socket meets IPv4. */
	if (!a4)
		return a_any && !(a->so & APP_SO_V6ONLY);
	return b_any && !(b->so & APP_SO_V6ONLY);
}

static bool share(const struct udpd *u, uint32_t id, uint32_t other)
{
	const struct usock *a = &u->state->sock[id];
	const struct usock *b = &u->state->sock[other];
	uint32_t both = a->flags & b->flags;

	if (a->bind_link != LINK_ANY && b->bind_link != LINK_ANY &&
	    a->bind_link != b->bind_link)
		return true;
	return (both & SO_F_REUSEADDR) ||
	    ((both & SO_F_REUSEPORT) && apps_same_owner(&u->apps, id, other));
}

bool port_conflict(
    const struct udpd *u, uint32_t id, const struct app_name *want)
{
	const struct usock *me = &u->state->sock[id];

	if (me->kind == USOCK_RAW)
		return false;
	for (uint32_t i = u->bucket[want->port % PORT_BUCKETS]; i != NO_SOCKET;
	     i = u->next[i]) {
		const struct usock *s = &u->state->sock[i];

		if (i != id && s->kind == me->kind &&
		    s->local.port == want->port &&
		    (s->kind == USOCK_PING || overlap(me, want, s)) &&
		    !share(u, id, i))
			return true;
	}
	return false;
}

uint16_t port_ephemeral(struct udpd *u, uint32_t id,
    const struct app_name *local, const struct app_name *peer)
{
	struct ephemeral e = ephemeral_begin(u->state->port_key,
	    u->state->port_counter, PORT_COUNTERS, local, peer);
	struct app_name want = *local;

	node_touch(&u->n, e.counter, sizeof(*e.counter));
	for (uint32_t p = EPHEMERAL_MIN; p <= EPHEMERAL_MAX; p++) {
		want.port = ephemeral_next(&e, EPHEMERAL_MIN, EPHEMERAL_MAX);
		if (!port_conflict(u, id, &want))
			return want.port;
	}
	return 0;
}
