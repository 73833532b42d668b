/*
 * ephemeral.c - ports for sockets that asked for none: RFC 6056, algorithm 4
 */
#include "shm/ephemeral.h"

#include <string.h>

#include "shm/siphash.h"

/* F and G of 3.3.4, told apart by @which. */
static uint64_t secret_hash(const uint64_t key[2], const struct app_name *local,
    const struct app_name *peer, uint8_t which)
{
	uint8_t b[35];

	memcpy(b, local->ip.b, 16);
	memcpy(b + 16, peer->ip.b, 16);
	memcpy(b + 32, &peer->port, 2);
	b[34] = which;
	return siphash(key, b, sizeof(b));
}

struct ephemeral ephemeral_begin(const uint64_t key[2], uint32_t *counters,
    uint32_t ncounters, const struct app_name *local,
    const struct app_name *peer)
{
	struct ephemeral e;

	e.counter = counters + secret_hash(key, local, peer, 'G') % ncounters;
	e.offset = secret_hash(key, local, peer, 'F');
	/* Nobody to be told apart by: any port is as good (algorithm 1). */
	if (peer->port == 0)
		e.offset = siphash(key, e.counter, sizeof(*e.counter));
	return e;
}

uint16_t ephemeral_next(struct ephemeral *e, uint32_t min, uint32_t max)
{
	return (
	    uint16_t)(min + (e->offset + (*e->counter)++) % (max - min + 1));
}
