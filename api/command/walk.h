/*
 * walk.h - the walk of a packet through the daemons, put together from records
 *
 *	FRAME, rx	a walk begins, if the filter lets it; so it does with a
 *			PUT for which no packet was in hand: an app's, a timer's
 *	NOTE		what was decided for the packet in hand
 *	PUT, TAKE	from daemon to daemon: by ring and index
 *	FRAME, tx	of what linkd has taken in this turn, or has kept
 *	PUT of an error	by linkd, of what waited for a silent neighbour
 *	TURN		who was in hand was worked on from when to when
 *	a gap		in a daemon's numbers: who was in hand is not known any
 *			more, nor what linkd keeps; what lies in a ring is
 *
 * A connection may come to its end with no packet, as TIME-WAIT does: if a walk
 * has been of it, that is a walk of one step.
 *
 * What a daemon does because of no packet in hand, but for a connection that
 * one of this turn was for, belongs to that one's walk: the ACK, say.
 */
#ifndef API_COMMAND_WALK_H
#define API_COMMAND_WALK_H

#include <stdio.h>

#include "api/command/tap_watch.h"

enum {
	WALK_SNAP = 192, /* bytes of a packet: all headers */
	WALK_STEPS = 24,
	WALK_TITLE = 512,
	STEP_TEXT = 1024,

	WALKS = 64, /* on their way at a time */
	FLIGHTS = 1024,
	KEPT = 256,

	CONNECTIONS = 1 << 18, /* numbers that tcpd gives, and more */
	NO_CONNECTION = CONNECTIONS,
};

/* What one daemon did in one turn. */
struct step {
	uint32_t proc;
	bool by_ring;
	const char *waited;            /* for what; NULL: it did not */
	uint16_t ring;                 /* it came by */
	int64_t put;                   /* and lay there, or waited, since */
	int64_t begin, end;            /* of the turn; end 0: it is open */
	bool gap;                      /* records of it were lost */
	char reason[COUNTER_NAME_LEN]; /* dropped; "": not */
	char text[STEP_TEXT];          /* lines */
};

struct walk {
	bool used;
	bool cut_short;   /* its end is not known */
	bool gap;         /* of a step not all is known */
	bool still_waits; /* for a neighbour, longer than we wait with it */
	bool no_source;   /* in its title, so far */
	/* While it waited others were dropped, or it; "": none. */
	char doubt[COUNTER_NAME_LEN];
	uint64_t number;
	char title[WALK_TITLE];
	struct step step[WALK_STEPS];
	uint32_t n;
	uint32_t under_way; /* in rings, or kept by linkd */
	int64_t last;       /* time of its last record */
};

/* Where in a walk. */
struct stand {
	struct walk *w; /* NULL: in none */
	uint32_t step;
};

/* In a ring. */
struct flight {
	struct walk *w;
	uint16_t ring;
	uint32_t index;
};

/* By what linkd's frames and the packets in its rings are known to be one. */
struct identity {
	uint8_t src[16], dst[16];
	uint8_t proto;
	uint32_t ports; /* or ICMP's type and code */
	uint32_t seq;   /* TCP's, or ICMP's identifier and number */
	uint32_t len;   /* TCP: numbers that it takes */
};

/* linkd: read and not put yet, or taken and not written yet. */
struct kept {
	struct stand at;
	struct identity id;
	int64_t since;
	uint32_t written; /* of id.len; a super-frame goes in pieces */
	bool tx, done;
	bool waits; /* for its neighbour's MAC */
};

/* A connection of which a packet of this turn was. */
struct touched {
	uint32_t connection;
	struct stand at;
};

struct daemon_now {
	bool heard; /* something, so the next number is known */
	uint64_t next;
	struct stand hand;
	struct stand out;     /* of the next PUT with none in hand */
	char told[STEP_TEXT]; /* notes for that, in no walk yet */
	uint32_t told_of;     /* connection; NO_CONNECTION: of none */
	struct stand began;   /* of @told_of, by its last PUT */
	uint32_t began_of;
	uint8_t known[CONNECTIONS / 8]; /* that walks have been of */
	struct touched touched[KEPT];
	uint32_t ntouched;
};

struct walks {
	struct tap_watch *watch;
	struct walk walk[WALKS];
	struct flight flight[FLIGHTS];
	struct kept kept[KEPT];
	uint32_t nflights, nkept;
	struct daemon_now now[TOPO_MAX_PROCS];
	uint64_t begun;  /* walks */
	uint64_t missed; /* not begun for want of room */
	int64_t time;    /* of the last record */

	/* One has come to its end. */
	void (*done)(struct walks *s, const struct walk *w);
};

/* The next record, in order of time. */
void walks_record(struct walks *s, const struct tapped *r);

/* Those that nothing was heard of for long end; all of them if @all. */
void walks_expire(struct walks *s, bool all);

/* What the packet is known by; false: it is no IP packet. */
bool identity_of(
    struct identity *ret, const uint8_t *ip, uint32_t caplen, uint32_t len);

/* Is @part what @whole is, or a segment of it? */
bool identity_holds(const struct identity *whole, const struct identity *part);

/* ---- Between the files walk_*.c ---- */

extern const struct stand walk_nowhere;

/* NULL: there are too many. */
struct walk *walk_new(struct walks *s);
struct stand walk_step(struct walk *w, uint32_t proc);
void walk_say(const struct stand *at, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void walk_note(struct walks *s, const struct tapped *r);

/* What was told with no packet in hand is of @at, which begins with it. */
void walk_told(struct daemon_now *d, const struct stand *at);

/* Nothing was put because of it: is it worth a walk of its own? */
void walk_news(struct walks *s, uint32_t proc);

void walk_title(struct walk *w, uint16_t linktype, const struct shown *shown);

/* ipd has chosen the source that the transport had left open. */
void walk_source(struct walk *w, const char *text);

void walk_print(FILE *to, const struct walk *w, const struct topology *topo);

#endif /* API_COMMAND_WALK_H */
