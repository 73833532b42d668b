/*
 * test_node_tap.c - which packets a daemon records, and with what reason
 *
 *	linkd <-> ipd <-> udpd,	all three are bare nodes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/rig.h"

static const char JSON[] = RIG_TOPOLOGY("udpd", ",\"slots\":64");

enum {
	UP,   /* linkd > ipd */
	DOWN, /* ipd > linkd */
	FROM_UDP = 3,

	CNT_REFUSED = CNT_NODE_END,
	CNT_SEEN,
};

static const struct counter_def DEFS[] = {
	{ "refused", true },
	{ "seen", false },
};

struct bench {
	struct rig *r;
	struct node n; /* ipd */
	struct ring_in *from_link;
	struct tap_reader ipd, udpd;
	struct tap_record rec; /* the last that was read */
	uint8_t bytes[TAP_SNAP_MAX];
};

static void start(struct bench *b)
{
	struct segments s = rig_segments(b->r, "ipd");

	assert_int_equal(node_attach(&b->n, &s, DEFS, 2), 0);
	node_recover(&b->n, NULL, NULL);
	b->from_link = node_in(&b->n, LAYER_LINK, 0);
}

static struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->r = rig_open(JSON);
	start(b);
	rig_node(b->r, "udpd");
	assert_true(tap_reader_open(
	    &b->ipd, (const void *)b->r->tap[rig_proc(b->r, "ipd")]));
	assert_true(tap_reader_open(
	    &b->udpd, (const void *)b->r->tap[rig_proc(b->r, "udpd")]));
	return b;
}

static void close_bench(struct bench *b)
{
	node_detach(&b->n);
	rig_close(b->r);
	free(b);
}

static void want(struct bench *b, uint64_t rings, uint32_t flags)
{
	struct tap_switch *sw = &b->r->sup->tap;

	sw->rings = rings;
	sw->flags = flags;
	sw->snap = TAP_SNAP_MAX;
	sw->on = rings || flags;
}

static void from(struct bench *b, const char *who, const char *text)
{
	struct desc d = { .link = 0 };

	rig_put(b->r, who, "ipd", text, strlen(text), &d);
}

/* ipd takes one packet; true if it was there. */
static bool take(struct bench *b, struct desc *d)
{
	return node_take(&b->n, b->from_link, d) != NULL;
}

static void finish_one(struct bench *b)
{
	struct desc d;

	assert_true(take(b, &d));
	node_give_back(&b->n, &d);
}

static void assert_record(
    struct bench *b, struct tap_reader *r, enum tap_kind kind, const char *text)
{
	assert_true(tap_read(r, &b->rec, b->bytes));
	assert_int_equal(b->rec.kind, kind);
	assert_int_equal(b->rec.len, strlen(text));
	assert_memory_equal(b->bytes, text, strlen(text));
}

static void assert_nothing(struct bench *b, struct tap_reader *r)
{
	assert_false(tap_read(r, &b->rec, b->bytes));
	assert_int_equal(r->lost, 0);
}

static void nothing_is_recorded_while_nobody_looks(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	from(b, "linkd", "one");
	node_begin(&b->n, b->r->now);
	assert_true(take(b, &d));
	node_give_back(&b->n, &d);
	node_commit(&b->n);
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

static void the_consumer_records_what_it_takes(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 1 << UP, 0);
	from(b, "linkd", "one");
	from(b, "linkd", "two");
	node_begin(&b->n, b->r->now);
	finish_one(b);
	take(b, &d);
	node_put(&b->n, node_out(&b->n, LAYER_UDP, 0), &d);
	assert_nothing(b, &b->ipd);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "one");
	assert_int_equal(b->rec.place, UP);
	assert_int_equal(b->rec.index, 0);
	assert_int_equal(b->rec.reason, 0);
	assert_int_equal(b->rec.time, b->r->now.ns);
	assert_int_equal(b->rec.d.stamp, b->r->now.ns);
	assert_record(b, &b->ipd, TAP_TAKE, "two");
	assert_int_equal(b->rec.index, 1);
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

