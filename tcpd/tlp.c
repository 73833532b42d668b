/*
 * tlp.c - tail loss probes (RFC 8985, section 7)
 */
#include "tcpd/rack.h"

void tlp_init(struct tlp *t)
{
	/* The samples stay: condition 2 of 7.3 is about the connection. */
	t->pending = false;
	t->is_retrans = false;
}

bool tlp_may_arm(const struct scoreboard *sb, bool in_recovery)
{
	return !in_recovery && sb->f.n > 0 && sb_sacked(sb) == 0;
}

struct mono tlp_deadline(const struct rtt *rtt, bool one_segment,
    int64_t max_ack_delay_ns, struct mono rto, struct mono now)
{
	int64_t pto = (int64_t)TLP_NO_RTT_MS * NS_PER_MS;

	if (rtt->srtt_ns > 0)
		pto = 2 * rtt->srtt_ns + (one_segment ? max_ack_delay_ns : 0);
	return mono_min(mono_add(now, pto), rto);
}

enum tlp_probe tlp_timer(
    const struct tlp *t, const struct rtt *rtt, bool has_unsent)
{
	if (t->pending || rtt->samples == t->samples)
		return TLP_NONE;
	return has_unsent ? TLP_NEW : TLP_LAST;
}

void tlp_sent(
    struct tlp *t, enum tlp_probe what, tcp_seq snd_nxt, const struct rtt *rtt)
{
	t->end_seq = snd_nxt;
	t->samples = rtt->samples;
	t->pending = true;
	t->is_retrans = what == TLP_LAST;
}

bool tlp_ack(
    struct tlp *t, tcp_seq ack, const struct sb_news *news, bool duplicate)
{
	bool repaired = false;

	if (!t->pending || seq_lt(ack, t->end_seq))
		return false;
	if (!t->is_retrans) {
		t->pending = false; /* it was new data, and is delivered */
	} else if (news->dsack && seq_eq(news->duplicate.right, t->end_seq)) {
		t->pending = false; /* case 1: both copies arrived */
	} else if (seq_gt(ack, t->end_seq)) {
		t->pending = false;
		repaired = true;
	} else if (duplicate) {
		t->pending = false; /* case 2, no DSACK there */
	}
	return repaired;
}
