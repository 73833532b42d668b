/*
 * merge.c - super-frames from the packets of a device that can't make them
 */
#include "linkd/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "linkd/linkd.h"
#include "linkd/rx.h"

int merge_open(struct merges *m)
{
	uint8_t *mem = malloc((size_t)MERGE_FLOWS * MERGE_BYTES);

	if (mem == NULL)
		return -ENOMEM;
	*m = (struct merges){ .mem = mem };
	for (uint32_t i = 0; i < MERGE_FLOWS; i++)
		m->m[i].buf = mem + (size_t)i * MERGE_BYTES;
	return 0;
}

void merge_close(struct merges *m)
{
	free(m->mem);
	m->mem = NULL;
}

/* The frame goes up; its place is free, the others keep their order. */
static void finish(struct linkd *x, uint32_t i)
{
	struct merges *all = &x->merges;
	struct merge m = all->m[i];
	struct desc d = { .kind = PKT_DATA, .link = m.link, .flags = m.flags };
	struct tap_record *hand = NULL;
	struct gro_done done;

	/* The frame in hand is another one, or only a part of it. */
	if (node_tapping(&x->n))
		hand = node_tap_aside(&x->n);
	gro_finish(&m.g, &done);
	if (done.gso_size > 0) {
		d.flags &= (uint16_t)~PKT_CSUM_VALID;
		d.flags |= PKT_CSUM_PARTIAL;
		d.gso_size = done.gso_size;
		d.csum_start = (uint16_t)done.csum_start;
		d.csum_offset = (uint16_t)done.csum_offset;
		x->n.counter[CNT_RX_MERGED] += done.segments;
	}
	d.len = (uint32_t)done.len;
	rx_stage(x, &d, m.buf);
	if (node_tapping(&x->n))
		node_tap_back(&x->n, hand);
	all->n--;
	for (; i < all->n; i++)
		all->m[i] = all->m[i + 1];
	all->m[i] = m; /* its buffer */
}

/*
 * True if one of the held frames took it.  Of a packet that no frame can take
 * (an acknowledgement without data, a damaged one) the flow is not known, so
 * all frames between its two hosts go first.
 */
static bool join(struct linkd *x, const uint8_t *pkt, size_t len)
{
	struct merges *all = &x->merges;
	uint32_t i = 0;

	while (i < all->n) {
		switch (gro_merge(&all->m[i].g, pkt, len, false)) {
		case GRO_MERGED:
			return true;
		case GRO_CLOSED:
			finish(x, i);
			return true;
		case GRO_OTHER:
			i++;
			continue;
		case GRO_PLAIN:
		case GRO_CHECKSUM:
			finish(x, i);
			continue;
		case GRO_HELD:
		case GRO_HEADER:
		case GRO_OPTIONS:
		case GRO_FLAGS:
		case GRO_GAP:
		case GRO_SIZE:
		case GRO_FULL:
		case GRO_NRESULTS:
			break;
		}
		/* Of this flow, but no part of the frame: that goes first. */
		finish(x, i);
		return false;
	}
	return false;
}

bool merge_add(struct linkd *x, uint8_t link, uint16_t flags,
    const uint8_t *pkt, size_t len)
{
	struct merges *all = &x->merges;
	struct merge *m;

	if (join(x, pkt, len))
		return true;
	if (all->n == MERGE_FLOWS)
		finish(x, 0);
	m = &all->m[all->n];
	if (gro_start(&m->g, m->buf, MERGE_BYTES, pkt, len, false) != GRO_HELD)
		return false;
	m->flags = flags;
	m->link = link;
	all->n++;
	return true;
}

void merge_flush(struct linkd *x)
{
	while (x->merges.n > 0)
		finish(x, 0);
}
