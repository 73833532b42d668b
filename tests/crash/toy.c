/*
 * toy.c - the smallest layer that does all that a turn can
 */
#include "tests/crash/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/bytes.h"

struct toy {
	struct node n;
	struct toy_object *object;
	struct ring_in *from_link;
	struct ring_out *to_link;
	struct ring_out *up;
};

enum toy_mistake toy_mistake;

static const char JSON[] =
    "{\"name\":\"t\","
    "\"links\":[{\"name\":\"n0\",\"device\":\"null\","
    "\"mac\":\"02:00:00:00:00:02\",\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"processes\":["
    "{\"name\":\"linkd\",\"layer\":\"linkd\","
    "\"pool\":{\"small\":64,\"big\":8}},"
    "{\"name\":\"toy\",\"layer\":\"ipd\","
    "\"pool\":{\"small\":64,\"big\":8}},"
    "{\"name\":\"udpd\",\"layer\":\"udpd\","
    "\"pool\":{\"small\":64,\"big\":8}}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"toy\",\"slots\":64},"
    "{\"from\":\"toy\",\"to\":\"linkd\",\"slots\":64},"
    "{\"from\":\"toy\",\"to\":\"udpd\",\"slots\":64},"
    "{\"from\":\"udpd\",\"to\":\"toy\",\"slots\":64}]}";

struct rig *toy_rig(void)
{
	return rig_open(JSON);
}

struct rig *toy_rig_tapped(void)
{
	struct rig *r = rig_open(JSON);
	struct tap_mem *m = (void *)r->tap[rig_proc(r, "toy")];

	/* A little before the end, so that records go round it. */
	m->point[0].head = TAP_BYTES - 1024;
	m->reserve = TAP_BYTES - 1024;
	atomic_store(&r->sup->tap.snap, TAP_SNAP_MAX);
	atomic_store(&r->sup->tap.flags, TAP_TRACE | TAP_MEASURE);
	atomic_store(&r->sup->tap.on, 1);
	return r;
}

void toy_put(struct rig *r, uint8_t object, enum toy_kind kind, const char *s)
{
	struct desc d = { .kind = PKT_DATA };
	uint8_t p[64] = { object, kind };

	snprintf((char *)p + 2, sizeof(p) - 2, "%s", s);
	rig_put(r, "linkd", "toy", p, 2 + strlen(s), &d);
}

static struct toy_word *words(struct toy *t)
{
	return (void *)(t->n.table + CACHE_LINE);
}

static void show(void *ctx, uint32_t id)
{
	struct toy *t = ctx;
	const struct toy_object *o = &t->object[id];
	struct toy_word *w = &words(t)[id];

	atomic_store(&w->packets, o->packets);
	atomic_store(&w->sum, o->sum);
}

static void *attach(struct rig *r, const char *proc)
{
	struct toy *t = calloc(1, sizeof(*t));
	struct segments s = rig_segments(r, proc);

	assert_non_null(t);
	assert_int_equal(node_attach(&t->n, &s, NULL, 0), 0);
	t->object = (void *)t->n.state;
	t->n.turn.show = show;
	t->n.turn.ctx = t;
	t->from_link = node_in(&t->n, LAYER_LINK, 0);
	t->to_link = node_out(&t->n, LAYER_LINK, 0);
	t->up = node_out(&t->n, LAYER_UDP, 0);
	node_recover(&t->n, NULL, NULL);
	return t;
}

static void detach(void *x)
{
	struct toy *t = x;

	node_detach(&t->n);
	free(t);
}

static void note(struct toy_object *o, const uint8_t *p, const struct desc *d)
{
	size_t len = d->len < sizeof(o->last) ? d->len : sizeof(o->last);

	for (uint32_t i = 0; i < d->len; i++)
		o->sum = o->sum * 31 + p[i];
	memcpy(o->last, p, len);
}

/* The numbers of @o, in a packet of our own. */
static void answer(struct toy *t, const struct toy_object *o)
{
	struct desc d = { .kind = PKT_DATA, .off = SLOT_HEADROOM, .len = 16 };
	uint8_t *p = node_alloc(&t->n, SLOT_HEADROOM + 16, &d);

	assert_non_null(p);
	be64_put(p + SLOT_HEADROOM, o->packets);
	be64_put(p + SLOT_HEADROOM + 8, o->sum);
	node_put(&t->n, t->to_link, &d);
}

/* In two steps, so that the log has entries that overlap. */
static void change(
    struct toy *t, struct toy_object *o, const uint8_t *p, const struct desc *d)
{
	bool touch = toy_mistake != TOY_FORGET_TOUCH;
	bool late = toy_mistake == TOY_CHANGE_BEFORE_TOUCH;

	if (late)
		note(o, p, d);
	if (touch)
		node_touch(&t->n, &o->packets, sizeof(o->packets));
	o->packets++;
	if (touch)
		node_touch(&t->n, o, sizeof(*o));
	if (!late)
		note(o, p, d);
	if (toy_mistake == TOY_SHOW_AT_ONCE)
		show(t, (uint32_t)(o - t->object));
	turn_object(&t->n.turn, (uint32_t)(o - t->object));
}

/* What seal and commit are for, before their time. */
static void record_at_once(struct toy *t)
{
	struct tap *tap = &t->n.tap.tap;

	tap_seal(tap, NULL, NULL);
	atomic_store(&tap->mem->published, tap->serial);
}

