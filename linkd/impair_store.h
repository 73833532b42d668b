/*
 * impair_store.h - frames that are on a bad wire, until they are due
 *
 * They are copies, in chains of blocks, in memory that survives this process;
 * so a frame that was taken and delayed in a committed turn comes out exactly
 * as it would have if nobody had died.  (One that had just gone when the turn
 * was undone goes once more, as with everything that linkd sends.)
 *
 *	persistent	used[]	a bit for each block that begins a frame
 *			line[]	what impair.h keeps
 *			conf[]	the settings that this is for
 *			block[]	| next due order len line ... | bytes |
 *	private		a heap for each line, by due and order; free blocks
 *
 * The rules are neighbour.h's: a free block is written without announcing it,
 * since only its bit makes it reachable, and that is touched first; a block
 * freed in a turn is not used again before the next one, since an undo would
 * make it a frame once more.
 *
 * Only blocks that were ever used cost memory, lowest first: a wire with little
 * on it keeps linkd small.
 */
#ifndef LINKD_IMPAIR_STORE_H
#define LINKD_IMPAIR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linkd/impair.h"
#include "linkd/span.h"
#include "linkd/touch.h"
#include "shm/clock.h"
#include "shm/topology.h"

enum {
	IMPAIR_LINES = TOPO_MAX_LINKS * NIMPAIR_WAYS,
	IMPAIR_BLOCKS = 16384, /* 8 MiB, of all lines together */
	IMPAIR_BLOCK = 512,
	IMPAIR_HEADER = 32,
	IMPAIR_DATA = IMPAIR_BLOCK - IMPAIR_HEADER,
	IMPAIR_FRAME_MAX = 65535, /* as a super-frame was never cut */
};

#define IMPAIR_NONE UINT32_MAX

enum impair_flag {
	IMPAIR_CSUM_VALID = 1 << 0, /* rx: the checksum was verified below */
};

/* Persistent.  All but @next counts in a frame's first block only. */
struct impair_block {
	uint32_t next; /* of the same frame, or IMPAIR_NONE */
	uint32_t len;
	struct mono due;
	uint64_t order;
	uint8_t line;
	uint8_t flags; /* enum impair_flag */
	uint8_t pad[6];
	uint8_t data[IMPAIR_DATA];
};

/* Persistent. */
struct impair_memory {
	struct impair_line line[IMPAIR_LINES];
	struct topo_impair conf[IMPAIR_LINES];
	uint64_t order;                /* of the next frame */
	uint64_t let_go[IMPAIR_LINES]; /* those before it are due at once */
	uint64_t used[IMPAIR_BLOCKS / 64];
	struct impair_block block[IMPAIR_BLOCKS];
};

/* A frame that waits. */
struct impair_held {
	struct mono due;
	uint64_t order;
	uint32_t block;
};

/* Private to the process. */
struct impair_store {
	struct impair_memory *mem;
	struct touch touch;
	struct impair_held *heap[IMPAIR_LINES]; /* NULL: not a line of ours */
	uint32_t n[IMPAIR_LINES];
	uint32_t *free, nfree;   /* given back */
	uint32_t *freed, nfreed; /* in this turn */
	uint32_t fresh;          /* blocks from here on were never used */

	/* What has been announced in this turn. */
	uint64_t words[IMPAIR_BLOCKS / 64 / 64]; /* of used[] */
	uint32_t lines;
	bool order;
};

void impair_format(struct impair_memory *mem);

/*
 * Take over @mem: frames of @lines (a bit for each) are found again.  Returns
 * how many were broken and are gone, or -ENOMEM.
 */
int impair_store_open(struct impair_store *s, struct impair_memory *mem,
    struct touch touch, uint32_t lines);
void impair_store_close(struct impair_store *s);

/* A turn begins: what was freed in the last may be used. */
void impair_store_turn(struct impair_store *s);

/* A line, to be changed in this turn. */
struct impair_line *impair_store_line(struct impair_store *s, uint32_t line);

/* Those that were, a bit for each. */
static inline uint32_t impair_store_touched(const struct impair_store *s)
{
	return s->lines;
}

/* Blocks that can be had now, and in the next turn. */
uint32_t impair_store_room(const struct impair_store *s);
uint32_t impair_store_room_soon(const struct impair_store *s);
uint32_t impair_store_need(size_t len); /* for a frame of @len bytes */

/*
 * Keep a frame until @due, with the bit @flip turned if it is not 0.  -ENOBUFS
 * if there is no room, -EMSGSIZE if it is none.
 */
int impair_store_add(struct impair_store *s, uint32_t line,
    const struct span *spans, unsigned nspans, struct mono due, uint8_t flags,
    uint32_t flip);

/* When the first of @line is due; MONO_NEVER: none waits. */
struct mono impair_store_due(const struct impair_store *s, uint32_t line);

/*
 * Take out the first frame that is due, or false.  It must be dropped for good
 * or put back, in this turn.
 */
bool impair_store_take(struct impair_store *s, uint32_t line, struct mono now,
    struct impair_held *ret);
void impair_store_drop(struct impair_store *s, const struct impair_held *h);
void impair_store_put_back(
    struct impair_store *s, uint32_t line, const struct impair_held *h);

/* The bytes of a frame; it has at most IMPAIR_FRAME_MAX. */
uint32_t impair_store_len(
    const struct impair_store *s, const struct impair_held *h);
void impair_store_copy(
    const struct impair_store *s, const struct impair_held *h, uint8_t *dst);
uint8_t impair_store_flags(
    const struct impair_store *s, const struct impair_held *h);

/* All that waits in @line is due now, in its order. */
void impair_store_let_go(struct impair_store *s, uint32_t line);

#endif /* LINKD_IMPAIR_STORE_H */
