/*
 * option.c - socket options that the stack keeps
 *
 * Most are a number or a bit in struct usock and one line of a table; the rest
 * (buffers, devices, groups) follow below it.
 */
#include "udpd/option.h"

#include <errno.h>
#include <limits.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "shm/sockopt.h"
#include "udpd/group.h"

enum {
	ANY_TOS = 255,
	ICMP_FILTER = 1,  /* linux/icmp.h, which contradicts netinet/in.h */
	MAX_DISCOVER = 5, /* IP_PMTUDISC_OMIT */
	DEFAULT_MCAST_HOPS = 1,
};

#define AT(member)  offsetof(struct usock, member)
#define FLAG(bit)   SOCKOPT_FLAG, AT(flags), bit
#define SO(bit)     SOCKOPT_FLAG, AT(so), bit
#define U8(member)  SOCKOPT_U8, AT(member), 0
#define I16(member) SOCKOPT_I16, AT(member), 0
#define I32(member) SOCKOPT_I32, AT(member), 0

/* clang-format off */
static const struct sockopt options[] = {
	{ SOL_SOCKET, SO_REUSEADDR, FLAG(SO_F_REUSEADDR), 0, 0, 0 },
	{ SOL_SOCKET, SO_REUSEPORT, FLAG(SO_F_REUSEPORT), 0, 0, 0 },
	{ SOL_SOCKET, SO_DONTROUTE, FLAG(SO_F_DONTROUTE), 0, 0, 0 },
	{ SOL_SOCKET, SO_KEEPALIVE, FLAG(SO_F_KEEPALIVE), 0, 0, 0 },
	{ SOL_SOCKET, SO_OOBINLINE, FLAG(SO_F_OOBINLINE), 0, 0, 0 },
	{ SOL_SOCKET, SO_BROADCAST, SO(APP_SO_BROADCAST), 0, 0, 0 },
	{ SOL_SOCKET, SO_PRIORITY, I32(priority), INT_MIN,
	  INT_MAX, SOCKOPT_PLAIN },

	{ IPPROTO_IP, IP_PKTINFO, SO(APP_SO_PKTINFO), 0, 0, 0 },
	{ IPPROTO_IP, IP_RECVTTL, SO(APP_SO_RECVTTL), 0, 0, 0 },
	{ IPPROTO_IP, IP_RECVTOS, SO(APP_SO_RECVTOS), 0, 0, 0 },
	{ IPPROTO_IP, IP_RECVERR, FLAG(SO_F_RECVERR), 0, 0, 0 },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, FLAG(SO_F_MCAST_LOOP), 0, 0, 0 },
	{ IPPROTO_IP, IP_MULTICAST_ALL, FLAG(SO_F_MCAST_ALL), 0, 1, 0 },
	{ IPPROTO_IP, IP_TTL, I16(ttl), 1, 255, -1 },
	{ IPPROTO_IP, IP_MULTICAST_TTL, I16(mcast_ttl), 0, 255,
	  DEFAULT_MCAST_HOPS },
	{ IPPROTO_IP, IP_TOS, U8(tos), 0, ANY_TOS, 255 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, U8(mtu_discover), 0, MAX_DISCOVER,
	  SOCKOPT_PLAIN },

	{ IPPROTO_IPV6, IPV6_V6ONLY, SO(APP_SO_V6ONLY), 0, 0, 0 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, SO(APP_SO_PKTINFO6), 0, 0, 0 },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, SO(APP_SO_RECVTTL6), 0, 0, 0 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, SO(APP_SO_RECVTOS6), 0, 0, 0 },
	{ IPPROTO_IPV6, IPV6_RECVERR, FLAG(SO_F_RECVERR6), 0, 0, 0 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, FLAG(SO_F_MCAST_LOOP6), 0, 1, 0 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, FLAG(SO_F_MCAST_ALL6), 0, 0, 0 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, I16(hops6), 0, 255, -1 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, I16(mcast_hops6), 0, 255,
	  DEFAULT_MCAST_HOPS },
	{ IPPROTO_IPV6, IPV6_TCLASS, U8(tclass6), 0, 255, 0 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, U8(mtu_discover6), 0,
	  MAX_DISCOVER, SOCKOPT_PLAIN },
};
/* clang-format on */

static const struct sockopt_table table = {
	.option = options,
	.n = sizeof(options) / sizeof(options[0]),
};

/* Of IPv4's options only these are refused when nothing is given. */
static bool needs_value(int name)
{
	return name == IP_TTL || name == IP_MULTICAST_TTL ||
	    name == IP_MULTICAST_LOOP || name == IP_MULTICAST_ALL;
}

