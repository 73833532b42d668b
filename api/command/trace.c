/*
 * trace.c - strata trace: the walk of packets through the daemons, as a text
 */
#include <stdio.h>

#include "api/command/command.h"
#include "api/command/walk.h"

static const char help[] =
    "usage: strata trace NAME [-c COUNT] [FILTER]\n"
    "\n"
    "The walk of each packet that comes in, or that an app or a daemon sends:\n"
    "every daemon and ring, what was decided there, what it caused, how long\n"
    "it waited and was worked on.\n"
    "\n"
    "  -c COUNT  end after so many walks; else at Ctrl-C\n"
    "  FILTER    as tcpdump's, pcap-filter(7), of what a walk begins with\n"
    "\n"
    "So: strata trace demo -c 1 'tcp[tcpflags] == tcp-syn'\n";

struct trace {
	struct tap_watch w; /* first */
	struct walks walks;
};

static void done(struct walks *s, const struct walk *w)
{
	walk_print(stdout, w, s->watch->taps.topo);
	s->watch->written++;
}

static bool record(struct tap_watch *w, const struct tapped *r)
{
	struct trace *t = (struct trace *)w;

	walks_record(&t->walks, r);
	return tap_watch_printed(w, false);
}

static bool flush(struct tap_watch *w)
{
	struct trace *t = (struct trace *)w;

	walks_expire(&t->walks, false);
	return tap_watch_printed(w, true);
}

static int run(struct trace *t)
{
	uint64_t lost = 0;
	int r = tap_watch_open(&t->w);

	if (r != 0)
		return r;
	r = tap_watch_run(&t->w);
	walks_expire(&t->walks, true);
	for (uint32_t p = 0; p < t->w.taps.topo->nprocs; p++)
		lost += t->w.taps.reader[p].lost;
	if (!t->w.gone && lost + t->walks.missed > 0)
		fprintf(stderr,
		    "strata: too many at a time: %llu records lost, %llu walks "
		    "not followed\n",
		    (unsigned long long)lost,
		    (unsigned long long)t->walks.missed);
	if (r == 0 && !t->w.gone)
		r = tap_watch_status(&t->w, tap_watch_printed(&t->w, true));
	return r;
}

int command_trace(int argc, char **argv)
{
	static struct trace t;
	int r = tap_watch_arguments(&t.w, argc, argv, "c:", false, help);

	if (r != 0)
		return r - 1;
	t.w.record = record;
	t.w.flush = flush;
	t.w.wish = (struct taps_wish){
		.flags = TAP_TRACE | TAP_MEASURE,
		.snap = WALK_SNAP,
	};
	t.walks.watch = &t.w;
	t.walks.done = done;
	r = run(&t);
	tap_watch_close(&t.w);
	return r;
}
