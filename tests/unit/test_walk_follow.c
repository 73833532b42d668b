/*
 * test_walk_follow.c - whose walk is it that a record belongs to?
 *
 *	tap0 <-> linkd <-> ipd <-> tcpd,	and their records, told by hand
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/walk.h"
#include "shm/bytes.h"

static const char JSON[] =
    "{\"name\":\"t\","
    "\"links\":[{\"name\":\"tap0\",\"device\":\"tap\",\"interface\":\"tap0\","
    "\"mac\":\"02:00:00:00:00:02\",\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"tcpd\",\"layer\":\"tcpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"tcpd\"},"
    "{\"from\":\"tcpd\",\"to\":\"ipd\"}]}";

enum {
	LINKD,
	IPD,
	TCPD,
};

enum {
	UP,       /* linkd > ipd */
	DOWN,     /* ipd > linkd */
	TO_TCP,   /* ipd > tcpd */
	FROM_TCP, /* tcpd > ipd */
};

enum {
	TOLD = 8, /* walks */
	ETH = 14,
	IP = 20,
	HEADERS = 40,
	WHY = 3, /* a reason */
	STEP_NS = 1000,
	INDICES = 128,
};

static struct topology topo;
static struct out_head head;
static struct tap_watch watch;
static struct walks *walks;
static struct walk told[TOLD]; /* that came to an end */
static uint32_t ntold;
static uint64_t numbers[TOPO_MAX_PROCS];
static int64_t now;

static void done(struct walks *s, const struct walk *w)
{
	(void)s;
	assert_true(ntold < TOLD);
	told[ntold++] = *w;
}

static int begin(void **state)
{
	char error[TOPO_ERROR_LEN] = "";

	(void)state;
	if (topology_parse(&topo, JSON, strlen(JSON), "test", error) < 0)
		fail_msg("%s", error);
	watch = (struct tap_watch){ .taps.topo = &topo };
	places_make(&watch.places, &topo);
	assert_int_equal(places_want(&watch.places, NULL), 0);
	snprintf(head.counter_name[WHY - 1].name, COUNTER_NAME_LEN, "why");
	for (uint32_t p = 0; p < topo.nprocs; p++)
		watch.taps.head[p] = &head;
	walks = calloc(1, sizeof(*walks));
	assert_non_null(walks);
	walks->watch = &watch;
	walks->done = done;
	memset(numbers, 0, sizeof(numbers));
	ntold = 0;
	now = mono_now().ns;
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(walks);
	return 0;
}

/* ---- What the daemons tell ---- */

static void record(
    uint32_t proc, struct tap_record r, const void *bytes, uint32_t caplen)
{
	/* cppcheck-suppress unassignedVariable ; written as t.bytes */
	static uint8_t room[TAPPED_HEADROOM + 256];
	struct tapped t = {
		.proc = proc,
		.r = r,
		.bytes = room + TAPPED_HEADROOM,
	};

	if (caplen > 0)
		memcpy(t.bytes, bytes, caplen);
	t.r.number = numbers[proc]++;
	t.r.time = now += STEP_NS;
	t.r.caplen = caplen;
	walks_record(walks, &t);
}

/* A TCP segment, @seq on, behind room for an Ethernet header. */
static void segment(uint8_t p[ETH + HEADERS], uint32_t seq)
{
	memset(p, 0, ETH + HEADERS);
	p[12] = 0x08;
	p += ETH;
	p[0] = 0x45;
	p[8] = 64;
	p[9] = 6;
	memcpy(p + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8);
	be16_put(p + IP, 4242);
	be16_put(p + IP + 2, 7);
	be32_put(p + IP + 4, seq);
	p[IP + 12] = 0x50;
	p[IP + 13] = 0x10;
}

/* A frame with @data bytes from @seq on. */
static void frame(bool tx, uint32_t seq, uint32_t data, uint32_t reason)
{
	uint8_t p[ETH + HEADERS];

	segment(p, seq);
	record(LINKD,
	    (struct tap_record){ .kind = TAP_FRAME,
		.place = (uint16_t)(TAP_PLACE_DEVICE + tx),
		.reason = reason,
		.len = ETH + HEADERS + data },
	    p, sizeof(p));
}

static uint32_t proc_of(uint16_t ring, enum tap_kind kind)
{
	return kind == TAP_TAKE ? topo.rings[ring].to : topo.rings[ring].from;
}