static void a_transport_records_what_it_puts(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 1 << FROM_UDP, 0);
	from(b, "udpd", "datagram");
	node_begin(&b->n, b->r->now);
	assert_non_null(node_take(&b->n, node_in(&b->n, LAYER_UDP, 0), &d));
	node_give_back(&b->n, &d);
	node_commit(&b->n);
	assert_record(b, &b->udpd, TAP_PUT, "datagram");
	assert_int_equal(b->rec.place, FROM_UDP);
	assert_int_equal(b->rec.index, 0);
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

/* Whose payload lies in an app's ring: the layer says where. */
static const uint8_t *resolve(void *ctx, const struct ref *ref)
{
	return ref->app == 1 ? (const uint8_t *)ctx + ref->off : NULL;
}

static void payload_by_reference_is_gathered(void **state)
{
	struct bench *b = open_bench();
	static const struct ref refs[2] = { { 2, 3, 1 }, { 7, 1, 1 } };
	struct node *link = rig_node(b->r, "linkd");
	struct desc d = { .flags = PKT_REFS, .off = SLOT_HEADROOM, .len = 4 };
	uint8_t *slot;
	char app[] = "..abc..d..";

	(void)state;
	want(b, 1 << UP, 0);
	b->n.tap.resolve = resolve;
	b->n.tap.resolve_ctx = app;
	from(b, "linkd", "head");
	node_begin(link, b->r->now);
	slot = node_alloc(link, SLOT_HEADROOM + 4, &d);
	assert_non_null(slot);
	memcpy(slot, refs, sizeof(refs));
	memcpy(slot + SLOT_HEADROOM, "head", 4);
	node_put(link, rig_ring_to(b->r, "linkd", "ipd"), &d);
	node_commit(link);
	node_begin(&b->n, b->r->now);
	finish_one(b);
	finish_one(b);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "head");
	assert_record(b, &b->ipd, TAP_TAKE, "headabcd");
	assert_int_equal(b->rec.d.len, 4);
	close_bench(b);
}

static void a_packet_put_back_was_not_taken(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 1 << UP, TAP_TRACE);
	from(b, "linkd", "one");
	for (int i = 0; i < 3; i++) {
		node_begin(&b->n, b->r->now);
		take(b, &d);
		node_note(&b->n, "try=%d", i);
		node_untake(b->from_link);
		assert_false(node_commit(&b->n));
	}
	assert_nothing(b, &b->ipd);
	node_begin(&b->n, b->r->now);
	take(b, &d);
	node_note(&b->n, "try=%d", 3);
	node_give_back(&b->n, &d);
	assert_true(node_commit(&b->n));
	assert_record(b, &b->ipd, TAP_TAKE, "one");
	assert_record(b, &b->ipd, TAP_NOTE, "try=3");
	assert_record(b, &b->ipd, TAP_TURN, "");
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

static void a_refused_packet_says_why(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 1 << UP, 0);
	from(b, "linkd", "good");
	from(b, "linkd", "bad");
	from(b, "linkd", "last");
	node_begin(&b->n, b->r->now);
	take(b, &d);
	node_count(&b->n, CNT_SEEN);
	node_give_back(&b->n, &d);
	finish_one(b);
	node_count(&b->n, CNT_REFUSED);
	finish_one(b);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "good");
	assert_int_equal(b->rec.reason, 0);
	assert_record(b, &b->ipd, TAP_TAKE, "bad");
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_record(b, &b->ipd, TAP_TAKE, "last");
	assert_int_equal(b->rec.reason, 0);
	close_bench(b);
}

static void of_drops_alone_only_those_are_recorded(void **state)
{
	struct bench *b = open_bench();
	struct desc d;
	struct desc lie = { .pool = 0, .slot = 9, .len = UINT32_MAX };

	(void)state;
	want(b, 0, TAP_DROPS);
	from(b, "linkd", "good");
	from(b, "linkd", "bad");
	rig_put_desc(b->r, "linkd", "ipd", &lie);
	node_begin(&b->n, b->r->now);
	finish_one(b);
	take(b, &d);
	node_count(&b->n, CNT_REFUSED);
	node_give_back(&b->n, &d);
	assert_false(take(b, &d));
	b->n.counter[CNT_REFUSED] += 7;
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "bad");
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_true(b->rec.flags & TAP_ONLY_DROPPED);
	/* Two that have no packet. */
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.kind, TAP_DROP);
	assert_int_equal(b->rec.reason, CNT_BAD_DESC + 1);
	assert_int_equal(b->rec.len, 1);
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_int_equal(b->rec.len, 7);
	assert_int_equal(b->rec.place, TAP_PLACE_DROPS);
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

