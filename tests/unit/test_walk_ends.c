/*
 * test_walk_ends.c - how walks come to their ends
 *
 * The records are written here as daemons would: a packet of udpd without a
 * source goes down to linkd, where its neighbour is silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/walk.h"
#include "shm/bytes.h"

static const char JSON[] =
    "{\"name\":\"t\","
    "\"links\":[{\"name\":\"tap0\",\"device\":\"tap\","
    "\"interface\":\"tap0\",\"mac\":\"02:00:00:00:00:02\","
    "\"addresses\":[\"192.0.2.2/24\"]}],"
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

	UP = 0, /* rings */
	DOWN,
	IPD_UDPD,
	UDPD_IPD,

	ROOM = 256,
	IP = 20,
	ECHO = 8,
};

static const char waits[] = "the MAC is not known: the packet waits";

static struct topology topo;
static struct out_head head;
static struct tap_watch watch;
static struct walks s;
static struct walk ended[4]; /* the last ones */
static uint32_t nended;
static int64_t now;
static uint8_t memory[ROOM + ROOM];
static uint8_t packet[IP + ECHO];

static void done(struct walks *w, const struct walk *walk)
{
	(void)w;
	ended[nended++ % 4] = *walk;
}

static int setup(void **state)
{
	char error[TOPO_ERROR_LEN] = "";

	(void)state;
	if (topology_parse(&topo, JSON, strlen(JSON), "test", error) < 0)
		fail_msg("%s", error);
	memset(&watch, 0, sizeof(watch));
	memset(&s, 0, sizeof(s));
	watch.taps.topo = &topo;
	for (uint32_t p = 0; p < topo.nprocs; p++)
		watch.taps.head[p] = &head;
	strcpy(head.counter_name[0].name, "neighbour_drop_oldest");
	places_make(&watch.places, &topo);
	assert_int_equal(places_want(&watch.places, NULL), 0);
	s.watch = &watch;
	s.done = done;
	nended = 0;
	now = mono_now().ns;

	memset(packet, 0, sizeof(packet));
	packet[0] = 0x45;
	be16_put(packet + 2, sizeof(packet));
	packet[8] = 64;
	packet[9] = 1;
	memcpy(packet + 12, "\xc0\0\2\2\xc0\0\2\x4e", 8);
	packet[IP] = 8;
	return 0;
}

static void record(
    struct tapped *r, enum tap_kind kind, const void *bytes, size_t len)
{
	r->r.number = s.now[r->proc].next; /* none is missing */
	r->r.kind = (uint8_t)kind;
	r->r.time = now;
	r->r.len = r->r.caplen = (uint32_t)len;
	r->bytes = memory + ROOM;
	if (len > 0)
		memcpy(r->bytes, bytes, len);
	walks_record(&s, r);
	now += 1000;
}

/* In a ring: without its IP header if that is ipd's to write. */
static void in_ring(uint32_t proc, enum tap_kind kind, uint16_t ring,
    struct desc d, uint8_t flags)
{
	struct tapped r = { .proc = proc };
	bool bare = ring == UDPD_IPD || ring == IPD_UDPD;

	d.proto = 1;
	d.dst = ip_from_v4(packet + 16);
	r.r.place = ring;
	r.r.flags = flags;
	r.r.d = d;
	record(&r, kind, packet + (bare ? IP : 0),
	    sizeof(packet) - (bare ? IP : 0));
}

static void note(uint32_t proc, const char *text, uint8_t flags)
{
	struct tapped r = { .proc = proc };

	r.r.flags = flags;
	r.r.place = TAP_PLACE_DAEMON;
	record(&r, TAP_NOTE, text, strlen(text));
}

static void turn(uint32_t proc)
{
	struct tapped r = { .proc = proc };

	r.r.place = TAP_PLACE_DAEMON;
	r.r.d.stamp = (uint64_t)now - 500;
	record(&r, TAP_TURN, NULL, 0);
}

static void tells(const struct walk *w, uint32_t step, const char *text)
{
	assert_true(step < w->n);
	assert_non_null(strstr(w->step[step].text, text));
}

/* A ping of udpd's, as far as linkd. */
static void down_to_linkd(void)
{
	struct desc d = { .kind = PKT_DATA };

	d.src = ip_any4;
	note(UDPD, "socket 0 of app 1 sends 8 bytes", TAP_NO_HAND);
	in_ring(UDPD, TAP_PUT, UDPD_IPD, d, TAP_NO_HAND);
	turn(UDPD);
	in_ring(IPD, TAP_TAKE, UDPD_IPD, d, 0);
	note(IPD, "source 192.0.2.2", 0);
	in_ring(IPD, TAP_PUT, DOWN, d, 0);
	turn(IPD);
	in_ring(LINKD, TAP_TAKE, DOWN, d, 0);
}