/* The packet at @index of a ring; always in the same slot. */
static void ring(enum tap_kind kind, uint16_t at, uint32_t index, uint32_t seq,
    uint32_t data, uint32_t reason, uint8_t flags)
{
	static int64_t put_at[TOPO_MAX_RINGS][INDICES];
	uint8_t p[ETH + HEADERS];
	uint32_t skip = at == UP || at == DOWN ? ETH : ETH + IP;

	segment(p, seq);
	assert_true(index < INDICES);
	if (kind == TAP_PUT)
		put_at[at][index] = now + STEP_NS;
	record(proc_of(at, kind),
	    (struct tap_record){ .kind = (uint8_t)kind,
		.place = at,
		.index = index,
		.reason = reason,
		.flags = flags,
		.len = (uint32_t)sizeof(p) - skip + data,
		.d = { .slot = 1,
		    .pool = 0,
		    .stamp = (uint64_t)put_at[at][index] } },
	    p + skip, (uint32_t)sizeof(p) - skip);
}

static void take(uint16_t at, uint32_t index, uint32_t seq)
{
	ring(TAP_TAKE, at, index, seq, 0, 0, 0);
}

static void put(uint16_t at, uint32_t index, uint32_t seq)
{
	ring(TAP_PUT, at, index, seq, 0, 0, 0);
}

static void note(uint32_t proc, uint8_t flags, const char *text)
{
	record(proc,
	    (struct tap_record){ .kind = TAP_NOTE,
		.place = TAP_PLACE_DAEMON,
		.flags = flags,
		.len = (uint32_t)strlen(text) },
	    text, (uint32_t)strlen(text));
}

static void turn(uint32_t proc)
{
	record(proc,
	    (struct tap_record){ .kind = TAP_TURN,
		.place = TAP_PLACE_DAEMON,
		.d.stamp = (uint64_t)(now - STEP_NS) },
	    NULL, 0);
}

/* The reader was too slow for @n records. */
static void lose(uint32_t proc, uint32_t n)
{
	numbers[proc] += n;
}

/* A frame of one packet comes in and lies in the ring to ipd. */
static void comes_in(uint32_t index, uint32_t seq)
{
	frame(false, seq, 0, 0);
	put(UP, index, seq);
	turn(LINKD);
}

/* ---- What is made of it ---- */

static void assert_step(
    uint32_t w, uint32_t k, uint32_t proc, const char *text, const char *reason)
{
	assert_true(w < ntold);
	assert_true(k < told[w].n);
	assert_int_equal(told[w].step[k].proc, proc);
	assert_string_equal(told[w].step[k].text, text);
	assert_string_equal(told[w].step[k].reason, reason);
}

static const char IN[] = "read from tap0: a frame of 54 bytes\n"
			 "put into linkd>ipd\n";

/* All of them have ended by themselves, with so many steps. */
static void assert_walks(uint32_t n, uint32_t steps)
{
	assert_int_equal(ntold, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(told[i].n, steps);
		assert_false(told[i].cut_short);
		assert_false(told[i].gap);
	}
	assert_int_equal(walks->nkept, 0);
	assert_int_equal(walks->nflights, 0);
}

static void a_packet_is_followed_from_ring_to_ring(void **state)
{
	const struct step *s = &told[0].step[1];

	(void)state;
	comes_in(5, 1);
	take(UP, 5, 1);
	note(IPD, 0, "for us");
	put(TO_TCP, 9, 1);
	turn(IPD);
	assert_int_equal(ntold, 0);
	take(TO_TCP, 9, 1);
	note(TCPD, 0, "connection 3, ESTABLISHED");
	turn(TCPD);
	assert_walks(1, 3);
	assert_step(0, 0, LINKD, IN, "");
	assert_step(0, 1, IPD, "for us\nput into ipd>tcpd\n", "");
	assert_step(0, 2, TCPD, "connection 3, ESTABLISHED\n", "");
	assert_true(s->by_ring);
	assert_int_equal(s->ring, UP);
	assert_true(s->put < s->begin && s->begin < s->end);
	assert_non_null(strstr(told[0].title, "192.0.2.1.4242"));
}

static void packets_of_one_turn_are_kept_apart(void **state)
{
	(void)state;
	comes_in(0, 1);
	comes_in(1, 2);
	comes_in(2, 3);
	take(UP, 0, 1);
	note(IPD, 0, "first");
	put(TO_TCP, 0, 1);
	ring(TAP_TAKE, UP, 1, 2, 0, WHY, 0);
	note(IPD, 0, "second");
	take(UP, 2, 3);
	put(TO_TCP, 1, 3);
	note(IPD, 0, "third");
	turn(IPD);
	assert_int_equal(ntold, 1);
	assert_step(0, 1, IPD, "second\n", "why");
	take(TO_TCP, 0, 1);
	note(TCPD, 0, "1");
	take(TO_TCP, 1, 3);
	note(TCPD, 0, "3");
	turn(TCPD);
	assert_int_equal(ntold, 3);
	assert_step(1, 1, IPD, "first\nput into ipd>tcpd\n", "");
	assert_step(1, 2, TCPD, "1\n", "");
	assert_step(2, 1, IPD, "put into ipd>tcpd\nthird\n", "");
	assert_step(2, 2, TCPD, "3\n", "");
}

