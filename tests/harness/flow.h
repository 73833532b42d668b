/*
 * flow.h - numbered packets out and back: what was lost, doubled or late
 *
 * What the pinger and the UDP tester share.  Both send packets that carry a
 * number and a pattern made from it, take back what the other host returns, and
 * give account of every single one.
 *
 * Packets leave at fixed times (interval_ns) or whenever fewer than @window are
 * on their way.  A sender that was kept from its CPU catches up at once, so the
 * number of packets never depends on the machine.
 */
#ifndef TESTS_HARNESS_FLOW_H
#define TESTS_HARNESS_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/clock.h"

struct flow_packet {
	struct mono sent;
	struct mono back; /* the first copy */
	uint32_t copies;
};

struct flow {
	/* What to do. */
	uint32_t count;
	int64_t interval_ns; /* 0: as fast as @window allows */
	uint32_t window;     /* at most so many on their way; 0: any number */
	int64_t linger_ns;   /* how long the last may take */

	/*
	 * How it is done.  send() is told a number; receive() takes what there
	 * is without waiting and calls flow_back() for each.
	 */
	int fd;
	int (*send)(struct flow *f, uint32_t number);
	void (*receive)(struct flow *f);

	/* What became of it. */
	struct flow_packet *packet; /* [count] */
	struct mono *arrival;       /* [count], in the order of their coming */
	uint32_t sent;
	uint32_t back; /* different ones */
	uint32_t doubled;
	uint32_t reordered; /* that came after one with a higher number */
	uint32_t corrupt;
	uint32_t refused;   /* ECONNREFUSED seen at the socket */
	uint32_t overflows; /* that the receiving socket had no room for */
	uint32_t newest;
	int error; /* of the socket, that ended it: negative errno */
};

/* Room for f->count packets; false: no memory. */
bool flow_open(struct flow *f);
void flow_close(struct flow *f);

/* A pattern in which every byte depends on the number and its place. */
void flow_fill(uint8_t *p, size_t len, uint32_t number);
bool flow_intact(const uint8_t *p, size_t len, uint32_t number);

/* Number @number has come back. */
void flow_back(struct flow *f, uint32_t number, struct mono now);

/* Send all, take all back. */
void flow_run(struct flow *f);

/*
 * One line of key=value about it.  @marks, if not NULL, names a file in which
 * each line is a time (seconds since 1970, as bash's $EPOCHREALTIME) and a
 * word: for each, the longest silence that it brought about.
 */
void flow_print(const struct flow *f, const char *marks, FILE *to);

#endif /* TESTS_HARNESS_FLOW_H */