static void comes_back(void)
{
	struct desc d = { .kind = PKT_ERROR };

	note(LINKD, "neighbour does not answer", TAP_NO_HAND);
	in_ring(LINKD, TAP_PUT, UP, d, TAP_NO_HAND);
	turn(LINKD);
	in_ring(IPD, TAP_TAKE, UP, d, 0);
	in_ring(IPD, TAP_PUT, IPD_UDPD, d, 0);
	turn(IPD);
	in_ring(UDPD, TAP_TAKE, IPD_UDPD, d, 0);
	note(UDPD, "told: No route to host", 0);
	turn(UDPD);
}

/* ---- */

static void what_came_back_is_followed_to_the_socket(void **state)
{
	(void)state;
	down_to_linkd();
	note(LINKD, waits, 0);
	turn(LINKD);
	now += 3 * (int64_t)NS_PER_S;
	turn(LINKD);
	walks_expire(&s, false);
	assert_int_equal(nended, 0);
	comes_back();
	assert_int_equal(nended, 1);
	assert_false(ended[0].cut_short);
	assert_false(ended[0].still_waits);
	assert_int_equal(ended[0].n, 6);
	tells(&ended[0], 2, "the packet waits");
	assert_true(ended[0].step[3].waited);
	tells(&ended[0], 3, "does not answer\nput into linkd>ipd");
	tells(&ended[0], 5, "told: No route");
}

static void the_title_has_the_source_that_was_chosen(void **state)
{
	(void)state;
	down_to_linkd();
	note(LINKD, waits, 0);
	turn(LINKD);
	walks_expire(&s, true);
	assert_int_equal(nended, 1);
	assert_non_null(strstr(ended[0].title, "IP 192.0.2.2 > 192.0.2.78: "));
}

static void a_source_never_chosen_is_said_to_be_none(void **state)
{
	struct desc d = { .kind = PKT_DATA };

	(void)state;
	d.src = ip_any4;
	in_ring(UDPD, TAP_PUT, UDPD_IPD, d, TAP_NO_HAND);
	turn(UDPD);
	in_ring(IPD, TAP_TAKE, UDPD_IPD, d, 0);
	turn(IPD);
	assert_int_equal(nended, 1);
	assert_non_null(
	    strstr(ended[0].title, "IP (source not chosen yet) > 192.0.2.78"));
}

static void who_still_waits_has_not_arrived(void **state)
{
	(void)state;
	down_to_linkd();
	note(LINKD, waits, 0);
	turn(LINKD);
	walks_expire(&s, true);
	assert_true(ended[0].still_waits);
	assert_false(ended[0].cut_short);
}

static void nobody_is_waited_with_for_ever(void **state)
{
	(void)state;
	down_to_linkd();
	note(LINKD, waits, 0);
	turn(LINKD);
	now += 6 * (int64_t)NS_PER_S;
	turn(LINKD);
	assert_int_equal(nended, 1);
	assert_true(ended[0].still_waits);
}

static void who_may_have_made_room_for_others_is_in_doubt(void **state)
{
	struct tapped drop = { .proc = LINKD };

	(void)state;
	down_to_linkd();
	note(LINKD, waits, 0);
	turn(LINKD);
	packet[IP + 7] = 2; /* the next ping */
	down_to_linkd();
	note(LINKD, waits, 0);
	drop.r.reason = 1;
	drop.r.place = TAP_PLACE_DROPS;
	record(&drop, TAP_DROP, NULL, 0);
	turn(LINKD);
	walks_expire(&s, true);
	assert_int_equal(nended, 2);
	assert_true(ended[0].still_waits);
	assert_string_equal(ended[0].doubt, "neighbour_drop_oldest");
	assert_string_equal(ended[1].doubt, "");
}

