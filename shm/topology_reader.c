/*
 * topology_reader.c - reading a topology's JSON, every mistake with its place
 */
#include "shm/topology_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shm/topology_near.h"

/* A sentence is built piece by piece; what is too much is cut off. */
struct sentence {
	char *buf;
	size_t used;
};

__attribute__((format(printf, 2, 0))) static void say_v(
    struct sentence *s, const char *fmt, va_list ap)
{
	size_t room = TOPO_ERROR_LEN - s->used;
	int n = vsnprintf(s->buf + s->used, room, fmt, ap);

	if (n > 0)
		s->used += (size_t)n < room ? (size_t)n : room - 1;
}

__attribute__((format(printf, 2, 3))) static void say(
    struct sentence *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_v(s, fmt, ap);
	va_end(ap);
}

/* What the file says goes to a terminal: no newlines, no escapes. */
static void make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

/* "tap.json:12:17: links[0].mtu: "; without a text only the path. */
static void say_place(struct sentence *s, const struct reader *r,
    const struct place_step *steps, unsigned nsteps, bool at_key)
{
	if (r->text != NULL) {
		struct place p =
		    place_find(r->text, r->len, steps, nsteps, at_key);

		say(s, "%s:%u:%u: ", r->name, p.line, p.column);
	}
	for (unsigned i = 0; i < nsteps; i++) {
		if (!steps[i].key)
			say(s, "[%zu]", steps[i].index);
		else
			say(s, "%s%.40s", i ? "." : "", steps[i].key);
	}
	if (nsteps > 0)
		say(s, ": ");
}

__attribute__((format(printf, 5, 0))) static void fail_v(struct reader *r,
    const struct place_step *steps, unsigned nsteps, bool at_key,
    const char *fmt, va_list ap)
{
	struct sentence s = { .buf = r->error };

	if (r->err < 0)
		return;
	r->err = -EINVAL;
	say_place(&s, r, steps, nsteps, at_key);
	say_v(&s, fmt, ap);
	make_printable(r->error);
}

void reader_fail(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_v(r, r->steps, r->depth, false, fmt, ap);
	va_end(ap);
}

/* A mistake in the key where the reader stands, not in its value. */
__attribute__((format(printf, 2, 3))) static void fail_key(
    struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_v(r, r->steps, r->depth, true, fmt, ap);
	va_end(ap);
}

void reader_fail_at(struct reader *r, const char *array, size_t i,
    const char *key, const char *fmt, ...)
{
	struct place_step steps[] = {
		{ .key = array },
		{ .index = i },
		{ .key = key },
	};
	va_list ap;

	va_start(ap, fmt);
	fail_v(r, steps, key ? 3 : 2, false, fmt, ap);
	va_end(ap);
}

static json_t *here(const struct reader *r)
{
	return r->values[r->depth];
}

static void step_down(struct reader *r, struct place_step step, json_t *value)
{
	r->steps[r->depth++] = step;
	r->values[r->depth] = value;
}

void reader_leave(struct reader *r)
{
	r->depth--;
}

bool reader_enter(struct reader *r, const char *key)
{
	json_t *value = json_object_get(here(r), key);

	if (r->err < 0 || !value)
		return false;
	step_down(r, (struct place_step){ .key = key }, value);
	return true;
}

bool reader_need(struct reader *r, const char *key)
{
	if (!json_object_get(here(r), key))
		reader_fail(r, "the key \"%s\" is missing", key);
	return reader_enter(r, key);
}

