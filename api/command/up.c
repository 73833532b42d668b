/*
 * up.c - strata up, strata check: a topology file becomes a stack
 *
 * Detached, the supervisor is a child that lives on; the parent waits for its
 * one word: that the addresses can be used, or why not.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/command/command.h"
#include "shm/device_open.h"
#include "shm/join.h"
#include "shm/keeper.h"
#include "shm/rundir.h"
#include "shm/supervisor.h"

/*
 * Load and check as a whole, devices included.  Creates nothing.  A device that
 * is busy is none of the file's mistakes if the stack that it describes has it:
 * @busy gets a bit for each such link, and is NULL for who wants to have them.
 */
static int load(struct topology *t, const char *path, uint32_t *busy)
{
	char error[TOPO_ERROR_LEN];
	int r;

	if (topology_load(t, path, error) < 0) {
		fprintf(stderr, "strata: %s\n", error);
		return STATUS_FAILED;
	}
	for (unsigned i = 0; i < t->nlinks; i++) {
		r = device_check(t, i, error);
		if (r == -EBUSY && busy != NULL && stack_runs(t->name)) {
			*busy |= 1U << i;
		} else if (r < 0) {
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
	    "its line, column and path.  Nothing is left behind.  It may be of"
	    " a stack that\n"
	    "runs.\n";
	static struct topology t;
	uint32_t busy = 0;
	int r;

	if (help_wanted(argc, argv, help))
		return 0;
	if (!take_words(argc, argv, 1, NULL))
		return usage_wrong(help);
	r = load(&t, argv[optind], &busy);
	if (r == 0)
		printf("%s: good: stack \"%s\", %u links, %u addresses,"
		       " %u processes\n",
		    argv[optind], t.name, t.nlinks, t.naddrs, t.nprocs);
	for (; busy != 0; busy &= busy - 1)
		printf("note: %s is in use by the stack \"%s\", which runs\n",
		    t.links[__builtin_ctz(busy)].ifname, t.name);
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

static int open_log_file(const char *stack, char why[TOPO_ERROR_LEN])
{
	char path[RUNDIR_PATH_LEN];
	int fd;

	if (rundir_make(stack, why) < 0)
		return -1;
	/* Or the log of one that runs would be emptied. */
	fd = join_connect(stack);
	if (fd >= 0) {
		close(fd);
		snprintf(why, TOPO_ERROR_LEN,
		    "a stack \"%s\" is running already", stack);
		return -1;
	}
	snprintf(why, TOPO_ERROR_LEN, "can't make the log file");
	if (rundir_path(path, stack, "log") < 0)
		return -1;
	/* At its level debug there are others' packets in it. */
	fd = open(path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		snprintf(why, TOPO_ERROR_LEN, "can't make the log file %s: %s",
		    path, strerror(errno));
	return fd;
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

static int child(const struct launch *wanted, int parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct launch l = *wanted;
	char why[TOPO_ERROR_LEN];

	setsid();
	l.options.ready = tell_parent;
	l.options.ctx = &parent;
	l.options.log_is_ours = true;
	l.options.log = open_log_file(l.topo->name, why);
	if (l.options.log == -1) {
		tell_parent(&parent, why);
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

static int detach(struct launch *l)
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
		exit(child(l, pipes[1]));
	}
	close(pipes[1]);
	return wait_for_word(pipes[0]);
}

/* By name or by number. */
static bool read_group(const char *word, gid_t *ret)
{
	const struct group *g = getgrnam(word);
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (g == NULL &&
	    (*word < '0' || *word > '9' || *end || n >= UINT32_MAX))
		return false;
	*ret = g != NULL ? g->gr_gid : (gid_t)n;
	return true;
}

/* Permissions as chmod(1) has them, in octal. */
static bool read_mode(const char *word, mode_t *ret)
{
	char *end;
	unsigned long n = strtoul(word, &end, 8);

	if (*word < '0' || *word > '7' || *end != '\0' || n > 0777)
		return false;
	*ret = (mode_t)n;
	return true;
}

/* Whom the socket "ctl" is for; < 0: there is no such option or value. */
static int read_options(
    int argc, char **argv, struct supervisor_options *ret, bool *detached)
{
	static const struct option options[] = {
		{ "detach", no_argument, NULL, 'd' },
		{ "group", required_argument, NULL, 'g' },
		{ "mode", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	bool mode_given = false;
	int c;

	while ((c = getopt_long(argc, argv, "dg:m:", options, NULL)) != -1) {
		if (c == 'd') {
			*detached = true;
		} else if (c == 'g' && !read_group(optarg, &ret->group)) {
			fprintf(stderr, "strata up: no group \"%s\"\n", optarg);
			return -1;
		} else if (c == 'm' && !read_mode(optarg, &ret->mode)) {
			fprintf(
			    stderr, "strata up: \"%s\" is no mode\n", optarg);
			return -1;
		} else if (c == '?') {
			return -1;
		}
		mode_given |= c == 'm';
	}
	if (ret->group != (gid_t)-1 && !mode_given)
		ret->mode = 0660;
	return optind + 1 == argc ? 0 : -1;
}

int command_up(int argc, char **argv)
{
	static const char help[] =
	    "usage: strata up [--detach] [--mode MODE] [--group GROUP]"
	    " FILE.json\n"
	    "\n"
	    "Launch the stack that FILE describes, strata.topology(5).  In the"
	    " foreground its\n"
	    "log goes to standard output, and Ctrl-C takes all down.\n"
	    "\n"
	    "  -d, --detach       return when all addresses can be used; strata"
	    " down ends it\n"
	    "  -g, --group GROUP  programs of GROUP may use it, too\n"
	    "  -m, --mode MODE    who may: permissions of its socket, 600 or"
	    " else; 666: all\n";
	static struct topology t;
	struct launch l = {
		.topo = &t,
		.options = { .ready = say_ready,
		    .ctx = &t,
		    .log = STDOUT_FILENO,
		    .mode = 0600,
		    .group = (gid_t)-1 },
	};
	bool detached = false;
	int r;

	if (help_wanted(argc, argv, help))
		return 0;
	if (read_options(argc, argv, &l.options, &detached) < 0)
		return usage_wrong(help);
	r = load(&t, argv[optind], NULL);
	if (r != 0)
		return r;
	return detached ? detach(&l) : live(&l);
}
