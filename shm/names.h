/*
 * names.h - the words that people read and write for our enums
 *
 * The same words stand in topology files, in the log and in `strata status`.
 * Apart from topology.c so that a daemon which names a layer in its log needs
 * no JSON.  (The levels of the log are in log.h.)
 */
#ifndef SHM_NAMES_H
#define SHM_NAMES_H

#include "shm/topology.h"

const char *layer_name(enum layer l);   /* "linkd", "ipd", ... */
const char *device_name(enum device d); /* "tap", "packet", ... */

/* The value of a word, or -ENOENT. */
int layer_by_name(const char *word);
int device_by_name(const char *word);

#endif /* SHM_NAMES_H */
