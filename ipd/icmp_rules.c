/*
 * icmp_rules.c - may an error be sent about this packet?
 */
#include "ipd/icmp_rules.h"

#include <netinet/in.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"

/* Only what is known to be a question or an answer may be complained about. */
static bool icmp_is_query(int type)
{
	switch (type) {
	case ICMP_ECHO_REPLY:
	case ICMP_ECHO:
	case 9: /* router advertisement and solicitation (RFC 1256) */
	case 10:
	case 13: /* timestamp and its reply */
	case 14:
	case 15: /* information request and its reply */
	case 16:
	case 17: /* address mask request and its reply */
	case 18:
		return true;
	default:
		return false;
	}
}

/*
 * 0/8, 127/8, class D and E, and any broadcast are not one host's.  From 127/8
 * to 127/8 is: ourselves, asking ourselves (admit.c lets none in by a wire).
 */
static bool is_one_host(const struct icmp_cause *cause)
{
	uint8_t first = ip_v4(&cause->src)[0];

	if (first == 127)
		return ip_is_loopback(&cause->dst);
	return first != 0 && first < 224 && !cause->src_is_broadcast;
}

bool icmp_error_allowed(const struct icmp_cause *cause)
{
	/* The order of RFC 1122, 3.2.2. */
	if (cause->proto == IPPROTO_ICMP && cause->frag_offset == 0 &&
	    !icmp_is_query(cause->icmp_type))
		return false;
	if (ip_is_multicast(&cause->dst) || ip_is_broadcast(&cause->dst) ||
	    cause->dst_is_broadcast)
		return false;
	if (cause->link_to_many)
		return false;
	if (cause->frag_offset != 0)
		return false;
	return is_one_host(cause);
}

bool icmp6_error_allowed(const struct icmp_cause *cause, bool even_if_multicast)
{
	/*
	 * RFC 4443, 2.4 (e.1) and (e.2).  A type that can't be seen might be
	 * an error's.
	 */
	if (cause->proto == IPPROTO_ICMPV6 &&
	    (cause->icmp_type < ICMP6_INFORMATIONAL ||
		cause->icmp_type == ICMP6_REDIRECT))
		return false;

	/* (e.3) to (e.5), with their exceptions. */
	if (!even_if_multicast &&
	    (ip_is_multicast(&cause->dst) || cause->link_to_many))
		return false;

	/* (e.6); a loopback address is one node's, but not on a wire. */
	return !ip_is_any(&cause->src) && !ip_is_multicast(&cause->src);
}
