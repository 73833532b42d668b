/*
 * ask.h - a question to a daemon that runs, and a change at run time
 *
 * A command asks the supervisor (CTL_ASK on its socket `ctl`, a struct ask
 * behind the message); the supervisor asks the daemons, one question to each at
 * a time, and puts the records of all answers into one file, whose descriptor
 * is the command's answer.  It waits for nobody: a daemon answers a chunk of
 * bounded size between two turns and says how to go on (cursor); the supervisor
 * comes back for more when it is its turn again.
 *
 *	command            supervisor             daemon
 *	CTL_ASK         ->
 *	                   CTL_ASK cursor 0    ->
 *	                                       <- CTL_ANSWER chunk, next cursor
 *	                   CTL_ASK that cursor ->
 *	                                       <- CTL_ANSWER chunk, no more
 *	                <- CTL_ANSWER, file
 *
 * A daemon that keeps nothing between two chunks can die between them: its next
 * instance is asked the same again, and before anything else.  So it is with
 * changes, and since the one that died may have committed, each has a number
 * that is part of the transaction (struct ask_done): what was done is not done
 * twice, nor is it forgotten for another's change.
 */
#ifndef SHM_ASK_H
#define SHM_ASK_H

#include <stdbool.h>
#include <string.h>

#include "shm/app.h"
#include "shm/clock.h"
#include "shm/control.h"

enum {
	ASK_VERSION = 1,
	ASK_CHUNK_BYTES = 16 * 1024,
	ASK_FILE_MAX = 64 * 1024 * 1024,
};

enum ask_op {
	ASK_SOCKETS,   /* of the transports: struct ask_socket */
	ASK_ADDRESS,   /* change one of ours */
	ASK_NEIGHBOUR, /* change one */
	ASK_ROUTE,     /* change one */
	ASK_WAY,       /* of ipd: where to ip, from via: struct ask_way */
	NASK_OPS,
};

/* As ip(8) has them. */
enum ask_change {
	ASK_ADD,     /* must not be there yet */
	ASK_REPLACE, /* there or not */
	ASK_CHANGE,  /* must be there */
	ASK_DELETE,  /* must be there */
	NASK_CHANGES,
};

struct ask {
	uint32_t version;
	uint32_t op;     /* enum ask_op */
	uint32_t change; /* enum ask_change */
	uint32_t cursor; /* the supervisor's: 0, then as the daemon said */
	uint64_t number; /* the supervisor's: of a change */

	/* What is to be changed. */
	char link_name[TOPO_NAME_LEN]; /* "": the only one it can be */
	uint8_t link; /* the supervisor's: of that name, or LINK_ANY */
	uint8_t plen;
	uint8_t has_via;
	uint8_t permanent; /* neighbour: never probed, never forgotten */
	uint8_t has_metric;
	uint8_t pad;
	uint8_t mac[6];
	uint32_t metric;
	uint32_t mtu;
	struct ip_addr ip; /* address, neighbour or network */
	struct ip_addr via;
};

static inline bool ask_is_change(const struct ask *q)
{
	return q->op != ASK_SOCKETS && q->op != ASK_WAY;
}

/* In the persistent state of who can be changed: the last change. */
struct ask_done {
	uint64_t number;
	int32_t result;
	uint32_t pad;
};

/* What a daemon answers at once: records of some type, each whole. */
struct ask_chunk {
	uint32_t next; /* cursor */
	bool more;     /* ask again with it */
	uint32_t len;
	alignas(8) uint8_t bytes[ASK_CHUNK_BYTES];
};

/* Room for one more record, zeroed, or NULL: it must wait for the next. */
static inline void *ask_chunk_add(struct ask_chunk *c, uint32_t bytes)
{
	uint8_t *at = c->bytes + c->len;

	if (bytes > ASK_CHUNK_BYTES - c->len)
		return NULL;
	c->len += bytes;
	memset(at, 0, bytes);
	return at;
}

/* Begins the file; the records follow. */
struct ask_file {
	uint32_t version; /* ASK_VERSION */
	uint32_t apps;
	struct {
		uint32_t pid; /* 0: no such app */
		uint32_t uid;
	} app[APP_MAX];
	char link[TOPO_MAX_LINKS][TOPO_NAME_LEN];
};

#endif /* SHM_ASK_H */
