/*
 * reassembly_holes.c - what is missing of a datagram (RFC 815)
 */
#include "ipd/reassembly_holes.h"

void holes_init(struct holes *holes)
{
	holes->h[0] = (struct hole){ .first = 0, .last = HOLE_NO_END };
	holes->n = 1;
}

enum hole_fit holes_find(
    const struct holes *holes, uint32_t first, uint32_t last, uint32_t *hole)
{
	for (uint32_t i = 0; i < holes->n; i++) {
		const struct hole *h = &holes->h[i];

		if (last < h->first || first > h->last)
			continue;
		if (first < h->first || last > h->last)
			return HOLE_COLLIDES;
		*hole = i;
		return HOLE_FITS;
	}
	return HOLE_HAVE_ALL;
}

bool holes_fill(struct holes *holes, uint32_t hole, uint32_t first,
    uint32_t last, bool is_end)
{
	struct hole old = holes->h[hole];
	bool before = first > old.first;
	bool after = !is_end && last < old.last;

	if (holes->n - 1 + before + after > HOLES_MAX)
		return false;

	holes->n--;
	holes->h[hole] = holes->h[holes->n];
	if (before)
		holes->h[holes->n++] = (struct hole){
			.first = old.first,
			.last = (uint16_t)(first - 1),
		};
	if (after)
		holes->h[holes->n++] = (struct hole){
			.first = (uint16_t)(last + 1),
			.last = old.last,
		};
	return true;
}

bool holes_begin_at(const struct holes *holes, uint32_t first)
{
	for (uint32_t i = 0; i < holes->n; i++) {
		if (holes->h[i].first == first)
			return true;
	}
	return false;
}

static bool hole_is_sane(struct hole h, uint32_t total)
{
	if (h.first > h.last || h.first % 8 != 0)
		return false;
	if (total == 0)
		return h.last == HOLE_NO_END || (h.last + 1U) % 8 == 0;
	return h.last + 1U == total ||
	    (h.last + 1U < total && (h.last + 1U) % 8 == 0);
}

/* Is there something between the two? */
static bool apart(struct hole a, struct hole b)
{
	return a.last + 1U < b.first || b.last + 1U < a.first;
}

bool holes_are_sane(const struct holes *holes, uint32_t total)
{
	unsigned open_ends = 0;

	if (holes->n > HOLES_MAX)
		return false;
	for (uint32_t i = 0; i < holes->n; i++) {
		if (!hole_is_sane(holes->h[i], total))
			return false;
		open_ends += holes->h[i].last == HOLE_NO_END;
		for (uint32_t j = 0; j < i; j++) {
			if (!apart(holes->h[i], holes->h[j]))
				return false;
		}
	}
	return total != 0 || open_ends == 1;
}
