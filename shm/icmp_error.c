/*
 * icmp_error.c - what an ICMP error means to a socket
 */
#include "shm/icmp_error.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

static const struct icmp_verdict nothing = { 0, false };

/* Destination unreachable (RFC 792; RFC 1122, 3.2.2.1; RFC 1812, 5.2.7.1). */
static const struct icmp_verdict unreachable4[] = {
	[ICMP_NET_UNREACH] = { ENETUNREACH, false },
	[ICMP_HOST_UNREACH] = { EHOSTUNREACH, false },
	[ICMP_PROT_UNREACH] = { ENOPROTOOPT, true },
	[ICMP_PORT_UNREACH] = { ECONNREFUSED, true },
	[ICMP_FRAG_NEEDED] = { EMSGSIZE, false },
	[ICMP_SR_FAILED] = { EOPNOTSUPP, false },
	[ICMP_NET_UNKNOWN] = { ENETUNREACH, true },
	[ICMP_HOST_UNKNOWN] = { EHOSTDOWN, true },
	[ICMP_HOST_ISOLATED] = { ENONET, true },
	[ICMP_NET_ANO] = { ENETUNREACH, true },
	[ICMP_HOST_ANO] = { EHOSTUNREACH, true },
	[ICMP_NET_UNR_TOS] = { ENETUNREACH, false },
	[ICMP_HOST_UNR_TOS] = { EHOSTUNREACH, false },
	[ICMP_PKT_FILTERED] = { EHOSTUNREACH, true },
	[ICMP_PREC_VIOLATION] = { EHOSTUNREACH, true },
	[ICMP_PREC_CUTOFF] = { EHOSTUNREACH, true },
};

/* RFC 4443, 3.1. */
static const struct icmp_verdict unreachable6[] = {
	[ICMP6_DST_UNREACH_NOROUTE] = { ENETUNREACH, false },
	[ICMP6_DST_UNREACH_ADMIN] = { EACCES, true },
	[ICMP6_DST_UNREACH_BEYONDSCOPE] = { EHOSTUNREACH, false },
	[ICMP6_DST_UNREACH_ADDR] = { EHOSTUNREACH, false },
	[ICMP6_DST_UNREACH_NOPORT] = { ECONNREFUSED, true },
	[5] = { EACCES, true }, /* source address failed policy */
	[6] = { EACCES, true }, /* reject route */
};

struct icmp_verdict icmp_verdict4(uint8_t type, uint8_t code, uint8_t discover)
{
	switch (type) {
	case ICMP_DEST_UNREACH:
		if (code >= sizeof(unreachable4) / sizeof(unreachable4[0]))
			return nothing;
		if (code == ICMP_FRAG_NEEDED) /* ipd has learned the MTU */
			return discover == IP_PMTUDISC_DONT
			    ? nothing
			    : (struct icmp_verdict){ EMSGSIZE, true };
		return unreachable4[code];
	case ICMP_TIME_EXCEEDED:
		return (struct icmp_verdict){ EHOSTUNREACH, false };
	case ICMP_PARAMETERPROB:
		return (struct icmp_verdict){ EPROTO, true };
	default: /* what a stranger wrote */
		return nothing;
	}
}

struct icmp_verdict icmp_verdict6(uint8_t type, uint8_t code, uint8_t discover)
{
	switch (type) {
	case ICMP6_DST_UNREACH:
		if (code >= sizeof(unreachable6) / sizeof(unreachable6[0]))
			return nothing;
		return unreachable6[code];
	case ICMP6_PACKET_TOO_BIG:
		return (struct icmp_verdict){ EMSGSIZE,
			discover == IPV6_PMTUDISC_DO };
	case ICMP6_TIME_EXCEEDED:
		return (struct icmp_verdict){ EHOSTUNREACH, false };
	case ICMP6_PARAM_PROB:
		return (struct icmp_verdict){ EPROTO, true };
	default: /* what a stranger wrote */
		return nothing;
	}
}
