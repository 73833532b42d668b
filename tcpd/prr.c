/*
 * prr.c - Proportional Rate Reduction
 */
#include "tcpd/prr.h"

void prr_begin(struct prr *p, uint32_t ssthresh, uint32_t flight_size,
    uint32_t sacked, uint32_t delivered, bool sack)
{
	*p = (struct prr){
		.recover_fs = flight_size - sacked + delivered,
		.ssthresh = ssthresh,
		.sack = sack,
	};
	/* Only divided by; without anything outstanding nothing is lost. */
	if (p->recover_fs == 0)
		p->recover_fs = 1;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Proportional: prr_out follows prr_delivered as ssthresh does RecoverFS. */
static int64_t proportional(const struct prr *p)
{
	uint64_t out =
	    ((uint64_t)p->delivered * p->ssthresh + p->recover_fs - 1) /
	    p->recover_fs;

	return (int64_t)out - p->out;
}

/* PRR-CRB, or PRR-SSRB when all goes well: towards ssthresh, not beyond. */
static int64_t bound(const struct prr *p, const struct prr_ack *a)
{
	int64_t cnt = max64((int64_t)p->delivered - p->out, a->delivered);

	if (a->safe)
		cnt += a->smss;
	return min64((int64_t)p->ssthresh - a->in_flight, cnt);
}

uint32_t prr_ack(struct prr *p, const struct prr_ack *a, uint32_t cwnd)
{
	int64_t cnt;
	uint32_t room = p->recover_fs - p->delivered;
	uint32_t delivered = a->delivered;

	/* 6.2: duplicate ACKs made up by the peer gain it nothing. */
	if (!p->sack && delivered > room)
		delivered = room;
	if (delivered == 0)
		return cwnd;
	p->delivered += delivered;
	cnt = a->in_flight > p->ssthresh ? proportional(p) : bound(p, a);
	/*
	 * Force a fast retransmit upon entering recovery.  The RFC does so if
	 * it is 0; but a part of a segment is not sent either.
	 */
	if (p->out == 0 && cnt < a->smss)
		cnt = a->smss;
	/* More went out than is due (a probe, say): wait. */
	return (uint32_t)min64(a->in_flight + max64(cnt, 0), UINT32_MAX);
}

void prr_sent(struct prr *p, uint32_t len)
{
	p->out += len;
}

uint32_t prr_end(const struct prr *p)
{
	return p->ssthresh;
}
