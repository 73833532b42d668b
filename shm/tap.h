/*
 * tap.h - what a daemon shows of the packets it handles
 *
 * Each daemon X has one more segment, X.tap, which X alone writes and `strata
 * capture`, `dump`, `trace` map read-only.  It is a ring of bytes that is
 * overwritten: X waits for nobody, any number may read, and who is too slow
 * loses records of the capture, counted exactly, and no packet.
 *
 *	overwritten    can be read        staged      being written
 *	------------|######################|============|-------
 *	     reserve - TAP_BYTES         head          pos     reserve
 *
 * All three count bytes for ever and are masked only to index.  The writer
 * stores reserve before it overwrites a byte; a reader copies a record and then
 * looks whether reserve - TAP_BYTES has passed where it began: if so, the copy
 * is worth nothing, and the reader goes on at head.
 *
 * head belongs to a point: head, the number of records up to it, and the number
 * at each place.  There are two, and the word `published` says which is valid:
 * its lowest bit.  That word is published by the turn (turn.h), like a ring's
 * prod: what an undone turn has staged is never seen, what a committed one has
 * staged is seen once and whole, whatever instruction X dies at.  Only reserve
 * runs ahead of the turn, and it never goes back.
 *
 * Records are numbered when the turn is sealed, just before its commit: all
 * those of the daemon, and those of each place.  A gap in the numbers is a
 * loss.  So, of any stretch of time: seen + lost = made, at each place.
 *
 * A place is a data ring of the topology, a device in one direction, the drops
 * of a daemon, or the daemon itself.  A ring is captured by whoever can see all
 * bytes of its packets: its consumer, but its producer if that is a transport,
 * whose payload may lie in an app's ring.  (With TAP_TRACE both record.)
 *
 * Times are CLOCK_MONOTONIC, as everywhere: they never step back.  A reader
 * that wants the time of day adds the difference of the two clocks.
 */
#ifndef SHM_TAP_H
#define SHM_TAP_H

#include <stdbool.h>

#include "shm/clock.h"
#include "shm/layout.h"
#include "shm/measure.h"

enum {
	TAP_BYTES = 8 * 1024 * 1024, /* a power of two */
	TAP_DATA_OFF = 8192,
	TAP_MEASURE_OFF = TAP_DATA_OFF + TAP_BYTES, /* struct measure_mem */
	TAP_SEGMENT_BYTES = TAP_MEASURE_OFF + 6 * 1024 * 1024,
	TAP_ALIGN = 16,

	/* Of one turn; what is more counts as lost. */
	TAP_TURN_BYTES = TAP_BYTES / 2,

	/* Any frame or super-frame whole. */
	TAP_SNAP_MAX = 72 * 1024,

	/* Of a packet that nobody watches, in case it is dropped. */
	TAP_SNAP_DROPPED = 256,

	TAP_NOTE_LEN = 512,
};

/* Numbers of places, the same for all daemons of a stack. */
enum tap_place {
	TAP_PLACE_RING = 0, /* + index into the topology's rings[] */
	TAP_PLACE_DEVICE = TOPO_MAX_RINGS, /* + 2 * link, + 1 for tx */
	TAP_PLACE_DROPS = TAP_PLACE_DEVICE + 2 * TOPO_MAX_LINKS,
	TAP_PLACE_DAEMON, /* notes, turns */
	TAP_PLACES,
};

enum tap_kind {
	TAP_PAD,   /* nothing: up to the ring's end, or it did not happen */
	TAP_FRAME, /* a device: read from it or written to it */
	TAP_TAKE,  /* taken from a ring */
	TAP_PUT,   /* put into a ring */
	TAP_DROP,  /* len drops for `reason`, with no packet in hand */
	TAP_NOTE,  /* text: what was decided for the packet in hand */
	TAP_TURN,  /* end of a turn; desc.stamp is its beginning */
	NTAP_KINDS,
};

enum tap_record_flag {
	/* Its place is not watched: it is here because it was dropped. */
	TAP_ONLY_DROPPED = 1 << 0,
	/* PUT, NOTE: because of no packet in hand. */
	TAP_NO_HAND = 1 << 1,
	/* DROP: of one packet that had waited; these are its bytes. */
	TAP_WAITED = 1 << 2,
};

