/*
 * scoreboard_loss.c - what is lost, and what to send next
 */
#include <stddef.h>

#include "tcpd/scoreboard.h"

/* ---- What is lost ---- */

static void lose(struct flight_run *r)
{
	r->state = LOST;
	r->twice = false;
}

/* SACKed above some byte: enough for RFC 6675's IsLost()? */
struct above {
	uint32_t runs; /* "discontiguous SACKed sequences" */
	uint64_t bytes;
};

static void count_above(struct above *s, const struct flight *f, uint32_t i)
{
	if (f->run[i].state != SACKED)
		return;
	if (i + 1 == f->n || f->run[i + 1].state != SACKED)
		s->runs++;
	s->bytes += flight_len(f, i);
}

static bool is_enough(const struct above *s, uint32_t smss)
{
	return s->runs >= SB_DUP_THRESH ||
	    s->bytes > (uint64_t)(SB_DUP_THRESH - 1) * smss;
}

bool sb_is_lost(const struct scoreboard *sb, tcp_seq seq, uint32_t smss)
{
	struct above s = { 0 };

	for (uint32_t i = sb->f.n; i > 0; i--) {
		if (seq_leq(flight_start(&sb->f, i - 1), seq))
			break;
		count_above(&s, &sb->f, i - 1);
	}
	return is_enough(&s, smss);
}

uint32_t sb_mark_by_sack(struct scoreboard *sb, uint32_t smss)
{
	struct above s = { 0 };
	uint32_t lost = 0;

	(void)flight_cut(&sb->f, seq_min(sb->high_rxt, sb_end(sb)));
	for (uint32_t i = sb->f.n; i > 0; i--) {
		struct flight_run *r = &sb->f.run[i - 1];

		count_above(&s, &sb->f, i - 1);
		if (r->state != IN_FLIGHT || !is_enough(&s, smss))
			continue;
		/* The original is lost, what was sent since is not. */
		r->twice = false;
		if (seq_leq(r->end, sb->high_rxt))
			continue;
		lost += flight_len(&sb->f, i - 1);
		lose(r);
	}
	flight_settle(&sb->f);
	return lost;
}

uint32_t sb_mark_range(struct scoreboard *sb, tcp_seq left, tcp_seq right)
{
	uint32_t lost = 0, end;

	left = seq_max(left, sb->f.una);
	right = seq_min(right, sb_end(sb));
	if (seq_geq(left, right))
		return 0;
	(void)flight_cut(&sb->f, left);
	end = flight_cut(&sb->f, right);
	for (uint32_t i = flight_cut(&sb->f, left); i < end; i++) {
		if (sb->f.run[i].state != IN_FLIGHT)
			continue;
		lost += flight_len(&sb->f, i);
		lose(&sb->f.run[i]);
	}
	flight_settle(&sb->f);
	return lost;
}

uint32_t sb_mark_by_time(struct scoreboard *sb, struct mono xmit, tcp_seq end,
    int64_t wait_ns, struct mono now, int64_t *timeout_ns)
{
	int64_t timeout = 0, remaining;
	uint32_t lost = 0;

	for (uint32_t i = 0; i < sb->f.n; i++) {
		struct flight_run *r = &sb->f.run[i];
		struct mono sent = flight_time(flight_missing(r), now);

		if (r->state != IN_FLIGHT || mono_before(xmit, sent) ||
		    (xmit.ns == sent.ns && seq_leq(end, r->end)))
			continue;
		remaining = wait_ns - mono_since(now, sent);
		if (remaining > 0) {
			timeout = remaining > timeout ? remaining : timeout;
			continue;
		}
		lost += flight_len(&sb->f, i);
		lose(r);
	}
	flight_settle(&sb->f);
	*timeout_ns = timeout;
	return lost;
}

/* All SACKs are forgotten; who has the bytes, nobody knows. */
static void forget_sacks(struct scoreboard *sb)
{
	for (uint32_t i = 0; i < sb->f.n; i++) {
		struct flight_run *r = &sb->f.run[i];

		if (r->state != SACKED)
			continue;
		lose(r);
		r->vague = true;
	}
	sb->fack = sb->f.una;
	flight_settle(&sb->f);
}

uint32_t sb_timeout(struct scoreboard *sb, uint32_t smss, int64_t wait_ns,
    bool again, struct mono now)
{
	uint32_t before = sb_lost(sb);

	if (sb->f.n == 0)
		return 0;
	if (again || sb->f.run[0].state == SACKED)
		forget_sacks(sb);
	for (uint32_t i = 0; i < sb->f.n; i++) {
		struct flight_run *r = &sb->f.run[i];
		int64_t age =
		    mono_since(now, flight_time(flight_missing(r), now));

		if (r->state == IN_FLIGHT && age >= wait_ns)
			lose(r);
	}
	(void)sb_mark_range(sb, sb->f.una, seq_add(sb->f.una, smss));
	sb->high_rxt = sb->f.una;
	sb->dup_acks = 0;
	return sb_lost(sb) - before;
}

void sb_undo(struct scoreboard *sb)
{
	for (uint32_t i = 0; i < sb->f.n; i++)
		if (sb->f.run[i].state == LOST)
			sb->f.run[i].state = IN_FLIGHT;
	flight_settle(&sb->f);
}

/* ---- What to send next ---- */

