/*
 * test_sweep_linkd.c - linkd's handlers, killed after each instruction
 *
 * The wire lies outside of all processes, in rig.world: what linkd has read of
 * it is gone, what it has written is out.  A frame that was written may be
 * written again by the next instance, but none may be missing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkd/linkd.h"
#include "tests/crash/packets.h"
#include "tests/crash/sweep.h"
#include "tests/crash/sweep_tap.h"
#include "tests/harness/stores.h"

enum {
	WIRE_IN = 16,
	WIRE_OUT = 64,
	FRAME_MAX = 1600,
	ETH_HDR = 14,

	/* What the seed of the bad wire makes of four packets each way. */
	BAD_UP = 3,
	BAD_OUT = 3,
};

struct frame {
	uint32_t len;
	uint8_t b[FRAME_MAX];
};

struct wire {
	uint32_t head, tail, sent;
	struct frame in[WIRE_IN], out[WIRE_OUT];
};

static_assert(sizeof(struct wire) <= RIG_WORLD_BYTES, "fits");

#define POOL(big)      ",\"pool\":{\"small\":64,\"big\":" big "}}"
#define RING(from, to) "{\"from\":\"" from "\",\"to\":\"" to "\",\"slots\":64}"

/* clang-format off */
#define JSON_WITH(impair) \
	"{\"name\":\"s\",\"links\":[{\"name\":\"e0\",\"device\":\"tap\"," \
	"\"mac\":\"02:00:00:00:00:02\",\"dad_transmits\":0,\"mtu\":1500," \
	impair "\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]}]," \
	"\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"" POOL("16") \
	",{\"name\":\"ipd\",\"layer\":\"ipd\"" POOL("8") \
	",{\"name\":\"udpd\",\"layer\":\"udpd\"" POOL("8") "]," \
	"\"rings\":[" RING("linkd", "ipd") "," RING("ipd", "linkd") "," \
	RING("ipd", "udpd") "," RING("udpd", "ipd") "]}"
/* clang-format on */

static const char JSON[] = JSON_WITH("");

/* No delay: all is drawn and done within the turns that are swept. */
static const char BAD[] =
    JSON_WITH("\"impair\":{"
	      "\"tx\":{\"loss\":30,\"duplicate\":30,\"seed\":9},"
	      "\"rx\":{\"loss\":30,\"duplicate\":30,\"seed\":9}},");

static const char SLOW[] = JSON_WITH("\"impair\":{\"tx\":{\"delay_ms\":20},"
				     "\"rx\":{\"delay_ms\":20}},");

/* ---- The wire, as a device ---- */

static struct wire *wire_of(const struct rig *r)
{
	return (void *)r->world;
}

static void wire_rx(struct netdev *d, struct rx_buf *b, uint32_t n)
{
	struct wire *w = wire_of(d->ctx);

	for (uint32_t i = 0; i < n; i++) {
		const struct frame *f = &w->in[w->head % WIRE_IN];

		b[i].len = -EAGAIN;
		if (w->head == w->tail)
			continue;
		stores_kernel_begin();
		memcpy(b[i].p, f->b, f->len);
		w->head++;
		stores_kernel_end();
		b[i].len = (int32_t)f->len;
		b[i].tagged = false;
		b[i].csum_valid = false;
	}
}

static void wire_tx(struct netdev *d, struct tx_frame *f, uint32_t n)
{
	struct wire *w = wire_of(d->ctx);

	for (uint32_t i = 0; i < n; i++) {
		struct frame *out = &w->out[w->sent % WIRE_OUT];

		stores_kernel_begin();
		out->len = 0;
		for (uint32_t k = 0; k < f[i].niov; k++) {
			const struct iovec *v = &f[i].iov[k];

			assert_true(out->len + v->iov_len <= FRAME_MAX);
			memcpy(out->b + out->len, v->iov_base, v->iov_len);
			out->len += (uint32_t)v->iov_len;
		}
		w->sent++;
		stores_kernel_end();
		assert_true(w->sent <= WIRE_OUT);
		f[i].result = 0;
	}
}

static const struct netdev_ops WIRE_OPS = { .rx = wire_rx, .tx = wire_tx };

/* ---- linkd ---- */

static void *attach(struct rig *r, const char *proc)
{
	struct linkd *x = calloc(1, sizeof(*x));
	struct segments s = rig_segments(r, proc);

	assert_non_null(x);
	x->seed = 42;
	x->dev[0] = (struct netdev){
		.ops = &WIRE_OPS, .ctx = r, .ready = true, .batch = 2
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

static bool same_frame(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

static bool is_ip(const struct frame *f)
{
	return f->b[12] == 8 && f->b[13] == 0;
}

static bool was_sent(const struct wire *w, const struct frame *f)
{
	for (uint32_t i = 0; i < w->sent; i++)
		if (same_frame(&w->out[i], f))
			return true;
	return false;
}

/* The frame that is too much or missing, in words. */
static const char *say(const char *what, const struct frame *f)
{
	static char why[128];
	int n = snprintf(why, sizeof(why), "%s, %u bytes:", what, f->len);

	for (uint32_t i = 0; i < 42 && i < f->len; i++)
		n += snprintf(why + n, sizeof(why) - (size_t)n, "%s%02x",
		    i % 6 ? "" : " ", f->b[i]);
	return why;
}

static bool is_arp_request(const struct frame *f)
{
	return f->b[12] == 8 && f->b[13] == 6 && f->b[21] == 1;
}

/*
 * All frames of @ref, those with packets in the same order, and none that is
 * not of @ref; only an ARP request may be too much: after two deaths packets
 * from above and below are handled one by one, in another order.
 */
/* All links together, as linkd's counters say. */
static bool same_sums(const struct rig *r)
{
	const struct link_out *o = rig_table(r, "linkd");
	char name[COUNTER_NAME_LEN];

	for (int w = 0; w < NIMPAIR_WAYS; w++) {
		for (int k = 0; k < NIMPAIRED; k++) {
			uint64_t sum = 0;

			for (int l = 0; l < TOPO_MAX_LINKS; l++)
				sum += o->impaired[l][w][k];
			snprintf(name, sizeof(name), "impair_%s_%s",
			    impair_way_name(w), impair_count_name(k));
			if (rig_counter(r, "linkd", name) != sum)
				return false;
		}
	}
	return true;
}

/* What befell frames is counted once, as it is decided once. */
static bool same_counts(const struct rig *ref, const struct rig *r)
{
	const struct link_out *a = rig_table(ref, "linkd");
	const struct link_out *b = rig_table(r, "linkd");

	return memcmp(a->impaired, b->impaired, sizeof(a->impaired)) == 0 &&
	    same_sums(r);
}

static const char *differs(const struct rig *ref, const struct rig *r)
{
	const struct wire *a = wire_of(ref);
	const struct wire *b = wire_of(r);
	uint32_t at = 0;

	for (uint32_t i = 0; i < b->sent; i++)
		if (!was_sent(a, &b->out[i]) && !is_arp_request(&b->out[i]))
			return say("should never have been sent", &b->out[i]);
	for (uint32_t i = 0; i < a->sent; i++) {
		if (!was_sent(b, &a->out[i]))
			return say("missing", &a->out[i]);
		if (!is_ip(&a->out[i]))
			continue;
		while (at < b->sent && !same_frame(&a->out[i], &b->out[at]))
			at++;
		if (at++ == b->sent)
			return say("out of order", &a->out[i]);
	}
	return same_counts(ref, r) ? NULL : "a bad wire has other counts";
}

static const struct sweep_daemon linkd_daemon = {
	.proc = "linkd",
	.attach = attach,
	.turn = turn,
	.detach = detach,
	.differs = differs,
	.any_state = true, /* what counts of it is seen in what it does */
};

/* ---- What arrives ---- */

static void receive(struct rig *r, const void *frame, size_t len)
{
	struct wire *w = wire_of(r);
	struct frame *f = &w->in[w->tail++ % WIRE_IN];

	assert_true(len <= FRAME_MAX);
	memcpy(f->b, frame, len);
	f->len = (uint32_t)len;
}

/* From 192.0.2.@who at 02::@who to us, request (1) or reply (2). */
static void receive_arp(struct rig *r, uint8_t who, uint8_t op)
{
	uint8_t f[] = {
		/* clang-format off */
		0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, who, 8, 6,
		0, 1, 8, 0, 6, 4, 0, op,
		0x02, 0, 0, 0, 0, who, 192, 0, 2, who,
		0x02, 0, 0, 0, 0, 2, 192, 0, 2, 2,
		/* clang-format on */
	};

	if (op == 1)
		memset(f, 0xff, 6);
	receive(r, f, sizeof(f));
}

static void receive_ip(struct rig *r, uint16_t port, size_t len)
{
	uint8_t f[FRAME_MAX] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };

	receive(r, f, ETH_HDR + packet_udp4(f + ETH_HDR, port, len));
}

/* ipd sends @len bytes to 192.0.2.@to. */
static void hand_down(struct rig *r, uint8_t to, size_t len, uint16_t flags)
{
	struct ipv4_hdr h = packet_to_us(17);
	uint8_t payload[FRAME_MAX] = { 0x9c, 0x40, 0, 7 };
	uint8_t p[FRAME_MAX];
	struct desc d = { .kind = PKT_DATA, .flags = flags, .proto = 17 };

	payload[5] = (uint8_t)len;
	h.src = h.dst;
	h.dst.b[15] = to;
	d.dst = h.dst;
	d.l4 = IPV4_HDR_LEN;
	len = packet4(p, h, payload, len);
	rig_put(r, "ipd", "linkd", p, len, &d);
}

/* Turns as long as there is something to do, with time passing. */
static void settle(struct rig *r)
{
	void *x = attach(r, "linkd");
	struct desc d;

	for (int i = 0; i < 10; i++) {
		while (turn(x, r->now))
			;
		while (rig_take(r, "ipd", "linkd", &d, NULL, 0))
			;
		r->now = mono_add_ms(r->now, 500);
	}
	detach(x);
	wire_of(r)->sent = 0;
}

/* 192.0.2.1 is known, the others are not. */
static struct rig *open_rig_of(const char *json)
{
	struct rig *r = rig_open(json);

	settle(r);
	receive_arp(r, 1, 1);
	settle(r);
	return r;
}

static struct rig *open_rig(void)
{
	return open_rig_of(JSON);
}

/* @up packets for ipd must come out of it, and @frames frames. */
static void sweep_one(
    struct rig *r, const char *what, uint32_t up, uint32_t frames)
{
	struct sweep s = { .daemon = &linkd_daemon, .rig = r, .again = 2 };

	/* With the tap on there are many more states, all alike. */
	if (atomic_load(&r->sup->tap.on))
		s.again = 32;
	sweep_run(&s);
	sweep_print(&s, what);
	assert_int_equal(s.packets, up);
	assert_int_equal(wire_of(r)->sent, frames);
	rig_close(r);
	assert_int_equal(s.violations, 0);
	assert_true(s.states > 0);
}

static void an_arp_request_is_answered(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	receive_arp(r, 1, 1);
	sweep_one(r, "linkd, ARP request", 0, 1);
}

static void a_stranger_that_asks_is_remembered_and_answered(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	receive_arp(r, 7, 1);
	hand_down(r, 7, 64, 0);
	sweep_one(r, "linkd, stranger", 0, 2);
}

static void frames_go_up_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	for (uint16_t i = 0; i < 5; i++)
		receive_ip(r, 7 + i, 100U + i);
	sweep_one(r, "linkd, frames up", 5, 0);
}

static void packets_go_down_to_a_neighbour(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	for (uint8_t i = 0; i < 3; i++)
		hand_down(r, 1, 64U + i, 0);
	sweep_one(r, "linkd, down", 0, 3);
}

static void a_packet_waits_for_an_unknown_neighbour(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	hand_down(r, 9, 64, 0);
	hand_down(r, 9, 65, 0);
	sweep_one(r, "linkd, neighbour asked for", 0, 1);
}

static void the_answer_releases_what_waits(void **state)
{
	struct rig *r = open_rig();
	void *x = attach(r, "linkd");

	(void)state;
	hand_down(r, 9, 64, 0);
	hand_down(r, 9, 65, 0);
	hand_down(r, 9, 1400, 0);
	while (turn(x, r->now))
		;
	detach(x);
	wire_of(r)->sent = 0;
	receive_arp(r, 9, 2);
	sweep_one(r, "linkd, neighbour answers", 0, 3);
}

static void looped_packets_come_up_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	hand_down(r, 2, 64, PKT_LOOP);
	hand_down(r, 2, 1400, PKT_LOOP);
	sweep_one(r, "linkd, looped", 2, 0);
}

static void a_mixture_is_handled(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		receive_ip(r, 7 + i, 200U + i);
		receive_arp(r, 1, 1);
		hand_down(r, 1, 80U + i, 0);
		hand_down(r, 9, 90U + i, 0);
	}
	receive_arp(r, 9, 2);
	sweep_one(r, "linkd, a mixture", 3, 10);
}

