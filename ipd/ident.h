/*
 * ident.h - identification fields and flow labels that nobody can predict
 *
 * RFC 6864 and RFC 8200, 4.5 want identifications that do not recur soon for
 * the same source, destination and protocol; RFC 7739 wants them unpredictable
 * for everybody else.  Its algorithm of section 5.3: a keyed hash of these
 * three plus a counter which many of them share.
 */
#ifndef IPD_IDENT_H
#define IPD_IDENT_H

#include <stdint.h>

#include "shm/addr.h"

enum {
	IDENT_COUNTERS = 1024,
};

/* Persistent: after a restart the sequence goes on. */
struct ident {
	uint32_t counter[IDENT_COUNTERS];
};

/*
 * The counter for packets from @src to @dst, and in *@offset what is to be
 * added to it.  Whoever takes an identification touches and increments it.
 */
uint32_t *ident_counter(struct ident *t, const uint64_t key[2],
    const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto,
    uint32_t *offset);

/*
 * A flow label of 20 bits (RFC 6437): the same for all packets of a flow, of
 * which @ports are the first four bytes of the transport header.
 */
uint32_t ident_flow_label(const uint64_t key[2], const struct ip_addr *src,
    const struct ip_addr *dst, uint8_t proto, uint32_t ports);

#endif /* IPD_IDENT_H */
