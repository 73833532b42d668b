/*
 * links.h - udpd's descriptors: the apps' segments and the sockets' other ends
 *
 * All system calls of udpd but those of the loop are here.
 */
#ifndef UDPD_LINKS_H
#define UDPD_LINKS_H

#include "shm/daemon.h"
#include "udpd/udpd.h"

/*
 * One for each fd that is watched; outlives the socket until the loop has
 * forgotten it, so that an old event is never taken for a new socket's.
 */
struct hook {
	struct watch watch; /* first */
	struct hook *next;
};

struct link {
	struct hook *hook; /* NULL while standing by */
	int fd;            /* -1: no socket */
};

struct app_links {
	void *a2s, *s2a;
	struct link *link; /* APP_MAX_SOCKETS, while the app is there */
};

/* The layer as daemon.h wants it: the library first, then what joins it. */
struct udpd_process {
	struct udpd u;
	struct daemon *d;
	struct app_links app[APP_MAX];
	struct hook *old; /* to be freed when the loop is done with them */
};

int links_prepare(void *x, struct daemon *d);
int links_watch(void *x, struct daemon *d);
void links_control(
    void *x, struct daemon *d, const struct ctl_msg *m, const int *fds);
void links_after(void *x, struct daemon *d);

#endif /* UDPD_LINKS_H */
