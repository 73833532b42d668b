/*
 * impair.c - strata impair: a bad wire, while the stack runs
 */
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/command/command.h"

static const char help[] =
    "usage: strata impair [NAME] LINK [rx|tx] KEY=VALUE...\n"
    "       strata impair [NAME] LINK [rx|tx] off\n"
    "       strata impair [NAME] [LINK] [show] [--json]\n"
    "\n"
    "Faults of a link: rx is what comes from the wire, tx what goes to it;\n"
    "without one of them both.  Keys that are not named stay as they are.\n"
    "What is like and what was counted is shown of LINK, or of all links.\n"
    "\n"
    "  loss=PERCENT       duplicate=PERCENT    seed=NUMBER\n"
    "  reorder=PERCENT    corrupt=PERCENT\n"
    "  delay_ms=MS        jitter_ms=MS\n"
    "                     distribution=uniform|normal|pareto\n"
    "  rate_mbit=MBIT     queue_bytes=BYTES\n"
    "\n"
    "  --json             for programs\n";

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

/* So what stands before is the link; else it is the stack. */
static bool follows_link(const char *word)
{
	return strcmp(word, "rx") == 0 || strcmp(word, "tx") == 0 ||
	    strcmp(word, "off") == 0 || strcmp(word, "show") == 0 ||
	    strchr(word, '=') != NULL;
}

static bool changes(const json_t *q)
{
	return json_object_get(q, "set") != NULL ||
	    json_is_true(json_object_get(q, "off"));
}

/* What stands behind the link; false: that is no way to ask. */
static bool read_words(json_t *q, int argc, char **argv)
{
	bool off = false, show = false, given;

	for (int i = 0; i < argc; i++) {
		if (i == 0 &&
		    (strcmp(argv[i], "rx") == 0 || strcmp(argv[i], "tx") == 0))
			json_object_set_new(q, "way", json_string(argv[i]));
		else if (strcmp(argv[i], "off") == 0)
			off = true;
		else if (strcmp(argv[i], "show") == 0)
			show = true;
		else if (!add_key(q, argv[i])) {
			fprintf(stderr, "strata impair: what is \"%s\"?\n",
			    argv[i]);
			return false;
		}
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

static void print_link(const json_t *answer)
{
	json_t *counted = json_object_get(answer, "counted");
	const json_t *tx = json_object_get(counted, "tx");
	const char *name;
	json_t *v;

	print_way(answer, "rx");
	print_way(answer, "tx");
	printf("\n%-12s %14s %14s\n", "frames", "rx", "tx");
	json_object_foreach(json_object_get(counted, "rx"), name, v) printf(
	    "%-12s %14lld %14lld\n", name, (long long)json_integer_value(v),
	    (long long)json_integer_value(json_object_get(tx, name)));
}

/* Of one link, or of all. */
static void print_answer(const json_t *answer)
{
	const json_t *links = json_object_get(answer, "links");
	size_t i;
	json_t *one;

	if (links == NULL)
		print_link(answer);
	json_array_foreach(links, i, one)
	{
		if (i > 0)
			putchar('\n');
		print_link(one);
	}
}

/*
 * Before the link may stand the stack; the stack alone, or nothing, means all
 * its links, to be shown.  Takes the words it has read.
 */
static const char *read_stack(int *argc, char ***argv)
{
	const char *word = NULL;
	bool follows = *argc > 1 && follows_link((*argv)[1]);
	bool shows =
	    *argc == 1 || (*argc == 2 && strcmp((*argv)[1], "show") == 0);

	if (*argc > 0 &&
	    ((*argc > 1 && !follows) || (shows && stack_runs(**argv)))) {
		word = *(*argv)++;
		--*argc;
	}
	return word;
}

/* NULL: that is no way to ask. */
static json_t *question(int argc, char **argv)
{
	json_t *q = json_pack("{s:s}", "command", "impair");

	if (argc > 0 && strcmp(argv[0], "show") != 0) {
		json_object_set_new(q, "link", json_string(argv[0]));
		argc--;
		argv++;
	}
	if (read_words(q, argc, argv) &&
	    (json_object_get(q, "link") != NULL || !changes(q)))
		return q;
	json_decref(q);
	return NULL;
}

int command_impair(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const char *word, *name;
	bool as_json = false;
	json_t *q, *answer;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) == 'j')
		as_json = true;
	if (c != -1)
		return usage_wrong(help);
	argc -= optind;
	argv += optind;
	word = read_stack(&argc, &argv);
	q = question(argc, argv);
	if (q == NULL)
		return usage_wrong(help);
	name = which_stack(word);
	answer = name != NULL ? ask_stack(name, json_incref(q)) : NULL;
	if (answer != NULL && as_json)
		print_json(answer);
	else if (answer != NULL && !changes(q))
		print_answer(answer);
	json_decref(q);
	if (answer == NULL)
		return STATUS_FAILED;
	json_decref(answer);
	return 0;
}
