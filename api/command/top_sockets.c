/*
 * top_sockets.c - how many sockets are in which state
 *
 * Only the transports know, and to ask them takes some of their time, and more
 * of ours if one of them is stopped: so a thread asks, and rests long after a
 * long answer.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "api/command/ss.h"
#include "api/command/top.h"
#include "shm/clock.h"

enum {
	ROUND_MS = 1000,
	REST = 20, /* rounds take at most one in so many of the time */
};

static const char *name;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static json_t *counts; /* NULL: not known */

static void one_round(void)
{
	const struct ask q = { .op = ASK_SOCKETS };
	struct mono began = mono_now();
	struct answer a;
	json_t *all = NULL;
	int64_t took;

	if (ask_daemon(name, &q, &a) == 0) {
		all = ss_summary(&a, 0);
		answer_free(&a);
	}
	pthread_mutex_lock(&lock);
	json_decref(counts);
	counts = json_incref(json_object_get(all, "counts"));
	pthread_mutex_unlock(&lock);
	json_decref(all);
	took = mono_since(mono_now(), began) / NS_PER_MS;
	usleep((useconds_t)(took * REST > ROUND_MS ? took * REST : ROUND_MS) *
	    1000);
}

static void *rounds(void *unused)
{
	(void)unused;
	for (;;)
		one_round();
	return NULL;
}

int top_sockets_start(const char *stack)
{
	pthread_t thread;

	name = stack;
	return -pthread_create(&thread, NULL, rounds, NULL);
}

json_t *top_sockets(void)
{
	json_t *copy;

	pthread_mutex_lock(&lock);
	copy = counts != NULL ? json_deep_copy(counts) : json_null();
	pthread_mutex_unlock(&lock);
	return copy;
}
