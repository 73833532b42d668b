/*
 * api_tcp.c - the calls that open, name and set a TCP socket, with the errnos
 * and the answers of poll that the kernel has (tests/harness/calls.h)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tests/harness/calls.h"

enum {
	ALL = POLLIN | POLLOUT | POLLRDHUP,
	SOON = 2000, /* ms within which what must happen happens */
};

static bool same_name(const struct sockaddr_in *x, const struct sockaddr_in *y)
{
	return x->sin_family == y->sin_family && x->sin_port == y->sin_port &&
	    x->sin_addr.s_addr == y->sin_addr.s_addr;
}

/* ---- Names and accept */

static void names_agree(void)
{
	struct sockaddr_in at, local, peer, seen;
	socklen_t len = sizeof(at), short_len = 4;
	int listener = listening(&us, 5, &at);
	int b = connected_to(&them, &at);
	int a = us.c->accept4(listener, (struct sockaddr *)&seen, &len, 0);

	expect(a >= 0);
	expect(len == sizeof(seen));
	expect(them.c->getsockname(b, (struct sockaddr *)&peer, &len) == 0);
	expect(same_name(&peer, &seen));
	expect(us.c->getpeername(a, (struct sockaddr *)&seen, &len) == 0);
	expect(same_name(&peer, &seen));
	expect(us.c->getsockname(a, (struct sockaddr *)&local, &len) == 0);
	expect(same_name(&local, &at));
	expect(us.c->getpeername(a, (struct sockaddr *)&seen, &short_len) == 0);
	expect(short_len == sizeof(seen));
	fails_with(us.c->getpeername(listener, (struct sockaddr *)&seen, &len),
	    ENOTCONN);
	close_pair((struct pair){ a, b });
	us.c->close(listener);
}

static void accepts_as_asked(void)
{
	struct sockaddr_in at;
	int listener = listening(&us, 5, &at);
	int b, a;
	double began;

	fails_with(us.c->accept4(listener, NULL, NULL, 1), EINVAL);
	set_time(us.c, listener, SO_RCVTIMEO, 100);
	began = clock_ms();
	fails_with(us.c->accept4(listener, NULL, NULL, 0), EAGAIN);
	expect(clock_ms() - began >= 99);
	nonblocking(us.c, listener);
	fails_with(us.c->accept4(listener, NULL, NULL, 0), EAGAIN);
	expect(polled(us.c, listener, ALL, 0) == 0);
	b = connected_to(&them, &at);
	expect(polled(us.c, listener, ALL, SOON) == POLLIN);
	a = us.c->accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	expect(a >= 0);
	expect(us.c->fcntl(a, F_GETFL) & O_NONBLOCK);
	expect(us.c->fcntl(a, F_GETFD) & FD_CLOEXEC);
	fails_with(us.c->recv(a, &at, 1, 0), EAGAIN);
	fails_with(us.c->accept4(a, NULL, NULL, 0), EINVAL);
	fails_with(us.c->listen(a, 1), EINVAL);
	fails_with(us.c->recv(listener, &at, 1, 0), ENOTCONN);
	close_pair((struct pair){ a, b });
	us.c->close(listener);
}

/* So many as listen() was told, and one, without anybody accepting. */
static void backlog_holds_what_it_says(void)
{
	enum {
		BACKLOG = 100
	};
	struct sockaddr_in at;
	int listener = listening(&us, BACKLOG, &at);
	int b[BACKLOG], a;

	nonblocking(us.c, listener);
	for (int i = 0; i < BACKLOG; i++)
		b[i] = connected_to(&them, &at);
	for (int i = 0; i < BACKLOG; i++) {
		if (!expect(polled(us.c, listener, POLLIN, SOON) == POLLIN))
			break;
		a = us.c->accept4(listener, NULL, NULL, 0);
		expect(a >= 0);
		us.c->close(a);
	}
	fails_with(us.c->accept4(listener, NULL, NULL, 0), EAGAIN);
	for (int i = 0; i < BACKLOG; i++)
		them.c->close(b[i]);
	us.c->close(listener);
}

