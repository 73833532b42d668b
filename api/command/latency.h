/*
 * latency.h - strata latency: what the daemons have measured (shm/measure.h)
 *
 *	latency.c	arguments, the loop
 *	latency_read.c	the histograms, as they were at two moments
 *	latency_way.c	which hop follows which
 *	latency_show.c	as text, as JSON
 */
#ifndef API_COMMAND_LATENCY_H
#define API_COMMAND_LATENCY_H

#include <jansson.h>
#include <stdio.h>

#include "api/command/tap_reader.h"
#include "shm/measure.h"

enum {
	WAY_HOPS = 12,
	WAYS_MAX = 128,
	WAY_NAME = 160,
};

/* One hop of one daemon, and what came in between. */
struct hop {
	uint32_t proc;
	struct hop_key key;
	struct histogram_copy wait, work, whole;
};

struct hops {
	struct hop
	    *hop[TOPO_MAX_PROCS * MEASURE_HOPS]; /* NULL behind the last */
	uint32_t n;
	uint64_t missed;
};

/* False: no memory. */
bool hops_read(struct hops *ret, const struct taps *t);
bool hops_since(
    struct hops *ret, const struct hops *now, const struct hops *before);
void hops_free(struct hops *h);

/* From where packets are born to where they end. */
struct way {
	const struct hop *hop[WAY_HOPS];
	uint32_t n;
	uint64_t all;        /* packets: also those whose whole is not known */
	char name[WAY_NAME]; /* "wire > linkd > ipd > tcpd > socket" */
};

/* Who has the packets at this hop: its daemon, or the app that reads them. */
const char *hop_worker(const struct hop *h, const struct topology *topo);

/* Every way on which packets came to an end; returns how many. */
uint32_t ways_find(struct way ret[WAYS_MAX], const struct hops *h,
    const struct topology *topo);

/* ns: the means of a way's hops added up. */
double way_sum(const struct way *w);

/* Are they of the same packets as the whole, but for a few? */
bool way_is_whole(const struct way *w);

/* The packets of the hop that most went through. */
uint64_t way_most(const struct way *w);

/* Percent by which the sum differs from the mean of the whole. */
double way_difference(const struct way *w);

void latency_print(FILE *to, const struct hops *h, const struct topology *topo);
json_t *latency_json(const struct hops *h, const struct topology *topo);

#endif /* API_COMMAND_LATENCY_H */
