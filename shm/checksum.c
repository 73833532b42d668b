/*
 * checksum.c - the Internet checksum (RFC 1071, RFC 1624)
 *
 * Words are summed as the machine loads them: a ones' complement sum does not
 * care for byte order until the end (RFC 1071, 2.B), so one swap suffices.
 */
#include "shm/checksum.h"

#include <string.h>

#include "shm/bytes.h"

static inline uint64_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* a + b in ones' complement. */
static inline uint64_t add_carry(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum + (sum < b);
}

/* Four sums at once: each add waits only for its own predecessor's carry. */
static uint64_t sum_blocks(const uint8_t *p, size_t nblocks)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (; nblocks > 0; nblocks--, p += 32) {
		a = add_carry(a, load64(p));
		b = add_carry(b, load64(p + 8));
		c = add_carry(c, load64(p + 16));
		d = add_carry(d, load64(p + 24));
	}
	return add_carry(add_carry(a, b), add_carry(c, d));
}

/* The last 1 to 3 bytes, as if followed by zeros. */
static uint64_t load_tail(const uint8_t *p, size_t len)
{
	uint8_t tail[4] = { p[0], len > 1 ? p[1] : 0, len > 2 ? p[2] : 0 };

	return load32(tail);
}

/* The sum of @len bytes as a number of 16 bits, p[0] being the high half. */
static uint32_t sum16(const uint8_t *p, size_t len)
{
	uint64_t sum = sum_blocks(p, len / 32);
	uint16_t word;
	uint8_t bytes[2];

	p += len / 32 * 32;
	len %= 32;
	for (; len >= 8; len -= 8, p += 8)
		sum = add_carry(sum, load64(p));
	if (len >= 4) {
		sum = add_carry(sum, load32(p));
		len -= 4;
		p += 4;
	}
	if (len > 0)
		sum = add_carry(sum, load_tail(p, len));

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	word = csum_fold_partial((uint32_t)sum);
	memcpy(bytes, &word, 2);
	return be16_get(bytes);
}

uint32_t csum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	return csum_join(sum, sum16(p, len));
}

uint32_t csum_add_at(uint32_t sum, const uint8_t *p, size_t len, size_t offset)
{
	uint32_t piece = sum16(p, len);

	/* At an odd offset each byte falls into the other half of its word. */
	if (offset % 2 != 0)
		piece = (piece << 8 | piece >> 8) & 0xffff;
	return csum_join(sum, piece);
}

uint32_t csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst,
    uint8_t proto, uint32_t len)
{
	size_t skip = ip_is_v4(src) && ip_is_v4(dst) ? 12 : 0;
	uint32_t sum = (len >> 16) + (len & 0xffff) + proto;

	sum = csum_add(sum, src->b + skip, 16 - skip);
	return csum_add(sum, dst->b + skip, 16 - skip);
}
