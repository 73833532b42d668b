/*
 * siphash.h - SipHash-2-4, a keyed hash of 64 bits (Aumasson and Bernstein)
 *
 * For tables whose keys come from the network, for port numbers and initial
 * sequence numbers: who does not know the key can neither predict the value
 * nor make entries collide.
 */
#ifndef SHM_SIPHASH_H
#define SHM_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of @len bytes at @p under a secret @key of 128 random bits. */
uint64_t siphash(const uint64_t key[2], const void *p, size_t len);

#endif /* SHM_SIPHASH_H */
