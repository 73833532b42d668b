/*
 * tapped.h - frames as they come and go, for who captures (shm/tap.h)
 *
 * All but the first two only while node_tapping().
 */
#ifndef LINKD_TAPPED_H
#define LINKD_TAPPED_H

#include "linkd/linkd.h"

/* Payload that lies in an app's ring can be shown, too. */
void tapped_attach(struct linkd *x);

/* So can what is dropped though it waited for a neighbour. */
void tapped_neighbours(struct linkd *x);

/*
 * A frame as it came, without its virtio_net_hdr: in hand.  From a bad wire it
 * comes when it comes out of that.
 */
void tapped_rx(struct linkd *x, uint8_t link, const uint8_t *frame, size_t len);

/* A frame that the device has taken, or refused for good (f->result). */
void tapped_tx(struct linkd *x, uint8_t link, const struct tx_frame *f);

/* A frame that a bad wire has lost, for @why, which is counted next. */
void tapped_lost(struct linkd *x, uint8_t link, bool tx, const struct span *s,
    uint32_t ns, uint32_t why);

/* Count @why for a packet that is dropped though it waited for @e. */
void tapped_waited(struct linkd *x, const struct neighbour *e,
    const struct neighbour_packet *p, uint32_t why);

#endif /* LINKD_TAPPED_H */