/* A queue's head goes while another packet is in hand. */
static void who_was_put_aside_is_not_blamed(void **state)
{
	struct bench *b = open_bench();
	struct tap_record *hand;
	struct desc d;

	(void)state;
	want(b, 1 << UP, TAP_DROPS);
	from(b, "linkd", "good");
	from(b, "linkd", "bad");
	node_begin(&b->n, b->r->now);
	take(b, &d);
	node_count_other(&b->n, CNT_REFUSED, 2);
	hand = node_tap_aside(&b->n);
	node_count(&b->n, CNT_REFUSED);
	node_tap_back(&b->n, hand);
	node_give_back(&b->n, &d);
	take(b, &d);
	node_count_other(&b->n, CNT_REFUSED, 1);
	node_count(&b->n, CNT_REFUSED);
	node_give_back(&b->n, &d);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "good");
	assert_int_equal(b->rec.reason, 0);
	for (uint32_t want_len = 2; want_len > 0; want_len--) {
		assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
		assert_int_equal(b->rec.kind, TAP_DROP);
		assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
		assert_int_equal(b->rec.len, want_len);
	}
	assert_record(b, &b->ipd, TAP_TAKE, "bad");
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.len, 1);
	assert_nothing(b, &b->ipd);
	assert_int_equal(b->n.counter[CNT_REFUSED], 5);
	close_bench(b);
}

/* One that waits in a queue goes, and who is in hand goes on. */
static void who_had_waited_is_told_of_once(void **state)
{
	struct bench *b = open_bench();
	const struct desc of = { .link = 0 };
	const struct tap_span s = { "late", 4 };
	struct desc d;

	(void)state;
	want(b, 1 << UP, TAP_DROPS);
	from(b, "linkd", "good");
	node_begin(&b->n, b->r->now);
	take(b, &d);
	node_tap_waited(&b->n, CNT_REFUSED, &of, &s, 1);
	node_give_back(&b->n, &d);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "good");
	assert_int_equal(b->rec.reason, 0);
	assert_record(b, &b->ipd, TAP_DROP, "late");
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_int_equal(b->rec.flags, TAP_WAITED);
	assert_nothing(b, &b->ipd);
	assert_int_equal(b->n.counter[CNT_REFUSED], 1);
	close_bench(b);
}

/* Of as many drops as were counted there are records. */
static void each_drop_is_told(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 0, TAP_DROPS);
	from(b, "linkd", "copied");
	node_begin(&b->n, b->r->now);
	take(b, &d);
	b->n.counter[CNT_REFUSED] += 3;
	node_give_back(&b->n, &d);
	node_commit(&b->n);
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.kind, TAP_TAKE);
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.kind, TAP_DROP);
	assert_int_equal(b->rec.len, 2);
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

/* What was put is in its ring, whatever becomes of what caused it. */
static void what_was_put_is_told_though_its_cause_was_put_back(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 1 << UP, TAP_TRACE);
	from(b, "linkd", "one");
	from(b, "linkd", "two");
	node_begin(&b->n, b->r->now);
	take(b, &d);
	node_put(&b->n, node_out(&b->n, LAYER_UDP, 0), &d);
	take(b, &d);
	node_note(&b->n, "of two");
	node_put(&b->n, node_out(&b->n, LAYER_UDP, 0), &d);
	node_untake(b->from_link);
	node_tap_done(&b->n);
	node_note(&b->n, "of none");
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "one");
	assert_record(b, &b->ipd, TAP_PUT, "one");
	assert_int_equal(b->rec.flags, 0);
	assert_record(b, &b->ipd, TAP_PUT, "two");
	assert_int_equal(b->rec.flags, TAP_NO_HAND);
	assert_record(b, &b->ipd, TAP_NOTE, "of none");
	assert_record(b, &b->ipd, TAP_TURN, "");
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

