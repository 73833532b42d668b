/*
 * stranger.h - one more on the wire, who has no stack: pings, and a router's
 * part
 *
 * It answers ARP for its address, sends echo requests to the hosts and wants
 * every byte back; and when the path is too narrow and the plan says that this
 * is told, it is the router that says so.
 */
#ifndef TESTS_SIM_STRANGER_H
#define TESTS_SIM_STRANGER_H

#include <stdint.h>

#include "shm/clock.h"
#include "tests/sim/plan.h"

struct frame;
struct sim;

enum {
	STRANGER = SIM_HOSTS, /* its port of the switch */
	PINGS_MAX = 64,
};

struct ping {
	uint32_t len;
	uint8_t host;
	uint8_t copies;
};

struct stranger {
	struct mono next;
	struct ping ping[PINGS_MAX];
	uint32_t sent, back;
};

void stranger_open(struct sim *s);
struct mono stranger_next(const struct sim *s);
void stranger_run(struct sim *s);

/* A frame has come to its port. */
void stranger_hears(struct sim *s, const struct frame *f);

/* @bad was too large for the path. */
void stranger_complains(struct sim *s, const struct frame *bad);

/* At the end: has all come back that could not be lost? */
void stranger_account(struct sim *s);

#endif /* TESTS_SIM_STRANGER_H */
