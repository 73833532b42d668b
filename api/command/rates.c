/*
 * rates.c - what moves in a stack, from two looks at it
 */
#include "api/command/rates.h"

#include <stdbool.h>
#include <stdint.h>

#include "api/command/member.h"

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
	return member_is(a, key, member_text(b, key));
}

/* A second's worth of @grown; what shrank began anew in between. */
static double per_second(json_int_t grown, json_int_t us)
{
	return us > 0 && grown > 0 ? (double)grown * 1e6 / (double)us : 0.0;
}

static json_t *rate(
    const json_t *was, const json_t *is, const char *key, json_int_t us)
{
	if (was == NULL)
		return json_real(0.0);
	return json_real(
	    per_second(member_int(is, key) - member_int(was, key), us));
}

/* In @was, a list as @is stands in, the one that is the same. */
static const json_t *find(const json_t *was, const json_t *is, const char *key,
    const char *key2, const char *key3)
{
	size_t i;
	json_t *o;

	json_array_foreach(was, i, o) if (same_text(o, is, key) &&
	    (key2 == NULL || same_text(o, is, key2)) &&
	    (key3 == NULL || same_text(o, is, key3))) return o;
	return NULL;
}

/* ---- Each kind */

/* Percent of a CPU.  Another process has had all its time since it took over.
 */
static json_t *cpu(const json_t *was, const json_t *is, json_int_t us)
{
	json_int_t ms = member_int(is, "cpu_ms");

	if (was == NULL)
		return json_real(0.0);
	if (member_int(was, "pid") == member_int(is, "pid"))
		ms -= member_int(was, "cpu_ms");
	return json_real(per_second(ms, us) / 10.0);
}

static json_t *daemon_rates(const json_t *was, const json_t *is, json_int_t us)
{
	return json_pack("{s:s, s:s, s:I, s:b, s:I, s:I, s:I, s:o, s:o, s:o}",
	    "name", member_text(is, "name"), "layer", member_text(is, "layer"),
	    "pid", member_int(is, "pid"), "up",
	    json_is_true(json_object_get(is, "up")), "restarts",
	    member_int(is, "restarts"), "last_gap_us",
	    member_int(is, "last_gap_us"), "rss", member_int(is, "rss"), "cpu",
	    cpu(was, is, us), "turns", rate(was, is, "turns", us), "wakeups",
	    rate(was, is, "wakeups", us));
}

static json_t *link_rates(const json_t *was, const json_t *is, json_int_t us)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name",
	    member_text(is, "name"), "device", member_text(is, "device"),
	    "interface", member_text(is, "interface"), "daemon",
	    member_text(is, "daemon"), "rx_frames",
	    rate(was, is, "rx_frames", us), "rx_bytes",
	    rate(was, is, "rx_bytes", us), "tx_frames",
	    rate(was, is, "tx_frames", us), "tx_bytes",
	    rate(was, is, "tx_bytes", us));
}

/* The index of a ring has 32 bits and goes on after the last of them at 0. */
static json_t *ring_rates(const json_t *was, const json_t *is, json_int_t us)
{
	uint32_t moved = was == NULL ? 0
				     : (uint32_t)member_int(is, "moved") -
		(uint32_t)member_int(was, "moved");

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:o}", "from",
	    member_text(is, "from"), "to", member_text(is, "to"), "kind",
	    member_text(is, "kind"), "slots", member_int(is, "slots"), "fill",
	    member_int(is, "fill"), "moved", per_second(moved, us), "full",
	    rate(was, is, "full", us));
}

/* Of no time: what is lent now. */
static json_t *pool_now(const json_t *was, const json_t *is, json_int_t us)
{
	(void)was;
	(void)us;
	return json_pack("{s:s, s:I, s:I}", "daemon", member_text(is, "daemon"),
	    "slots", member_int(is, "slots"), "used",
	    member_int(is, "slots") - member_int(is, "free"));
}