/* A record's header; its bytes follow, padded to TAP_ALIGN. */
struct tap_record {
	uint32_t bytes; /* of the whole record */
	uint8_t kind;   /* enum tap_kind */
	uint8_t flags;
	uint16_t place;
	uint64_t number; /* of this daemon's records, from 0 */
	uint64_t made;   /* of those at this place */
	int64_t time;    /* ns, CLOCK_MONOTONIC */
	uint32_t caplen; /* bytes that follow */
	uint32_t len;    /* bytes of the packet, references included */
	uint32_t reason; /* why it was refused: counter + 1; 0: it was not */
	uint32_t index;  /* of the descriptor in its ring: PUT's is TAKE's */
	struct desc d;   /* as it was in the ring */
};

static_assert(sizeof(struct tap_record) == 112, "shared layout");
static_assert(sizeof(struct tap_record) % TAP_ALIGN == 0, "aligned");

struct tap_point {
	uint64_t head;    /* bytes */
	uint64_t records; /* before head */
	uint64_t made[TAP_PLACES];
};

/* At the start of X.tap; X writes all of it. */
struct tap_mem {
	uint32_t magic;
	uint32_t version;
	alignas(CACHE_LINE) _Atomic uint64_t reserve;
	_Atomic uint64_t published; /* by the turn */
	_Atomic int64_t began;      /* of the open turn, or 0 */
	alignas(CACHE_LINE) struct tap_point point[2];
};

static_assert(sizeof(struct tap_mem) <= TAP_DATA_OFF, "head fits");
static_assert(
    TAP_MEASURE_OFF + sizeof(struct measure_mem) <= TAP_SEGMENT_BYTES, "fits");

/* Bytes of a record, in one of several pieces. */
struct tap_span {
	const void *p;
	size_t len;
};

/* ---- The writer ---- */

struct tap {
	struct tap_mem *mem;         /* NULL: there is none */
	struct tap_point next;       /* of this turn, once it is sealed */
	uint64_t pos;                /* staged up to here */
	uint64_t serial;             /* what `published` is to become */
	uint32_t missed[TAP_PLACES]; /* had no room in this turn */
	bool any_missed;
};

/* Go on at what was published last; fresh memory (all zero) is fine. */
void tap_resume(struct tap *t, struct tap_mem *mem);

/* A turn begins: records that are not out yet are no older than @now. */
void tap_begin(struct tap *t, struct mono now);

/*
 * Stage @r with up to @snap of the bytes in @s; caplen, len, bytes and the
 * numbers are filled in.  Returns the staged record, to be changed until the
 * turn is sealed, or NULL: no room in this turn, which is not counted yet.
 */
struct tap_record *tap_stage(struct tap *t, const struct tap_record *r,
    const struct tap_span *s, uint32_t ns, uint32_t snap);

/* A record at @place had no room: it is lost to all readers. */
void tap_miss(struct tap *t, uint32_t place);

/*
 * Number what was staged, without those of which @happened says false, and set
 * t->serial for the turn to publish.  It may still change a record's flags.
 */
void tap_seal(struct tap *t, bool (*happened)(void *ctx, struct tap_record *r),
    void *ctx);

/* The turn is over. */
void tap_end(struct tap *t);

/* ---- A reader ---- */

struct tap_reader {
	const struct tap_mem *mem;
	struct tap_point known; /* the last that was read */
	uint64_t pos;
	uint64_t next; /* number of the next record */
	uint64_t next_at[TAP_PLACES];
	uint64_t seen, lost;
	uint64_t seen_at[TAP_PLACES], lost_at[TAP_PLACES];
};

/* Read what is made from now on.  False: it is being written all the while. */
bool tap_reader_open(struct tap_reader *r, const struct tap_mem *mem);

/*
 * The next record and its bytes, of which there may be TAP_SNAP_MAX.  False if
 * there is none now; what was lost has been counted.
 */
bool tap_read(struct tap_reader *r, struct tap_record *ret, uint8_t *bytes);

/*
 * Records not published yet, and all to come, are no older than this.  To be
 * asked before reading; @now was read before.
 */
struct mono tap_watermark(const struct tap_reader *r, struct mono now);

#endif /* SHM_TAP_H */
