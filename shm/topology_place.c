/*
 * topology_place.c - where in a JSON text a value stands
 *
 * The text is known to be good JSON, so the walk checks nothing but its end.
 */
#include "shm/topology_place.h"

#include <jansson.h>
#include <string.h>

struct walk {
	const char *p;
	const char *end;
};

static bool at(const struct walk *w, char c)
{
	return w->p < w->end && *w->p == c;
}

static void skip_space(struct walk *w)
{
	while (w->p < w->end && *w->p != '\0' && strchr(" \t\r\n", *w->p))
		w->p++;
}

/* From an opening quote to behind the closing one. */
static void skip_string(struct walk *w)
{
	for (w->p++; w->p < w->end && *w->p != '"'; w->p++)
		if (*w->p == '\\' && w->p + 1 < w->end)
			w->p++;
	if (w->p < w->end)
		w->p++;
}

/* To the comma or bracket behind a value, however deep the value is. */
static void skip_value(struct walk *w)
{
	size_t depth = 0;

	while (w->p < w->end) {
		if (*w->p == '"') {
			skip_string(w);
			continue;
		}
		if (*w->p == '{' || *w->p == '[') {
			depth++;
		} else if (*w->p == '}' || *w->p == ']') {
			if (depth-- == 0)
				return;
		} else if (*w->p == ',' && depth == 0) {
			return;
		}
		w->p++;
	}
}

/* True if the quoted @raw, escapes and all, means @key. */
static bool same_key(const char *raw, size_t len, const char *key)
{
	json_t *s = json_loadb(raw, len, JSON_DECODE_ANY, NULL);
	bool same = s && strcmp(json_string_value(s), key) == 0;

	json_decref(s);
	return same;
}

/* From the '{' to the value of @key; *key_at is where the key begins. */
static bool enter_member(struct walk *w, const char *key, const char **key_at)
{
	if (!at(w, '{'))
		return false;
	w->p++;
	for (skip_space(w); at(w, '"'); skip_space(w)) {
		const char *raw = w->p;
		size_t len;

		skip_string(w);
		len = (size_t)(w->p - raw);
		skip_space(w);
		if (at(w, ':'))
			w->p++;
		skip_space(w);
		if (same_key(raw, len, key)) {
			*key_at = raw;
			return true;
		}
		skip_value(w);
		if (!at(w, ','))
			return false;
		w->p++;
	}
	return false;
}

/* From the '[' to the element @index. */
static bool enter_element(struct walk *w, size_t index)
{
	if (!at(w, '['))
		return false;
	w->p++;
	skip_space(w);
	for (; index > 0; index--) {
		skip_value(w);
		if (!at(w, ','))
			return false;
		w->p++;
		skip_space(w);
	}
	return !at(w, ']');
}

static struct place place_of(const char *text, const char *p)
{
	struct place ret = { .line = 1, .column = 1 };

	for (; text < p; text++) {
		if (*text == '\n') {
			ret.line++;
			ret.column = 1;
		} else if ((*text & 0xc0) !=
		    0x80) { /* not inside a UTF-8 char */
			ret.column++;
		}
	}
	return ret;
}

struct place place_find(const char *text, size_t len,
    const struct place_step *steps, size_t nsteps, bool at_key)
{
	struct walk w = { .p = text, .end = text + len };
	const char *value, *key;

	skip_space(&w);
	value = key = w.p;
	for (size_t i = 0; i < nsteps; i++) {
		bool there = steps[i].key ? enter_member(&w, steps[i].key, &key)
					  : enter_element(&w, steps[i].index);

		if (!there)
			return place_of(text, value);
		value = w.p;
		if (!steps[i].key)
			key = value;
	}
	return place_of(text, at_key ? key : value);
}
