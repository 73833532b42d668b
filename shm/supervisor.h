/*
 * supervisor.h - launches a pipeline, watches it, admits apps
 *
 * The supervisor makes the estate (estate.h), starts each daemon twice (one
 * that runs and one that stands by with everything mapped), and then only
 * waits: for deaths (pidfds), for apps and commands (its socket "ctl"), for
 * what daemons tell it.  No packet ever waits for it.
 *
 *	supervisor.c   the loop, start and end of a stack
 *	sup_process.c  daemons: spawn, stand by, go, death
 *	sup_app.c      apps: segments, their end
 *	sup_socket.c   their sockets
 *	sup_rights.c   who may do what
 *	sup_command.c  what `strata` asks, in JSON
 *	sup_status.c   the state of everything, in JSON
 *	sup_net.c      links, addresses, neighbours and routes of it
 *	sup_resume.c   taking over from a supervisor that was killed
 *	keeper.c       its parent, which makes that possible
 */
#ifndef SHM_SUPERVISOR_H
#define SHM_SUPERVISOR_H

#include <sys/types.h>

#include "shm/topology.h"

struct supervisor_options {
	/*
	 * Told once when the addresses can be used (@error NULL), or why it
	 * came to nothing.
	 */
	void (*ready)(void *ctx, const char *error);
	void *ctx;
	int log;          /* where the log goes: a terminal or a file */
	bool log_is_ours; /* a file that is removed at the end */

	/* Of the socket "ctl": who may connect (sup_rights.c). */
	mode_t mode;
	gid_t group; /* -1: its maker's */
};

struct keeper;

/*
 * Run the stack until it is told to end (SIGINT, SIGTERM, `strata down`).
 * Nothing is left behind then.  @k: the keeper (keeper.h), or NULL for none; if
 * it holds anything the stack runs already and is taken over.  Returns 0, or a
 * negative errno after a call of ready() that said why.
 */
int supervisor_run(const struct topology *topo,
    const struct supervisor_options *o, const struct keeper *k);

#endif /* SHM_SUPERVISOR_H */