/* {daemon: {name: count}} as a list.  One that is new was 0. */
static json_t *counts(const json_t *was, const json_t *is, json_int_t us)
{
	const char *daemon, *name;
	json_t *of, *value;
	json_t *all = json_array();

	/* Iterators take no const; nothing is changed. */
	json_object_foreach((json_t *)(uintptr_t)is, daemon, of)
	{
		const json_t *old = json_object_get(was, daemon);

		json_object_foreach(of, name, value)
		{
			json_int_t n = json_integer_value(value);
			double r = old == NULL
			    ? 0.0
			    : per_second(n - member_int(old, name), us);

			json_array_append_new(all,
			    json_pack("{s:s, s:s, s:I, s:f}", "daemon", daemon,
				"name", name, "count", n, "rate", r));
		}
	}
	return all;
}

/* ---- Who took over */

static void add_event(
    json_t *all, const char *who, json_int_t at_us, json_t *gap)
{
	json_array_append_new(all,
	    json_pack("{s:s, s:I, s:o}", "daemon", who, "at_us", at_us,
		"gap_us", gap));
}

/*
 * A daemon counts its restarts as it attaches; up it is when the gap is known.
 * A look in between says neither; the next one has another gap.  (A supervisor
 * that is new has nobody up at first, and their old gaps.)
 */
static bool took_over(const json_t *was, const json_t *is)
{
	if (!json_is_true(json_object_get(is, "up")))
		return false;
	if (member_int(is, "restarts") > member_int(was, "restarts"))
		return true;
	return !json_is_true(json_object_get(was, "up")) &&
	    member_int(is, "last_gap_us") != member_int(was, "last_gap_us");
}

static json_t *events(const json_t *before, const json_t *now)
{
	json_int_t at = member_int(now, "uptime_us");
	const json_t *was;
	json_t *all = json_array();
	json_t *is;
	size_t i;

	if (before == NULL)
		return all;
	json_array_foreach(json_object_get(now, "daemons"), i, is)
	{
		was = find(
		    json_object_get(before, "daemons"), is, "name", NULL, NULL);
		if (was == NULL || !took_over(was, is))
			continue;
		add_event(all, member_text(is, "name"),
		    at - member_int(is, "uptime_ms") * 1000,
		    json_integer(member_int(is, "last_gap_us")));
	}
	if (member_int(before, "supervisor_pid") !=
	    member_int(now, "supervisor_pid"))
		add_event(all, "supervisor", at, json_null());
	return all;
}

/* ---- All */

static json_t *each(const json_t *before, const json_t *now, const char *list,
    const char *const key[3], json_int_t us,
    json_t *(*make)(const json_t *was, const json_t *is, json_int_t us))
{
	json_t *all = json_array();
	size_t i;
	json_t *is;

	json_array_foreach(
	    json_object_get(now, list), i, is) json_array_append_new(all,
	    make(
		find(json_object_get(before, list), is, key[0], key[1], key[2]),
		is, us));
	return all;
}

json_t *rates_between(const json_t *before, const json_t *now)
{
	static const char *const by_name[3] = { "name" };
	static const char *const by_daemon[3] = { "daemon" };
	static const char *const by_ends[3] = { "from", "to", "kind" };
	json_int_t us =
	    member_int(now, "uptime_us") - member_int(before, "uptime_us");

	if (before != NULL && (us <= 0 || !same_text(before, now, "name")))
		before = NULL;
	if (before == NULL)
		us = 0;
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o,"
			 " s:o, s:o}",
	    "name", member_text(now, "name"), "uptime_us",
	    member_int(now, "uptime_us"), "supervisor_pid",
	    member_int(now, "supervisor_pid"), "interval_us", us, "apps",
	    (json_int_t)json_array_size(json_object_get(now, "apps")),
	    "daemons", each(before, now, "daemons", by_name, us, daemon_rates),
	    "links", each(before, now, "links", by_name, us, link_rates),
	    "rings", each(before, now, "rings", by_ends, us, ring_rates),
	    "pools", each(before, now, "pools", by_daemon, us, pool_now),
	    "drops",
	    counts(json_object_get(before, "drops"),
		json_object_get(now, "drops"), us),
	    "counters",
	    counts(json_object_get(before, "counters"),
		json_object_get(now, "counters"), us),
	    "events", events(before, now));
}
