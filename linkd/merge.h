/*
 * merge.h - super-frames from the packets of a device that can't make them
 *
 * The packets of one batch are joined (gro.h) in memory of our own and go up
 * when the batch is done, each flow's in its order; nothing waits for more to
 * come.  The slots that the packets were read into stay as they are, so a
 * crash in the middle finds every packet again.
 */
#ifndef LINKD_MERGE_H
#define LINKD_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/gro.h"

struct linkd;

enum {
	MERGE_FLOWS = 4, /* at once; the oldest makes room */
	MERGE_BYTES = 65535,
};

struct merge {
	struct gro g;
	uint8_t *buf;   /* MERGE_BYTES */
	uint16_t flags; /* of the first packet */
	uint8_t link;
};

struct merges {
	struct merge m[MERGE_FLOWS]; /* in use: the first n, oldest first */
	uint32_t n;
	uint8_t *mem;
};

int merge_open(struct merges *m);
void merge_close(struct merges *m);

/*
 * Hold the IP packet of @len bytes at @pkt; false if it is of a kind that goes
 * up alone, which it may do now: what came before it has gone.
 */
bool merge_add(struct linkd *x, uint8_t link, uint16_t flags,
    const uint8_t *pkt, size_t len);

/* All that is held goes up. */
void merge_flush(struct linkd *x);

#endif /* LINKD_MERGE_H */
