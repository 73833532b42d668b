/*
 * main.c - strata: launch, look into and take down a stack
 */
#include <stdio.h>
#include <string.h>

#include "api/command/command.h"
#include "api/strata.h"

static const struct subcommand {
	const char *name;
	const char *arguments;
	const char *what;
	int (*run)(int argc, char **argv);
} subcommands[] = {
	{ "up", "[--detach] FILE.json", "launch the stack that FILE describes",
	    command_up },
	{ "check", "FILE.json", "say whether FILE is good, or what is wrong",
	    command_check },
	{ "status", "[NAME] [--json]", "daemons, links, routes, rings, drops",
	    command_status },
	{ "ss", "[NAME] [-tan] [FILTER]", "sockets, as ss(8) has them",
	    command_ss },
	{ "metrics", "[NAME] [--listen PORT]", "all numbers, for Prometheus",
	    command_metrics },
	{ "addr", "[NAME] [add|del ...]", "our addresses, as ip(8) has them",
	    command_addr },
	{ "route", "[NAME] [add|get ...]", "routes; where to", command_route },
	{ "neigh", "[NAME] [add|del ...]", "neighbours", command_neigh },
	{ "top", "[NAME] [-d SECONDS]", "the pipeline at work, live",
	    command_top },
	{ "web", "[NAME] [--listen PORT]", "the same for a browser",
	    command_web },
	{ "restart", "[NAME] DAEMON", "a fresh process takes a daemon's place",
	    command_restart },
	{ "log", "[NAME] DAEMON LEVEL",
	    "error, warn, info or debug, from now on", command_log },
	{ "capture", "NAME [FILTER]", "packets at any place, as a pcapng file",
	    command_capture },
	{ "dump", "NAME [FILTER]", "the same as text", command_dump },
	{ "impair", "[NAME] [LINK] [KEY=VALUE]",
	    "loss, delay and so on of a link", command_impair },
	{ "trace", "NAME [FILTER]", "the walk of packets through the daemons",
	    command_trace },
	{ "latency", "[NAME] [-d SECONDS]",
	    "waiting and work at each hop, while it runs", command_latency },
	{ "down", "[NAME]", "take the stack down; nothing is left",
	    command_down },
	{ "ping", "[-c COUNT] HOST", "echo requests, and how long they take",
	    command_ping },
	{ "traceroute", "[-IT] HOST", "who is on the way there",
	    command_traceroute },
	{ "nc", "[-46lNu] HOST PORT", "a connection, on stdin and stdout",
	    command_nc },
	{ "fetch", "[-o FILE] URL", "what a web server has under URL",
	    command_fetch },
};

enum {
	NSUBCOMMANDS = sizeof(subcommands) / sizeof(*subcommands),
};

static int usage(FILE *to, int status)
{
	fprintf(to,
	    "strata COMMAND ..., strata COMMAND --help, or strata --version\n");
	for (int i = 0; i < NSUBCOMMANDS; i++)
		fprintf(to, "  %-10s %-23s %s\n", subcommands[i].name,
		    subcommands[i].arguments, subcommands[i].what);
	fprintf(to,
	    "[NAME]: else $STRATA's stack or the only one.  Exit: 0 done,"
	    " 1 not done, 2 usage\n");
	return status;
}

/* getopt begins its sentences with argv[0]. */
static int run(const struct subcommand *s, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "strata %s", s->name);
	argv[0] = name;
	return s->run(argc, argv);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr, STATUS_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout, 0);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("strata %s\n", STRATA_VERSION);
		return 0;
	}
	for (int i = 0; i < NSUBCOMMANDS; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return run(&subcommands[i], argc - 1, argv + 1);
	fprintf(
	    stderr, "strata: no command \"%s\"; see strata --help\n", argv[1]);
	return STATUS_USAGE;
}
