/*
 * segment.h - a piece of shared memory: a sealed memfd, made or mapped
 *
 * The supervisor makes them, of mode 0600 and sealed against shrinking and
 * growing: touching a page that a neighbour has truncated away is SIGBUS, and
 * it would be ours to die of.  Writing is not sealed (F_SEAL_FUTURE_WRITE would
 * shut out the writer's own next instance); a process that may only read gets a
 * descriptor opened read-only instead.
 *
 * All functions return a negative errno on failure.
 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A new segment of @bytes, all zero, to which nobody can add another seal: an
 * app could shut out our writers with one.  Returns its fd (close-on-exec).
 */
int segment_make(const char *name, size_t bytes);

/* A new segment that holds the @bytes at @p, and that nobody can ever write. */
int segment_make_frozen(const char *name, const void *p, size_t bytes);

/* A second descriptor of @fd through which nobody can write. */
int segment_readonly(int fd);

/*
 * Map @fd, which must be sealed and of at least @bytes; its pages are left out
 * of core dumps (they would delay a restart by seconds).
 */
int segment_map(void **ret, int fd, size_t bytes, bool writable);
void segment_unmap(void *p, size_t bytes);

#endif /* SHM_SEGMENT_H */
