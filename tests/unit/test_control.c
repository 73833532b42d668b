/*
 * test_control.c - messages with descriptors, and what is no message
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/control.h"

static int open_pair(void **state)
{
	static int sock[2];

	*state = sock;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock);
}

static int close_pair(void **state)
{
	const int *sock = *state;

	close(sock[0]);
	close(sock[1]);
	return 0;
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Raw bytes with @nfds copies of standard input. */
static void send_raw(int sock, const void *p, size_t len, uint32_t nfds)
{
	struct iovec iov = { .iov_len = len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(128 * sizeof(int))];
	} room;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	static uint8_t copy[8192];

	assert_true(len <= sizeof(copy));
	memcpy(copy, p, len);
	iov.iov_base = copy;
	if (nfds > 0) {
		struct cmsghdr *c = &room.align;

		h.msg_control = &room;
		h.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		for (uint32_t i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	}
	assert_true(sendmsg(sock, &h, MSG_NOSIGNAL) >= 0);
	close(fd);
}

static void a_message_arrives_as_it_was_sent(void **state)
{
	const int *sock = *state;
	struct ctl_msg m = {
		.type = CTL_SOCKET,
		.id = 7,
		.sub = 9,
		.arg = { 1, 2, 3, 4 },
		.name = "udpd",
	};
	struct ctl_msg got;
	int fds[CTL_MAX_FDS];

	assert_int_equal(ctl_send(sock[0], &m, NULL), 0);
	assert_int_equal(ctl_recv(sock[1], &got, fds), 0);
	assert_memory_equal(&got, &m, sizeof(m));
}

static void descriptors_come_with_it_in_order(void **state)
{
	const int *sock = *state;
	struct ctl_msg m = { .type = CTL_APP, .nfds = CTL_MAX_FDS };
	int sent[CTL_MAX_FDS], fds[CTL_MAX_FDS];
	struct stat a, b;

	for (int i = 0; i < CTL_MAX_FDS; i++) {
		sent[i] = memfd_create("x", MFD_CLOEXEC);
		m.fd[i].index = (uint8_t)i;
	}
	assert_int_equal(ctl_send(sock[0], &m, sent), 0);
	assert_int_equal(ctl_recv(sock[1], &m, fds), 0);
	assert_int_equal(m.nfds, CTL_MAX_FDS);
	for (int i = 0; i < CTL_MAX_FDS; i++) {
		assert_int_equal(m.fd[i].index, i);
		assert_int_equal(fstat(sent[i], &a), 0);
		assert_int_equal(fstat(fds[i], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		close(sent[i]);
		close(fds[i]);
	}
}

static void too_many_descriptors_are_not_sent(void **state)
{
	const int *sock = *state;
	struct ctl_msg m = { .type = CTL_APP, .nfds = CTL_MAX_FDS + 1 };
	int fds[CTL_MAX_FDS + 1] = { 0 };

	assert_int_equal(ctl_send(sock[0], &m, fds), -E2BIG);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EAGAIN);
}

static void a_message_of_another_length_is_malformed(void **state)
{
	static const size_t lengths[] = { 1, 4, sizeof(struct ctl_msg) - 1,
		sizeof(struct ctl_msg) + 1, 8000 };
	const int *sock = *state;
	static uint8_t bytes[8192];
	struct ctl_msg m = { .id = 5 };
	int fds[CTL_MAX_FDS];
	int before = count_fds();

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		send_raw(sock[0], bytes, lengths[i], 3);
		assert_int_equal(ctl_recv(sock[1], &m, fds), -EPROTO);
	}
	/* Nothing was written, and no descriptor is left open. */
	assert_int_equal(m.id, 5);
	assert_int_equal(count_fds(), before);
}

static void descriptors_that_it_does_not_name_are_malformed(void **state)
{
	const int *sock = *state;
	struct ctl_msg m = { .type = CTL_APP, .nfds = 2 };
	int fds[CTL_MAX_FDS];
	int before = count_fds();

	send_raw(sock[0], &m, sizeof(m), 1);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EPROTO);
	send_raw(sock[0], &m, sizeof(m), 0);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EPROTO);
	m.nfds = UINT32_MAX;
	send_raw(sock[0], &m, sizeof(m), 1);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EPROTO);
	/* More than there is room for. */
	m.nfds = CTL_MAX_FDS;
	send_raw(sock[0], &m, sizeof(m), CTL_MAX_FDS + 1);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EPROTO);
	assert_int_equal(count_fds(), before);
}

static void a_type_that_does_not_exist_is_malformed(void **state)
{
	const int *sock = *state;
	struct ctl_msg m = { .type = NCTL_TYPES };
	int fds[CTL_MAX_FDS];

	send_raw(sock[0], &m, sizeof(m), 0);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EPROTO);
}

static void bytes_travel_behind_it(void **state)
{
	const int *sock = *state;
	struct ctl_msg m = { .type = CTL_ANSWER, .id = 5 };
	static uint8_t sent[16384], got[16384];
	int fds[CTL_MAX_FDS];
	size_t len = 99;

	memset(sent, 0xa5, sizeof(sent));
	assert_int_equal(
	    ctl_send_bytes(sock[0], &m, NULL, sent, sizeof(sent)), 0);
	assert_int_equal(
	    ctl_recv_bytes(sock[1], &m, fds, got, sizeof(got), &len), 0);
	assert_int_equal(len, sizeof(got));
	assert_memory_equal(got, sent, sizeof(got));
	/* More than there is room for; none is fine. */
	ctl_send_bytes(sock[0], &m, NULL, sent, 9);
	assert_int_equal(
	    ctl_recv_bytes(sock[1], &m, fds, got, 8, &len), -EPROTO);
	ctl_send_bytes(sock[0], &m, NULL, sent, 1);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EPROTO);
	ctl_send(sock[0], &m, NULL);
	assert_int_equal(
	    ctl_recv_bytes(sock[1], &m, fds, got, sizeof(got), &len), 0);
	assert_int_equal(len, 0);
}

static void nobody_waits(void **state)
{
	const int *sock = *state;
	struct ctl_msg m = { .type = CTL_GO };
	int fds[CTL_MAX_FDS];
	int sent = 0;

	assert_int_equal(ctl_recv(sock[1], &m, fds), -EAGAIN);
	while (ctl_send(sock[0], &m, NULL) == 0)
		assert_true(++sent < 100000);
	assert_int_equal(ctl_send(sock[0], &m, NULL), -EAGAIN);
}

static void the_other_end_is_gone(void **state)
{
	int *sock = *state;
	struct ctl_msg m = { .type = CTL_GO };
	int fds[CTL_MAX_FDS];

	close(sock[0]);
	assert_int_equal(ctl_recv(sock[1], &m, fds), -EPIPE);
	assert_int_equal(ctl_send(sock[1], &m, NULL), -EPIPE);
	sock[0] = dup(sock[1]);
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_PAIR(a_message_arrives_as_it_was_sent),
		WITH_PAIR(descriptors_come_with_it_in_order),
		WITH_PAIR(too_many_descriptors_are_not_sent),
		WITH_PAIR(a_message_of_another_length_is_malformed),
		WITH_PAIR(descriptors_that_it_does_not_name_are_malformed),
		WITH_PAIR(a_type_that_does_not_exist_is_malformed),
		WITH_PAIR(bytes_travel_behind_it),
		WITH_PAIR(nobody_waits),
		WITH_PAIR(the_other_end_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
