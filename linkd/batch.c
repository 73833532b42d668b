/*
 * batch.c - frames on their way to a device, many at once
 */
#include "linkd/batch.h"

#include <errno.h>
#include <netinet/in.h>

#include "linkd/linkd.h"
#include "linkd/show.h"
#include "linkd/soft.h"
#include "linkd/tapped.h"

static enum vnet_gso gso_kind(const struct packet *p)
{
	if (p->gso_size == 0)
		return VNET_GSO_NONE;
	if (p->proto == IPPROTO_UDP)
		return VNET_GSO_UDP;
	return p->version == 4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6;
}

/* Headers of a frame at @buf; returns their length. */
static size_t emit_headers(struct linkd *x, uint8_t link, uint8_t *buf,
    const struct mac *dst, uint16_t type, const struct packet *p)
{
	const struct netdev *dev = &x->dev[link];
	struct eth_hdr eth = {
		.dst = *dst, .src = link_mac(x, link), .type = type
	};
	struct vnet v = {
		.gso = gso_kind(p),
		.gso_size = p->gso_size,
		.csum_partial = p->flags & PKT_CSUM_PARTIAL,
	};

	if (v.csum_partial) {
		v.csum_start = (uint16_t)(p->csum_start + ETH_HDR_LEN);
		v.csum_offset = p->csum_offset;
	}
	if (v.gso != VNET_GSO_NONE) {
		v.hdr_len = (uint16_t)(p->hdr_len + ETH_HDR_LEN);
		/* Of anything else the kernel would refuse it. */
		v.ecn = v.gso != VNET_GSO_UDP && (p->flags & PKT_GSO_ECN);
	}
	if (dev->vnet_len > 0)
		vnet_emit(buf, dev->vnet_len, &v);
	eth_emit(buf + dev->vnet_len, &eth);
	return dev->vnet_len + (size_t)ETH_HDR_LEN;
}

/* The kernel only reads it. */
static struct iovec piece(const uint8_t *p, size_t len)
{
	return (struct iovec){ (void *)(uintptr_t)p, len };
}

static void fill_frame(struct tx_frame *f, const uint8_t *hdr, size_t hdr_len,
    const struct packet *p)
{
	f->iov[0] = piece(hdr, hdr_len);
	f->niov = 1;
	for (uint32_t i = 0; i < p->ns; i++)
		if (p->s[i].len > 0)
			f->iov[f->niov++] = piece(p->s[i].p, p->s[i].len);
	f->result = -EAGAIN;
}

/* A frame of one packet: what goes before it at @hdr. */
static void make_frame(struct linkd *x, uint8_t link, struct tx_frame *f,
    uint8_t hdr[FRAME_HDR_MAX], const struct mac *dst, uint16_t type,
    const struct packet *p)
{
	struct packet rest = *p;
	size_t len = emit_headers(x, link, hdr, dst, type, p);

	show_tx(x, link, hdr + x->dev[link].vnet_len, p);
	if (x->dev[link].vnet_len == 0 && (p->flags & PKT_CSUM_PARTIAL))
		len += soft_checksum(hdr + len, &rest);
	fill_frame(f, hdr, len, &rest);
}

static bool not_tried(const struct tx_frame *f)
{
	return f->result == -EAGAIN || f->result == -ECANCELED;
}

static void count_sent(struct linkd *x, uint8_t link, const struct tx_frame *f)
{
	uint64_t bytes = 0;

	if (node_tapping(&x->n))
		tapped_tx(x, link, f);
	if (f->result < 0) {
		node_count(&x->n, CNT_TX_ERROR);
		log_debug(&x->n.log, "frame refused, link=%s: errno %d",
		    x->n.topo->links[link].name, -f->result);
		return;
	}
	for (uint32_t i = 0; i < f->niov; i++)
		bytes += f->iov[i].iov_len;
	bytes -= x->dev[link].vnet_len;
	node_count(&x->n, CNT_TX_FRAMES);
	x->n.counter[CNT_TX_BYTES] += bytes;
	node_count(&x->n, link_counter(link, LINK_TX_FRAMES));
	x->n.counter[link_counter(link, LINK_TX_BYTES)] += bytes;
}

static void blocked(struct linkd *x, uint8_t link)
{
	x->dev[link].blocked = true;
	node_count(&x->n, CNT_TX_BLOCKED);
}

uint32_t frames_out(
    struct linkd *x, uint8_t link, struct tx_frame *f, uint32_t n)
{
	struct netdev *dev = &x->dev[link];
	uint32_t done;

	dev->ops->tx(dev, f, n);
	for (done = 0; done < n && !not_tried(&f[done]); done++)
		count_sent(x, link, &f[done]);
	if (done == 0)
		blocked(x, link);
	return done;
}

bool batch_flush(struct linkd *x)
{
	struct batch *b = &x->batch;
	struct netdev *dev = &x->dev[b->link];
	uint32_t at = 0;

	while (at < b->n) {
		uint32_t from = at;

		dev->ops->tx(dev, b->frame + at, b->n - at);
		for (; at < b->n && !not_tried(&b->frame[at]); at++) {
			count_sent(x, b->link, &b->frame[at]);
			node_give_back(&x->n, &b->item[at].d);
		}
		/* Those behind an error were not tried: once more. */
		if (at == b->n ||
		    (at > from && b->frame[at].result == -ECANCELED))
			continue;
		blocked(x, b->link);
		b->item[at].in->mine = b->item[at].pos;
		b->n = 0;
		return false;
	}
	b->n = 0;
	return true;
}

