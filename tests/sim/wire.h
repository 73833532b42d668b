/*
 * wire.h - a switch with long, slow, bad cables, and the devices on its ports
 *
 * A device is what a TAP is to linkd: frames are taken from it and given to it
 * without waiting; it holds what came while linkd was dead.
 *
 *	linkd --tx--> device: rate, queue --+--> delay, loss, ... --> device
 *	                                    |                     queue --rx-->
 */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shm/clock.h"
#include "tests/sim/plan.h"

struct sim;

enum {
	WIRE_PORTS = SIM_HOSTS + 1, /* the last is stranger.h's */
};

struct frame {
	struct frame *next; /* in a device's queue */
	struct mono due;
	uint64_t order;
	uint32_t len;
	uint8_t from, to;
	uint8_t b[];
};

struct port {
	struct frame *head, **tail; /* received, not read yet */
	uint32_t waiting;
	struct mono free_at; /* the cable is done with all that was sent */
	bool refused;        /* somebody waits until there is room */
	struct mono last_due[WIRE_PORTS];
};

struct wire {
	struct port port[WIRE_PORTS];
	struct frame **heap; /* on their way: the next first */
	uint32_t n, room;
	uint64_t order;
	uint64_t sent, lost, doubled, corrupted;
};

void wire_open(struct sim *s);
void wire_close(struct sim *s);

/* A frame of host @from; false: the device's queue is full. */
bool wire_send(
    struct sim *s, uint32_t from, const struct iovec *iov, uint32_t niov);

/* A frame of no device's, without virtio_net_hdr. */
void wire_inject(
    struct sim *s, uint32_t from, uint32_t to, const uint8_t *p, uint32_t len);

/* The next frame that has come to @host, or NULL; to be freed. */
struct frame *wire_take(struct sim *s, uint32_t host);

/* When something happens next; and to let it happen. */
struct mono wire_next(const struct sim *s);
void wire_run(struct sim *s);

/* Is nobody cut off now? */
bool wire_whole(const struct sim *s);

/* Where in a frame Ethernet begins. */
uint32_t wire_vnet(const struct sim *s);

#endif /* TESTS_SIM_WIRE_H */
