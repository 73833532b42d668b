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
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
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

/* One message with all that is beside it; its bytes to @iov. */
static long receive_into(struct notes *n, int fd, int flags, struct iovec iov)
{
	union {
		char bytes[512];
		struct cmsghdr c;
	} control;
	union address from = { .a = { .sa_family = AF_UNSPEC } };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	long r;

	if (flags == 0 && n->c->poll(&wait, 1, 2000) != 1) {
		note(n, "nothing comes\n");
		return -1;
	}
	r = noted(n, "recvmsg", n->c->recvmsg(fd, &msg, flags));

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

#define receive(n, fd, flags, p, size) \
	receive_into(n, fd, flags, (struct iovec){ p, size })

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

/* ---- Ping sockets */

enum {
	ECHO_BYTES = 64,
};

static uint8_t request(const struct notes *n)
{
	return n->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
}

static int icmp(const struct notes *n)
{
	return n->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* Type, code, checksum, id, sequence number, data. */
static void make_echo(uint8_t *p, uint8_t type, uint8_t seq)
{
	for (int i = 0; i < ECHO_BYTES; i++)
		p[i] = (uint8_t)i;
	memset(p, 0, 8);
	p[0] = type;
	p[5] = 99;
	p[7] = seq;
}

static uint16_t own_port(const struct notes *n, int fd)
{
	union address own;
	socklen_t len = sizeof(own);

	n->c->getsockname(fd, &own.a, &len);
	return ntohs(own.in.sin_port);
}

static void note_name(struct notes *n, int fd)
{
	union address own;
	socklen_t len = sizeof(own);

	noted(n, "getsockname", n->c->getsockname(fd, &own.a, &len));
	note_address(n, "\tname", &own, len);
}

/* But for the id, which is drawn, and the checksum, which has it in it. */
static void note_echo(struct notes *n, int fd, const uint8_t *p, long len)
{
	if (len < 8)
		return;
	note(n, "\ttype %d, code %d, id %s, seq %d, data %s\n", p[0], p[1],
	    (p[4] << 8 | p[5]) == own_port(n, fd) ? "ours" : "another's", p[7],
	    len == ECHO_BYTES && p[ECHO_BYTES - 1] == ECHO_BYTES - 1 ? "right"
								     : "wrong");
}

static void ping_echoes(struct notes *n)
{
	int fd = n->c->socket(n->family, SOCK_DGRAM, icmp(n));
	union address peer = address(n, false, 0);
	uint8_t p[2048];

	note_name(n, fd);
	note_get(n, "SO_PROTOCOL", fd, SOL_SOCKET, SO_PROTOCOL);
	make_echo(p, request(n), 1);
	noted(n, "send", send_to(n, fd, p, ECHO_BYTES, &peer));
	note_echo(n, fd, p, receive(n, fd, 0, p, sizeof(p)));
	note(n, "port %d\n", own_port(n, fd) != 0);
	make_echo(p, request(n), 2);
	peer = address(n, false, 7);
	noted(n, "send", send_to(n, fd, p, ECHO_BYTES, &peer));
	note_poll(n, fd);
	receive(n, fd, 0, p, 10);
	make_echo(p, request(n), 3);
	noted(n, "send to nobody", send_to(n, fd, p, ECHO_BYTES, NULL));
	noted(n, "send 7", send_to(n, fd, p, 7, &peer));
	noted(n, "send 8", send_to(n, fd, p, 8, &peer));
	receive(n, fd, 0, p, sizeof(p));
	make_echo(p, request(n), 3);
	p[1] = 1;
	noted(n, "send code 1", send_to(n, fd, p, ECHO_BYTES, &peer));
	make_echo(p, ICMP_ECHOREPLY, 4);
	noted(n, "send a reply", send_to(n, fd, p, ECHO_BYTES, &peer));
	make_echo(p, ICMP6_ECHO_REPLY, 4);
	noted(n, "send a reply", send_to(n, fd, p, ECHO_BYTES, &peer));
	receive(n, fd, MSG_DONTWAIT, p, sizeof(p));
	n->c->close(fd);
}

static void ping_names(struct notes *n)
{
	int a = n->c->socket(n->family, SOCK_DGRAM, icmp(n));
	int b = n->c->socket(n->family, SOCK_DGRAM, icmp(n));
	union address own = address(n, true, 1234);
	union address peer = address(n, false, 5);
	uint8_t p[2048];

	noted(n, "bind to another's", n->c->bind(a, &peer.a, address_len(n)));
	noted(n, "bind", n->c->bind(a, &own.a, address_len(n)));
	noted(n, "bind again", n->c->bind(a, &own.a, address_len(n)));
	noted(n, "bind b", n->c->bind(b, &own.a, address_len(n)));
	n->c->close(b);
	b = n->c->socket(n->family, SOCK_DGRAM, icmp(n));
	note_get(n, "SO_REUSEADDR", b, SOL_SOCKET, SO_REUSEADDR);
	set(n, "SO_REUSEADDR", b, SOL_SOCKET, SO_REUSEADDR, 0);
	noted(n, "bind b", n->c->bind(b, &own.a, address_len(n)));
	n->c->close(b);
	note_name(n, a);
	noted(n, "connect", n->c->connect(a, &peer.a, address_len(n)));
	note_name(n, a);
	make_echo(p, request(n), 1);
	noted(n, "send", send_to(n, a, p, ECHO_BYTES, NULL));
	note_echo(n, a, p, receive(n, a, 0, p, sizeof(p)));
	n->c->close(a);
}

static void ping_options(struct notes *n)
{
	int fd = n->c->socket(n->family, SOCK_DGRAM, icmp(n));
	union address peer = address(n, false, 0);
	static uint8_t p[70000];

	if (n->family == AF_INET) {
		set(n, "IP_RECVTTL", fd, IPPROTO_IP, IP_RECVTTL, 1);
		set(n, "IP_TTL", fd, IPPROTO_IP, IP_TTL, 3);
		note_get(n, "IP_TTL", fd, IPPROTO_IP, IP_TTL);
		note_get(n, "IP_HDRINCL", fd, IPPROTO_IP, IP_HDRINCL);
		set(n, "IP_HDRINCL", fd, IPPROTO_IP, IP_HDRINCL, 1);
	} else {
		set(n, "RECVHOPLIMIT", fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
		set(n, "RECVPKTINFO", fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		set(n, "UNICAST_HOPS", fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 3);
	}
	make_echo(p, request(n), 1);
	noted(n, "send", send_to(n, fd, p, ECHO_BYTES, &peer));
	receive(n, fd, 0, p, sizeof(p));
	make_echo(p, request(n), 2);
	noted(n, "send 65507", send_to(n, fd, p, 65507, &peer));
	receive(n, fd, 0, p, sizeof(p));
	make_echo(p, request(n), 3);
	noted(n, "send 65536", send_to(n, fd, p, 65536, &peer));
	n->c->close(fd);
}

/* ---- Raw sockets */

static void kinds(struct notes *n)
{
	static const int protocols[] = { 0, 1, 2, 6, 17, 58, 253, 255, 256, -1,
		10000 };
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW };

	for (size_t t = 0; t < 3; t++)
		for (size_t p = 0; p < sizeof(protocols) / sizeof(int); p++) {
			int fd;

			/* There is no such number; the kernel cuts it. */
			if (types[t] == SOCK_RAW && protocols[p] == 256)
				continue;
			fd = n->c->socket(n->family, types[t], protocols[p]);
			note(n, "type %d, protocol %d: ", types[t],
			    protocols[p]);
			noted(n, "socket", fd < 0 ? fd : 0);
			if (fd >= 0)
				n->c->close(fd);
		}
}

static uint16_t sum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* What a raw socket gets: of IPv4 with its header. */
static void note_packet(struct notes *n, const uint8_t *p, long len)
{
	const uint8_t *m = n->family == AF_INET ? p + 20 : p;

	if (len < 28)
		return;
	if (n->family == AF_INET)
		note(n, "\tversion %x, length %d, protocol %d, sum %x\n", p[0],
		    p[2] << 8 | p[3], p[9], sum(p, 20));
	note(n, "\ttype %d, code %d, id %d, seq %d\n", m[0], m[1], m[5], m[7]);
}

/* Only replies: others' questions come and go. */
static void only_replies(struct notes *n, int fd)
{
	uint32_t f[8];
	socklen_t len = sizeof(f);

	memset(f, 0xff, sizeof(f));
	if (n->family == AF_INET) {
		f[0] = ~(1U << ICMP_ECHOREPLY);
		noted(n, "ICMP_FILTER",
		    n->c->setsockopt(fd, SOL_RAW, 1, f, sizeof(f[0])));
		noted(n, "ICMP_FILTER",
		    n->c->getsockopt(fd, SOL_RAW, 1, f, &len));
	} else {
		ICMP6_FILTER_SETPASS(
		    ICMP6_ECHO_REPLY, (struct icmp6_filter *)(void *)f);
		noted(n, "ICMP6_FILTER",
		    n->c->setsockopt(
			fd, IPPROTO_ICMPV6, ICMP6_FILTER, f, sizeof(f)));
		noted(n, "ICMP6_FILTER",
		    n->c->getsockopt(
			fd, IPPROTO_ICMPV6, ICMP6_FILTER, f, &len));
	}
	note(n, "\t%d bytes, %x, %x\n", (int)len, f[0], f[4]);
}

static void raw_echoes(struct notes *n)
{
	int fd = n->c->socket(n->family, SOCK_RAW, icmp(n));
	union address peer = address(n, false, 0);
	uint8_t p[2048];
	uint16_t s;

	note_name(n, fd);
	only_replies(n, fd);
	make_echo(p, request(n), 1);
	s = sum(p, ECHO_BYTES);
	p[2] = (uint8_t)(s >> 8);
	p[3] = (uint8_t)s;
	noted(n, "send", send_to(n, fd, p, ECHO_BYTES, &peer));
	note_packet(n, p, receive(n, fd, 0, p, sizeof(p)));
	receive(n, fd, MSG_DONTWAIT, p, sizeof(p));
	peer = address(n, false, 77);
	noted(n, "send to port 77", send_to(n, fd, p, 8, &peer));
	noted(n, "send to nobody", send_to(n, fd, p, ECHO_BYTES, NULL));
	n->c->close(fd);
}

static void raw_names(struct notes *n)
{
	int fd = n->c->socket(n->family, SOCK_RAW, 253);
	union address own = address(n, true, 1234);
	union address peer = address(n, false, 5);

	noted(n, "bind to another's", n->c->bind(fd, &peer.a, address_len(n)));
	noted(n, "bind", n->c->bind(fd, &own.a, address_len(n)));
	note_name(n, fd);
	noted(n, "bind again", n->c->bind(fd, &own.a, address_len(n)));
	peer = address(n, false, 0);
	noted(n, "connect", n->c->connect(fd, &peer.a, address_len(n)));
	note_name(n, fd);
	n->c->close(fd);
}

/* Nobody there speaks it, and says so. */
static void raw_errors(struct notes *n)
{
	int fd = n->c->socket(n->family, SOCK_RAW, 253);
	union address peer = address(n, false, 0);
	uint8_t p[100] = { 1, 2, 3 };

	noted(n, "connect", n->c->connect(fd, &peer.a, address_len(n)));
	noted(n, "send", send_to(n, fd, p, 16, NULL));
	note_poll(n, fd);
	receive(n, fd, MSG_DONTWAIT, p, sizeof(p));
	recverr(n, fd);
	noted(n, "send", send_to(n, fd, p, 16, NULL));
	note_poll(n, fd);
	receive(n, fd, MSG_ERRQUEUE, p, sizeof(p));
	n->c->close(fd);
}

static void checksums(struct notes *n)
{
	int fd = n->c->socket(n->family, SOCK_RAW, 253);
	int echo = n->c->socket(n->family, SOCK_RAW, icmp(n));
	int ping = n->c->socket(n->family, SOCK_DGRAM, icmp(n));
	union address peer = address(n, false, 0);
	uint8_t p[16] = { 1, 2, 3 };
	static const int levels[] = { IPPROTO_IPV6, SOL_RAW };

	for (int i = 0; i < 2 && n->family == AF_INET6; i++) {
		int l = levels[i];

		note_get(n, "of 253", fd, l, IPV6_CHECKSUM);
		set(n, "to 3", fd, l, IPV6_CHECKSUM, 3);
		set(n, "to 4", fd, l, IPV6_CHECKSUM, 4);
		note_get(n, "of 253", fd, l, IPV6_CHECKSUM);
		noted(n, "send 6", send_to(n, fd, p, 6, &peer));
		set(n, "to -5", fd, l, IPV6_CHECKSUM, -5);
		note_get(n, "of 253", fd, l, IPV6_CHECKSUM);
		note_get(n, "of icmp", echo, l, IPV6_CHECKSUM);
		set(n, "to 4", echo, l, IPV6_CHECKSUM, 4);
		note_get(n, "of ping", ping, l, IPV6_CHECKSUM);
	}
	set(n, "ICMP_FILTER of 253", fd, SOL_RAW, 1, 1);
	set(n, "ICMP6_FILTER of 253", fd, IPPROTO_ICMPV6, 1, 1);
	note_get(n, "ICMP_FILTER of 253", fd, SOL_RAW, 1);
	set(n, "unknown of raw", fd, SOL_RAW, 55, 1);
	n->c->close(fd);
	n->c->close(echo);
	n->c->close(ping);
}

/* IPv4 alone: a packet from its first byte on. */
static void headers(struct notes *n)
{
	int fd = n->c->socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	union address peer = address(n, false, 0);
	uint8_t p[2048] = { 0 };
	uint16_t s;

	if (n->family != AF_INET) {
		n->c->close(fd);
		return;
	}
	only_replies(n, fd);
	note_get(n, "IP_HDRINCL", fd, IPPROTO_IP, IP_HDRINCL);
	set(n, "IP_HDRINCL", fd, IPPROTO_IP, IP_HDRINCL, 1);
	note_get(n, "IP_HDRINCL", fd, IPPROTO_IP, IP_HDRINCL);
	make_echo(p + 20, ICMP_ECHO, 7);
	s = sum(p + 20, ECHO_BYTES);
	p[22] = (uint8_t)(s >> 8);
	p[23] = (uint8_t)s;
	p[0] = 0x45;
	p[8] = 9; /* TTL */
	p[9] = IPPROTO_ICMP;
	memcpy(p + 16, &peer.in.sin_addr, 4);
	noted(n, "send 19", send_to(n, fd, p, 19, &peer));
	noted(n, "send", send_to(n, fd, p, 20 + ECHO_BYTES, &peer));
	note_packet(n, p, receive(n, fd, 0, p, sizeof(p)));
	p[0] = 0x4f;
	noted(n, "send 15 words of 5", send_to(n, fd, p, 20, &peer));
	noted(n, "send 1501", send_to(n, fd, p, 1501, &peer));
	n->c->close(fd);
}

/* ---- */

static const struct test {
	const char *name;
	void (*run)(struct notes *n);
} tests[] = {
	{ "errors of UDP", udp_errors },
	{ "kinds of sockets", kinds },
	{ "echoes of ping", ping_echoes },
	{ "names of ping", ping_names },
	{ "options of ping", ping_options },
	{ "raw echoes", raw_echoes },
	{ "names of raw sockets", raw_names },
	{ "errors of raw sockets", raw_errors },
	{ "checksums and filters", checksums },
	{ "headers of the app", headers },
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
