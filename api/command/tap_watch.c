/*
 * tap_watch.c - what `strata capture` and `strata dump` have in common
 */
#include "api/command/tap_watch.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/command/arguments.h"
#include "api/command/command.h"
#include "api/command/packet_id.h"

enum {
	REST_MS = 2,         /* between two looks when nothing comes */
	ENOUGH = 512 * 1024, /* bytes to work on without a look */

	BURST = 256 * 1024, /* bytes in one look: daemons are busy */
	BURST_MS = 1,
	BURST_LOOKS = 100,
	BURST_BYTES = 192 * 1024 * 1024,
	FILTER_LEN = 4096,
};

/* ---- Arguments ---- */

static bool one_option(struct tap_watch *w, const char *tool, int c)
{
	int64_t n;

	switch (c) {
	case 'a':
		w->at = optarg;
		return true;
	case 'w':
		w->file = optarg;
		return true;
	case 'c':
		if (!argument_number(tool, optarg, 1, INT64_MAX, &n))
			return false;
		w->count = (uint64_t)n;
		return true;
	case 's':
		if (!argument_number(tool, optarg, 1, INT32_MAX, &n))
			return false;
		w->snap = (uint32_t)n;
		return true;
	case 'v':
		w->verbose = true;
		return true;
	case 'x':
		w->hex = true;
		return true;
	default:
		return false;
	}
}

/* The words behind the name are one expression. */
static int compile(struct tap_watch *w, int argc, char **argv)
{
	char text[FILTER_LEN];
	size_t len = 0;

	for (int i = 0; i < argc; i++) {
		int n = snprintf(text + len, sizeof(text) - len, "%s%s",
		    i > 0 ? " " : "", argv[i]);

		len += (size_t)n;
		if (len >= sizeof(text)) {
			fprintf(stderr, "strata: the filter is too long\n");
			return -1;
		}
	}
	if (argc == 0)
		return 0;
	w->filter = tap_filter_compile(text);
	return w->filter == NULL ? -1 : 0;
}

/*
 * "NAME [FILTER]".  Where a filter may follow, the name can't be left out; and
 * who did leave it out has given the filter's first word for it.
 */
static int read_words(struct tap_watch *w, int argc, char **argv)
{
	w->name = argv[0];
	if (!stack_runs(w->name)) {
		fprintf(stderr,
		    "strata: no stack \"%s\" is running; NAME comes first\n",
		    w->name);
		return 1 + STATUS_FAILED;
	}
	return compile(w, argc - 1, argv + 1) < 0 ? 1 + STATUS_USAGE : 0;
}

