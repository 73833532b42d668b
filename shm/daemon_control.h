/*
 * daemon_control.h - what a daemon and the supervisor say to each other
 *
 * For daemon.c; what a layer needs of it is in daemon.h.
 */
#ifndef SHM_DAEMON_CONTROL_H
#define SHM_DAEMON_CONTROL_H

#include "shm/daemon.h"

/* A question waits for its answer, and that could be sent now. */
static inline bool daemon_may_answer(const struct daemon *d, struct mono now)
{
	return d->asked && mono_reached(d->ask_answer, now);
}

/* Between two turns: what the supervisor had no room for, and answers. */
void daemon_control_turn(struct daemon *d, struct mono now);

/* When to try again. */
struct mono daemon_control_deadline(const struct daemon *d, struct mono now);

#endif /* SHM_DAEMON_CONTROL_H */
