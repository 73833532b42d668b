/*
 * sack_rx.c - the receiver's blocks, newest first
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "tcpd/sack_rx.h"

void sack_rx_init(struct sack_rx *s)
{
	*s = (struct sack_rx){ 0 };
}

static void note_dsack(struct sack_rx *s, tcp_seq left, tcp_seq right)
{
	if (s->has_dsack || seq_geq(left, right))
		return;
	s->dsack = (struct seq_range){ left, right };
	s->has_dsack = true;
}

/*
 * RFC 2883, 4.2: of several duplicate parts of a segment the first one: what is
 * below rcv_nxt, else what overlaps the lowest block.
 */
static void note_duplicate_part(
    struct sack_rx *s, tcp_seq rcv_nxt, tcp_seq left, tcp_seq right)
{
	const struct seq_range *r;

	if (seq_lt(left, rcv_nxt)) {
		note_dsack(s, left, seq_min(right, rcv_nxt));
		return;
	}
	r = ranges_overlap(&s->ooo, left, right);
	if (r != NULL)
		note_dsack(s, seq_max(left, r->left), seq_min(right, r->right));
}

/* The block with @seq is now the newest; those it swallowed are no more. */
static void note_newest(struct sack_rx *s, tcp_seq seq)
{
	const struct seq_range *block = ranges_find(&s->ooo, seq);
	tcp_seq recent[TCP_MAX_SACK];
	uint8_t n = 0;

	recent[n++] = seq;
	for (uint8_t i = 0; i < s->nrecent && n < TCP_MAX_SACK; i++) {
		const struct seq_range *r = ranges_find(&s->ooo, s->recent[i]);

		if (r != NULL && r != block)
			recent[n++] = s->recent[i];
	}
	memcpy(s->recent, recent, n * sizeof(recent[0]));
	s->nrecent = n;
}

/* Everything up to @right is there: go on to the end of what follows. */
static tcp_seq advance(struct sack_rx *s, tcp_seq right)
{
	ranges_remove_below(&s->ooo, right);
	if (s->ooo.n > 0 && seq_eq(s->ooo.r[0].left, right))
		right = s->ooo.r[0].right;
	ranges_remove_below(&s->ooo, right);
	return right;
}

int sack_rx_arrived(
    struct sack_rx *s, tcp_seq *rcv_nxt, tcp_seq left, tcp_seq right)
{
	if (!sack_rx_has_room(s, *rcv_nxt, left, right))
		return -ENOSPC;
	note_duplicate_part(s, *rcv_nxt, left, right);
	if (seq_leq(left, *rcv_nxt)) {
		if (seq_gt(right, *rcv_nxt))
			*rcv_nxt = advance(s, right);
	} else if (seq_lt(left, right)) {
		(void)ranges_add(&s->ooo, left, right);
		note_newest(s, left);
	}
	return 0;
}

bool sack_rx_has_room(
    const struct sack_rx *s, tcp_seq rcv_nxt, tcp_seq left, tcp_seq right)
{
	if (s->ooo.n < RANGES_MAX || seq_leq(left, rcv_nxt))
		return true;
	/* Full; it fits if it overlaps or touches a block. */
	return ranges_overlap(&s->ooo, seq_sub(left, 1), seq_add(right, 1)) !=
	    NULL;
}

void sack_rx_duplicate(struct sack_rx *s, tcp_seq left, tcp_seq right)
{
	note_dsack(s, left, right);
}

struct blocks {
	struct tcp_sack *to;
	uint32_t n;
	uint32_t max;
	uint32_t first; /* those before are DSACK and may be repeated */
};

static void put(struct blocks *b, const struct seq_range *r)
{
	if (r == NULL || b->n == b->max)
		return;
	for (uint32_t i = b->first; i < b->n; i++)
		if (seq_eq(b->to[i].left, r->left))
			return;
	b->to[b->n++] = (struct tcp_sack){ r->left, r->right };
}

uint32_t sack_rx_take(
    struct sack_rx *s, struct tcp_sack *ret, uint32_t max, bool dsack)
{
	struct blocks b = { .to = ret, .max = max };

	if (s->has_dsack && dsack && max > 0) {
		put(&b, &s->dsack);
		b.first = 1;
		/* Rule 4: then the block that the duplicate is part of. */
		put(&b, ranges_find(&s->ooo, s->dsack.left));
	}
	s->has_dsack = false;
	for (uint8_t i = 0; i < s->nrecent; i++)
		put(&b, ranges_find(&s->ooo, s->recent[i]));
	/* "As many distinct SACK blocks as possible." */
	for (uint32_t i = 0; i < s->ooo.n && b.n < b.max; i++)
		put(&b, &s->ooo.r[i]);
	return b.n;
}
