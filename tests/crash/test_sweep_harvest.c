/*
 * test_sweep_harvest.c - a linkd that takes up what the last one left, killed
 *
 * Frames lie in armed slots when the sweep begins, as the kernel leaves them
 * when linkd dies before it looks.  A frame that goes out may go out twice, but
 * not never: the device notes the last byte of each in memory that survives.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/linkd.h"
#include "shm/bytes.h"
#include "tests/crash/sweep.h"

enum {
	NOTES = 256, /* one for each value of a frame's last byte */
};

#define POOL           ",\"pool\":{\"small\":64,\"big\":8}}"
#define RING(from, to) "{\"from\":\"" from "\",\"to\":\"" to "\",\"slots\":64}"

static const char JSON[] =
    "{\"name\":\"s\",\"links\":["
    "{\"name\":\"a\",\"device\":\"tap\",\"mac\":\"02:00:00:00:00:02\","
    "\"dad_transmits\":0,\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"" POOL
    ",{\"name\":\"ipd\",\"layer\":\"ipd\"" POOL
    ",{\"name\":\"udpd\",\"layer\":\"udpd\"" POOL "],"
    "\"rings\":[" RING("linkd", "ipd") "," RING("ipd", "linkd") "," RING(
	"ipd", "udpd") "," RING("udpd", "ipd") "]}";

static const uint8_t WHO_HAS[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x01, 0x08, 0x06,
	0, 1, 8, 0, 6, 4, 0, 1,               /* Ethernet, IPv4, request */
	0x02, 0, 0, 0, 0, 0x01, 192, 0, 2, 1, /* sender */
	0, 0, 0, 0, 0, 0, 192, 0, 2, 2,       /* target */
};

/* In memory that nobody else uses: the end of udpd's. */
static uint8_t *notes(const struct rig *r)
{
	return r->priv[rig_proc(r, "udpd")] + PRIV_BYTES - NOTES;
}

static void no_rx(struct netdev *d, struct rx_buf *b, uint32_t n)
{
	(void)d;
	for (uint32_t i = 0; i < n; i++)
		b[i].len = -EAGAIN;
}

static void noting_tx(struct netdev *d, struct tx_frame *f, uint32_t n)
{
	uint8_t *note = d->ctx;

	for (uint32_t i = 0; i < n; i++) {
		const struct iovec *last = &f[i].iov[f[i].niov - 1];

		note[((const uint8_t *)last->iov_base)[last->iov_len - 1]] = 1;
		f[i].result = 0;
	}
}

static void *attach(struct rig *r, const char *proc)
{
	static const struct netdev_ops ops = { .rx = no_rx, .tx = noting_tx };
	struct linkd *x = calloc(1, sizeof(*x));
	struct segments s = rig_segments(r, proc);

	assert_non_null(x);
	x->seed = 42;
	x->dev[0] = (struct netdev){
		.ops = &ops,
		.ctx = notes(r),
		.vnet_len = VNET_MAX_LEN,
		.ready = true,
		.batch = 1,
	};
	assert_int_equal(linkd_attach(x, &s, r->now), 0);
	return x;
}

static bool turn(void *x, struct mono now)
{
	return linkd_turn(x, now);
}

static void detach(void *x)
{
	linkd_detach(x);
	free(x);
}

static const char *differs(const struct rig *ref, const struct rig *r)
{
	if (memcmp(notes(ref), notes(r), NOTES) != 0)
		return "a frame was never sent";
	return NULL;
}

/* Which slots are armed and where packets wait follows from free lists. */
static const struct sweep_daemon linkd_daemon = {
	.proc = "linkd",
	.attach = attach,
	.turn = turn,
	.detach = detach,
	.differs = differs,
	.any_state = true,
};

