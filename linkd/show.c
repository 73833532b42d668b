/*
 * show.c - frames in the debug log, header by header
 */
#include "linkd/show.h"

#include <netinet/in.h>

#include "linkd/arp.h"
#include "linkd/linkd.h"
#include "linkd/ndp.h"
#include "linkd/peek.h"

enum {
	SHOW_BYTES = 512, /* from the frame's start; NDP fits */
};

static void show_ndp(struct linkd *x, const uint8_t *p, size_t len)
{
	struct ndp_hdr h;
	struct peek ip;
	struct ndp_ip with;

	if (!peek_ip(&ip, p, len) || ip.version != 6 ||
	    ip.proto != IPPROTO_ICMPV6)
		return;
	with = (struct ndp_ip){ ip.src, ip.dst, ip.hops };
	if (ndp_parse(&h, p + PEEK_IPV6_LEN, len - PEEK_IPV6_LEN, &with) ==
	    NDP_OK)
		ndp_log(&x->n.log, &h);
}

static void show(struct linkd *x, uint8_t link, const char *way,
    const uint8_t *frame, size_t shown, size_t len)
{
	struct eth_hdr eth;
	struct arp_hdr arp;

	log_debug(&x->n.log, "%s %s, %zu bytes", way,
	    x->n.topo->links[link].name, len);
	if (eth_parse(&eth, frame, shown) != ETH_OK)
		return;
	eth_log(&x->n.log, &eth);
	frame += ETH_HDR_LEN;
	shown -= ETH_HDR_LEN;
	if (eth.type == ETH_TYPE_ARP && arp_parse(&arp, frame, shown) == ARP_OK)
		arp_log(&x->n.log, &arp);
	else if (eth.type == ETH_TYPE_IPV6)
		show_ndp(x, frame, shown);
}

void show_rx(struct linkd *x, uint8_t link, const uint8_t *frame, size_t len)
{
	if (log_shows(&x->n.log, LOG_DEBUG))
		show(x, link, "rx", frame, len, len);
}

void show_tx(struct linkd *x, uint8_t link, const uint8_t eth[ETH_HDR_LEN],
    const struct packet *p)
{
	uint8_t frame[SHOW_BYTES];
	size_t n;

	if (!log_shows(&x->n.log, LOG_DEBUG))
		return;
	memcpy(frame, eth, ETH_HDR_LEN);
	n = spans_copy(
	    frame + ETH_HDR_LEN, p->s, p->ns, 0, sizeof(frame) - ETH_HDR_LEN);
	show(x, link, "tx", frame, ETH_HDR_LEN + n, ETH_HDR_LEN + p->len);
}