static void handle(struct toy *t, const uint8_t *p, const struct desc *d)
{
	struct toy_object *o = &t->object[p[0] % TOY_OBJECTS];
	uint8_t kind = p[1];

	change(t, o, p, d);
	node_note(&t->n, "object=%u", p[0] % TOY_OBJECTS);
	if (toy_mistake == TOY_RECORD_AT_ONCE && node_tapping(&t->n))
		record_at_once(t);
	if (kind == TOY_ANSWER || kind == TOY_BOTH)
		answer(t, o);
	if (kind == TOY_UP || kind == TOY_BOTH)
		node_put(&t->n, t->up, d);
	else
		node_give_back(&t->n, d);
	if (toy_mistake == TOY_GIVE_BACK_TWICE_AFTER_DEATH &&
	    atomic_load(&t->n.out->recoveries) > 1)
		node_give_back(&t->n, d);
}

static bool turn(void *x, struct mono now)
{
	struct toy *t = x;
	uint32_t limit;

	node_begin(&t->n, now);
	limit = node_limit(&t->n, TOY_TURN);
	for (uint32_t i = 0; i < limit && node_room(&t->n, t->up, 1) &&
	     node_room(&t->n, t->to_link, 1);
	     i++) {
		struct desc d;
		const uint8_t *p = node_take(&t->n, t->from_link, &d);

		if (p == NULL)
			break;
		handle(t, p, &d);
	}
	return node_commit(&t->n);
}

static const struct toy_word *words_in(const struct rig *r)
{
	return (
	    const void *)((const uint8_t *)rig_table(r, "toy") + CACHE_LINE);
}

/* The next record that all instances must agree on, as one stretch of bytes. */
static bool next_record(struct tap_reader *t, uint8_t *ret, size_t *len)
{
	struct tap_record rec;

	do {
		if (!tap_read(t, &rec, ret + sizeof(rec)))
			return false;
		/* How many turns it took depends on the deaths. */
	} while (rec.kind == TAP_TURN);
	rec.number = 0;
	rec.made = rec.place == TAP_PLACE_DAEMON ? 0 : rec.made;
	rec.d.slot = 0;
	memcpy(ret, &rec, sizeof(rec));
	*len = sizeof(rec) + rec.caplen;
	return true;
}

static void open_reader(struct tap_reader *t, const struct rig *r)
{
	static struct tap_mem empty;

	/* From the first record on. */
	empty.point[0].head = TAP_BYTES - 1024;
	assert_true(tap_reader_open(t, &empty));
	t->mem = (const void *)r->tap[rig_proc(r, "toy")];
}

/*
 * True if all records of @a are those that @b begins with; of a tap that nobody
 * uses there are none.
 */
static bool begins_with(
    const struct rig *b, const struct rig *a, bool *same_length)
{
	static uint8_t one[sizeof(struct tap_record) + TAP_SNAP_MAX];
	static uint8_t other[sizeof(one)];
	struct tap_reader ra, rb;
	size_t na, nb;

	*same_length = true;
	if (atomic_load(&a->sup->tap.on) == 0)
		return true;
	open_reader(&ra, a);
	open_reader(&rb, b);
	while (next_record(&ra, one, &na))
		if (!next_record(&rb, other, &nb) || na != nb ||
		    memcmp(one, other, na) != 0)
			return false;
	*same_length = !next_record(&rb, other, &nb);
	return ra.lost == 0 && rb.lost == 0;
}

static uint64_t count_of(const struct histogram *h)
{
	static struct histogram_copy c;

	histogram_read(&c, h);
	return histogram_count(&c);
}

/* What has been measured, of all hops. */
static uint64_t measured(const struct rig *r)
{
	const uint8_t *tap = r->tap[rig_proc(r, "toy")];
	const struct measure_mem *m = (const void *)(tap + TAP_MEASURE_OFF);
	uint64_t n = 0;

	for (uint32_t i = 0;
	     i < MEASURE_HOPS && atomic_load(&m->hop[i].key) != 0; i++)
		n += count_of(&m->hop[i].wait) + count_of(&m->hop[i].work) +
		    count_of(&m->hop[i].whole);
	return n;
}

static const char *early(const struct rig *killed, const struct rig *later)
{
	const struct toy_word *w = words_in(killed);
	bool same;
	const struct toy_object *o =
	    (const void *)(later->priv[rig_proc(later, "toy")] +
		PRIV_STATE_OFF);

	for (uint32_t i = 0; i < TOY_OBJECTS; i++)
		if (atomic_load(&w[i].packets) > o[i].packets)
			return "an object was shown before its commit";
	if (!begins_with(later, killed, &same))
		return "a record was shown before its commit";
	return NULL;
}

static const char *differs(const struct rig *ref, const struct rig *r)
{
	bool same;

	if (memcmp(words_in(ref), words_in(r),
		TOY_OBJECTS * sizeof(struct toy_word)) != 0)
		return "the words shown are others";
	if (!begins_with(r, ref, &same) || !same)
		return "the records of the tap are others";
	/* Those of a turn may be lost, of an undone one there are none. */
	if (measured(r) > measured(ref))
		return "something was measured twice";
	return NULL;
}

const struct sweep_daemon toy_daemon = {
	.proc = "toy",
	.attach = attach,
	.turn = turn,
	.detach = detach,
	.early = early,
	.differs = differs,
};
