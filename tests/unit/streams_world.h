/*
 * streams_world.h - shorthands for tests of tcpd's sockets (fake_streams.h)
 *
 * An each_death_test() runs three times, in a world of its own each time:
 * undisturbed, with a death just short of every turn's commit, and with one
 * after it.
 */
#ifndef TESTS_UNIT_STREAMS_WORLD_H
#define TESTS_UNIT_STREAMS_WORLD_H

#include "tests/harness/fake_streams.h"

enum {
	/* What the library knows of shutdown(2)'s how. */
	RX = 1,
	TX = 2,
};

struct each_death {
	void (*test)(struct fake_streams *w);
};

void streams_each_death(void **state);
#define each_death_test(f)                                   \
	{                                                    \
		.name = #f, .test_func = streams_each_death, \
		.initial_state = &(struct each_death){ f },  \
	}

/* Socket @id's stream word, as the app sees it. */
uint64_t streams_word(struct fake_streams *w, uint32_t id);

/* A connected socket of app 0; a listener of @app at port 7. */
uint32_t streams_dial(struct fake_streams *w);
uint32_t streams_server(struct fake_streams *w, uint32_t app, uint32_t backlog);

/* How many connections the engine has. */
uint32_t streams_conns(struct fake_streams *w);

#endif /* TESTS_UNIT_STREAMS_WORLD_H */
