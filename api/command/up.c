/*
 * up.c - strata up, strata check: a topology file becomes a stack
 *
 * Detached, the supervisor is a child that lives on; the parent waits for its
 * one word: that the addresses can be used, or why not.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/command/command.h"
#include "shm/device_open.h"
#include "shm/keeper.h"
#include "shm/rundir.h"
#include "shm/supervisor.h"

/* Load and check as a whole, devices included.  Creates nothing. */
static int load(struct topology *t, const char *path)
{
	char error[TOPO_ERROR_LEN];

	if (topology_load(t, path, error) < 0) {
		fprintf(stderr, "strata: %s\n", error);
		return STATUS_FAILED;
	}
	for (unsigned i = 0; i < t->nlinks; i++) {
		if (device_check(t, i, error) < 0) {
			fprintf(stderr, "strata: %s: %s\n", path, error);
			return STATUS_FAILED;
		}
	}
	return 0;
}

int command_check(int argc, char **argv)
{
	static const char help[] =
	    "usage: strata check FILE.json\n"
	    "\n"
	    "Say whether a stack can be made of FILE, strata.topology(5), or"
	    " what is wrong:\n"
	    "its line, column and path.  Nothing is left behind.\n";
	static struct topology t;
	int r;

	if (help_wanted(argc, argv, help))
		return 0;
	if (!take_words(argc, argv, 1, NULL))
		return usage_wrong(help);
	r = load(&t, argv[optind]);
	if (r == 0)
		printf("%s: good: stack \"%s\", %u links, %u addresses,"
		       " %u processes\n",
		    argv[optind], t.name, t.nlinks, t.naddrs, t.nprocs);
	return r;
}

/* In the foreground: one line when it can be used, on the same terminal. */
static void say_ready(void *ctx, const char *error)
{
	const struct topology *t = ctx;

	if (error != NULL)
		fprintf(stderr, "strata: %s\n", error);
	else
		fprintf(stderr, "strata: \"%s\" is up; Ctrl-C takes it down\n",
		    t->name);
}

/* Detached: the parent's pipe gets the sentence, or is closed on success. */
static void tell_parent(void *ctx, const char *error)
{
	int fd = *(int *)ctx;

	/* After a takeover nobody may be reading any more: that is fine. */
	if (error == NULL)
		error = "";
	if (write(fd, error, strlen(error) + 1) == -1)
		errno = 0;
}

static int open_log_file(const char *stack)
{
	char path[RUNDIR_PATH_LEN];

	if (rundir_make(stack) < 0 || rundir_path(path, stack, "log") < 0)
		return -1;
	return open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
}

struct launch {
	const struct topology *topo;
	struct supervisor_options options;
};

static int supervise(void *ctx, const struct keeper *k)
{
	const struct launch *l = ctx;

	return supervisor_run(l->topo, &l->options, k) < 0 ? STATUS_FAILED : 0;
}

/* Until the stack is taken down; then nothing of it is left. */
static int live(struct launch *l)
{
	int r = keeper_run(supervise, l);

	for (unsigned i = 0; i < l->topo->nlinks; i++)
		device_await_gone(l->topo, i);
	return r;
}

static int child(const struct topology *t, int parent)
{
	struct launch l = {
		.topo = t,
		.options = {
			.ready = tell_parent,
			.ctx = &parent,
			.log_is_ours = true,
		},
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	l.options.log = open_log_file(t->name);
	if (l.options.log == -1) {
		tell_parent(&parent, "can't make the log file");
		return STATUS_FAILED;
	}
	/* Nobody's terminal is ours any more. */
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	return live(&l);
}

static int wait_for_word(int fd)
{
	char text[TOPO_ERROR_LEN] = "";
	ssize_t got;

	/* One write of the supervisor's, with the NUL at its end. */
	got = read(fd, text, sizeof(text) - 1);
	if (got == 1 && text[0] == '\0')
		return 0;
	fprintf(stderr, "strata: %s\n", got > 0 ? text : "the supervisor died");
	return STATUS_FAILED;
}

static int detach(const struct topology *t)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) == -1) {
		perror("strata: pipe");
		return STATUS_FAILED;
	}
	pid = fork();
	if (pid == -1) {
		perror("strata: fork");
		return STATUS_FAILED;
	}
	if (pid == 0) {
		close(pipes[0]);
		exit(child(t, pipes[1]));
	}
	close(pipes[1]);
	return wait_for_word(pipes[0]);
}

int command_up(int argc, char **argv)
{
	static const char help[] =
	    "usage: strata up [--detach] FILE.json\n"
	    "\n"
	    "Launch the stack that FILE describes, strata.topology(5).  In the"
	    " foreground its\n"
	    "log goes to standard output, and Ctrl-C takes all down.\n"
	    "\n"
	    "  -d, --detach  return when all addresses can be used; strata down"
	    " ends it\n";
	static const struct option options[] = {
		{ "detach", no_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	static struct topology t;
	struct launch l = {
		.topo = &t,
		.options = { .ready = say_ready,
		    .ctx = &t,
		    .log = STDOUT_FILENO },
	};
	bool detached = false;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "d", options, NULL)) == 'd')
		detached = true;
	if (c != -1 || optind + 1 != argc)
		return usage_wrong(help);
	c = load(&t, argv[optind]);
	if (c != 0)
		return c;
	if (detached)
		return detach(&t);
	return live(&l);
}
