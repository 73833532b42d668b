/*
 * latency_read.c - the daemons' histograms, as they were at two moments
 */
#include <stdlib.h>

#include "api/command/latency.h"

static bool read_hop(
    struct hops *h, uint32_t proc, const struct measure_hop *from, uint32_t key)
{
	struct hop *to = malloc(sizeof(*to));

	if (to == NULL)
		return false;
	to->proc = proc;
	to->key = hop_key(key);
	histogram_read(&to->wait, &from->wait);
	histogram_read(&to->work, &from->work);
	histogram_read(&to->whole, &from->whole);
	h->hop[h->n++] = to;
	return true;
}

static bool read_daemon(
    struct hops *h, uint32_t proc, const struct measure_mem *m)
{
	h->missed += atomic_load_explicit(&m->missed, memory_order_relaxed);
	for (uint32_t i = 0; i < MEASURE_HOPS; i++) {
		uint32_t key =
		    atomic_load_explicit(&m->hop[i].key, memory_order_relaxed);

		if (key == 0)
			break;
		if (!read_hop(h, proc, &m->hop[i], key))
			return false;
	}
	return true;
}

bool hops_read(struct hops *ret, const struct taps *t)
{
	*ret = (struct hops){ .n = 0 };
	for (uint32_t p = 0; p < t->topo->nprocs; p++) {
		const uint8_t *tap = (const void *)t->reader[p].mem;

		if (!read_daemon(ret, p, (const void *)(tap + TAP_MEASURE_OFF)))
			return false;
	}
	return true;
}

static const struct hop *same(const struct hops *h, const struct hop *as)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->hop[i]->proc == as->proc &&
		    hop_word(h->hop[i]->key) == hop_word(as->key))
			return h->hop[i];
	return NULL;
}

bool hops_since(
    struct hops *ret, const struct hops *now, const struct hops *before)
{
	*ret = (struct hops){ .missed = now->missed - before->missed };
	for (uint32_t i = 0; i < now->n; i++) {
		struct hop *h = malloc(sizeof(*h));
		const struct hop *b = same(before, now->hop[i]);

		if (h == NULL)
			return false;
		*h = *now->hop[i];
		ret->hop[ret->n++] = h;
		if (b == NULL)
			continue;
		histogram_since(&h->wait, &b->wait);
		histogram_since(&h->work, &b->work);
		histogram_since(&h->whole, &b->whole);
	}
	return true;
}

void hops_free(struct hops *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		free(h->hop[i]);
	h->n = 0;
}
