/*
 * arguments.c - what subcommands take: numbers, times, and signals
 */
#include "api/command/arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"

/* ---- Numbers */

bool argument_number(
    const char *tool, const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	/* A sign and spaces before it are strtoll()'s, not ours. */
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    v < min || v > max) {
		fprintf(stderr,
		    "%s: \"%s\" is not a number from %" PRId64 " to %" PRId64
		    "\n",
		    tool, text, min, max);
		return false;
	}
	*ret = v;
	return true;
}

bool argument_int(
    const char *tool, const char *text, int min, int max, int *ret)
{
	int64_t v;

	if (!argument_number(tool, text, min, max, &v))
		return false;
	*ret = (int)v;
	return true;
}

bool argument_seconds(
    const char *tool, const char *text, double min, double max, int64_t *ret_ns)
{
	/* strtod() would take "inf", "nan" and 0x10 as well. */
	bool plain = strspn(text, "0123456789.") == strlen(text);
	char *end;
	double s = strtod(text, &end);

	if (!plain || end == text || *end != '\0' || s < min || s > max) {
		fprintf(stderr,
		    "%s: \"%s\" is not a number of seconds from %g to %g\n",
		    tool, text, min, max);
		return false;
	}
	*ret_ns = (int64_t)(s * NS_PER_S + 0.5);
	return true;
}

/* ---- Signals */

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

void stop_catch(void)
{
	const struct sigaction a = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

bool stop_wanted(void)
{
	return stopped != 0;
}
