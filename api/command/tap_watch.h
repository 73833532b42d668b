/*
 * tap_watch.h - what `strata capture` and `strata dump` have in common
 *
 * Arguments, places, filter, the loop and the figures at its end; the command
 * says what becomes of each packet.
 */
#ifndef API_COMMAND_TAP_WATCH_H
#define API_COMMAND_TAP_WATCH_H

#include "api/command/tap_filter.h"
#include "api/command/tap_place.h"

struct packet_ids;

struct tap_watch {
	/* From the arguments. */
	const char *name;
	const char *at;    /* NULL: everywhere */
	const char *file;  /* capture */
	uint64_t count;    /* 0: until a signal */
	uint32_t snap;     /* 0: all bytes */
	bool verbose, hex; /* dump */
	struct tap_filter *filter;

	struct taps taps;
	struct places places;
	struct packet_ids *ids; /* NULL: they are not wanted */
	uint64_t written;
	bool gone;      /* who read what we write */
	uint32_t burst; /* looks that took in, and left all else */

	/*
	 * A packet that has passed, in order of time.  False: no more can be
	 * taken: the reader of a pipe has gone, or it has been said why.
	 */
	bool (*packet)(struct tap_watch *w, struct place *p,
	    const struct tapped *r, const struct shown *s);
	/* Drops of no packet; may be NULL. */
	void (*drops)(struct tap_watch *w, const struct tapped *r);
	/* Instead of all that: each record as it is, of what @wish asks for. */
	bool (*record)(struct tap_watch *w, const struct tapped *r);
	struct taps_wish wish;
	/* Nothing more waits for now: out with it.  False as above. */
	bool (*flush)(struct tap_watch *w);
};

/*
 * Read the arguments: @options as for getopt, of "w:vx"; with @places also
 * --at; @help is printed for
 * --help, and its "usage:" lines if they are wrong.  0, or an exit status plus
 * one.
 */
int tap_watch_arguments(struct tap_watch *w, int argc, char **argv,
    const char *options, bool places, const char *help);

/*
 * All that was printed has gone out, with @flush; or false, and unless its
 * reader has gone a sentence on standard error.
 */
bool tap_watch_printed(struct tap_watch *w, bool flush);

/* Writing has failed for @err; false. */
bool tap_watch_unwritable(struct tap_watch *w, const char *where, int err);

/* A reader that has gone has had enough: that is no failure. */
int tap_watch_status(const struct tap_watch *w, bool written);

/* Connect and find the places; 0 or an exit status. */
int tap_watch_open(struct tap_watch *w);

/*
 * Until a signal, the count, the end of the stack, or of a pipe's reader; 0 or
 * an exit status.
 */
int tap_watch_run(struct tap_watch *w);

/* What was written, what was lost, to standard error. */
void tap_watch_figures(const struct tap_watch *w);

void tap_watch_close(struct tap_watch *w);

/* The time of day of @r, in ns since 1970. */
int64_t tap_watch_time(const struct tap_watch *w, const struct tapped *r);

#endif /* API_COMMAND_TAP_WATCH_H */
