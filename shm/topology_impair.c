/*
 * topology_impair.c - what befalls the frames of a link: "impair" in the file
 *
 * Percents and milliseconds may have a fraction; inside they are whole numbers
 * of something smaller.
 */
#include "shm/topology_impair.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "shm/topology_parts.h"

#define AT(field) offsetof(struct topo_impair, field)
#define PERCENT   .max = 100, .why_max = "all frames"

static const struct key {
	struct limits limits;
	size_t at;
	uint32_t parts; /* of one; 1: whole numbers only */
} KEYS[] = {
	{ { "loss", PERCENT }, AT(loss_ppm), 10000 },
	{ { "delay_ms", .max = 10000 }, AT(delay_us), 1000 },
	{ { "jitter_ms", .max = 10000 }, AT(jitter_us), 1000 },
	{ { "rate_mbit", .max = 100000 }, AT(rate_kbit), 1000 },
	{ { "queue_bytes", .min = 2048, .max = 8 << 20 }, AT(queue_bytes), 1 },
	{ { "duplicate", PERCENT }, AT(duplicate_ppm), 10000 },
	{ { "reorder", PERCENT }, AT(reorder_ppm), 10000 },
	{ { "corrupt", PERCENT }, AT(corrupt_ppm), 10000 },
	{ { "seed", .max = UINT32_MAX }, AT(seed), 1 },
};

enum {
	NKEYS = sizeof(KEYS) / sizeof(KEYS[0]),
};

static const char *const WAY_KEYS[] = {
	"loss",
	"delay_ms",
	"jitter_ms",
	"distribution",
	"rate_mbit",
	"queue_bytes",
	"duplicate",
	"reorder",
	"corrupt",
	"seed",
	NULL,
};

static const char *const ways[] = {
	[IMPAIR_RX] = "rx",
	[IMPAIR_TX] = "tx",
	[NIMPAIR_WAYS] = NULL, /* also the keys of the object */
};

static const char *const counts[] = {
	[IMPAIRED_LOST] = "lost",
	[IMPAIRED_NO_QUEUE] = "no_queue",
	[IMPAIRED_NO_ROOM] = "no_room",
	[IMPAIRED_PASSED] = "passed",
	[IMPAIRED_DOUBLED] = "doubled",
	[IMPAIRED_REORDERED] = "reordered",
	[IMPAIRED_CORRUPTED] = "corrupted",
};

static const char *const spreads[] = {
	[IMPAIR_UNIFORM] = "uniform",
	[IMPAIR_NORMAL] = "normal",
	[IMPAIR_PARETO] = "pareto",
};

static_assert(sizeof(WAY_KEYS) / sizeof(WAY_KEYS[0]) == NKEYS + 2,
    "the distribution, and the end");
static_assert(
    sizeof(spreads) / sizeof(spreads[0]) == NIMPAIR_SPREADS, "each its name");
static_assert(sizeof(counts) / sizeof(counts[0]) == NIMPAIRED, "each its name");

const char *impair_way_name(enum impair_way w)
{
	return w < NIMPAIR_WAYS ? ways[w] : "?";
}

int impair_way_by_name(const char *word)
{
	for (int w = 0; w < NIMPAIR_WAYS; w++)
		if (strcmp(ways[w], word) == 0)
			return w;
	return -ENOENT;
}

static int spread_by_name(const char *word)
{
	for (int i = 0; i < NIMPAIR_SPREADS; i++)
		if (strcmp(spreads[i], word) == 0)
			return i;
	return -ENOENT;
}

static uint32_t *field(struct topo_impair *c, const struct key *k)
{
	return (uint32_t *)(void *)((char *)c + k->at);
}

struct topo_impair impair_none(void)
{
	return (struct topo_impair){ .queue_bytes = 131072, .seed = 1 };
}

void impair_read_way(struct reader *r, struct topo_impair *c)
{
	if (!reader_object(r, WAY_KEYS))
		return;
	for (size_t i = 0; i < NKEYS; i++) {
		uint32_t *f = field(c, &KEYS[i]);

		*f = (uint32_t)reader_parts(
		    r, &KEYS[i].limits, KEYS[i].parts, *f);
	}
	c->distribution = (uint32_t)reader_choice(r, "distribution",
	    spread_by_name, "uniform, normal, pareto", (int)c->distribution);
}

void impair_read(struct reader *r, struct topo_impair c[NIMPAIR_WAYS])
{
	for (int w = 0; w < NIMPAIR_WAYS; w++)
		c[w] = impair_none();
	if (!reader_enter(r, "impair"))
		return;
	if (reader_object(r, ways)) {
		for (int w = 0; w < NIMPAIR_WAYS; w++) {
			if (!reader_enter(r, ways[w]))
				continue;
			impair_read_way(r, &c[w]);
			reader_leave(r);
		}
	}
	reader_leave(r);
}

int impair_parse(struct topo_impair *c, json_t *keys, char *error)
{
	struct reader r = { .error = error, .values = { keys } };
	struct topo_impair all = *c;

	error[0] = '\0';
	impair_read_way(&r, &all);
	if (r.err == 0)
		*c = all;
	return r.err;
}

const char *impair_count_name(enum impair_count what)
{
	return what < NIMPAIRED ? counts[what] : "?";
}

json_t *impair_json(const struct topo_impair *c)
{
	struct topo_impair copy = *c;
	json_t *o = json_object();

	for (size_t i = 0; i < NKEYS; i++) {
		uint32_t v = *field(&copy, &KEYS[i]);
		uint32_t parts = KEYS[i].parts;

		json_object_set_new(o, KEYS[i].limits.key,
		    v % parts == 0 ? json_integer(v / parts)
				   : json_real((double)v / parts));
	}
	json_object_set_new(o, "distribution",
	    json_string(c->distribution < NIMPAIR_SPREADS
		    ? spreads[c->distribution]
		    : "?"));
	return o;
}
