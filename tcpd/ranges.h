/*
 * ranges.h - sets of sequence numbers as ordered, disjoint ranges
 *
 * A flat array, lowest range first; between two ranges there is always a gap of
 * at least one number, so each range is as long as it can be.  All numbers of
 * one set must lie within less than 2^31 of each other (RFC 9293, 3.4; no
 * window is that large), then their order is seq_lt() also across the wrap.
 *
 * When it is full: an operation that would need one range more than there is
 * room for changes nothing and returns -ENOSPC.  It never merges over a gap,
 * which would claim numbers that nobody added.  Whoever asked must do without:
 * a receiver drops the segment, which the sender will send again.  Adding what
 * touches a range there already, or fills a gap, always succeeds.
 */
#ifndef TCPD_RANGES_H
#define TCPD_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd/seq.h"

enum {
	RANGES_MAX = 32,
};

/* The numbers from @left up to, without, @right. */
struct seq_range {
	tcp_seq left;
	tcp_seq right;
};

/* Iterate over r[0 .. n). */
struct ranges {
	uint32_t n;
	struct seq_range r[RANGES_MAX];
};

static inline void ranges_clear(struct ranges *s)
{
	s->n = 0;
}

/* Add [left, right); an empty one is nothing.  0, or -ENOSPC. */
int ranges_add(struct ranges *s, tcp_seq left, tcp_seq right);

/* Take away [left, right).  0, or -ENOSPC if that would cut a range in two. */
int ranges_remove(struct ranges *s, tcp_seq left, tcp_seq right);

/* Take away all below @s.  Always succeeds. */
void ranges_remove_below(struct ranges *s, tcp_seq below);

/* The range which holds @seq, or NULL. */
const struct seq_range *ranges_find(const struct ranges *s, tcp_seq seq);

static inline bool ranges_contains(const struct ranges *s, tcp_seq seq)
{
	return ranges_find(s, seq) != NULL;
}

/*
 * The lowest range with a number in [left, right), or NULL; it may begin before
 * @left and end after @right.
 */
const struct seq_range *ranges_overlap(
    const struct ranges *s, tcp_seq left, tcp_seq right);

/*
 * The first gap from @from on: *@ret begins with the first number not in the
 * set, and ends where the next range begins.  False if no range follows: all
 * from ret->left on is free, ret->right is then equal to it.
 */
bool ranges_gap(const struct ranges *s, tcp_seq from, struct seq_range *ret);

/* How many numbers the set has. */
uint32_t ranges_bytes(const struct ranges *s);

#endif /* TCPD_RANGES_H */
