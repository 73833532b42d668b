/*
 * tcp_load.c - both ends of what tests/bench/tcp.sh measures
 *
 *	tcp_load serve PORT
 *	tcp_load send ADDRESS PORT STREAMS MS	bytes to the server
 *	tcp_load recv ADDRESS PORT STREAMS MS	bytes from it
 *	tcp_load ask ADDRESS PORT SIZE MS	so many bytes there and back
 *	tcp_load connect ADDRESS PORT N MS	N at once: open, ask 64 B, close
 *	tcp_load hold ADDRESS PORT N		N idle ones, until stdin ends
 *
 * The same text is compiled a second time as tcp_load_strata.c, where each
 * NET(call) is our library's instead of libc's.  So what is compared are stacks
 * and not programs.
 *
 * A connection begins with five bytes: what is wanted of the server (the first
 * letter of the words above) and a number.  Rates are the receiver's; `send`
 * also fails if the server did not count as many bytes as were sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shm/bytes.h"

#ifndef NET
#define NET(call) call
#endif

enum {
	HEAD_LEN = 5,
	COUNT_LEN = 8,
	REQUEST_LEN = 64, /* of `connect`, head and all, and its answer */
	MAX_FD = 20000,
	MAX_STREAMS = 64,
	MAX_SAMPLES = 1 << 20,
	CHUNK = 128 * 1024,
	PATIENCE_MS = 5000, /* for something to happen at all */
};

/* One of either end, by its descriptor. */
struct conn {
	uint8_t head[HEAD_LEN];
	uint8_t head_len; /* of it, read so far */
	bool ended;
	uint64_t bytes;
	uint64_t until_ns;
};

static struct conn conns[MAX_FD];
static uint8_t chunk[CHUNK];
static int ep = -1;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* No event for so long; or the call itself has failed. */
static void stalled(int n)
{
	if (n == -1)
		give_up("epoll_wait");
	fprintf(stderr, "stalled: nothing for %d s\n", PATIENCE_MS / 1000);
	exit(1);
}

static void watch(int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	if (NET(epoll_ctl)(ep, op, fd, &e) == -1)
		give_up("epoll_ctl");
}

static void start_watching(void)
{
	ep = NET(epoll_create1)(0);
	if (ep == -1)
		give_up("epoll_create1");
}

static void must_be_cubic(int fd)
{
	char name[16] = "";
	socklen_t len = sizeof(name);

	if (NET(getsockopt)(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) ==
		-1 ||
	    strncmp(name, "cubic", 5) != 0) {
		fprintf(stderr, "not CUBIC but \"%.16s\"\n", name);
		exit(1);
	}
}

/* CUBIC whatever the system's choice; and no waiting for more to send. */
static void set_options(int fd)
{
	const int on = 1;

	NET(setsockopt)(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	NET(setsockopt)(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	must_be_cubic(fd);
}

/* ---- The server */

static int listen_at(uint16_t port)
{
	const int on = 1;
	struct sockaddr_in6 here = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
	};
	int fd = NET(socket)(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1)
		give_up("socket");
	NET(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	set_options(fd);
	if (NET(bind)(fd, (struct sockaddr *)&here, sizeof(here)) == -1 ||
	    NET(listen)(fd, 4096) == -1)
		give_up("listen");
	return fd;
}

static void accept_all(int listener)
{
	static unsigned checked;
	int fd;

	while ((fd = NET(accept4)(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		if (fd >= MAX_FD) {
			NET(close)(fd);
			continue;
		}
		if (checked++ == 0)
			must_be_cubic(fd); /* the listener's heir */
		conns[fd] = (struct conn){ .ended = false };
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	}
}

/* Its five bytes; true when they are there. */
static bool read_head(int fd, struct conn *c)
{
	ssize_t n = NET(recv)(
	    fd, c->head + c->head_len, (size_t)(HEAD_LEN - c->head_len), 0);

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		NET(close)(fd);
		return false;
	}
	c->head_len = (uint8_t)(c->head_len + n);
	if (c->head_len < HEAD_LEN)
		return false;
	if (c->head[0] == 'r') {
		c->until_ns =
		    now_ns() + (uint64_t)be32_get(c->head + 1) * 1000000;
		watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
	}
	return true;
}

/* `send`: count, and say how many when all have come. */
static void serve_send(int fd, struct conn *c, ssize_t n)
{
	uint8_t count[COUNT_LEN];

	if (n > 0) {
		c->bytes += (uint64_t)n;
		return;
	}
	be64_put(count, c->bytes);
	NET(send)(fd, count, sizeof(count), MSG_NOSIGNAL);
	NET(close)(fd);
}

/* `connect`: answer what is complete, and be the one who closes first. */
static void serve_connect(int fd, struct conn *c, ssize_t n)
{
	c->bytes += (uint64_t)n;
	if (n > 0 && c->bytes < REQUEST_LEN - HEAD_LEN)
		return;
	if (n > 0)
		NET(send)(fd, chunk, REQUEST_LEN, MSG_NOSIGNAL);
	NET(close)(fd);
}

static void serve_recv(int fd, struct conn *c)
{
	ssize_t n = NET(send)(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);

	if (now_ns() >= c->until_ns || (n == -1 && errno != EAGAIN))
		NET(close)(fd);
}

static void serve(int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n;

	if (c->head_len < HEAD_LEN && !read_head(fd, c))
		return;
	if (c->head[0] == 'r') {
		serve_recv(fd, c);
		return;
	}
	n = NET(recv)(fd, chunk, sizeof(chunk), 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		NET(close)(fd);
	else if (c->head[0] == 's')
		serve_send(fd, c, n);
	else if (c->head[0] == 'c')
		serve_connect(fd, c, n);
	else if (n == 0)
		NET(close)(fd);
	else
		NET(send)(fd, chunk, (size_t)n, MSG_NOSIGNAL);
}

static void serve_all(uint16_t port)
{
	struct epoll_event events[256];
	int listener = listen_at(port);

	start_watching();
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);
	printf("serving=%u\n", port);
	fflush(stdout);
	for (;;) {
		int n = NET(epoll_wait)(ep, events, 256, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == listener)
				accept_all(listener);
			else
				serve(events[i].data.fd);
	}
}

/* ---- The client */

static struct sockaddr_in6 peer; /* or one of IPv4, in the same place */
static socklen_t peer_len;

static void set_peer(const char *address, const char *port)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
	};

	peer = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = v4.sin_port,
	};
	peer_len = sizeof(peer);
	if (inet_pton(AF_INET6, address, &peer.sin6_addr) == 1)
		return;
	if (inet_pton(AF_INET, address, &v4.sin_addr) != 1) {
		fprintf(stderr, "%s is no address\n", address);
		exit(2);
	}
	memcpy(&peer, &v4, sizeof(v4));
	peer_len = sizeof(v4);
}

