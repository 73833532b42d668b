/*
 * node.h - what the four daemons share: rings, pools, slots, counters, turn
 *
 * A layer is a library.  It owns one struct that begins with a struct node;
 * a turn of any layer has this shape:
 *
 *	node_begin(n, now);
 *	for (i = 0; i < limit && node_room(n, out, 1); i++) {
 *		p = node_take(n, in, &d);
 *		...                          peek, touch, stage
 *		node_give_back(n, &d);       or node_put(n, out, &d)
 *	}
 *	return node_commit(n);
 *
 * Every descriptor that node_take() returns must end in exactly one of
 * node_give_back() and node_put(): a slot is owned by its place in a ring.
 *
 * The wiring is data: a layer asks for its rings with another layer and knows
 * no names.
 */
#ifndef SHM_NODE_H
#define SHM_NODE_H

#include "shm/clock.h"
#include "shm/log.h"
#include "shm/node_tap.h"
#include "shm/pool.h"
#include "shm/ring.h"
#include "shm/turn.h"
#include "shm/wiring.h"

/* The segments of one process, mapped.  NULL: not for it to see. */
struct segments {
	const struct topology *topo; /* a private copy or the frozen plan */
	uint32_t self;               /* index into procs[] */
	const struct sup_out *sup;
	uint8_t *out[TOPO_MAX_PROCS];  /* our own writable, others' not */
	uint8_t *pool[TOPO_MAX_PROCS]; /* writable as wiring.h says */
	uint8_t *priv;
	uint8_t *tap; /* our own; NULL: none */
	int log_fd;   /* -1: silent */
};

/* A counter's name and kind; the layer's enum indexes both. */
struct counter_def {
	const char *name;
	bool drop;
};

/* The counters of node.c itself come first in every layer. */
enum node_counter {
	CNT_BAD_DESC,   /* drop: descriptor names no bytes */
	CNT_SLOT_TWICE, /* a slot came home that was not out */
	CNT_RING_CUT,   /* a neighbour's index was impossible */
	CNT_ASIDE,      /* drop: three deaths on this packet */
	CNT_RING_FULL,  /* turns that ended early for want of room */
	CNT_NO_SLOT,    /* turns that ended early for want of a slot */
	CNT_NODE_END,   /* a layer's own counters begin here */
};

enum {
	/* More than any turn takes from one neighbour. */
	NODE_MAX_RETURNED = 512,
};

struct node {
	const struct topology *topo;
	struct wiring wiring;
	uint32_t self;
	struct log log;
	struct mono now; /* of the turn that is open */

	struct out_head *out;
	uint8_t *table; /* OUT_TABLE_BYTES published for neighbours, tools */
	uint8_t *state; /* persistent; covered by touch */
	size_t state_size;
	const struct out_head *neighbour[TOPO_MAX_PROCS]; /* or NULL */

	struct turn turn;
	struct ring_in in[TURN_MAX_RINGS];
	struct ring_out outs[TURN_MAX_RINGS];
	uint32_t nin, nout;
	uint32_t ndata_in, ndata_out; /* data rings come first in each */

	struct pool pool[TOPO_MAX_PROCS];
	struct pool_home home;
	struct ring_out *way_home[TOPO_MAX_PROCS]; /* return rings by home */

	uint64_t counter[MAX_COUNTERS];
	uint32_t ncounters;

	uint32_t held; /* own slots outside rings, as the layer says */
	void (*mark)(void *ctx); /* marks those; NULL: there are none */
	void *mark_ctx;

	/*
	 * Neighbours, a bit for each, that may have been amid a commit when
	 * the free slots were computed, and the turns they had had (settle).
	 */
	uint32_t unsettled;
	uint64_t turns_seen[TOPO_MAX_PROCS];

	/* Own slots that came back by a data ring; free after the commit. */
	uint16_t returned[NODE_MAX_RETURNED];
	uint32_t nreturned;

	bool expecting; /* a slot that comes home is news, room or not */
	bool starving;  /* this turn wanted room or a slot and found none */
	bool took;      /* a packet was taken in this turn */
	bool tapping;   /* somebody looks at packets (node_tap.h) */
	bool noting;    /* and notes of what was decided for them */
	bool measuring; /* and how long it takes (node_measure.h) */

	/* After deaths: one packet, from one ring (turn_small). */
	bool small;
	const struct ring_in *only; /* the ring; NULL: none has any */
	uint32_t passed_over;       /* small turns that led to nothing */
	uint32_t bells; /* processes to wake, a bit for each; main rings */

	struct node_tap tap;
	/* The time of a record; NULL: the turn's, as in a simulation. */
	struct mono (*clock)(void);
};

/*
 * Join @l to its segments.  @defs are the layer's counters after
 * CNT_NODE_END.  The turn is not recovered yet: the layer sets turn.show and
 * then calls node_recover().  Returns a negative errno.
 */