/* Read, taken, put, written, refused: with all that is told of it. */
static void a_mixture_is_told_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	sweep_tap_on(r, "linkd");
	receive_ip(r, 7, 200);
	receive_arp(r, 1, 1);
	receive(r, "too short", 9);
	hand_down(r, 1, 80, 0);
	hand_down(r, 2, 64, PKT_LOOP);
	hand_down(r, 9, 90, 0);
	receive_arp(r, 9, 2);
	sweep_one(r, "linkd, a mixture, tapped", 2, 4);
}

/* ---- Changes at run time, each asked twice (shm/ask.h) */

static const struct table_change {
	enum ask_op op;
	enum ask_change change;
	const char *ip;
	uint8_t plen;
	int result;
} changes[] = {
	{ ASK_ADDRESS, ASK_ADD, "198.51.100.2", 24, 0 },
	{ ASK_ADDRESS, ASK_ADD, "198.51.100.2", 24, -EEXIST },
	{ ASK_ADDRESS, ASK_REPLACE, "198.51.100.2", 25, 0 },
	{ ASK_ADDRESS, ASK_DELETE, "192.0.2.2", 24, 0 },
	{ ASK_ADDRESS, ASK_DELETE, "192.0.2.2", 24, -ENOENT },
	{ ASK_NEIGHBOUR, ASK_ADD, "198.51.100.7", 0, 0 },
	{ ASK_NEIGHBOUR, ASK_ADD, "198.51.100.8", 0, 0 },
	{ ASK_NEIGHBOUR, ASK_DELETE, "198.51.100.8", 0, 0 },
	{ ASK_NEIGHBOUR, ASK_DELETE, "198.51.100.8", 0, -ENOENT },
};

