/*
 * topology_place.h - where in a JSON text a value stands
 *
 * jansson keeps no positions.  So a mistake remembers the steps from the root
 * to its value, and this walks the text along them.  Only texts that jansson
 * has accepted are walked, and only when there is a mistake to report.
 */
#ifndef SHM_TOPOLOGY_PLACE_H
#define SHM_TOPOLOGY_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* One step down: into the member @key, or the element @index if it is NULL. */
struct place_step {
	const char *key;
	size_t index;
};

/* Both from 1; columns count characters, as jansson's do. */
struct place {
	unsigned line;
	unsigned column;
};

/*
 * Follow @steps as far as they exist in @text and say where that value begins;
 * with @at_key, where the last step's key does.
 */
struct place place_find(const char *text, size_t len,
    const struct place_step *steps, size_t nsteps, bool at_key);

#endif /* SHM_TOPOLOGY_PLACE_H */