/* All lie in the same slot, one after the other, and two at the same index. */
static void a_slot_that_is_used_again_is_another_packet(void **state)
{
	(void)state;
	comes_in(4, 1);
	take(UP, 4, 1);
	put(TO_TCP, 5, 1);
	turn(IPD);
	comes_in(5, 2);
	take(UP, 5, 2);
	note(IPD, 0, "second");
	turn(IPD);
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0].number, 2);
	assert_step(0, 1, IPD, "second\n", "");
	take(TO_TCP, 5, 1);
	note(TCPD, 0, "first");
	turn(TCPD);
	assert_int_equal(ntold, 2);
	assert_int_equal(told[1].number, 1);
	assert_step(1, 2, TCPD, "first\n", "");
}

/* ---- Records that were lost ---- */

static void after_a_gap_nothing_is_of_who_was_in_hand(void **state)
{
	(void)state;
	comes_in(0, 1);
	take(UP, 0, 1);
	put(TO_TCP, 0, 1);
	lose(IPD, 1); /* TAKE of another packet */
	note(IPD, 0, "of the other");
	put(TO_TCP, 1, 2);
	turn(IPD);
	take(TO_TCP, 0, 1);
	note(TCPD, 0, "first");
	take(TO_TCP, 1, 2);
	note(TCPD, 0, "the other");
	turn(TCPD);
	assert_int_equal(ntold, 1);
	assert_step(0, 1, IPD,
	    "put into ipd>tcpd\n(what else it did the trace has lost)\n", "");
	assert_step(0, 2, TCPD, "first\n", "");
	assert_int_equal(told[0].n, 3);
	assert_true(told[0].gap);
	assert_false(told[0].cut_short);
	assert_true(told[0].step[1].gap);
	assert_false(told[0].step[2].gap);
}

/* The end of its turn was lost: that of the next one is not its own. */
static void a_lost_end_is_not_the_next_one(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	(void)state;
	comes_in(0, 1);
	take(UP, 0, 1);
	lose(IPD, 3);
	now += 70 * NS_PER_MS;
	note(IPD, TAP_NO_HAND, "much later");
	turn(IPD);
	assert_int_equal(ntold, 1);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	walk_print(f, &told[0], &topo);
	fclose(f);
	assert_null(strstr(text, "70"));
	assert_null(strstr(text, "much later"));
	assert_non_null(strstr(text, "the trace has lost"));
	assert_non_null(strstr(text, "... and not all is known of it"));
	free(text);
}

static void who_was_put_unseen_is_not_guessed(void **state)
{
	(void)state;
	comes_in(0, 1);
	take(UP, 0, 1);
	lose(IPD, 2); /* PUT, TURN */
	take(UP, 1, 2);
	turn(IPD);
	take(TO_TCP, 0, 1);
	note(TCPD, 0, "whose?");
	turn(TCPD);
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0].n, 2);
	assert_true(told[0].gap);
}

/* What lies in a ring whose TAKE is lost is no more heard of: it says so. */
static void who_was_taken_unseen_is_cut_short(void **state)
{
	(void)state;
	comes_in(0, 1);
	lose(IPD, 1);
	put(TO_TCP, 0, 1);
	turn(IPD);
	assert_int_equal(ntold, 0);
	walks_expire(walks, true);
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0].n, 1);
	assert_true(told[0].cut_short);
	assert_int_equal(walks->nflights, 0);
}

/* linkd joins by what a packet is: not across a gap, it may be sent again. */
static void what_is_sent_again_behind_a_gap_is_not_joined(void **state)
{
	(void)state;
	ring(TAP_PUT, FROM_TCP, 0, 1, 0, 0, TAP_NO_HAND);
	assert_int_equal(walks->begun, 1);
	turn(TCPD);
	take(FROM_TCP, 0, 1);
	put(DOWN, 0, 1);
	turn(IPD);
	take(DOWN, 0, 1);
	lose(LINKD, 2); /* FRAME, TURN */
	frame(true, 1, 0, 0);
	turn(LINKD);
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0].n, 3);
	assert_step(0, 2, LINKD, "(what else it did the trace has lost)\n", "");
}

/* ---- Daemons ---- */

