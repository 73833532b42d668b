/*
 * fuzz_ring.c - a node whose neighbours write anything into what is theirs
 *
 * Ring indices, entries, "asleep": every word that a neighbour may write is
 * written with the input's bytes, between turns of a node that takes, forwards,
 * allocates, gives back, sleeps, and is taken over by its next instance.
 * However they lie: what is handed out lies within its pool, turns come to an
 * end, and nothing is asserted on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char TOPOLOGY[] =
    "{\"name\":\"f\",\"links\":[{\"name\":\"a\",\"device\":\"null\","
    "\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"udpd\",\"layer\":\"udpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\",\"slots\":64},"
    "{\"from\":\"ipd\",\"to\":\"linkd\",\"slots\":64},"
    "{\"from\":\"ipd\",\"to\":\"udpd\",\"slots\":64},"
    "{\"from\":\"udpd\",\"to\":\"ipd\",\"slots\":64}]}";

enum {
	TURN = 16,
};

struct input {
	const uint8_t *p;
	size_t left;
};

static struct rig *rig;
static struct node node; /* ipd's place */

static uint32_t next(struct input *in, size_t bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0 && in->left > 0) {
		v = v << 8 | *in->p++;
		in->left--;
	}
	return v;
}

static void attach(void)
{
	struct segments s = rig_segments(rig, "ipd");

	if (node_attach(&node, &s, NULL, 0) < 0)
		abort();
	node_recover(&node, NULL, NULL);
}

static void begin(void)
{
	rig = rig_open(TOPOLOGY);
	attach();
}

/* ---- The neighbours: their halves are found as node.c finds them. */

static struct wire_ring *some_ring(struct input *in)
{
	return &rig->wiring.ring[next(in, 1) % rig->wiring.nrings];
}

static void lie_about_prod(struct input *in)
{
	const struct wire_ring *w = some_ring(in);
	struct ring_prod *p = (void *)(rig->out[w->from] + w->prod_off);
	struct ring_cons *c = (void *)(rig->out[w->to] + w->cons_off);

	/* Mostly near the truth: else every ring is cut off at once. */
	if (w->from != node.self)
		atomic_store(&p->prod,
		    next(in, 1) < 250 ? atomic_load(&c->cons) + next(in, 1) % 65
				      : next(in, 4));
}

static void lie_about_cons(struct input *in)
{
	const struct wire_ring *w = some_ring(in);
	struct ring_prod *p = (void *)(rig->out[w->from] + w->prod_off);
	struct ring_cons *c = (void *)(rig->out[w->to] + w->cons_off);

	if (w->to != node.self)
		atomic_store(&c->cons,
		    next(in, 1) < 250 ? atomic_load(&p->prod) - next(in, 1) % 65
				      : next(in, 4));
}

static void lie_in_an_entry(struct input *in)
{
	const struct wire_ring *w = some_ring(in);
	struct ring_prod *p = (void *)(rig->out[w->from] + w->prod_off);
	uint8_t *d = (uint8_t *)&p->entry[next(in, 1) % w->slots];

	/* The fields that say where; the others mean nothing to a node. */
	for (size_t i = 0; w->from != node.self && i < 12; i++)
		d[i] = (uint8_t)next(in, 1);
	if (w->from != node.self && next(in, 1) & 1)
		((struct desc *)(void *)d)->pool %= TOPO_MAX_PROCS / 4;
}

static void lie_about_sleep(struct input *in)
{
	struct out_head *h =
	    (void *)rig->out[next(in, 1) & 1 ? rig_proc(rig, "linkd")
					     : rig_proc(rig, "udpd")];

	atomic_store(&h->asleep, next(in, 4));
}

/* ---- The node */

static void check_view(const uint8_t *p, const struct desc *d)
{
	const uint8_t *base = rig->pool[d->pool];
	size_t bytes = rig->wiring.pool_bytes[d->pool];

	if (p < base || p + d->len > base + bytes)
		abort();
	/* Touch both ends. */
	if (d->len > 0 && p[0] + p[d->len - 1] > 510)
		abort();
}

static void forward(struct input *in, const struct desc *d)
{
	struct ring_out *out = &node.outs[next(in, 1) % node.ndata_out];

	if (node_room(&node, out, 1))
		node_put(&node, out, d);
	else
		node_give_back(&node, d);
}

static void turn(struct input *in)
{
	struct desc d = { .kind = PKT_DATA };

	node_begin(&node, rig->now);
	for (uint32_t r = 0; r < node.ndata_in; r++)
		for (int i = 0; i < TURN; i++) {
			const uint8_t *p = node_take(&node, &node.in[r], &d);

			if (p == NULL)
				break;
			check_view(p, &d);
			if (next(in, 1) & 1)
				forward(in, &d);
			else
				node_give_back(&node, &d);
		}
	d = (struct desc){ .kind = PKT_DATA };
	if (node_alloc(&node, next(in, 3) % (BIG_SLOT + 2), &d) != NULL)
		forward(in, &d);
	node_commit(&node);
	node.bells = 0;
}

static void sleep_or_not(void)
{
	if (node_may_sleep(&node))
		node_awake(&node);
}

static void die_and_come_back(void)
{
	node_begin(&node, rig->now);
	node_detach(&node);
	attach();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (rig == NULL)
		begin();
	while (in.left > 0) {
		switch (next(&in, 1) % 8) {
		case 0:
			lie_about_prod(&in);
			break;
		case 1:
			lie_about_cons(&in);
			break;
		case 2:
		case 3:
			lie_in_an_entry(&in);
			break;
		case 4:
			lie_about_sleep(&in);
			break;
		case 5:
			sleep_or_not();
			break;
		case 6:
			die_and_come_back();
			break;
		default:
			turn(&in);
		}
	}
	die_and_come_back();
	return 0;
}
