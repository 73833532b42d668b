/*
 * unreachable.c - packets that linkd hands back: their next hop is silent
 *
 * One of our own becomes an error to its transport, one that we forwarded an
 * ICMP error to its source (RFC 1812, 5.2.7.1; RFC 4443, 3.1).
 */
#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "ipd/icmp_tx.h"
#include "ipd/quote.h"

static bool to_transport(
    struct ipd *ip, const uint8_t *p, struct desc *d, const struct quote *q)
{
	struct ring_out *out = rx_sender(ip, q->proto, &q->src, &q->dst,
	    p + q->transport_at, q->transport_len);
	bool v4 = ip_is_v4(&q->src);

	if (out == NULL)
		return ipd_drop(ip, d, CNT_QUOTE_NO_TRANSPORT);
	if (!node_room(&ip->n, out, 1))
		return false;
	d->off = (uint16_t)(d->off + q->transport_at);
	d->len = q->transport_len;
	d->proto = q->proto;
	d->src = q->src;
	d->dst = q->dst;
	d->icmp_type = v4 ? ICMP_UNREACHABLE : ICMP6_UNREACHABLE;
	d->icmp_code = v4 ? ICMP_HOST_UNREACHABLE : ICMP6_ADDRESS_UNREACHABLE;
	d->icmp_from = 0;
	d->icmp_info = 0;
	node_note(&ip->n,
	    "its next hop is silent: an error to %s, which sent it",
	    ip->n.topo->procs[out->to].name);
	node_put(&ip->n, out, d);
	return true;
}

static bool to_origin(
    struct ipd *ip, const uint8_t *p, struct desc *d, const struct quote *q)
{
	struct received r = {
		.d = *d,
		.p = p,
		.len = d->len,
		.src = q->src,
		.dst = q->dst,
		.proto = q->proto,
		.upper_at = q->transport_at,
	};

	/* Its source is behind another link than where it was to go. */
	r.d.link = LINK_ANY;
	node_note(
	    &ip->n, "its next hop is silent: an ICMP error to its source");
	icmp_complain_both(ip, &r, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE,
	    ICMP6_UNREACHABLE, ICMP6_ADDRESS_UNREACHABLE);
	node_give_back(&ip->n, d);
	return true;
}

bool rx_unreachable(struct ipd *ip, const uint8_t *p, struct desc *d)
{
	struct quote q;
	enum quote_parse why = QUOTE_SHORT;

	if (d->len > 0)
		why = p[0] >> 4 == 4 ? quote_parse4(&q, p, d->len)
				     : quote_parse6(&q, p, d->len);
	if (why != QUOTE_OK)
		return ipd_drop(ip, d, CNT_QUOTE_SHORT + why - QUOTE_SHORT);
	if (!fib_is_ours(&ip->fib, &q.src, NULL)) {
		node_count(&ip->n, CNT_UNREACHABLE_BELOW);
		return to_origin(ip, p, d, &q);
	}
	if (!to_transport(ip, p, d, &q))
		return false;
	node_count(&ip->n, CNT_UNREACHABLE_BELOW);
	return true;
}
