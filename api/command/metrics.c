/*
 * metrics.c - strata metrics: all numbers of a stack, for Prometheus
 */
#include "api/command/metrics.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "api/command/command.h"
#include "api/command/serve.h"

enum {
	ONCE_MS = 1000, /* measured if nobody listens */
};

static const char help[] =
    "usage: strata metrics [NAME] [--latency] [--json]\n"
    "       strata metrics [NAME] [--latency] [--listen [ADDRESS:]PORT]\n"
    "\n"
    "All numbers of the stack NAME as OpenMetrics text.\n"
    "\n"
    "  -l, --listen [ADDRESS:]PORT\n"
    "        serve them at http://ADDRESS:PORT/metrics instead, until\n"
    "        it is stopped; ADDRESS is 127.0.0.1 if not given\n"
    "  --latency\n"
    "        also how long packets wait and are worked on at each hop:\n"
    "        the daemons measure while it runs, else for a second\n"
    "  --json\n"
    "        once, for other programs than Prometheus\n";

struct metrics {
	struct serve serve;
	bool latency, json;

	/* What the daemons have measured, if they were asked to. */
	struct taps taps;
	bool measuring;
};

/* ---- Measuring */

static void stop_measuring(struct metrics *m)
{
	if (m->measuring)
		taps_close(&m->taps);
	m->measuring = false;
}

static bool start_measuring(struct metrics *m)
{
	static const struct taps_wish wish = { .flags = TAP_MEASURE,
		.snap = 1 };

	if (taps_open(&m->taps, m->serve.stack) == 0 &&
	    taps_want(&m->taps, &wish) == 0)
		return m->measuring = true;
	taps_close(&m->taps);
	return false;
}

/* The stack that was measured may be gone, and another have come. */
static bool keep_measuring(struct metrics *m)
{
	if (m->measuring && taps_wait(&m->taps, 0))
		return true;
	stop_measuring(m);
	return start_measuring(m);
}

static bool add_latency(json_t *all, struct metrics *m)
{
	struct hops h = { .n = 0 };
	bool ok = keep_measuring(m) && hops_read(&h, &m->taps);

	if (ok)
		metrics_of_latency(all, &h, m->taps.topo);
	hops_free(&h);
	return ok;
}

/* ---- All numbers */

static void add_sockets(json_t *all, const char *stack)
{
	const struct ask q = { .op = ASK_SOCKETS };
	struct answer a;
	bool ok = ask_daemon(stack, &q, &a) == 0;

	metrics_of_sockets(all, ok ? &a : NULL);
	if (ok)
		answer_free(&a);
}

/* NULL after a sentence. */
static json_t *collect(struct metrics *m)
{
	const char *stack = m->serve.stack;
	json_t *status = ask_stack(
	    stack, json_pack("{s:s, s:b}", "command", "status", "zeros", 1));
	json_t *all = NULL;

	if (status == NULL)
		return NULL;
	all = json_array();
	metrics_of_status(all, status);
	json_decref(status);
	add_sockets(all, stack);
	if (m->latency && !add_latency(all, m)) {
		json_decref(all);
		return NULL;
	}
	return all;
}

/* ---- Once, or by HTTP */

static int print_once(struct metrics *m)
{
	json_t *all = NULL;
	int r = STATUS_FAILED;

	if (!m->latency || (start_measuring(m) && taps_wait(&m->taps, ONCE_MS)))
		all = collect(m);
	stop_measuring(m);
	if (all != NULL) {
		if (m->json)
			print_json(all);
		else
			metrics_print(stdout, all);
		r = 0;
	}
	json_decref(all);
	return r;
}

static void make_page(void *ctx, const char *path, struct http_page *ret)
{
	json_t *all;
	FILE *to;

	if (strcmp(path, "/metrics") != 0 && strcmp(path, "/") != 0) {
		ret->status = 404;
		return;
	}
	all = collect(ctx);
	to = all != NULL ? open_memstream(&ret->body, &ret->len) : NULL;
	if (to == NULL) {
		ret->status = 503;
		json_decref(all);
		return;
	}
	ret->type = "application/openmetrics-text; version=1.0.0; "
		    "charset=utf-8";
	metrics_print(to, all);
	json_decref(all);
	fclose(to);
}

static int serve(struct metrics *m)
{
	int r;

	if (m->latency && !start_measuring(m))
		return STATUS_FAILED;
	r = serve_pages(&m->serve, "/metrics", make_page, m);
	stop_measuring(m);
	return r;
}

/* ---- Arguments */

static bool one_option(struct metrics *m, int c)
{
	switch (c) {
	case 'l':
		m->serve.where = optarg;
		return true;
	case 't':
		return m->latency = true;
	case 'j':
		return m->json = true;
	}
	return false;
}

int command_metrics(int argc, char **argv)
{
	static const struct option names[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "latency", no_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	static struct metrics m;
	const char *name;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "l:", names, NULL)) != -1)
		if (!one_option(&m, c))
			return usage_wrong(help);
	if (argc - optind > 1 || (m.json && m.serve.where != NULL))
		return usage_wrong(help);
	name = which_stack(argv[optind]);
	if (name == NULL)
		return STATUS_FAILED;
	snprintf(m.serve.stack, sizeof(m.serve.stack), "%s", name);
	return m.serve.where != NULL ? serve(&m) : print_once(&m);
}
