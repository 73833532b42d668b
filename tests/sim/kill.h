/*
 * kill.h - kill -9, between any two stores
 *
 * A process killed between two instructions leaves its shared memory as it was
 * after the last one that stored there.  So a daemon that is meant to die runs
 * with its memory write-protected (tests/harness/stores.h), and after a number
 * of stores its frames are thrown away.  Where that was is remembered: the
 * layer, the instruction, and the step of the turn.
 */
#ifndef TESTS_SIM_KILL_H
#define TESTS_SIM_KILL_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"

struct proc;
struct sim;

enum {
	POINTS_MAX = 1 << 18, /* a power of two */
};

/* Distinct places of deaths; shared by all processes that run seeds. */
struct points {
	_Atomic uint64_t key[POINTS_MAX];
	_Atomic uint32_t n;
};

/* Run @run(@arg), an entry of @p's library; false: it died in there. */
bool kill_run(struct proc *p, void (*run)(void *arg), void *arg);

/* It will die, after a number of stores from now on. */
void kill_arm(struct proc *p);

/* When somebody is to die next; and to choose who. */
struct mono kill_next(const struct sim *s);
void kill_choose(struct sim *s);
void kill_plan(struct sim *s);

#endif /* TESTS_SIM_KILL_H */