void sb_enter_recovery(struct scoreboard *sb)
{
	sb->recovery_point = sb_end(sb);
	sb->high_rxt = sb->f.una;
	sb->rescue_rxt = sb->f.una;
	sb->rescue_open = true;
}

/* From @left on, in run @i and those after it that are in state @s. */
static void extend(const struct scoreboard *sb, uint32_t i, tcp_seq left,
    uint32_t max, struct seq_range *ret)
{
	uint32_t s = sb->f.run[i].state;
	tcp_seq right;

	do {
		right = sb->f.run[i].end;
		i++;
	} while (i < sb->f.n && sb->f.run[i].state == s);
	*ret = (struct seq_range){ left, seq_min(right, seq_add(left, max)) };
}

static bool next_lost(
    const struct scoreboard *sb, uint32_t max, struct seq_range *ret)
{
	for (uint32_t i = 0; i < sb->f.n; i++) {
		if (sb->f.run[i].state != LOST)
			continue;
		extend(sb, i, flight_start(&sb->f, i), max, ret);
		return true;
	}
	return false;
}

/* Rule 3: above HighRxt, below the highest SACKed byte. */
static bool next_unsure(
    const struct scoreboard *sb, uint32_t max, struct seq_range *ret)
{
	for (uint32_t i = 0; i < sb->f.n; i++) {
		tcp_seq left = seq_max(flight_start(&sb->f, i), sb->high_rxt);

		if (seq_geq(left, sb->fack))
			break;
		if (sb->f.run[i].state != IN_FLIGHT ||
		    seq_geq(left, sb->f.run[i].end))
			continue;
		extend(sb, i, left, max, ret);
		return true;
	}
	return false;
}

bool sb_highest(
    const struct scoreboard *sb, uint32_t max, struct seq_range *ret)
{
	uint32_t i = sb->f.n;
	tcp_seq left, right;

	while (i > 0 && sb->f.run[i - 1].state == SACKED)
		i--;
	if (i == 0)
		return false;
	right = sb->f.run[i - 1].end;
	left = seq_sub(right, max);
	while (i > 0 && sb->f.run[i - 1].state != SACKED)
		i--;
	/* Run i is the first of those not SACKed below @right. */
	*ret = (struct seq_range){
		.left = seq_max(left, flight_start(&sb->f, i)),
		.right = right,
	};
	return true;
}

enum sb_rule sb_next_seg(const struct scoreboard *sb, uint32_t max,
    uint32_t unsent, bool last_resort, struct seq_range *ret)
{
	if (next_lost(sb, max, ret))
		return SB_LOST;
	if (unsent > 0) {
		tcp_seq end = sb_end(sb);
		uint32_t len = unsent < max ? unsent : max;

		*ret = (struct seq_range){ end, seq_add(end, len) };
		return SB_NEW;
	}
	if (last_resort && next_unsure(sb, max, ret))
		return SB_UNSURE;
	if (last_resort && seq_gt(sb->f.una, sb->rescue_rxt) &&
	    !sb->rescue_open && sb_highest(sb, max, ret))
		return SB_RESCUE;
	return SB_NOTHING;
}

static void note_rule(struct scoreboard *sb, tcp_seq right, enum sb_rule rule)
{
	switch (rule) {
	case SB_LOST:
	case SB_UNSURE:
		sb->high_rxt = seq_max(sb->high_rxt, right);
		/* Step 4.3: no rescue before what was sent first is there. */
		if (sb->rescue_open)
			sb->rescue_rxt = sb->high_rxt;
		sb->rescue_open = false;
		break;
	case SB_RESCUE:
		sb->rescue_rxt = sb->recovery_point;
		break;
	case SB_NOTHING:
	case SB_NEW:
	case SB_PROBE:
		break;
	}
}

void sb_resent(struct scoreboard *sb, tcp_seq left, tcp_seq right,
    enum sb_rule rule, struct mono now)
{
	uint32_t end;

	left = seq_max(left, sb->f.una);
	right = seq_min(right, sb_end(sb));
	if (seq_geq(left, right))
		return;
	(void)flight_cut(&sb->f, left);
	end = flight_cut(&sb->f, right);
	flight_resent(&sb->f, flight_cut(&sb->f, left), end, now);
	flight_settle(&sb->f);
	note_rule(sb, right, rule);
}

uint32_t sb_pipe(const struct scoreboard *sb)
{
	uint32_t pipe = 0;

	for (uint32_t i = 0; i < sb->f.n; i++)
		if (sb->f.run[i].state == IN_FLIGHT)
			pipe += flight_len(&sb->f, i) << sb->f.run[i].twice;
	return pipe;
}

uint32_t sb_retransmitted(const struct scoreboard *sb)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < sb->f.n; i++)
		if (sb->f.run[i].state == IN_FLIGHT &&
		    sb->f.run[i].retransmitted)
			bytes += flight_len(&sb->f, i);
	return bytes;
}

uint32_t sb_segs_sacked(const struct scoreboard *sb, uint32_t smss)
{
	uint64_t n = 0, bytes = 0;

	for (uint32_t i = 0; i < sb->f.n; i++) {
		if (sb->f.run[i].state != SACKED)
			continue;
		n++;
		bytes += flight_len(&sb->f, i);
	}
	if (smss > 0 && (bytes + smss - 1) / smss > n)
		n = (bytes + smss - 1) / smss;
	return (uint32_t)(n > sb->dup_acks ? n : sb->dup_acks);
}
