/*
 * icmp_rules.h - may an error be sent about this packet?
 *
 * RFC 1122, 3.2.2 and RFC 4443, 2.4 (e) list the packets that must never be
 * answered with an error, because errors about errors and errors to many
 * make storms.  These rules come before every other demand for an error.
 */
#ifndef IPD_ICMP_RULES_H
#define IPD_ICMP_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/addr.h"

enum {
	ICMP_TYPE_UNKNOWN = -1, /* the packet ends before its ICMP type */
};

/* What is known about the packet that an error would be about. */
struct icmp_cause {
	struct ip_addr src, dst;
	uint8_t proto; /* upper-layer protocol, if it was reached */
	int icmp_type; /* when proto is ICMP of that family */
	uint16_t frag_offset;
	bool link_to_many;     /* came as a link-layer broadcast or multicast */
	bool src_is_broadcast; /* a subnet's, which only routes can tell */
	bool dst_is_broadcast;
};

/* May an ICMP error be sent about an IPv4 packet? */
bool icmp_error_allowed(const struct icmp_cause *cause);

/*
 * May an ICMPv6 error be sent about an IPv6 packet?  @even_if_multicast for a
 * packet too big, and for the unknown option whose type asks for it.
 */
bool icmp6_error_allowed(
    const struct icmp_cause *cause, bool even_if_multicast);

#endif /* IPD_ICMP_RULES_H */
