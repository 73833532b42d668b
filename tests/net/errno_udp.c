/*
 * errno_udp.c - the library against the kernel, call by call
 *
 *	errno_udp	compares; a line for each difference; exit status 1
 *
 * Each case is a function that makes the same calls through a table, once of
 * the kernel's functions and once of ours, and says in a number what came of
 * it: an errno, or whatever else should be the same.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/strata.h"

struct calls {
	int (*socket)(int, int, int);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	ssize_t (*sendto)(
	    int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*recvfrom)(
	    int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*getpeername)(int, struct sockaddr *, socklen_t *);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	int (*shutdown)(int, int);
	int (*close)(int);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*ioctl)(int, unsigned long, ...);
	const char *own4, *own6;
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

static ssize_t k_sendto(int fd, const void *p, size_t len, int flags,
    const struct sockaddr *a, socklen_t n)
{
	return sendto(fd, p, len, flags, a, n);
}

static ssize_t k_recvfrom(
    int fd, void *p, size_t len, int flags, struct sockaddr *a, socklen_t *n)
{
	return recvfrom(fd, p, len, flags, a, n);
}

static int k_getsockname(int fd, struct sockaddr *a, socklen_t *n)
{
	return getsockname(fd, a, n);
}

static int k_getpeername(int fd, struct sockaddr *a, socklen_t *n)
{
	return getpeername(fd, a, n);
}

static const struct calls kernel = { socket, k_bind, k_connect, k_sendto,
	k_recvfrom, sendmsg, recvmsg, k_getsockname, k_getpeername, setsockopt,
	getsockopt, shutdown, close, poll, ioctl, "192.0.2.1", "2001:db8::1" };
static const struct calls ours = { strata_socket, strata_bind, strata_connect,
	strata_sendto, strata_recvfrom, strata_sendmsg, strata_recvmsg,
	strata_getsockname, strata_getpeername, strata_setsockopt,
	strata_getsockopt, strata_shutdown, strata_close, strata_poll,
	strata_ioctl, "192.0.2.2", "2001:db8::2" };

static int differences, compared;

static long result(long r)
{
	return r == -1 ? -errno : r;
}

static void same(const char *what, long want, long got)
{
	compared++;
	if (want == got)
		return;
	differences++;
	printf("%s: kernel %ld (%s), strata %ld (%s)\n", what, want,
	    want < 0 ? strerror((int)-want) : "ok", got,
	    got < 0 ? strerror((int)-got) : "ok");
}

/* ---- Addresses */

union address {
	struct sockaddr a;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	uint8_t bytes[64];
};

static union address v4(const char *ip, uint16_t port)
{
	union address u = { .in = { .sin_family = AF_INET } };

	u.in.sin_port = htons(port);
	inet_pton(AF_INET, ip, &u.in.sin_addr);
	return u;
}

static union address v6(const char *ip, uint16_t port)
{
	union address u = { .in6 = { .sin6_family = AF_INET6 } };

	u.in6.sin6_port = htons(port);
	inet_pton(AF_INET6, ip, &u.in6.sin6_addr);
	return u;
}

/* ---- socket() */

static void compare_socket(void)
{
	static const int types[] = { SOCK_DGRAM, SOCK_DGRAM | SOCK_NONBLOCK,
		SOCK_DGRAM | SOCK_CLOEXEC, SOCK_DGRAM | 0x100, 0, 7, 11, 15 };
	static const int domains[] = { AF_INET, AF_INET6, -1, 1000, AF_MAX };
	/* Not IPPROTO_ICMP: the kernel's ping sockets are for some only. */
	static const int protocols[] = { 0, IPPROTO_UDP, IPPROTO_TCP,
		IPPROTO_SCTP, -1, 255, 256, 100000 };
	char what[64];

	for (size_t d = 0; d < 5; d++)
		for (size_t t = 0; t < 8; t++)
			for (size_t p = 0; p < 8; p++) {
				long k = result(
				    socket(domains[d], types[t], protocols[p]));
				long s = result(strata_socket(
				    domains[d], types[t], protocols[p]));

				if (k >= 0)
					close((int)k);
				if (s >= 0)
					strata_close((int)s);
				snprintf(what, sizeof(what),
				    "socket(%d, 0x%x, %d)", domains[d],
				    types[t], protocols[p]);
				same(what, k < 0 ? k : 0, s < 0 ? s : 0);
			}
}

/* ---- Sequences: each returns what the last call did */

