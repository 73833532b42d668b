/*
 * change.c - routes, changed at run time (shm/ask.h)
 *
 * A change is a turn of its own with nothing else in it, so it survives us or
 * has not happened; its number is part of it, so it does not happen twice.
 * The on-link prefixes of our addresses are no routes here: they come and go
 * with the addresses, which are linkd's.
 */
#include <errno.h>

#include "ipd/ipd.h"

enum {
	NO_ROUTE = TOPO_MAX_ROUTES,
};

/* Where @via is on-link: the link by which it is a neighbour. */
static uint8_t link_of(const struct ipd *ip, const struct ip_addr *via)
{
	for (uint32_t i = 0; i < ip->fib.naddrs; i++) {
		const struct fib_addr *a = &ip->fib.addr[i];

		if (ip_in_prefix(via, &a->ip, a->plen))
			return a->link;
	}
	return LINK_ANY;
}

static int check(const struct ipd *ip, const struct ask *q, uint8_t *link)
{
	unsigned bits = ip_is_v4(&q->ip) ? 32 : 128;
	struct ip_addr net = fib_network(&q->ip, q->plen);

	*link = q->link;
	if (q->plen > bits || !ip_equal(&net, &q->ip))
		return -EINVAL;
	if (q->mtu != 0 && (q->mtu < TOPO_MTU_MIN || q->mtu > UINT16_MAX))
		return -EINVAL;
	if (q->has_via) {
		if (ip_is_v4(&q->via) != ip_is_v4(&q->ip) ||
		    ip_is_any(&q->via) || ip_is_multicast(&q->via) ||
		    fib_is_ours(&ip->fib, &q->via, NULL))
			return -EINVAL;
		if (*link == LINK_ANY)
			*link = link_of(ip, &q->via);
		if (*link == LINK_ANY)
			return -ENETUNREACH;
	}
	if (*link >= ip->n.topo->nlinks || ip->down[*link] == NULL)
		return -ENODEV;
	return 0;
}

/* The one for the same network with the same metric. */
static uint32_t find_same(const struct ipd *ip, const struct ask *q)
{
	for (uint32_t i = 0; i < ip->s->nroutes; i++) {
		const struct topo_route *r = &ip->s->route[i];

		if (ip_equal(&r->net, &q->ip) && r->plen == q->plen &&
		    r->metric == q->metric)
			return i;
	}
	return NO_ROUTE;
}

static int put_route(struct ipd *ip, const struct ask *q)
{
	struct ipd_state *s = ip->s;
	uint32_t i = find_same(ip, q);
	uint8_t link;
	int r = check(ip, q, &link);

	if (r < 0)
		return r;
	if (i != NO_ROUTE && q->change == ASK_ADD)
		return -EEXIST;
	if (i == NO_ROUTE && q->change == ASK_CHANGE)
		return -ENOENT;
	if (i == NO_ROUTE && s->nroutes == TOPO_MAX_ROUTES)
		return -ENOSPC;
	if (i == NO_ROUTE)
		i = s->nroutes++;
	s->route[i] = (struct topo_route){
		.net = q->ip,
		.via = q->via,
		.metric = q->metric,
		.mtu = q->mtu,
		.plen = q->plen,
		.link = link,
		.has_via = q->has_via != 0,
	};
	return 0;
}

/* Does @r have all that was said of the one that is to go? */
static bool is_meant(const struct topo_route *r, const struct ask *q)
{
	return ip_equal(&r->net, &q->ip) && r->plen == q->plen &&
	    (!q->has_metric || r->metric == q->metric) &&
	    (q->link == LINK_ANY || r->link == q->link) &&
	    (!q->has_via || (r->has_via && ip_equal(&r->via, &q->via)));
}

static int delete_route(struct ipd *ip, const struct ask *q)
{
	struct ipd_state *s = ip->s;

	for (uint32_t i = 0; i < s->nroutes; i++) {
		if (!is_meant(&s->route[i], q))
			continue;
		s->nroutes--;
		memmove(&s->route[i], &s->route[i + 1],
		    (s->nroutes - i) * sizeof(*s->route));
		return 0;
	}
	return -ENOENT;
}

int ipd_change(struct ipd *ip, const struct ask *q, struct mono now)
{
	struct ipd_state *s = ip->s;

	if (s->done.number == q->number)
		return s->done.result;
	node_begin(&ip->n, now);
	node_touch(
	    &ip->n, &s->done, sizeof(*s) - offsetof(struct ipd_state, done));
	s->done.number = q->number;
	if (q->op != ASK_ROUTE)
		s->done.result = -EOPNOTSUPP;
	else if (q->change == ASK_DELETE)
		s->done.result = delete_route(ip, q);
	else
		s->done.result = put_route(ip, q);
	node_commit(&ip->n);
	ipd_rebuild(ip);
	/* Blind, we would say that nothing is ours (tables.c). */
	if (!ip->blind)
		ipd_publish(ip);
	return s->done.result;
}
