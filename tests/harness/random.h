/*
 * random.h - numbers that look random and are the same each time
 *
 * splitmix64 (Steele, Lea, Flood): any seed will do, also 0.
 */
#ifndef TESTS_HARNESS_RANDOM_H
#define TESTS_HARNESS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 to @n - 1; @n is not 0. */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	uint64_t high = random_next(r) >> 32;

	return (uint32_t)(high * n >> 32);
}

/* True in @percent of 100 cases. */
static inline bool random_chance(struct random *r, uint32_t percent)
{
	return random_below(r, 100) < percent;
}

#endif /* TESTS_HARNESS_RANDOM_H */
