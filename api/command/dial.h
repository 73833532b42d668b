/*
 * dial.h - names to sockets, for the tools that are apps of the stack
 *
 * Names are looked up by the C library, with the kernel's network; zones of
 * addresses are the stack's links (zone.h).  What can't be done is said on
 * standard error, behind the tool's name.
 */
#ifndef API_COMMAND_DIAL_H
#define API_COMMAND_DIAL_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define WAIT_MIN_S 0.001
#define WAIT_MAX_S 86400

struct dial {
	const char *tool;        /* "strata nc" */
	int family;              /* AF_UNSPEC: any */
	int type;                /* SOCK_STREAM, SOCK_DGRAM */
	const char *source;      /* an address of ours; NULL: any */
	const char *source_port; /* NULL: any */
	const char *link;        /* to go out by; NULL: by the route */
	bool quiet;              /* who can't be connected to is not said */
	int64_t wait_ns; /* for the connection; 0: as long as it takes */
};

/* 0, or STATUS_FAILED after a sentence with errno in it. */
int dial_fail(const struct dial *d, const char *what);

/*
 * The addresses of @host (NULL: to listen on), to be freed; NULL: none, or no
 * stack to reach them by.
 */
struct addrinfo *dial_lookup(
    const struct dial *d, const char *host, const char *port);

/* Patience as the socket options have it. */
struct timeval dial_patience(const struct dial *d);

/* "192.0.2.1", "fe80::1%left": an address, and no name. */
bool dial_is_address(const char *text);

/* Give @fd what @d says of our end; false after a sentence. */
bool dial_set_source(const struct dial *d, int fd, int family);

/* A socket that is connected, or -1. */
int dial_connect(const struct dial *d, const char *host, const char *port);

/* The same to the first of these that can be reached; errno says of the last.
 */
int dial_connect_any(const struct dial *d, const struct addrinfo *all);

/* Of either family. */
void dial_set_port(struct sockaddr *at, uint16_t port);

/* A socket that is bound, and listens if it is a stream's, or -1. */
int dial_bind(const struct dial *d, const char *host, const char *port);

/* An address as numbers, "?" if it is none; its link by name, its port if any.
 */
const char *dial_text(const struct sockaddr *addr, socklen_t len);

#endif /* API_COMMAND_DIAL_H */
