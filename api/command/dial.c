/*
 * dial.c - names to sockets, for the tools that are apps of the stack
 */
#include "api/command/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/command/command.h"
#include "api/command/zone.h"
#include "api/strata.h"
#include "shm/clock.h"

enum {
	BACKLOG = 16,
};

int dial_fail(const struct dial *d, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", d->tool, what, strerror(errno));
	return STATUS_FAILED;
}

/* Before a socket fails with an errno that says less. */
static bool has_stack(void)
{
	const char *name = which_stack(NULL);
	int fd = name != NULL ? reach_stack(name) : -1;

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* getaddrinfo(3) takes any number, and the 16 low bits of it. */
static bool is_port(const char *text)
{
	return text[strspn(text, "0123456789")] != '\0' ||
	    (strlen(text) <= 5 && atoi(text) <= UINT16_MAX);
}

static struct addrinfo *not_found(
    const struct dial *d, const char *host, const char *port, int r)
{
	if (r == EAI_SERVICE)
		fprintf(
		    stderr, "%s: %s: no such service or port\n", d->tool, port);
	else
		fprintf(stderr, "%s: %s: %s\n", d->tool, host ? host : port,
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
	return NULL;
}

/* The family that @zone leaves, and no name: who has one writes an address. */
static int find(const char *host, const char *zone, const char *port,
    struct addrinfo *hints, struct addrinfo **ret)
{
	char bare[ZONE_HOST_LEN];

	if (port != NULL && !is_port(port))
		return EAI_SERVICE;
	if (zone == NULL)
		return getaddrinfo(host, port, hints, ret);
	zone_cut(bare, host);
	hints->ai_flags |= AI_NUMERICHOST;
	return getaddrinfo(bare, port, hints, ret);
}

/* Each on its link; false after a sentence. */
static bool set_zones(
    const struct dial *d, const char *zone, struct addrinfo *all)
{
	for (struct addrinfo *a = all; a != NULL; a = a->ai_next) {
		struct sockaddr_in6 in6;

		if (a->ai_family != AF_INET6) {
			if (zone == NULL)
				continue;
			fprintf(stderr, "%s: IPv4 addresses have no zone\n",
			    d->tool);
			return false;
		}
		memcpy(&in6, a->ai_addr, sizeof(in6));
		if (!zone_set(d->tool, zone, d->link, &in6))
			return false;
		memcpy(a->ai_addr, &in6, sizeof(in6));
	}
	return true;
}

static struct addrinfo *lookup(
    const struct dial *d, const char *host, const char *port)
{
	struct addrinfo hints = {
		.ai_family = d->family,
		.ai_socktype = d->type,
		.ai_flags = host == NULL ? AI_PASSIVE : 0,
	};
	const char *zone = host != NULL ? zone_of(host) : NULL;
	struct addrinfo *all;
	int r;

	/* One socket of IPv6 hears both families. */
	if (host == NULL && d->family == AF_UNSPEC)
		hints.ai_family = AF_INET6;
	if (host != NULL && d->source != NULL && d->family == AF_UNSPEC)
		hints.ai_family =
		    strchr(d->source, ':') != NULL ? AF_INET6 : AF_INET;
	r = find(host, zone, port, &hints, &all);
	if (r != 0)
		return not_found(d, host, port, r);
	if (set_zones(d, zone, all))
		return all;
	freeaddrinfo(all);
	return NULL;
}

struct addrinfo *dial_lookup(
    const struct dial *d, const char *host, const char *port)
{
	return has_stack() ? lookup(d, host, port) : NULL;
}

bool dial_is_address(const char *text)
{
	struct in_addr in;

	return strchr(text, ':') != NULL || inet_pton(AF_INET, text, &in) == 1;
}

static bool set_source(const struct dial *d, int fd, int family)
{
	struct dial ours = { .tool = d->tool,
		.family = family,
		.type = d->type,
		.link = d->link };
	struct addrinfo *a = lookup(&ours, d->source, d->source_port);
	const int yes = 1;
	bool ok;

	if (a == NULL)
		return false;
	if (d->source_port != NULL)
		strata_setsockopt(
		    fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	ok = strata_bind(fd, a->ai_addr, a->ai_addrlen) == 0;
	if (!ok)
		dial_fail(d, dial_text(a->ai_addr, a->ai_addrlen));
	freeaddrinfo(a);
	return ok;
}

bool dial_set_source(const struct dial *d, int fd, int family)
{
	if (d->link != NULL) {
		if (zone_link(d->tool, d->link) == 0)
			return false;
		if (strata_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, d->link,
			(socklen_t)strlen(d->link) + 1) == -1) {
			dial_fail(d, d->link);
			return false;
		}
	}
	return (d->source == NULL && d->source_port == NULL) ||
	    set_source(d, fd, family);
}

struct timeval dial_patience(const struct dial *d)
{
	return (struct timeval){
		.tv_sec = d->wait_ns / NS_PER_S,
		.tv_usec = d->wait_ns % NS_PER_S / NS_PER_US,
	};
}

void dial_set_port(struct sockaddr *at, uint16_t port)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (at->sa_family == AF_INET) {
		memcpy(&in, at, sizeof(in));
		in.sin_port = htons(port);
		memcpy(at, &in, sizeof(in));
	} else {
		memcpy(&in6, at, sizeof(in6));
		in6.sin6_port = htons(port);
		memcpy(at, &in6, sizeof(in6));
	}
}

/* -1 after a sentence. */
static int open_socket(const struct dial *d, int family)
{
	const struct timeval patience = dial_patience(d);
	int fd = strata_socket(family, d->type, 0);

	if (fd == -1) {
		dial_fail(d, "socket");
		return -1;
	}
	if (d->wait_ns > 0)
		strata_setsockopt(
		    fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (dial_set_source(d, fd, family))
		return fd;
	strata_close(fd);
	return -1;
}

int dial_connect_any(const struct dial *d, const struct addrinfo *all)
{
	int err;

	for (const struct addrinfo *a = all; a != NULL; a = a->ai_next) {
		int fd = open_socket(d, a->ai_family);

		if (fd == -1 ||
		    strata_connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			return fd;
		err = errno == EINPROGRESS ? ETIMEDOUT : errno;
		errno = err;
		if (!d->quiet)
			dial_fail(d, dial_text(a->ai_addr, a->ai_addrlen));
		strata_close(fd);
		errno = err;
	}
	return -1;
}

int dial_connect(const struct dial *d, const char *host, const char *port)
{
	struct addrinfo *all = dial_lookup(d, host, port);
	int fd = dial_connect_any(d, all);

	if (all != NULL)
		freeaddrinfo(all);
	return fd;
}

int dial_bind(const struct dial *d, const char *host, const char *port)
{
	struct addrinfo *all = dial_lookup(d, host, port);
	const int yes = 1;
	int fd;

	if (all == NULL)
		return -1;
	fd = strata_socket(all->ai_family, d->type, 0);
	if (fd != -1 && d->type == SOCK_STREAM)
		strata_setsockopt(
		    fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd == -1 || strata_bind(fd, all->ai_addr, all->ai_addrlen) == -1 ||
	    (d->type == SOCK_STREAM && strata_listen(fd, BACKLOG) == -1)) {
		dial_fail(d, dial_text(all->ai_addr, all->ai_addrlen));
		if (fd != -1)
			strata_close(fd);
		fd = -1;
	}
	freeaddrinfo(all);
	return fd;
}

const char *dial_text(const struct sockaddr *addr, socklen_t len)
{
	static char text[ZONE_TEXT_LEN + 16];
	char host[ZONE_TEXT_LEN];
	const char *shown = host;
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	unsigned port;

	if (addr->sa_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, addr, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		port = ntohs(in.sin_port);
	} else if (addr->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, addr, sizeof(in6));
		zone_text(host, &in6);
		port = ntohs(in6.sin6_port);
	} else {
		return "?";
	}
	/* IPv4 on a socket of IPv6. */
	if (strncmp(host, "::ffff:", 7) == 0 && strchr(host, '.') != NULL)
		shown = host + 7;
	if (port == 0)
		snprintf(text, sizeof(text), "%s", shown);
	else
		snprintf(text, sizeof(text), "%s port %u", shown, port);
	return text;
}
