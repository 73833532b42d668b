/*
 * test_sup_tap.c - what the daemons are told to show, of all who look
 *
 *	client[i] ---- sup_tap.c ---- the words in sup.out
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/sup.h"
#include "shm/tap.h"

enum {
	NCLIENTS = 2,
};

struct world {
	struct sup *s;
	struct tap_switch *sw;
	int client[NCLIENTS]; /* their ends */
};

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sup *s = calloc(1, sizeof(*s));

	for (int i = 0; i < SUP_MAX_CLIENTS; i++)
		s->client[i].src.fd = -1;
	for (int i = 0; i < NCLIENTS; i++) {
		int fd[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd),
		    0);
		s->client[i].src.fd = fd[0];
		s->client[i].tap.open = true; /* it has the descriptors */
		w->client[i] = fd[1];
	}
	s->estate.sup = aligned_alloc(
	    CACHE_LINE, (sizeof(*s->estate.sup) + 63) & ~(size_t)63);
	memset(s->estate.sup, 0, sizeof(*s->estate.sup));
	w->s = s;
	w->sw = &s->estate.sup->tap;
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < NCLIENTS; i++) {
		close(w->client[i]);
		close(w->s->client[i].src.fd);
	}
	free(w->s->estate.sup);
	free(w->s);
	free(w);
	return 0;
}

static void ask(struct world *w, int i, const char *text)
{
	json_t *q = json_loads(text, 0, NULL);

	assert_non_null(q);
	sup_tap_command(w->s, &w->s->client[i], q);
	json_decref(q);
}

static int64_t now(void)
{
	return mono_now().ns;
}

/*
 * A stamp from before is of another time.  Daemons that see the flag know from
 * when on the stamps are new.
 */
static void stamps_count_from_when_they_were_asked_for(void **state)
{
	struct world *w = *state;
	int64_t before, measured;

	ask(w, 0, "{\"drops\":true}");
	before = now();
	ask(w, 1, "{\"measure\":true}");
	measured = w->sw->measured;
	assert_true(measured >= before && measured <= now());
	assert_true(w->sw->flags & TAP_MEASURE);
	/* Others may come and go: all stamps since are good. */
	ask(w, 0, "{}");
	assert_int_equal(w->sw->flags, TAP_MEASURE);
	ask(w, 0, "{\"measure\":true}");
	ask(w, 1, "{}");
	assert_true(w->sw->measured == measured);
	/* Off and on again: those of between are missing. */
	ask(w, 0, "{}");
	assert_int_equal(w->sw->on, 0);
	before = now();
	ask(w, 0, "{\"measure\":true}");
	assert_true(w->sw->measured >= before && w->sw->measured <= now());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    stamps_count_from_when_they_were_asked_for, open_world,
		    close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