static void a_new_instance_goes_on_where_the_last_had_got(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 1 << UP, 0);
	from(b, "linkd", "one");
	from(b, "linkd", "two");
	node_begin(&b->n, b->r->now);
	finish_one(b);
	node_commit(&b->n);
	node_begin(&b->n, b->r->now);
	take(b, &d);
	/* Dead, with a packet in hand. */
	node_detach(&b->n);
	start(b);
	node_begin(&b->n, b->r->now);
	finish_one(b);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "one");
	assert_record(b, &b->ipd, TAP_TAKE, "two");
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

static void frames_of_a_device_are_recorded(void **state)
{
	struct bench *b = open_bench();
	struct desc d = { .link = 0 };
	struct tap_span s[2] = { { "fra", 3 }, { "me", 2 } };

	(void)state;
	want(b, 0, TAP_DROPS);
	b->r->sup->tap.devices = 1;
	node_begin(&b->n, b->r->now);
	node_tap_frame(&b->n, false, &d, s, 2, 0);
	node_tap_frame(&b->n, true, &d, s, 1, CNT_REFUSED);
	node_count(&b->n, CNT_REFUSED);
	/* Lost on its way in: not in hand.  One that was not there after all.
	 */
	node_tap_frame(&b->n, false, &d, s, 1, CNT_REFUSED);
	node_count(&b->n, CNT_REFUSED);
	node_tap_frame(&b->n, false, &d, s, 1, 0);
	node_tap_forget(&b->n);
	/* It was: it was dropped. */
	node_tap_frame(&b->n, false, &d, s + 1, 1, 0);
	node_count(&b->n, CNT_REFUSED);
	node_tap_forget(&b->n);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_FRAME, "frame");
	assert_int_equal(b->rec.place, TAP_PLACE_DEVICE);
	assert_int_equal(b->rec.reason, 0);
	assert_record(b, &b->ipd, TAP_FRAME, "fra");
	assert_int_equal(b->rec.place, TAP_PLACE_DEVICE + 1);
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_record(b, &b->ipd, TAP_FRAME, "fra");
	assert_int_equal(b->rec.place, TAP_PLACE_DEVICE);
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_record(b, &b->ipd, TAP_FRAME, "me");
	assert_int_equal(b->rec.reason, CNT_REFUSED + 1);
	assert_nothing(b, &b->ipd);
	close_bench(b);
}

static void hear(struct bench *b, uint32_t n, size_t len)
{
	/* cppcheck-suppress unassignedVariable ; zeros are as good */
	static uint8_t bytes[64 * 1024];
	struct desc d = { .link = 0 };
	struct tap_span s = { bytes, len };

	for (uint32_t i = 0; i < n; i++)
		node_tap_frame(&b->n, false, &d, &s, 1, 0);
}

static void assert_seen(struct bench *b, uint64_t seen, uint64_t lost)
{
	struct tap_reader *r = &b->ipd;

	while (tap_read(r, &b->rec, b->bytes))
		;
	assert_int_equal(r->seen, seen);
	assert_int_equal(r->lost, lost);
}

/* There was no room for them, but they would not have been shown. */
static void what_nobody_wants_is_not_missed(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	want(b, 0, TAP_DROPS);
	node_begin(&b->n, b->r->now);
	hear(b, 100, 64 * 1024);
	node_commit(&b->n);
	assert_seen(b, 0, 0);
	node_begin(&b->n, b->r->now);
	hear(b, 50 * 1000, 1000);
	node_commit(&b->n);
	assert_seen(b, 0, 0);
	/* Unless it is dropped: that is one for each packet. */
	node_begin(&b->n, b->r->now);
	hear(b, 50 * 1000, 1000);
	node_count(&b->n, CNT_REFUSED);
	node_tap_done(&b->n);
	hear(b, 2, 1000);
	node_count(&b->n, CNT_REFUSED);
	node_commit(&b->n);
	assert_seen(b, 0, 2);
	assert_int_equal(b->ipd.lost_at[TAP_PLACE_DEVICE], 2);
	close_bench(b);
}

