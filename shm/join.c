/*
 * join.c - the way into a running stack: its supervisor's socket
 */
#include "shm/join.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/control.h"
#include "shm/rundir.h"

int join_connect(const char *stack)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;
	int r = rundir_path(to.sun_path, stack, "ctl");

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1) {
		r = -errno;
		close(fd);
		return r;
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
