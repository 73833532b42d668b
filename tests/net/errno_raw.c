/*
 * errno_raw.c - sockets of ICMP and of any protocol, and the queue of errors:
 * the library against the kernel, call by call
 *
 *	errno_raw	compares; a line for each difference; exit status 1
 *
 * Each case makes the same calls through a table, once of the kernel's
 * functions and once of ours, each against the other's addresses, and writes
 * down what came of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Wants struct timespec to be known. */
#include <linux/errqueue.h>

#include "api/strata.h"

struct calls {
	int (*socket)(int, int, int);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	int (*close)(int);
	int (*poll)(struct pollfd *, nfds_t, int);
	const char *own4, *own6, *peer4, *peer6;
};

/* glibc declares the addresses as a union of pointers; these as what it is. */
static int k_bind(int fd, const struct sockaddr *a, socklen_t n)
{
	return bind(fd, a, n);
}

static int k_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	return connect(fd, a, n);
}

static int k_getsockname(int fd, struct sockaddr *a, socklen_t *n)
{
	return getsockname(fd, a, n);
}

static const struct calls kernel = { socket, k_bind, k_connect, sendmsg,
	recvmsg, k_getsockname, setsockopt, getsockopt, close, poll,
	"192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2" };
static const struct calls ours = { strata_socket, strata_bind, strata_connect,
	strata_sendmsg, strata_recvmsg, strata_getsockname, strata_setsockopt,
	strata_getsockopt, strata_close, strata_poll, "192.0.2.2",
	"2001:db8::2", "192.0.2.1", "2001:db8::1" };

/* ---- What came of it, as text */

struct notes {
	const struct calls *c;
	int family;
	char text[8192];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void note(
    struct notes *n, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	n->len += (size_t)vsnprintf(
	    n->text + n->len, sizeof(n->text) - n->len, format, ap);
	va_end(ap);
	if (n->len >= sizeof(n->text))
		abort();
}

/* The result of a call: a number, or an errno. */
static long noted(struct notes *n, const char *what, long r)
{
	if (r == -1)
		note(n, "%s: %s\n", what, strerrorname_np(errno));
	else
		note(n, "%s: %ld\n", what, r);
	return r;
}

union address {
	struct sockaddr a;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union address address(const struct notes *n, bool own, uint16_t port)
{
	union address u = { .in = { .sin_family = AF_INET } };

	if (n->family == AF_INET6) {
		u.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_port = htons(port) };
		inet_pton(
		    AF_INET6, own ? n->c->own6 : n->c->peer6, &u.in6.sin6_addr);
		return u;
	}
	u.in.sin_port = htons(port);
	inet_pton(AF_INET, own ? n->c->own4 : n->c->peer4, &u.in.sin_addr);
	return u;
}

static socklen_t address_len(const struct notes *n)
{
	return n->family == AF_INET ? sizeof(struct sockaddr_in)
				    : sizeof(struct sockaddr_in6);
}

/* Own or the peer's, not which numbers. */
static void note_address(
    struct notes *n, const char *what, const void *a, socklen_t len)
{
	char text[INET6_ADDRSTRLEN] = "-";
	union address u = { .a = { .sa_family = AF_UNSPEC } };
	const char *who = "somebody's";

	memcpy(&u, a, len < sizeof(u) ? len : sizeof(u));
	if (u.a.sa_family == AF_INET)
		inet_ntop(AF_INET, &u.in.sin_addr, text, sizeof(text));
	else if (u.a.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &u.in6.sin6_addr, text, sizeof(text));
	if (strcmp(text, n->c->own4) == 0 || strcmp(text, n->c->own6) == 0)
		who = "own";
	else if (strcmp(text, n->c->peer4) == 0 ||
	    strcmp(text, n->c->peer6) == 0)
		who = "peer's";
	else if (strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0)
		who = "any";
	note(n, "%s: family %d, %s, port %d, %d bytes\n", what, u.a.sa_family,
	    who, ntohs(u.in.sin_port), (int)len);
}

static long send_to(const struct notes *n, int fd, const void *p, size_t len,
    const union address *to)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };
	union address copy;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (to != NULL) {
		copy = *to;
		msg.msg_name = &copy;
		msg.msg_namelen = address_len(n);
	}
	return n->c->sendmsg(fd, &msg, 0);
}

static void set(
    struct notes *n, const char *what, int fd, int level, int name, int value)
{
	noted(
	    n, what, n->c->setsockopt(fd, level, name, &value, sizeof(value)));
}

