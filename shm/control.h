/*
 * control.h - what the supervisor and a daemon say to each other
 *
 * One SOCK_SEQPACKET pair for each daemon process; each message is one struct
 * ctl_msg, with file descriptors beside it (SCM_RIGHTS) whose meaning is in
 * fd[], in order.  The data path never waits for an answer.
 *
 *	supervisor                         daemon
 *	CTL_START plan, segments, bells ->
 *	CTL_APP, CTL_SOCKET (state so far)
 *	                                <- CTL_READY: all mapped, standing by
 *	CTL_GO                          ->            the last instance is dead
 *	                                <- CTL_UP: recovered, first turn done
 *	CTL_APP, CTL_SOCKET as they come -> to the running one and the standby
 *	                                <- CTL_SOCKET_GONE, CTL_APP_GONE
 *	CTL_APP, CTL_APP_GONE           -> to linkd, which sends from their
 *	                                   rings; gone when all transports
 *	                                   are done
 *	                                <- CTL_APP_GONE: it has forgotten them
 *	CTL_STOP                        -> leave between two turns
 *
 * An app speaks the same messages on its own connection to the supervisor's
 * socket (join.h), as a request and its answer:
 *
 *	app                                supervisor
 *	CTL_APP                         ->
 *	                                <- CTL_APP id, plan, a2s, s2a
 *	CTL_SOCKET                      ->
 *	  arg = family, type,
 *	  protocol, count
 *	                                <- CTL_SOCKET subs, fds; or
 *	                                   arg[3] = errno
 *	CTL_ASK                         ->
 *	                                <- CTL_ANSWER (ask.h)
 *
 * A new supervisor (keeper.h) sends CTL_READY to ask a daemon how far it is;
 * the daemon answers CTL_READY or CTL_UP.
 */
#ifndef SHM_CONTROL_H
#define SHM_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ctl_type {
	CTL_START,
	CTL_READY,
	CTL_GO,
	CTL_UP,
	CTL_STOP,
	CTL_APP,      /* to transports: app number id, fds a2s and s2a */
	CTL_APP_GONE, /* sup: it is dead, clean up; daemon: done with it, and
		       * the same number in sub */
	CTL_SOCKET,   /* to transports: app id, subs, fd of our end of each */
	CTL_SOCKET_GONE, /* daemon: closed; drop your copy of its fd */
	CTL_JOIN,        /* a daemon started by hand asks for name's place */
	CTL_TAP,         /* to who captures: plan, taps (sup_tap.c) */
	CTL_ASK,         /* a struct ask behind it; ask.h; id: names the ask */
	CTL_ANSWER,      /* id; arg = errno, next cursor, more; bytes behind */
	NCTL_TYPES,
};

/* What a descriptor that comes with a message is. */
enum ctl_role {
	FD_PLAN, /* the frozen struct topology */
	FD_SUP_OUT,
	FD_OUT, /* index: process */
	FD_PRIV,
	FD_POOL,   /* index: process */
	FD_BELL,   /* index: process */
	FD_DEVICE, /* index: link */
	FD_LOG,
	FD_A2S,
	FD_S2A,
	FD_SOCKET,
	FD_TAP, /* index: process */
	NFD_ROLES,
};

enum {
	CTL_MAX_FDS = 64,
	CTL_MAX_SOCKETS = 32,
};

struct ctl_fd {
	uint8_t role; /* enum ctl_role */
	uint8_t index;
	uint8_t writable;
	uint8_t pad;
};

struct ctl_msg {
	uint32_t type; /* enum ctl_type */
	uint32_t self; /* CTL_START: index into procs[] */
	uint32_t id;   /* app number */
	uint32_t sub;  /* socket number of that app */
	uint32_t arg[4];
	char name[16];
	uint32_t nfds;
	struct ctl_fd fd[CTL_MAX_FDS];
	uint16_t subs[CTL_MAX_SOCKETS]; /* CTL_SOCKET: one for each fd */
};

/* One more descriptor that goes with @m. */
void ctl_add_fd(struct ctl_msg *m, int fds[CTL_MAX_FDS], enum ctl_role role,
    uint32_t index, bool writable, int fd);

/*
 * Send @m with m->nfds descriptors.  Never blocks: -EAGAIN if the other end
 * does not read; -EPIPE if it is gone.
 */
int ctl_send(int sock, const struct ctl_msg *m, const int *fds);

/*
 * Receive one message and its descriptors (close-on-exec).  -EAGAIN: none
 * waits; -EPIPE: the other end is gone; -EPROTO: malformed, its descriptors
 * have been closed.
 */
int ctl_recv(int sock, struct ctl_msg *ret, int fds[CTL_MAX_FDS]);

/*
 * The same, with @len bytes behind the message; up to @room can be received
 * (else -EPROTO), their number in *@len.
 */
int ctl_send_bytes(int sock, const struct ctl_msg *m, const int *fds,
    const void *bytes, size_t len);
int ctl_recv_bytes(int sock, struct ctl_msg *ret, int fds[CTL_MAX_FDS],
    void *bytes, size_t room, size_t *len);

#endif /* SHM_CONTROL_H */