/* Its turn was undone: the next instance takes it, and that is seen once. */
static void who_dies_with_it_in_hand_is_not_seen(void **state)
{
	(void)state;
	comes_in(0, 1);
	comes_in(1, 2);
	/* ipd has taken both, and has died; there is no record of it. */
	now += 5 * NS_PER_MS;
	take(UP, 0, 1);
	put(TO_TCP, 0, 1);
	turn(IPD);
	take(UP, 1, 2);
	put(TO_TCP, 1, 2);
	turn(IPD);
	take(TO_TCP, 0, 1);
	take(TO_TCP, 1, 2);
	turn(TCPD);
	assert_walks(2, 3);
	assert_true(
	    told[0].step[1].begin - told[0].step[1].put > 5 * NS_PER_MS);
}

static void the_last_fragment_takes_the_datagram_on(void **state)
{
	(void)state;
	comes_in(0, 1);
	take(UP, 0, 1);
	note(IPD, 0, "a fragment: kept until all are there");
	turn(IPD);
	assert_walks(1, 2);
	comes_in(1, 2);
	take(UP, 1, 2);
	note(IPD, 0, "the last one");
	put(TO_TCP, 0, 1);
	turn(IPD);
	take(TO_TCP, 0, 1);
	turn(TCPD);
	assert_int_equal(ntold, 2);
	assert_step(0, 1, IPD, "a fragment: kept until all are there\n", "");
	assert_step(1, 1, IPD, "the last one\nput into ipd>tcpd\n", "");
	assert_int_equal(told[1].n, 3);
}

/* A super-frame for linkd, in hand there. */
static void goes_down(uint32_t seq, uint32_t data)
{
	ring(TAP_PUT, FROM_TCP, 0, seq, data, 0, TAP_NO_HAND);
	turn(TCPD);
	ring(TAP_TAKE, FROM_TCP, 0, seq, data, 0, 0);
	ring(TAP_PUT, DOWN, 0, seq, data, 0, 0);
	turn(IPD);
	ring(TAP_TAKE, DOWN, 0, seq, data, 0, 0);
}

static void a_super_frame_is_over_when_all_is_written(void **state)
{
	(void)state;
	goes_down(1000, 3000);
	frame(true, 1000, 1000, 0);
	frame(true, 2000, 1000, WHY);
	turn(LINKD);
	assert_int_equal(ntold, 0);
	frame(true, 3000, 1000, 0);
	frame(true, 4000, 1000, 0); /* another's */
	turn(LINKD);
	assert_walks(1, 4);
	assert_step(0, 2, LINKD,
	    "written to tap0: a frame of 1054 bytes\n"
	    "not written to tap0: a frame of 1054 bytes, why\n",
	    "");
	assert_step(
	    0, 3, LINKD, "written to tap0: a frame of 1054 bytes\n", "");
}

static void what_linkd_joined_goes_on_with_the_first(void **state)
{
	(void)state;
	frame(false, 1000, 1000, 0);
	frame(false, 2000, 1000, 0);
	note(LINKD, 0, "held");
	ring(TAP_PUT, UP, 0, 1000, 2000, 0, TAP_NO_HAND);
	turn(LINKD);
	ring(TAP_TAKE, UP, 0, 1000, 2000, 0, 0);
	turn(IPD);
	assert_int_equal(ntold, 2);
	assert_int_equal(told[0].number, 2);
	assert_int_equal(told[0].n, 1);
	assert_int_equal(told[1].number, 1);
	assert_int_equal(told[1].n, 2);
}

/* Nor is another flow's super-frame the doing of who is in hand. */
static void what_was_put_aside_is_of_no_walk(void **state)
{
	(void)state;
	frame(false, 9000, 0, 0);
	ring(TAP_PUT, UP, 0, 1000, 2000, 0, TAP_NO_HAND);
	put(UP, 1, 9000);
	turn(LINKD);
	ring(TAP_TAKE, UP, 0, 1000, 2000, 0, 0);
	note(IPD, 0, "another");
	take(UP, 1, 9000);
	note(IPD, 0, "ours");
	turn(IPD);
	assert_walks(1, 2);
	assert_step(0, 1, IPD, "ours\n", "");
}

static void who_is_looped_comes_up_again(void **state)
{
	(void)state;
	goes_down(1, 0);
	note(LINKD, 0, "to ourselves: up again");
	put(UP, 0, 1);
	turn(LINKD);
	take(UP, 0, 1);
	put(TO_TCP, 0, 1);
	turn(IPD);
	take(TO_TCP, 0, 1);
	turn(TCPD);
	assert_walks(1, 5);
	assert_step(
	    0, 2, LINKD, "to ourselves: up again\nput into linkd>ipd\n", "");
}