static void note_get(
    struct notes *n, const char *what, int fd, int level, int name)
{
	int value = 77;
	socklen_t len = sizeof(value);

	if (noted(n, what, n->c->getsockopt(fd, level, name, &value, &len)) ==
	    0)
		note(n, "\tvalue %d, %d bytes\n", value, (int)len);
}

/* What poll says within a second. */
static void note_poll(struct notes *n, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	noted(n, "poll", n->c->poll(&p, 1, 1000));
	note(n, "\trevents %x\n", (unsigned)p.revents);
}

static void note_error(struct notes *n, const struct cmsghdr *c)
{
	struct sock_extended_err e;

	memcpy(&e, CMSG_DATA(c), sizeof(e));
	note(n, "\terror %s, origin %d, type %d, code %d, info %u\n",
	    strerrorname_np((int)e.ee_errno), e.ee_origin, e.ee_type, e.ee_code,
	    e.ee_info);
	note_address(n, "\toffender", CMSG_DATA(c) + sizeof(e),
	    (socklen_t)(c->cmsg_len - CMSG_LEN(sizeof(e))));
}

/* One message with all that is beside it; *@p its bytes. */
static long receive(struct notes *n, int fd, int flags, uint8_t *p, size_t size)
{
	union {
		char bytes[512];
		struct cmsghdr c;
	} control;
	struct iovec iov = { p, size };
	union address from = { .a = { .sa_family = AF_UNSPEC } };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	long r = noted(n, "recvmsg", n->c->recvmsg(fd, &msg, flags));

	if (r == -1)
		return r;
	note(n, "\tflags %x\n", (unsigned)msg.msg_flags);
	note_address(n, "\tfrom", &from, msg.msg_namelen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c)) {
		note(n, "\tbeside it: level %d, type %d\n", c->cmsg_level,
		    c->cmsg_type);
		if ((c->cmsg_level == IPPROTO_IP &&
			c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_RECVERR))
			note_error(n, c);
	}
	return r;
}

static void recverr(struct notes *n, int fd)
{
	if (n->family == AF_INET)
		set(n, "IP_RECVERR", fd, IPPROTO_IP, IP_RECVERR, 1);
	else
		set(n, "IPV6_RECVERR", fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/* ---- The queue of errors */

static void udp_errors(struct notes *n)
{
	int fd = n->c->socket(n->family, SOCK_DGRAM, 0);
	union address closed = address(n, false, 9);
	uint8_t p[100];

	receive(n, fd, MSG_ERRQUEUE, p, sizeof(p));
	recverr(n, fd);
	receive(n, fd, MSG_ERRQUEUE, p, sizeof(p));
	noted(n, "send", send_to(n, fd, "question", 8, &closed));
	note_poll(n, fd);
	receive(n, fd, MSG_ERRQUEUE, p, 4);
	receive(n, fd, MSG_ERRQUEUE, p, sizeof(p));
	note_get(n, "SO_ERROR", fd, SOL_SOCKET, SO_ERROR);

	noted(n, "send", send_to(n, fd, "question", 8, &closed));
	note_poll(n, fd);
	receive(n, fd, MSG_DONTWAIT, p, sizeof(p));
	receive(n, fd, MSG_DONTWAIT, p, sizeof(p));
	receive(n, fd, MSG_ERRQUEUE, p, sizeof(p));
	n->c->close(fd);
}

/* ---- */

static const struct test {
	const char *name;
	void (*run)(struct notes *n);
} tests[] = {
	{ "errors of UDP", udp_errors },
};

static int compare(const struct test *t, int family)
{
	static struct notes want, got;

	want = (struct notes){ .c = &kernel, .family = family };
	got = (struct notes){ .c = &ours, .family = family };
	t->run(&want);
	t->run(&got);
	if (strcmp(want.text, got.text) == 0)
		return 0;
	printf("%s, IPv%d: the kernel\n%sand strata\n%s", t->name,
	    family == AF_INET ? 4 : 6, want.text, got.text);
	return 1;
}

int main(void)
{
	const int n = sizeof(tests) / sizeof(tests[0]);
	int differences = 0;

	for (int i = 0; i < n; i++) {
		differences += compare(&tests[i], AF_INET);
		differences += compare(&tests[i], AF_INET6);
	}
	printf("cases=%d differences=%d\n", 2 * n, differences);
	return differences > 0;
}
