/*
 * rx.h - frames from the devices: ARP, NDP, or up to ipd
 */
#ifndef LINKD_RX_H
#define LINKD_RX_H

#include "linkd/linkd.h"

/* Take what the last instance left in armed slots; true once all is taken. */
bool rx_harvest(struct linkd *x, uint8_t link);

/* Read one batch of @link, if there is room for it. */
void rx_read(struct linkd *x, uint8_t link);

/* Frames of @link that come out of a bad wire now. */
void rx_due(struct linkd *x, uint8_t link);

/* A received packet, d->len bytes at @p, into a slot of its own and up. */
void rx_stage(struct linkd *x, const struct desc *d, const uint8_t *p);

/* A packet of @len bytes for ourselves, from @p, back up; false: no room. */
bool rx_loop(struct linkd *x, const struct packet *p, const struct desc *d);

#endif /* LINKD_RX_H */
