/*
 * test_linkd_tap.c - what linkd shows of its frames, and which a drop is told
 * of
 */
#include <netinet/in.h>

#include "linkd/impair_stage.h"
#include "tests/unit/linkd_world.h"
#include "tests/unit/super_frame.h"
#include "tests/unit/tap_seen.h"

enum {
	MSS = 1000,
	PIECES = 3,
	HDR = IP4_HDR + TCP_HDR,
	FRAME = ETH_HDR_LEN + HDR,
};

#define WIRE(more)                                     \
	WORLD_JSON("\"dad_transmits\":0,\"mtu\":1500," \
		   "\"offload\":false," more)
#define BAD(ways) WIRE("\"impair\":{" ways "},")

/* Who is asked for says so. */
static const uint8_t IS_AT_9[] = {
	0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x09, 0x08,
	0x06,                                 /* Ethernet */
	0, 1, 8, 0, 6, 4, 0, 2,               /* reply */
	0x02, 0, 0, 0, 0, 0x09, 192, 0, 2, 9, /* sender */
	0x02, 0, 0, 0, 0, 0x02, 192, 0, 2, 2, /* target */
};

/* All that is said at the start has been said. */
static struct world *start(const char *json)
{
	struct world *w = world_open(json, 0);

	world_run(w, 0);
	world_run(w, 5000);
	world_run(w, 20000);
	wire_drain(w);
	return w;
}

static size_t tcp(uint8_t *p, uint32_t seq, size_t len, bool partial)
{
	const struct shape s = {
		.type = GSO_TCP4,
		.payload = len,
		.seq = seq,
		.frag = IP4_DF,
		.flags = FLAG_ACK,
		.fill = (uint8_t)seq,
	};

	return shape_build(p, &s, partial);
}

/* ipd sends; @size: a super-frame of pieces so large. */
static void put(
    struct world *w, const char *to, uint32_t seq, size_t len, uint16_t size)
{
	struct desc d = {
		.kind = PKT_DATA,
		.proto = IPPROTO_TCP,
		.flags = PKT_CSUM_PARTIAL,
		.gso_size = size,
		.csum_start = IP4_HDR,
		.csum_offset = TCP_CSUM,
	};
	uint8_t p[ROOM];
	size_t n = tcp(p, seq, len, true);

	assert_true(ip_parse(&d.dst, to));
	rig_put(w->r, "ipd", "linkd", p, n, &d);
}

static void hear(struct world *w, uint32_t seq, size_t len)
{
	static const uint8_t eth[ETH_HDR_LEN] = { 0x02, 0, 0, 0, 0, 0x02, 0x02,
		0, 0, 0, 0, 0x01, 0x08, 0x00 };
	uint8_t f[ROOM];
	size_t n = tcp(f + ETH_HDR_LEN, seq, len, false);

	memcpy(f, eth, sizeof(eth));
	wire_put(w, f, ETH_HDR_LEN + n);
}

static uint32_t up(struct world *w)
{
	struct desc d;
	uint32_t n = 0;

	while (rig_take(w->r, "ipd", "linkd", &d, NULL, 0))
		n++;
	return n;
}

static uint32_t seq_of(const struct seen *s)
{
	return be32_get(s->bytes + ETH_HDR_LEN + IP4_HDR + TCP_SEQ);
}

/* A packet that waited, with its own bytes, from the IP header on. */
static void seen_waited(
    struct seen *s, const char *reason, uint32_t seq, size_t len)
{
	seen_next(s, TAP_DROP, reason);
	assert_int_equal(s->rec.flags, TAP_WAITED);
	assert_int_equal(s->rec.place, TAP_PLACE_DROPS);
	assert_int_equal(s->rec.len, HDR + len);
	assert_int_equal(s->rec.caplen, HDR + len);
	assert_int_equal(s->bytes[0], 0x45);
	assert_int_equal(be32_get(s->bytes + IP4_HDR + TCP_SEQ), seq);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(
		    s->bytes[HDR + i], (uint8_t)(seq + i * 5 + (i >> 7)));
}

