/*
 * zone.c - which link a link-local address is on
 */
#include "api/command/zone.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/strata.h"

const char *zone_of(const char *text)
{
	const char *percent = strchr(text, '%');

	return percent != NULL ? percent + 1 : NULL;
}

void zone_cut(char ret[ZONE_HOST_LEN], const char *text)
{
	snprintf(ret, ZONE_HOST_LEN, "%.*s", (int)strcspn(text, "%"), text);
}

/* "left, right": all of the stack's, to standard error. */
static void list_links(void)
{
	char name[ZONE_NAME_LEN];

	for (unsigned int i = 1; strata_if_indextoname(i, name) != NULL; i++)
		fprintf(stderr, "%s%s", i > 1 ? ", " : "", name);
	fprintf(stderr, "\n");
}

unsigned int zone_link(const char *tool, const char *zone)
{
	unsigned int link = strata_if_nametoindex(zone);
	unsigned long n = strtoul(zone, NULL, 10);
	char name[ZONE_NAME_LEN];

	if (link == 0 && zone[strspn(zone, "0123456789")] == '\0' &&
	    n <= UINT_MAX &&
	    strata_if_indextoname((unsigned int)n, name) != NULL)
		link = (unsigned int)n;
	if (link == 0) {
		fprintf(stderr, "%s: the stack has no link \"%s\", only ", tool,
		    zone);
		list_links();
	}
	return link;
}

/* RFC 4291, 2.7: scope 2 of groups; 2.5.6. */
static bool needs_zone(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MC_LINKLOCAL(a);
}

bool zone_set(const char *tool, const char *zone, const char *link,
    struct sockaddr_in6 *addr)
{
	char text[INET6_ADDRSTRLEN], second[ZONE_NAME_LEN];

	inet_ntop(AF_INET6, &addr->sin6_addr, text, sizeof(text));
	if (!needs_zone(&addr->sin6_addr)) {
		if (zone != NULL)
			fprintf(stderr,
			    "%s: %s is not link-local and has no zone\n", tool,
			    text);
		return zone == NULL;
	}
	if (zone == NULL)
		zone = link;
	if (zone != NULL) {
		addr->sin6_scope_id = zone_link(tool, zone);
		return addr->sin6_scope_id != 0;
	}
	if (strata_if_indextoname(2, second) != NULL) {
		fprintf(stderr, "%s: %s is on which link?  %s%%LINK, of ", tool,
		    text, text);
		list_links();
		return false;
	}
	addr->sin6_scope_id = 1;
	return true;
}

void zone_text(char ret[ZONE_TEXT_LEN], const struct sockaddr_in6 *addr)
{
	char text[INET6_ADDRSTRLEN], name[ZONE_NAME_LEN];

	inet_ntop(AF_INET6, &addr->sin6_addr, text, sizeof(text));
	if (addr->sin6_scope_id == 0)
		snprintf(ret, ZONE_TEXT_LEN, "%s", text);
	else if (strata_if_indextoname(addr->sin6_scope_id, name) != NULL)
		snprintf(ret, ZONE_TEXT_LEN, "%s%%%s", text, name);
	else
		snprintf(ret, ZONE_TEXT_LEN, "%s%%%u", text,
		    (unsigned)addr->sin6_scope_id);
}