int tap_watch_arguments(struct tap_watch *w, int argc, char **argv,
    const char *options, bool places, const char *help)
{
	static const struct option names[] = {
		{ "at", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	const struct option *at = places ? names : names + 1;
	int c;

	*w = (struct tap_watch){ .taps.sock = -1 };
	if (help_wanted(argc, argv, help))
		return 1;
	while ((c = getopt_long(argc, argv, options, at, NULL)) != -1)
		if (!one_option(w, argv[0], c))
			return 1 + usage_wrong(help);
	if (optind == argc)
		return 1 + usage_wrong(help);
	return read_words(w, argc - optind, argv + optind);
}

int tap_watch_open(struct tap_watch *w)
{
	if (taps_open(&w->taps, w->name) < 0)
		return STATUS_FAILED;
	places_make(&w->places, w->taps.topo);
	return places_want(&w->places, w->at) < 0 ? STATUS_USAGE : 0;
}

/* ---- What goes out ---- */

bool tap_watch_unwritable(struct tap_watch *w, const char *where, int err)
{
	if (err == EPIPE)
		w->gone = true;
	else
		fprintf(stderr, "strata: %s: %s\n", where, strerror(err));
	return false;
}

int tap_watch_status(const struct tap_watch *w, bool written)
{
	return written || w->gone ? 0 : STATUS_FAILED;
}

bool tap_watch_printed(struct tap_watch *w, bool flush)
{
	if (!ferror(stdout) && (!flush || fflush(stdout) == 0))
		return true;
	return tap_watch_unwritable(w, "standard output", errno);
}

/* ---- The loop ---- */

int64_t tap_watch_time(const struct tap_watch *w, const struct tapped *r)
{
	return r->r.time + w->taps.real_ns;
}

static bool enough(const struct tap_watch *w)
{
	return w->count > 0 && w->written >= w->count;
}

/* False: it could not be taken. */
static bool one_record(struct tap_watch *w, const struct tapped *r)
{
	struct place *p = places_of(&w->places, r);
	struct shown s;
	uint64_t id;

	if (p == NULL) {
		if (w->drops != NULL && r->r.kind == TAP_DROP &&
		    w->places.drops->wanted)
			w->drops(w, r);
		return true;
	}
	id = w->ids != NULL ? packet_id(w->ids, r) : 0;
	shown_from(&s, &w->taps, p, r);
	s.id = id;
	/* Somebody else may want more. */
	if (w->snap > 0 && s.caplen > w->snap)
		s.caplen = w->snap;
	if (!tap_filter_passes(
		w->filter, p->linktype, s.bytes, s.caplen, s.len))
		return true;
	w->written++;
	p->written++;
	return w->packet(w, p, r, &s);
}

/*
 * A tap holds a few milliseconds of bulk traffic, and to write that out takes
 * longer: so what daemons record meanwhile is taken in again and again.
 */
static bool all_records(struct tap_watch *w, bool all)
{
	struct tapped r;
	uint64_t bytes = 0;

	while (!enough(w) && taps_next(&w->taps, &r, all)) {
		if (w->record != NULL ? !w->record(w, &r) : !one_record(w, &r))
			return false;
		bytes += r.r.caplen;
		if (bytes < ENOUGH)
			continue;
		bytes = 0;
		taps_collect(&w->taps);
	}
	return w->flush(w);
}

/*
 * Of a burst all is taken in before any is worked on, within limits: who sleeps
 * in between is given the processor at once when daemons want it, too.
 */
static bool is_burst(struct tap_watch *w, size_t bytes)
{
	if (bytes >= BURST && w->burst < BURST_LOOKS &&
	    taps_queued(&w->taps) < BURST_BYTES) {
		w->burst++;
		return true;
	}
	w->burst = 0;
	return false;
}

/* From here on nothing is missed. */
static void say_begun(const struct tap_watch *w)
{
	uint32_t n = 0;

	if (w->record != NULL) {
		fprintf(stderr, "tracing \"%s\"\n", w->name);
		return;
	}
	for (uint32_t i = 0; i < w->places.n; i++)
		n += w->places.p[i].wanted;
	fprintf(stderr, "capturing at %u place%s of \"%s\"\n", n,
	    n == 1 ? "" : "s", w->name);
}

int tap_watch_run(struct tap_watch *w)
{
	struct taps_wish wish =
	    w->record != NULL ? w->wish : places_wish(&w->places);
	bool good = true;
	bool there = true;

	stop_catch();
	signal(SIGPIPE, SIG_IGN);
	if (w->record == NULL)
		wish.snap = w->snap;
	if (taps_want(&w->taps, &wish) < 0)
		return STATUS_FAILED;
	say_begun(w);
	while (!stop_wanted() && good && there && !enough(w)) {
		size_t bytes = taps_collect(&w->taps);

		if (is_burst(w, bytes)) {
			there = taps_wait(&w->taps, BURST_MS);
			continue;
		}
		good = all_records(w, false);
		there = taps_wait(&w->taps, bytes > 0 ? 0 : REST_MS);
	}
	taps_stop(&w->taps);
	while (good && !enough(w) && taps_collect(&w->taps) > 0)
		good = all_records(w, true);
	return tap_watch_status(w, good && all_records(w, true));
}

/* ---- The end ---- */

static uint64_t lost_at_all(const struct tap_watch *w)
{
	uint64_t lost = 0;

	for (uint32_t p = 0; p < w->taps.topo->nprocs; p++)
		lost += w->taps.reader[p].lost;
	return lost;
}

void tap_watch_figures(const struct tap_watch *w)
{
	if (w->gone)
		return;
	fprintf(stderr, "%-*s %12s %12s %12s\n", PLACE_NAME_LEN, "PLACE",
	    "SEEN", "LOST", "WRITTEN");
	for (uint32_t i = 0; i < w->places.n; i++) {
		const struct place *p = &w->places.p[i];
		const struct tap_reader *r = &w->taps.reader[p->proc];
		uint64_t seen = p->written;
		uint64_t lost = 0;

		if (p->kind != TAP_DROP) {
			seen = r->seen_at[p->at];
			lost = r->lost_at[p->at];
		}
		if (p->wanted && seen + lost > 0)
			fprintf(stderr,
			    "%-*s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n",
			    PLACE_NAME_LEN, p->name, seen, lost, p->written);
	}
	fprintf(stderr,
	    "%" PRIu64 " packets, %" PRIu64 " lost by the capture\n",
	    w->written, lost_at_all(w));
	if (lost_at_all(w) > 0)
		fprintf(stderr,
		    "fewer places (--at) or bytes (-s 128) of each "
		    "packet lose less\n");
}

void tap_watch_close(struct tap_watch *w)
{
	taps_close(&w->taps);
	tap_filter_free(w->filter);
}
