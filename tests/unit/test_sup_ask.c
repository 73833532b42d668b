/*
 * test_sup_ask.c - questions on their way to daemons and back (sup_ask.c)
 *
 *	client[i] ==== sup_ask.c ==== a daemon that this test plays
 *
 * The supervisor of this test has two transports and nothing else; what it
 * sends them is read here, answered here, late, twice or not at all.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/sup.h"

enum {
	LINK,
	IP,
	TCP,
	UDP,
	NPROCS,
	NCLIENTS = 8,
};

struct world {
	struct sup *s;
	int daemon[NPROCS]; /* the daemons' ends */
	int client[NCLIENTS];
	struct ctl_msg last; /* that a daemon got */
	struct ask q;
};

static void pair(int *mine, int *theirs)
{
	int fd[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	*mine = fd[0];
	*theirs = fd[1];
}

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sup *s = calloc(1, sizeof(*s));
	struct topology *t = &s->estate.topo;

	t->nprocs = NPROCS;
	t->nlinks = 2;
	strcpy(t->links[0].name, "wan");
	strcpy(t->links[1].name, "lo");
	t->links[1].device = DEVICE_LOOPBACK;
	w->s = s;
	s->now = mono_now();
	for (int i = 0; i < SUP_MAX_CLIENTS; i++)
		s->client[i].src.fd = -1;
	for (uint32_t p = 0; p < NPROCS; p++) {
		t->procs[p].layer = (enum layer)p;
		pair(&s->place[p].running.ctl.fd, &w->daemon[p]);
		s->place[p].running.up = true;
	}
	for (int i = 0; i < NCLIENTS; i++) {
		struct client *c = &s->client[i];

		pair(&c->src.fd, &w->client[i]);
		c->connected = c->sender = geteuid();
	}
	s->app[3].used = true;
	s->app[3].pid = 4711;
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < NCLIENTS; i++) {
		sup_ask_forget(&w->s->client[i]);
		close(w->s->client[i].src.fd);
		close(w->client[i]);
	}
	for (uint32_t p = 0; p < NPROCS; p++) {
		close(w->s->place[p].running.ctl.fd);
		close(w->daemon[p]);
	}
	free(w->s);
	free(w);
	return 0;
}

static void ask_as(struct world *w, int client, struct ask q)
{
	q.version = ASK_VERSION;
	sup_ask(w->s, &w->s->client[client], (const void *)&q, sizeof(q));
}

static void ask_sockets(struct world *w, int client)
{
	ask_as(w, client, (struct ask){ .op = ASK_SOCKETS });
}

/* What daemon @p has been asked; false: nothing. */
static bool asked(struct world *w, uint32_t p)
{
	int fds[CTL_MAX_FDS];
	size_t len = 0;

	if (ctl_recv_bytes(
		w->daemon[p], &w->last, fds, &w->q, sizeof(w->q), &len) < 0)
		return false;
	assert_int_equal(w->last.type, CTL_ASK);
	assert_int_equal(len, sizeof(w->q));
	return true;
}

/* It answers @text, and if @next is not 0 that there is more. */
static void answer(struct world *w, uint32_t p, const char *text, uint32_t next)
{
	struct ctl_msg m = { .type = CTL_ANSWER, .id = w->last.id };

	m.arg[1] = next;
	m.arg[2] = next != 0;
	sup_ask_answer(w->s, p, &m, (const void *)text, strlen(text));
}

/*
 * What client @i was told: 0 and the records as text, an errno, or -1: nothing.
 */
