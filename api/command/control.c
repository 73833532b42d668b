/*
 * control.c - strata restart, down, log: one question each
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/command/command.h"

enum {
	END_MS = 3000, /* no process takes so long to end */
};

static int ask_and_forget(const char *name, json_t *question)
{
	json_t *answer = ask_stack(name, question);

	json_decref(answer);
	return answer != NULL ? 0 : STATUS_FAILED;
}

int command_restart(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: strata restart NAME DAEMON\n");
		return STATUS_USAGE;
	}
	return ask_and_forget(argv[1],
	    json_pack("{s:s, s:s}", "command", "restart", "daemon", argv[2]));
}

/*
 * The supervisor answers before it ends itself, and after it ends the keeper,
 * which has copies of all descriptors.  Only then is nothing left.
 */
static void wait_end(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd == -1)
		return; /* gone already */
	poll(&p, 1, END_MS);
	close(fd);
}

int command_down(int argc, char **argv)
{
	json_t *answer;

	if (argc != 2) {
		fprintf(stderr, "usage: strata down NAME\n");
		return STATUS_USAGE;
	}
	answer = ask_stack(argv[1], json_pack("{s:s}", "command", "down"));
	if (answer == NULL)
		return STATUS_FAILED;
	wait_end(
	    (pid_t)json_integer_value(json_object_get(answer, "last_pid")));
	json_decref(answer);
	return 0;
}

int command_log(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr,
		    "usage: strata log NAME DAEMON error|warn|info|debug\n");
		return STATUS_USAGE;
	}
	return ask_and_forget(argv[1],
	    json_pack("{s:s, s:s, s:s}", "command", "log", "daemon", argv[2],
		"level", argv[3]));
}
