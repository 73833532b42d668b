/*
 * metrics_text.c - the state of a stack as OpenMetrics text
 *
 * One table: a family is a name, a type, a help text, the array of the status
 * that it walks over, its labels and its value.  Names and units are those that
 * Prometheus asks for: base units, _total for what only grows.
 */
#include <stdbool.h>
#include <string.h>

#include "api/command/metrics.h"

enum {
	MAX_LABELS = 3,
};

struct label {
	const char *name; /* NULL: no more */
	const char *key;  /* in the object */
};

struct family {
	const char *name;
	bool counter;
	const char *help;
	const char *array; /* of the status; NULL: the status itself */
	struct label labels[MAX_LABELS];
	const char *key;
	double unit; /* what one of the status's is */
};

#define DAEMON                           \
	{                                \
		{                        \
			"daemon", "name" \
		}                        \
	}
#define RING                                        \
	{                                           \
		{ "from", "from" }, { "to", "to" }, \
		{                                   \
			"kind", "kind"              \
		}                                   \
	}
#define POOL                               \
	{                                  \
		{                          \
			"daemon", "daemon" \
		}                          \
	}
#define APP                          \
	{                            \
		{ "app", "app" },    \
		{                    \
			"pid", "pid" \
		}                    \
	}

static const struct family families[] = {
	{ "strata_uptime_seconds", false, "Since the stack was launched.", NULL,
	    { { NULL, NULL } }, "uptime_ms", 1e-3 },
	{ "strata_daemon_up", false, "1 if a process runs and has taken over.",
	    "daemons", DAEMON, "up", 1 },
	{ "strata_daemon_uptime_seconds", false,
	    "Since the process that runs took over.", "daemons", DAEMON,
	    "uptime_ms", 1e-3 },
	{ "strata_daemon_restarts", true,
	    "Processes that took over from another.", "daemons", DAEMON,
	    "restarts", 1 },
	{ "strata_daemon_last_gap_seconds", false,
	    "From the last death until the next process had taken over.",
	    "daemons", DAEMON, "last_gap_us", 1e-6 },
	{ "strata_daemon_cpu_seconds", true,
	    "CPU time of the process that runs.", "daemons", DAEMON, "cpu_ms",
	    1e-3 },
	{ "strata_daemon_resident_memory_bytes", false,
	    "Resident memory, shared segments included.", "daemons", DAEMON,
	    "rss", 1 },
	{ "strata_daemon_turns", true, "Turns committed.", "daemons", DAEMON,
	    "turns", 1 },
	{ "strata_daemon_wakeups", true, "Sleeps that ended.", "daemons",
	    DAEMON, "wakeups", 1 },
	{ "strata_ring_slots", false, "Packets that a ring has room for.",
	    "rings", RING, "slots", 1 },
	{ "strata_ring_fill", false, "Packets that wait in a ring.", "rings",
	    RING, "fill", 1 },
	{ "strata_ring_packets", true,
	    "Packets put into a ring; begins anew at 2^32.", "rings", RING,
	    "moved", 1 },
	{ "strata_ring_full", true, "Turns that found no room in a ring.",
	    "rings", RING, "full", 1 },
	{ "strata_pool_slots", false, "Packet slots of a daemon.", "pools",
	    POOL, "slots", 1 },
	{ "strata_pool_free_slots", false, "Slots in no use.", "pools", POOL,
	    "free", 1 },
	{ "strata_pool_ring_slots", false, "Slots that lie in rings.", "pools",
	    POOL, "in_rings", 1 },
	{ "strata_pool_held_slots", false,
	    "Slots that the daemon holds outside rings.", "pools", POOL, "held",
	    1 },
	{ "strata_link_mtu_bytes", false, "Largest IP packet of a link.",
	    "links", { { "link", "name" } }, "mtu", 1 },
	{ "strata_link_kernel_dropped", true,
	    "Frames for which the TAP's queue in the kernel had no room.",
	    "links", { { "link", "name" } }, "kernel_dropped", 1 },
	{ "strata_app_sockets", false, "Sockets that an app holds.", "apps",
	    APP, "sockets", 1 },
};