/* IPv4's numbers may be given in a byte, all others are an int. */
static int read_number(const struct command *c, int level, int *ret)
{
	if (c->len >= sizeof(int))
		*ret = sockopt_int(c);
	else if (level == IPPROTO_IP && c->len >= 1)
		*ret = c->data[0];
	else if (level == IPPROTO_IP && !needs_value((int)c->arg[1]))
		*ret = 0;
	else
		return -EINVAL;
	return 0;
}

static int set_plain(
    struct usock *s, const struct sockopt *o, const struct command *c)
{
	int v;
	int r = read_number(c, o->level, &v);

	if (r < 0)
		return r;
	if (o->name == IPV6_V6ONLY && o->level == IPPROTO_IPV6 &&
	    (s->bound || s->kind != USOCK_UDP))
		return -EINVAL;
	if (o->level == IPPROTO_IP && o->name == IP_TOS)
		v &= ANY_TOS;
	return sockopt_store(s, o, v);
}

/* ---- Devices and groups */

/* The link of an interface index; 0 is none in particular. */
static int link_of_index(const struct udpd *u, int64_t index, uint8_t *ret)
{
	if (index < 0 || index > u->n.topo->nlinks)
		return -ENODEV;
	*ret = index == 0 ? LINK_ANY : (uint8_t)(index - 1);
	return 0;
}

/* The link meant by an address of ours and an index; index goes first. */
static int link_of_mreq(
    const struct udpd *u, const struct ip_mreqn *m, uint8_t *ret)
{
	struct ip_addr ip;

	if (m->imr_ifindex != 0)
		return link_of_index(u, m->imr_ifindex, ret);
	if (m->imr_address.s_addr == INADDR_ANY) {
		*ret = LINK_ANY;
		return 0;
	}
	ip = ip_from_v4((const uint8_t *)&m->imr_address);
	return fib_is_ours(&u->fib, &ip, ret) ? 0 : -ENODEV;
}

static int set_group4(
    struct udpd *u, uint32_t id, const struct command *c, bool join)
{
	struct ip_mreqn m = { .imr_ifindex = 0 };
	struct ip_addr ip;
	uint8_t link;
	int r;

	if (c->len < sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&m, c->data, c->len < sizeof(m) ? c->len : sizeof(m));
	if (c->len < sizeof(m))
		m.imr_ifindex = 0;
	ip = ip_from_v4((const uint8_t *)&m.imr_multiaddr);
	if (!ip_is_multicast(&ip))
		return -EINVAL;
	r = link_of_mreq(u, &m, &link);
	if (r < 0)
		return r;
	return join ? group_join(u, id, &ip, link)
		    : group_leave(u, id, &ip, link);
}

static int set_group6(
    struct udpd *u, uint32_t id, const struct command *c, bool join)
{
	struct ipv6_mreq m;
	struct ip_addr ip;
	uint8_t link;
	int r;

	if (c->len < sizeof(m))
		return -EINVAL;
	memcpy(&m, c->data, sizeof(m));
	ip = ip_from_v6(m.ipv6mr_multiaddr.s6_addr);
	if (ip_is_v4(&ip) || !ip_is_multicast(&ip))
		return -EINVAL;
	r = link_of_index(u, m.ipv6mr_interface, &link);
	if (r < 0)
		return r;
	return join ? group_join(u, id, &ip, link)
		    : group_leave(u, id, &ip, link);
}

/* IP_MULTICAST_IF takes an address, an ip_mreq or an ip_mreqn. */
static int set_mcast_if4(
    const struct udpd *u, struct usock *s, const struct command *c)
{
	struct ip_mreqn m = { .imr_ifindex = 0 };
	int r;

	if (c->len < sizeof(struct in_addr))
		return -EINVAL;
	if (c->len >= sizeof(m))
		memcpy(&m, c->data, sizeof(m));
	else if (c->len >= sizeof(struct ip_mreq))
		memcpy(&m, c->data, sizeof(struct ip_mreq));
	else
		memcpy(&m.imr_address, c->data, sizeof(m.imr_address));
	r = link_of_mreq(u, &m, &s->mcast_link);
	return r == -ENODEV && m.imr_ifindex == 0 ? -EADDRNOTAVAIL : r;
}

static int set_index(
    const struct udpd *u, const struct command *c, bool swap, uint8_t *ret)
{
	uint32_t index;

	if (c->len < sizeof(int))
		return -EINVAL;
	index = (uint32_t)sockopt_int(c);
	return link_of_index(u, swap ? ntohl(index) : index, ret);
}

static int set_ip4(struct udpd *u, uint32_t id, const struct command *c)
{
	struct usock *s = &u->state->sock[id];

	switch (c->arg[1]) {
	case IP_ADD_MEMBERSHIP:
		return set_group4(u, id, c, true);
	case IP_DROP_MEMBERSHIP:
		return set_group4(u, id, c, false);
	case IP_MULTICAST_IF:
		return set_mcast_if4(u, s, c);
	case IP_UNICAST_IF:
		return set_index(u, c, true, &s->unicast_link);
	default: /* an app's number */
		return -ENOPROTOOPT;
	}
}

