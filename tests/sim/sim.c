/*
 * sim.c - one seed from its beginning to its end
 */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <string.h>

#include "tests/harness/stores.h"
#include "tests/sim/check.h"
#include "tests/sim/flows.h"
#include "tests/sim/host.h"
#include "tests/sim/kill.h"
#include "tests/sim/observe.h"
#include "tests/sim/tcp_flow.h"

enum {
	BEGIN_S = 1000, /* what CLOCK_MONOTONIC says at first */
	CHECK_MS = 500,
	/* A minute of TIME-WAIT, and FIN-WAIT-2, and retries of the rude. */
	HOME_S = 1200,
	EVENTS_MAX = 20 * 1000 * 1000,
};

/* ---- What others use ---- */

static void line(struct sim *s, char *to, const char *fmt, va_list ap)
{
	int n = snprintf(to, HISTORY_LINE, "%12.6f ",
	    (double)mono_since(s->now, s->start) / NS_PER_S);

	vsnprintf(to + n, (size_t)(HISTORY_LINE - n), fmt, ap);
	if (s->verbose)
		fprintf(stderr, "%s\n", to);
}

void note(struct sim *s, const char *fmt, ...)
{
	struct history *h = s->history;
	va_list ap;

	va_start(ap, fmt);
	line(s, h->line[h->n++ % HISTORY_LINES], fmt, ap);
	va_end(ap);
}

void trace(struct sim *s, const char *fmt, ...)
{
	char text[HISTORY_LINE];
	va_list ap;

	if (!s->verbose)
		return;
	va_start(ap, fmt);
	line(s, text, fmt, ap);
	va_end(ap);
}

void fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->history->failure, sizeof(s->history->failure), fmt, ap);
	va_end(ap);
	note(s, "FAILURE %s", s->history->failure);
	longjmp(s->failed, 1);
}

void moved(struct sim *s)
{
	s->moved = s->now;
	s->moves++;
}

int64_t draw_log(struct sim *s, int64_t low, int64_t high)
{
	int bits;
	int64_t top;

	if (high <= low)
		return low;
	/* A power of two above @low, then anything up to it. */
	bits = 64 - __builtin_clzll((uint64_t)(high / (low > 0 ? low : 1)));
	top = low << draw(s, 1, bits);
	return draw(s, low, top < high && top > 0 ? top : high);
}

/* ---- Time ---- */

static struct mono next_event(const struct sim *s)
{
	struct mono t = mono_min(wire_next(s), kill_next(s));

	t = mono_min(t, flows_next(s));
	t = mono_min(t, stranger_next(s));
	t = mono_min(t, s->next_check);
	for (uint32_t h = 0; h < s->plan.hosts; h++) {
		t = mono_min(t, host_next(s->host[h]));
		for (uint32_t i = 0; i < HOST_APPS; i++)
			if (s->host[h]->app[i] != NULL)
				t = mono_min(t, app_next(s->host[h]->app[i]));
	}
	return t;
}

static void run_apps(struct sim *s, struct host *h)
{
	for (uint32_t i = 0; i < HOST_APPS; i++)
		if (h->app[i] != NULL &&
		    mono_reached(app_next(h->app[i]), s->now))
			app_run(h->app[i]);
}

static void event(struct sim *s)
{
	s->now = next_event(s);
	if (++s->events > EVENTS_MAX)
		fail(s, "no end of it");
	wire_run(s);
	if (mono_reached(kill_next(s), s->now))
		kill_choose(s);
	if (mono_reached(flows_next(s), s->now))
		flows_run(s);
	stranger_run(s);
	for (uint32_t h = 0; h < s->plan.hosts; h++) {
		host_run(s->host[h]);
		run_apps(s, s->host[h]);
	}
	if (mono_reached(s->next_check, s->now)) {
		check_progress(s);
		s->next_check = mono_add_ms(s->now, CHECK_MS);
	}
}

/* ---- A seed ---- */

static void talk_together(struct sim *s)
{
	struct mono end = mono_add(s->start, s->plan.length_ns);

	while (s->busy > 0 && mono_before(s->now, end))
		event(s);
	note(s, "the wire is good and nobody dies from here on");
	s->ending = true;
	while (s->busy > 0)
		event(s);
	note(s, "all flows are done");
}

static void come_home(struct sim *s)
{
	struct mono until = mono_add(s->now, (int64_t)HOME_S * NS_PER_S);
	char left[200] = "";

	flows_end(s);
	while (check_leftovers(s, left, sizeof(left))) {
		struct mono pause = mono_add_ms(s->now, CHECK_MS);

		if (!mono_before(s->now, until))
			fail(s, "left over at the end: %s", left);
		while (mono_before(s->now, pause))
			event(s);
	}
}

static void close_all(struct sim *s)
{
	for (uint32_t h = 0; h < SIM_HOSTS; h++) {
		if (s->host[h] == NULL)
			continue;
		for (uint32_t i = 0; i < HOST_APPS; i++)
			if (s->host[h]->app[i] != NULL)
				app_free(s->host[h]->app[i]);
		host_close(s->host[h]);
		s->host[h] = NULL;
	}
	pairs_free(s);
	observe_free(s);
	wire_close(s);
}

static void run(struct sim *s)
{
	plan_say(s);
	for (uint32_t i = 0; i < s->plan.hosts; i++)
		s->host[i] = host_open(s, i);
	flows_open(s);
	stranger_open(s);
	kill_plan(s);
	talk_together(s);
	come_home(s);
	stranger_account(s);
	check_counters(s);
}

bool sim_run(struct sim *s, uint64_t seed)
{
	volatile bool good = false;

	s->start = s->now = (struct mono){ (int64_t)BEGIN_S * NS_PER_S };
	s->moved = s->next_check = s->now;
	s->history->n = 0;
	s->history->seed = seed;
	s->history->failure[0] = '\0';
	wire_open(s);
	if (setjmp(s->failed) == 0) {
		plan_draw(s, seed);
		run(s);
		good = true;
	}
	stores_forget();
	check_say_drops(s);
	close_all(s);
	return good;
}
