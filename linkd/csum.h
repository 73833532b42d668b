/*
 * csum.h - finishing in software what PKT_CSUM_PARTIAL leaves open
 */
#ifndef LINKD_CSUM_H
#define LINKD_CSUM_H

#include <stddef.h>
#include <stdint.h>

#include "linkd/span.h"

/*
 * Complete the checksum of a packet whose first @header_len bytes are at
 * @header and whose others are in @rest.
 *
 * The sum runs from @start to the end of the packet; its field, @offset after
 * @start, lies within the header and holds the sum of the pseudo header.  Zero
 * is written as 0xffff for UDP, which is known by its offset of 6 (RFC 768).
 * -EINVAL if the field is not within the header; then nothing is written.
 */
int csum_finish(uint8_t *header, size_t header_len, const struct span *rest,
    unsigned nrest, size_t start, size_t offset);

#endif /* LINKD_CSUM_H */
