/*
 * rig.h - a stack's shared memory without its processes, for tests of a daemon
 *
 *	      fake neighbour: a bare struct node, moved by rig_put, rig_take
 *	        |       ^
 *	     +--v-------|--+
 *	     |  the layer  |   attached for real to rig_segments(), moved by
 *	     |  under test |   its own X_turn()
 *	     +--|-------^--+
 *	        v       |
 *	      fake neighbour
 *
 * The segments are those that the supervisor would make for the topology, only
 * anonymous; each process finds its own as wiring.h says, so a layer can be
 * dropped and attached again to what its last instance left.  A fake neighbour
 * is attached when it is first spoken of.  Every call fails the test, with a
 * sentence, instead of returning an error.
 */
#ifndef TESTS_HARNESS_RIG_H
#define TESTS_HARNESS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/node.h"

enum {
	RIG_WORLD_BYTES = 4 * 1024 * 1024,
};

/*
 * One link without a device, on which we are 192.0.2.2, and a transport; @SLOTS
 * is what else is to be said of each ring.
 *	linkd <-> ipd <-> TRANSPORT
 */
#define RIG_TOPOLOGY(TRANSPORT, SLOTS)                               \
	"{\"name\":\"t\",\"links\":[{\"name\":\"n0\","               \
	"\"device\":\"null\",\"mac\":\"02:00:00:00:00:02\","         \
	"\"addresses\":[\"192.0.2.2/24\"]}],"                        \
	"\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"   \
	"{\"name\":\"ipd\",\"layer\":\"ipd\"},"                      \
	"{\"name\":\"" TRANSPORT "\",\"layer\":\"" TRANSPORT "\"}]," \
	"\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"" SLOTS "},"   \
	"{\"from\":\"ipd\",\"to\":\"linkd\"" SLOTS "},"              \
	"{\"from\":\"ipd\",\"to\":\"" TRANSPORT "\"" SLOTS "},"      \
	"{\"from\":\"" TRANSPORT "\",\"to\":\"ipd\"" SLOTS "}]}"

/* The memory of one process; all of it can be mapped again. */
struct rig_fds {
	int out, pool, priv, tap;
};

struct rig {
	struct topology topo;
	struct wiring wiring;
	struct sup_out *sup;
	uint8_t *out[TOPO_MAX_PROCS];
	uint8_t *pool[TOPO_MAX_PROCS];
	uint8_t *priv[TOPO_MAX_PROCS];
	uint8_t *tap[TOPO_MAX_PROCS];
	struct rig_fds fd[TOPO_MAX_PROCS];
	int sup_fd;
	uint8_t *world; /* what lies outside the stack: the test's own */
	int world_fd;
	struct node node[TOPO_MAX_PROCS]; /* the fakes */
	bool fake[TOPO_MAX_PROCS];        /* node[] is attached */
	struct mono now;                  /* of the fakes' turns */
	int log_fd;                       /* -1: silent */
};

/* Everything for the topology in @json, as topology.h reads it. */
struct rig *rig_open(const char *json);
void rig_close(struct rig *r);

/* The fake linkd @name publishes that all addresses of its links are valid. */
void rig_links_valid(struct rig *r, const char *name);

/* Index of the process called @name. */
uint32_t rig_proc(const struct rig *r, const char *name);

/* What the process would get from the supervisor. */
struct segments rig_segments(const struct rig *r, const char *name);

/* The fake called @name: its rings may be misused to lie to the neighbour. */
struct node *rig_node(struct rig *r, const char *name);

/* Its data ring to, or from, the process called @peer. */
struct ring_out *rig_ring_to(struct rig *r, const char *name, const char *peer);
struct ring_in *rig_ring_from(
    struct rig *r, const char *name, const char *peer);

/*
 * In a turn of its own, fake @from sends @len bytes to @to, in a slot of its
 * own.  The rest of the descriptor is as in @d; its off is used if not 0, else
 * SLOT_HEADROOM, or 0 for a frame too big to have headroom.
 */
void rig_put(struct rig *r, const char *from, const char *to, const void *bytes,
    size_t len, const struct desc *d);

/* Stage a descriptor just as it is: to lie, or to send another's slot on. */
void rig_put_desc(
    struct rig *r, const char *from, const char *to, const struct desc *d);

/*
 * In a turn of its own, fake @at takes the next descriptor from @from: false
 * if none waits.  Copies its bytes to @bytes, of which there is room for @size,
 * and gives the slot back.  @bytes may be NULL.
 */
bool rig_take(struct rig *r, const char *at, const char *from, struct desc *ret,
    void *bytes, size_t size);

/* The same, but the slot is kept; give it back with rig_give_back(). */
bool rig_take_keep(struct rig *r, const char *at, const char *from,
    struct desc *ret, const uint8_t **bytes);
void rig_give_back(struct rig *r, const char *at, const struct desc *d);

/* Descriptors that wait in the data ring. */
uint32_t rig_waiting(struct rig *r, const char *from, const char *to);

/* What a process has published: one of its counters, its table. */
uint64_t rig_counter(
    const struct rig *r, const char *name, const char *counter);
const void *rig_table(const struct rig *r, const char *name);

/* Zeroes in a memfd of their own, which can be mapped again (rig_view.h). */
void *rig_pages(size_t bytes, int *fd);

/* Slots of fake @name that have not come home. */
uint32_t rig_lent(struct rig *r, const char *name);

#endif /* TESTS_HARNESS_RIG_H */
