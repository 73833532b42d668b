/*
 * linkd_world.h - linkd on a fake wire, between a fake ipd and a fake peer
 */
#ifndef TESTS_UNIT_LINKD_WORLD_H
#define TESTS_UNIT_LINKD_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/linkd.h"
#include "linkd/vnet.h"
#include "shm/bytes.h"
#include "tests/harness/rig.h"

enum {
	WIRE_MAX = 64,
	WIRE_BYTES = 70000,
};

struct wire_frame {
	uint8_t vnet[VNET_MAX_LEN];
	uint8_t b[WIRE_BYTES];
	size_t len;
	bool tagged;
	bool csum_open;
	bool csum_valid;
};

/* Frames on their way: to linkd, and from it. */
struct wire {
	struct wire_frame in[WIRE_MAX], out[WIRE_MAX];
	unsigned in_head, in_tail, out_head, out_tail;
	bool full;       /* refuses frames for now */
	unsigned accept; /* if full: how many it still takes */
	uint32_t lost;   /* for want of room, and not told yet */
};

struct world {
	struct rig *r;
	struct linkd *x;
	struct wire *wire;
};

/* 192.0.2.2 and 2001:db8::2 are ours; DAD is off unless a test wants it. */
#define WORLD_JSON(link)                                                  \
	"{\"name\":\"t\",\"links\":[{\"name\":\"e0\",\"device\":\"tap\"," \
	"\"mac\":\"02:00:00:00:00:02\"," link                             \
	"\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]}],"          \
	"\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"        \
	"{\"name\":\"ipd\",\"layer\":\"ipd\"},"                           \
	"{\"name\":\"udpd\",\"layer\":\"udpd\"}],"                        \
	"\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"                 \
	"{\"from\":\"ipd\",\"to\":\"linkd\"},"                            \
	"{\"from\":\"ipd\",\"to\":\"udpd\"},"                             \
	"{\"from\":\"udpd\",\"to\":\"ipd\"}]}"

static inline void wire_rx(struct netdev *d, struct rx_buf *b, uint32_t n)
{
	struct wire *w = d->ctx;

	for (uint32_t i = 0; i < n; i++) {
		const struct wire_frame *f = &w->in[w->in_head % WIRE_MAX];

		b[i].len = -EAGAIN;
		if (w->in_head == w->in_tail)
			continue;
		w->in_head++;
		assert_true(b[i].size >= d->vnet_len + f->len);
		memcpy(b[i].p, f->vnet, d->vnet_len);
		memcpy(b[i].p + d->vnet_len, f->b, f->len);
		b[i].len = (int32_t)(d->vnet_len + f->len);
		b[i].tagged = f->tagged;
		b[i].csum_valid = f->csum_valid;
		b[i].csum_open = f->csum_open;
	}
}

static inline void wire_tx_one(
    struct netdev *d, struct wire *w, struct tx_frame *f)
{
	struct wire_frame *o = &w->out[w->out_tail++ % WIRE_MAX];
	uint8_t all[WIRE_BYTES];
	size_t len = 0;

	assert_true(w->out_tail - w->out_head <= WIRE_MAX);
	for (uint32_t i = 0; i < f->niov; i++) {
		assert_true(len + f->iov[i].iov_len <= sizeof(all));
		memcpy(all + len, f->iov[i].iov_base, f->iov[i].iov_len);
		len += f->iov[i].iov_len;
	}
	memcpy(o->vnet, all, d->vnet_len);
	o->len = len - d->vnet_len;
	memcpy(o->b, all + d->vnet_len, o->len);
	f->result = 0;
}

static inline void wire_tx(struct netdev *d, struct tx_frame *f, uint32_t n)
{
	struct wire *w = d->ctx;

	for (uint32_t i = 0; i < n; i++) {
		if (w->full && w->accept == 0) {
			f[i].result = i == 0 ? -EAGAIN : -ECANCELED;
			if (i > 0)
				f[i].result = -EAGAIN;
			for (i++; i < n; i++)
				f[i].result = -ECANCELED;
			return;
		}
		w->accept -= w->full;
		wire_tx_one(d, w, &f[i]);
	}
}

static inline uint32_t wire_lost(struct netdev *d)
{
	struct wire *w = d->ctx;
	uint32_t lost = w->lost;

	w->lost = 0;
	return lost;
}

/* (Re)start linkd on whatever its memory holds. */
static inline void world_attach(struct world *w, uint8_t vnet_len)
{
	static const struct netdev_ops ops = {
		.rx = wire_rx,
		.tx = wire_tx,
		.lost = wire_lost,
	};
	struct segments s = rig_segments(w->r, "linkd");

	w->x = calloc(1, sizeof(*w->x));
	assert_non_null(w->x);
	w->x->seed = 42;
	w->x->dev[0] = (struct netdev){
		.ops = &ops,
		.ctx = w->wire,
		.vnet_len = vnet_len,
		.ready = true,
		.batch = 1,
	};
	assert_int_equal(linkd_attach(w->x, &s, w->r->now), 0);
}

