/*
 * admit.c - for whom is a packet, and could it be what it says?
 *
 * IPv4 addresses of ours are accepted on every link (the weak host model,
 * RFC 1122, 3.3.4.2); IPv6 likewise, except link-local ones, which mean only
 * the link that they are on.  Loopback addresses are never accepted from a
 * wire.
 */
#include "ipd/rx.h"

/* RFC 1122, 3.2.1.3; RFC 6890: never anybody's source on a wire. */
static bool is_martian_source(
    const struct ipd *ip, const struct received *r, const struct ip_addr *src)
{
	if (ip_is_v4(src)) {
		uint8_t first = ip_v4(src)[0];

		/* 0/8; groups, class E and 255.255.255.255. */
		if (first == 0 || first >= 224)
			return true;
		if (first == 127)
			return !rx_looped(ip, r);
		return fib_is_broadcast(&ip->fib, src, r->d.link);
	}
	/* "::" is a source only in what linkd keeps for itself. */
	if (ip_is_any(src) || ip_is_multicast(src))
		return true;
	return ip_is_loopback(src) && !rx_looped(ip, r);
}

static bool is_martian_destination(
    const struct ipd *ip, const struct received *r, const struct ip_addr *dst)
{
	if (ip_is_v4(dst) && ip_v4(dst)[0] == 0)
		return true;
	if (ip_is_any(dst))
		return true;
	/* Of groups the scopes 0 and 1 stay within a host (RFC 4291, 2.7). */
	if (!ip_is_v4(dst) && ip_is_multicast(dst) && (dst->b[1] & 0xf) < 2)
		return !rx_looped(ip, r);
	return ip_is_loopback(dst) && !rx_looped(ip, r);
}

static bool is_ours(
    const struct ipd *ip, const struct received *r, const struct ip_addr *a)
{
	if (!ip_is_v4(a) && ip_is_link_local(a))
		return fib_is_ours_on(&ip->fib, a, r->d.link);
	return fib_is_ours(&ip->fib, a, NULL);
}

enum admit rx_admit(struct ipd *ip, struct received *r)
{
	if (is_martian_source(ip, r, &r->src))
		return ADMIT_MARTIAN_SOURCE;
	if (is_martian_destination(ip, r, &r->dst))
		return ADMIT_MARTIAN_DESTINATION;
	if (!rx_looped(ip, r) && is_ours(ip, r, &r->src))
		return ADMIT_OWN_SOURCE;

	if (ip_is_multicast(&r->dst)) {
		r->to_many = true;
		return ipd_is_member(ip, &r->dst, r->d.link) ? ADMIT_LOCAL
							     : ADMIT_NOT_JOINED;
	}
	if (fib_is_broadcast(&ip->fib, &r->dst, r->d.link)) {
		r->to_many = true;
		return ADMIT_LOCAL;
	}
	/* RFC 1122, 3.3.6: a frame to all with a packet for one. */
	if (ip_is_v4(&r->dst) && (r->d.flags & PKT_LINK_BROADCAST))
		return ADMIT_LINK_BROADCAST;
	if (is_ours(ip, r, &r->dst))
		return ADMIT_LOCAL;
	return ip->n.topo->forward ? ADMIT_FORWARD : ADMIT_NOT_OURS;
}