enum {
	NCHANGES = sizeof(changes) / sizeof(*changes),
};

static int ask_change(struct linkd *x, uint64_t number, struct mono now)
{
	const struct table_change *c = &changes[number - 1];
	struct ask q = {
		.version = ASK_VERSION,
		.op = c->op,
		.change = c->change,
		.number = number,
		.plen = c->plen,
		.permanent = 1,
		.mac = { 2, 0, 0, 0, 0, 7 },
	};

	assert_true(ip_parse(&q.ip, c->ip));
	return linkd_change(x, &q, now);
}

/* The last one again, as if its answer was lost with its giver; then the next.
 */
static bool change(struct rig *r, void *x)
{
	struct linkd *l = x;
	uint64_t done = l->st->done.number;

	if (done > 0)
		assert_int_equal(
		    ask_change(l, done, r->now), changes[done - 1].result);
	if (done == NCHANGES)
		return false;
	assert_int_equal(ask_change(l, done + 1, r->now), changes[done].result);
	return true;
}

static const struct link_table *table_of(const struct rig *r)
{
	return (const void *)(r->out[rig_proc(r, "linkd")] + OUT_TABLE_OFF);
}

static const char *other_table(const struct rig *ref, const struct rig *r)
{
	const struct link_table *a = table_of(ref), *b = table_of(r);

	if (a->naddrs != b->naddrs ||
	    memcmp(a->addr, b->addr, a->naddrs * sizeof(*a->addr)) != 0)
		return "other addresses are published";
	if (a->nneighbours != b->nneighbours)
		return "other neighbours are published";
	return NULL;
}

