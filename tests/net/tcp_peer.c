/*
 * tcp_peer - the kernel's end of a connection, for tests of ours
 *
 *	tcp_peer ADDRESS PORT		connects
 *	tcp_peer -l ADDRESS PORT	takes one connection
 *
 * Standard input to the peer, what it sends to standard output, each until its
 * end; the ends are told apart (nc forgets the rest of its input when the peer
 * has ended).  CUBIC, whatever this machine's default is.  At the end one line
 * on standard error: bytes each way, and the longest silence in milliseconds
 * between two reads.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"

static char in[65536];
static char out[65536];

static struct {
	int fd;
	size_t waiting, sent; /* of in[] */
	bool in_over, net_over;
	uint64_t to, from;
	struct mono last;
	int64_t silence_ns;
} x;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void open_connection(bool listens, const char *address, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *a;
	const int on = 1;
	int fd;

	if (getaddrinfo(address, port, &hints, &a) != 0)
		die(address);
	fd = socket(a->ai_family, SOCK_STREAM, 0);
	if (fd == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) == -1)
		die("socket, cubic");
	if (listens) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, a->ai_addr, a->ai_addrlen) == -1 ||
		    listen(fd, 1) == -1)
			die("listen");
		x.fd = accept(fd, NULL, NULL);
		close(fd);
	} else {
		x.fd = fd;
		if (connect(fd, a->ai_addr, a->ai_addrlen) == -1)
			die("connect");
	}
	freeaddrinfo(a);
	if (x.fd == -1)
		die("accept");
}

static void read_input(void)
{
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));

	if (n > 0) {
		x.waiting = (size_t)n;
		x.sent = 0;
		return;
	}
	x.in_over = true;
	shutdown(x.fd, SHUT_WR);
}

static void send_some(void)
{
	ssize_t n = send(
	    x.fd, in + x.sent, x.waiting - x.sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		die("send");
	x.to += (uint64_t)n;
	x.sent += (size_t)n;
	if (x.sent == x.waiting)
		x.waiting = 0;
}

static void receive(void)
{
	ssize_t n = recv(x.fd, out, sizeof(out), MSG_DONTWAIT);
	struct mono now = mono_now();

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		die("recv");
	if (x.from > 0 && mono_since(now, x.last) > x.silence_ns)
		x.silence_ns = mono_since(now, x.last);
	x.last = now;
	x.net_over = n == 0;
	x.from += (uint64_t)n;
	for (ssize_t done = 0, w = 0; done < n; done += w) {
		w = write(STDOUT_FILENO, out + done, (size_t)(n - done));
		if (w == -1)
			die("write");
	}
}

int main(int argc, char **argv)
{
	bool listens = argc == 4 && strcmp(argv[1], "-l") == 0;

	if (argc != 3 + listens) {
		fprintf(stderr, "usage: tcp_peer [-l] ADDRESS PORT\n");
		return 2;
	}
	open_connection(listens, argv[argc - 2], argv[argc - 1]);
	while (!x.in_over || !x.net_over || x.waiting > 0) {
		struct pollfd p[2] = {
			{ .fd = x.in_over || x.waiting > 0 ? -1 : STDIN_FILENO,
			    .events = POLLIN },
			{ .fd = x.fd,
			    .events = (short)((x.net_over ? 0 : POLLIN) |
				(x.waiting > 0 ? POLLOUT : 0)) },
		};

		if (poll(p, 2, -1) == -1)
			die("poll");
		if (p[0].revents != 0)
			read_input();
		if (p[1].revents & (POLLOUT | POLLERR) && x.waiting > 0)
			send_some();
		if (p[1].revents & (POLLIN | POLLERR | POLLHUP) && !x.net_over)
			receive();
	}
	fprintf(stderr, "sent=%llu received=%llu silence_ms=%lld\n",
	    (unsigned long long)x.to, (unsigned long long)x.from,
	    (long long)(x.silence_ns / NS_PER_MS));
	return 0;
}
