/*
 * impair_stage.h - between linkd and its devices: the bad wires of its links
 *
 *	 rx.c            batch.c                 nothing set: one branch
 *	  ^ |             | ^
 *	  | v impair_packet v |
 *	  | cut, checksummed  |                  frames as on a wire
 *	  |  impair.h: fate   |
 *	  | impair_store.h    |
 *	  |___________________|  impair_rx, impair_tx: what is due
 *
 * All frames of a link and way that is impaired go through the store, also
 * those that are not delayed: so a decision is made once, committed with the
 * turn, and not again if a device refuses.  Super-frames are cut first and
 * checksums finished, both ways, since a wire knows neither.
 */
#ifndef LINKD_IMPAIR_STAGE_H
#define LINKD_IMPAIR_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/batch.h"
#include "linkd/impair_store.h"

enum {
	/* Of a frame on a bad wire: header, what was made anew, the rest. */
	IMPAIR_SPANS = FRAME_SPANS + 2,
};

struct linkd;

/* Private to the process. */
struct impairs {
	const struct sup_out *sup; /* NULL: as in the topology for ever */
	bool read;                 /* the settings, once at least */
	uint32_t turn;             /* of the supervisor's, that was read */

	/* A bit for each line. */
	uint32_t ours;
	uint32_t on;     /* its frames go through the store */
	uint32_t behind; /* what is due could not all go */

	struct impair_store store;
};

static inline uint32_t impair_line_of(uint32_t link, enum impair_way way)
{
	return link * NIMPAIR_WAYS + way;
}

static inline bool impair_on(
    const struct impairs *m, uint32_t link, enum impair_way way)
{
	return m->on >> impair_line_of(link, way) & 1;
}

/* Are frames due that could not go?  Then take no more for now. */
static inline bool impair_behind(
    const struct impairs *m, uint32_t link, enum impair_way way)
{
	return m->behind >> impair_line_of(link, way) & 1;
}

/*
 * In the first turn, with x->dev set: take over what lies in @mem.  Negative
 * errno: no memory.
 */
int impair_open(
    struct linkd *x, const struct sup_out *sup, struct impair_memory *mem);
void impair_close(struct linkd *x);

/*
 * Before the first turn: each line's counts in @mem were committed with their
 * turn; linkd's counters of all lines may lack those of the last one, if it
 * died before they were published.
 */
void impair_recount(struct linkd *x, const struct impair_memory *mem);

/* At the beginning of a turn: were settings changed? */
void impair_turn(struct linkd *x);

/*
 * What follows the Ethernet header @eth, perhaps a super-frame, perhaps with
 * its checksum left open, goes on the wire.  Each frame of it is numbered and
 * counted, whatever befalls it.  False, of tx only, if there is no room for it
 * before the next turn: then nothing has happened.
 */
bool impair_packet(struct linkd *x, uint32_t link, enum impair_way way,
    const uint8_t eth[ETH_HDR_LEN], const struct packet *p, uint8_t flags);

/* What is due goes to the devices. */
void impair_tx(struct linkd *x);

/* Is a received frame of @link due? */
bool impair_rx_due(const struct linkd *x, uint32_t link);

/* The first of them to @buf, which has IMPAIR_FRAME_MAX bytes. */
uint32_t impair_rx_take(
    struct linkd *x, uint32_t link, uint8_t *buf, uint8_t *flags);

/* No more of them in this turn. */
void impair_rx_done(struct linkd *x, uint32_t link);

/* When a frame is due. */
struct mono impair_deadline(const struct linkd *x);

#endif /* LINKD_IMPAIR_STAGE_H */
