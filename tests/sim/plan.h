/*
 * plan.h - what a seed is about: drawn once, before anything happens
 *
 * Most seeds try few things at a time: what is wrong is then easier to see,
 * and strict checks hold that would not hold when everything happens at once
 * (a wire that loses nothing must not lose anything, whoever is killed).
 */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SIM_HOSTS = 3,
	PLAN_JSON = 4096,
	PLAN_PARTITIONS = 3,
};

struct sim;

struct plan_partition {
	int64_t begin_ns, end_ns; /* since the start */
	uint8_t host;             /* cut off from all others */
};

struct plan {
	uint64_t seed;
	uint32_t hosts;
	int64_t length_ns; /* then apps begin to finish */

	/* Hosts. */
	bool offload;
	bool dad;
	uint32_t mtu;
	uint32_t ring_slots;
	uint32_t small_slots, big_slots;
	char tcp[512]; /* JSON */

	/* Wire. */
	int64_t delay_ns, jitter_ns;
	uint32_t rate_mbit;
	uint32_t queue_bytes;                       /* of a sending device */
	uint32_t queue_frames;                      /* of a receiving one */
	uint32_t loss, duplicate, reorder, corrupt; /* of 10,000 */
	struct plan_partition cut[PLAN_PARTITIONS];
	uint32_t cuts;
	uint32_t narrow_mtu; /* what is larger vanishes; 0: nothing does */
	int64_t narrow_begin_ns, narrow_end_ns;
	bool narrow_told; /* by ICMP */
	bool lossless;    /* none of the above loses anything */

	/* Kills. */
	int64_t kill_every_ns; /* on average; 0: nobody is killed */
	uint32_t kill_layers;  /* a bit for each enum layer */
	int64_t down_ns;       /* until the next instance, at most */

	/* Apps. */
	uint32_t udp_flows, tcp_flows;
	uint32_t pings;
	bool rude;         /* resets, closes with data unread */
	bool app_kills;    /* kill -9 of apps */
	int64_t tcp_bytes; /* of one connection one way, at most */
};

void plan_draw(struct sim *s, uint64_t seed);

/* The topology file of host @i, in @ret. */
void plan_json(const struct plan *p, uint32_t i, char ret[PLAN_JSON]);

/* One line about it. */
void plan_say(struct sim *s);

#endif /* TESTS_SIM_PLAN_H */
