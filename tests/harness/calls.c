/*
 * calls.c - sockets of the kernel and of a stack by the same names
 */
#include "tests/harness/calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "api/strata.h"

/* clang-format off */
const struct calls kernel_calls = {
	"kernel", socket, close, bind, connect, listen, accept4, shutdown,
	getsockname, getpeername, setsockopt, getsockopt, fcntl, ioctl, send,
	recv, sendto, recvfrom, sendmsg, recvmsg, read, write, readv, writev,
	poll, epoll_create1, epoll_ctl, epoll_wait,
};

const struct calls strata_calls = {
	"strata", strata_socket, strata_close, strata_bind, strata_connect,
	strata_listen, strata_accept4, strata_shutdown, strata_getsockname,
	strata_getpeername, strata_setsockopt, strata_getsockopt, strata_fcntl,
	strata_ioctl, strata_send, strata_recv, strata_sendto, strata_recvfrom,
	strata_sendmsg, strata_recvmsg, strata_read, strata_write,
	strata_readv, strata_writev, strata_poll, strata_epoll_create1,
	strata_epoll_ctl, strata_epoll_wait,
};
/* clang-format on */

struct side us, them;
int failures;

bool expect_at(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return true;
	failures++;
	printf("FAILED: %s:%d: %s (errno %d, %s)\n", file, line, what, errno,
	    strerror(errno));
	return false;
}

bool fails_with_at(
    long r, int want, const char *what, const char *file, int line)
{
	int got = errno;

	if (r == -1 && got == want)
		return true;
	failures++;
	printf("FAILED: %s:%d: %s: %ld", file, line, what, r);
	if (r == -1)
		printf(", %s", strerror(got));
	printf(" and not %s\n", strerror(want));
	return false;
}

/* ---- Pairs */

int listening(const struct side *s, int backlog, struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = s->c->socket(AF_INET, SOCK_STREAM, 0);

	*ret = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr = s->ip,
	};
	expect(fd >= 0);
	expect(s->c->bind(fd, (struct sockaddr *)ret, len) == 0);
	expect(s->c->listen(fd, backlog) == 0);
	expect(s->c->getsockname(fd, (struct sockaddr *)ret, &len) == 0);
	return fd;
}

int connected_to(const struct side *s, const struct sockaddr_in *to)
{
	int fd = s->c->socket(AF_INET, SOCK_STREAM, 0);

	expect(fd >= 0);
	expect(
	    s->c->connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0);
	return fd;
}

static int meet(const struct side *from, const struct side *to, int *ret)
{
	struct sockaddr_in at;
	int listener = listening(to, 1, &at);
	int fd = connected_to(from, &at);

	*ret = to->c->accept4(listener, NULL, NULL, 0);
	expect(*ret >= 0);
	expect(to->c->close(listener) == 0);
	return fd;
}

struct pair we_connect(void)
{
	struct pair p;

	p.a = meet(&us, &them, &p.b);
	return p;
}

struct pair we_accept(void)
{
	struct pair p;

	p.b = meet(&them, &us, &p.a);
	return p;
}

void close_pair(struct pair p)
{
	us.c->close(p.a);
	them.c->close(p.b);
}

/* ---- Options */

void set_int(const struct calls *c, int fd, int level, int name, int v)
{
	expect(c->setsockopt(fd, level, name, &v, sizeof(v)) == 0);
}

int get_int(const struct calls *c, int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	expect(c->getsockopt(fd, level, name, &v, &len) == 0);
	return v;
}

void set_time(const struct calls *c, int fd, int name, int ms)
{
	struct timeval tv = {
		.tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000,
	};

	expect(c->setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)) == 0);
}

void reset_on_close(const struct calls *c, int fd)
{
	struct linger now = { .l_onoff = 1 };

	expect(
	    c->setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
}

void nonblocking(const struct calls *c, int fd)
{
	expect(c->fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
}

short polled(const struct calls *c, int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return c->poll(&p, 1, ms) > 0 ? p.revents : 0;
}

/* ---- Time */

double clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double tv_ms(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return tv_ms(u.ru_utime) + tv_ms(u.ru_stime);
}

void sleep_ms(int ms)
{
	struct timespec t = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	while (nanosleep(&t, &t) == -1)
		;
}

/* ---- The program */

static double run_began;

void run_begin(void)
{
	run_began = clock_ms();
}

void run_end(const char *name)
{
	if (getenv("V") != NULL)
		printf("%8.1f ms  %s\n", clock_ms() - run_began, name);
}

static int usage(const char *name)
{
	fprintf(stderr,
	    "usage: %s kernel | OURS | OURS THEIRS, IPv4 addresses\n", name);
	return 2;
}

int calls_main(int argc, char **argv, void (*test)(void))
{
	const char *at = argc > 1 ? argv[1] : "";

	us.c = &strata_calls;
	if (strcmp(at, "kernel") == 0) {
		us.c = &kernel_calls;
		at = "127.0.0.1";
	}
	if (argc > 3 || inet_pton(AF_INET, at, &us.ip) != 1)
		return usage(argv[0]);
	them = us;
	if (argc == 3) {
		them.c = &kernel_calls;
		if (inet_pton(AF_INET, argv[2], &them.ip) != 1)
			return usage(argv[0]);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	test();
	if (failures == 0)
		printf("%s with %s: all as expected\n", us.c->name,
		    us.c == them.c ? "itself" : them.c->name);
	return failures > 0;
}
