/*
 * tx.h - packets from ipd: to a neighbour, to a group, or back to ourselves
 */
#ifndef LINKD_TX_H
#define LINKD_TX_H

#include "linkd/linkd.h"

/* One bounded look at each ring from ipd. */
void tx_rings(struct linkd *x);

#endif /* LINKD_TX_H */
