/*
 * metrics_status.c - the state of a stack as families of numbers
 *
 * One table: a family is a name, a type, a help text, the array of the status
 * that it walks over, its labels and its value.  Names and units are those that
 * Prometheus asks for: base units, _total for what only grows.
 */
#include <stdbool.h>
#include <string.h>

#include "api/command/member.h"
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
	{ "strata_link_receive_frames", true, "Frames read from a link.",
	    "links", { { "link", "name" } }, "rx_frames", 1 },
	{ "strata_link_receive_bytes", true, "Bytes of these frames.", "links",
	    { { "link", "name" } }, "rx_bytes", 1 },
	{ "strata_link_transmit_frames", true, "Frames written to a link.",
	    "links", { { "link", "name" } }, "tx_frames", 1 },
	{ "strata_link_transmit_bytes", true, "Bytes of these frames.", "links",
	    { { "link", "name" } }, "tx_bytes", 1 },
	{ "strata_app_sockets", false, "Sockets that an app holds.", "apps",
	    APP, "sockets", 1 },
};

static json_t *labels_of(const struct label *l, const json_t *o)
{
	json_t *labels = json_object();
	char number[24];

	for (int i = 0; i < MAX_LABELS && l[i].name != NULL; i++) {
		const json_t *v = json_object_get(o, l[i].key);
		const char *text = json_string_value(v);

		snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(v));
		json_object_set_new(labels, l[i].name,
		    json_string(text != NULL ? text : number));
	}
	return labels;
}

/* What is not known is not said. */
static void add_sample(json_t *metrics, const struct family *f, const json_t *o)
{
	const json_t *v = json_object_get(o, f->key);

	if (v != NULL)
		metrics_add(metrics, labels_of(f->labels, o),
		    (json_is_boolean(v) ? json_is_true(v)
					: json_number_value(v)) *
			f->unit);
}

static void add_family(
    json_t *all, const struct family *f, const json_t *status)
{
	json_t *metrics = metrics_family(
	    all, f->name, f->counter ? "counter" : "gauge", f->help);
	size_t i;
	json_t *o;

	if (f->array == NULL) {
		add_sample(metrics, f, status);
		return;
	}
	json_array_foreach(json_object_get(status, f->array), i, o)
	    add_sample(metrics, f, o);
}

/* How many of @array are on link @link in state @state. */
static int count(const json_t *array, const char *link, const char *state)
{
	int n = 0;
	size_t i;
	json_t *o;

	json_array_foreach(array, i, o) n +=
	    member_is(o, "link", link) && member_is(o, "state", state);
	return n;
}

/* Of each link, in each state. */
static void add_states(json_t *metrics, const json_t *status, const char *array,
    const char *const *states)
{
	const json_t *of = json_object_get(status, array);
	size_t i;
	json_t *l;

	json_array_foreach(json_object_get(status, "links"), i, l)
	{
		const char *link = member_text(l, "name");

		for (const char *const *s = states; *s != NULL; s++)
			metrics_add(metrics,
			    json_pack("{s:s, s:s}", "link", link, "state", *s),
			    count(of, link, *s));
	}
}

static bool is_bytes(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && strcmp(name + len - 6, "_bytes") == 0;
}

/* {"ipd": {"name": n, ...}, ...}, the name as label @label. */
static void add_counters(
    json_t *metrics, json_t *of_daemons, const char *label, bool bytes)
{
	const char *daemon, *name;
	json_t *counters, *value;

	json_object_foreach(of_daemons, daemon, counters)
	{
		json_object_foreach(counters, name, value)
		{
			if (is_bytes(name) == bytes)
				metrics_add(metrics,
				    json_pack("{s:s, s:s}", "daemon", daemon,
					label, name),
				    json_number_value(value));
		}
	}
}

static void add_counted(json_t *all, const json_t *status)
{
	json_t *counters = json_object_get(status, "counters");

	add_counters(
	    metrics_family(all, "strata_drops", "counter", "Packets dropped."),
	    json_object_get(status, "drops"), "reason", false);
	add_counters(metrics_family(all, "strata_events", "counter",
			 "What else is counted, packets for the most part."),
	    counters, "event", false);
	add_counters(metrics_family(all, "strata_bytes", "counter",
			 "What is counted in bytes."),
	    counters, "event", true);
}

/* {"rx": {"lost": n, ...}, "tx": ...} of one link. */
static void add_wire(json_t *metrics, const char *link, json_t *wire)
{
	const char *way, *name;
	json_t *counts, *value;

	json_object_foreach(wire, way, counts)
	{
		json_object_foreach(counts, name, value) metrics_add(metrics,
		    json_pack("{s:s, s:s, s:s}", "link", link, "direction", way,
			"event", name),
		    json_number_value(value));
	}
}

static void add_wires(json_t *metrics, const json_t *status)
{
	size_t i;
	json_t *l;

	json_array_foreach(json_object_get(status, "links"), i, l) add_wire(
	    metrics, member_text(l, "name"), json_object_get(l, "impaired"));
}

void metrics_of_status(json_t *all, const json_t *status)
{
	static const char *const addresses[] = { "tentative", "valid",
		"duplicate", NULL };
	static const char *const neighbours[] = { "INCOMPLETE", "REACHABLE",
		"STALE", "DELAY", "PROBE", "FAILED", "PERMANENT", NULL };

	metrics_add(metrics_family(all, "strata", "info", "The stack."),
	    json_pack("{s:s}", "name", member_text(status, "name")), 1);
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		add_family(all, &families[i], status);
	add_states(
	    metrics_family(all, "strata_addresses", "gauge", "Our addresses."),
	    status, "addresses", addresses);
	add_states(metrics_family(
		       all, "strata_neighbours", "gauge", "Neighbours known."),
	    status, "neighbours", neighbours);
	add_wires(metrics_family(all, "strata_link_impaired_frames", "counter",
		      "What befell frames of a link's bad wires; passed are all"
		      " that were not dropped."),
	    status);
	add_counted(all, status);
}