static void changes_happen_once(void **state)
{
	struct sweep_daemon d = linkd_daemon;
	struct rig *r = open_rig();
	struct sweep s = { .daemon = &d, .rig = r, .again = 20 };
	const struct link_table *t = table_of(r);
	struct ip_addr ip;

	(void)state;
	d.feed = change;
	d.differs = other_table;
	receive_arp(r, 1, 1);
	sweep_run(&s);
	sweep_print(&s, "linkd, changed addresses");
	/* 2001:db8::2, a link-local one and the new one. */
	assert_int_equal(t->naddrs, 3);
	assert_true(ip_parse(&ip, "198.51.100.2"));
	assert_true(ip_equal(&t->addr[2].ip, &ip));
	assert_int_equal(t->addr[2].plen, 25);
	rig_close(r);
	assert_int_equal(s.violations, 0);
	assert_true(s.states > 100);
}

/* What is lost stays lost, what comes twice does: the dice are thrown once. */
static void a_bad_wire_decides_once(void **state)
{
	struct rig *r = open_rig_of(BAD);

	(void)state;
	for (uint8_t i = 0; i < 4; i++) {
		receive_ip(r, 7 + i, 200U + i);
		hand_down(r, 1, 80U + i, 0);
	}
	sweep_one(r, "linkd, a bad wire", BAD_UP, BAD_OUT);
}

