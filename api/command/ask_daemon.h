/*
 * ask_daemon.h - a question to the daemons of a stack, and their records
 */
#ifndef API_COMMAND_ASK_DAEMON_H
#define API_COMMAND_ASK_DAEMON_H

#include "shm/ask.h"

enum {
	ASK_ERROR_LEN = 96,
};

struct answer {
	struct ask_file file; /* apps, links */
	uint8_t *records;     /* one behind the other */
	size_t len;
};

/*
 * Ask @stack @q, whose version is filled in, and wait.  0 and *@ret, to be
 * freed; or a negative errno.
 */
int ask_daemon(const char *stack, const struct ask *q, struct answer *ret);
void answer_free(struct answer *a);

/* What @r means to who asked. */
const char *ask_error(int r, char text[ASK_ERROR_LEN]);

#endif /* API_COMMAND_ASK_DAEMON_H */
