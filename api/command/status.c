/*
 * status.c - strata status: the state of everything, for people
 *
 * With --json what the supervisor answered (sup_status.c), unchanged; else the
 * same as tables.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/command/command.h"

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_daemons(const json_t *all)
{
	size_t i;
	json_t *d;

	printf("%-10s %-6s %7s %10s %8s %7s %9s %9s\n", "DAEMON", "LAYER",
	    "PID", "UPTIME", "RESTARTS", "CPU", "RSS", "LAST GAP");
	json_array_foreach(all, i, d) printf(
	    "%-10s %-6s %7lld %8.1f s %8lld %5.1f %% %6lld kB"
	    " %6lld us\n",
	    text_of(d, "name"), text_of(d, "layer"), number_of(d, "pid"),
	    (double)number_of(d, "uptime_ms") / 1e3, number_of(d, "restarts"),
	    json_real_value(json_object_get(d, "cpu")),
	    number_of(d, "rss") / 1024, number_of(d, "last_gap_us"));
}

static void print_links(const json_t *all)
{
	size_t i;
	json_t *l;

	printf("\n%-10s %-9s %-15s %-17s %6s %s\n", "LINK", "DEVICE",
	    "INTERFACE", "MAC", "MTU", "OFFLOAD");
	json_array_foreach(all, i, l)
	    printf("%-10s %-9s %-15s %-17s %6lld %s\n", text_of(l, "name"),
		text_of(l, "device"), text_of(l, "interface"),
		text_of(l, "mac"), number_of(l, "mtu"),
		json_is_true(json_object_get(l, "offload")) ? "yes" : "no");
}

static void print_addresses(const json_t *all)
{
	size_t i;
	json_t *a;
	char text[64];

	printf("\n%-43s %-10s %s\n", "ADDRESS", "LINK", "STATE");
	json_array_foreach(all, i, a)
	{
		snprintf(text, sizeof(text), "%s/%lld", text_of(a, "address"),
		    number_of(a, "prefix"));
		printf("%-43s %-10s %s\n", text, text_of(a, "link"),
		    text_of(a, "state"));
	}
}

static void print_neighbours(const json_t *all)
{
	size_t i;
	json_t *n;

	printf("\n%-43s %-10s %-17s %s\n", "NEIGHBOUR", "LINK", "MAC", "STATE");
	json_array_foreach(all, i, n)
	    printf("%-43s %-10s %-17s %s\n", text_of(n, "address"),
		text_of(n, "link"), text_of(n, "mac"), text_of(n, "state"));
}

static void print_routes(const json_t *all)
{
	size_t i;
	json_t *r;
	char text[64];

	printf("\n%-43s %-10s %-6s %s\n", "ROUTE", "LINK", "METRIC", "VIA");
	json_array_foreach(all, i, r)
	{
		snprintf(text, sizeof(text), "%s/%lld", text_of(r, "to"),
		    number_of(r, "prefix"));
		printf("%-43s %-10s %-6lld %s\n", text, text_of(r, "link"),
		    number_of(r, "metric"), text_of(r, "via"));
	}
}

static void print_rings(const json_t *all)
{
	size_t i;
	json_t *r;

	printf("\n%-10s %-10s %-6s %6s %6s %10s %6s\n", "RING FROM", "TO",
	    "KIND", "SLOTS", "FILL", "MOVED", "FULL");
	json_array_foreach(all, i, r) printf(
	    "%-10s %-10s %-6s %6lld %6lld %10lld %6lld\n", text_of(r, "from"),
	    text_of(r, "to"), text_of(r, "kind"), number_of(r, "slots"),
	    number_of(r, "fill"), number_of(r, "moved"), number_of(r, "full"));
}

static void print_pools(const json_t *all)
{
	size_t i;
	json_t *p;

	printf("\n%-10s %6s %6s %8s %6s %s\n", "POOL OF", "SLOTS", "FREE",
	    "IN RINGS", "HELD", "ALL ACCOUNTED FOR");
	json_array_foreach(all, i, p)
	    printf("%-10s %6lld %6lld %8lld %6lld %s\n", text_of(p, "daemon"),
		number_of(p, "slots"), number_of(p, "free"),
		number_of(p, "in_rings"), number_of(p, "held"),
		json_is_true(json_object_get(p, "accounted")) ? "yes" : "no");
}

static void print_counters(const char *title, json_t *all)
{
	const char *daemon, *name;
	json_t *of, *value;

	printf("\n%-10s %-32s %12s\n", "DAEMON", title, "COUNT");
	json_object_foreach(all, daemon, of)
	    json_object_foreach(of, name, value) printf("%-10s %-32s %12lld\n",
		daemon, name, (long long)json_integer_value(value));
}

static void print_status(const json_t *s)
{
	printf("stack %s, up %.1f s, supervisor pid %lld, %zu apps\n\n",
	    text_of(s, "name"), (double)number_of(s, "uptime_ms") / 1e3,
	    number_of(s, "supervisor_pid"),
	    json_array_size(json_object_get(s, "apps")));
	print_daemons(json_object_get(s, "daemons"));
	print_links(json_object_get(s, "links"));
	print_addresses(json_object_get(s, "addresses"));
	print_neighbours(json_object_get(s, "neighbours"));
	print_routes(json_object_get(s, "routes"));
	print_rings(json_object_get(s, "rings"));
	print_pools(json_object_get(s, "pools"));
	print_counters("DROPPED BECAUSE", json_object_get(s, "drops"));
	print_counters("COUNTED", json_object_get(s, "counters"));
}

int command_status(int argc, char **argv)
{
	static const char help[] =
	    "usage: strata status [NAME] [--json]\n"
	    "\n"
	    "The state of everything in the stack NAME: daemons, links,"
	    " addresses,\n"
	    "neighbours, routes, rings, pools, what was dropped and why.\n"
	    "\n"
	    "  --json  one object, for programs\n";
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool as_json = false;
	const char *name;
	json_t *answer;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) == 'j')
		as_json = true;
	if (c != -1 || argc - optind > 1)
		return usage_wrong(help);
	name = which_stack(argv[optind]);
	if (name == NULL)
		return STATUS_FAILED;
	answer = ask_stack(name, json_pack("{s:s}", "command", "status"));
	if (answer == NULL)
		return STATUS_FAILED;
	if (as_json)
		print_json(answer);
	else
		print_status(answer);
	json_decref(answer);
	return 0;
}
