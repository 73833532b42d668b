/*
 * sandbox.h - open everything, then shut the door
 *
 * After its segments are mapped a daemon needs a dozen system calls, no file
 * and no privilege.  sandbox_enter() takes the rest away, for good:
 *
 *	1. another user and group, if it runs as root and may
 *	2. every capability
 *	3. no_new_privs
 *	4. seccomp: what is not on the list answers EPERM
 *
 * EPERM and not death: a call that the C library makes on some rare path must
 * not become a way to kill a daemon from the wire.
 */
#ifndef SHM_SANDBOX_H
#define SHM_SANDBOX_H

#include "shm/log.h"

/*
 * @uid: user and group to become, 0: stay.  @more: system calls beyond those
 * of every daemon, ended by -1, or NULL.  Returns a negative errno, logged.
 */
int sandbox_enter(struct log *log, unsigned uid, const int *more);

#endif /* SHM_SANDBOX_H */
