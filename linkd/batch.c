/*
 * batch.c - frames on their way to a device, many at once
 */
#include "linkd/batch.h"

#include <errno.h>
#include <netinet/in.h>

#include "linkd/linkd.h"
#include "linkd/show.h"

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
		.ecn = p->flags & PKT_GSO_ECN,
		.gso_size = p->gso_size,
		.csum_partial = p->flags & PKT_CSUM_PARTIAL,
	};

	if (v.csum_partial) {
		v.csum_start = (uint16_t)(p->csum_start + ETH_HDR_LEN);
		v.csum_offset = p->csum_offset;
	}
	if (v.gso != VNET_GSO_NONE)
		v.hdr_len = (uint16_t)(p->hdr_len + ETH_HDR_LEN);
	if (dev->vnet_len > 0)
		vnet_emit(buf, dev->vnet_len, &v);
	eth_emit(buf + dev->vnet_len, &eth);
	return dev->vnet_len + (size_t)ETH_HDR_LEN;
}

static void fill_frame(
    struct tx_frame *f, uint8_t *hdr, size_t hdr_len, const struct packet *p)
{
	f->iov[0] = (struct iovec){ hdr, hdr_len };
	f->niov = 1;
	for (uint32_t i = 0; i < p->ns; i++) {
		if (p->s[i].len == 0)
			continue;
		/* The kernel only reads it. */
		f->iov[f->niov].iov_base = (void *)(uintptr_t)p->s[i].p;
		f->iov[f->niov++].iov_len = p->s[i].len;
	}
	f->result = -EAGAIN;
}

static bool not_tried(const struct tx_frame *f)
{
	return f->result == -EAGAIN || f->result == -ECANCELED;
}

static void count_sent(struct linkd *x, uint8_t link, const struct tx_frame *f)
{
	if (f->result < 0) {
		node_count(&x->n, CNT_TX_ERROR);
		log_debug(&x->n.log, "frame refused, link=%s: errno %d",
		    x->n.topo->links[link].name, -f->result);
		return;
	}
	node_count(&x->n, CNT_TX_FRAMES);
	for (uint32_t i = 0; i < f->niov; i++)
		x->n.counter[CNT_TX_BYTES] += f->iov[i].iov_len;
	x->n.counter[CNT_TX_BYTES] -= x->dev[link].vnet_len;
}

static void blocked(struct linkd *x, uint8_t link)
{
	x->dev[link].blocked = true;
	node_count(&x->n, CNT_TX_BLOCKED);
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

bool batch_add(struct linkd *x, uint8_t link, const struct mac *dst,
    const struct packet *p, struct ring_in *in, uint32_t pos,
    const struct desc *d)
{
	struct batch *b = &x->batch;
	struct batch_item *it;
	size_t hdr_len;

	if (b->n > 0 && (b->link != link || b->n == DEVICE_BATCH) &&
	    !batch_flush(x))
		return false;
	if (x->dev[link].blocked) {
		in->mine = pos;
		return false;
	}
	b->link = link;
	it = &b->item[b->n];
	it->in = in;
	it->pos = pos;
	it->d = *d;
	hdr_len = emit_headers(x, link, it->hdr, dst,
	    p->version == 4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6, p);
	fill_frame(&b->frame[b->n++], it->hdr, hdr_len, p);
	show_tx(x, link, it->hdr + x->dev[link].vnet_len, p);
	return true;
}

bool frame_send(struct linkd *x, uint8_t link, const struct mac *dst,
    uint16_t type, const struct packet *p)
{
	struct netdev *dev = &x->dev[link];
	uint8_t hdr[FRAME_HDR_MAX];
	struct tx_frame f;

	if (dev->ops == NULL)
		return true;
	if (dev->blocked)
		return false;
	fill_frame(&f, hdr, emit_headers(x, link, hdr, dst, type, p), p);
	show_tx(x, link, hdr + dev->vnet_len, p);
	dev->ops->tx(dev, &f, 1);
	if (not_tried(&f)) {
		blocked(x, link);
		return false;
	}
	count_sent(x, link, &f);
	return true;
}
