/*
 * control.c - strata restart, down, log: one question each
 */
#include <stdio.h>
#include <string.h>

#include "api/command/command.h"

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

int command_down(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: strata down NAME\n");
		return STATUS_USAGE;
	}
	return ask_and_forget(argv[1], json_pack("{s:s}", "command", "down"));
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
