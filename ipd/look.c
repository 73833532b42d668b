/*
 * look.c - where a packet would go, for whoever asks (shm/ask_way.h)
 *
 * The answer comes from the same functions as a packet's way, so it is what
 * happens to one.  It is a datagram's: of TCP each connection knows its own
 * path MTU.
 */
#include <errno.h>
#include <netinet/in.h>

#include "ipd/tx.h"
#include "shm/ask_way.h"

static bool could_be(const struct ask *q)
{
	return !ip_is_any(&q->ip) &&
	    (!q->has_via ||
		(ip_is_v4(&q->via) == ip_is_v4(&q->ip) && !ip_is_any(&q->via)));
}

static void show_route(const struct ipd *ip, const struct ask *q,
    const struct fib_answer *way, struct ask_way *ret)
{
	const struct fib_route *r = NULL;

	if (way->kind == FIB_UNICAST)
		r = fib_route(&ip->fib, &q->ip, way->link);
	if (r == NULL)
		return;
	ret->has_route = 1;
	ret->net = r->net;
	ret->plen = r->plen;
}

static void show_path(
    const struct ipd *ip, const struct datagram *t, struct ask_way *ret)
{
	const struct pmtu_entry *e = NULL;

	if (t->mtu < ret->mtu)
		e = pmtu_find(&ip->s->pmtu, ip->s->key, &t->d.dst, t->way.link,
		    ip->n.now);
	if (e == NULL)
		return;
	ret->path_mtu = e->mtu;
	ret->path_ms =
	    (uint32_t)(mono_since(e->expires, ip->n.now) / NS_PER_MS);
}

int ipd_look(const struct ipd *ip, const struct ask *q, struct ask_chunk *ret)
{
	struct datagram t = {
		.d = { .proto = IPPROTO_UDP,
		    .flags = PKT_BROADCAST_OK,
		    .link = q->link,
		    .src = ip_is_v4(&q->ip) ? ip_any4 : ip_any6,
		    .dst = q->ip },
	};
	struct ip_addr src;
	struct ask_way *w;
	int r;

	if (q->op != ASK_WAY)
		return -EOPNOTSUPP;
	if (!could_be(q))
		return -EINVAL;
	if (q->has_via)
		t.d.src = q->via;
	r = tx_find_way(ip, &t);
	if (r == 0)
		r = tx_find_source(ip, &t, &src);
	if (r < 0)
		return r;
	w = ask_chunk_add(ret, sizeof(*w));
	if (w == NULL)
		return -ENOSPC;
	w->src = src;
	w->next_hop = t.way.next_hop;
	w->mtu = t.way.kind == FIB_LOCAL ? LOOP_MTU : t.way.mtu;
	w->kind = (uint8_t)t.way.kind;
	w->link = t.way.link;
	show_route(ip, q, &t.way, w);
	show_path(ip, &t, w);
	return 0;
}
