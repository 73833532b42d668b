/*
 * loop.h - where a daemon sleeps: one io_uring with polls and a time-out
 *
 * Multishot polls are edges: an event is reported when something arrives, once
 * more when the poll is armed on a descriptor that is ready already.  Whoever
 * gets an event must read until there is no more.
 */
#ifndef SHM_LOOP_H
#define SHM_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"

/* Who is told of an event; the daemon keeps these. */
struct watch {
	void (*happened)(void *ctx, struct watch *w, uint32_t events);
	void *ctx;
	int fd;
	uint32_t events; /* poll(2) events; 0: not watched */
	uint32_t id;     /* for the owner */
	uint32_t busy;   /* polls that the ring still knows of */
};

struct loop {
	struct io_uring ring;
};

int loop_open(struct loop *l);
void loop_close(struct loop *l);

/*
 * Watch w->fd for @events until loop_forget().  @w must stay where it is, also
 * after that until w->busy is 0 again.
 */
int loop_watch(struct loop *l, struct watch *w, uint32_t events);
void loop_forget(struct loop *l, struct watch *w);

/* Hand out the events that have happened, without waiting. */
void loop_poll(struct loop *l);

/* Sleep until an event or @deadline (MONO_NEVER: no deadline), hand out. */
void loop_wait(struct loop *l, struct mono now, struct mono deadline);

#endif /* SHM_LOOP_H */
