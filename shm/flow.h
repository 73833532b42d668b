/*
 * flow.h - which of several transports of a kind has a flow
 *
 * ipd asks it for each packet up, a transport when it chooses a local port, and
 * both directions of a flow give the same answer.  It is no secret: spreading
 * load is all it is for.
 */
#ifndef SHM_FLOW_H
#define SHM_FLOW_H

#include <stdint.h>

#include "shm/addr.h"

static inline uint64_t flow_mix(uint64_t x)
{
	/* The finaliser of MurmurHash3: each bit of x in each of the result. */
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdU;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53U;
	return x ^ x >> 33;
}

static inline uint64_t flow_end(const struct ip_addr *a, uint16_t port)
{
	uint64_t half[2];

	memcpy(half, a->b, sizeof(half));
	return flow_mix(flow_mix(half[0] ^ port) ^ half[1]);
}

/* Of @n transports of one layer, in the topology's order, the one that counts.
 */
static inline uint32_t flow_pick(const struct ip_addr *a, uint16_t port_a,
    const struct ip_addr *b, uint16_t port_b, uint32_t n)
{
	if (n < 2)
		return 0;
	return (
	    uint32_t)(flow_mix(flow_end(a, port_a) + flow_end(b, port_b)) % n);
}

#endif /* SHM_FLOW_H */
