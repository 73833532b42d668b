/*
 * metrics_text.c - families of numbers as OpenMetrics text
 */
#include <stdbool.h>
#include <string.h>

#include "api/command/member.h"
#include "api/command/metrics.h"

/* ---- A family */

static const char *unit_of(const char *name)
{
	static const char *const units[] = { "seconds", "bytes" };
	const char *last = strrchr(name, '_');

	for (size_t i = 0; last != NULL && i < sizeof(units) / sizeof(*units);
	     i++)
		if (strcmp(last + 1, units[i]) == 0)
			return units[i];
	return NULL;
}

json_t *metrics_family(
    json_t *all, const char *name, const char *type, const char *help)
{
	const char *unit = unit_of(name);
	json_t *metrics = json_array();
	json_t *f = json_pack("{s:s, s:s}", "name", name, "type", type);

	if (unit != NULL)
		json_object_set_new(f, "unit", json_string(unit));
	json_object_set_new(f, "help", json_string(help));
	json_object_set_new(f, "metrics", metrics);
	json_array_append_new(all, f);
	return metrics;
}

void metrics_add(json_t *metrics, json_t *labels, double value)
{
	json_int_t whole = (json_int_t)value;

	json_array_append_new(metrics,
	    json_pack("{s:o, s:o}", "labels", labels, "value",
		(double)whole == value ? json_integer(whole)
				       : json_real(value)));
}

/* ---- As text */

/* In a help text and in a label's value, which alone is in quotes. */
static void print_escaped(FILE *to, const char *s, bool quoted)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			fputs("\\n", to);
		else if (*s == '\\' || (quoted && *s == '"'))
			fprintf(to, "\\%c", *s);
		else
			fputc(*s, to);
	}
}

static void print_head(FILE *to, const json_t *f)
{
	const char *name = member_text(f, "name");
	const char *unit = member_text(f, "unit");

	fprintf(to, "# TYPE %s %s\n", name, member_text(f, "type"));
	if (*unit != '\0')
		fprintf(to, "# UNIT %s %s\n", name, unit);
	fprintf(to, "# HELP %s ", name);
	print_escaped(to, member_text(f, "help"), false);
	fputc('\n', to);
}

/* @le: of a bucket, or NULL. */
static void print_labels(FILE *to, const json_t *m, const char *le)
{
	const char *key;
	json_t *value;
	char before = '{';

	json_object_foreach(json_object_get(m, "labels"), key, value)
	{
		fprintf(to, "%c%s=\"", before, key);
		print_escaped(to, json_string_value(value), true);
		fputc('"', to);
		before = ',';
	}
	if (le != NULL)
		fprintf(to, "%cle=\"%s\"", before, le);
	if (le != NULL || before == ',')
		fputc('}', to);
}

static void print_sample(FILE *to, const char *name, const char *suffix,
    const json_t *m, const char *le, double value)
{
	fprintf(to, "%s%s", name, suffix);
	print_labels(to, m, le);
	fprintf(to, " %.15g\n", value);
}

static void print_histogram(FILE *to, const char *name, const json_t *m)
{
	const char *le;
	json_t *n;

	json_object_foreach(json_object_get(m, "buckets"), le, n)
	    print_sample(to, name, "_bucket", m, le, json_number_value(n));
	print_sample(to, name, "_count", m, NULL, member_real(m, "count"));
	print_sample(to, name, "_sum", m, NULL, member_real(m, "sum"));
}

static void print_family(FILE *to, const json_t *f)
{
	const char *name = member_text(f, "name");
	const char *suffix = "";
	json_t *m;
	size_t i;

	if (member_is(f, "type", "counter"))
		suffix = "_total";
	else if (member_is(f, "type", "info"))
		suffix = "_info";
	print_head(to, f);
	json_array_foreach(json_object_get(f, "metrics"), i, m)
	{
		if (member_is(f, "type", "histogram"))
			print_histogram(to, name, m);
		else
			print_sample(
			    to, name, suffix, m, NULL, member_real(m, "value"));
	}
}

void metrics_print(FILE *to, const json_t *all)
{
	json_t *f;
	size_t i;

	json_array_foreach(all, i, f) print_family(to, f);
	fprintf(to, "# EOF\n");
}
