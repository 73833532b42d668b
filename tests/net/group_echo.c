/*
 * group_echo.c - a member of a multicast group, on our stack
 *
 *	group_echo GROUP PORT         echo what is sent to the group
 *	group_echo GROUP PORT TEXT    send TEXT there, print the first answer
 *
 * GROUP may also be a broadcast address, which needs no joining.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "api/strata.h"

static char buf[65536];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static bool is_multicast(const struct addrinfo *a)
{
	const struct sockaddr_in6 *s6 = (void *)a->ai_addr;
	const struct sockaddr_in *s4 = (void *)a->ai_addr;

	return a->ai_family == AF_INET6
	    ? IN6_IS_ADDR_MULTICAST(&s6->sin6_addr)
	    : IN_MULTICAST(ntohl(s4->sin_addr.s_addr));
}

static int join(int fd, const struct addrinfo *a)
{
	const struct sockaddr_in6 *s6 = (void *)a->ai_addr;
	const struct sockaddr_in *s4 = (void *)a->ai_addr;
	struct ipv6_mreq m6 = { .ipv6mr_interface = 0 };
	struct ip_mreq m4 = { .imr_interface.s_addr = INADDR_ANY };

	if (a->ai_family == AF_INET6) {
		m6.ipv6mr_multiaddr = s6->sin6_addr;
		return strata_setsockopt(
		    fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof(m6));
	}
	m4.imr_multiaddr = s4->sin_addr;
	return strata_setsockopt(
	    fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m4, sizeof(m4));
}

static int echo(int fd, const struct addrinfo *group, const char *port)
{
	struct addrinfo how = { .ai_family = group->ai_family,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST,
		.ai_socktype = SOCK_DGRAM };
	struct sockaddr_storage from;
	struct addrinfo *here;
	int r;

	if (getaddrinfo(NULL, port, &how, &here) != 0)
		return 2;
	r = strata_bind(fd, here->ai_addr, here->ai_addrlen);
	freeaddrinfo(here);
	if (r == -1)
		return fail("strata_bind");
	if (is_multicast(group) && join(fd, group) == -1)
		return fail("join");
	printf("joined\n");
	fflush(stdout);
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = strata_recvfrom(
		    fd, buf, sizeof(buf), 0, (void *)&from, &len);

		if (n == -1)
			return fail("strata_recvfrom");
		if (strata_sendto(fd, buf, (size_t)n, 0, (void *)&from, len) ==
		    -1)
			return fail("strata_sendto");
	}
}

static int ask(int fd, const struct addrinfo *group, const char *text)
{
	struct timeval wait = { .tv_sec = 2 };
	int on = 1;
	ssize_t n;

	strata_setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	strata_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (strata_sendto(fd, text, strlen(text), 0, group->ai_addr,
		group->ai_addrlen) == -1)
		return fail("strata_sendto");
	n = strata_recv(fd, buf, sizeof(buf), 0);
	if (n == -1)
		return fail("strata_recv");
	printf("%.*s\n", (int)n, buf);
	return 0;
}

int main(int argc, char **argv)
{
	struct addrinfo how = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_DGRAM };
	struct addrinfo *group;
	int fd;

	if (argc < 3 || argc > 4 ||
	    getaddrinfo(argv[1], argv[2], &how, &group) != 0) {
		fprintf(stderr, "usage: group_echo GROUP PORT [TEXT]\n");
		return 2;
	}
	fd = strata_socket(group->ai_family, SOCK_DGRAM, 0);
	if (fd == -1)
		return fail("strata_socket");
	return argc == 3 ? echo(fd, group, argv[2]) : ask(fd, group, argv[3]);
}
