/*
 * streams_world.c - shorthands for tests of tcpd's sockets
 */
#include "tests/unit/streams_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

void streams_each_death(void **state)
{
	const struct each_death *d = *state;

	EACH_DEATH
	{
		struct fake_streams *w = streams_open(death);

		d->test(w);
		streams_close(w);
	}
}

uint64_t streams_word(struct fake_streams *w, uint32_t id)
{
	return streams_s2a(w, id)->stream;
}

uint32_t streams_dial(struct fake_streams *w)
{
	uint32_t id = streams_socket(w, 0, AF_INET);

	assert_int_equal(streams_connect(w, id, "192.0.2.1", 80), 0);
	streams_establish(w, id);
	return id;
}

uint32_t streams_server(struct fake_streams *w, uint32_t app, uint32_t backlog)
{
	uint32_t id = streams_socket(w, app, AF_INET);

	assert_int_equal(streams_bind(w, id, "*", 7), 0);
	assert_int_equal(streams_listen(w, id, backlog), 0);
	return id;
}

uint32_t streams_conns(struct fake_streams *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FAKE_CONNS; i++)
		n += w->state->conn[i].used;
	return n;
}
