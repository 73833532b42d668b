/*
 * trace.h - what the ways of strata traceroute have in common
 */
#ifndef API_COMMAND_TRACE_H
#define API_COMMAND_TRACE_H

#include "api/command/dial.h"
#include "api/command/icmp_text.h"
#include "api/strata.h"
#include "shm/clock.h"

struct trace;

/* One packet, and what came of it. */
struct probe {
	int hops;
	uint16_t n; /* counts them: by it an answer is known */
	struct mono sent;
	bool answered, reached;
	double ms;
	const char *mark;
	struct sockaddr_storage from;
	socklen_t from_len;
};

struct trace_ops {
	int (*open)(struct trace *t);                        /* exit status */
	int (*send)(struct trace *t, const struct probe *p); /* -errno */

	/* Wait a little; true: the answer is in *@p. */
	bool (*take)(struct trace *t, struct probe *p);
};

struct trace {
	struct dial d;
	enum {
		TRACE_UDP,
		TRACE_ICMP,
		TRACE_TCP
	} how;
	const struct trace_ops *ops;
	int first, max, probes, wait_s, port;

	bool v4;
	struct sockaddr_storage to;
	socklen_t to_len;
	int fd;                       /* what probes are sent by */
	int icmp;                     /* TCP: where errors come in */
	struct sockaddr_storage from; /* TCP: our own address */
};

extern const struct trace_ops trace_by_tcp;

void trace_set_hops(const struct trace *t, int fd, int hops);
void trace_set_port(struct sockaddr_storage *to, uint16_t port);
int trace_ms_left(const struct trace *t, const struct probe *p);

#endif /* API_COMMAND_TRACE_H */
