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
 *
 * Anybody can make a folder in /tmp, and what lies in such a one is his: so
 * both must be folders, root's or our own, that others can't write.
 */
#ifndef SHM_RUNDIR_H
#define SHM_RUNDIR_H

#include <sys/types.h>

#include "shm/topology.h"

enum {
	RUNDIR_PATH_LEN = 108, /* what sockaddr_un takes */
};

/*
 * The path of @file in @stack's folder; @stack NULL: of the run directory
 * itself; @file NULL: of the folder.  0, or -ENAMETOOLONG.
 */
int rundir_path(char ret[RUNDIR_PATH_LEN], const char *stack, const char *file);

/*
 * Make the folder of @stack, and what is above it, of mode 0755.  One that is
 * there already is good if rundir_check() says so and it is root's or our own.
 * On failure @why is a sentence; -EPERM: it is there, and not to be used.
 */
int rundir_make(const char *stack, char why[TOPO_ERROR_LEN]);

/*
 * Are the folders such as rundir_make() leaves them?  In a run directory that
 * $STRATA_RUN_DIR names they may be anybody's.  *@owner is the user whose
 * @stack's folder is.  @stack NULL: only the run directory; *@owner stays.
 * 0; -EPERM: they are not, and @why is a sentence; another negative errno.
 */
int rundir_check(const char *stack, uid_t *owner, char why[TOPO_ERROR_LEN]);

/*
 * The stack that a program means: $STRATA, else the only one that runs.
 * 0; -ENOENT: none runs; -EACCES: none that we may use; -ENOTUNIQ: several do
 * and $STRATA names none.
 */
int rundir_stack(char ret[TOPO_NAME_LEN]);

#endif /* SHM_RUNDIR_H */
