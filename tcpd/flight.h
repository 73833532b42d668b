/*
 * flight.h - everything from SND.UNA to SND.NXT, as runs of bytes alike
 *
 *	una                                              flight_end()
 *	 |  lost  |  SACKed  |lost|  SACKed  |    in flight    |
 *	 +--------+----------+----+----------+--------+--------+
 *	  run[0]    run[1]    ...              sent a bit later
 *
 * Runs follow each other without gaps: each begins where the one before ends.
 * Segment boundaries are not kept (RFC 6675, section 3, does without them), but
 * RACK wants the time at which each byte was last sent (RFC 8985, 4).  A window
 * of thousands of segments must fit into FLIGHT_MAX runs, so times are kept
 * like this:
 *
 * - In a run the bytes were sent in their order; it has the time of its last
 *   byte, and how much earlier its first one was sent.  What is cut out of a
 *   run gets times in proportion to its place.
 * - What is sent next continues the run of what was sent last, if it is alike
 *   and the run then spans no more than @quantum: a small part of the smallest
 *   RTT, so the error is well below the quarter of it that RFC 8985 (4, item 2)
 *   tolerates.  Nothing else was sent in between; so of two bytes it is always
 *   known which one was sent first, and a reordering window of 0 is safe.
 * - If there are still too many, precision is given up step by step:
 *     1. runs alike become one, those closest in time first; the error is then
 *        at most the spread of the new run.  If others were sent in between it
 *        is loose: its parts are no longer given times in proportion; delivered
 *        they count as sent with the first byte, missing as with the last;
 *     2. then runs of one state of which one was retransmitted;
 *     3. then the smallest SACKed run is forgotten (of several, the highest,
 *        which is needed last): it counts as its neighbour does, and will be
 *        sent once too often if nobody announces it again;
 *     4. then a lost run counts as in flight again, until its time or the next
 *        SACK shows it to be lost once more.
 *   After 2, 3 and 4 a run is vague: when it is delivered, nothing is inferred
 *   from it (no RTT sample, no reordering, nothing about spurious timeouts).
 *   Nothing unacknowledged ever counts as SACKed, and no byte gets lost here.
 *
 * Times are ticks of 1,024 ns modulo 2^32: what is a second in the future, or
 * up to 73 minutes in the past, is told apart.  What flies for longer would
 * seem new; but a retransmission timeout, of two minutes at most, makes it
 * lost.
 *
 * All that a turn sends has one time, and RFC 8985 breaks ties by sequence.
 * That is wrong for a retransmission sent after new data of the same turn: it
 * would be lost as soon as that is delivered.  So what goes back in sequence is
 * a tick later than what was sent before it.  A turn may thus run some ticks
 * ahead of the clock, never behind.
 */
#ifndef TCPD_FLIGHT_H
#define TCPD_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"
#include "tcpd/seq.h"

enum {
	FLIGHT_MAX = 44,
	/* What one operation may need on top until flight_settle(). */
	FLIGHT_ROOM = 2,
	FLIGHT_SPREAD_MAX = (1 << 26) - 1, /* ticks; 68 s */
};

/* What the last transmission of a byte came to, as far as we know. */
enum flight_state {
	IN_FLIGHT,
	SACKED,
	LOST, /* and not yet retransmitted */
};

struct flight_run {
	tcp_seq end;          /* one past its last byte */
	uint32_t sent;        /* tick of the last byte's last transmission */
	uint32_t spread : 26; /* the first byte's was so many ticks before */
	uint32_t state : 2;   /* enum flight_state */
	uint32_t retransmitted : 1; /* at least once */
	uint32_t twice : 1; /* sent again though not lost: two copies fly */
	uint32_t vague : 1; /* see above */
	uint32_t loose : 1; /* see above */
};

struct flight {
	tcp_seq una;
	tcp_seq latest;       /* end of what was sent last, new or again */
	uint32_t latest_sent; /* and its tick */
	uint32_t quantum;     /* ticks */
	uint32_t n; /* at most FLIGHT_MAX - FLIGHT_ROOM when settled */
	struct flight_run run[FLIGHT_MAX];
};

static inline uint32_t flight_tick(struct mono t)
{
	return (uint32_t)(t.ns >> 10);
}

/* How far @tick may be ahead of the clock: a second. */
enum {
	FLIGHT_AHEAD = 1 << 20,
};

/* The time of @tick, as it is seen at @now. */
static inline struct mono flight_time(uint32_t tick, struct mono now)
{
	uint32_t age = flight_tick(now) - tick + FLIGHT_AHEAD;

	return (struct mono){ now.ns - (now.ns & 1023) -
		((int64_t)age - FLIGHT_AHEAD) * 1024 };
}

/* Where the next new byte goes: SND.NXT, or SND.MAX. */
static inline tcp_seq flight_end(const struct flight *f)
{
	return f->n > 0 ? f->run[f->n - 1].end : f->una;
}

static inline tcp_seq flight_start(const struct flight *f, uint32_t i)
{
	return i > 0 ? f->run[i - 1].end : f->una;
}

static inline uint32_t flight_len(const struct flight *f, uint32_t i)
{
	return seq_len(flight_start(f, i), f->run[i].end);
}

/* When the last byte of a run was sent, if it is missing ... */
static inline uint32_t flight_missing(const struct flight_run *r)
{
	return r->sent;
}

/* ... and if it was delivered.  They differ only for a loose run. */
static inline uint32_t flight_delivered(const struct flight_run *r)
{
	return r->loose ? r->sent - r->spread : r->sent;
}

/* The bytes that are in state @s. */
uint32_t flight_bytes(const struct flight *f, enum flight_state s);

/*
 * Make a run begin at @seq, from una to flight_end(), and return its number (n
 * for flight_end()).  May be called twice before flight_settle().
 */
uint32_t flight_cut(struct flight *f, tcp_seq seq);

/* New bytes were sent, up to @end. */
void flight_append(struct flight *f, tcp_seq end, struct mono now);

/* Runs [first, end) were sent again, in this order; SACKed ones were not. */
void flight_resent(
    struct flight *f, uint32_t first, uint32_t end, struct mono now);

/* The first @n runs are acknowledged. */
void flight_drop(struct flight *f, uint32_t n);

/* Join what is alike, and give up precision until there is room again. */
void flight_settle(struct flight *f);

/* Is all as it says above?  For tests, and after a crash. */
bool flight_is_sane(const struct flight *f);

#endif /* TCPD_FLIGHT_H */
