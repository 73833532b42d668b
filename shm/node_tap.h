/*
 * node_tap.h - a daemon's hooks for its tap (tap.h says what a tap is)
 *
 *	node_begin	what is wanted now: sup.out, once a turn
 *	node_take	TAKE: a packet is in hand
 *	node_put	PUT
 *	linkd		FRAME: read from a device (in hand), or written to it
 *	node_commit	what the turn staged is numbered, published with it
 *
 * A packet is in hand until the next is, or until node_tap_done().  If a drop
 * counter moves meanwhile, it is this packet that was dropped: its record, that
 * is staged still, gets the reason.  So a daemon that drops another one, from a
 * queue or for want of time, says so: node_count_other(), node_tap_waited() or
 * node_tap_aside().  Of every other drop there is a record, too (DROP), but of
 * no packet.  Nothing of it costs a daemon more than to ask node_tapping()
 * while nobody looks.
 */
#ifndef SHM_NODE_TAP_H
#define SHM_NODE_TAP_H

#include "shm/node_measure.h"
#include "shm/tap.h"

struct node;
struct segments;

/* A packet in hand for whose record there was no room. */
struct unseen {
	struct tap_record r; /* its head, as far as it was known */
	bool any;
	bool told;  /* it was dropped: a record of it is missing */
	bool aside; /* another is in hand meanwhile */
};

struct node_tap {
	struct tap tap;
	const struct tap_switch *sw;

	/* What is wanted, of this turn; rings by our own index. */
	uint64_t take, put;
	uint32_t devices, flags, snap;
	bool recording; /* records, that is: not only latencies */

	/* What there is. */
	uint8_t in_ring[TOPO_MAX_RINGS]; /* data rings: the topology's index */
	uint8_t out_ring[TOPO_MAX_RINGS];
	uint64_t take_mine, put_mine; /* those that are ours to record */
	uint16_t drop[MAX_COUNTERS];  /* counters of drops */
	uint32_t ndrops;

	struct tap_record *hand;        /* of the packet in hand; NULL: none */
	struct unseen unseen;           /* then this may be in hand */
	uint64_t dropped[MAX_COUNTERS]; /* as counted so far, by drop[] */

	/* While sealing. */
	bool undone;   /* the packet at hand was put back into its ring */
	uint32_t real; /* records that are worth a turn */
	bool told;     /* a note of no packet is one */

	/*
	 * Bytes that a reference (PKT_REFS) means, ref->len of them; NULL: they
	 * are none.  Set by the layers that have the apps' rings.
	 */
	const uint8_t *(*resolve)(void *ctx, const struct ref *ref);
	void *resolve_ctx;

	struct node_measure measure;
};

/* For node.c. */
void node_tap_attach(struct node *n, const struct segments *s);
void node_tap_resume(struct node *n);
void node_tap_begin(struct node *n);
void node_tap_seal(struct node *n);
void node_tap_end(struct node *n, bool done);

/* All below only while node_tapping(). */

void node_tap_take(struct node *n, const struct ring_in *in,
    const struct desc *d, const uint8_t *p);
void node_tap_put(
    struct node *n, const struct ring_out *out, const struct desc *d);

/*
 * A frame of @d->link: read just now, and in hand; or (@tx) written just now.
 * With @why, a counter that is counted next, it is none in hand: written but
 * refused, or lost before anybody had it.
 */
void node_tap_frame(struct node *n, bool tx, const struct desc *d,
    const struct tap_span *s, uint32_t ns, uint32_t why);

/*
 * Count one drop of a packet that had waited and is not in hand.  @d->link is
 * that of its queue.
 */
void node_tap_waited(struct node *n, uint32_t counter, const struct desc *d,
    const struct tap_span *s, uint32_t ns);

/* No packet is in hand any more: what is counted next is about none. */
void node_tap_done(struct node *n);

/* As that; and it was not there at all, unless it was dropped. */
void node_tap_forget(struct node *n);

/*
 * What follows is about another packet: of what is counted and put, nothing is
 * the doing of the one in hand, until that is brought back.
 */
struct tap_record *node_tap_aside(struct node *n);
void node_tap_back(struct node *n, struct tap_record *hand);

/* A line about the packet in hand, key=value; see node_note(). */
void node_tap_note(struct node *n, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What was decided for it, for who traces it; costs a branch if nobody does. */
#define node_note(n, ...)                                \
	do {                                             \
		if (node_noting(n))                      \
			node_tap_note((n), __VA_ARGS__); \
	} while (0)

#endif /* SHM_NODE_TAP_H */