static void a_bad_wire_says_what_it_lost(void **state)
{
	(void)state;
	/* The first of two that are alike is not what goes up. */
	frame(false, 1, 0, WHY);
	frame(false, 1, 0, 0);
	put(UP, 0, 1);
	turn(LINKD);
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0].n, 1);
	assert_step(
	    0, 0, LINKD, "read from tap0: a frame of 54 bytes\n", "why");
	goes_down(1, 0);
	frame(true, 1, 0, WHY);
	turn(LINKD);
	assert_int_equal(ntold, 2);
	assert_step(1, 2, LINKD, "", "why");
	assert_int_equal(told[1].n, 3);
}

/* ---- What a packet caused ---- */

static void an_answer_is_of_its_connection(void **state)
{
	(void)state;
	comes_in(0, 1);
	take(UP, 0, 1);
	put(TO_TCP, 0, 1);
	turn(IPD);
	take(TO_TCP, 0, 1);
	note(TCPD, 0, "connection 7, ESTABLISHED");
	note(TCPD, TAP_NO_HAND, "connection 8 sends");
	ring(TAP_PUT, FROM_TCP, 0, 80, 0, 0, TAP_NO_HAND);
	note(TCPD, TAP_NO_HAND, "connection 7 acknowledges");
	ring(TAP_PUT, FROM_TCP, 1, 70, 0, 0, TAP_NO_HAND);
	ring(TAP_PUT, FROM_TCP, 2, 90, 0, 0, TAP_NO_HAND);
	turn(TCPD);
	assert_int_equal(walks->begun, 3);
	take(FROM_TCP, 0, 80);
	note(IPD, 0, "eight");
	take(FROM_TCP, 1, 70);
	note(IPD, 0, "seven");
	take(FROM_TCP, 2, 90);
	note(IPD, 0, "an app's");
	turn(IPD);
	assert_int_equal(ntold, 3);
	assert_step(0, 2, TCPD,
	    "connection 7, ESTABLISHED\nconnection 7 acknowledges\n"
	    "put into tcpd>ipd\n",
	    "");
	assert_step(0, 3, IPD, "seven\n", "");
	assert_step(1, 0, TCPD, "connection 8 sends\nput into tcpd>ipd\n", "");
	assert_step(1, 1, IPD, "eight\n", "");
	assert_step(2, 1, IPD, "an app's\n", "");
}

/* The turn is over: a later segment of it is the timer's, or the app's. */
static void what_comes_a_turn_later_is_a_walk_of_its_own(void **state)
{
	(void)state;
	comes_in(0, 1);
	take(UP, 0, 1);
	put(TO_TCP, 0, 1);
	turn(IPD);
	take(TO_TCP, 0, 1);
	note(TCPD, 0, "connection 7, ESTABLISHED");
	turn(TCPD);
	assert_walks(1, 3);
	note(TCPD, TAP_NO_HAND, "connection 7 sends again");
	ring(TAP_PUT, FROM_TCP, 0, 70, 0, 0, TAP_NO_HAND);
	turn(TCPD);
	assert_int_equal(walks->begun, 2);
	assert_int_equal(ntold, 1);
}

static void those_that_find_no_room_are_counted(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < WALKS + 3; i++) {
		frame(false, i, 0, 0);
		put(UP, i, i);
	}
	turn(LINKD);
	assert_int_equal(walks->begun, WALKS);
	assert_int_equal(walks->missed, 3);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_packet_is_followed_from_ring_to_ring),
		TEST(packets_of_one_turn_are_kept_apart),
		TEST(a_slot_that_is_used_again_is_another_packet),
		TEST(after_a_gap_nothing_is_of_who_was_in_hand),
		TEST(a_lost_end_is_not_the_next_one),
		TEST(who_was_put_unseen_is_not_guessed),
		TEST(who_was_taken_unseen_is_cut_short),
		TEST(what_is_sent_again_behind_a_gap_is_not_joined),
		TEST(who_dies_with_it_in_hand_is_not_seen),
		TEST(the_last_fragment_takes_the_datagram_on),
		TEST(a_super_frame_is_over_when_all_is_written),
		TEST(what_linkd_joined_goes_on_with_the_first),
		TEST(what_was_put_aside_is_of_no_walk),
		TEST(who_is_looped_comes_up_again),
		TEST(a_bad_wire_says_what_it_lost),
		TEST(an_answer_is_of_its_connection),
		TEST(what_comes_a_turn_later_is_a_walk_of_its_own),
		TEST(those_that_find_no_room_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
