/*
 * quote.h - the packet that an ICMP error is about, as the error quotes it
 *
 * It was ours, but it comes back from a stranger: cut short, perhaps to the
 * header and eight bytes (RFC 792), with the TTL and checksum of a router on
 * the way, or made up.  What is read here only says whom to ask; the transport
 * decides whether it ever sent such a packet (RFC 5927).
 */
#ifndef IPD_QUOTE_H
#define IPD_QUOTE_H

#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"

enum {
	QUOTE_TRANSPORT_MIN = 8, /* ports, and TCP's sequence number */
};

struct quote {
	struct ip_addr src, dst; /* of the quoted packet: src should be us */
	uint8_t proto;
	uint16_t transport_at;  /* bytes from the start of the quote */
	uint16_t transport_len; /* bytes of it that were quoted, at least 8 */
	uint32_t packet_len;    /* bytes of the whole packet, as it claims */
};

/* Why a quote was refused; each has a counter of the same name. */
enum quote_parse {
	QUOTE_OK,
	QUOTE_SHORT, /* ends before eight bytes of the transport header */
	QUOTE_BAD_VERSION,
	QUOTE_BAD_HEADER, /* lengths that contradict each other */
	QUOTE_NOT_FIRST,  /* a later fragment: no transport header in it */
	QUOTE_BAD_CHAIN,  /* extension headers beyond what we ever send */
};

/*
 * Read the quote that is the @len bytes at @buf, of an ICMP error
 * (quote_parse4) or an ICMPv6 error (quote_parse6).  On QUOTE_OK *@ret is
 * filled in, otherwise untouched.
 */
enum quote_parse quote_parse4(
    struct quote *ret, const uint8_t *buf, size_t len);
enum quote_parse quote_parse6(
    struct quote *ret, const uint8_t *buf, size_t len);

#endif /* IPD_QUOTE_H */
