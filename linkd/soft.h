/*
 * soft.h - what a device without offloads needs done, or leaves undone
 *
 * A super-frame is cut, a partial checksum finished.  Payload stays where it
 * is; the device gathers it behind headers that are made here.
 */
#ifndef LINKD_SOFT_H
#define LINKD_SOFT_H

#include "linkd/batch.h"
#include "linkd/gso.h"
#include "linkd/vnet.h"

/*
 * What the kernel leaves open of the frame @eth of @len bytes without telling
 * more than that: the checksum of its TCP or UDP and, if it is longer than the
 * link's @mtu, how it is to be cut.  False if it is of no such kind.
 */
bool soft_open(struct vnet *ret, const uint8_t *eth, size_t len, uint32_t mtu);

/* Can the headers of @p be copied and completed here? */
bool soft_can(const struct packet *p);

/*
 * Copy the headers of @p to @buf, finish the checksum in them, and make @p's
 * spans what follows them.  Returns the bytes written, up to GSO_HEADER_MAX.
 */
size_t soft_checksum(uint8_t *buf, struct packet *p);

/* Cut @p; @g borrows its spans.  False if it can't be cut. */
bool soft_cut(struct gso *g, const struct packet *p);

/* Segment @k of @g: header at @buf (GSO_HEADER_MAX), its payload in @ret. */
size_t soft_segment(
    const struct gso *g, uint32_t k, uint8_t *buf, struct packet *ret);

#endif /* LINKD_SOFT_H */
