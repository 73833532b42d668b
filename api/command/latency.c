/*
 * latency.c - strata latency: how long packets wait and are worked on, by hop
 */
#include "api/command/latency.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include "api/command/command.h"

enum {
	SECONDS = 2,
	SECONDS_MAX = 24 * 3600,
};

static const char help[] =
    "usage: strata latency [NAME] [-d SECONDS] [-n COUNT] [--json]\n"
    "\n"
    "How long packets wait in each ring and are worked on in each daemon, for\n"
    "each way through the stack NAME: mean, quantiles and maximum, in us.\n"
    "\n"
    "  -d SECONDS  of so many seconds each; else of 2\n"
    "  -n COUNT    so many times; else until a signal\n"
    "  --json      for programs, in ns\n";

struct latency {
	const char *name;
	uint32_t seconds, count; /* count 0: until a signal */
	bool json;
	struct taps taps;
	struct hops before;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static void catch_signals(void)
{
	/* The second one ends us. */
	struct sigaction a = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

static bool number(uint32_t *ret, const char *text, uint32_t max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	*ret = (uint32_t)n;
	return errno == 0 && end != text && *end == '\0' && text[0] != '-' &&
	    n > 0 && n <= max;
}

static bool one_option(struct latency *l, int c)
{
	switch (c) {
	case 'd':
		return number(&l->seconds, optarg, SECONDS_MAX);
	case 'n':
		return number(&l->count, optarg, INT32_MAX);
	case 'j':
		return l->json = true;
	}
	return false;
}

/* False: the stack is gone. */
static bool wait_until(struct latency *l, struct mono end)
{
	while (!stopped && !mono_reached(end, mono_now())) {
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
	for (uint32_t i = 0; there && !stopped; i++) {
		if (l->count > 0 && i == l->count)
			return 0;
		end = mono_add(end, (int64_t)l->seconds * NS_PER_S);
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
	static struct latency l = { .seconds = SECONDS };
	int c, r;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "d:n:", names, NULL)) != -1)
		if (!one_option(&l, c))
			return usage_wrong(help);
	if (argc - optind > 1)
		return usage_wrong(help);
	l.name = which_stack(argv[optind]);
	if (l.name == NULL)
		return STATUS_FAILED;
	l.taps.sock = -1;
	catch_signals();
	r = run(&l);
	taps_close(&l.taps);
	hops_free(&l.before);
	return r;
}
