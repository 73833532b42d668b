/*
 * app_links.h - a transport's descriptors: apps' segments, sockets' other ends
 *
 * The process part of apps.h: what the supervisor says about apps becomes maps
 * and watches, and what a turn has changed becomes wakes.  The transport's
 * struct daemon_ops has functions that lead here.
 */
#ifndef SHM_APP_LINKS_H
#define SHM_APP_LINKS_H

#include "shm/apps.h"
#include "shm/daemon.h"

/*
 * One for each fd that is watched; outlives the socket until the loop has
 * forgotten it, so that an old event is never taken for a new socket's.
 */
struct hook {
	struct watch watch; /* first */
	struct hook *next;
};

struct app_link {
	struct hook *hook; /* NULL while standing by */
	int fd;            /* -1: no socket */
};

struct app_map {
	void *a2s, *s2a;
	uint32_t farewell;     /* the number under which it left */
	struct app_link *link; /* APP_MAX_SOCKETS, while the app is there */
};

struct app_links {
	struct daemon *d;
	struct apps *apps;
	struct app_map app[APP_MAX];
	struct hook *old; /* to be freed when the loop is done with them */
};

/* System calls of ours beyond those of the loop. */
#define APP_LINKS_SYSCALLS \
	SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(shutdown)

/* As in struct daemon_ops; @p is filled in by the first of these. */
int app_links_watch(struct app_links *p, struct daemon *d);
void app_links_control(struct app_links *p, struct daemon *d,
    const struct ctl_msg *m, const int *fds);
void app_links_after(struct app_links *p, struct daemon *d);

#endif /* SHM_APP_LINKS_H */