/* One more connection, blocking or, with @flags, on its way. */
static int open_one(int flags)
{
	int fd = NET(socket)(peer.sin6_family, SOCK_STREAM | flags, 0);

	if (fd == -1 || fd >= MAX_FD)
		give_up("socket");
	set_options(fd);
	conns[fd] = (struct conn){ .ended = false };
	if (NET(connect)(fd, (struct sockaddr *)&peer, peer_len) == -1 &&
	    errno != EINPROGRESS)
		give_up("connect");
	return fd;
}

static void send_head(int fd, char what, uint32_t number, size_t len)
{
	uint8_t head[REQUEST_LEN] = { (uint8_t)what };

	be32_put(head + 1, number);
	if (NET(send)(fd, head, len, MSG_NOSIGNAL) != (ssize_t)len)
		give_up("send");
}

static void set_nonblocking(int fd)
{
	NET(fcntl)(fd, F_SETFL, O_NONBLOCK);
}

static double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void open_streams(char what, unsigned streams, uint32_t ms)
{
	start_watching();
	for (unsigned i = 0; i < streams; i++) {
		int fd = open_one(0);

		send_head(fd, what, ms, HEAD_LEN);
		set_nonblocking(fd);
		watch(EPOLL_CTL_ADD, fd, what == 's' ? EPOLLOUT : EPOLLIN);
	}
}

static void print_rate(uint64_t bytes, uint64_t ns, double cpu)
{
	printf("bytes=%llu gbits=%.3f cpu_ms=%.1f\n", (unsigned long long)bytes,
	    (double)bytes * 8 / (double)ns, cpu);
}

/* The number that the server has counted; true when it is there. */
static bool count_came(int fd, struct conn *c)
{
	uint8_t count[COUNT_LEN];
	ssize_t n =
	    NET(recv)(fd, count, sizeof(count), MSG_WAITALL | MSG_DONTWAIT);
	uint64_t got;

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n != COUNT_LEN) {
		fprintf(stderr, "the server's count is missing: %zd\n", n);
		exit(1);
	}
	got = be64_get(count);
	if (got != c->bytes) {
		fprintf(stderr, "%llu bytes sent, %llu came\n",
		    (unsigned long long)c->bytes, (unsigned long long)got);
		exit(1);
	}
	NET(close)(fd);
	return true;
}

/* True when this stream is done. */
static bool send_some(int fd, uint64_t until_ns)
{
	struct conn *c = &conns[fd];
	ssize_t n;

	if (c->ended)
		return count_came(fd, c);
	n = NET(send)(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN)
		give_up("send");
	if (n > 0)
		c->bytes += (uint64_t)n;
	if (now_ns() >= until_ns) {
		c->ended = true;
		NET(shutdown)(fd, SHUT_WR);
		watch(EPOLL_CTL_MOD, fd, EPOLLIN);
	}
	return false;
}

static bool recv_some(int fd)
{
	ssize_t n = NET(recv)(fd, chunk, sizeof(chunk), 0);

	if (n == -1 && errno != EAGAIN)
		give_up("recv");
	if (n > 0)
		conns[fd].bytes += (uint64_t)n;
	if (n == 0)
		NET(close)(fd);
	return n == 0;
}

