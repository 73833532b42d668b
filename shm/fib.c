/*
 * fib.c - our addresses and routes, and the questions one asks of them
 */
#include "shm/fib.h"

#include <errno.h>

static_assert(sizeof(struct fib) <= 64 * 1024, "fits into X.out");

static unsigned family_bits(const struct ip_addr *ip)
{
	return ip_is_v4(ip) ? 32 : 128;
}

static void add_route(struct fib *f, const struct fib_route *r)
{
	f->route[f->nroutes++] = *r;
}

struct ip_addr fib_network(const struct ip_addr *ip, unsigned plen)
{
	unsigned bits = ip_is_v4(ip) ? plen + 96 : plen;
	struct ip_addr net = *ip;

	for (unsigned i = bits; i < 128; i++)
		net.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return net;
}

void fib_begin(struct fib *ret, const struct topology *topo)
{
	struct fib *f = ret;

	f->naddrs = 0;
	f->nroutes = 0;
	f->nlinks = topo->nlinks;
	for (uint32_t i = 0; i < topo->nlinks; i++)
		f->link_mtu[i] = topo->links[i].mtu;
}

void fib_add_addr(struct fib *f, const struct fib_addr *a)
{
	f->addr[f->naddrs++] = *a;
	add_route(f,
	    &(struct fib_route){
		.net = fib_network(&a->ip, a->plen),
		.plen = a->plen,
		.link = a->link,
	    });
}

void fib_add_route(struct fib *f, const struct topo_route *r)
{
	add_route(f,
	    &(struct fib_route){
		.net = r->net,
		.via = r->via,
		.metric = r->metric,
		.mtu = r->mtu,
		.plen = r->plen,
		.link = r->link,
		.has_via = r->has_via,
	    });
}

void fib_build(struct fib *ret, const struct topology *topo)
{
	fib_begin(ret, topo);
	for (uint32_t i = 0; i < topo->naddrs; i++)
		fib_add_addr(ret,
		    &(struct fib_addr){
			.ip = topo->addrs[i].ip,
			.plen = topo->addrs[i].plen,
			.link = topo->addrs[i].link,
			.state = ADDR_VALID,
		    });
	for (uint32_t i = 0; i < topo->nroutes; i++)
		fib_add_route(ret, &topo->routes[i]);
}

bool fib_addr_could_be(const struct fib_addr *a, uint32_t nlinks)
{
	return a->plen <= family_bits(&a->ip) && a->link < nlinks &&
	    a->state < NADDR_STATES;
}

static bool route_could_be(const struct fib *f, const struct fib_route *r)
{
	if (r->plen > family_bits(&r->net) || r->link >= f->nlinks)
		return false;
	if (r->mtu != 0 && (r->mtu < TOPO_MTU_MIN || r->mtu > UINT16_MAX))
		return false;
	return r->has_via == 0 ||
	    (r->has_via == 1 && ip_is_v4(&r->via) == ip_is_v4(&r->net));
}

bool fib_check(const struct fib *f)
{
	if (f->naddrs > TOPO_MAX_ADDRS || f->nlinks > TOPO_MAX_LINKS ||
	    f->nroutes > TOPO_MAX_ROUTES + TOPO_MAX_ADDRS)
		return false;
	for (uint32_t i = 0; i < f->nlinks; i++)
		if (f->link_mtu[i] < TOPO_MTU_MIN ||
		    f->link_mtu[i] > UINT16_MAX)
			return false;
	for (uint32_t i = 0; i < f->naddrs; i++)
		if (!fib_addr_could_be(&f->addr[i], f->nlinks))
			return false;
	for (uint32_t i = 0; i < f->nroutes; i++)
		if (!route_could_be(f, &f->route[i]))
			return false;
	return true;
}

bool fib_refresh(struct fib *copy, const struct fib *shared)
{
	struct fib fresh;
	uint32_t seq;

	if (published_seq(&shared->p) == published_seq(&copy->p))
		return false;
	if (!published_copy(&fresh, shared, sizeof(fresh)))
		return false;
	seq = published_seq(&fresh.p);
	if (!fib_check(&fresh)) {
		atomic_store_explicit(&copy->p.seq, seq, memory_order_relaxed);
		return false;
	}
	memcpy(copy, &fresh, sizeof(*copy));
	return true;
}

static const struct fib_addr *find_addr(
    const struct fib *f, const struct ip_addr *ip, uint8_t link)
{
	for (uint32_t i = 0; i < f->naddrs; i++) {
		const struct fib_addr *a = &f->addr[i];

		if (a->state == ADDR_VALID && ip_equal(&a->ip, ip) &&
		    (link == LINK_ANY || a->link == link))
			return a;
	}
	return NULL;
}

/* The link that holds a loopback address, if any does; else the first. */
static uint8_t loopback_link(const struct fib *f)
{
	for (uint32_t i = 0; i < f->naddrs; i++)
		if (ip_is_loopback(&f->addr[i].ip))
			return f->addr[i].link;
	return 0;
}

bool fib_is_ours(const struct fib *f, const struct ip_addr *ip, uint8_t *link)
{
	const struct fib_addr *a = find_addr(f, ip, LINK_ANY);

	if (a == NULL && !ip_is_loopback(ip))
		return false;
	if (link != NULL)
		*link = a != NULL ? a->link : loopback_link(f);
	return true;
}

bool fib_is_ours_on(const struct fib *f, const struct ip_addr *ip, uint8_t link)
{
	return find_addr(f, ip, link) != NULL;
}

