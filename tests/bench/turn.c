/*
 * turn.c - what a daemon's turn costs, looked at or not
 *
 *	turn [RUNS]
 *
 *	linkd -> ipd -> udpd,	all three are bare nodes in this process
 *
 * One line of key=value, in ns for each packet that ipd takes and puts, in
 * turns of one packet and of 32: while nobody looks, while the ring from linkd
 * is captured, while latencies are measured, while packets are traced with two
 * notes each.  Medians of many runs.  At the end the instructions for such a
 * packet while nobody looks, if the machine counts them.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/harness/rig.h"

static const char JSON[] = RIG_TOPOLOGY("udpd", ",\"slots\":64");

enum {
	MAX_RUNS = 41,
	PACKETS = 8192, /* of a run */
};

static struct rig *r;
static struct node n;
static uint32_t runs = MAX_RUNS;

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

/* What somebody wants to see; all 0: nobody looks. */
static void look(uint32_t flags, uint64_t rings)
{
	struct tap_switch *sw = &r->sup->tap;

	sw->flags = flags;
	sw->rings = rings;
	sw->snap = 128;
	sw->measured = mono_now().ns;
	sw->on = flags != 0 || rings != 0;
}

/* Of a packet, in turns of @batch. */
static double cost(uint32_t batch)
{
	double ns[MAX_RUNS] = { 0 };

	for (uint32_t i = 0; i < runs; i++) {
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
	qsort(ns, runs, sizeof(ns[0]), compare);
	return ns[runs / 2];
}

static void print_costs(const char *what)
{
	printf("%s_1=%.1f %s_32=%.1f ", what, cost(1), what, cost(32));
}

/* ---- Instructions, not the kernel's */

static int open_counter(void)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(a),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

/* A count by itself takes some, always as many. */
static uint64_t counted(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void print_instructions(const char *what, int fd, uint32_t batch)
{
	uint64_t sum = 0;

	for (uint32_t k = 0; k < PACKETS; k += batch) {
		uint64_t a, b;

		send_some(batch);
		a = counted(fd);
		b = counted(fd);
		turn();
		sum += counted(fd) - b - (b - a);
		take_all();
	}
	printf("%s=%.1f ", what, (double)sum / PACKETS);
}

int main(int argc, char **argv)
{
	struct segments s;
	int fd;

	if (argc > 1 && atoi(argv[1]) > 0 && atoi(argv[1]) < MAX_RUNS)
		runs = (uint32_t)atoi(argv[1]);
	r = rig_open(JSON);
	s = rig_segments(r, "ipd");
	if (node_attach(&n, &s, NULL, 0) < 0)
		return 1;
	node_recover(&n, NULL, NULL);
	n.clock = mono_now;
	fd = open_counter();
	look(0, 0);
	print_costs("off");
	look(0, 1);
	print_costs("captured");
	look(TAP_MEASURE, 0);
	print_costs("measured");
	look(TAP_TRACE | TAP_MEASURE, 0);
	print_costs("traced");
	look(0, 0);
	if (fd != -1) {
		print_instructions("instructions_1", fd, 1);
		print_instructions("instructions_32", fd, 32);
	}
	putchar('\n');
	node_detach(&n);
	rig_close(r);
	return 0;
}
