/*
 * ephemeral.h - ports for sockets that asked for none: RFC 6056, algorithm 4
 *
 * Which port is the next is different for each peer, and nobody else can tell;
 * a table of counters keeps a port from being used again soon.
 */
#ifndef SHM_EPHEMERAL_H
#define SHM_EPHEMERAL_H

#include <stdint.h>

#include "shm/app.h"

struct ephemeral {
	uint32_t *counter; /* moves with each port tried */
	uint64_t offset;
};

/*
 * Ports of @local to talk to @peer from; its port is 0 if there is no peer.
 * @counters are the table, @ncounters of them.
 */
struct ephemeral ephemeral_begin(const uint64_t key[2], uint32_t *counters,
    uint32_t ncounters, const struct app_name *local,
    const struct app_name *peer);

/* The next to try, from @min to @max. */
uint16_t ephemeral_next(struct ephemeral *e, uint32_t min, uint32_t max);

#endif /* SHM_EPHEMERAL_H */