static long bind_to(
    const struct calls *c, int family, union address u, socklen_t len)
{
	int fd = c->socket(family, SOCK_DGRAM, 0);
	long r = result(c->bind(fd, &u.a, len));

	c->close(fd);
	return r;
}

static long connect_to(
    const struct calls *c, int family, union address u, socklen_t len)
{
	int fd = c->socket(family, SOCK_DGRAM, 0);
	long r = result(c->connect(fd, &u.a, len));

	c->close(fd);
	return r;
}

static long send_to(
    const struct calls *c, int family, union address u, socklen_t len)
{
	int fd = c->socket(family, SOCK_DGRAM, 0);
	long r = result(c->sendto(fd, "x", 1, 0, &u.a, len));

	c->close(fd);
	return r;
}

#define TARGET4(name, ip, port)                          \
	static union address name(const struct calls *c) \
	{                                                \
		(void)c;                                 \
		return v4(ip, port);                     \
	}
#define TARGET6(name, ip, port)                          \
	static union address name(const struct calls *c) \
	{                                                \
		(void)c;                                 \
		return v6(ip, port);                     \
	}

TARGET4(own_4, c->own4, 4444)
TARGET4(own_4_zero, c->own4, 0)
TARGET4(any_4, "0.0.0.0", 4444)
TARGET4(foreign_4, "192.0.2.77", 4444)
TARGET4(loop_4, "127.0.0.1", 4444)
TARGET4(bcast_4, "192.0.2.255", 4444)
TARGET4(ones_4, "255.255.255.255", 4444)
TARGET4(mcast_4, "239.1.2.3", 4444)
TARGET6(own_6, c->own6, 4444)
TARGET6(own_6_zero, c->own6, 0)
TARGET6(any_6, "::", 4444)
TARGET6(foreign_6, "2001:db8::77", 4444)
TARGET6(loop_6, "::1", 4444)
TARGET6(link_6, "fe80::1", 4444)
TARGET6(
    mapped_own, c == &kernel ? "::ffff:192.0.2.1" : "::ffff:192.0.2.2", 4444)
TARGET6(mapped_foreign, "::ffff:192.0.2.77", 4444)
TARGET6(mapped_bcast, "::ffff:192.0.2.255", 4444)

static union address unspec(const struct calls *c)
{
	union address u = v4("0.0.0.0", 4444);

	(void)c;
	u.a.sa_family = AF_UNSPEC;
	return u;
}

static union address unspec_foreign(const struct calls *c)
{
	union address u = v4("192.0.2.77", 4444);

	(void)c;
	u.a.sa_family = AF_UNSPEC;
	return u;
}

static union address unix_family(const struct calls *c)
{
	union address u = v6("::", 4444);

	(void)c;
	u.a.sa_family = AF_UNIX;
	return u;
}

static const struct {
	const char *name;
	union address (*make)(const struct calls *c);
} targets[] = {
	{ "own IPv4", own_4 },
	{ "own IPv4, port 0", own_4_zero },
	{ "any IPv4", any_4 },
	{ "foreign IPv4", foreign_4 },
	{ "127.0.0.1", loop_4 },
	{ "subnet broadcast", bcast_4 },
	{ "255.255.255.255", ones_4 },
	{ "239.1.2.3", mcast_4 },
	{ "own IPv6", own_6 },
	{ "own IPv6, port 0", own_6_zero },
	{ "any IPv6", any_6 },
	{ "foreign IPv6", foreign_6 },
	{ "::1", loop_6 },
	{ "link-local without scope", link_6 },
	{ "own IPv4, mapped", mapped_own },
	{ "foreign IPv4, mapped", mapped_foreign },
	{ "broadcast, mapped", mapped_bcast },
	{ "AF_UNSPEC", unspec },
	{ "AF_UNSPEC with an address", unspec_foreign },
	{ "AF_UNIX", unix_family },
};

static void compare_addresses(void)
{
	static const socklen_t lens[] = { 0, 1, 2, 8, 15, 16, 20, 23, 24, 28,
		64 };
	static const int families[] = { AF_INET, AF_INET6 };
	static long (*const verbs[])(const struct calls *, int, union address,
	    socklen_t) = { bind_to, connect_to, send_to };
	static const char *const names[] = { "bind", "connect", "sendto" };
	char what[128];

	for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++)
		for (size_t f = 0; f < 2; f++)
			for (size_t l = 0; l < 11; l++)
				for (size_t v = 0; v < 3; v++) {
					snprintf(what, sizeof(what),
					    "%s(%s, %s, len %u)", names[v],
					    f ? "INET6" : "INET",
					    targets[t].name, lens[l]);
					same(what,
					    verbs[v](&kernel, families[f],
						targets[t].make(&kernel),
						lens[l]),
					    verbs[v](&ours, families[f],
						targets[t].make(&ours),
						lens[l]));
				}
}

