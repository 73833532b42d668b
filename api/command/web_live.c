/*
 * web_live.c - what moves in a stack, twenty times a second
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "api/command/command.h"
#include "api/command/member.h"
#include "api/command/rates.h"
#include "api/command/web.h"
#include "shm/clock.h"

enum {
	SAMPLE_MS = 50,
	IDLE_MS = 200,  /* while nobody watches */
	SAMPLES = 1200, /* a minute */
	PICTURE = 20,   /* samples: the picture's rates are of a second */
	EVENTS = 64,
	WATCHED_MS = 5000, /* so long after the last question */
};

/* A point of the time line: of all links together, for a second. */
struct point {
	uint64_t number;
	json_int_t at_us;
	double rx_frames, tx_frames, rx_bytes, tx_bytes;
};

static const char *name;
static atomic_int_fast64_t watched_ns;

/* The thread's own. */
static json_t *look[PICTURE]; /* by number, the newest at the last's place */
static uint64_t looks;

/* What questions are answered from. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct point point[SAMPLES];
static uint64_t points; /* so far; numbers begin at 1 */
static json_t *picture; /* rates.h; NULL: none yet */
static json_t *events;  /* of it, with the number of their point */
static int trouble;     /* negative errno of the last look */

void web_watch(void)
{
	atomic_store(&watched_ns, mono_now().ns);
}

bool web_watched(void)
{
	int64_t since = mono_now().ns - atomic_load(&watched_ns);

	return atomic_load(&watched_ns) != 0 &&
	    since < (int64_t)WATCHED_MS * NS_PER_MS;
}

/* ---- Looking */

static void add_point(const json_t *rates)
{
	struct point *p = &point[points % SAMPLES];
	size_t i;
	json_t *l;

	*p = (struct point){ .number = ++points,
		.at_us = member_int(rates, "uptime_us") };
	json_array_foreach(json_object_get(rates, "links"), i, l)
	{
		p->rx_frames += member_real(l, "rx_frames");
		p->tx_frames += member_real(l, "tx_frames");
		p->rx_bytes += member_real(l, "rx_bytes");
		p->tx_bytes += member_real(l, "tx_bytes");
	}
}

static void add_events(const json_t *rates)
{
	size_t i;
	json_t *e;

	json_array_foreach(json_object_get(rates, "events"), i, e)
	{
		json_object_set_new(
		    e, "number", json_integer((json_int_t)points));
		json_array_append(events, e);
	}
	while (json_array_size(events) > EVENTS)
		json_array_remove(events, 0);
}

static void forget_looks(void)
{
	for (int i = 0; i < PICTURE; i++) {
		json_decref(look[i]);
		look[i] = NULL;
	}
	looks = 0;
}

/* The oldest look that is kept gives way to @now, after it has served. */
static void take_in(json_t *now)
{
	json_t **place = &look[looks % PICTURE];
	json_t *last = looks > 0 ? look[(looks - 1) % PICTURE] : NULL;
	json_t *oldest = looks < PICTURE ? look[0] : *place;
	json_t *fine = rates_between(last, now);
	json_t *wide = rates_between(oldest, now);

	pthread_mutex_lock(&lock);
	trouble = 0;
	if (member_int(fine, "interval_us") > 0)
		add_point(fine);
	add_events(fine);
	json_decref(picture);
	picture = wide;
	pthread_mutex_unlock(&lock);
	json_decref(fine);
	json_decref(*place);
	*place = now;
	looks++;
}

static void *live(void *unused)
{
	struct mono next = mono_now();

	(void)unused;
	for (;;) {
		json_t *now;
		int r;
		int64_t left;

		if (!web_watched()) {
			/* The next rate would be of all the time between. */
			forget_looks();
			usleep(IDLE_MS * 1000);
			next = mono_now();
			continue;
		}
		r = ask_pulse(&now, name);
		if (r == 0) {
			take_in(now);
		} else {
			pthread_mutex_lock(&lock);
			trouble = r;
			pthread_mutex_unlock(&lock);
		}
		next = mono_add_ms(next, SAMPLE_MS);
		left = mono_since(next, mono_now());
		if (left > 0)
			usleep((useconds_t)(left / NS_PER_US));
		else
			next = mono_now();
	}
	return NULL;
}

int web_live_start(const char *stack)
{
	pthread_t thread;

	name = stack;
	events = json_array();
	return -pthread_create(&thread, NULL, live, NULL);
}

/* ---- Answering */

static json_t *points_since(uint64_t since)
{
	uint64_t first = points > SAMPLES ? points - SAMPLES : 0;
	json_t *all = json_array();

	if (since > points)
		since = 0; /* of a server before this one */
	for (uint64_t i = since > first ? since : first; i < points; i++) {
		const struct point *p = &point[i % SAMPLES];

		json_array_append_new(all,
		    json_pack("[I, I, f, f, f, f]", (json_int_t)p->number,
			p->at_us, p->rx_frames, p->tx_frames, p->rx_bytes,
			p->tx_bytes));
	}
	return all;
}

static const char *state(void)
{
	if (trouble == -ENOENT)
		return "down";
	return trouble < 0 ? "no answer" : "up";
}

char *web_live(uint64_t since)
{
	json_t *answer;
	char *text;

	pthread_mutex_lock(&lock);
	answer = json_pack("{s:s, s:s, s:I, s:o, s:O, s:O?}", "stack", name,
	    "state", state(), "number", (json_int_t)points, "points",
	    points_since(since), "events", events, "picture", picture);
	text = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(answer);
	pthread_mutex_unlock(&lock);
	return text;
}
