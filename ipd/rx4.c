/*
 * rx4.c - an IPv4 packet that came in (RFC 1122, 3.2.1)
 */
#include "ipd/icmp.h"
#include "ipd/icmp_tx.h"
#include "ipd/rx.h"
#include "ipd/show.h"

static void fill_in(struct received *r)
{
	r->src = r->h4.src;
	r->dst = r->h4.dst;
	r->proto = r->h4.proto;
	r->hops = r->h4.ttl;
	r->tclass = r->h4.tos;
	r->frag_offset = r->h4.frag_offset;
	r->upper_at = r->h4.hdr_len;
	r->len = r->h4.total_len;
	r->d.len = r->len;
}

static bool bad_option(struct ipd *ip, struct received *r, uint8_t pointer)
{
	struct icmp_saying what = {
		.type = ICMP_PARAMETER_PROBLEM,
		.info = pointer,
	};

	icmp_complain(ip, r, &what);
	return ipd_drop(ip, &r->d, CNT_V4_BAD_OPTION);
}

/* We are no stop on anybody's route (RFC 1122, 3.3.5; RFC 6274, 3.13.2.3). */
static bool source_routed(struct ipd *ip, struct received *r)
{
	struct icmp_saying what = {
		.type = ICMP_UNREACHABLE,
		.code = ICMP_SOURCE_ROUTE_FAILED,
	};

	icmp_complain(ip, r, &what);
	return ipd_drop(ip, &r->d, CNT_V4_SOURCE_ROUTE);
}

/* Are there stops left on the source route? */
static bool is_under_way(const struct received *r)
{
	const uint8_t *option =
	    r->h4.options + (r->o4.source_route - IPV4_HDR_LEN);

	/* Length and pointer have been checked; beyond: all stops are used. */
	return option[2] <= option[1];
}

bool rx4(struct ipd *ip, struct received *r)
{
	enum ipv4_parse why = ipv4_parse(&r->h4, r->p, r->len);
	enum admit admit;
	uint8_t pointer;

	if (why != IPV4_OK)
		return ipd_drop(ip, &r->d, CNT_V4_SHORT + why - IPV4_SHORT);
	fill_in(r);
	show_rx(ip, r);

	admit = rx_admit(ip, r);
	if (admit >= ADMIT_MARTIAN_SOURCE)
		return ipd_drop(ip, &r->d,
		    CNT_MARTIAN_SOURCE + admit - ADMIT_MARTIAN_SOURCE);
	if (r->h4.hdr_len > IPV4_HDR_LEN &&
	    ipv4_options_parse(&r->o4, &pointer, &r->h4) != IPV4_OK)
		return bad_option(ip, r, pointer);
	if (r->o4.source_route != 0 &&
	    (admit == ADMIT_FORWARD || is_under_way(r)))
		return source_routed(ip, r);

	if (admit == ADMIT_FORWARD)
		return rx_forward(ip, r);
	if (r->h4.mf || r->frag_offset != 0)
		return rx_fragment4(ip, r);
	if (!r->whole)
		node_count(&ip->n, CNT_RX4);
	return rx_local(ip, r);
}