static uint16_t type_of(const struct packet *p)
{
	return p->version == 4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6;
}

/* Up to DEVICE_BATCH segments from @from on; returns how many were taken. */
static uint32_t send_some(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct packet *p, const struct gso *g, uint32_t from)
{
	const struct packet bare = { .flags = 0 };
	struct batch *b = &x->batch;
	uint32_t n = g->segments - from;

	if (n > DEVICE_BATCH)
		n = DEVICE_BATCH;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *hdr = b->item[i].hdr;
		struct packet part;
		size_t len = emit_headers(x, link, hdr, dst, type_of(p), &bare);

		len += soft_segment(g, from + i, hdr + len, &part);
		fill_frame(&b->frame[i], hdr, len, &part);
	}
	return frames_out(x, link, b->frame, n);
}

/* Cut @p and send it from segment @from on; returns how far it came. */
static uint32_t send_cut(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct packet *p, uint32_t from, uint32_t *segments)
{
	struct gso g;

	*segments = 0;
	/* It has been tried before (soft_can), but another may have written. */
	if (!soft_cut(&g, p)) {
		node_count(&x->n, CNT_TX_BAD_OFFLOAD);
		return 0;
	}
	*segments = g.segments;
	while (from < g.segments) {
		uint32_t done = send_some(x, link, dst, p, &g, from);

		from += done;
		if (done == 0)
			break;
	}
	return from;
}

static bool add_cut(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct packet *p, struct ring_in *in, uint32_t pos,
    const struct desc *d)
{
	struct batch *b = &x->batch;
	uint32_t from =
	    b->rest.in == in && b->rest.pos == pos ? b->rest.sent : 0;
	uint32_t segments;

	b->rest.in = NULL;
	from = send_cut(x, link, dst, p, from, &segments);
	if (from < segments) {
		b->rest.in = in;
		b->rest.pos = pos;
		b->rest.sent = from;
		in->mine = pos;
		return false;
	}
	node_give_back(&x->n, d);
	return true;
}

/* Must @p be cut for this device? */
static bool to_cut(const struct linkd *x, uint8_t link, const struct packet *p)
{
	return p->gso_size > 0 && x->dev[link].vnet_len == 0;
}

/* Not to the device, but to what stands before it; false: not now. */
static bool to_bad_wire(struct linkd *x, uint8_t link, const struct mac *dst,
    uint16_t type, const struct packet *p)
{
	struct eth_hdr eth = {
		.dst = *dst, .src = link_mac(x, link), .type = type
	};
	uint8_t hdr[ETH_HDR_LEN];

	eth_emit(hdr, &eth);
	show_tx(x, link, hdr, p);
	return impair_packet(x, link, IMPAIR_TX, hdr, p, 0);
}

static bool add_impaired(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct packet *p, struct ring_in *in, uint32_t pos,
    const struct desc *d)
{
	if (impair_behind(&x->impairs, link, IMPAIR_TX) ||
	    !to_bad_wire(x, link, dst, type_of(p), p)) {
		in->mine = pos;
		return false;
	}
	node_give_back(&x->n, d);
	return true;
}

bool batch_add(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct packet *p, struct ring_in *in, uint32_t pos,
    const struct desc *d)
{
	struct batch *b = &x->batch;
	bool impaired = impair_on(&x->impairs, link, IMPAIR_TX);
	bool cut = to_cut(x, link, p);
	struct batch_item *it;

	if (b->n > 0 &&
	    (cut || impaired || b->link != link || b->n == DEVICE_BATCH) &&
	    !batch_flush(x))
		return false;
	if (x->dev[link].blocked) {
		in->mine = pos;
		return false;
	}
	if (impaired)
		return add_impaired(x, link, dst, p, in, pos, d);
	if (cut)
		return add_cut(x, link, dst, p, in, pos, d);
	b->link = link;
	it = &b->item[b->n];
	it->in = in;
	it->pos = pos;
	it->d = *d;
	make_frame(x, link, &b->frame[b->n++], it->hdr, dst, type_of(p), p);
	return true;
}

bool frame_send(struct linkd *x, uint8_t link, const struct mac *dst,
    uint16_t type, const struct packet *p)
{
	struct netdev *dev = &x->dev[link];
	uint8_t hdr[FRAME_HDR_MAX];
	struct tx_frame f = { .niov = 0 };
	uint32_t segments, done;

	if (dev->ops == NULL)
		return true;
	if (impair_on(&x->impairs, link, IMPAIR_TX))
		return to_bad_wire(x, link, dst, type, p);
	if (dev->blocked)
		return false;
	if (to_cut(x, link, p)) {
		done = send_cut(x, link, dst, p, 0, &segments);
		/* A retry would repeat what is out. */
		if (done > 0)
			x->n.counter[CNT_TX_ERROR] += segments - done;
		return done > 0 || segments == 0;
	}
	make_frame(x, link, &f, hdr, dst, type, p);
	return frames_out(x, link, &f, 1) == 1;
}
