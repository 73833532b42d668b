/*
 * histogram.h - how often which duration, in a fixed number of buckets
 *
 * As in HdrHistogram: below 256 each number has a bucket of its own, and above
 * that each power of two is cut into 128, so that a bucket is nowhere wider
 * than 1/128 of what it stands for.  Its middle is off by less than 0.4 %.
 *
 *	0 1 2 ... 255 | 256 258 ... 510 | 512 516 ... 1020 | 1024 1032 ...
 *	  width 1         width 2           width 4            width 8
 *
 * There are only counts: number, mean, quantiles and maximum follow from them.
 * So each count added is whole at every instruction of who adds it, several
 * histograms are merged by adding, and what came between two looks at one is
 * their difference.  One process adds; any may read.
 */
#ifndef SHM_HISTOGRAM_H
#define SHM_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	HISTOGRAM_BITS = 7, /* a power of two in so many: 2^7 */
	HISTOGRAM_MAX = 36, /* up to 2^36 ns, 68 s; beyond only counted */
	HISTOGRAM_BUCKETS = (HISTOGRAM_MAX - HISTOGRAM_BITS + 1)
	    << HISTOGRAM_BITS,
};

struct histogram {
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
	_Atomic uint64_t over;
};

/* Who reads copies it first. */
struct histogram_copy {
	uint64_t bucket[HISTOGRAM_BUCKETS];
	uint64_t over;
};

/* A negative one counts as 0: clocks of two CPUs may differ by a little. */
void histogram_add(struct histogram *h, int64_t value);

void histogram_read(struct histogram_copy *ret, const struct histogram *h);

/* @to plus @h; @to less what it was before. */
void histogram_merge(struct histogram_copy *to, const struct histogram_copy *h);
void histogram_since(
    struct histogram_copy *to, const struct histogram_copy *before);

uint64_t histogram_count(const struct histogram_copy *h);
double histogram_mean(const struct histogram_copy *h);

/*
 * The value that @part (0 to 1) of all are not above; what is over counts as
 * the largest there is.  Of none 0.
 */
int64_t histogram_quantile(const struct histogram_copy *h, double part);

/* Where @value goes: HISTOGRAM_BUCKETS if it is over; and the middle of it. */
uint32_t histogram_index(uint64_t value);
int64_t histogram_middle(uint32_t index);

#endif /* SHM_HISTOGRAM_H */
