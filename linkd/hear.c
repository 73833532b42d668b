/*
 * hear.c - what ARP and NDP messages from the link mean to us
 */
#include "linkd/hear.h"

#include <netinet/in.h>

#include "linkd/address.h"
#include "linkd/arp.h"
#include "linkd/discover.h"
#include "linkd/ndp.h"

/* ---- ARP (RFC 826, RFC 5227) ---- */

static void dad_hear_arp(
    struct linkd *x, uint8_t link, const struct arp_hdr *h, bool ours)
{
	for (uint32_t i = 0; i < x->st->naddrs; i++)
		if (x->st->addr[i].link == link)
			address_verdict(x, i,
			    dad_heard_arp(
				&x->st->dad[i], &x->touch, h, ours, x->n.now),
			    &h->sha);
}

/*
 * The sender's pair.  A reply that was sent to us alone is what we asked for;
 * whatever else we hear is gossip, and makes an entry only if we are meant.
 */
static void learn_arp(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const struct arp_hdr *h, bool for_us)
{
	struct neighbour_advert na = {
		.mac = &h->sha,
		.solicited = true,
		.override = true,
	};

	if (ip_is_any(&h->spa) || !address_on_link(x, link, &h->spa) ||
	    address_find(x, link, &h->spa) != ADDRESS_NONE)
		return;
	if (h->op == ARP_REPLY && !mac_is_multicast(&eth->dst))
		neighbour_advert(&x->nb, link, &h->spa, &na, x->n.now);
	else
		neighbour_heard(
		    &x->nb, link, &h->spa, &h->sha, for_us, x->n.now);
}

void hear_arp(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const uint8_t *p, size_t len)
{
	struct mac mine = link_mac(x, link);
	struct arp_hdr h;
	enum arp_parse why = arp_parse(&h, p, len);
	bool ours, for_us;

	if (why != ARP_OK) {
		node_count(&x->n, CNT_ARP_SHORT + (why - ARP_SHORT));
		return;
	}
	node_count(&x->n, CNT_RX_ARP);
	ours = mac_equal(&h.sha, &mine);
	dad_hear_arp(x, link, &h, ours);
	if (ours) {
		node_count(&x->n, CNT_ARP_OURS);
		return;
	}
	for_us = address_valid(x, address_find(x, link, &h.tpa));
	learn_arp(x, link, eth, &h, for_us);
	if (for_us && h.op == ARP_REQUEST)
		discover_answer(x, link, &h.tpa, &h.spa, &h.sha);
}

/* ---- NDP (RFC 4861, RFC 4862) ---- */

static void hear_ns(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const struct ndp_ip *ip, const struct ndp_hdr *h)
{
	uint32_t i = address_find(x, link, &h->target);
	bool probe = ip_is_any(&ip->src);

	if (i == ADDRESS_NONE)
		return;
	address_verdict(x, i,
	    dad_heard_ns(&x->st->dad[i], &x->touch, probe,
		h->has_nonce ? h->nonce : NULL,
		h->has_nonce ? NDP_NONCE_LEN : 0, &eth->src),
	    &eth->src);
	if (!address_valid(x, i))
		return;
	if (!probe && h->has_slla)
		neighbour_heard(
		    &x->nb, link, &ip->src, &h->slla, true, x->n.now);
	discover_answer(
	    x, link, &h->target, &ip->src, h->has_slla ? &h->slla : &eth->src);
}

static void hear_na(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const struct ndp_hdr *h)
{
	uint32_t i = address_find(x, link, &h->target);
	struct neighbour_advert na = {
		.mac = h->has_tlla ? &h->tlla : NULL,
		.solicited = h->solicited,
		.override = h->override,
		.router = h->router,
	};

	if (i != ADDRESS_NONE)
		address_verdict(x, i,
		    dad_heard_na(&x->st->dad[i], &x->touch, &eth->src),
		    &eth->src);
	else
		neighbour_advert(&x->nb, link, &h->target, &na, x->n.now);
}

bool hear_is_ndp(const struct peek *ip, const uint8_t *p, size_t len)
{
	uint8_t type;

	if (ip->version != 6 || ip->proto != IPPROTO_ICMPV6 ||
	    ip->len <= PEEK_IPV6_LEN || ip->len > len)
		return false;
	type = p[PEEK_IPV6_LEN];
	return type >= NDP_RS && type <= NDP_REDIRECT;
}

static void act(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const struct ndp_ip *ip, const struct ndp_hdr *h)
{
	switch (h->type) {
	case NDP_NS:
		hear_ns(x, link, eth, ip, h);
		return;
	case NDP_NA:
		hear_na(x, link, eth, h);
		return;
	case NDP_RA:
		/* 6.3.4: its address is as good as any other's. */
		if (h->has_slla)
			neighbour_heard(
			    &x->nb, link, &ip->src, &h->slla, true, x->n.now);
		node_count(&x->n, CNT_RX_RA_IGNORED);
		return;
	case NDP_RS:
		node_count(&x->n, CNT_RX_RS_IGNORED);
		return;
	case NDP_REDIRECT:
		node_count(&x->n, CNT_RX_REDIRECT_IGNORED);
		return;
	}
}

void hear_ndp(struct linkd *x, uint8_t link, const struct eth_hdr *eth,
    const struct peek *ip, const uint8_t *p)
{
	struct mac mine = link_mac(x, link);
	struct ndp_ip with = { ip->src, ip->dst, ip->hops };
	size_t len = ip->len - PEEK_IPV6_LEN;
	struct ndp_hdr h;
	enum ndp_parse why;

	p += PEEK_IPV6_LEN;
	if (!ndp_checksum_ok(p, len, &with)) {
		node_count(&x->n, CNT_NDP_BAD_CHECKSUM);
		return;
	}
	why = ndp_parse(&h, p, len, &with);
	if (why != NDP_OK) {
		node_count(&x->n, CNT_NDP_SHORT + (why - NDP_SHORT));
		return;
	}
	node_count(&x->n, CNT_RX_NDP);
	/* What we sent to a group may come back; dad.h knows its probes. */
	if (mac_equal(&eth->src, &mine) && h.type != NDP_NS)
		return;
	act(x, link, eth, &with, &h);
}
