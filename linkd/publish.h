/*
 * publish.h - what ipd and the command line may know of links and neighbours
 */
#ifndef LINKD_PUBLISH_H
#define LINKD_PUBLISH_H

#include "linkd/linkd.h"

/* After a commit: write the table anew if it is out of date (published.h). */
void publish(struct linkd *x, struct mono now, bool force);
struct mono publish_deadline(const struct linkd *x);

/* After a commit: what has been counted of @lines of bad wires, a bit each. */
void publish_impaired(struct linkd *x, uint32_t lines);

#endif /* LINKD_PUBLISH_H */