static const char *type_name(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

static bool must_be(struct reader *r, bool is, const char *what)
{
	if (!is)
		reader_fail(r, "must be %s, not %s", what, type_name(here(r)));
	return is && r->err == 0;
}

static void fail_unknown(
    struct reader *r, const char *key, const char *const *keys)
{
	const char *near = near_word(key, keys);
	struct sentence s = { .buf = (char[TOPO_ERROR_LEN]){ 0 } };

	if (near) {
		say(&s, "did you mean \"%s\"?", near);
	} else {
		say(&s, "known here are");
		for (size_t i = 0; keys[i]; i++)
			say(&s, "%s %s", i ? "," : "", keys[i]);
	}
	step_down(r, (struct place_step){ .key = key }, NULL);
	fail_key(r, "unknown key; %s", s.buf);
	reader_leave(r);
}

bool reader_object(struct reader *r, const char *const *keys)
{
	json_t *object = here(r);

	if (!must_be(r, json_is_object(object), "an object"))
		return false;
	for (void *i = json_object_iter(object); i && r->err == 0;
	     i = json_object_iter_next(object, i))
		if (!has_word(json_object_iter_key(i), keys))
			fail_unknown(r, json_object_iter_key(i), keys);
	return r->err == 0;
}

static bool array_count_ok(struct reader *r, bool needed, size_t max)
{
	size_t n = json_array_size(here(r));

	if (!must_be(r, json_is_array(here(r)), "an array"))
		return false;
	if (n == 0)
		reader_fail(r, "is empty%s",
		    needed ? "" : "; leave the key out instead");
	else if (n > max)
		reader_fail(
		    r, "%zu entries are too many, the most is %zu", n, max);
	return r->err == 0;
}

void reader_array(struct reader *r, const char *key, bool needed, size_t max,
    void (*element)(struct reader *, struct topology *), struct topology *t)
{
	if (!(needed ? reader_need(r, key) : reader_enter(r, key)))
		return;
	if (array_count_ok(r, needed, max)) {
		size_t n = json_array_size(here(r));

		for (size_t i = 0; i < n && r->err == 0; i++) {
			step_down(r, (struct place_step){ .index = i },
			    json_array_get(here(r), i));
			element(r, t);
			reader_leave(r);
		}
	}
	reader_leave(r);
}

const char *reader_text(struct reader *r)
{
	if (!must_be(r, json_is_string(here(r)), "a string"))
		return "";
	return json_string_value(here(r));
}

static void check_limits(struct reader *r, const struct limits *l, int64_t v)
{
	if (v < l->min)
		reader_fail(r, "%lld is below %lld, %s", (long long)v,
		    (long long)l->min,
		    l->why_min ? l->why_min : "the smallest allowed");
	else if (v > l->max)
		reader_fail(r, "%lld is above %lld, %s", (long long)v,
		    (long long)l->max,
		    l->why_max ? l->why_max : "the largest allowed");
}

int64_t reader_number(struct reader *r, const struct limits *l, int64_t def)
{
	int64_t v = def;

	if (!reader_enter(r, l->key))
		return def;
	if (must_be(r, json_is_integer(here(r)), "a whole number")) {
		v = json_integer_value(here(r));
		check_limits(r, l, v);
	}
	reader_leave(r);
	return r->err < 0 ? def : v;
}

/* "2.5 is above 2, ..." */
static void check_limits_of_real(
    struct reader *r, const struct limits *l, double v)
{
	if (v < (double)l->min)
		reader_fail(r, "%g is below %lld, %s", v, (long long)l->min,
		    l->why_min ? l->why_min : "the smallest allowed");
	else if (!(v <= (double)l->max))
		reader_fail(r, "%g is above %lld, %s", v, (long long)l->max,
		    l->why_max ? l->why_max : "the largest allowed");
}

int64_t reader_parts(
    struct reader *r, const struct limits *l, uint32_t parts, int64_t def)
{
	double v = 0;

	if (parts == 1)
		return reader_number(r, l, def);
	if (!reader_enter(r, l->key))
		return def;
	if (must_be(r, json_is_number(here(r)), "a number")) {
		v = json_number_value(here(r));
		check_limits_of_real(r, l, v);
	}
	reader_leave(r);
	return r->err < 0 ? def : (int64_t)(v * parts + 0.5);
}

bool reader_bool(struct reader *r, const char *key, bool def)
{
	bool v = def;

	if (!reader_enter(r, key))
		return def;
	if (must_be(r, json_is_boolean(here(r)), "true or false"))
		v = json_is_true(here(r));
	reader_leave(r);
	return v;
}

void reader_name(struct reader *r, const char *key, char ret[TOPO_NAME_LEN])
{
	static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *s;

	if (!reader_need(r, key))
		return;
	s = reader_text(r);
	if (r->err < 0)
		;
	else if (*s == '\0')
		reader_fail(r, "a name must not be empty");
	else if (strlen(s) >= TOPO_NAME_LEN)
		reader_fail(r, "\"%.40s\" is longer than %d characters", s,
		    TOPO_NAME_LEN - 1);
	else if (s[strspn(s, LETTERS)] != '\0')
		reader_fail(r, "\"%s\": a name has only a-z, 0-9 and -", s);
	else if (*s == '-')
		reader_fail(r, "\"%s\": a name must not begin with -", s);
	else
		memcpy(ret, s, strlen(s) + 1);
	reader_leave(r);
}

int reader_choice(struct reader *r, const char *key,
    int (*by_name)(const char *), const char *all, int def)
{
	int v = def < 0 ? 0 : def;
	const char *s;

	if (!(def < 0 ? reader_need(r, key) : reader_enter(r, key)))
		return v;
	s = reader_text(r);
	if (r->err == 0) {
		int known = by_name(s);

		if (known < 0)
			reader_fail(r, "\"%.40s\" is not one of %s", s, all);
		else
			v = known;
	}
	reader_leave(r);
	return v;
}
