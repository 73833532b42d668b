/*
 * soft.c - what a device without offloads needs done before a frame is sent
 */
#include "linkd/soft.h"

#include <netinet/in.h>

#include "linkd/csum.h"

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
