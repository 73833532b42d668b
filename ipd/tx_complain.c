/*
 * tx_complain.c - a transport asks for an ICMP error about what it received
 */
#include "ipd/icmp6.h"
#include "ipd/icmp_tx.h"
#include "ipd/tx.h"

enum {
	HDR_LEN_MAX = IPV6_HDR_LEN,
};

/* The header as it came, but for what the descriptor doesn't say. */
static uint32_t emit_header(uint8_t *out, const struct desc *d)
{
	if (ip_is_v4(&d->src)) {
		struct ipv4_hdr h = {
			.src = d->src,
			.dst = d->dst,
			.total_len = (uint16_t)(IPV4_HDR_LEN + d->len),
			.hdr_len = IPV4_HDR_LEN,
			.tos = d->tclass,
			.ttl = d->hops,
			.proto = d->proto,
		};

		ipv4_emit(out, &h);
		return IPV4_HDR_LEN;
	}
	ipv6_emit(out,
	    &(struct ipv6_hdr){
		.src = d->src,
		.dst = d->dst,
		.payload_len = (uint16_t)d->len,
		.traffic_class = d->tclass,
		.next_header = d->proto,
		.hop_limit = d->hops,
	    });
	return IPV6_HDR_LEN;
}

bool tx_complain(struct ipd *ip, const uint8_t *p, const struct desc *d)
{
	uint8_t packet[HDR_LEN_MAX + ICMP6_QUOTE_MAX];
	uint32_t quoted = d->len < ICMP6_QUOTE_MAX ? d->len : ICMP6_QUOTE_MAX;
	struct received r = {
		.d = *d,
		.p = packet,
		.src = d->src,
		.dst = d->dst,
		.proto = d->proto,
	};
	struct icmp_saying what = {
		.type = d->icmp_type,
		.code = d->icmp_code,
		.info = d->icmp_info,
	};

	if (ip_is_v4(&d->src) != ip_is_v4(&d->dst) ||
	    d->len > UINT16_MAX - IPV4_HDR_LEN)
		return ipd_drop(ip, d, CNT_TX_BAD_ADDRESS);
	r.upper_at = emit_header(packet, d);
	r.len = r.upper_at + quoted;
	memcpy(packet + r.upper_at, p, quoted);
	icmp_complain(ip, &r, &what);
	node_give_back(&ip->n, d);
	return true;
}
