/*
 * rx6.c - an IPv6 packet that came in (RFC 8200)
 */
#include "ipd/icmp_tx.h"
#include "ipd/rx.h"
#include "ipd/show.h"

static void fill_in(struct received *r)
{
	r->src = r->h6.src;
	r->dst = r->h6.dst;
	r->proto = r->h6.next_header;
	r->hops = r->h6.hop_limit;
	r->tclass = r->h6.traffic_class;
	r->upper_at = IPV6_HDR_LEN;
	r->len = IPV6_HDR_LEN + r->h6.payload_len;
	r->d.len = r->len;
}

/* The chain is wrong: an error goes back if its kind calls for one. */
static bool bad_chain(struct ipd *ip, struct received *r, enum ipv6_parse why,
    const struct ipv6_complaint *c)
{
	struct icmp_saying what = {
		.type = c->type,
		.code = c->code,
		.info = c->pointer,
		.even_if_multicast = c->even_if_multicast,
	};

	if (c->due)
		icmp_complain(ip, r, &what);
	return ipd_drop(ip, &r->d, CNT_V6_SHORT + why - IPV6_SHORT);
}

static bool for_us(struct ipd *ip, struct received *r)
{
	struct ipv6_complaint complaint;
	struct ipv6_chain chain;
	enum ipv6_parse why = ipv6_walk(&chain, &complaint, r->p, &r->h6);

	if (why != IPV6_OK)
		return bad_chain(ip, r, why, &complaint);
	r->proto = chain.proto;
	r->proto_at = chain.proto_at;
	r->upper_at = chain.upper_at;
	r->router_alert = chain.router_alert;
	if (chain.is_fragment && r->whole)
		return ipd_drop(ip, &r->d, CNT_REASM_NESTED);
	if (chain.is_fragment)
		return rx_fragment6(ip, r, &chain);
	if (!r->whole)
		node_count(&ip->n, CNT_RX6);
	return rx_local(ip, r);
}

static bool for_others(struct ipd *ip, struct received *r)
{
	struct ipv6_complaint complaint;
	struct ipv6_chain chain;
	enum ipv6_parse why =
	    ipv6_walk_forward(&chain, &complaint, r->p, &r->h6);

	if (why != IPV6_OK)
		return bad_chain(ip, r, why, &complaint);
	r->proto = chain.proto;
	r->upper_at = chain.upper_at;
	return rx_forward(ip, r);
}

/*
 * IPv4-mapped addresses belong on no wire (RFC 4291, 2.5.5.2; RFC 6890, table
 * 20).  In here they are IPv4's own: such a packet would pass for one of IPv4,
 * around all that was decided about that family.
 */
static enum admit admit6(struct ipd *ip, struct received *r)
{
	if (ip_is_v4(&r->src))
		return ADMIT_MARTIAN_SOURCE;
	if (ip_is_v4(&r->dst))
		return ADMIT_MARTIAN_DESTINATION;
	return rx_admit(ip, r);
}

bool rx6(struct ipd *ip, struct received *r)
{
	enum ipv6_parse why = ipv6_parse(&r->h6, r->p, r->len);
	enum admit admit;

	if (why != IPV6_OK)
		return ipd_drop(ip, &r->d, CNT_V6_SHORT + why - IPV6_SHORT);
	fill_in(r);
	show_rx(ip, r);

	admit = admit6(ip, r);
	if (admit >= ADMIT_MARTIAN_SOURCE)
		return ipd_drop(ip, &r->d,
		    CNT_MARTIAN_SOURCE + admit - ADMIT_MARTIAN_SOURCE);
	return admit == ADMIT_FORWARD ? for_others(ip, r) : for_us(ip, r);
}
