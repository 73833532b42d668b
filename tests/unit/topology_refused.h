/*
 * topology_refused.h - a good topology, and what is refused of it
 *
 * Every case is the good text with one thing changed; what is expected begins
 * with the line and column of that thing.
 */
#ifndef TESTS_UNIT_TOPOLOGY_REFUSED_H
#define TESTS_UNIT_TOPOLOGY_REFUSED_H

#include <stddef.h>

#include "shm/topology.h"

extern const char GOOD_TOPOLOGY[];

struct edit {
	const char *from;
	const char *to;
};

struct bad {
	struct edit edits[3]; /* in this order, the first place of each */
	const char *sentence; /* without the name of the file */
};

#define CASES(table) (table), sizeof(table) / sizeof((table)[0])

/* @text with its first @e->from made @e->to; frees @text. */
char *edited(char *text, const struct edit *e);

/* The text is refused with that sentence, and the result left alone. */
void refuses(const char *text, const char *sentence);
void refuses_all(const struct bad *cases, size_t n);

#endif /* TESTS_UNIT_TOPOLOGY_REFUSED_H */
