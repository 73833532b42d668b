/*
 * daemon.h - how all four daemons start, take over, loop and stop
 *
 * A layer is a library that knows no processes; its main.c hands a table of its
 * functions to daemon_main(), which does the rest alike for all:
 *
 *	NAME --fd N                        started by the supervisor
 *	NAME --stack STACK [--name PROC]   started by hand, in a debugger say:
 *	                                   asks the supervisor to take PROC's
 *	                                   place
 *
 * It receives its segments over the control socket, maps them, shuts itself in
 * (sandbox.h), says that it stands by and waits for "go": the instance before
 * it is dead by then.  Then it recovers and loops:
 *
 *	turn, ring the bells, look for a while (spin_us), sleep
 *
 * The clock is read once for each turn, and nowhere below.
 */
#ifndef SHM_DAEMON_H
#define SHM_DAEMON_H

#include "shm/ask.h"
#include "shm/control.h"
#include "shm/loop.h"
#include "shm/node.h"

struct daemon;

/* A layer, as daemon_main() needs it. */
struct daemon_ops {
	enum layer layer;
	size_t size; /* of the layer's struct, which begins with struct node */

	/*
	 * Join and recover; the predecessor is dead.  Negative errno on
	 * failure, logged.  From here on the others may be called.
	 */
	int (*attach)(void *x, const struct segments *s, struct mono now);

	/* One bounded turn; true if there was work. */
	bool (*turn)(void *x, struct mono now);

	/* When it next wants a turn although nothing comes in. */
	struct mono (*deadline)(const void *x);

	/* All below may be NULL. */

	/* Before the sandbox: open what needs system calls later denied. */
	int (*prepare)(void *x, struct daemon *d);

	/* After attach: watch descriptors in the daemon's loop. */
	int (*watch)(void *x, struct daemon *d);

	/*
	 * A message that daemon.c does not know, with its descriptors, which
	 * are the layer's now; also while standing by, before attach.
	 */
	void (*control)(
	    void *x, struct daemon *d, const struct ctl_msg *m, const int *fds);

	/* After each turn: system calls it caused. */
	void (*after)(void *x, struct daemon *d);

	/*
	 * Just before sleeping; false: something has come up after all.  Also
	 * asked while spinning, so it must be cheap.
	 */
	bool (*may_sleep)(void *x);

	/*
	 * Answer @q (ask.h) from q->cursor on, between two turns; what is not
	 * there any more is left out.  Must be short.  0 or a negative errno.
	 */
	int (*look)(void *x, const struct ask *q, struct ask_chunk *ret);

	/*
	 * A turn of its own, in which @q is done, unless its number is that of
	 * the last change: then only what came of it is returned.
	 */
	int (*change)(void *x, const struct ask *q, struct mono now);

	/* System calls beyond those of the loop, ended by -1. */
	const int *syscalls;
};

struct daemon {
	const struct daemon_ops *ops;
	void *x; /* the layer's struct */
	const char *name;
	struct log log;
	struct loop loop;
	struct segments segments;
	struct watch ctl_watch;
	struct watch bell_watch;
	int ctl;
	int bell[TOPO_MAX_PROCS];   /* -1: not a neighbour */
	int device[TOPO_MAX_LINKS]; /* -1: not ours */
	bool started, go, up, stop;

	/* What the supervisor asks; it asks one thing at a time. */
	struct ask ask;
	uint32_t ask_id;
	bool asked;             /* not answered yet */
	struct mono ask_answer; /* not before this: it did not listen */

	/* What the supervisor had no room to hear yet, oldest first. */
	struct ctl_msg *untold;
	uint32_t nuntold, untold_room;
};

/* The whole of main(). */
int daemon_main(int argc, char **argv, const struct daemon_ops *ops);

/*
 * Tell the supervisor; if it has no room now, later: nothing is lost, and
 * nobody waits.
 */
void daemon_tell(struct daemon *d, uint32_t type, uint32_t id, uint32_t sub);

/* All that the supervisor has said by now, to ops->control; between turns. */
void daemon_hear(struct daemon *d);

#endif /* SHM_DAEMON_H */
