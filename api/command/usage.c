/*
 * usage.c - what every subcommand says of itself, and what a terminal can do
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/command/command.h"

bool help_wanted(int argc, char **argv, const char *help)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			return true;
		}
	}
	return false;
}

/* What was wrong stands above; the synopsis must not push it off the screen. */
int usage_wrong(const char *help)
{
	const char *end = strstr(help, "\n\n");
	int len = end != NULL ? (int)(end - help) + 1 : (int)strlen(help);

	fprintf(stderr, "%.*s", len, help);
	return STATUS_USAGE;
}

bool terminal_moves(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDOUT_FILENO) && kind != NULL && *kind != '\0' &&
	    strcmp(kind, "dumb") != 0;
}

bool terminal_colours(void)
{
	const char *none = getenv("NO_COLOR");

	return terminal_moves() && (none == NULL || *none == '\0');
}
