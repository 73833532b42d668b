/*
 * tapped.c - frames as they come and go, for who captures
 */
#include "linkd/tapped.h"

enum {
	/* None is larger than a slot. */
	WAITED_SPANS = BIG_SLOT / NEIGHBOUR_DATA + 1,
};

static const uint8_t *resolve(void *ctx, const struct ref *ref)
{
	const struct linkd *x = ctx;

	return app_refs_bytes(&x->apps, ref);
}

/* Counted here, where it is known which it was; else with all others. */
static void dropped(void *ctx, const struct neighbour *e,
    const struct neighbour_packet *p, enum neighbour_count why)
{
	struct linkd *x = ctx;

	if (!node_tapping(&x->n))
		return;
	x->neighbour_seen[why]++;
	tapped_waited(x, e, p, CNT_NEIGHBOUR_DROP_OLDEST + why);
}

void tapped_attach(struct linkd *x)
{
	x->n.tap.resolve = resolve;
	x->n.tap.resolve_ctx = x;
}

void tapped_neighbours(struct linkd *x)
{
	x->nb.dropped = dropped;
	x->nb.dropped_ctx = x;
}

void tapped_rx(struct linkd *x, uint8_t link, const uint8_t *frame, size_t len)
{
	struct desc d = { .link = link, .len = (uint32_t)len };
	struct tap_span s = { frame, len };

	node_tap_frame(&x->n, false, &d, &s, 1, 0);
}

void tapped_tx(struct linkd *x, uint8_t link, const struct tx_frame *f)
{
	size_t skip = x->dev[link].vnet_len;
	struct desc d = { .link = link };
	struct tap_span s[DEVICE_IOV];

	for (uint32_t i = 0; i < f->niov; i++) {
		const uint8_t *p = f->iov[i].iov_base;
		size_t cut = i == 0 ? skip : 0;

		s[i] = (struct tap_span){ p + cut, f->iov[i].iov_len - cut };
		d.len += (uint32_t)s[i].len;
	}
	node_tap_frame(
	    &x->n, true, &d, s, f->niov, f->result < 0 ? CNT_TX_ERROR : 0);
}

void tapped_lost(struct linkd *x, uint8_t link, bool tx, const struct span *s,
    uint32_t ns, uint32_t why)
{
	struct desc d = { .link = link, .len = (uint32_t)spans_len(s, ns) };
	struct tap_span t[IMPAIR_SPANS];

	for (uint32_t i = 0; i < ns; i++)
		t[i] = (struct tap_span){ s[i].p, s[i].len };
	node_tap_frame(&x->n, tx, &d, t, ns, why);
}

void tapped_waited(struct linkd *x, const struct neighbour *e,
    const struct neighbour_packet *p, uint32_t why)
{
	struct desc d = {
		.kind = PKT_DATA,
		.link = e->link,
		.len = (uint32_t)p->len,
		.dst = e->ip,
	};
	struct span s[WAITED_SPANS];
	struct tap_span t[WAITED_SPANS];
	uint32_t ns = neighbour_spans(&x->nb, p, s, WAITED_SPANS);

	for (uint32_t i = 0; i < ns; i++)
		t[i] = (struct tap_span){ s[i].p, s[i].len };
	node_tap_waited(&x->n, why, &d, t, ns);
}