/* The packet came along with the reason: there is no doubt. */
static void who_made_room_for_others_was_dropped(void **state)
{
	struct tapped drop = { .proc = LINKD };
	uint8_t first[sizeof(packet)];

	(void)state;
	memcpy(first, packet, sizeof(first));
	down_to_linkd();
	note(LINKD, waits, 0);
	turn(LINKD);
	packet[IP + 7] = 3; /* the next ping */
	down_to_linkd();
	note(LINKD, waits, 0);
	drop.r.reason = 1;
	drop.r.flags = TAP_WAITED;
	drop.r.place = TAP_PLACE_DROPS;
	record(&drop, TAP_DROP, first, sizeof(first));
	turn(LINKD);
	assert_int_equal(nended, 1);
	assert_string_equal(
	    ended[0].step[ended[0].n - 1].reason, "neighbour_drop_oldest");
	assert_false(ended[0].still_waits);
	walks_expire(&s, true);
	assert_int_equal(nended, 2);
	assert_true(ended[1].still_waits);
	assert_string_equal(ended[1].doubt, "");
}

static void what_linkd_keeps_otherwise_is_soon_given_up(void **state)
{
	(void)state;
	down_to_linkd();
	turn(LINKD);
	now += 2 * (int64_t)NS_PER_S;
	turn(LINKD);
	assert_int_equal(nended, 1);
	assert_false(ended[0].still_waits);
}

/* ---- Connections */

static void known_connection(void)
{
	struct desc d = { .kind = PKT_DATA };

	note(UDPD, "connection 5 sends FIN", TAP_NO_HAND);
	in_ring(UDPD, TAP_PUT, UDPD_IPD, d, TAP_NO_HAND);
	turn(UDPD);
	in_ring(IPD, TAP_TAKE, UDPD_IPD, d, 0);
	turn(IPD);
	assert_int_equal(nended, 1);
}

static void an_end_without_a_packet_is_told(void **state)
{
	(void)state;
	known_connection();
	note(UDPD, "connection 5: TIME-WAIT -> CLOSED", TAP_NO_HAND);
	turn(UDPD);
	assert_int_equal(nended, 2);
	assert_string_equal(ended[1].title, "connection 5 of udpd, no packet");
	tells(&ended[1], 0, "TIME-WAIT -> CLOSED");
	/* From now on the number is somebody else's. */
	note(UDPD, "connection 5: SYN-SENT -> CLOSED", TAP_NO_HAND);
	turn(UDPD);
	assert_int_equal(nended, 2);
}

static void of_others_nothing_is_told(void **state)
{
	(void)state;
	known_connection();
	note(UDPD, "connection 6: TIME-WAIT -> CLOSED", TAP_NO_HAND);
	turn(UDPD);
	note(UDPD, "connection 5: the app has read 1 bytes", TAP_NO_HAND);
	turn(UDPD);
	assert_int_equal(nended, 1);
}

static void each_connection_has_its_own_news(void **state)
{
	struct desc d = { .kind = PKT_DATA };

	(void)state;
	known_connection();
	note(UDPD, "connection 5: TIME-WAIT -> CLOSED", TAP_NO_HAND);
	note(UDPD, "connection 6 sends SYN", TAP_NO_HAND);
	in_ring(UDPD, TAP_PUT, UDPD_IPD, d, TAP_NO_HAND);
	/* Its reset is sent before it ends. */
	note(UDPD, "connection 6: ESTABLISHED -> CLOSED", TAP_NO_HAND);
	turn(UDPD);
	in_ring(IPD, TAP_TAKE, UDPD_IPD, d, 0);
	turn(IPD);
	assert_int_equal(nended, 3);
	tells(&ended[1], 0, "connection 5: TIME-WAIT -> CLOSED");
	assert_null(strstr(ended[1].step[0].text, "connection 6"));
	tells(&ended[2], 0, "connection 6 sends SYN");
	tells(&ended[2], 0, "connection 6: ESTABLISHED -> CLOSED");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    what_came_back_is_followed_to_the_socket, setup),
		cmocka_unit_test_setup(
		    the_title_has_the_source_that_was_chosen, setup),
		cmocka_unit_test_setup(
		    a_source_never_chosen_is_said_to_be_none, setup),
		cmocka_unit_test_setup(who_still_waits_has_not_arrived, setup),
		cmocka_unit_test_setup(nobody_is_waited_with_for_ever, setup),
		cmocka_unit_test_setup(
		    who_may_have_made_room_for_others_is_in_doubt, setup),
		cmocka_unit_test_setup(
		    who_made_room_for_others_was_dropped, setup),
		cmocka_unit_test_setup(
		    what_linkd_keeps_otherwise_is_soon_given_up, setup),
		cmocka_unit_test_setup(an_end_without_a_packet_is_told, setup),
		cmocka_unit_test_setup(of_others_nothing_is_told, setup),
		cmocka_unit_test_setup(each_connection_has_its_own_news, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
