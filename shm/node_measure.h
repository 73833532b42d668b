/*
 * node_measure.h - a daemon's hooks for its latencies (measure.h says what)
 *
 * All of it only while node_measuring().
 */
#ifndef SHM_NODE_MEASURE_H
#define SHM_NODE_MEASURE_H

#include "shm/clock.h"
#include "shm/measure.h"
#include "shm/ring.h"

struct node;

enum {
	MEASURE_TURN = 1024, /* packets of one turn; what is more is missed */
};

/* What the next packet that is put is there for. */
struct cause {
	uint8_t in;   /* as of struct hop_key */
	uint8_t born; /* enum born */
	uint8_t pool;
	bool hand;                  /* a packet in hand, taken from a ring */
	bool put;                   /* something was put because of it */
	bool socket;                /* it went into a socket's ring */
	const struct ring_in *ring; /* that ring */
	uint32_t index;             /* and where it lay */
	struct mono since;          /* published; or the turn's begin */
	struct mono birth;
};

struct node_measure {
	struct measure_mem *mem;
	struct mono on;  /* stamps before that mean nothing */
	struct mono end; /* of the turn, just before its commit */
	struct cause cause;
	struct sample {
		uint32_t key;               /* hop_word() */
		uint32_t index;             /* in @ring */
		const struct ring_in *ring; /* NULL: it can't be put back */
		struct mono since, birth;
	} sample[MEASURE_TURN];
	uint32_t nsamples;
	uint32_t nhops;
};

/* For node_tap.c. */
void node_measure_resume(struct node *n);
void node_measure_begin(struct node *n);
void node_measure_take(
    struct node *n, const struct ring_in *in, const struct desc *d);
void node_measure_put(
    struct node *n, const struct ring_out *out, const struct desc *d);

/* The packet in hand has been dealt with. */
void node_measure_done(struct node *n);

/* Just before the commit, and after it. */
void node_measure_seal(struct node *n);
void node_measure_end(struct node *n, bool happened);

/*
 * For a transport: what is put from here on an app has written, at @when, until
 * node_measure_done().  False: that is not believed, and not known when.
 */
bool node_measure_app(struct node *n, struct mono when);

/* The same of what is known to be an app's, but not since when. */
void node_measure_untimed(struct node *n);

/*
 * For a transport: the packet in hand has gone into a socket's ring.  What is
 * to be kept of it until its app reads it; false: nothing is known.
 */
bool node_measure_socket(
    struct node *n, struct hop_key *key, struct mono *birth);

/* That was published at @since, and read at @when. */
void node_measure_read(struct node *n, struct hop_key key, struct mono birth,
    struct mono since, struct mono when);

#endif /* SHM_NODE_MEASURE_H */
