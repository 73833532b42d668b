/*
 * test_tap_place.c - where packets can be seen, and as what
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/tap_place.h"

static const char JSON[] =
    "{\"name\":\"t\","
    "\"links\":[{\"name\":\"n0\",\"device\":\"null\","
    "\"mac\":\"02:00:00:00:00:02\",\"addresses\":[\"192.0.2.2/24\"]},"
    "{\"name\":\"tap0\",\"device\":\"tap\",\"interface\":\"tap0\","
    "\"mac\":\"02:00:00:00:00:03\",\"addresses\":[\"192.0.3.2/24\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"udpd\",\"layer\":\"udpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"udpd\"},"
    "{\"from\":\"udpd\",\"to\":\"ipd\"}]}";

enum {
	LINKD,
	IPD,
	UDPD,
};

static struct topology topo;
static struct places ps;
static struct out_head head;
static struct taps taps;

static int setup(void **state)
{
	char error[TOPO_ERROR_LEN] = "";

	(void)state;
	if (topology_parse(&topo, JSON, strlen(JSON), "test", error) < 0)
		fail_msg("%s", error);
	places_make(&ps, &topo);
	memset(&taps, 0, sizeof(taps));
	taps.topo = &topo;
	for (uint32_t p = 0; p < topo.nprocs; p++)
		taps.head[p] = &head;
	return 0;
}

static void all_places_have_names(void **state)
{
	static const char *const names[] = { "tap0:rx", "tap0:tx", "linkd>ipd",
		"ipd>linkd", "ipd>udpd", "udpd>ipd", "drops", "drops:frames" };

	(void)state;
	assert_int_equal(ps.n, sizeof(names) / sizeof(*names));
	for (uint32_t i = 0; i < ps.n; i++)
		assert_string_equal(ps.p[i].name, names[i]);
}

static void some_are_wanted(void **state)
{
	struct taps_wish w;

	(void)state;
	assert_int_equal(places_want(&ps, "tap0:rx,udpd:ipd"), 0);
	w = places_wish(&ps);
	assert_int_equal(w.devices, 1 << 1);
	assert_int_equal(w.rings, 1 << 3);
	assert_int_equal(w.flags, 0);
	assert_int_equal(places_want(&ps, "linkd>ipd,tap0,drops"), 0);
	w = places_wish(&ps);
	assert_int_equal(w.rings, 1 << 3 | 1);
	assert_int_equal(w.flags, TAP_DROPS);
	assert_true(ps.p[1].wanted);
	assert_int_equal(places_want(&ps, "linkd"), -1);
	assert_int_equal(places_want(&ps, "tap"), -1);
	assert_int_equal(places_want(&ps, "tap0:"), -1);
}

static struct place *place_of(
    uint32_t proc, enum tap_kind kind, uint16_t at, uint32_t reason)
{
	struct tapped r = { .proc = proc };

	r.r.kind = (uint8_t)kind;
	r.r.place = at;
	r.r.reason = reason;
	return places_of(&ps, &r);
}

/* With a trace on, both ends of a ring record. */
static void a_ring_is_seen_from_one_side(void **state)
{
	(void)state;
	places_want(&ps, NULL);
	assert_ptr_equal(place_of(IPD, TAP_TAKE, 0, 0), &ps.p[2]);
	assert_null(place_of(LINKD, TAP_PUT, 0, 0));
	assert_ptr_equal(place_of(UDPD, TAP_PUT, 3, 0), &ps.p[5]);
	assert_null(place_of(IPD, TAP_TAKE, 3, 0));
	assert_ptr_equal(
	    place_of(LINKD, TAP_FRAME, TAP_PLACE_DEVICE + 3, 0), &ps.p[1]);
}

