/*
 * tap_seen.h - what a daemon on a rig shows of its packets
 */
#ifndef TESTS_UNIT_TAP_SEEN_H
#define TESTS_UNIT_TAP_SEEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/tap.h"
#include "tests/harness/rig.h"

struct seen {
	struct rig *rig;
	uint32_t proc;
	struct tap_reader r;
	struct tap_record rec; /* the last that was read */
	uint8_t bytes[TAP_SNAP_MAX];
};

/* From the next turn on @proc records all: every ring, device and drop. */
static inline struct seen *seen_open(struct rig *rig, const char *proc)
{
	struct tap_switch *sw = &rig->sup->tap;
	struct seen *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->rig = rig;
	s->proc = rig_proc(rig, proc);
	sw->rings = UINT64_MAX;
	sw->devices = UINT32_MAX;
	sw->flags = TAP_DROPS;
	sw->snap = TAP_SNAP_MAX;
	sw->on = 1;
	assert_true(tap_reader_open(&s->r, (const void *)rig->tap[s->proc]));
	return s;
}

/* No other record is left, none was lost. */
static inline void seen_no_more(struct seen *s)
{
	if (tap_read(&s->r, &s->rec, s->bytes))
		fail_msg("a record of kind %u too much, reason %u", s->rec.kind,
		    s->rec.reason);
	assert_int_equal(s->r.lost, 0);
}

static inline void seen_close(struct seen *s)
{
	seen_no_more(s);
	free(s);
}

/* The next record, and why it was dropped; NULL: it was not. */
static inline void seen_next(
    struct seen *s, enum tap_kind kind, const char *reason)
{
	const struct out_head *h = (const void *)s->rig->out[s->proc];
	const char *want = reason != NULL ? reason : "none";
	const char *got = "none";

	if (!tap_read(&s->r, &s->rec, s->bytes))
		fail_msg("no record more, of kind %d", kind);
	if (s->rec.reason > 0)
		got = h->counter_name[s->rec.reason - 1].name;
	if (s->rec.kind != kind || strcmp(got, want) != 0)
		fail_msg("kind %u, reason %s; not kind %d, reason %s",
		    s->rec.kind, got, kind, want);
}

/* @count drops of no packet in hand. */
static inline void seen_drop(struct seen *s, const char *reason, uint32_t count)
{
	seen_next(s, TAP_DROP, reason);
	assert_int_equal(s->rec.len, count);
}

/* A frame of the first link: one way or the other. */
static inline void seen_frame(struct seen *s, bool tx, const char *reason)
{
	seen_next(s, TAP_FRAME, reason);
	assert_int_equal(s->rec.place, TAP_PLACE_DEVICE + tx);
}

#endif /* TESTS_UNIT_TAP_SEEN_H */
