/*
 * rx.c - packets from linkd: which family, and what of its parts is local
 */
#include "ipd/rx.h"

bool rx_packet(struct ipd *ip, struct received *r)
{
	uint8_t first;

	if (r->d.len == 0 || r->d.link >= ip->n.topo->nlinks)
		return ipd_drop(ip, &r->d, CNT_RX_KIND);
	r->len = r->d.len;
	first = r->p[0];
	if (first >> 4 == 4)
		return rx4(ip, r);
	if (first >> 4 == 6)
		return rx6(ip, r);
	return ipd_drop(ip, &r->d, CNT_RX_VERSION);
}