/* ---- Who waits for a neighbour ---- */

/* The third one pushes the first out: it is the first that was dropped. */
static void who_is_pushed_out_is_not_who_pushes(void **state)
{
	struct world *w = start(WIRE("\"neighbours\":{\"queue_bytes\":4096},"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		put(w, "192.0.2.9", i, 1400, 0);
	world_run(w, 0);
	seen_next(s, TAP_TAKE, NULL);
	seen_next(s, TAP_TAKE, NULL);
	seen_next(s, TAP_TAKE, NULL);
	seen_waited(s, "neighbour_drop_oldest", 1, 1400);
	seen_frame(s, true, NULL); /* who has 192.0.2.9? */
	seen_close(s);
	assert_count(w, "neighbour_drop_oldest", 1);
	world_close(w);
}

/* Who captures drops alone has them whole, large ones too. */
static void who_was_pushed_out_is_seen_alone(void **state)
{
	struct world *w =
	    start(WIRE("\"neighbours\":{\"queue_bytes\":12288},"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	w->r->sup->tap.devices = 0;
	w->r->sup->tap.rings = 0;
	put(w, "192.0.2.9", 1, 8 * MSS, MSS);
	put(w, "192.0.2.9", 2, 8 * MSS, MSS);
	world_run(w, 0);
	seen_waited(s, "neighbour_drop_oldest", 1, 8 * MSS);
	seen_close(s);
	assert_count(w, "neighbour_drop_oldest", 1);
	world_close(w);
}

/* Nobody looks: it is counted all the same, and once. */
static void who_is_pushed_out_unseen_is_counted(void **state)
{
	struct world *w = start(WIRE("\"neighbours\":{\"queue_bytes\":4096},"));

	(void)state;
	for (uint32_t i = 1; i <= 4; i++)
		put(w, "192.0.2.9", i, 1400, 0);
	world_run(w, 0);
	assert_count(w, "neighbour_drop_oldest", 2);
	seen_close(seen_open(w->r, "linkd"));
	put(w, "192.0.2.9", 5, 1400, 0);
	world_run(w, 0);
	assert_count(w, "neighbour_drop_oldest", 3);
	world_close(w);
}

/* Its neighbour never answered: what had waited was lost, and says so. */
static void who_waited_in_vain_was_dropped(void **state)
{
	struct world *w = start(WIRE(""));
	struct seen *s = seen_open(w->r, "linkd");
	uint32_t waited = 0;

	(void)state;
	w->r->sup->tap.devices = 0;
	w->r->sup->tap.rings = 0;
	put(w, "192.0.2.9", 1, 100, 0);
	put(w, "192.0.2.9", 2, 200, 0);
	for (int i = 0; i < 5; i++)
		world_run(w, 1001);
	for (waited = 1; waited <= 2; waited++)
		seen_waited(s, "tx_unreachable", waited, waited * 100);
	seen_close(s);
	assert_count(w, "tx_unreachable", 2);
	assert_int_equal(up(w), 2);
	world_close(w);
}

/* An entry that is taken away takes along what waits. */
static void who_waited_for_a_forgotten_one_was_dropped(void **state)
{
	struct world *w = start(WIRE(""));
	struct seen *s = seen_open(w->r, "linkd");
	struct ip_addr ip;

	(void)state;
	w->r->sup->tap.devices = 0;
	w->r->sup->tap.rings = 0;
	put(w, "192.0.2.9", 1, 100, 0);
	world_run(w, 0);
	assert_true(ip_parse(&ip, "192.0.2.9"));
	node_begin(&w->x->n, w->r->now);
	neighbour_turn(&w->x->nb);
	neighbour_forget(&w->x->nb, neighbour_find(&w->x->nb, 0, &ip));
	node_commit(&w->x->n);
	seen_waited(s, "neighbour_drop_gone", 1, 100);
	seen_close(s);
	world_run(w, 0);
	assert_count(w, "neighbour_drop_gone", 1);
	world_close(w);
}

static void who_may_not_wait_is_who_was_dropped(void **state)
{
	struct world *w = start(WIRE("\"neighbours\":{\"queue_bytes\":4096},"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	put(w, "192.0.2.9", 1, 100, 0);
	put(w, "192.0.2.9", 2, 8 * MSS, MSS);
	put(w, "192.0.2.9", 3, 100, 0);
	world_run(w, 0);
	seen_next(s, TAP_TAKE, NULL);
	seen_next(s, TAP_TAKE, "neighbour_drop_too_big");
	seen_next(s, TAP_TAKE, NULL);
	seen_frame(s, true, NULL);
	seen_close(s);
	world_close(w);
}

/* In one turn a frame is read, and what waited for it goes and is lost. */
static void what_waited_is_not_the_frame_that_was_read(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"loss\":0}"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	put(w, "192.0.2.9", 1, 100, 0);
	world_run(w, 0);
	seen_next(s, TAP_TAKE, NULL);
	seen_frame(s, true, NULL);
	w->x->impairs.store.mem->conf[IMPAIR_TX].loss_ppm = 1000000;
	w->x->impairs.on |= 1U << IMPAIR_TX;
	wire_put(w, IS_AT_9, sizeof(IS_AT_9));
	world_run(w, 0);
	seen_frame(s, false, NULL); /* the answer */
	seen_frame(s, true, "impair_tx_lost");
	assert_int_equal(s->rec.len, FRAME + 100);
	assert_int_equal(seq_of(s), 1);
	seen_close(s);
	world_close(w);
}

/* Nor is it because of that frame that another's packet goes back up. */
static void who_gave_up_waiting_is_not_the_frame_that_was_read(void **state)
{
	struct world *w = start(WIRE(""));
	struct seen *s;
	bool back = false;

	(void)state;
	put(w, "192.0.2.9", 1, 100, 0);
	world_run(w, 0);
	world_run(w, 1001);
	world_run(w, 1001);
	w->r->now = mono_add_ms(w->r->now, 1001);
	linkd_turn(w->x, w->r->now);
	assert_int_equal(up(w), 0);
	s = seen_open(w->r, "linkd");
	w->r->sup->tap.flags = TAP_TRACE;
	wire_put(w, IS_AT_9, sizeof(IS_AT_9) - 1); /* too short */
	linkd_turn(w->x, w->r->now);
	seen_frame(s, false, "arp_short");
	while (tap_read(&s->r, &s->rec, s->bytes)) {
		if (s->rec.kind != TAP_PUT)
			continue;
		back = true;
		assert_int_equal(s->rec.d.kind, PKT_ERROR);
		assert_int_equal(s->rec.flags, TAP_NO_HAND);
	}
	assert_true(back);
	seen_close(s);
	world_close(w);
}

/* ---- A bad wire: frames are seen as they come out of it ---- */

static void what_the_wire_loses_is_not_seen_as_sent(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"loss\":100}"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	put(w, "224.0.0.99", 1, 100, 0);
	world_run(w, 0);
	assert_null(wire_get(w));
	seen_next(s, TAP_TAKE, NULL); /* linkd has done its part */
	seen_frame(s, true, "impair_tx_lost");
	assert_int_equal(s->rec.flags, 0);
	assert_int_equal(seq_of(s), 1);
	seen_close(s);
	world_close(w);
}

/* Of a super-frame it is the lost pieces alone, cut and summed. */
static void a_lost_piece_does_not_make_all_lost(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"loss\":50,\"seed\":1}"));
	struct seen *s = seen_open(w->r, "linkd");
	uint64_t before = rig_counter(w->r, "linkd", "impair_tx_lost");
	uint32_t lost = 0, sent = 0;

	(void)state;
	put(w, "224.0.0.99", 0, 20 * MSS, MSS);
	world_run(w, 0);
	seen_next(s, TAP_TAKE, NULL);
	while (tap_read(&s->r, &s->rec, s->bytes)) {
		assert_int_equal(s->rec.kind, TAP_FRAME);
		assert_int_equal(s->rec.len, FRAME + MSS);
		lost += s->rec.reason != 0;
		sent += s->rec.reason == 0;
	}
	assert_int_equal(lost + sent, 20);
	assert_in_range(lost, 2, 18);
	assert_count(w, "impair_tx_lost", before + lost);
	seen_close(s);
	world_close(w);
}

static void what_is_sent_late_is_seen_then(void **state)
{
	struct world *w = start(BAD("\"tx\":{\"delay_ms\":20,"
				    "\"duplicate\":100}"));
	struct seen *s = seen_open(w->r, "linkd");
	struct mono then = w->r->now;

	(void)state;
	put(w, "224.0.0.99", 1, 100, 0);
	world_run(w, 0);
	seen_next(s, TAP_TAKE, NULL);
	seen_no_more(s);
	world_run(w, 20);
	for (int i = 0; i < 2; i++) {
		seen_frame(s, true, NULL);
		assert_int_equal(s->rec.time, then.ns + 20 * NS_PER_MS);
	}
	seen_close(s);
	world_close(w);
}

static void what_comes_late_is_seen_then(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":20,"
				    "\"duplicate\":100}"));
	struct seen *s = seen_open(w->r, "linkd");
	struct mono then = w->r->now;

	(void)state;
	hear(w, 1, 100);
	world_run(w, 0);
	seen_no_more(s);
	world_run(w, 20);
	assert_int_equal(up(w), 2);
	for (int i = 0; i < 2; i++) {
		seen_frame(s, false, NULL);
		assert_int_equal(seq_of(s), 1);
		assert_int_equal(s->rec.time, then.ns + 20 * NS_PER_MS);
	}
	seen_close(s);
	world_close(w);
}

static void what_is_lost_on_its_way_in_says_so(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"loss\":100}"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	hear(w, 1, 100);
	hear(w, 2, 100);
	world_run(w, 0);
	assert_int_equal(up(w), 0);
	for (uint32_t i = 1; i <= 2; i++) {
		seen_frame(s, false, "impair_rx_lost");
		assert_int_equal(seq_of(s), i);
	}
	seen_close(s);
	world_close(w);
}

/* Only who asked for the drops gets it among them. */
static void of_drops_alone_there_is_the_lost_frame(void **state)
{
	struct world *w = start(BAD("\"rx\":{\"loss\":100}"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	w->r->sup->tap.devices = 0;
	w->r->sup->tap.rings = 0;
	hear(w, 1, 100);
	put(w, "224.0.0.99", 1, 100, 0);
	world_run(w, 0);
	seen_frame(s, false, "impair_rx_lost");
	assert_int_equal(s->rec.flags, TAP_ONLY_DROPPED);
	seen_close(s);
	world_close(w);
}

/* What it refuses behind the wire is the frame that came out of it. */
static void what_is_refused_behind_the_wire_says_so(void **state)
{
	static const uint8_t other[60] = { 0x02, 0, 0, 0, 0, 0x77, 0x02, 0, 0,
		0, 0, 0x01, 0x08, 0x00, 0x45 };
	struct world *w = start(BAD("\"rx\":{\"delay_ms\":20}"));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	wire_put(w, other, sizeof(other));
	wire_put(w, other, 13);
	world_run(w, 0);
	seen_frame(s, false, "rx_short"); /* it is no frame for any wire */
	world_run(w, 20);
	seen_frame(s, false, "rx_not_for_us");
	seen_close(s);
	world_close(w);
}

/* ---- Others ---- */

/* Joined frames go up together: that is not because of the last of them. */
static void what_was_joined_is_not_the_last_frame(void **state)
{
	struct world *w = start(WIRE(""));
	struct seen *s = seen_open(w->r, "linkd");
	uint32_t frames = 0;

	(void)state;
	w->r->sup->tap.flags = TAP_TRACE;
	w->x->dev[0].batch = 8;
	for (uint32_t i = 0; i < 4; i++)
		hear(w, i * MSS, MSS);
	world_run(w, 0);
	assert_int_equal(up(w), 1);
	while (tap_read(&s->r, &s->rec, s->bytes) && s->rec.kind != TAP_PUT)
		frames += s->rec.kind == TAP_FRAME;
	assert_int_equal(frames, 4);
	assert_int_equal(s->rec.kind, TAP_PUT);
	assert_int_equal(s->rec.flags, TAP_NO_HAND);
	seen_next(s, TAP_TURN, NULL);
	seen_close(s);
	world_close(w);
}

/* What the kernel had no room for is asked at the end of a turn. */
static void what_the_kernel_dropped_is_not_what_was_taken(void **state)
{
	struct world *w = start(WIRE(""));
	struct seen *s = seen_open(w->r, "linkd");

	(void)state;
	w->wire->lost = 7;
	w->x->ask_lost = w->r->now;
	put(w, "224.0.0.99", 1, 100, 0);
	linkd_turn(w->x, w->r->now);
	seen_next(s, TAP_TAKE, NULL);
	seen_frame(s, true, NULL);
	seen_drop(s, "rx_kernel_dropped", 7);
	seen_close(s);
	world_close(w);
}

/* Nobody knows what it was: the frame before it is whole. */
static void what_cannot_be_harvested_is_no_other_frame(void **state)
{
	struct world *w = start(WIRE(""));
	struct armed_table *t = &w->x->st->armed[0];
	struct seen *s = seen_open(w->r, "linkd");
	uint32_t off = link_rx_off(w->x, 0);
	uint8_t *p;

	(void)state;
	p = pool_slot(&w->x->n.home.p, t->a[0].slot) + off;
	memcpy(p, IS_AT_9, sizeof(IS_AT_9));
	p = pool_slot(&w->x->n.home.p, t->a[1].slot) + off;
	memset(p, 0, 60);
	world_crash(w);
	world_run(w, 0);
	seen_frame(s, false, NULL);
	seen_drop(s, "rx_no_harvest", 1);
	assert_count(w, "rx_harvested", 2);
	seen_close(s);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_pushed_out_is_not_who_pushes),
		cmocka_unit_test(who_was_pushed_out_is_seen_alone),
		cmocka_unit_test(who_is_pushed_out_unseen_is_counted),
		cmocka_unit_test(who_waited_in_vain_was_dropped),
		cmocka_unit_test(who_waited_for_a_forgotten_one_was_dropped),
		cmocka_unit_test(who_may_not_wait_is_who_was_dropped),
		cmocka_unit_test(what_waited_is_not_the_frame_that_was_read),
		cmocka_unit_test(
		    who_gave_up_waiting_is_not_the_frame_that_was_read),
		cmocka_unit_test(what_the_wire_loses_is_not_seen_as_sent),
		cmocka_unit_test(a_lost_piece_does_not_make_all_lost),
		cmocka_unit_test(what_is_sent_late_is_seen_then),
		cmocka_unit_test(what_comes_late_is_seen_then),
		cmocka_unit_test(what_is_lost_on_its_way_in_says_so),
		cmocka_unit_test(of_drops_alone_there_is_the_lost_frame),
		cmocka_unit_test(what_is_refused_behind_the_wire_says_so),
		cmocka_unit_test(what_was_joined_is_not_the_last_frame),
		cmocka_unit_test(what_the_kernel_dropped_is_not_what_was_taken),
		cmocka_unit_test(what_cannot_be_harvested_is_no_other_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
