/*
 * place.c - the next byte of an iovec
 */
#include "api/lib.h"

size_t place_left(const struct place *p)
{
	size_t sum = 0;

	for (size_t i = 0; i < p->niov; i++)
		sum += p->iov[i].iov_len;
	return sum - (p->niov > 0 ? p->off : 0);
}

uint32_t place_piece(struct place *p, uint32_t max, uint8_t **at)
{
	size_t n;

	while (p->niov > 0 && p->off == p->iov->iov_len) {
		p->iov++;
		p->niov--;
		p->off = 0;
	}
	if (p->niov == 0)
		return 0;
	n = p->iov->iov_len - p->off;
	*at = (uint8_t *)p->iov->iov_base + p->off;
	return n < max ? (uint32_t)n : max;
}