static uint32_t open_fds(void)
{
	uint32_t n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void *shut_later(void *arg)
{
	sleep_ms(200);
	us.c->shutdown(*(int *)arg, SHUT_RD);
	return NULL;
}

/* Who is in accept() comes back, and who has called is told. */
static void shutdown_ends_a_listener(void)
{
	uint32_t before = open_fds();
	struct sockaddr_in at;
	int listener = listening(&us, 5, &at);
	pthread_t t;
	int b, r;
	char c;

	pthread_create(&t, NULL, shut_later, &listener);
	fails_with(us.c->accept4(listener, NULL, NULL, 0), EINVAL);
	pthread_join(t, NULL);
	r = us.c->shutdown(listener, SHUT_RD);
	expect(r == -1 && errno == ENOTCONN);
	us.c->close(listener);
	listener = listening(&us, 5, &at);
	b = connected_to(&them, &at);
	expect(polled(us.c, listener, POLLIN, SOON) == POLLIN);
	expect(us.c->shutdown(listener, SHUT_RDWR) == 0);
	fails_with(us.c->accept4(listener, NULL, NULL, 0), EINVAL);
	r = (int)them.c->recv(b, &c, 1, 0);
	expect(r == 0 || (r == -1 && errno == ECONNRESET));
	them.c->close(b);
	us.c->close(listener);
	expect(open_fds() <= before + (us.c == &strata_calls));
}

/* ---- connect */

static void connect_ends_as_it_must(void)
{
	struct sockaddr_in at;
	int closed = listening(&them, 1, &at);
	int fd = us.c->socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr *to = (const struct sockaddr *)&at;

	fails_with(us.c->send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	fails_with(us.c->recv(fd, &at, 1, MSG_PEEK), ENOTCONN);
	fails_with(us.c->shutdown(fd, SHUT_WR), ENOTCONN);
	expect(polled(us.c, fd, ALL, 0) == (POLLOUT | POLLHUP));
	them.c->close(closed);
	fails_with(us.c->connect(fd, to, sizeof(at)), ECONNREFUSED);
	/* It may be tried again. */
	fails_with(us.c->connect(fd, to, sizeof(at)), ECONNREFUSED);
	nonblocking(us.c, fd);
	if (us.c->connect(fd, to, sizeof(at)) == -1 && errno == EINPROGRESS) {
		expect((polled(us.c, fd, ALL, SOON) & (POLLERR | POLLOUT)) ==
		    (POLLERR | POLLOUT));
		expect(get_int(us.c, fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
		/* The first call's end, whose reason was told already. */
		fails_with(us.c->connect(fd, to, sizeof(at)), ECONNABORTED);
	}
	expect(get_int(us.c, fd, SOL_SOCKET, SO_ERROR) == 0);
	us.c->close(fd);
	fd = us.c->socket(AF_INET, SOCK_STREAM, 0);
	fails_with(us.c->connect(fd, to, 1), EINVAL);
	at.sin_family = AF_INET6;
	fails_with(us.c->connect(fd, to, sizeof(at)), EAFNOSUPPORT);
	us.c->close(fd);
}

static void connect_without_waiting(void)
{
	struct sockaddr_in at;
	int listener = listening(&them, 1, &at);
	int fd = us.c->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const struct sockaddr *to = (const struct sockaddr *)&at;
	int b;

	if (us.c->connect(fd, to, sizeof(at)) == -1)
		expect(errno == EINPROGRESS);
	expect(polled(us.c, fd, ALL, SOON) == POLLOUT);
	expect(get_int(us.c, fd, SOL_SOCKET, SO_ERROR) == 0);
	/* The end of the first call, which nobody has heard of. */
	expect(us.c->connect(fd, to, sizeof(at)) == 0);
	fails_with(us.c->connect(fd, to, sizeof(at)), EISCONN);
	b = them.c->accept4(listener, NULL, NULL, 0);
	expect(b >= 0);
	expect(us.c->send(fd, "x", 1, 0) == 1);
	them.c->close(listener);
	close_pair((struct pair){ fd, b });
}

/* Nobody answers there; needs a link with neighbours. */
static void connect_waits_as_told(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr = them.ip,
	};
	const struct sockaddr *to = (const struct sockaddr *)&at;
	int fd = us.c->socket(AF_INET, SOCK_STREAM, 0);
	double began = clock_ms();

	((uint8_t *)&at.sin_addr)[3] = 77;
	set_time(us.c, fd, SO_SNDTIMEO, 200);
	fails_with(us.c->connect(fd, to, sizeof(at)), EINPROGRESS);
	expect(clock_ms() - began >= 199 && clock_ms() - began < SOON);
	expect(polled(us.c, fd, ALL, 0) == 0);
	nonblocking(us.c, fd);
	fails_with(us.c->connect(fd, to, sizeof(at)), EALREADY);
	fails_with(us.c->send(fd, "x", 1, 0), EAGAIN);
	fails_with(us.c->recv(fd, &at, 1, 0), EAGAIN);
	us.c->close(fd);
}

/* ---- Options */

static void options_keep_what_they_are_told(void)
{
	static const struct {
		int level, name, set, get;
	} cases[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1, 1 },
		{ SOL_SOCKET, SO_REUSEPORT, 1, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 7, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1, 1 },
		{ IPPROTO_TCP, TCP_CORK, 1, 1 },
		{ IPPROTO_TCP, TCP_CORK, 0, 0 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 11, 11 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 12, 12 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 12345, 12345 },
		{ IPPROTO_TCP, TCP_SYNCNT, 4, 4 },
		{ IPPROTO_TCP, TCP_QUICKACK, 1, 1 },
		{ SOL_SOCKET, SO_RCVLOWAT, 5, 5 },
		{ IPPROTO_IP, IP_TTL, 33, 33 },
		{ IPPROTO_IP, IP_TOS, 16, 16 },
	};
	struct pair p = we_connect();
	char name[16] = "";
	socklen_t len = sizeof(name);
	int one = 1;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_int(us.c, p.a, cases[i].level, cases[i].name, cases[i].set);
		if (!expect(get_int(us.c, p.a, cases[i].level, cases[i].name) ==
			cases[i].get))
			printf("  level %d name %d\n", cases[i].level,
			    cases[i].name);
	}
	expect(get_int(us.c, p.a, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
	expect(get_int(us.c, p.a, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP);
	expect(get_int(us.c, p.a, SOL_SOCKET, SO_ACCEPTCONN) == 0);
	expect(us.c->getsockopt(p.a, IPPROTO_TCP, TCP_CONGESTION, name, &len) ==
	    0);
	expect(
	    us.c->setsockopt(p.a, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0);
	len = sizeof(name);
	expect(us.c->getsockopt(p.a, IPPROTO_TCP, TCP_CONGESTION, name, &len) ==
	    0);
	expect(strcmp(name, "reno") == 0);
	fails_with(us.c->setsockopt(p.a, IPPROTO_TCP, TCP_CONGESTION, "no", 2),
	    ENOENT);
	fails_with(
	    us.c->setsockopt(p.a, IPPROTO_TCP, TCP_KEEPIDLE, &name, 4), EINVAL);
	fails_with(
	    us.c->setsockopt(p.a, IPPROTO_TCP, 999, &one, 4), ENOPROTOOPT);
	fails_with(
	    us.c->setsockopt(p.a, IPPROTO_TCP, TCP_NODELAY, &one, 3), EINVAL);
	expect(get_int(us.c, p.a, IPPROTO_TCP, TCP_MAXSEG) >= 500);
	close_pair(p);
}

static void tcp_info_tells_the_truth(void)
{
	struct pair p = we_connect();
	struct tcp_info i;
	socklen_t len = sizeof(i);
	char buf[1000] = "";

	expect(us.c->send(p.a, buf, 1000, 0) == 1000);
	expect(them.c->recv(p.b, buf, 1000, MSG_WAITALL) == 1000);
	expect(them.c->send(p.b, buf, 500, 0) == 500);
	expect(us.c->recv(p.a, buf, 500, MSG_WAITALL) == 500);
	memset(&i, 0, sizeof(i));
	expect(us.c->getsockopt(p.a, IPPROTO_TCP, TCP_INFO, &i, &len) == 0);
	expect(i.tcpi_state == 1);
	expect(i.tcpi_snd_mss >= 500 && i.tcpi_snd_cwnd > 0);
	expect(i.tcpi_rtt > 0 && i.tcpi_rto >= 200000);
	expect(i.tcpi_bytes_received == 500);
	expect(i.tcpi_bytes_acked >= 1000);
	close_pair(p);
}

static void ioctl_counts_bytes(void)
{
	struct pair p = we_accept();
	int n = -1, on = 1;
	char c;

	expect(them.c->send(p.b, "12345", 5, 0) == 5);
	expect(polled(us.c, p.a, POLLIN, SOON) == POLLIN);
	expect(us.c->ioctl(p.a, FIONREAD, &n) == 0 && n == 5);
	expect(us.c->ioctl(p.a, SIOCOUTQ, &n) == 0 && n == 0);
	expect(us.c->recv(p.a, &c, 1, 0) == 1);
	expect(us.c->ioctl(p.a, SIOCINQ, &n) == 0 && n == 4);
	expect(us.c->recv(p.a, &n, 4, 0) == 4);
	expect(us.c->ioctl(p.a, FIONBIO, &on) == 0);
	fails_with(us.c->recv(p.a, &c, 1, 0), EAGAIN);
	close_pair(p);
}

static void addresses_in_use_are_refused(void)
{
	struct sockaddr_in at;
	int listener = listening(&us, 1, &at);
	int fd = us.c->socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr *to = (const struct sockaddr *)&at;

	fails_with(us.c->bind(fd, to, sizeof(at)), EADDRINUSE);
	set_int(us.c, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	fails_with(us.c->bind(fd, to, sizeof(at)), EADDRINUSE);
	fails_with(us.c->bind(fd, to, 4), EINVAL);
	us.c->close(listener);
	expect(us.c->bind(fd, to, sizeof(at)) == 0);
	fails_with(us.c->bind(fd, to, sizeof(at)), EINVAL);
	expect(us.c->listen(fd, 1) == 0);
	expect(get_int(us.c, fd, SOL_SOCKET, SO_ACCEPTCONN) == 1);
	us.c->close(fd);
	fails_with(us.c->close(fd), EBADF);
	fails_with(us.c->recv(fd, &at, 1, 0), EBADF);
	fails_with(us.c->recv(0, &at, 1, 0), ENOTSOCK);
}

static void test(void)
{
	run(names_agree);
	run(accepts_as_asked);
	run(backlog_holds_what_it_says);
	run(shutdown_ends_a_listener);
	run(connect_ends_as_it_must);
	run(connect_without_waiting);
	if (us.c != them.c)
		run(connect_waits_as_told);
	run(options_keep_what_they_are_told);
	run(tcp_info_tells_the_truth);
	run(ioctl_counts_bytes);
	run(addresses_in_use_are_refused);
}

int main(int argc, char **argv)
{
	return calls_main(argc, argv, test);
}