static void what_was_dropped_elsewhere_is_a_drop(void **state)
{
	struct tapped waited = { .proc = LINKD };

	(void)state;
	places_want(&ps, "drops,linkd:ipd");
	assert_ptr_equal(place_of(IPD, TAP_TAKE, 0, 7), &ps.p[2]);
	assert_ptr_equal(place_of(UDPD, TAP_TAKE, 2, 7), ps.drops);
	assert_null(place_of(UDPD, TAP_TAKE, 2, 0));
	assert_ptr_equal(
	    place_of(LINKD, TAP_FRAME, TAP_PLACE_DEVICE, 7), ps.dropped_frames);
	assert_null(place_of(LINKD, TAP_DROP, TAP_PLACE_DROPS, 7));
	/* Unless it has its packet along. */
	waited.r.kind = TAP_DROP;
	waited.r.place = TAP_PLACE_DROPS;
	waited.r.reason = 7;
	waited.r.flags = TAP_WAITED;
	assert_ptr_equal(places_of(&ps, &waited), ps.drops);
}

/* Between ipd and a transport there is none, but all that is in it. */
static void an_ip_header_is_made(void **state)
{
	static const uint8_t want4[] = { 0x45, 0x10, 0, 28, 0, 0, 0x40, 0, 9,
		17, 0xed, 0xbd, 192, 0, 2, 1, 192, 0, 2, 2 };
	static const uint8_t want6[] = { 0x61, 0, 0, 0, 0, 8, 17, 64, 0x20, 1,
		0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd,
		0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 };
	uint8_t room[TAPPED_HEADROOM + 8] = { 0 };
	struct tapped r = { .proc = UDPD, .bytes = room + TAPPED_HEADROOM };
	struct shown s;

	(void)state;
	r.r.kind = TAP_TAKE;
	r.r.place = 2;
	r.r.len = r.r.caplen = 8;
	r.r.d = (struct desc){ .proto = 17,
		.hops = 9,
		.tclass = 0x10,
		.flags = PKT_DONT_FRAGMENT,
		.src = ip_from_v4((const uint8_t[]){ 192, 0, 2, 1 }),
		.dst = ip_from_v4((const uint8_t[]){ 192, 0, 2, 2 }) };
	shown_from(&s, &taps, &ps.p[4], &r);
	assert_int_equal(s.len, 28);
	assert_int_equal(s.caplen, 28);
	assert_memory_equal(s.bytes, want4, sizeof(want4));
	assert_ptr_equal(s.bytes + sizeof(want4), r.bytes);

	r.r.d.src = ip_from_v6(want6 + 8);
	r.r.d.dst = ip_from_v6(want6 + 24);
	r.r.d.hops = 0;
	shown_from(&s, &taps, &ps.p[4], &r);
	assert_int_equal(s.len, 48);
	assert_memory_equal(s.bytes, want6, sizeof(want6));

	/* Below ipd it is there already. */
	r.r.place = 0;
	shown_from(&s, &taps, &ps.p[2], &r);
	assert_int_equal(s.len, 8);
	assert_ptr_equal(s.bytes, r.bytes);
}

static void the_reason_is_a_comment(void **state)
{
	uint8_t room[TAPPED_HEADROOM + 8] = { 0 };
	struct tapped r = { .proc = IPD, .bytes = room + TAPPED_HEADROOM };
	struct shown s;

	(void)state;
	strcpy(head.counter_name[4].name, "rx_bad");
	r.r.kind = TAP_TAKE;
	r.r.reason = 5;
	shown_from(&s, &taps, &ps.p[2], &r);
	assert_string_equal(s.comment, "dropped by ipd: rx_bad");
	r.r.reason = MAX_COUNTERS + 1;
	shown_from(&s, &taps, &ps.p[2], &r);
	assert_string_equal(s.comment, "dropped by ipd: ");
	r.r.reason = 0;
	r.r.d.kind = PKT_ERROR;
	r.r.d.icmp_type = 3;
	r.r.d.icmp_code = 1;
	r.r.caplen = r.r.len = 8;
	r.bytes[0] = 0x45;
	shown_from(&s, &taps, &ps.p[2], &r);
	assert_string_equal(s.comment, "about this packet: ICMP type 3 code 1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_places_have_names, setup),
		cmocka_unit_test_setup(some_are_wanted, setup),
		cmocka_unit_test_setup(a_ring_is_seen_from_one_side, setup),
		cmocka_unit_test_setup(
		    what_was_dropped_elsewhere_is_a_drop, setup),
		cmocka_unit_test_setup(an_ip_header_is_made, setup),
		cmocka_unit_test_setup(the_reason_is_a_comment, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
