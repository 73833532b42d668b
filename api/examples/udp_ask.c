/*
 * udp_ask ADDRESS PORT [TEXT] - send TEXT, or what comes on stdin, in one
 * datagram and print the answer
 *
 * Exit status 1, with a message, if nobody listens there or no answer comes
 * within two seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "api/strata.h"

static char buf[65536];

/* An IPv4 address in its mapped form, so that one socket does for both. */
static int parse(struct sockaddr_in6 *ret, const char *address, int port)
{
	char mapped[64];

	*ret = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
	};
	if (inet_pton(AF_INET6, address, &ret->sin6_addr) == 1)
		return 0;
	snprintf(mapped, sizeof(mapped), "::ffff:%s", address);
	return inet_pton(AF_INET6, mapped, &ret->sin6_addr) == 1 ? 0 : -1;
}

static int fail(const char *what)
{
	fprintf(stderr, "udp_ask: %s: %s\n", what,
	    errno == EAGAIN ? "no answer" : strerror(errno));
	return 1;
}

static int ask(int fd, const struct sockaddr_in6 *to, size_t len)
{
	const struct timeval patience = { .tv_sec = 2 };
	ssize_t n;

	/* Connected, the socket hears of it if nobody listens there. */
	if (strata_connect(fd, (const struct sockaddr *)to, sizeof(*to)) == -1)
		return fail("connect");
	strata_setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (strata_send(fd, buf, len, 0) == -1)
		return fail("send");
	n = strata_recv(fd, buf, sizeof(buf), 0);
	if (n == -1)
		return fail("receive");
	return fwrite(buf, 1, (size_t)n, stdout) == (size_t)n ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 to;
	size_t len;
	int fd, status;

	if (argc < 3 || argc > 4 || parse(&to, argv[1], atoi(argv[2])) == -1) {
		fprintf(stderr, "usage: udp_ask ADDRESS PORT [TEXT]\n");
		return 2;
	}
	len = argc == 4 ? (size_t)snprintf(buf, sizeof(buf), "%s\n", argv[3])
			: fread(buf, 1, sizeof(buf), stdin);
	fd = strata_socket(AF_INET6, SOCK_DGRAM, 0);
	if (fd == -1)
		return fail("socket");
	status = ask(fd, &to, len);
	strata_close(fd);
	return status;
}
