/*
 * impair.c - strata impair: a bad wire, while the stack runs
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/command/command.h"

static const char usage[] =
    "usage: strata impair NAME LINK [rx|tx] KEY=VALUE...\n"
    "       strata impair NAME LINK [rx|tx] off\n"
    "       strata impair NAME LINK [show] [--json]\n\n"
    "  loss=PERCENT       duplicate=PERCENT    seed=NUMBER\n"
    "  reorder=PERCENT    corrupt=PERCENT\n"
    "  delay_ms=MS        jitter_ms=MS\n"
    "                     distribution=uniform|normal|pareto\n"
    "  rate_mbit=MBIT     queue_bytes=BYTES\n\n"
    "Other keys stay as they are.  rx is what comes from the wire, tx what\n"
    "goes to it; without one of them both are meant.\n";

/* Numbers as numbers; what is none the supervisor will refuse. */
static json_t *value_of(const char *word)
{
	json_t *v = json_loads(word, JSON_DECODE_ANY, NULL);

	if (json_is_number(v))
		return v;
	json_decref(v);
	return json_string(word);
}

/* "loss=1" into the object "set" of @q. */
static bool add_key(json_t *q, const char *word)
{
	const char *equals = strchr(word, '=');
	json_t *set = json_object_get(q, "set");
	char key[32];

	if (equals == NULL || equals == word || equals[1] == '\0' ||
	    equals - word >= (ptrdiff_t)sizeof(key))
		return false;
	memcpy(key, word, (size_t)(equals - word));
	key[equals - word] = '\0';
	if (set == NULL) {
		set = json_object();
		json_object_set_new(q, "set", set);
	}
	return json_object_set_new(set, key, value_of(equals + 1)) == 0;
}

/* Arguments behind the link; false: that is no way to ask. */
static bool read_words(json_t *q, int argc, char **argv, bool *as_json)
{
	bool off = false, show = false, given;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			*as_json = true;
		else if (i == 0 &&
		    (strcmp(argv[i], "rx") == 0 || strcmp(argv[i], "tx") == 0))
			json_object_set_new(q, "way", json_string(argv[i]));
		else if (strcmp(argv[i], "off") == 0)
			off = true;
		else if (strcmp(argv[i], "show") == 0)
			show = true;
		else if (!add_key(q, argv[i]))
			return false;
	}
	given = json_object_get(q, "set") != NULL;
	json_object_set_new(q, "off", json_boolean(off));
	/* Show both ways, and nothing beside; "rx" alone says nothing. */
	if (show || (!off && !given))
		return !off && !given && json_object_get(q, "way") == NULL;
	return !(off && given);
}

static void print_way(const json_t *answer, const char *way)
{
	json_t *c = json_object_get(answer, way);
	const char *key;
	json_t *v;

	printf(
	    "%s %s", json_string_value(json_object_get(answer, "link")), way);
	json_object_foreach(c, key, v)
	{
		if (json_is_string(v))
			printf(" %s=%s", key, json_string_value(v));
		else
			printf(" %s=%g", key, json_number_value(v));
	}
	putchar('\n');
}

static void print_all(const json_t *answer)
{
	json_t *counters = json_object_get(answer, "counters");
	const char *name;
	json_t *v;

	print_way(answer, "rx");
	print_way(answer, "tx");
	printf("\ncounted by %s, on all its links:\n",
	    json_string_value(json_object_get(answer, "daemon")));
	json_object_foreach(counters, name, v)
	    printf("%-32s %12lld\n", name, (long long)json_integer_value(v));
}

int command_impair(int argc, char **argv)
{
	bool as_json = false;
	json_t *q, *answer;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 3) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}
	q = json_pack("{s:s, s:s}", "command", "impair", "link", argv[2]);
	if (q == NULL || !read_words(q, argc - 3, argv + 3, &as_json)) {
		fputs(usage, stderr);
		json_decref(q);
		return STATUS_USAGE;
	}
	answer = ask_stack(argv[1], q);
	if (answer == NULL)
		return STATUS_FAILED;
	if (as_json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (argc == 3 || strcmp(argv[3], "show") == 0) {
		print_all(answer);
	}
	json_decref(answer);
	return 0;
}
