/*
 * siphash.c - SipHash-2-4 (Aumasson and Bernstein, 2012, section 2)
 *
 * Four words of state take in the message in words of eight bytes, with two
 * rounds after each and four at the end.
 */
#include "shm/siphash.h"

#include <endian.h>
#include <string.h>

enum {
	C_ROUNDS = 2,
	D_ROUNDS = 4,
};

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline uint64_t load_le(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* The last 0 to 7 bytes below the length of the whole. */
static inline uint64_t load_last(const uint8_t *p, size_t left, size_t len)
{
	uint64_t v = (uint64_t)len << 56;

	for (size_t i = 0; i < left; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static inline void rounds(struct sip *s, int n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v2 = rotl(s->v2, 32);
	}
}

static inline void compress(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, C_ROUNDS);
	s->v0 ^= word;
}

uint64_t siphash(const uint64_t key[2], const void *p, size_t len)
{
	const uint8_t *bytes = p;
	/* "somepseudorandomlygeneratedbytes" */
	struct sip s = {
		.v0 = key[0] ^ 0x736f6d6570736575u,
		.v1 = key[1] ^ 0x646f72616e646f6du,
		.v2 = key[0] ^ 0x6c7967656e657261u,
		.v3 = key[1] ^ 0x7465646279746573u,
	};
	size_t left = len;

	for (; left >= 8; left -= 8, bytes += 8)
		compress(&s, load_le(bytes));
	compress(&s, load_last(bytes, left, len));

	s.v2 ^= 0xff;
	rounds(&s, D_ROUNDS);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
