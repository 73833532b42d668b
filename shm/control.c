/*
 * control.c - what the supervisor and a daemon say to each other
 */
#include "shm/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The supervisor is also told who sends (sup_rights.c). */
union fd_room {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(CTL_MAX_FDS * sizeof(int)) +
	    CMSG_SPACE(sizeof(struct ucred))];
};

int ctl_send_bytes(int sock, const struct ctl_msg *m, const int *fds,
    const void *bytes, size_t len)
{
	/* sendmsg() does not write there. */
	struct iovec iov[2] = { { (void *)(uintptr_t)m, sizeof(*m) },
		{ (void *)(uintptr_t)bytes, len } };
	union fd_room room;
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };

	if (m->nfds > CTL_MAX_FDS)
		return -E2BIG;
	if (m->nfds > 0) {
		struct cmsghdr *c = &room.align;

		memset(&room, 0, sizeof(room));
		h.msg_control = &room;
		h.msg_controllen = CMSG_SPACE(m->nfds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(m->nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, m->nfds * sizeof(int));
	}
	if (sendmsg(sock, &h, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/*
 * Take the descriptors out of @h; returns how many there are.  Without
 * credentials beside them there is room for more than we take.
 */
static uint32_t unpack_fds(struct msghdr *h, int fds[CTL_MAX_FDS])
{
	uint32_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < bytes / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (n < CTL_MAX_FDS) {
				fds[n++] = fd;
				continue;
			}
			close(fd);
			h->msg_flags |= MSG_CTRUNC;
		}
	}
	return n;
}

int ctl_recv_bytes(int sock, struct ctl_msg *ret, int fds[CTL_MAX_FDS],
    void *bytes, size_t room_for, size_t *len)
{
	struct ctl_msg m;
	struct iovec iov[2] = { { &m, sizeof(m) }, { bytes, room_for } };
	union fd_room room;
	struct msghdr h = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	ssize_t got = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	uint32_t n;

	if (got == -1)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (got == 0)
		return -EPIPE;
	n = unpack_fds(&h, fds);
	if (got < (ssize_t)sizeof(m) || m.type >= NCTL_TYPES || m.nfds != n ||
	    (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		while (n-- > 0)
			close(fds[n]);
		return -EPROTO;
	}
	*ret = m;
	*len = (size_t)got - sizeof(m);
	return 0;
}

void ctl_add_fd(struct ctl_msg *m, int fds[CTL_MAX_FDS], enum ctl_role role,
    uint32_t index, bool writable, int fd)
{
	fds[m->nfds] = fd;
	m->fd[m->nfds++] = (struct ctl_fd){
		.role = (uint8_t)role,
		.index = (uint8_t)index,
		.writable = writable,
	};
}

int ctl_send(int sock, const struct ctl_msg *m, const int *fds)
{
	return ctl_send_bytes(sock, m, fds, NULL, 0);
}

int ctl_recv(int sock, struct ctl_msg *ret, int fds[CTL_MAX_FDS])
{
	size_t none;

	return ctl_recv_bytes(sock, ret, fds, NULL, 0, &none);
}
