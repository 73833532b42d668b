/*
 * which.c - which stack is meant
 *
 * The same for all subcommands: the one that is named, else $STRATA's, else the
 * only one that runs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/command/command.h"
#include "shm/join.h"
#include "shm/rundir.h"

const char *which_stack(const char *word)
{
	static char name[TOPO_NAME_LEN];
	char why[TOPO_ERROR_LEN];
	int r;

	if (word != NULL)
		return word;
	r = rundir_stack(name);
	if (r == 0)
		return name;
	if (r == -ENOTUNIQ)
		fprintf(stderr,
		    "strata: several stacks run; name one, or set STRATA\n");
	else if (r == -EACCES && rundir_check(NULL, NULL, why) == -EPERM)
		fprintf(stderr, "strata: %s\n", why);
	else if (r == -EACCES)
		fprintf(stderr,
		    "strata: what runs is another user's; see --mode in "
		    "strata-up(1)\n");
	else
		fprintf(stderr,
		    "strata: no stack is running; strata up FILE.json starts "
		    "one\n");
	return NULL;
}

bool stack_runs(const char *word)
{
	int fd = -ENOENT;

	if (*word != '.' && strchr(word, '/') == NULL &&
	    strlen(word) < TOPO_NAME_LEN)
		fd = join_connect(word);
	if (fd >= 0)
		close(fd);
	return fd != -ENOENT && fd != -ECONNREFUSED;
}

bool take_words(int argc, char **argv, int n, const char **word)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };

	if (getopt_long(argc, argv, "", none, NULL) != -1)
		return false;
	if (word != NULL)
		*word = argc - optind == n + 1 ? argv[optind++] : NULL;
	return argc - optind == n;
}