int fib_may_bind(const struct fib *f, const struct ip_addr *ip, uint8_t device,
    uint8_t *link)
{
	if (ip_is_v4(ip) || !ip_is_link_local(ip)) {
		*link = LINK_ANY;
		return fib_is_ours(f, ip, NULL) ? 0 : -EADDRNOTAVAIL;
	}
	if (*link == LINK_ANY)
		*link = device;
	if (*link == LINK_ANY)
		return -EINVAL;
	return fib_is_ours_on(f, ip, *link) ? 0 : -EADDRNOTAVAIL;
}

/* The address whose subnet @dst is the broadcast address of. */
static const struct fib_addr *find_subnet_broadcast(
    const struct fib *f, const struct ip_addr *dst, uint8_t link)
{
	if (!ip_is_v4(dst))
		return NULL;
	for (uint32_t i = 0; i < f->naddrs; i++) {
		const struct fib_addr *a = &f->addr[i];
		struct ip_addr b;

		if (!ip_is_v4(&a->ip) || a->plen > 30 ||
		    a->state != ADDR_VALID || ip_is_loopback(&a->ip) ||
		    (link != LINK_ANY && a->link != link))
			continue;
		b = ip_subnet_broadcast(&a->ip, a->plen);
		if (ip_equal(&b, dst))
			return a;
	}
	return NULL;
}

bool fib_is_broadcast(
    const struct fib *f, const struct ip_addr *dst, uint8_t link)
{
	return ip_is_broadcast(dst) ||
	    find_subnet_broadcast(f, dst, link) != NULL;
}

/* Longest prefix; among those of one length the smallest metric, the first. */
const struct fib_route *fib_route(
    const struct fib *f, const struct ip_addr *dst, uint8_t link)
{
	const struct fib_route *best = NULL;

	for (uint32_t i = 0; i < f->nroutes; i++) {
		const struct fib_route *r = &f->route[i];

		if ((link != LINK_ANY && r->link != link) ||
		    !ip_in_prefix(dst, &r->net, r->plen))
			continue;
		if (best == NULL || r->plen > best->plen ||
		    (r->plen == best->plen && r->metric < best->metric))
			best = r;
	}
	return best;
}

/* The one link that has addresses of @dst's family, or LINK_ANY. */
static uint8_t only_link(const struct fib *f, const struct ip_addr *dst)
{
	uint8_t only = LINK_ANY;

	if (f->nlinks == 1)
		return 0;
	for (uint32_t i = 0; i < f->naddrs; i++) {
		const struct fib_addr *a = &f->addr[i];

		if (ip_is_v4(&a->ip) != ip_is_v4(dst) || ip_is_loopback(&a->ip))
			continue;
		if (only != LINK_ANY && only != a->link)
			return LINK_ANY;
		only = a->link;
	}
	return only;
}

static int by_link(const struct fib *f, const struct ip_addr *dst,
    enum fib_kind kind, uint8_t link, struct fib_answer *ret)
{
	if (link == LINK_ANY)
		return -ENETUNREACH;
	*ret = (struct fib_answer){
		.kind = kind,
		.next_hop = *dst,
		.mtu = f->link_mtu[link],
		.link = link,
	};
	return 0;
}

/* To many at once: by the given link, the only one, or that of a route. */
static int lookup_many(const struct fib *f, const struct ip_addr *dst,
    enum fib_kind kind, uint8_t link, struct fib_answer *ret)
{
	const struct fib_route *r;

	if (link == LINK_ANY)
		link = only_link(f, dst);
	if (link == LINK_ANY) {
		r = fib_route(f, dst, LINK_ANY);
		link = r != NULL ? r->link : LINK_ANY;
	}
	return by_link(f, dst, kind, link, ret);
}

static int lookup_route(const struct fib *f, const struct ip_addr *dst,
    uint8_t link, struct fib_answer *ret)
{
	const struct fib_route *r = fib_route(f, dst, link);
	uint32_t mtu;

	if (r == NULL)
		return -ENETUNREACH;
	mtu = f->link_mtu[r->link];
	*ret = (struct fib_answer){
		.kind = FIB_UNICAST,
		.next_hop = r->has_via ? r->via : *dst,
		.mtu = r->mtu != 0 && r->mtu < mtu ? r->mtu : mtu,
		.link = r->link,
	};
	return 0;
}

int fib_lookup(const struct fib *f, const struct ip_addr *dst, uint8_t link,
    struct fib_answer *ret)
{
	const struct fib_addr *a;

	if (link != LINK_ANY && link >= f->nlinks)
		return -EINVAL;
	if (f->nlinks == 0 || ip_is_any(dst))
		return -ENETUNREACH;
	if (ip_is_multicast(dst))
		return lookup_many(f, dst, FIB_MULTICAST, link, ret);
	if (ip_is_broadcast(dst))
		return lookup_many(f, dst, FIB_BROADCAST, link, ret);
	if (ip_is_loopback(dst))
		return by_link(f, dst, FIB_LOCAL, loopback_link(f), ret);

	if (!ip_is_v4(dst) && ip_is_link_local(dst)) {
		if (link == LINK_ANY)
			link = only_link(f, dst);
		return by_link(f, dst,
		    link != LINK_ANY && fib_is_ours_on(f, dst, link)
			? FIB_LOCAL
			: FIB_UNICAST,
		    link, ret);
	}
	/* One of ours is reached by no wire, whatever link was asked for. */
	a = find_addr(f, dst, LINK_ANY);
	if (a != NULL)
		return by_link(f, dst, FIB_LOCAL, a->link, ret);
	a = find_subnet_broadcast(f, dst, link);
	if (a != NULL)
		return by_link(f, dst, FIB_BROADCAST, a->link, ret);
	return lookup_route(f, dst, link, ret);
}
