/*
 * rack.c - RACK: what was sent before what has arrived, and is overdue
 */
#include "tcpd/rack.h"

void rack_init(struct rack *r)
{
	*r = (struct rack){ .reo_wnd_mult = 1 };
}

/* RACK_update() and RACK_detect_reordering(): sb_ack() did the looking. */
static void update_segment(
    struct rack *r, const struct sb_news *news, struct mono now)
{
	const struct sb_sent_at *s = &news->last;

	if (news->reordered > 0)
		r->reordering_seen = true;
	if (!s->known)
		return;
	if (r->rtt_ns == 0 || mono_before(r->xmit_ts, s->xmit) ||
	    (r->xmit_ts.ns == s->xmit.ns && seq_gt(s->end, r->end_seq))) {
		r->xmit_ts = s->xmit;
		r->end_seq = s->end;
	}
	r->rtt_ns = mono_since(now, s->xmit);
	if (r->rtt_ns <= 0)
		r->rtt_ns = 1;
}

/* Step 4, first half: a round with a DSACK widens the window. */
static void adapt(struct rack *r, const struct scoreboard *sb, bool dsack)
{
	if (r->has_dsack_round && seq_geq(sb->f.una, r->dsack_round))
		r->has_dsack_round = false;
	if (r->has_dsack_round || !dsack)
		return;
	r->has_dsack_round = true;
	r->dsack_round = sb_end(sb);
	if (r->reo_wnd_mult < UINT8_MAX)
		r->reo_wnd_mult++;
	r->reo_wnd_persist = RACK_REO_WND_PERSIST;
}

void rack_ack(struct rack *r, const struct scoreboard *sb,
    const struct sb_news *news, struct mono now)
{
	update_segment(r, news, now);
	adapt(r, sb, news->dsack);
}

void rack_recovery_ended(struct rack *r)
{
	if (r->reo_wnd_persist > 0)
		r->reo_wnd_persist--;
	if (r->reo_wnd_persist == 0)
		r->reo_wnd_mult = 1;
}

/* Step 4, second half. */
static int64_t reo_wnd(const struct rack *r, const struct scoreboard *sb,
    const struct rack_env *env)
{
	int64_t wnd = r->reo_wnd_mult * (env->min_rtt_ns / 4);

	if (!r->reordering_seen) {
		if (env->in_recovery)
			return 0;
		if (sb_segs_sacked(sb, env->smss) >= SB_DUP_THRESH)
			return 0;
	}
	return wnd < env->srtt_ns ? wnd : env->srtt_ns;
}

uint32_t rack_detect_loss(struct rack *r, struct scoreboard *sb,
    const struct rack_env *env, struct mono *deadline)
{
	int64_t timeout_ns = 0;
	uint32_t lost = 0;

	r->reo_wnd_ns = reo_wnd(r, sb, env);
	if (r->rtt_ns > 0)
		lost = sb_mark_by_time(sb, r->xmit_ts, r->end_seq,
		    r->rtt_ns + r->reo_wnd_ns, env->now, &timeout_ns);
	*deadline =
	    timeout_ns > 0 ? mono_add(env->now, timeout_ns) : MONO_NEVER;
	return lost;
}

uint32_t rack_timeout(struct rack *r, struct scoreboard *sb,
    const struct rack_env *env, bool again)
{
	/* Without any delivery nothing is known: then all is lost. */
	int64_t wait_ns = r->rtt_ns > 0 ? r->rtt_ns + r->reo_wnd_ns : 0;

	return sb_timeout(sb, env->smss, wait_ns, again, env->now);
}