static void stream(char what, unsigned streams, uint32_t ms)
{
	struct epoll_event events[MAX_STREAMS];
	/* From before the first is open: of `recv` it begins to send then. */
	uint64_t begin = now_ns(), until = begin + (uint64_t)ms * 1000000;
	uint64_t bytes = 0;
	double cpu = cpu_ms();

	open_streams(what, streams, ms);
	for (unsigned left = streams; left > 0;) {
		int n = NET(epoll_wait)(ep, events, MAX_STREAMS, PATIENCE_MS);

		if (n <= 0)
			stalled(n);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (what == 's' ? send_some(fd, until)
					: recv_some(fd)) {
				bytes += conns[fd].bytes;
				left--;
			}
		}
	}
	print_rate(bytes, now_ns() - begin, cpu_ms() - cpu);
}

/* ---- Questions and answers */

static int by_size(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static void ask_once(int fd, size_t size)
{
	if (NET(send)(fd, chunk, size, MSG_NOSIGNAL) != (ssize_t)size)
		give_up("send");
	if (NET(recv)(fd, chunk, size, MSG_WAITALL) != (ssize_t)size)
		give_up("recv");
}

static void ask(size_t size, uint32_t ms)
{
	static uint32_t took[MAX_SAMPLES];
	uint64_t begin = now_ns(), until = begin + (uint64_t)ms * 1000000;
	uint64_t last = begin;
	unsigned n = 0;
	uint32_t p50, p99;
	int fd = open_one(0);

	send_head(fd, 'a', 0, HEAD_LEN);
	for (; n < MAX_SAMPLES && last < until; n++) {
		uint64_t from = now_ns();

		ask_once(fd, size);
		last = now_ns();
		took[n] = (uint32_t)(last - from);
	}
	NET(close)(fd);
	qsort(took, n, sizeof(took[0]), by_size);
	p50 = took[n / 2];
	p99 = took[n * 99 / 100];
	printf("asked=%u p50_us=%.2f p99_us=%.2f\n", n, p50 / 1e3, p99 / 1e3);
}

/* ---- Short connections */

static void begin_one(void)
{
	watch(EPOLL_CTL_ADD, open_one(SOCK_NONBLOCK), EPOLLOUT);
}

/* It is open: ask.  The answer, and the server's end of it: close. */
static bool connect_step(int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n;

	if (!c->ended) {
		c->ended = true;
		send_head(fd, 'c', 0, REQUEST_LEN);
		watch(EPOLL_CTL_MOD, fd, EPOLLIN);
		return false;
	}
	n = NET(recv)(fd, chunk, sizeof(chunk), 0);
	if (n == -1 && errno != EAGAIN)
		give_up("recv");
	if (n > 0)
		c->bytes += (uint64_t)n;
	if (n != 0)
		return false;
	if (c->bytes != REQUEST_LEN) {
		fprintf(stderr, "an answer of %llu bytes\n",
		    (unsigned long long)c->bytes);
		exit(1);
	}
	NET(close)(fd);
	return true;
}

static void connect_many(unsigned at_once, uint32_t ms)
{
	struct epoll_event events[MAX_STREAMS];
	uint64_t begin = now_ns(), until = begin + (uint64_t)ms * 1000000;
	unsigned left = at_once, done = 0;

	start_watching();
	for (unsigned i = 0; i < at_once; i++)
		begin_one();
	while (left > 0) {
		int n = NET(epoll_wait)(ep, events, MAX_STREAMS, PATIENCE_MS);

		if (n <= 0)
			stalled(n);
		for (int i = 0; i < n; i++) {
			if (!connect_step(events[i].data.fd))
				continue;
			done++;
			if (now_ns() < until)
				begin_one();
			else
				left--;
		}
	}
	printf("done=%u per_s=%.0f\n", done,
	    (double)done * 1e9 / (double)(now_ns() - begin));
}

/* Each has carried a question before it is left alone. */
static void hold(unsigned n)
{
	char c;

	for (unsigned i = 0; i < n; i++) {
		int fd = open_one(0);

		send_head(fd, 'h', 0, HEAD_LEN);
		ask_once(fd, 1);
	}
	printf("held=%u\n", n);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
	uint32_t ms = argc > 5 ? (uint32_t)atoi(argv[5]) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve_all((uint16_t)atoi(argv[2]));
	if (argc < 5 || n < 1) {
		fprintf(stderr,
		    "usage: tcp_load serve PORT | send|recv|ask|connect|hold "
		    "ADDRESS PORT N [MS]\n");
		return 2;
	}
	set_peer(argv[2], argv[3]);
	switch (argv[1][0]) {
	case 's':
	case 'r':
		stream(argv[1][0], n < MAX_STREAMS ? n : MAX_STREAMS, ms);
		break;
	case 'a':
		ask(n < CHUNK ? n : CHUNK, ms);
		break;
	case 'c':
		connect_many(n < MAX_STREAMS ? n : MAX_STREAMS, ms);
		break;
	case 'h':
		hold(n);
		break;
	default:
		return 2;
	}
	return 0;
}
