/*
 * paws.c - protection against wrapped sequence numbers
 */
#include "tcpd/paws.h"

void paws_begin(struct paws *p, uint32_t ts_val, struct mono now)
{
	*p = (struct paws){
		.recent_at = now, .ts_recent = ts_val, .used = true
	};
}

/* Is TS.Recent beyond what the sign of a difference can tell? */
static bool outdated(const struct paws *p, struct mono now)
{
	return mono_since(now, p->recent_at) >
	    PAWS_OUTDATED_S * (int64_t)NS_PER_S;
}

static bool older(const struct paws *p, uint32_t ts_val)
{
	return (int32_t)(ts_val - p->ts_recent) < 0;
}

enum paws_verdict paws_judge(const struct paws *p, bool rst, bool has_ts,
    uint32_t ts_val, struct mono now)
{
	/* 5.2: an RST must not be subjected to this check. */
	if (!p->used || rst)
		return PAWS_OK;
	if (!has_ts)
		return PAWS_MISSING;
	if (older(p, ts_val) && !outdated(p, now))
		return PAWS_OLD;
	return PAWS_OK;
}

void paws_update(struct paws *p, uint32_t ts_val, tcp_seq seq,
    tcp_seq last_ack_sent, struct mono now)
{
	if (!p->used || seq_gt(seq, last_ack_sent))
		return;
	if (older(p, ts_val) && !outdated(p, now))
		return;
	p->ts_recent = ts_val;
	p->recent_at = now;
}
