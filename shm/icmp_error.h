/*
 * icmp_error.h - what an ICMP error means to a socket
 *
 * RFC 1122, 4.1.3.3 leaves to the system how errors are told; programs know
 * the errnos of Linux, so they are these.
 */
#ifndef SHM_ICMP_ERROR_H
#define SHM_ICMP_ERROR_H

#include <stdbool.h>
#include <stdint.h>

struct icmp_verdict {
	int err;   /* errno; 0: not for the socket */
	bool hard; /* told to a connected socket unasked */
};

/* @discover: IP_MTU_DISCOVER, IPV6_MTU_DISCOVER of the socket. */
struct icmp_verdict icmp_verdict4(uint8_t type, uint8_t code, uint8_t discover);
struct icmp_verdict icmp_verdict6(uint8_t type, uint8_t code, uint8_t discover);

#endif /* SHM_ICMP_ERROR_H */
