/*
 * trace.h - what the ways of strata traceroute have in common
 *
 * Several probes are on their way at a time, each with a number by which its
 * answer is known; what came of them is printed in their order.
 */
#ifndef API_COMMAND_TRACE_H
#define API_COMMAND_TRACE_H

#include "api/command/dial.h"
#include "api/command/icmp_text.h"
#include "api/strata.h"
#include "shm/clock.h"

struct trace;

/* What came of a packet. */
struct trace_answer {
	bool reached; /* it came to its end, there or on the way */
	const char *mark;
	struct sockaddr_storage from;
	socklen_t from_len;
};

/* One packet, and what came of it. */
struct probe {
	enum {
		PROBE_UNSENT,
		PROBE_WAITS,
		PROBE_ANSWERED,
		PROBE_SILENT, /* nothing came in time */
	} state;
	int hops;
	uint16_t n; /* counts them from 1 */
	struct mono sent;
	double ms;
	struct trace_answer answer;
};

struct trace_ops {
	int (*open)(struct trace *t);                        /* exit status */
	int (*send)(struct trace *t, const struct probe *p); /* -errno */

	/*
	 * Something that has come by the socket @i; trace_settle() if it is an
	 * answer.  False: nothing is there.
	 */
	bool (*take)(struct trace *t, int i);
};

enum {
	TRACE_SOCKETS = 8,
	TRACE_AT_ONCE_MAX = 64,
};

struct trace {
	struct dial d;
	enum {
		TRACE_UDP,
		TRACE_ICMP,
		TRACE_TCP
	} how;
	const struct trace_ops *ops;
	int first, max, probes, port;
	int at_once;     /* so many probes on their way */
	int64_t wait_ns; /* for each */

	bool v4;
	struct sockaddr_storage to;
	socklen_t to_len;
	int fd[TRACE_SOCKETS], nfds;
	struct sockaddr_storage from; /* TCP: our own address */

	struct probe *probe; /* in the order of their numbers */
	int all;             /* of them; fewer once the end was reached */
	int sent, shown;     /* so many first ones of them */
	int waiting;         /* sent, neither answered nor given up */
};

extern const struct trace_ops trace_by_queue; /* UDP, ICMP */
extern const struct trace_ops trace_by_tcp;

/* A new socket among t->fd; false after a sentence, of @what. */
bool trace_socket(struct trace *t, int type, int protocol, const char *what);

/* @len bytes for @p by the socket @i, with its hop limit; 0 or -errno. */
int trace_send(struct trace *t, const struct probe *p, int i, const void *buf,
    size_t len, const struct sockaddr_storage *to);

/* The answer to the probe @n, if there is one that still waits. */
void trace_settle(
    struct trace *t, unsigned n, const struct trace_answer *answer);

#endif /* API_COMMAND_TRACE_H */
