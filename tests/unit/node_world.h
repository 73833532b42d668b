/*
 * node_world.h - a layer's node between fake neighbours
 *
 *	linkd <-> ipd <-> udpd,	the node under test is that of ipd
 *	           ^
 *	           +----> tcpd
 */
#ifndef TESTS_UNIT_NODE_WORLD_H
#define TESTS_UNIT_NODE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/rig.h"

enum {
	NSLOTS = 64 + 8, /* of each pool */
	RING = 64,

	CNT_OURS = CNT_NODE_END,
};

#define NODE_POOL ",\"pool\":{\"small\":64,\"big\":8}}"
#define NODE_JSON                                                           \
	"{\"name\":\"t\","                                                  \
	"\"links\":[{\"name\":\"n0\",\"device\":\"null\","                  \
	"\"mac\":\"02:00:00:00:00:02\",\"addresses\":[\"192.0.2.2/24\"]}]," \
	"\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"" NODE_POOL  \
	",{\"name\":\"ipd\",\"layer\":\"ipd\"" NODE_POOL                    \
	",{\"name\":\"udpd\",\"layer\":\"udpd\"" NODE_POOL                  \
	",{\"name\":\"tcpd\",\"layer\":\"tcpd\"" NODE_POOL "],"             \
	"\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\",\"slots\":64},"      \
	"{\"from\":\"ipd\",\"to\":\"linkd\",\"slots\":64},"                 \
	"{\"from\":\"ipd\",\"to\":\"udpd\",\"slots\":64},"                  \
	"{\"from\":\"udpd\",\"to\":\"ipd\",\"slots\":64},"                  \
	"{\"from\":\"ipd\",\"to\":\"tcpd\",\"slots\":64},"                  \
	"{\"from\":\"tcpd\",\"to\":\"ipd\",\"slots\":64}]}"

struct bench {
	struct rig *r;
	struct node n;
	struct ring_in *from_link, *from_udp, *from_tcp;
	struct ring_out *to_link, *to_udp;
};

static inline void start(struct bench *b)
{
	static const struct counter_def defs[] = { { "ours", false } };
	struct segments s = rig_segments(b->r, "ipd");

	assert_int_equal(node_attach(&b->n, &s, defs, 1), 0);
	node_recover(&b->n, NULL, NULL);
	b->from_link = node_in(&b->n, LAYER_LINK, 0);
	b->from_udp = node_in(&b->n, LAYER_UDP, 0);
	b->from_tcp = node_in(&b->n, LAYER_TCP, 0);
	b->to_link = node_out(&b->n, LAYER_LINK, 0);
	b->to_udp = node_out(&b->n, LAYER_UDP, 0);
}

static inline struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->r = rig_open(NODE_JSON);
	start(b);
	return b;
}

static inline void close_bench(struct bench *b)
{
	node_detach(&b->n);
	rig_close(b->r);
	free(b);
}

/* kill -9: nothing of the instance is left but its segments. */
static inline void die(struct bench *b)
{
	node_detach(&b->n);
	start(b);
}

static inline void begin(struct bench *b)
{
	node_begin(&b->n, b->r->now);
}

static inline void from_link(struct bench *b, const char *text)
{
	struct desc d = { 0 };

	rig_put(b->r, "linkd", "ipd", text, strlen(text), &d);
}

static inline void from_transport(
    struct bench *b, const char *who, const char *text)
{
	struct desc d = { 0 };

	rig_put(b->r, who, "ipd", text, strlen(text), &d);
}

/* The next packet must be @text. */
static inline struct desc take(
    struct bench *b, struct ring_in *in, const char *text)
{
	struct desc d;
	const uint8_t *p = node_take(&b->n, in, &d);

	assert_non_null(p);
	assert_int_equal(d.len, strlen(text));
	assert_memory_equal(p, text, d.len);
	return d;
}

static inline void assert_none(struct bench *b, struct ring_in *in)
{
	struct desc d;

	assert_null(node_take(&b->n, in, &d));
}

static inline void assert_no_leaks(struct bench *b)
{
	begin(b);
	node_commit(&b->n);
	assert_int_equal(rig_lent(b->r, "linkd"), 0);
	assert_int_equal(rig_lent(b->r, "udpd"), 0);
	assert_int_equal(rig_lent(b->r, "tcpd"), 0);
	assert_int_equal(b->n.home.small_free + b->n.home.big_free, NSLOTS);
}

static inline uint64_t counter(struct bench *b, const char *name)
{
	return rig_counter(b->r, "ipd", name);
}

static inline const struct out_head *head(struct bench *b, const char *name)
{
	return (const void *)b->r->out[rig_proc(b->r, name)];
}

#endif /* TESTS_UNIT_NODE_WORLD_H */