/* ---- Calls in the wrong state */

static long bind_twice(const struct calls *c, int fd)
{
	union address u = v4("0.0.0.0", 0);

	c->bind(fd, &u.a, sizeof(u.in));
	return result(c->bind(fd, &u.a, sizeof(u.in)));
}

static long send_nowhere(const struct calls *c, int fd)
{
	return result(c->sendto(fd, "x", 1, 0, NULL, 0));
}

static long send_oob(const struct calls *c, int fd)
{
	union address u = v4("127.0.0.1", 9);

	return result(c->sendto(fd, "x", 1, MSG_OOB, &u.a, sizeof(u.in)));
}

static long send_size(const struct calls *c, int fd, size_t len)
{
	static uint8_t big[70000];
	union address u = v4("127.0.0.1", 9);

	return result(c->sendto(fd, big, len, 0, &u.a, sizeof(u.in)));
}

static long send_65507(const struct calls *c, int fd)
{
	return send_size(c, fd, 65507);
}

static long send_too_much(const struct calls *c, int fd)
{
	return send_size(c, fd, 65508) * 1000 + send_size(c, fd, 65536);
}

static long dont_fragment(const struct calls *c, int fd)
{
	static uint8_t big[1473];
	union address u = v4("192.0.2.77", 9);
	int on = IP_PMTUDISC_DO;

	c->setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &on, sizeof(on));
	return result(c->sendto(fd, big, sizeof(big), 0, &u.a, sizeof(u.in)));
}

static long peer_of_none(const struct calls *c, int fd)
{
	union address u;
	socklen_t len = sizeof(u);

	return result(c->getpeername(fd, &u.a, &len));
}

static long name_of_fresh(const struct calls *c, int fd)
{
	union address u;
	socklen_t len = sizeof(u);
	long r = result(c->getsockname(fd, &u.a, &len));

	return r < 0 ? r : (long)len * 1000 + u.in.sin_port + u.a.sa_family;
}

static long name_cut(const struct calls *c, int fd)
{
	union address u = { .bytes = { 0 } };
	socklen_t len = 3;
	long r = result(c->getsockname(fd, &u.a, &len));

	return r < 0 ? r : (long)len * 1000 + u.bytes[0] + u.bytes[5];
}

static long recv_nothing(const struct calls *c, int fd)
{
	char b;

	return result(c->recvfrom(fd, &b, 1, MSG_DONTWAIT, NULL, NULL));
}

static long recv_no_errors(const struct calls *c, int fd)
{
	char b;

	return result(
	    c->recvfrom(fd, &b, 1, MSG_ERRQUEUE | MSG_DONTWAIT, NULL, NULL));
}

static long recv_in_time(const struct calls *c, int fd)
{
	struct timeval tv = { .tv_usec = 20000 };
	char b;

	c->setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return result(c->recvfrom(fd, &b, 1, 0, NULL, NULL));
}

static long shut_unconnected(const struct calls *c, int fd)
{
	return result(c->shutdown(fd, SHUT_RDWR));
}

static long shut_badly(const struct calls *c, int fd)
{
	return result(c->shutdown(fd, 3));
}

static long shut_then(const struct calls *c, int fd, int how, bool rx)
{
	union address u = v4("127.0.0.1", 9);
	char b;

	c->connect(fd, &u.a, sizeof(u.in));
	c->shutdown(fd, how);
	return rx ? result(c->recvfrom(fd, &b, 1, MSG_DONTWAIT, NULL, NULL))
		  : result(c->sendto(fd, "x", 1, MSG_NOSIGNAL, NULL, 0));
}

static long shut_wr_send(const struct calls *c, int fd)
{
	return shut_then(c, fd, SHUT_WR, false);
}

static long shut_rd_recv(const struct calls *c, int fd)
{
	return shut_then(c, fd, SHUT_RD, true);
}

static long refused_at(const struct calls *c, int fd, const char *ip)
{
	union address u = v4(ip, 9);
	struct timeval tv = { .tv_sec = 1 };
	char b;

	c->setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	c->connect(fd, &u.a, sizeof(u.in));
	c->sendto(fd, "x", 1, 0, NULL, 0);
	return result(c->recvfrom(fd, &b, 1, 0, NULL, NULL));
}

static long refused(const struct calls *c, int fd)
{
	return refused_at(c, fd, c->own4);
}

