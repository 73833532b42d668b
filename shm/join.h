/*
 * join.h - the way into a running stack: its supervisor's socket
 *
 * A SOCK_SEQPACKET unix socket in the run directory.  A first byte of '{' is a
 * command in JSON, answered in JSON (sup_command.c); anything
 * else is a struct ctl_msg: a daemon that takes a place, or an app.
 */
#ifndef SHM_JOIN_H
#define SHM_JOIN_H

/*
 * Connect to the supervisor of @stack.  Returns a socket or a negative errno.
 * -EACCES: its socket does not let us in, or it is nobody's whom we could
 * believe: rundir_check() is against it, or who listens is neither root, nor
 * we, nor the owner of the folder.
 */
int join_connect(const char *stack);

/*
 * Ask for the place of process @name.  The socket that comes back is a control
 * socket (control.h) on which CTL_START will follow.
 */
int join_stack(const char *stack, const char *name);

#endif /* SHM_JOIN_H */
