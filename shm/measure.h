/*
 * measure.h - how long packets wait in each ring, and are worked on
 *
 * A packet's way is cut without a gap, at the moments at which its descriptor
 * is published:
 *
 *	 turn begins          commit          turn begins          commit
 *	------|-----------------|------------------|------------------|------
 *	        work in linkd     wait in the ring    work in ipd
 *
 * All packets of a turn become visible with its commit, so all its time is
 * theirs.  A packet put into the ring when the consumer's turn had begun
 * already has not waited, and is worked on from its publication.
 *
 * Independently of that it carries when and by what it was born, from end to
 * end, in the last 8 bytes of its slot (if those are free), written by the
 * daemon whose slot it is.  A packet that a daemon makes because of another, as
 * the answer to a ping, inherits that.
 *
 * A hop is what happens to packets of one kind in one daemon.  It has three
 * histograms (histogram.h) in X.tap, written by X alone: waiting, work and, if
 * they go no further, the whole way from birth.  The sums of a way's hops and
 * of its whole must agree: nobody has added them up.
 *
 * At its ends a way goes through an app's rings.  There the app says when it
 * has written, and when it has read (apps_measure.c): so the first hop of a
 * transport waits from the write on, and one more hop, in at MEASURE_SOCKET and
 * out to MEASURE_APP, waits from the commit that shows a packet's last byte to
 * the read that takes it.  That one is without work; its whole is from birth to
 * the read.  What the transport has put into a socket has ended there, too:
 *
 *	wire > linkd > ipd > udpd > socket	  until the commit
 *	wire > linkd > ipd > udpd > app		  until the read
 *
 * X adds to them when a turn is committed.  So one that is undone has not been
 * measured, like all else it did; of one whose X dies between commit and adding
 * the figures are lost, and none is half counted (histogram.h).
 */
#ifndef SHM_MEASURE_H
#define SHM_MEASURE_H

#include <stdalign.h>
#include <stdbool.h>

#include "shm/histogram.h"

enum {
	MEASURE_HOPS = 64, /* of one daemon */

	/* What a hop begins or ends with, if not with a ring's index. */
	MEASURE_DEVICE = 0xf0,
	MEASURE_APP,  /* an app's ring */
	MEASURE_SELF, /* made here, of no packet: a timer, say */
	MEASURE_END,  /* the device, or it is consumed or dropped */
	/*
	 * An app's ring that a transport writes: out, a packet whose bytes went
	 * into it; in, what has waited there.
	 */
	MEASURE_SOCKET,
};

/* By what a packet was born. */
enum born {
	BORN_NOWHERE, /* not known */
	BORN_WIRE,    /* read from a device */
	BORN_APP,     /* written by an app */
	BORN_DAEMON,  /* a daemon's own */
	BORN_UNTIMED, /* written by an app, it is not known when */
	NBORN,
};

/* Packets that come by @in and go by @out, both a topology's rings[] or above.
 */
struct hop_key {
	uint8_t in, out;
	uint8_t pool; /* whose slot they are in as they go out */
	uint8_t born; /* enum born; not BORN_NOWHERE */
};

static inline uint32_t hop_word(struct hop_key k)
{
	return k.in | (uint32_t)k.out << 8 | (uint32_t)k.pool << 16 |
	    (uint32_t)k.born << 24;
}

static inline struct hop_key hop_key(uint32_t word)
{
	return (struct hop_key){ (uint8_t)word, (uint8_t)(word >> 8),
		(uint8_t)(word >> 16), (uint8_t)(word >> 24) };
}

struct measure_hop {
	_Atomic uint32_t key;  /* hop_word(); 0: there is none, nor behind it */
	struct histogram wait; /* ns; empty if it begins with no ring */
	struct histogram work;
	struct histogram whole; /* of those that end here, if timed */
};

/* Do packets of this hop end there, in one sense or the other? */
static inline bool hop_ends(struct hop_key k)
{
	return k.out == MEASURE_END || k.out == MEASURE_SOCKET ||
	    k.out == MEASURE_APP;
}

/* Are they worked on?  What an app does with them is not known. */
static inline bool hop_works(struct hop_key k)
{
	return k.out != MEASURE_APP;
}

/* Do they wait, before they are worked on? */
static inline bool hop_waits(struct hop_key k)
{
	return k.in < MEASURE_DEVICE || k.in == MEASURE_SOCKET ||
	    (k.in == MEASURE_APP && k.born != BORN_UNTIMED);
}

/* In X.tap, behind the records; X writes all of it. */
struct measure_mem {
	_Atomic uint64_t missed; /* packets for which there was no room */
	struct measure_hop hop[MEASURE_HOPS];
};

#endif /* SHM_MEASURE_H */
