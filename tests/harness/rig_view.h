/*
 * rig_view.h - copies of a rig's memory: what a crash leaves, to be looked at
 *
 * A view costs nothing to make: its pages are those of the rig until somebody
 * writes through the view.  So a hundred recoveries can be tried on the memory
 * of one moment, and none of them is seen by the next.
 */
#ifndef TESTS_HARNESS_RIG_VIEW_H
#define TESTS_HARNESS_RIG_VIEW_H

#include "tests/harness/rig.h"

/*
 * A rig whose memory is that of @of, now and later, with no fakes attached;
 * what is written through it stays in it.
 */
struct rig *rig_view(const struct rig *of);

/* Forget what was written through @view, and its fakes. */
void rig_view_renew(struct rig *view);

/* A rig of its own that starts as @of is now, with no fakes attached. */
struct rig *rig_clone(const struct rig *of);

/*
 * The first byte from @from on at which two rigs' copies of one segment differ,
 * among those that @a has ever written; @bytes if there is none.  @fd is that
 * of @a's copy.
 */
size_t rig_differs(
    int fd, const uint8_t *a, const uint8_t *b, size_t from, size_t bytes);

#endif /* TESTS_HARNESS_RIG_VIEW_H */
