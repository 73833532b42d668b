/*
 * sim.h - whole hosts on a wire, in one process, with a clock of their own
 *
 *	 app  app       app  app	apps: tasks on sockets (sock.h)
 *	 udpd  tcpd     udpd  tcpd	the real libraries (host.h), each with
 *	    ipd            ipd		memory as the supervisor would make it
 *	   linkd          linkd
 *	     +----- wire ----+		wire.h
 *
 * README.md beside this file has the theory.  Everything that happens follows
 * from the seed: one thread, one source of random numbers, no real time.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <setjmp.h>
#include <stdio.h>

#include "shm/clock.h"
#include "tests/harness/random.h"
#include "tests/sim/plan.h"
#include "tests/sim/stranger.h"
#include "tests/sim/wire.h"

struct host;
struct pair;
struct points;
struct seen;

enum {
	HISTORY_LINES = 64,
	HISTORY_LINE = 200,
	SEEN_BUCKETS = 256,
};

/* In memory that outlives the process: who dies can still be explained. */
struct history {
	char line[HISTORY_LINES][HISTORY_LINE];
	uint64_t n;
	uint64_t seed;
	char failure[400]; /* "": none */
};

struct sim {
	struct random r;
	struct plan plan;
	struct mono start;
	struct mono now;
	struct wire wire;
	struct stranger stranger;
	struct host *host[SIM_HOSTS];
	struct pair *pairs; /* connections: tcp_flow.h */
	uint32_t npairs;
	struct seen *seen[SEEN_BUCKETS]; /* the same, on the wire: observe.h */

	/* Liveness: something an app wanted has happened. */
	struct mono moved;
	uint64_t moves;
	uint32_t busy; /* tasks that are not done */
	bool online;   /* once, all hosts were: flows may begin */
	bool ending;   /* no more trouble: all is to be finished and closed */

	uint64_t events;
	uint64_t kills;
	struct mono next_kill, next_app_kill, next_check;
	uint32_t flows; /* opened so far */
	struct history *history;
	struct points *points; /* kill.h */
	bool verbose;
	int log_fd;
	FILE *pcap;
	jmp_buf failed;
};

/* A line for the history; printed at once when verbose. */
void note(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, but only when verbose: too many for the history. */
void trace(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The seed has found something: it ends here. */
void fail(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Something has moved that an app waited for. */
void moved(struct sim *s);

/* @low to @high, both included. */
static inline int64_t draw(struct sim *s, int64_t low, int64_t high)
{
	uint64_t far = (uint64_t)high - (uint64_t)low;

	/* All numbers there are. */
	if (far == UINT64_MAX)
		return (int64_t)random_next(&s->r);
	return low + (int64_t)(random_next(&s->r) % (far + 1));
}

/* The same, but each order of magnitude as likely as the next; @low > 0. */
int64_t draw_log(struct sim *s, int64_t low, int64_t high);

static inline bool chance(struct sim *s, uint32_t percent)
{
	return random_chance(&s->r, percent);
}

/* Run @seed to its end; false: it failed, and s->history says how. */
bool sim_run(struct sim *s, uint64_t seed);

#endif /* TESTS_SIM_SIM_H */
