/*
 * flows.h - who talks with whom: the apps of a seed and what they do
 */
#ifndef TESTS_SIM_FLOWS_H
#define TESTS_SIM_FLOWS_H

#include <stdbool.h>

#include "tests/sim/app.h"

/* Byte @at of stream @key, and eight of them. */
static inline uint64_t pattern_word(uint64_t key, uint64_t word)
{
	uint64_t z = (key + word) * 0x9e3779b97f4a7c15;

	return z ^ z >> 29;
}

void pattern_fill(uint64_t key, uint64_t at, uint8_t *p, uint32_t len);
bool pattern_is(uint64_t key, uint64_t at, const uint8_t *p, uint32_t len);

/*
 * One of the apps of a host; when a client of its may begin; and whether all
 * hosts are ready for that.
 */
struct app *flows_app(struct sim *s, uint32_t host);
bool flows_ready(struct sim *s);
struct mono flows_start(struct sim *s);

/* udp_flow.c: an echo server on host @to and a client on @from. */
void udp_flow_open(struct sim *s, uint32_t from, uint32_t to, uint16_t port);

/*
 * tcp_listen.c, tcp_client.c: a listener on host @to, and some connections to
 * it from @from, one after the other.
 */
void tcp_flow_open(struct sim *s, uint32_t from, uint32_t to, uint16_t port);

/* All that the plan says; and what is left of it when a seed ends. */
void flows_open(struct sim *s);

/* Kill an app, now and then. */
struct mono flows_next(const struct sim *s);
void flows_run(struct sim *s);

/* Servers are closed: nobody wants them any more. */
void flows_end(struct sim *s);

#endif /* TESTS_SIM_FLOWS_H */
