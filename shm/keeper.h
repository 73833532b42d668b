/*
 * keeper.h - holds copies of the supervisor's descriptors, and starts the next
 *
 * The supervisor may die like any daemon.  Its parent is the keeper: a process
 * that only takes in descriptors with a label each, and forks a new supervisor
 * when the old one was killed.  The new one inherits the keeper's table by the
 * fork itself and builds its own state from it (sup_resume.c): segments,
 * devices, control sockets of daemons that never stopped, connections and
 * sockets of apps that noticed nothing.
 *
 *	keeper --- fork ---> supervisor        KEEP label + fd
 *	       <--------------------------     FORGET label
 *
 * The keeper understands nothing of what it keeps, so there is little in it to
 * go wrong.  If it is killed itself the supervisor goes on without.
 */
#ifndef SHM_KEEPER_H
#define SHM_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

/* What a kept descriptor is.  Labels are compared as bytes: no padding. */
enum keep_kind {
	KEEP_ESTATE, /* a: enum ctl_role; b: index; c: writable */
	KEEP_LISTENER,
	KEEP_LOG,     /* a: 0 read end, 1 write end */
	KEEP_RUNNING, /* control socket; a: process */
	KEEP_STANDBY, /* control socket; a: process */
	KEEP_APP,     /* its connection; id */
	KEEP_SEGMENT, /* id; a: enum ctl_role; b: process; c: writable */
	KEEP_SOCKET,  /* id, sub; a: process */
};

struct keep_label {
	uint8_t kind; /* enum keep_kind */
	uint8_t a, b, c;
	uint32_t id, sub;
};

/* What may change while the label stays. */
struct keep_note {
	int32_t pid;
	uint32_t arg[3];
};

struct kept {
	struct keep_label label;
	struct keep_note note;
	int fd;
};

struct keeper {
	struct kept *kept; /* grows as needed */
	uint32_t count, room;
	int sock; /* to the supervisor */
};

/*
 * Fork supervisors until one ends by itself.  @supervise runs in the child,
 * with a socket to the keeper and, if @k->count > 0, the table to resume from;
 * its result becomes the exit status of both.  Returns that, or a negative
 * errno.
 */
int keeper_run(int (*supervise)(void *ctx, const struct keeper *k), void *ctx);

/*
 * In the supervisor: keep a copy of @fd under @label, in place of an older
 * one; forget it.  @sock -1: no keeper, nothing happens.  A negative errno
 * means that the keeper is gone.
 */
int keep(int sock, const struct keep_label *label, const struct keep_note *note,
    int fd);
int keep_forget(int sock, const struct keep_label *label);

#endif /* SHM_KEEPER_H */