static void what_is_on_the_wire_comes_out(void **state)
{
	struct rig *r = open_rig_of(SLOW);
	void *x = attach(r, "linkd");

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		receive_ip(r, 7 + i, 700U + i);
		hand_down(r, 1, 80U + i, 0);
	}
	while (turn(x, r->now))
		;
	detach(x);
	assert_int_equal(wire_of(r)->sent, 0);
	r->now = mono_add_ms(r->now, 20);
	sweep_one(r, "linkd, out of a slow wire", 3, 3);
}

static void what_a_bad_wire_decides_is_told_once(void **state)
{
	struct rig *r = open_rig_of(BAD);

	(void)state;
	sweep_tap_on(r, "linkd");
	for (uint8_t i = 0; i < 4; i++) {
		receive_ip(r, 7 + i, 200U + i);
		hand_down(r, 1, 80U + i, 0);
	}
	sweep_one(r, "linkd, a bad wire, tapped", BAD_UP, BAD_OUT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_happen_once),
		cmocka_unit_test(an_arp_request_is_answered),
		cmocka_unit_test(
		    a_stranger_that_asks_is_remembered_and_answered),
		cmocka_unit_test(frames_go_up_once),
		cmocka_unit_test(packets_go_down_to_a_neighbour),
		cmocka_unit_test(a_packet_waits_for_an_unknown_neighbour),
		cmocka_unit_test(the_answer_releases_what_waits),
		cmocka_unit_test(looped_packets_come_up_once),
		cmocka_unit_test(a_mixture_is_handled),
		cmocka_unit_test(a_bad_wire_decides_once),
		cmocka_unit_test(what_is_on_the_wire_comes_out),
		cmocka_unit_test(a_mixture_is_told_once),
		cmocka_unit_test(what_a_bad_wire_decides_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