static int set_ip6(struct udpd *u, uint32_t id, const struct command *c)
{
	struct usock *s = &u->state->sock[id];

	switch (c->arg[1]) {
	case IPV6_JOIN_GROUP:
		return set_group6(u, id, c, true);
	case IPV6_LEAVE_GROUP:
		return set_group6(u, id, c, false);
	case IPV6_MULTICAST_IF:
		return set_index(u, c, false, &s->mcast_link6);
	case IPV6_UNICAST_IF:
		return set_index(u, c, true, &s->unicast_link);
	default: /* an app's number */
		return -ENOPROTOOPT;
	}
}

static int set_socket(struct udpd *u, uint32_t id, const struct command *c)
{
	struct usock *s = &u->state->sock[id];

	switch (c->arg[1]) {
	case SO_RCVBUF:
		return sockopt_buffer(c, &s->rcvbuf, RCVBUF_MIN, RCVBUF_MAX);
	case SO_SNDBUF:
		return sockopt_buffer(c, &s->sndbuf, SNDBUF_MIN, SNDBUF_MAX);
	case SO_BINDTODEVICE:
		return sockopt_device(u->n.topo, c, &s->bind_link);
	default: /* an app's number */
		return -ENOPROTOOPT;
	}
}

/* ---- Of raw sockets */

static bool is_raw(const struct usock *s, uint8_t family)
{
	return s->kind == USOCK_RAW && s->family == family;
}

/* Which option of raw sockets is meant, wherever the kernel knows it. */
enum raw_option {
	RAW_NONE, /* it is none of them, or this is no such socket */
	RAW_HDRINCL,
	RAW_FILTER4,
	RAW_FILTER6,
	RAW_CHECKSUM,
	RAW_UNKNOWN,
};

static enum raw_option raw_option(const struct usock *s, int level, int name)
{
	if (level == IPPROTO_IP && name == IP_HDRINCL)
		return RAW_HDRINCL;
	if ((level == SOL_RAW || level == IPPROTO_IPV6) &&
	    name == IPV6_CHECKSUM && is_raw(s, AF_INET6))
		return RAW_CHECKSUM;
	if (level == SOL_RAW && name == ICMP_FILTER && is_raw(s, AF_INET))
		return RAW_FILTER4;
	if (level == IPPROTO_ICMPV6 && name == ICMP6_FILTER &&
	    is_raw(s, AF_INET6))
		return RAW_FILTER6;
	return level == SOL_RAW || level == IPPROTO_ICMPV6 ? RAW_UNKNOWN
							   : RAW_NONE;
}

static int set_filter(struct usock *s, const struct command *c, size_t size)
{
	memcpy(s->filter, c->data, c->len < size ? c->len : size);
	return 0;
}

/* RFC 3542, 3.1: an even place, or a negative number for none. */
static int set_checksum(struct usock *s, const struct command *c)
{
	int v = sockopt_int(c);

	if (c->len < sizeof(int) || (v > 0 && v % 2 != 0) ||
	    (s->protocol == IPPROTO_ICMPV6 && c->arg[0] == IPPROTO_IPV6))
		return -EINVAL;
	s->csum_at = v < 0 ? -1 : v;
	return 0;
}

static int set_raw(
    struct usock *s, enum raw_option which, const struct command *c)
{
	int v;

	switch (which) {
	case RAW_HDRINCL:
		if (!is_raw(s, AF_INET))
			return -ENOPROTOOPT;
		if (read_number(c, IPPROTO_IP, &v) < 0)
			return -EINVAL;
		s->so &= ~(uint32_t)APP_SO_HDRINCL;
		s->so |= v != 0 ? APP_SO_HDRINCL : 0;
		return 0;
	case RAW_FILTER4:
		return s->protocol == IPPROTO_ICMP
		    ? set_filter(s, c, sizeof(s->filter[0]))
		    : -EOPNOTSUPP;
	case RAW_FILTER6:
		return s->protocol == IPPROTO_ICMPV6
		    ? set_filter(s, c, sizeof(s->filter))
		    : -EOPNOTSUPP;
	case RAW_CHECKSUM:
		return set_checksum(s, c);
	case RAW_NONE:
	case RAW_UNKNOWN:
		break;
	}
	return -ENOPROTOOPT;
}

