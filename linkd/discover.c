/*
 * discover.c - the ARP and NDP messages that linkd sends
 */
#include "linkd/discover.h"

#include <netinet/in.h>

#include "linkd/arp.h"
#include "linkd/ndp.h"
#include "linkd/peek.h"
#include "shm/bytes.h"

static_assert((int)DAD_NONCE_LEN == (int)NDP_NONCE_LEN, "one nonce");

static const struct ip_addr ALL_NODES = { .b = { 0xff, 0x02, [15] = 1 } };

static void send_bytes(struct linkd *x, uint8_t link, const struct mac *dst,
    uint16_t type, const uint8_t *bytes, size_t len)
{
	struct packet p = {
		.s = { { bytes, len } },
		.ns = 1,
		.len = (uint32_t)len,
	};

	frame_send(x, link, dst, type, &p);
}

static void send_arp(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct arp_hdr *h)
{
	uint8_t buf[ARP_LEN];

	arp_emit(buf, h);
	send_bytes(x, link, dst, ETH_TYPE_ARP, buf, sizeof(buf));
}

/* The IPv6 header of every NDP message (RFC 8200, 3). */
static void emit_ipv6(uint8_t *p, const struct ndp_ip *ip, size_t len)
{
	memset(p, 0, PEEK_IPV6_LEN);
	p[0] = 6 << 4;
	be16_put(p + 4, (uint16_t)len);
	p[6] = IPPROTO_ICMPV6;
	p[7] = ip->hop_limit;
	memcpy(p + 8, ip->src.b, 16);
	memcpy(p + 24, ip->dst.b, 16);
}

static void send_ndp(struct linkd *x, uint8_t link, const struct mac *to,
    const struct ip_addr *src, const struct ip_addr *dst,
    const struct ndp_hdr *h)
{
	uint8_t buf[PEEK_IPV6_LEN + NDP_MAX_LEN];
	struct ndp_ip ip = { *src, *dst, NDP_HOP_LIMIT };
	struct mac mac = to != NULL ? *to : mac_of_group(dst);
	size_t len = ndp_emit(buf + PEEK_IPV6_LEN, h, &ip);

	emit_ipv6(buf, &ip, len);
	send_bytes(x, link, &mac, ETH_TYPE_IPV6, buf, PEEK_IPV6_LEN + len);
}

void discover_probe(struct linkd *x, uint8_t link, const struct ip_addr *ip,
    const uint8_t nonce[DAD_NONCE_LEN])
{
	struct ip_addr group = ip_solicited_node(ip);
	struct arp_hdr arp = {
		.op = ARP_REQUEST,
		.sha = link_mac(x, link),
		.spa = ip_any4,
		.tpa = *ip,
	};
	struct ndp_hdr ns = { .type = NDP_NS, .target = *ip };

	node_count(&x->n, CNT_TX_SOLICIT);
	if (ip_is_v4(ip)) {
		send_arp(x, link, &mac_broadcast, &arp);
		return;
	}
	ns.has_nonce = true;
	memcpy(ns.nonce, nonce, NDP_NONCE_LEN);
	send_ndp(x, link, NULL, &ip_any6, &group, &ns);
}

void discover_announce(struct linkd *x, uint8_t link, const struct ip_addr *ip)
{
	/* RFC 5227, 3: as a request. */
	struct arp_hdr arp = {
		.op = ARP_REQUEST,
		.sha = link_mac(x, link),
		.spa = *ip,
		.tpa = *ip,
	};
	struct ndp_hdr na = {
		.type = NDP_NA,
		.target = *ip,
		.router = x->n.topo->forward,
		.override = true,
		.has_tlla = true,
		.tlla = link_mac(x, link),
	};

	node_count(&x->n, CNT_TX_ANSWER);
	if (ip_is_v4(ip))
		send_arp(x, link, &mac_broadcast, &arp);
	else
		send_ndp(x, link, NULL, ip, &ALL_NODES, &na);
}

void discover_ask(struct linkd *x, uint8_t link, const struct ip_addr *target,
    const struct ip_addr *src, const struct mac *to)
{
	struct ip_addr group = ip_solicited_node(target);
	struct arp_hdr arp = {
		.op = ARP_REQUEST,
		.sha = link_mac(x, link),
		.spa = *src,
		.tpa = *target,
	};
	struct ndp_hdr ns = {
		.type = NDP_NS,
		.target = *target,
		.has_slla = true,
		.slla = link_mac(x, link),
	};

	node_count(&x->n, CNT_TX_SOLICIT);
	if (ip_is_v4(target))
		send_arp(x, link, to ? to : &mac_broadcast, &arp);
	else
		send_ndp(x, link, to, src, to ? target : &group, &ns);
}

void discover_answer(struct linkd *x, uint8_t link,
    const struct ip_addr *target, const struct ip_addr *asker,
    const struct mac *to)
{
	bool probe = ip_is_any(asker);
	char who[IP_TEXT_LEN];
	struct arp_hdr arp = {
		.op = ARP_REPLY,
		.sha = link_mac(x, link),
		.spa = *target,
		.tha = *to,
		.tpa = *asker,
	};
	struct ndp_hdr na = {
		.type = NDP_NA,
		.target = *target,
		.router = x->n.topo->forward,
		.solicited = !probe,
		.override = true,
		.has_tlla = true,
		.tlla = link_mac(x, link),
	};

	node_note(&x->n, "asks who has %s, which is ours: answered",
	    ip_text(target, who));
	node_count(&x->n, CNT_TX_ANSWER);
	if (ip_is_v4(target))
		send_arp(x, link, to, &arp);
	else if (probe) /* it has no address to be told at: 7.2.4 */
		send_ndp(x, link, NULL, target, &ALL_NODES, &na);
	else
		send_ndp(x, link, to, target, asker, &na);
}
