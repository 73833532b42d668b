/*
 * logged.h - a log of level debug that a test reads back
 */
#ifndef TESTS_HARNESS_LOGGED_H
#define TESTS_HARNESS_LOGGED_H

#include <stdatomic.h>

#include "shm/log.h"

struct logged {
	struct log log;
	int fd; /* what is read of the pipe that log writes */
	_Atomic uint32_t level;
	char text[4096];
};

/* *@l must not move between these two. */
void logged_open(struct logged *l);

/* All that was logged since; then @l is closed.  Lies in @l. */
const char *logged_close(struct logged *l);

#endif /* TESTS_HARNESS_LOGGED_H */