/* Turns while there is work, then @ms later, @times. */
static void settle(struct rig *r, int64_t ms, int times)
{
	void *x = attach(r, "linkd");

	for (int i = 0; i < times; i++) {
		while (turn(x, r->now))
			continue;
		r->now = mono_add_ms(r->now, ms);
	}
	while (turn(x, r->now))
		continue;
	detach(x);
}

static struct rig *open_rig(void)
{
	struct rig *r = rig_open(JSON);

	settle(r, 3000, 3);
	memset(notes(r), 0, NOTES);
	return r;
}

/* The kernel has read @frame into armed slot @i. */
static void arrive(struct rig *r, int i, const uint8_t *frame, size_t len)
{
	uint32_t self = rig_proc(r, "linkd");
	const struct link_state *st =
	    (const void *)(r->priv[self] + PRIV_STATE_OFF);
	struct pool p = {
		.base = r->pool[self],
		.nsmall = r->topo.procs[self].small_slots,
		.nbig = r->topo.procs[self].big_slots,
	};
	uint8_t *at = pool_slot(&p, st->armed[0].a[i].slot) + RX_IP_OFF -
	    ETH_HDR_LEN - VNET_MAX_LEN;

	assert_int_equal(st->armed[0].a[i].state, ARMED_READY);
	memset(at, 0, VNET_MAX_LEN);
	memcpy(at + VNET_MAX_LEN, frame, len);
}

/* An IPv4 packet of @len bytes whose last is @mark. */
static void packet(uint8_t *p, size_t len, uint8_t mark)
{
	static const uint8_t head[20] = { 0x45, 0, 0, 0, 0, 1, 0, 0, 64, 253, 0,
		0, 192, 0, 2, 9, 192, 0, 2, 2 };

	memset(p, 0, len);
	memcpy(p, head, sizeof(head));
	be16_put(p + 2, (uint16_t)len);
	p[len - 1] = mark;
}

static void arrive_ip(struct rig *r, int i, size_t len, uint8_t mark)
{
	uint8_t f[8000] = { 0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x09,
		0x08, 0x00 };

	packet(f + ETH_HDR_LEN, len, mark);
	arrive(r, i, f, ETH_HDR_LEN + len);
}

static void hand_down(struct rig *r, const char *hop, uint8_t mark)
{
	struct desc d = { .kind = PKT_DATA, .proto = 253 };
	uint8_t p[100];

	assert_true(ip_parse(&d.dst, hop));
	packet(p, sizeof(p), mark);
	rig_put(r, "ipd", "linkd", p, sizeof(p), &d);
}

/* @up: how many must go up; @sent: the marks that must have gone out. */
static void sweep_one(
    struct rig *r, const char *what, uint32_t up, const char *sent)
{
	struct sweep s = { .daemon = &linkd_daemon, .rig = r, .again = 20 };
	bool all = true;

	sweep_run(&s);
	sweep_print(&s, what);
	for (const char *m = sent; *m != '\0'; m++)
		all &= notes(r)[(uint8_t)*m] == 1;
	rig_close(r);
	assert_int_equal(s.violations, 0);
	assert_true(s.states > 0);
	assert_int_equal(s.packets, up);
	assert_true(all);
}

static void frames_go_up_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	arrive_ip(r, 0, 60, 'a');
	arrive(r, 1, WHO_HAS, sizeof(WHO_HAS));
	arrive_ip(r, 2, 5000, 'b'); /* in the slot it was read into */
	arrive_ip(r, 3, 60, 'c');
	/* The answer's last byte is the asker's: 192.0.2.1. */
	sweep_one(r, "linkd, frames up", 3, "\x01");
}

static void what_waits_in_vain_goes_back_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	hand_down(r, "192.0.2.9", 'a');
	hand_down(r, "192.0.2.9", 'b');
	settle(r, 1000, 2);
	r->now = mono_add_ms(r->now, 1000);
	sweep_one(r, "linkd, unreachable", 2, "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_up_once),
		cmocka_unit_test(what_waits_in_vain_goes_back_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
