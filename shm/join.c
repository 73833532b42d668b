/*
 * join.c - the way into a running stack: its supervisor's socket
 */
#include "shm/join.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/control.h"
#include "shm/rundir.h"

/* Does who listens there run the stack, if its folder is @owner's? */
static bool is_its_supervisor(int fd, uid_t owner)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return false;
	return who.uid == 0 || who.uid == geteuid() || who.uid == owner;
}

int join_connect(const char *stack)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char why[TOPO_ERROR_LEN];
	uid_t owner = (uid_t)-1;
	int fd;
	int r = rundir_path(to.sun_path, stack, "ctl");

	if (r == 0)
		r = rundir_check(stack, &owner, why);
	if (r < 0)
		return r == -EPERM ? -EACCES : r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1) {
		r = -errno;
		close(fd);
		return r;
	}
	if (!is_its_supervisor(fd, owner)) {
		close(fd);
		return -EACCES;
	}
	return fd;
}

int join_stack(const char *stack, const char *name)
{
	struct ctl_msg m = { .type = CTL_JOIN };
	int fd = join_connect(stack);
	int r;

	if (fd < 0)
		return fd;
	snprintf(m.name, sizeof(m.name), "%s", name);
	r = ctl_send(fd, &m, NULL);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
