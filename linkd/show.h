/*
 * show.h - frames in the debug log, header by header
 */
#ifndef LINKD_SHOW_H
#define LINKD_SHOW_H

#include "linkd/batch.h"

/* A frame as it came, without its virtio_net_hdr. */
void show_rx(struct linkd *x, uint8_t link, const uint8_t *frame, size_t len);

/* A frame as it goes: its Ethernet header and what follows. */
void show_tx(struct linkd *x, uint8_t link, const uint8_t eth[ETH_HDR_LEN],
    const struct packet *p);

#endif /* LINKD_SHOW_H */