static void what_is_watched_is_missed_once(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	want(b, 0, TAP_DROPS);
	b->r->sup->tap.devices = 1;
	node_begin(&b->n, b->r->now);
	hear(b, 100, 64 * 1024);
	node_count(&b->n, CNT_REFUSED);
	node_commit(&b->n);
	assert_seen(b, 63, 37);
	/* One that was not there after all; one whose drop is another's. */
	node_begin(&b->n, b->r->now);
	hear(b, 100, 64 * 1024);
	node_tap_forget(&b->n);
	hear(b, 1, 64 * 1024);
	node_count_other(&b->n, CNT_REFUSED, 1);
	node_commit(&b->n);
	assert_seen(b, 63 + 63 + 1, 37 + 37);
	assert_int_equal(b->ipd.lost_at[TAP_PLACE_DEVICE], 74);
	assert_int_equal(b->ipd.seen_at[TAP_PLACE_DROPS], 1);
	close_bench(b);
}

/* Put back, it is there for the next turn, and seen in that. */
static void what_was_put_back_is_not_missed(void **state)
{
	struct bench *b = open_bench();
	struct desc d;

	(void)state;
	want(b, 1 << UP, TAP_DROPS);
	b->r->sup->tap.devices = 1;
	from(b, "linkd", "one");
	node_begin(&b->n, b->r->now);
	hear(b, 4000, 1000);
	hear(b, 1000, 0);
	assert_true(take(b, &d));
	assert_null(b->n.tap.hand);
	node_untake(b->from_link);
	node_commit(&b->n);
	while (tap_read(&b->ipd, &b->rec, b->bytes))
		;
	assert_int_equal(b->ipd.lost_at[TAP_PLACE_RING + UP], 0);
	node_begin(&b->n, b->r->now);
	finish_one(b);
	node_commit(&b->n);
	assert_record(b, &b->ipd, TAP_TAKE, "one");
	close_bench(b);
}

/* Of what nobody watches there is the beginning, and how long it was. */
static void a_drop_has_its_first_bytes(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	want(b, 0, TAP_DROPS);
	node_begin(&b->n, b->r->now);
	hear(b, 1, 1000);
	node_count(&b->n, CNT_REFUSED);
	node_commit(&b->n);
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.len, 1000);
	assert_int_equal(b->rec.caplen, TAP_SNAP_DROPPED);
	/* Who wants less has less; who watches has all. */
	b->r->sup->tap.snap = 60;
	node_begin(&b->n, b->r->now);
	hear(b, 1, 1000);
	node_count(&b->n, CNT_REFUSED);
	node_commit(&b->n);
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.caplen, 60);
	b->r->sup->tap.snap = TAP_SNAP_MAX;
	b->r->sup->tap.devices = 1;
	node_begin(&b->n, b->r->now);
	hear(b, 1, 1000);
	node_commit(&b->n);
	assert_true(tap_read(&b->ipd, &b->rec, b->bytes));
	assert_int_equal(b->rec.caplen, 1000);
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_recorded_while_nobody_looks),
		cmocka_unit_test(the_consumer_records_what_it_takes),
		cmocka_unit_test(a_transport_records_what_it_puts),
		cmocka_unit_test(payload_by_reference_is_gathered),
		cmocka_unit_test(a_packet_put_back_was_not_taken),
		cmocka_unit_test(a_refused_packet_says_why),
		cmocka_unit_test(of_drops_alone_only_those_are_recorded),
		cmocka_unit_test(who_was_put_aside_is_not_blamed),
		cmocka_unit_test(who_had_waited_is_told_of_once),
		cmocka_unit_test(each_drop_is_told),
		cmocka_unit_test(
		    what_was_put_is_told_though_its_cause_was_put_back),
		cmocka_unit_test(a_new_instance_goes_on_where_the_last_had_got),
		cmocka_unit_test(frames_of_a_device_are_recorded),
		cmocka_unit_test(what_nobody_wants_is_not_missed),
		cmocka_unit_test(what_is_watched_is_missed_once),
		cmocka_unit_test(what_was_put_back_is_not_missed),
		cmocka_unit_test(a_drop_has_its_first_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
