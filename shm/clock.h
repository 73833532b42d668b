/*
 * clock.h - monotonic time, wrapped so that nobody mixes it with a number
 *
 * All deadlines are absolute CLOCK_MONOTONIC times: they lie in shared memory
 * and mean the same to the next instance of a daemon.  Only a main loop reads
 * the clock; everything below it takes the time as an argument.
 */
#ifndef SHM_CLOCK_H
#define SHM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct mono {
	int64_t ns; /* since boot */
};

#define MONO_NEVER ((struct mono){ INT64_MAX })

enum {
	NS_PER_US = 1000,
	NS_PER_MS = 1000 * 1000,
	NS_PER_S = 1000 * 1000 * 1000,
};

static inline struct mono mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec };
}

/* @t plus @ns nanoseconds, or less if negative; MONO_NEVER stays never. */
static inline struct mono mono_add(struct mono t, int64_t ns)
{
	if (t.ns == MONO_NEVER.ns || (ns > 0 && t.ns > INT64_MAX - ns))
		return MONO_NEVER;
	return (struct mono){ t.ns + ns };
}

static inline struct mono mono_add_ms(struct mono t, int64_t ms)
{
	return mono_add(t, ms * NS_PER_MS);
}

/* Nanoseconds from @since to @t. */
static inline int64_t mono_since(struct mono t, struct mono since)
{
	return t.ns - since.ns;
}

static inline bool mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

/* True once the deadline @t has come. */
static inline bool mono_reached(struct mono t, struct mono now)
{
	return t.ns <= now.ns;
}

static inline struct mono mono_min(struct mono a, struct mono b)
{
	return mono_before(b, a) ? b : a;
}

#endif /* SHM_CLOCK_H */
