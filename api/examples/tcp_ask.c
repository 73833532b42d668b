/*
 * tcp_ask ADDRESS PORT - what comes on standard input to a server, and what it
 * answers to standard output
 *
 * After the end of the input the connection is half closed: the server sees
 * the end, and may go on sending.  It is over when both have ended.
 */
#include <netdb.h>
#include <pthread.h>
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

/* A thread of its own: who only sent would wait for a server that waits too. */
static void *hear(void *arg)
{
	int fd = *(const int *)arg;
	ssize_t n;

	while ((n = strata_recv(fd, buf, sizeof(buf), 0)) > 0 && put(buf, n))
		;
	if (n == -1)
		perror("strata_recv");
	return n == -1 ? arg : NULL;
}

int main(int argc, char **argv)
{
	static char out[65536];
	pthread_t thread;
	void *failed;
	ssize_t n;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: tcp_ask ADDRESS PORT\n");
		return 2;
	}
	fd = dial(argv[1], argv[2]);
	if (fd == -1)
		return 1;
	if (pthread_create(&thread, NULL, hear, &fd) != 0)
		return fail("pthread_create");
	while ((n = read(STDIN_FILENO, out, sizeof(out))) > 0)
		for (ssize_t sent = 0, k; sent < n; sent += k) {
			k = strata_send(
			    fd, out + sent, (size_t)(n - sent), MSG_NOSIGNAL);
			if (k == -1)
				return fail("strata_send");
		}
	strata_shutdown(fd, SHUT_WR);
	pthread_join(thread, &failed);
	return failed != NULL;
}
