/*
 * test_topology_schema.c - configs/topology.schema.json says what topology.c
 * does
 *
 * Walks the schema and tries what it says on the parser: the same keys, the
 * same ranges to the last number, the same defaults to the last byte.
 */
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "shm/topology.h"

/* IPv4 only, so that the smallest MTU is the schema's; no default is given. */
static const char GOOD[] =
    "{ \"name\": \"t\","
    "  \"links\": [ { \"name\": \"a\", \"device\": \"null\","
    "    \"addresses\": [ \"192.0.2.2/24\" ] } ],"
    "  \"routes\": [ { \"to\": \"default\", \"via\": \"192.0.2.1\" } ],"
    "  \"processes\": [ { \"name\": \"ipd\", \"layer\": \"ipd\" },"
    "    { \"name\": \"linkd\", \"layer\": \"linkd\" } ],"
    "  \"rings\": [ { \"from\": \"linkd\", \"to\": \"ipd\" },"
    "    { \"from\": \"ipd\", \"to\": \"linkd\" } ] }";

struct both {
	json_t *schema;
	json_t *config;
	struct topology plain; /* the config as it is */
	char error[TOPO_ERROR_LEN];
};

static int parse(struct both *b, struct topology *ret)
{
	char *text = json_dumps(b->config, 0);
	int r = topology_parse(ret, text, strlen(text), "t", b->error);

	free(text);
	return r;
}

static int setup(void **state)
{
	struct both *b = calloc(1, sizeof(*b));

	b->schema = json_load_file("configs/topology.schema.json", 0, NULL);
	b->config = json_loads(GOOD, 0, NULL);
	*state = b;
	return b->schema && b->config && parse(b, &b->plain) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	struct both *b = *state;

	json_decref(b->schema);
	json_decref(b->config);
	free(b);
	return 0;
}

/* Is @object[@key] = @value taken?  Fills @ret if so; takes it out again. */
static bool takes(struct both *b, json_t *object, const char *key,
    json_t *value, struct topology *ret)
{
	int r;

	json_object_set_new(object, key, value);
	r = parse(b, ret);
	json_object_del(object, key);
	return r == 0;
}

static void number_agrees(
    struct both *b, json_t *object, const char *key, json_t *schema)
{
	json_int_t min = json_integer_value(json_object_get(schema, "minimum"));
	json_int_t max = json_integer_value(json_object_get(schema, "maximum"));
	struct topology t;

	if (!takes(b, object, key, json_integer(min), &t))
		fail_msg("the schema's least: %s", b->error);
	if (takes(b, object, key, json_integer(min - 1), &t))
		fail_msg("%s may be less than in the schema", key);
	if (takes(b, object, key, json_integer(max + 1), &t))
		fail_msg("%s may be more than in the schema", key);
	/* No machine has the greatest CPU number. */
	if (strcmp(key, "cpu") != 0 &&
	    !takes(b, object, key, json_integer(max), &t))
		fail_msg("the schema's greatest: %s", b->error);
}

static void default_agrees(
    struct both *b, json_t *object, const char *key, json_t *schema)
{
	json_t *def = json_object_get(schema, "default");
	struct topology t;

	if (!def)
		return;
	if (!takes(b, object, key, json_incref(def), &t))
		fail_msg("the schema's default: %s", b->error);
	assert_memory_equal(&t, &b->plain, sizeof(t));
}

/* The sentence about an unknown key lists the known ones. */
static void keys_agree(struct both *b, json_t *object, json_t *properties)
{
	struct topology t;
	unsigned n = 1;
	const char *list;

	assert_false(takes(b, object, "zzzzzzzzz", json_null(), &t));
	list = strstr(b->error, "known here are");
	assert_non_null(list);
	for (const char *p = list; *p != '\0'; p++)
		n += *p == ',';
	assert_int_equal(n, json_object_size(properties));
	for (void *i = json_object_iter(properties); i;
	     i = json_object_iter_next(properties, i)) {
		char word[64];

		snprintf(word, sizeof(word), " %s", json_object_iter_key(i));
		if (!strstr(list, word))
			fail_msg("the parser has no%s", word);
	}
}

/* All but the objects in it, which have their own turn. */
static void plain_keys_agree(struct both *b, json_t *object, json_t *schema)
{
	json_t *properties = json_object_get(schema, "properties");

	assert_true(
	    json_is_false(json_object_get(schema, "additionalProperties")));
	keys_agree(b, object, properties);
	for (void *i = json_object_iter(properties); i;
	     i = json_object_iter_next(properties, i)) {
		const char *key = json_object_iter_key(i);
		json_t *p = json_object_iter_value(i);

		default_agrees(b, object, key, p);
		if (json_object_get(p, "minimum"))
			number_agrees(b, object, key, p);
	}
}

/* Objects lie at most one in another: links[0].neighbours. */
static void object_agrees(struct both *b, json_t *object, json_t *schema)
{
	json_t *properties = json_object_get(schema, "properties");

	plain_keys_agree(b, object, schema);
	for (void *i = json_object_iter(properties); i;
	     i = json_object_iter_next(properties, i)) {
		const char *key = json_object_iter_key(i);
		json_t *p = json_object_iter_value(i);

		if (!json_object_get(p, "properties"))
			continue;
		json_object_set_new(object, key, json_object());
		plain_keys_agree(b, json_object_get(object, key), p);
		json_object_del(object, key);
	}
}

static void keys_ranges_and_defaults_agree(void **state)
{
	static const struct {
		const char *def;
		const char *array;
	} parts[] = {
		{ "link", "links" },
		{ "route", "routes" },
		{ "process", "processes" },
		{ "ring", "rings" },
	};
	struct both *b = *state;
	json_t *defs = json_object_get(b->schema, "$defs");

	object_agrees(b, b->config, b->schema);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		object_agrees(b,
		    json_array_get(
			json_object_get(b->config, parts[i].array), 0),
		    json_object_get(defs, parts[i].def));
}

/* What lies deeper, and only on a device that has a wire. */
static void keys_of_a_bad_wire_agree(void **state)
{
	struct both *b = *state;
	json_t *link = json_array_get(json_object_get(b->config, "links"), 0);
	json_t *schema =
	    json_object_get(json_object_get(b->schema, "$defs"), "impair");
	json_t *way = json_object();

	json_object_set_new(link, "device", json_string("tap"));
	json_object_set_new(link, "impair", json_pack("{s:o}", "tx", way));
	assert_int_equal(parse(b, &b->plain), 0);
	plain_keys_agree(b, way, schema);
	json_object_del(link, "impair");
	json_object_set_new(link, "device", json_string("null"));
	assert_int_equal(parse(b, &b->plain), 0);
}

/* The files in configs/ by a validator that is not ours. */
static void the_schema_takes_all_our_files(void **state)
{
	char *const argv[] = { (char[]){ "python3" },
		(char[]){ "tests/unit/validate_configs.py" }, NULL };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(
	    posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* no python3-jsonschema */
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_ranges_and_defaults_agree),
		cmocka_unit_test(keys_of_a_bad_wire_agree),
		cmocka_unit_test(the_schema_takes_all_our_files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
