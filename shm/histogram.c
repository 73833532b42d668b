/*
 * histogram.c - how often which duration, in a fixed number of buckets
 */
#include "shm/histogram.h"

enum {
	HALF = 1 << HISTOGRAM_BITS, /* buckets of a power of two */
};

uint32_t histogram_index(uint64_t value)
{
	uint32_t shift;

	if (value < 2 * HALF)
		return (uint32_t)value;
	if (value >> HISTOGRAM_MAX != 0)
		return HISTOGRAM_BUCKETS;
	shift = 63 - HISTOGRAM_BITS - (uint32_t)__builtin_clzll(value);
	return shift * HALF + (uint32_t)(value >> shift);
}

int64_t histogram_middle(uint32_t index)
{
	uint32_t shift;

	if (index < 2 * HALF)
		return index;
	shift = index / HALF - 1;
	return ((int64_t)(index % HALF + HALF) << shift) +
	    ((int64_t)1 << shift) / 2;
}

static void count(_Atomic uint64_t *n)
{
	/* One writer: no locked instruction is needed. */
	atomic_store_explicit(n,
	    atomic_load_explicit(n, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

void histogram_add(struct histogram *h, int64_t value)
{
	uint32_t i = histogram_index(value < 0 ? 0 : (uint64_t)value);

	count(i < HISTOGRAM_BUCKETS ? &h->bucket[i] : &h->over);
}

void histogram_read(struct histogram_copy *ret, const struct histogram *h)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		ret->bucket[i] =
		    atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
	ret->over = atomic_load_explicit(&h->over, memory_order_relaxed);
}

void histogram_merge(struct histogram_copy *to, const struct histogram_copy *h)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += h->bucket[i];
	to->over += h->over;
}

void histogram_since(
    struct histogram_copy *to, const struct histogram_copy *before)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] -= before->bucket[i];
	to->over -= before->over;
}

uint64_t histogram_count(const struct histogram_copy *h)
{
	uint64_t n = h->over;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h->bucket[i];
	return n;
}

double histogram_mean(const struct histogram_copy *h)
{
	uint64_t n = histogram_count(h);
	double sum = (double)h->over * (double)((int64_t)1 << HISTOGRAM_MAX);

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (h->bucket[i] > 0)
			sum +=
			    (double)h->bucket[i] * (double)histogram_middle(i);
	return n > 0 ? sum / (double)n : 0;
}

int64_t histogram_quantile(const struct histogram_copy *h, double part)
{
	uint64_t n = histogram_count(h);
	uint64_t want = (uint64_t)(part * (double)n + 0.999999);
	uint64_t seen = 0;

	if (n == 0)
		return 0;
	if (want < 1)
		want = 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want)
			return histogram_middle(i);
	}
	return (int64_t)1 << HISTOGRAM_MAX;
}
