/*
 * tuple.h - the two ends of a connection, seen from here
 *
 * Flat and without padding, so that it may be hashed as bytes.
 */
#ifndef TCPD_TUPLE_H
#define TCPD_TUPLE_H

#include <assert.h>
#include <stdint.h>

#include "shm/addr.h"

struct tcp_tuple {
	struct ip_addr local;
	struct ip_addr remote;
	uint16_t local_port;
	uint16_t remote_port;
};

static_assert(sizeof(struct tcp_tuple) == 36, "hashed as bytes: no padding");

#endif /* TCPD_TUPLE_H */
