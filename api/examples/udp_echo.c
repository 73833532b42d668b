/*
 * udp_echo PORT - send every datagram back to where it came from
 *
 * One IPv6 socket serves both families: an IPv4 peer appears with its address
 * mapped, ::ffff:192.0.2.1.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/strata.h"

static char buf[65536];

static int open_port(uint16_t port)
{
	struct sockaddr_in6 here = {
		.sin6_family = AF_INET6,
		.sin6_addr = in6addr_any,
		.sin6_port = htons(port),
	};
	int fd = strata_socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd == -1) {
		perror("strata_socket");
		return -1;
	}
	if (strata_bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1) {
		perror("strata_bind");
		strata_close(fd);
		return -1;
	}
	return fd;
}

/*
 * From the address that the peer wrote to: with several of our own, the stack
 * would choose one that may be another.
 */
static ssize_t echo_one(int fd)
{
	struct sockaddr_in6 peer;
	char control[256];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = {
		.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = strata_recvmsg(fd, &msg, 0);

	if (n == -1)
		return -1;
	iov.iov_len = (size_t)n;
	return strata_sendmsg(fd, &msg, 0);
}

int main(int argc, char **argv)
{
	const int on = 1;
	int fd;

	if (argc != 2 || atoi(argv[1]) < 1 || atoi(argv[1]) > UINT16_MAX) {
		fprintf(stderr, "usage: udp_echo PORT\n");
		return 2;
	}
	fd = open_port((uint16_t)atoi(argv[1]));
	if (fd == -1)
		return 1;
	strata_setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	printf("echoing on port %s\n", argv[1]);
	fflush(stdout);

	for (;;) {
		/* One peer that can't be answered is no reason to stop. */
		if (echo_one(fd) == -1 && errno == ENETDOWN)
			break;
	}
	perror("udp_echo");
	strata_close(fd);
	return 1;
}
