/*
 * sweep_tap.c - what a daemon that is killed shows to who captures
 */
#include "tests/crash/sweep_tap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "shm/bytes.h"
#include "shm/tap.h"

enum {
	/* A little before the end, so that records go round it. */
	FIRST = TAP_BYTES - 1024,

	OFF_TYPE = 12,
	TYPE_ARP = 0x0806,
};

/* How often something was seen. */
struct seen {
	uint32_t at[TAP_PLACES];
	uint64_t dropped;
	bool all;
};

static bool is_on(const struct rig *r)
{
	return atomic_load(&r->sup->tap.on) != 0;
}

void sweep_tap_on(struct rig *r, const char *proc)
{
	struct tap_mem *m = (void *)r->tap[rig_proc(r, proc)];

	memset(m, 0, sizeof(*m));
	m->point[0].head = FIRST;
	m->reserve = FIRST;
	atomic_store(&r->sup->tap.snap, TAP_SNAP_MAX);
	atomic_store(&r->sup->tap.flags, TAP_TRACE | TAP_MEASURE);
	atomic_store(&r->sup->tap.on, 1);
}

/* From the first record on. */
static void open_reader(
    struct tap_reader *t, const struct rig *r, const char *proc)
{
	static struct tap_mem empty;

	empty.point[0].head = FIRST;
	assert_true(tap_reader_open(t, &empty));
	t->mem = (const void *)r->tap[rig_proc(r, proc)];
}

const char *sweep_tap_early(
    const struct rig *killed, const struct rig *later, const char *proc)
{
	static uint8_t one[TAP_SNAP_MAX], other[TAP_SNAP_MAX];
	struct tap_record a, b;
	struct tap_reader ra, rb;

	if (!is_on(killed))
		return NULL;
	open_reader(&ra, killed, proc);
	open_reader(&rb, later, proc);
	while (tap_read(&ra, &a, one))
		if (!tap_read(&rb, &b, other) ||
		    memcmp(&a, &b, sizeof(a)) != 0 ||
		    memcmp(one, other, a.caplen) != 0)
			return "a record was shown before its commit";
	return ra.lost == 0 ? NULL : "a record was lost at a death";
}

/* An ARP request may be asked again: see test_sweep_linkd.c. */
static bool is_counted(const struct tap_record *r, const uint8_t *bytes)
{
	switch ((enum tap_kind)r->kind) {
	case TAP_TAKE:
	case TAP_PUT:
		return true;
	case TAP_FRAME:
		return r->caplen > OFF_TYPE + 2 &&
		    be16_get(bytes + OFF_TYPE) != TYPE_ARP;
	case TAP_PAD:
	case TAP_DROP:
	case TAP_NOTE:
	case TAP_TURN:
	case NTAP_KINDS:
		break;
	}
	return false;
}

static void look(struct seen *s, const struct rig *r, const char *proc)
{
	static uint8_t bytes[TAP_SNAP_MAX];
	const struct tap_mem *m = (const void *)r->tap[rig_proc(r, proc)];
	const struct tap_point *made =
	    &m->point[atomic_load(&m->published) & 1];
	struct tap_record rec;
	struct tap_reader t;

	*s = (struct seen){ .all = true };
	open_reader(&t, r, proc);
	while (tap_read(&t, &rec, bytes)) {
		s->at[rec.place] += is_counted(&rec, bytes);
		s->dropped += rec.kind == TAP_DROP ? rec.len : rec.reason != 0;
	}
	for (uint32_t i = 0; i < TAP_PLACES; i++)
		if (t.seen_at[i] + t.lost_at[i] != made->made[i])
			s->all = false;
	s->all = s->all && t.lost == 0 && t.seen == made->records;
}

const char *sweep_tap_differs(
    const struct rig *ref, const struct rig *r, const char *proc)
{
	struct seen a, b;

	if (!is_on(ref))
		return NULL;
	look(&a, ref, proc);
	look(&b, r, proc);
	if (!a.all || !b.all)
		return "seen and lost are not what was made";
	if (memcmp(a.at, b.at, sizeof(a.at)) != 0)
		return "packets are seen more often, or more seldom";
	return a.dropped == b.dropped ? NULL : "other drops are told";
}
