/*
 * rundir.h - where a running stack can be found in the file system
 *
 *	$STRATA_RUN_DIR            if set
 *	/run/strata                for root, where it can write
 *	$XDG_RUNTIME_DIR/strata    else, if set
 *	/tmp/strata-UID            else; UID as it is outside of user namespaces
 *
 * Below it one folder for each running stack, named like it, with the
 * supervisor's socket "ctl" and, when detached, its "log".
 */
#ifndef SHM_RUNDIR_H
#define SHM_RUNDIR_H

#include "shm/topology.h"

enum {
	RUNDIR_PATH_LEN = 108, /* what sockaddr_un takes */
};

/*
 * The path of @file in @stack's folder; @stack NULL: of the run directory
 * itself; @file NULL: of the folder.  0, or -ENAMETOOLONG.
 */
int rundir_path(char ret[RUNDIR_PATH_LEN], const char *stack, const char *file);

/* Make the folder of @stack, and what is above it, of mode 0755. */
int rundir_make(const char *stack);

/*
 * The stack that a program means: $STRATA, else the only one that runs.
 * 0; -ENOENT: none runs; -EACCES: none that we may use; -ENOTUNIQ: several do
 * and $STRATA names none.
 */
int rundir_stack(char ret[TOPO_NAME_LEN]);

#endif /* SHM_RUNDIR_H */
