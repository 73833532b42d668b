/*
 * fake_stack.h - a supervisor and a transport that do what a test says, for the
 * library to attach to
 *
 * A thread hands out segments and sockets and answers each command with 0; a
 * listener that is shut down is none any more.  Apart from that the words and
 * rings of a socket are written by the test.
 */
#ifndef TESTS_HARNESS_FAKE_STACK_H
#define TESTS_HARNESS_FAKE_STACK_H

#include "shm/app.h"

enum {
	FAKE_LINKS = 2, /* "left", "right" */
};

/* For all of the program, as cmocka's group has it; a library attaches once. */
int fake_stack_begin(void **state);
int fake_stack_end(void **state);

/* The last socket that was made. */
uint32_t fake_sub(void);

struct a2s_socket *fake_a2s(uint32_t sub);
struct a2s_times *fake_times(uint32_t sub);
struct s2a_socket *fake_s2a(uint32_t sub);
struct s2a_head *fake_s2a_head(void);
uint8_t *fake_tx(uint32_t sub);

/* What the stream's word says (enum stream_flag), and a byte for the fd. */
void fake_stream(uint32_t sub, uint64_t stream);

/* @len bytes more to read, and a byte for the fd if it was told of none. */
void fake_receive(uint32_t sub, const void *bytes, uint32_t len);

/* @len bytes are acknowledged, and the byte that the app has asked for. */
void fake_consume(uint32_t sub, uint32_t len);
/* The same when they are only sent. */
void fake_send(uint32_t sub, uint32_t len);

/* Nobody holds the other end any more. */
void fake_down(uint32_t sub);

void fake_error(uint32_t sub, int err);
void fake_byte(uint32_t sub);

/* No more sockets, and this errno; 0: as many as there are. */
void fake_refuse(int err);

/* Events that were posted so far. */
uint32_t fake_posted(void);

#endif /* TESTS_HARNESS_FAKE_STACK_H */
