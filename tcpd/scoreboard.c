/*
 * scoreboard.c - what is sent, and what an ACK says about it
 */
#include <stddef.h>

#include "tcpd/scoreboard.h"

void sb_init(struct scoreboard *sb, tcp_seq una)
{
	*sb = (struct scoreboard){
		.f = { .una = una, .latest = una },
		.fack = una,
		.high_rxt = una,
		.rescue_rxt = una,
		.recovery_point = una,
	};
}

void sb_sent(
    struct scoreboard *sb, uint32_t len, struct mono now, int64_t quantum_ns)
{
	if (len == 0)
		return;
	sb->f.quantum = quantum_ns < (int64_t)FLIGHT_SPREAD_MAX << 10
	    ? (uint32_t)(quantum_ns >> 10)
	    : FLIGHT_SPREAD_MAX;
	flight_append(&sb->f, seq_add(sb_end(sb), len), now);
	flight_settle(&sb->f);
}

/* ---- An ACK ---- */

bool sb_find_dsack(struct seq_range *ret, tcp_seq ack,
    const struct tcp_sack *sack, uint32_t nsack)
{
	bool below, inside;

	if (nsack == 0 || seq_geq(sack[0].left, sack[0].right))
		return false;
	/* "The cumulative ACK which is carried IN THE SAME PACKET." */
	below = seq_leq(sack[0].right, ack);
	inside = nsack > 1 && seq_geq(sack[0].left, sack[1].left) &&
	    seq_leq(sack[0].right, sack[1].right);
	if (!below && !inside)
		return false;
	*ret = (struct seq_range){ sack[0].left, sack[0].right };
	return true;
}

static bool sent_after(
    struct mono t1, tcp_seq seq1, struct mono t2, tcp_seq seq2)
{
	return mono_before(t2, t1) || (t1.ns == t2.ns && seq_gt(seq1, seq2));
}

static void note_sent_at(struct sb_sent_at *s, struct mono xmit, tcp_seq end)
{
	if (s->known && !sent_after(xmit, end, s->xmit, s->end))
		return;
	*s = (struct sb_sent_at){ true, xmit, end };
}

/* What an ACK is read with. */
struct reading {
	const struct sb_ack *a;
	tcp_seq fack; /* from before it */
	struct sb_news *news;
};

/*
 * RFC 8985, 6.2, step 2: might the original have caused this ACK?  The RFC asks
 * TSecr for SACKed bytes as well.  But a receiver echoes the last segment in
 * sequence (RFC 7323, 4.3), so beyond a gap each TSecr is old, and the lost
 * retransmission of its figure 1 would never be found.  Hence only
 * @in_sequence.
 */
static bool is_doubtful(const struct flight_run *r, const struct sb_ack *a,
    struct mono xmit, bool in_sequence)
{
	if (!r->retransmitted)
		return false;
	return (in_sequence && mono_reached(a->echoed_before, xmit)) ||
	    mono_since(a->now, xmit) < a->min_rtt_ns;
}

/* Run @i, not SACKed before, has arrived. */
static void note_delivered(
    struct reading *rd, const struct flight *f, uint32_t i, bool in_sequence)
{
	const struct flight_run *r = &f->run[i];
	struct mono xmit = flight_time(flight_delivered(r), rd->a->now);

	if (r->vague)
		return;
	if (!is_doubtful(r, rd->a, xmit, in_sequence))
		note_sent_at(&rd->news->last, xmit, r->end);
	if (r->retransmitted)
		return;
	rd->news->original = true;
	if (seq_lt(r->end, rd->fack) &&
	    rd->news->reordered < seq_len(flight_start(f, i), rd->fack))
		rd->news->reordered = seq_len(flight_start(f, i), rd->fack);
}

/* Karn: the bytes of runs [0, n) were acknowledged in sequence. */
static void note_rtt(struct reading *rd, const struct flight *f, uint32_t n)
{
	struct mono now = rd->a->now;

	for (uint32_t i = 0; i < n; i++) {
		const struct flight_run *r = &f->run[i];

		if (r->retransmitted || r->vague || r->state == SACKED)
			return;
	}
	for (uint32_t i = 0; i < n; i++)
		note_sent_at(&rd->news->rtt_last,
		    flight_time(flight_delivered(&f->run[i]), now),
		    f->run[i].end);
	if (n > 0)
		rd->news->rtt_first = (struct sb_sent_at){
			.known = true,
			.xmit =
			    flight_time(f->run[0].sent - f->run[0].spread, now),
			.end = f->run[0].end,
		};
}

static void take_ack(struct scoreboard *sb, struct reading *rd)
{
	tcp_seq ack = rd->a->ack;
	uint32_t n = flight_cut(&sb->f, ack);

	rd->news->acked = seq_len(sb->f.una, ack);
	note_rtt(rd, &sb->f, n);
	for (uint32_t i = 0; i < n; i++)
		if (sb->f.run[i].state != SACKED)
			note_delivered(rd, &sb->f, i, true);
	flight_drop(&sb->f, n);
	if (rd->news->acked > 0)
		sb->dup_acks = 0;
	sb->fack = seq_max(sb->fack, ack);
	sb->high_rxt = seq_max(sb->high_rxt, ack);
}

static void take_block(
    struct scoreboard *sb, struct reading *rd, const struct tcp_sack *b)
{
	tcp_seq left = seq_max(b->left, sb->f.una);
	uint32_t end;

	/* What was never sent, or is no range, is a lie or garbage. */
	if (seq_geq(b->left, b->right) || seq_gt(b->right, sb_end(sb)) ||
	    seq_geq(left, b->right))
		return;
	(void)flight_cut(&sb->f, left);
	end = flight_cut(&sb->f, b->right);
	for (uint32_t i = flight_cut(&sb->f, left); i < end; i++) {
		struct flight_run *r = &sb->f.run[i];

		if (r->state == SACKED)
			continue;
		note_delivered(rd, &sb->f, i, false);
		rd->news->sacked += flight_len(&sb->f, i);
		r->state = SACKED;
		r->twice = false;
	}
	flight_settle(&sb->f);
	sb->fack = seq_max(sb->fack, b->right);
}

void sb_ack(struct scoreboard *sb, const struct sb_ack *a, struct sb_news *ret)
{
	struct reading rd = { .a = a, .fack = sb->fack, .news = ret };
	uint32_t before = sb_sacked(sb), after;

	*ret = (struct sb_news){ 0 };
	if (seq_lt(a->ack, sb->f.una) || seq_gt(a->ack, sb_end(sb)))
		return;
	ret->dsack = sb_find_dsack(&ret->duplicate, a->ack, a->sack, a->nsack);
	take_ack(sb, &rd);
	for (uint32_t i = ret->dsack ? 1 : 0; i < a->nsack; i++)
		take_block(sb, &rd, &a->sack[i]);
	flight_settle(&sb->f);

	after = sb_sacked(sb);
	if (ret->acked + after > before)
		ret->delivered = ret->acked + after - before;
	ret->dup_ack = ret->sacked > 0;
	if (ret->dup_ack && sb->dup_acks < UINT8_MAX)
		sb->dup_acks++;
	ret->reneged = sb->f.n > 0 && sb->f.run[0].state == SACKED;
}
