/*
 * sup_tap.c - who captures gets the daemons' taps (tap.h)
 *
 *	{"command": "tap", "rings": [0, 3], "devices": [0], "drops": true,
 *	 "trace": false, "measure": false, "snap": 65535}
 *
 * The answer is a CTL_TAP with descriptors of the plan and of every X.tap and
 * X.out, to be read only.  Daemons record what was asked for until the
 * connection ends, or until it asks for something else; what several ask for is
 * joined.  The first question may ask for nothing: then the plan says what
 * there is to ask for.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/sup.h"
#include "shm/tap.h"

static void set(_Atomic uint32_t *p, uint32_t value)
{
	atomic_store_explicit(p, value, memory_order_relaxed);
}

static void set_measured(struct tap_switch *to, struct mono t)
{
	atomic_store(&to->measured, t.ns);
}

void sup_tap_update(struct sup *s)
{
	struct tap_switch *to = &s->estate.sup->tap;
	struct tap_wish all = { .open = false };
	bool measured = atomic_load_explicit(&to->flags, memory_order_relaxed) &
	    TAP_MEASURE;

	for (int i = 0; i < SUP_MAX_CLIENTS; i++) {
		const struct tap_wish *w = &s->client[i].tap;

		if (s->client[i].src.fd == -1 || !w->open)
			continue;
		all.flags |= w->flags;
		all.devices |= w->devices;
		all.rings |= w->rings;
		if ((w->flags || w->devices || w->rings) && w->snap > all.snap)
			all.snap = w->snap;
	}
	if (!measured)
		set_measured(to, MONO_NEVER);
	set(&to->flags, all.flags);
	set(&to->devices, all.devices);
	set(&to->snap, all.snap);
	atomic_store_explicit(&to->rings, all.rings, memory_order_relaxed);
	set(&to->on, all.flags || all.devices || all.rings);
	/* Whoever begins a turn from now on knows that it has to stamp. */
	if (!measured)
		set_measured(to, mono_now());
}

/* A bit for each number in the list, of those below @limit. */
static uint64_t bits(const json_t *list, uint32_t limit)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_int_t n = json_integer_value(json_array_get(list, i));

		if (n >= 0 && n < limit)
			mask |= (uint64_t)1 << n;
	}
	return mask;
}

static struct tap_wish wish(const struct sup *s, const json_t *q)
{
	const struct topology *t = &s->estate.topo;
	json_int_t snap = json_integer_value(json_object_get(q, "snap"));
	struct tap_wish w = {
		.open = true,
		.rings = bits(json_object_get(q, "rings"), t->nrings),
		.devices =
		    (uint32_t)bits(json_object_get(q, "devices"), t->nlinks),
		.snap = TAP_SNAP_MAX,
	};

	if (json_is_true(json_object_get(q, "drops")))
		w.flags |= TAP_DROPS;
	if (json_is_true(json_object_get(q, "trace")))
		w.flags |= TAP_TRACE;
	if (json_is_true(json_object_get(q, "measure")))
		w.flags |= TAP_MEASURE;
	if (snap > 0 && snap < TAP_SNAP_MAX)
		w.snap = (uint32_t)snap;
	return w;
}

/* The next questions are answered without descriptors. */
static int answer(const struct sup *s, const struct client *c, bool first)
{
	struct ctl_msg m = { .type = CTL_TAP };
	int fds[CTL_MAX_FDS];

	if (first)
		ctl_add_fd(&m, fds, FD_PLAN, 0, false, s->estate.plan);
	for (uint32_t p = 0; first && p < s->estate.topo.nprocs; p++)
		ctl_add_fd(&m, fds, FD_TAP, p, false, s->estate.tap_ro[p]);
	/* Why something was dropped is a counter's number: its name. */
	for (uint32_t p = 0; first && p < s->estate.topo.nprocs; p++)
		ctl_add_fd(&m, fds, FD_OUT, p, false, s->estate.out_ro[p]);
	return ctl_send(c->src.fd, &m, fds);
}

void sup_tap_command(struct sup *s, struct client *c, const json_t *question)
{
	bool first = !c->tap.open;

	if (!TAP_HOOKS) {
		sup_answer(s, c,
		    "this stack was built with HOOKLESS=1: nobody "
		    "can look at its packets");
		return;
	}
	c->tap = wish(s, question);
	sup_tap_update(s);
	/* What it gets to read after the answer was recorded as it asked. */
	if (answer(s, c, first) < 0)
		sup_client_close(s, c);
}
