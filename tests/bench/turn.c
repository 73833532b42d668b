/*
 * turn.c - what a daemon's turn costs, looked at or not
 *
 *	turn
 *
 *	linkd -> ipd -> udpd,	all three are bare nodes in this process
 *
 * One line of key=value, in ns for each packet that ipd takes and puts, in
 * turns of one packet and of 32: while nobody looks, while latencies are
 * measured, while packets are traced with two notes each.  Medians of many
 * runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/rig.h"

static const char JSON[] = RIG_TOPOLOGY("udpd", ",\"slots\":64");

enum {
	RUNS = 41,
	PACKETS = 8192, /* of a run */
};

static struct rig *r;
static struct node n;

static void send_some(uint32_t packets)
{
	struct node *l = rig_node(r, "linkd");

	node_begin(l, mono_now());
	for (uint32_t i = 0; i < packets; i++) {
		struct desc d = { .off = 64, .len = 64 };

		if (node_alloc(l, 128, &d) == NULL)
			abort();
		node_put(l, node_out(l, LAYER_IP, 0), &d);
	}
	node_commit(l);
}

static void take_all(void)
{
	struct node *u = rig_node(r, "udpd");
	struct ring_in *in = node_in(u, LAYER_IP, 0);
	struct desc d;

	node_begin(u, mono_now());
	while (node_take(u, in, &d) != NULL)
		node_give_back(u, &d);
	node_commit(u);
}

static void turn(void)
{
	struct ring_in *in = node_in(&n, LAYER_LINK, 0);
	struct ring_out *out = node_out(&n, LAYER_UDP, 0);
	struct desc d;

	node_begin(&n, mono_now());
	while (node_room(&n, out, 1) && node_take(&n, in, &d) != NULL) {
		node_note(&n, "for us, protocol %u: up to %s", d.proto, "udpd");
		node_note(&n, "slot %u", d.slot);
		node_put(&n, out, &d);
	}
	node_commit(&n);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double cost(uint32_t batch, uint32_t flags)
{
	struct tap_switch *sw = &r->sup->tap;
	double ns[RUNS];

	sw->flags = flags;
	sw->snap = 128;
	sw->measured = mono_now().ns;
	sw->on = flags != 0;
	for (uint32_t i = 0; i < RUNS; i++) {
		int64_t sum = 0;

		for (uint32_t k = 0; k < PACKETS; k += batch) {
			struct mono from;

			send_some(batch);
			from = mono_now();
			turn();
			sum += mono_since(mono_now(), from);
			take_all();
		}
		ns[i] = (double)sum / PACKETS;
	}
	qsort(ns, RUNS, sizeof(ns[0]), compare);
	return ns[RUNS / 2];
}

int main(void)
{
	struct segments s;

	r = rig_open(JSON);
	s = rig_segments(r, "ipd");
	if (node_attach(&n, &s, NULL, 0) < 0)
		return 1;
	node_recover(&n, NULL, NULL);
	n.clock = mono_now;
	printf("off_1=%.1f off_32=%.1f", cost(1, 0), cost(32, 0));
	printf(" measured_1=%.1f measured_32=%.1f traced_1=%.1f"
	       " traced_32=%.1f\n",
	    cost(1, TAP_MEASURE), cost(32, TAP_MEASURE),
	    cost(1, TAP_TRACE | TAP_MEASURE),
	    cost(32, TAP_TRACE | TAP_MEASURE));
	node_detach(&n);
	rig_close(r);
	return 0;
}
