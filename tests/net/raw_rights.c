/*
 * raw_rights.c - who has given up root's rights has none by his connection
 *
 *	raw_rights IPD	as root; it becomes uid 65534 on its way.  IPD: the pid
 *			of the stack's ipd, which is stopped for a moment
 *
 * Before and after, raw sockets are compared with the kernel's; then messages
 * are sent that the library would not send.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/strata.h"
#include "shm/app.h"
#include "shm/ask.h"
#include "shm/control.h"
#include "shm/join.h"
#include "shm/rundir.h"

static int wrong;

static void expect(const char *who, const char *what, int fd, int want)
{
	int got = fd == -1 ? errno : 0;

	if (got == want)
		return;
	printf("%s: %s: %s\n", who, what, strerror(got));
	wrong = 1;
}

static void try_all(const char *who, int raw)
{
	expect(who, "the kernel's raw socket",
	    socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), raw);
	expect(who, "a raw socket",
	    strata_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), raw);
	expect(who, "a raw socket of IPv6",
	    strata_socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6),
	    raw);
	expect(
	    who, "a datagram socket", strata_socket(AF_INET, SOCK_DGRAM, 0), 0);
	expect(
	    who, "a stream socket", strata_socket(AF_INET, SOCK_STREAM, 0), 0);
}

/* The errno that the supervisor answers on @fd. */
static uint32_t answer(int fd, const struct ctl_msg *m)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ctl_msg a = { .arg = { [3] = ENOMSG } };
	int fds[CTL_MAX_FDS];

	if (ctl_send(fd, m, NULL) == 0 && poll(&p, 1, 5000) == 1)
		ctl_recv(fd, &a, fds);
	return a.arg[3];
}

/* What is SOCK_RAW only to who looks at one byte of it. */
static void lie(int fd)
{
	struct ctl_msg m = { .type = CTL_SOCKET };
	const uint32_t kinds[] = { 0x100 | SOCK_RAW, SOCK_RAW | SOCK_CLOEXEC, 0,
		UINT32_MAX };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		m.arg[0] = AF_INET;
		m.arg[1] = kinds[i];
		m.arg[2] = IPPROTO_ICMP;
		if (answer(fd, &m) != EPROTONOSUPPORT) {
			printf("type %#x is let in\n", kinds[i]);
			wrong = 1;
		}
	}
	m.arg[1] = SOCK_RAW;
	if (answer(fd, &m) != EPERM) {
		printf("a raw socket is let in\n");
		wrong = 1;
	}
}

static bool is_closed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ctl_msg a;
	int fds[CTL_MAX_FDS];

	return poll(&p, 1, 5000) == 1 && ctl_recv(fd, &a, fds) == -EPIPE;
}

/* A daemon's place is not for who was root when he connected. */
static void join(int fd)
{
	struct ctl_msg m = { .type = CTL_JOIN, .name = "ipd" };

	if (ctl_send(fd, &m, NULL) < 0 || !is_closed(fd)) {
		printf("it may join\n");
		wrong = 1;
	}
}

/* Nor for a connection that is an app's, a reader's of packets, a question. */
static void attach_then_join(const char *stack)
{
	int fd = join_connect(stack);

	if (answer(fd, &(struct ctl_msg){ .type = CTL_APP }) != 0) {
		printf("it may not attach\n");
		wrong = 1;
	}
	join(fd);
	close(fd);
}

static void tap_then_join(const char *stack)
{
	static const char text[] = "{\"command\": \"tap\"}";
	int fd = join_connect(stack);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ctl_msg m = { .nfds = 0 };
	int fds[CTL_MAX_FDS];

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) == -1 ||
	    poll(&p, 1, 5000) != 1 || ctl_recv(fd, &m, fds) < 0 ||
	    m.type != CTL_TAP) {
		printf("it may not see packets\n");
		wrong = 1;
	}
	while (m.nfds > 0)
		close(fds[--m.nfds]);
	join(fd);
	close(fd);
}

static void ask_then_join(const char *stack, pid_t ipd)
{
	struct ctl_msg m = { .type = CTL_ASK };
	struct ask q = { .version = ASK_VERSION, .op = ASK_WAY };
	int fd = join_connect(stack);

	q.ip = ip_from_v4((const uint8_t[]){ 192, 0, 2, 1 });
	kill(ipd, SIGSTOP);
	if (ctl_send_bytes(fd, &m, NULL, &q, sizeof(q)) < 0) {
		printf("it may not ask\n");
		wrong = 1;
	}
	join(fd);
	kill(ipd, SIGCONT);
	close(fd);
}

/* Refused, an app leaves as any other does: there is room for the next. */
static void attach_and_join(const char *stack)
{
	for (int i = 0; i < APP_MAX + 2; i++) {
		int fd = join_connect(stack);

		if (fd < 0 ||
		    answer(fd, &(struct ctl_msg){ .type = CTL_APP }) != 0) {
			printf("no more than %d apps\n", i);
			wrong = 1;
			return;
		}
		join(fd);
		close(fd);
		usleep(20000);
	}
}

int main(int argc, char **argv)
{
	char stack[TOPO_NAME_LEN] = "";
	pid_t ipd = argc > 1 ? atoi(argv[1]) : 0;
	int fd, other;

	if (ipd <= 0) {
		printf("usage: raw_rights IPD\n");
		return 2;
	}
	try_all("root", 0);
	fd = rundir_stack(stack) == 0 ? join_connect(stack) : -1;
	other = join_connect(stack);
	if (fd < 0 || answer(fd, &(struct ctl_msg){ .type = CTL_APP }) != 0) {
		printf("no connection of our own\n");
		return 1;
	}
	attach_then_join(stack);
	tap_then_join(stack);
	ask_then_join(stack, ipd);
	if (setuid(65534) == -1) {
		perror("setuid");
		return 1;
	}
	try_all("root no more", EPERM);
	lie(fd);
	join(other);
	join(fd);
	attach_and_join(stack);
	return wrong;
}