static int get_raw(
    const struct usock *s, enum raw_option which, struct app_answer *r)
{
	switch (which) {
	case RAW_HDRINCL:
		return apps_reply_int(r, (s->so & APP_SO_HDRINCL) != 0);
	case RAW_FILTER4:
		if (s->protocol != IPPROTO_ICMP)
			return -EOPNOTSUPP;
		return apps_reply_int(r, (int)s->filter[0]);
	case RAW_FILTER6:
		if (s->protocol != IPPROTO_ICMPV6)
			return -EOPNOTSUPP;
		memcpy(r->reply, s->filter, sizeof(s->filter));
		r->reply_len = sizeof(s->filter);
		return 0;
	case RAW_CHECKSUM:
		return apps_reply_int(r, s->csum_at);
	case RAW_NONE:
	case RAW_UNKNOWN:
		break;
	}
	return -ENOPROTOOPT;
}

/* ---- */

int option_set(struct udpd *u, uint32_t id, const struct command *c)
{
	struct usock *s = &u->state->sock[id];
	int level = (int)c->arg[0];
	const struct sockopt *o = sockopt_find(&table, level, (int)c->arg[1]);
	enum raw_option raw = raw_option(s, level, (int)c->arg[1]);

	if (raw != RAW_NONE)
		return set_raw(s, raw, c);
	if (level == IPPROTO_IPV6 && s->family != AF_INET6)
		return -ENOPROTOOPT;
	if (o != NULL)
		return set_plain(s, o, c);
	if (level == SOL_SOCKET)
		return set_socket(u, id, c);
	if (level == IPPROTO_IP)
		return set_ip4(u, id, c);
	return level == IPPROTO_IPV6 ? set_ip6(u, id, c) : -ENOPROTOOPT;
}

/* ---- Reading */

/* What the stack uses where the socket says -1. */
static int or_default(const struct udpd *u, const struct sockopt *o, int v)
{
	if (v == -1 && o->kind == SOCKOPT_I16)
		return (int)u->n.topo->hop_limit;
	return v;
}

static int get_mtu(
    const struct udpd *u, const struct usock *s, struct app_answer *r)
{
	struct fib_answer way;

	if (!s->connected)
		return -ENOTCONN;
	if (fib_lookup(&u->fib, &s->peer.ip, s->peer.link, &way) < 0)
		return -ENOTCONN;
	return apps_reply_int(r, (int)way.mtu);
}

static int get_mcast_if4(
    const struct udpd *u, const struct usock *s, struct app_answer *r)
{
	for (uint32_t i = 0; s->mcast_link != LINK_ANY && i < u->fib.naddrs;
	     i++) {
		const struct fib_addr *a = &u->fib.addr[i];

		if (a->link != s->mcast_link || !ip_is_v4(&a->ip))
			continue;
		memcpy(r->reply, ip_v4(&a->ip), 4);
		r->reply_len = 4;
		return 0;
	}
	return apps_reply_int(r, INADDR_ANY);
}

static int get_device(
    const struct udpd *u, const struct usock *s, struct app_answer *r)
{
	if (s->bind_link == LINK_ANY)
		return 0;
	memcpy(r->reply, u->n.topo->links[s->bind_link].name, TOPO_NAME_LEN);
	r->reply_len = (uint32_t)strlen((const char *)r->reply) + 1;
	return 0;
}

static int index_of(uint8_t link)
{
	return link == LINK_ANY ? 0 : link + 1;
}

int option_get(
    struct udpd *u, uint32_t id, const struct command *c, struct app_answer *r)
{
	const struct usock *s = &u->state->sock[id];
	int level = (int)c->arg[0];
	int name = (int)c->arg[1];
	const struct sockopt *o = sockopt_find(&table, level, name);
	enum raw_option raw = raw_option(s, level, name);

	if (raw != RAW_NONE)
		return get_raw(s, raw, r);
	if (level == IPPROTO_IPV6 && s->family != AF_INET6)
		return -ENOPROTOOPT;
	if (o != NULL)
		return apps_reply_int(r, or_default(u, o, sockopt_load(s, o)));
	if (level == SOL_SOCKET && name == SO_RCVBUF)
		return apps_reply_int(r, s->rcvbuf);
	if (level == SOL_SOCKET && name == SO_SNDBUF)
		return apps_reply_int(r, s->sndbuf);
	if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
		return get_device(u, s, r);
	if ((level == IPPROTO_IP && name == IP_MTU) ||
	    (level == IPPROTO_IPV6 && name == IPV6_MTU))
		return get_mtu(u, s, r);
	if (level == IPPROTO_IP && name == IP_MULTICAST_IF)
		return get_mcast_if4(u, s, r);
	if (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_IF)
		return apps_reply_int(r, index_of(s->mcast_link6));
	if (level == IPPROTO_IP && name == IP_UNICAST_IF)
		return apps_reply_int(r, (int)htonl(index_of(s->unicast_link)));
	return -ENOPROTOOPT;
}
