/*
 * web_slow.c - connections and latencies, about once a second
 *
 * Asking the daemons for all their connections takes them some work, in small
 * pieces: so after a long answer there is a longer rest.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "api/command/ask_daemon.h"
#include "api/command/command.h"
#include "api/command/latency.h"
#include "api/command/ss.h"
#include "api/command/web.h"

enum {
	ROUND_MS = 1000,
	IDLE_MS = 200,
	REST = 20,  /* rounds take at most one in so many of the time */
	ROWS = 100, /* of connections; they are counted all */
};

static const char *name;

/* The thread's own: what the daemons measure, while somebody watches. */
static struct taps taps;
static bool measuring;
static struct hops before;

/* What questions are answered from. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static json_t *sockets, *latency; /* NULL: not known */

static void publish(json_t **place, json_t *value)
{
	pthread_mutex_lock(&lock);
	json_decref(*place);
	*place = value;
	pthread_mutex_unlock(&lock);
}

/* ---- Connections */

static void ask_sockets(void)
{
	const struct ask q = { .op = ASK_SOCKETS };
	struct answer a;

	if (ask_daemon(name, &q, &a) < 0) {
		publish(&sockets, NULL);
		return;
	}
	publish(&sockets, ss_summary(&a, ROWS));
	answer_free(&a);
}

/* ---- Latencies */

static void stop_measuring(void)
{
	if (!measuring)
		return;
	taps_close(&taps);
	hops_free(&before);
	measuring = false;
	publish(&latency, NULL);
}

static void start_measuring(void)
{
	static const struct taps_wish wish = { .flags = TAP_MEASURE,
		.snap = 1 };

	memset(&taps, 0, sizeof(taps));
	taps.sock = -1;
	if (taps_open(&taps, name) < 0) {
		taps_close(&taps);
		return;
	}
	measuring = true;
	before.n = 0;
	if (taps_want(&taps, &wish) < 0 || !hops_read(&before, &taps))
		stop_measuring();
}

/* What was measured since the last round. */
static void read_latencies(void)
{
	struct hops now, between = { .n = 0 };

	if (!hops_read(&now, &taps))
		return;
	if (hops_since(&between, &now, &before))
		publish(&latency, latency_json(&between, taps.topo));
	hops_free(&between);
	hops_free(&before);
	before = now;
}

static void rest(int ms)
{
	if (!measuring)
		usleep((useconds_t)ms * 1000);
	else if (!taps_wait(&taps, ms))
		stop_measuring(); /* the stack is gone */
}

/* ---- Both */

static void *slow(void *unused)
{
	(void)unused;
	for (;;) {
		struct mono began = mono_now();
		int64_t took;

		if (!web_watched()) {
			stop_measuring();
			usleep(IDLE_MS * 1000);
			continue;
		}
		if (!measuring)
			start_measuring();
		else
			read_latencies();
		ask_sockets();
		took = mono_since(mono_now(), began) / NS_PER_MS;
		rest((int)(took * REST > ROUND_MS ? took * REST : ROUND_MS));
	}
	return NULL;
}

int web_slow_start(const char *stack)
{
	pthread_t thread;

	name = stack;
	return -pthread_create(&thread, NULL, slow, NULL);
}

char *web_slow(void)
{
	json_t *answer;
	char *text;

	pthread_mutex_lock(&lock);
	answer =
	    json_pack("{s:O?, s:O?}", "sockets", sockets, "latency", latency);
	text = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(answer);
	pthread_mutex_unlock(&lock);
	return text;
}
