/*
 * latency.c - strata latency: how long packets wait and are worked on, by hop
 */
#include "api/command/latency.h"

#include <getopt.h>

#include "api/command/arguments.h"
#include "api/command/command.h"

enum {
	SECONDS = 2,
	SECONDS_MAX = 24 * 3600,
};

static const double SECONDS_MIN = 0.01;

static const char help[] =
    "usage: strata latency [NAME] [-d SECONDS] [-n COUNT] [--json]\n"
    "\n"
    "How long packets wait in each ring and are worked on in each daemon, for\n"
    "each way through the stack NAME: mean, quantiles and maximum, in us.\n"
    "\n"
    "  -d SECONDS  of so many seconds each; else of 2; fractions are allowed\n"
    "  -n COUNT    so many times; else until a signal\n"
    "  --json      for programs, in ns\n";

struct latency {
	const char *name;
	int64_t interval_ns;
	int count; /* 0: until a signal */
	bool json;
	struct taps taps;
	struct hops before;
};

static bool one_option(struct latency *l, const char *tool, int c)
{
	switch (c) {
	case 'd':
		return argument_seconds(
		    tool, optarg, SECONDS_MIN, SECONDS_MAX, &l->interval_ns);
	case 'n':
		return argument_int(tool, optarg, 1, INT32_MAX, &l->count);
	case 'j':
		return l->json = true;
	}
	return false;
}

/* False: the stack is gone. */
static bool wait_until(struct latency *l, struct mono end)
{
	while (!stop_wanted() && !mono_reached(end, mono_now())) {
		int64_t left = mono_since(end, mono_now());

		if (!taps_wait(&l->taps, (int)(left / NS_PER_MS) + 1))
			return false;
	}
	return true;
}

static void print(const struct latency *l, const struct hops *h)
{
	json_t *j;

	if (!l->json) {
		latency_print(stdout, h, l->taps.topo);
		return;
	}
	j = latency_json(h, l->taps.topo);
	print_json(j);
	json_decref(j);
}

/* What came since the last time. */
static bool show(struct latency *l)
{
	struct hops now, between = { .n = 0 };
	bool good =
	    hops_read(&now, &l->taps) && hops_since(&between, &now, &l->before);

	if (good)
		print(l, &between);
	hops_free(&between);
	hops_free(&l->before);
	l->before = now;
	return good && fflush(stdout) == 0;
}

static int run(struct latency *l)
{
	static const struct taps_wish wish = { .flags = TAP_MEASURE,
		.snap = 1 };
	struct mono end;
	bool there = true;

	if (taps_open(&l->taps, l->name) < 0 || taps_want(&l->taps, &wish) < 0)
		return STATUS_FAILED;
	if (!hops_read(&l->before, &l->taps))
		return STATUS_FAILED;
	end = mono_now();
	for (int i = 0; there && !stop_wanted(); i++) {
		if (l->count > 0 && i == l->count)
			return 0;
		end = mono_add(end, l->interval_ns);
		there = wait_until(l, end);
		if (!show(l))
			return STATUS_FAILED;
	}
	return 0;
}

int command_latency(int argc, char **argv)
{
	static const struct option names[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	static struct latency l = {
		.interval_ns = (int64_t)SECONDS * NS_PER_S,
	};
	int c, r;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "d:n:", names, NULL)) != -1)
		if (!one_option(&l, argv[0], c))
			return usage_wrong(help);
	if (argc - optind > 1)
		return usage_wrong(help);
	l.name = which_stack(argv[optind]);
	if (l.name == NULL)
		return STATUS_FAILED;
	l.taps.sock = -1;
	stop_catch();
	r = run(&l);
	taps_close(&l.taps);
	hops_free(&l.before);
	return r;
}
