/*
 * fuzz_control.c - whatever comes over a control socket is a message or -EPROTO
 *
 * The first byte says how many descriptors come with it, the rest is what is
 * sent, put right in length and number now and then, which chance never does.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	FDS_MAX = 80, /* more than a message may have */
	RIGHT_LENGTH = 0x80,
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void send_bytes(
    int sock, uint8_t *p, size_t len, const int *fds, uint32_t nfds)
{
	struct iovec iov = { .iov_len = len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} room;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	iov.iov_base = p;
	memset(&room, 0, sizeof(room));
	if (nfds > 0) {
		h.msg_control = &room;
		h.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		room.align.cmsg_level = SOL_SOCKET;
		room.align.cmsg_type = SCM_RIGHTS;
		room.align.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(&room.align), fds, nfds * sizeof(int));
	}
	must(sendmsg(sock, &h, MSG_NOSIGNAL) == (ssize_t)len);
}

/* The number that the next descriptor will have. */
static int next_fd(void)
{
	int fd = dup(0);

	must(fd >= 0);
	close(fd);
	return fd;
}

/* Every descriptor that is not handed out has been closed. */
static void receive(int sock)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	int next = next_fd();
	int r = ctl_recv(sock, &m, fds);

	must(r == 0 || r == -EPROTO);
	if (r == 0) {
		must(m.nfds <= CTL_MAX_FDS && m.type < NCTL_TYPES);
		for (uint32_t i = 0; i < m.nfds; i++)
			must(close(fds[i]) == 0);
	}
	must(next_fd() == next);
	must(ctl_recv(sock, &m, fds) == -EAGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[2 * sizeof(struct ctl_msg)];
	size_t len = sizeof(struct ctl_msg);
	int fds[FDS_MAX] = { 0 };
	uint32_t nfds;
	int sock[2];

	if (size < 2 || size - 1 > sizeof(bytes))
		return 0;
	nfds = (data[0] & ~RIGHT_LENGTH) % FDS_MAX;
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, data + 1, size - 1);
	if (data[0] & RIGHT_LENGTH)
		memcpy(bytes + offsetof(struct ctl_msg, nfds), &nfds,
		    sizeof(nfds));
	else
		len = size - 1;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock) == 0);
	send_bytes(sock[0], bytes, len, fds, nfds);
	receive(sock[1]);
	close(sock[0]);
	close(sock[1]);
	return 0;
}
