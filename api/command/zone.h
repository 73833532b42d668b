/*
 * zone.h - which link a link-local address is on: fe80::1%left (RFC 4007, 11)
 *
 * Zones are the names of the stack's links, as the topology has them, or their
 * numbers as the library has them (strata.h); the C library knows the kernel's.
 */
#ifndef API_COMMAND_ZONE_H
#define API_COMMAND_ZONE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	ZONE_HOST_LEN = 256,
	ZONE_TEXT_LEN = INET6_ADDRSTRLEN + 16,
	ZONE_NAME_LEN = 16,
};

/* Where @text has its zone, behind the '%'; NULL: it has none. */
const char *zone_of(const char *text);

/* @text without it. */
void zone_cut(char ret[ZONE_HOST_LEN], const char *text);

/*
 * The number of the link that @zone names; 0 after a sentence that lists those
 * there are.
 */
unsigned int zone_link(const char *tool, const char *zone);

/*
 * An address that is only good on one link gets that: of @zone, or without one
 * (NULL) @link, or without that the only link of the stack.  False after a
 * sentence.
 */
bool zone_set(const char *tool, const char *zone, const char *link,
    struct sockaddr_in6 *addr);

/* The address as text, with its zone if it has one. */
void zone_text(char ret[ZONE_TEXT_LEN], const struct sockaddr_in6 *addr);

#endif /* API_COMMAND_ZONE_H */