static long refused_by_loopback(const struct calls *c, int fd)
{
	return refused_at(c, fd, "127.0.0.1");
}

static long refused_by_poll(const struct calls *c, int fd)
{
	union address u = v4(c->own4, 9);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int err = 0;
	socklen_t len = sizeof(err);

	c->connect(fd, &u.a, sizeof(u.in));
	c->sendto(fd, "x", 1, 0, NULL, 0);
	c->poll(&p, 1, 1000);
	c->getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return (p.revents & POLLERR) * 1000 + err;
}

static long writable(const struct calls *c, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	return c->poll(&p, 1, 0) * 1000 + p.revents;
}

/* To itself: length, source, truncation, peeking, FIONREAD. */
static long to_itself(const struct calls *c, int fd)
{
	union address u = v4(c->own4, 0);
	socklen_t len = sizeof(u);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char b[8] = "";
	int next = 0;
	long r;

	if (c->bind(fd, &u.a, sizeof(u.in)) == -1 ||
	    c->getsockname(fd, &u.a, &len) == -1)
		return -errno;
	c->sendto(fd, "hello", 5, 0, &u.a, len);
	if (c->poll(&p, 1, 1000) != 1)
		return -ETIMEDOUT;
	c->ioctl(fd, FIONREAD, &next);
	r = next;
	r = r * 10 + c->recvfrom(fd, b, 2, MSG_PEEK | MSG_TRUNC, NULL, NULL);
	r = r * 10 + c->recvfrom(fd, b, 3, MSG_PEEK, NULL, NULL);
	r = r * 10 + c->recvfrom(fd, b, 4, MSG_TRUNC, NULL, NULL);
	return r * 100 + b[3];
}

static long bad_control(const struct calls *c, int fd)
{
	union address u = v4("127.0.0.1", 9);
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(int))];
	} room;
	char x = 'x';
	struct iovec iov = { &x, 1 };
	struct msghdr m = { .msg_name = &u,
		.msg_namelen = sizeof(u.in),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room) };
	int ttl = 256;

	memset(&room, 0, sizeof(room));
	room.h.cmsg_len = CMSG_LEN(sizeof(int));
	room.h.cmsg_level = IPPROTO_IP;
	room.h.cmsg_type = IP_TTL;
	memcpy(CMSG_DATA(&room.h), &ttl, sizeof(ttl));
	return result(c->sendmsg(fd, &m, 0));
}

static const struct {
	const char *name;
	long (*run)(const struct calls *c, int fd);
} states[] = {
	{ "bind twice", bind_twice },
	{ "send without a peer", send_nowhere },
	{ "send MSG_OOB", send_oob },
	{ "send 65,507 bytes", send_65507 },
	{ "send 65,508 and 65,536 bytes", send_too_much },
	{ "send beyond the MTU, unfragmented", dont_fragment },
	{ "getpeername of none", peer_of_none },
	{ "getsockname of a fresh socket", name_of_fresh },
	{ "getsockname into 3 bytes", name_cut },
	{ "receive nothing", recv_nothing },
	{ "receive from the error queue", recv_no_errors },
	{ "receive with a time-out", recv_in_time },
	{ "shut down what is not connected", shut_unconnected },
	{ "shutdown(3)", shut_badly },
	{ "send after SHUT_WR", shut_wr_send },
	{ "receive after SHUT_RD", shut_rd_recv },
	{ "nobody listens", refused },
	{ "nobody listens on 127.0.0.1", refused_by_loopback },
	{ "nobody listens, by poll", refused_by_poll },
	{ "poll a fresh socket", writable },
	{ "to itself", to_itself },
	{ "a TTL of 256 beside it", bad_control },
};

static void compare_states(void)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		int k = socket(AF_INET, SOCK_DGRAM, 0);
		int s = strata_socket(AF_INET, SOCK_DGRAM, 0);

		same(states[i].name, states[i].run(&kernel, k),
		    states[i].run(&ours, s));
		close(k);
		strata_close(s);
	}
}

/* ---- Options: every value in every length, and what is read back */

struct option {
	const char *name;
	int level, number;
};

#define OPT(level, number)             \
	{                              \
#number, level, number \
	}

