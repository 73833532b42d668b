/*
 * checksum.h - the Internet checksum (RFC 1071, RFC 1624)
 *
 * A partial sum is a uint32_t that starts at 0 (or at a pseudo header), takes
 * one piece after the other and is folded at the end.  It is a number, not
 * bytes: write the folded value with be16_put().
 *
 *	sum = csum_pseudo(&src, &dst, IPPROTO_UDP, len);
 *	sum = csum_add(sum, header, UDP_HDR_LEN);
 *	sum = csum_add_at(sum, payload, n, UDP_HDR_LEN);
 *	be16_put(header + 6, csum_fold(sum));
 *
 * To check, sum everything with the received checksum in its place: the result
 * of csum_fold() is then 0.
 */
#ifndef SHM_CHECKSUM_H
#define SHM_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"

/* @sum plus a piece that starts at an even offset of the whole. */
uint32_t csum_add(uint32_t sum, const uint8_t *p, size_t len);

/* The same for a piece at any @offset of the whole (only its parity counts). */
uint32_t csum_add_at(uint32_t sum, const uint8_t *p, size_t len, size_t offset);

/* The sum of the pseudo header of IPv4 (RFC 768) or IPv6 (RFC 8200, 8.1). */
uint32_t csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst,
    uint8_t proto, uint32_t len);

/* Two partial sums as one; end-around carry, so it can't overflow. */
static inline uint32_t csum_join(uint32_t a, uint32_t b)
{
	uint32_t sum = a + b;

	return sum + (sum < a);
}

/* The sum in 16 bits, not complemented: what PKT_CSUM_PARTIAL leaves. */
static inline uint16_t csum_fold_partial(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The checksum: the complement of the sum. */
static inline uint16_t csum_fold(uint32_t sum)
{
	return (uint16_t)~csum_fold_partial(sum);
}

/* UDP sends 0xffff for 0, since 0 there means "no checksum" (RFC 768). */
static inline uint16_t csum_fold_udp(uint32_t sum)
{
	uint16_t check = csum_fold(sum);

	return check ? check : 0xffff;
}

/* @check after one 16-bit word went from @old to @new_ (RFC 1624, eqn. 3). */
static inline uint16_t csum_update16(
    uint16_t check, uint16_t old, uint16_t new_)
{
	return csum_fold((uint32_t)(uint16_t)~check + (uint16_t)~old + new_);
}

/* The same for a 32-bit field at an even offset. */
static inline uint16_t csum_update32(
    uint16_t check, uint32_t old, uint32_t new_)
{
	check =
	    csum_update16(check, (uint16_t)(old >> 16), (uint16_t)(new_ >> 16));
	return csum_update16(check, (uint16_t)old, (uint16_t)new_);
}

#endif /* SHM_CHECKSUM_H */
