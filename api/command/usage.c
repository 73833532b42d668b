/*
 * usage.c - what every subcommand says of itself, and of wrong words
 */
#include <stdio.h>
#include <string.h>

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
