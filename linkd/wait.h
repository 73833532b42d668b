/*
 * wait.h - packets that wait for their neighbour's MAC
 *
 * Copies in memory that survives linkd (neighbour.h).  Once the neighbour is
 * known they go out in order; if it does not answer they go back up, so that
 * ipd can tell whoever sent them.
 */
#ifndef LINKD_WAIT_H
#define LINKD_WAIT_H

#include "linkd/batch.h"

/* Copy @p behind the packets that wait for entry @id. */
void wait_add(struct linkd *x, uint32_t id, const struct packet *p);

/* Ask, give up, forget: what the neighbour table wants done now. */
void wait_tick(struct linkd *x, struct mono now);

/* Send what can go. */
void wait_drain(struct linkd *x, struct mono now);

#endif /* LINKD_WAIT_H */
