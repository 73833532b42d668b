/*
 * armed.h - the slots into which frames are being read
 *
 * A frame that the kernel has handed to a dead linkd is nowhere but in the slot
 * that was armed for it: its completion died with the process.  So before a
 * slot is armed, its first bytes get a pattern with which no frame can begin,
 * and the next instance takes in every armed slot that has lost it.
 *
 *	ARMED --frame taken in a turn (touched)--> TAKEN
 *	TAKEN --after the commit: pattern, then state--> ARMED
 *
 * A turn that is undone makes its slots ARMED again, without the pattern, so
 * their frames are found once more.  The table is the one place outside rings
 * where a slot may be (pool.h); armed_mark() tells the allocator.
 */
#ifndef LINKD_ARMED_H
#define LINKD_ARMED_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/device.h"
#include "shm/node.h"

enum {
	ARMED_MAX = DEVICE_BATCH, /* of one link */

	/*
	 * Where a received IP packet begins in its slot: room in front for the
	 * frame's own headers.
	 */
	RX_IP_OFF = 64,
};

enum armed_state {
	ARMED_NONE, /* no slot yet */
	ARMED_READY,
	ARMED_TAKEN,
	NARMED_STATES,
};

/* Persistent. */
struct armed {
	uint32_t slot;
	uint32_t state; /* enum armed_state */
};

/* Persistent: of one link; frames arrive in the order of slots. */
struct armed_table {
	struct armed a[ARMED_MAX];
};

/* How many slots each of @nlinks links may arm, of a pool with @nbig. */
uint32_t armed_limit(uint32_t nbig, uint32_t nlinks);

/* Is it an entry that one of us has written? */
bool armed_makes_sense(const struct armed *a, const struct node *n);

void armed_mark(struct node *n, const struct armed_table *t);

/* In a turn: fill empty entries below @want with fresh slots. */
void armed_fill(struct node *n, struct armed_table *t, uint32_t want);

/* Between turns: whatever was taken is armed again; frame at @off. */
void armed_again(struct node *n, struct armed_table *t, uint32_t off);

/* Does the slot hold a frame, @off bytes from its start? */
bool armed_has_frame(const struct node *n, const struct armed *a, uint32_t off);

#endif /* LINKD_ARMED_H */
