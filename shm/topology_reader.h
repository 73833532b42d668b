/*
 * topology_reader.h - reading a topology's JSON, every mistake with its place
 *
 * A reader stands at one value of the file.  reader_enter() steps down into a
 * member, reader_leave() back up.  The first mistake sticks: it writes its
 * sentence, and from then on nothing can be entered and every number reads as
 * its default.  So the code that reads an object is a list of its keys, and
 * looks for an error once, at the end.
 */
#ifndef SHM_TOPOLOGY_READER_H
#define SHM_TOPOLOGY_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/topology.h"
#include "shm/topology_place.h"

enum {
	READER_DEPTH = 8, /* links[0].neighbours.delay_ms takes four */
};

struct reader {
	const char *text; /* the whole file, for line and column; or NULL */
	size_t len;
	const char *name; /* of the file, in sentences */
	char *error;      /* TOPO_ERROR_LEN bytes */
	int err;          /* 0, or why everything has stopped */
	unsigned depth;
	struct place_step steps[READER_DEPTH];
	json_t *values[READER_DEPTH + 1]; /* [0]: the root; [depth]: here */
};

/* What a number may be; the reasons are printed if it is not, or NULL. */
struct limits {
	const char *key;
	int64_t min;
	int64_t max;
	const char *why_min;
	const char *why_max;
};

/* A mistake in the value where the reader stands. */
void reader_fail(struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A mistake seen afterwards, in @key (or NULL) of element @i of @array. */
void reader_fail_at(struct reader *r, const char *array, size_t i,
    const char *key, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Step into a member.  False if it is not there, or after a mistake. */
bool reader_enter(struct reader *r, const char *key);

/* The same; that it is not there is a mistake. */
bool reader_need(struct reader *r, const char *key);

void reader_leave(struct reader *r);

/* Here must be an object with no keys but @keys (NULL at the end). */
bool reader_object(struct reader *r, const char *const *keys);

/*
 * Call @element at each element of the array @key, 1 to @max of them.  Without
 * @needed the key may be absent.
 */
void reader_array(struct reader *r, const char *key, bool needed, size_t max,
    void (*element)(struct reader *, struct topology *), struct topology *t);

/* The string here; "" after a mistake. */
const char *reader_text(struct reader *r);

int64_t reader_number(struct reader *r, const struct limits *l, int64_t def);

/* One that may have a fraction, in whole parts: of 1000, 2.5 is 2500. */
int64_t reader_parts(
    struct reader *r, const struct limits *l, uint32_t parts, int64_t def);
bool reader_bool(struct reader *r, const char *key, bool def);

/* A needed name of ours: 1 to 15 of a-z, 0-9 and '-'; not '-' first. */
void reader_name(struct reader *r, const char *key, char ret[TOPO_NAME_LEN]);

/*
 * One word of an enum; @by_name gives its value, @all lists them for the
 * sentence.  A negative @def means that the key is needed.
 */
int reader_choice(struct reader *r, const char *key,
    int (*by_name)(const char *), const char *all, int def);

#endif /* SHM_TOPOLOGY_READER_H */