static int told(struct world *w, int i, char text[64])
{
	struct ask_file f;
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	ssize_t n;

	if (ctl_recv(w->client[i], &m, fds) < 0)
		return -1;
	assert_int_equal(m.type, CTL_ANSWER);
	assert_int_equal(m.nfds, m.arg[0] == 0);
	if (m.nfds == 0)
		return (int)m.arg[0];
	assert_int_equal(pread(fds[0], &f, sizeof(f), 0), sizeof(f));
	assert_int_equal(f.version, ASK_VERSION);
	assert_int_equal(f.app[3].pid, 4711);
	assert_string_equal(f.link[0], "wan");
	n = pread(fds[0], text, 63, sizeof(f));
	text[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	return 0;
}

static void chunks_of_all_transports_in_one_file(void **state)
{
	struct world *w = *state;
	char text[64];

	ask_sockets(w, 0);
	assert_true(asked(w, TCP));
	assert_int_equal(w->q.cursor, 0);
	assert_false(asked(w, UDP));
	answer(w, TCP, "one ", 17);
	assert_true(asked(w, TCP));
	assert_int_equal(w->q.cursor, 17);
	answer(w, TCP, "two ", 0);
	assert_int_equal(told(w, 0, text), -1);
	assert_true(asked(w, UDP));
	assert_int_equal(w->q.cursor, 0);
	answer(w, UDP, "three", 0);
	assert_int_equal(told(w, 0, text), 0);
	assert_string_equal(text, "one two three");
	assert_false(asked(w, LINK) || asked(w, IP));
}

static void clients_take_turns(void **state)
{
	struct world *w = *state;
	uint64_t order[4] = { 0 };
	char text[64];

	for (int i = 0; i < 4; i++)
		ask_sockets(w, i);
	/* One question at a time, two chunks for each client. */
	for (uint32_t k = 0; k < 8; k++) {
		assert_true(asked(w, TCP));
		if (k < 4)
			order[k] = w->q.number;
		else
			assert_int_equal(w->q.number, order[k - 4]);
		assert_int_equal(w->q.cursor, k < 4 ? 0 : 1);
		answer(w, TCP, "x", k < 4 ? 1 : 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_true(asked(w, UDP));
		answer(w, UDP, "y", 0);
	}
	assert_false(asked(w, TCP) || asked(w, UDP));
	for (int i = 0; i < 4; i++) {
		assert_int_equal(told(w, i, text), 0);
		assert_string_equal(text, "xxy");
	}
}

static void who_dies_is_asked_again(void **state)
{
	struct world *w = *state;
	struct ask first;
	char text[64];

	ask_as(w, 0, (struct ask){ .op = ASK_NEIGHBOUR });
	assert_true(asked(w, LINK));
	first = w->q;
	w->s->place[LINK].running.up = false;
	ask_as(w, 1, (struct ask){ .op = ASK_NEIGHBOUR });
	assert_false(asked(w, LINK));
	w->s->place[LINK].running.up = true;
	sup_ask_up(w->s, LINK);
	/* It knows the last change that was done: the same must come first. */
	assert_true(asked(w, LINK));
	assert_memory_equal(&w->q, &first, sizeof(first));
	w->s->place[LINK].running.up = false;
	assert_false(asked(w, LINK));
	w->s->place[LINK].running.up = true;
	sup_ask_up(w->s, LINK);
	assert_true(asked(w, LINK));
	assert_memory_equal(&w->q, &first, sizeof(first));
	answer(w, LINK, "", 0);
	assert_true(asked(w, LINK));
	assert_true(w->q.number > first.number);
	answer(w, LINK, "", 0);
	assert_int_equal(told(w, 0, text), 0);
	assert_int_equal(told(w, 1, text), 0);
	assert_false(asked(w, LINK));
}

/* The socket of one that dies amid the question tells of it at once. */
static void who_dies_while_asked_is_asked_again(void **state)
{
	struct world *w = *state;
	struct place *pl = &w->s->place[LINK];
	struct ask first;

	ask_as(w, 0, (struct ask){ .op = ASK_NEIGHBOUR });
	ask_as(w, 1, (struct ask){ .op = ASK_NEIGHBOUR });
	assert_true(asked(w, LINK));
	first = w->q;
	for (int i = 0; i < 3; i++) {
		close(w->daemon[LINK]);
		sup_ask_up(w->s, LINK);
		close(pl->running.ctl.fd);
		pair(&pl->running.ctl.fd, &w->daemon[LINK]);
	}
	sup_ask_up(w->s, LINK);
	assert_true(asked(w, LINK));
	assert_memory_equal(&w->q, &first, sizeof(first));
}

/* Whoever has left had its change done, or not: the others go on. */
static void who_left_is_not_asked_for_again(void **state)
{
	struct world *w = *state;
	struct ask first;

	ask_as(w, 0, (struct ask){ .op = ASK_NEIGHBOUR });
	ask_as(w, 1, (struct ask){ .op = ASK_NEIGHBOUR });
	assert_true(asked(w, LINK));
	first = w->q;
	sup_ask_forget(&w->s->client[0]);
	sup_ask_up(w->s, LINK);
	assert_true(asked(w, LINK));
	assert_true(w->q.number > first.number);
	answer(w, LINK, "", 0);
	assert_false(asked(w, LINK));
}

/* Both who connected and who sends must be one who rules the stack. */
static void not_everyone_changes_something(void **state)
{
	struct world *w = *state;
	struct client *c = w->s->client;
	char text[64];

	c[0].connected = 4711;
	c[1].sender = 4711;
	for (uint32_t op = 0; op < NASK_OPS; op++) {
		if (op == ASK_SOCKETS || op == ASK_WAY)
			continue;
		for (int i = 0; i < 2; i++) {
			ask_as(w, i, (struct ask){ .op = op });
			assert_int_equal(told(w, i, text), EPERM);
		}
	}
	for (uint32_t p = 0; p < NPROCS; p++)
		assert_false(asked(w, p));
	/* To look is for all. */
	ask_sockets(w, 0);
	assert_true(asked(w, TCP));
}

static void what_was_asked_before_is_no_answer(void **state)
{
	struct world *w = *state;
	struct ctl_msg old;
	char text[64];

	ask_sockets(w, 0);
	assert_true(asked(w, TCP));
	old = w->last;
	sup_ask_up(w->s, TCP);
	assert_true(asked(w, TCP));
	old.type = CTL_ANSWER;
	sup_ask_answer(w->s, TCP, &old, (const void *)"old", 3);
	sup_ask_answer(w->s, UDP, &old, (const void *)"old", 3);
	assert_false(asked(w, UDP));
	answer(w, TCP, "new", 0);
	answer(w, TCP, "twice", 0);
	assert_true(asked(w, UDP));
	answer(w, UDP, "", 0);
	assert_int_equal(told(w, 0, text), 0);
	assert_string_equal(text, "new");
}

static void a_client_that_leaves_keeps_nobody(void **state)
{
	struct world *w = *state;
	char text[64];

	ask_sockets(w, 0);
	ask_sockets(w, 1);
	assert_true(asked(w, TCP));
	sup_ask_forget(&w->s->client[0]);
	answer(w, TCP, "for nobody", 5);
	assert_true(asked(w, TCP));
	assert_int_equal(w->q.cursor, 0);
	answer(w, TCP, "a", 0);
	assert_true(asked(w, UDP));
	answer(w, UDP, "b", 0);
	assert_int_equal(told(w, 1, text), 0);
	assert_string_equal(text, "ab");
	assert_int_equal(told(w, 0, text), -1);
}

static void who_is_silent_is_given_up(void **state)
{
	struct world *w = *state;
	char text[64];

	ask_sockets(w, 0);
	assert_true(asked(w, TCP));
	sup_ask_tick(w->s);
	assert_int_equal(told(w, 0, text), -1);
	w->s->now = sup_ask_deadline(w->s);
	sup_ask_tick(w->s);
	assert_int_equal(told(w, 0, text), ETIMEDOUT);
	assert_true(sup_ask_deadline(w->s).ns == MONO_NEVER.ns);
	/* It has come to its senses: the next one is asked. */
	ask_sockets(w, 1);
	assert_false(asked(w, TCP));
	answer(w, TCP, "late", 0);
	assert_true(asked(w, TCP));
}

static void a_daemon_that_turns_in_circles(void **state)
{
	struct world *w = *state;
	char text[64];

	ask_sockets(w, 0);
	assert_true(asked(w, TCP));
	answer(w, TCP, "x", 9);
	assert_true(asked(w, TCP));
	answer(w, TCP, "x", 9);
	assert_int_equal(told(w, 0, text), EPROTO);
}

static void errors_reach_the_client(void **state)
{
	struct world *w = *state;
	struct ctl_msg m = { .type = CTL_ANSWER };
	char text[64];

	ask_as(w, 0, (struct ask){ .op = ASK_ROUTE });
	assert_true(asked(w, IP));
	assert_int_equal(w->q.link, LINK_ANY);
	m.id = w->last.id;
	m.arg[0] = EEXIST;
	sup_ask_answer(w->s, IP, &m, NULL, 0);
	assert_int_equal(told(w, 0, text), EEXIST);
}

static void where_a_packet_would_go_knows_ipd(void **state)
{
	struct world *w = *state;
	char text[64];

	w->s->client[0].connected = 4711; /* nothing is changed by it */
	ask_as(w, 0, (struct ask){ .op = ASK_WAY });
	assert_true(asked(w, IP));
	assert_int_equal(w->q.link, LINK_ANY);
	assert_false(asked(w, TCP));
	answer(w, IP, "so", 0);
	assert_int_equal(told(w, 0, text), 0);
	assert_string_equal(text, "so");
}

static void nonsense_is_refused(void **state)
{
	struct world *w = *state;
	struct sup *s = w->s;
	struct ask q = { .version = ASK_VERSION + 1 };
	char text[64];

	sup_ask(s, &s->client[0], (const void *)&q, sizeof(q));
	assert_int_equal(told(w, 0, text), EPROTO);
	sup_ask(s, &s->client[0], (const void *)&q, sizeof(q) - 1);
	assert_int_equal(told(w, 0, text), EPROTO);
	ask_as(w, 0, (struct ask){ .op = NASK_OPS });
	assert_int_equal(told(w, 0, text), EPROTO);
	ask_as(w, 0, (struct ask){ .op = ASK_ROUTE, .change = NASK_CHANGES });
	assert_int_equal(told(w, 0, text), EPROTO);
	ask_as(w, 0, (struct ask){ .op = ASK_ADDRESS, .link_name = "none" });
	assert_int_equal(told(w, 0, text), ENODEV);
	/* A second one before the first is answered. */
	ask_sockets(w, 0);
	ask_sockets(w, 0);
	assert_int_equal(told(w, 0, text), EPROTO);
	assert_true(asked(w, TCP));
	for (uint32_t p = 0; p < NPROCS; p++)
		assert_false(asked(w, p));
}

static void the_only_link_needs_no_name(void **state)
{
	struct world *w = *state;
	struct topology *t = &w->s->estate.topo;
	char text[64];

	ask_as(w, 0, (struct ask){ .op = ASK_ADDRESS });
	assert_true(asked(w, LINK));
	assert_int_equal(w->q.link, 0);
	answer(w, LINK, "", 0);
	assert_int_equal(told(w, 0, text), 0);
	ask_as(w, 0, (struct ask){ .op = ASK_ADDRESS, .link_name = "lo" });
	assert_true(asked(w, LINK));
	assert_int_equal(w->q.link, 1);
	answer(w, LINK, "", 0);
	assert_int_equal(told(w, 0, text), 0);
	t->links[1].device = DEVICE_PACKET;
	ask_as(w, 0, (struct ask){ .op = ASK_ADDRESS });
	assert_int_equal(told(w, 0, text), ENOTUNIQ);
}

#define WITH_WORLD(f) \
	cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_WORLD(chunks_of_all_transports_in_one_file),
		WITH_WORLD(clients_take_turns),
		WITH_WORLD(who_dies_is_asked_again),
		WITH_WORLD(who_dies_while_asked_is_asked_again),
		WITH_WORLD(who_left_is_not_asked_for_again),
		WITH_WORLD(not_everyone_changes_something),
		WITH_WORLD(what_was_asked_before_is_no_answer),
		WITH_WORLD(a_client_that_leaves_keeps_nobody),
		WITH_WORLD(who_is_silent_is_given_up),
		WITH_WORLD(a_daemon_that_turns_in_circles),
		WITH_WORLD(errors_reach_the_client),
		WITH_WORLD(where_a_packet_would_go_knows_ipd),
		WITH_WORLD(nonsense_is_refused),
		WITH_WORLD(the_only_link_needs_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