/* As a label's value: backslash, quote and newline escaped. */
static void print_value(FILE *to, const json_t *v)
{
	const char *s = json_string_value(v);

	if (s == NULL)
		fprintf(to, "%lld", (long long)json_integer_value(v));
	for (; s != NULL && *s != '\0'; s++) {
		if (*s == '\n')
			fputs("\\n", to);
		else if (*s == '\\' || *s == '"')
			fprintf(to, "\\%c", *s);
		else
			fputc(*s, to);
	}
}

static void print_labels(FILE *to, const struct label *l, const json_t *o)
{
	bool any = false;

	for (int i = 0; i < MAX_LABELS && l[i].name != NULL; i++) {
		fprintf(to, "%c%s=\"", any ? ',' : '{', l[i].name);
		print_value(to, json_object_get(o, l[i].key));
		fputc('"', to);
		any = true;
	}
	if (any)
		fputc('}', to);
}

static void print_head(
    FILE *to, const char *name, bool counter, const char *help)
{
	fprintf(to, "# TYPE %s %s\n# HELP %s %s\n", name,
	    counter ? "counter" : "gauge", name, help);
}

static void print_sample(FILE *to, const struct family *f, const json_t *o)
{
	const json_t *v = json_object_get(o, f->key);
	double value;

	if (v == NULL)
		return;
	value = json_is_boolean(v) ? json_is_true(v) : json_number_value(v);
	fprintf(to, "%s%s", f->name, f->counter ? "_total" : "");
	print_labels(to, f->labels, o);
	fprintf(to, " %.15g\n", value * f->unit);
}

static void print_family(FILE *to, const struct family *f, const json_t *status)
{
	size_t i;
	json_t *o;

	print_head(to, f->name, f->counter, f->help);
	if (f->array == NULL) {
		print_sample(to, f, status);
		return;
	}
	json_array_foreach(json_object_get(status, f->array), i, o)
	    print_sample(to, f, o);
}

/* {"ipd": {"name": n, ...}, ...}, the name as label @label. */
static void print_counters(FILE *to, json_t *all, const char *family,
    const char *label, const char *help)
{
	const char *daemon, *name;
	json_t *of, *value;

	print_head(to, family, true, help);
	json_object_foreach(all, daemon, of) json_object_foreach(of, name,
	    value) fprintf(to, "%s_total{daemon=\"%s\",%s=\"%s\"} %lld\n",
	    family, daemon, label, name, (long long)json_integer_value(value));
}

/* How many of @array are on each link in each state. */
static void print_states(FILE *to, const json_t *array, const char *family,
    const char *const *states, const char *help)
{
	json_t *links = json_object();
	const char *link;
	json_t *o, *of;
	size_t i;

	json_array_foreach(array, i, o) json_object_set_new(
	    links, json_string_value(json_object_get(o, "link")), json_null());
	print_head(to, family, false, help);
	json_object_foreach(links, link, of) for (const char *const *s = states;
						  *s != NULL; s++)
	{
		int n = 0;

		json_array_foreach(array, i, o) n +=
		    strcmp(json_string_value(json_object_get(o, "link")),
			link) == 0 &&
		    strcmp(json_string_value(json_object_get(o, "state")),
			*s) == 0;
		fprintf(to, "%s{link=\"%s\",state=\"%s\"} %d\n", family, link,
		    *s, n);
	}
	json_decref(links);
}

void metrics_print(FILE *to, const json_t *status)
{
	static const char *const addresses[] = { "tentative", "valid",
		"duplicate", NULL };
	static const char *const neighbours[] = { "INCOMPLETE", "REACHABLE",
		"STALE", "DELAY", "PROBE", "FAILED", "PERMANENT", NULL };
	const char *name = json_string_value(json_object_get(status, "name"));

	fprintf(to,
	    "# TYPE strata info\n# HELP strata The stack.\n"
	    "strata_info{name=\"%s\"} 1\n",
	    name != NULL ? name : "");
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		print_family(to, &families[i], status);
	print_states(to, json_object_get(status, "addresses"),
	    "strata_addresses", addresses, "Our addresses.");
	print_states(to, json_object_get(status, "neighbours"),
	    "strata_neighbours", neighbours, "Neighbours known.");
	print_counters(to, json_object_get(status, "drops"), "strata_drops",
	    "reason", "Packets dropped.");
	print_counters(to, json_object_get(status, "counters"), "strata_events",
	    "event", "What else is counted.");
	fprintf(to, "# EOF\n");
}
