/*
 * tcp_echo PORT - send everything back, on any number of connections
 *
 * One thread and one epoll set.  A connection whose peer does not read what it
 * gets back is left alone until it does: nothing is read from it meanwhile.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/strata.h"

static int ep;

static int open_port(uint16_t port)
{
	struct sockaddr_in6 here = {
		.sin6_family = AF_INET6,
		.sin6_addr = in6addr_any,
		.sin6_port = htons(port),
	};
	const int on = 1;
	int fd = strata_socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	strata_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (strata_bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1)
		return -1;
	return strata_listen(fd, SOMAXCONN) == -1 ? -1 : fd;
}

static int watch(int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return strata_epoll_ctl(ep, op, fd, &e);
}

/* False: there will be no more, as when the stack is taken down. */
static int take_connections(int listener)
{
	int fd;

	while ((fd = strata_accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1)
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	return errno == EAGAIN || errno == ECONNABORTED;
}

/*
 * What is read is only looked at until it is known how much of it went back;
 * then so much is taken away.
 */
static void echo(int fd)
{
	static char buf[65536];
	ssize_t n = strata_recv(fd, buf, sizeof(buf), MSG_PEEK);
	ssize_t sent =
	    n > 0 ? strata_send(fd, buf, (size_t)n, MSG_NOSIGNAL) : n;

	if (sent > 0)
		strata_recv(fd, buf, (size_t)sent, MSG_TRUNC);
	if (sent == 0 || (sent == -1 && errno != EAGAIN))
		strata_close(fd);
	else
		watch(EPOLL_CTL_MOD, fd, sent < n ? EPOLLOUT : EPOLLIN);
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];
	int listener;

	if (argc != 2 || atoi(argv[1]) < 1 || atoi(argv[1]) > UINT16_MAX) {
		fprintf(stderr, "usage: tcp_echo PORT\n");
		return 2;
	}
	listener = open_port((uint16_t)atoi(argv[1]));
	ep = strata_epoll_create1(EPOLL_CLOEXEC);
	if (listener == -1 || ep == -1 ||
	    watch(EPOLL_CTL_ADD, listener, EPOLLIN) == -1) {
		perror("tcp_echo");
		return 1;
	}
	printf("echoing on port %s\n", argv[1]);
	fflush(stdout);

	for (;;) {
		int n = strata_epoll_wait(ep, events, 64, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd != listener)
				echo(events[i].data.fd);
			else if (!take_connections(listener))
				return perror("tcp_echo"), 1;
	}
}
