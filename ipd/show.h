/*
 * show.h - packets in the log, field by field, at level debug
 */
#ifndef IPD_SHOW_H
#define IPD_SHOW_H

#include "ipd/ipd.h"
#include "ipd/rx.h"

/* Its IP header, which has been parsed. */
void show_rx(struct ipd *ip, const struct received *r);

/* A packet for linkd that begins at @p; what is in it has been written. */
void show_tx(struct ipd *ip, const uint8_t *p, const struct desc *d);

#endif /* IPD_SHOW_H */
