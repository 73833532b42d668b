/*
 * tcp_ask ADDRESS PORT - what comes on standard input to a server, and what it
 * answers to standard output
 *
 * After the end of the input the connection is half closed: the server sees
 * the end, and may go on sending.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include "api/strata.h"

static char buf[65536];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int dial(const char *address, const char *port)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *to;
	int fd;

	if (getaddrinfo(address, port, &hints, &to) != 0) {
		fprintf(stderr, "%s %s: no address and port\n", address, port);
		return -1;
	}
	fd = strata_socket(to->ai_family, SOCK_STREAM, 0);
	if (fd == -1 || strata_connect(fd, to->ai_addr, to->ai_addrlen) == -1) {
		perror(address);
		fd = -1;
	}
	freeaddrinfo(to);
	return fd;
}

/* All of it, to standard output.  False: it is closed. */
static int put(const char *p, ssize_t n)
{
	while (n > 0) {
		ssize_t done = write(STDOUT_FILENO, p, (size_t)n);

		if (done == -1)
			return 0;
		p += done;
		n -= done;
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct pollfd p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .events = POLLIN },
	};
	ssize_t n;

	if (argc != 3) {
		fprintf(stderr, "usage: tcp_ask ADDRESS PORT\n");
		return 2;
	}
	p[1].fd = dial(argv[1], argv[2]);
	if (p[1].fd == -1)
		return 1;
	for (;;) {
		if (strata_poll(p, 2, -1) == -1)
			return fail("strata_poll");
		if (p[1].revents != 0) {
			n = strata_recv(p[1].fd, buf, sizeof(buf), 0);
			if (n == -1)
				return fail("strata_recv");
			if (n == 0 || !put(buf, n))
				return 0;
		}
		if (p[0].revents != 0) {
			n = read(STDIN_FILENO, buf, sizeof(buf));
			if (n <= 0) {
				p[0].fd = -1;
				strata_shutdown(p[1].fd, SHUT_WR);
			} else if (strata_send(p[1].fd, buf, (size_t)n, 0) <
			    n) {
				return fail("strata_send");
			}
		}
	}
}
