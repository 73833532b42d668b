/*
 * name.c - struct sockaddr, both ways, with the errnos of Linux
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "api/lib.h"

enum {
	SIN6_LEN_RFC2133 = 24, /* without the scope */
};

/* Interface indices count links from 1. */
static uint8_t link_of_scope(const struct sock *k, uint32_t scope)
{
	return scope >= 1 && scope <= k->lib->plan->nlinks
	    ? (uint8_t)(scope - 1)
	    : LINK_ANY;
}

/* @old_family: the family 0 will do, as it does for old programs. */
static int from_v4(struct app_name *ret, bool old_family,
    const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_in in;

	if (len < sizeof(in))
		return -EINVAL;
	memcpy(&in, addr, sizeof(in));
	if (in.sin_family != AF_INET &&
	    !(old_family && in.sin_family == AF_UNSPEC))
		return -EAFNOSUPPORT;
	*ret = (struct app_name){
		.ip = ip_from_v4((const uint8_t *)&in.sin_addr),
		.port = ntohs(in.sin_port),
		.link = LINK_ANY,
		.family = AF_INET,
	};
	return 0;
}

static int from_v6(struct app_name *ret, const struct sock *k,
    const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_in6 in = { .sin6_scope_id = 0 };

	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (addr->sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(&in, addr, len < sizeof(in) ? len : sizeof(in));
	*ret = (struct app_name){
		.ip = ip_from_v6(in.sin6_addr.s6_addr),
		.port = ntohs(in.sin6_port),
		.link = link_of_scope(k, in.sin6_scope_id),
		.family = AF_INET6,
	};
	return 0;
}

/* Sending to "any" means to oneself, as everywhere since 4.2BSD. */
static void any_is_loopback(struct app_name *name)
{
	static const uint8_t one[4] = { 127, 0, 0, 1 };
	static const struct ip_addr one6 = { { [15] = 1 } };

	if (ip_is_any(&name->ip))
		name->ip = ip_is_v4(&name->ip) ? ip_from_v4(one) : one6;
}

int name_for_bind(struct app_name *ret, const struct sock *k,
    const struct sockaddr *addr, socklen_t len)
{
	struct app_name name;
	int r;

	if (k->l->family == AF_INET) {
		r = from_v4(&name, true, addr, len);
		if (r == 0 && addr->sa_family != AF_INET &&
		    !ip_is_any(&name.ip))
			r = -EAFNOSUPPORT;
	} else {
		r = from_v6(&name, k, addr, len);
	}
	if (r == 0)
		*ret = name;
	return r;
}

int name_for_connect(struct app_name *ret, const struct sock *k,
    const struct sockaddr *addr, socklen_t len)
{
	struct app_name name = { .family = 0 };
	int r;

	if (len < sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC) {
		*ret = name;
		return 0;
	}
	if (k->l->family == AF_INET || addr->sa_family == AF_INET)
		r = from_v4(&name, false, addr, len);
	else
		r = from_v6(&name, k, addr, len);
	if (r < 0)
		return r;
	any_is_loopback(&name);
	*ret = name;
	return 0;
}

int name_for_send(struct app_name *ret, const struct sock *k, bool v6only,
    const struct sockaddr *addr, socklen_t len)
{
	struct app_name name = { .family = 0 };
	int r = 0;

	if (k->l->family == AF_INET) {
		r = from_v4(&name, true, addr, len);
	} else if (len < sizeof(addr->sa_family)) {
		return -EINVAL;
	} else if (addr->sa_family == AF_INET6) {
		r = from_v6(&name, k, addr, len);
	} else if (addr->sa_family == AF_INET) {
		if (v6only)
			return -ENETUNREACH;
		r = from_v4(&name, false, addr, len);
	} else if (addr->sa_family == AF_UNSPEC) {
		*ret = name; /* as if no address were given */
		return 0;
	} else {
		return -EINVAL;
	}
	if (r < 0)
		return r;
	if (k->l->type == SOCK_RAW && k->l->family == AF_INET6 &&
	    name.port != 0 && name.port != k->l->protocol)
		return -EINVAL;
	if (name.port == 0 && sock_is_udp(k))
		return -EINVAL;
	if (v6only && ip_is_v4(&name.ip))
		return -ENETUNREACH;
	any_is_loopback(&name);
	*ret = name;
	return 0;
}

void name_to_sockaddr(const struct app_name *name, uint8_t family,
    struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const void *from = &in6;
	socklen_t whole = sizeof(in6);

	if (family == AF_INET) {
		from = &in;
		whole = sizeof(in);
	}
	in.sin_port = in6.sin6_port = htons(name->port);
	memcpy(&in.sin_addr, ip_v4(&name->ip), 4);
	memcpy(&in6.sin6_addr, name->ip.b, 16);
	if (!ip_is_v4(&name->ip) && name->link != LINK_ANY &&
	    (ip_is_link_local(&name->ip) ||
		(ip_is_multicast(&name->ip) && name->ip.b[1] == 0x02)))
		in6.sin6_scope_id = (uint32_t)name->link + 1;
	memcpy(addr, from, *len < whole ? *len : whole);
	*len = whole;
}
