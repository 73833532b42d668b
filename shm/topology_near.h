/*
 * topology_near.h - the word somebody may have meant
 */
#ifndef SHM_TOPOLOGY_NEAR_H
#define SHM_TOPOLOGY_NEAR_H

#include <stdbool.h>

/* @words ends with NULL. */
bool has_word(const char *word, const char *const *words);

/*
 * The one of @words that is nearest to @word, at most two letters wrong,
 * missing, too many or swapped, or its end left off; NULL if none is.
 */
const char *near_word(const char *word, const char *const *words);

#endif /* SHM_TOPOLOGY_NEAR_H */
