/*
 * control.c - strata restart, down, log: one question each
 */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/command/command.h"

enum {
	END_MS = 3000, /* no process takes so long to end */
};

static int ask_and_forget(const char *word, json_t *question)
{
	const char *name = which_stack(word);
	json_t *answer = name != NULL ? ask_stack(name, question) : NULL;

	if (name == NULL)
		json_decref(question);
	json_decref(answer);
	return answer != NULL ? 0 : STATUS_FAILED;
}

int command_restart(int argc, char **argv)
{
	static const char help[] =
	    "usage: strata restart [NAME] DAEMON\n"
	    "\n"
	    "A fresh process takes the place of DAEMON in the stack NAME, from"
	    " the program\n"
	    "as it lies on the disk now.  Returns when it has taken over.\n";
	const char *word;

	if (help_wanted(argc, argv, help))
		return 0;
	if (!take_words(argc, argv, 1, &word))
		return usage_wrong(help);
	return ask_and_forget(word,
	    json_pack(
		"{s:s, s:s}", "command", "restart", "daemon", argv[optind]));
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
	static const char help[] =
	    "usage: strata down [NAME]\n"
	    "\n"
	    "Take the stack NAME down: daemons, devices, files.  Returns when"
	    " nothing is\nleft.\n";
	const char *word, *name;
	json_t *answer;

	if (help_wanted(argc, argv, help))
		return 0;
	if (!take_words(argc, argv, 0, &word))
		return usage_wrong(help);
	name = which_stack(word);
	if (name == NULL)
		return STATUS_FAILED;
	answer = ask_stack(name, json_pack("{s:s}", "command", "down"));
	if (answer == NULL)
		return STATUS_FAILED;
	wait_end(
	    (pid_t)json_integer_value(json_object_get(answer, "last_pid")));
	json_decref(answer);
	return 0;
}

int command_log(int argc, char **argv)
{
	static const char help[] =
	    "usage: strata log [NAME] DAEMON error|warn|info|debug\n"
	    "\n"
	    "From now on DAEMON of the stack NAME logs what is as important as"
	    " that, or more.\n"
	    "With debug, each header of each packet that it handles.\n";
	const char *word;

	if (help_wanted(argc, argv, help))
		return 0;
	if (!take_words(argc, argv, 2, &word))
		return usage_wrong(help);
	argv += optind;
	return ask_and_forget(word,
	    json_pack("{s:s, s:s, s:s}", "command", "log", "daemon", argv[0],
		"level", argv[1]));
}
