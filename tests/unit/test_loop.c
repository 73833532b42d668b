/*
 * test_loop.c - sleeping until something happens, and not longer
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/loop.h"

struct seen {
	int times;
	uint32_t events;
	struct loop *forget; /* while it is being told */
};

static void happened(void *ctx, struct watch *w, uint32_t events)
{
	struct seen *s = ctx;

	s->times++;
	s->events = events;
	if (s->forget != NULL)
		loop_forget(s->forget, w);
}

static int open_loop(void **state)
{
	static struct loop l;

	*state = &l;
	return loop_open(&l);
}

static int close_loop(void **state)
{
	loop_close(*state);
	return 0;
}

static struct watch watch_bell(struct seen *s)
{
	struct watch w = { .happened = happened, .ctx = s };

	w.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_int_not_equal(w.fd, -1);
	return w;
}

static void ring(const struct watch *w)
{
	static const uint64_t one = 1;

	assert_int_equal(write(w->fd, &one, sizeof(one)), sizeof(one));
}

/* How long it slept, in ms. */
static int64_t sleep_until(struct loop *l, int64_t ms)
{
	struct mono began = mono_now();

	loop_wait(l, began, ms < 0 ? MONO_NEVER : mono_add_ms(began, ms));
	return mono_since(mono_now(), began) / NS_PER_MS;
}

static void sleeps_until_the_deadline(void **state)
{
	assert_in_range(sleep_until(*state, 30), 29, 2000);
}

static void a_deadline_that_has_passed_is_no_sleep(void **state)
{
	struct mono now = mono_now();

	loop_wait(*state, now, mono_add_ms(now, -1000));
	loop_wait(*state, now, now);
	assert_in_range(mono_since(mono_now(), now) / NS_PER_MS, 0, 900);
}

static void a_bell_ends_the_sleep(void **state)
{
	struct seen s = { 0 };
	struct watch w = watch_bell(&s);

	assert_int_equal(loop_watch(*state, &w, POLLIN), 0);
	ring(&w);
	sleep_until(*state, -1);
	assert_int_equal(s.times, 1);
	assert_true(s.events & POLLIN);
	close(w.fd);
}

/* Nobody reads the bell: each time it is rung is an event of its own. */
static void a_bell_rings_as_often_as_it_is_rung(void **state)
{
	struct seen s = { 0 };
	struct watch w = watch_bell(&s);

	loop_watch(*state, &w, POLLIN);
	for (int i = 1; i <= 2000; i++) {
		ring(&w);
		sleep_until(*state, -1);
		assert_int_equal(s.times, i);
	}
	/* And then there is silence. */
	assert_in_range(sleep_until(*state, 20), 19, 2000);
	assert_int_equal(s.times, 2000);
	close(w.fd);
}

static void what_was_ready_before_it_was_watched_is_told(void **state)
{
	struct seen s = { 0 };
	struct watch w = watch_bell(&s);

	ring(&w);
	loop_watch(*state, &w, POLLIN);
	loop_poll(*state);
	assert_int_equal(s.times, 1);
	close(w.fd);
}

static void many_events_are_all_told(void **state)
{
	static struct seen s[100];
	static struct watch w[100];

	memset(s, 0, sizeof(s));
	for (int i = 0; i < 100; i++) {
		w[i] = watch_bell(&s[i]);
		assert_int_equal(loop_watch(*state, &w[i], POLLIN), 0);
		ring(&w[i]);
	}
	sleep_until(*state, -1);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(s[i].times, 1);
		close(w[i].fd);
	}
}

static void who_is_forgotten_is_not_told(void **state)
{
	struct seen s = { 0 };
	struct watch w = watch_bell(&s);

	loop_watch(*state, &w, POLLIN);
	loop_poll(*state);
	assert_int_equal(w.busy, 1);
	loop_forget(*state, &w);
	ring(&w);
	for (int i = 0; i < 100 && w.busy > 0; i++)
		sleep_until(*state, 5);
	assert_int_equal(w.busy, 0);
	assert_int_equal(s.times, 0);
	close(w.fd);
}

static void who_is_told_may_ask_to_be_forgotten(void **state)
{
	struct seen s = { .forget = *state };
	struct watch w = watch_bell(&s);

	loop_watch(*state, &w, POLLIN);
	ring(&w);
	sleep_until(*state, -1);
	ring(&w);
	for (int i = 0; i < 100 && w.busy > 0; i++)
		sleep_until(*state, 5);
	assert_int_equal(s.times, 1);
	assert_int_equal(w.busy, 0);
	close(w.fd);
}

static void who_was_forgotten_can_be_watched_again(void **state)
{
	struct seen s = { 0 };
	struct watch w = watch_bell(&s);

	loop_watch(*state, &w, POLLIN);
	loop_poll(*state);
	loop_forget(*state, &w);
	while (w.busy > 0)
		sleep_until(*state, 5);
	loop_watch(*state, &w, POLLIN);
	ring(&w);
	sleep_until(*state, -1);
	assert_int_equal(s.times, 1);
	close(w.fd);
}

#define WITH_LOOP(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_LOOP(sleeps_until_the_deadline),
		WITH_LOOP(a_deadline_that_has_passed_is_no_sleep),
		WITH_LOOP(a_bell_ends_the_sleep),
		WITH_LOOP(a_bell_rings_as_often_as_it_is_rung),
		WITH_LOOP(what_was_ready_before_it_was_watched_is_told),
		WITH_LOOP(many_events_are_all_told),
		WITH_LOOP(who_is_forgotten_is_not_told),
		WITH_LOOP(who_is_told_may_ask_to_be_forgotten),
		WITH_LOOP(who_was_forgotten_can_be_watched_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
