/*
 * csum.c - finishing in software what PKT_CSUM_PARTIAL leaves open
 */
#include "linkd/csum.h"

#include <errno.h>

#include "linkd/l4.h"

int csum_finish(uint8_t *header, size_t header_len, const struct span *rest,
    unsigned nrest, size_t start, size_t offset)
{
	uint32_t sum;
	size_t at;

	/* Subtractions only: all three numbers may be a neighbour's. */
	if (start > header_len || offset > header_len - start ||
	    header_len - start - offset < 2)
		return -EINVAL;

	at = header_len - start;
	sum = csum_add(0, header + start, at);
	for (unsigned i = 0; i < nrest; i++) {
		sum = csum_add_at(sum, rest[i].p, rest[i].len, at);
		at += rest[i].len;
	}
	be16_put(header + start + offset,
	    offset == UDP_CSUM ? csum_fold_udp(sum) : csum_fold(sum));
	return 0;
}