/* clang-format off */
static const struct option options[] = {
	OPT(SOL_SOCKET, SO_REUSEADDR), OPT(SOL_SOCKET, SO_REUSEPORT),
	OPT(SOL_SOCKET, SO_BROADCAST), OPT(SOL_SOCKET, SO_DONTROUTE),
	OPT(SOL_SOCKET, SO_KEEPALIVE), OPT(SOL_SOCKET, SO_OOBINLINE),
	OPT(SOL_SOCKET, SO_PRIORITY), OPT(SOL_SOCKET, SO_ERROR),
	OPT(SOL_SOCKET, SO_TYPE), OPT(SOL_SOCKET, SO_DOMAIN),
	OPT(SOL_SOCKET, SO_PROTOCOL), OPT(SOL_SOCKET, SO_ACCEPTCONN),
	OPT(IPPROTO_IP, IP_TTL), OPT(IPPROTO_IP, IP_TOS),
	OPT(IPPROTO_IP, IP_PKTINFO), OPT(IPPROTO_IP, IP_RECVTTL),
	OPT(IPPROTO_IP, IP_RECVTOS), OPT(IPPROTO_IP, IP_RECVERR),
	OPT(IPPROTO_IP, IP_MTU_DISCOVER), OPT(IPPROTO_IP, IP_MULTICAST_TTL),
	OPT(IPPROTO_IP, IP_MULTICAST_LOOP), OPT(IPPROTO_IP, IP_MULTICAST_ALL),
	OPT(IPPROTO_IP, IP_MTU), { "no such option", IPPROTO_IP, 9999 },
	OPT(IPPROTO_IPV6, IPV6_V6ONLY), OPT(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	OPT(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
	OPT(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
	OPT(IPPROTO_IPV6, IPV6_MULTICAST_ALL),
	OPT(IPPROTO_IPV6, IPV6_RECVPKTINFO),
	OPT(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
	OPT(IPPROTO_IPV6, IPV6_RECVTCLASS), OPT(IPPROTO_IPV6, IPV6_RECVERR),
	OPT(IPPROTO_IPV6, IPV6_TCLASS), OPT(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
	{ "no such option", IPPROTO_IPV6, 9999 },
	{ "no such option", SOL_SOCKET, 9999 },
};
/* clang-format on */

static long set_and_get(const struct calls *c, int fd, const struct option *o,
    int value, socklen_t len, socklen_t get_len)
{
	uint8_t v[16] = { 0 };
	uint8_t back[16] = { 0 };
	socklen_t n = get_len;
	long r;

	memcpy(v, &value, sizeof(value));
	r = result(c->setsockopt(fd, o->level, o->number, v, len));
	if (r < 0)
		return r;
	r = result(c->getsockopt(fd, o->level, o->number, back, &n));
	if (r < 0)
		return r - 1000;
	memcpy(&value, back, sizeof(value));
	return (long)n * 100000 + value;
}

static void compare_option(const struct option *o, int family)
{
	static const int values[] = { -2, -1, 0, 1, 2, 3, 5, 6, 64, 255, 256,
		100000 };
	static const socklen_t lens[] = { 0, 1, 3, 4, 8, (socklen_t)-1 };
	static const socklen_t gets[] = { 4, 1, 0, 16, (socklen_t)-1 };
	char what[96];

	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
		for (size_t l = 0; l < 6; l++)
			for (size_t g = 0; g < 5; g++) {
				int k = socket(family, SOCK_DGRAM, 0);
				int s = strata_socket(family, SOCK_DGRAM, 0);

				snprintf(what, sizeof(what),
				    "%s %s = %d, len %d, read %d", o->name,
				    family == AF_INET ? "INET" : "INET6",
				    values[v], (int)lens[l], (int)gets[g]);
				same(what,
				    set_and_get(&kernel, k, o, values[v],
					lens[l], gets[g]),
				    set_and_get(&ours, s, o, values[v], lens[l],
					gets[g]));
				close(k);
				strata_close(s);
			}
}

static void compare_descriptors(void)
{
	int pipes[2];
	char b;

	if (pipe(pipes) == -1)
		return;
	same("a closed descriptor",
	    result(recvfrom(999, &b, 1, MSG_DONTWAIT, NULL, NULL)),
	    result(strata_recvfrom(999, &b, 1, MSG_DONTWAIT, NULL, NULL)));
	same("a pipe",
	    result(recvfrom(pipes[0], &b, 1, MSG_DONTWAIT, NULL, NULL)),
	    result(strata_recvfrom(pipes[0], &b, 1, MSG_DONTWAIT, NULL, NULL)));
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	compare_descriptors();
	compare_socket();
	compare_states();
	compare_addresses();
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		compare_option(&options[i], AF_INET);
		compare_option(&options[i], AF_INET6);
	}
	printf("%d results compared, %d differ\n", compared, differences);
	return differences > 0;
}
