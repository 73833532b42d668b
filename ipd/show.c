/*
 * show.c - packets in the log, field by field, at level debug
 */
#include "ipd/show.h"

#include <netinet/in.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"

void show_rx(struct ipd *ip, const struct received *r)
{
	if (!log_shows(&ip->n.log, LOG_DEBUG))
		return;
	log_debug(&ip->n.log, "rx %s, %u bytes",
	    ip->n.topo->links[r->d.link].name, r->len);
	if (ip_is_v4(&r->src))
		ipv4_log(&ip->n.log, &r->h4);
	else
		ipv6_log(&ip->n.log, &r->h6);
}

static void show4(struct ipd *ip, const uint8_t *p, size_t len)
{
	struct ipv4_hdr h;
	struct icmp_hdr m;

	if (ipv4_parse(&h, p, len) != IPV4_OK)
		return;
	ipv4_log(&ip->n.log, &h);
	/* The first piece of a fragmented one does not parse. */
	if (h.proto == IPPROTO_ICMP && h.frag_offset == 0 && !h.mf &&
	    icmp_parse(&m, p + h.hdr_len, (size_t)(h.total_len - h.hdr_len)) ==
		ICMP_OK)
		icmp_log(&ip->n.log, &m);
}

static void show6(struct ipd *ip, const uint8_t *p, size_t len)
{
	struct ipv6_hdr h;
	struct icmp6_hdr m;

	if (ipv6_parse(&h, p, len) != IPV6_OK)
		return;
	ipv6_log(&ip->n.log, &h);
	if (h.next_header == IPPROTO_ICMPV6 &&
	    icmp6_parse(&m, &h.src, &h.dst, p + IPV6_HDR_LEN, h.payload_len) ==
		ICMP6_OK)
		icmp6_log(&ip->n.log, &m);
}

void show_tx(struct ipd *ip, const uint8_t *p, const struct desc *d)
{
	if (!log_shows(&ip->n.log, LOG_DEBUG))
		return;
	log_debug(&ip->n.log, "tx %s, %u bytes",
	    ip->n.topo->links[d->link].name, d->len);
	/* Of a packet with references only the headers lie here. */
	if (d->flags & PKT_REFS)
		return;
	if (*p >> 4 == 4)
		show4(ip, p, d->len);
	else
		show6(ip, p, d->len);
}