int node_attach(struct node *n, const struct segments *s,
    const struct counter_def *defs, uint32_t ndefs);

/*
 * Recover the turn and compute the free slots anew.  @mark, if not NULL, is
 * called in between, and perhaps at the beginning of later turns, so that the
 * layer can mark slots it holds outside rings (linkd's armed reads).  Returns
 * true if there was an earlier instance.
 */
bool node_recover(struct node *n, void (*mark)(void *ctx), void *ctx);

void node_detach(struct node *n);

/* The @i-th data ring from (to) a process of layer @peer, or NULL. */
struct ring_in *node_in(struct node *n, enum layer peer, uint32_t i);
struct ring_out *node_out(struct node *n, enum layer peer, uint32_t i);
uint32_t node_count_out(const struct node *n, enum layer peer);

void node_begin(struct node *n, struct mono now);

/* Commit, publish counters, note whom to wake.  True if there was work. */
bool node_commit(struct node *n);

/* Counters and free slots to where tools see them; node_commit() does it. */
void node_publish(struct node *n);

/* Packets to take from one ring in this turn; fewer after crashes. */
static inline uint32_t node_limit(const struct node *n, uint32_t usual)
{
	return turn_limit(&n->turn, usual);
}

/*
 * The next packet of @in: its descriptor in *@ret, its bytes as the result;
 * NULL if none waits.  The bytes may be another process's to write, still:
 * read each once.  Descriptors that name no bytes are counted and skipped.
 */
const uint8_t *node_take(struct node *n, struct ring_in *in, struct desc *ret);

/* A packet is in hand, by node_take() or read from a device. */
static inline void node_took(struct node *n)
{
	if (!n->took)
		turn_suspect(&n->turn);
	n->took = true;
}

/*
 * Put the packet that node_take() gave last back into @in: there is no room
 * for what would follow from it.  Nothing may have been staged for it.
 */
static inline void node_untake(struct ring_in *in)
{
	in->mine--;
}

/* The same bytes, to write headers in front; NULL if the pool is not ours. */
uint8_t *node_slot(struct node *n, const struct desc *d);

/*
 * True if @want more entries can be staged in @out and the undo log has room;
 * if not the turn must end and leave its input where it is.
 */
bool node_room(struct node *n, struct ring_out *out, uint32_t want);

/* Stage @d; its slot belongs to that ring now. */
void node_put(struct node *n, struct ring_out *out, const struct desc *d);

/* Done with the packet: its slot goes home. */
void node_give_back(struct node *n, const struct desc *d);

/*
 * A free slot of our own with room for @bytes (headroom included): fills in
 * d->slot and d->pool and returns its first byte; NULL if none is free, which
 * ends the turn like a full ring.
 */
uint8_t *node_alloc(struct node *n, uint32_t bytes, struct desc *d);

/*
 * The packet of @d, in a slot of our own, refers to app @app's memory.  An app
 * that is gone is forgotten when none that is out does so any more: then no
 * ring on the way to the wire, and nobody who takes from one, has it in hand.
 */
static inline void node_refers(
    struct node *n, const struct desc *d, uint32_t app)
{
	pool_refers(&n->home, d->slot, app);
}

static inline bool node_is_referred(const struct node *n, uint32_t app)
{
	return pool_is_referred(&n->home, app);
}

/* How many slots of @bytes could be had now. */
uint32_t node_slots_free(const struct node *n, uint32_t bytes);

/* Give back at once a slot of our own that was not staged. */
void node_unalloc(struct node *n, const struct desc *d);

/* A packet's memory is in use although no ring shows it (see _recover). */
void node_mark(struct node *n, uint32_t slot);

static inline void node_touch(struct node *n, const void *p, size_t len)
{
	turn_touch(&n->turn, p, len);
}

static inline void node_count(struct node *n, uint32_t counter)
{
	n->counter[counter]++;
}

/* Does anybody look at packets, at what is decided, at how long it takes? */
static inline bool node_tapping(const struct node *n)
{
	return TAP_HOOKS && n->tapping;
}

static inline bool node_noting(const struct node *n)
{
	return TAP_HOOKS && n->noting;
}

static inline bool node_measuring(const struct node *n)
{
	return TAP_HOOKS && n->measuring;
}

/* @count drops, of other packets than the one in hand (node_tap.h). */
static inline void node_count_other(
    struct node *n, uint32_t counter, uint64_t count)
{
	struct tap_record *hand = node_tapping(n) ? node_tap_aside(n) : NULL;

	n->counter[counter] += count;
	if (node_tapping(n))
		node_tap_back(n, hand);
}

/*
 * Before sleeping: say that we sleep, then look once more.  True if it is safe
 * to sleep; the matching wake-up is in the neighbours' node_commit().
 */
bool node_may_sleep(struct node *n);
void node_awake(struct node *n);

/* Has any neighbour published something since we last looked? */
bool node_news(struct node *n);

#endif /* SHM_NODE_H */
