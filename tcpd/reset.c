/*
 * reset.c - what a segment for no connection is answered with
 */
#include "tcpd/tcpd.h"

bool tcp_reset_for(
    struct tcp_hdr *ret, const struct tcp_hdr *h, uint32_t payload_len)
{
	uint32_t seg_len = payload_len + ((h->flags & TCP_SYN) != 0) +
	    ((h->flags & TCP_FIN) != 0);

	if (h->flags & TCP_RST)
		return false;
	*ret = (struct tcp_hdr){
		.src_port = h->dst_port,
		.dst_port = h->src_port,
		.flags = TCP_RST,
	};
	/* RFC 9293, 3.10.7.1: so that the sender takes it for its own. */
	if (h->flags & TCP_ACK) {
		ret->seq = h->ack;
	} else {
		ret->flags |= TCP_ACK;
		ret->ack = seq_add(h->seq, seg_len);
	}
	return true;
}
