/*
 * ranges.c - ordered, disjoint ranges in a flat array
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "tcpd/ranges.h"

/* Replace the @old ranges from @at on by @new others, to be written there. */
static int resize(struct ranges *s, uint32_t at, uint32_t old, uint32_t new)
{
	if (s->n - old + new > RANGES_MAX)
		return -ENOSPC;
	memmove(&s->r[at + new], &s->r[at + old],
	    (s->n - at - old) * sizeof(s->r[0]));
	s->n = s->n - old + new;
	return 0;
}

int ranges_add(struct ranges *s, tcp_seq left, tcp_seq right)
{
	uint32_t first = 0, end;

	if (seq_geq(left, right))
		return 0;
	/* Those that overlap or touch become one with it. */
	while (first < s->n && seq_lt(s->r[first].right, left))
		first++;
	end = first;
	while (end < s->n && seq_leq(s->r[end].left, right))
		end++;
	if (end > first) {
		left = seq_min(left, s->r[first].left);
		right = seq_max(right, s->r[end - 1].right);
	}
	if (resize(s, first, end - first, 1) < 0)
		return -ENOSPC;
	s->r[first] = (struct seq_range){ left, right };
	return 0;
}

int ranges_remove(struct ranges *s, tcp_seq left, tcp_seq right)
{
	uint32_t first = 0, end, n = 0;
	struct seq_range keep[2];

	if (seq_geq(left, right))
		return 0;
	while (first < s->n && seq_leq(s->r[first].right, left))
		first++;
	end = first;
	while (end < s->n && seq_lt(s->r[end].left, right))
		end++;
	if (end == first)
		return 0;
	if (seq_lt(s->r[first].left, left))
		keep[n++] = (struct seq_range){ s->r[first].left, left };
	if (seq_gt(s->r[end - 1].right, right))
		keep[n++] = (struct seq_range){ right, s->r[end - 1].right };
	if (resize(s, first, end - first, n) < 0)
		return -ENOSPC;
	memcpy(&s->r[first], keep, n * sizeof(keep[0]));
	return 0;
}

void ranges_remove_below(struct ranges *s, tcp_seq below)
{
	uint32_t gone = 0;

	while (gone < s->n && seq_leq(s->r[gone].right, below))
		gone++;
	(void)resize(s, 0, gone, 0);
	if (s->n > 0 && seq_lt(s->r[0].left, below))
		s->r[0].left = below;
}

const struct seq_range *ranges_overlap(
    const struct ranges *s, tcp_seq left, tcp_seq right)
{
	uint32_t i = 0;

	while (i < s->n && seq_leq(s->r[i].right, left))
		i++;
	if (i == s->n || seq_geq(seq_max(left, s->r[i].left), right))
		return NULL;
	return &s->r[i];
}

const struct seq_range *ranges_find(const struct ranges *s, tcp_seq seq)
{
	return ranges_overlap(s, seq, seq_add(seq, 1));
}

bool ranges_gap(const struct ranges *s, tcp_seq from, struct seq_range *ret)
{
	uint32_t i = 0;

	while (i < s->n && seq_leq(s->r[i].right, from))
		i++;
	/* At most one range holds @from: the next one is beyond a gap. */
	if (i < s->n && seq_leq(s->r[i].left, from))
		from = s->r[i++].right;
	*ret = (struct seq_range){ from, i < s->n ? s->r[i].left : from };
	return i < s->n;
}

uint32_t ranges_bytes(const struct ranges *s)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < s->n; i++)
		bytes += seq_len(s->r[i].left, s->r[i].right);
	return bytes;
}
