/*
 * soft.c - what a device without offloads needs done, or leaves undone
 */
#include "linkd/soft.h"

#include <netinet/in.h>

#include "linkd/csum.h"
#include "linkd/l4.h"
#include "linkd/peek.h"

/* ---- Received ---- */

static bool is_fragment(const uint8_t *ip, const struct peek *k)
{
	return k->version == 4 &&
	    (be16_get(ip + IP4_FRAG) & (uint16_t)~IP4_DF) != 0;
}

/* Headers of TCP at @l4, to which @len bytes belong; 0: they are not there. */
static size_t tcp_header_len(const uint8_t *l4, size_t len)
{
	size_t hdr = len < TCP_HDR ? 0 : (l4[TCP_DOFF] >> 4) * 4U;

	return hdr >= TCP_HDR && hdr <= len ? hdr : 0;
}

bool soft_open(struct vnet *ret, const uint8_t *eth, size_t len, uint32_t mtu)
{
	const uint8_t *ip = eth + ETH_HDR_LEN;
	struct vnet v = { .csum_partial = true };
	size_t hdr = UDP_HDR;
	struct peek k;

	if (!peek_ip(&k, ip, len - ETH_HDR_LEN) || k.len > len - ETH_HDR_LEN ||
	    k.len < k.hdr_len || is_fragment(ip, &k))
		return false;
	v.csum_start = (uint16_t)(ETH_HDR_LEN + k.hdr_len);
	v.csum_offset = k.proto == IPPROTO_TCP ? TCP_CSUM : UDP_CSUM;
	if (k.proto == IPPROTO_TCP)
		hdr = tcp_header_len(ip + k.hdr_len, k.len - k.hdr_len);
	else if (k.proto != IPPROTO_UDP)
		return false;
	if (hdr == 0 || k.len - k.hdr_len < hdr)
		return false;
	/* Its sender's pieces may be smaller; larger they can't be. */
	if (k.proto == IPPROTO_TCP && k.len > mtu && mtu > k.hdr_len + hdr) {
		v.gso = k.version == 4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6;
		v.gso_size = (uint16_t)(mtu - k.hdr_len - hdr);
	}
	*ret = v;
	return true;
}

/* ---- To be sent ---- */

/* Up to and with the checksum field. */
static size_t head_len(const struct packet *p)
{
	return (size_t)p->csum_start + p->csum_offset + 2;
}

bool soft_can(const struct packet *p)
{
	struct gso g;

	if (p->gso_size > 0)
		return soft_cut(&g, p);
	return (p->flags & PKT_CSUM_PARTIAL) == 0 ||
	    head_len(p) <= GSO_HEADER_MAX;
}

/* Spans [@off, @off + @len) of @from. */
static void slice(
    struct packet *to, const struct packet *from, size_t off, size_t len)
{
	to->ns = 0;
	to->len = (uint32_t)len;
	for (uint32_t i = 0; i < from->ns && len > 0; i++) {
		struct span s = from->s[i];
		size_t skip = off < s.len ? off : s.len;

		off -= skip;
		s.p += skip;
		s.len -= skip;
		if (s.len > len)
			s.len = len;
		len -= s.len;
		if (s.len > 0)
			to->s[to->ns++] = s;
	}
}

size_t soft_checksum(uint8_t *buf, struct packet *p)
{
	size_t head = head_len(p);
	struct packet rest = *p;

	spans_copy(buf, p->s, p->ns, 0, head);
	slice(&rest, p, head, p->len - head);
	csum_finish(buf, head, rest.s, rest.ns, p->csum_start, p->csum_offset);
	*p = rest;
	return head;
}

static enum gso_type kind(const struct packet *p)
{
	if (p->proto == IPPROTO_UDP)
		return p->version == 4 ? GSO_UDP4 : GSO_UDP6;
	return p->version == 4 ? GSO_TCP4 : GSO_TCP6;
}

bool soft_cut(struct gso *g, const struct packet *p)
{
	return gso_begin(g, p->s, p->ns, p->csum_start, kind(p), p->gso_size) ==
	    0;
}

size_t soft_segment(
    const struct gso *g, uint32_t k, uint8_t *buf, struct packet *ret)
{
	struct packet whole = { .ns = g->nspans };
	struct gso_segment s;

	memcpy(whole.s, g->spans, g->nspans * sizeof(g->spans[0]));
	gso_segment(g, k, buf, &s);
	*ret = (struct packet){ .flags = 0 };
	slice(ret, &whole, g->header_len + s.off, s.len);
	return g->header_len;
}