/* @vnet_len: what the device has in front of each frame. */
static inline struct world *world_open(const char *json, uint8_t vnet_len)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->wire = calloc(1, sizeof(*w->wire));
	assert_non_null(w->wire);
	w->r = rig_open(json);
	world_attach(w, vnet_len);
	return w;
}

/* linkd dies where it stands and comes back. */
static inline void world_crash(struct world *w)
{
	uint8_t vnet_len = w->x->dev[0].vnet_len;

	linkd_detach(w->x);
	free(w->x);
	world_attach(w, vnet_len);
}

static inline void world_close(struct world *w)
{
	linkd_detach(w->x);
	free(w->x);
	rig_close(w->r);
	free(w->wire);
	free(w);
}

/* Turns until there is no more work, @ms later. */
static inline void world_run(struct world *w, int64_t ms)
{
	int turns = 0;

	w->r->now = mono_add_ms(w->r->now, ms);
	while (linkd_turn(w->x, w->r->now))
		assert_true(++turns < 1000);
}

/* A frame for linkd; it is read at the next turn. */
static inline struct wire_frame *wire_put(
    struct world *w, const void *bytes, size_t len)
{
	struct wire_frame *f = &w->wire->in[w->wire->in_tail++ % WIRE_MAX];

	memset(f, 0, offsetof(struct wire_frame, b));
	f->tagged = f->csum_open = false;
	memcpy(f->b, bytes, len);
	f->len = len;
	w->x->dev[0].ready = true;
	return f;
}

/* The next frame that linkd has sent, or NULL. */
static inline const struct wire_frame *wire_get(struct world *w)
{
	if (w->wire->out_head == w->wire->out_tail)
		return NULL;
	return &w->wire->out[w->wire->out_head++ % WIRE_MAX];
}

/* The same; there must be one. */
static inline const struct wire_frame *wire_take(struct world *w)
{
	const struct wire_frame *f = wire_get(w);

	if (f == NULL) {
		fail_msg("linkd has sent nothing");
		abort(); /* cmocka does not say that it does not return */
	}
	return f;
}

static inline void wire_drain(struct world *w)
{
	while (wire_get(w) != NULL)
		continue;
}

/* All that our addresses announce when they become valid has been said. */
static inline struct world *world_quiet(const char *json, uint8_t vnet_len)
{
	struct world *w = world_open(json, vnet_len);

	world_run(w, 0);
	world_run(w, 5000);
	wire_drain(w);
	return w;
}

static inline void assert_frame(
    struct world *w, const uint8_t *bytes, size_t len)
{
	const struct wire_frame *f = wire_take(w);

	assert_int_equal(f->len, len);
	assert_memory_equal(f->b, bytes, len);
}

static inline void assert_count(
    struct world *w, const char *counter, uint64_t want)
{
	uint64_t got = rig_counter(w->r, "linkd", counter);

	if (got != want)
		fail_msg("%s is %lu", counter, (unsigned long)got);
}

/* ---- What is sent */

/* Who has 192.0.2.2?  192.0.2.1, at 02:00:00:00:00:01, asks. */
static const uint8_t WHO_HAS[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x01, 0x08, 0x06,
	0, 1, 8, 0, 6, 4, 0, 1,               /* Ethernet, IPv4, request */
	0x02, 0, 0, 0, 0, 0x01, 192, 0, 2, 1, /* sender */
	0, 0, 0, 0, 0, 0, 192, 0, 2, 2,       /* target */
};

/* An IPv4 packet of protocol 253 from us to 192.0.2.9, two bytes of data. */
/* clang-format off */
static const uint8_t PACKET[] = {
	0x45, 0, 0, 22, 0, 1, 0, 0, 64, 253, 0, 0, 192, 0, 2, 2, 192, 0, 2, 9,
	'h', 'i',
};
/* clang-format on */

/* From 02:00:00:00:00:09, with IPv4. */
static const uint8_t TO_US[ETH_HDR_LEN] = { 0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0,
	0, 0, 0x09, 0x08, 0x00 };

static inline size_t frame(
    uint8_t *to, const uint8_t *eth, const void *ip, size_t len)
{
	memcpy(to, eth, ETH_HDR_LEN);
	memcpy(to + ETH_HDR_LEN, ip, len);
	return ETH_HDR_LEN + len;
}

/* A packet on its way down, to the neighbour @hop on our link. */
static inline struct desc down(const char *hop)
{
	struct desc d = { .kind = PKT_DATA };

	assert_true(ip_parse(&d.dst, hop));
	return d;
}

#endif /* TESTS_UNIT_LINKD_WORLD_H */
